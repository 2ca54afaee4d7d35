"""国考 in the portfolio: indicators that moves change, what they score (模拟), and the frontier along that score."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolio_cases import elsewhere, page, stays, tables

from tongpin.measures.guokao.catalogue import load_set
from tongpin.measures.guokao.compute import VALUE_SCHEMA
from tongpin.measures.guokao.score import EFFICACY, PEER_SCHEMA, PERCENTILE
from tongpin.measures.guokao.tables import ScoreTables
from tongpin.twin.portfolio.assessed import Amounts, Assessed, moved_values, simulated, terms_of
from tongpin.twin.portfolio.capacity import Capacity
from tongpin.twin.portfolio.catalogue import load_portfolio
from tongpin.twin.portfolio.effect import SCORE, grow, stop, what_if
from tongpin.twin.portfolio.frontier import Problem, frontier, score_frontier
from tongpin.twin.portfolio.ladder import ladder
from tongpin.twin.portfolio.stays import page_totals

Row = dict[str, Any]
YUAN = 100


def peers(**of: list[float]) -> pa.Table:
    """Figures of peers by part (`p4` is part 4)."""
    rows = [
        {"peer_code": f"P{number}", "sub": sub.removeprefix("p"), "value": value}
        for sub, values in of.items()
        for number, value in enumerate(values)
    ]
    return pa.Table.from_pylist(rows, schema=PEER_SCHEMA)


def values(*subs: str) -> pa.Table:
    """The figures of the year, none of them known but through the moves."""
    known = {part.sub: one for one in load_set("tertiary").values() for part in one.parts}
    rows = [
        {"no": known[sub].number, "sub": sub, "name": known[sub].name, "direction": known[sub].direction}
        for sub in subs
    ]
    return pa.Table.from_pylist(rows, schema=VALUE_SCHEMA)


def assessed(weights: dict[str, float], others: pa.Table, **more: Any) -> Assessed:
    return Assessed(
        manual="综合三级",
        year=2025,
        values=values(*weights),
        peers=others,
        peers_year=2024,
        tables=ScoreTables(weights, (("D", 100.0),), {}, "测试"),
        **more,
    )


def operations(count: int, **more: Any) -> list[Row]:
    fields: Row = {"surgery_level": 3, "result_fen": 30_000, "los": 8, **more}
    return [page(5_000 + number, "C", 20_000, **fields) for number in range(count)]


def test_filed_income_follows_the_cases_by_hand() -> None:
    """100 万 income with 30 万 drugs, 20 万 consumables, 10 万 exams, 10 万 labs: 30 %. Ten stays of 5,000 yuan go."""
    rows = [page(number, exam_fee_fen=40_000) for number in range(20)]
    held = stays(rows)
    filed = {
        "medical_income": 1_000_000,
        "drug_income": 300_000,
        "material_income": 200_000,
        "exam_income": 100_000,
        "lab_income": 100_000,
    }
    of = Assessed("综合三级", filed={name: Fraction(value) for name, value in filed.items()})
    found = {one.id: one for one in what_if(held, [stop(held, "A", 10)], days=30, assessed=of).figures}
    assert found["guokao.31"].before == 30
    # a stay: 5,000 fee, 100 lost on its list, drugs 1,000, consumables 500, exams 400
    assert found["guokao.31"].after == Fraction(951_000 - 290_000 - 195_000 - 96_000 - 100_000, 951_000) * 100
    assert "模拟" in found["guokao.31"].note


def test_exams_need_their_column_and_then_are_exact() -> None:
    totals = {"page.total_fee_fen": 0, "list.result_fen": 0, "page.drug_fee_fen": 0, "page.consumable_fee_fen": 0}
    today = {**totals, "page.exam_fee_fen": 0}
    after = {
        "page.total_fee_fen": -50_000 * YUAN,
        "list.result_fen": 1_000 * YUAN,
        "page.drug_fee_fen": -10_000 * YUAN,
        "page.consumable_fee_fen": -5_000 * YUAN,
        "page.exam_fee_fen": -4_000 * YUAN,
    }
    filed = {"medical_income": 1_000_000, "drug_income": 300_000, "material_income": 200_000, "exam_income": 100_000}
    filed |= {"lab_income": 100_000, "personnel_expense": 400_000, "total_expense": 950_000}
    of = Assessed("综合三级", filed={name: Fraction(value) for name, value in filed.items()})
    found = moved_values(of, Amounts(after, today, of.filed))
    # 951,000 income; 290,000 + 195,000 + 96,000 + 100,000 taken off
    assert found["31"] == Fraction(951_000 - 681_000, 951_000) * 100
    assert found["33"] == Fraction(400_000, 950_000 - 15_000) * 100
    assert found["35"] is None, "no surplus was filed"
    assert moved_values(of, Amounts(after, today, of.filed, frozenset({"page.exam_fee_fen"})))["31"] is None


def test_every_filed_item_of_the_rules_names_facts_there_are() -> None:
    rules = load_portfolio()
    for name in rules.filed_items:
        assert all(one.fact in set(stays([page(1)]).totals) for one in terms_of(name))
    for set_name, subs in rules.guokao.items():
        known = {part.sub for one in load_set(set_name).values() for part in one.parts}
        assert set(subs) <= known


def test_the_score_before_and_after_is_that_of_the_indicators_by_hand() -> None:
    """5 of 15 operated = 33.33 %: above two of five peers (40 of 100 points); 5 of 10 = 50 %: above four (80)."""
    rows = [page(number, "A", 4_000) for number in range(10)] + operations(5)
    held = stays(rows)
    of = assessed({"4": 600.0, "5": 400.0}, peers(p4=[20, 30, 40, 45, 60], p5=[10, 20, 30, 40, 50]))
    found = {one.id: one for one in what_if(held, [stop(held, "A", 5)], days=30, assessed=of).figures}
    assert (found[SCORE].before, found[SCORE].after) == (240, 480)
    assert "可评 600.00 分" in found[SCORE].note
    assert "2024 年同级" in found[SCORE].note
    assert "模拟" in found[SCORE].note


@pytest.mark.parametrize(
    "of",
    [
        Assessed("综合三级"),
        Assessed("中医三级", peers=peers(p4=[1, 2, 3, 4, 5])),
        Assessed("不参加国考"),
        assessed({"4": 1000.0}, PEER_SCHEMA.empty_table()),
    ],
    ids=["没有同级与权重", "手册没有指标集", "不参加国考", "没有同级"],
)
def test_without_peers_or_a_manual_there_is_no_score(of: Assessed) -> None:
    held = stays([*operations(5), *(page(number) for number in range(10))])
    found = {one.id for one in what_if(held, [grow(held, "C", 1)], days=30, assessed=of).figures}
    assert SCORE not in found
    assert ("guokao.4" in found) == (of.manual == "综合三级")
    problem = Problem(held, [Capacity("beds", "床日", "床日", "page.stay_days", 90, 900, "")], of)
    assert score_frontier(problem, frontier(problem)[0]) == ()


def a_problem(of: Assessed, counts: tuple[int, int, int], room: int) -> Problem:
    """Light stays that may go down, heavy operations that may grow, and dear stays that may grow, too."""
    rows = [page(number, "A", 3_000, result_fen=-5_000) for number in range(counts[0])]
    rows += [
        page(1_000 + number, "C", 12_000, surgery_level=3, total_fee_fen=900_000, result_fen=8_000)
        for number in range(counts[1])
    ]
    rows += [
        page(2_000 + number, "D", 30_000, total_fee_fen=4_000_000, result_fen=20_000) for number in range(counts[2])
    ]
    held = stays([*rows, *elsewhere("A", 25)])
    used = held.totals["page.stay_days"]
    return Problem(held, [Capacity("beds", "床日", "床日", "page.stay_days", used, used + room, "")], of)


@settings(max_examples=15, deadline=None)
@given(
    st.tuples(st.integers(10, 14), st.integers(10, 25), st.integers(10, 25)),
    st.integers(0, 25),
    st.lists(st.integers(20, 60), min_size=5, max_size=8),
    st.lists(st.integers(-20, 60), min_size=5, max_size=8),
    st.sampled_from([PERCENTILE, EFFICACY]),
)
def test_the_score_frontier_reaches_the_best_score_of_all_plans(
    counts: tuple[int, int, int], room: int, surgery: list[int], growth: list[int], method: str
) -> None:
    last = page_totals(tables([page(number, total_fee_fen=1_000_000) for number in range(3)])[0])
    of = assessed(
        {"4": 500.0, "40": 500.0},
        peers(p4=[float(one) for one in surgery], p40=[float(one) for one in growth]),
        last_year=last,
        method=method,
    )
    held = a_problem(of, counts, room)
    points = score_frontier(held, frontier(held)[0])
    every = [
        held.point(np.array(tried), 0.0) for tried in itertools.product(*(range(one.most + 1) for one in held.choices))
    ]
    able = [one for one in every if one.sums["page.stay_days"] <= held.capacities[0].amount]
    best = max(one.score.points for one in able if one.score)
    if not points:
        assert not ladder(held, of).steps
        return
    top = points[-1].score
    assert top is not None
    if method == PERCENTILE:
        assert top.points == pytest.approx(best, abs=1e-6)
    else:  # even steps from below: at most one of twelve steps of either indicator is missed
        assert top.points >= best - 1000 / load_portfolio().setting("efficacy_steps")
    for lower, higher in itertools.pairwise(points):
        assert lower.score is not None
        assert higher.score is not None
        assert lower.score.points < higher.score.points
        assert lower.result_fen > higher.result_fen
    for one in points:
        assert one.score == simulated(of, one.figures)
        richer = [
            two.result_fen
            for two in able
            if two.score and one.score and two.score.points >= one.score.points and len(two.taken) <= len(one.taken)
        ]
        gain = load_portfolio().setting("least_gain_fen")
        moved = max(sum(taken.cases for taken in two.taken) for two in able)
        assert method != PERCENTILE or max(richer) <= one.result_fen + gain * moved
