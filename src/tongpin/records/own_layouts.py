"""Own layouts 自有布局: institutions, withdrawals, decisions and settlement results as CSV or Parquet.

No national layout is at hand for them; their columns stand in `fields/own_layouts.csv`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records import columns, text
from tongpin.records.patients import hash_patients
from tongpin.records.rules import Sheet, in_order
from tongpin.records.tables import dictionary, rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.base.findings import Finding

LAYOUTS = ("institution", "withdrawal", "decision", "settlement-result")
LAYOUT_KEYS: dict[str, tuple[str, ...]] = {
    "institution": ("institution_code", "valid_from"),
    "withdrawal": ("institution_code", "setl_id"),
    "decision": ("institution_code", "fund", "month", "kind", "document"),
    "settlement-result": ("setl_id",),
}
"""What makes two rows of a layout the same thing."""
MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
OTHER_FUNDS = tuple(f"{name}_pay_fen" for name in ("hifmi", "hifob", "cvlserv", "hifes", "maf", "oth"))
TYPES = {
    "text": pa.string(),
    "choice": pa.string(),
    "month": pa.string(),
    "person": pa.string(),
    "date": pa.date32(),
    "whole": pa.int32(),
    "yuan": pa.int64(),
}


@cache
def layout_fields(layout: str) -> tuple[dict[str, str], ...]:
    """The field rows of a layout: field, type, required, choices, column."""
    return tuple(row for row in rows("fields/own_layouts.csv") if row["layout"] == layout)


@cache
def required_fields(layout: str) -> frozenset[str]:
    """The column names that a file of this layout must have."""
    return frozenset(row["field"] for row in layout_fields(layout) if row["required"] == "Y")


def layout_schema(layout: str) -> pa.Schema:
    """The Arrow schema that the reader of a layout gives; amounts in fen, persons hashed."""
    if layout == "settlement-result":
        return pa.schema(
            [
                ("setl_id", pa.string()),
                ("mdtrt_id", pa.string()),
                ("patient_hash", pa.string()),
                ("sex", pa.string()),
                ("birth_date", pa.date32()),
                ("age", pa.int32()),
                ("age_days", pa.int32()),
                ("insurance", pa.string()),
                ("insured_region", pa.string()),
                ("total_fee_fen", pa.int64()),
                ("patient_pay_fen", pa.int64()),
                ("account_pay_fen", pa.int64()),
                ("pool_pay_fen", pa.int64()),
                ("other_fund_pay_fen", pa.int64()),
                ("settlement_date", pa.date32()),
                ("accepted_date", pa.date32()),
            ]
        )
    return pa.schema([(row["column"], TYPES[row["type"]]) for row in layout_fields(layout)])


def read_layout(path: Path, layout: str, *, key: bytes = b"") -> tuple[pa.Table, list[Finding], int]:
    """A file of an own layout as (table, findings, records met); rows that cannot be read are left out.

    The table has `layout_schema(layout)`: amounts in fen; the persons of settlement results are hashed with `key`.
    Errors: `RecordsError("records.file" | "records.encoding" | "records.gzip" | "records.parquet")`.
    """
    parsed = text.load(path)
    sheet = Sheet(path.name, parsed.records)
    absent = required_fields(layout) - set(parsed.table.column_names)
    if absent:
        for name in sorted(absent):
            sheet.note_file("REC-C001", name)
        return layout_schema(layout).empty_table(), in_order(parsed.findings + sheet.findings), parsed.read_count
    typed = {row["column"]: _typed(parsed.table, row, sheet) for row in layout_fields(layout)}
    if layout == "settlement-result":
        typed = _result_columns(typed, sheet, key)
    schema = layout_schema(layout)
    made = pa.table([typed[name] for name in schema.names], schema=schema)
    _note_repeated(made, LAYOUT_KEYS[layout], sheet)
    kept = made.filter(pa.array(~sheet.left_out))
    return kept, in_order(parsed.findings + sheet.findings), parsed.read_count


def _typed(table: pa.Table, row: dict[str, str], sheet: Sheet) -> Any:
    """One field as its Arrow type; missing required values and values outside the layout are noted."""
    name, kind = row["field"], row["type"]
    if name not in table.column_names:
        return pa.nulls(table.num_rows, TYPES[kind])
    texts = columns.clean(table[name].combine_chunks())
    if row["required"] == "Y":
        sheet.note_rows("REC-O001", columns.mask(pc.is_null(texts)), name)
    if kind == "yuan":
        amounts, bad = columns.fen(texts)
        sheet.note_rows("REC-N001", bad, name, texts)
        sheet.note_rows("REC-F001", columns.mask(pc.less(amounts, 0)), name, texts)
        return amounts
    if kind == "date":
        found, bad = columns.times(texts)
        sheet.note_rows("REC-O002" if row["required"] == "Y" else "REC-D003", bad, name, texts)
        return found.cast(pa.date32())
    if kind == "whole":
        numbers, bad = columns.whole(texts, pa.int32())
        sheet.note_rows("REC-N002", bad, name, texts)
        return numbers
    if kind == "choice":
        inside = pc.is_in(texts, value_set=pa.array(row["choices"].split("|")))
        sheet.note_rows("REC-O002", columns.mask(pc.and_(pc.is_valid(texts), pc.invert(inside))), name, texts)
    if kind == "month":
        outside = columns.mask(pc.invert(pc.match_substring_regex(texts, MONTH)))
        sheet.note_rows("REC-O002", outside, name, texts)
    return texts


def _result_columns(typed: dict[str, Any], sheet: Sheet, key: bytes) -> dict[str, Any]:
    """Persons hashed, insurance normalised, the other funds summed."""
    ids = pc.coalesce(typed.pop("certno"), typed.pop("psn_no")).to_pylist()
    known = dictionary("hi_type")
    index = pc.index_in(typed["insurance"], value_set=pa.array(list(known)))
    unknown = columns.mask(pc.and_(pc.is_valid(typed["insurance"]), pc.is_null(index)))
    sheet.note_rows("REC-U001", unknown, "insutype", typed["insurance"])
    funds = [typed.pop(name) for name in OTHER_FUNDS]
    total = pc.fill_null(funds[0], 0)
    for fund in funds[1:]:
        total = pc.add(total, pc.fill_null(fund, 0))
    # Where the result names no pool payment it is no settled result, and its other funds are not known either.
    other = pc.if_else(pc.is_valid(typed["pool_pay_fen"]), total, pa.scalar(None, pa.int64()))
    return typed | {
        "patient_hash": pa.array(hash_patients(ids, key), pa.string()),
        "insurance": pa.array(list(known.values()), pa.string()).take(index),
        "other_fund_pay_fen": other,
    }


def _note_repeated(made: pa.Table, key: Sequence[str], sheet: Sheet) -> None:
    """Leave out later rows of a thing that stands in an earlier row."""
    first: dict[tuple[Any, ...], int] = {}
    for row, one in enumerate(zip(*(made[name].to_pylist() for name in key), strict=True)):
        if sheet.left_out[row]:
            continue
        earlier = first.setdefault(one, row)
        if earlier != row:
            same = made.slice(row, 1).equals(made.slice(earlier, 1))
            shown = f"{' '.join(str(part) for part in one if part)}（与第 {int(sheet.records[earlier])} 条）"
            sheet.note("REC-P002" if same else "REC-P001", row, key[-1], shown)
            sheet.left_out[row] = True
