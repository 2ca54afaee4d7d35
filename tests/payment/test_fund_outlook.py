"""The outlook of a monthly series: its coverage measured by a rolling back-test, and what it refuses."""

from __future__ import annotations

import pytest
from fund_cases import wavy_series
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.base.errors import PolicyError
from tongpin.payment.fund.outlook import LEVELS, held_out, outlook, unfit
from tongpin.payment.fund.series import month_after

ORIGINS = (36, 48)
SERIES = 32
AHEAD = 12


def coverage(*, wander: float) -> tuple[dict[int, float], dict[int, float]]:
    """How often months, and years as a whole, fell into their intervals: every series forecast from three origins."""
    months: dict[int, list[bool]] = {level: [] for level in LEVELS}
    years: dict[int, list[bool]] = {level: [] for level in LEVELS}
    for seed in range(SERIES):
        series = wavy_series(max(ORIGINS) + AHEAD, seed=seed, wander=wander)
        names = list(series)
        for origin in ORIGINS:
            known = {name: series[name] for name in names[:origin]}
            coming = names[origin : origin + AHEAD]
            made = outlook(known, coming[-1], paths=300)
            span = made.span(coming)
            for level in LEVELS:
                bounds = zip(coming, made.intervals[level], strict=True)
                months[level] += [low <= series[name] <= high for name, (low, high) in bounds]
                low, high = span.intervals[level]
                years[level].append(low <= sum(series[name] for name in coming) <= high)
    return tuple({level: sum(hits) / len(hits) for level, hits in found.items()} for found in (months, years))


def test_a_steady_trend_is_covered_as_named():
    months, years = coverage(wander=0)
    assert months[80] == pytest.approx(0.80, abs=0.05)
    assert months[95] == pytest.approx(0.95, abs=0.04)
    assert years[80] == pytest.approx(0.80, abs=0.12)
    assert years[95] == pytest.approx(0.95, abs=0.05)


def test_a_wandering_level_is_covered_less_as_the_document_says():
    months, years = coverage(wander=0.01)
    assert months[80] == pytest.approx(0.72, abs=0.06)
    assert months[95] == pytest.approx(0.90, abs=0.05)
    assert years[80] == pytest.approx(0.68, abs=0.10)
    assert years[95] == pytest.approx(0.83, abs=0.08)


def test_the_same_series_gives_the_same_numbers():
    series = wavy_series(30, seed=1)
    first, again = (outlook(series, "2023-12") for _ in range(2))
    assert first.expected == again.expected
    assert first.span(first.months) == again.span(again.months)
    assert first.months[0] == "2022-07"
    assert "不足三年" in first.notes[0]
    assert outlook(wavy_series(36, seed=1), "2023-12").notes == ()


def test_a_year_is_known_months_and_expected_ones():
    made = outlook(wavy_series(30, seed=2), "2022-12")
    plain, added = made.span(made.months), made.span(made.months, known=1_000)
    assert plain.expected == sum(made.expected)
    assert added.expected == plain.expected + 1_000
    assert added.intervals[95] == tuple(bound + 1_000 for bound in plain.intervals[95])


@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_the_wider_interval_holds_the_narrower_and_the_expected(seed):
    made = outlook(wavy_series(26, seed=seed, wander=0.005), "2022-12", paths=200)
    for place, expected in enumerate(made.expected):
        (low, high), (lower, higher) = (made.intervals[level][place] for level in LEVELS)
        assert 0 < lower <= low <= expected <= high <= higher
    narrow, wide = (made.span(made.months).intervals[level] for level in LEVELS)
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]


def test_a_series_without_noise_goes_on_as_it_was():
    flat = {month_after("2022-01", place): 9_000_000 for place in range(36)}
    made = outlook(flat, "2025-12")
    assert all(abs(value - 9_000_000) < 9_000 for value in made.expected)
    assert "没有收敛" in made.notes[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda series: dict(list(series.items())[:23]), "只有 23 个月"),
        (lambda series: {month: value for month, value in series.items() if month != "2021-03"}, "中间缺月份"),
        (lambda series: series | {"2021-03": 0}, "2021-03 没有数或不大于零"),
        (lambda series: series | {"2021-03": None}, "2021-03 没有数或不大于零"),
    ],
)
def test_a_series_that_is_not_fit_is_refused_with_its_reason(change, words):
    series = change(wavy_series(30, seed=3))
    assert words in unfit(series)
    with pytest.raises(PolicyError, match=words) as caught:
        outlook(series, "2023-12")
    assert caught.value.code == "fund.history"


def test_the_last_month_must_lie_behind_the_series():
    with pytest.raises(PolicyError, match="已有数"):
        outlook(wavy_series(24, seed=4), "2021-12")


def test_a_forecast_made_a_year_ago_is_held_against_what_happened():
    found = held_out(wavy_series(48, seed=5), paths=200)
    assert 6 <= found.inside[80] <= found.inside[95] <= 12
    assert abs(found.error) < 0.05
    assert held_out(wavy_series(35, seed=5)) is None
