"""A year cleared by DIP scores: settlement value, hospital coefficients, experts' decisions, the steps that apply."""

from __future__ import annotations

from typing import Any

import pytest
from clearing_cases import SCORES, cleared, clearing_policy, line, place_of, ruling, scored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from payment_cases import fen

from tongpin.base.errors import PolicyError

TWO = [scored("a", 60, fee=500, patient=100), scored("b", 40, fee=300, patient=100)]


def policy_of(folder, budget: float = 900, **values: Any):
    return clearing_policy(folder, **SCORES | {"dip__final_budget": fen(budget)} | values)


def paid(found) -> dict[str, int]:
    return {row["case_id"]: row["cleared_fen"] for row in found.changed.to_pylist()}


def test_the_settlement_value_pays_the_total_budget_to_the_fen(tmp_path):
    # 900 over 100 points: 9 yuan a point instead of 10.
    found = cleared(policy_of(tmp_path), TWO)
    assert paid(found) == {"a": fen(540 - 100), "b": fen(360 - 100)}
    (rate,) = found.rates.to_pylist()
    assert (rate["unit_label"], rate["value_e4"], rate["residue_fen"]) == ("分值", fen(9) * 10_000, 0)


def test_the_money_of_the_fund_is_divided_by_the_reimbursement_ratio(tmp_path):
    # Of 800 yuan of fees the fund pays 600 by item: 75 %. 720 / 0.75 = 960, 9.60 a point (TV-B2).
    actual = cleared(policy_of(tmp_path / "a", 720, dip__final_budget_base="fund"), TWO)
    assert paid(actual) == {"a": fen(576 - 100), "b": fen(384 - 100)}
    stated = policy_of(
        tmp_path / "b", 720, dip__final_budget_base="fund", dip__final_ratio_from="stated", dip__final_ratio=0.8
    )
    assert paid(cleared(stated, TWO)) == {"a": fen(540 - 100), "b": fen(360 - 100)}


def test_a_rounded_value_pays_each_case_at_the_value(tmp_path):
    policy = policy_of(tmp_path, 899.99, dip__value__split="rounded", dip__value__decimals=1)
    (rate,) = cleared(policy, TWO).rates.to_pylist()
    assert (rate["value_e4"], rate["residue_fen"]) == (fen(9) * 10_000, 1)


def test_the_final_hospital_coefficient_multiplies_again(tmp_path):
    rows = [scored("a", 50, institution=1.2), scored("b", 40, hospital="H2", level="二级")]
    posted = cleared(policy_of(tmp_path / "posted", 1_000), rows)
    assert paid(posted) == {}, "60 + 40 points, 10 yuan each, as posted"
    final = policy_of(tmp_path / "final", 900, dip__institution__at_clearing="final")
    assert paid(cleared(final, rows)) == {"a": fen(500)}, "50 + 40 points at 10 yuan"


def test_experts_decide_the_coefficient_of_a_deviation_case(tmp_path):
    rows = [scored("a", 60), scored("r", 10, deviation=6, review=True, outlier="HIGH")]
    policy = policy_of(tmp_path, clearing__rate="keep", special__quota_ratio=0)
    waiting = cleared(policy, rows)
    assert paid(waiting) == {}
    assert "1 例超过评议界限、没有专家决定，照月结的偏差系数" in waiting.notes
    decided = ruling("special_case", setl_id="r", result="按评议的偏差系数", value_e4=45_000)
    found = cleared(policy, rows, decided)
    assert paid(found) == {"r": fen(450)}, "10 x 4.5 x 10 yuan; it uses no quota of special cases"
    assert found.notes == ()
    assert place_of(found)["decided_fen"] == fen(-150)


def test_a_decided_coefficient_takes_part_in_the_final_value(tmp_path):
    rows = [scored("a", 55), scored("r", 10, deviation=6, review=True)]
    decided = ruling("special_case", setl_id="r", result="偏差系数", value_e4=45_000)
    assert paid(cleared(policy_of(tmp_path, 1_100), rows, decided)) == {"a": fen(605), "r": fen(495)}, "11 a point"


