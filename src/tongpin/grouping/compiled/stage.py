"""The grouping stage 分组环节: a case table in, the same table with `status, mdc, adrg, drg` out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tongpin.grouping.compiled import columns
from tongpin.grouping.compiled.compiler import CompiledScheme, compile_scheme
from tongpin.grouping.compiled.kernel import group_cases

if TYPE_CHECKING:
    from tongpin.grouping.tables.model import SchemeTables

RESULT_COLUMNS = ("status", "mdc", "adrg", "drg")
BLOCK_ROWS = 1 << 16
"""Rows handed to the kernel at once: what it needs of them stays in the processor's cache."""

_COMPILED: dict[str, CompiledScheme] = {}
_COMPILING = Lock()


def compiled(scheme: SchemeTables | CompiledScheme) -> CompiledScheme:
    """The compiled form of a scheme, kept by its digest for the life of the process; one that is compiled is itself."""
    if isinstance(scheme, CompiledScheme):
        return scheme
    found = _COMPILED.get(scheme.digest)
    if found is None:
        with _COMPILING:  # threads that come meanwhile wait for the one that compiles
            found = _COMPILED.get(scheme.digest)
            if found is None:
                found = _COMPILED[scheme.digest] = compile_scheme(scheme)
    return found


def group(cases: pa.Table, scheme: SchemeTables | CompiledScheme, threads: int = 1) -> pa.Table:
    """Group every case of a table.

    Reads `sex, age, age_days, birth_weight, dept, los, discharge_way, dx, px, icu_hours, code_map` and the fields that
    the scheme declares (numbers typed, null or NaN = missing; code lists of strings or dictionary-encoded strings,
    principal first; a column that is absent counts as missing) and appends four dictionary-encoded text columns. Pure;
    the order of rows is kept, and any number of threads gives the same answer.
    Raises `TongpinError`: `group.column` for numbers given as text and codes not given as lists, `group.damaged` for
    Arrow memory whose parts contradict each other.
    """
    tables = compiled(scheme)
    words = [_distinct(words) for words in (tables.statuses, tables.mdcs, tables.adrgs, tables.drgs)]
    indices = _result_indices(cases, tables, [places for _, places in words], threads)
    for name, (dictionary, _), index in zip(RESULT_COLUMNS, words, indices, strict=True):
        column = pa.DictionaryArray.from_arrays(pa.array(index), dictionary)
        if name in cases.column_names:
            cases = cases.drop_columns([name])
        cases = cases.append_column(name, column)
    return cases


def _distinct(words: list[str]) -> tuple[pa.Array, Any]:
    """Each word once (many outcomes share a status or an MDC), and where the word of every outcome stands."""
    places = {word: index for index, word in enumerate(dict.fromkeys(words))}
    return pa.array(list(places), pa.string()), np.array([places[word] for word in words], np.int32)


def _result_indices(cases: pa.Table, tables: CompiledScheme, words: list[Any], threads: int) -> list[Any]:
    """For each result column the dictionary index of every case (int32)."""
    read = columns.chosen(cases, tables)
    if not read.num_columns:
        return [np.full(cases.num_rows, places[tables.check_failed], np.int32) for places in words]
    found = [np.empty(cases.num_rows, np.int32) for _ in words]
    lookups = columns.Lookups(tables)
    batches = read.to_batches(max_chunksize=BLOCK_ROWS)
    ends = np.cumsum([batch.num_rows for batch in batches])

    def one(batch: pa.RecordBatch, end: int) -> None:
        outcome = _group_batch(batch, tables, lookups)
        for places, column in zip(words, found, strict=True):
            places.take(outcome, out=column[end - batch.num_rows : end], mode="clip")

    if threads > 1 and len(batches) > 1:
        with ThreadPoolExecutor(min(threads, len(batches))) as pool:
            list(pool.map(one, batches, ends))
    else:
        for batch, end in zip(batches, ends, strict=True):
            one(batch, end)
    return found


def _group_batch(batch: pa.RecordBatch, tables: CompiledScheme, lookups: columns.Lookups) -> Any:
    """The outcome number of each case (int32)."""
    count = batch.num_rows
    mapped = columns.mapped_cases(batch)
    dx, px = (columns.codes(batch, name, lookups, with_map=len(mapped) > 0) for name in ("dx", "px"))
    numbers = np.empty((len(tables.number_fields), count), np.float64)
    for row, name in zip(numbers, tables.number_fields, strict=True):
        if name in {"dx_count", "px_count"}:
            _, start, stop, _ = dx if name == "dx_count" else px
            np.subtract(stop, start, out=row)
        else:
            values = columns.numbers(batch, name)
            row[:] = np.nan if values is None else values
    texts = np.empty((len(tables.text_fields), count), np.int32)
    for row, name in zip(texts, tables.text_fields, strict=True):
        row[:] = columns.text_cells(batch, name, tables.text_values[name])
    cells, result = np.empty(len(tables.cell_start), np.int32), np.empty(count, np.int32)
    group_cases(*tables.packed, *(columns.frozen(part) for part in (numbers, texts, mapped)), *dx, *px, cells, result)
    return result
