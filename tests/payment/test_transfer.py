"""Step 7 when the claims exceed the payable: collected, carried as a debt, or left on its account (family 13)."""

from __future__ import annotations

from datetime import date

import pytest
from clearing_cases import clearing_edition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payment_cases import START, case, decisions, fen, make_policy, settle

from tongpin.base.errors import PolicyError
from tongpin.payment.month.statement import DECISION_KINDS
from tongpin.payment.month.transfer import transferred

ORDER = ["audit_deduction", "penalty", "deposit", "carried_debt", "instant_advance", "prepay_offset", "direct_drug"]
REST = {"prepay_offset": "wait", "direct_drug": "collect", "*": "debt"}


def carrying(folder):
    def change(data):
        clearing_edition(data, {"transfer.negative": "carry", "transfer.order": ORDER, "transfer.uncovered": "debt"})
        data["parameters"]["transfer.uncovered"] |= {"by": ["claim"], "values": {START: REST}}

    return make_policy(folder, change=change)


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return carrying(tmp_path_factory.mktemp("carry"))


DAY = date(2025, 6, 1)


def test_claims_are_taken_in_their_order_as_far_as_the_payable_reaches(policy):
    claims = {"direct_drug": 400, "prepay_offset": 300, "penalty": 500, "deposit": 30}
    found = transferred(700, claims, policy, DAY)
    assert (found.cash_fen, found.debt_fen, found.waiting_fen) == (-400, 0, 130), "penalty 500, deposit 30, offset 170"


def test_what_becomes_a_debt(policy):
    found = transferred(300, {"penalty": 500, "deposit": 10}, policy, DAY)
    assert (found.cash_fen, found.debt_fen, found.waiting_fen) == (0, 210, 0)


def test_a_negative_payable_is_collected(policy):
    found = transferred(-100, {"penalty": 50}, policy, DAY)
    assert (found.cash_fen, found.debt_fen) == (-100, 50)


def test_enough_money_asks_nothing_more(tmp_path):
    policy = make_policy(tmp_path, {"transfer.negative": "carry"})
    assert transferred(100, {"penalty": 100}, policy, DAY) == (0, 0, 0)
    with pytest.raises(PolicyError, match=r"transfer\.order"):
        transferred(100, {"penalty": 101}, policy, DAY)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    payable=st.integers(-(10**9), 10**9),
    claims=st.fixed_dictionaries({name: st.integers(-(10**6), 10**9) for name in ORDER}),
)
def test_no_fen_is_lost(policy, payable, claims):
    found = transferred(payable, claims, policy, DAY)
    assert payable + found.debt_fen + found.waiting_fen == sum(claims.values()) + found.cash_fen
    assert found.debt_fen >= 0 <= found.waiting_fen


def test_the_statement_carries_the_debt_and_claims_it_again(policy):
    june = settle(policy, "2025-06", [case("c", 10_000, 0)], decided=decisions(("penalty", 12_000)))
    (row,) = june.statement.to_pylist()
    assert (row["cash_transfer_fen"], row["debt_fen"]) == (0, fen(2_300)), "12,000 and the deposit of 300"
    july = settle(
        policy,
        "2025-07",
        [case("d", 10_000, 0, settled=date(2025, 7, 10))],
        decided=decisions(("carried_debt", 2_300), ("instant_advance", 1_000), month="2025-07"),
    )
    (row,) = july.statement.to_pylist()
    assert (row["carried_debt_fen"], row["instant_advance_fen"]) == (fen(2_300), fen(1_000))
    assert row["cash_transfer_fen"] == fen(10_000 - 300 - 2_300 - 1_000)


def test_every_claim_has_a_name():
    assert set(ORDER) - {"deposit"} == set(DECISION_KINDS)
