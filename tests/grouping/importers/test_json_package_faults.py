"""JSON packages that cannot be taken: what is said, and where; all of it at once."""

from __future__ import annotations

from copy import deepcopy
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from json_samples import adrg, drg, earlier_package, package, section, write

from tongpin.base.errors import SchemeError
from tongpin.grouping.importers.rule_package import package as json_package
from tongpin.grouping.importers.rule_package.conditions import (
    MOST_CLAUSES,
    TooManyAlternativesError,
    both,
    either,
    negated,
    when,
)
from tongpin.grouping.library import import_scheme
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tongpin.base.findings import Finding
    from tongpin.grouping.importers.rule_package.conditions import Terms

ADRGS = "drg-common/base-3.0/generated/adrg_rules.json"
MDCS = "drg-common/base-3.0/generated/mdc_rules.json"
DRGS = "versions/city-3.0/generated/drg_rules.json"
COMMON = "drg-common/base-3.0/config.json"
VERSION = "versions/city-3.0/config.json"
Change = "Callable[[dict[str, Any]], None]"


def rule(files: dict[str, Any], code: str) -> dict[str, Any]:
    """The rule of an ADRG."""
    return next(one["rule"] for one in files[ADRGS] if one["code"] == code)


def group(files: dict[str, Any], code: str) -> dict[str, Any]:
    """A DRG."""
    return next(one for one in files[DRGS] if one["drgCode"] == code)


def put(where: Callable[[dict[str, Any]], Any], key: Any, value: Any) -> Change:
    """A change of one key."""

    def change(files: dict[str, Any]) -> None:
        where(files)[key] = value

    return change


def errors(files: dict[str, Any], root: Path) -> list[Finding]:
    """What reading the files found wrong."""
    return [one for one in json_package.read(write(files, root)).findings if one.severity == "error"]


