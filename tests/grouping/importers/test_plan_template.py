"""The plan template: what a coder types in, what it says when something is wrong, and that it holds any scheme."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tongpin.cli.app import app
from tongpin.grouping.importers.plan import template as plan_template
from tongpin.grouping.importers.plan.sheets import ADRG_SHEET, CONDITION_KEYS, DRG_SHEET, LAYOUT, MDC_SHEET
from tongpin.grouping.importers.plan.words import cells_of, number_atoms
from tongpin.grouping.importers.plan.writer import write_template
from tongpin.grouping.importers.sources import importer_of
from tongpin.grouping.library import shipped_folder
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.read import load_scheme
from tongpin.grouping.tables.when import parse_when

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tongpin.base.findings import Finding
    from tongpin.grouping.importers.draft import Draft
    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.grouping.tables.when import Condition

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "reference"
FIRST_ROW = 4
_SEVENTH = "N 列“其他条件”（第 7 个字符）"

Change = tuple[str, dict[str, Any]]
"""A row to add to a sheet, cells by the key of their column."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "empty.xlsx"
    write_template(path)
    return path


def filled(empty: Path, path: Path, *changes: Change, drop: Iterable[tuple[str, str]] = ()) -> Path:
    """The template with its example rows taken as real ones, rows added and rows (by their first cell) dropped."""
    book = openpyxl.load_workbook(empty)
    for name, sheet in LAYOUT.items():
        page = book[name]
        remark = [field.key for field in sheet.fields].index("remark") + 1 if name != "方案" else 0
        for row in range(page.max_row, FIRST_ROW - 1, -1):
            if remark:
                page.cell(row, remark).value = None
            if (name, page.cell(row, 1).value) in drop:
                page.delete_rows(row)
    for name, cells in changes:
        page = book[name]
        row = next(row for row in range(FIRST_ROW, 1000) if not any(cell.value for cell in page[row]))
        for number, field in enumerate(LAYOUT[name].fields, start=1):
            page.cell(row, number).value = cells.get(field.key)
    book.save(path)
    return path


def loaded(draft: Draft, folder: Path) -> SchemeTables:
    assert not draft.broken, [str(finding) for finding in draft.findings]
    folder.mkdir()
    draft.write(folder)
    return load_scheme(folder)


def test_the_examples_of_the_empty_template_are_not_imported(empty: Path) -> None:
    assert importer_of(empty).kind == "plan"
    draft = plan_template.read(empty)
    assert [one.rule_id for one in draft.findings] == ["SCH-T057"]
    assert "mdc" not in draft.rows


def test_the_examples_are_a_scheme_that_groups(empty: Path, tmp_path: Path) -> None:
    draft = plan_template.read(filled(empty, tmp_path / "plan.xlsx"))
    assert draft.findings == []
    scheme = loaded(draft, tmp_path / "scheme")

    def group(*dx: str, px: tuple[str, ...] = (), age: int = 50) -> str:
        return interpret(scheme, Case(sex=1, age=age, dx=dx, px=px)).drg

    assert group("J18.900") == "ES35"
    assert group("J18.900", "J96.000") == "ES31"
    assert group("J18.900", age=16) == "ES37"
    assert group("J18.900", px=("32.4900", "96.7201")) == "EB19"
    assert group("S06.200", "S32.000") == "ZZ19"
    assert group("S06.200") == "0000"
    assert [field.name for field in scheme.fields] == ["new_technology", "ward"]


