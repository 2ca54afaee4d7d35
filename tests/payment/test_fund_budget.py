"""The budget of a year: growth from the edition or the history, the interval, events, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from fund_cases import EMPLOYEES, fund_policy, month_row, one_fund, year_rows
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.errors import PolicyError
from tongpin.payment.fund.budget import INCOME, SPENDING, Event, forecast, multiplied, read_events

HEADER = "year,fund,side,kind,label,amount,document\n"


def history():
    """Spending per head grows by 10 % and then by 20 %, the insured by none and then by 5 %."""
    return one_fund(
        [
            *year_rows(2023, 1_200, 1_200, 100),
            *year_rows(2024, 1_200, 1_320, 100),
            *year_rows(2025, 1_260, 1_663.20, 105),
        ]
    )


def event(amount_fen: int, **more):
    return Event(
        **{"year": 2026, "fund": EMPLOYEES, "side": SPENDING, "kind": "reform", "label": "门诊统筹", **more},
        amount_fen=amount_fen,
        document="",
    )


def test_growth_stated_by_the_edition_is_marked_as_assumed(tmp_path):
    found = forecast(one_fund(year_rows(2025, 2_400, 1_200, 100)), SPENDING, 2026, fund_policy(tmp_path))
    assert found.forecast_fen == 128_520
    assert [step.amount_fen for step in found.steps] == [120_000, 2_400, 6_120]
    assert [step.source for step in found.steps] == ["基金收支", "模拟", "模拟"]
    assert (found.low_fen, found.notes) == (None, ("没有区间：历史增长不足两年",))


def test_income_grows_by_its_own_index(tmp_path):
    found = forecast(one_fund(year_rows(2025, 2_400, 1_200, 100)), INCOME, 2026, fund_policy(tmp_path))
    assert found.forecast_fen == 252_144


def test_growth_of_the_history_with_its_interval(tmp_path):
    policy = fund_policy(tmp_path, fund__budget__growth="history", fund__budget__spending_index=None)
    found = forecast(history(), SPENDING, 2026, policy, [event(10_000), event(-4_000)])
    grown = Decimal(166_320) * Decimal("1.05")
    assert found.forecast_fen == round(grown * Decimal("1.15")) + 6_000
    assert (found.low_fen, found.high_fen) == (
        int((grown * Decimal("1.1")).quantize(Decimal(1), "ROUND_HALF_UP")) + 6_000,
        int((grown * Decimal("1.2")).quantize(Decimal(1), "ROUND_HALF_UP")) + 6_000,
    )
    assert [step.amount_fen for step in found.steps[3:]] == [10_000, -4_000]
    assert found.steps[-1].source == "模拟"
    assert found.notes == ()


def test_growth_outside_the_history_is_said(tmp_path):
    found = forecast(history(), SPENDING, 2026, fund_policy(tmp_path))
    assert found.forecast_fen < found.low_fen
    assert found.notes == ("所取增长在历史各年之外，预算不在区间内",)


def test_events_of_another_year_fund_or_side_do_not_count(tmp_path):
    others = [event(1, year=2027), event(1, fund="390100"), event(1, side=INCOME)]
    found = forecast(history(), SPENDING, 2026, fund_policy(tmp_path), others)
    assert len(found.steps) == 3


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (year_rows(2025, 1, 1, 100)[:9], "2025 年只有 9 个月"),
        (year_rows(2025, 12, 12, 100), "没有连续两个整年"),
        ([month_row(f"{year}-{n:02d}", 1, 1) for year in (2024, 2025) for n in range(1, 13)], "没有连续两个整年"),
    ],
)
def test_a_history_too_short_is_refused(tmp_path, rows, words):
    with pytest.raises(PolicyError, match=words) as caught:
        forecast(one_fund(rows), SPENDING, 2026, fund_policy(tmp_path, fund__budget__growth="history"))
    assert caught.value.code == "fund.history"


def test_a_growth_that_the_edition_leaves_open_is_refused(tmp_path):
    with pytest.raises(PolicyError, match="没有这个参数") as caught:
        forecast(history(), SPENDING, 2026, fund_policy(tmp_path, fund__budget__spending_index=None))
    assert caught.value.code == "policy.gap"


def test_events_are_read_from_their_table(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(HEADER + "2026,310100,spending,volume,新院区开诊,-12.30,文件一\n", encoding="utf-8")
    assert read_events(path) == [event(-1_230, kind="volume", label="新院区开诊")._replace(document="文件一")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("year,fund\n", "表头不对"),
        (HEADER + "2026,310100,spending,magic,x,1,\n", "kind“magic”不对"),
        (HEADER + "2026,310100,spending,reform,x,1.234,\n", "年份或金额不对"),
        (HEADER + "2026,310100,spending,reform\n", "列数不对"),
    ],
)
def test_a_table_of_events_that_cannot_be_read_is_refused(tmp_path, text, words):
    path = tmp_path / "events.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError, match=words) as caught:
        read_events(path)
    assert caught.value.code == "fund.events"
    with pytest.raises(PolicyError, match="不存在"):
        read_events(tmp_path / "none.csv")


RATIOS = st.fractions(Fraction(-1, 2), Fraction(1, 2), max_denominator=10_000)


@given(st.integers(0, 10**13), RATIOS, RATIOS, st.integers(-(10**9), 10**9))
def test_the_budget_is_exact_to_the_fen(last, enrolment, growth, events):
    exact = last * (1 + enrolment) * (1 + growth) + events
    assert abs(multiplied(last, enrolment, growth, events) - exact) <= Fraction(1, 2)


@given(st.lists(st.integers(-(10**6), 10**6), max_size=4))
def test_the_steps_add_up_to_the_budget(tmp_path_factory, amounts):
    policy = fund_policy(tmp_path_factory.mktemp("policy"))
    fund = one_fund(year_rows(2025, 2_400, 1_234.56, 100))
    found = forecast(fund, SPENDING, 2026, policy, [event(amount) for amount in amounts])
    assert sum(step.amount_fen for step in found.steps) == found.forecast_fen
