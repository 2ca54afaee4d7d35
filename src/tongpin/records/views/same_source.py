"""Same source 同源比较: the settlement list and the front page of one stay, field by field and by group (S001-70).

Which fields are compared, how, and which may lawfully differ stands in `fields/same_source.csv`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import RecordsError
from tongpin.records.case.columns import fen_text
from tongpin.records.case.schema import column_of, columns
from tongpin.records.formats.tables import rows
from tongpin.records.views.crosswalk import translate
from tongpin.records.views.edition import case_days, with_code_version
from tongpin.records.views.stay_lists import INPATIENT, join_stays

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.records.views.edition import Edition

GROUP_COLUMNS = ("status", "drg")
PAIR_KEY = ("institution_code", "record_no", "discharge_day")
_METHODS = frozenset({"equal", "number", "day", "list", "first", "only_list", "only_page"})
_PARTS = {"first": "主要{}", "only_list": "只在清单的{}", "only_page": "只在首页的{}"}
_ONE_SIDED = ("only_list", "only_page")
_TEXT = pa.string()

PAIR_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("institution_code", "record_no", "list_case_id", "page_case_id")),
        ("discharge_day", pa.date32()),
        *((f"{side}_{name}", _TEXT) for side in ("list", "page") for name in GROUP_COLUMNS),
        ("same_group", pa.bool_()),
    ]
)
DIFFERENCE_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("institution_code", "record_no", "list_case_id", "page_case_id")),
        *((name, _TEXT) for name in ("column", "label", "list_value", "page_value", "severity", "hint")),
    ]
)
SUMMARY_SCHEMA = pa.schema(
    [
        *((name, _TEXT) for name in ("column", "label", "severity")),
        ("compared", pa.int64()),
        ("different", pa.int64()),
    ]
)
UNMAPPED_SCHEMA = pa.schema([("column", _TEXT), ("code", _TEXT), ("count", pa.int64())])
UNPAIRED_SCHEMA = pa.schema(
    [*((name, _TEXT) for name in ("source", "institution_code", "record_no", "case_id", "reason"))]
)


class Field(NamedTuple):
    """How one column is compared: method, tolerance, what a missing value means, and how grave a difference is."""

    column: str
    method: str
    tolerance: int
    missing: str
    severity: str
    hint: str

    @property
    def label(self) -> str:
        """The column as people call it."""
        return _PARTS.get(self.method, "{}").format(columns()[self.column].label)


@dataclass(frozen=True)
class SameSource:
    """Lists against front pages: pairs, differences (one row each), figures by field, the unpaired, untranslated codes.

    Severity: `error` must be equal, `warning` needs a reason, `info` may lawfully differ.
    """

    pairs: pa.Table
    differences: pa.Table
    summary: pa.Table
    unpaired: pa.Table
    unmapped: pa.Table

    @property
    def grouped_count(self) -> int:
        """Pairs of which at least one side came into a group: the denominator of the rate."""
        sides = pc.or_(pc.equal(self.pairs["list_status"], "grouped"), pc.equal(self.pairs["page_status"], "grouped"))
        return pc.sum(sides).as_py() or 0

    @property
    def same_count(self) -> int:
        """Pairs of which both sides came into the same group."""
        both = pc.and_(self.pairs["same_group"], pc.equal(self.pairs["list_status"], "grouped"))
        return pc.sum(both).as_py() or 0

    @property
    def rate(self) -> float | None:
        """同组率: same group over grouped pairs (0–1); None without such a pair."""
        return self.same_count / self.grouped_count if self.grouped_count else None


@cache
def compared_fields() -> tuple[Field, ...]:
    """The rows of `fields/same_source.csv`; an unknown column or method is refused (`records.table`)."""
    made = tuple(
        Field(row["column"], row["method"], int(row["tolerance"] or 0), row["missing"], row["severity"], row["hint"])
        for row in rows("fields/same_source.csv")
    )
    for one in made:
        known = one.column in columns() and one.method in _METHODS and one.missing in {"differs", "ignore", "zero"}
        if not known or one.severity not in {"error", "warning", "info"}:
            raise RecordsError("records.table", "不认识的列或写法", where=one.column, hint="改正 same_source.csv")
    return made


def compare(
    lists: pa.Table,
    pages: pa.Table,
    edition: Edition,
    *,
    group: Callable[[pa.Table], pa.Table],
    code_map: pa.Table | None = None,
) -> SameSource:
    """The stays that have both a settlement list and a front page, compared and grouped.

    `lists`, `pages`: case tables (core and detail columns) of any stays; interim bills are merged first, lists of other
    care types left out. Pairs are told by institution, 病案号 and discharge day, several of a day by the day of
    admission. `edition` says which side is in which code version; `code_map` (see `crosswalk.translate`) brings the
    other side over, without it codes are compared as they stand. `group` adds `status` and `drg`. Source: S001-70.
    """
    lists = join_stays(lists, "merge")
    lists = lists.filter(pc.is_in(lists["care_type"], value_set=pa.array(INPATIENT)))
    sides = [with_code_version(_with_day(one), edition) for one in (lists, pages)]
    places, unpaired = _paired(*sides)
    paired = [side.take(pa.array(place)) for side, place in zip(sides, places, strict=True)]
    unmapped = UNMAPPED_SCHEMA.empty_table()
    if code_map is not None:
        done = [translate(side, code_map, case_days(side, "settlement")) for side in paired]
        paired = [one.cases for one in done]
        lost = (
            pa.concat_tables([one.unmapped for one in done]).group_by(["column", "code"]).aggregate([([], "count_all")])
        )
        unmapped = pa.table([lost[name] for name in ("column", "code", "count_all")], schema=UNMAPPED_SCHEMA)
    groups = [group(side) for side in paired]
    pairs = _pairs(paired, groups)
    parts, counts = [], []
    for one in compared_fields():
        found = _differences(one, paired, pairs)
        if found is not None:
            compared, table = found
            parts.append(table)
            counts.append((one.column, one.label, one.severity, compared, table.num_rows))
    parts.append(_group_differences(pairs))
    counts.append(("drg", "病组", "error", pairs.num_rows, parts[-1].num_rows))
    summary = [dict(zip(SUMMARY_SCHEMA.names, row, strict=True)) for row in counts]
    return SameSource(
        pairs,
        pa.concat_tables(parts).sort_by([("institution_code", "ascending"), ("list_case_id", "ascending")]),
        pa.Table.from_pylist(summary, schema=SUMMARY_SCHEMA),
        unpaired,
        unmapped.sort_by([("count", "descending"), ("code", "ascending")]),
    )


def _with_day(cases: pa.Table) -> pa.Table:
    """Cases with the column `discharge_day`."""
    day = pc.cast(column_of(cases, "discharge_time"), pa.date32(), safe=False)
    return cases.append_column("discharge_day", day)


def _paired(lists: pa.Table, pages: pa.Table) -> tuple[tuple[Any, Any], pa.Table]:
    """The rows of both tables that belong together, and those that have no or no single counterpart."""
    keys = [_codes([side[name] for name in PAIR_KEY]) for side in _stacked(lists, pages, PAIR_KEY)]
    finer = [*PAIR_KEY, "admission_day"]
    fine = [_codes([side[name] for name in finer]) for side in _stacked(lists, pages, finer)]
    split = lists.num_rows
    left, right = np.full(split, -1), np.full(pages.num_rows, -1)
    for codes in (keys[0], fine[0]):
        ours, theirs = codes[:split], codes[split:]
        size = int(codes.max(initial=-1)) + 2
        open_left, open_right = (left < 0) & (ours >= 0), (right < 0) & (theirs >= 0)
        once = (np.bincount(ours[open_left], minlength=size) == 1) & (
            np.bincount(theirs[open_right], minlength=size) == 1
        )
        of = np.full(size, -1)
        of[theirs[open_right]] = np.flatnonzero(open_right)
        hit = np.flatnonzero(open_left & once[ours])
        left[hit] = of[ours[hit]]
        right[left[hit]] = hit
    chosen = np.flatnonzero(left >= 0)
    codes = keys[0]
    parts = []
    for side, mine, other, place in (
        (lists, codes[:split], codes[split:], left),
        (pages, codes[split:], codes[:split], right),
    ):
        alone = side.filter(pa.array(place < 0))
        several = np.isin(mine[place < 0], other) & (mine[place < 0] >= 0)
        reason = np.where(several, "同一天出院有几份，入院日期也分不开", "另一源没有同机构、同病案号、同日出院的")
        part = alone.select(["source", "institution_code", "record_no", "case_id"])
        parts.append(part.append_column("reason", pa.array(reason, _TEXT)).cast(UNPAIRED_SCHEMA))
    return (chosen, left[chosen]), pa.concat_tables(parts)


def _stacked(lists: pa.Table, pages: pa.Table, names: Any) -> list[pa.Table]:
    """Both tables as one, the key columns only."""
    parts = []
    for side in (lists, pages):
        day = pc.cast(column_of(side, "admission_time"), pa.date32(), safe=False)
        parts.append(side.append_column("admission_day", day).select(list(names)))
    return [pa.concat_tables(parts)]


def _codes(texts: list[Any]) -> Any:
    """One number for each distinct combination, −1 where a part is missing."""
    joined = pc.binary_join_element_wise(*[pc.cast(one, _TEXT) for one in texts], "\x1f")
    encoded = (joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _pairs(paired: list[pa.Table], groups: list[pa.Table]) -> pa.Table:
    lists, pages = paired
    made = {name: lists[name] for name in ("institution_code", "record_no", "discharge_day")}
    made |= {"list_case_id": lists["case_id"], "page_case_id": pages["case_id"]}
    for side, table in zip(("list", "page"), groups, strict=True):
        made |= {f"{side}_{name}": pc.cast(table[name], _TEXT) for name in GROUP_COLUMNS}
    same = pc.and_(pc.equal(made["list_drg"], made["page_drg"]), pc.equal(made["list_status"], made["page_status"]))
    made["same_group"] = pc.fill_null(same, False)
    return pa.table([made[name] for name in PAIR_SCHEMA.names], schema=PAIR_SCHEMA)


def _differences(one: Field, paired: list[pa.Table], pairs: pa.Table) -> tuple[int, pa.Table] | None:
    """How many pairs were compared in a field, and those that differ; None where a side never carries it."""
    if any(one.column not in side.column_names for side in paired):
        return None
    ours, theirs = (column_of(side, one.column) for side in paired)
    if one.method in _PARTS:
        ours, theirs = _chosen_codes(one.method, ours, theirs)
    if one.method == "list":
        ours, theirs = _shown(one, ours), _shown(one, theirs)
    if one.missing == "zero":
        ours, theirs = pc.fill_null(ours, 0), pc.fill_null(theirs, 0)
    known = [np.asarray(side.is_valid()) for side in (ours, theirs)]
    both, either = known[0] & known[1], known[0] | known[1]
    if one.method in _ONE_SIDED:
        compared, different = np.ones(len(either), dtype=bool), either
    else:
        compared = either if one.missing == "differs" else both
        different = compared & ~_same(one, ours, theirs)
    shown = [_shown(one, side).filter(pa.array(different)) for side in (ours, theirs)]
    return int(compared.sum()), _rows(pairs.filter(pa.array(different)), one.column, one.label, shown, one)


def _same(one: Field, ours: Any, theirs: Any) -> Any:
    """Which pairs agree in a field; a missing value agrees with nothing."""
    if one.method == "day":
        ours, theirs = (pc.cast(side, pa.date32(), safe=False) for side in (ours, theirs))
    if one.method == "number":
        gap = pc.abs(pc.subtract(ours.cast(pa.int64()), theirs.cast(pa.int64())))
        return _mask(pc.less_equal(gap, one.tolerance))
    return _mask(pc.equal(ours, theirs))


def _chosen_codes(method: str, ours: Any, theirs: Any) -> tuple[Any, Any]:
    """The principal code of each side; or the codes that only one side has, joined, and nothing beside them."""
    if method == "first":
        return tuple(_first(side) for side in (ours, theirs))
    ours, theirs = (theirs, ours) if method == "only_page" else (ours, theirs)
    entries = [_entries(side) for side in (ours, theirs)]
    flat = pa.concat_arrays([codes for _, _, codes in entries]).dictionary_encode()
    numbers = pc.fill_null(flat.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    split = len(entries[0][0])
    wide = len(flat.dictionary) + 1
    cells = np.concatenate([entries[0][0], entries[1][0]]) * wide + numbers
    # The principal diagnosis has a comparison of its own: only whether the code stands at all is asked here.
    alone = ~np.isin(cells[:split], cells[split:]) & (entries[0][1] > 0) & (numbers[:split] >= 0)
    parents = entries[0][0][alone]
    counts = np.bincount(parents, minlength=len(ours))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), entries[0][2].filter(pa.array(alone)))
    joined = pc.if_else(pa.array(counts > 0), pc.binary_join(lists, "|"), pa.scalar(None, _TEXT))
    nothing = pa.nulls(len(ours), _TEXT)
    return (nothing, joined) if method == "only_page" else (joined, nothing)


def _entries(lists: Any) -> tuple[Any, Any, Any]:
    """Row, place and code of every entry of a code list column."""
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    parents = np.repeat(np.arange(len(counts)), counts)
    places = np.arange(len(parents)) - np.repeat(np.cumsum(counts) - counts, counts)
    return parents, places, pc.list_flatten(lists).cast(_TEXT)


def _first(lists: Any) -> Any:
    """The first code of each row, null where there is none."""
    parents, places, codes = _entries(lists)
    place = np.full(len(lists), -1)
    place[parents[places == 0]] = np.flatnonzero(places == 0)
    return codes.take(pa.array(place, mask=place < 0))


def _shown(one: Field, values: Any) -> Any:
    """Values as people read them: fen as yuan, times as they stand, lists joined."""
    if one.column.endswith("_fen"):
        return fen_text(values)
    if pa.types.is_list(values.type):
        plain = pc.list_flatten(values).cast(_TEXT)
        counts = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), plain), "|")
        return pc.if_else(pa.array(counts > 0), joined, pa.scalar(None, _TEXT))
    return pc.cast(values, _TEXT)


def _group_differences(pairs: pa.Table) -> pa.Table:
    """One row for each pair whose two sides came into different groups."""
    apart = pairs.filter(pc.invert(pairs["same_group"]))
    one = Field("drg", "equal", 0, "differs", "error", "先看同一病例的诊断、手术操作与编码版本的差别")
    return _rows(apart, "drg", "病组", [apart["list_drg"], apart["page_drg"]], one)


def _rows(pairs: pa.Table, column: str, label: str, shown: list[Any], one: Field) -> pa.Table:
    size = pairs.num_rows
    told = {"column": column, "label": label, "severity": one.severity, "hint": one.hint}
    made = {name: pa.array([text] * size, _TEXT) for name, text in told.items()}
    made |= {"list_value": shown[0], "page_value": shown[1]}
    made |= {name: pairs[name] for name in ("institution_code", "record_no", "list_case_id", "page_case_id")}
    return pa.table([made[name] for name in DIFFERENCE_SCHEMA.names], schema=DIFFERENCE_SCHEMA)


def _mask(values: Any) -> Any:
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=bool)
