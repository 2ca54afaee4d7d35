"""The optimiser: no solution touches a protected case or breaks a limit, the frontier is monotone, limits are named."""

from __future__ import annotations

import itertools
import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from portfolio_cases import FAR, INSTITUTIONS, LOWER, OWN, PEER, elsewhere, page, stays, tables

from tongpin.base.errors import TongpinError
from tongpin.twin.portfolio.assessed import Assessed
from tongpin.twin.portfolio.capacity import Capacity, Means, capacities_of
from tongpin.twin.portfolio.catalogue import load_portfolio
from tongpin.twin.portfolio.effect import stop, what_if
from tongpin.twin.portfolio.frontier import GROW, Point, Problem, frontier
from tongpin.twin.portfolio.proposals import proposals_of
from tongpin.twin.portfolio.stays import FACTS, stays_of

Row = dict[str, Any]


def problem(rows: list[Row], means: Means | None = None, days: int = 30) -> Problem:
    held = stays(rows)
    return Problem(held, capacities_of(held.totals, days, means or Means()))


def moved(point: Point, drg: str, move: str) -> int:
    return sum(one.cases for one in point.taken if (one.choice.drg, one.choice.move) == (drg, move))


def light(count: int, drg: str = "A", **more: Any) -> list[Row]:
    """Light cases, each losing 100 yuan, that a lower hospital knows too."""
    return [page(1_000 + number, drg, **more) for number in range(count)]


def heavy(count: int, **more: Any) -> list[Row]:
    """Heavy planned operations, each gaining 300 yuan."""
    fields: Row = {"surgery_level": 3, "result_fen": 30_000, "los": 8, **more}
    return [page(5_000 + number, "C", 20_000, **fields) for number in range(count)]


def test_losing_light_cases_go_down_as_far_as_the_receivers_take_them() -> None:
    held = problem([*light(20), *heavy(20), *elsewhere("A", 30)])
    richest = frontier(held)[0]
    assert moved(richest, "A", "down") == 6  # a fifth of the thirty cases of the lower hospital
    assert moved(richest, "C", GROW) == 2  # a tenth of the twenty operations, in the beds that became free
    assert richest.result_fen == 20 * -10_000 + 20 * 30_000 + 6 * 10_000 + 2 * 30_000
    told = proposals_of(held, richest, {"A": "轻症"}).proposals
    assert {(one.drg, one.move): one.stops for one in told} == {
        ("A", "down"): "接收机构至多再收 6 例",
        ("C", GROW): "需求上限：非急诊的 10%",
    }
    assert told[0].text == "A 轻症：6 例下转（同一区域内收治同一病组的下级医疗机构；本期 20 例）"
    assert (told[0].able_count, told[0].case_count, told[0].result_fen, told[0].stay_days) == (20, 20, 60_000, -30)


def test_growth_stops_where_the_beds_are_full() -> None:
    rows = heavy(30)
    held = problem(rows, Means(beds=8), days=33)  # 264 bed days at 93 %: room for no more than the 240 and some
    richest = frontier(held)[0]
    assert moved(richest, "C", GROW) == 0
    roomy = problem(rows, Means(beds=10), days=30)
    (grown,) = proposals_of(roomy, frontier(roomy)[0], {}).proposals
    assert grown.moved_count == 3
    tight = Problem(stays(rows), [Capacity("beds", "床日", "床日", "page.stay_days", 240, 256, "")])
    (some,) = proposals_of(tight, frontier(tight)[0], {}).proposals
    assert (some.moved_count, some.stops) == (2, "床日已满（256）")


@pytest.mark.parametrize(
    "protected",
    [
        {"admission_route": "1"},
        {"admission_route": None},
        {"age": 13},
        {"age": None},
        {"icu_hours": 5},
        {"discharge_way": "5"},
        {"discharge_way": "2"},
    ],
    ids=str,
)
def test_a_protected_case_stays(protected: Row) -> None:
    held = problem([*light(20, **protected), *heavy(20), *elsewhere("A", 300)])
    assert not [one for one in held.choices if one.drg == "A"]


