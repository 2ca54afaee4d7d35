"""What always holds of the ledger: whatever is posted and reversed, books balance and no fen appears or disappears."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.base.errors import PolicyError
from tongpin.payment.ledger.alliance import SETTLEMENT, divided
from tongpin.payment.ledger.alliance_run import moved_rows
from tongpin.payment.ledger.books import balances
from tongpin.payment.ledger.sources import statement_rows
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
            standing[place] = vouchers("statement", statement_rows(months[place]), number, "east")
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
        made = vouchers("statement", statement_rows(month), 1, "east")
        sides = zip(made["debit_fen"].to_pylist(), made["credit_fen"].to_pylist(), strict=True)
        assert all((one > 0) != (other > 0) and min(one, other) == 0 for one, other in sides)


@given(statements())
def test_what_a_short_month_left_is_divided_to_the_fen(months):
    for month in months:
        rows = statement_rows(month.filter(pc.greater_equal(month["waiting_fen"], 0)))
        for row in rows.to_pylist():
            parts = [row[name] for name in ("prepay_waiting_fen", "instant_waiting_fen", "other_waiting_fen")]
            assert sum(parts) == row["waiting_fen"]
            assert min(parts) >= 0
            assert parts[0] <= max(row["prepay_offset_fen"], 0)


RESULTS = st.integers(-(10**9), 10**12)


@given(st.integers(0, 10**13), st.lists(st.tuples(RESULTS, RESULTS), min_size=1, max_size=9))
def test_the_parts_of_an_alliance_sum_to_its_total(total, members):
    places = [
        dict.fromkeys(("cases", "total_weight_e4", "total_fee_fen", "item_pool_fen"), 0)
        | {"institution_code": f"H{number}", "institution_name": "", "fund": "310", "fund_label": "职工"}
        | {"due_fen": due, "penalty_fen": 0, "transferred_fen": due - balance, "balance_fen": balance}
        for number, (due, balance) in enumerate(members)
    ]
    agreement = {"lead_code": "H0", "fund": "310", "total_fen": total}
    leads = {row["institution_code"]: "H0" for row in places}
    if max(due for due, _ in members) <= 0:
        with pytest.raises(PolicyError, match="没有成员的清算结果"):
            divided(agreement, leads, places, {}, SETTLEMENT)
        return
    found = divided(agreement, leads, places, {}, SETTLEMENT)
    assert sum(one.part_fen for one in found.members) == total
    assert all(one.part_fen == 0 for one in found.members if one.due_fen <= 0)
    rows = moved_rows([found], "2025-13")
    made = pa.concat_tables([vouchers(source, table, 1, "east") for source, table in rows.items()])
    owed: dict[str, int] = {}
    for row in made.to_pylist():
        key = f"{row['account']} {row['institution_code']}" if row["account"] == "2006" else row["account"]
        owed[key] = owed.get(key, 0) + row["credit_fen"] - row["debit_fen"]
    lead = members[0][1] + owed.get("2006 H0", 0)
    assert lead == found.left_fen, "the lead is owed what is left of the total"
    assert owed.get("2008", 0) == 0
