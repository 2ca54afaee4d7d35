"""The lake 数据湖: Delta tables with transactions; a killed write leaves nothing behind.

Tables are appended to, never edited: a newer version of a row is a newer row of the same key, and readers take the one
in force. Files are written and read as plain Parquet, code lists dictionary-encoded; the Delta log says which count.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction

from tongpin.base.errors import StoreError
from tongpin.store import versions
from tongpin.store.absent import remember_absent
from tongpin.store.digests import SEPARATOR, key_texts, row_digests
from tongpin.store.reading import Chosen, Left, chosen_mask, plain_schema, read_files, united
from tongpin.store.scope import Sight, case_table, sight_of
from tongpin.store.versions import Rows, Upserted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.store.home import Home

__all__ = [
    "DIGEST",
    "SEPARATOR",
    "VERSION",
    "Staged",
    "Upserted",
    "append",
    "begin",
    "commit",
    "exists",
    "finish",
    "found",
    "in_force_of",
    "key_texts",
    "log_state",
    "read",
    "read_current",
    "replace",
    "row_digests",
    "stage",
    "state",
    "stored_rows",
    "tidy",
    "unfinished",
    "upsert",
]

remember_absent()
VERSION = "lake_version"
"""The load that wrote a row: 1, 2, 3 …"""
DIGEST = "row_digest"
"""A digest of the row's values, by which an unchanged row is known."""
BOOKKEEPING = (VERSION, DIGEST)
COMPRESSION = {"compression": "zstd", "compression_level": 1}
_STAGED = re.compile(r"load-\d+-\d+-[0-9a-f]+\.parquet")


class Staged(NamedTuple):
    """A file written beside the lake, whose rows count once they are committed: what decides about them."""

    path: Path
    rows: Rows


def state(home: Home, name: str) -> tuple[Any, ...]:
    """What changes whenever the rows of a table do: its log, and the loads that did not end; nothing of it is read."""
    return (*log_state(home.lake / name), *sorted(unfinished(home)))


def log_state(table: Path) -> tuple[int, ...]:
    """The entries of a table's log and when one was added last; nothing where there is no table.

    Both, because a clock's tick may be longer than what lies between two writes.
    """
    log = table / "_delta_log"
    try:
        return (log.stat().st_mtime_ns, sum(1 for _ in os.scandir(log)))
    except FileNotFoundError:
        return ()


def exists(home: Home, name: str) -> bool:
    """Whether the home has this table."""
    return bool(DeltaTable.is_deltatable(str(home.lake / name)))


def read(
    home: Home,
    name: str,
    columns: Sequence[str] | None = None,
    *,
    where: tuple[str, Any] | None = None,
    within: int | None = None,
) -> pa.Table | None:
    """Every row of a table, file by file, or None when the home has no such table.

    `where` = (column, values) keeps the rows with one of the values; rows of loads that did not end are left out, but
    for those of the load `within`. A column that a file or the table lacks is null (text where nobody knows its type).
    A home within a scope gives the rows of the scope only. Raises StoreError `store.damaged` when the table is there
    but cannot be read, `store.scope` when the scope may not read it.
    """
    sight = _sight(home, name)
    chosen = [_chosen(one) for one in sight.of_key] + _of_cases(home, sight)
    if sight.of_row and sight.key:
        chosen.append(Chosen(sight.key, _keys_seen(home, name, sight)))
    elif sight.of_row:
        chosen += [_chosen(one) for one in sight.of_row]
    return _read(home, name, columns, sight, chosen, where=where, within=within)


