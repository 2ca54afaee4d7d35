"""Books 账套: the balances of a year by book and account, and the four streams of returned money."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import check_balance
from tongpin.payment.ledger.accounts import accounts, books, streams
from tongpin.payment.ledger.closing import OPENING_EVENT
from tongpin.payment.ledger.vouchers import check_postings

BALANCE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("book", "book_label", "account", "account_label", "kind")),
        *((name, pa.int64()) for name in ("opening_fen", "debit_fen", "credit_fen", "closing_fen")),
    ]
)
"""One row per book and account. Balances are debit less credit for assets and expenses, credit less debit for the
others; incomes and expenses begin each year at zero."""

STREAM_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("kind", "label", "reference")),
        *((name, pa.int64()) for name in ("institutions", "count", "amount_fen")),
    ]
)
_SIDES = ("debit_fen", "credit_fen")
FUND_BALANCE = "3001"


def balances(postings: pa.Table, year: int) -> pa.Table:
    """Every account of every book in a year (`BALANCE_SCHEMA`), closed by the balance assertions (S003-18).

    `postings`: all that stand in one area, of this year and before (`POSTING_SCHEMA`). The result of earlier years
    stands in the opening of the fund balance; opening balances posted within the year open it. BalanceError when a
    book, or the trial balance of its openings or closings, does not balance.
    """
    check_postings(postings)
    is_opening = pc.equal(postings["event"], OPENING_EVENT)
    of_year = pc.and_(pc.greater_equal(postings["month"], f"{year}-01"), pc.less(postings["month"], f"{year + 1}-01"))
    before = pc.or_(pc.less(postings["month"], f"{year}-01"), pc.and_(of_year, is_opening))
    within = pc.and_(of_year, pc.invert(is_opening))
    opening, moved = _carried(_sums(postings.filter(before))), _sums(postings.filter(within))
    rows: list[dict[str, Any]] = []
    for key in sorted({*opening, *moved}):
        book, code = key
        account = accounts()[code]
        sign = 1 if account.kind in {"asset", "expense"} else -1
        debit, credit = moved.get(key, (0, 0))
        held = opening.get(key, (0, 0))
        start = sign * (held[0] - held[1])
        if start or debit or credit:
            rows.append(
                {
                    "book": book,
                    "book_label": books()[book],
                    "account": code,
                    "account_label": account.label,
                    "kind": account.kind,
                    "opening_fen": start,
                    "debit_fen": debit,
                    "credit_fen": credit,
                    "closing_fen": start + sign * (debit - credit),
                }
            )
    for book, label in books().items():
        own = [row for row in rows if row["book"] == book]
        debit, credit = (sum(row[name] for row in own) for name in _SIDES)
        check_balance("ledger.balance", f"账套{label} {year} 年借贷", debit, credit)
        for name, words in (("opening_fen", "年初"), ("closing_fen", "期末")):
            sides = [sum(row[name] for row in own if (row["kind"] in {"asset", "expense"}) is one) for one in _BOTH]
            check_balance("ledger.trial", f"账套{label} {year} 年{words}试算", *sides)
    return pa.Table.from_pylist(rows, schema=BALANCE_SCHEMA)


_BOTH = (True, False)


def _carried(sums: dict[tuple[str, str], tuple[int, int]]) -> dict[tuple[str, str], tuple[int, int]]:
    """The sums with incomes and expenses closed to the fund balance of their book."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for (book, code), (debit, credit) in sums.items():
        to = FUND_BALANCE if accounts()[code].kind in {"income", "expense"} else code
        held = found.get((book, to), (0, 0))
        found[book, to] = (held[0] + debit, held[1] + credit)
    return found


def _sums(postings: pa.Table) -> dict[tuple[str, str], tuple[int, int]]:
    sums = postings.group_by(["book", "account"]).aggregate([(name, "sum") for name in _SIDES])
    return {(row["book"], row["account"]): (row["debit_fen_sum"], row["credit_fen_sum"]) for row in sums.to_pylist()}


def stream_totals(decisions: pa.Table, year: int) -> pa.Table:
    """The four streams of returned money of a year (`STREAM_SCHEMA`); they overlap and are never added up.

    `decisions`: own layout `decision`; a decision belongs to the year of its date. Institutions are counted once each.
    Source: S003-12, S003-20, S003-21.
    """
    of_year = decisions.filter(pc.equal(pc.year(decisions["decided_date"]), year))
    rows = []
    for kind, (label, reference) in streams().items():
        own = of_year.filter(pc.equal(of_year["kind"], kind))
        rows.append(
            {
                "kind": kind,
                "label": label,
                "reference": reference,
                "institutions": pc.count_distinct(own["institution_code"]).as_py(),
                "count": own.num_rows,
                "amount_fen": pc.sum(own["amount_fen"]).as_py() or 0,
            }
        )
    return pa.Table.from_pylist(rows, schema=STREAM_SCHEMA)
