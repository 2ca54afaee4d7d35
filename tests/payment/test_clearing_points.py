"""Step 10 by points: the value of a point from the final budget, over a whole year, to the fen (TV-A8e, S900-01)."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from clearing_cases import POINTS, cleared, clearing_policy, line, place_of, pointed, ruling
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payment_cases import fen
from test_clearing_steps import exchanged

from tongpin.base.errors import BalanceError, PolicyError
from tongpin.payment.year.clear import STEPS

THREE = [pointed("a", 30, patient=100), pointed("b", 20), pointed("c", 50, base=40, outlier="HIGH", fee=600)]
ALL_HIGH_KEPT = {"outlier__cap__ratio": 1}


def policy_of(folder, budget: float = 1_000, **values: Any):
    return clearing_policy(folder, **POINTS | {"points__final_budget": fen(budget)} | values)


def paid(found) -> dict[str, int]:
    return {row["case_id"]: row["cleared_fen"] for row in found.changed.to_pylist()}


def test_a_year_of_points_spends_the_budget_less_the_adjustment_fund(tmp_path):
    # 1,000 less 5 % is 950; over 30 + 20 + 50 points a point is worth 9.50 instead of 10.
    found = cleared(policy_of(tmp_path, **ALL_HIGH_KEPT), THREE)
    assert paid(found) == {"a": fen(285 - 100), "b": fen(190), "c": fen(475)}
    row = place_of(found)
    assert (row["posted_fen"], row["rated_fen"], row["due_fen"]) == (fen(900), fen(-50), fen(850))
    (rate,) = found.rates.to_pylist()
    assert (rate["unit_label"], rate["cases"], rate["units_e4"]) == ("点数", 3, 1_000_000)
    assert (rate["budget_fen"], rate["kept_fen"], rate["paid_fen"]) == (fen(1_000), fen(50), fen(950))
    assert (rate["value_e4"], rate["residue_fen"]) == (fen(9.5) * 10_000, 0)


def test_the_largest_remainder_gets_the_last_fen(tmp_path):
    # The dear case beyond the cap keeps the 40 points of its standard: 950 over 90 points.
    # 316.666… + 211.111… + 422.222…: the fen that is left goes to the first.
    found = cleared(policy_of(tmp_path, outlier__cap__ratio=0), THREE)
    assert paid(found) == {"a": fen(316.67 - 100), "b": fen(211.11), "c": fen(422.22)}
    row = place_of(found)
    assert (row["capped_fen"], row["rated_fen"]) == (fen(-100), fen(950 - 900))


def test_a_kept_value_pays_as_the_months_did(tmp_path):
    found = cleared(policy_of(tmp_path, **ALL_HIGH_KEPT, clearing__rate="keep"), THREE)
    assert (paid(found), found.rates.num_rows) == ({}, 0)


@pytest.mark.parametrize(("covers", "a", "b"), [("points", 570 - 100, 380), ("all", 228 - 100, 152)])
def test_cases_paid_apart_come_out_of_the_budget_or_not(tmp_path, covers, a, b):
    # c is approved by item, 600. The budget for a and b: 1,000 x 0.95 over 50 points, or (1,000 - 600) x 0.95.
    policy = policy_of(tmp_path, clearing__budget_covers=covers, special__quota_ratio=1, **ALL_HIGH_KEPT)
    found = cleared(policy, THREE, ruling("special_case", setl_id="c", result="按项目"))
    assert paid(found) == {"a": fen(a), "b": fen(b), "c": fen(600)}


def test_a_budget_that_the_cases_paid_apart_use_up_is_refused(tmp_path):
    policy = policy_of(tmp_path, 600, clearing__budget_covers="all", special__quota_ratio=1, **ALL_HIGH_KEPT)
    with pytest.raises(PolicyError, match=r"points\.budget"):
        cleared(policy, THREE, ruling("special_case", setl_id="c", result="按项目"))


def test_a_budget_of_the_pool_alone_leaves_the_other_payers_on_top(tmp_path):
    found = cleared(policy_of(tmp_path, points__budget_base="fund", **ALL_HIGH_KEPT), THREE)
    assert place_of(found)["due_fen"] == fen(950), "the pool is the budget; the patient's 100 stand beside it"


def test_a_rounded_value_tells_what_it_leaves(tmp_path):
    policy = policy_of(tmp_path, points__value_split="rounded", rounding__point_value=100, **ALL_HIGH_KEPT)
    (rate,) = cleared(policy, THREE).rates.to_pylist()
    assert (rate["value_e4"], rate["residue_fen"]) == (fen(10) * 10_000, fen(50)), "9.50 rounds to 10"


def test_a_reversed_line_and_a_case_without_points_take_no_part(tmp_path):
    rows = [*THREE, pointed("gone", 40), pointed("gone", 40, kind="reversal", month="2025-08")]
    rows += [line("item", 70, pay_scope="BY_ITEM", pay_mode="by_item")]
    found = cleared(policy_of(tmp_path, **ALL_HIGH_KEPT), rows)
    assert paid(found) == {"a": fen(185), "b": fen(190), "c": fen(475)}


def test_every_fund_has_its_own_budget_or_is_refused(tmp_path):
    with pytest.raises(PolicyError, match=r"policy\.gap"):
        cleared(policy_of(tmp_path, points__final_budget=None), THREE)


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    points=st.lists(st.tuples(st.integers(1, 9_999), st.sampled_from(["310", "390"])), min_size=1, max_size=25),
    budget=st.integers(1_000, 10**9),
)
def test_points_times_value_is_the_budget_to_the_fen(tmp_path, points, budget):
    policy = policy_of(tmp_path, points__final_budget=budget)
    rows = [
        pointed(f"c{n:02d}", one / 100, hospital=f"H{n % 3 + 1}", fund=fund) for n, (one, fund) in enumerate(points)
    ]
    found = cleared(policy, rows)
    funds = {fund for _, fund in points}
    kept = {row["fund"]: row["kept_fen"] for row in found.rates.to_pylist()}
    for fund in funds:
        due = sum(row["due_fen"] for row in found.places.to_pylist() if row["fund"] == fund)
        assert due == budget - kept[fund]


def busy_points(tmp_path, steps):
    """A year of points in which every step moves money."""
    policy = policy_of(
        tmp_path,
        3_200,
        special__quota_ratio=0.2,
        outlier__cap__ratio=0.1,
        overdue__share=0.5,
        clearing__budget_covers="all",
        tier__scaling="scale",
        tier__final_budget=fen(2_900),
        band__apply="bands",
        band__lower=0,
        band__retained=0.6,
        assessment__applies_to="all",
    )
    rows = [pointed(f"n{number}", 10, fee=50) for number in range(9)]
    rows += [pointed(f"h{n}", 35 + n, base=10, fee=150 + 10 * n, outlier="HIGH") for n in range(5)]
    rows += [pointed("s", 10, fee=300)]
    rows += [pointed(f"m{number}", 10, fee=95, hospital="UP") for number in range(6)]
    decided = [
        ruling("special_case", setl_id="h4", result="按项目"),
        ruling("special_case", setl_id="s", result="按项目"),
        ruling("overdue", setl_id="n0"),
        ruling("score", year=2025, value_e4=900_000),
        ruling("score", year=2025, value_e4=950_000, institution_code="UP"),
    ]
    return cleared(policy, rows, *decided, deposit=0.03, steps=steps)


@pytest.mark.parametrize(("first", "second"), list(combinations(range(len(STEPS)), 2)))
def test_no_two_steps_may_change_places_by_points(tmp_path, first, second):
    right = busy_points(tmp_path / "right", STEPS)
    if STEPS[second].number == 14:
        with pytest.raises(BalanceError, match="补付或收回"):
            busy_points(tmp_path / "wrong", exchanged(first, second))
        return
    wrong = busy_points(tmp_path / "wrong", exchanged(first, second))
    assert right.digest != wrong.digest
    assert place_of(right)["balance_fen"] != place_of(wrong)["balance_fen"]
