"""Entries 明细: numbered columns of wide tables laid end to end, typed at once, and made into nested columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import assemble, columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tongpin.records.case.assemble import Raw


@dataclass
class Slot:
    """One numbered place of a table: the texts of its fields, and the column that each came from."""

    number: int = 0
    texts: dict[str, Any] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Entries:
    """Entries of all rows in order: how many each row has; the row, the slot, its number and the texts of each."""

    slots: list[Slot]
    counts: Any
    rows: Any
    which: Any
    numbers: Any
    texts: dict[str, Any]

    @property
    def size(self) -> int:
        """Number of entries."""
        return len(self.rows)

    def field(self, name: str) -> Any:
        """The texts of a field, all null where the file has none."""
        found = self.texts.get(name)
        return pa.nulls(self.size, pa.string()) if found is None else found

    def note(self, raw: Raw, rule_id: str, bad: Any, name: str) -> None:
        """Note a rule on every entry of a Boolean mask, at the column that the value of the field `name` came from."""
        for entry in np.flatnonzero(bad):
            value = self.field(name)[int(entry)].as_py()
            path = self.slots[int(self.which[entry])].paths.get(name, "")
            raw.sheet.note(rule_id, int(self.rows[entry]), path, value or "")

    def typed(self, raw: Raw, column: str, words: str = "") -> Any:
        """The texts of a nested column (`diagnoses.code`), typed; what breaks a rule is noted.

        With `words` values outside that dictionary are noted and kept, where the dictionary is confirmed as a whole.
        """
        name = column.partition(".")[2]
        found, notes = assemble.typed(column, self.field(name), words)
        for rule, bad in notes:
            self.note(raw, rule, bad, name)
        return found


def lay_out(size: int, slots: Iterable[Slot]) -> Entries:
    """The slots of `size` rows end to end, row by row; a slot is an entry of a row where any field has a value."""
    kept = [slot for slot in slots if slot.texts]
    if not kept:
        none = np.zeros(0, np.int64)
        return Entries([], np.zeros(size, np.int64), none, none, none, {})
    present = [_any(slot.texts.values()) for slot in kept]
    rows = [np.flatnonzero(one) for one in present]
    every = np.concatenate(rows)
    order = np.argsort(every, kind="stable")
    taken = pa.array(order)
    texts: dict[str, Any] = {}
    for name in dict.fromkeys(name for slot in kept for name in slot.texts):
        chunks = [
            slot.texts[name].take(pa.array(where)) if name in slot.texts else pa.nulls(len(where), pa.string())
            for slot, where in zip(kept, rows, strict=True)
        ]
        texts[name] = pa.concat_arrays(chunks).take(taken)
    which = np.repeat(np.arange(len(kept)), [len(where) for where in rows])
    numbers = np.array([slot.number for slot in kept], dtype=np.int64)[which]
    return Entries(kept, np.sum(present, axis=0), every[order], which[order], numbers[order], texts)


def _any(texts: Iterable[Any]) -> Any:
    """The mask of rows in which any of the texts is present."""
    return np.logical_or.reduce([columns.mask(pc.is_valid(one)) for one in texts])


def lists(counts: Any, values: Any) -> Any:
    """A list column from the number of values of every row and the values; a row without values is null."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), values, mask=pa.array(np.asarray(counts) == 0))


def text_maps(size: int, further: Mapping[str, Any]) -> Any:
    """Further columns as a map column, header -> text; a row without values is null."""
    entries = lay_out(size, [Slot(0, {"value": texts}, {"value": name}) for name, texts in further.items()])
    names = pa.array([slot.paths["value"] for slot in entries.slots], pa.string())
    offsets = np.zeros(size + 1, dtype=np.int32)
    np.cumsum(entries.counts, out=offsets[1:])
    none = pa.array(entries.counts == 0)
    keys = names.take(pa.array(entries.which))
    return pa.MapArray.from_arrays(pa.array(offsets), keys, entries.field("value"), mask=none)
