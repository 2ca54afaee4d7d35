"""DRG performance: its facts by hand, figures on demand, who and where by date, and imports."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.base.errors import TongpinError
from tongpin.measures.catalogue import load_measures
from tongpin.measures.compute import compute
from tongpin.measures.distinct import count_on_demand, load_on_demand
from tongpin.measures.facts import case_facts
from tongpin.measures.imported import bed_facts, beside, item_facts, peer_values, statement_facts, with_cost
from tongpin.measures.populations import as_of, operation_counts, placed, staffed
from tongpin.records.layouts.catalogue import layout_schema

JUNE = "2025-06"


def value(facts: pa.Table, name: str) -> Any:
    return compute(facts, [load_measures()[name]])[name][0].as_py()


# Facts by hand.


def test_indices_of_the_parts_of_a_fee_in_both_forms() -> None:
    benchmark = pa.table(
        {
            "drg": ["A", "B"],
            "mean_fee_fen": [1_000, 1_000],
            "mean_stay_e4": [1, 1],
            "mean_drug_fen": [200, 400],
            "mean_consumable_fen": [100, 0],
            "mean_exam_fen": [50, 100],
        }
    )
    a = {"drg": "A", "los": 1, "total_fee_fen": 900, "drug_fee_fen": 100, "consumable_fee_fen": 150, "exam_fee_fen": 50}
    b = {"drg": "B", "los": 1, "total_fee_fen": 900, "drug_fee_fen": 600, "consumable_fee_fen": 900, "exam_fee_fen": 50}
    facts = case_facts(pa.Table.from_pylist([a] * 30 + [b] * 10), [], benchmark=benchmark)
    assert value(facts, "discharge.drug_index.mean_form") == pytest.approx((30 * 0.5 + 10 * 1.5) / 40)
    assert value(facts, "discharge.drug_index.sum_form") == pytest.approx((30 * 100 + 10 * 600) / (30 * 200 + 10 * 400))
    assert value(facts, "discharge.consumable_index.mean_form") == pytest.approx(1.5)
    assert value(facts, "discharge.consumable_index.sum_form") == pytest.approx(1.5)
    assert value(facts, "discharge.exam_index.mean_form") == pytest.approx((30 * 1 + 10 * 0.5) / 40)
    assert value(facts, "discharge.exam_index.sum_form") == pytest.approx(2_000 / 2_500)


def test_mortality_of_every_risk_level() -> None:
    risk = pa.table({"drg": ["A", "B", "C", "D", "E"], "risk_level": [1, 2, 3, 4, 0]})
    rows = [{"drg": drg, "discharge_way": way} for drg in "ABCDE" for way in ("5", *["1"] * ("ABCDE".index(drg) + 1))]
    facts = case_facts(pa.Table.from_pylist(rows), [], risk=risk)
    found = [value(facts, f"discharge.{level}_risk_mortality") for level in ("low", "mid_low", "mid_high", "high")]
    assert found == pytest.approx([1 / 2, 1 / 3, 1 / 4, 1 / 5])


def test_operations_count_one_by_one() -> None:
    levels = [["3", "1", None], [], ["4"], None]
    procedures = pa.array(
        [None if one is None else [{"level": level} for level in one] for one in levels],
        pa.list_(pa.struct([("level", pa.string())])),
    )
    counted = operation_counts(pa.table({"procedures": procedures}))
    assert counted["operation_count"].to_pylist() == [2, 0, 1, 0]
    assert counted["high_operation_count"].to_pylist() == [1, 0, 1, 0]
    assert value(case_facts(counted, []), "discharge.high_operation_share") == pytest.approx(2 / 3)


# On demand.


def test_groups_specialties_and_medians() -> None:
    cases = pa.table(
        {
            "ward": ["x", "x", "x", "y", "z"],
            "status": ["grouped", "grouped", "grouped", "grouped", "ungrouped"],
            "drg": ["A1", "A1", "B1", "C1", "0000"],
            "mdc": ["A", "A", "B", "C", "00"],
            "total_fee_fen": [100, 300, 800, None, 5],
            "los": [1, 2, 9, 4, 3],
        }
    )
    chosen = [
        load_on_demand()[name] for name in ("groups", "specialties", "missing_specialties", "median_fee", "median_stay")
    ]
    found = count_on_demand(cases, chosen, ["ward"], mdcs=["A", "B", "C", "D"])
    x, y, z = (found[ward,] for ward in "xyz")
    assert [x[one.id].value for one in chosen] == [2, 2, 2, 3.0, 2.0]
    assert y["median_fee"].value is None
    assert [z[name].value for name in ("groups", "specialties", "missing_specialties")] == [0, 0, 4]
    whole = count_on_demand(cases, chosen, [], mdcs=["A", "B", "C", "D"])[()]
    assert whole["groups"].value == 3
    assert whole["groups"].cases == 4


def test_specialties_that_do_not_count_as_missing() -> None:
    one = load_on_demand()["missing_specialties"].model_copy(update={"excluded": ("D",)})
    cases = pa.table({"status": ["grouped"], "mdc": ["A"]})
    assert count_on_demand(cases, [one], [], mdcs=["A", "B", "D"])[()][one.id].value == 1


def test_the_share_of_institutions_in_surplus_s003_16() -> None:
    results = [5] * 125 + [-5] * 45
    cases = pa.table({"institution_code": [f"H{place}" for place in range(170)], "result_fen": results})
    one = load_on_demand()["surplus_institutions"]
    found = count_on_demand(pa.concat_tables([cases, cases]), [one], [])[()][one.id]
    assert found.cases == 170
    assert round((found.value or 0) * 100, 2) == 73.53


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(TongpinError, match="mdc") as caught:
        count_on_demand(pa.table({"los": [1]}), [load_on_demand()["specialties"]], [])
    assert caught.value.code == "measures.needs"


# Who and where, by date.


def test_a_team_is_that_of_the_day() -> None:
    staff = pa.Table.from_pylist(
        [
            {
                "institution_code": "H",
                "staff_code": "D",
                "team": "甲",
                "ward": "w",
                "valid_from": date(2024, 1, 1),
                "valid_until": date(2024, 12, 31),
            },
            {
                "institution_code": "H",
                "staff_code": "D",
                "team": "乙",
                "ward": "v",
                "valid_from": date(2025, 1, 1),
                "valid_until": None,
            },
        ]
    )
    days = [datetime(2023, 5, 1), datetime(2024, 5, 1), datetime(2025, 5, 1), datetime(2025, 5, 1)]  # noqa: DTZ001
    cases = pa.table(
        {
            "institution_code": ["H"] * 4,
            "doctor_code": ["D", "D", "D", "X"],
            "discharge_time": pa.array(days, pa.timestamp("s")),
            "ward": ["", "own", "", ""],
        }
    )
    found = staffed(cases, staff)
    assert found["team"].to_pylist() == ["", "甲", "乙", ""]
    assert found["ward"].to_pylist() == ["", "own", "v", ""]


def test_a_level_is_that_of_the_month_and_what_was_paid_stays() -> None:
    institutions = pa.table(
        {
            "institution_code": ["H", "H"],
            "settlement_level": ["二级", "三级"],
            "region": ["甲县", "甲县"],
            "valid_from": pa.array([date(2020, 1, 1), date(2025, 6, 15)]),
        }
    )
    cases = pa.table({"institution_code": ["H", "H", "Z"], "month": ["2025-05", "2025-06", "2025-06"]})
    assert placed(cases, institutions)["hospital_level"].to_pylist() == ["二级", "三级", ""]
    paid = cases.append_column("hospital_level", pa.array(["一级"] * 3))
    assert placed(paid, institutions)["hospital_level"].to_pylist() == ["一级"] * 3
    assert placed(paid, institutions)["region"].to_pylist() == ["甲县", "甲县", ""]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 20)), max_size=8),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20)), min_size=1, max_size=8),
)
def test_the_row_in_force_is_the_latest_of_its_key(rows: list[tuple[str, int]], asked: list[tuple[str, int]]) -> None:
    table = pa.table(
        {
            "key": pa.array([key for key, _ in rows], pa.string()),
            "valid_from": pa.array([day for _, day in rows], pa.int32()).cast(pa.date32()),
            "value": pa.array([str(day) for _, day in rows], pa.string()),
        }
    )
    days = pa.array([day for _, day in asked], pa.int32()).cast(pa.date32())
    cases = pa.table({"key": [key for key, _ in asked]})
    found = as_of(cases, table, ("key",), ("key",), days, ["value"])["value"].to_pylist()
    expected = [max((day for key, day in rows if key == wanted and day <= on), default=None) for wanted, on in asked]
    assert found == [None if day is None else str(day) for day in expected]


# Imports.


def finance(*rows: dict[str, Any]) -> pa.Table:
    base = {"institution_code": "H", "year": 2025, "month": JUNE, "unit": "件", "item_code": "complaints"}
    return pa.Table.from_pylist([base | row for row in rows], schema=layout_schema("finance"))


SUMS = pa.table(
    {
        "institution_code": ["H", "H", "G"],
        "month": [JUNE, "2025-05", JUNE],
        "case_count": [1_000, 900, 50],
        "surgery_count": [200, 100, 5],
        "stay_days": [8_000, 7_000, 300],
    }
)


def test_only_months_that_were_filed_stand_against_what_was_filed() -> None:
    tables = item_facts(finance({"value": 3}, {"value": 1, "dept_code": "K1"}), SUMS, [JUNE, "2025-05"], [])
    facts = beside(SUMS, tables, [])
    assert value(facts, "discharge.complaint_rate") == pytest.approx(3 / 1_000)
    assert facts["case_count"].to_pylist() == [1_950]
    (by_dept,) = item_facts(
        finance({"value": 1, "dept_code": "K1"}),
        SUMS.append_column("dept", pa.array(["K1", "K1", "K1"])),
        [JUNE],
        ["dept"],
    )
    assert by_dept["complaint_case_count"].to_pylist() == [1_000]


def test_complications_stand_against_operations() -> None:
    rows = finance(
        {"item_code": "surgery_complications", "unit": "例", "value": 2},
        {"item_code": "revisits", "unit": "人次", "value": 40},
    )
    facts = beside(SUMS, item_facts(rows, SUMS, [JUNE], []), ["institution_code"])
    measures = [load_measures()[f"discharge.{name}_rate"] for name in ("complication", "revisit")]
    rows_of = {row["institution_code"]: row for row in compute(facts, measures, ["institution_code"]).to_pylist()}
    assert [rows_of["H"][one.id] for one in measures] == pytest.approx([2 / 200, 40 / 1_000])
    assert [rows_of["G"][one.id] for one in measures] == [None, None]


@pytest.mark.parametrize("row", [{"value": "2.5"}, {"value": 2, "unit": "次"}])
def test_a_filed_count_in_another_unit_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(TongpinError, match="整数") as caught:
        item_facts(finance(row | {"value": Decimal(row["value"])}), SUMS, [JUNE], [])
    assert caught.value.code == "measures.item"


def test_beds_stand_against_the_stays_of_places_that_have_them() -> None:
    institutions = pa.Table.from_pylist(
        [{"institution_code": "H", "beds": 400, "open_beds": None, "valid_from": date(2020, 1, 1)}]
    )
    departments = pa.Table.from_pylist(
        [
            {
                "institution_code": "H",
                "dept_code": "K1",
                "national_dept": "03.01",
                "open_beds": 30,
                "valid_from": date(2020, 1, 1),
                "valid_until": None,
            },
            {
                "institution_code": "H",
                "dept_code": "K2",
                "national_dept": "04.01",
                "open_beds": 270,
                "valid_from": date(2020, 1, 1),
                "valid_until": None,
            },
            {
                "institution_code": "H",
                "dept_code": "K3",
                "national_dept": "05.01",
                "open_beds": 99,
                "valid_from": date(2020, 1, 1),
                "valid_until": date(2024, 1, 1),
            },
        ]
    )
    facts = beside(SUMS, bed_facts(institutions, departments, SUMS, [JUNE], []), [])
    assert value(facts, "discharge.bed_use.open") == pytest.approx(8_000 / (300 * 30))
    assert value(facts, "discharge.bed_use.registered") == pytest.approx(8_000 / (400 * 30))
    by_dept = pa.table({"institution_code": ["H"], "month": [JUNE], "dept": ["03.01"], "stay_days": [600]})
    (one,) = bed_facts(institutions, departments, by_dept, [JUNE], ["dept"])
    assert one["open_bed_days"].to_pylist() == [900]


def test_a_hospitals_beds_are_no_wards() -> None:
    beds = pa.table({"institution_code": ["H"], "month": [JUNE], "open_bed_days": [900], "open_bedded_days": [800]})
    by_ward = pa.table({"ward": ["w"], "case_count": [5]})
    assert beside(by_ward, [beds], ["ward"]).column_names == ["ward", "case_count"]


def test_what_audit_took_back_lowers_the_insurers_rate() -> None:
    statements = pa.table(
        {
            "institution_code": ["H"],
            "month": [JUNE],
            "hospital_level": ["三级"],
            "month_pool_payable_fen": [95_000],
            "month_item_pool_fen": [100_000],
            "audit_deduction_fen": [4_000],
            "penalty_fen": [1_000],
        }
    )
    assert value(statement_facts(statements), "settlement.insurer_rate.after_audit") == pytest.approx(0.90)


def cost_rows(*rows: dict[str, Any]) -> pa.Table:
    base = {"institution_code": "H", "month": JUNE, "dept_code": "K1", "cost_kind": "全成本", "stage": "分摊后"}
    return pa.Table.from_pylist([base | row for row in rows], schema=layout_schema("cost"))


DEPARTMENTS = pa.Table.from_pylist(
    [{"institution_code": "H", "dept_code": "K1", "national_dept": "03.01"}],
    schema=pa.schema([(name, pa.string()) for name in ("institution_code", "dept_code", "national_dept")]),
)
COSTED = pa.table(
    {
        "institution_code": ["H", "H", "H"],
        "month": [JUNE, JUNE, JUNE],
        "dept": ["03.01", "03.01", "09"],
        "drg": ["A", "B", "A"],
        "total_fee_fen": [1_000, 3_000, 500],
    }
)


def costs(*rows: dict[str, Any]) -> list[int | None]:
    return with_cost(COSTED, cost_rows(*rows), DEPARTMENTS)["cost_fen"].to_pylist()


def test_a_case_costs_its_fee_times_the_ratio_of_its_department() -> None:
    assert costs({"amount_fen": 80, "fee_amount_fen": 100}) == [800, 2_400, None]
    assert costs({"amount_fen": 5_000, "fee_amount_fen": None}) == [1_250, 3_750, None]
    assert costs({"cost_kind": "成本费用比", "stage": None, "cost_to_fee_ratio": Decimal("0.9000")}) == [
        900,
        2_700,
        None,
    ]
    assert costs(
        {"stage": "直接", "amount_fen": 60, "fee_amount_fen": 100}, {"amount_fen": 80, "fee_amount_fen": 100}
    ) == [800, 2_400, None]


def test_the_cost_of_a_group_goes_before_that_of_its_department() -> None:
    group = {"group_code": "B", "amount_fen": 6_000, "fee_amount_fen": 3_000}
    assert costs({"amount_fen": 80, "fee_amount_fen": 100}, group) == [800, 6_000, None]


def test_cost_parts_alone_and_no_cost_at_all_give_none() -> None:
    assert costs({"cost_kind": "药品费", "stage": "直接", "amount_fen": 10}) == [None, None, None]
    assert "cost_fen" not in with_cost(COSTED, cost_rows(), DEPARTMENTS).column_names


def test_peers_of_a_level_give_their_median() -> None:
    rows = [
        {
            "peer_code": code,
            "settlement_level": "三级",
            "year": year,
            "item_code": item,
            "value": amount,
            "document": "年报",
        }
        for code, year, item, amount in (
            ("a", 2024, "mean_fee", 9_000),
            ("b", 2024, "mean_fee", 12_000),
            ("c", 2024, "mean_fee", 11_000),
            ("a", 2023, "mean_fee", 1),
            ("a", 2026, "mean_fee", 1),
            ("a", 2024, "unknown", 1),
        )
    ]
    values = peer_values(pa.Table.from_pylist(rows, schema=layout_schema("peer")), [JUNE])
    assert set(values) == {("discharge.mean_fee", "三级")}
    found = values["discharge.mean_fee", "三级"]
    assert (found.median, found.values, found.period) == (11_000.0, 3, "2024")
