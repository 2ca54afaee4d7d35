"""The circulated workbook: kept by hand, so blank edges, titles, hidden sheets and codes that became numbers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from tongpin.base.errors import SchemeError
from tongpin.grouping.importers.alternatives import (
    AllOf,
    AnyOf,
    Opposite,
    TooManyAlternatives,
    condition_of,
    some_always_holds,
    when_text,
)
from tongpin.grouping.importers.sheets import clean_code, sheet_names
from tongpin.grouping.importers.sources import importer_of
from tongpin.grouping.importers.workbook import workbook
from tongpin.grouping.importers.workbook.rule_text import RuleError, parse_rule
from tongpin.grouping.library import import_scheme
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.read import load_scheme
from tongpin.grouping.tables.when import Atom, parse_when
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.base.findings import Finding
    from tongpin.grouping.importers.draft import Draft
    from tongpin.grouping.tables.model import SchemeTables

RULE_HEAD = ("mdc_code", "adrg_code", "drg_code", "mdc_rule", "adrg_rule", "drg_rule", "op", "mcc", "cc")
RULES: list[tuple[Any, ...]] = [
    ("MDCA", "AC1", "AC19", "True", "is_op2(case, 'AC1_01') and is_op2(case, 'AC1_02')", "True", 1, -1, -1),
    ("MDCA", "MDC", "MDCP", "is_pd1(case, 'P00') and case.age < 1", "True", "True", -1, -1, -1),
    ("MDCA", "MDC", "MDCZ", "multi_wound(case)", "True", "True", -1, -1, -1),
    ("MDCP", "PS1", "PS19", "-", "0 < case.newborn_birth_weight < 1500", "True", 0, -1, -1),
    ("MDCP", "PV1", "PV19", "-", "True", "True", 0, -1, -1),
    ("MDCZ", "ZZ1", "ZZ19", "-", "is_pd1(case, 'Z01') or is_pd1(case, 'Z02')", "True", 0, -1, -1),
    ("MDCE", "EC1", "EC19", "-", "is_mo2(case, 'EC1_01') and not is_so2(case, 'EC1_02')", "True", 1, -1, -1),
    ("MDCE", "ES3", "ES31", "-", "is_pd2(case, 'ES3')", "True", 0, 1, 0),
    ("MDCE", "ES3", "ES33", "-", "is_pd2(case, 'ES3')", "True", 0, 0, 1),
    ("MDCE", "ES3", "ES37", "-", "is_pd2(case, 'ES3')", "case.age < 17 or case.gender in (2,)", 0, 0, 0),
    ("MDCE", "ES3", "ES35", "-", "is_pd2(case, 'ES3')", "True", 0, 0, 0),
    ("MDCE", "EZ1", "EZ19", "-", "is_sd2(case, 'EZ1') or is_sd1(case, 'P00')", "True", -1, -1, -1),
]
SHEETS: dict[str, list[tuple[Any, ...]]] = {
    "MDC信息": [
        ("mdc_code", "mdc_name"),
        *((f"MDC{letter}", name) for letter, name in zip("APZE", ("先期", "新生儿", "创伤", "呼吸"), strict=True)),
    ],
    "ADRG信息": [
        ("mdc_code", "adrg_code", "adrg_name"),
        *((f"MDC{code[0]}", code, f"{code}名") for code in ("AC1", "PS1", "PV1", "ZZ1", "EC1", "ES3", "EZ1")),
    ],
    "DRG信息": [
        ("mdc_code", "adrg_code", "drg_code", "drg_name"),
        *((f"MDC{row[2][0]}", row[1], row[2], f"{row[2]}名") for row in RULES if row[1] != "MDC"),
    ],
    "MDC诊断表": [
        ("diagnosis_code", "diagnosis_name", "classification", "mdc_code"),
        ("P07.300", "早产", "P00", "MDCP"),
        ("S06.200", "颅脑损伤", "Z01", "MDCZ"),
        ("S32.000", "腰椎骨折", "Z02", "MDCZ"),
        ("J18.900", "肺炎", "E00", "MDCE"),
        ("J44.100", "慢阻肺", "E00", "MDCE"),
    ],
    "ADRG诊断表": [("diagnosis_code", "classification"), ("J18.900", "ES3"), ("E11.900", "EZ1")],
    "ADRG手术表": [
        ("operation_code", "classification"),
        ("52.8000", "AC1_01"),
        ("55.6900", "AC1_02"),
        ("32.4900", "EC1_01"),
        ("96.7201", "EC1_02"),
    ],
    "MCC": [("diagnosis_code", "excluded_table"), ("J96.000", "1"), ("A41.900", 2)],
    "CC": [("diagnosis_code", "excluded_table"), ("E87.600", "3"), ("E11.900", "4")],
    "排除诊断表": [("table_name", "diagnosis_code"), ("1", "J18.900"), ("4", "J44.100")],
    "DRG分组规则": [RULE_HEAD, *RULES],
}


def write(path: Path, *, untidy: bool = False, **changed: list[tuple[Any, ...]]) -> Path:
    """The small workbook; `changed` replaces whole sheets, an empty one leaves the sheet out."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in (SHEETS | changed).items():
        if not rows:
            continue
        sheet = book.create_sheet(f" {name} " if untidy else name)
        if untidy:
            sheet.append([None, f"{name}（2024版）"])
            sheet.merge_cells("B1:D1")
            sheet.append([])
        for number, row in enumerate(rows):
            cells = [f" {cell.upper()}\n" for cell in row] if untidy and number == 0 else list(row)
            sheet.append([None, *cells] if untidy else cells)
            if untidy and number == 1:
                sheet.append([])
    if untidy:
        book[" MCC "].sheet_state = "hidden"
    book.save(path)
    return path


