"""Completeness 清单完整性: how many of the data items that a settlement list should carry are filled (S004-04).

The items stand in `fields/list_items.csv` (group, edition, label, column, when due), what makes one due in
`fields/list_item_due.csv`; how many items an edition has in all is a parameter of the reading edition (190 or 193).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import RecordsError
from tongpin.records.case.nested import flatten
from tongpin.records.case.schema import PERSON_SCHEMA, column_of, columns
from tongpin.records.formats.tables import rows

if TYPE_CHECKING:
    from tongpin.records.views.edition import Edition

COUNT_SCHEMA = pa.schema([("item_filled", pa.int16()), ("item_due", pa.int16()), ("item_total", pa.int16())])
RATE_SCHEMA = pa.schema(
    [
        ("group", pa.string()),
        ("label", pa.string()),
        ("column", pa.string()),
        ("due", pa.int64()),
        ("filled", pa.int64()),
    ]
)
ALL, FIRST, REST = "all", "first", "rest"
_NESTED = re.compile(r"(?P<list>\w+)\[(?P<entry>\w+)\]\.(?P<field>\w+)")
_KEY_FIELD = {"fees": "category", "payers": "fund"}
"""Lists whose entries are told by a code; entries of the others by their place."""
_TESTS = frozenset({"always", "filled", "entry", "in", "not_in", "below", "not_below", "starts", "longer"})


class Item(NamedTuple):
    """One data item: its group, the totals of the editions that hold it, where it stands and when it is due."""

    group: str
    editions: tuple[int, ...]
    label: str
    column: str
    due: str


class Due(NamedTuple):
    """When an item is due: a test of a column of the case."""

    column: str
    test: str
    values: tuple[str, ...]


@cache
def list_items() -> tuple[Item, ...]:
    """The items of every edition; an unknown column or condition is refused (`records.table`)."""
    made = tuple(
        Item(
            row["group"], tuple(int(one) for one in row["edition"].split("|")), row["label"], row["column"], row["due"]
        )
        for row in rows("fields/list_items.csv")
    )
    for item in made:
        nested = _NESTED.fullmatch(item.column)
        name = f"{nested['list']}.{nested['field']}" if nested else item.column
        known = columns() if not nested else {row["column"] for row in rows("fields/case_columns.csv")}
        if name not in known or item.due not in due_tests():
            raise RecordsError("records.table", "不认识的列或条件", where=item.label, hint="改正 list_items.csv")
    return made


@cache
def due_tests() -> dict[str, Due]:
    """The conditions by name; an unknown test or column is refused (`records.table`)."""
    made = {}
    for row in rows("fields/list_item_due.csv"):
        if row["test"] not in _TESTS or (row["column"] and row["column"] not in columns()):
            raise RecordsError("records.table", "不认识的条件", where=row["due"], hint="改正 list_item_due.csv")
        made[row["due"]] = Due(row["column"], row["test"], tuple(row["value"].split("|")))
    return made


def fill_counts(cases: pa.Table, persons: pa.Table, edition: Edition) -> pa.Table:
    """Items filled, items due and items in all of each list (`COUNT_SCHEMA`, int16), row by row beside `cases`.

    `persons` holds the person columns of the same rows (before they are sealed); a row without a date has a null
    total and counts nothing. Columnar. Source: S004-04.
    """
    totals = np.array([one or 0 for one in edition.column("list.item_total", cases)], dtype=np.int64)
    filled, due = (np.zeros(cases.num_rows, dtype=np.int16) for _ in range(2))
    masks = _Masks(cases, persons)
    for item in list_items():
        chosen = np.isin(totals, item.editions)
        wanted = masks.due(item) & chosen
        due += wanted
        filled += wanted & masks.filled(item.column)
    total = pa.array(totals, pa.int16(), mask=totals == 0)
    return pa.table([pa.array(filled), pa.array(due), total], schema=COUNT_SCHEMA)


def fill_rates(
    cases: pa.Table, edition: Edition, *, by: str = "institution_code", persons: pa.Table | None = None
) -> pa.Table:
    """How often each item was due and filled, for each value of a text column: `by`, then `RATE_SCHEMA`.

    Without `persons` (sealed in the lake) the items that name a patient are left out. Source: S004-04.
    """
    totals = np.array([one or 0 for one in edition.column("list.item_total", cases)], dtype=np.int64)
    encoded = pc.fill_null(column_of(cases, by), "").dictionary_encode()
    place = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    size = len(encoded.dictionary)
    masks = _Masks(cases, pa.table({}) if persons is None else persons)
    parts = []
    for item in list_items():
        if persons is None and item.column in PERSON_SCHEMA.names:
            continue
        wanted = masks.due(item) & np.isin(totals, item.editions)
        counts = {
            "due": np.bincount(place[wanted], minlength=size),
            "filled": np.bincount(place[wanted & masks.filled(item.column)], minlength=size),
        }
        told = {name: [getattr(item, name)] * size for name in ("group", "label", "column")}
        parts.append(pa.table({by: encoded.dictionary} | told | counts).cast(_rate_schema(by)))
    table = pa.concat_tables([_rate_schema(by).empty_table(), *parts])
    return table.filter(pc.greater(table["due"], 0)).combine_chunks()


def _rate_schema(by: str) -> pa.Schema:
    return pa.schema([(by, pa.string()), *RATE_SCHEMA])


class _Masks:
    """Boolean columns of a table of lists, each made once: is a column filled, does a condition hold."""

    def __init__(self, cases: pa.Table, persons: pa.Table) -> None:
        self._cases = cases
        self._persons = persons
        self._size = cases.num_rows
        self._lists: dict[str, _Entries] = {}
        self._made: dict[str, Any] = {}
        self._held: dict[str, Any] = {}

    def due(self, item: Item) -> Any:
        """Where an item is due."""
        test = due_tests()[item.due]
        if test.test == "filled":
            return self.filled(item.column)
        if test.test == "entry":
            nested = _NESTED.fullmatch(item.column)
            return self._entries(nested["list"]).counts(nested["entry"]) > 0 if nested else self.filled(item.column)
        if item.due not in self._held:
            self._held[item.due] = self._holds(test)
        return self._held[item.due]

    def filled(self, column: str) -> Any:
        """Where a column holds something, and where every entry of a list that it names does."""
        if column in self._made:
            return self._made[column]
        nested = _NESTED.fullmatch(column)
        if nested:
            return self._entries(nested["list"]).filled(nested["entry"], nested["field"])
        values = column_of(self._persons if column in PERSON_SCHEMA.names else self._cases, column)
        if len(values) != self._size:
            return np.zeros(self._size, dtype=bool)
        mask = _lengths(values) > 0 if pa.types.is_list(values.type) else np.asarray(values.is_valid())
        self._made[column] = mask
        return mask

    def _entries(self, name: str) -> _Entries:
        if name not in self._lists:
            self._lists[name] = _Entries(name, column_of(self._cases, name))
        return self._lists[name]

    def _holds(self, test: Due) -> Any:
        if test.test == "always":
            return np.ones(self._size, dtype=bool)
        values = column_of(self._cases, test.column)
        if test.test in {"in", "not_in"}:
            inside = _bools(pc.is_in(values, value_set=pa.array(test.values, pa.string())))
            return inside if test.test == "in" else ~inside
        if test.test in {"below", "not_below"}:
            below = _bools(pc.less(values, int(test.values[0])))
            return below if test.test == "below" else ~below
        if test.test == "longer":
            return _lengths(values) > int(test.values[0])
        flat = pc.list_flatten(values)
        words = flat.dictionary if pa.types.is_dictionary(flat.type) else flat
        hit = _bools(pc.starts_with(words, test.values[0]))
        if pa.types.is_dictionary(flat.type):
            hit = np.append(hit, False)[pc.fill_null(flat.indices, len(hit)).to_numpy(zero_copy_only=False)]
        found = np.zeros(self._size, dtype=bool)
        found[pc.list_parent_indices(values).to_numpy()[hit]] = True
        return found


class _Entries:
    """The entries of a nested column, told apart by their code or their place: counted by row."""

    def __init__(self, name: str, values: Any) -> None:
        self._size = len(values)
        flat = flatten(values)
        self._parents, self._fields = flat.parents, flat.fields
        self._keys, self._of = _keys(name, flat.parents, flat.fields, self._size)
        self._made: dict[str, Any] = {"": self._count(np.ones(len(flat.parents), dtype=bool))}

    def _count(self, mask: Any) -> Any:
        """Entries under the mask: one row a key, and the last for all of them."""
        wide = len(self._keys) + 1
        cells = self._of[mask] * self._size + self._parents[mask]
        counts = np.bincount(cells, minlength=wide * self._size).reshape(wide, self._size)
        counts[-1] = np.bincount(self._parents[mask], minlength=self._size)
        return counts

    def counts(self, key: str) -> Any:
        """How many entries of a key each row has."""
        return self._pick(self._made[""], key)

    def filled(self, key: str, field: str) -> Any:
        """Where a row has entries of a key and none of them lacks the field."""
        if field not in self._made:
            self._made[field] = self._count(np.asarray(self._fields[field].is_valid()))
        entries = self.counts(key)
        return (entries > 0) & (self._pick(self._made[field], key) == entries)

    def _pick(self, counts: Any, key: str) -> Any:
        if key == ALL:
            return counts[-1]
        return counts[self._keys[key]] if key in self._keys else np.zeros(self._size, dtype=np.int64)


def _keys(name: str, parents: Any, fields: dict[str, Any], size: int) -> tuple[dict[str, int], Any]:
    """The keys of a list with their numbers, and the number of each entry; entries without one get the last place."""
    if name in _KEY_FIELD:
        encoded = fields[_KEY_FIELD[name]].dictionary_encode()
        keys = {word: number for number, word in enumerate(encoded.dictionary.to_pylist())}
        of = pc.fill_null(encoded.indices, len(keys)).to_numpy(zero_copy_only=False).astype(np.int64)
        return keys, of
    keys = {FIRST: 0, REST: 1}
    if "principal" not in fields:
        return keys, np.full(len(parents), len(keys), dtype=np.int64)
    ranked = np.ones(len(parents), dtype=bool)
    of = np.full(len(parents), keys[REST], dtype=np.int64)
    if name == "diagnoses":
        keys |= {"2": 2, "3": 3}
        for code in ("2", "3"):
            tcm = _bools(pc.equal(fields["kind"], code))
            ranked &= ~tcm
            of[tcm] = keys[code]
    flagged = ranked & _bools(fields["principal"])
    has_flag = np.bincount(parents[flagged], minlength=size) > 0
    places = np.flatnonzero(ranked)
    first = np.zeros(len(parents), dtype=bool)
    first[places[np.unique(parents[places], return_index=True)[1]]] = True
    of[flagged | (first & ~has_flag[parents])] = keys[FIRST]
    return keys, of


def _lengths(values: Any) -> Any:
    return pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)


def _bools(values: Any) -> Any:
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=bool)
