"""Xlsx 工作簿: the sheet of a workbook that holds records, streamed into a text table; nothing is unpacked to disk."""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import RecordsError, os_words
from tongpin.records.case.rules import finding
from tongpin.records.case.schema import columns as case_columns
from tongpin.records.files.text import TextTable, unique_labels
from tongpin.records.formats.page_fields import place_of
from tongpin.records.layouts.catalogue import matching_layouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tongpin.base.findings import Finding

MOST_UNPACKED_BYTES = 4 << 30
MOST_STRING_BYTES = 256 << 20
MOST_PARTS = 10_000
MOST_RATIO = 300
RATIO_MATTERS_BYTES = 64 << 20
"""Limits of an honest workbook: all parts unpacked, the shared texts (held in memory), the number of parts, and how
far its parts may shrink where they are large at all."""
MOST_EMPTY_ROWS = 10_000
"""After so many empty rows one after the other reading ends (REC-X004)."""
COLUMNS_BEYOND = 16
"""Columns right of the last header cell that are still read."""
ENOUGH_HEADERS = 3
BATCH_ROWS = 2_000
LONG_NUMBER = 10**15
"""Spreadsheets keep fifteen digits of a number."""
DECIMALS = 2
NOISE = 1e-6
SHARED_STRINGS = "xl/sharedStrings.xml"
SHEETS = "xl/worksheets/"
FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
CHUNK_BYTES = 1 << 20


class _Sheet(NamedTuple):
    """The sheet chosen: its place in the workbook, its header cells and the row below them (from 1)."""

    place: int
    header: list[str]
    first_row: int


def is_workbook(source: Path | IO[bytes]) -> bool:
    """Whether a file is a zip that holds a workbook of the xlsx kind."""
    try:
        with zipfile.ZipFile(source) as package:
            return "xl/workbook.xml" in package.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def header(source: Path | IO[bytes], name: str = "") -> list[str]:
    """The header cells of the sheet that holds records, empty where no sheet has any; errors as of `load_xlsx`."""
    name = name or (source.name if isinstance(source, Path) else "")
    with _handle(source, name) as handle:
        check_package(handle, name)
        with _workbook(handle, name, data_only=True) as book:
            return _chosen(book).header


def load_xlsx(
    source: Path | IO[bytes], name: str = "", choose: Callable[[Sequence[str]], dict[str, str]] | None = None
) -> TextTable:
    """The records of a workbook as a table of strings: the first sheet whose first filled row is a known header.

    Cells: texts as they are, numbers without noise, dates and times as ISO texts, formulas as the result kept in the
    file. A formula without result (REC-X002), an error value (REC-X003) and a number of more than 15 digits
    (REC-X005) are noted. Empty rows are no records; records are counted by filled rows. `choose` maps the header to
    the columns to read and their names. Errors: `RecordsError("records.file" | "records.xlsx")`. Source: issue 3.
    """
    name = name or (source.name if isinstance(source, Path) else "")
    with _handle(source, name) as handle:
        check_package(handle, name)
        formulas = _has_formulas(handle, name)
        with _workbook(handle, name, data_only=True) as book:
            sheet = _chosen(book)
            reader = _Reader(name, sheet)
            rows = _rows(book, sheet)
            if formulas:
                with _workbook(handle, name, data_only=False) as written:
                    reader.read(rows, _rows(written, sheet))
            else:
                reader.read(rows, repeat(()))
    return reader.text_table(choose)


def check_package(handle: IO[bytes], name: str) -> None:
    """Refuse a workbook whose parts are too many or too large unpacked; Errors: `RecordsError("records.xlsx")`."""
    with _refusing(name), zipfile.ZipFile(handle) as package:
        parts = package.infolist()
    unpacked = sum(part.file_size for part in parts)
    packed = max(sum(part.compress_size for part in parts), 1)
    strings = sum(part.file_size for part in parts if part.filename == SHARED_STRINGS)
    swollen = unpacked > RATIO_MATTERS_BYTES and unpacked > MOST_RATIO * packed
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED_BYTES or strings > MOST_STRING_BYTES or swollen:
        shown = f"{len(parts)} 个部件，展开后 {unpacked >> 20} MB，是压缩时的 {unpacked // packed} 倍"
        raise RecordsError(
            "records.xlsx", f"工作簿展开后过大：{shown}", where=name, hint="请另存为 CSV，或分成几个文件"
        )