def loaded(draft: Draft, folder: Path) -> SchemeTables:
    assert not draft.broken, [str(finding) for finding in draft.findings]
    folder.mkdir()
    draft.write(folder)
    return load_scheme(folder)


@pytest.fixture(scope="module")
def scheme(tmp_path_factory: pytest.TempPathFactory) -> SchemeTables:
    folder = tmp_path_factory.mktemp("workbook")
    return loaded(workbook.read(write(folder / "book.xlsx")), folder / "scheme")


def faults(path: Path, rule_id: str, **changed: list[tuple[Any, ...]]) -> list[Finding]:
    return [one for one in workbook.read(write(path / "book.xlsx", **changed)).findings if one.rule_id == rule_id]


def ruled(*rows: tuple[Any, ...]) -> dict[str, list[tuple[Any, ...]]]:
    return {"DRG分组规则": [RULE_HEAD, *RULES, *rows]}


def test_the_layout_is_recognised_by_its_sheets(tmp_path: Path) -> None:
    book = write(tmp_path / "book.xlsx")
    assert importer_of(book).kind == "workbook"
    assert sheet_names(book)[-1] == "DRG分组规则"
    other = write(tmp_path / "other.xlsx", DRG分组规则=[])
    assert not workbook.recognises(other)
    (tmp_path / "text.xlsx").write_text("no workbook")
    assert not workbook.recognises(tmp_path / "text.xlsx")


def test_an_untidy_workbook_says_the_same_as_a_tidy_one(tmp_path: Path, scheme: SchemeTables) -> None:
    draft = workbook.read(write(tmp_path / "book.xlsx", untidy=True))
    assert [one.rule_id for one in draft.findings] == ["SCH-X003"]  # the hidden sheet was read, and said so
    assert loaded(draft, tmp_path / "scheme").mdcs == scheme.mdcs


def test_order_is_the_order_of_the_rows(scheme: SchemeTables) -> None:
    assert [mdc.code for mdc in scheme.mdcs] == ["MDCA", "MDCP", "MDCZ", "MDCE"]
    assert [step.rule for step in scheme.mdcs[3].steps] == ["EC1", "ES3", "EZ1"]
    assert [leaf.drg for leaf in scheme.mdcs[3].steps[1].leaves] == ["ES31", "ES33", "ES37", "ES35"]
    assert scheme.drg_names["ES31"] == "ES31名"


