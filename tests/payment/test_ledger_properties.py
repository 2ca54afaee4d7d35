"""What always holds of the ledger: whatever is posted and reversed, books balance and no fen appears or disappears."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.payment.ledger.books import balances
from tongpin.payment.ledger.vouchers import POSTING_SCHEMA, reversed_postings, vouchers
from tongpin.payment.month.statement import DECISION_KINDS, STATEMENT_SCHEMA

FEN = st.integers(-(10**12), 10**12)
CLAIMS = [*(f"{kind}_fen" for kind in DECISION_KINDS), "deposit_fen"]
PARTS = ["month_pool_payable_fen", "month_floored_fen", "floor_recovered_fen", "debt_fen", "waiting_fen", *CLAIMS]
MONTHS = ["2024-11", "2024-12", "2025-01", "2025-02"]


@st.composite
def statements(draw: Any) -> list[pa.Table]:
    """A statement per month; hospitals and funds as they come, every row with the identity of step 7."""
    made = []
    for month in MONTHS:
        places = draw(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(["310", "390"])), unique=True))
        rows = []
        for institution, fund in places:
            part = {name: draw(FEN) for name in PARTS}
            due = part["month_pool_payable_fen"] + part["month_floored_fen"] - part["floor_recovered_fen"]
            cash = due + part["debt_fen"] + part["waiting_fen"] - sum(part[name] for name in CLAIMS)
            row = {one.name: None for one in STATEMENT_SCHEMA} | part
            rows.append(
                row | {"institution_code": institution, "fund": fund, "month": month, "cash_transfer_fen": cash}
            )
        made.append(pa.Table.from_pylist(rows, schema=STATEMENT_SCHEMA))
    return made


@settings(max_examples=40, deadline=None)
@given(statements(), st.lists(st.integers(0, 3), max_size=12))
def test_any_months_and_reversals_balance(months, moves):
    """A move posts its month where it does not stand, else reverses it."""
    parts, standing = [POSTING_SCHEMA.empty_table()], {}
    for number, place in enumerate(moves, start=1):
        if place in standing:
            parts.append(reversed_postings(standing.pop(place), number))
        else:
            standing[place] = vouchers("statement", months[place], number)
            parts.append(standing[place])
    postings = pa.concat_tables(parts)
    rows = {year: balances(postings, year).to_pylist() for year in (2024, 2025)}
    for book, fund in (("employee", "310"), ("resident", "390")):
        whole = dict.fromkeys([*PARTS, "cash_transfer_fen"], 0)
        for place in standing:
            own = months[place].filter(pc.equal(months[place]["fund"], fund))
            for name in whole:
                whole[name] += pc.sum(own[name]).as_py() or 0
        last = {row["account"]: row["closing_fen"] for row in rows[2025] if row["book"] == book}
        assert last.get("2002", 0) == whole["cash_transfer_fen"]
        assert last.get("2003", 0) == whole["deposit_fen"]
        assert last.get("2001", 0) == 0
        assert last.get("1104", 0) == whole["debt_fen"] - whole["carried_debt_fen"]
        spent = sum(
            row["closing_fen"] for year in rows for row in rows[year] if (row["book"], row["kind"]) == (book, "expense")
        )
        due = whole["month_pool_payable_fen"] + whole["month_floored_fen"] - whole["floor_recovered_fen"]
        assert spent == due


@given(statements())
def test_a_posting_has_one_side(months):
    for month in months:
        made = vouchers("statement", month, 1)
        sides = zip(made["debit_fen"].to_pylist(), made["credit_fen"].to_pylist(), strict=True)
        assert all((one > 0) != (other > 0) and min(one, other) == 0 for one, other in sides)
