"""Scheme tables 方案表: a folder of CSV tables in, checked tables out; every fault with file, row and column."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import defaultdict
from typing import TYPE_CHECKING

from tongpin.base.digest import folder_digest
from tongpin.base.errors import SchemeError
from tongpin.base.findings import Finding
from tongpin.grouping.tables.model import VALID_PX, CaseField, Leaf, Mdc, Options, SchemeTables, Step
from tongpin.grouping.tables.when import (
    LIST_KINDS,
    NEVER,
    NUMBER_FIELDS,
    TEXT_FIELDS,
    Condition,
    WhenError,
    parse_when,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLES: dict[str, tuple[str, ...]] = {
    "scheme": ("key", "value"),
    "field": ("field", "kind", "label"),
    "mdc": ("seq", "mdc", "name", "when", "min_sites"),
    "adrg": ("seq", "mdc", "kind", "adrg", "rule", "name", "when"),
    "drg": ("mdc", "adrg", "rule", "seq", "drg", "name", "when"),
    "drg_name": ("drg", "name"),
    "dx_list": ("list", "code"),
    "px_list": ("list", "code"),
    "empty_list": ("list",),
    "site": ("code", "site"),
    "mcc": ("code", "exclusion_table"),
    "cc": ("code", "exclusion_table"),
    "exclusion": ("code", "exclusion_table"),
    "valid_px": ("code", "name"),
    "icd10": ("code", "name"),
    "icd9": ("code", "name"),
    "dx_map": ("code", "target"),
    "px_map": ("code", "target"),
}
"""The tables of a scheme folder and their columns (`NAME.csv` or `NAME.csv.gz`)."""

CASES = "cases.csv"
"""What the authors of a scheme expect of it; optional, no table and no part of the digest (`grouping.cases`)."""

REQUIRED = ("scheme", "mdc", "adrg", "drg", "dx_list", "px_list")

OPTION_KEYS = (
    "scheme_id",
    "title",
    "source",
    "adrg_without_leaf",
    "mdc_without_group",
    "retry_other_px",
    "ambiguous_suffix",
    "ungrouped_mdc",
    "ungrouped_adrg",
    "ungrouped_drg",
    "rejected_mdc",
    "rejected_adrg",
    "rejected_drg",
    "newborn_days",
    "uses_icu_hours",
    "exclusion",
)

_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]*")

Row = tuple[int, dict[str, str]]


class Problems:
    """Collects the faults of a folder, so that one run reports them all."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def add(self, code: str, file: str, row: int, column: str, value: str, message: str, hint: str) -> None:
        """Record one fault as a finding (row 1 is the header)."""
        self.findings.append(
            Finding(
                rule_id=code,
                severity="error",
                file=file,
                record=row,
                path=column,
                value=value[:120],
                message=message,
                hint=hint,
                spoils=("group",),
            ),
        )

    def raise_if_any(self, folder: Path) -> None:
        """Refuse the folder when anything was found; the error carries the findings as `findings`."""
        if not self.findings:
            return
        first = self.findings[0]
        place = f" 第 {first.record} 行" * bool(first.record) + f" {first.path} 列" * bool(first.path)
        raise SchemeError(
            "scheme.tables",
            f"分组方案共有 {len(self.findings)} 处错误，第一处：{first.message}",
            where=f"{folder / first.file}{place}",
            hint=first.hint,
            findings=self.findings,
        )


def table_files(folder: Path) -> dict[str, str]:
    """The table files present in a folder: table name → file name; both plain and gzip is refused."""
    found: dict[str, str] = {}
    for name in TABLES:
        names = [f"{name}{ending}" for ending in (".csv", ".csv.gz") if (folder / f"{name}{ending}").is_file()]
        if len(names) > 1:
            raise SchemeError(
                "scheme.twice",
                f"{names[0]} 与 {names[1]} 同时存在，不知道用哪一个",
                where=folder.name,
                hint="删去其中一个",
            )
        if names:
            found[name] = names[0]
    return found


