"""Pieces 分块: a file of any size as pieces of whole records, numbered through the file; memory stays bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tongpin.base.errors import RecordsError
from tongpin.records.case.rules import finding
from tongpin.records.case.schema import GROUPING_COLUMNS
from tongpin.records.files import text
from tongpin.records.files.archives import ZIP_MAGICS, Source, opened
from tongpin.records.files.csv_rows import Rows, first_line, header, rows_of, with_line_ends
from tongpin.records.files.encodings import UTF8_BOM, decode, leaning
from tongpin.records.files.xlsx import is_workbook, load_xlsx

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from tongpin.base.findings import Finding
    from tongpin.records.files.archives import Readable
    from tongpin.records.files.text import TextTable

PARQUET_MAGIC = b"PAR1"
PIECE_BYTES = 8 << 20
PIECE_ROWS = 1 << 17
LARGEST_WHOLE_BYTES = 64 << 20
"""JSON that is no line a record is read whole up to this size, beyond it object by object; no record may be larger."""
LINES, CELLS, WHOLE = "lines", "cells", "whole"
FEW_VALUES = frozenset(GROUPING_COLUMNS) - {"case_id", "dx", "px"}
"""Columns whose texts repeat from row to row, so that Parquet's own dictionary serves."""
WITHIN_LISTS = ("dx.", "px.")
"""How the paths of codes begin that stand in lists."""


class Piece(NamedTuple):
    """Whole records of a file: bytes (a separated text with its header line), a table, or a workbook's path.

    `before` counts the records that precede it, `lean` is the encoding of the file; `findings` and `met` are about
    records that could not even be cut out.
    """

    file: str
    before: int
    data: bytes = b""
    lean: str = ""
    table: pa.Table | None = None
    workbook: Path | None = None
    findings: tuple[Finding, ...] = ()
    met: int = 0


def pieces_of(source: Source, columns: Collection[str] | None = None) -> Iterator[Piece]:
    """A source in pieces, in order; of Parquet only the named columns, texts of few values dictionary-encoded.

    Errors as of `archives.opened`, and `RecordsError("records.parquet")`.
    """
    with opened(source) as stream:
        head = stream.read(PIECE_BYTES)
        if head.startswith(PARQUET_MAGIC):
            yield from _parquet(source, columns)
        elif head.startswith(ZIP_MAGICS) and is_workbook(source.path):
            yield Piece(source.name, 0, workbook=source.path)
        else:
            yield from _of_text(_Reader(stream, head), source.name)


def whole_table(path: Path, choose: Callable[[Sequence[str]], dict[str, str]] | None = None) -> TextTable:
    """A whole file as one text table."""
    source = Source(path, path.name)
    with opened(source) as stream:
        data = stream.read(PIECE_BYTES)
        if data.startswith(PARQUET_MAGIC):
            return text.table_of(pa.concat_tables([_parquet_schema(path).empty_table(), *_tables(path)]), choose)
        if data.startswith(ZIP_MAGICS) and is_workbook(path):
            return load_xlsx(path, path.name, choose)
        return text.parse(decode(data + stream.read(), path.name), path.name, choose)


class _Reader:
    """A stream read on demand, with what was read of it already."""

    def __init__(self, stream: Readable, head: bytes) -> None:
        self.stream = stream
        self.head = head
        self.ended = len(head) < PIECE_BYTES
        self._returns = b"\n" not in head and b"\r" in head

    def more(self) -> bytes:
        """The next bytes, none at the end; with line feeds where lines end with carriage returns alone."""
        part = self.stream.read(PIECE_BYTES)
        self.ended = len(part) < PIECE_BYTES
        return part.replace(b"\r", b"\n") if self._returns else part

    def lines_begun(self) -> bytes:
        """What was read already, from its first line that is not blank on."""
        return with_line_ends(self.head.removeprefix(UTF8_BOM))


