"""Own layouts 自有布局: what no national layout holds, as CSV or Parquet; their columns are data (`layouts.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import columns
from tongpin.records.case.patients import hash_patients
from tongpin.records.case.personal import is_personal
from tongpin.records.case.rules import Sheet, in_order
from tongpin.records.files import text
from tongpin.records.formats.tables import dictionary
from tongpin.records.layouts.catalogue import (
    EXTRA,
    field_columns,
    layout_fields,
    layout_schema,
    layouts,
    required_fields,
)
from tongpin.records.layouts.values import TYPES
from tongpin.records.readers.entries import text_maps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tongpin.base.findings import Finding
    from tongpin.records.files.text import TextTable

__all__ = [
    "LAYOUTS",
    "LAYOUT_KEYS",
    "layout_fields",
    "layout_schema",
    "read_layout",
    "read_layout_file",
    "required_fields",
]

LAYOUTS: tuple[str, ...] = tuple(layouts())
LAYOUT_KEYS: dict[str, tuple[str, ...]] = {name: one.key for name, one in layouts().items()}
"""What makes two rows of a layout the same thing."""
OTHER_FUNDS = tuple(f"{name}_pay_fen" for name in ("hifmi", "hifob", "cvlserv", "hifes", "maf", "oth"))
PROCEDURE_CODE = r"^\d{2}\."
"""Codes of procedures begin with two digits and a point, those of diagnoses with a letter."""
LIST_KEYS = ("institution_code", "setl_id")


def read_layout(
    parsed: TextTable, layout: str, file: str, *, key: bytes = b""
) -> tuple[pa.Table, list[Finding], pa.Table]:
    """Rows of an own layout as (table, findings in file order, keys of the rows met).

    The table has `layout_schema(layout)`: amounts in fen, persons hashed with `key`, columns beyond the layout in
    `extra`; rows that cannot be read are left out. The findings include those of `parsed`. `keys` has
    `record, institution_code, case_id` of every row parsed, and `loaded`: whether the table has it, in the same order.
    """
    table, sheet = parsed.table, Sheet(file, parsed.records)
    found = field_columns(table.column_names, layout)
    cells = {name: _cleaned(table[cell]) for name, cell in found.items()}
    schema = layout_schema(layout)
    if absent := sorted(required_fields(layout) - found.keys()):
        for name in absent:
            sheet.note_file("REC-C001", name)
        sheet.left_out[:] = True
        return schema.empty_table(), in_order([*parsed.findings, *sheet.findings]), _keys(cells, layout, sheet)
    made = _typed(cells, layout, sheet, key)
    for name, kind in zip(schema.names, schema.types, strict=True):
        made.setdefault(name, pa.nulls(table.num_rows, kind))
    made[EXTRA] = _extra(table, [cell for cell in table.column_names if cell not in found.values()], sheet)
    kept = pa.table([made[name] for name in schema.names], schema=schema).filter(pa.array(~sheet.left_out))
    return kept, in_order([*parsed.findings, *sheet.findings]), _keys(cells, layout, sheet)


def read_layout_file(path: Path, layout: str, key: bytes = b"") -> tuple[pa.Table, list[Finding], pa.Table]:
    """A whole file of an own layout, as of `read_layout`.

    Errors: `RecordsError("records.file" | "records.encoding" | "records.gzip" | "records.parquet")`.
    """
    return read_layout(text.load(path), layout, path.name, key=key)


def _cleaned(column: Any) -> Any:
    """A column in one piece, cleaned; lists of texts, which Parquet may hold, joined by `|`."""
    whole = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    return columns.clean(pc.binary_join(whole, "|") if pa.types.is_list(whole.type) else whole)


def _typed(cells: Mapping[str, Any], layout: str, sheet: Sheet, key: bytes) -> dict[str, Any]:
    """The columns of a layout that the file fills; values it cannot hold are noted."""
    made: dict[str, Any] = {}
    read: dict[str, Any] = {}
    for row in layout_fields(layout):
        name, column = row["field"], row["column"]
        if name not in cells:
            continue
        texts = cells[name]
        if row["type"] == "person":
            digests = pa.array(hash_patients(texts.to_pylist(), key), pa.string())
            made[column] = pc.coalesce(made[column], digests) if column in made else digests
        elif row["dictionary"]:
            made[column] = _translated(row, texts, sheet)
        else:
            made[column] = read[name] = _field(row, texts, sheet)
    for row in layout_fields(layout):
        _note_missing(row, cells, read, sheet)
    if layout == "settlement-result":
        made["other_fund_pay_fen"] = _other_funds(made, len(sheet.records))
    if layout == "code-map":
        by_form = pc.if_else(pc.match_substring_regex(made["clinical_code"], PROCEDURE_CODE), "px", "dx")
        made["kind"] = pc.coalesce(made["kind"], by_form) if "kind" in made else by_form
    return made


def _field(row: Mapping[str, str], texts: Any, sheet: Sheet) -> Any:
    """One field typed; a value outside its type or its choices is noted, as an error where it must not be missing."""
    name, kind = row["field"], row["type"]
    typed, bad = TYPES[kind].read(texts)
    if kind in {"yuan", "fund_yuan"}:
        sheet.note_rows("REC-N001", bad, name, texts)
    else:
        if kind == "choice":
            inside = pc.is_in(texts, value_set=pa.array(row["choices"].split("|")))
            bad = columns.mask(pc.and_(pc.is_valid(texts), pc.invert(inside)))
        if kind in {"whole", "decimal"} and not row["signed"]:
            bad = bad | columns.mask(pc.less(typed, pa.scalar(0, typed.type)))
            typed = pc.if_else(pa.array(bad), pa.scalar(None, typed.type), typed)
        sheet.note_rows(_bad_value_rule(row), bad, name, texts)
    if kind in {"yuan", "fund_yuan"} and not row["signed"]:
        sheet.note_rows("REC-F001", columns.mask(pc.less(typed, 0)), name, texts)
    return typed


def _bad_value_rule(row: Mapping[str, str]) -> str:
    """The rule for a value that is none: an error where it decides, else the value is missing."""
    if row["required"] == "Y" or row["required_when"] or row["type"] in {"choice", "month", "flag"}:
        return "REC-O002"
    return "REC-D003" if row["type"] in {"date", "time"} else "REC-N002"


def _translated(row: Mapping[str, str], texts: Any, sheet: Sheet) -> Any:
    """A field through its dictionary; a value outside it is noted and missing."""
    known = dictionary(row["dictionary"])
    index = pc.index_in(texts, value_set=pa.array(list(known), pa.string()))
    sheet.note_rows("REC-U001", columns.mask(pc.and_(pc.is_valid(texts), pc.is_null(index))), row["field"], texts)
    return pa.array(list(known.values()), pa.string()).take(index)


def _note_missing(row: Mapping[str, str], cells: Mapping[str, Any], read: Mapping[str, Any], sheet: Sheet) -> None:
    """Note the rows without a required value; `kind=a|b` asks for it where another field has one of these values."""
    texts = cells.get(row["field"])
    missing = np.ones(len(sheet.records), dtype=bool) if texts is None else columns.mask(pc.is_null(texts))
    if row["required_when"]:
        name, _, values = row["required_when"].partition("=")
        if name not in read:
            return
        words = TYPES["flag"].write(read[name]) if pa.types.is_boolean(read[name].type) else read[name]
        missing &= columns.mask(pc.is_in(words, value_set=pa.array(values.split("|"))))
    elif row["required"] != "Y" or texts is None:
        return
    sheet.note_rows("REC-O001", missing, row["field"])


def _other_funds(made: Mapping[str, Any], size: int) -> Any:
    """The further funds of a settlement summed."""
    total = pa.array(np.zeros(size, np.int64))
    for name in OTHER_FUNDS:
        if name in made:
            total = pc.add(total, pc.fill_null(made[name], 0))
    # Where the result names no pool payment it is no settled result, and its other funds are not known either.
    known = pc.is_valid(made["pool_pay_fen"]) if "pool_pay_fen" in made else pa.array(np.zeros(size, bool))
    return pc.if_else(known, total, pa.scalar(None, pa.int64()))


def _extra(table: pa.Table, cells: Sequence[str], sheet: Sheet) -> Any:
    """The columns beyond the layout as a map by header; those about persons are dropped and named."""
    further = {}
    for cell in cells:
        if is_personal(cell):
            sheet.note_file("REC-C005", cell)
        else:
            further[cell] = _cleaned(table[cell])
    return text_maps(table.num_rows, further)


def _keys(cells: Mapping[str, Any], layout: str, sheet: Sheet) -> pa.Table:
    """Record, institution and list of every row, also of those left out, and whether it is loaded."""
    nothing = pa.nulls(len(sheet.records), pa.string())
    found = {row["column"]: cells[row["field"]] for row in layout_fields(layout) if row["field"] in cells}
    institution, case_id = (found.get(name, nothing) for name in LIST_KEYS)
    records, loaded = pa.array(sheet.records, pa.int64()), pa.array(~sheet.left_out)
    return pa.table([records, institution, case_id, loaded], names=["record", "institution_code", "case_id", "loaded"])