def load_scheme(folder: Path, scheme_id: str | None = None) -> SchemeTables:
    """Read and check a scheme folder.

    `scheme_id` overrides the id in `scheme.csv`. Raises `SchemeError` (`scheme.missing`, `scheme.twice`,
    `scheme.tables`); the last carries every fault found as `findings` (file, row, column). Model: scheme tables of
    the CHS-DRG family; unknown keys and columns are refused.
    """
    if not folder.is_dir():
        raise SchemeError("scheme.missing", f"没有方案文件夹 {folder}", hint="给出装有 mdc.csv、adrg.csv 等表的文件夹")
    files = table_files(folder)
    missing = [name for name in REQUIRED if name not in files]
    if missing:
        raise SchemeError(
            "scheme.missing",
            f"方案缺少表：{'、'.join(f'{name}.csv' for name in missing)}",
            where=folder.name,
            hint="补上缺的表；表头见文档“分组方案格式”",
        )
    problems = Problems()
    tables = {
        name: list(_rows(folder, files[name], columns, problems)) if name in files else []
        for name, columns in TABLES.items()
    }
    problems.raise_if_any(folder)  # a table that cannot be read would only breed follow-on faults
    options, words = _options(tables["scheme"], files["scheme"], problems)
    dx_lists = _lists(tables["dx_list"])
    px_lists = _lists(tables["px_list"])
    px_lists[VALID_PX] = frozenset(row["code"] for _, row in tables["valid_px"])
    empty = {row["list"] for _, row in tables["empty_list"]}
    fields = _fields(tables["field"], files.get("field", ""), problems)
    reader = _WhenReader(dx_lists, px_lists, empty, options, fields, problems)
    leaves = _leaves(tables["drg"], files["drg"], reader)
    steps = _steps(tables["adrg"], files["adrg"], leaves, reader)
    mdcs = _mdcs(tables["mdc"], files["mdc"], steps, reader)
    _check_owners(tables, files, problems)
    problems.raise_if_any(folder)
    return SchemeTables(
        scheme_id=scheme_id or words["scheme_id"],
        title=words["title"],
        source=words["source"],
        options=options,
        fields=fields,
        mdcs=mdcs,
        dx_lists={**{name: frozenset() for name in empty}, **dx_lists},
        px_lists={**{name: frozenset() for name in empty}, **px_lists},
        mcc=_pairs(tables["mcc"], "code", "exclusion_table"),
        cc=_pairs(tables["cc"], "code", "exclusion_table"),
        exclusion=_pairs(tables["exclusion"], "code", "exclusion_table"),
        sites=_pairs(tables["site"], "code", "site"),
        dx_names=_pairs(tables["icd10"], "code", "name"),
        px_names=_pairs(tables["icd9"], "code", "name"),
        dx_map=_pairs(tables["dx_map"], "code", "target"),
        px_map=_pairs(tables["px_map"], "code", "target"),
        drg_names=_pairs(tables["drg_name"], "drg", "name"),
        digest=folder_digest(folder, files.values()),
    )


def rows_of(folder: Path, table: str) -> dict[str, dict[str, int]]:
    """The first row of every value of every column of a checked table: column → value → row (1 = the header)."""
    file = table_files(folder).get(table)
    first: dict[str, dict[str, int]] = {column: {} for column in TABLES[table]}
    for row, cells in _rows(folder, file, TABLES[table], Problems()) if file else ():
        for column, value in cells.items():
            first[column].setdefault(value, row)
    return first


def _rows(folder: Path, file: str, columns: tuple[str, ...], problems: Problems) -> Iterator[Row]:
    data = (folder / file).read_bytes()
    try:
        text = (gzip.decompress(data) if file.endswith(".gz") else data).decode("utf-8-sig")
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, zlib.error):
        problems.add("SCH-E001", file, 0, "", "", "文件不是 UTF-8 文本，或压缩文件不完整", "另存为 UTF-8 编码的 CSV")
        return
    reader = csv.reader(io.StringIO(text))
    header = [name.strip() for name in next(reader, [])]
    unknown = [name for name in header if name not in columns]
    absent = [name for name in columns if name not in header]
    if unknown or absent or len(set(header)) != len(header):
        wrong = "；".join(
            [f"不认识的列 {'、'.join(unknown)}"] * bool(unknown) + [f"缺少列 {'、'.join(absent)}"] * bool(absent),
        )
        problems.add("SCH-C001", file, 1, "", ",".join(header), wrong or "列名重复", f"表头应为 {','.join(columns)}")
        return
    width = len(header)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            hint = "检查这一行附近没有配对的双引号"
            problems.add("SCH-C003", file, reader.line_num, "", "", "这里起的内容不成 CSV", hint)
            return
        if cells is None:
            return
        if not any(cells):
            continue
        if len(cells) != width:
            problems.add(
                "SCH-C002",
                file,
                reader.line_num,
                "",
                ",".join(cells),
                f"这一行有 {len(cells)} 格，表头有 {width} 格",
                "补齐或去掉多出的逗号；含逗号的文字用双引号括起",
            )
            continue
        yield reader.line_num, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}


