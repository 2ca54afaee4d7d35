"""The funds over a quarter: published growth, execution of the budget, months payable, and what is left open."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from fund_cases import fund_policy, month_row, one_fund, series_table
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.errors import PolicyError
from tongpin.payment.fund.figures import growth, growth_of_increment, months_payable, share, whole_of
from tongpin.payment.fund.quarter import Verdicts, deviation, month_rows, quarter_rows
from tongpin.payment.fund.series import a_year_before, month_after, quarter_months, read_series, series_findings
from tongpin.report.words import percent_text, yi_text

DAY = date(2025, 6, 30)
YI = 100_000_000


def judged(tmp_path, **values):
    return Verdicts(fund_policy(tmp_path, **values), DAY)


def half_year(*, first: int, income: Decimal, spending: Decimal):
    """Six months of a year with these sums in 亿元, the last month taking what is left over."""
    months = [f"{first}-{number:02d}" for number in range(1, 7)]
    sums = [income * YI, spending * YI]
    each = [int(total // 6) for total in sums]
    last = [total - 5 * part for total, part in zip(sums, each, strict=True)]
    return [month_row(month, *(last if month.endswith("06") else each)) for month in months]


def published():
    """The first half of 2025 of S003-05, and the half before it from the increments printed there."""
    now = {"income": Decimal("26.27"), "spending": Decimal("16.47")}
    before = {"income": now["income"] - Decimal("4.91"), "spending": now["spending"] - Decimal("1.67")}
    return one_fund([*half_year(first=2024, **before), *half_year(first=2025, **now)])


def test_the_published_half_year_is_recomputed(tmp_path):
    _, half = quarter_rows([published()], "2025Q2", judged(tmp_path))
    assert half.span == "2025年1至6月"
    assert (yi_text(half.income_fen), percent_text(float(half.income_growth))) == ("26.27", "22.99%")
    assert (yi_text(half.spending_fen), percent_text(float(half.spending_growth))) == ("16.47", "11.28%")
    assert yi_text(half.result_fen) == "9.80"


def test_the_insured_are_those_of_the_last_month(tmp_path):
    rows = [month_row(f"{year}-0{n}", 1, 1, enrolled_count=year - 1924 + n) for year in (2024, 2025) for n in (4, 5, 6)]
    (quarter,) = quarter_rows([one_fund(rows)], "2025Q2", judged(tmp_path))
    assert (quarter.enrolled_count, quarter.enrolled_growth) == (107, Decimal(1) / 106)


def test_the_first_quarter_is_the_year_so_far(tmp_path):
    fund = one_fund([month_row(f"2025-0{n}", 1, 1) for n in (1, 2, 3)])
    assert [one.span for one in quarter_rows([fund], "2025Q1", judged(tmp_path))] == ["2025年第1季度"]


def test_growth_from_a_printed_increment():
    assert round(growth_of_increment(Decimal("26.27"), Decimal("4.91")), 4) == Decimal("0.2299")
    assert round(growth_of_increment(Decimal("16.47"), Decimal("1.67")), 4) == Decimal("0.1128")


def test_no_growth_without_a_figure_before(tmp_path):
    assert growth(5, 0) is None
    alone = one_fund(half_year(first=2025, income=Decimal(6), spending=Decimal(3)))
    quarter, half = quarter_rows([alone], "2025Q2", judged(tmp_path))
    assert quarter.income_growth is half.income_growth is None


def test_published_shares_and_the_whole_behind_them():
    assert round(growth(12_470, 13_442), 4) == Decimal("-0.0723")
    assert round(whole_of(Decimal("26.79"), Decimal("0.7709")), 2) == Decimal("34.75")
    assert whole_of(1, Decimal(0)) is None
    assert share(1, 0) is None


def spring(**june):
    rows = [month_row(f"2025-0{n}", 100, 80, budget_spending=80, balance=500 + 20 * n) for n in (4, 5)]
    return one_fund(
        [*rows, month_row("2025-06", 100, **{"spending": 80, "budget_spending": 80, "balance": 620} | june)]
    )


def test_execution_beyond_the_limit_is_told(tmp_path):
    fund = spring(spending=100)
    (quarter,) = quarter_rows([fund], "2025Q2", judged(tmp_path))
    assert quarter.spending_rate == Decimal(260) / 240
    assert quarter.over == "支出超出预算 8.33%"
    assert [one.over for one in month_rows([fund], quarter_months("2025Q2"), judged(tmp_path))] == [
        "",
        "",
        "支出超出预算 25.00%",
    ]


def test_execution_at_the_limit_or_without_a_budget_is_not(tmp_path):
    assert deviation(Decimal("1.05"), Decimal("0.05")) == ""
    assert deviation(Decimal("0.94"), Decimal("0.05")) == "支出低于预算 6.00%"
    fund = one_fund([month_row(f"2025-0{n}", 100, 80) for n in (4, 5, 6)])
    (quarter,) = quarter_rows([fund], "2025Q2", judged(tmp_path))
    assert (quarter.spending_rate, quarter.over) == (None, "")


@pytest.mark.parametrize(("balance", "light"), [(479.99, "red"), (480, "yellow"), (719.99, "yellow"), (720, "calm")])
def test_months_payable_against_red_and_yellow_line(tmp_path, balance, light):
    (quarter,) = quarter_rows([spring(balance=balance)], "2025Q2", judged(tmp_path))
    assert quarter.months_payable == Decimal(round(balance * 100)) / 8000
    assert quarter.light == light


def test_months_payable_need_their_months(tmp_path):
    (quarter,) = quarter_rows([spring()], "2025Q2", judged(tmp_path, fund__months__mean_of=12))
    assert (quarter.months_payable, quarter.light) == (None, None)
    assert months_payable(100, 0, 3) is None


def test_lines_the_wrong_way_round_are_refused(tmp_path):
    with pytest.raises(PolicyError, match="低于红线") as caught:
        quarter_rows([spring()], "2025Q2", judged(tmp_path, fund__months__yellow=5))
    assert caught.value.code == "fund.lines"


def test_what_the_edition_leaves_open_is_named_not_judged(tmp_path):
    verdicts = judged(tmp_path, fund__months__red=None, fund__execution__alert=None)
    (quarter,) = quarter_rows([spring(spending=100)], "2025Q2", verdicts)
    assert quarter.months_payable is not None
    assert (quarter.light, quarter.over) == (None, "")
    assert set(verdicts.open) == {"fund.months.red", "fund.execution.alert"}
    assert verdicts.open["fund.months.red"].startswith("可支付月数的红线")


def test_a_missing_month_and_a_wrong_quarter_are_refused(tmp_path):
    fund = one_fund([month_row("2025-04", 1, 1), month_row("2025-06", 1, 1)])
    with pytest.raises(PolicyError, match="2025-05") as caught:
        quarter_rows([fund], "2025Q2", judged(tmp_path))
    assert caught.value.code == "fund.missing"
    with pytest.raises(PolicyError, match="2025Q2"):
        quarter_months("2025-Q2")
    with pytest.raises(PolicyError, match="没有装载基金收支"):
        read_series(series_table([]))


def test_a_balance_that_does_not_follow_and_a_gap_are_found():
    assert series_findings([spring()]) == []
    (wrong,) = series_findings([spring(balance=621)])
    assert (wrong.rule_id, wrong.value) == ("fund.balance", "621.00")
    (gap,) = series_findings([one_fund([month_row("2025-04", 1, 1), month_row("2025-06", 1, 1)])])
    assert gap.rule_id == "fund.gap"


@given(st.integers(0, 9_000), st.integers(-500, 500))
def test_months_go_forth_and_back(number, count):
    month = f"{number // 12 + 1000:04d}-{number % 12 + 1:02d}"
    assert month_after(month_after(month, count), -count) == month
    assert a_year_before([month]) == (f"{int(month[:4]) - 1:04d}{month[4:]}",)