def test_conditions_in_columns_and_in_words(empty: Path, tmp_path: Path) -> None:
    path = filled(
        empty,
        tmp_path / "plan.xlsx",
        (ADRG_SHEET, {"mdc": "MDCE", "adrg": "EX1", "rule": "EX1_1", "px_main": "手术室手术", "sex": "女"}),
        (
            ADRG_SHEET,
            {"mdc": "MDCE", "adrg": "EX1", "rule": "EX1_2", "birth_weight": ">0，<1500", "other": "dx_any:空的"},
        ),
        (DRG_SHEET, {"adrg": "EX1", "drg": "EX11", "complication": "MCC或CC", "age": "6-14岁", "other": "icu_hours>9"}),
        (
            DRG_SHEET,
            {"adrg": "EX1", "drg": "EX13", "complication": "无", "los": "60以上", "other": "ward==A | ward==B"},
        ),
        (DRG_SHEET, {"adrg": "EX1", "drg": "EX15"}),
        ("空清单", {"list": "空的"}),
    )
    book = openpyxl.load_workbook(path)
    page = book["方案"]
    for row in range(FIRST_ROW, page.max_row + 1):
        values = {"用到重症监护小时数": "是", "没有细分组成立时": "继续", "方案名称": "某市方案"}
        page.cell(row, 2).value = values.get(page.cell(row, 1).value)
    book.save(path)
    scheme = loaded(plan_template.read(path), tmp_path / "scheme")
    assert (scheme.title, scheme.options.uses_icu_hours, scheme.options.adrg_without_leaf) == ("某市方案", True, "next")
    first, second = scheme.mdcs[0].steps[2:]
    assert first.when == parse_when("px_main:valid_px & sex==2")
    assert second.when == parse_when("birth_weight>0 & birth_weight<1500 & dx_any:空的")
    whens = [leaf.when for leaf in first.leaves]
    assert whens == [leaf.when for leaf in second.leaves]  # a leaf that names no rule belongs to all of the ADRG
    assert whens[0] == parse_when(
        "age>=6 & age<=14 & mcc & icu_hours>9 | age>=6 & age<=14 & cc & icu_hours>9", ("age", "icu_hours")
    )
    words = parse_when("los>=60 & !mcc & !cc & ward==A | los>=60 & !mcc & !cc & ward==B", ("los",), ("ward",))
    assert whens[1:] == [words, ((),)]


def faults(draft: Draft, rule_id: str) -> list[Finding]:
    return [one for one in draft.findings if one.rule_id == rule_id]


