"""Indicator values against the worked examples TV-F1 and TV-F2, and what a partial year may not become."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.measures.guokao.catalogue import SECONDARY, STRUCTURE, TERTIARY, load_items, load_set
from tongpin.measures.guokao.compute import VALUE_SCHEMA, Terms, compute_values
from tongpin.measures.guokao.filed import Figure, Filed
from tongpin.measures.guokao.records import Recorded, page_items
from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA

NOTHING = Terms(2024)
WHOLE = frozenset(f"2025-{month:02d}" for month in range(1, 13))


def filed(year: int = 2025, **items: float | str) -> Terms:
    return Terms(year, filed=Filed({name: Figure(Fraction(str(one)), "年报", "") for name, one in items.items()}))


def figures(terms: Terms, last: Terms = NOTHING, set_name: str = TERTIARY) -> dict[str, dict[str, object]]:
    table = compute_values(load_set(set_name).values(), terms, last)
    assert table.schema == VALUE_SCHEMA
    return {row["sub"]: row for row in table.to_pylist()}


def pages(count: int, **columns: object) -> pa.Table:
    """So many front pages of June and one of every other month's worth of columns."""
    rows = {"month": np.repeat("2025-06", count), "discharge_time": np.repeat(np.datetime64("2025-06-15"), count)}
    return pa.table({**rows, **columns})


@pytest.fixture(scope="module")
def tv_f1() -> Terms:
    """34,856 discharges, 10,865 operated, 1,104 at level 4, 265 by day; visits and the rest filed."""
    count, operated, fourth, by_day = 34_856, 10_865, 1_104, 265
    level = np.zeros(count, np.int8)
    level[:operated] = 2
    level[:fourth] = 4
    care = np.where(np.arange(count) < by_day, "day_surgery", "inpatient")
    table = pages(count, surgery_level=level, care_type=care, dx=pa.array([["J18.900"]] * count))
    items = {
        item: {month: (by_month["2025-06"] if month == "2025-06" else Fraction(0)) for month in WHOLE}
        for item, by_month in page_items(table).items()
    }
    others = {
        name: Figure(Fraction(one), "报表", "")
        for name, one in (
            ("outpatient_visits", 418_569),
            ("minimally_invasive_patients", 3_194),
            ("elective_surgeries", 9_192),
        )
    }
    return Terms(2025, Recorded(items, {"pages": WHOLE}), Filed(others))


@pytest.mark.parametrize(("sub", "value"), [("1", 12.01), ("3", 2.88), ("4", 31.17), ("5", 29.4), ("6", 10.16)])
def test_the_sample_filing_tv_f1(tv_f1: Terms, sub: str, value: float) -> None:
    found = figures(tv_f1)[sub]
    assert round(float(found["value"]), 2) == value  # type: ignore[arg-type]
    assert found["months"] is None


def test_the_sample_filing_names_its_sources(tv_f1: Terms) -> None:
    found = figures(tv_f1)
    assert found["4"]["source"] == "病案首页"
    assert found["5"]["source"] == "填报数据、病案首页"
    assert found["5"]["document"] == "报表"
    assert (found["4"]["numerator"], found["4"]["denominator"]) == (10_865, 34_856)


TV_F2 = filed(
    personnel_expense="133495961.8",
    total_expense=420366833,
    medical_income="423176771.2",
    drug_income="117198220.46",
    herb_income="578623.5",
    material_expense="69749647.97",
    material_income="48032349.23",
    exam_income="12477902.34",
    lab_income="36000695.57",
)
LAST_F2 = filed(2024, medical_income="353796190.5")


@pytest.mark.parametrize(("sub", "value"), [("31", 49.5), ("33", 31.76), ("37", 19.61)])
def test_income_structure_tv_f2(sub: str, value: float) -> None:
    assert round(figures(TV_F2, LAST_F2)[sub]["value"], 2) == value  # type: ignore[call-overload]


def test_service_income_is_what_drugs_materials_and_tests_leave_tv_f2() -> None:
    assert figures(TV_F2, LAST_F2)["31"]["numerator"] == pytest.approx(209467603.6, abs=0.05)


@pytest.mark.parametrize(
    ("sub", "value", "form"),
    [
        ("结构2", 27.56, "不含饮片"),
        ("结构4", 11.35, "卫生材料收入"),
        ("结构5", 16.48, "卫生材料消耗"),
        ("结构6", 22.8, "不含药品"),
    ],
)
def test_each_form_of_drug_and_material_share_is_named_tv_f2(sub: str, value: float, form: str) -> None:
    found = figures(TV_F2, LAST_F2, STRUCTURE)[sub]
    assert round(float(found["value"]), 2) == value  # type: ignore[arg-type]
    assert form in str(found["name"])


