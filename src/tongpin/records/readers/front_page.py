"""Front page 病案首页: HQMS exports with code or Chinese headers, matched by name and never by position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import assemble, columns
from tongpin.records.case.assemble import Raw
from tongpin.records.case.patients import hash_patients
from tongpin.records.case.rules import Sheet
from tongpin.records.case.schema import columns as case_columns
from tongpin.records.formats.page_fields import page_fields
from tongpin.records.readers.basics import refused
from tongpin.records.readers.entries import Slot, lay_out, lists, text_maps
from tongpin.records.readers.page_groups import hours_as_minutes, page_groups
from tongpin.records.readers.page_table import front_page_columns, page_table

if TYPE_CHECKING:
    from tongpin.records.case.assemble import Assembled, CodeBook
    from tongpin.records.files.text import TextTable
    from tongpin.records.readers.page_table import PageTable

__all__ = ["front_page_columns", "read_front_pages"]

REQUIRED = ("A01", "A48", "B12", "B15", "C03C")
USEFUL = (
    *("A02", "A49", "A46C", "A12C", "A13", "A14", "A16", "A18x01", "A20"),
    *("B38", "B16C", "B20", "B24C", "B34C", "D01", "D09"),
)
"""Columns whose absence is worth a word: core columns of the case rest on them."""
BY_RULE = frozenset(
    {
        *("admission_time", "discharge_time", "birth_date", "age_days", "discharge_way"),
        *("dept", "admission_dept", "transfer_depts", "birth_weights", "admission_weights"),
        *("coma_before_minutes", "coma_after_minutes", "ventilation_minutes"),
    }
)
"""Plain columns that more than their type decides; all others are taken as they are."""
CHECKED_BY_RULE = frozenset({"sex_code", "payment_method", "day_surgery_flag"})
"""Columns kept as they are whose values a rule of their own checks."""
BESIDE_CORE = ("sex_code", "payment_method", "day_surgery_flag", "stated_age", "stated_stay_days", "birth_weights")
"""Detail columns that a core column is made from: always there, so that a writer knows what the page itself said."""
DEPT_PREFIX = r"^[A-Za-z](\d)"
DEPT_SIGNS = r"\s*(?:->|[,，、;；→|])\s*"
COMA = {"coma_before_minutes": ("C28", "C29", "C30"), "coma_after_minutes": ("C31", "C32", "C33")}
MINUTES_OF_PARTS = (24 * 60, 60, 1)
"""Minutes of a day, an hour and a minute, as the columns of a coma stand."""


def read_front_pages(parsed: TextTable, file: str, *, key: bytes, codes: CodeBook | None) -> tuple[Assembled, Sheet]:
    """Front pages, columns named as in the file, as (what they came to, sheet); patients are hashed with `key`.

    Every column of the standard reaches the case, its persons or its nested columns; unknown ones reach `extra`
    under their header. A page that an error names is left out. Source: S001-70, S900-05.
    """
    sheet = Sheet(file, parsed.records)
    page = page_table(parsed.table, sheet)
    absent = [code for code in REQUIRED if code not in page.places]
    if absent:
        for code in absent:
            sheet.note_file("REC-C001", code)
        return refused(sheet), sheet
    for code in USEFUL:
        if code not in page.places:
            sheet.note_file("REC-C002", code)
    raw = Raw("front_page", sheet)
    raw.paths |= {"dx": "C03C", "px": "C14x01C", "total_fee_fen": "D01", "pool_pay_fen": "D09", "case_id": "A48"}
    _plain_columns(raw, page)
    _keys(raw, page, key)
    _stay(raw, page)
    _person(raw, page)
    _depts(raw, page)
    _weights(raw, page)
    _durations(raw, page)
    page_groups(raw, page)
    raw.ready["code_map"] = pa.array(np.zeros(raw.size, np.int8))
    if page.further:
        raw.ready["extra"] = text_maps(raw.size, page.further)
    for name in BESIDE_CORE:
        raw.ready.setdefault(name, pa.nulls(raw.size, case_columns()[name].type))
    assemble.missing_principals(raw)
    if codes is not None:
        assemble.unknown_codes(raw, codes)
    return assemble.case_table(raw), sheet


def _plain_columns(raw: Raw, page: PageTable) -> None:
    """The columns that their type alone decides, of the case and of the person."""
    for field in page_fields():
        if field.group or field.column in BY_RULE or field.code not in page.texts:
            continue
        words = "" if field.column in CHECKED_BY_RULE else field.dictionary
        assemble.take(raw, field.column, page.texts[field.code], field.code, words)


def _named(raw: Raw, page: PageTable, column: str, code: str) -> None:
    """A working text column from the column of a page."""
    raw.paths[column] = code
    if code in page.texts:
        raw.text[column] = page.texts[code]


def _keys(raw: Raw, page: PageTable, key: bytes) -> None:
    """The case id 机构代码-病案号-住院次数 and the hash of the patient."""
    nothing = pa.nulls(raw.size, pa.string())
    given = page.texts.get("A49", nothing)
    number = assemble.column_of(raw, "stay_no").cast(pa.string())
    stay = pc.coalesce(number, given, pa.scalar("1"))
    whose = (page.texts.get(code, nothing) for code in ("A01", "A48"))
    raw.ready["case_id"] = pc.binary_join_element_wise(*whose, stay, "-")
    ids = page.texts.get("A20", nothing).to_pylist()
    raw.ready["patient_hash"] = pa.array(hash_patients(ids, key), pa.string())


def _stay(raw: Raw, page: PageTable) -> None:
    """Times, days, payer, care and way of leaving."""
    _named(raw, page, "admission_time", "B12")
    _named(raw, page, "discharge_time", "B15")
    raw.paths["los"] = "B20"
    if "stated_stay_days" in raw.ready:
        raw.text["los"] = raw.ready["stated_stay_days"].cast(pa.string())
    assemble.stays(raw)
    for name in ("admission_time", "discharge_time"):
        raw.sheet.note_rows("REC-D004", columns.mask(pc.is_null(raw.texts(name))), raw.path(name))
    _named(raw, page, "insurance", "A46C")
    _named(raw, page, "discharge_way", "B34C")
    _named(raw, page, "care_type", "B38")
    raw.ready["insurance"] = assemble.translated(raw, "insurance", "RC032")
    raw.ready["discharge_way"] = assemble.translated(raw, "discharge_way", "dscg_way")
    raw.ready["care_type"] = pc.fill_null(assemble.translated(raw, "care_type", "RC039"), "inpatient")


def _person(raw: Raw, page: PageTable) -> None:
    """Sex, birth and age."""
    _named(raw, page, "sex", "A12C")
    assemble.sexes(raw)
    _named(raw, page, "birth_date", "A13")
    _named(raw, page, "age_days", "A16")
    raw.paths["age"] = "A14"
    if "stated_age" in raw.ready:
        raw.text["age"] = raw.ready["stated_age"].cast(pa.string())
    assemble.ages(raw)
    if "birth_date" in raw.text:
        raw.ready["birth_date"] = columns.times(raw.text["birth_date"])[0].cast(pa.date32())


def _depts(raw: Raw, page: PageTable) -> None:
    """Departments without the letter of the list's codes; those of transfers as a list."""
    for column, code in (("admission_dept", "B13C"), ("dept", "B16C")):
        if code in page.texts:
            bare = pc.replace_substring_regex(page.texts[code], DEPT_PREFIX, r"\1")
            assemble.take(raw, column, bare, code, "RC023")
    if "B21C" in page.texts:
        parts = pc.split_pattern_regex(page.texts["B21C"], DEPT_SIGNS)
        counts, names = _parts(parts)
        raw.ready["transfer_depts"] = lists(counts, pc.replace_substring_regex(names, DEPT_PREFIX, r"\1"))


