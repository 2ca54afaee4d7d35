"""Indicators at the year end: through records and money only, without looking ahead, and the year itself when over."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.measures.guokao.catalogue import FUTURE, SECONDARY, TERTIARY, load_set
from tongpin.measures.guokao.compute import Terms, compute_values
from tongpin.measures.guokao.filed import Figure, Filed
from tongpin.measures.guokao.hospital import Hospital, manual_of
from tongpin.measures.guokao.records import PAGES, Recorded
from tongpin.measures.guokao.values import HospitalYear
from tongpin.twin.forecast.indicators import indicators_end, moved_by, with_forecast
from tongpin.twin.forecast.model import months_between

MONTHS = months_between("2023-01", "2025-12")


def hospital(seed: int = 1, *, filed: bool = False, manual: str = "综合三级") -> HospitalYear:
    """Three years of a hospital: discharges, operations, fees, and where asked monthly income filed."""
    rng = np.random.default_rng(seed)
    count = {month: int(rng.integers(900, 1_100)) for month in MONTHS}
    surgery = {month: int(rng.binomial(count[month], 0.31)) for month in MONTHS}
    flows = {
        "discharged_patients": count,
        "surgery_patients": surgery,
        "fourth_level_patients": {month: int(rng.binomial(surgery[month], 0.15)) for month in MONTHS},
        "inpatient_fee": {month: int(count[month] * rng.normal(14_000, 300)) for month in MONTHS},
        "inpatient_drug_fee": {month: int(count[month] * rng.normal(3_500, 90)) for month in MONTHS},
    }

    def terms(year: int) -> Terms:
        mine = [month for month in MONTHS if month[:4] == str(year)]
        of_year = {item: {month: Fraction(by[month]) for month in mine} for item, by in flows.items()}
        figures: dict[str, dict[str, Figure]] = {}
        if filed:
            for item, size in (("personnel_expense", 4e6), ("total_expense", 1e7)):
                figures[item] = {
                    month: Figure(Fraction(int(size * rng.normal(1, 0.02))), "账", "财务科") for month in mine
                }
        return Terms(year, Recorded(of_year, {PAGES: frozenset(mine)} if mine else {}), Filed(monthly=figures))

    found = Hospital("H1", "第一医院", ("H1",), manual_of(manual), {})
    return HospitalYear(found, 2025, terms(2025), terms(2024), terms(2023))


def by_sub(end) -> dict:
    return {row["sub"]: row for row in end.figures.to_pylist()}


@given(st.integers(0, 50))
@settings(max_examples=5, deadline=None)
def test_a_year_that_is_over_is_the_year_itself(seed: int) -> None:
    known = hospital(seed)
    end = indicators_end(known, "2025-12")
    actual = {row["sub"]: row["value"] for row in known.values().to_pylist()}
    assert end.ahead == ()
    for sub, row in by_sub(end).items():
        assert row["value"] == actual.get(sub)
        assert row["method"] in {"", None}
        if row["value"] is not None:
            assert row["low_80"] == row["value"] == row["high_95"]


def test_what_happened_later_changes_nothing() -> None:
    known = hospital(3)
    later = {
        item: {month: value * (9 if month > "2025-06" else 1) for month, value in by.items()}
        for item, by in known.this.recorded.flows.items()
    }
    other = HospitalYear(
        known.hospital, 2025, Terms(2025, Recorded(later, known.this.recorded.months)), known.last, known.earlier
    )
    assert indicators_end(known, "2025-06").figures.equals(indicators_end(other, "2025-06").figures)


def test_shares_and_growth_are_forecast_around_what_they_are() -> None:
    rows = by_sub(indicators_end(hospital(5), "2025-06"))
    share = rows["4"]
    assert share["value"] == pytest.approx(31, abs=1)
    assert share["low_95"] <= share["low_80"] < share["value"] < share["high_80"] <= share["high_95"]
    assert share["high_95"] - share["low_95"] < 2
    assert share["moved_by"] == "病案"
    growth = rows["40"]
    assert growth["value"] == pytest.approx(0, abs=3)
    assert growth["last"] is not None
    assert growth["moved_by"] == "结算与费用"
    assert rows["5"]["value"] is None
    assert "没有逐月的数" in rows["5"]["reason"]


def test_an_indicator_that_nothing_moves_is_not_forecast() -> None:
    rows = by_sub(indicators_end(hospital(5), "2025-06"))
    assert not {"24", "53", "13"} & rows.keys()
    assert set(rows) >= {"4", "6", "14", "35", "40", "41"}


def test_filed_months_are_forecast_where_they_are_monthly() -> None:
    personnel = load_set(TERTIARY)["33"].parts[0]
    assert set(personnel.items) == {"personnel_expense", "total_expense"}, "the items of 人员经费占比"
    row = by_sub(indicators_end(hospital(7, filed=True), "2025-06"))["33"]
    assert row["value"] == pytest.approx(40, abs=2)
    assert row["method"]


def test_secondary_hospitals_go_by_their_own_numbers() -> None:
    secondary = load_set(SECONDARY)
    assert moved_by(secondary["1"], SECONDARY) == "病案"
    assert moved_by(secondary["21"], SECONDARY) == "结算与费用"
    assert moved_by(secondary["8"], SECONDARY) == "", "number 8 is another indicator here"
    assert moved_by(load_set(FUTURE)["展1"], FUTURE) == "结算与费用"
    rows = by_sub(indicators_end(hospital(1, manual="综合二级"), "2025-06"))
    assert rows["1"]["value"] == pytest.approx(31, abs=1)
    assert rows["21.2"]["value"] is not None


def test_a_scenario_moves_the_months_to_come_only() -> None:
    known = hospital(2)
    plain = by_sub(indicators_end(known, "2025-06"))
    moved = by_sub(indicators_end(known, "2025-06", {"surgery_patients": 1.2}))
    gained = moved["4"]["value"] - plain["4"]["value"]
    assert gained == pytest.approx(plain["4"]["value"] * 0.2 * 0.5, rel=0.1)
    assert moved["4"]["to_date"] == plain["4"]["to_date"]
    assert moved["40"] == plain["40"]
    assert by_sub(indicators_end(known, "2025-06", {})) == plain


def test_the_expected_figures_stand_in_for_those_of_the_year() -> None:
    known = hospital(2)
    end = indicators_end(known, "2025-06")
    values = compute_values(known.indicators.values(), known.this, known.last)
    found = {row["sub"]: row for row in with_forecast(values, end).to_pylist()}
    assert found["4"]["value"] == by_sub(end)["4"]["value"]
    assert found["4"]["source"] == "预测"
    assert found["24"]["source"] != "预测"
