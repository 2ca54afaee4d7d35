"""The lake 数据湖: Delta tables with transactions; a killed write leaves nothing behind.

Tables are appended to, never edited: a newer version of a row is a newer row of the same key, and readers take the
newest. Reading goes through the file list of the Delta log and plain Parquet, which needs neither pandas nor a server.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from tongpin.base.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.store.home import Home

VERSION = "lake_version"
"""The load that wrote a row: 1, 2, 3 …; the highest of a key is the row in force."""
DIGEST = "row_digest"
"""A digest of the row's values, by which an unchanged row is known."""
_BOOKKEEPING = (VERSION, DIGEST)
SEPARATOR = "\x1f"
"""Stands between the parts of a key made into one text."""


class Upserted(NamedTuple):
    """What an upsert did: rows new, changed (a newer version), unchanged (left alone)."""

    new: int
    changed: int
    unchanged: int


def exists(home: Home, name: str) -> bool:
    """Whether the home has this table."""
    return bool(DeltaTable.is_deltatable(str(home.lake / name)))


def read(home: Home, name: str, columns: Sequence[str] | None = None) -> pa.Table | None:
    """Every row of a table, in no promised order, or None when the home has no such table.

    Raises StoreError `store.damaged` when the table is there but cannot be read.
    """
    if not exists(home, name):
        return None
    try:
        table = DeltaTable(str(home.lake / name))
        files = [home.lake / name / str(uri).split("/")[-1] for uri in sorted(table.file_uris())]
        schema = pa.schema(table.schema().to_arrow())
        wanted = list(columns) if columns is not None else schema.names
        parts = [_read_file(file, wanted) for file in files]
        empty = pa.schema([_plain(schema.field(column)) for column in wanted]).empty_table()
        return pa.concat_tables([empty, *parts])
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise StoreError(
            "store.damaged",
            "数据湖的这张表读不出：文件缺失或写坏",
            where=str(home.lake / name),
            hint="从备份恢复工作目录；没有备份时换一个新的工作目录，重新装载全部文件",
        ) from error


def _read_file(path: Path, columns: list[str]) -> pa.Table:
    file = pq.ParquetFile(path)
    table = file.read(columns=columns)
    return table.cast(pa.schema([_plain(field) for field in table.schema]))


def _plain(field: pa.Field) -> pa.Field:
    """Delta knows microseconds and large or view types; rooms use seconds and plain ones."""
    kind = field.type
    if pa.types.is_timestamp(kind):
        return pa.field(field.name, pa.timestamp("s"))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.field(field.name, pa.string())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.field(field.name, pa.list_(_plain(kind.value_field).type))
    return pa.field(field.name, kind)


def append(home: Home, name: str, table: pa.Table) -> None:
    """Add rows in one transaction; the first rows found the table and fix its columns."""
    home.lake.mkdir(parents=True, exist_ok=True)
    write_deltalake(str(home.lake / name), _for_delta(table), mode="append")


def upsert(home: Home, name: str, table: pa.Table, key: Sequence[str], *, aside: Sequence[str] = ()) -> Upserted:
    """Add the rows whose key is new or whose values changed; unchanged rows are left alone.

    `table` holds each key once; the columns `aside` do not make a row a changed one. Source: S901-05 (lists live
    by institution and `setl_id`), idempotent loads.
    """
    table = table.append_column(DIGEST, row_digests(table.drop_columns(list(aside))))
    keys = key_texts(table, key)
    known: dict[str, str] = {}
    version = 1
    stored = read(home, name, [*key, *_BOOKKEEPING])
    if stored is not None and stored.num_rows:
        version = pc.max(stored.column(VERSION)).as_py() + 1
        newest = stored.take(_in_force(stored, key))
        known = dict(zip(key_texts(newest, key), newest.column(DIGEST).to_pylist(), strict=True))
    digests = table.column(DIGEST).to_pylist()
    fresh = [k not in known for k in keys]
    moved = [not f and known[k] != d for f, k, d in zip(fresh, keys, digests, strict=True)]
    keep = pa.array([f or m for f, m in zip(fresh, moved, strict=True)], pa.bool_())
    rows = table.filter(keep)
    if rows.num_rows:
        append(home, name, rows.append_column(VERSION, pa.array([version] * rows.num_rows, pa.int32())))
    new, changed = sum(fresh), sum(moved)
    return Upserted(new, changed, len(keys) - new - changed)


def read_current(home: Home, name: str, key: Sequence[str]) -> pa.Table | None:
    """The row in force of each key, without the bookkeeping columns; None when there is no such table."""
    table = read(home, name)
    if table is None:
        return None
    return table.take(_in_force(table, key)).drop_columns(list(_BOOKKEEPING))


def _in_force(table: pa.Table, key: Sequence[str]) -> Any:
    """The place of the newest row of each key, in order of the rows.

    Two loads at the same moment may both write a key under the same version; then the later row of the two counts, so
    that a key never stands twice.
    """
    codes = np.asarray(_keys(table, key).dictionary_encode().combine_chunks().indices)
    order = np.lexsort((np.asarray(table.column(VERSION)), codes))
    last = np.append(codes[order][1:] != codes[order][:-1], True) if len(order) else np.array([], bool)
    return np.sort(order[last])


def key_texts(table: pa.Table, key: Sequence[str]) -> list[str]:
    """The key of each row as one text."""
    texts: list[str] = _keys(table, key).to_pylist()
    return texts


def _keys(table: pa.Table, key: Sequence[str]) -> Any:
    columns = [pc.fill_null(table.column(name).cast(pa.string()), "") for name in key]
    return pc.binary_join_element_wise(*columns, SEPARATOR)


def row_digests(table: pa.Table) -> pa.Array:
    """A digest per row over all columns in order, with missing values told from empty ones."""
    texts = [_as_text(table.column(name)) for name in table.column_names]
    joined = pc.binary_join_element_wise(*texts, SEPARATOR).to_pylist()
    return pa.array([hashlib.blake2b(text.encode(), digest_size=16).hexdigest() for text in joined], pa.string())


def _as_text(column: pa.ChunkedArray) -> pa.Array:
    kind = column.type
    if pa.types.is_list(kind):
        array = column.combine_chunks()
        values = array.flatten()
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        offsets = pc.cumulative_sum(pc.fill_null(pc.list_value_length(array), 0)).cast(pa.int32())
        start = pa.concat_arrays([pa.array([0], pa.int32()), offsets])
        return pc.binary_join(pa.ListArray.from_arrays(start, values), "\x1e")
    return pc.fill_null(column.cast(pa.string()), "\x00")


def _for_delta(table: pa.Table) -> pa.Table:
    """Delta stores no dictionaries and no time zones: decode, and keep seconds as microseconds."""
    fields = []
    for field in table.schema:
        kind = field.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        elif pa.types.is_list(kind) and pa.types.is_dictionary(kind.value_type):
            kind = pa.list_(kind.value_type.value_type)
        elif pa.types.is_timestamp(kind):
            kind = pa.timestamp("us")
        fields.append(pa.field(field.name, kind))
    return table.cast(pa.schema(fields))


def replace(home: Home, name: str, table: pa.Table, column: str, value: str) -> None:
    """Put `table` in place of the rows whose `column` equals `value`, in one transaction."""
    if not exists(home, name):
        append(home, name, table)
        return
    predicate = f"{column} = '{value}'"
    write_deltalake(str(home.lake / name), _for_delta(table), mode="overwrite", predicate=predicate)
