"""The changes of a meeting pack: chosen by how far they leave their intervals, never by raw size."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.measures.catalogue import load_measures
from tongpin.measures.compare import Change
from tongpin.measures.figures import Comparison, Figure
from tongpin.measures.ranks import BETTER, LIKE, UNSCORED, WORSE
from tongpin.twin.monthly.catalogue import Candidate, load_meeting
from tongpin.twin.monthly.changes import WITHIN, most_changed, times_of

STAY, FEE, RESULT = "discharge.mean_stay", "discharge.mean_fee", "settlement.mean_result"


def figure(
    name: str,
    kind: str,
    value: float,
    before: float,
    reach: float,
    reading: str = LIKE,
    counts: tuple[int, int] = (50, 60),
) -> Figure:
    """A figure of so many cases beside one of an earlier month."""
    gap = value - before
    beside = Comparison(kind, "", before, Change(gap, None, 0.0, gap), reading, reach=reach, reference_count=counts[1])
    return Figure({}, {}, load_measures()[name], value, counts[0], compared=beside)


def candidates(*names: str) -> tuple[Candidate, ...]:
    return tuple(Candidate(measure=name, topic=name) for name in names)


def test_the_change_that_leaves_its_interval_farthest_comes_first() -> None:
    # 2 days against ±1 leave it twice over; 3,000 yuan against ±4,000 do not.
    mom = {STAY: figure(STAY, "mom", 8, 10, 1, BETTER), FEE: figure(FEE, "mom", 13_000, 10_000, 4_000)}
    found = most_changed({"mom": mom}, candidates(FEE, STAY), 3)
    assert [(one.figure.measure.id, one.times, one.reading) for one in found] == [
        (STAY, 2.0, "超出区间，更好"),
        (FEE, 0.75, WITHIN),
    ]


def test_the_larger_of_two_comparisons_counts_and_both_are_shown() -> None:
    mom, yoy = figure(STAY, "mom", 10, 9.5, 1), figure(STAY, "yoy", 10, 7, 1, WORSE)
    (one,) = most_changed({"mom": {STAY: mom}, "yoy": {STAY: yoy}}, candidates(STAY), 3)
    assert (one.kind, one.times, one.reading) == ("yoy", 3.0, "超出区间，更差")
    assert {kind: beside.reference for kind, beside in one.comparisons.items()} == {"mom": 9.5, "yoy": 7}


def test_what_is_only_monitored_is_never_better_or_worse() -> None:
    (one,) = most_changed({"mom": {RESULT: figure(RESULT, "mom", 900, 100, 200, UNSCORED)}}, candidates(RESULT), 3)
    assert one.reading == "超出区间，监测比较"


def test_of_a_topic_only_the_largest_change_is_shown() -> None:
    same = tuple(Candidate(measure=name, topic="费用") for name in (STAY, FEE))
    mom = {STAY: figure(STAY, "mom", 8, 10, 1), FEE: figure(FEE, "mom", 19_000, 10_000, 3_000)}
    assert [one.figure.measure.id for one in most_changed({"mom": mom}, same, 3)] == [FEE]


@pytest.mark.parametrize("counts", [(29, 60), (60, 29)])
def test_few_cases_on_either_side_are_no_change(counts: tuple[int, int]) -> None:
    few = figure(STAY, "mom", 2, 10, 1, counts=counts)
    assert times_of(few, few.compared) is None
    assert most_changed({"mom": {STAY: few}}, candidates(STAY), 3) == ()


def test_across_weight_editions_only_the_real_part_counts() -> None:
    one = figure("discharge.cmi", "yoy", 1.2, 1.0, 0.1)
    assert one.compared is not None
    split = replace(one.compared, change=Change(0.2, None, 0.15, 0.05, "已拆分"))
    assert times_of(one, split) == pytest.approx(0.5)
    refused = replace(one.compared, change=Change(note="跨版本不比较"))
    assert times_of(one, refused) is None


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 20)), min_size=1, max_size=8))
def test_never_more_than_asked_for_and_the_largest_first(changes: list[tuple[float, float]]) -> None:
    names = list(load_measures())[: len(changes)]
    mom = {name: figure(name, "mom", gap, 0, reach) for name, (gap, reach) in zip(names, changes, strict=True)}
    found = most_changed({"mom": mom}, candidates(*names), 3)
    times = [one.times for one in found]
    assert times == sorted((abs(gap) / reach for gap, reach in changes), reverse=True)[:3]


def test_death_rates_are_no_candidates() -> None:
    assert [one.measure for one in load_meeting().candidates if load_measures()[one.measure].limits] == []
