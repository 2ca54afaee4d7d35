"""The prepayment account: what is due back in a month, what is left, and that no fen is taken twice or lost."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from payment_cases import fen
from prepay_cases import paid, recovered

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.month.statement import DECISION_KINDS, DECISION_SCHEMA
from tongpin.payment.prepay.account import (
    ACCOUNT,
    ACCOUNT_SCHEMA,
    CLAIM_LABELS,
    INSTANT,
    LAST_MONTH,
    S001,
    Taken,
    book,
    month_after,
    read_account,
    standings,
    taken_of,
)
from tongpin.payment.prepay.offsets import Claim, decided_in, month_claims
from tongpin.store import lake
from tongpin.store.home import Home

PLACE = ("H3", "310")


def took(**months: float) -> dict[tuple[str, str, str], Taken]:
    """What months took for prepayments, `m2025_01=40`."""
    return {(*PLACE, name[1:].replace("_", "-")): Taken(fen(amount), 0) for name, amount in months.items()}


def claimed(month: str, entries, taken) -> int:
    return sum(one.amount_fen for one in month_claims(month, entries, taken))


def test_a_claim_has_the_shape_of_a_decision():
    assert list(Claim._fields) == DECISION_SCHEMA.names
    assert set(CLAIM_LABELS) <= set(DECISION_KINDS)


def test_a_prepayment_comes_back_in_equal_parts_from_its_month():
    entries = [paid("2025-01-15", 100, first="2025-02", months=3)]
    assert claimed("2025-01", entries, {}) == 0
    assert claimed("2025-02", entries, {}) == 3_334
    assert claimed("2025-03", entries, took(m2025_02=33.34)) == 3_333
    assert claimed("2025-04", entries, took(m2025_02=33.34, m2025_03=33.33)) == 3_333
    assert claimed("2025-05", entries, took(m2025_02=33.34, m2025_03=33.33, m2025_04=33.33)) == 0


def test_what_a_short_month_left_is_claimed_again():
    row = {"institution_code": "H3", "fund": "310", "month": "2025-02"}
    short = {**row, "prepay_offset_fen": 3_334, "instant_advance_fen": 500, "waiting_fen": 3_000}
    taken = taken_of([short])
    assert taken == {(*PLACE, "2025-02"): Taken(334, 500)}
    entries = [paid("2025-01-15", 100, first="2025-02", months=3)]
    assert claimed("2025-03", entries, taken) == 6_667 - 334
    beyond = taken_of([{**short, "waiting_fen": 3_600}])
    assert beyond == {(*PLACE, "2025-02"): Taken(0, 234)}


def test_money_kept_until_the_year_end_is_not_claimed_by_a_month():
    entries = [paid("2025-01-15", 100, scheme=S001)]
    assert claimed("2025-12", entries, {}) == 0
    (one,) = standings(entries, {}, LAST_MONTH, due="2025-12", at_settlement=True)
    assert (one.balance_fen, one.due_fen) == (fen(100), fen(100))
    (early,) = standings(entries, {}, LAST_MONTH, due="2024-12", at_settlement=True)
    assert early.due_fen == 0, "paid after the year that is settled"


def test_an_advance_of_instant_settlement_comes_back_whole_with_its_month():
    entries = [
        paid("2025-06-08", 70, scheme=INSTANT, first="2025-06"),
        paid("2025-01-15", 100, first="2025-06", months=2),
    ]
    claims = month_claims("2025-06", entries, {})
    assert [(one.kind, one.amount_fen) for one in claims] == [("instant_advance", 7_000), ("prepay_offset", 5_000)]


def test_a_decision_of_the_same_kind_is_refused_as_double():
    entries = [paid("2025-01-15", 100, first="2025-02", months=2)]
    row = {"institution_code": "H3", "fund": "310", "month": "2025-02", "kind": "prepay_offset", "amount_fen": 1}
    with pytest.raises(PolicyError, match=r"prepay\.double"):
        month_claims("2025-02", entries, {}, decided_in("2025-02", [row]))
    other = [row | {"kind": "audit_deduction"}, row | {"amount_fen": 0}, row | {"month": "2025-03"}]
    assert month_claims("2025-02", entries, {}, decided_in("2025-02", other))


def test_money_returned_in_cash_is_not_claimed_again():
    entries = [paid("2025-01-15", 90, first="2025-02", months=3), recovered("2025-01-20", 90)]
    assert claimed("2025-04", entries, {}) == 0
    assert standings(entries, {}, LAST_MONTH)[0].balance_fen == 0


def test_an_account_never_falls_below_zero():
    entries = [paid("2025-01-15", 90, first="2025-02", months=3)]
    with pytest.raises(PolicyError, match=r"多于拨付的 90\.00 元"):
        standings(entries, took(m2025_02=90.01), LAST_MONTH)
    with pytest.raises(PolicyError, match=r"prepay\.account"):
        standings([*entries, recovered("2025-03-01", 91)], {}, LAST_MONTH)


def test_an_offset_before_the_account_belongs_to_none():
    entries = [paid("2025-03-15", 90, first="2025-04", months=3)]
    assert standings(entries, took(m2025_02=500), LAST_MONTH)[0].balance_fen == fen(90)


def test_the_older_scheme_is_offset_first():
    entries = [
        paid("2024-01-15", 50, scheme=S001, first="2024-12"),
        paid("2025-01-15", 60, first="2025-01", months=12),
    ]
    found = standings(entries, took(m2025_01=55), LAST_MONTH)
    assert [(one.scheme, one.balance_fen) for one in found] == [("national_2024", fen(55)), ("s001", 0)]


def test_an_entry_is_booked_once(tmp_path):
    home = Home.open(tmp_path)
    one = paid("2025-01-15", 100, first="2025-02", months=3)
    assert book(home, [one]) == [one]
    assert book(home, [one]) == []
    assert book(home, [one, recovered("2025-05-01", 40)]) == [recovered("2025-05-01", 40)]
    assert [entry.amount_fen for entry in read_account(home, "test")] == [fen(100), fen(40)]
    assert read_account(home, "elsewhere") == []
    assert lake.read(home, ACCOUNT).num_rows == 2


def test_an_entry_that_stands_twice_is_noticed(tmp_path):
    home = Home.open(tmp_path)
    row = pa.Table.from_pylist([paid("2025-01-15", 1)._asdict()] * 2, schema=ACCOUNT_SCHEMA)
    lake.append(home, ACCOUNT, row)
    with pytest.raises(StoreError, match="编号相同"):
        read_account(home, "test")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"amount_fen": 0}, "金额"),
        ({"amount_fen": -1}, "金额"),
        ({"scheme": "other"}, "不认识"),
        ({"month": "2025-02"}, "月份"),
        ({"document": " "}, "文号"),
        ({"recovery_from": "2025-02"}, "一起写明"),
        ({"recovery_from": "2024-12", "recovery_months": 1}, "早于拨付"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(tmp_path, change, told):
    with pytest.raises(PolicyError, match=told):
        book(Home.open(tmp_path), [paid("2025-01-15", 1)._replace(**change)])


payments = st.lists(
    st.tuples(st.integers(0, 11), st.integers(1, 10**9), st.integers(0, 3), st.integers(1, 12)), min_size=1, max_size=6
)


@given(payments, st.lists(st.integers(0, 10**9), min_size=24, max_size=24))
def test_over_any_months_everything_comes_back_and_never_more(made, reach):
    """Each month takes what is due as far as it reaches; what it leaves waits; two years later nothing is left."""
    entries = [
        paid(f"{month_after('2025-01', month)}-01", 0, entry_id=str(n), first="x")._replace(
            amount_fen=amount,
            month=month_after("2025-01", month),
            entry_date=date.fromisoformat(f"{month_after('2025-01', month)}-01"),
            recovery_from=month_after("2025-01", month + lag),
            recovery_months=months,
        )
        for n, (month, amount, lag, months) in enumerate(made)
    ]
    taken: dict[tuple[str, str, str], Taken] = {}
    for number in range(30):
        month = month_after("2025-01", number)
        held = [one for one in entries if one.month <= month]
        due = sum(one.amount_fen for one in month_claims(month, held, taken))
        reached = min(due, reach[number]) if number < len(reach) else due
        if reached:
            taken[*PLACE, month] = Taken(reached, 0)
        for one in standings(held, taken, month):
            assert 0 <= one.due_fen <= one.balance_fen == one.paid_fen - one.offset_fen
    assert sum(one.prepay_fen for one in taken.values()) == sum(one.amount_fen for one in entries)
