"""Reconciliation 对账: HIS settlement, list, group, payment, bank by day, with the cases that differ (S901-07)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.ledger.accounts import fund_of
from tongpin.payment.ledger.payers import paid_units
from tongpin.payment.month.posting import list_keys

SIDES: dict[str, str] = {"his": "HIS结算", "list": "清单", "group": "分组", "payment": "支付"}
"""The records that are compared case by case, in the order in which they come about."""
TRANSFER = "拨付"
"""The purpose of a bank line that pays the transfer of a month."""

_MEASURES = ("count", "fee_fen", "pool_fen")
_AMOUNTS = tuple(f"{side}_{name}" for side in SIDES for name in _MEASURES)
_PLACE = ("institution_code", "day")
DAY_SCHEMA = pa.schema(
    [("institution_code", pa.string()), ("day", pa.date32()), *((name, pa.int64()) for name in _AMOUNTS)]
)
"""Per hospital and settlement day: how many, their total fee and their pool part by item, as each record has it."""
CASE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "case_id")),
        ("day", pa.date32()),
        ("between", pa.string()),
        *((name, pa.int64()) for name in _AMOUNTS),
    ]
)
"""A case that two neighbouring records tell differently; `between` names the pairs."""
BANK_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "fund", "purpose")),
        *((name, pa.int64()) for name in ("payment_fen", "fund_book_fen", "bank_fen")),
        ("differs", pa.bool_()),
    ]
)
"""Per hospital, fund and purpose: the transfer of the statement (null for other purposes), fund book and bank."""


class Reconciled(NamedTuple):
    """Days (`DAY_SCHEMA`), cases that differ, bank rows, and the records of which the month holds nothing."""

    days: pa.Table
    cases: pa.Table
    bank: pa.Table
    missing: tuple[str, ...]


def reconcile(
    month: str,
    his: pa.Table,
    lists: pa.Table,
    grouped: pa.Table,
    lines: pa.Table,
    statement: pa.Table,
    bank_lines: pa.Table,
) -> Reconciled:
    """The records of the cases settled in `month` compared, and its transfers with fund book and bank (S901-07).

    `his`, `lists`, `grouped`: `institution_code, case_id, settlement_date, total_fee_fen, pool_pay_fen`, without
    withdrawn lists, `grouped` only lists that a group took; `lines`: posted lines of any month; `statement` and
    `bank_lines` of the month. Lists of one stay that were paid together are compared as one case. A record without
    any row is told as missing and compared with nothing.
    """
    units = paid_units(lines)
    place = lines.column_names.index("pool_pay_fen")
    standing = lines.set_column(place, "pool_pay_fen", lines["item_pool_fen"])
    owner = list_keys(lines, "case_id").take(pa.array(units.line))
    found = {"his": his, "list": lists, "group": grouped}
    sides = [_side(name, table, units.lists, owner, month) for name, table in found.items()]
    # A case paid in two months (red and blue lines) counts as often as it stands.
    paid = _of_month(standing, month)
    sides.append(_counted("payment", list_keys(paid, "case_id"), paid, paid["line_sign"]))
    missing = tuple(name for name, side in zip(SIDES, sides, strict=True) if not side.num_rows)
    cases = _together(sides)
    present = [name for name in SIDES if name not in missing]
    apart = [_apart(cases, left, right) for left, right in pairwise(present)]
    names = [f"{SIDES[left]}↔{SIDES[right]}" for left, right in pairwise(present)]
    between = [
        "、".join(name for name, mask in zip(names, row, strict=True) if mask)
        for row in (np.stack(apart, axis=1).tolist() if apart else [[]] * cases.num_rows)
    ]
    cases = cases.append_column("between", pa.array(between, pa.string()))
    differing = cases.filter(pc.not_equal(cases["between"], ""))
    days = cases.group_by(list(_PLACE)).aggregate([(name, "sum") for name in _AMOUNTS])
    days = days.rename_columns({f"{name}_sum": name for name in _AMOUNTS}).select(DAY_SCHEMA.names).cast(DAY_SCHEMA)
    order = [(name, "ascending") for name in _PLACE]
    bank = _bank(statement, bank_lines)
    return Reconciled(
        days.sort_by(order),
        differing.select(CASE_SCHEMA.names).cast(CASE_SCHEMA).sort_by([*order, ("case_id", "ascending")]),
        bank,
        (*missing, *(("bank",) if not bank_lines.num_rows else ())),
    )


def _of_month(table: pa.Table, month: str) -> pa.Table:
    days = pc.strftime(pc.cast(table["settlement_date"], pa.timestamp("s")), "%Y-%m")
    return table.filter(pc.fill_null(pc.equal(days, month), False))


def _side(name: str, table: pa.Table, lists: Any, owner: Any, month: str) -> pa.Table:
    """A record by case: a list paid with others counts for the case that the line pays."""
    chosen = _of_month(table, month)
    own = list_keys(chosen, "case_id")
    keys = pc.coalesce(owner.take(pc.index_in(own, value_set=lists, skip_nulls=True)), own)
    return _counted(name, keys, chosen, pa.array(np.ones(chosen.num_rows, np.int64)))


def _counted(name: str, keys: Any, table: pa.Table, count: Any) -> pa.Table:
    made = pa.table(
        {
            "key": keys,
            "institution_code": table["institution_code"],
            "day": table["settlement_date"],
            f"{name}_count": count,
            f"{name}_fee_fen": pc.fill_null(table["total_fee_fen"], 0),
            f"{name}_pool_fen": pc.fill_null(table["pool_pay_fen"], 0),
        }
    )
    amounts = [f"{name}_{one}" for one in _MEASURES]
    found = made.group_by("key").aggregate(
        [("institution_code", "max"), ("day", "max"), *((one, "sum") for one in amounts)]
    )
    return found.rename_columns(["key", *_PLACE, *amounts])


def _together(sides: list[pa.Table]) -> pa.Table:
    """The records side by side, zero where one does not have the case; the lists of a stay count as one."""
    parts = pa.concat_tables(sides, promote_options="default")
    names = [name for name in parts.column_names if name not in {"key", *_PLACE}]
    joined = parts.group_by("key").aggregate(
        [("institution_code", "max"), ("day", "max"), *((n, "sum") for n in names)]
    )
    joined = joined.rename_columns(["key", *_PLACE, *names])
    columns: dict[str, Any] = {name: joined[name] for name in ("key", *_PLACE)}
    for name in _AMOUNTS:
        value = pc.fill_null(joined[name], 0) if name in names else pa.array(np.zeros(joined.num_rows, np.int64))
        columns[name] = pc.min_element_wise(value, 1) if name.endswith("_count") else value
    made = pa.table(columns)
    return made.append_column("case_id", pc.list_element(pc.split_pattern(made["key"], "\x1f"), 1))


def _apart(cases: pa.Table, left: str, right: str) -> Any:
    """Where two records tell a case differently."""
    return np.any(
        [np.asarray(cases[f"{left}_{one}"]) != np.asarray(cases[f"{right}_{one}"]) for one in _MEASURES], axis=0
    )


def _bank(statement: pa.Table, bank_lines: pa.Table) -> pa.Table:
    """Transfers against fund book and bank; where no bank line was loaded at all nothing differs yet."""
    sums: dict[tuple[str, str, str], dict[str, int]] = {}
    for row in statement.select(["institution_code", "fund", "cash_transfer_fen"]).to_pylist():
        own = sums.setdefault((row["institution_code"], fund_of(row["fund"]).code, TRANSFER), {})
        own["payment"] = own.get("payment", 0) + row["cash_transfer_fen"]
    for row in bank_lines.select(["book", "institution_code", "fund", "purpose", "amount_fen"]).to_pylist():
        own = sums.setdefault((row["institution_code"], fund_of(row["fund"]).code, row["purpose"] or ""), {})
        own[row["book"]] = own.get(row["book"], 0) + row["amount_fen"]
    rows = []
    for (institution, fund, purpose), own in sorted(sums.items()):
        held = [own.get("fund", 0), own.get("bank", 0)]
        held += [own.get("payment", 0)] if purpose == TRANSFER else []
        payment = own.get("payment", 0) if purpose == TRANSFER else None
        rows.append(
            {
                "institution_code": institution,
                "fund": fund,
                "purpose": purpose,
                "payment_fen": payment,
                "fund_book_fen": held[0],
                "bank_fen": held[1],
                "differs": bool(bank_lines.num_rows) and len(set(held)) > 1,
            }
        )
    return pa.Table.from_pylist(rows, schema=BANK_SCHEMA)