@pytest.mark.parametrize(
    ("case", "drg"),
    [
        (Case(sex=1, age=50, dx=("E10.900",), px=("52.8000", "55.6900")), "AC19"),
        (Case(sex=1, age=0, age_days=3, birth_weight=1200, dx=("P07.300",)), "PS19"),
        (Case(sex=1, age=0, age_days=3, birth_weight=3200, dx=("P07.300",)), "PV19"),
        (Case(sex=1, age=5, dx=("P07.300",)), "0000"),
        (Case(sex=1, age=50, dx=("S06.200", "S32.000")), "ZZ19"),
        (Case(sex=1, age=50, dx=("S06.200",)), "0000"),
        (Case(sex=1, age=50, dx=("J18.900",), px=("32.4900",)), "EC19"),
        (Case(sex=1, age=50, dx=("J18.900", "A41.900")), "ES31"),
        (Case(sex=1, age=50, dx=("J18.900", "J96.000")), "ES35"),  # excluded: the same table as the principal
        (Case(sex=1, age=50, dx=("J18.900", "E87.600")), "ES33"),
        (Case(sex=2, age=50, dx=("J18.900",)), "ES37"),
        (Case(sex=1, age=50, dx=("J44.100", "E11.900")), "EZ19"),
    ],
)
def test_cases_find_their_groups(scheme: SchemeTables, case: Case, drg: str) -> None:
    assert interpret(scheme, case).drg == drg


def by_the_layout(case: Case) -> str:
    """The group as the layout itself says: rows in order, the rule texts (ours, above) run on plain functions."""
    lists = {
        name: {(row[0], row[-2] if name == "MDC诊断表" else row[-1]) for row in SHEETS[name][1:]}
        for name in ("MDC诊断表", "ADRG诊断表", "ADRG手术表")
    }

    def test(codes: tuple[str, ...], sheet: str) -> Any:
        return lambda _, listed: any((code, listed) in lists[sheet] for code in codes)

    main, others = case.dx[0], case.dx[1:]
    principal = {code: table for table, code in SHEETS["排除诊断表"][1:]}.get(main)
    flags = {
        level: any(code == row[0] and str(row[1]) != principal for code in others for row in SHEETS[level.upper()][1:])
        for level in ("mcc", "cc")
    }
    flags["cc"] &= not flags["mcc"]
    sites = {row[2] for row in SHEETS["MDC诊断表"][1:] for code in case.dx if code == row[0] and row[2][0] == "Z"}
    own = {row[2] for row in SHEETS["MDC诊断表"][1:] if row[0] == main and row[2][0] == "Z"}
    names: dict[str, Any] = {
        "is_pd1": test(case.dx[:1], "MDC诊断表"),
        "is_sd1": test(others, "MDC诊断表"),
        "is_pd2": test(case.dx[:1], "ADRG诊断表"),
        "is_sd2": test(others, "ADRG诊断表"),
        "is_op2": test(case.px, "ADRG手术表"),
        "is_mo2": test(case.px[:1], "ADRG手术表"),
        "is_so2": test(case.px[1:], "ADRG手术表"),
        "multi_wound": lambda _: bool(own) and len(sites) > 1,
        "case": SimpleNamespace(age=case.age, gender=case.sex, newborn_birth_weight=case.birth_weight or -1),
    }
    operated = bool(case.px) and case.px[0] in {row[0] for row in SHEETS["ADRG手术表"][1:]}

    def fits(row: tuple[Any, ...]) -> bool:
        columns = zip(row[6:], (operated, flags["mcc"], flags["cc"]), strict=True)
        return all(want in {-1, have} for want, have in columns) and eval(row[4], names) and eval(row[5], names)

    early = next((row[2] for row in RULES if row[0] == "MDCA" and row[1] != "MDC" and fits(row)), "")
    if early:
        return early
    entered = next((row[2] for row in RULES if row[1] == "MDC" and eval(row[3], names)), "")
    mdcs = {entered} if entered else {row[3] for row in SHEETS["MDC诊断表"][1:] if row[0] == main} - {"MDCP", "MDCZ"}
    return next((row[2] for row in RULES if row[0] in mdcs and row[1] != "MDC" and fits(row)), "0000")


DX = ("P07.300", "S06.200", "S32.000", "J18.900", "J44.100", "E11.900", "J96.000", "A41.900", "E87.600", "Z99.900")
PX = ("52.8000", "55.6900", "32.4900", "96.7201", "88.7200")
CASES = st.builds(
    Case,
    sex=st.sampled_from((1, 2)),
    age=st.sampled_from((0, 5, 16, 17, 60)),
    age_days=st.sampled_from((3, 200)),
    birth_weight=st.sampled_from((1200, 1500, 3200)),
    dx=st.lists(st.sampled_from(DX), min_size=1, max_size=4).map(tuple),
    px=st.lists(st.sampled_from(PX), max_size=3).map(tuple),
)


@given(CASES)
@settings(max_examples=400, deadline=None)
def test_random_cases_find_the_group_that_the_layout_gives(scheme: SchemeTables, case: Case) -> None:
    assert interpret(scheme, case).drg == by_the_layout(case)


