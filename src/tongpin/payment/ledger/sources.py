"""Sources 记账来源: rows of an area that posting rules take, from what is loaded and closed in a home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.payment.ledger.accounts import UNDIVIDED, fund_of, streams
from tongpin.payment.ledger.elsewhere import LOCAL_ELSEWHERE, by_role, lines_of_bills, of_role
from tongpin.payment.month.closed import areas_of, areas_routed, statements
from tongpin.payment.prepay.account import INSTANT
from tongpin.records.intake.load import DECISIONS, read_loaded
from tongpin.records.layouts.catalogue import layouts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.payment.prepay.account import Entry
    from tongpin.store.home import Home

BANK_LINES, BILLS = (layouts()[name].table for name in ("bank-line", "elsewhere-bill"))
DEDUCTED = "_deducted"
AUDIT = "audit_deduction"

ITEM_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("month", "institution_code", "fund", "purpose", "document")),
        ("amount_fen", pa.int64()),
    ]
)
"""Rows posted one by one: `document` says which row it is, `purpose` which rule takes it, amounts in fen."""


class Items(NamedTuple):
    """Rows to post (`ITEM_SCHEMA`) and notes for the clerk."""

    rows: pa.Table
    notes: tuple[str, ...] = ()


def own_rows(home: Home, table: str, area: str, kinds: Sequence[str] = ()) -> pa.Table:
    """The loaded rows of a layout (of some kinds of decision only) that concern an area.

    Its own and, where the home has one area, those that name none; PolicyError `ledger.area` when a row names no area
    though the home has several.
    """
    rows = read_loaded(home, table)
    if kinds:
        rows = rows.filter(pc.is_in(rows["kind"], pa.array(kinds)))
    several = len({*areas_of(home), *areas_routed(home)}) > 1
    nowhere = pc.is_null(rows["area"])
    if several and pc.any(nowhere).as_py():
        raise PolicyError(
            "ledger.area",
            f"有 {pc.sum(nowhere).as_py()} 行没有写统筹区，不知道记在哪一个统筹区的账上",
            where=f"{table}.area",
            hint="这个工作目录有几个统筹区：补上 area 一列",
        )
    own = pc.fill_null(pc.equal(rows["area"], area), False)
    return rows.filter(own if several else pc.or_(own, nowhere))


def statement_rows(statement: pa.Table) -> pa.Table:
    """A statement with what a short month left (`waiting_fen`) divided by the account it goes back to, in fen.

    First to the prepayment, then to the advance, as the prepayment account counts it; the rest waits.
    """
    prepay, instant, waiting = (
        statement[name].to_numpy() for name in ("prepay_offset_fen", "instant_advance_fen", "waiting_fen")
    )
    first = np.minimum(waiting, np.maximum(prepay, 0))
    second = np.minimum(waiting - first, np.maximum(instant, 0))
    parts = {"prepay_waiting_fen": first, "instant_waiting_fen": second, "other_waiting_fen": waiting - first - second}
    for name, amounts in parts.items():
        statement = statement.append_column(name, pa.array(amounts, pa.int64()))
    return statement


def year_rows(places: pa.Table, month: str) -> pa.Table:
    """Places of a clearing with what is shared, cut and retained told apart, in fen (S001-46...49)."""
    banded = places["banded_fen"].to_numpy()
    made = {
        "month": pa.array([month] * places.num_rows, pa.string()),
        "shared_fen": pa.array(np.maximum(banded, 0)),
        "cut_fen": pa.array(np.maximum(-banded, 0)),
        "retained_fen": pa.array(np.maximum(places["surplus_fen"].to_numpy(), 0)),
    }
    for name, column in made.items():
        places = places.append_column(name, column)
    debt = places["deposit_fen"].to_numpy() - places["balance_fen"].to_numpy()
    for name in ("decided_fen", "capped_fen", "rated_fen", "scaled_fen", "banded_fen", "assessed_fen"):
        debt = debt + places[name].to_numpy()
    return places.append_column("debt_fen", pa.array(debt))


def bank_items(home: Home, area: str, month: str) -> Items:
    """The bank lines of a month."""
    found = own_rows(home, BANK_LINES, area)
    chosen = found.filter(pc.and_(pc.equal(found["month"], month), pc.equal(found["book"], "bank")))
    columns = {name: chosen[name] for name in ITEM_SCHEMA.names if name != "document"}
    return Items(_items(columns | {"document": chosen["line_no"]}))


def stream_items(home: Home, area: str, month: str) -> Items:
    """The decisions of the four streams of returned money decided in a month (S003-12, S003-20, S003-21).

    One whose document the statements have deducted already, hospital and fund the same, is posted from that deduction;
    PolicyError `ledger.stream` when the two amounts differ. One without fund goes to the fund of what is not divided.
    """
    rows = own_rows(home, DECISIONS, area, [AUDIT, *streams()])
    deducted = _deducted(home, area, rows.filter(pc.equal(rows["kind"], AUDIT)).to_pylist())
    months = pc.strftime(pc.cast(rows["decided_date"], pa.timestamp("s")), "%Y-%m")
    chosen = rows.filter(pc.and_(pc.equal(months, month), pc.is_in(rows["kind"], pa.array(list(streams())))))
    decided = chosen.to_pylist()
    told: dict[tuple[Any, ...], int] = {}
    for row in decided:
        key = tuple(row[name] for name in _SAME)
        told[key] = told.get(key, 0) + row["amount_fen"]
    made, undivided = [], 0
    for row in decided:
        key = tuple(row[name] for name in _SAME)
        if key in deducted and deducted[key] != told[key]:
            raise PolicyError(
                "ledger.stream",
                f"机构 {row['institution_code']} 文号 {row['document']} 的{streams()[row['kind']][0]}"
                "与月结审核扣款金额不同",
                where="decision.amount",
                hint="同一笔钱两处写成一样；不是同一笔的，文号要分开",
            )
        undivided += row["fund"] is None
        made.append(
            {
                "month": month,
                "institution_code": row["institution_code"],
                "fund": row["fund"] or UNDIVIDED,
                "purpose": row["kind"] + DEDUCTED * (key in deducted),
                "document": decision_key(row),
                "amount_fen": row["amount_fen"],
            }
        )
    notes = (f"{undivided} 项退回没有写基金，记入“其他与未分清”",) if undivided else ()
    return Items(pa.Table.from_pylist(made, schema=ITEM_SCHEMA), notes)


_SAME = ("institution_code", "fund", "document")
_OF_STATEMENT = ("institution_code", "fund", "month")


def _deducted(home: Home, area: str, audits: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], int]:
    """What closed months deducted by hospital, fund and document; what was decided after the close was not taken."""
    stated = {
        tuple(row[name] for name in _OF_STATEMENT): row["audit_deduction_fen"]
        for row in statements(home, area).select([*_OF_STATEMENT, "audit_deduction_fen"]).to_pylist()
    }
    decided: dict[tuple[Any, ...], int] = {}
    for row in audits:
        key = tuple(row[name] for name in _OF_STATEMENT)
        decided[key] = decided.get(key, 0) + row["amount_fen"]
    found: dict[tuple[Any, ...], int] = {}
    for row in audits:
        place = tuple(row[name] for name in _OF_STATEMENT)
        if row["document"] and stated.get(place) == decided[place]:
            key = tuple(row[name] for name in _SAME)
            found[key] = found.get(key, 0) + row["amount_fen"]
    return found


def decision_key(row: dict[str, Any]) -> str:
    """Which decision a posting comes from: its kind, and the parts of its key that are filled."""
    names = ("kind", "document", "subject", "setl_id", "group_code", "month", "year")
    return "/".join(str(row[name]) for name in names if row[name] is not None)


def prepay_items(entries: Sequence[Entry], month: str) -> Items:
    """The entries of the prepayment account of a month (S907-01, S907-02)."""
    made = [
        {
            "month": month,
            "institution_code": one.institution_code,
            "fund": one.fund,
            "purpose": f"{'instant' if one.scheme == INSTANT else 'prepay'}_{one.kind}",
            "document": one.entry_id,
            "amount_fen": one.amount_fen,
        }
        for one in entries
        if one.month == month
    ]
    return Items(pa.Table.from_pylist(made, schema=ITEM_SCHEMA))


def own_bills(home: Home, area: str, month: str) -> pa.Table:
    """The bills of a month that came back from elsewhere."""
    bills = own_rows(home, BILLS, area)
    return bills.filter(pc.equal(bills["month"], month))


def away_rows(bills: pa.Table, region: str, posted: pa.Table) -> pa.Table:
    """What bills from elsewhere add to what is posted of their month, by hospital, fund and region (S908-01)."""
    roles = of_role(by_role(lines_of_bills(bills, region), region), LOCAL_ELSEWHERE)
    rows = roles.append_column("document", roles["region"])
    held: dict[tuple[str, str, str], int] = {}
    for row in posted.filter(pc.equal(posted["account"], PAYABLE_ELSEWHERE)).to_pylist():
        key = (row["institution_code"], row["fund"], row["document"])
        held[key] = held.get(key, 0) + row["credit_fen"] - row["debit_fen"]
    wanted = {
        (row["institution_code"], fund_of(row["fund"]).code, row["region"]): row["item_fen"] for row in rows.to_pylist()
    }
    months = pc.unique(bills["month"]).to_pylist()
    made = [
        {
            "month": months[0] if months else posted["month"][0].as_py(),
            **dict(zip(("institution_code", "fund", "document"), key, strict=True)),
            "item_fen": wanted.get(key, 0) - held.get(key, 0),
        }
        for key in sorted({*wanted, *held})
    ]
    schema = pa.schema([*(one for one in ITEM_SCHEMA if one.name not in {"purpose", "amount_fen"}), _ITEM])
    return pa.Table.from_pylist(made, schema=schema)


PAYABLE_ELSEWHERE = "2101"
_ITEM = pa.field("item_fen", pa.int64())


def _items(columns: dict[str, Any]) -> pa.Table:
    return pa.table([columns[name] for name in ITEM_SCHEMA.names], schema=ITEM_SCHEMA)
