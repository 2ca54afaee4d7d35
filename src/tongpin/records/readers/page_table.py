"""Page table 首页列: the columns of a front page export by code, those without any value left aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tongpin.records.case import columns
from tongpin.records.case.personal import is_personal
from tongpin.records.case.schema import PERSON_SCHEMA
from tongpin.records.formats.page_fields import place_of
from tongpin.records.readers.basics import header_of, joined, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from tongpin.records.case.rules import Sheet
    from tongpin.records.formats.page_fields import Place

DASH = ord("-")


class PageTable(NamedTuple):
    """A front page table: every known column by code, the cleaned texts of those with a value, and what is further."""

    places: dict[str, Place]
    texts: dict[str, Any]
    further: dict[str, Any]


def front_page_columns(header: Sequence[str]) -> dict[str, str]:
    """Header cell -> HQMS code for the cells that are known; codes in any case or Chinese names, each code once."""
    found: dict[str, str] = {}
    for cell in header:
        place = place_of(cell)
        if place is not None and place.code not in found.values():
            found[cell] = place.code
    return found


def page_table(table: pa.Table, sheet: Sheet) -> PageTable:
    """The columns of an export by their headers.

    A header that stands twice is one column where the contents are equal; else it is noted (REC-C008), the first
    one counts and the other is kept as a further column, unless it names a patient.
    """
    found = PageTable({}, {}, {})
    labels = frozenset(table.column_names)
    seen: dict[str, Any] = {}
    for label in table.column_names:
        header = header_of(label, labels)
        place = place_of(header)
        name = header if place is None else place.code
        texts = filled(table[label])
        if name in seen:
            if not _same(seen[name], texts):
                sheet.note_file("REC-C008", label)
                if texts is not None and not _names_a_patient(header, place):
                    found.further[label] = texts
            continue
        seen[name] = texts
        if place is not None:
            found.places[name] = place
            if texts is not None:
                found.texts[name] = texts
        elif is_personal(header):
            sheet.note_file("REC-C005", header)
        elif texts is not None:
            found.further[label] = texts
    return found


def _names_a_patient(header: str, place: Place | None) -> bool:
    return is_personal(header) if place is None else place.field.column in PERSON_SCHEMA.names


def _same(one: Any, other: Any) -> bool:
    return one is other if one is None or other is None else bool(one.equals(other))


def filled(column: Any) -> Any:
    """A text column in one piece and cleaned; None where no row has a value."""
    texts = joined(whole(column))
    if _empty(texts):
        return None
    cleaned = columns.clean(texts)
    return None if cleaned.null_count == len(cleaned) else cleaned


def _empty(texts: Any) -> bool:
    """Whether every text is null, empty or the sign `-`; told from the bytes, since most of 811 columns are so."""
    size = len(texts)
    if texts.null_count == size:
        return True
    _, offsets, data = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32, count=size + 1, offset=4 * texts.offset)
    length = int(bounds[-1] - bounds[0])
    if length == 0:
        return True
    if length > size or data is None:
        return False
    signs = np.frombuffer(data, np.uint8, count=length, offset=int(bounds[0]))
    return bool((signs == DASH).all()) and int(np.diff(bounds).max()) <= 1
