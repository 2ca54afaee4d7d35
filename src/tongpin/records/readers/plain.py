"""Plain cases 通用格式: what grouping reads, values as they are, further columns kept as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import assemble, columns, schema
from tongpin.records.case.assemble import Raw
from tongpin.records.case.patients import hash_patients
from tongpin.records.case.personal import is_personal
from tongpin.records.case.rules import Sheet
from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA, GROUPING_COLUMNS
from tongpin.records.readers.basics import header_of, joined, refused, whole
from tongpin.records.readers.entries import text_maps

if TYPE_CHECKING:
    from tongpin.records.case.assemble import Assembled, CodeBook
    from tongpin.records.files.text import TextTable

REQUIRED = ("case_id", "dx")
PATIENT = "patient_id"
GIVEN_BY_READER = frozenset({"source", "file", "record"})
DETAILS = frozenset(field.name for field in DETAIL_SCHEMA if not pa.types.is_nested(field.type))
"""Detail columns that one text can hold; they may be given by name."""


def read_plain(parsed: TextTable, file: str, *, key: bytes, codes: CodeBook | None) -> tuple[Assembled, Sheet]:
    """Plain cases as (what they came to, sheet); a non-number becomes missing without losing its row.

    Columns named as those of the case table are typed, `patient_id` is hashed with `key`, columns that name a
    patient are dropped and said, every further column reaches `extra` as it is. Source: the plain case layout.
    """
    table = parsed.table
    sheet = Sheet(file, parsed.records)
    absent = [name for name in REQUIRED if name not in table.column_names]
    if absent:
        for name in absent:
            sheet.note_file("REC-C001", name)
        return refused(sheet), sheet
    for name in GROUPING_COLUMNS:
        if name not in table.column_names:
            sheet.note_file("REC-C002", name)
    raw = Raw("plain", sheet)
    further = _columns(raw, table)
    if PATIENT in table.column_names:
        ids = columns.clean(whole(table[PATIENT])).to_pylist()
        raw.ready["patient_hash"] = pa.array(hash_patients(ids, key), pa.string())
    if further:
        raw.ready["extra"] = text_maps(raw.size, further)
    assemble.sexes(raw)
    for name in ("dx", "px"):
        raw.ready.setdefault(name, columns.code_lists(pa.array([], pa.string()), np.zeros(raw.size, np.int64)))
    if codes is not None:
        assemble.unknown_codes(raw, codes)
    return assemble.case_table(raw), sheet


def _columns(raw: Raw, table: pa.Table) -> dict[str, Any]:
    """The columns of the case table into `raw`; the further ones, texts as they are, by label."""
    labels = frozenset(table.column_names)
    further: dict[str, Any] = {}
    for label in table.column_names:
        header = header_of(label, labels)
        column = whole(table[label])
        if header in GIVEN_BY_READER or header == PATIENT:
            continue
        if is_personal(header):
            raw.sheet.note_file("REC-C005", label)
            continue
        if label != header:
            if column.equals(whole(table[header])):
                continue
            raw.sheet.note_file("REC-C008", label)
        elif header in CASE_SCHEMA.names or header in DETAILS:
            _take(raw, header, column)
            continue
        texts = joined(column)
        texts = pc.if_else(pc.equal(texts, columns.EMPTY), columns.NOTHING, texts)
        if texts.null_count < len(texts):
            further[label] = texts
    return further


def _take(raw: Raw, name: str, column: Any) -> None:
    """One column of the file into its case column."""
    kind = schema.columns()[name].type
    if pa.types.is_list(kind):
        raw.ready[name] = _codes(raw, name, column)
        return
    texts = columns.clean(column, dash=False)
    raw.text[name] = texts
    if name == "sex":
        return
    if name.endswith("_fen"):
        # A column named in fen holds whole fen; the amount rules are the same.
        typed, bad = columns.within_reason(*columns.whole(texts, kind))
        raw.sheet.note_rows("REC-N001", bad, name, texts)
        raw.sheet.note_rows("REC-F001", columns.mask(pc.less(typed, 0)), name, texts)
        raw.ready[name] = typed
    else:
        assemble.take(raw, name, texts, name)


def _codes(raw: Raw, name: str, column: Any) -> Any:
    """Codes joined by `|`, or lists of codes; a list that begins with an empty diagnosis has no principal."""
    lists = column if pa.types.is_list(column.type) else pc.split_pattern(pc.fill_null(column, ""), "|")
    tidy, missing = columns.tidy_codes(lists, dash=False)
    if name == "dx":
        raw.sheet.note_rows("REC-M001", missing, name)
        return assemble.emptied(tidy, missing)
    return tidy
