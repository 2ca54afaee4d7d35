"""Reading 读文件: the Parquet files of a table, several at a time, only the columns and rows that are wanted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tongpin.store.digests import key_texts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

THREADS = 2
"""So many files are read at a time."""


class Left(NamedTuple):
    """The loads whose rows are left out, and the column that says the load of a row."""

    column: str
    loads: Sequence[int]


class Chosen(NamedTuple):
    """The rows that are wanted: those with one of the texts in a column, or of the key texts in several."""

    columns: tuple[str, ...]
    values: pa.Array


def read_files(
    files: Sequence[Path], fields: Sequence[pa.Field], left: Left, chosen: Sequence[Chosen]
) -> list[pa.Table]:
    """The rows of each file that has any wanted one, in the order of the files; a column that a file lacks is null."""

    def one(path: Path) -> pa.Table | None:
        return _read_file(path, fields, left, chosen, alone=len(files) == 1)

    if len(files) == 1:
        found = [one(files[0])]
    else:
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(one, files))
    return [part for part in found if part is not None]


def _read_file(
    path: Path, fields: Sequence[pa.Field], left: Left, chosen: Sequence[Chosen], *, alone: bool
) -> pa.Table | None:
    """The rows of a file; None where its statistics or its column say that none is wanted."""
    with pq.ParquetFile(path) as file:
        there = set(file.schema_arrow.names)
        mask = None
        for one in chosen:
            if not there.issuperset(one.columns) or not _may_hold(file.metadata, one):
                return None
            held = chosen_mask(_read_columns(file, list(one.columns), threads=alone), one)
            mask = held if mask is None else pc.and_(mask, held)
            if not pc.any(mask).as_py():
                return None
        needed = [field.name for field in fields]
        extra = [left.column] if left.loads and left.column not in needed else []
        table = _read_columns(file, [one for one in [*needed, *extra] if one in there], threads=alone)
        rows = file.metadata.num_rows
    if left.loads:
        shown = pc.invert(pc.is_in(table[left.column], pa.array(left.loads, pa.int32())))
        mask = shown if mask is None else pc.and_(mask, shown)
    if mask is not None:
        rows = pc.sum(mask).as_py() or 0
        table = table.filter(mask) if rows else table.slice(0, 0)
    arrays = [table[field.name] if field.name in there else pa.nulls(rows, field.type) for field in fields]
    return pa.table(arrays, names=needed)


def chosen_mask(table: pa.Table, chosen: Chosen) -> Any:
    """The mask of the wanted rows; a missing value is none of them."""
    texts = table[chosen.columns[0]] if len(chosen.columns) == 1 else key_texts(table, chosen.columns)
    return pc.is_in(texts, chosen.values)


def _read_columns(file: pq.ParquetFile, names: list[str], *, threads: bool) -> pa.Table:
    """Some columns of a file in the types of rooms."""
    table = file.read(columns=names, use_threads=threads)
    plain = plain_schema(table.schema.remove_metadata())
    return table if table.schema.equals(plain) else table.cast(plain)


def _may_hold(held: pq.FileMetaData, chosen: Chosen) -> bool:
    """Whether the statistics of a file leave it open that a column holds one of the texts."""
    if len(chosen.columns) > 1:
        return True
    (name,), values = chosen
    groups = [held.row_group(number) for number in range(held.num_row_groups)]
    place = next(n for n in range(held.num_columns) if held.schema.column(n).path == name)
    for group in groups:
        found = group.column(place).statistics
        if found is None or not found.has_min_max or not isinstance(found.min, str):
            return True
        inside = pc.and_(pc.greater_equal(values, found.min), pc.less_equal(values, found.max))
        if pc.any(inside).as_py():
            return True
    return False


@lru_cache(maxsize=256)
def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The columns of a file or of Delta in the types that rooms know."""
    return pa.schema([_plain(field) for field in schema])


def united(fields: Sequence[pa.Field], parts: Sequence[pa.Table]) -> pa.Table:
    """The parts one after another; a code list that one part has encoded is encoded in all."""
    encoded = {
        field.name
        for part in parts
        for field in part.schema
        if pa.types.is_list(field.type) and pa.types.is_dictionary(field.type.value_type)
    }
    kinds = {field.name: pa.list_(pa.dictionary(pa.int32(), pa.string())) for field in fields if field.name in encoded}
    schema = pa.schema([pa.field(field.name, kinds.get(field.name, field.type)) for field in fields])
    made = [part if part.schema == schema else _as(part, schema) for part in parts]
    return pa.concat_tables([schema.empty_table(), *made])


def _as(part: pa.Table, schema: pa.Schema) -> pa.Table:
    arrays = []
    for field in schema:
        column = part[field.name]
        if column.type != field.type and pa.types.is_list(field.type) and pa.types.is_list(column.type):
            chunks = [_encoded(chunk) for chunk in column.chunks]
            column = pa.chunked_array(chunks, field.type)
        arrays.append(column if column.type == field.type else column.cast(field.type))
    return pa.table(arrays, schema=schema)


def _encoded(lists: Any) -> Any:
    """A list of texts as a list of dictionary-encoded texts."""
    counts = pc.fill_null(pc.list_value_length(lists), 0).cast(pa.int32())
    starts = pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(counts)])
    return pa.ListArray.from_arrays(starts, lists.flatten().dictionary_encode(), mask=lists.is_null())


def _plain(field: pa.Field) -> pa.Field:
    """Files hold microseconds, Delta large or view types; rooms use seconds and plain ones, but encoded code lists."""
    return pa.field(field.name, _plain_type(field.type))


def _plain_type(kind: pa.DataType, *, nested: bool = False) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("s")
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    if pa.types.is_dictionary(kind):
        return pa.dictionary(pa.int32(), pa.string()) if nested else _plain_type(kind.value_type)
    if pa.types.is_map(kind):
        return pa.map_(_plain_type(kind.key_type), _plain_type(kind.item_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_plain_type(kind.value_type, nested=True))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _plain_type(field.type)) for field in kind])
    return kind