@contextmanager
def _handle(source: Path | IO[bytes], name: str) -> Iterator[IO[bytes]]:
    """An open file of bytes."""
    if not isinstance(source, Path):
        yield source
        return
    try:
        handle = source.open("rb")
    except OSError as error:
        said = f"文件打不开：{os_words(error)}"
        raise RecordsError("records.file", said, where=name, hint="检查路径与权限") from error
    with handle:
        yield handle


@contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Whatever a broken workbook raises becomes one refusal."""
    try:
        yield
    except RecordsError:
        raise
    except Exception as error:
        # Broken packages raise a dozen kinds of errors in the libraries below: zip, XML, keys, types, numbers.
        said = "xlsx 工作簿不完整或写坏"
        raise RecordsError("records.xlsx", said, where=name, hint="请用表格软件打开后重新保存，或另存为 CSV") from error


@contextmanager
def _workbook(handle: IO[bytes], name: str, *, data_only: bool) -> Iterator[Any]:
    """A workbook open for streaming, its library's warnings aside."""
    import openpyxl  # takes as long as all of Arrow, and most loads hold no workbook

    with _refusing(name), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        handle.seek(0)
        book = openpyxl.load_workbook(handle, read_only=True, data_only=data_only, keep_links=False)
        for sheet in book.worksheets:
            # What a sheet says of its size is not to be relied on.
            sheet.reset_dimensions()
        yield book


def _has_formulas(handle: IO[bytes], name: str) -> bool:
    """Whether any sheet has a cell with a formula."""
    with _refusing(name), zipfile.ZipFile(handle) as package:
        for part in package.infolist():
            if not part.filename.startswith(SHEETS):
                continue
            tail = b""
            with package.open(part) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    if FORMULA.search(tail + chunk):
                        return True
                    tail = chunk[-32:]
    return False


def _chosen(book: Any) -> _Sheet:
    """The first sheet with a known header, else the first with any filled row."""
    found: list[_Sheet] = []
    for place, sheet in enumerate(book.worksheets):
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            if number > MOST_EMPTY_ROWS:
                break
            if _filled(cells):
                labels = [" ".join(str("" if cell is None else cell).split()) for cell in cells]
                found.append(_Sheet(place, labels, number + 1))
                break
        if found and found[-1].place == place and _is_known(found[-1].header):
            return found[-1]
    return found[0] if found else _Sheet(0, [], 1)


def _is_known(cells: Sequence[str]) -> bool:
    """Whether a row looks like the header of some format."""
    if matching_layouts(cells):
        return True
    known = [cell for cell in cells if place_of(cell) is not None or cell in case_columns()]
    return len(known) >= min(ENOUGH_HEADERS, len(cells))


def _rows(book: Any, sheet: _Sheet) -> Iterator[Sequence[Any]]:
    """The rows below the header, each with the same number of cells."""
    if not sheet.header:
        return iter(())
    width = len(sheet.header) + COLUMNS_BEYOND
    rows: Iterator[Sequence[Any]] = book.worksheets[sheet.place].iter_rows(
        min_row=sheet.first_row, max_col=width, values_only=True
    )
    return rows


def _filled(cells: Sequence[Any]) -> bool:
    return any(cell is not None and cell != "" for cell in cells)


