"""Comparisons: what is refused, what is split, what is only said, and what is never judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.measures.benchmark import group_means
from tongpin.measures.catalogue import load_measures
from tongpin.measures.compare import (
    Vintage,
    base_months,
    best_quartile,
    change,
    growth,
    months_of,
    shifted,
)
from tongpin.measures.compute import compute
from tongpin.measures.facts import case_facts
from tongpin.measures.populations import performance_cases

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "spec" / "test_vectors.json"
CMI, FEE_INDEX = load_measures()["discharge.cmi"], load_measures()["discharge.fee_index.sum_form"]
MORTALITY, DRUG_SHARE = load_measures()["discharge.mortality"], load_measures()["discharge.drug_share"]
SAME = (Vintage("2025 版", "固定 2024"), Vintage("2025 版", "固定 2024"))
OTHER_WEIGHTS = (Vintage("2025 版"), Vintage("2024 版"))
OTHER_BASE = (Vintage("", "同期 2025-06"), Vintage("", "同期 2024-06"))


def vector(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    found = next(one for one in json.loads(VECTORS.read_text(encoding="utf-8")) if one["id"] == name)
    return found["inputs"], found["expected"]


def cmi_of(mix: list[float], weights: list[float]) -> float:
    """The CMI of a mix of two groups, of a hundred cases."""
    rows = [
        {"weight_e4": round(weight * 10_000)}
        for share, weight in zip(mix, weights, strict=True)
        for _ in range(round(share * 100))
    ]
    value = compute(case_facts(pa.Table.from_pylist(rows), []), [CMI])[CMI.id][0].as_py()
    return float(value)


@pytest.mark.needs("reference")
def test_growth_of_cmi_is_the_mix_not_the_edition_tv_p12() -> None:
    given, expected = vector("TV-P12")
    first, second, old = given["mix_y1"], given["mix_y2"], given["rw_y1"]
    fixed = [cmi_of(first, old), cmi_of(second, old)]
    assert fixed == pytest.approx(expected["fixed_edition"])
    mean = cmi_of(second, old)
    new = [weight / mean for weight in old]  # the edition of the second year, re-based on its own mix
    then, now, bridge = cmi_of(first, old), cmi_of(second, new), cmi_of(first, new)
    assert [then, now] == pytest.approx(expected["rebased"], abs=1e-4)
    assert change(CMI, fixed[1], fixed[0], SAME).growth == pytest.approx(0.1)
    assert change(CMI, now, then, OTHER_WEIGHTS).difference is None
    split = change(CMI, now, then, OTHER_WEIGHTS, bridge)
    assert split.difference == pytest.approx(0, abs=1e-4)
    assert split.growth == pytest.approx(0.1, abs=1e-3)
    assert split.real_effect == pytest.approx(-(split.edition_effect or 0), abs=1e-4)


@pytest.mark.needs("reference")
def test_an_index_against_a_fixed_base_and_against_its_own_period_tv_p11() -> None:
    given, expected = vector("TV-P11")
    this_year = zip(("A", "B"), given["n"], given["this_year_mean_every_hospital"], strict=True)
    rows = [
        {"drg": drg, "los": 5, "total_fee_fen": mean * 100, "status": "grouped", "discharge_way": "1"}
        for drg, count, mean in this_year
        for _ in range(count)
    ]
    parts = {"drug_fee_fen": 0, "consumable_fee_fen": 0}
    cases = pa.Table.from_pylist([row | parts for row in rows])
    base = pa.table(
        {"drg": ["A", "B"], "mean_fee_fen": [mean * 100 for mean in given["base_mean"]], "mean_stay_e4": [50_000] * 2}
    )
    for name, benchmark in (("fixed_base", base), ("same_period", group_means(cases))):
        facts = case_facts(cases, [], benchmark=benchmark)
        for form in ("mean_form", "sum_form"):
            measure = load_measures()[f"discharge.fee_index.{form}"]
            assert compute(facts, [measure])[measure.id][0].as_py() == pytest.approx(expected[name])


@pytest.mark.needs("reference")
def test_performance_counts_other_stays_than_payment_tv_p8() -> None:
    given, expected = vector("TV-P8")
    kept = performance_cases(pa.table({"los": pa.array([*given["los"], None], pa.int32())}))["los"].to_pylist()
    assert [("in" if days in kept else "out") for days in given["los"]] == expected["performance"]
    assert None in kept


def test_a_same_period_benchmark_is_never_growth() -> None:
    refused = change(FEE_INDEX, 1.0, 1.0, OTHER_BASE)
    assert refused.difference is None
    assert "对比基期不同" in refused.note


def test_what_needs_no_weights_does_not_ask_for_their_edition() -> None:
    assert change(MORTALITY, 0.2, 0.1, OTHER_WEIGHTS).real_effect == pytest.approx(0.1)


def test_rates_have_differences_amounts_have_growth() -> None:
    assert change(DRUG_SHARE, 0.0548, 0.0842, SAME).growth is None
    assert change(DRUG_SHARE, 0.0548, 0.0842, SAME).difference == pytest.approx(-0.0294)
    fee = load_measures()["discharge.unit_weight_fee"]
    assert round((change(fee, 12_470, 13_442, SAME).growth or 0) * 100, 2) == -7.23


def test_nothing_is_compared_with_nothing() -> None:
    assert change(CMI, None, 1.0, SAME).difference is None
    assert change(CMI, 1.0, None, SAME).note == "参照没有数"
    assert growth(5.0, 0.0) is None
    assert growth(5.0, -2.0) is None


numbers = st.floats(-1e6, 1e6)


@given(numbers, numbers, numbers)
def test_the_split_of_an_edition_adds_up(now: float, then: float, bridge: float) -> None:
    split = change(CMI, now, then, OTHER_WEIGHTS, bridge)
    parts = (split.edition_effect or 0) + (split.real_effect or 0)
    assert parts == pytest.approx(split.difference, abs=1e-6)
    assert "已拆分" in split.note


def test_months_and_what_they_go_back_to() -> None:
    assert months_of("2024-11..2025-02") == ("2024-11", "2024-12", "2025-01", "2025-02")
    assert base_months(("2025-01",), "mom") == ("2024-12",)
    assert base_months(("2025-01", "2025-02"), "mom") == ("2024-11", "2024-12")
    assert base_months(("2025-06",), "yoy") == ("2024-06",)
    assert base_months(("2025-02",), "own") == ("2024-11", "2024-12", "2025-01")
    assert shifted("2025-01", -13) == "2023-12"


@pytest.mark.parametrize("text", ["2025", "2025-13", "2025-1", "2025-06..2025-05", "", "二〇二五-06"])
def test_other_months_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="month"):
        months_of(text)


def test_the_benchmark_is_the_best_quarter_on_the_better_side() -> None:
    values, counts = [float(one) for one in range(1, 9)], [100] * 8
    mean_stay = load_measures()["discharge.mean_stay"]
    assert best_quartile(mean_stay, values, counts) == pytest.approx(2.75)
    assert best_quartile(CMI, values, counts) == pytest.approx(6.25)


def test_few_cases_and_monitored_measures_set_no_benchmark() -> None:
    mean_stay = load_measures()["discharge.mean_stay"]
    assert best_quartile(mean_stay, [1.0, *[9.0] * 4], [5, *[100] * 4]) == pytest.approx(9.0)
    assert best_quartile(mean_stay, [1.0, 2.0, 3.0], [100] * 3) is None
    assert best_quartile(MORTALITY, [0.1] * 8, [100] * 8) is None
