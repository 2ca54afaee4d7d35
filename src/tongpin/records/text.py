"""Text 文字: bytes of an export made into UTF-8 and into text tables, whatever encoding and separator it has."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from tongpin.base.errors import RecordsError, os_words
from tongpin.records.rules import finding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tongpin.base.findings import Finding

GZIP_MAGIC = b"\x1f\x8b"
PARQUET_MAGIC = b"PAR1"
UTF8_BOM = b"\xef\xbb\xbf"
BLOCK_BYTES = 8 << 20
REPLACEMENT = "\ufffd"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


class Decoded(NamedTuple):
    """UTF-8 bytes without BOM; `damaged` when bytes that no encoding fits were replaced by U+FFFD."""

    data: bytes
    damaged: bool


class TextTable(NamedTuple):
    """All-text columns, the record number of each row, what is wrong with the rows left out, and how many were met."""

    table: pa.Table
    records: Any
    findings: list[Finding]
    read_count: int


def read_bytes(path: Path) -> bytes:
    """The bytes of a file, unpacked when gzip; a broken archive is `RecordsError("records.gzip")`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unopened(path, error) from error
    if data.startswith(GZIP_MAGIC):
        try:
            return gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise _broken_archive(path) from error
    return data


def _broken_archive(path: Path) -> RecordsError:
    return RecordsError("records.gzip", "gz 压缩包不完整或写坏", where=path.name, hint="请重新传输或重新压缩")


def read_head(path: Path, size: int) -> bytes:
    """The first bytes of a file, unpacked when gzip; errors as of `read_bytes`."""
    try:
        with path.open("rb") as handle:
            head = handle.read(size)
    except OSError as error:
        raise _unopened(path, error) from error
    if not head.startswith(GZIP_MAGIC):
        return head
    try:
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        unpacked = stream.decompress(head, size)
    except zlib.error as error:
        raise _broken_archive(path) from error
    if not stream.eof and len(unpacked) < size and len(head) < size:
        raise _broken_archive(path)
    return unpacked


def is_parquet(path: Path) -> bool:
    """Whether the file begins like Parquet; Errors: `RecordsError("records.file")`."""
    try:
        with path.open("rb") as handle:
            return handle.read(len(PARQUET_MAGIC)) == PARQUET_MAGIC
    except OSError as error:
        raise _unopened(path, error) from error


def _unopened(path: Path, error: OSError) -> RecordsError:
    return RecordsError("records.file", f"文件打不开：{os_words(error)}", where=path.name, hint="检查路径与权限")


def decode(data: bytes, name: str) -> Decoded:
    """Bytes as UTF-8: UTF-8 with or without BOM, else GB18030; a few bad lines are left out, a bad file refused.

    A file of whose lines beyond ASCII half or more are UTF-8 is a UTF-8 file with damaged lines (a few lines of
    GB18030 look like UTF-8 by chance); otherwise GB18030 is tried, and UTF-8 last.
    Errors: `RecordsError("records.encoding")`.
    """
    if data.startswith(UTF16_BOMS):
        raise RecordsError("records.encoding", "文件是 UTF-16 编码", where=name, hint="请另存为 UTF-8")
    data = data.removeprefix(UTF8_BOM)
    if _is(data, "utf-8"):
        return Decoded(data, damaged=False)
    lines = [line for line in data.split(b"\n") if not line.isascii()]
    good = {encoding: sum(_is(line, encoding) for line in lines) for encoding in ("utf-8", "gb18030")}
    order = ("utf-8", "gb18030") if 2 * good["utf-8"] >= len(lines) else ("gb18030", "utf-8")
    for encoding in order:
        if good[encoding]:
            damaged = good[encoding] < len(lines)
            return Decoded(data.decode(encoding, errors="replace").encode(), damaged=damaged)
    raise RecordsError("records.encoding", "文字既不是 UTF-8 也不是 GB18030", where=name, hint="请用 UTF-8 重新导出")


