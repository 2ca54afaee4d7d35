"""List nodes 清单节点: the nodes of all messages laid flat, as text columns under the national field names.

Aliases, other spellings and split fields come under their national names; what no table names is left over.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import orjson

from tongpin.records.case.personal import is_personal
from tongpin.records.case.schema import PERSON_SCHEMA
from tongpin.records.formats.tables import list_aliases, rows
from tongpin.records.readers.list_messages import HEAD, squeezed, words_in

NODES = ("payinfo", "opspdiseinfo", "diseinfo", "iteminfo", "oprninfo", "icuinfo", "bldinfo")
MISSING = ("", "-", None)
NOTHING: tuple[Any, ...] = (*MISSING, [], {})
CAPITAL_INSIDE = re.compile(r"(?<=[a-z0-9])([A-Z])")


class Leftover(NamedTuple):
    """A value that no column takes: its message, node (empty = the message itself), entry, field and text."""

    row: int
    node: str
    place: int
    field: str
    text: str


class Flat(NamedTuple):
    """The entries of one node over all messages: how many each message has, and their fields as raw values.

    `parents` and `places` (from 0) say whose entry it is; `present` are the fields that some entry has, `always` those
    that every entry has.
    """

    entries: list[dict[str, Any]]
    counts: Any
    parents: Any
    places: Any
    present: frozenset[str]
    always: frozenset[str]

    def values(self, field: str) -> list[Any] | None:
        """The raw values of a field, None where no entry has it."""
        if field in self.always:
            return list(map(itemgetter(field), self.entries))
        return [entry.get(field) for entry in self.entries] if field in self.present else None


class Gathered(NamedTuple):
    """All messages taken apart: heads and nodes, what is left over, and what is personal or no object."""

    head: Flat
    nodes: dict[str, Flat]
    leftovers: list[Leftover]
    personal: list[tuple[int, str]]
    odd: list[tuple[int, str]]


class _Shape(NamedTuple):
    """What is to be done with entries of one and the same set of keys."""

    plain: bool
    sources: tuple[tuple[str, tuple[tuple[str | None, ...], ...]], ...]
    unknown: tuple[str, ...]


@cache
def node_fields(node: str) -> frozenset[str]:
    """The national field names of a node."""
    return frozenset(row["field"] for row in rows("fields/settlement_list.csv") if row["node"] == node)


@cache
def person_fields() -> frozenset[str]:
    """The national fields that name a patient; their values stand nowhere but in the persons."""
    table = rows("fields/settlement_list.csv")
    return frozenset(row["field"] for row in table if row["column"] in PERSON_SCHEMA.names)


@cache
def _spellings(node: str) -> tuple[dict[str, str], dict[tuple[str, ...], str]]:
    """Squeezed spellings of a node's fields -> field, aliases included; squeezed parts of split fields -> field."""
    fields = node_fields(node)
    single: dict[str, str] = {}
    split: dict[tuple[str, ...], str] = {}
    for alias, field in list_aliases().items():
        words = tuple(squeezed(word) for word in alias.split("+"))
        if field in fields and len(words) > 1:
            split[words] = field
        elif field in fields:
            single[words[0]] = field
    return single | {squeezed(field): field for field in fields}, split


def _shape(node: str, keys: tuple[str, ...]) -> _Shape:
    fields = node_fields(node)
    if fields.issuperset(keys):
        return _Shape(plain=True, sources=(), unknown=())
    single, split = _spellings(node)
    # The national spelling of a field speaks before another spelling of it, and that before an alias.
    ranked = sorted(keys, key=lambda key: (key not in fields, squeezed(single.get(squeezed(key), "")) != squeezed(key)))
    sources: dict[str, list[tuple[str | None, ...]]] = defaultdict(list)
    for key in ranked:
        if squeezed(key) in single:
            sources[single[squeezed(key)]].append((key,))
    written = {squeezed(key): key for key in keys}
    for words, field in split.items():
        if not written.keys().isdisjoint(words):
            sources[field].append(tuple(written.get(word) for word in words))
    known = {key for found in sources.values() for names in found for key in names}
    unknown = tuple(key for key in keys if key not in known)
    return _Shape(False, tuple((field, tuple(found)) for field, found in sources.items()), unknown)