ATOMS = [Atom("mcc"), Atom("cc"), Atom("age", op="<", number=17.0), Atom("dx_main", list_name="L")]
EXPRESSIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: AllOf(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts))),
        inner.map(Opposite),
    ),
    max_leaves=12,
)


def holds(expression: Any, true: set[Atom]) -> bool:
    if isinstance(expression, Atom):
        return expression in true
    if isinstance(expression, Opposite):
        return not holds(expression.part, true)
    return (all if isinstance(expression, AllOf) else any)(holds(part, true) for part in expression.parts)


@given(EXPRESSIONS, st.sets(st.sampled_from(ATOMS)))
def test_alternatives_hold_when_the_nested_expression_holds(expression: Any, true: set[Atom]) -> None:
    condition = condition_of(expression)
    met = any(all(atom.negated != (replace(atom, negated=False) in true) for atom in clause) for clause in condition)
    assert met == holds(expression, true)
    assert parse_when(when_text(condition)) == condition


def test_too_many_alternatives_are_refused() -> None:
    pairs = [AnyOf((Atom("dx_main", list_name=f"A{n}"), Atom("dx_main", list_name=f"B{n}"))) for n in range(7)]
    assert len(condition_of(AllOf(tuple(pairs[:6])))) == 64
    with pytest.raises(TooManyAlternatives):
        condition_of(AllOf(tuple(pairs)))


def test_leaves_that_cover_everything_need_no_last_one() -> None:
    assert some_always_holds([parse_when("mcc"), parse_when("!mcc & cc"), parse_when("!mcc & !cc")])
    assert some_always_holds([parse_when("age<17"), parse_when("age>=17")])
    assert not some_always_holds([parse_when("mcc"), parse_when("cc")])


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("is_op2(case, 'AC1_01') and is_op2(case, 'AC1_02')", "px_any:AC1_01.px & px_any:AC1_02.px"),
        ("is_op2（case，‘AC1_01’） and is_mcc(case)", "px_any:AC1_01.px & mcc"),
        ("not (is_pd2(case, 'X') or case.age >= 14)", "!dx_main:X.dx & !age>=14"),
        ("case.cc == 1", "cc & !mcc"),
        ("case.cc == 0", "!cc | mcc"),
        ("is_cc(case)", "cc"),
        ("1500 <= case.newborn_birth_weight < 2500", "birth_weight>=1500 & birth_weight<2500"),
        ("case.gender != 1 and case.age not in (3, 4)", "!sex==1 & !age==3 & !age==4"),
        ("case.newborn_age_day < 29 and True", "age_days<29"),
        ("is_pd1(case, 'A') and (is_mo2(case, 'B') or is_so2(case, 'C'))",
         "dx_main:A.mdc & px_main:B.px | dx_main:A.mdc & px_other:C.px"),
    ],
)  # fmt: skip
def test_rules_become_conditions(text: str, when: str) -> None:
    assert when_text(condition_of(parse_rule(text).expression)) == when


def test_the_place_in_a_rule_counts_characters() -> None:
    with pytest.raises(RuleError) as refusal:
        parse_rule("is_pd2(case, '肺炎') and is_nothing(case)")
    assert refusal.value.column == 24


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("is_op9(case, 'A')", "不认识的函数 is_op9", "is_op2"),
        ("case.weight < 3", "不认识的属性 case.weight", "case.newborn_birth_weight"),
        ("__import__('os').system('echo')", "不认识的函数 __import__('os').system", "is_op2"),
        ("[x for x in case]", "不能用的写法", "is_op2"),
        ("is_op2(case, AC1_01)", "is_op2 的参数不对", "编号加引号"),
        ("is_op2('AC1_01')", "is_op2 的参数不对", "编号加引号"),
        ("is_op2(case, 'A') and", "写法不完整", "is_op2"),
        ("case.age < 'x'", "不是数字", "case.age < 18"),
        ("case.age", "要与一个数比较", "case.age < 18"),
        ("case.mcc > 1", "只能与 1 或 0", "== 1"),
        ("is_op2(case, 'A') or multi_wound(case)", "只能单独写", "mdc_rule"),
        ("lambda: 1", "不能用的写法", "is_op2"),
        ("case.age < 10 ** 9", "不是数字", "case.age < 18"),
    ],
)
def test_what_is_no_rule_is_refused_by_name(text: str, said: str, hint: str) -> None:
    with pytest.raises(RuleError) as refusal:
        parse_rule(text)
    assert said in refusal.value.message
    assert hint in refusal.value.hint