def _read(
    home: Home,
    name: str,
    columns: Sequence[str] | None,
    sight: Sight,
    chosen: Sequence[Chosen],
    *,
    where: tuple[str, Any] | None = None,
    within: int | None = None,
) -> pa.Table | None:
    if not exists(home, name):
        return None
    try:
        table = DeltaTable(str(home.lake / name))
        schema = plain_schema(pa.schema(table.schema().to_arrow()))
        hidden = sorted(unfinished(home) - {within}) if VERSION in schema.names else []
        files = [home.lake / name / str(uri).split("/")[-1] for uri in sorted(table.file_uris())]
        wanted = list(columns) if columns is not None else schema.names
        fields = [schema.field(one) if one in schema.names else pa.field(one, pa.string()) for one in wanted]
        asked = [] if where is None else [Chosen((where[0],), pc.unique(where[1].cast(pa.string())).drop_null())]
        parts = read_files(files, fields, Left(VERSION, hidden), [*chosen, *asked])
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise StoreError(
            "store.damaged",
            "数据湖的这张表读不出：文件缺失或写坏",
            where=str(home.lake / name),
            hint="从备份恢复工作目录；没有备份时换一个新的工作目录，重新装载全部文件",
        ) from error
    return _blanked(united(fields, parts), sight)


def _sight(home: Home, name: str) -> Sight:
    """What of a table the home may see; everything where it is not within a scope."""
    return Sight() if home.scope is None else sight_of(home.scope, name)


def _chosen(wanted: tuple[str, frozenset[str]]) -> Chosen:
    column, values = wanted
    return Chosen((column,), pa.array(sorted(values), pa.string()))


def _of_cases(home: Home, sight: Sight) -> list[Chosen]:
    """The rows whose cases are seen, where they are judged by their cases."""
    if sight.by_case is None:
        return []
    cases = case_table()
    of_cases = _sight(home, cases.table)
    return [Chosen(sight.by_case, _keys_seen(home, cases.table, of_cases, (cases.institution, cases.case)))]


def _keys_seen(home: Home, name: str, sight: Sight, names: Sequence[str] | None = None) -> Any:
    """The keys (or the columns `names` of them, as one text) whose row in force a scope sees."""
    if not exists(home, name):
        return pa.array([], pa.string())
    table = DeltaTable(str(home.lake / name))
    state = (str(table.metadata().id), table.version(), frozenset(unfinished(home)))
    return _keys_seen_at(home, name, sight, tuple(names or sight.key), state)


@lru_cache(maxsize=32)
def _keys_seen_at(home: Home, name: str, sight: Sight, names: tuple[str, ...], _: Any) -> Any:
    """The same in one state of the table: its identity and version, and the loads that do not count yet."""
    table = read_current(home, name, sight.key, columns=sight.key, order=sight.order)
    return pc.unique(key_texts(table, names))


def _blanked(table: pa.Table, sight: Sight) -> pa.Table:
    """The table with the columns that are not shown left blank."""
    if sight.shown is None:
        return table
    arrays = [
        table[one.name] if one.name in sight.shown else pa.nulls(table.num_rows, one.type) for one in table.schema
    ]
    return pa.table(arrays, schema=table.schema)


def read_current(
    home: Home,
    name: str,
    key: Sequence[str],
    *,
    columns: Sequence[str] | None = None,
    order: str | None = None,
    as_of: int | None = None,
    within: int | None = None,
    where: tuple[str, Any] | None = None,
) -> pa.Table | None:
    """The row in force of each key, without the bookkeeping columns; None when there is no such table.

    In force is the highest by (`order`, load, place); `as_of` shows it as it was after that load. `columns` limits
    what is read, and `where` = (column of the key, values) which keys. Source: S901-05.
    """
    if where is not None and where[0] not in key:
        raise ValueError(f"{where[0]} is not of the key: a newer version of a row might not be met")
    sight = _sight(home, name)
    late = [_chosen(one) for one in sight.of_row]
    needed = None
    if columns is not None:
        judged = [one.columns[0] for one in late]
        needed = list(dict.fromkeys([*columns, *key, VERSION, *([order] if order else []), *judged]))
    early = [*(_chosen(one) for one in sight.of_key), *_of_cases(home, sight)]
    table = _read(home, name, needed, sight, early, within=within, where=where)
    if table is None:
        return None
    if as_of is not None:
        table = table.filter(pc.less_equal(table[VERSION], as_of))
    table = in_force_of(table, key, order)
    # What a row says besides its key may have been corrected: only the row in force says whose it is.
    for one in late:
        table = table.filter(chosen_mask(table, one))
    return table.select(columns) if columns is not None else table.drop_columns(list(BOOKKEEPING))


