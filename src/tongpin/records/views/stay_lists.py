"""Stays 一次住院的几份清单: interim bills of one stay kept, merged or marked, as the payment policy says.

How a column of several lists becomes one value stands in `fields/stay_merge.csv`; a column not named there is taken
from the last list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import RecordsError
from tongpin.records.case.schema import column_of
from tongpin.records.formats.tables import rows

if TYPE_CHECKING:
    from collections.abc import Callable

How = Literal["merge", "each", "bed_day"]
BED_DAY = "bed_day"
MERGED = "merged_case_ids"
INPATIENT = ("inpatient", "day_surgery")
_LIKENESS = {"procedures": ("code", "date"), "icu_stays": ("ward", "entry", "leave")}
"""By what two entries of a nested list are the same one, told in two lists."""
_MINUTES_PER_HOUR = 60


def join_stays(cases: pa.Table, how: How, *, apart: Any | None = None, years: Any | None = None) -> pa.Table:
    """Cases with the lists of one stay (institution, `mdtrt_id`) joined, and a column `merged_case_ids`.

    `each` leaves them; `bed_day` gives them the care type `bed_day`; `merge` makes one case of them: amounts and their
    details added, procedures united, admission the first, diagnoses, id and other facts of the last by settlement;
    `merged_case_ids` then holds the ids in that order (null elsewhere). Only inpatient lists are joined, and none of
    `apart` (a Boolean array: withdrawn lists); with `years` (one for each row) only those of one year. Pure; the order
    of rows is kept. Source: practice §2, policy choice 27, S915-02.
    """
    if how not in get_args(How):
        raise RecordsError("records.stays", f"不知道怎样处理中途结算：{how}", hint=f"可用：{'、'.join(get_args(How))}")
    cases = cases.append_column(MERGED, pa.nulls(cases.num_rows, pa.list_(pa.string())))
    stay = _stays(cases, apart, years)
    if how == "each" or not (stay >= 0).any():
        return cases
    if how == "bed_day":
        care = pc.if_else(pa.array(stay >= 0), BED_DAY, cases["care_type"])
        return cases.set_column(cases.column_names.index("care_type"), "care_type", care)
    group = _Group(cases, stay)
    merged = pa.table({name: group.merged(name) for name in cases.column_names}, schema=cases.schema)
    places = np.where(stay < 0, np.arange(cases.num_rows), -1)
    places[group.last] = cases.num_rows + np.arange(merged.num_rows)
    return pa.concat_tables([cases, merged]).take(pa.array(places[places >= 0]))


def sharing(cases: pa.Table, *, apart: Any | None = None) -> Any:
    """The number of the stay of each row that shares it with another one (institution, `mdtrt_id`), −1 elsewhere."""
    return _stays(cases, apart, None)


def _stays(cases: pa.Table, apart: Any | None, years: Any | None) -> Any:
    """The number of the stay of each row that shares it with another one, −1 elsewhere."""
    able = pc.and_(
        pc.equal(cases["source"], "settlement_list"),
        pc.is_in(cases["care_type"], value_set=pa.array(INPATIENT)),
    )
    if apart is not None:
        able = pc.and_(able, pc.invert(apart))
    parts = [cases["institution_code"], cases["mdtrt_id"]]
    if years is not None:
        parts.append(pa.array(years).cast(pa.string()))
    key = pc.binary_join_element_wise(*parts, "\x1f")
    encoded = pc.if_else(pc.fill_null(able, False), key, pa.scalar(None, pa.string())).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    shared = np.bincount(codes[codes >= 0], minlength=len(encoded.dictionary) + 1) > 1
    return np.where((codes >= 0) & shared[codes], codes, -1)


class _Group:
    """The lists of every shared stay side by side, in order of settlement, and the rules that make one of them."""

    def __init__(self, cases: pa.Table, stay: Any) -> None:
        rows_in = np.flatnonzero(stay >= 0)
        days = [
            _numbers(column_of(cases, name))[rows_in] for name in ("upload_time", "discharge_time", "settlement_date")
        ]
        self._rows = rows_in[np.lexsort((rows_in, *days, stay[rows_in]))]
        ordered = stay[self._rows]
        self._starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        self._ends = np.append(self._starts[1:], len(ordered))
        self._of = np.repeat(np.arange(len(self._starts)), self._ends - self._starts)
        self._cases = cases
        self.last = self._rows[self._ends - 1]
        self._rules = {row["column"]: row["rule"] for row in rows("fields/stay_merge.csv")}

    def merged(self, name: str) -> Any:
        """One value a stay of a column of the cases."""
        if name == MERGED:
            return self._list_of(self._column("case_id"))
        if name == "los":
            return self._stay_days()
        rule = self._rules.get(name, "last")
        made: dict[str, Callable[[str], Any]] = {
            "first": lambda one: self._column(one).take(pa.array(self._starts)),
            "last": lambda one: self._column(one).take(pa.array(self._ends - 1)),
            "earliest": lambda one: self._extreme(one, np.minimum),
            "latest": lambda one: self._extreme(one, np.maximum),
            "total": self._total,
            "known_total": self._known_total,
            "join": self._joined,
            "union": self._united,
        }
        found = made[rule](name)
        return self._watched_hours(found) if name == "icu_hours" else found

    def _column(self, name: str) -> Any:
        return column_of(self._cases, name).take(pa.array(self._rows))

    def _list_of(self, values: Any) -> Any:
        offsets = np.append(self._starts, len(self._rows)).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), values)

    def _extreme(self, name: str, better: Any) -> Any:
        """The least or greatest known value."""
        values = self._column(name)
        width = pa.int32() if values.type.bit_width == 32 else pa.int64()  # noqa: PLR2004 - bits of a date
        numbers = values if pa.types.is_integer(values.type) else values.cast(width)
        none = np.iinfo(np.int64).max if better is np.minimum else np.iinfo(np.int64).min
        plain = pc.fill_null(numbers.cast(pa.int64()), none).to_numpy(zero_copy_only=False)
        best = better.reduceat(plain, self._starts)
        found = pa.array(best, mask=best == none)
        return found.cast(values.type) if pa.types.is_integer(values.type) else found.cast(width).cast(values.type)

    def _sums(self, name: str) -> tuple[Any, Any, Any]:
        values = self._column(name)
        sums = np.add.reduceat(pc.fill_null(values, 0).to_numpy(zero_copy_only=False).astype(np.int64), self._starts)
        known = np.add.reduceat(np.asarray(values.is_valid()).astype(np.int64), self._starts)
        return sums, known, values.type

    def _total(self, name: str) -> Any:
        """The sum; unknown where a list does not know its part."""
        sums, known, kind = self._sums(name)
        return pa.array(sums, mask=known < self._ends - self._starts).cast(kind)

    def _known_total(self, name: str) -> Any:
        """The sum of what the lists say; unknown where none says anything."""
        sums, known, kind = self._sums(name)
        return pa.array(sums, mask=known == 0).cast(kind)

    def _joined(self, name: str) -> Any:
        """The entries of all lists one after another."""
        lists = self._column(name)
        counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
        return self._relisted(lists.type, pc.list_flatten(lists), np.add.reduceat(counts, self._starts))

    def _united(self, name: str) -> Any:
        """The entries of all lists, those of the last list first, each thing once."""
        lists = self._column(name)
        counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
        parents = np.repeat(np.arange(len(counts)), counts)
        is_last = np.zeros(len(counts), dtype=bool)
        is_last[self._ends - 1] = True
        stay = self._of[parents]
        order = np.lexsort((np.arange(len(parents)), ~is_last[parents], stay))
        flat = pc.list_flatten(lists).take(pa.array(order))
        parents, stay = parents[order], stay[order]
        kept = np.sort(np.unique(_alike(name, flat, stay), return_index=True)[1])
        flat, parents, stay = flat.take(pa.array(kept)), parents[kept], stay[kept]
        if name == "procedures":
            leading = np.full(len(self._starts), -1)
            leading[stay[::-1]] = parents[::-1]
            flat = _with_principal(flat, parents == leading[stay])
        return self._relisted(lists.type, flat, np.bincount(stay, minlength=len(self._starts)))

    def _relisted(self, kind: Any, flat: Any, counts: Any) -> Any:
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), flat).cast(kind)

    def _stay_days(self) -> Any:
        """The days between the first admission and the last discharge; the same day counts as one."""
        admission, discharge = (
            self.merged(name).cast(pa.date32(), safe=False).cast(pa.int32())
            for name in ("admission_time", "discharge_time")
        )
        days = pc.max_element_wise(pc.subtract(discharge, admission), pa.scalar(1, pa.int32()), skip_nulls=False)
        return days.cast(pa.int32())

    def _watched_hours(self, added: Any) -> Any:
        """Whole hours of intensive care from the united entries; the sum of the lists' hours where they say less."""
        if "icu_stays" not in self._cases.column_names:
            return added
        united = self._united("icu_stays")
        minutes = pc.struct_field(pc.list_flatten(united), "minutes")
        parents = pc.list_parent_indices(united).to_numpy()
        size = len(self._starts)
        whole = np.bincount(parents, weights=pc.fill_null(minutes, 0).to_numpy(zero_copy_only=False), minlength=size)
        unknown = np.bincount(parents[~np.asarray(minutes.is_valid())], minlength=size) > 0
        empty = np.bincount(parents, minlength=size) == 0
        hours = pa.array((whole // _MINUTES_PER_HOUR).astype(np.int64), mask=unknown | empty)
        return pc.coalesce(hours.cast(added.type), added)


def _numbers(values: Any) -> Any:
    """Dates or times as integers, unknown ones first."""
    width = pa.int32() if values.type.bit_width == 32 else pa.int64()  # noqa: PLR2004 - bits of a date
    return pc.fill_null(values.cast(width).cast(pa.int64()), np.iinfo(np.int64).min).to_numpy(zero_copy_only=False)


def _alike(name: str, flat: Any, stay: Any) -> Any:
    """A number for each entry, equal for entries of a stay that tell of the same thing."""
    parts = [pc.struct_field(flat, field) for field in _LIKENESS[name]] if name in _LIKENESS else [flat]
    number = stay.astype(np.int64)
    for part in parts:
        encoded = part if pa.types.is_dictionary(part.type) else part.dictionary_encode()
        size = len(encoded.dictionary) + 1
        codes = pc.fill_null(encoded.indices, size - 1).to_numpy(zero_copy_only=False).astype(np.int64)
        number = np.unique(number * size + codes, return_inverse=True)[1]
    return number


def _with_principal(flat: Any, leading: Any) -> Any:
    """Procedures of which only those of the leading list may be the principal one."""
    fields = list(flat.type)
    children = [pc.struct_field(flat, field.name) for field in fields]
    place = next(number for number, field in enumerate(fields) if field.name == "principal")
    children[place] = pc.and_(children[place], pa.array(leading))
    return pa.StructArray.from_arrays(children, fields=fields)