def _options(rows: list[Row], file: str, problems: Problems) -> tuple[Options, dict[str, str]]:
    words = {"scheme_id": "", "title": "", "source": ""}
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, row in rows:
        key = row["key"]
        if key not in OPTION_KEYS:
            problems.add("SCH-K001", file, line, "key", key, f"不认识的键 {key}", "可用：" + "、".join(OPTION_KEYS))
        elif key in values:
            problems.add("SCH-K002", file, line, "key", key, f"键 {key} 写了两次", "只留一行")
        else:
            values[key] = row["value"]
            lines[key] = line
    if not values.get("scheme_id"):
        problems.add("SCH-K003", file, 1, "key", "", "缺少 scheme_id", "加一行 scheme_id,方案代号")
    words.update({key: values[key] for key in words if key in values})

    def choice(key: str, allowed: dict[str, object], default: object) -> object:
        if key not in values:
            return default
        if values[key] not in allowed:
            problems.add(
                "SCH-K004",
                file,
                lines[key],
                "value",
                values[key],
                f"{key} 不能是“{values[key]}”",
                "可用：" + "、".join(allowed),
            )
            return default
        return allowed[values[key]]

    choice("exclusion", {"same table id": True}, default=True)
    usual = Options()

    def result(prefix: str, default: tuple[str, str, str]) -> tuple[str, str, str]:
        mdc, adrg, drg = default
        return values.get(f"{prefix}_mdc", mdc), values.get(f"{prefix}_adrg", adrg), values.get(f"{prefix}_drg", drg)

    ungrouped = result("ungrouped", usual.ungrouped)
    newborn = values.get("newborn_days", str(usual.newborn_days))
    if not newborn.isdecimal():
        problems.add("SCH-K004", file, lines["newborn_days"], "value", newborn, "newborn_days 须为整数天", "例如 28")
        newborn = "0"
    switch: dict[str, object] = {"0": False, "1": True}
    options = Options(
        adrg_without_leaf=str(choice("adrg_without_leaf", {"stop": "stop", "next": "next"}, usual.adrg_without_leaf)),
        mdc_without_group=str(choice("mdc_without_group", {"next": "next", "stop": "stop"}, usual.mdc_without_group)),
        retry_other_px=bool(choice("retry_other_px", switch, usual.retry_other_px)),
        ambiguous_suffix=values.get("ambiguous_suffix", usual.ambiguous_suffix),
        ungrouped=ungrouped,
        rejected=result("rejected", ungrouped),
        newborn_days=int(newborn),
        uses_icu_hours=bool(choice("uses_icu_hours", switch, usual.uses_icu_hours)),
    )
    return options, words


def _fields(rows: list[Row], file: str, problems: Problems) -> tuple[CaseField, ...]:
    """The fields that the scheme declares; a name that conditions already know is refused."""
    taken = {*NUMBER_FIELDS, *TEXT_FIELDS, *LIST_KINDS, "mcc", "cc", "always", "never"}
    fields: list[CaseField] = []
    for line, row in rows:
        name, kind = row["field"], row["kind"]
        if not _FIELD_NAME.fullmatch(name) or name in taken:
            problems.add(
                "SCH-F001", file, line, "field", name, f"字段名“{name}”不能用", "用小写字母和下划线，不与已有的重名"
            )
        elif kind not in {"number", "text"}:
            problems.add("SCH-F002", file, line, "kind", kind, "kind 只能是 number 或 text", "是与否写 number，1 为是")
        else:
            taken.add(name)
            fields.append(CaseField(name, kind, row["label"]))
    return tuple(fields)


def _lists(rows: list[Row]) -> dict[str, frozenset[str]]:
    members: dict[str, set[str]] = defaultdict(set)
    for _, row in rows:
        members[row["list"]].add(row["code"])
    return {name: frozenset(codes) for name, codes in members.items()}


def _pairs(rows: list[Row], key: str, value: str) -> dict[str, str]:
    return {row[key]: row[value] for _, row in rows}


class _WhenReader:
    """Parses `when` cells and checks that what they name exists."""

    def __init__(
        self,
        dx_lists: dict[str, frozenset[str]],
        px_lists: dict[str, frozenset[str]],
        empty: set[str],
        options: Options,
        fields: tuple[CaseField, ...],
        problems: Problems,
    ) -> None:
        self.numbers = (*NUMBER_FIELDS, *(field.name for field in fields if field.kind == "number"))
        self.texts = (*TEXT_FIELDS, *(field.name for field in fields if field.kind == "text"))
        self.dx_lists = dx_lists
        self.px_lists = px_lists
        self.empty = empty
        self.options = options
        self.problems = problems

    def read(self, file: str, line: int, text: str) -> Condition:
        """The condition of one cell; a fault is recorded and the condition never holds."""
        try:
            condition = parse_when(text, self.numbers, self.texts)
        except WhenError as error:
            self.problems.add(
                "SCH-W001", file, line, f"when（第 {error.column} 个字符）", text, error.message, error.hint
            )
            return NEVER
        for atom in (atom for clause in condition for atom in clause):
            lists = self.dx_lists if atom.kind.startswith("dx_") else self.px_lists
            if atom.list_name and atom.list_name not in lists and atom.list_name not in self.empty:
                self.problems.add(
                    "SCH-W002",
                    file,
                    line,
                    "when",
                    str(atom),
                    f"清单 {atom.list_name} 在 dx_list/px_list 与 empty_list 中都没有",
                    "补上这个清单，或在 empty_list.csv 中登记为空清单",
                )
            if atom.kind == "icu_hours" and not self.options.uses_icu_hours:
                self.problems.add(
                    "SCH-W003",
                    file,
                    line,
                    "when",
                    str(atom),
                    "条件用到 icu_hours，但 scheme.csv 写明 uses_icu_hours=0",
                    "把 uses_icu_hours 改为 1，或删去这个条件",
                )
        return condition


