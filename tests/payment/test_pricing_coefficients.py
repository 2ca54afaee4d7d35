"""Coefficients: a named list in order, conditions, cap, groups they do not touch, the budget-neutral factor."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from payment_cases import case, fen, priced_rows
from pricing_cases import edition

from tongpin.base.errors import PolicyError
from tongpin.payment.explain import explain_case, explain_steps
from tongpin.payment.pricing.coefficients import neutral_factor_e4, product_e4

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy

FREE: dict[str, Any] = {"coefficient.capped": [], "coefficient.withheld": []}
DIFFICULT: dict[str, Any] = {
    **FREE,
    "coefficient.order": ["difficulty"],
    "coefficient.difficulty": 1.15,
    "coefficient.difficulty_age": 80,
    "coefficient.difficulty_comorbidities": 3,
}
FIGURES = "institution_code,figure,value,from\n"


def only(policy: Policy, **details: Any) -> dict[str, Any]:
    (row,) = priced_rows(policy, case("c1", **{"fee": 9_000, "patient": 0} | details))
    return row


def test_named_coefficients_are_multiplied_in_their_order(tmp_path: Path) -> None:
    values = {
        **FREE,
        "coefficient.order": ["level", "institution", "discipline"],
        "coefficient.level": {"三级": 1.05, "二级": 0.95},
        "coefficient.institution": {"H3": 0.92, "*": 1},
        "coefficient.discipline": {"H3": {"A15": 1.03, "*": 1}, "*": {"*": 1}},
    }
    by = {
        "coefficient.level": ("hospital_level",),
        "coefficient.institution": ("institution_code",),
        "coefficient.discipline": ("institution_code", "dept"),
    }
    policy = edition(tmp_path, values, by=by)
    row = only(policy, dept="A15")
    assert row["coefficient_parts"] == "level=10500 institution=9200 discipline=10300"
    assert (row["coefficient_e4"], row["standard_fen"]) == (9_950, fen(9_950)), "0.994980 is rounded once"
    assert only(policy, dept="A03", institution_code="H2")["coefficient_e4"] == 9_500
    assert "= 级别 1.0500 × 机构 0.9200 × 学科 1.0300" in explain_case(row, policy)


@pytest.mark.parametrize(
    ("condition", "age", "others", "expected"),
    [
        ("any", 80, 0, 11_500),
        ("any", 79, 3, 11_500),
        ("any", 79, 2, 10_000),
        ("all", 80, 3, 11_500),
        ("all", 80, 2, 10_000),
        ("age", 79, 9, 10_000),
        ("comorbidities", 30, 3, 11_500),
        ("any", None, 0, 10_000),
    ],
)
def test_the_difficulty_of_a_case_by_age_and_other_diagnoses(
    tmp_path: Path, condition: str, age: int | None, others: int, expected: int
) -> None:
    policy = edition(tmp_path, DIFFICULT | {"coefficient.difficulty_condition": condition})
    row = only(policy, age=age, dx=["I63.9", *(f"E1{number}.9" for number in range(others))])
    assert row["coefficient_e4"] == expected


def test_an_edition_with_difficulty_says_whether_both_conditions_are_needed(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"coefficient\.difficulty_condition"):
        only(edition(tmp_path, DIFFICULT), age=85, dx=["I63.9"])


@pytest.mark.parametrize("left_open", ["coefficient.capped", "coefficient.withheld"])
def test_an_edition_with_coefficients_says_what_caps_and_spares_them(tmp_path: Path, left_open: str) -> None:
    values = FREE | {"coefficient.order": ["level"], "coefficient.level": 1.1, left_open: None}
    with pytest.raises(PolicyError, match=left_open):
        only(edition(tmp_path, values))


def test_the_cap_holds_the_product_of_the_coefficients_inside_it(tmp_path: Path) -> None:
    values = {
        "coefficient.order": ["level", "institution", "rescale"],
        "coefficient.level": 1.2,
        "coefficient.institution": 1.1,
        "coefficient.rescale": 0.98,
        "coefficient.capped": ["level", "institution"],
        "coefficient.cap": 1.25,
        "coefficient.withheld": [],
    }
    policy = edition(tmp_path, values)
    row = only(policy)
    assert row["coefficient_e4"] == 12_250, "1.25 x 0.98, not 1.32 x 0.98"
    assert "其中 级别、机构 连乘不超过 1.2500" in explain_case(row, policy)


@pytest.mark.parametrize(
    ("drg", "expected"), [("AA11D", 10_000), ("BB19D", 12_000), ("CC19D", 10_000), ("XX19D", 10_000)]
)
def test_split_leaves_listed_groups_and_basic_groups_are_not_touched(tmp_path: Path, drg: str, expected: int) -> None:
    values = {
        "coefficient.order": ["level"],
        "coefficient.level": 1.2,
        "coefficient.capped": [],
        "coefficient.withheld": ["level"],
        "coefficient.withheld_endings": ["1", "3", "5"],
        "coefficient.withheld_groups": ["XX19D"],
        "coefficient.withheld_basic": True,
    }
    weights = "drg,weight,basic_group\nAA11D,1,0\nBB19D,1,0\nCC19D,1,1\nXX19D,1,0\n"
    assert only(edition(tmp_path, values, weights=weights), drg=drg)["coefficient_e4"] == expected


@pytest.mark.parametrize(("ratio", "expected"), [("0.97", 9_900), ("1.00", 10_000), ("1.10", 10_200)])
def test_the_cmi_of_a_hospital_raises_or_lowers_its_coefficient(tmp_path: Path, ratio: str, expected: int) -> None:
    bands = [{"from": 0, "value": 0.99}, {"from": 1, "value": 1}, {"from": 1.05, "value": 1.02}]
    values = FREE | {"coefficient.order": ["cmi"], "coefficient.cmi": bands}
    tables = {"hospital_figures.csv": f"{FIGURES}H3,cmi_ratio,{ratio},2025-01-01\n"}
    policy = edition(tmp_path, values, tables=tables)
    assert only(policy)["coefficient_e4"] == expected
    with pytest.raises(PolicyError, match="cmi_ratio/H2") as caught:
        only(policy, institution_code="H2")
    assert caught.value.code == "policy.figure"


@pytest.mark.parametrize("ratio", ["0", "-1", "1.00001", "多"])
def test_a_figure_that_cannot_be_is_refused_with_its_line(tmp_path: Path, ratio: str) -> None:
    values = FREE | {"coefficient.order": ["cmi"], "coefficient.cmi": [{"from": 0, "value": 1}]}
    tables = {"hospital_figures.csv": f"{FIGURES}H3,cmi_ratio,{ratio},2025-01-01\n"}
    with pytest.raises(PolicyError, match="第 2 行"):
        only(edition(tmp_path, values, tables=tables))


@pytest.mark.parametrize(("ratio", "expected"), [("0.9", 9_000), ("1.2", 10_000)])
def test_visits_per_head_are_capped(tmp_path: Path, ratio: str, expected: int) -> None:
    values = FREE | {"coefficient.order": ["heads"], "coefficient.heads_cap": 1}
    tables = {"hospital_figures.csv": f"{FIGURES}H3,heads_ratio,{ratio},2025-01-01\n"}
    assert only(edition(tmp_path, values, tables=tables))["coefficient_e4"] == expected


def test_the_steps_of_an_explanation_are_data_with_their_source(tmp_path: Path) -> None:
    policy = edition(tmp_path)
    steps = {step.label: step for step in explain_steps(only(policy), policy)}
    assert steps["应付总额"].amount_fen == fen(10_000)
    assert (steps["费率"].amount_fen, steps["费率"].source) == (fen(10_000), "模拟")
    assert "rate.tier_budget" in steps["费率"].keys
    assert steps["盈亏率"].text == "盈亏率 10.00 %（（支付标准 − 费用）÷ 支付标准，正为有余）；偏离度：超标准 -10.00 %"


ratios = st.integers(5_000, 20_000)


@given(values=st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e"]), ratios, min_size=1), cap=ratios)
def test_the_product_is_exact_until_its_one_rounding(values: dict[str, int], cap: int) -> None:
    exact = prod(value / 10_000 for value in values.values())
    assert abs(product_e4(values, []) - exact * 10_000) <= 0.5 + 1e-6
    assert product_e4(values | {"cap": cap}, list(values)) <= cap


@given(cases=st.lists(st.tuples(st.integers(1, 100_000), st.integers(100_000, 2_000_000), ratios), max_size=20))
def test_the_neutral_factor_gives_the_total_back(cases: list[tuple[int, int, int]]) -> None:
    weight, rate, coefficient = np.array(cases, dtype=np.int64).reshape(-1, 3).T
    factor = neutral_factor_e4(weight, rate, coefficient)
    before = sum(w * r for w, r, _ in cases)
    after = sum(w * r * c for w, r, c in cases) / 10_000 * factor / 10_000
    assert abs(after - before) <= sum(w * r * c for w, r, c in cases) / 10_000 / 10_000 * 0.51 + 1
