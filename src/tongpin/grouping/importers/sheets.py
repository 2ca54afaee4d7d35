"""Sheets 工作簿读取: the sheets of a workbook that people keep by hand, with every fault at its cell.

Blank edges, title rows above the header, hidden sheets, full-width characters and codes that a spreadsheet turned
into numbers are what such workbooks hold; what is certain is mended with a warning, the rest is refused.
"""

from __future__ import annotations

import re
import unicodedata
import warnings
import zipfile
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal
from xml.etree import ElementTree as ET

from tongpin.base.errors import RecordsError
from tongpin.grouping.importers.draft import Place
from tongpin.records.files.xlsx import cell_text, check_package

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tongpin.base.findings import Severity
    from tongpin.grouping.importers.draft import Draft

Kind = Literal["text", "name", "dx", "px"]
"""What a column holds: free text, a name (no blanks inside), a diagnosis code, a procedure code."""

_HEADER_SEARCH_ROWS = 30
_MOST_EMPTY_ROWS = 1000
_MOST_XML_BYTES = 1 << 20
_ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"})
_LOOKS = {"dx": re.compile(r"[A-Z]\d{2}"), "px": re.compile(r"\d{2}(\.|$)")}
_WORDS = {"dx": "诊断编码", "px": "手术操作编码"}
_EXAMPLES = {"dx": "J18.900", "px": "51.2300"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an importer reads: its key, the headers it may stand under, what it holds."""

    key: str
    headers: tuple[str, ...]
    kind: Kind = "text"
    required: bool = True
    """Whether the header must be there."""
    filled: bool = False
    """Whether every row must have a value; implied for code columns."""


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """A sheet that an importer reads: its name, other names it goes by, its columns."""

    name: str
    columns: tuple[Column, ...]
    others: tuple[str, ...] = ()
    required: bool = True
    strict: bool = False
    """Whether a header that nobody knows is refused (else it is reported and not read)."""


@dataclass(slots=True)
class Row:
    """One filled row: cleaned text per column key, and where each stands."""

    sheet: str
    number: int
    values: dict[str, str]
    headers: dict[str, str]

    def __getitem__(self, key: str) -> str:
        return self.values.get(key, "")

    def place(self, key: str = "") -> Place:
        """The place of a cell of this row, for findings: sheet, row, column letter and header."""
        return Place(self.sheet, self.number, self.headers.get(key, key))


@dataclass(slots=True)
class Book:
    """The sheets that were found, by the name in the plan."""

    label: str
    rows: dict[str, list[Row]] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)

    def place(self, name: str) -> Place:
        """The place of a whole sheet."""
        return self.places.get(name, Place(sheet_label(self.label, name)))


def sheet_label(file: str, sheet: str) -> str:
    """How a sheet is named in findings."""
    return f"{file}〔{sheet}〕"


def sheet_names(source: Path) -> tuple[str, ...]:
    """The sheet names of an xlsx file, cleaned; empty when it is none. Reads one small part of the package."""
    if not source.is_file() or not zipfile.is_zipfile(source):
        return ()
    try:
        with zipfile.ZipFile(source) as package, package.open("xl/workbook.xml") as part:
            tree = ET.fromstring(part.read(_MOST_XML_BYTES))  # noqa: S314 - bounded, and only names are read
    except (KeyError, OSError, ET.ParseError, zipfile.BadZipFile):
        return ()
    return tuple(clean_name(node.get("name", "")) for node in tree.iter() if node.tag.rpartition("}")[2] == "sheet")


def clean_text(value: str) -> str:
    """Text without the blanks, of any width, around it."""
    return value.strip().strip("\ufeff\u200b").strip()


@cache
def clean_name(value: str) -> str:
    """A name in half-width characters without any blank."""
    return re.sub(r"[\s\ufeff\u200b]+", "", unicodedata.normalize("NFKC", value))


@cache
def clean_code(value: str, kind: Kind) -> str:
    """A code as the national catalogues write it: half-width, capital letters, `x` for the place holder."""
    code = clean_name(value).replace("。", ".").upper()
    if kind == "px":
        return code.replace("X", "x")
    return re.sub(r"(?<=[^+])X", "x", code)


class SheetReader:
    """Reads planned sheets of a workbook into a draft's findings; `family` is the letter of its rule ids."""

    def __init__(self, source: Path, draft: Draft, family: str) -> None:
        self.source = source
        self.draft = draft
        self.family = family
        self.book = Book(source.name)

    def fault(
        self, number: int, place: Place, value: str, message: str, hint: str, severity: Severity = "error"
    ) -> None:
        """A finding under a rule of this family."""
        self.draft.fault(f"SCH-{self.family}{number:03}", place, value, message, hint, severity=severity)

    def read(self, plans: Sequence[SheetPlan]) -> Book:
        """All planned sheets; a workbook that cannot be opened is one error finding, and no rows."""
        import openpyxl

        self.draft.read_files.append(self.source)
        try:
            with self.source.open("rb") as handle:
                check_package(handle, self.source.name)
                handle.seek(0)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    book = openpyxl.load_workbook(handle, read_only=True, data_only=True, keep_links=False)
                    self._sheets(book, plans)
        except (RecordsError, OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile, ET.ParseError) as error:
            said = error.message if isinstance(error, RecordsError) else "工作簿打不开：不完整或写坏"
            self.book.rows.clear()
            self.fault(1, Place(self.source.name), "", said, "用表格软件打开，另存为 xlsx 再试")
        return self.book

    def _sheets(self, book: Any, plans: Sequence[SheetPlan]) -> None:
        there = {clean_name(sheet.title): sheet for sheet in book.worksheets}
        for plan in plans:
            names = [clean_name(name) for name in (plan.name, *plan.others)]
            found = next((there[name] for name in names if name in there), None)
            self.book.rows[plan.name] = []
            if found is None:
                if plan.required:
                    place = Place(self.source.name)
                    hint = f"加一张名为“{plan.name}”的表；没有内容也要有表头"
                    self.fault(2, place, plan.name, f"工作簿里没有表“{plan.name}”", hint)
                continue
            label = sheet_label(self.source.name, found.title)
            self.book.places[plan.name] = Place(label)
            if found.sheet_state != "visible":
                hint = "确认它不是作废的旧表；作废的请删去"
                self.fault(3, Place(label), "", "这张表是隐藏的，也读了", hint, "warning")
            found.reset_dimensions()
            self.book.rows[plan.name] = list(self._rows(label, found, plan))

    def _rows(self, label: str, sheet: Any, plan: SheetPlan) -> Iterator[Row]:
        lines = enumerate(sheet.iter_rows(values_only=True), start=1)
        header = self._header(label, lines, plan)
        if header is None:
            return
        first, columns, headers = header
        empty = 0
        for number, cells in lines:
            texts = {column.key: cells[at] for at, column in columns.items() if at < len(cells)}
            if all(value is None or (isinstance(value, str) and not value.strip()) for value in texts.values()):
                empty += 1
                if empty == _MOST_EMPTY_ROWS:
                    break
                continue
            empty = 0
            if all(clean_text(str(texts.get(column.key) or "")) in column.headers for column in columns.values()):
                continue  # a header repeated for printing
            row = Row(label, number, {}, headers)
            for column in columns.values():
                row.values[column.key] = self._cell(row, column, texts.get(column.key))
            yield row
        if first and empty == _MOST_EMPTY_ROWS:
            hint = "删去空行之后的内容，或把它移到空行之前"
            self.fault(4, Place(label), "", f"连续 {_MOST_EMPTY_ROWS} 个空行，之后的没有读", hint, "warning")

    def _header(
        self, label: str, lines: Iterator[tuple[int, tuple[Any, ...]]], plan: SheetPlan
    ) -> tuple[int, dict[int, Column], dict[str, str]] | None:
        """The header row: the first that has every required header, else the likeliest one, with what it lacks."""
        from openpyxl.utils import get_column_letter

        known = {clean_name(header).lower(): column for column in plan.columns for header in column.headers}
        best: tuple[int, int, tuple[Any, ...]] = (0, 0, ())
        for number, cells in lines:
            names = [clean_name(cell_text(cell)).lower() if cell is not None else "" for cell in cells]
            found = {known[name].key for name in names if name in known}
            if len(found) > best[0]:
                best = (len(found), number, cells)
            if all(column.key in found for column in plan.columns if column.required):
                best = (len(found), number, cells)
                break
            if number >= _HEADER_SEARCH_ROWS:
                break
        _, number, cells = best
        columns: dict[int, Column] = {}
        headers: dict[str, str] = {}
        for at, cell in enumerate(cells):
            text = clean_text(cell_text(cell)) if cell is not None else ""
            column = known.get(clean_name(text).lower())
            place = Place(label, number, f"{get_column_letter(at + 1)} 列")
            usable = "、".join(column.headers[0] for column in plan.columns)
            if column is None and text:
                severity: Severity = "error" if plan.strict else "warning"
                said = f"不认识的表头“{text}”" + ("" if plan.strict else "，这一列没有读")
                self.fault(5, place, text, said, f"可用的表头：{usable}", severity)
            elif column is not None and column.key in headers:
                self.fault(6, place, text, f"表头“{text}”与 {headers[column.key]} 是同一项", "只留一列")
            elif column is not None:
                columns[at] = column
                headers[column.key] = f"{get_column_letter(at + 1)} 列“{text}”"
        missing = [column.headers[0] for column in plan.columns if column.required and column.key not in headers]
        if missing:
            said = f"找不到表头：{'、'.join(missing)}" if headers else "找不到表头行"
            hint = f"表头应有：{'、'.join(c.headers[0] for c in plan.columns if c.required)}"
            self.fault(7, Place(label, number), "", said, hint)
            return None
        return number, columns, headers

    def _cell(self, row: Row, column: Column, value: Any) -> str:
        text = clean_text(cell_text(value)) if value is not None else ""
        if text in _ERRORS:
            self.fault(8, row.place(column.key), text, "格子里是公式的错误值", "改成应有的文字")
            return ""
        kind = column.kind
        if not text:
            if column.filled or kind in {"dx", "px"}:
                said = f"{column.headers[0]} 是空的"
                hint = "填上；若上面是合并的单元格，请取消合并并逐行填满；若是公式，请粘贴为数值"
                self.fault(9, row.place(column.key), "", said, hint)
            return ""
        if kind == "text":
            return text
        if kind == "name":
            return clean_name(text)
        if not isinstance(value, str):
            hint = f"把该列设为文本，再按原文重新填写，例如 {_EXAMPLES[kind]}"
            self.fault(10, row.place(column.key), text, f"{_WORDS[kind]}成了数字或日期，末尾的零可能已丢失", hint)
            return ""
        code = clean_code(text, kind)
        if code != value:
            hint = f"改为半角、不带空格的 {code}"
            said = f"{_WORDS[kind]}含全角字符、空格或大小写不合，按 {code} 读"
            self.fault(11, row.place(column.key), value, said, hint, "warning")
        if not _LOOKS[kind].match(code):
            hint = f"核对是否填错了列；{_WORDS[kind]}形如 {_EXAMPLES[kind]}"
            self.fault(12, row.place(column.key), code, f"不像{_WORDS[kind]}", hint, "warning")
        return code


def add_members(
    reader: SheetReader, table: str, rows: Sequence[Row], list_key: str, code_key: str, name_of: dict[str, str]
) -> set[str]:
    """The rows of a list sheet as list members: a code twice in a list is a warning. Gives the lists with a code.

    `name_of` says under which list name a list key is kept; a key that it does not know is kept as it is.
    """
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        owner, code = name_of.get(row[list_key], row[list_key]), row[code_key]
        if not owner or not code:
            continue
        if (owner, code) in seen:
            said = f"{row[list_key]} 里已有 {code}（第 {seen[owner, code]} 行）"
            reader.fault(13, row.place(code_key), code, said, "删去重复的一行", "warning")
            continue
        seen[owner, code] = row.number
        reader.draft.add(table, row.place(code_key), list=owner, code=code)
    return {owner for owner, _ in seen}


def add_complications(reader: SheetReader, table: str, rows: Sequence[Row], known: dict[str, str]) -> None:
    """MCC or CC rows (`code`, `exclusion_table`); a code once per table, and MCC goes before CC.

    `known` holds the MCC codes while CC is read; it is filled while MCC is read.
    """
    seen: dict[str, Row] = {}
    for row in rows:
        code, exclusion = row["code"], row["exclusion_table"]
        if not code:
            continue
        if code in seen:
            same = seen[code]["exclusion_table"] == exclusion
            said = f"{code} 已在第 {seen[code].number} 行" + ("" if same else "，两处的排除表不同")
            hint = "删去重复的一行" if same else "核对方案，只留正确的一行"
            reader.fault(14, row.place("code"), code, said, hint, "warning" if same else "error")
            continue
        seen[code] = row
        if table == "mcc":
            known[code] = exclusion
        elif code in known:
            said = f"{code} 既是 MCC 又是 CC；伴 MCC 的组在前，先按 MCC 入组"
            reader.fault(15, row.place("code"), code, said, "核对方案，只留一处", "warning")
        reader.draft.add(table, row.place("code"), code=code, exclusion_table=exclusion)


def add_exclusions(reader: SheetReader, rows: Sequence[Row], used: set[str]) -> None:
    """The exclusion tables of principal diagnoses; a principal has one table, a table that nobody uses is a warning."""
    seen: dict[str, Row] = {}
    unused: set[str] = set()
    for row in rows:
        code, exclusion = row["code"], row["exclusion_table"]
        if not code or not exclusion:
            continue
        if exclusion not in used and exclusion not in unused:
            unused.add(exclusion)
            said = f"没有 MCC、CC 使用排除表 {exclusion}"
            reader.fault(16, row.place("exclusion_table"), exclusion, said, "核对表号的写法", "warning")
        if code not in seen:
            seen[code] = row
            reader.draft.add("exclusion", row.place("code"), code=code, exclusion_table=exclusion)
        elif seen[code]["exclusion_table"] == exclusion:
            said = f"{code} 已在第 {seen[code].number} 行"
            reader.fault(13, row.place("code"), code, said, "删去重复的一行", "warning")
        else:
            said = f"主要诊断 {code} 已在排除表 {seen[code]['exclusion_table']}（第 {seen[code].number} 行）"
            reader.fault(17, row.place("code"), code, said, "一个主要诊断只能属于一个排除表，只留一行")
