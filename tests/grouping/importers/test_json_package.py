"""JSON packages: what an invented package means case by case, and what its tables look like."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from json_samples import Walk, adrg, drg, earlier_package, mdc, package, random_case, section, write

from tongpin.grouping.compiled.stage import group
from tongpin.grouping.importers.rule_package import package as json_package
from tongpin.grouping.importers.sources import importer_of
from tongpin.grouping.library import import_scheme
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.read import load_scheme
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tongpin.grouping.tables.model import SchemeTables

Load = Callable[[dict[str, Any]], "SchemeTables"] if TYPE_CHECKING else object
ADRGS = "drg-common/base-3.0/generated/adrg_rules.json"
DRGS = "versions/city-3.0/generated/drg_rules.json"
COMMON = "drg-common/base-3.0/config.json"
VERSION = "versions/city-3.0/config.json"
ADULT = {"sex": 1, "age": 45}


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Read a package and load the tables it becomes; any error of reading fails the test."""

    def read_and_load(files: dict[str, Any]) -> SchemeTables:
        draft = json_package.read(write(files, tmp_path))
        assert [one.message for one in draft.findings if one.severity == "error"] == []
        folder = tmp_path / "tables"
        folder.mkdir()
        draft.write(folder)
        return load_scheme(folder)

    return read_and_load


def conditions(scheme: SchemeTables) -> dict[str, str]:
    """The written condition of every step and leaf."""
    steps = {step.rule: step.when for one in scheme.mdcs for step in one.steps}
    leaves = {leaf.drg: leaf.when for one in scheme.mdcs for step in one.steps for leaf in step.leaves}
    return {
        code: " | ".join(" & ".join(map(str, clause)) for clause in condition) if condition != ((),) else "always"
        for code, condition in (steps | leaves).items()
    }


def keeping(files: dict[str, Any]) -> dict[str, Any]:
    """The earlier package where an invalid first procedure counts like any other."""
    files[COMMON]["strategy"] = {"invalidPrincipalProcedureAction": "keep"}
    return files


def hiv_by_principal(files: dict[str, Any]) -> dict[str, Any]:
    """A package that tries the newborn before everything else and the HIV MDC by the principal diagnosis."""
    files[COMMON]["strategy"] = {"preMdc": ["MDCP", "MDCA", "MDCZ"]}
    return files


@pytest.mark.parametrize(
    "files",
    [package(), earlier_package(), keeping(earlier_package()), hiv_by_principal(package())],
    ids=["current", "earlier", "earlier-keep", "current-order"],
)
def test_the_tables_answer_as_the_package_walked_case_by_case(load: Load, files: dict[str, Any]) -> None:
    scheme, walk, draw = load(files), Walk(files), random.Random(20)
    cases = [random_case(draw) for _ in range(4000)]
    expected = [walk.group(case) for case in cases]

    answers = [interpret(scheme, Case.of(case)) for case in cases]

    different = [
        (case, one, two.drg) for case, one, two in zip(cases, expected, answers, strict=True) if one != two.drg
    ]
    assert different[:1] == []
    reached = set(expected)
    assert {"0000", "HQY", "HC49", "AH17", "ZZ11"} <= reached
    assert len(reached) > 40


def test_the_kernel_answers_as_the_interpreter(load: Load) -> None:
    scheme, draw = load(package()), random.Random(7)
    cases = [random_case(draw) for _ in range(2000)]

    table = group(pa.Table.from_pylist([{**case, "dept": None} for case in cases]), scheme)

    assert table["drg"].to_pylist() == [interpret(scheme, Case.of(case)).drg for case in cases]


def test_the_tables_of_a_package_read_well(load: Load) -> None:
    scheme = load(package())

    written = conditions(scheme)
    assert [one.code for one in scheme.mdcs] == [
        *("MDCA", "MDCP", "MDCY", "MDCZ"),
        *("MDCH", "MDCM", "MDCN", "MDCQ", "MDCX"),
    ]
    assert written["AC1"] == "px_any:AC1.px & px_any:AC1.px2"
    # 99.9900 is in the first list of HC1 and does not count in the first place: there it is left out of the list.
    assert written["HC1"] == ("px_main:HC1.px & px_any:HC1.px3 | px_main:HC1.px3 & px_other:HC1.px2 & px_any:HC1.px3")
    assert sorted(scheme.px_lists["HC1.px"]) == ["51.4100"]
    assert sorted(scheme.px_lists["HC1.px2"]) == ["51.4100", "99.9900"]
    assert written["HC2"] == "px_main:HC2.px"
    assert written["HC2_51.22"] == "px_main:HC2_51.22.px"
    assert written["HC21"] == "mcc & !day_surgery==1"
    assert written["HC25"] == "always"
    assert {field.name for field in scheme.fields} == {
        *("new_technique", "intensive_care", "day_surgery", "crrt_hours", "admission_weight"),
    }
    assert scheme.drg_names["HC21"] == "HC21组"
    assert scheme.dx_map["K80.100x001"] == "K80.100"
    assert scheme.dx_map["K80.200"] == "K80.200"
    assert "00.0100" not in scheme.px_names


def test_a_principal_diagnosis_leads_to_one_mdc_only(load: Load) -> None:
    scheme = load(package())

    # K85.900 stands in MDCH and in MDCQ; MDCH comes first and has nothing for it, so MDCQ is not asked.
    answer = interpret(scheme, Case.of({**ADULT, "dx": ["K85.900"], "px": ["51.0200"]}))

    assert answer.status == "ungrouped"


@pytest.mark.parametrize(("sex", "drg_code"), [(1, "MR19"), (2, "NR19")])
def test_sex_chooses_between_the_mdcs_of_one_diagnosis(load: Load, sex: int, drg_code: str) -> None:
    scheme = load(package())

    assert interpret(scheme, Case.of({"sex": sex, "age": 30, "dx": ["Z30.200"]})).drg == drg_code