def _parts(parts: Any) -> tuple[Any, Any]:
    """Split texts as counts a row and the texts that are present."""
    found = columns.clean(pc.list_flatten(parts))
    present = columns.mask(pc.is_valid(found))
    counts = np.bincount(np.asarray(pc.list_parent_indices(parts))[present], minlength=len(parts))
    return counts, found.filter(pa.array(present))


def _weights(raw: Raw, page: PageTable) -> None:
    """Weights of newborns in grams, one each; several in one cell stand with commas between."""
    for column in ("birth_weights", "admission_weights"):
        places = [place for place in page.places.values() if place.field.column == column and place.code in page.texts]
        entries = lay_out(
            raw.size,
            [
                Slot(place.number, {"weight": page.texts[place.code]}, {"weight": place.code})
                for place in sorted(places, key=lambda one: one.number)
            ],
        )
        if not entries.size:
            continue
        parts = pc.split_pattern_regex(entries.field("weight"), "[,，]")
        owners = np.asarray(pc.list_parent_indices(parts))
        grams, bad = columns.whole(columns.clean(pc.list_flatten(parts)), pa.int32())
        entries.note(raw, "REC-N002", np.bincount(owners[bad], minlength=entries.size) > 0, "weight")
        good = columns.mask(pc.is_valid(grams))
        counts = np.bincount(entries.rows[owners[good]], minlength=raw.size)
        raw.ready[column] = lists(counts, grams.filter(pa.array(good)))
    if "birth_weights" in raw.ready:
        raw.ready["birth_weight"] = pc.list_element(raw.ready["birth_weights"], 0)


def _durations(raw: Raw, page: PageTable) -> None:
    """Coma (days, hours and minutes apart) and ventilation (hours) in minutes."""
    for column, codes in COMA.items():
        total = pa.nulls(raw.size, pa.int64())
        for code, minutes in zip(codes, MINUTES_OF_PARTS, strict=True):
            if code not in page.texts:
                continue
            count, bad = columns.whole(page.texts[code], pa.int16())
            bad |= columns.mask(pc.less(count, 0))
            raw.sheet.note_rows("REC-N002", bad, code, page.texts[code])
            part = pc.if_else(pa.array(bad), pa.scalar(None, pa.int64()), pc.multiply(count.cast(pa.int64()), minutes))
            total = pc.if_else(pc.is_valid(part), pc.add(pc.fill_null(total, 0), pc.fill_null(part, 0)), total)
        if any(code in page.texts for code in codes):
            raw.ready[column] = total.cast(pa.int32())
    if "C47" in page.texts:
        minutes, bad = hours_as_minutes(page.texts["C47"])
        raw.sheet.note_rows("REC-N002", bad, "C47", page.texts["C47"])
        raw.ready["ventilation_minutes"] = minutes