@pytest.mark.parametrize(
    ("rule_id", "severity", "sheet", "cells", "column"),
    [
        ("SCH-T010", "error", "手术清单", {"list": "EB1手术", "code": 51.23}, "B 列“手术操作编码”"),
        ("SCH-T011", "warning", "诊断清单", {"list": "ES3主诊", "code": "ｊ15.9００ "}, "B 列“诊断编码”"),
        ("SCH-T012", "warning", "诊断清单", {"list": "ES3主诊", "code": "51.2300"}, "B 列“诊断编码”"),
        ("SCH-T009", "error", "诊断清单", {"list": None, "code": "J15.900"}, "A 列“清单”"),
        ("SCH-T013", "warning", "诊断清单", {"list": "ES3主诊", "code": "J18.900"}, "B 列“诊断编码”"),
        ("SCH-T014", "error", "转码", {"kind": "诊断", "code": "J18.901", "target": "J15.900"}, "B 列“原编码”"),
        ("SCH-T015", "warning", "MCC与CC", {"level": "CC", "code": "J96.000"}, "B 列“诊断编码”"),
        ("SCH-T016", "warning", "排除表", {"exclusion_table": "99", "code": "J15.900"}, "A 列“排除表”"),
        ("SCH-T017", "error", "排除表", {"exclusion_table": "5-1", "code": "E87.600"}, "B 列“诊断编码”"),
        ("SCH-T020", "error", ADRG_SHEET, {"mdc": "MDCK", "adrg": "KS1", "other": "always"}, "A 列“MDC编码”"),
        ("SCH-T021", "error", DRG_SHEET, {"adrg": "ES4", "drg": "ES41"}, "A 列“ADRG编码”"),
        ("SCH-T023", "warning", ADRG_SHEET, {"mdc": "MDCE", "adrg": "KS1", "other": "always"}, "B 列“ADRG编码”"),
        ("SCH-T024", "warning", DRG_SHEET, {"adrg": "ES3", "drg": "ET31"}, "B 列“DRG编码”"),
        ("SCH-T026", "warning", ADRG_SHEET, {"mdc": "MDCE", "adrg": "EX1", "other": "always"}, "B 列“ADRG编码”"),
        ("SCH-T043", "error", ADRG_SHEET, {"mdc": "MDCE", "adrg": "EX1", "dx_main": "ES3主诊断"}, "F 列“主要诊断清单”"),
        ("SCH-T043", "error", ADRG_SHEET, {"mdc": "MDCE", "adrg": "EX1", "px_main": "ES3主诊"}, "I 列“主要手术清单”"),
        ("SCH-T043", "error", DRG_SHEET, {"adrg": "ES3", "drg": "ES36", "other": "px_any:没有"}, "N 列“其他条件”"),
        ("SCH-T052", "error", DRG_SHEET, {"adrg": "ES3", "drg": "ES36", "complication": "重"}, "D 列“合并症”"),
        ("SCH-T052", "error", DRG_SHEET, {"adrg": "ES3", "drg": "ES36", "sex": "M"}, "M 列“性别”"),
        ("SCH-T052", "error", "MCC与CC", {"level": "重", "code": "J15.900"}, "A 列“类别”"),
        ("SCH-T052", "error", "转码", {"kind": "药", "code": "A", "target": "B"}, "A 列“类别”"),
        ("SCH-T050", "error", "方案", {"label": "版本号", "value": "2"}, "A 列“项目”"),
        ("SCH-T051", "error", "方案", {"label": "方案名称", "value": "又一"}, "A 列“项目”"),
        ("SCH-T053", "error", "诊断清单", {"list": "甲|乙", "code": "J15.900"}, "A 列“清单”"),
        ("SCH-T054", "error", "空清单", {"list": "ES3主诊"}, "A 列“清单”"),
        ("SCH-T055", "error", MDC_SHEET, {"mdc": "MDCE", "other": "always"}, "A 列“MDC编码”"),
        ("SCH-T055", "error", ADRG_SHEET, {"mdc": "MDCE", "adrg": "ES3", "other": "always"}, "D 列“规则”"),
        ("SCH-T056", "error", MDC_SHEET, {"mdc": "MDCK", "other": "always", "min_sites": "二"}, "I 列“至少部位数”"),
        ("SCH-T058", "error", ADRG_SHEET, {"mdc": "MDCE", "adrg": "EX1"}, "P 列“其他条件”"),
        ("SCH-T059", "error", DRG_SHEET, {"adrg": "ES3", "drg": "ES36", "age": "很大"}, "E 列“年龄”"),
        ("SCH-T060", "error", DRG_SHEET, {"adrg": "ES3", "drg": "ES36", "other": "mcc & x<1"}, _SEVENTH),
        ("SCH-T061", "warning", "诊断清单", {"list": "闲着", "code": "J15.900"}, "A 列“清单”"),
    ],
)  # fmt: skip
def test_faults_name_sheet_row_and_column(
    empty: Path, tmp_path: Path, rule_id: str, severity: str, sheet: str, cells: dict[str, Any], column: str
) -> None:
    draft = plan_template.read(filled(empty, tmp_path / "plan.xlsx", (sheet, cells)))
    found = faults(draft, rule_id)
    assert [(one.severity, one.file, one.path) for one in found] == [(severity, f"plan.xlsx〔{sheet}〕", column)]
    row = openpyxl.load_workbook(tmp_path / "plan.xlsx")[sheet][found[0].record]
    assert {str(value) for value in cells.values() if value} <= {str(cell.value) for cell in row}
    assert found[0].message
    assert found[0].hint


def test_all_faults_come_at_once(empty: Path, tmp_path: Path) -> None:
    changes: list[Change] = [
        ("手术清单", {"list": "EB1手术", "code": 51.23}),
        (DRG_SHEET, {"adrg": "ES4", "drg": "ES41"}),
        (MDC_SHEET, {"mdc": "MDCK", "dx_main": "K类"}),
    ]
    draft = plan_template.read(filled(empty, tmp_path / "plan.xlsx", *changes))
    assert {"SCH-T010", "SCH-T021", "SCH-T043"} <= {one.rule_id for one in draft.findings}


def test_a_leaf_that_lets_cases_fall_is_a_warning(empty: Path, tmp_path: Path) -> None:
    draft = plan_template.read(filled(empty, tmp_path / "plan.xlsx", drop=[(DRG_SHEET, "ES3")]))
    assert [one.message[:3] for one in faults(draft, "SCH-T026")] == ["ES3"]
    only = (DRG_SHEET, {"adrg": "ES3", "drg": "ES31", "complication": "MCC"})
    draft = plan_template.read(filled(empty, tmp_path / "plan.xlsx", only, drop=[(DRG_SHEET, "ES3")]))
    assert [one.value for one in faults(draft, "SCH-T039")] == ["ES31"]