@pytest.mark.parametrize(
    ("dx", "px", "drg_code"),
    [
        (["K99.900"], [], "0000"),  # an invalid principal diagnosis
        (["Z99.900"], ["37.5200"], "0000"),  # a grey one, even with a transplant
        (["Z98.800"], [], "0000"),  # no longer grey in the dated package, but in no MDC
        (["K80.100"], ["51.9900"], "0000"),  # a grey first procedure
        (["K80.100"], ["99.1000", "55.6100"], "HQY"),  # grey, but allowed
        (["K80.100"], ["93.1100"], "HR15"),  # not among "all procedures": no way to the ambiguous group
        (["K80.100"], ["99.9900"], "HR1_p"),  # an invalid first procedure leaves its place empty, but not for the DRGs
        (["K80.100"], ["51.2300", "17.4200"], "HC2N"),
        (["K80.100", "E11.900"], ["51.2300"], "HC23"),
        (["K80.100", "I50.900"], ["51.2300"], "HC25"),  # excluded by the table of the principal diagnosis
        ([], ["52.8000", "55.6100"], "0000"),  # without a diagnosis there is no group
    ],
)
def test_codes_that_do_not_count_and_codes_that_do(load: Load, dx: list[str], px: list[str], drg_code: str) -> None:
    scheme = load(package())

    assert interpret(scheme, Case.of({**ADULT, "dx": dx, "px": px})).drg == drg_code


def test_an_adrg_without_a_fitting_group_stops_the_search(load: Load) -> None:
    scheme = load(package())

    # AH1 holds, but the patient neither died nor is a child: HJ1 and the rest are not asked, as in the source.
    answer = interpret(scheme, Case.of({**ADULT, "dx": ["K80.100"], "px": ["37.5200"]}))

    assert (answer.status, answer.drg) == ("ungrouped", "0000")


def test_two_codes_of_a_list_count_as_the_first_and_another(load: Load) -> None:
    files = package()
    files[DRGS].append(drg("HC39", "ADRG_ONLY"))  # so that HC4 need not be guarded against HC3

    assert conditions(load(files))["HC4"] == "px_main:HC4.px & px_other:HC4.px2"


@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("极度发育不全（入院体重＜1000g）", "admission_weight<1000"),
        ("早产儿(出生体重1500-1999g)", "birth_weight>=1500 & birth_weight<=1999"),
        ("早产儿（入院体重≥2500g）", "admission_weight>=2500"),
        ("早产儿（出生体重不超过1500g）", "birth_weight<=1500"),
        ("新生儿（出生年龄＜29天）腹部手术", ""),
    ],
)
def test_newborn_limits_are_read_from_the_name(load: Load, name: str, when: str) -> None:
    files = package()
    files[ADRGS].append(adrg("PT1", name, 主要诊断=["P07.300"]))
    files[DRGS].append(drg("PT19", "ADRG_ONLY"))

    written = conditions(load(files))["PT1"]

    assert written == " & ".join(["dx_main:PT1.dx", "age_days<29", *([when] if when else [])])


def test_a_package_is_imported_with_its_provenance(tmp_path: Path) -> None:
    folder = write(package(), tmp_path / "checkout")
    (tmp_path / "checkout" / "LICENSE").write_text("Apache License\n", encoding="utf-8")
    found = importer_of(folder)

    imported = import_scheme(Home(tmp_path / "home"), folder, "city-3.0")

    assert found is not None
    assert found.kind == "json"
    assert imported.provenance["kind"] == "json"
    assert imported.scheme.title == "某市 3.0"
    assert imported.scheme.source == "CHS-DRG-Grouper city-3.0（公共规则包 base-3.0）"
    assert len(imported.provenance["source_digest"]) == 64


def test_the_order_of_a_package_never_changes_its_tables(tmp_path: Path) -> None:
    folder = write(package(), tmp_path)

    first, second = json_package.read(folder), json_package.read(folder)

    assert first.rows == second.rows


def test_a_trauma_mdc_asks_for_two_sites(load: Load) -> None:
    scheme = load(package())
    one_site = {**ADULT, "dx": ["S06.000", "S06.200"]}
    two_sites = {**ADULT, "dx": ["S06.000", "S27.000"]}

    assert interpret(scheme, Case.of(one_site)).drg == "0000"
    assert interpret(scheme, Case.of(two_sites)).drg == "ZZ15"


def test_a_small_package_shows_the_whole_layout(load: Load) -> None:
    files = package()
    files["drg-common/base-3.0/generated/mdc_rules.json"] = [mdc("MDCH", "K80.100")]
    files[ADRGS] = [
        adrg("HC2", "胆囊", 主要手术或操作=["51.2300"]),
        adrg(
            "HZ1",
            "其他",
            logic="主要诊断 + !手术或操作",
            _logicRPN=[section("主要诊断"), section("手术或操作"), "!", "&&"],
            主要诊断=["K80.100"],
            手术或操作=["51.2200"],
        ),
    ]
    files[DRGS] = [drg("HC23", "WITH_CC"), drg("HC25", "NO_CC"), drg("HZ19", "ADRG_ONLY")]
    files[VERSION] = {"id": "city-3.0", "label": "小", "drgCommon": "base-3.0"}

    assert conditions(load(files)) == {
        "HC2": "px_main:HC2.px",
        "HC23": "mcc | cc",
        "HC25": "always",
        "HQY": "dx_main:HZ1.dx & !px_any:HZ1.px & px_count>=1 & !px_main:NOT-COUNTED.px",
        "HZ1": "dx_main:HZ1.dx & !px_any:HZ1.px",
        "HZ19": "always",
    }
