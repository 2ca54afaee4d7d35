"""List columns 清单列: one node of all messages as cleaned texts and typed columns, every note at its own entry."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import assemble, columns, nested
from tongpin.records.case.schema import columns as case_columns
from tongpin.records.formats.tables import rows
from tongpin.records.readers.list_messages import HEAD
from tongpin.records.readers.list_nodes import Leftover, json_of, json_text, path_of, person_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.records.case.rules import Sheet
    from tongpin.records.readers.list_nodes import Flat

JUDGED_ELSEWHERE = frozenset(
    {"gend", "hi_type", "ipt_med_type", "dscg_way", "diag_type", "fund_pay_type", "med_chrgitm_type"}
)
"""Dictionaries whose values are translated, and noted there."""
UNREADABLE = "{…}"
"""Stands for a structure nested beyond all reason."""
BOOLEANS = {True: "1", False: "0"}


@cache
def field_columns(node: str) -> dict[str, str]:
    """Field of a node -> its column in the field table."""
    return {row["field"]: row["column"] for row in rows("fields/settlement_list.csv") if row["node"] == node}


@cache
def _words(node: str) -> dict[str, str]:
    """Field of a node -> the dictionary against which its values are checked here."""
    return {
        row["field"]: row["dictionary"]
        for row in rows("fields/settlement_list.csv")
        if row["node"] == node and row["dictionary"] not in JUDGED_ELSEWHERE
    }


class Node:
    """One node over all messages: its fields as columns, a row an entry.

    What a column cannot hold is noted with its path and left over under the name of its field, so that no value is
    lost; a value that names a person is not left over.
    """

    def __init__(self, sheet: Sheet, name: str, flat: Flat, leftovers: list[Leftover]) -> None:
        self.name = name
        self.counts, self.parents, self.places = flat.counts, flat.parents, flat.places
        self.size = len(flat.entries)
        self._sheet = sheet
        self._flat = flat
        self._leftovers = leftovers
        self._texts: dict[str, Any] = {}
        self._starts = np.cumsum(flat.counts) - flat.counts
        self.keep(np.ones(self.size, dtype=bool), np.zeros(len(flat.counts), dtype=bool))

    def texts(self, field: str) -> Any:
        """The cleaned texts of a field, null where it is missing."""
        found = self._texts.get(field)
        if found is None:
            found = self._texts[field] = self._read(field)
        return found

    def _read(self, field: str) -> Any:
        values = self._flat.values(field)
        if values is None:
            return pa.nulls(self.size, pa.string())
        try:
            return columns.clean(pa.array(values, pa.string()))
        except (pa.ArrowTypeError, pa.ArrowInvalid):
            return columns.clean(pa.array(self._plain_texts(field, values), pa.string()))

    def _plain_texts(self, field: str, values: list[Any]) -> list[str | None]:
        """JSON values as texts; a structure is left over, or is no value where the column wants a number or time."""
        kind = case_columns()[field_columns(self.name)[field]].type
        texts: list[str | None] = []
        for entry, value in enumerate(values):
            text = BOOLEANS[value] if isinstance(value, bool) and pa.types.is_boolean(kind) else json_text(value)
            if text is None and value is not None:
                if pa.types.is_string(kind) or pa.types.is_list(kind):
                    self.leave(entry, field, value)
                else:
                    text = json_of(value) or UNREADABLE
            texts.append(text)
        return texts

    def leave(self, entry: int, field: str, value: Any) -> None:
        """Keep a value that its column cannot hold beside the columns."""
        if field in person_fields():
            return
        row, place = int(self.parents[entry]), int(self.places[entry])
        text = json_of(value)
        if text is None:
            self._sheet.note("REC-J003", row, self.path(entry, field))
        else:
            self._leftovers.append(Leftover(row, self.name, place, field, text))

    def leave_unread(self, field: str, typed: Any) -> None:
        """Keep the texts of a field that came to no value."""
        texts = self.texts(field)
        if typed.null_count > texts.null_count:
            for entry in np.flatnonzero(columns.mask(pc.and_(pc.is_valid(texts), pc.is_null(typed)))):
                self.leave(int(entry), field, texts[int(entry)].as_py())

    def take(self, field: str, column: str | None = None) -> Any:
        """A field as the type of its column; what is no such value is noted and left over."""
        texts = self.texts(field)
        typed, notes = assemble.typed(
            column or field_columns(self.name)[field], texts, _words(self.name).get(field, "")
        )
        for rule, found in notes:
            self.note(rule, found, field)
        self.leave_unread(field, typed)
        return typed

    def minutes(self, field: str) -> Any:
        """A field of 天/小时/分钟 as minutes."""
        typed, bad = columns.durations(self.texts(field))
        self.note("REC-N002", bad, field)
        return typed

    def path(self, entry: int, field: str = "") -> str:
        """Where an entry, or a field of it, stands in its message."""
        full = path_of(self.name, int(self.places[entry]), field)
        return full if field else full.removesuffix(".")

    def note(self, rule: str, entries: Any, field: str, shown: Any = None) -> None:
        """Note a rule on the masked entries; the text of the field is shown where nothing else is."""
        for one in np.flatnonzero(entries):
            value = self.texts(field)[int(one)].as_py() if shown is None else shown(int(one))
            self._sheet.note(rule, int(self.parents[one]), self.path(int(one), field), value or "")

    def written(self) -> Any:
        """The mask of entries in which some field is written or a value left over."""
        found = np.zeros(self.size, dtype=bool)
        for field in self._flat.present & field_columns(self.name).keys():
            found |= columns.mask(pc.is_valid(self.texts(field)))
        if any(one.node == self.name for one in self._leftovers):
            places = {(one.row, one.place) for one in self._leftovers if one.node == self.name}
            found |= [one in places for one in zip(self.parents.tolist(), self.places.tolist(), strict=True)]
        return found

    def build(self, column: str, kept: Any, fields: Mapping[str, Any]) -> Any:
        """The nested column of the kept entries."""
        self.keep(kept, np.zeros(len(self.counts), dtype=bool))
        if kept.all():
            return nested.build(column, self.counts, fields)
        counts = np.bincount(self.parents[kept], minlength=len(self.counts))
        kept_array = pa.array(kept)
        return nested.build(column, counts, {name: found.filter(kept_array) for name, found in fields.items()})

    def keep(self, entries: Any, ahead: Any) -> None:
        """Say which entries stay, and in which messages another one stands ahead of them."""
        self._kept, self._ahead = entries, ahead

    def kept_place(self, row: int, place: int) -> int | None:
        """The place of an entry of a message among those that stay; None where it does not stay."""
        start = int(self._starts[row])
        if not self._kept[start + place]:
            return None
        return int(self._kept[start : start + place].sum()) + int(self._ahead[row])

    def sums(self, amounts: Any) -> Any:
        """Whole numbers of the entries summed by message (int64), missing ones as nothing."""
        return nested.sums(self.counts, amounts)


def head_path(field: str) -> str:
    """What a finding calls a field of `setlinfo`."""
    return path_of(HEAD, 0, field)