def test_the_only_hospital_of_a_region_keeps_its_group() -> None:
    alone = problem([*light(20, surgery_level=1, los=3), *heavy(5), *elsewhere("A", 300, FAR)])
    assert not [one for one in alone.choices if one.drg == "A"]
    other = problem([*light(20, surgery_level=1, los=3), *heavy(5), *elsewhere("A", 3, PEER)])
    assert {one.move for one in other.choices if one.drg == "A"} == {"day_surgery"}  # nobody below to receive them


def test_boundaries_of_the_tests_of_a_move() -> None:
    def ways(**more: Any) -> set[str]:
        return {one.move for one in problem([*light(12, **more), *elsewhere("A", 300)]).choices if one.drg == "A"}

    assert ways(age=14) == {"down"}
    assert ways(weight_e4=10_000) <= {GROW}
    assert ways(weight_e4=5_999, los=3) == {"down", "outpatient"}
    assert ways(weight_e4=6_000, los=3) == {"down"}
    assert ways(los=4) == {"down"}
    assert ways(los=3, surgery_level=3) == {"down", "day_surgery"}
    assert ways(los=3, surgery_level=4) == {"down"}
    assert ways(los=1, surgery_level=2) == {"down"}
    assert ways(los=2, surgery_level=2, care_type="day_surgery") == {"down"}


def test_a_group_of_few_cases_is_left_alone() -> None:
    least = load_portfolio().setting("minimum_cases")
    assert not problem([*light(least - 1), *elsewhere("A", 300)]).choices
    assert problem([*light(least), *elsewhere("A", 300)]).choices


def test_day_surgery_frees_beds_and_keeps_the_payment() -> None:
    rows = [*light(20, surgery_level=2, los=3, result_fen=5_000), *heavy(40), *elsewhere("A", 3, PEER)]
    held = problem(rows)  # beds are full: only day surgery makes room for operations
    richest = frontier(held)[0]
    days = sum(one.change().delta()["page.stay_days"] for one in richest.taken)
    assert moved(richest, "C", GROW) == 4
    assert moved(richest, "A", "day_surgery") == 16
    assert days <= 0
    assert richest.result_fen == held.totals["list.result_fen"] + 4 * 30_000


def test_without_any_choice_the_frontier_is_today() -> None:
    held = problem(heavy(3))
    (only,) = frontier(held)
    assert only.taken == ()
    assert only.result_fen == 90_000
    assert only.cmi == 2


def test_a_hospital_without_weighted_pages_has_no_frontier() -> None:
    with pytest.raises(TongpinError) as caught:
        frontier(problem([page(1, "A", 0)]))
    assert caught.value.code == "portfolio.pages"