def in_force_of(table: pa.Table, key: Sequence[str], order: str | None = None) -> pa.Table:
    """The rows in force among all rows of their keys."""
    codes = versions.key_codes(key_texts(table, key))
    valid = versions.in_force(codes, versions.ranks_of(table, order), np.asarray(table.column(VERSION)))
    return table if valid.all() else table.filter(pa.array(valid))


def stored_rows(
    home: Home, name: str, key: Sequence[str], order: str | None = None, *, within: int | None = None
) -> tuple[Rows, Any]:
    """What decides about the rows that a table holds, and the load that wrote each."""
    wanted = list(dict.fromkeys([*key, *BOOKKEEPING, *([order] if order else [])]))
    table = read(home, name, wanted, within=within)
    if table is None:
        return versions.no_rows(), np.zeros(0, np.int32)
    rows = Rows(_whole(key_texts(table, key)), _whole(table[DIGEST]), versions.ranks_of(table, order))
    return rows, np.asarray(table[VERSION])


def _whole(column: Any) -> Any:
    return pa.concat_arrays(column.chunks or [pa.array([], column.type)]) if hasattr(column, "chunks") else column


def begin(home: Home, names: Sequence[str]) -> int:
    """The number of a new load; until `finish` its rows, in whatever table, are not in force.

    `names` are the tables that loads write.
    """
    home.check_writable()
    taken = unfinished(home)
    for name in names:
        table = read(home, name, [VERSION]) if exists(home, name) else None
        if table is not None and table.num_rows:
            taken.add(pc.max(table[VERSION]).as_py())
    number: int = max(taken, default=0) + 1
    _marks(home).mkdir(parents=True, exist_ok=True)
    (_marks(home) / str(number)).touch()
    return number


def finish(home: Home, number: int) -> None:
    """Put the rows of a load in force, those of all tables in one moment."""
    home.check_writable()
    (_marks(home) / str(number)).unlink()


def unfinished(home: Home) -> set[int]:
    """The loads that did not end: they run, or were cut off; what they wrote counts for nothing."""
    return {int(mark.name) for mark in _marks(home).glob("*") if mark.name.isdigit()}


def _marks(home: Home) -> Path:
    return home.lake / ".unfinished"


def found(home: Home, name: str, schema: pa.Schema) -> None:
    """Make the table, or add the columns that it lacks; rows written before have them null."""
    home.check_writable()
    place = home.lake / name
    schema = _delta_schema(schema)
    if not exists(home, name):
        place.mkdir(parents=True, exist_ok=True)
        DeltaTable.create(str(place), schema=schema)
        return
    table = DeltaTable(str(place))
    present = {field.name for field in table.schema().fields}
    missing = [field for field in schema if field.name not in present]
    if missing:
        from deltalake import Schema

        table.alter.add_columns(list(Schema.from_arrow(pa.schema(missing)).fields))


def stage(
    folder: Path,
    place: int,
    table: pa.Table,
    key: Sequence[str],
    *,
    load: int,
    order: str | None = None,
    aside: Sequence[str] = (),
) -> Staged:
    """Write rows of a load beside the lake; `place` is the order of the files among themselves.

    The columns `aside` do not make a row a changed one.
    """
    digests = row_digests(table.drop_columns([one for one in aside if one in table.column_names]))
    kept = table.append_column(VERSION, pa.array(np.full(table.num_rows, load, np.int32)))
    path = folder / f"load-{load:06d}-{place:06d}-{secrets.token_hex(6)}.parquet"
    _write(kept.append_column(DIGEST, digests.cast(pa.binary())), path)
    return Staged(path, Rows(_whole(key_texts(table, key)), digests, versions.ranks_of(table, order)))


