"""Front page 病案首页: HQMS exports with code or Chinese headers, matched by name and never by position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records import assemble, columns
from tongpin.records.assemble import Raw
from tongpin.records.patients import hash_patients
from tongpin.records.rules import Sheet
from tongpin.records.schema import empty_cases
from tongpin.records.tables import front_page_codes, front_page_names, header_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.records.assemble import CodeBook
    from tongpin.records.text import TextTable

REQUIRED = ("A01", "A48", "B12", "B15", "C03C")
TEXTS = (
    "institution_code",
    "institution_name",
    "record_no",
    "stay_no",
    "admission_time",
    "discharge_time",
    "insurance",
    "sex",
    "birth_date",
    "age",
    "age_days",
    "birth_weight",
    "patient_id",
    "care_type",
    "dept",
    "los",
    "doctor_code",
    "discharge_way",
    "total",
    "patient_pay",
)
MONEY_GROUPS = ("drug", "consumable", "exam", "service")
SECONDS_PER_HOUR = 3600
MINUTES_PER_HOUR = 60


def front_page_columns(header: Sequence[str]) -> dict[str, str]:
    """Header cell -> HQMS code for the columns in use; codes in any case or Chinese names, each code once."""
    names = front_page_names()
    found: dict[str, str] = {}
    for cell in header:
        code = names.get(header_key(cell))
        if code is not None and code not in found.values():
            found[cell] = code
    return found


def read_front_pages(parsed: TextTable, file: str, *, key: bytes, codes: CodeBook | None) -> tuple[pa.Table, Sheet]:
    """Front pages (columns named by HQMS code) as (cases, sheet)."""
    table = parsed.table
    sheet = Sheet(file, parsed.records)
    absent = [code for code in REQUIRED if code not in table.column_names]
    if absent:
        for code in absent:
            sheet.note_file("REC-C001", code)
        return empty_cases(), sheet
    raw = Raw("front_page", sheet)
    for column in TEXTS:
        (code,) = front_page_codes()[column]
        raw.paths[column] = code
        if code in table.column_names:
            raw.text[column] = columns.clean(table[code].combine_chunks())
        else:
            sheet.note_file("REC-C002", code)
    raw.paths |= {"dx": "C03C", "px": "C14x01C", "total_fee_fen": "D01", "pool_pay_fen": "D09", "case_id": "A48"}
    stay = pc.fill_null(raw.texts("stay_no"), "1")
    raw.ready["case_id"] = pc.binary_join_element_wise(raw.texts("institution_code"), raw.texts("record_no"), stay, "-")
    ids = raw.texts("patient_id").to_pylist()
    raw.ready["patient_hash"] = pa.array(hash_patients(ids, key), pa.string())
    raw.ready["dx"] = _codes(raw, table, "dx_main", "dx_other", headless=True)
    raw.ready["px"] = _codes(raw, table, "px_main", "px_other", headless=False)
    raw.ready["surgery_level"] = _levels(raw, table)
    raw.ready["code_map"] = pa.array(np.zeros(raw.size, np.int8))
    raw.ready["insurance"] = assemble.translated(raw, "insurance", "RC032")
    raw.ready["discharge_way"] = assemble.translated(raw, "discharge_way", "dscg_way")
    raw.ready["care_type"] = pc.fill_null(assemble.translated(raw, "care_type", "RC039"), "inpatient")
    raw.ready["birth_weight"] = assemble.numbers(raw, "birth_weight")
    assemble.sexes(raw)
    assemble.stays(raw)
    for name in ("admission_time", "discharge_time"):
        sheet.note_rows("REC-D004", columns.mask(pc.is_null(raw.texts(name))), raw.path(name))
    assemble.ages(raw)
    _durations(raw, table)
    _fees(raw, table)
    assemble.missing_principals(raw)
    if codes is not None:
        assemble.unknown_codes(raw, codes)
    return assemble.case_table(raw), sheet


def _present(table: pa.Table, column: str) -> list[str]:
    """The HQMS codes of a working column that the file has, in order."""
    return [code for code in front_page_codes()[column] if code in table.column_names]


def _codes(raw: Raw, table: pa.Table, main: str, other: str, *, headless: bool) -> Any:
    """The main code and the further ones of every row as a list; with `headless` a list without main is emptied."""
    texts = [columns.clean(table[code].combine_chunks()) for code in _present(table, main) + _present(table, other)]
    if not texts:
        return columns.code_lists(pa.array([], pa.string()), np.zeros(raw.size, np.int64))
    valid = [columns.mask(pc.is_valid(one)) for one in texts]
    if headless:
        # Without a principal diagnosis the further ones must not move up.
        valid = [one & valid[0] for one in valid]
    rows = [np.flatnonzero(one) for one in valid]
    order = np.argsort(np.concatenate(rows), kind="stable")
    flat = pa.concat_arrays([one.filter(pa.array(keep)) for one, keep in zip(texts, valid, strict=True)])
    return columns.code_lists(flat.take(pa.array(order)), np.sum(valid, axis=0))


def _levels(raw: Raw, table: pa.Table) -> Any:
    """The highest surgery level of a row, 1 to 4."""
    highest = pa.nulls(raw.size, pa.int8())
    for code in _present(table, "level_main") + _present(table, "level_other"):
        texts = columns.clean(table[code].combine_chunks())
        level = pc.add(pc.index_in(texts, value_set=pa.array(["1", "2", "3", "4"])), 1).cast(pa.int8())
        unknown = columns.mask(pc.and_(pc.is_valid(texts), pc.is_null(level)))
        raw.sheet.note_rows("REC-U001", unknown, code, texts)
        highest = pc.max_element_wise(highest, level)
    return highest


def _durations(raw: Raw, table: pa.Table) -> None:
    """Minutes on a ventilator (given in hours) and whole hours in intensive care (from times in and out)."""
    minutes = pa.nulls(raw.size, pa.int32())
    for code in _present(table, "ventilation_hours"):
        texts = columns.clean(table[code].combine_chunks())
        hours, bad = columns.whole(texts, pa.int16())
        raw.sheet.note_rows("REC-N002", bad, code, texts)
        minutes = pc.multiply(hours.cast(pa.int32()), MINUTES_PER_HOUR)
    seconds = pa.nulls(raw.size, pa.int64())
    for entry, leave in zip(front_page_codes()["icu_in"], front_page_codes()["icu_out"], strict=True):
        if not {entry, leave} <= set(table.column_names):
            continue
        start, end = (_clock(raw, table, code) for code in (entry, leave))
        span = pc.subtract(end.cast(pa.int64()), start.cast(pa.int64()))
        wrong = columns.mask(pc.less(span, 0))
        raw.sheet.note_rows("REC-N002", wrong, leave, table[leave].combine_chunks())
        span = pc.if_else(pa.array(wrong), pa.scalar(None, pa.int64()), span)
        seconds = pc.if_else(pc.is_valid(span), pc.add(pc.fill_null(seconds, 0), pc.fill_null(span, 0)), seconds)
    raw.ready |= {
        "ventilation_minutes": minutes,
        "icu_hours": pc.divide(seconds, SECONDS_PER_HOUR).cast(pa.int32()),
    }


def _clock(raw: Raw, table: pa.Table, code: str) -> Any:
    """A time column of the file; unreadable times are noted and missing."""
    texts = columns.clean(table[code].combine_chunks())
    found, bad = columns.times(texts)
    raw.sheet.note_rows("REC-D003", bad, code, texts)
    return found


def _fees(raw: Raw, table: pa.Table) -> None:
    """The total fee, its four parts, and the patient's share; parts are known where any fee column is filled."""
    total = assemble.amounts(raw, "total")
    raw.ready["patient_pay_fen"] = assemble.amounts(raw, "patient_pay")
    sums: dict[str, Any] = {}
    known = np.zeros(raw.size, dtype=bool)
    for group in MONEY_GROUPS:
        part = pa.array(np.zeros(raw.size, np.int64))
        for code in _present(table, group):
            raw.text[code] = columns.clean(table[code].combine_chunks())
            amount = assemble.amounts(raw, code)
            known |= columns.mask(pc.is_valid(amount))
            part = pc.add(part, pc.fill_null(amount, 0))
        sums[group] = part
    nothing = pa.scalar(None, pa.int64())
    parts = {name: pc.if_else(pa.array(known), part, nothing) for name, part in sums.items()}
    assemble.fee_groups(raw, total, parts)
