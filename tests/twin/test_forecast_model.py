"""The models of a forecast: which one is taken when, that intervals hold what they should, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.payment.fund.series import month_after
from tongpin.twin.forecast.catalogue import LEVELS, MEAN, RARE, SHARE, flow_of, moved_indicators, setting
from tongpin.twin.forecast.model import (
    COUNTS,
    LEVEL,
    RATE,
    STATE_SPACE,
    YEARLY,
    amounts_ahead,
    bounds,
    months_between,
    rates_ahead,
    stream,
    unbroken,
)

AHEAD = months_between("2025-07", "2025-12")


def series(values: list[float], last: str = "2025-06") -> dict[str, float]:
    """Months up to the last one."""
    return {month_after(last, place - len(values) + 1): value for place, value in enumerate(values)}


def wavy(size: int, seed: int, *, growth: float = 0.03, noise: float = 0.03) -> list[float]:
    rng = np.random.default_rng(seed)
    season = [1, 0.78, 1.1, 1, 1, 1, 1.03, 1.03, 1, 1, 1, 0.95]
    first = 12 - size % 12 + 6
    return [
        1e6 * season[(first + place) % 12] * (1 + growth) ** (place / 12) * (1 + noise * rng.normal())
        for place in range(size)
    ]


def test_months_between_are_both_included_and_may_be_none() -> None:
    assert months_between("2025-11", "2026-01") == ("2025-11", "2025-12", "2026-01")
    assert months_between("2025-02", "2025-01") == ()


def test_only_the_latest_months_without_a_gap_or_a_zero_count() -> None:
    assert list(unbroken({"2025-01": 5, "2025-03": 6, "2025-04": 7})) == ["2025-03", "2025-04"]
    assert list(unbroken({"2025-02": 5, "2025-03": 0, "2025-04": 7})) == ["2025-04"]


@pytest.mark.parametrize(("size", "method"), [(6, LEVEL), (14, LEVEL), (18, YEARLY), (24, STATE_SPACE)])
def test_the_length_of_history_says_which_model_is_taken(size: int, method: str) -> None:
    made = amounts_ahead(series(wavy(size, 1)), AHEAD, stream("a"))
    assert made.method == method
    assert made.expected.shape == (6,)
    assert made.paths.shape == (6, setting("paths"))


def test_five_months_are_refused_with_a_reason() -> None:
    made = amounts_ahead(series(wavy(5, 1)), AHEAD, stream("a"))
    assert made.expected is None
    assert "只有 5 个连续的月份" in made.reason
    short = rates_ahead(series([1.0] * 4), series([2.0] * 4), np.ones(6), AHEAD, MEAN, stream("b"))
    assert "只有 4 个月有数" in short.reason


def test_growth_over_the_year_before_keeps_the_season() -> None:
    known = series(wavy(18, 1, growth=0.05, noise=0))
    made = amounts_ahead(known, AHEAD, stream("a"))
    for month, expected in zip(AHEAD, made.expected, strict=True):
        assert expected == pytest.approx(known[month_after(month, -12)] * 1.05, rel=0.002)


@given(st.floats(1.0, 1e9), st.integers(6, 23))
@settings(max_examples=20, deadline=None)
def test_months_that_never_change_go_on_as_they_are(value: float, size: int) -> None:
    made = amounts_ahead(series([value] * size), AHEAD, stream("x"))
    assert made.expected == pytest.approx(np.full(6, value))
    assert made.paths == pytest.approx(np.full(made.paths.shape, value))


@given(st.lists(st.floats(0.8, 1.2), min_size=6, max_size=40), st.sampled_from([MEAN, SHARE]))
@settings(max_examples=25, deadline=None)
def test_the_wider_interval_holds_the_narrower_and_the_expected(noise: list[float], kind: str) -> None:
    whole = series([1_000.0] * len(noise))
    part = series([300.0 * one for one in noise])
    made = rates_ahead(part, whole, np.full(6, 1_000.0), AHEAD, kind, stream("y"))
    assert made.method == RATE
    spread = bounds(made.paths.mean(axis=0), float(made.expected.mean()))
    narrow, wide = (spread[level] for level in LEVELS)
    assert wide[0] <= narrow[0] <= float(made.expected.mean()) <= narrow[1] <= wide[1]


def test_the_same_names_give_the_same_numbers_and_others_do_not() -> None:
    known = series(wavy(20, 3))
    one, again, other = (amounts_ahead(known, AHEAD, stream(name)).paths for name in ("H1", "H1", "H2"))
    assert (one == again).all()
    assert (one != other).any()


def test_a_trend_is_followed_but_few_months_do_not_run_away_with_it() -> None:
    whole = series([1_000.0] * 36)
    rising = series([300.0 * 1.06 ** (place / 12) for place in range(36)])
    made = rates_ahead(rising, whole, np.full(6, 1_000.0), AHEAD, MEAN, stream("t"))
    assert made.expected[-1] == pytest.approx(0.3 * 1.06 ** (41 / 12), rel=0.01)
    jumpy = series([300.0, 310, 305, 330, 335, 350])
    short = rates_ahead(jumpy, series([1_000.0] * 6), np.full(6, 1_000.0), AHEAD, MEAN, stream("t"))
    assert short.expected[-1] < 0.35, "six months that rise by a sixth are not carried on"


def test_a_step_of_the_edition_is_not_taken_for_noise() -> None:
    whole = series([1_000.0] * 30)
    rng = np.random.default_rng(5)
    stepped = series([(950 if place < 24 else 1_020) * (1 + 0.004 * rng.normal()) for place in range(30)])
    with_step = rates_ahead(stepped, whole, np.full(6, 1e3), AHEAD, MEAN, stream("s"), ["2025-01"])
    without = rates_ahead(stepped, whole, np.full(6, 1e3), AHEAD, MEAN, stream("s"))
    assert with_step.expected.mean() == pytest.approx(1.02, abs=0.006)
    assert np.ptp(with_step.paths.mean(axis=0)) < np.ptp(without.paths.mean(axis=0))


def test_rare_events_are_counted_not_measured() -> None:
    whole = series([400.0] * 30)
    none = rates_ahead(series([0.0] * 30), whole, np.full(6, 400.0), AHEAD, RARE, stream("r"))
    assert none.method == COUNTS
    assert none.expected.sum() == 0
    assert 0 < (none.paths.sum(axis=0) > 0).mean() < 0.3, "none so far does not mean none ever"
    some = rates_ahead(series([2.0] * 30), whole, np.full(6, 400.0), AHEAD, SHARE, stream("r"))
    assert some.method == COUNTS, "a share of few cases a month is counted, too"
    assert some.expected.sum() == pytest.approx(12)
    assert (some.paths == np.rint(some.paths)).all()


@pytest.mark.parametrize(("size", "trend"), [(9, 0.0), (18, 0.01), (36, 0.02)])
def test_rates_are_covered_as_named(size: int, trend: float) -> None:
    hits: dict[int, list[bool]] = {level: [] for level in LEVELS}
    for seed in range(150):
        rng = np.random.default_rng(seed)
        level = [0.9 * (1 + trend) ** (place / 12) * (1 + 0.03 * rng.normal()) for place in range(size + 6)]
        part, whole = series([one * 1_000 for one in level[:size]]), series([1_000.0] * size)
        made = rates_ahead(part, whole, np.full(6, 1_000.0), AHEAD, MEAN, stream(str(seed)))
        spread = bounds(made.paths.mean(axis=0), float(made.expected.mean()))
        happened = sum(level[size:]) / 6
        for name, (low, high) in spread.items():
            hits[name].append(low <= happened <= high)
    assert sum(hits[80]) / 150 == pytest.approx(0.80, abs=0.09)
    assert sum(hits[95]) / 150 == pytest.approx(0.95, abs=0.05)


@pytest.mark.parametrize(("size", "least"), [(9, 0.7), (18, 0.7), (30, 0.75)])
def test_amounts_of_half_a_year_are_covered_as_the_document_says(size: int, least: float) -> None:
    hits: dict[int, list[bool]] = {level: [] for level in LEVELS}
    runs = 24 if size > 23 else 80
    for seed in range(runs):
        values = wavy(size + 6, seed, noise=0.02)
        made = amounts_ahead(series(values[:size]), AHEAD, stream(str(seed)))
        spread = bounds(made.paths.sum(axis=0), float(made.expected.sum()))
        for name, (low, high) in spread.items():
            hits[name].append(low <= sum(values[size:]) <= high)
    assert sum(hits[80]) / runs >= least
    assert sum(hits[95]) / runs >= 0.87


def test_single_diseases_share_one_rule() -> None:
    flow = flow_of("disease.stroke.total_fee_fen")
    assert flow is not None
    assert (flow.per, flow.kind) == ("disease.stroke.case_count", MEAN)
    assert flow_of("medical_income") is None


def test_the_indicators_are_those_that_records_and_money_move() -> None:
    national = {one for one in moved_indicators() if one.isdigit()}
    assert national == {"4", "5", "6", "8", "9", "10", "14", "31", "33", "35", "40", "41"}