def test_an_unknown_function_is_told_with_sheet_row_and_column(tmp_path: Path) -> None:
    row = ("MDCE", "EZ2", "EZ29", "-", "is_pd2(case, 'ES3') and is_nothing(case, 'E')", "True", -1, -1, -1)
    (one,) = faults(tmp_path, "SCH-X042", **ruled(row))
    assert (one.file, one.record, one.path) == ("book.xlsx〔DRG分组规则〕", 14, "E 列“adrg_rule”（第 25 个字符）")
    assert "is_nothing" in one.message
    assert "is_pd1、is_sd1、is_pd2" in one.hint


def test_a_class_without_codes_is_told_with_its_likeness(tmp_path: Path) -> None:
    row = ("MDCE", "EZ2", "EZ29", "-", "is_op2(case, 'EC1_1')", "True", -1, -1, -1)
    (one,) = faults(tmp_path, "SCH-X043", **ruled(row))
    assert (one.record, one.value) == (14, "EC1_1")
    assert "EC1_01" in one.hint


def test_a_procedure_that_became_a_number_is_refused(tmp_path: Path) -> None:
    rows = [*SHEETS["ADRG手术表"], (51.23, "EC1_01")]
    (one,) = faults(tmp_path, "SCH-X010", ADRG手术表=rows)
    assert (one.file, one.record, one.path, one.value) == (
        "book.xlsx〔ADRG手术表〕",
        6,
        "A 列“operation_code”",
        "51.23",
    )
    assert one.severity == "error"
    assert "设为文本" in one.hint


def test_full_width_and_small_letters_are_mended_with_a_warning(tmp_path: Path) -> None:
    rows = [*SHEETS["ADRG诊断表"], ("ｊ４４.100 ", "ES3")]
    path = tmp_path / "book.xlsx"
    draft = workbook.read(write(path, ADRG诊断表=rows))
    assert [(one.rule_id, one.severity) for one in draft.findings] == [("SCH-X011", "warning")]
    assert loaded(draft, tmp_path / "scheme").dx_lists["ES3.dx"] == {"J18.900", "J44.100"}


@pytest.mark.parametrize(
    ("written", "kind", "code"),
    [
        ("j96.X00", "dx", "J96.x00"),
        ("Ａ１８.1０3＋m49.0*", "dx", "A18.103+M49.0*"),
        ("X60.X00", "dx", "X60.x00"),
        ("30.1X00X002", "px", "30.1x00x002"),
        ("51。2300\u3000", "px", "51.2300"),
    ],
)
def test_codes_are_written_as_the_catalogues_write_them(written: str, kind: Any, code: str) -> None:
    assert clean_code(written, kind) == code
    assert clean_code(code, kind) == code


@pytest.mark.parametrize(
    ("rule_id", "severity", "sheet", "rows"),
    [
        ("SCH-X002", "error", "ADRG诊断表", []),
        ("SCH-X005", "warning", "MCC", [(*SHEETS["MCC"][0], "权重"), *SHEETS["MCC"][1:]]),
        ("SCH-X006", "error", "MCC", [("diagnosis_code", "诊断编码", "excluded_table"), ("J96.000", "J96.000", "1")]),
        ("SCH-X007", "error", "MCC", [("编号", "excluded_table"), ("J96.000", "1")]),
        ("SCH-X008", "error", "MCC", [*SHEETS["MCC"], ("#N/A", "1")]),
        ("SCH-X009", "error", "MCC", [*SHEETS["MCC"], (None, "1")]),
        ("SCH-X012", "warning", "MCC", [*SHEETS["MCC"], ("51.2300", "1")]),
        ("SCH-X013", "warning", "ADRG手术表", [*SHEETS["ADRG手术表"], ("52.8000", "AC1_01")]),
        ("SCH-X014", "warning", "MCC", [*SHEETS["MCC"], ("J96.000", "1")]),
        ("SCH-X014", "error", "MCC", [*SHEETS["MCC"], ("J96.000", "9")]),
        ("SCH-X015", "warning", "CC", [*SHEETS["CC"], ("J96.000", "1")]),
        ("SCH-X016", "warning", "排除诊断表", [*SHEETS["排除诊断表"], ("77", "J44.900")]),
        ("SCH-X017", "error", "排除诊断表", [*SHEETS["排除诊断表"], ("4", "J18.900")]),
        ("SCH-X020", "warning", "ADRG信息", [*SHEETS["ADRG信息"], ("MDCK", "KS1", "糖尿病")]),
        ("SCH-X021", "warning", "DRG信息", [*SHEETS["DRG信息"], ("MDCE", "ET1", "ET19", "无主")]),
        ("SCH-X022", "warning", "MDC信息", SHEETS["MDC信息"][:-1]),
        ("SCH-X025", "warning", "DRG信息", SHEETS["DRG信息"][:-1]),
        ("SCH-X038", "warning", "MDC诊断表", [*SHEETS["MDC诊断表"], ("P07.300", "早产", "E00", "MDCE")]),
        ("SCH-X046", "warning", "MDC诊断表", [*SHEETS["MDC诊断表"], ("S06.200", "颅脑", "Z02", "MDCZ")]),
    ],
)
def test_faults_of_a_sheet(tmp_path: Path, rule_id: str, severity: str, sheet: str, rows: list[Any]) -> None:
    found = faults(tmp_path, rule_id, **{sheet: rows})
    assert [one.severity for one in found] == [severity]
    assert all(one.message and one.hint for one in found)
    assert not [one for one in workbook.read(write(tmp_path / "good.xlsx")).findings if one.rule_id == rule_id]


