"""The city under any imported scheme: a plan read off the scheme's own rules, and cases that group as planned."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tongpin.base.errors import TongpinError
from tongpin.demo.calendar import Month
from tongpin.demo.candidates import paths
from tongpin.demo.cases import draw_hospital_month
from tongpin.demo.city import build_city
from tongpin.demo.groups import CC, MCC, NONE
from tongpin.demo.plan_from_scheme import read_groups
from tongpin.demo.profile import read_profile
from tongpin.demo.setting import prepare
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.tables.read import load_scheme

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"

DIAGNOSES = {
    "B": ["I63.900", "I63.500", "G45.900", "I67.200"],
    "E": ["J18.900", "J15.900", "J12.900"],
    "F": ["I21.900", "I25.103"],
    "G": ["K35.800", "K35.900"],
    "N": ["N80.000", "D25.900"],
    "P": ["P07.300", "P22.000"],
}
NAMED = [code for codes in DIAGNOSES.values() for code in codes]
COMMON = ["I10.x00x002", "E78.500", "K76.000"]
SEVERE, SOME = ["J96.000", "A41.900"], ["E87.600", "D64.900"]


def table(name, header, rows):
    return name, [header.split(","), *([str(cell) for cell in row] for row in rows)]


TINY = dict(
    [
        table("scheme", "key,value", [("scheme_id", "tiny"), ("title", "小方案"), ("source", "测试")]),
        table(
            "mdc",
            "seq,mdc,name,when,min_sites",
            [
                (1, "MDCP", "新生儿", "dx_main:P.dx & age==0", 0),
                (2, "MDCN", "女性", "dx_main:N.dx & sex==2", 0),
                (3, "MDCB", "神经", "dx_main:B.dx", 0),
                (4, "MDCE", "呼吸", "dx_main:E.dx", 0),
                (5, "MDCF", "循环", "dx_main:F.dx", 0),
                (6, "MDCG", "消化", "dx_main:G.dx", 0),
            ],
        ),
        table(
            "adrg",
            "seq,mdc,kind,adrg,rule,name,when",
            [
                (1, "MDCP", "adrg", "PS1", "PS1", "早产", "birth_weight<1500"),
                (2, "MDCP", "adrg", "PU1", "PU1", "足月", "always"),
                (3, "MDCN", "adrg", "NC1", "NC1", "子宫手术", "px_any:uterus"),
                (4, "MDCN", "adrg", "NZ1", "NZ1", "其他", "always"),
                (5, "MDCB", "adrg", "BR2", "BR2", "脑缺血", "always"),
                (6, "MDCE", "adrg", "ES3", "ES3", "肺炎", "always"),
                (7, "MDCF", "adrg", "FM1", "FM1", "支架", "px_main:stent"),
                (8, "MDCF", "adrg", "FX9", "FX9", "其他", "dx_other:second | age>=60"),
                (9, "MDCG", "adrg", "GD2", "GD2", "阑尾", "px_main:appendix & !px_any:stent"),
            ],
        ),
        table(
            "drg",
            "mdc,adrg,rule,seq,drg,name,when",
            [
                ("MDCP", "PS1", "PS1", 1, "PS19", "早产", "always"),
                ("MDCP", "PU1", "PU1", 1, "PU15", "足月", "always"),
                ("MDCN", "NC1", "NC1", 1, "NC19", "子宫手术", "always"),
                ("MDCN", "NZ1", "NZ1", 1, "NZ19", "其他", "always"),
                ("MDCB", "BR2", "BR2", 1, "BR21", "伴 MCC", "mcc"),
                ("MDCB", "BR2", "BR2", 2, "BR23", "伴 CC", "cc"),
                ("MDCB", "BR2", "BR2", 3, "BR25", "不伴", "always"),
                ("MDCE", "ES3", "ES3", 1, "ES37", "小于 17 岁", "age<17"),
                ("MDCE", "ES3", "ES3", 2, "ES31", "伴 MCC", "mcc"),
                ("MDCE", "ES3", "ES3", 3, "ES35", "不伴", "always"),
                ("MDCF", "FM1", "FM1", 1, "FM19", "支架", "always"),
                ("MDCF", "FX9", "FX9", 1, "FX99", "其他", "always"),
                ("MDCG", "GD2", "GD2", 1, "GD25", "阑尾", "always"),
                ("MDCG", "GD2", "GD2", 2, "GD29", "到不了", "never"),
            ],
        ),
        table(
            "dx_list",
            "list,code",
            [
                *((f"{letter}.dx", code) for letter, codes in DIAGNOSES.items() for code in codes),
                ("second", "E87.600"),
            ],
        ),
        table("px_list", "list,code", [("uterus", "68.4100"), ("stent", "36.0601"), ("appendix", "47.0100")]),
        table("icd10", "code,name", [(code, f"诊断 {code}") for code in [*NAMED, *COMMON, *SEVERE, *SOME]]),
        table("icd9", "code,name", [(code, f"手术 {code}") for code in ("68.4100", "36.0601", "47.0100")]),
        table("mcc", "code,exclusion_table", [(code, "X1") for code in SEVERE]),
        table("cc", "code,exclusion_table", [(code, "X2") for code in SOME]),
        table("exclusion", "code,exclusion_table", [("I67.200", "X1")]),
        table("valid_px", "code,name", [("68.4100", ""), ("36.0601", ""), ("47.0100", "")]),
    ]
)


def write(folder, tables):
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return write(tmp_path_factory.mktemp("scheme") / "tiny", TINY)


@pytest.fixture(scope="module")
def city(tiny):
    return prepare("prefecture-east", tiny, 1)


@pytest.fixture(scope="module")
def stays(city):
    return pa.concat_tables(draw_hospital_month(city, city.first_month, hospital) for hospital in (8, 20, 45))


def as_planned(stays, scheme):
    result = group(stays, scheme)
    return pc.mean(pc.equal(result["drg"].cast(pa.string()), stays["planned_drg"]).cast(pa.int8())).as_py()


def test_every_group_that_can_be_reached_is_planned(city):
    assert set(city.groups.drg) == set(city.scheme.drg_codes) - {"GD29"}
    assert city.groups.number["share_pct"].sum() == pytest.approx(100)


def test_cases_group_as_planned(city, stays):
    assert as_planned(stays, city.scheme) >= 0.97
    assert len(set(stays["planned_drg"].to_pylist())) >= 10


def test_known_adrgs_take_the_planned_numbers_and_others_neutral_ones(city, scheme_folder):
    planned = prepare("prefecture-east", scheme_folder, 1).groups
    weight = dict(zip(planned.drg, planned.number["weight"], strict=True))
    found = dict(zip(city.groups.drg, city.groups.number["weight"], strict=True))
    assert found["BR21"] == weight["BR21D"]
    assert found["BR25"] == weight["BR25D"]
    assert found["FX99"] == 0.8
    share = dict(zip(city.groups.drg, city.groups.number["share_pct"], strict=True))
    assert share["FX99"] < share["BR25"] / 10


def test_what_a_rule_demands_is_drawn(city):
    at = {drg: place for place, drg in enumerate(city.groups.drg)}
    severity, number, limit = city.groups.severity, city.groups.number, city.groups.limit
    assert [severity[at[drg]] for drg in ("BR21", "BR23", "BR25")] == [MCC, CC, NONE]
    assert number["male_share"][at["NC19"]] == 0
    assert number["age_high"][at["ES37"]] <= 16
    assert number["age_high"][at["PS19"]] == 0
    assert limit["birth_weight_high"][at["PS19"]] <= 1499
    assert all(limit["birth_weight_low"] <= limit["birth_weight_high"])


def test_a_principal_that_excludes_every_complication_is_left_out(city):
    at = city.groups.drg.index("BR21")
    start, end = city.groups.principals.starts[at : at + 2]
    assert "I67.200" not in {city.groups.dx_codes[index] for index in city.groups.principals.values[start:end]}


def test_the_plan_is_kept_for_the_life_of_the_process(tiny):
    scheme, profile = load_scheme(tiny), read_profile("prefecture-east")
    assert read_groups(scheme, profile) is read_groups(load_scheme(tiny), profile)


def test_the_demonstration_scheme_keeps_its_written_plan(scheme_folder):
    scheme = load_scheme(scheme_folder)
    assert set(read_groups(scheme, read_profile("prefecture-east")).drg) <= set(scheme.drg_codes)
    assert len(read_groups(scheme, read_profile("prefecture-east")).drg) == 326


def test_a_way_that_cannot_be_steered_is_no_path(tmp_path):
    tables = {name: [list(row) for row in rows] for name, rows in TINY.items()}
    for row in tables["adrg"]:
        if row[3] == "FM1":
            row[6] = "px_main:stent & icu_hours>120"
    tables["scheme"].append(["uses_icu_hours", "1"])
    scheme = load_scheme(write(tmp_path / "icu", tables))
    assert "FM19" not in {path.drg for path in paths(scheme)}
    assert "FX99" in {path.drg for path in paths(scheme)}


def test_a_scheme_without_any_group_to_plan_is_refused(tmp_path):
    tables = {**TINY, "drg": [TINY["drg"][0], *([*row[:6], "never"] for row in TINY["drg"][1:])]}
    scheme = load_scheme(write(tmp_path / "nothing", tables))
    with pytest.raises(TongpinError) as refused:
        read_groups(scheme, read_profile("prefecture-east"))
    assert refused.value.code == "demo.plan"


def test_files_are_written_under_any_scheme(tmp_path, tiny):
    summary = build_city(tmp_path, cases=50, scheme_folder=tiny, layouts="few")
    assert summary.settlement_lists > 50
    assert summary.record_faults > 0
    assert summary.corrected_lists > 0


@pytest.mark.needs("reference")
def test_a_published_scheme_is_planned_in_20_seconds_and_groups_as_planned():
    start = time.perf_counter()
    setting = prepare("prefecture-east", REFERENCE / "wuxi-2022", 20250601)
    seconds = time.perf_counter() - start
    stays = pa.concat_tables(
        draw_hospital_month(setting, Month.parse("2025-06"), hospital) for hospital in (0, 8, 20, 45)
    )
    assert as_planned(stays, setting.scheme) >= 0.97
    assert len(setting.groups.drg) >= 0.9 * len(setting.scheme.drg_codes)
    assert seconds < 20
