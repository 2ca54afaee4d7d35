"""The conformance suite 分组一致性用例: small rule shapes with cases and answers, for any grouper.

A scenario is a YAML file: what it proves, a scheme as rows of the scheme tables, cases in the plain layout and the
answer of each (`status mdc adrg drg`), reasoned from the meaning of the tables. Ours runs them in memory; for another
grouper they are written as table folders and case files, and its answers are compared.
"""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from pydantic import Field, ValidationError

from tongpin.base.errors import SchemeError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.grouping.compiled.stage import RESULT_COLUMNS, group
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.model import Outcome, Status
from tongpin.grouping.tables.read import OPTION_KEYS, REQUIRED, TABLES, load_scheme
from tongpin.records.case.schema import CASE_SCHEMA, GROUPING_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tongpin.grouping.tables.model import SchemeTables

    Grouper = Callable[[SchemeTables, pa.Table], list[Outcome]]

PLAIN = tuple(name for name in GROUPING_COLUMNS if name != "case_id")
"""The columns of a case in the plain layout, besides its id and the fields that a scheme declares."""
EXPORTED = "conformance.csv"
"""The cases of a scenario beside its tables."""
EXPECTED = tuple(f"expected_{name}" for name in RESULT_COLUMNS)

Cell = str | int | Decimal | None


class _Sheet(Strict):
    id: str
    title: str
    proves: str
    options: dict[str, str] = Field(default_factory=dict)
    tables: dict[str, list[str]]
    given: dict[str, Cell] = Field(default_factory=dict)
    cases: list[dict[str, Cell]]


