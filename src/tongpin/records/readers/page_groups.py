"""Page groups 首页各组: diagnoses, procedures, intensive care, blood and fees of front pages as nested columns."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import assemble, columns, nested
from tongpin.records.formats.page_fields import page_fields
from tongpin.records.formats.tables import rows
from tongpin.records.readers.entries import Slot, lay_out

if TYPE_CHECKING:
    from tongpin.records.case.assemble import Raw
    from tongpin.records.readers.entries import Entries
    from tongpin.records.readers.page_table import PageTable

WESTERN, MAIN, OTHER = "1", "1", "2"
"""Kinds of a diagnosis and of a procedure, as settlement lists name them."""
LEVELS = ("1", "2", "3", "4")
FEE_PARTS = ("drug", "consumable", "exam", "service")
SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 3600
LONGEST_SECONDS = np.iinfo(np.int32).max
"""A stay in intensive care beyond 68 years is a slip of the pen."""
MINUTES_PER_HOUR = 60


def page_groups(raw: Raw, page: PageTable) -> None:
    """All nested columns of a page table, and the core columns that rest on them."""
    _diagnoses(raw, page)
    _procedures(raw, page)
    _pathology(raw, page)
    _intensive_care(raw, page)
    _transfusions(raw, page)
    _fees(raw, page)


def hours_as_minutes(texts: Any) -> tuple[Any, Any]:
    """Hours with at most two decimals as whole minutes (int32); and the mask of what is none."""
    hours, bad = columns.decimals(texts)
    hundredths = pc.multiply(hours.cast(pa.decimal128(16, 2)), columns.HUNDRED).cast(pa.int64())
    minutes = pc.divide(pc.add(pc.multiply(hundredths, MINUTES_PER_HOUR), 50), 100)
    bad |= columns.mask(pc.or_(pc.less(hundredths, 0), pc.greater(minutes, np.iinfo(np.int32).max)))
    return pc.if_else(pa.array(bad), pa.scalar(None, pa.int64()), minutes).cast(pa.int32()), bad


def _slots(page: PageTable, group: str) -> list[Slot]:
    """The slots of a group by number, the unnumbered one first."""
    found: dict[int, Slot] = {}
    for code, place in page.places.items():
        if place.field.group == group and code in page.texts:
            slot = found.setdefault(place.number, Slot(place.number))
            slot.texts[place.field.part] = page.texts[code]
            slot.paths[place.field.part] = code
    return [found[number] for number in sorted(found)]


@cache
def _codes(group: str) -> tuple[str, ...]:
    """The codes of a group in official order."""
    return tuple(field.code for field in page_fields() if field.group == group)


def _each(page: PageTable, group: str, name: str) -> list[Slot]:
    """A slot for every column of a group whose columns are entries of their own, numbered by their order."""
    return [
        Slot(number, {name: page.texts[code]}, {name: code})
        for number, code in enumerate(_codes(group))
        if code in page.texts
    ]


@cache
def _words(group: str) -> dict[str, str]:
    """Field of a group -> its dictionary."""
    return {field.part: field.dictionary for field in page_fields() if field.group == group}


def _typed(raw: Raw, entries: Entries, group: str) -> dict[str, Any]:
    """The fields of a group that the file has, typed; hours of procedures as minutes."""
    found: dict[str, Any] = {}
    for name in entries.texts:
        if name == "duration_minutes":
            found[name], bad = hours_as_minutes(entries.field(name))
            entries.note(raw, "REC-N002", bad, name)
        else:
            found[name] = entries.typed(raw, f"{group}.{name}", _words(group)[name])
    return found


def _built(raw: Raw, entries: Entries, group: str, read: dict[str, Any], given: dict[str, Any]) -> None:
    """The nested column of a group from its read fields and those that its columns imply.

    An entry of which no field could be read is none.
    """
    kept = np.zeros(entries.size, dtype=bool)
    for values in read.values():
        kept |= columns.mask(pc.is_valid(values))
    counts = np.bincount(entries.rows[kept], minlength=raw.size)
    chosen = pa.array(kept)
    raw.ready[group] = nested.build(group, counts, {name: one.filter(chosen) for name, one in (read | given).items()})


def _diagnoses(raw: Raw, page: PageTable) -> None:
    """Diagnoses, principal first; without a principal code the further ones must not move up into `dx`."""
    entries = lay_out(raw.size, _slots(page, "diagnoses"))
    found = _typed(raw, entries, "diagnoses")
    main = entries.numbers == 0
    given = {"kind": pa.array(np.full(entries.size, WESTERN), pa.string()), "principal": pa.array(main)}
    _built(raw, entries, "diagnoses", found, given)
    coded = columns.mask(pc.is_valid(entries.field("code")))
    headed = np.zeros(raw.size, dtype=bool)
    headed[entries.rows[main & coded]] = True
    raw.ready["dx"] = _code_lists(raw, entries, coded & headed[entries.rows])


def _procedures(raw: Raw, page: PageTable) -> None:
    """Procedures, the main one first, and the highest surgery level of a row, 1 to 4."""
    entries = lay_out(raw.size, _slots(page, "procedures"))
    found = _typed(raw, entries, "procedures")
    main = entries.numbers == 0
    given = {"kind": pa.array(np.where(main, MAIN, OTHER), pa.string()), "principal": pa.array(main)}
    _built(raw, entries, "procedures", found, given)
    raw.ready["px"] = _code_lists(raw, entries, columns.mask(pc.is_valid(entries.field("code"))))
    level = pc.add(pc.index_in(entries.field("level"), value_set=pa.array(LEVELS)), 1)
    highest = np.zeros(raw.size, dtype=np.int8)
    np.maximum.at(highest, entries.rows, np.asarray(pc.fill_null(level, 0)).astype(np.int8))
    raw.ready["surgery_level"] = pa.array(highest, mask=highest == 0)


def _code_lists(raw: Raw, entries: Entries, kept: Any) -> Any:
    """The codes of the masked entries, row by row."""
    counts = np.bincount(entries.rows[kept], minlength=raw.size)
    return columns.code_lists(entries.field("code").filter(pa.array(kept)), counts)


def _pathology(raw: Raw, page: PageTable) -> None:
    entries = lay_out(raw.size, _slots(page, "pathology"))
    _built(raw, entries, "pathology", _typed(raw, entries, "pathology"), {})


def _intensive_care(raw: Raw, page: PageTable) -> None:
    """Stays in intensive care with their minutes, and the whole hours of all."""
    entries = lay_out(raw.size, _slots(page, "icu_stays"))
    found = _typed(raw, entries, "icu_stays")
    nothing = pa.nulls(entries.size, pa.timestamp("s"))
    seconds = pc.subtract(found.get("leave", nothing).cast(pa.int64()), found.get("entry", nothing).cast(pa.int64()))
    wrong = columns.mask(pc.or_(pc.less(seconds, 0), pc.greater(seconds, LONGEST_SECONDS)))
    entries.note(raw, "REC-N002", wrong, "leave")
    seconds = pc.if_else(pa.array(wrong), pa.scalar(None, pa.int64()), seconds)
    _built(raw, entries, "icu_stays", found, {"minutes": pc.divide(seconds, SECONDS_PER_MINUTE)})
    total, known = _sums(raw, entries, seconds)
    raw.ready["icu_hours"] = pa.array(total // SECONDS_PER_HOUR, mask=~known)


def _sums(raw: Raw, entries: Entries, values: Any, kept: Any = None) -> tuple[Any, Any]:
    """Sums of the whole numbers of each row (int64), and the mask of rows with any; of the masked entries only."""
    present = columns.mask(pc.is_valid(values))
    present = present if kept is None else present & kept
    total = np.zeros(raw.size, dtype=np.int64)
    np.add.at(total, entries.rows[present], np.asarray(values.filter(pa.array(present))))
    known = np.zeros(raw.size, dtype=bool)
    known[entries.rows[present]] = True
    return total, known


@cache
def blood() -> dict[str, dict[str, str]]:
    """Code of a blood column -> its kind, unit and label."""
    return {row["code"]: row for row in rows("fields/page_blood.csv")}


def _transfusions(raw: Raw, page: PageTable) -> None:
    entries = lay_out(raw.size, _each(page, "transfusions", "amount"))
    found = _typed(raw, entries, "transfusions")
    number = pa.array(entries.numbers)
    given = {
        name: pa.array([blood()[code][name] for code in _codes("transfusions")], pa.string()).take(number)
        for name in ("kind", "unit")
    }
    _built(raw, entries, "transfusions", found, given)


@cache
def _fee_parts() -> Any:
    """The part of the total that each fee column belongs to, empty for those contained in another."""
    parts = {field.code: field.fee for field in page_fields()}
    return np.array([parts[code] for code in _codes("fees")])


def _fees(raw: Raw, page: PageTable) -> None:
    """Fees by column, and the four parts of the total; parts are known where any fee column is filled."""
    entries = lay_out(raw.size, _each(page, "fees", "amount_fen"))
    found = _typed(raw, entries, "fees")
    category = pa.array(_codes("fees"), pa.string()).take(pa.array(entries.numbers))
    _built(raw, entries, "fees", found, {"category": category})
    amounts = found.get("amount_fen", pa.nulls(0, pa.int64()))
    part = _fee_parts()[entries.numbers]
    known = np.zeros(raw.size, dtype=bool)
    sums: dict[str, Any] = {}
    for name in FEE_PARTS:
        sums[name], filled = _sums(raw, entries, amounts, part == name)
        known |= filled
    parts = {name: pa.array(total, mask=~known) for name, total in sums.items()}
    assemble.fee_groups(raw, assemble.column_of(raw, "total_fee_fen"), parts)
