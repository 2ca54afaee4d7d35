"""Settlement lists 结算清单 as 4101 or 4101A messages, one JSON object a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import RecordsError
from tongpin.records.case import columns
from tongpin.records.case.nested import flatten
from tongpin.records.case.schema import PERSON_SCHEMA, column_of
from tongpin.records.formats.tables import rows
from tongpin.records.writers.details import details
from tongpin.records.writers.json_texts import arrays, joined, objects
from tongpin.records.writers.list_head import head_texts
from tongpin.records.writers.list_texts import duration, text_of
from tongpin.records.writers.shared import ROWS_AT_ONCE, write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tongpin.records.writers.shared import Names

Interface = Literal["4101", "4101A"]
INTERFACES: dict[str, tuple[str, ...]] = {
    "4101": ("payinfo", "opspdiseinfo", "diseinfo", "iteminfo", "oprninfo", "icuinfo"),
    "4101A": ("opspdiseinfo", "diseinfo", "oprninfo", "icuinfo", "bldinfo"),
}
"""The arrays of each interface beside `setlinfo`, in their order."""
BLOOD = "bldinfo"
BLOOD_IN_HEAD = {"bld_cat": "kind", "bld_amt": "amount", "bld_unt": "unit"}
PLACE = re.compile(r"(?:(setlinfo)|([a-z]+info)\[(\d+)\])\.(.*)", re.DOTALL)


def write_settlement_list(
    cases: pa.Table, path: Path, *, names: Names, persons: pa.Table | None = None, interface: Interface = "4101"
) -> None:
    """Cases as settlement lists, one JSON object a line, packed when the name ends in `.gz`; amounts in yuan, exact.

    What stands in a line, and what goes wrong: see `settlement_lines`. Source: S900-05.
    """
    lines = settlement_lines(cases, names=names, persons=persons, interface=interface)
    write_bytes(path, b"\n".join([*lines, b""]))


def settlement_lines(
    cases: pa.Table, *, names: Names, persons: pa.Table | None = None, interface: Interface = "4101"
) -> list[bytes]:
    """Cases as settlement lists, one JSON object each; amounts in yuan, exact.

    Every field of the interface is written from its column, `extra` back to where it came from. What a case has no
    details for is made from its core columns. Persons come from `persons` (row by row beside `cases`) or from columns
    of their names in `cases`; who is not known is written `-`. In a 4101 message fields that only 4101A has stand
    where a case has them. Errors: `RecordsError("records.interface")`. Source: S900-05.
    """
    if interface not in INTERFACES:
        known = "、".join(INTERFACES)
        raise RecordsError("records.interface", f"没有这一种清单接口：{interface}", hint=f"可用：{known}")
    nested = details(cases, names)
    who = {name: column_of(cases if persons is None else persons, name) for name in PERSON_SCHEMA.names}
    nodes = {node: _entries(node, nested, interface) for node in (*INTERFACES[interface], BLOOD)}
    extra = column_of(cases, "extra")
    bled = nodes[BLOOD].counts
    in_head = (bled == 1) & ~_names_blood(extra)
    head = head_texts(cases, who, interface, {node: entries.counts for node, entries in nodes.items()})
    blood = nodes[BLOOD]
    if interface == "4101":
        head |= _blood(nested["transfusions"], bled, in_head)
        del nodes[BLOOD]
    lines: list[bytes] = []
    for start in range(0, cases.num_rows, ROWS_AT_ONCE):
        size = min(ROWS_AT_ONCE, cases.num_rows - start)
        made = {"setlinfo": objects({name: texts.slice(start, size) for name, texts in head.items()})}
        made |= {node: entries.arrays(start, size) for node, entries in nodes.items()}
        lines += joined(made).cast(pa.binary()).to_pylist()
    beside = {} if BLOOD in nodes else dict.fromkeys(np.flatnonzero((bled > 0) & ~in_head).tolist(), blood)
    _give_back(lines, extra, beside)
    return lines


class _Entries(NamedTuple):
    """The entries of a node laid end to end: their number case by case, and their fields as texts."""

    counts: Any
    fields: dict[str, Any]

    def arrays(self, start: int, size: int) -> Any:
        """The entries of some cases as JSON, an array a case."""
        first = int(self.counts[:start].sum())
        counts = self.counts[start : start + size]
        entries = objects({name: texts.slice(first, int(counts.sum())) for name, texts in self.fields.items()})
        return arrays(entries, counts)


def _entries(node: str, nested: Mapping[str, Any], interface: str) -> _Entries:
    """The entries of a node with the fields of the interface and those that some case brings."""
    table = [row for row in rows("fields/settlement_list.csv") if row["node"] == node]
    flat = flatten(nested[table[0]["column"].partition(".")[0]])
    made: dict[str, Any] = {}
    for row in table:
        values = flat.fields[row["column"].partition(".")[2]]
        if interface in row["interface"].split(";") or (interface == "4101" and values.null_count < len(values)):
            minutes = row["column"].endswith("_minutes") or row["column"].endswith(".minutes")
            texts = duration(values) if minutes else text_of(values, money=row["column"].endswith("_fen"))
            made[row["field"]] = texts.fill_null("")
    return _Entries(flat.counts, made)


def _names_blood(extra: Any) -> Any:
    """The mask of cases with further fields in their `bldinfo`."""
    found = np.zeros(len(extra), dtype=bool)
    for row in np.flatnonzero(columns.mask(pc.is_valid(extra))).tolist():
        found[row] = any(path.startswith(f"{BLOOD}[") for path, _ in extra[row].as_py())
    return found


def _blood(lists: Any, counts: Any, in_head: Any) -> dict[str, Any]:
    """The fields of the head for blood, of the masked cases, which have one transfusion."""
    flat = flatten(lists)
    places = pa.array(np.where(in_head, np.cumsum(counts) - counts, 0), pa.int64(), mask=~in_head)
    return {field: text_of(flat.fields[name].take(places)).fill_null("") for field, name in BLOOD_IN_HEAD.items()}


def _give_back(lines: list[bytes], extra: Any, blood: Mapping[int, _Entries]) -> None:
    """Put what no column takes back to where it came from, before what a column may have made in its stead.

    `blood` are rows whose blood stands beside the other arrays.
    """
    further = np.flatnonzero(columns.mask(pc.is_valid(extra))).tolist()
    for row in sorted({*further, *blood}):
        message = orjson.loads(lines[row])
        if row in blood:
            message[BLOOD] = orjson.loads(blood[row].arrays(row, 1)[0].as_py())
        for path, text in extra[row].as_py() or ():
            found = PLACE.fullmatch(path)
            if found is None:
                message.setdefault(path, _value(text))
            elif (owner := _owner(message, found)) is not None:
                owner[found[4]] = _value(text)
        lines[row] = orjson.dumps(message)


def _owner(message: dict[str, Any], found: re.Match[str]) -> dict[str, Any] | None:
    """The object in which a path ends; None where the message has no such entry."""
    if found[1]:
        head: dict[str, Any] = message[found[1]]
        return head
    entries = message.get(found[2], [])
    place = int(found[3])
    return entries[place] if place < len(entries) else None


def _value(text: str) -> Any:
    """A text, or the structure or truth value that it was written from."""
    if text[:1] not in {"[", "{"} and text not in {"true", "false"}:
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if orjson.dumps(value).decode() == text else text