def test_three_forms_of_each_share_are_told_apart() -> None:
    names = [one.name for one in load_set(STRUCTURE).values()]
    assert sum("药占比" in name for name in names) == 3
    assert sum("耗占比" in name or "消耗的卫生材料" in name for name in names) == 3
    assert not any(one.monitored for one in load_set(STRUCTURE).values())


def recorded(flows: dict[str, dict[str, int]], year: int = 2025, **more: object) -> Terms:
    exact = {item: {m: Fraction(one) for m, one in by_month.items()} for item, by_month in flows.items()}
    months = frozenset(month for by_month in flows.values() for month in by_month)
    return Terms(year, Recorded(exact, {"pages": months}), **more)  # type: ignore[arg-type]


JUNE = {"surgery_patients": {"2025-06": 30}, "discharged_patients": {"2025-06": 100}}


def test_a_partial_year_is_named_and_not_scaled_up() -> None:
    found = figures(recorded(JUNE))["4"]
    assert found["value"] == 30
    assert found["months"] == "2025-06"


def test_a_month_is_not_divided_by_a_filed_year() -> None:
    terms = recorded(JUNE, filed=Filed({"outpatient_visits": Figure(Fraction(120_000), "年报", "")}))
    found = figures(terms)["1"]
    assert found["value"] is None
    assert "病案首页只有 1 个月" in str(found["reason"])


def test_filed_months_go_with_the_months_of_the_pages() -> None:
    visits = {"outpatient_visits": {"2025-06": Figure(Fraction(1_200), "月报", "")}}
    assert figures(recorded(JUNE, filed=Filed(monthly=visits)))["1"]["value"] == 12


def test_a_whole_filed_year_comes_before_a_partial_one() -> None:
    whole = {"surgery_patients": Figure(Fraction(400), "", ""), "discharged_patients": Figure(Fraction(1_000), "", "")}
    found = figures(recorded(JUNE, filed=Filed(whole)))["4"]
    assert (found["value"], found["months"], found["source"]) == (40, None, "填报数据")


def test_what_is_missing_is_told_with_its_item_code() -> None:
    found = figures(Terms(2025))["34"]
    assert found["value"] is None
    assert found["reason"] == "缺 能耗支出（energy_expense）；缺 年总收入（total_income）"


def test_the_filed_value_stands_where_none_can_be_computed() -> None:
    terms = Terms(2025, filed=Filed(values={"34": Figure(Fraction("88.5"), "年报", "")}))
    found = figures(terms)["34"]
    assert (found["value"], found["source"], found["document"], found["reason"]) == (88.5, "填报数据", "年报", None)
    assert found["assumed"] is False
    assert figures(filed(energy_expense=8, total_income=10_000))["34"]["assumed"] is True


def test_a_denominator_of_zero_gives_no_figure() -> None:
    found = figures(filed(surgery_patients=0, discharged_patients=0))["4"]
    assert found["value"] is None
    assert found["reason"] == "出院人次不大于零，不能相除"


def year_sums(year: int, months: range, fee: int, cases: int = 10) -> Terms:
    named = [f"{year}-{month:02d}" for month in months]
    flows = {"inpatient_fee": dict.fromkeys(named, fee), "discharged_patients": dict.fromkeys(named, cases)}
    return recorded(flows, year)


def test_growth_compares_the_same_months_of_both_years() -> None:
    found = figures(year_sums(2025, range(5, 7), 110_000), year_sums(2024, range(6, 8), 100_000))["40"]
    assert found["value"] == pytest.approx(10)
    assert found["months"] == "2025-06"


def test_growth_needs_a_figure_above_zero_last_year() -> None:
    found = figures(year_sums(2025, range(1, 13), 110_000), year_sums(2024, range(1, 13), 0))["40"]
    assert found["value"] is None
    assert found["reason"] == "上年数不大于零，不能算增幅"


def test_growth_without_last_year_says_so() -> None:
    assert str(figures(year_sums(2025, range(1, 13), 1))["40"]["reason"]).startswith("上年：")


def test_daily_load_counts_the_days_of_the_months() -> None:
    days = {"occupied_bed_days": {"2025-06": 3_000}}
    terms = Terms(2025, Recorded(_exact(days), {"pages": frozenset({"2025-06"})}, {"physicians": Fraction(50)}))
    assert figures(terms)["25"]["value"] == 2
    year = filed(occupied_bed_days=36_500, physicians=50)
    assert figures(year)["25"]["value"] == 2


