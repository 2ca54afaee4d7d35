"""Four cases that anyone can add up on paper, and what every measure makes of them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tongpin.measures.catalogue import load_measures
from tongpin.measures.compute import compute
from tongpin.measures.facts import case_facts

# An operation in the normal range; a death, dear, of weight exactly 1; a light and cheap one of unknown stay and drugs;
# one that failed the check and has no group. Amounts in yuan below, in fen in the table.
CASES = {
    "status": ["grouped", "grouped", "grouped", "check_failed"],
    "los": [5, 9, None, 10],
    "total_fee": [10_000, 5_000, 1_000, 4_000],
    "drug_fee": [2_000, 2_500, None, 1_000],
    "consumable_fee": [3_000, 500, 100, 400],
    "weight_e4": [12_000, 10_000, 5_000, None],
    "outlier_class": ["NORMAL", "HIGH", "LOW", None],
    "standard": [11_000, 2_000, 4_000, None],
    "gross": [11_000, 5_000, 1_000, 4_000],
    "item_pool": [7_000, 3_000, 600, 2_400],
    "pool_payable": [8_000, 3_000, 600, 2_400],
    "result": [1_000, 0, 0, 0],
    "discharge_way": ["1", "5", "4", "1"],
    "surgery_level": [3, None, 1, None],
    "operation_count": [2, 0, 1, 0],
    "high_operation_count": [1, 0, 0, 0],
    "exam_fee": [500, 300, None, 200],
    "patient_pay": [3_000, 2_000, 400, 1_600],
    "other_funds": [0, 0, 0, 100],
    "cost": [9_000, None, 1_200, 3_800],
    "drg": ["A", "B", "A", None],
}
LIGHT = pa.table({"drg": ["A"], "listed": [1]})
BY_HAND = {
    "settlement.cases": 4,
    "settlement.all_cases": 4,
    "settlement.grouping_rate.scope": 3 / 4,
    "settlement.grouping_rate.quality": 3 / 4,
    "settlement.total_weight": 27_000,
    "settlement.mean_weight": 2.7 / 3,
    "settlement.total_fee": 2_000_000,
    "settlement.mean_fee": 20_000 / 4,
    "settlement.unit_weight_fee": 20_000 / 2.7,
    "settlement.mean_stay": 24 / 3,
    "settlement.item_pool": 1_300_000,
    "settlement.pool_payable": 1_400_000,
    "settlement.pay_ratio": 14 / 13,
    "settlement.result": 100_000,
    "settlement.result_ratio.paid": 1 / 21,
    "settlement.result_ratio.standard": (17 - 20) / 17,
    "settlement.variance_share": 2 / 4,
    "settlement.low_weight_share": 1 / 3,
    "settlement.fee_to_standard": 20 / 17,
    "settlement.high_share": 1 / 4,
    "settlement.low_share": 1 / 4,
    "settlement.light_share.weight": 0 / 3,
    "settlement.light_share.list": 2 / 3,
    "settlement.mean_result": 1_000 / 4,
    "settlement.patient_share": 7_000 / 20_000,
    "settlement.insurer_rate.payable": 14_100 / 13_100,
    "settlement.fund_efficiency": 14 / 13,
    "settlement.mean_cost": 14_000 / 3,
    "settlement.surplus_ratio.cost": (15_000 - 10_200) / 15_000,
    "settlement.cost_to_standard": 10_200 / 15_000,
    "discharge.cases": 4,
    "discharge.grouping_rate.scope": 3 / 4,
    "discharge.total_weight": 27_000,
    "discharge.cmi": 2.7 / 3,
    "discharge.mean_fee": 20_000 / 4,
    "discharge.unit_weight_fee": 16_000 / 2.7,
    "discharge.mean_stay": 24 / 3,
    "discharge.drug_share": 5_500 / 19_000,
    "discharge.consumable_share": 3_900 / 19_000,
    "discharge.drug_consumable_share": 9_400 / 19_000,
    "discharge.surgery_share": 2 / 4,
    "discharge.high_surgery_share": 1 / 2,
    "discharge.mortality": 1 / 4,
    "discharge.light_share.weight": 0 / 3,
    "discharge.light_share.list": 2 / 3,
    "discharge.high_operation_share": 1 / 3,
    "discharge.fourth_surgery_share": 0 / 2,
    "discharge.mean_drug_fee": 5_500 / 3,
    "discharge.mean_consumable_fee": 3_900 / 3,
    "discharge.mean_exam_fee": 1_000 / 3,
    "discharge.mean_cost": 14_000 / 3,
    "discharge.cost_to_fee": 14_000 / 15_000,
}
AGAINST_A_REGION = {
    *(f"discharge.{kind}_index.{form}" for kind in ("time", "fee") for form in ("mean_form", "sum_form")),
    *(
        f"discharge.expected_{part}_share.{form}"
        for part in ("drug", "consumable")
        for form in ("fee_weighted", "case_weighted")
    ),
    *(f"discharge.compared_{part}_share" for part in ("drug", "consumable")),
    *(
        f"discharge.{part}_index.{form}"
        for part in ("drug", "consumable", "exam")
        for form in ("mean_form", "sum_form")
    ),
    *(f"discharge.{level}_mortality" for level in ("low_risk", "mid_low_risk", "mid_high_risk", "high_risk")),
}
"""These need a benchmark; their examples stand beside the vectors and in test_performance.py."""
IMPORTED = {
    *(f"discharge.bed_use.{kind}" for kind in ("open", "registered")),
    *(f"discharge.{name}_rate" for name in ("complaint", "revisit", "complication")),
    "settlement.insurer_rate.after_audit",
}
"""These need imported figures; their examples stand in test_performance.py."""
OF_LISTS = {"lists.on_time", "lists.returned", "settlement.elsewhere_share"}
"""Of the state of lists, and of where patients are insured; their examples stand in test_list_rates.py."""


MONEY = (
    *("exam_fee", "patient_pay", "other_funds", "cost"),
    *("total_fee", "drug_fee", "consumable_fee", "standard", "gross", "item_pool", "pool_payable", "result"),
)


@pytest.fixture(scope="module")
def facts() -> pa.Table:
    columns = {name: values for name, values in CASES.items() if name not in MONEY}
    for name in MONEY:
        columns[f"{name}_fen"] = [None if yuan is None else yuan * 100 for yuan in CASES[name]]
    return case_facts(pa.table(columns), [], light=LIGHT)


@pytest.mark.parametrize("measure_id", BY_HAND)
def test_a_measure_is_what_paper_says(facts: pa.Table, measure_id: str) -> None:
    value = compute(facts, [load_measures()[measure_id]])[measure_id][0].as_py()
    assert value == pytest.approx(BY_HAND[measure_id], rel=1e-9)


def test_no_measure_goes_without_an_example() -> None:
    assert set(BY_HAND) | AGAINST_A_REGION | IMPORTED | OF_LISTS == set(load_measures())
