"""The cases of a scheme 方案自带病例: what the authors of a scheme expect of it, kept beside its tables and replayed.

`cases.csv` is optional and no part of the scheme's digest: it says what the rules mean, it does not change them.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.base.findings import Finding
from tongpin.grouping.compiled.stage import RESULT_COLUMNS, group
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.model import STATUS_LABELS, Outcome
from tongpin.grouping.tables.read import CASES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tongpin.grouping.tables.model import SchemeTables

POSITIVE, NEGATIVE = "positive", "negative"
NUMBERS = ("sex", "age", "age_days", "birth_weight", "los", "icu_hours", "code_map")
TEXTS = ("dept", "discharge_way")
CODES = ("dx", "px")
EXPECTED = tuple(f"expected_{name}" for name in RESULT_COLUMNS)
REQUIRED = ("case_id", "dx", *EXPECTED, "for_group", "kind")
NOTE = "note"


@dataclass(frozen=True, slots=True)
class SchemeCase:
    """One row of `cases.csv`: a case, what it must come to, and which group it is for or just misses.

    `row` counts lines (1 is the header); `values` are the case columns, typed; `for_group` is an ADRG or a DRG; `kind`
    is `positive` (the answer lies in `for_group`) or `negative` (it does not).
    """

    row: int
    case_id: str
    values: dict[str, Any]
    expected: Outcome
    for_group: str
    kind: str
    note: str


def run_cases(scheme: SchemeTables, folder: Path) -> list[Finding]:
    """Replay the cases beside a scheme's tables; no file, no findings.

    Every case goes through the interpreter and the compiled scheme. Warnings: another answer than expected (SCH-A001),
    the two ways disagree (SCH-A002), a file or row that is no case (SCH-A003), a row that contradicts itself
    (SCH-A004). Source: S004-03.
    """
    cases, findings = read_cases(scheme, folder)
    if not cases:
        return findings
    for case, compiled in zip(cases, _compiled_answers(scheme, cases), strict=True):
        walked = interpret(scheme, Case.of(case.values))
        if walked != case.expected:
            findings.append(_other_answer(case, walked))
        if compiled != walked:
            message = f"两种分法不一致：逐条走规则得 {_said(walked)}，编译后得 {_said(compiled)}"
            hint = "这是软件的缺陷：请连同方案与这一例一起报告"
            findings.append(_finding("SCH-A002", case.row, "case_id", case.case_id, message, hint))
    return findings


def read_cases(scheme: SchemeTables, folder: Path) -> tuple[list[SchemeCase], list[Finding]]:
    """The cases beside a scheme's tables that can be read, and what is wrong with the others (SCH-A003, SCH-A004)."""
    path = folder / CASES
    if not path.is_file():
        return [], []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return [], [_finding("SCH-A003", 0, "", "", "文件不是 UTF-8 文本", "另存为 UTF-8 编码的 CSV")]
    cases: list[SchemeCase] = []
    findings: list[Finding] = []
    groups = {step.adrg for mdc in scheme.mdcs for step in mdc.steps if not step.is_gate} | set(scheme.drg_codes)
    known: set[str] = set()
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
        wrong = _header(scheme, reader.fieldnames)
        if wrong:
            return [], [wrong]
        for row in reader:
            faults = list(_faults(scheme, row, reader.line_num, known, groups))
            findings.extend(faults)
            if not faults:
                cases.append(_case(scheme, row, reader.line_num))
                known.add(row["case_id"].strip())
    except csv.Error:
        message, hint = "这里起的内容不成 CSV", "检查这一行附近没有配对的双引号"
        findings.append(_finding("SCH-A003", reader.reader.line_num, "", "", message, hint))
    return cases, findings