def _exact(flows: dict[str, dict[str, int]]) -> dict[str, dict[str, Fraction]]:
    return {item: {m: Fraction(one) for m, one in by_month.items()} for item, by_month in flows.items()}


def test_a_set_is_told_in_its_order_with_null_where_nothing_is_known() -> None:
    for name, size in ((TERTIARY, 56), (SECONDARY, 28)):
        table = compute_values(load_set(name).values(), Terms(2025), NOTHING)
        assert len(dict.fromkeys(table["no"].to_pylist())) == size
        assert table["value"].null_count == table.num_rows
        assert table["reason"].null_count == 0


def _page(number: int, **more: object) -> dict[str, object]:
    return {
        "source": "front_page",
        "case_id": str(number),
        "discharge_time": datetime(2025, 6, 3),  # noqa: DTZ001
        "care_type": "inpatient",
        "discharge_way": "1",
        "los": 5,
        "dx": ["I63.900"],
        "total_fee_fen": 1_000_050,
        **more,
    }


def _table(rows: list[dict[str, object]]) -> pa.Table:
    schema = pa.schema([*CASE_SCHEMA, DETAIL_SCHEMA.field("procedures")])
    table = pa.Table.from_pylist(rows, schema=schema)
    return table.append_column("month", pa.array(["2025-06"] * len(rows)))


def test_pages_tell_operations_incisions_referrals_and_single_diseases() -> None:
    rows = [
        _page(1, surgery_level=4, procedures=[_procedure("4", "Ⅰ/甲"), _procedure("2", "Ⅱ/甲")]),
        _page(2, surgery_level=3, procedures=[_procedure("3", "Ⅰ/丙")]),
        _page(3, discharge_way="3"),
        _page(4, discharge_way="5", dx=["I50.900"]),
    ]
    found = {item: by_month["2025-06"] for item, by_month in page_items(_table(rows)).items()}
    expected = {
        "discharged_patients": 4,
        "surgery_patients": 2,
        "third_level_patients": 1,
        "fourth_level_patients": 1,
        "surgery_operations": 3,
        "clean_incision_operations": 2,
        "clean_incision_infections": 1,
        "referred_down_inpatients": 1,
        "disease.stroke.case_count": 3,
        "disease.heart_failure.death_count": 1,
        "disease.stemi.case_count": 0,
        "patient_days": 20,
    }
    assert {item: found[item] for item in expected} == expected
    assert found["inpatient_fee"] == Fraction(4_000_200, 100)


def _procedure(level: str, healing: str) -> dict[str, object]:
    return {"code": "01.2400", "level": level, "incision_healing": healing}


def test_an_empty_column_is_no_zero() -> None:
    found = page_items(_table([_page(1), _page(2)]))
    assert "surgery_patients" not in found
    assert "clean_incision_operations" not in found
    assert "low_risk_patients" not in found
    assert found["discharged_patients"] == {"2025-06": 2}


def test_low_risk_deaths_follow_the_given_levels() -> None:
    rows = [_page(1), _page(2, discharge_way="5"), _page(3, discharge_way="5")]
    table = _table(rows).append_column("drg", pa.array(["A", "A", "B"]))
    levels = pa.table({"drg": ["A", "B"], "risk_level": [1, 4]})
    found = page_items(table, levels)
    assert found["low_risk_patients"] == {"2025-06": 2}
    assert found["low_risk_deaths"] == {"2025-06": 1}


@given(st.lists(st.integers(0, 50), min_size=12, max_size=12), st.lists(st.integers(1, 90), min_size=12, max_size=12))
def test_a_whole_year_is_the_quotient_of_its_sums(operated: list[int], others: list[int]) -> None:
    months = sorted(WHOLE)
    flows = {
        "surgery_patients": dict(zip(months, operated, strict=True)),
        "discharged_patients": {m: a + b for m, a, b in zip(months, operated, others, strict=True)},
    }
    found = figures(recorded(flows))["4"]
    assert found["value"] == pytest.approx(100 * sum(operated) / (sum(operated) + sum(others)))
    assert 0 <= float(found["value"]) <= 100  # type: ignore[arg-type]


def test_every_item_of_money_is_in_yuan() -> None:
    money = [one for one in load_items().values() if one.id.endswith(("_income", "_expense", "_fee", "_amount"))]
    assert len(money) > 20
    assert {one.unit for one in money} == {"元"}
