"""Crosswalk 转码: code lists of one version into the other by an imported map, code by code.

Only what maps one to one is translated; the engine for conditions and choices comes with the audit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case.schema import CODE_LIST, column_of

MAP_COLUMNS = ("kind", "clinical_code", "insurance_code")
KINDS = ("dx", "px")
UNMAPPED = "?"
"""Stands before a code that a map does not bring over."""
_SPAN = 2**22
_ZERO = 2**21
"""Days of the map are carried beside the code in one integer: `code x span + zero + day`."""


class Translated(NamedTuple):
    """Cases with translated code lists, and the codes without one target: `row, column, code`."""

    cases: pa.Table
    unmapped: pa.Table


def translate(cases: pa.Table, code_map: pa.Table, days: Any) -> Translated:
    """The `dx` and `px` of cases with `code_map` 1 translated by a 对照表; their `code_map` becomes 0.

    `code_map`: `kind` (dx | px, null = both), `clinical_code`, `insurance_code`, optionally `valid_from`, `condition`;
    the direction is that of the cases (`code_version` insurance is translated back). `days`: the day of each case that
    decides (`datetime64[D]`). A code without exactly one unconditional target on its day is marked (`?I63.900`) and so
    unknown to every scheme: in the other version it may mean something else. Source: S001-70.
    """
    wanted = _mask(pc.equal(column_of(cases, "code_map"), 1))
    back = _mask(pc.equal(column_of(cases, "code_version"), "insurance"))
    left = []
    for name in KINDS:
        lists = column_of(cases, name)
        for rows, ends in ((wanted & ~back, MAP_COLUMNS[1:]), (wanted & back, MAP_COLUMNS[:0:-1])):
            if rows.any():
                lists, lost = _column(lists, _Map(code_map, name, *ends), rows, days)
                left.append(lost.append_column("column", pa.array([name] * lost.num_rows, pa.string())))
        cases = cases.set_column(cases.column_names.index(name), name, lists)
    done = {
        "code_map": pc.if_else(pa.array(wanted), pa.scalar(0, pa.int8()), column_of(cases, "code_map")),
        "code_version": pc.if_else(
            pa.array(wanted),
            pc.if_else(pa.array(back), "clinical", "insurance"),
            column_of(cases, "code_version"),
        ),
    }
    for name, column in done.items():
        cases = cases.set_column(cases.column_names.index(name), name, column)
    empty = pa.schema([("row", pa.int64()), ("code", pa.string()), ("column", pa.string())]).empty_table()
    return Translated(cases, pa.concat_tables([empty, *left]))


class _Map:
    """A code map ready to be asked: sorted by code and first day, with the single target of each or none."""

    def __init__(self, table: pa.Table, kind: str, source: str, target: str) -> None:
        for_kind = pc.fill_null(pc.equal(column_of_map(table, "kind"), kind), True)
        table = table.filter(pc.and_(for_kind, pc.is_valid(table[source])))
        encoded = column_of_map(table, source).dictionary_encode()
        self.codes = encoded.dictionary
        since = pc.fill_null(pc.cast(column_of_map(table, "valid_from"), pa.int32()), 1 - _ZERO)
        keys = np.asarray(encoded.indices).astype(np.int64) * _SPAN + np.asarray(since).astype(np.int64) + _ZERO
        conditional = _mask(pc.not_equal(pc.fill_null(column_of_map(table, "condition"), ""), ""))
        targets = column_of_map(table, target).dictionary_encode()
        place = pc.fill_null(targets.indices, -1).to_numpy(zero_copy_only=False)
        order = np.lexsort((place, keys))
        self.keys, first, inverse = np.unique(keys[order], return_index=True, return_inverse=True)
        sorted_place = place[order]
        several = np.zeros(len(self.keys), dtype=bool)
        several[inverse[(sorted_place != sorted_place[first][inverse]) | conditional[order]]] = True
        chosen = sorted_place[first] if len(first) else np.zeros(0, dtype=np.int64)
        self.targets = targets.dictionary
        self.place = np.where(several, -1, chosen)

    def find(self, codes: Any, days: Any) -> Any:
        """The number of the target of each code on its day, −1 where there is no single one."""
        known = pc.fill_null(pc.index_in(codes, value_set=self.codes), -1).to_numpy(zero_copy_only=False)
        asked = known.astype(np.int64) * _SPAN + days + _ZERO
        at = np.searchsorted(self.keys, asked, side="right") - 1
        if not len(self.keys):
            return np.full(len(codes), -1)
        found = (at >= 0) & (known >= 0) & (self.keys[np.maximum(at, 0)] // _SPAN == known)
        return np.where(found, self.place[np.maximum(at, 0)], -1)


def _column(lists: Any, mapped: _Map, rows: Any, days: Any) -> tuple[Any, pa.Table]:
    """A code list column with the codes of the chosen rows translated, and those that could not be."""
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    parents = np.repeat(np.arange(len(counts)), counts)
    flat = pc.list_flatten(lists).cast(pa.string())
    # A case without a day is translated by the newest row of the map.
    numbers = np.where(np.isnat(days), _ZERO - 1, days.astype(np.int64))
    chosen = rows[parents]
    place = np.where(chosen, mapped.find(flat, numbers[parents]), -1)
    translated = mapped.targets.take(pa.array(place, mask=place < 0))
    lost = chosen & (place < 0)
    marked = pc.binary_join_element_wise(UNMAPPED, flat, "")
    made = pc.if_else(pa.array(chosen), pc.coalesce(translated, marked), flat).dictionary_encode()
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    table = pa.table({"row": pa.array(parents[lost], pa.int64()), "code": flat.filter(pa.array(lost))})
    return pa.ListArray.from_arrays(pa.array(offsets), made).cast(CODE_LIST), table


def column_of_map(table: pa.Table, name: str) -> Any:
    """A column of a code map in one piece; all null where the map does not have it."""
    if name not in table.column_names:
        return pa.nulls(table.num_rows, pa.date32() if name == "valid_from" else pa.string())
    column = table[name]
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def map_of_pairs(dx: dict[str, str], px: dict[str, str]) -> pa.Table:
    """A code map from pairs, such as the tables that a scheme brings along."""
    kinds = ["dx"] * len(dx) + ["px"] * len(px)
    columns = [kinds, [*dx, *px], [*dx.values(), *px.values()]]
    return pa.table(columns, schema=pa.schema([(name, pa.string()) for name in MAP_COLUMNS]))


def _mask(values: Any) -> Any:
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=bool)