@pytest.mark.parametrize("value", [None, -1])
def test_a_decision_without_its_coefficient_is_refused(tmp_path, value):
    rows = [scored("r", 10, deviation=6, review=True)]
    with pytest.raises(PolicyError, match="没有写偏差系数"):
        cleared(policy_of(tmp_path), rows, ruling("special_case", setl_id="r", result="偏差系数", value_e4=value))


def test_a_deviation_coefficient_is_refused_where_nothing_is_paid_by_scores(tmp_path):
    with pytest.raises(PolicyError, match="不按分值付费"):
        cleared(
            clearing_policy(tmp_path),
            [line("a", 10)],
            ruling("special_case", setl_id="a", result="偏差系数", value_e4=1),
        )


KEEP = {"clearing__rate": "keep"}


@pytest.mark.parametrize("applies", [True, False])
def test_bands_apply_where_the_edition_says(tmp_path, applies):
    policy = policy_of(tmp_path, **KEEP, band__apply="bands", band__retained=0.5, dip__applies__bands=applies)
    row = place_of(cleared(policy, [scored("a", 10, fee=90)]))
    assert (row["banded_fen"], row["band_ratio_e4"]) == ((fen(-5), 9_000) if applies else (0, None))


@pytest.mark.parametrize("applies", [True, False])
def test_the_tier_budget_applies_where_the_edition_says(tmp_path, applies):
    values = {"tier__scaling": "scale", "tier__final_budget": fen(80), "dip__applies__tier_budget": applies}
    row = place_of(cleared(policy_of(tmp_path, **KEEP, **values), [scored("a", 10)]))
    assert row["scaled_fen"] == (fen(-20) if applies else 0)


@pytest.mark.parametrize("applies", [True, False])
def test_the_assessment_of_the_deposit_applies_where_the_edition_says(tmp_path, applies):
    policy = policy_of(tmp_path, **KEEP, assessment__applies_to="deposit", dip__applies__deposit=applies)
    score = ruling("score", year=2025, value_e4=900_000)
    row = place_of(cleared(policy, [scored("a", 10)], score, deposit=0.1))
    assert row["assessed_fen"] == (fen(-1) if applies else 0)


@pytest.mark.parametrize("applies", [True, False])
def test_the_cap_of_high_outliers_applies_where_the_edition_says(tmp_path, applies):
    rows = [scored("a", 10), scored("h", 10, deviation=3, outlier="HIGH", fee=400)]
    policy = policy_of(tmp_path, 100, outlier__cap__ratio=0, dip__applies__outlier_cap=applies)
    found = cleared(policy, rows)
    assert place_of(found)["capped_fen"] == (fen(-200) if applies else 0)
    assert found.rates["units_e4"].to_pylist() == [200_000 if applies else 400_000], "a capped case keeps 10 points"


@pytest.mark.parametrize("key", ["dip.applies.bands", "dip.applies.tier_budget", "dip.final_budget", "dip.value.split"])
def test_an_edition_that_leaves_open_what_a_year_needs_is_refused(tmp_path, key):
    with pytest.raises(PolicyError, match=rf"(?s)policy\.gap.*{key}"):
        cleared(policy_of(tmp_path, **{key.replace(".", "__"): None}), TWO)


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    scores=st.lists(st.tuples(st.integers(1, 5_000), st.sampled_from([0.4, 1, 2.5])), min_size=1, max_size=20),
    budget=st.integers(10_000, 10**10),
)
def test_scores_times_value_is_the_budget_to_the_fen(tmp_path, scores, budget):
    rows = [scored(f"c{n:02d}", one, deviation=by, hospital=f"H{n % 3 + 1}") for n, (one, by) in enumerate(scores)]
    found = cleared(policy_of(tmp_path, dip__final_budget=budget), rows)
    assert sum(row["due_fen"] for row in found.places.to_pylist()) == budget