class _Reader:
    """Cells made into texts, batch by batch, with what is wrong with them."""

    def __init__(self, name: str, sheet: _Sheet) -> None:
        from openpyxl.utils import get_column_letter

        self.name = name
        width = len(sheet.header) + COLUMNS_BEYOND if sheet.header else 0
        beyond = [f"第 {get_column_letter(column + 1)} 列" for column in range(width)]
        cells = [*sheet.header, *([""] * COLUMNS_BEYOND)] if sheet.header else []
        self.named = [bool(cell) for cell in cells]
        self.labels = unique_labels([cell or other for cell, other in zip(cells, beyond, strict=True)])
        self.count = 0
        self.findings: list[Finding] = []
        self._batch: list[list[str]] = []
        self._chunks: list[list[Any]] = [[] for _ in self.labels]

    def read(self, rows: Iterator[Sequence[Any]], written: Iterator[Sequence[Any]]) -> None:
        """All rows; `written` has the same rows with formulas in place of their results, or nothing."""
        empty = 0
        for cells, formulas in zip(rows, written, strict=False):
            if not _filled(cells) and not _filled(formulas):
                empty += 1
                if empty == MOST_EMPTY_ROWS:
                    self._note("REC-X004", 0)
                    break
                continue
            empty = 0
            self.count += 1
            self._batch.append(
                [cell if cell.__class__ is str else self._text(cell, at) for at, cell in enumerate(cells)]
            )
            for at, formula in enumerate(formulas):
                if formula is not None and cells[at] is None:
                    self._note("REC-X002", self.count, self.labels[at])
            if len(self._batch) == BATCH_ROWS:
                self._flush()
        self._flush()

    def _note(self, rule_id: str, record: int, path: str = "", value: str = "") -> None:
        self.findings.append(finding(rule_id, self.name, record, path, value))

    def _text(self, cell: Any, at: int) -> str:
        """A cell that is no text as text."""
        if cell is None:
            return ""
        if isinstance(cell, int | float) and abs(cell) >= LONG_NUMBER:
            self._note("REC-X005", self.count, self.labels[at])
        return cell_text(cell)

    def _flush(self) -> None:
        """The batch as columns, escapes undone, error values taken out."""
        from openpyxl.cell.cell import ERROR_CODES

        first = self.count - len(self._batch) + 1
        for at, cells in enumerate(zip(*self._batch, strict=True)):
            texts = pa.array(cells, pa.string())
            if pc.any(pc.match_substring(texts, "_x")).as_py():
                texts = pa.array([ESCAPED.sub(_character, cell) for cell in cells], pa.string())
            wrong = pc.is_in(texts, value_set=pa.array(ERROR_CODES))
            if pc.any(wrong).as_py():
                for row in np.flatnonzero(wrong):
                    self._note("REC-X003", first + int(row), self.labels[at], texts[int(row)].as_py())
                texts = pc.if_else(wrong, "", texts)
            self._chunks[at].append(texts)
        self._batch = []

    def text_table(self, choose: Callable[[Sequence[str]], dict[str, str]] | None) -> TextTable:
        """All batches as one table; columns without a header only where they have a value."""
        made = {
            label: pa.chunked_array(chunks, pa.string())
            for label, chunks in zip(self.labels, self._chunks, strict=True)
        }
        kept = [
            label
            for label, named in zip(self.labels, self.named, strict=True)
            if named or pc.any(pc.not_equal(made[label], "")).as_py()
        ]
        chosen = dict(zip(kept, kept, strict=True)) if choose is None else choose(kept)
        table = pa.table({new: made[label] for label, new in chosen.items()}).combine_chunks()
        return TextTable(table, np.arange(1, self.count + 1, dtype=np.int64), self.findings, self.count)


def _character(found: re.Match[str]) -> str:
    """The character that `_x000D_` stands for; halves of pairs stay as they are written."""
    made = chr(int(found.group(1), 16))
    return found.group(0) if "\ud800" <= made <= "\udfff" else made


def cell_text(cell: Any) -> str:
    """A number, date, time or truth value of a sheet as text: 20250601, 12.5, 2025-06-01 08:30:00, 1 for true."""
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, float):
        return _number_text(cell)
    if isinstance(cell, dt.datetime):
        rounded = (cell + dt.timedelta(milliseconds=500)).replace(microsecond=0)
        return rounded.date().isoformat() if rounded.time() == dt.time() else rounded.isoformat(" ")
    if isinstance(cell, dt.time):
        return cell.replace(microsecond=0).isoformat()
    return str(cell)


def _number_text(value: float) -> str:
    """A number without the noise of its binary form; whole ones without a point."""
    if value.is_integer():
        return f"{value:.0f}"
    rounded = round(value, DECIMALS)
    return f"{rounded:.2f}".rstrip("0") if abs(value - rounded) < NOISE else repr(value)
