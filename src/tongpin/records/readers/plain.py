"""Plain cases 通用格式: what grouping reads, values as they are, further columns kept as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records import assemble, columns
from tongpin.records.assemble import Raw
from tongpin.records.patients import hash_patients
from tongpin.records.rules import Sheet
from tongpin.records.schema import CASE_SCHEMA, GROUPING_COLUMNS, empty_cases

if TYPE_CHECKING:
    from tongpin.records.assemble import CodeBook
    from tongpin.records.text import TextTable

REQUIRED = ("case_id", "dx")
PERSONAL = frozenset(
    {"psn_name", "certno", "psn_no", "name", "姓名", "证件号码", "身份证号", "人员编号", "患者姓名", "patient_hash"}
)
"""Columns that never enter: persons, and digests whose key is not ours."""
PATIENT = "patient_id"
GIVEN_BY_READER = frozenset({"source", "file", "record", "patient_hash"})


def read_plain(parsed: TextTable, file: str, *, key: bytes, codes: CodeBook | None) -> tuple[pa.Table, pa.Table, Sheet]:
    """Plain cases as (cases, extra text columns, sheet); a non-number becomes missing without losing its row."""
    table = parsed.table
    sheet = Sheet(file, parsed.records)
    absent = [name for name in REQUIRED if name not in table.column_names]
    if absent:
        for name in absent:
            sheet.note_file("REC-C001", name)
        sheet.left_out[:] = True
        return empty_cases(), pa.table({}), sheet
    for name in GROUPING_COLUMNS:
        if name not in table.column_names:
            sheet.note_file("REC-C002", name)
    raw = Raw("plain", sheet)
    for name in CASE_SCHEMA.names:
        if name in table.column_names and name not in GIVEN_BY_READER:
            _take(raw, name, table[name].combine_chunks())
    if PATIENT in table.column_names:
        ids = columns.clean(table[PATIENT].combine_chunks()).to_pylist()
        raw.ready["patient_hash"] = pa.array(hash_patients(ids, key), pa.string())
    assemble.sexes(raw)
    for name in ("dx", "px"):
        raw.ready.setdefault(name, columns.code_lists(pa.array([], pa.string()), np.zeros(raw.size, np.int64)))
    if codes is not None:
        assemble.unknown_codes(raw, codes)
    cases = assemble.case_table(raw)
    kept = pa.array(~sheet.left_out)
    return cases, _extra(table, sheet).filter(kept), sheet


def _take(raw: Raw, name: str, column: Any) -> None:
    """One column of the file into its case column."""
    kind = CASE_SCHEMA.field(name).type
    if pa.types.is_list(kind):
        raw.ready[name] = _codes(raw, name, column)
        return
    raw.text[name] = columns.clean(column, dash=False)
    if name == "sex" or pa.types.is_string(kind):
        return
    if name.endswith("_fen"):
        # A column named in fen holds whole fen; the amount rules are the same.
        typed, bad = columns.within_reason(*columns.whole(raw.text[name], kind))
        raw.sheet.note_rows("REC-N001", bad, name, raw.text[name])
        raw.sheet.note_rows("REC-F001", columns.mask(pc.less(typed, 0)), name, raw.text[name])
        raw.ready[name] = typed
    elif pa.types.is_integer(kind):
        raw.ready[name] = assemble.numbers(raw, name)
    else:
        raw.ready[name] = assemble.dates(raw, name).cast(kind)


def _codes(raw: Raw, name: str, column: Any) -> Any:
    """Codes joined by `|`, or lists of codes; a list that begins with an empty diagnosis has no principal."""
    lists = column if pa.types.is_list(column.type) else pc.split_pattern(pc.fill_null(column, ""), "|")
    tidy, missing = columns.tidy_codes(lists, dash=False)
    if name == "dx":
        raw.sheet.note_rows("REC-M001", missing, name)
        return assemble.emptied(tidy, missing)
    return tidy


def _extra(table: pa.Table, sheet: Sheet) -> pa.Table:
    """The columns beyond the case table as text; columns about persons are dropped and named."""
    names = []
    for name in table.column_names:
        if name in PERSONAL:
            sheet.note_file("REC-C005", name)
        elif name not in CASE_SCHEMA.names and name != PATIENT:
            names.append(name)
    return table.select(names)
