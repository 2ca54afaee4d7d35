"""List money 清单金额: the fees and the payers of settlement lists, in fen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import parse_yuan, yuan
from tongpin.records.columns import LARGEST_FEN
from tongpin.records.readers.list_messages import MISSING, json_text, node_code
from tongpin.records.tables import dictionary

if TYPE_CHECKING:
    from tongpin.records.assemble import Raw

BUCKETS = ("drug", "consumable", "exam", "service")
CLASSES = ("claa_sumfee", "clab_amt", "fulamt_ownpay_amt", "oth_amt")
PAYERS = ("pool", "other", "account")
PATIENT_SHARES = {"patient": ("psn_selfpay", "psn_ownpay"), "account": ("acct_pay",)}


class _Amounts:
    """Amounts of nodes in fen; good texts are remembered, since most amounts of a list stand in it twice."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw
        self._known: dict[str, int] = {}

    def fen(self, row: int, value: Any, node: str, field: str, place: int | None = None) -> int:
        """The amount in fen, 0 where there is none; what is no amount, or a negative one, is noted."""
        if type(value) is str:
            known = self._known.get(value)
            if known is not None:
                return known
        if value in MISSING:
            return 0
        path = f"{node}.{field}" if place is None else f"{node}[{place}].{field}"
        amount = _fen(value)
        if amount is None:
            self._raw.sheet.note("REC-N001", row, path, str(value))
            return 0
        if amount < 0:
            self._raw.sheet.note("REC-F001", row, path, str(value))
        elif type(value) is str:
            self._known[value] = amount
        return amount


def _fen(value: Any) -> int | None:
    """An amount in fen; None where the value is none, or beyond all reason."""
    try:
        amount = parse_yuan(json_text(value) or "")
    except (ValueError, ArithmeticError):
        return None
    return amount if abs(amount) <= LARGEST_FEN else None


def fees(raw: Raw, messages: list[dict[str, Any]]) -> None:
    """Total fee and its parts from `iteminfo`, all missing where the list has no such node."""
    categories = dictionary("med_chrgitm_type")
    sums: dict[str, list[int | None]] = {name: [] for name in BUCKETS}
    amounts = _Amounts(raw)
    for row, message in enumerate(messages):
        items = message["iteminfo"]
        parts = dict.fromkeys(BUCKETS, 0)
        for place, node in enumerate(items):
            category = node_code(node, "med_chrgitm")
            bucket = categories.get(category.zfill(2))
            if bucket is None:
                raw.sheet.note("REC-U001", row, f"iteminfo[{place}].med_chrgitm", category)
                bucket = "service"
            amount = amounts.fen(row, node.get("amt"), "iteminfo", "amt", place)
            parts[bucket] += amount
            given = [node.get(name) for name in CLASSES]
            if None in given or "" in given:
                continue
            classes = sum(
                [amounts.fen(row, one, "iteminfo", name, place) for one, name in zip(given, CLASSES, strict=True)]
            )
            if classes != amount and not raw.sheet.left_out[row]:
                raw.sheet.note("REC-S004", row, f"iteminfo[{place}]", f"{yuan(classes)} ≠ {yuan(amount)}")
        for name in BUCKETS:
            sums[name].append(parts[name] if items else None)
    parts_fen = {name: pa.array(values, pa.int64()) for name, values in sums.items()}
    total = pc.add(pc.add(parts_fen["drug"], parts_fen["consumable"]), pc.add(parts_fen["exam"], parts_fen["service"]))
    raw.ready |= {f"{name}_fee_fen": values for name, values in parts_fen.items()}
    raw.ready["total_fee_fen"] = total


def payers(raw: Raw, messages: list[dict[str, Any]], heads: list[dict[str, Any]]) -> None:
    """Patient, account, pool and other funds; the account is part of the patient's share, never a further payer.

    The funds are missing where the list has no `payinfo` (4101A), the patient's share where it is not written.
    """
    roles = dictionary("fund_pay_type")
    sums: dict[str, list[int | None]] = {name: [] for name in PAYERS}
    amounts = _Amounts(raw)
    for row, message in enumerate(messages):
        funds = message["payinfo"]
        parts = dict.fromkeys(PAYERS, 0)
        for place, node in enumerate(funds):
            fund = node_code(node, "fund_pay_type")
            role = roles.get(fund)
            if role is None:
                raw.sheet.note("REC-U001", row, f"payinfo[{place}].fund_pay_type", fund)
                role = "other"
            parts[role] += amounts.fen(row, node.get("fund_payamt"), "payinfo", "fund_payamt", place)
        for name in PAYERS:
            sums[name].append(parts[name] if funds else None)
    own: dict[str, list[int | None]] = {share: [] for share in PATIENT_SHARES}
    for row, head in enumerate(heads):
        for share, names in PATIENT_SHARES.items():
            given = [name for name in names if head.get(name) not in MISSING]
            paid = [amounts.fen(row, head[name], "setlinfo", name) for name in given]
            own[share].append(sum(paid) if given else None)
    raw.ready |= {
        "patient_pay_fen": pa.array(own["patient"], pa.int64()),
        "account_pay_fen": pa.array(own["account"], pa.int64()),
        "pool_pay_fen": pa.array(sums["pool"], pa.int64()),
        "other_fund_pay_fen": pa.array(sums["other"], pa.int64()),
    }