def _of_text(reader: _Reader, name: str) -> Iterator[Piece]:
    """JSON or separated text in pieces."""
    lean = leaning(reader.head)
    start = reader.head.removeprefix(UTF8_BOM).lstrip()
    if start[:1] == b"{" and _is_lines(start):
        yield from _lines(reader, name, lean)
    elif start[:1] in (b"{", b"["):
        data = reader.head
        while not reader.ended and len(data) <= LARGEST_WHOLE_BYTES:
            data += reader.more()
        if reader.ended:
            yield Piece(name, 0, data, lean)
        else:
            yield from _objects(reader, data, name, lean)
    else:
        yield from _rows(reader, name, lean)


def _is_lines(start: bytes) -> bool:
    """Whether a text of JSON objects has one a line: its first line is more than a bracket, the next begins anew."""
    first, _, rest = start.partition(b"\n")
    return first.strip() != b"{" and rest.lstrip()[:1] in (b"{", b"") and (b"\n" in start or len(start) >= PIECE_BYTES)


def _lines(reader: _Reader, name: str, lean: str) -> Iterator[Piece]:
    """JSON lines cut at line ends; the number of a record is that of its line."""
    data, before = reader.head, 0
    while True:
        cut = len(data) if reader.ended else data.rfind(b"\n") + 1
        if cut:
            piece, data = data[:cut], data[cut:]
            skipped = piece[: len(piece) - len(piece.lstrip())].count(b"\n")
            if piece.strip():
                yield Piece(name, before + skipped, piece.lstrip(), lean)
            before += piece.count(b"\n")
        if reader.ended:
            return
        if len(data) > LARGEST_WHOLE_BYTES:
            yield _too_long(name, before)
            data, before = _after_line(reader), before + 1
        data += reader.more()


def _too_long(name: str, before: int) -> Piece:
    return Piece(name, before, findings=(finding("REC-C020", name, 1),), met=1)


def _after_line(reader: _Reader) -> bytes:
    """What follows the end of the line that is too long."""
    while not reader.ended:
        _, found, rest = reader.more().partition(b"\n")
        if found:
            return rest
    return b""


def _rows(reader: _Reader, name: str, lean: str) -> Iterator[Piece]:
    """Separated text cut at the ends of rows, every piece with the header line."""
    head = reader.lines_begun()
    top = first_line(head)
    data = head[len(top) :]
    if not data and not reader.ended and len(top) > PIECE_BYTES // 2:
        raise RecordsError("records.csv", "表头超过 8 MB", where=name, hint="请检查文件是否用换行分行")
    cells, separator = header(decode(top, name, lean).data)
    top = top.rstrip(b"\r\n") + b"\n"
    before, first = 0, True
    while True:
        if reader.ended:
            if data.strip() or first:
                yield Piece(name, before, top + data, lean)
            return
        rows = rows_of(data, separator, len(cells), last=len(data) > LARGEST_WHOLE_BYTES)
        if len(rows.ends) and rows.ends[-1] == len(data) and not data.endswith(b"\n"):
            # A line without end: what it is part of is a record of its own, and what follows begins anew.
            rows = Rows(*(one[:-1] for one in rows))
            if not len(rows.ends):
                yield _too_long(name, before)
                data, before = _after_line(reader), before + 1
        if len(rows.ends):
            cut = int(rows.ends[-1])
            yield Piece(name, before, top + data[:cut], lean)
            data, before, first = data[cut:], before + rows.size, False
        data += reader.more()


def _objects(reader: _Reader, data: bytes, name: str, lean: str) -> Iterator[Piece]:
    """One large JSON array, or objects one after another, cut between the objects of the outermost level."""
    data = data.removeprefix(UTF8_BOM).lstrip()
    in_array = data.startswith(b"[")
    data = data.removeprefix(b"[")
    # The second byte of a GB18030 character may look like a bracket; only UTF-8 can be cut by its brackets.
    rest, before = b"", 0
    while True:
        whole = len(data) if reader.ended else _last_whole_character(data, lean)
        rest += decode(data[:whole], name, lean).data
        data = data[whole:]
        ends = _object_ends(rest)
        if len(ends):
            cut = int(ends[-1]) + 1
            whole_ones = rest[:cut].lstrip(b" \t\r\n,")
            if not in_array:
                starts = [0, *(int(end) + 1 for end in ends[:-1])]
                whole_ones = b",".join(rest[start : end + 1] for start, end in zip(starts, ends.tolist(), strict=True))
            yield Piece(name, before, b"[" + whole_ones + b"]")
            rest, before = rest[cut:], before + len(ends)
        if reader.ended:
            if rest.strip(b" \t\r\n,]"):
                yield Piece(name, before, rest.lstrip(b" \t\r\n,"))
            return
        if len(rest) > LARGEST_WHOLE_BYTES:
            yield Piece(name, before, findings=(finding("REC-C022", name, 1),), met=1)
            return
        data += reader.more()