def _sequence(row: dict[str, str], file: str, line: int, problems: Problems) -> int:
    if not row["seq"].isdecimal():
        problems.add("SCH-S001", file, line, "seq", row["seq"], "seq 须为正整数", "按求值顺序从 1 编号")
        return 0
    return int(row["seq"])


def _leaves(rows: list[Row], file: str, reader: _WhenReader) -> dict[tuple[str, str], list[Leaf]]:
    ordered: dict[tuple[str, str], list[tuple[int, Leaf]]] = defaultdict(list)
    for line, row in rows:
        leaf = Leaf(drg=row["drg"], name=row["name"], when=reader.read(file, line, row["when"]), row=line)
        ordered[row["mdc"], row["rule"]].append((_sequence(row, file, line, reader.problems), leaf))
    return {owner: [leaf for _, leaf in sorted(pairs, key=lambda p: p[0])] for owner, pairs in ordered.items()}


def _steps(
    rows: list[Row],
    file: str,
    leaves: dict[tuple[str, str], list[Leaf]],
    reader: _WhenReader,
) -> dict[str, list[Step]]:
    ordered: dict[str, list[tuple[int, Step]]] = defaultdict(list)
    for line, row in rows:
        if row["kind"] not in {"adrg", "ambiguous"}:
            reader.problems.add(
                "SCH-S002", file, line, "kind", row["kind"], "kind 只能是 adrg 或 ambiguous", "改为其中之一"
            )
        step = Step(
            kind=row["kind"],
            adrg=row["adrg"],
            rule=row["rule"],
            name=row["name"],
            when=reader.read(file, line, row["when"]),
            leaves=tuple(leaves.get((row["mdc"], row["rule"]), ())) if row["kind"] == "adrg" else (),
            row=line,
        )
        ordered[row["mdc"]].append((_sequence(row, file, line, reader.problems), step))
    return {mdc: [step for _, step in sorted(pairs, key=lambda p: p[0])] for mdc, pairs in ordered.items()}


def _mdcs(rows: list[Row], file: str, steps: dict[str, list[Step]], reader: _WhenReader) -> tuple[Mdc, ...]:
    ordered: list[tuple[int, Mdc]] = []
    for line, row in rows:
        min_sites = row["min_sites"] or "0"
        if not min_sites.isdecimal():
            reader.problems.add("SCH-S003", file, line, "min_sites", min_sites, "min_sites 须为整数", "不用时写 0")
            min_sites = "0"
        mdc = Mdc(
            code=row["mdc"],
            name=row["name"],
            when=reader.read(file, line, row["when"]),
            min_sites=int(min_sites),
            steps=tuple(steps.get(row["mdc"], ())),
            row=line,
        )
        ordered.append((_sequence(row, file, line, reader.problems), mdc))
    return tuple(mdc for _, mdc in sorted(ordered, key=lambda p: p[0]))


def _check_owners(tables: dict[str, list[Row]], files: dict[str, str], problems: Problems) -> None:
    mdcs = {row["mdc"] for _, row in tables["mdc"]}
    rules = {(row["mdc"], row["adrg"], row["rule"]) for _, row in tables["adrg"]}
    for line, row in tables["adrg"]:
        if row["mdc"] not in mdcs:
            problems.add("SCH-O001", files["adrg"], line, "mdc", row["mdc"], "mdc.csv 里没有这个 MDC", "补上或改正")
    for line, row in tables["drg"]:
        if (row["mdc"], row["adrg"], row["rule"]) not in rules:
            problems.add("SCH-O002", files["drg"], line, "rule", row["rule"], "adrg.csv 里没有这条规则", "补上或改正")
    seen: dict[tuple[str, str], int] = {}
    for line, row in tables["adrg"]:
        owner = (row["mdc"], row["rule"])
        if owner in seen:
            problems.add(
                "SCH-O003",
                files["adrg"],
                line,
                "rule",
                row["rule"],
                f"规则与第 {seen[owner]} 行重名",
                "同一 MDC 内规则名唯一",
            )
        seen[owner] = line