def test_missing_sheets_and_unknown_headers(empty: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(empty)
    del book["排除表"]
    book[DRG_SHEET].cell(3, 4).value = "并发"
    book.save(tmp_path / "plan.xlsx")
    draft = plan_template.read(tmp_path / "plan.xlsx")
    assert [one.value for one in faults(draft, "SCH-T002")] == ["排除表"]
    (one,) = faults(draft, "SCH-T005")
    assert (one.severity, one.record, one.path, one.value) == ("error", 3, "D 列", "并发")
    assert "合并症" in one.hint


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("<17", "age<17"),
        ("≥１８", "age>=18"),
        ("不满17岁", "age<17"),
        ("超过60天", "age>60"),
        ("不超过 28", "age<=28"),
        ("14以上", "age>=14"),
        ("14岁及以下", "age<=14"),
        ("6-14", "age>=6 & age<=14"),
        ("6岁至14岁", "age>=6 & age<=14"),
        (">=1500，<2000", "age>=1500 & age<2000"),
        ("大于0且小于1500克", "age>0 & age<1500"),
        ("0", "age==0"),
    ],
)
def test_numbers_in_words(text: str, when: str) -> None:
    assert (tuple(number_atoms("age", text)),) == parse_when(when)


@pytest.mark.parametrize("text", ["老人", "14-6", "<", "2025-06-14", "17,", "1e3"])
def test_numbers_that_nobody_can_read_are_refused(text: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - what it says is looked at
        number_atoms("age", text)
    assert str(refusal.value) in text


WRITTEN = (
    "mcc cc !mcc !cc sex==1 sex==2 !sex==2 age<17 age>=14 !age<3 los>60 birth_weight>0 birth_weight<1500 dept==ICU "
    "dx_main:甲 dx_main:乙 !dx_main:甲 dx_any:甲 px_main:valid_px px_any:丙 px_any:丁 px_any:valid_px px_other:丙 "
    "!px_any:valid_px discharge_way:2,5 icu_hours>120 dx_count>=4"
)
ATOMS = st.sampled_from(WRITTEN.split())
CONDITIONS = st.one_of(
    st.sampled_from(("always", "never")),
    st.lists(st.lists(ATOMS, min_size=1, max_size=4).map(" & ".join), min_size=1, max_size=3).map(" | ".join),
)


@given(CONDITIONS, st.sampled_from((MDC_SHEET, ADRG_SHEET, DRG_SHEET)))
def test_any_condition_can_be_written_in_the_columns(text: str, sheet: str) -> None:
    condition = parse_when(text)
    keys = [field.key for field in LAYOUT[sheet].fields]
    cells = cells_of(condition, keys)
    assert set(cells) <= {*CONDITION_KEYS} & {*keys}
    assert same(read_back(cells), condition)


def read_back(cells: dict[str, str]) -> Condition:
    """The condition that the reader makes of the cells of one row."""
    from tongpin.grouping.importers.draft import Draft
    from tongpin.grouping.importers.sheets import Row, SheetReader

    plan = plan_template._Plan(SheetReader(Path("plan.xlsx"), Draft(), "T"), None)  # type: ignore[arg-type]
    plan.lists = {"dx": {"甲", "乙"}, "px": {"丙", "丁"}}
    condition = plan._condition(Row("表", 4, cells, {}), needs_one=False)
    assert plan.draft.findings == []
    return condition


def same(left: Condition, right: Condition) -> bool:
    """Whether two conditions hold for the same cases: no case of either may be refused by the other."""
    from tongpin.grouping.importers.alternatives import AllOf, AnyOf, condition_of

    def tidy(condition: Condition) -> set[frozenset[Any]]:
        return {frozenset(clause) for clause in condition_of(AnyOf(tuple(AllOf(clause) for clause in condition)))}

    return tidy(left) == tidy(right)


def assert_same_scheme(left: SchemeTables, right: SchemeTables) -> None:
    """The same tables, condition for condition; names of groups without a rule aside."""
    for name in ("title", "source", "options", "fields", "dx_lists", "px_lists", "mcc", "cc", "exclusion", "sites"):
        assert getattr(left, name) == getattr(right, name), name
    for name in ("dx_names", "px_names", "dx_map", "px_map"):
        assert getattr(left, name) == getattr(right, name), name
    for one, other in zip(left.mdcs, right.mdcs, strict=True):
        assert (one.code, one.name, one.min_sites) == (other.code, other.name, other.min_sites)
        assert same(one.when, other.when)
        for step, again in zip(one.steps, other.steps, strict=True):
            assert (step.kind, step.adrg, step.rule, step.name) == (again.kind, again.adrg, again.rule, again.name)
            assert same(step.when, again.when), step.rule
            assert [leaf.drg for leaf in step.leaves] == [leaf.drg for leaf in again.leaves]
            assert all(same(a.when, b.when) for a, b in zip(step.leaves, again.leaves, strict=True)), step.rule


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[SchemeTables, SchemeTables]:
    """The demonstration scheme and what comes back of it from the template."""
    folder = tmp_path_factory.mktemp("demo")
    scheme = load_scheme(shipped_folder() / "demo-drg")
    write_template(folder / "demo.xlsx", scheme)
    return scheme, loaded(plan_template.read(folder / "demo.xlsx"), folder / "scheme")


def test_the_demonstration_scheme_comes_back_from_the_template(demo: tuple[SchemeTables, SchemeTables]) -> None:
    assert_same_scheme(*demo)


@given(st.data())
def test_random_cases_get_the_same_group(demo: tuple[SchemeTables, SchemeTables], data: st.DataObject) -> None:
    before, after = demo
    codes = sorted(set().union(*before.dx_lists.values(), before.mcc, before.cc))
    procedures = sorted(set().union(*before.px_lists.values()))
    case = Case(
        sex=data.draw(st.sampled_from((1, 2))),
        age=data.draw(st.sampled_from((0, 10, 50))),
        age_days=data.draw(st.sampled_from((5, 100))),
        birth_weight=data.draw(st.sampled_from((900, 1800, 3000))),
        los=data.draw(st.sampled_from((3, 70))),
        dx=tuple(data.draw(st.lists(st.sampled_from(codes), min_size=1, max_size=4))),
        px=tuple(data.draw(st.lists(st.sampled_from(procedures), max_size=3))),
    )
    assert interpret(before, case) == interpret(after, case)


def few_codes(scheme: SchemeTables) -> SchemeTables:
    """Every rule and list of a scheme, but three codes of each list and table: rules are what differs."""

    def few(pairs: dict[str, str]) -> dict[str, str]:
        return dict(sorted(pairs.items())[:3])

    def lists(named: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        return {name: frozenset(sorted(codes)[:3]) for name, codes in named.items()}

    tables = ("mcc", "cc", "exclusion", "sites", "dx_names", "px_names", "dx_map", "px_map")
    trimmed = {name: few(getattr(scheme, name)) for name in tables}
    return replace(scheme, dx_lists=lists(scheme.dx_lists), px_lists=lists(scheme.px_lists), **trimmed)


@pytest.mark.needs("reference")
@pytest.mark.parametrize("name", ["chs-drg-1.1", "wuxi-2022", "foshan-2022"])
def test_a_published_scheme_comes_back_from_the_template(tmp_path: Path, name: str) -> None:
    scheme = few_codes(load_scheme(REFERENCE / name))
    write_template(tmp_path / "city.xlsx", scheme)
    assert_same_scheme(scheme, loaded(plan_template.read(tmp_path / "city.xlsx"), tmp_path / "scheme"))


def test_the_command_writes_and_import_reads(tmp_path: Path) -> None:
    home, run = ["--home", str(tmp_path / "home")], CliRunner().invoke
    file = tmp_path / "demo.xlsx"
    assert run(app, ["scheme", "template", "-o", str(file), "--from", "demo-drg", *home]).exit_code == 0
    again = run(app, ["scheme", "template", "-o", str(file), *home])
    assert "已经有了" in str(again.exception)
    imported = run(app, ["scheme", "import", str(file), "--id", "mine", *home])
    assert "已导入 mine" in imported.output