@pytest.mark.parametrize(
    ("rule_id", "severity", "row"),
    [
        ("SCH-X023", "warning", ("MDCE", "KS1", "KS19", "-", "True", "True", -1, -1, -1)),
        ("SCH-X024", "warning", ("MDCE", "EZ2", "ES99", "-", "True", "True", -1, -1, -1)),
        ("SCH-X031", "warning", ("MDCE", "EZ2", "EZ29", "-", "case.in_hospital_cost > 5", "True", -1, -1, -1)),
        ("SCH-X032", "error", ("MDCA", "MDC", "MDCZ", "multi_wound(case)", "", "", -1, -1, -1)),
        ("SCH-X033", "warning", ("MDCP", "PU1", "PU19", "-", "True", "True", -1, -1, -1)),
        ("SCH-X035", "warning", ("MDCA", "MDC", "MDCY", "is_sd1(case, 'P00')", "", "", -1, -1, -1)),
        ("SCH-X036", "error", ("MDCE", "EZ2", "EZ29", "case.age > 1", "True", "case.age > 2", -1, -1, -1)),
        ("SCH-X037", "error", ("MDCK", "KS1", "KS19", "-", "True", "True", -1, -1, -1)),
        ("SCH-X039", "warning", ("MDCE", "EZ2", "EZ21", "-", "True", "True", -1, 1, -1)),
        ("SCH-X040", "warning", ("MDCE", "EZ2", "EZ21", "-", "True", "True", -1, 1, 1)),
        ("SCH-X041", "error", ("MDCE", "EZ2", "EZ21", "-", "True", "True", "有", -1, -1)),
        ("SCH-X044", "error", ("MDCE", "EZ2", "EZ29", "-", "multi_wound(case)", "True", -1, -1, -1)),
    ],
)
def test_faults_of_a_rule(tmp_path: Path, rule_id: str, severity: str, row: tuple[Any, ...]) -> None:
    rows = ruled(row)
    if rule_id == "SCH-X036":
        rows = ruled(row, (*row[:3], "case.age > 3", *row[4:]))
    found = faults(tmp_path, rule_id, **rows)
    assert found
    assert {one.severity for one in found} == {severity}
    assert all("DRG分组规则" in one.file for one in found)


def test_a_workbook_that_cannot_be_opened_is_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(write(path).read_bytes()[:900])
    assert [one.rule_id for one in workbook.read(path).findings] == ["SCH-X001"]


def test_import_keeps_all_or_nothing(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    imported = import_scheme(home, write(tmp_path / "book.xlsx"), "city")
    assert (imported.provenance["kind"], len(imported.scheme.mdcs)) == ("workbook", 4)
    bad = write(tmp_path / "bad.xlsx", ADRG手术表=[*SHEETS["ADRG手术表"], (51.23, "EC1_01")])
    with pytest.raises(SchemeError) as refusal:
        import_scheme(home, bad, "other")
    assert "第 6 行" in refusal.value.where
    assert not (home.schemes / "other").exists()
