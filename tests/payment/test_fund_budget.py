"""The budget of a year: growth of the outlook or of the edition, intervals, events, months, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
from fund_cases import EMPLOYEES, fund_policy, month_row, one_fund, wavy_series, year_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.base.errors import PolicyError
from tongpin.payment.fund.budget import enrolment, forecast, multiplied
from tongpin.payment.fund.events import INCOME, SPENDING, Event, read_events
from tongpin.payment.fund.series import year_months

HEADER = "year,fund,side,kind,label,amount,ratio,from,to,document\n"


def event(amount_fen=None, ratio_e4=None, **more):
    given_ = {"year": 2026, "fund": EMPLOYEES, "side": SPENDING, "kind": "reform", "label": "门诊统筹"} | more
    months = given_.pop("months", year_months(2026))
    document = given_.pop("document", "")
    return Event(**given_, amount_fen=amount_fen, ratio_e4=ratio_e4, months=months, document=document)


def model_policy(folder):
    return fund_policy(folder, fund__budget__growth="model", fund__budget__spending_index=None)


def history(count=48, *, enrolled=None, first="2022-01"):
    """Spending and income as a generated series of so many months."""
    series = wavy_series(count, seed=11, first=first)
    heads = enrolled or (lambda _place: 1_000)
    rows = [
        month_row(month, value / 100, value / 100, enrolled_count=heads(place))
        for place, (month, value) in enumerate(series.items())
    ]
    return one_fund(rows)


def test_growth_stated_by_the_edition_is_marked_as_assumed(tmp_path):
    found = forecast(one_fund(year_rows(2025, 2_400, 1_200, 100)), SPENDING, 2026, fund_policy(tmp_path))
    assert found.forecast_fen == 128_520
    assert [step.amount_fen for step in found.steps] == [120_000, 2_400, 6_120]
    assert [step.source for step in found.steps] == ["基金收支", "模拟", "模拟"]
    assert found.intervals == {}
    assert found.notes == ("没有区间：只有 12 个月，预测至少要 24 个月（两个完整的季节）",)
    assert set(found.months_fen.values()) == {10_710}


def test_income_grows_by_its_own_index(tmp_path):
    found = forecast(one_fund(year_rows(2025, 2_400, 1_200, 100)), INCOME, 2026, fund_policy(tmp_path))
    assert found.forecast_fen == 252_144


def test_the_outlook_makes_the_budget_with_its_intervals(tmp_path):
    found = forecast(history(), SPENDING, 2026, model_policy(tmp_path))
    assert [step.label for step in found.steps] == ["2025 年支出", "参保增长", "人均增长"]
    assert found.steps[0].amount_fen == history().total("spending_fen", year_months(2025))
    assert found.intervals[95][0] < found.intervals[80][0] < found.forecast_fen
    assert found.forecast_fen < found.intervals[80][1] < found.intervals[95][1]
    assert sum(found.months_fen.values()) == found.forecast_fen
    assert found.notes[-1].startswith("回测：用一年前的数据预测最近 12 个月")


def test_more_insured_are_a_line_of_their_own(tmp_path):
    fund = history(enrolled=lambda place: round(10_000 * 1.01**place))
    first, heads, per_head = forecast(fund, SPENDING, 2026, model_policy(tmp_path)).steps
    assert heads.amount_fen == pytest.approx(first.amount_fen * (1.01**12 - 1), rel=0.01)
    without = forecast(history(enrolled=lambda _: None), SPENDING, 2026, model_policy(tmp_path)).steps
    assert [step.label for step in without] == ["2025 年支出", "增长"]
    assert without[1].amount_fen == heads.amount_fen + per_head.amount_fen


def test_months_not_booked_yet_are_expected_and_said(tmp_path):
    found = forecast(history(42), SPENDING, 2026, model_policy(tmp_path))
    assert found.steps[0].formula == "已入账 6 个月，其余 6 个月为预测"
    booked = sum(month.spending_fen for name, month in history(42).months.items() if name >= "2025-01")
    assert found.steps[0].amount_fen > booked * 1.5


def test_a_stated_growth_outside_the_interval_is_said(tmp_path):
    stated = fund_policy(tmp_path, fund__budget__spending_index=1.5)
    found = forecast(history(), SPENDING, 2026, stated)
    assert found.forecast_fen > found.intervals[95][1]
    assert "预算在时间序列预测的 95% 区间之外，请核对所写的增长" in found.notes


def test_an_event_moves_the_budget_its_interval_and_its_months(tmp_path):
    policy = model_policy(tmp_path)
    plain = forecast(history(), SPENDING, 2026, policy)
    autumn = ("2026-10", "2026-11", "2026-12")
    moved = forecast(history(), SPENDING, 2026, policy, [event(-9_999, months=autumn), event(None, 200, kind="volume")])
    by_ratio = sum(plain.months_fen.values()) * 200 / 10_000
    assert [step.label for step in moved.steps[3:]] == ["重大改革", "服务量变化"]
    assert [step.amount_fen for step in moved.steps[3:]] == [-9_999, pytest.approx(by_ratio, abs=1)]
    assert moved.steps[3].formula == "门诊统筹（2026-10 至 2026-12，写明的金额）"
    assert moved.steps[4].formula == "门诊统筹（全年 各月 × +2.00%）"
    assert moved.steps[4].source == "模拟"
    shift = moved.forecast_fen - plain.forecast_fen
    assert [moved.intervals[80][end] - plain.intervals[80][end] for end in (0, 1)] == [shift, shift]
    assert sum(moved.months_fen.values()) == moved.forecast_fen
    assert moved.months_fen["2026-01"] == pytest.approx(plain.months_fen["2026-01"] * 1.02, abs=1)


def test_events_of_another_year_fund_or_side_do_not_count(tmp_path):
    others = [event(1, year=2027), event(1, fund="390100"), event(1, side=INCOME)]
    found = forecast(history(), SPENDING, 2026, model_policy(tmp_path), others)
    assert len(found.steps) == 3


@pytest.mark.parametrize(
    ("rows", "growth", "words"),
    [
        (year_rows(2025, 1, 1, 100)[:9], "stated", "2025 年只有 9 个月"),
        (year_rows(2025, 12, 12, 100), "model", "只有 12 个月"),
        ([*year_rows(2023, 12, 12, 100), *year_rows(2024, 12, 12, 100)], "model", "2025 年只有 0 个月"),
    ],
)
def test_a_history_too_short_is_refused(tmp_path, rows, growth, words):
    with pytest.raises(PolicyError, match=words) as caught:
        forecast(one_fund(rows), SPENDING, 2026, fund_policy(tmp_path, fund__budget__growth=growth))
    assert caught.value.code == "fund.history"


def test_a_growth_that_the_edition_leaves_open_is_refused(tmp_path):
    with pytest.raises(PolicyError, match="没有这个参数") as caught:
        forecast(history(), SPENDING, 2026, fund_policy(tmp_path, fund__budget__spending_index=None))
    assert caught.value.code == "policy.gap"


def test_the_insured_at_the_end_of_the_year():
    grown = enrolment(history(enrolled=lambda place: round(10_000 * 1.01**place)), 2026)
    assert (grown.known_month, grown.known_count) == ("2025-12", round(10_000 * 1.01**47))
    assert grown.expected_count == pytest.approx(10_000 * 1.01**59, rel=0.001)
    short = enrolment(one_fund(year_rows(2025, 1, 1, 100)), 2026)
    assert (short.expected_count, short.intervals) == (100, {})
    assert "没有预测" in short.notes[0]
    assert enrolment(one_fund([month_row("2025-01", 1, 1)]), 2026) is None


def test_events_are_read_from_their_table(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(
        HEADER
        + "2026,310100,spending,volume,新院区开诊,-12.30,,,,文件一\n"
        + "2026,310100,spending,emergency,流感,,0.05,2026-01,2026-02,\n",
        encoding="utf-8",
    )
    assert read_events(path) == [
        event(-1_230, kind="volume", label="新院区开诊", document="文件一"),
        event(None, 500, kind="emergency", label="流感", months=("2026-01", "2026-02")),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("year,fund\n", "表头不对"),
        (HEADER + "2026,310100,spending,magic,x,1,,,,\n", "kind“magic”不对"),
        (HEADER + "2026,310100,spending,reform,x,1.234,,,,\n", "金额或比例不对"),
        (HEADER + "2026,310100,spending,reform,x,,-1,,,\n", "金额或比例不对"),
        (HEADER + "2026,310100,spending,reform,x,1,0.1,,,\n", "只写一个"),
        (HEADER + "2026,310100,spending,reform,x,,,,,\n", "只写一个"),
        (HEADER + "2026,310100,spending,reform,x,1,,2025-12,,\n", "起止月份"),
        (HEADER + "2026,310100,spending,reform,x,1,,2026-05,2026-04,\n", "起止月份"),
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


@given(st.integers(0, 10**13), RATIOS, RATIOS)
def test_the_budget_is_exact_to_the_fen(last, heads, growth):
    assert abs(multiplied(last, heads, growth) - last * (1 + heads) * (1 + growth)) <= Fraction(1, 2)


AMOUNTS = st.tuples(st.integers(-(10**6), 10**6), st.none())
SHARES = st.tuples(st.none(), st.integers(-5_000, 5_000).filter(bool))


@pytest.fixture(scope="module")
def stated(tmp_path_factory):
    return fund_policy(tmp_path_factory.mktemp("policy"))


@given(st.lists(AMOUNTS | SHARES, max_size=4))
@settings(deadline=None)
def test_steps_and_months_add_up_to_the_budget(stated, events):
    fund = one_fund(year_rows(2025, 2_400, 1_234.56, 100))
    found = forecast(fund, SPENDING, 2026, stated, [event(*one) for one in events])
    assert sum(step.amount_fen for step in found.steps) == found.forecast_fen
    assert sum(found.months_fen.values()) == found.forecast_fen