@dataclass(frozen=True, slots=True)
class Check:
    """One case of a scenario: its cells by column, the expected outcome and, where it is not plain, why."""

    case_id: str
    cells: dict[str, str]
    expected: Outcome
    why: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A rule shape with its cases; `tables` holds the text of each table file."""

    scenario_id: str
    title: str
    proves: str
    tables: dict[str, str]
    checks: tuple[Check, ...]


class Difference(NamedTuple):
    """A case with another answer; `found` is None for a case without one."""

    case_id: str
    expected: Outcome
    found: Outcome | None
    why: str


def shipped_suite() -> Path:
    """The folder of scenarios that come with Tongpin."""
    return Path(str(files("tongpin"))) / "catalogue" / "grouping" / "conformance"


def load_suite(folder: Path | None = None) -> tuple[Scenario, ...]:
    """Every scenario of a folder (the shipped ones by default), by file name.

    Raises `SchemeError` (`conformance.yaml`, `conformance.scenario`) for a file that is not a scenario.
    """
    return tuple(_scenario(path) for path in sorted((folder or shipped_suite()).glob("*.yaml")))


def _scenario(path: Path) -> Scenario:
    try:
        sheet = _Sheet.model_validate(load_strict_yaml(path, "conformance", SchemeError))
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise SchemeError("conformance.scenario", message, where=f"{path.name} {place}", hint=hint) from None
    if sheet.id != path.stem:
        raise _refusal(path, "id", f"代号 {sheet.id} 与文件名不同", "两者写成一样")
    if unknown := [*set(sheet.tables) - set(TABLES), *set(sheet.options) - set(OPTION_KEYS)]:
        raise _refusal(path, "tables", f"不认识 {'、'.join(unknown)}", "表名与键见“分组方案格式”")
    declared = [row.split(",")[0] for row in sheet.tables.get("field", [])]
    checks = tuple(_check(path, sheet, cells, {*PLAIN, *declared}) for cells in sheet.cases)
    if len({check.case_id for check in checks}) < len(checks):
        raise _refusal(path, "cases", "有两例同号", "每例的 id 各不相同")
    return Scenario(sheet.id, sheet.title, sheet.proves, _tables(sheet), checks)


def _refusal(path: Path, place: str, message: str, hint: str) -> SchemeError:
    return SchemeError("conformance.scenario", message, where=f"{path.name} {place}", hint=hint)


def _check(path: Path, sheet: _Sheet, cells: dict[str, Cell], known: set[str]) -> Check:
    own = {"id", "answer", "why"}
    case_id, answer, why = (str(cells.get(name) or "") for name in ("id", "answer", "why"))
    merged = {**sheet.given, **{name: value for name, value in cells.items() if name not in own}}
    if unknown := sorted(set(merged) - known):
        raise _refusal(path, f"cases {case_id}", f"病例没有 {'、'.join(unknown)} 这样的列", "用通用格式的列名")
    words = answer.split()
    if len(words) != len(RESULT_COLUMNS) or words[0] not in set(Status) or not case_id.startswith(f"{sheet.id}."):
        raise _refusal(path, f"cases {case_id}", "缺 id 或 answer", f"id 写作 {sheet.id}.01，answer 写状态和三个代码")
    return Check(
        case_id, {name: "" if value is None else str(value) for name, value in merged.items()}, Outcome(*words), why
    )


def _tables(sheet: _Sheet) -> dict[str, str]:
    """The text of each table file; `scheme` from the options, the other required ones even when empty."""
    options = {"scheme_id": sheet.id, "title": sheet.title, **sheet.options}
    texts = {"scheme": _csv(TABLES["scheme"], options.items())}
    for name in TABLES:
        if name in sheet.tables or (name in REQUIRED and name != "scheme"):
            texts[name] = "".join(f"{line}\n" for line in (",".join(TABLES[name]), *sheet.tables.get(name, [])))
    return texts


def _csv(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def scheme_of(scenario: Scenario) -> SchemeTables:
    """The scheme of a scenario, read as any scheme folder is; raises `SchemeError` for tables with faults."""
    with tempfile.TemporaryDirectory() as folder:
        _write_tables(scenario, Path(folder))
        return load_scheme(Path(folder), scenario.scenario_id)


def _write_tables(scenario: Scenario, folder: Path) -> None:
    for name, text in scenario.tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")


def case_table(scenario: Scenario, scheme: SchemeTables) -> pa.Table:
    """The cases of a scenario as a typed table: `case_id`, the columns of the plain layout, declared fields."""
    types = {name: CASE_SCHEMA.field(name).type for name in PLAIN}
    types |= {field.name: pa.float64() if field.kind == "number" else pa.string() for field in scheme.fields}
    columns = {"case_id": pa.array([check.case_id for check in scenario.checks])}
    for name, kind in types.items():
        columns[name] = pa.array([_typed(check.cells.get(name, ""), kind) for check in scenario.checks], kind)
    return pa.table(columns)


def _typed(text: str, kind: pa.DataType) -> Any:
    if pa.types.is_list(kind):
        return [code for code in text.split("|") if code]
    if not text:
        return None
    if pa.types.is_integer(kind):
        return int(text)
    return float(text) if pa.types.is_floating(kind) else text


def by_interpreter(scheme: SchemeTables, cases: pa.Table) -> list[Outcome]:
    """The answers of the interpreter."""
    return [interpret(scheme, Case.of(row)) for row in cases.to_pylist()]


def by_kernel(scheme: SchemeTables, cases: pa.Table) -> list[Outcome]:
    """The answers of the kernel."""
    rows = group(cases, scheme).select(list(RESULT_COLUMNS)).to_pylist()
    return [Outcome(**row) for row in rows]


def run(scenario: Scenario, grouper: Grouper) -> list[Difference]:
    """The cases of a scenario for which a grouper has another answer."""
    scheme = scheme_of(scenario)
    answers = grouper(scheme, case_table(scenario, scheme))
    return compare(scenario, dict(zip((check.case_id for check in scenario.checks), answers, strict=True)))


def compare(scenario: Scenario, answers: dict[str, Outcome]) -> list[Difference]:
    """The cases of a scenario with another answer, or without any."""
    return [
        Difference(check.case_id, check.expected, answers.get(check.case_id), check.why)
        for check in scenario.checks
        if answers.get(check.case_id) != check.expected
    ]


def export(suite: Iterable[Scenario], folder: Path) -> list[Path]:
    """Write each scenario as a folder: its tables and its cases (`EXPORTED`), plain layout with the expected answers.

    Gives the case files. Every text is UTF-8; a cell that is missing is empty; codes are joined by `|`.
    """
    written = []
    for scenario in suite:
        place = folder / scenario.scenario_id
        place.mkdir(parents=True, exist_ok=True)
        _write_tables(scenario, place)
        own = sorted({name for check in scenario.checks for name in check.cells} - set(PLAIN))
        columns = (*PLAIN, *own)
        rows = [
            (
                check.case_id,
                *(check.cells.get(name, "") for name in columns),
                *(getattr(check.expected, name) for name in RESULT_COLUMNS),
                check.why,
            )
            for check in scenario.checks
        ]
        path = place / EXPORTED
        path.write_text(_csv(("case_id", *columns, *EXPECTED, "why"), rows), encoding="utf-8", newline="")
        written.append(path)
    return written


def read_answers(source: Path) -> dict[str, Outcome]:
    """The answers of another grouper: a CSV file, or every CSV file under a folder that has the four columns.

    Columns `case_id, status, mdc, adrg, drg`; others are left aside, so that whole result files will do. Raises
    `SchemeError` (`conformance.answers`) for a file without them, a case answered twice, or no file at all.
    """
    paths = sorted(source.rglob("*.csv")) if source.is_dir() else [source]
    answers: dict[str, Outcome] = {}
    hint = "给出列 case_id,status,mdc,adrg,drg 的 CSV（UTF-8）"
    for path in paths:
        try:
            with path.open(encoding="utf-8-sig", newline="") as handle:
                reader = csv.DictReader(handle)
                header = set(reader.fieldnames or ())
                if not {"case_id", *RESULT_COLUMNS} <= header:
                    if source.is_dir():
                        continue
                    raise SchemeError("conformance.answers", "缺少答案的列", where=str(path), hint=hint)
                for row in reader:
                    if row["case_id"] in answers:
                        where = f"{path} 第 {reader.line_num} 行"
                        raise SchemeError(
                            "conformance.answers", f"{row['case_id']} 有两个答案", where=where, hint="一例只答一次"
                        )
                    answers[row["case_id"]] = Outcome(*(row[name] or "" for name in RESULT_COLUMNS))
        except UnicodeDecodeError:
            raise SchemeError("conformance.answers", "文件不是 UTF-8 编码", where=str(path), hint=hint) from None
    if not answers:
        raise SchemeError("conformance.answers", "没有读到答案", where=str(source), hint=hint)
    return answers
