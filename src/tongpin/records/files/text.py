"""Text 文字: separated text and Parquet made into text tables, with what is wrong with the rows left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from tongpin.base.errors import RecordsError
from tongpin.records.case.rules import finding
from tongpin.records.files.csv_rows import first_line, header, rows_of, with_line_ends
from tongpin.records.files.encodings import REPLACEMENT, Decoded, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tongpin.base.findings import Finding
    from tongpin.records.files.csv_rows import Rows

__all__ = [
    "REPLACEMENT",
    "Decoded",
    "TextTable",
    "decode",
    "encoded_table_of",
    "header",
    "load",
    "parse",
    "table_of",
    "unique_labels",
]

BLOCK_BYTES = 8 << 20
ENCODED = pa.dictionary(pa.int32(), pa.string())


class TextTable(NamedTuple):
    """All-text columns, the record number of each row, what is wrong with the rows left out, and how many were met."""

    table: pa.Table
    records: Any
    findings: list[Finding]
    read_count: int


def load(path: Path, choose: Callable[[Sequence[str]], dict[str, str]] | None = None) -> TextTable:
    """A whole file of separated text (plain or gz), Parquet or xlsx as a table of strings.

    `choose` maps the header to the columns to read and their names; without it all columns are read.
    Errors: `RecordsError("records.file" | "records.gzip" | "records.encoding" | "records.parquet" | "records.xlsx")`.
    """
    from tongpin.records.files.pieces import whole_table

    return whole_table(path, choose)


def parse(decoded: Decoded, name: str, choose: Callable[[Sequence[str]], dict[str, str]] | None = None) -> TextTable:
    """A separated text as a table of strings; rows with too many or too few cells, or damaged ones, are left out.

    Empty lines are no records; a header line that stands again further down is noted and left out (REC-C021), a row
    with a quote that it does not close is noted and left out (REC-C023).
    """
    data = with_line_ends(decoded.data)
    top = first_line(data)
    cells, separator = header(top)
    top = top.rstrip(b"\r\n") + b"\n"
    body = data[len(first_line(data)) :]
    rows = rows_of(body, separator, len(cells))
    made: list[TextTable] = []
    count = 0
    for part in _parts(body, rows):
        torn = part is None
        one = _parsed(decoded._replace(data=top + (part or b"")), name, choose)
        moved = [replace(found, record=found.record + count) if found.record else found for found in one.findings]
        if torn:
            moved.append(finding("REC-C023", name, count + 1))
        made.append(one._replace(records=one.records + count, findings=moved))
        count += one.read_count + torn
    if len(made) == 1:
        return made[0]._replace(read_count=count)
    return TextTable(
        pa.concat_tables([one.table for one in made]).combine_chunks(),
        np.concatenate([one.records for one in made]),
        [found for one in made for found in one.findings],
        count,
    )


def _parts(body: bytes, rows: Rows) -> list[bytes | None]:
    """The rows without empty lines, in one piece between torn rows; None for each torn row."""
    if not rows.empty.any() and not rows.torn.any():
        return [body]
    parts: list[bytes | None] = []
    kept: list[bytes] = []
    for start, end, empty, torn in zip(rows.starts, rows.ends, rows.empty, rows.torn, strict=True):
        if torn:
            parts += [b"".join(kept), None] if kept else [None]
            kept = []
        elif not empty:
            kept.append(body[start:end])
    return [*parts, b"".join(kept)] if kept or not parts else parts


def _parsed(decoded: Decoded, name: str, choose: Callable[[Sequence[str]], dict[str, str]] | None) -> TextTable:
    """A separated text in which every quote is closed, and no line is empty, as a table of strings."""
    data = decoded.data
    cells, separator = header(data)
    labels = unique_labels(cells)
    chosen = dict(zip(labels, labels, strict=True)) if choose is None else choose(labels)
    ragged: dict[int, str] = {}
    # The row itself may name a person, so the finding only counts its cells.

    def skip(row: Any) -> str:
        # The parser counts lines from 1, the header among them.
        ragged[row.number - 1] = f"{row.actual_columns} 列，应为 {row.expected_columns} 列"
        return "skip"

    table = _read_csv(data, labels, separator, list(chosen) or labels[:1], skip)
    count = table.num_rows + len(ragged)
    again = _header_rows(table)
    table = table.select(list(chosen)).rename_columns(list(chosen.values()))
    records = np.array([number for number in range(1, count + 1) if number not in ragged], dtype=np.int64)
    findings = [finding("REC-C004", name, number, "", text) for number, text in ragged.items()]
    findings += [finding("REC-C021", name, int(number)) for number in records[again]]
    left_out = again
    if decoded.damaged:
        places = _damaged(table)
        findings += [finding("REC-E001", name, int(records[row]), places[row]) for row in places if not again[row]]
        left_out = again.copy()
        left_out[list(places)] = True
    if left_out.any():
        table, records = table.filter(pa.array(~left_out)), records[~left_out]
    return TextTable(table, records, findings, count)


def _header_rows(table: pa.Table) -> Any:
    """The mask of rows that are the header line once more, as in exports put one after another."""
    again = np.ones(table.num_rows, dtype=bool)
    for name in table.column_names:
        if not again.any():
            break
        same = pc.equal(pc.utf8_trim_whitespace(table[name]), name.partition("#")[0])
        again &= np.asarray(same.to_numpy(), dtype=bool)
    return again


def _damaged(table: pa.Table) -> dict[int, str]:
    """The rows in which some text holds a replaced byte, and the first column where it does."""
    places: dict[int, str] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        for row in np.flatnonzero(pc.match_substring(column, REPLACEMENT).to_numpy()):
            places.setdefault(int(row), name)
    return dict(sorted(places.items()))


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


def unique_labels(names: Sequence[str]) -> list[str]:
    """Header cells made unique: the second `A` becomes `A#2`."""
    seen: dict[str, int] = {}
    labels: list[str] = []
    for name in names:
        text = name.replace("\ufeff", "").strip()
        seen[text] = seen.get(text, 0) + 1
        labels.append(text if seen[text] == 1 else f"{text}#{seen[text]}")
    return labels


def table_of(table: pa.Table, choose: Callable[[Sequence[str]], dict[str, str]] | None = None) -> TextTable:
    """A typed table with every column as string or list<string>, its records counted from 1."""
    if choose is not None:
        wanted = choose(table.column_names)
        table = table.select(list(wanted)).rename_columns(list(wanted.values()))
    try:
        texts = pa.table({name: _as_text(table.column(name)) for name in table.column_names})
    except pa.ArrowException as error:
        raise RecordsError(
            "records.parquet", "Parquet 的列不能读成文字", hint="请把各列导出为文字、数字或日期"
        ) from error
    return TextTable(texts, np.arange(1, table.num_rows + 1, dtype=np.int64), [], table.num_rows)


def encoded_table_of(table: pa.Table) -> TextTable:
    """A typed table with every column as string, dictionary-encoded string, or list of either, counted from 1.

    What is no text becomes text once a distinct value, not once a row.
    """
    try:
        texts = pa.table({name: _as_encoded(table.column(name)) for name in table.column_names})
    except pa.ArrowException:
        return table_of(table)
    return TextTable(texts, np.arange(1, table.num_rows + 1, dtype=np.int64), [], table.num_rows)


def _as_encoded(column: Any) -> Any:
    """One column, its values as texts, dictionary-encoded where they were or were no texts."""
    column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    kind = column.type
    if kind in (pa.string(), ENCODED, pa.list_(pa.string()), pa.list_(ENCODED)):
        return column
    if pa.types.is_nested(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        return _as_text(column)
    encoded = column if pa.types.is_dictionary(kind) else column.dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices.cast(pa.int32()), encoded.dictionary.cast(pa.string()))


def _as_text(column: Any) -> Any:
    """One column as strings, or as lists of strings."""
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return column.cast(pa.list_(pa.string()))
    return column.cast(pa.string())
