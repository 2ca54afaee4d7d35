"""The lake 数据湖: Delta tables with transactions; a killed write leaves nothing behind.

Tables are appended to, never edited: a newer version of a row is a newer row of the same key, and readers take the
newest. Reading goes through the file list of the Delta log and plain Parquet, which needs neither pandas nor a server.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.store.home import Home

VERSION = "lake_version"
"""The load that wrote a row: 1, 2, 3 …; the highest of a key is the row in force."""
DIGEST = "row_digest"
"""A digest of the row's values, by which an unchanged row is known."""
_BOOKKEEPING = (VERSION, DIGEST)


class Upserted:
    """What an upsert did: rows new, changed (a newer version), unchanged (left alone); keys of the changed ones."""

    def __init__(self, new: int, changed: int, unchanged: int, changed_keys: list[str]) -> None:
        self.new = new
        self.changed = changed
        self.unchanged = unchanged
        self.changed_keys = changed_keys


def exists(home: Home, name: str) -> bool:
    """Whether the home has this table."""
    return bool(DeltaTable.is_deltatable(str(home.lake / name)))


def read(home: Home, name: str, columns: Sequence[str] | None = None) -> pa.Table | None:
    """Every row of a table, in no promised order, or None when the home has no such table."""
    if not exists(home, name):
        return None
    table = DeltaTable(str(home.lake / name))
    files = [home.lake / name / file.split("/")[-1] for file in sorted(_files(table))]
    schema = pa.schema(table.schema().to_arrow())
    wanted = list(columns) if columns is not None else schema.names
    parts = [_read_file(file, wanted) for file in files]
    if not parts:
        return pa.schema([_plain(schema.field(column)) for column in wanted]).empty_table()
    return pa.concat_tables(parts)


def _files(table: DeltaTable) -> list[str]:
    return [str(uri) for uri in table.file_uris()]


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
    if exists(home, name):
        stored = read(home, name, [*key, *_BOOKKEEPING])
        if stored is not None and stored.num_rows:
            version = pc.max(stored.column(VERSION)).as_py() + 1
            ordered = stored.sort_by(VERSION)
            known = dict(zip(key_texts(ordered, key), ordered.column(DIGEST).to_pylist(), strict=True))
    digests = table.column(DIGEST).to_pylist()
    fresh = [k not in known for k in keys]
    moved = [not f and known[k] != d for f, k, d in zip(fresh, keys, digests, strict=True)]
    keep = pa.array([f or m for f, m in zip(fresh, moved, strict=True)], pa.bool_())
    rows = table.filter(keep)
    if rows.num_rows:
        append(home, name, rows.append_column(VERSION, pa.array([version] * rows.num_rows, pa.int32())))
    new, changed = sum(fresh), sum(moved)
    changed_keys = [k for k, m in zip(keys, moved, strict=True) if m]
    return Upserted(new, changed, len(keys) - new - changed, changed_keys)


def read_current(home: Home, name: str, key: Sequence[str]) -> pa.Table | None:
    """The row in force of each key, without the bookkeeping columns; None when there is no such table."""
    table = read(home, name)
    if table is None:
        return None
    if table.num_rows and pc.max(table.column(VERSION)).as_py() > 1:
        newest: dict[str, int] = {}
        versions = table.column(VERSION).to_pylist()
        keys = key_texts(table, key)
        for k, v in zip(keys, versions, strict=True):
            newest[k] = max(v, newest.get(k, 0))
        table = table.filter(pa.array([newest[k] == v for k, v in zip(keys, versions, strict=True)], pa.bool_()))
    return table.drop_columns(list(_BOOKKEEPING))


def key_texts(table: pa.Table, key: Sequence[str]) -> list[str]:
    """The key of each row as one text."""
    columns = [pc.fill_null(table.column(name).cast(pa.string()), "") for name in key]
    joined: list[str] = pc.binary_join_element_wise(*columns, "\x1f").to_pylist()
    return joined


def row_digests(table: pa.Table) -> pa.Array:
    """A digest per row over all columns in order, with missing values told from empty ones."""
    texts = [_as_text(table.column(name)) for name in table.column_names]
    joined = pc.binary_join_element_wise(*texts, "\x1f").to_pylist()
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
