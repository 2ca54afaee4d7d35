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
from tongpin.records.readers.basics import decoded, header_of, joined, refused, whole
from tongpin.records.readers.entries import text_maps

if TYPE_CHECKING:
    from tongpin.records.case.assemble import Assembled, CodeBook
    from tongpin.records.files.text import TextTable

REQUIRED = ("case_id", "dx")
PATIENT = "patient_id"
GIVEN_BY_READER = frozenset({"source", "file", "record"})
DETAILS = frozenset(field.name for field in DETAIL_SCHEMA if not pa.types.is_nested(field.type))
"""Detail columns that one text can hold; they may be given by name."""
SEXES = pa.array(["1", "2"])


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
        ids = columns.clean(decoded(whole(table[PATIENT]))).to_pylist()
        raw.ready["patient_hash"] = pa.array(hash_patients(ids, key), pa.string())
    if further:
        raw.ready["extra"] = text_maps(raw.size, further)
    if "sex" not in raw.ready:
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
            if decoded(column).equals(decoded(whole(table[header]))):
                continue
            raw.sheet.note_file("REC-C008", label)
        elif header in CASE_SCHEMA.names or header in DETAILS:
            _take(raw, header, column)
            continue
        texts = joined(decoded(column))
        texts = pc.if_else(pc.equal(texts, columns.EMPTY), columns.NOTHING, texts)
        if texts.null_count < len(texts):
            further[label] = texts
    return further


def _take(raw: Raw, name: str, column: Any) -> None:
    """One column of the file into its case column."""
    kind = schema.columns()[name].type
    if pa.types.is_list(kind):
        raw.ready[name] = _codes(raw, name, decoded(column))
        return
    if pa.types.is_string(kind) and name != "sex":
        raw.text[name] = columns.clean(decoded(joined(column)), dash=False)
        assemble.take(raw, name, raw.text[name], name)
        return
    # What is no text is read once a distinct value: a million ages are some hundred numbers.
    encoded = joined(column) if pa.types.is_list(column.type) else column
    encoded = encoded if pa.types.is_dictionary(encoded.type) else encoded.dictionary_encode()
    texts = columns.clean(encoded.dictionary, dash=False)
    places = encoded.indices
    if name == "sex":
        known = pc.index_in(texts, value_set=SEXES)
        typed, notes = pc.add(known, 1), [("REC-X001", columns.mask(pc.is_null(known)))]
        raw.sheet.note_rows("REC-X001", columns.mask(pc.is_null(places)), name)
    elif name.endswith("_fen"):
        # A column named in fen holds whole fen; the amount rules are the same.
        typed, bad = columns.within_reason(*columns.whole(texts, kind))
        notes = [("REC-N001", bad), ("REC-F001", columns.mask(pc.less(typed, 0)))]
    else:
        typed, notes = assemble.typed(name, texts)
    raw.paths[name] = name
    raw.ready[name] = typed.take(places).cast(kind)
    for rule, found in notes:
        if found.any():
            where = columns.mask(pa.array(found).take(places))
            raw.sheet.note_rows(rule, where, name, pa.DictionaryArray.from_arrays(places, texts))


def _codes(raw: Raw, name: str, column: Any) -> Any:
    """Codes joined by `|`, or lists of codes; a list that begins with an empty diagnosis has no principal."""
    lists = column if pa.types.is_list(column.type) else pc.split_pattern(pc.fill_null(column, ""), "|")
    tidy, missing = columns.tidy_codes(lists, dash=False)
    if name == "dx":
        raw.sheet.note_rows("REC-M001", missing, name)
        return assemble.emptied(tidy, missing)
    return tidy