def _is(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def header(data: bytes) -> tuple[list[str], str]:
    """The header cells of a text table and its separator (comma, tab, semicolon or bar)."""
    end = data.find(b"\n")
    first = (data if end < 0 else data[:end]).decode().rstrip("\r")
    separator = max(",\t;|", key=first.count)
    try:
        return next(csv.reader(io.StringIO(first), delimiter=separator), []), separator
    except csv.Error as error:
        raise RecordsError("records.csv", "表头读不出", hint="请重新导出为 CSV") from error


def load(path: Path, choose: Callable[[Sequence[str]], dict[str, str]] | None = None) -> TextTable:
    """A CSV, CSV.gz or Parquet file as a table of strings.

    `choose` maps the header to the columns to read and their names; without it all columns are read.
    Errors: `RecordsError("records.file" | "records.gzip" | "records.encoding" | "records.parquet")`.
    """
    if is_parquet(path):
        table = parquet_text(path)
        if choose is not None:
            wanted = choose(table.column_names)
            table = table.select(list(wanted)).rename_columns(list(wanted.values()))
        return TextTable(table, np.arange(1, table.num_rows + 1, dtype=np.int64), [], table.num_rows)
    decoded = decode(read_bytes(path), path.name)
    return parse(decoded, path.name, choose)


def parse(decoded: Decoded, name: str, choose: Callable[[Sequence[str]], dict[str, str]] | None = None) -> TextTable:
    """A separated text as a table of strings; rows with too many or too few cells, or damaged ones, are left out."""
    cells, separator = header(decoded.data)
    labels = _unique(cells)
    chosen = dict(zip(labels, labels, strict=True)) if choose is None else choose(labels)
    ragged: dict[int, str] = {}
    # The row itself may name a person, so the finding only counts its cells.

    def skip(row: Any) -> str:
        # The parser counts lines from 1, the header among them.
        ragged[row.number - 1] = f"{row.actual_columns} 列，应为 {row.expected_columns} 列"
        return "skip"

    table = _read_csv(decoded.data, labels, separator, list(chosen) or labels[:1], skip)
    count = table.num_rows + len(ragged)
    table = table.select(list(chosen)).rename_columns(list(chosen.values()))
    records = np.array([number for number in range(1, count + 1) if number not in ragged], dtype=np.int64)
    findings = [finding("REC-C004", name, number, "", text) for number, text in ragged.items()]
    if decoded.damaged:
        spoilt = _damaged_rows(table)
        findings += [finding("REC-E001", name, int(number)) for number in records[spoilt]]
        table, records = table.filter(pa.array(~spoilt)), records[~spoilt]
    return TextTable(table, records, findings, count)


def _damaged_rows(table: pa.Table) -> Any:
    """The mask of rows in which some text holds a replaced byte."""
    spoilt = np.zeros(table.num_rows, dtype=bool)
    for column in table.columns:
        spoilt |= np.asarray(pc.match_substring(column, REPLACEMENT).to_numpy(), dtype=bool)
    return spoilt


def _read_csv(data: bytes, labels: Sequence[str], separator: str, include: Sequence[str], skip: Any) -> pa.Table:
    """The chosen columns as strings; the header line is skipped and replaced by `labels`."""
    if b"\n" not in data.strip(b"\r\n"):
        return pa.table({name: pa.array([], pa.string()) for name in include})
    try:
        return pacsv.read_csv(
            pa.BufferReader(data),
            read_options=pacsv.ReadOptions(
                use_threads=False, column_names=list(labels), skip_rows=1, block_size=BLOCK_BYTES
            ),
            parse_options=pacsv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pacsv.ConvertOptions(
                include_columns=list(include),
                column_types=dict.fromkeys(labels, pa.string()),
                strings_can_be_null=False,
            ),
        ).combine_chunks()
    except pa.ArrowInvalid as error:
        raise RecordsError("records.csv", "CSV 从中间某处起分不出行，多半有未闭合的引号", hint="请重新导出") from error


def _unique(names: Sequence[str]) -> list[str]:
    """Header cells made unique: the second `A` becomes `A#2`."""
    seen: dict[str, int] = {}
    labels: list[str] = []
    for name in names:
        text = name.replace("\ufeff", "").strip()
        seen[text] = seen.get(text, 0) + 1
        labels.append(text if seen[text] == 1 else f"{text}#{seen[text]}")
    return labels


def parquet_names(path: Path) -> list[str]:
    """The column names of a Parquet file; Errors: `RecordsError("records.parquet")`."""
    try:
        names: list[str] = pq.ParquetFile(path).schema_arrow.names
    except (pa.ArrowException, OSError) as error:
        raise RecordsError("records.parquet", "Parquet 文件读不出", where=path.name, hint="请重新导出") from error
    return names


def parquet_text(path: Path) -> pa.Table:
    """A Parquet file with every column as string or list<string>; Errors: `RecordsError("records.parquet")`."""
    try:
        table = pq.ParquetFile(path).read()
        return pa.table({name: _as_text(table.column(name).combine_chunks()) for name in table.column_names})
    except (pa.ArrowException, OSError) as error:
        raise RecordsError("records.parquet", "Parquet 文件读不出", where=path.name, hint="请重新导出") from error


def _as_text(column: Any) -> Any:
    """One column as strings, or as lists of strings."""
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return column.cast(pa.list_(pa.string()))
    return column.cast(pa.string())