def commit(
    home: Home,
    name: str,
    schema: pa.Schema,
    staged: Sequence[tuple[Staged, Any]],
) -> None:
    """Add the rows of staged files, each with the mask of rows to keep, in one transaction.

    `schema` is that of the table, without bookkeeping. Files without rows to keep are deleted.
    """
    fields = [*schema, pa.field(VERSION, pa.int32()), pa.field(DIGEST, pa.binary())]
    found(home, name, pa.schema(fields))
    actions = []
    for one, mask in staged:
        if not mask.any():
            one.path.unlink()
            continue
        target = home.lake / name / one.path.name
        if mask.all():
            one.path.rename(target)
        else:
            kept = pq.ParquetFile(one.path).read().filter(pa.array(mask))
            _write(kept, target)
            one.path.unlink()
        actions.append(_added(target, int(mask.sum())))
    _transact(home, name, actions)


def tidy(home: Home, name: str) -> None:
    """Delete the files that a load, cut off, moved here without committing them; for the one writer of the home."""
    home.check_writable()
    place = home.lake / name
    if not exists(home, name):
        return
    counted = {str(uri).split("/")[-1] for uri in DeltaTable(str(place)).file_uris()}
    for file in place.glob("load-*.parquet"):
        if _STAGED.fullmatch(file.name) and file.name not in counted:
            file.unlink()


def append(home: Home, name: str, table: pa.Table) -> None:
    """Add rows in one transaction; the first rows found the table, later ones may bring columns of their own."""
    found(home, name, table.schema)
    target = home.lake / name / f"part-{secrets.token_hex(12)}.parquet"
    _write(table, target)
    _transact(home, name, [_added(target, table.num_rows)])


def _write(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, coerce_timestamps="us", **COMPRESSION)


def _added(path: Path, rows: int) -> AddAction:
    stats = json.dumps({"numRecords": rows})
    return AddAction(path.name, path.stat().st_size, {}, int(time.time() * 1000), True, stats)


def _transact(home: Home, name: str, actions: list[AddAction]) -> None:
    if actions:
        table = DeltaTable(str(home.lake / name))
        table.create_write_transaction(actions, "append", table.schema())


def upsert(
    home: Home,
    name: str,
    table: pa.Table,
    key: Sequence[str],
    *,
    aside: Sequence[str] = (),
    order: str | None = None,
    load: int | None = None,
) -> Upserted:
    """Add the rows whose key is new or whose values changed; unchanged rows are left alone.

    The columns `aside` do not make a row a changed one; by `order` an older row is kept without coming in force. A
    key may stand several times only with different `order`. The rows belong to `load`, or to a load of their own.
    Source: S901-05 (lists live by institution and `setl_id`), idempotent loads.
    """
    digests = row_digests(table.drop_columns([one for one in aside if one in table.column_names]))
    coming = Rows(_whole(key_texts(table, key)), digests, versions.ranks_of(table, order))
    stored, loads = stored_rows(home, name, key, order, within=load)
    verdict = versions.judge(coming, stored, loads)
    keep = verdict != versions.UNCHANGED
    if keep.any():
        version = int(loads.max(initial=0)) + 1 if load is None else load
        rows = table.append_column(VERSION, pa.array(np.full(table.num_rows, version, np.int32)))
        rows = rows.append_column(DIGEST, digests.cast(pa.binary()))
        append(home, name, rows if keep.all() else rows.filter(pa.array(keep)))
    return versions.counted(verdict)


def _delta_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema([pa.field(field.name, _delta_type(field.type)) for field in schema])


def _delta_type(kind: pa.DataType) -> pa.DataType:
    """Delta knows no dictionaries and no seconds."""
    if pa.types.is_dictionary(kind):
        return _delta_type(kind.value_type)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    if pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    if pa.types.is_list(kind):
        return pa.list_(_delta_type(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _delta_type(field.type)) for field in kind])
    return kind


def _for_delta(table: pa.Table) -> pa.Table:
    """The table in the types of Delta, for the writer of the Delta library."""
    return table.cast(_delta_schema(table.schema))


def replace(home: Home, name: str, table: pa.Table, column: str, value: str) -> None:
    """Put `table` in place of the rows whose `column` equals `value`, in one transaction."""
    if not exists(home, name):
        append(home, name, table)
        return
    home.check_writable()
    predicate = f"{column} = '{value}'"
    write_deltalake(str(home.lake / name), _for_delta(table), mode="overwrite", predicate=predicate)