def _last_whole_character(data: bytes, lean: str) -> int:
    """Where the last line ends, or where there is none the last character (of one line without end)."""
    line = data.rfind(b"\n") + 1
    if line:
        return line
    for back in range(4):
        try:
            data[: len(data) - back].decode(lean)
        except UnicodeDecodeError:
            continue
        return len(data) - back
    return len(data)


def _object_ends(data: bytes) -> Any:
    """The places of the brackets that close an object or array of the outermost level."""
    flat = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(flat == ord('"'))
    if b"\\" in data:
        quotes = quotes[~np.isin(quotes, _escaped(flat))]
    opening = np.isin(flat, (ord("{"), ord("[")))
    closing = np.isin(flat, (ord("}"), ord("]")))
    brackets = np.flatnonzero(opening | closing)
    brackets = brackets[np.searchsorted(quotes, brackets) % 2 == 0]
    depth = np.cumsum(np.where(opening[brackets], 1, -1))
    return brackets[(depth == 0) & closing[brackets]]


def _escaped(flat: Any) -> Any:
    """The places of the characters that an odd run of backslashes precedes."""
    slashes = np.flatnonzero(flat == ord("\\"))
    starts = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)
    lengths = np.diff(np.append(starts, len(slashes)))
    return (slashes[starts] + lengths)[lengths % 2 == 1]


def parquet_names(path: Path) -> list[str]:
    """The column names of a Parquet file; Errors: `RecordsError("records.parquet")`."""
    names: list[str] = _parquet_schema(path).names
    return names


def _parquet_schema(path: Path) -> pa.Schema:
    try:
        return pq.ParquetFile(path).schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise _unread(path) from error


def _tables(path: Path, columns: Collection[str] | None = None) -> Iterator[pa.Table]:
    """The rows of a Parquet file in order, some row groups or a part of one at a time."""
    waiting: list[pa.RecordBatch] = []
    try:
        for batch in _batches(path, columns):
            waiting.append(batch)
            if sum(one.num_rows for one in waiting) >= PIECE_ROWS:
                table = pa.Table.from_batches(waiting)
                yield table.slice(0, PIECE_ROWS)
                waiting = table.slice(PIECE_ROWS).to_batches()
    except (pa.ArrowException, OSError) as error:
        raise _unread(path) from error
    if waiting:
        yield pa.Table.from_batches(waiting)


def _batches(path: Path, columns: Collection[str] | None) -> Iterator[pa.RecordBatch]:
    file = pq.ParquetFile(path)
    if columns is not None:
        leaves = [file.schema.column(index).path for index in range(len(file.schema))]
        encoded = [leaf for leaf in leaves if leaf in FEW_VALUES or leaf.startswith(WITHIN_LISTS)]
        file = pq.ParquetFile(path, read_dictionary=encoded)
        columns = [name for name in file.schema_arrow.names if name in columns]
    for group in range(file.num_row_groups):
        # One at a time: a batch across two of them could not hold lists of dictionary-encoded codes.
        yield from file.iter_batches(PIECE_ROWS, row_groups=[group], columns=columns)


def _unread(path: Path) -> RecordsError:
    return RecordsError("records.parquet", "Parquet 文件读不出", where=path.name, hint="请重新导出")


def _parquet(source: Source, columns: Collection[str] | None) -> Iterator[Piece]:
    before = 0
    tables = _tables(source.path, columns)
    first = next(tables, _parquet_schema(source.path).empty_table())
    yield Piece(source.name, before, table=first)
    before += first.num_rows
    for table in tables:
        yield Piece(source.name, before, table=table)
        before += table.num_rows
