"""Treatment away 异地就医 in a home: the three roles of a month by region, the accounts between places (S908-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.ledger.accounts import accounts, fund_of
from tongpin.payment.ledger.elsewhere import by_role, lines_of_bills
from tongpin.payment.ledger.journal import BANK, MONTH, open_journal
from tongpin.payment.ledger.sources import own_bills
from tongpin.payment.month.run import closed_run

if TYPE_CHECKING:
    from tongpin.store.home import Home

BETWEEN = ("1201", "2101", "2102")
"""What insured places owe, what is owed to places of treatment, and the difference account."""
_LINE_COLUMNS = (
    "period",
    "institution_code",
    "fund",
    "insured_region",
    "line_sign",
    "pool_payable_fen",
    "item_pool_fen",
)


class Elsewhere(NamedTuple):
    """A month: rows by role (`ROLE_SCHEMA`), the accounts between places, the manifest of the month, notes.

    A row of `standings` has account, label, fund_label and, in fen in the direction of the account, opening, added,
    settled (bank) and closing.
    """

    month: str
    roles: pa.Table
    standings: tuple[dict[str, Any], ...]
    manifest: dict[str, Any]
    notes: tuple[str, ...]


def elsewhere_in_home(home: Home, month: str, region: str, area: str | None = None) -> Elsewhere:
    """Who was treated where in a closed month, by region, hospital and fund; and what stands between the places.

    PolicyError `ledger.region` for a list without insured region, `ledger.bill` for a bill that is not of this place.
    """
    closed = closed_run(home, month, area)
    own = closed.manifest["area"]
    lines = closed.settlement.lines.select(list(_LINE_COLUMNS))
    treated = lines.append_column("treatment_region", pa.array([region] * lines.num_rows, pa.string()))
    bills = own_bills(home, own, month)
    parts = [by_role(one, region) for one in (treated, lines_of_bills(bills, region)) if one.num_rows]
    journal = open_journal(home)
    postings = journal.of_area(own)
    banked = journal.of_runs({row["run"] for row in journal.standing(own, kind=BANK)})
    notes = [] if bills.num_rows else [f"{month} 没有装载异地账单，本地在外就医没有数"]
    stood = journal.standing(own, month, MONTH)
    if not (stood and stood[0]["subject"]):
        notes.append(f"{month} 还没有带 --region 记账，往来科目里没有本月的数")
    return Elsewhere(
        month, pa.concat_tables(parts), tuple(_standings(postings, banked, month)), closed.manifest, tuple(notes)
    )


def _standings(postings: pa.Table, banked: pa.Table, month: str) -> list[dict[str, Any]]:
    rows = []
    chosen = postings.filter(pc.is_in(postings["account"], pa.array(BETWEEN)))
    for account in BETWEEN:
        sign = 1 if accounts()[account].kind == "asset" else -1
        for fund in sorted(set(chosen.filter(pc.equal(chosen["account"], account))["fund"].to_pylist())):
            opening = sign * _sum(chosen, account, fund, pc.less(chosen["month"], month))
            moved = sign * _sum(chosen, account, fund, pc.equal(chosen["month"], month))
            settled = sign * _sum(banked, account, fund, pc.equal(banked["month"], month))
            rows.append(
                {
                    "account": account,
                    "label": accounts()[account].label,
                    "fund_label": fund_of(fund).label,
                    "opening_fen": opening,
                    "added_fen": moved - settled,
                    "settled_fen": settled,
                    "closing_fen": opening + moved,
                }
            )
    return rows


def _sum(postings: pa.Table, account: str, fund: str, mask: Any) -> int:
    """Debit less credit of an account and fund where a mask holds."""
    own = pc.and_(pc.equal(postings["account"], account), pc.equal(postings["fund"], fund))
    rows = postings.filter(pc.and_(own, mask))
    debit, credit = (pc.sum(rows[name]).as_py() or 0 for name in ("debit_fen", "credit_fen"))
    return int(debit - credit)
