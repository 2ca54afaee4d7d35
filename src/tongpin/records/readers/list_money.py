"""List money 清单金额: the fees and the payers of settlement lists, in fen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import yuan
from tongpin.records.case import columns
from tongpin.records.formats.tables import dictionary

if TYPE_CHECKING:
    from tongpin.records.case.assemble import Raw
    from tongpin.records.readers.list_columns import Node

BUCKETS = ("drug", "consumable", "exam", "service")
CLASSES = ("claa_sumfee", "clab_amt", "fulamt_ownpay_amt", "oth_amt")
CLASS_FIELDS = ("class_a_fen", "class_b_fen", "own_pay_fen", "other_fen")
NOTHING = pa.scalar(None, pa.int64())


def fees(raw: Raw, node: Node) -> None:
    """`fees`, the total fee and its parts from `iteminfo`; parts are missing where the list has no such node."""
    category = pc.utf8_lpad(node.texts("med_chrgitm"), 2, padding="0")
    amount = node.take("amt")
    classes = [node.take(field) for field in CLASSES]
    bucket = _translated(node, "med_chrgitm", category, "med_chrgitm_type", "service")
    kept = node.written()
    fields = {"category": category, "amount_fen": amount, **dict(zip(CLASS_FIELDS, classes, strict=True))}
    raw.ready["fees"] = node.build("fees", kept, fields)
    _check_classes(raw, node, amount, classes)
    known = np.bincount(node.parents[kept], minlength=raw.size) > 0
    total = np.zeros(raw.size, dtype=np.int64)
    for name in BUCKETS:
        part = node.sums(pc.if_else(pc.equal(bucket, name), amount, NOTHING))
        total += part
        raw.ready[f"{name}_fee_fen"] = pa.array(part, mask=~known)
    raw.ready["total_fee_fen"] = pa.array(total, mask=~known)


def _translated(node: Node, field: str, codes: Any, name: str, otherwise: str) -> Any:
    """Codes through a dictionary; one outside it, or none at all, is noted and counts as `otherwise`."""
    known = dictionary(name)
    index = pc.index_in(codes, value_set=pa.array(list(known), pa.string()))
    unknown = columns.mask(pc.is_null(index)) & node.written()
    node.note("REC-U001", unknown, field)
    return pc.fill_null(pa.array(list(known.values()), pa.string()).take(index), otherwise)


def _check_classes(raw: Raw, node: Node, amount: Any, classes: list[Any]) -> None:
    """甲、乙、自费、其他 of an item sum to its amount, where all four are written (REC-S004)."""
    summed = pc.add(pc.add(classes[0], classes[1]), pc.add(classes[2], classes[3]))
    wrong = columns.mask(pc.not_equal(summed, amount)) & ~raw.sheet.left_out[node.parents]
    node.note("REC-S004", wrong, "", lambda one: f"{yuan(summed[one].as_py())} ≠ {yuan(amount[one].as_py())}")


def payers(raw: Raw, node: Node, head: Node) -> None:
    """`payers`, and of the core: patient, account, pool and other funds (S900-05).

    The account is part of the patient's share, never a further payer, though `payinfo` may name it too. The funds are
    missing where the list has no `payinfo` (4101A), the patient's share where it is not written.
    """
    fund, amount = node.texts("fund_pay_type"), node.take("fund_payamt")
    role = _translated(node, "fund_pay_type", fund, "fund_pay_type", "other")
    kept = node.written()
    raw.ready["payers"] = node.build("payers", kept, {"fund": fund, "amount_fen": amount})
    known = np.bincount(node.parents[kept], minlength=raw.size) > 0
    sums = {name: node.sums(pc.if_else(pc.equal(role, name), amount, NOTHING)) for name in ("pool", "other", "account")}
    for name, column in (("pool", "pool_pay_fen"), ("other", "other_fund_pay_fen")):
        raw.ready[column] = pa.array(sums[name], mask=~known)
    in_funds = node.sums(pc.equal(role, "account").cast(pa.int64())) > 0
    for field in ("psn_selfpay", "psn_ownpay", "acct_pay", "psn_cashpay"):
        raw.ready[HEAD_MONEY[field]] = head.take(field)
    account = pc.coalesce(raw.ready["account_pay_fen"], pa.array(sums["account"], mask=~in_funds))
    raw.ready["account_pay_fen"] = account
    raw.ready["patient_pay_fen"] = _patient(raw, account)


HEAD_MONEY = {
    "psn_selfpay": "self_pay_fen",
    "psn_ownpay": "own_pay_fen",
    "acct_pay": "account_pay_fen",
    "psn_cashpay": "cash_pay_fen",
}


def _patient(raw: Raw, account: Any) -> Any:
    """What the patient pays: account and cash where cash is written, else 自付 and 自费; both written differ: noted."""
    self_pay, own_pay, cash = (raw.ready[name] for name in ("self_pay_fen", "own_pay_fen", "cash_pay_fen"))
    named = pc.or_(pc.is_valid(self_pay), pc.is_valid(own_pay))
    shares = pc.if_else(named, pc.add(pc.fill_null(self_pay, 0), pc.fill_null(own_pay, 0)), NOTHING)
    paid = pc.add(cash, pc.fill_null(account, 0))
    differs = columns.mask(pc.not_equal(shares, paid)) & ~raw.sheet.left_out
    for row in np.flatnonzero(differs):
        shown = f"{yuan(shares[int(row)].as_py())} ≠ {yuan(paid[int(row)].as_py())}"
        raw.sheet.note("REC-S008", int(row), "setlinfo.psn_cashpay", shown)
    return pc.coalesce(paid, shares)