FAULTS: list[tuple[str, Change, str, str, str, str]] = [
    # name, change, rule id, file, path, words of the message
    (
        "rule key",
        put(lambda f: rule(f, "HC2"), "lateral", 2),
        "SCH-J003",
        ADRGS,
        "HC2.rule.lateral",
        "不认识的键 lateral",
    ),
    ("adrg key", put(lambda f: f[ADRGS][0], "weight", 1), "SCH-J003", ADRGS, "AC1.weight", "不认识的键 weight"),
    ("mdc key", put(lambda f: f[MDCS][0], "sex", 1), "SCH-J003", MDCS, "MDCA.sex", "不认识的键 sex"),
    ("drg key", put(lambda f: group(f, "HC21"), "minAge", 1), "SCH-J003", DRGS, "HC21.minAge", "不认识的键 minAge"),
    (
        "condition",
        put(lambda f: group(f, "HC21"), "conditions", ["TRIPLETS"]),
        "SCH-J008",
        DRGS,
        "HC21.conditions",
        "TRIPLETS",
    ),
    (
        "comparison",
        put(lambda f: group(f, "HC21"), "conditions", ["FEE_GT_5"]),
        "SCH-J008",
        DRGS,
        "HC21.conditions",
        "FEE_GT_5",
    ),
    ("drg of none", put(lambda f: group(f, "HC21"), "adrgCode", "HX9"), "SCH-J007", DRGS, "HC21.adrgCode", "HX9 不在"),
    (
        "drg without",
        put(lambda f: group(f, "HC21"), "adrgCode", None),
        "SCH-J002",
        DRGS,
        "HC21",
        "缺 drgCode 或 adrgCode",
    ),
    (
        "reference",
        put(lambda f: rule(f, "HJ1"), "referencedADRGs", ["HC9"]),
        "SCH-J007",
        ADRGS,
        "HJ1.rule.referencedADRGs",
        "HC9",
    ),
    (
        "no mdc",
        lambda f: f[ADRGS].append(adrg("KC1", "无", 主要诊断=["E11.900"])),
        "SCH-J007",
        ADRGS,
        "KC1",
        "没有 MDCK",
    ),
    (
        "section",
        put(lambda f: rule(f, "HC2")["sections"], "入院科室", ["03"]),
        "SCH-J005",
        ADRGS,
        "HC2.rule.sections.入院科室",
        "看不出",
    ),
    ("nothing", put(lambda f: rule(f, "HC2"), "sections", {}), "SCH-J005", ADRGS, "HC2.rule", "没有任何条件"),
    (
        "no rpn",
        put(lambda f: rule(f, "HR1"), "_logicRPN", None),
        "SCH-J006",
        ADRGS,
        "HR1.rule._logicRPN",
        "没有编译成功",
    ),
    (
        "bad rpn",
        put(lambda f: rule(f, "HR1"), "_logicRPN", ["&&"]),
        "SCH-J006",
        ADRGS,
        "HR1.rule._logicRPN",
        "在这里不通",
    ),
    (
        "half rpn",
        put(lambda f: rule(f, "HR1"), "_logicRPN", [section("主要诊断"), section("主要诊断")]),
        "SCH-J006",
        ADRGS,
        "HR1.rule._logicRPN",
        "不完整",
    ),
    (
        "rpn of none",
        put(lambda f: rule(f, "HR1"), "_logicRPN", [section("病理诊断")]),
        "SCH-J006",
        ADRGS,
        "HR1.rule._logicRPN",
        "病理诊断",
    ),
    (
        "three of a list",
        put(lambda f: rule(f, "HC4"), "sectionMinimumOccurrences", {"手术或操作": 3}),
        "SCH-J009",
        ADRGS,
        "HC4.rule.sections.手术或操作",
        "没有计数的条件",
    ),
    (
        "two others",
        put(lambda f: rule(f, "HC3"), "sectionMinimumMatches", {"其他手术或操作": 2}),
        "SCH-J009",
        ADRGS,
        "HC3.rule.sections.其他手术或操作",
        "2 个不同的编码",
    ),
    (
        "two without a first",
        put(lambda f: rule(f, "HC4")["sections"], "主要手术或操作", ["51.2200"]),
        "SCH-J009",
        ADRGS,
        "HC4.rule",
        "没有计数的条件",
    ),
    (
        "least of none",
        put(lambda f: rule(f, "HC2"), "sectionMinimumMatches", {"诊断 9": 2}),
        "SCH-J005",
        ADRGS,
        "HC2.rule.sectionMinimumMatches.诊断 9",
        "不是这条规则的清单",
    ),
    (
        "code type",
        put(lambda f: rule(f, "HC2")["sections"], "主要手术或操作", [51.22]),
        "SCH-J002",
        ADRGS,
        "HC2.rule.sections.主要手术或操作",
        "非空的文字",
    ),
    (
        "flag type",
        put(lambda f: rule(f, "HK1"), "intensiveCare", "yes"),
        "SCH-J002",
        ADRGS,
        "HK1.rule.intensiveCare",
        "true 或 false",
    ),
    ("twice", lambda f: f[ADRGS].append(adrg("HC2", "又", 诊断=["K80.100"])), "SCH-J011", ADRGS, "HC2", "写了两次"),
    ("drg twice", lambda f: f[DRGS].append(drg("HC21", "NO_CC")), "SCH-J011", DRGS, "HC21", "写了两次"),
    (
        "two sites",
        put(lambda f: f[MDCS][-1]["mdczCategories"], "腹部", ["S27.000"]),
        "SCH-J011",
        MDCS,
        "MDCZ.mdczCategories.腹部",
        "一个诊断只能有一个部位",
    ),
    (
        "weight",
        put(lambda f: next(one for one in f[ADRGS] if one["code"] == "PS1"), "name", "低出生体重儿"),
        "SCH-J010",
        ADRGS,
        "PS1.name",
        "看不出界限",
    ),
    (
        "uncovered trauma",
        put(lambda f: group(f, "ZZ15"), "conditions", ["WITH_CC"]),
        "SCH-J014",
        ADRGS,
        "ZZ1",
        "没有兜底的病组",
    ),
    (
        "strategy",
        put(lambda f: f[COMMON]["strategy"], "ageInMonths", True),
        "SCH-J003",
        COMMON,
        "strategy.ageInMonths",
        "不认识的键",
    ),
    (
        "own strategy",
        put(lambda f: f[VERSION]["strategy"], "weekend", True),
        "SCH-J003",
        VERSION,
        "strategy.weekend",
        "不认识的键",
    ),
    (
        "pre mdc",
        put(lambda f: f[COMMON]["strategy"], "preMdc", ["MDCA", "A"]),
        "SCH-J004",
        COMMON,
        "strategy.preMdc",
        "先期 MDC",
    ),
    ("id", put(lambda f: f[VERSION], "id", "other"), "SCH-J004", VERSION, "id", "city-3.0"),
    ("common", put(lambda f: f[VERSION], "drgCommon", ""), "SCH-J004", VERSION, "drgCommon", "公共规则包"),
    (
        "list of codes",
        put(lambda f: f[VERSION], "specialContentExtraction", {}),
        "SCH-J004",
        VERSION,
        "strategy.robotAssistedSurgery",
        "没有编码清单",
    ),
    (
        "code set",
        put(lambda f: f[f"{COMMON[:-11]}generated/ss_invalid.json"], "00.01", 1),
        "SCH-J002",
        f"{COMMON[:-11]}generated/ss_invalid.json",
        "00.01",
        "应是 true",
    ),
]


@pytest.mark.parametrize(("name", "change", "rule_id", "file", "path", "words"), FAULTS, ids=[one[0] for one in FAULTS])
def test_a_fault_names_file_key_and_reason(
    tmp_path: Path, name: str, change: Any, rule_id: str, file: str, path: str, words: str
) -> None:
    files = deepcopy(package())
    change(files)

    found = errors(files, tmp_path)

    assert (rule_id, file, path) in [(one.rule_id, one.file, one.path) for one in found]
    fault = next(one for one in found if (one.rule_id, one.path) == (rule_id, path))
    assert words in fault.message
    assert fault.hint


