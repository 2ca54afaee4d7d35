"""Digests 行摘要: a digest of what a row says, whatever columns the program knows besides."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DIGEST_BYTES = 16
SLICE_ROWS = 1 << 16
"""Rows whose texts are in memory at a time."""
SEPARATOR = "\x1f"
"""Stands between the parts of a key made into one text, and between the values of a row."""
_NAME_END, _ENTRY_END = "\x1d", "\x1e"


def key_texts(table: pa.Table, key: Iterable[str]) -> pa.Array:
    """The key of each row as one text."""
    columns = [pc.fill_null(_whole(table.column(name)).cast(pa.string()), "") for name in key]
    return pc.binary_join_element_wise(*columns, SEPARATOR)


def row_digests(table: pa.Table) -> pa.Array:
    """A digest per row (16 bytes) over the names and values of the columns that are not null.

    Columns that a row leaves null, and lists without entries, count for nothing: a column added later changes no
    digest. Missing values are told from empty texts.
    """
    made = b"".join(
        digest for first in range(0, table.num_rows, SLICE_ROWS) for digest in _digests(table.slice(first, SLICE_ROWS))
    )
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(DIGEST_BYTES), table.num_rows, [None, pa.py_buffer(made)])


def _digests(table: pa.Table) -> Iterator[bytes]:
    joined = _joined({name: _whole(table.column(name)) for name in table.column_names}, table.num_rows)
    ends = np.frombuffer(joined.buffers()[1], np.int32)[joined.offset :][: len(joined) + 1].tolist()
    texts = memoryview(joined.buffers()[2] or b"")
    return (hashlib.blake2b(texts[start:end], digest_size=DIGEST_BYTES).digest() for start, end in pairwise(ends))


def as_numbers(digests: pa.Array) -> Any:
    """Digests as pairs of 64-bit numbers, which compare fast."""
    fixed = digests.cast(pa.binary(DIGEST_BYTES))
    flat = np.frombuffer(fixed.buffers()[1], np.uint64)
    return flat[2 * fixed.offset :][: 2 * len(fixed)].reshape(-1, 2)


def _whole(column: Any) -> Any:
    """A column in one piece."""
    if isinstance(column, pa.ChunkedArray):
        return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return column


def _joined(columns: dict[str, Any], size: int) -> Any:
    """The named values of each row as one text, without the missing ones."""
    # Arrow drops a row of which all parts are skipped: one part is always there.
    parts = [pa.array([""] * size, pa.string())]
    for name in sorted(columns):
        texts = _texts(columns[name])
        if texts.null_count < size:
            parts.append(pc.binary_join_element_wise(pa.scalar(name), texts, _NAME_END))
    return pc.binary_join_element_wise(*parts, SEPARATOR, null_handling="skip")


def _texts(column: Any) -> Any:
    """A column as texts, null where it says nothing."""
    kind = column.type
    if pa.types.is_map(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _list_texts(column)
    if pa.types.is_struct(kind):
        fields = dict(zip((field.name for field in kind), column.flatten(), strict=True))
        return pc.if_else(column.is_valid(), _joined(fields, len(column)), pa.scalar(None, pa.string()))
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("s")).cast(pa.int64())
    elif pa.types.is_date32(kind):
        column = column.cast(pa.int32())
    elif pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
        column = pa.array([None if one is None else one.hex() for one in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def _list_texts(column: Any) -> Any:
    """Lists as texts of their entries in order; a list without entries says nothing."""
    if pa.types.is_map(column.type):
        column = column.cast(pa.list_(pa.struct([("key", column.type.key_type), ("value", column.type.item_type)])))
    counts = pc.fill_null(pc.list_value_length(column), 0).cast(pa.int32())
    starts = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(counts)])
    entries = pc.fill_null(_texts(column.flatten()), "\x00")
    texts = pc.binary_join(pa.ListArray.from_arrays(starts, entries), _ENTRY_END)
    return pc.if_else(pc.greater(counts, 0), texts, pa.scalar(None, pa.string()))
