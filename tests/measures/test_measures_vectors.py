"""Measures against the worked examples TV-E1 … TV-E6."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from tongpin.base.errors import TongpinError
from tongpin.measures.benchmark import group_deaths, group_means, risk_bounds, risk_levels
from tongpin.measures.catalogue import load_measures
from tongpin.measures.compute import compute, roll_up
from tongpin.measures.facts import case_facts


def figure(facts: pa.Table, measure_id: str) -> float:
    value = compute(facts, [load_measures()[measure_id]])[measure_id][0].as_py()
    assert value is not None
    return float(value)


def repeat(rows: list[tuple[dict[str, object], int]]) -> pa.Table:
    """Each row so many times."""
    return pa.Table.from_pylist([row for row, times in rows for _ in range(times)])


def test_cmi_and_total_weight_tv_e1() -> None:
    cases = repeat([({"weight_e4": 12_000}, 50), ({"weight_e4": 8_000}, 30), ({"weight_e4": 25_000}, 20)])
    facts = case_facts(cases, [])
    assert figure(facts, "discharge.total_weight") == 1_340_000
    assert figure(facts, "discharge.cmi") == pytest.approx(1.34)


def test_cases_without_weight_stay_out_of_cmi() -> None:
    cases = repeat([({"weight_e4": 12_000}, 2), ({"weight_e4": 0}, 5)])
    assert figure(case_facts(cases, []), "discharge.cmi") == pytest.approx(1.2)


@pytest.fixture
def tv_e2() -> tuple[pa.Table, pa.Table]:
    """The hospital's two groups and the region's means of them."""
    benchmark = pa.table(
        {
            "drg": ["A", "B"],
            "mean_fee_fen": [1_000_000, 2_000_000],
            "mean_stay_e4": [80_000, 100_000],
        },
    )
    cases = repeat(
        [
            ({"drg": "A", "los": 6, "total_fee_fen": 900_000}, 60),
            ({"drg": "B", "los": 10, "total_fee_fen": 2_200_000}, 40),
        ],
    )
    return cases, benchmark


def test_indices_by_group_means_tv_e2(tv_e2: tuple[pa.Table, pa.Table]) -> None:
    facts = case_facts(tv_e2[0], [], benchmark=tv_e2[1])
    assert figure(facts, "discharge.fee_index.mean_form") == pytest.approx(0.98)
    assert figure(facts, "discharge.time_index.mean_form") == pytest.approx(0.85)


def test_indices_by_totals_tv_e2b(tv_e2: tuple[pa.Table, pa.Table]) -> None:
    facts = case_facts(tv_e2[0], [], benchmark=tv_e2[1])
    assert figure(facts, "discharge.fee_index.sum_form") == pytest.approx(1.0143, abs=5e-5)
    assert figure(facts, "discharge.time_index.sum_form") == pytest.approx(0.8636, abs=5e-5)


def test_a_group_without_benchmark_is_not_compared(tv_e2: tuple[pa.Table, pa.Table]) -> None:
    cases = pa.concat_tables([tv_e2[0], repeat([({"drg": "Z", "los": 90, "total_fee_fen": 99_000_000}, 30)])])
    facts = case_facts(cases, [], benchmark=tv_e2[1])
    assert figure(facts, "discharge.fee_index.mean_form") == pytest.approx(0.98)
    assert roll_up(facts, [])["compared_count"].to_pylist() == [100]


def test_an_index_on_few_cases_is_left_out(tv_e2: tuple[pa.Table, pa.Table]) -> None:
    facts = case_facts(tv_e2[0].slice(0, 19), [], benchmark=tv_e2[1])
    measure = load_measures()["discharge.time_index.mean_form"]
    assert compute(facts, [measure])[measure.id].to_pylist() == [None]


def test_risk_levels_tv_e3() -> None:
    deaths = pa.table(
        {
            "drg": ["a", "b", "c", "d", "e"],
            "case_count": [20_000, 1_000, 1_000, 100, 5_000],
            "death_count": [10, 2, 10, 5, 0],
        },
    )
    mean, deviation = risk_bounds(deaths)
    assert (mean, deviation) == (pytest.approx(-5.3541, abs=5e-5), pytest.approx(1.7256, abs=5e-5))
    assert risk_levels(deaths)["risk_level"].to_pylist() == [1, 2, 3, 4, 0]


def test_a_group_with_few_cases_gets_no_risk_level() -> None:
    case = {"status": "grouped", "los": 5, "total_fee_fen": 1, "drug_fee_fen": 0, "consumable_fee_fen": 0}
    cases = repeat(
        [
            ({**case, "drg": "A", "discharge_way": "1"}, 99),
            ({**case, "drg": "A", "discharge_way": "5"}, 1),
            ({**case, "drg": "B", "discharge_way": "5"}, 99),
        ],
    )
    assert group_deaths(cases).to_pylist() == [{"drg": "A", "case_count": 100, "death_count": 1}]


def test_no_deaths_no_risk_levels() -> None:
    deaths = pa.table({"drg": ["a"], "case_count": [10], "death_count": [0]})
    assert math.isnan(risk_bounds(deaths)[0])
    assert risk_levels(deaths)["risk_level"].to_pylist() == [0]


def test_low_risk_mortality_leaves_level_zero_out_and_flags_few_cases() -> None:
    risk = pa.table({"drg": ["low", "none"], "risk_level": [1, 0]})
    cases = repeat(
        [
            ({"drg": "low", "discharge_way": "5"}, 1),
            ({"drg": "low", "discharge_way": "1"}, 3_999),
            ({"drg": "none", "discharge_way": "1"}, 600),
        ],
    )
    measure = load_measures()["discharge.low_risk_mortality"]
    few = compute(case_facts(cases, [], risk=risk), [measure])
    assert few[measure.id].to_pylist() == [pytest.approx(1 / 4_000)]
    assert few[f"{measure.id}.flag"].to_pylist() == ["例数少"]
    many = compute(case_facts(pa.concat_tables([cases, cases]), [], risk=risk), [measure])
    assert many[f"{measure.id}.flag"].to_pylist() == [""]


def test_pay_ratio_tv_e4() -> None:
    cases = pa.table({"pool_payable_fen": [5_013_917], "item_pool_fen": [5_139_569]})
    assert round(figure(case_facts(cases, []), "settlement.pay_ratio"), 4) == 0.9756


def test_unit_weight_fee_change_tv_e5() -> None:
    def fee(total: int) -> float:
        cases = pa.table({"total_fee_fen": [total], "weight_e4": [10_000]})
        return figure(case_facts(cases, []), "settlement.unit_weight_fee")

    assert round((fee(1_247_000) / fee(1_344_200) - 1) * 100, 2) == -7.23


def test_grouping_rate_tv_e6_and_its_second_form() -> None:
    usual = {"los": 7, "total_fee_fen": 500_000}
    cases = repeat(
        [
            ({"status": "grouped", **usual}, 970),
            ({"status": "ungrouped", **usual}, 4),
            ({"status": "check_failed", **usual}, 6),
            ({"status": "ungrouped", "los": 61, "total_fee_fen": 500_000}, 12),
            ({"status": "ungrouped", "los": 2, "total_fee_fen": 499}, 8),
        ],
    )
    facts = case_facts(cases, [])
    assert round(figure(facts, "settlement.grouping_rate.scope"), 4) == 0.9898
    assert figure(facts, "settlement.grouping_rate.quality") == pytest.approx(0.97)


def test_the_two_result_ratios_differ_by_outliers() -> None:
    cases = pa.table(
        {
            "standard_fen": [1_000_000, 1_000_000],
            "gross_fen": [1_000_000, 4_000_000],
            "total_fee_fen": [900_000, 4_000_000],
            "result_fen": [100_000, 0],
        },
    )
    facts = case_facts(cases, [])
    assert figure(facts, "settlement.result_ratio.paid") == pytest.approx(0.02)
    assert figure(facts, "settlement.result_ratio.standard") == pytest.approx(-1.45)


def test_expected_shares_in_both_forms() -> None:
    regional = pa.table(
        {
            "drg": ["A", "B"],
            "mean_fee_fen": [1_000, 3_000],
            "mean_drug_fen": [500, 300],
            "mean_consumable_fen": [100, 1_800],
            "drug_share_e6": [500_000, 100_000],
            "consumable_share_e6": [100_000, 600_000],
        },
    )
    fees = {"total_fee_fen": 2_000, "drug_fee_fen": 100, "consumable_fee_fen": 900}
    facts = case_facts(repeat([({"drg": "A", **fees}, 1), ({"drg": "B", **fees}, 1)]), [], regional=regional)
    assert figure(facts, "discharge.expected_drug_share.fee_weighted") == pytest.approx(800 / 4_000)
    assert figure(facts, "discharge.expected_consumable_share.fee_weighted") == pytest.approx(1_900 / 4_000)
    assert figure(facts, "discharge.expected_drug_share.case_weighted") == pytest.approx(0.30)
    assert figure(facts, "discharge.expected_consumable_share.case_weighted") == pytest.approx(0.35)
    assert figure(facts, "discharge.compared_drug_share") == pytest.approx(0.05)
    assert figure(facts, "discharge.compared_consumable_share") == pytest.approx(0.45)


def test_surgery_shares() -> None:
    cases = pa.table({"surgery_level": pa.array([None, 1, 3, 4], pa.int8())})
    facts = case_facts(cases, [])
    assert figure(facts, "discharge.surgery_share") == pytest.approx(0.75)
    assert figure(facts, "discharge.high_surgery_share") == pytest.approx(2 / 3)


def test_the_region_against_its_own_month_is_one() -> None:
    chance = np.random.default_rng(1)
    size = 3_000
    cases = pa.table(
        {
            "drg": chance.choice(["A", "B", "C"], size),
            "status": ["grouped"] * size,
            "los": chance.integers(1, 30, size),
            "total_fee_fen": chance.integers(100_000, 9_000_000, size),
            "drug_fee_fen": chance.integers(0, 50_000, size),
            "consumable_fee_fen": chance.integers(0, 50_000, size),
            "discharge_way": ["1"] * size,
        },
    )
    means = group_means(cases)
    facts = case_facts(cases, [], benchmark=means, regional=means)
    for form in ("mean_form", "sum_form"):
        assert figure(facts, f"discharge.fee_index.{form}") == pytest.approx(1, abs=1e-5)
        assert figure(facts, f"discharge.time_index.{form}") == pytest.approx(1, abs=1e-5)


def test_a_missing_column_names_the_measure_and_the_column() -> None:
    facts = case_facts(pa.table({"los": [3]}), [])
    with pytest.raises(TongpinError) as caught:
        compute(facts, [load_measures()["discharge.cmi"]])
    assert caught.value.code == "measures.needs"
    assert "discharge.cmi" in caught.value.message
    assert "weight_e4" in caught.value.hint