def _columns(scheme: SchemeTables) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The number and the text columns that a case of this scheme may have."""
    declared = {kind: tuple(field.name for field in scheme.fields if field.kind == kind) for kind in ("number", "text")}
    return (*NUMBERS, *declared["number"]), (*TEXTS, *declared["text"])


def _header(scheme: SchemeTables, header: list[str]) -> Finding | None:
    numbers, texts = _columns(scheme)
    allowed = dict.fromkeys((*REQUIRED, *CODES, *numbers, *texts, NOTE))
    unknown = [name for name in header if name not in allowed]
    absent = [name for name in REQUIRED if name not in header]
    if not unknown and not absent and len(set(header)) == len(header):
        return None
    parts = [f"不认识的列 {'、'.join(unknown)}"] * bool(unknown) + [f"缺少列 {'、'.join(absent)}"] * bool(absent)
    hint = f"可用的列：{'、'.join(allowed)}"
    return _finding("SCH-A003", 1, "", ",".join(header), "；".join(parts) or "列名重复", hint)


def _faults(
    scheme: SchemeTables, row: dict[str, Any], line: int, known: set[str], groups: set[str]
) -> Iterator[Finding]:
    if None in row or None in row.values():
        yield _finding("SCH-A003", line, "", "", "这一行的格数与表头不同", "检查逗号；含逗号的文字用双引号括起")
        return
    cell = {name: text.strip() for name, text in row.items()}
    if not cell["case_id"] or cell["case_id"] in known:
        message = "病例号重复" if cell["case_id"] else "没有病例号"
        yield _finding("SCH-A003", line, "case_id", cell["case_id"], message, "每例用一个自己的号")
    for name in _columns(scheme)[0]:
        if cell.get(name) and _number(cell[name]) is None:
            yield _finding("SCH-A003", line, name, cell[name], "不是数字", "填数字，没有就留空")
    if cell["expected_status"] not in STATUS_LABELS:
        hint = f"可用：{'、'.join(STATUS_LABELS)}"
        yield _finding("SCH-A003", line, "expected_status", cell["expected_status"], "不认识的状态", hint)
    if cell["for_group"] not in groups:
        yield _finding("SCH-A004", line, "for_group", cell["for_group"], "方案里没有这个组", "填 ADRG 或 DRG 代码")
    if cell["kind"] not in {POSITIVE, NEGATIVE}:
        yield _finding("SCH-A004", line, "kind", cell["kind"], "不认识的类别", f"填 {POSITIVE} 或 {NEGATIVE}")
    elif (cell["for_group"] in {cell["expected_adrg"], cell["expected_drg"]}) != (cell["kind"] == POSITIVE):
        message = f"{cell['kind']} 与应得的 {cell['expected_drg']} 自相矛盾"
        hint = f"应得的组在 for_group 之内写 {POSITIVE}，之外写 {NEGATIVE}"
        yield _finding("SCH-A004", line, "kind", cell["for_group"], message, hint)


def _case(scheme: SchemeTables, row: dict[str, str], line: int) -> SchemeCase:
    cell = {name: text.strip() for name, text in row.items()}
    numbers, texts = _columns(scheme)
    values: dict[str, Any] = {name: _number(cell[name]) for name in numbers if name in cell}
    values |= {name: cell[name] or None for name in texts if name in cell}
    values |= {name: cell.get(name, "").split("|") if cell.get(name) else [] for name in CODES}
    expected = Outcome(*(cell[name] for name in EXPECTED))
    return SchemeCase(line, cell["case_id"], values, expected, cell["for_group"], cell["kind"], cell.get(NOTE, ""))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _compiled_answers(scheme: SchemeTables, cases: list[SchemeCase]) -> list[Outcome]:
    numbers, texts = _columns(scheme)
    kinds = (
        *((name, pa.float64()) for name in numbers),
        *((name, pa.string()) for name in texts),
        *((name, pa.list_(pa.string())) for name in CODES),
    )
    given = cases[0].values
    columns = {name: pa.array([case.values[name] for case in cases], kind) for name, kind in kinds if name in given}
    grouped = group(pa.table(columns), scheme)
    return [Outcome(**one) for one in grouped.select(RESULT_COLUMNS).to_pylist()]


def _other_answer(case: SchemeCase, got: Outcome) -> Finding:
    wrong = [
        name for name, want, have in zip(EXPECTED, astuple(case.expected), astuple(got), strict=True) if want != have
    ]
    message = f"病例 {case.case_id} 应得 {_said(case.expected)}，实得 {_said(got)}"
    hint = f"核对规则，或改这一例的应得结果{f'（{case.note}）' * bool(case.note)}"
    return _finding("SCH-A001", case.row, wrong[-1], astuple(case.expected)[EXPECTED.index(wrong[-1])], message, hint)


def _said(outcome: Outcome) -> str:
    return f"{outcome.drg or '空'}（{STATUS_LABELS[outcome.status]}）"


def _finding(rule_id: str, line: int, path: str, value: str, message: str, hint: str) -> Finding:
    return Finding(rule_id, "warning", CASES, line, path, value, message, hint, ("group",))