class _Gatherer:
    """Takes messages apart one by one; keys seen once are not looked up again."""

    def __init__(self) -> None:
        self.entries: dict[str, list[dict[str, Any]]] = {name: [] for name in (HEAD, *NODES)}
        self.counts: dict[str, list[int]] = {name: [] for name in NODES}
        self.leftovers: list[Leftover] = []
        self.personal: list[tuple[int, str]] = []
        self.odd: list[tuple[int, str]] = []
        self._shapes: dict[tuple[str, tuple[str, ...]], _Shape] = {}
        self._tops: dict[tuple[str, ...], tuple[dict[str, str], tuple[str, ...]]] = {}
        self.row = -1

    def take(self, message: Any) -> bool:
        """Take one message; False where it has no `setlinfo` object."""
        if not isinstance(message, dict):
            return False
        names, unknown = self._top(tuple(message))
        head = message.get(names.get(HEAD, ""))
        if not isinstance(head, dict):
            return False
        self.row += 1
        self.entries[HEAD].append(self._entry(HEAD, 0, head))
        for node in NODES:
            found = message.get(names[node]) if node in names else None
            entries = self._objects(node, found) if found else ()
            self.counts[node].append(len(entries))
            if entries:
                self.entries[node] += [self._entry(node, place, one) for place, one in enumerate(entries)]
        for name in unknown:
            self._leave("", 0, name, message[name])
        return True

    def _top(self, keys: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Node -> key of the message, and the keys that are no node."""
        found = self._tops.get(keys)
        if found is None:
            nodes = {one: key for key in reversed(keys) if (one := squeezed(key)) in {HEAD, *NODES}}
            nodes |= {key: key for key in keys if key in {HEAD, *NODES}}
            found = self._tops[keys] = nodes, tuple(key for key in keys if key not in nodes.values())
        return found

    def _objects(self, node: str, found: Any) -> list[dict[str, Any]]:
        """The entries of a node written as an array or as one object; what is neither is noted as odd."""
        entries = found if isinstance(found, list) else [found]
        objects = [one for one in entries if isinstance(one, dict)]
        if len(objects) < len(entries) and any(one not in MISSING for one in entries if not isinstance(one, dict)):
            self.odd.append((self.row, node))
        return objects

    def _entry(self, node: str, place: int, entry: dict[str, Any]) -> dict[str, Any]:
        """The entry under national names."""
        keys = tuple(entry)
        shape = self._shapes.get((node, keys))
        if shape is None:
            shape = self._shapes[node, keys] = _shape(node, keys)
        if shape.plain:
            return entry
        named: dict[str, Any] = {}
        for field, found in shape.sources:
            for names in found:
                values = [None if name is None else entry[name] for name in names]
                value = values[0] if len(values) == 1 else _joined(values)
                if value in MISSING:
                    continue
                if field not in named:
                    named[field] = value
                    continue
                for name in names:
                    if name is not None and field not in person_fields():
                        self._leave(node, place, name, entry[name])
        for name in shape.unknown:
            self._leave(node, place, name, entry[name])
        return named

    def _leave(self, node: str, place: int, field: str, value: Any) -> None:
        """Keep a value that no column takes, unless it is missing or names a person."""
        if value in NOTHING:
            return
        path = path_of(node, place, field)
        if any(_is_personal(word) for word in (field, *words_in(value, keys=True))):
            self.personal.append((self.row, path))
            return
        text = json_of(value)
        if text is None:
            self.odd.append((self.row, path))
        else:
            self.leftovers.append(Leftover(self.row, node, place, field, text))

    def gathered(self) -> Gathered:
        """All that was taken."""
        size = self.row + 1
        flats = {name: self._flat(name, np.array(counts, dtype=np.int64)) for name, counts in self.counts.items()}
        head = self._flat(HEAD, np.ones(size, dtype=np.int64))
        return Gathered(head, flats, self.leftovers, self.personal, self.odd)

    def _flat(self, name: str, counts: Any) -> Flat:
        parents = np.repeat(np.arange(len(counts)), counts)
        places = np.arange(len(parents)) - np.repeat(np.cumsum(counts) - counts, counts)
        shapes = [(keys, shape) for (node, keys), shape in self._shapes.items() if node == name]
        fields = [set(keys) if shape.plain else {field for field, _ in shape.sources} for keys, shape in shapes]
        # An entry that was renamed has only the fields that are written.
        always = [set(keys) if shape.plain else set() for keys, shape in shapes]
        return Flat(
            self.entries[name],
            counts,
            parents,
            places,
            frozenset().union(*fields),
            frozenset(set.intersection(*always) if always else ()),
        )


def gather(messages: list[Any]) -> tuple[Gathered, list[bool]]:
    """The messages taken apart, and which of them had a `setlinfo` object; the others count for no row."""
    gatherer = _Gatherer()
    shaped = [gatherer.take(message) for message in messages]
    return gatherer.gathered(), shaped


def path_of(node: str, place: int, field: str) -> str:
    """Where a field stands in its message: `new`, `setlinfo.age`, `diseinfo[0].diag_code`."""
    if not node:
        return field
    return f"{node}.{field}" if node == HEAD else f"{node}[{place}].{field}"


def _is_personal(name: str) -> bool:
    """Whether a field outside the national tables names a patient, in whatever spelling."""
    return is_personal(name) or is_personal(CAPITAL_INSIDE.sub(r"_\1", name))


def _joined(parts: list[Any]) -> str:
    """天, 小时 and 分钟 of a split field as one text; nothing where none is written."""
    if all(part in MISSING for part in parts):
        return ""
    return "/".join("0" if part in MISSING else json_text(part) or "" for part in parts)


def json_text(value: Any) -> str | None:
    """A JSON value as text: numbers without noise, anything else that is no text as missing."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | dict | list):
        return None
    return str(value) if isinstance(value, int) else repr(round(value, 6))


def json_of(value: Any) -> str | None:
    """A text as it is, any other JSON value as JSON; None where it is nested beyond all reason."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return None
