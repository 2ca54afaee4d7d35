"""Prepayment by its two schemes, the account it leaves, and the cash gap of a hospital."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prepay_cases import s001_policy

from tongpin.base.errors import PolicyError
from tongpin.payment.prepay.cash_gap import cash_gap, loan_plan
from tongpin.payment.prepay.monthly import FundState, MonthlyHistory, Recovery, may_prepay, monthly_budget, recovery_of
from tongpin.payment.prepay.yearly import SHORT, History, settle_prepayment, use_warnings, yearly_budget

WAN = 1_000_000
NEW_YEAR = date(2026, 1, 1)
HISTORY = History("H3", "310", "三级", "综合", (9_000 * WAN, 10_000 * WAN, 11_000 * WAN))


def test_the_budget_says_how_it_came_about(tmp_path):
    budget = yearly_budget(s001_policy(tmp_path), 2026, HISTORY)
    assert (budget.core_fen, budget.reserve_fen, budget.total_fen) == (8_800 * WAN, 440 * WAN, 9_240 * WAN)
    assert budget.instalments_fen == (1_540 * WAN,) * 4
    assert [one.label for one in budget.steps] == ["前几年均值", "基数部分", "考核金预留", "预付款"]
    assert {one.source for one in budget.steps} == {"模拟"}


def test_unreasonable_growth_is_taken_out_of_the_base_and_told(tmp_path):
    inflated = HISTORY._replace(excluded_fen=(0, 0, 3_000 * WAN), excluded_why="2025 分解住院（核查 3 号）")
    budget = yearly_budget(s001_policy(tmp_path), 2026, inflated)
    assert budget.core_fen == 9_000 * WAN * 88 // 100
    assert budget.steps[0][:3] == ("剔除不合理增长", "2025 分解住院（核查 3 号）", -3_000 * WAN)


def test_a_reserve_may_be_a_share_of_the_total(tmp_path):
    budget = yearly_budget(s001_policy(tmp_path, prepay__reserve_base="total"), 2026, HISTORY)
    assert budget.reserve_fen == round(budget.total_fen * 0.05)


def short_of_cash(data):
    data["parameters"]["prepay.paid_ratio"] |= {
        "by": ["cash"],
        "values": {date(2025, 1, 1): {"ordinary": 0.7, "short": 0.8}},
    }


def test_a_hospital_short_of_cash_is_paid_more_ahead(tmp_path):
    from clearing_cases import clearing_edition
    from payment_cases import make_policy
    from prepay_cases import PREPAY

    def change(data):
        clearing_edition(data, PREPAY)
        short_of_cash(data)

    policy = make_policy(tmp_path, change=change)
    assert sum(yearly_budget(policy, 2026, HISTORY).instalments_fen) == 6_160 * WAN
    assert sum(yearly_budget(policy, 2026, HISTORY, cash=SHORT).instalments_fen) == 7_040 * WAN


def test_a_total_far_below_the_running_year_is_warned_of(tmp_path):
    policy = s001_policy(tmp_path)
    assert "低 16.00 %" in yearly_budget(policy, 2026, HISTORY, this_year_fen=11_000 * WAN).warnings[0]
    assert yearly_budget(policy, 2026, HISTORY, this_year_fen=10_500 * WAN).warnings == ()


def test_too_few_years_are_refused(tmp_path):
    with pytest.raises(PolicyError, match="只有 2 年"):
        yearly_budget(s001_policy(tmp_path), 2026, HISTORY._replace(spent_fen=HISTORY.spent_fen[:2]))


def test_too_much_prepaid_is_returned():
    assert settle_prepayment(6_000 * WAN, 7_000 * WAN, 500 * WAN).now_fen == -1_500 * WAN


@pytest.mark.parametrize(("used", "growth", "pauses"), [(81, 1_200, True), (80, 1_200, False), (81, 1_000, False)])
def test_a_prepayment_nearly_used_up_while_fees_grow_is_told(tmp_path, used, growth, pauses):
    found = use_warnings(s001_policy(tmp_path), NEW_YEAR, used_fen=used, paid_fen=100, growth_e4=growth, fund="310")
    assert bool(found) is pauses


@pytest.mark.parametrize(
    ("balance", "result", "edge", "allowed"),
    [
        (12_000, 1, "inclusive", True),
        (12_000, 1, "exclusive", False),
        (11_999, 1, "inclusive", False),
        (30_000, -1, "inclusive", False),
    ],
)
def test_a_fund_may_prepay_with_its_reserve_and_never_in_deficit(tmp_path, balance, result, edge, allowed):
    policy = s001_policy(tmp_path, prepay__reserve_edge=edge)
    assert may_prepay(policy, NEW_YEAR, FundState("310", balance, 1_000, result)).allowed is allowed


def test_a_month_of_mean_spending_is_prepaid(tmp_path):
    policy = s001_policy(tmp_path, prepay__mean_years=1, prepay__mean_months=1.5, prepay__instalments=2)
    months = (*[0] * 12, *[100] * 6, *[200] * 6)
    budget = monthly_budget(policy, 2026, MonthlyHistory("H3", "310", months))
    assert (budget.total_fen, budget.instalments_fen, budget.reserve_fen) == (225, (113, 112), 0)
    assert [(one.label, one.amount_fen) for one in budget.steps] == [("月均支出", 150), ("预付金", 225)]
    with pytest.raises(PolicyError, match="只有 11 个月"):
        monthly_budget(policy, 2026, MonthlyHistory("H3", "310", (1,) * 11))


def test_how_a_prepayment_comes_back(tmp_path):
    assert recovery_of(s001_policy(tmp_path), NEW_YEAR, "310") == Recovery(1, 3)
    assert recovery_of(s001_policy(tmp_path, prepay__recovery="year_end"), NEW_YEAR, "310") is None
    with pytest.raises(PolicyError, match=r"prepay\.recovery_lag"):
        recovery_of(s001_policy(tmp_path, prepay__recovery_lag=None), NEW_YEAR, "310")


def test_the_gap_is_the_deepest_month():
    found = cash_gap(100, [-150, -50, 300], minimum_fen=20)
    assert (found.balances_fen, found.gap_fen, found.deepest_month) == ((-50, -100, 200), 120, 1)
    assert cash_gap(100, [-50])[1:] == (0, None)


@given(st.integers(1, 10**12), st.integers(1, 60), st.integers(0, 2_000))
def test_a_loan_is_repaid_whole(principal, months, rate):
    plan = loan_plan(principal, months, rate)
    assert sum(one.principal_fen for one in plan) == principal
    assert plan[-1].owed_fen == 0
    assert sorted((one.interest_fen for one in plan), reverse=True) == [one.interest_fen for one in plan]


def test_the_interest_of_a_loan():
    assert [one.interest_fen for one in loan_plan(1_200_000, 3, 435)] == [4_350, 2_900, 1_450]