def test_a_fault_names_the_line_of_its_rule(tmp_path: Path) -> None:
    files = package()
    group(files, "HC21")["conditions"] = ["TRIPLETS"]
    folder = write(files, tmp_path)
    text = (folder / "generated" / "drg_rules.json").read_text(encoding="utf-8").splitlines()

    (fault,) = [one for one in json_package.read(folder).findings if one.severity == "error"]

    assert '"drgCode": "HC21"' in text[fault.record - 1]


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    files = package()
    group(files, "HC21")["conditions"] = ["TRIPLETS"]
    rule(files, "HC2")["lateral"] = 2
    files[COMMON]["strategy"]["ageInMonths"] = True

    assert {one.rule_id for one in errors(files, tmp_path)} == {"SCH-J003", "SCH-J008"}
    assert len(errors(files, tmp_path)) == 3


def test_shift_is_refused_and_says_why(tmp_path: Path) -> None:
    files = earlier_package()
    files[COMMON]["strategy"] = {"invalidPrincipalProcedureAction": "shift"}

    (fault,) = errors(files, tmp_path)

    assert fault.rule_id == "SCH-J012"
    assert "第二个手术" in fault.message


@pytest.mark.parametrize(
    "missing", [ADRGS, DRGS, COMMON, "icd-datasets/insurance/yb-9.0/generated/icd9_gray_codes.json"]
)
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    files = package()
    del files[missing]

    found = errors(files, tmp_path)

    assert ("SCH-J001", missing) in [(one.rule_id, one.file) for one in found]


def test_text_that_is_no_json_is_named_with_its_line(tmp_path: Path) -> None:
    folder = write({**package(), DRGS: '[\n {"drgCode": "HC21",\n]'}, tmp_path)

    found = [one for one in json_package.read(folder).findings if one.rule_id == "SCH-J001"]

    assert [(one.file, one.record) for one in found] == [(DRGS, 3)]


def test_a_checkout_is_refused_with_its_versions(tmp_path: Path) -> None:
    write({**package(), "versions/city-2.0/config.json": {}}, tmp_path)

    assert json_package.recognises(tmp_path)
    (fault,) = json_package.read(tmp_path).findings
    assert "city-2.0、city-3.0" in fault.message


def test_a_folder_without_packages_is_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")

    assert not json_package.recognises(tmp_path)
    assert not json_package.recognises(tmp_path / "config.json")


def test_a_broken_package_is_not_imported(tmp_path: Path) -> None:
    files = package()
    group(files, "HC21")["conditions"] = ["TRIPLETS"]
    home = Home(tmp_path / "home")

    with pytest.raises(SchemeError, match="TRIPLETS") as refused:
        import_scheme(home, write(files, tmp_path / "checkout"), "city-3.0")

    assert refused.value.code == "scheme.import"
    assert not (home.schemes / "city-3.0").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put(lambda f: group(f, "HC2_51.22"), "procedurePrefixes", ["00.99"]), "没有以此开头的编码"),
        (put(lambda f: f[VERSION], "colour", "red"), "不认识的键 colour"),
        (put(lambda f: rule(f, "HJ1"), "referencedADRGs", ["HZ1", "HC1"]), "没有手术清单"),
        (lambda f: f[DRGS].remove(group(f, "MB19")), "没有病组"),
    ],
)
def test_what_is_odd_but_possible_is_a_warning(tmp_path: Path, change: Any, words: str) -> None:
    files = deepcopy(package())
    change(files)

    findings = json_package.read(write(files, tmp_path)).findings

    assert [one.severity for one in findings if words in one.message] == ["warning"]
    assert not [one for one in findings if one.severity == "error"]


ATOMS = ("a", "b", "c", "d")
LITERAL = st.sampled_from([*ATOMS, *(f"!{one}" for one in ATOMS)])
TERMS = st.lists(st.lists(LITERAL, max_size=3).map(tuple), max_size=3).map(tuple)


def holds(terms: Terms, world: dict[str, bool]) -> bool:
    """The meaning of a condition where the atoms are as given."""
    return any(all(world[one.removeprefix("!")] != one.startswith("!") for one in clause) for clause in terms)


@given(TERMS, TERMS)
def test_joining_and_negating_keep_the_meaning(left: Terms, right: Terms) -> None:
    for values in product([False, True], repeat=len(ATOMS)):
        world = dict(zip(ATOMS, values, strict=True))
        one, two = holds(left, world), holds(right, world)
        assert holds(both(left, right), world) == (one and two)
        assert holds(either(left, right), world) == (one or two)
        assert holds(negated(left), world) != one


def test_a_condition_that_explodes_is_refused() -> None:
    pairs: list[Terms] = [((f"a{number}",), (f"b{number}",)) for number in range(12)]

    with pytest.raises(TooManyAlternativesError):
        both(*pairs)
    assert len(both(*pairs[:5])) == 32 < MOST_CLAUSES


def test_a_condition_is_written_as_tables_have_it() -> None:
    assert when(()) == "never"
    assert when(((),)) == "always"
    assert when((("a", "!b"), ("c",))) == "a & !b | c"