def test_capacities_come_from_what_was_imported() -> None:
    totals = dict.fromkeys(FACTS, 0) | {"page.stay_days": 9_000, "page.surgery_count": 400}
    only_beds = capacities_of(totals, 30, Means())
    assert [(one.id, one.amount) for one in only_beds] == [("beds", 9_000)]
    assert "没有登记床位" in only_beds[0].source
    every = {one.id: one.amount for one in capacities_of(totals, 30, Means(beds=400, doctors=200.0, operations=450))}
    assert every == {"beds": 400 * 30 * 93 // 100, "doctors": 15_000, "theatre": 450}
    crowded = capacities_of(totals, 30, Means(beds=100))[0]
    assert crowded.amount == 9_000
    assert "已超过" in crowded.source


def test_a_proposal_that_would_touch_a_protected_case_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [*light(12), *light(8, age=5, record_no=None), *elsewhere("A", 300)]
    held = problem(rows)
    richest = frontier(held)[0]
    assert moved(richest, "A", "down") == 12
    assert not proposals_of(held, richest, {}).refused
    monkeypatch.setattr(held, "sizes", {"A": 10})  # as if two of the twelve were children
    refused = proposals_of(held, richest, {})
    assert refused.proposals == ()
    assert [one.rule_id for one in refused.refused] == ["ADV-03"]


Case = st.fixed_dictionaries(
    {
        "drg": st.sampled_from("ABCD"),
        "admission_route": st.sampled_from(["1", "2", "2", None]),
        "age": st.sampled_from([5, 13, 14, 60, 60, None]),
        "icu_hours": st.sampled_from([None, None, 3]),
        "discharge_way": st.sampled_from(["1", "1", "2", "5"]),
        "los": st.integers(1, 9),
        "surgery_level": st.sampled_from([None, 2, 4]),
        "result_fen": st.integers(-200_000, 200_000),
        "times": st.integers(1, 12),
    }
)
WEIGHT = {"A": 3_000, "B": 8_000, "C": 12_000, "D": 30_000}
Hospital = st.tuples(
    st.lists(Case, min_size=2, max_size=14),
    st.dictionaries(
        st.sampled_from([(code, drg) for code in (LOWER, PEER, FAR) for drg in "ABCD"]), st.integers(1, 40)
    ),
    st.sampled_from([None, 5, 20, 100]),
)


def a_random_hospital(drawn: tuple[list[Row], dict[tuple[str, str], int], int | None]) -> tuple[list[Row], Problem]:
    cases, around, beds = drawn
    own: list[Row] = []
    for case in cases:
        fields = {name: value for name, value in case.items() if name not in {"times", "drg"}}
        own += [page(len(own) + number, case["drg"], WEIGHT[case["drg"]], **fields) for number in range(case["times"])]
    others = [row for (code, drg), count in around.items() for row in elsewhere(drg, count, code, WEIGHT[drg])]
    return own, problem([*own, *others], Means(beds=beds))


def is_free(row: Row, around: dict[tuple[str, str], int]) -> bool:
    """Whether a case may be moved at all, told anew from the row."""
    near = any(drg == row["drg"] and code in {LOWER, PEER} for code, drg in around)
    return (
        bool(
            row["admission_route"] == "2"
            and row["age"] is not None
            and row["age"] >= 14
            and not row["icu_hours"]
            and near
        )
        and row["discharge_way"] == "1"
    )


def may_go(row: Row, move: str) -> bool:
    match move:
        case "down":
            return bool(row["weight_e4"] < 10_000)
        case "outpatient":
            return bool(row["weight_e4"] < 6_000 and row["los"] <= 3 and row["surgery_level"] is None)
        case _:
            return row["surgery_level"] == 2 and 2 <= row["los"] <= 3


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(Hospital)
def test_no_point_of_any_hospital_breaks_a_hard_limit(
    drawn: tuple[list[Row], dict[tuple[str, str], int], int | None],
) -> None:
    own, held = a_random_hospital(drawn)
    around = drawn[1]
    for point in frontier(held):
        for drg in "ABCD":
            rows = [row for row in own if row["drg"] == drg]
            free = [row for row in rows if is_free(row, around)]
            gone = {move: moved(point, drg, move) for move in ("down", "outpatient", "day_surgery")}
            assert sum(gone.values()) <= len(free)
            for move, count in gone.items():
                assert count <= sum(may_go(row, move) for row in free)
                assert not count or len(rows) >= load_portfolio().setting("minimum_cases")
            received = around.get((LOWER, drg), 0) * load_portfolio().setting("receiver_growth_e4") // 10_000
            assert gone["down"] <= received
            grown = moved(point, drg, GROW)
            assert not grown or (WEIGHT[drg] >= 10_000 and grown * 10 <= len(rows))
        days = sum(one.change().delta()["page.stay_days"] for one in point.taken)
        (beds,) = held.capacities
        assert beds.used + days <= beds.amount + len(point.taken)  # a rounding of each move
        told = proposals_of(held, point, {})
        assert told.refused == ()
        assert sum(one.moved_count for one in told.proposals) == sum(one.cases for one in point.taken)
        assert all(one.stops for one in told.proposals)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(Hospital)
def test_the_frontier_is_monotone_and_never_below_today(
    drawn: tuple[list[Row], dict[tuple[str, str], int], int | None],
) -> None:
    _, held = a_random_hospital(drawn)
    points = frontier(held)
    for lower, higher in itertools.pairwise(points):
        assert lower.cmi < higher.cmi
        assert lower.result_fen > higher.result_fen
    totals = held.totals
    today = Fraction(totals["page.weight_e4"], 10_000 * totals["page.weighted_count"])
    slack = sum(one.cases for one in points[0].taken)
    assert points[0].result_fen >= totals["list.result_fen"] - slack
    assert points[-1].cmi >= today - Fraction(1, 10**6)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(-900, 900), min_size=3, max_size=3),
    st.tuples(st.integers(10, 13), st.integers(10, 13), st.integers(10, 13)),
    st.integers(0, 30),
)
def test_the_richest_point_is_the_best_of_all_that_can_be_tried(
    results: list[int], counts: tuple[int, int, int], room: int
) -> None:
    rows: list[Row] = []
    for drg, result, count in zip("ACD", results, counts, strict=True):
        rows += [
            page(len(rows) + number, drg, WEIGHT[drg], result_fen=result * 100, los=5 if drg == "A" else 9)
            for number in range(count)
        ]
    rows += elsewhere("A", 20)
    held_stays = stays(rows)
    used = held_stays.totals["page.stay_days"]
    held = Problem(held_stays, [Capacity("beds", "床日", "床日", "page.stay_days", used, used + room, "")])
    gain = load_portfolio().setting("least_gain_fen")
    best, brings, top = 0, 0, 0
    most = [one.most for one in held.choices]
    days = [5 if one.drg == "A" else 9 for one in held.choices]
    worth = [one.sums["list.result_fen"] // one.whole for one in held.choices]
    for tried in itertools.product(*(range(one + 1) for one in most)):
        signs = [count if one.move == GROW else -count for one, count in zip(held.choices, tried, strict=True)]
        if sum(a * b for a, b in zip(signs, days, strict=True)) <= room:
            result = sum(a * b for a, b in zip(signs, worth, strict=True))
            top = max(top, result)
            best, brings = max((best, brings), (result - gain * sum(tried), result))
    reached = frontier(held)[0].result_fen - held.totals["list.result_fen"]
    assert brings <= reached <= top


def test_a_hospital_year_is_read_and_tried_within_a_second() -> None:
    chance = np.random.default_rng(3)
    groups = [f"G{number}" for number in range(600)]
    weights = chance.integers(2_000, 60_000, len(groups))
    one_of = chance.integers(0, len(groups), 500)
    rows = [page(number, groups[one], int(weights[one])) for number, one in enumerate(one_of.tolist())]
    pages, lists = tables(rows)
    rows_of_year = np.tile(np.arange(pages.num_rows), 240)  # 120,000 stays of a large hospital
    names = [f"B{number}" for number in range(len(rows_of_year))]
    import pyarrow as pa

    pages, lists = (
        table.take(pa.array(rows_of_year)).set_column(1, "record_no", pa.array(names)) for table in (pages, lists)
    )
    best = float("inf")
    for _ in range(4):
        start = time.perf_counter()
        held = stays_of(pages, lists, INSTITUTIONS, OWN, None)
        what_if(held, [stop(held, held.groups["drg"][0].as_py(), None)], days=365, assessed=Assessed("综合三级"))
        best = min(best, time.perf_counter() - start)
    assert held.unpaired_lists == 0
    assert best < 1
    moves = Problem(held, capacities_of(held.totals, 365, Means(beds=2_500)))
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        frontier(moves)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1
