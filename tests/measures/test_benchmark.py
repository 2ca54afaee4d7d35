"""Benchmarks: means by level, lists that override, intervals, shrinkage, ranks that intervals allow, exact limits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tongpin.base.errors import TongpinError
from tongpin.measures.benchmark import group_means, read_light_list, read_risk_list, risk_levels
from tongpin.measures.catalogue import load_measures
from tongpin.measures.compute import compute
from tongpin.measures.facts import case_facts
from tongpin.measures.intervals import intervals, moments, shrink_cases, shrunk, wilson
from tongpin.measures.ranks import (
    ABOVE_INNER,
    ABOVE_OUTER,
    BETTER,
    FEW,
    LIKE,
    NONE,
    UNSCORED,
    WITHIN,
    WORSE,
    funnel,
    places,
    reading,
)

if TYPE_CHECKING:
    from pathlib import Path

MEAN_STAY, CMI = load_measures()["discharge.mean_stay"], load_measures()["discharge.cmi"]
MORTALITY = load_measures()["discharge.mortality"]
HIGH_SURGERY = load_measures()["discharge.high_surgery_share"]


def case(drg: str, level: str, fee: int) -> dict[str, Any]:
    return {
        "drg": drg,
        "hospital_level": level,
        "status": "grouped",
        "los": 5,
        "total_fee_fen": fee,
        "drug_fee_fen": fee // 2,
        "consumable_fee_fen": 0,
        "exam_fee_fen": fee // 10,
        "discharge_way": "1",
    }


def test_means_of_each_level_and_an_index_against_them() -> None:
    rows = [case("A", "三级", 2_000)] * 20 + [case("A", "一级", 1_000)] * 20 + [case("A", "二级", 9)] * 19
    cases = pa.Table.from_pylist(rows)
    means = group_means(cases, ["hospital_level"])
    assert dict(zip(means["hospital_level"].to_pylist(), means["mean_fee_fen"].to_pylist(), strict=True)) == {
        "一级": 1_000,
        "三级": 2_000,
    }
    index = load_measures()["discharge.fee_index.sum_form"]
    against_levels = compute(case_facts(cases, [], benchmark=means), [index])
    assert against_levels[index.id][0].as_py() == pytest.approx(1)
    assert against_levels["compared_count"][0].as_py() == 40


def test_a_mean_of_drugs_counts_the_cases_that_know_them() -> None:
    rows = [case("A", "", 1_000)] * 20 + [case("A", "", 1_000) | {"drug_fee_fen": None, "exam_fee_fen": None}] * 20
    means = group_means(pa.Table.from_pylist(rows)).to_pylist()[0]
    assert (means["mean_drug_fen"], means["mean_exam_fen"], means["mean_fee_fen"]) == (500, 100, 1_000)


def test_an_imported_list_overrides_the_levels_of_mortality(tmp_path: Path) -> None:
    path = tmp_path / "risk.csv"
    path.write_text("drg,risk_level\nA,1\nZ,1\n", encoding="utf-8")
    deaths = pa.table({"drg": ["A", "B"], "case_count": [100, 1_000], "death_count": [50, 1]})
    assert risk_levels(deaths)["risk_level"].to_pylist()[0] > 1
    listed = risk_levels(deaths, read_risk_list(path))
    levels = dict(zip(listed["drg"].to_pylist(), listed["risk_level"].to_pylist(), strict=True))
    assert (levels["A"], levels["Z"]) == (1, 1)
    assert "B" in levels


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("drg\nA\n", "表头"),
        ("drg,risk_level\nA,5\n", "风险级别"),
        ("drg,risk_level\nA,1\nA,2\n", "重复"),
        ("drg,risk_level\n,1\n", "为空"),
    ],
)
def test_a_bad_list_says_the_line(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "risk.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TongpinError, match=what) as caught:
        read_risk_list(path)
    assert caught.value.code == "measures.list"
    assert "risk.csv 第" in caught.value.where


def test_a_list_of_light_groups_gives_the_share_by_list(tmp_path: Path) -> None:
    path = tmp_path / "light.csv"
    path.write_text("drg\nA\n", encoding="utf-8")
    cases = pa.table({"drg": ["A", "A", "B", None]})
    measure = load_measures()["discharge.light_share.list"]
    facts = case_facts(cases, [], light=read_light_list(path))
    assert compute(facts, [measure])[measure.id][0].as_py() == pytest.approx(2 / 3)


def of(measure: Any, cases: pa.Table, by: list[str] | None = None) -> dict[str, list[float]]:
    table = moments(cases, [measure], by or [])[measure.id]
    return {name: values.tolist() for name, values in intervals(table, measure).items()}


def test_a_mean_has_its_t_interval() -> None:
    stays = [3, 5, 8, 13, 4, 9]
    told = of(MEAN_STAY, pa.table({"los": stays}))
    low, high = stats.t.interval(0.95, len(stays) - 1, np.mean(stays), stats.sem(stays))
    assert (told["value"][0], told["low"][0], told["high"][0]) == pytest.approx((7.0, low, high))


def test_a_rate_has_wilsons_interval() -> None:
    levels = pa.table({"surgery_level": pa.array([3] * 3 + [1] * 7 + [None] * 5, pa.int8())})
    told = of(HIGH_SURGERY, levels)
    exact = stats.binomtest(3, 10).proportion_ci(0.95, method="wilson")
    assert (told["low"][0], told["high"][0]) == pytest.approx((exact.low, exact.high))


def test_a_ratio_of_sums_has_the_interval_of_its_residuals() -> None:
    chance = np.random.default_rng(3)
    weight, noise = chance.integers(5_000, 30_000, 400), chance.normal(0, 1_000, 400)
    fee = (weight * 110 / 10 + noise * 100).astype(np.int64)
    cases = pa.table({"weight_e4": weight, "total_fee_fen": fee})
    told = of(load_measures()["discharge.unit_weight_fee"], cases)
    assert told["value"][0] == pytest.approx(fee.sum() / weight.sum() * 100)
    assert told["low"][0] < told["value"][0] < told["high"][0]
    residual = fee - fee.sum() / weight.sum() * weight
    error = math.sqrt((residual**2).sum() * 400 / 399) / weight.sum() * 100
    assert told["error"][0] == pytest.approx(error)


def test_one_case_has_no_interval_and_none_no_figure() -> None:
    told = of(MEAN_STAY, pa.table({"los": [4, 3, 5], "ward": ["a", "b", "b"]}), ["ward"])
    assert math.isnan(told["low"][0])
    assert told["low"][1] < 4 < told["high"][1]
    assert math.isnan(of(MEAN_STAY, pa.table({"los": pa.array([None], pa.int32())}))["value"][0])


values = st.floats(-1e4, 1e4)


@given(values, st.floats(0, 1e6), values, st.floats(0, 1e9) | st.just(math.inf))
def test_a_shrunk_value_lies_between_its_own_and_the_reference(
    value: float, n: float, reference: float, k: float
) -> None:
    drawn = float(shrunk(np.array([value]), np.array([n]), reference, k)[0])
    assert min(value, reference) <= drawn <= max(value, reference)


def test_more_cases_are_drawn_less() -> None:
    drawn = shrunk(np.array([10.0, 10.0, 10.0]), np.array([0.0, 30.0, 3_000.0]), 0.0, 30.0)
    assert drawn.tolist() == pytest.approx([0.0, 5.0, 10 * 3_000 / 3_030])


def test_units_without_real_spread_are_all_drawn_to_the_reference() -> None:
    chance = np.random.default_rng(5)
    alike = {"value": chance.normal(10, 1, 60), "error": np.ones(60)}
    apart = {"value": chance.normal(10, 9, 60), "error": np.ones(60)}
    counts = np.full(60, 50.0)
    assert shrink_cases(alike, counts, "empirical") > 10 * shrink_cases(apart, counts, "empirical")
    assert shrink_cases(alike, counts, "fixed") == 30


def test_a_reading_needs_cases_a_side_and_an_interval_clear_of_the_reference() -> None:
    assert reading(MEAN_STAY, 6.0, 7.0, 100, 8.0) == BETTER
    assert reading(MEAN_STAY, 9.0, 9.5, 100, 8.0) == WORSE
    assert reading(CMI, 1.2, 1.4, 100, 1.0) == BETTER
    assert reading(CMI, 0.9, 1.4, 100, 1.0) == LIKE
    assert reading(CMI, 1.2, 1.4, 5, 1.0) == FEW
    assert reading(CMI, math.nan, math.nan, 100, 1.0) == NONE


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(0, 10**6))
def test_monitored_measures_are_never_better_or_worse(low: float, high: float, reference: float, count: int) -> None:
    monitored = [one for one in load_measures().values() if one.direction in {"监测比较", "区间"}]
    assert monitored
    for measure in monitored:
        assert reading(measure, low, high, count, reference) == UNSCORED
        assert places(measure, [low, reference], [high, reference], [count, count]).ranked == 0


def test_overlapping_intervals_share_a_range_of_ranks() -> None:
    low, high = [5.0, 6.0, 9.0, 1.0], [7.0, 8.0, 10.0, 2.0]
    found = places(MEAN_STAY, low, high, [100, 100, 100, 5])
    assert found.ranked == 3
    assert found.first.tolist() == [1, 1, 3, 0]
    assert found.last.tolist() == [2, 2, 3, 0]
    upward = places(CMI, low, high, [100, 100, 100, 100])
    assert upward.first.tolist() == [2, 2, 1, 4]


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 3), st.integers(0, 100)), min_size=1, max_size=12))
def test_ranks_hold_every_order_that_the_intervals_allow(units: list[tuple[float, float, int]]) -> None:
    low, reach, counts = (np.array(column) for column in zip(*units, strict=True))
    found = places(MEAN_STAY, low, low + reach, counts)
    ranked = found.first > 0
    assert (ranked == (counts >= 30)).all()
    assert (found.first[ranked] <= found.last[ranked]).all()
    order = np.argsort(np.argsort(low[ranked], kind="stable"), kind="stable") + 1
    assert ((found.first[ranked] <= order) & (order <= found.last[ranked])).all()


def test_deaths_are_never_ranked() -> None:
    assert places(load_measures()["discharge.low_risk_mortality"], [0.0, 0.5], [0.1, 0.6], [500, 500]).ranked == 0


def test_one_death_is_no_veto() -> None:
    """One death among 500 low-risk cases is 0.2 %, ten times the usual rate, and within the exact limits."""
    one = funnel(1, 500, 0.0002)
    assert one.verdict == WITHIN
    assert one.chance == pytest.approx(1 - math.exp(-0.1))
    assert funnel(2, 500, 0.0002).verdict == ABOVE_OUTER or funnel(2, 500, 0.0002).verdict == ABOVE_INNER
    assert funnel(4, 500, 0.0002).verdict == ABOVE_OUTER
    assert "复核" in ABOVE_OUTER


def test_limits_are_those_of_the_exact_distributions() -> None:
    rare, common = funnel(3, 1_000, 0.002), funnel(30, 100, 0.2)
    assert (rare.inner, rare.outer) == (stats.poisson(2).ppf(0.975), stats.poisson(2).ppf(0.999))
    assert (common.inner, common.outer) == (stats.binom(100, 0.2).ppf(0.975), stats.binom(100, 0.2).ppf(0.999))
    assert common.verdict == ABOVE_INNER
    assert funnel(0, 0, 0.1).verdict == WITHIN
    assert "复核" in funnel(1, 10, 0.0).verdict


@given(st.integers(0, 50), st.integers(1, 5_000), st.floats(0.0001, 0.9))
def test_more_events_never_read_milder(events: int, more: int, rate: float) -> None:
    order = [WITHIN, ABOVE_INNER, ABOVE_OUTER]
    of_cases = events + more
    assert order.index(funnel(events, of_cases, rate).verdict) <= order.index(
        funnel(events + 1, of_cases, rate).verdict
    )


@given(st.integers(0, 500), st.integers(1, 500))
def test_wilson_holds_its_rate_within_nought_and_one(hits: int, more: int) -> None:
    low, high = wilson(np.array([float(hits)]), np.array([float(hits + more)]))
    assert 0 <= low[0] <= hits / (hits + more) + 1e-12
    assert hits / (hits + more) - 1e-12 <= high[0] <= 1
