"""What hospitals of the city file for the assessment, and their peers elsewhere: a score works out of the box."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest

from tongpin.base.errors import TongpinError
from tongpin.demo.tables import assessment, bureau
from tongpin.demo.tables.assessment import filed_plan, peer_plan
from tongpin.measures.guokao.catalogue import load_items, load_manuals, load_set
from tongpin.measures.guokao.tables import score_tables

SECONDARY, TERTIARY, TCM, VILLAGE = "H99010000011", "H99010000009", "H99010000005", "H99010000050"


@pytest.fixture(scope="module")
def filed(setting):
    return assessment.finance(setting, bureau.beds(setting)).to_pylist()


@pytest.fixture(scope="module")
def peers(setting):
    return assessment.peers(setting).to_pylist()


def of_year(filed, code, year=2024, month=None):
    return {
        row["item_code"]: row["value"]
        for row in filed
        if (row["institution_code"], row["year"], row["month"]) == (code, year, month)
    }


def test_every_assessed_hospital_has_enough_peers_for_a_grade(peers):
    for manual in ("综合三级", "综合二级"):
        of = defaultdict(set)
        for row in peers:
            if row["manual"] == manual and row["item_code"].startswith("guokao."):
                of[row["year"], row["item_code"].removeprefix("guokao.")].add(row["peer_code"])
        weighted = score_tables(load_manuals()[manual].indicators).weights
        parts = {
            part.sub
            for number in weighted
            for part in load_set(load_manuals()[manual].indicators)[number].parts
            if number not in {"10", "26"}  # single diseases and specialties: compared only
        }
        for year in (2024, 2025):
            assert {sub for found, sub in of if found == year} == parts
            assert all(len(of[year, sub]) == 24 for sub in parts)
    assert all("演示" in row["document"] or row["document"] == "模拟" for row in peers)


def test_peers_stay_within_their_bounds_and_near_their_place(peers):
    plan = {(row.manual, row.sub): row for row in peer_plan()}
    by_peer = defaultdict(dict)
    for row in peers:
        if row["manual"]:
            key = (row["manual"], row["item_code"].removeprefix("guokao."))
            assert plan[key].low <= float(row["value"]) <= plan[key].high
            by_peer[row["peer_code"], key][row["year"]] = float(row["value"])
    moved = [abs(years[2025] - years[2024]) / plan[key].spread for (_, key), years in by_peer.items()]
    assert sum(moved) / len(moved) < 0.6, "a peer keeps its place but for a little chance"


def test_filed_figures_agree_with_each_other(filed):
    for code in (SECONDARY, TERTIARY):
        known = of_year(filed, code)
        assert known["medical_income"] == known["outpatient_income"] + known["inpatient_income"]
        assert known["medical_surplus"] == known["medical_activity_income"] - known["total_expense"]
        assert known["fourth_level_patients"] + known["third_level_patients"] <= known["surgery_patients"]
        assert known["surgery_patients"] <= known["discharged_patients"]
        parts = [known[name] for name in ("drug_income", "material_income", "exam_income", "lab_income")]
        assert sum(parts) < known["medical_income"]
        for item in ("medical_income", "minimally_invasive_patients", "total_expense"):
            months = [of_year(filed, code, 2024, f"2024-{month:02d}")[item] for month in range(1, 13)]
            assert sum(months) == known[item], "a year is the sum of its months"
            assert "2025-07" not in {row["month"] for row in filed}


def test_a_year_is_like_the_one_before(filed):
    now, before = of_year(filed, TERTIARY), of_year(filed, TERTIARY, 2023)
    for item in ("medical_income", "personnel_expense", "surgery_patients", "antibiotic_ddds"):
        assert Decimal("0.9") < now[item] / before[item] < Decimal("1.15")


def test_who_is_not_assessed_files_the_common_figures_only(filed):
    common = {row.item for row in filed_plan() if row.everyone}
    assert set(of_year(filed, VILLAGE)) == common
    assert set(of_year(filed, TCM)) == common, "its manual has no indicators"
    assert set(of_year(filed, TERTIARY)) > common
    assert all(row["document"].startswith("演示·") and row["owner_dept"] for row in filed)
    assert all(
        row["unit"] == load_items()[row["item_code"]].unit
        for row in filed
        if not row["item_code"].startswith("guokao.")
    )


def test_a_plan_that_rests_on_nothing_is_refused(monkeypatch):
    row = dict.fromkeys(("tertiary_low", "tertiary_high", "secondary_low", "secondary_high"), "1")
    row |= {"item": "medical_income", "per": "wishes", "everyone": "", "monthly": "", "document": "", "owner_dept": ""}
    monkeypatch.setattr(assessment, "_plan", lambda _: [row])
    with pytest.raises(TongpinError) as caught:
        assessment.filed_plan.__wrapped__()
    assert caught.value.code == "demo.plan"
    assert "wishes" in str(caught.value)
