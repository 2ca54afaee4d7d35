"""Level rates close to the tier budget after the basic groups."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tongpin.base.errors import PolicyError
from tongpin.payment.pricing.rates import close_level_rate, rounded

WAN = 10_000
YUAN = 100


def close(budget_yuan, weight, basic_weight, basic_rate_yuan):
    return close_level_rate(
        fund="310",
        hospital_level="三级",
        tier_budget_fen=budget_yuan * YUAN,
        forecast_weight_e4=weight * 10_000,
        basic_weight_e4=basic_weight * 10_000,
        basic_rate_fen=basic_rate_yuan * YUAN,
    )


def test_level_rates_before_the_basic_groups_tv_a5():
    assert close(5000 * WAN, 5000, 0, 0).rate_fen == 10_000 * YUAN
    assert close(3000 * WAN, 5000, 0, 0).rate_fen == 6_000 * YUAN
    basic = close(8000 * WAN, 10_000, 0, 0).rate_fen
    assert basic == 8_000 * YUAN
    assert rounded(6_000 * basic, 10_000, 1) == 4_800 * YUAN


def test_level_rates_close_after_the_basic_groups_tv_p9():
    tertiary = close(5000 * WAN, 5000, 1000, 8000)
    secondary = close(3000 * WAN, 5000, 2000, 8000)
    assert tertiary.rate_fen == 10_500_00
    assert secondary.rate_fen == 4_666_67
    assert tertiary.residue_fen == 0
    assert secondary.residue_fen == 10 * YUAN  # a third of a fen on each of 3,000 weights
    paid = tertiary.paid_fen + secondary.paid_fen
    assert paid - tertiary.residue_fen - secondary.residue_fen == 8000 * WAN * YUAN


def test_without_the_closing_82_million_would_be_paid_against_80_million():
    unclosed = (4000 * 10_000 + 1000 * 8_000) + (3000 * 6_000 + 2000 * 8_000)
    assert unclosed == 82_000_000
    closed = close(5000 * WAN, 5000, 1000, 8000).paid_fen + close(3000 * WAN, 5000, 2000, 8000).paid_fen
    assert closed < unclosed * YUAN


@pytest.mark.parametrize(("weight", "basic_weight", "rate"), [(1000, 1000, 1), (1000, 500, 2_000_000)])
def test_basic_groups_that_eat_the_whole_budget_or_weight_are_refused(weight, basic_weight, rate):
    with pytest.raises(PolicyError, match=r"policy\.rate"):
        close(1000 * WAN, weight, basic_weight, rate)


@given(
    budget=st.integers(10**8, 10**13),
    weight=st.integers(2, 10**9),
    basic_share=st.floats(0, 0.9),
    basic_rate=st.integers(0, 3_000_000),
)
def test_the_residue_is_only_the_rounding_of_the_rate(budget, weight, basic_share, basic_rate):
    basic_weight = int(weight * basic_share)
    assume(basic_weight * basic_rate < (budget - 1) * 10_000)
    closed = close_level_rate(
        fund="310",
        hospital_level="三级",
        tier_budget_fen=budget,
        forecast_weight_e4=weight,
        basic_weight_e4=basic_weight,
        basic_rate_fen=basic_rate,
    )
    # half a fen on each weight, and half a fen for the rounded payment itself
    assert abs(closed.residue_fen) * 20_000 <= (weight - basic_weight) + 10_000
