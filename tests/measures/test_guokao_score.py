"""Simulated scores: TV-F3, mirrored directions, no better side for compared figures, nothing without peers."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tongpin.base.errors import TongpinError
from tongpin.measures.guokao.compute import VALUE_SCHEMA
from tongpin.measures.guokao.proposal import propose
from tongpin.measures.guokao.score import (
    EFFICACY,
    INTERVAL,
    METHODS,
    PEER_SCHEMA,
    PERCENTILE,
    efficacy,
    percentile,
    score,
    standing,
    within,
)
from tongpin.measures.guokao.tables import ScoreTables, Target

LADDER = (("A++", 1.0), ("A+", 5.0), ("A", 20.0), ("B++", 40.0), ("B+", 70.0), ("D", 100.0))
numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda one: round(one, 3))


def figures(*rows: tuple[str, str, str, float | None]) -> pa.Table:
    """Figures: number, part, direction, value."""
    made = [
        {
            "no": no,
            "sub": sub,
            "name": sub,
            "direction": direction,
            "value": value,
            "unit": "%",
            "monitored": True,
            "reason": None if value is not None else "缺 出院人次（discharged_patients）",
        }
        for no, sub, direction, value in rows
    ]
    return pa.Table.from_pylist(made, schema=VALUE_SCHEMA)


def peers(**by_sub: list[float]) -> pa.Table:
    rows = [
        {"peer_code": f"P{place}", "sub": sub.removeprefix("n").replace("_", "."), "value": value}
        for sub, values in by_sub.items()
        for place, value in enumerate(values)
    ]
    return pa.Table.from_pylist(rows, schema=PEER_SCHEMA)


def tables(targets: dict[str, Target] | None = None, **weights: float) -> ScoreTables:
    return ScoreTables({name.removeprefix("n"): one for name, one in weights.items()}, LADDER, targets or {}, "测试")


def scores(values: pa.Table, others: pa.Table, weighed: ScoreTables, method: str) -> dict[str, dict[str, object]]:
    return {row["sub"]: row for row in score(values, others, weighed, method).to_pylist()}


TEN = [20.0, 22.0, 25.0, 28.0, 30.0, 32.0, 34.0, 36.0, 38.0, 40.0]


def test_efficacy_tv_f3() -> None:
    found = scores(figures(("4", "4", "逐步提高", 31.17)), peers(n4=TEN), tables(n4=1000), EFFICACY)["4"]
    assert round(float(found["score"]), 2) == 82.34  # type: ignore[arg-type]
    assert round(float(found["points"]), 1) == 823.4  # type: ignore[arg-type]
    assert found["label"] == "模拟"


@given(numbers, numbers, numbers)
def test_efficacy_stays_within_0_and_100_and_mirrors(value: float, one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    if high - low < 1e-3:
        return
    up, down = efficacy(value, low, high), efficacy(value, low, high, lower_is_better=True)
    assert 0 <= up <= 100
    assert 0 <= down <= 100
    assert down == pytest.approx(efficacy(-value, -high, -low), abs=1e-6)
    if low <= value <= high:
        assert up + down == pytest.approx(160)


@given(numbers, st.lists(numbers, min_size=1, max_size=40))
def test_percentile_stays_within_0_and_100_and_mirrors(value: float, others: list[float]) -> None:
    pool = sorted(others)
    up, down = percentile(value, pool), percentile(value, pool, lower_is_better=True)
    assert 0 <= up <= 100
    assert up + down == pytest.approx(100)


@given(numbers, st.lists(numbers, min_size=5, max_size=30), st.randoms(), st.sampled_from(sorted(METHODS)))
def test_the_order_of_peers_does_not_matter(value: float, others: list[float], chance, method: str) -> None:
    mixed = list(others)
    chance.shuffle(mixed)
    values, weighed = figures(("4", "4", "逐步提高", value)), tables({"4": Target(0, 10, 5)}, n4=1000)
    assert score(values, peers(n4=others), weighed, method) == score(values, peers(n4=mixed), weighed, method)
    assert standing(values, peers(n4=others), weighed, method) == standing(values, peers(n4=mixed), weighed, method)


def test_a_lower_figure_is_better_where_it_should_fall() -> None:
    values = figures(("8", "8", "逐步降低", 21.0), ("4", "4", "逐步提高", 21.0))
    found = scores(values, peers(n4=TEN, n8=TEN), tables(n4=500, n8=500), PERCENTILE)
    assert found["8"]["score"] == 90
    assert found["4"]["score"] == 10


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_compared_figure_is_not_scored_without_a_target(method: str) -> None:
    found = scores(figures(("46", "46", "监测比较", 25.0)), peers(n46=TEN), tables(n46=1000), method)["46"]
    assert found["score"] is None
    assert found["reason"] == "监测比较，没有给目标区间，不评高低"


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_compared_figure_is_scored_by_its_target_whatever_the_method(method: str) -> None:
    weighed = tables({"46": Target(1.2, 1.5, 0.5)}, n46=1000)
    found = scores(figures(("46", "46", "监测比较", 1.75)), peers(), weighed, method)["46"]
    assert found["score"] == pytest.approx(50)
    assert found["method"] == METHODS[INTERVAL]


def test_an_interval_is_full_inside_and_falls_to_zero() -> None:
    target = Target(10, 20, 5)
    assert [within(value, target) for value in (10, 15, 20, 22.5, 25, 40, 7.5)] == [100, 100, 100, 50, 0, 0, 50]


def test_a_qualitative_indicator_is_not_scored_on_a_scale() -> None:
    found = scores(figures(("42", "42", "逐步完善", 1.0)), peers(n42=TEN), tables(n42=1000), PERCENTILE)["42"]
    assert found["score"] is None


@pytest.mark.parametrize("count", [0, 4])
def test_without_enough_peers_there_is_no_score_and_no_place(count: int) -> None:
    values, others = figures(("4", "4", "逐步提高", 31.0)), peers(n4=TEN[:count])
    found = scores(values, others, tables(n4=1000), PERCENTILE)["4"]
    assert found["score"] is None
    assert "不足" in str(found["reason"])
    result = standing(values, others, tables(n4=1000))
    assert (result.place, result.grade, result.points) == (None, "", 0)


def test_a_missing_figure_is_not_scored_and_says_what_is_missing() -> None:
    found = scores(figures(("4", "4", "逐步提高", None)), peers(n4=TEN), tables(n4=1000), PERCENTILE)["4"]
    assert found["score"] is None
    assert "discharged_patients" in str(found["reason"])


def test_equal_peers_give_no_efficacy() -> None:
    found = scores(figures(("4", "4", "逐步提高", 3.0)), peers(n4=[2.0] * 6), tables(n4=1000), EFFICACY)["4"]
    assert found["reason"] == "同级数值全都相同"


def test_parts_share_the_weight_of_their_indicator() -> None:
    values = figures(*(("45", f"45.{place}", "逐步提高", 5.0) for place in range(1, 6)))
    found = scores(values, peers(), tables(n45=1000), PERCENTILE)
    assert [row["weight"] for row in found.values()] == [200] * 5


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(TongpinError) as caught:
        score(figures(("4", "4", "逐步提高", 1.0)), peers(), tables(n4=1000), "guess")
    assert caught.value.code == "guokao.method"


def test_a_place_counts_better_peers_and_a_grade_needs_many() -> None:
    values, weighed = figures(("4", "4", "逐步提高", 39.0)), tables(n4=1000)
    few = standing(values, peers(n4=TEN), weighed)
    assert (few.place, few.among, few.grade) == (2, 11, "")
    many = standing(values, peers(n4=[float(one) for one in range(40)]), weighed)
    assert (many.place, many.among) == (1, 41)
    assert many.grade == "A+"


def test_a_grade_is_not_read_from_a_small_share_of_the_weights() -> None:
    values = figures(("4", "4", "逐步提高", 38.5), ("5", "5", "逐步提高", None))
    result = standing(values, peers(n4=[float(one) for one in range(40)]), tables(n4=400, n5=600))
    assert (result.place, result.grade) == (2, "")
    assert any("不折等级" in note for note in result.notes)


def test_a_peer_that_lacks_figures_is_left_out_of_the_places() -> None:
    values = figures(("4", "4", "逐步提高", 30.0), ("5", "5", "逐步提高", 30.0))
    result = standing(values, peers(n4=TEN, n5=TEN[:6]), tables(n4=500, n5=500))
    assert result.among == 7


def weak(surplus_fen: int) -> list[object]:
    values = figures(
        ("4", "4", "逐步提高", 22.0),
        ("40", "40", "逐步降低", 36.0),
        ("35", "35", "监测比较", 0.0),
        ("5", "5", "逐步提高", 39.0),
    )
    others = peers(n4=TEN, n40=TEN, n35=TEN, n5=TEN)
    return list(propose("tertiary", values, others, {"4": 400, "40": 200, "35": 300, "5": 100}, surplus_fen))


def test_the_surplus_goes_to_the_weakest_by_gap_and_weight() -> None:
    found = weak(30_000_01)
    assert [one.no for one in found] == ["4", "40"]  # type: ignore[attr-defined]
    assert sum(one.amount_fen for one in found) == 30_000_01  # type: ignore[attr-defined]
    assert found[0].amount_fen > found[1].amount_fen > 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("surplus_fen", [0, -5])
def test_without_a_surplus_the_weak_are_told_without_amounts(surplus_fen: int) -> None:
    assert [one.amount_fen for one in weak(surplus_fen)] == [0, 0]  # type: ignore[attr-defined]


@example(surplus_fen=1, others=[0.0, 1.0, 888014.0, 0.004, -311986.0], value=0.004)
@given(st.integers(1, 10**12), st.lists(numbers, min_size=5, max_size=12), numbers)
def test_the_parts_of_a_proposal_sum_to_the_surplus(surplus_fen: int, others: list[float], value: float) -> None:
    values = figures(("4", "4", "逐步提高", value), ("6", "6", "逐步提高", value / 2))
    found = propose("tertiary", values, peers(n4=others, n6=others), {"4": 700, "6": 300}, surplus_fen)
    assert sum(one.amount_fen for one in found) == (surplus_fen if found else 0)
    assert all(one.value < one.median and 0 < one.gap <= 1 for one in found)
