"""Lake tables 湖里的表: which tables loads write, by what key, in what columns, and how they are read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA
from tongpin.records.intake.read import CASE_KEY
from tongpin.records.layouts.catalogue import layout_schema, layouts
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.store.home import Home

CASES, FINDINGS, LOADS = "cases", "findings", "loads"
INSTITUTIONS, WITHDRAWALS, DECISIONS, RESULTS, RECEIPTS = (
    layouts()[name].table for name in ("institution", "withdrawal", "decision", "settlement-result", "receipt")
)
LAYOUT_OF_TABLE = {one.table: name for name, one in layouts().items()}
SEALED = "person_sealed"
"""What names the patient of a case, sealed with the home's key."""
ORDERS = {CASES: "upload_time"}
"""The column by which the versions of a key follow one another; ties, and tables without one, go by load."""
ASIDE = ("file", "record", "item_filled", "item_due")
"""Where a case came from, and what was counted of it, does not make it another case."""
KEYS: dict[str, tuple[str, ...]] = {
    CASES: CASE_KEY,
    FINDINGS: ("subject", "rule_id", "path", "value"),
    LOADS: ("load", "file"),
    **{one.table: one.key for one in layouts().values()},
}
"""What makes two rows the same thing in each table of the lake."""
FINDING_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("subject", "rule_id", "severity", "source", "institution_code", "case_id")),
        ("file", pa.string()),
        ("record", pa.int64()),
        *((name, pa.string()) for name in ("path", "value", "message", "hint")),
        ("spoils", pa.list_(pa.string())),
        ("upload_time", pa.timestamp("s")),
        ("status", pa.string()),
        ("first_load", pa.int32()),
        ("last_load", pa.int32()),
    ]
)
"""A finding about a record (its `subject` is the record's key, `upload_time` its version) or about a file; it is open,
or was mended at `last_load`; `first_load` is where it was first met."""
LOAD_SCHEMA = pa.schema(
    [
        ("load", pa.int32()),
        ("loaded_at", pa.timestamp("s")),
        *((name, pa.string()) for name in ("file", "digest", "kind", "reason")),
        *((name, pa.int64()) for name in ("records", "loaded", "rejected", "repeated")),
    ]
)
"""A file of a load; records = loaded + rejected + repeated."""


def schema_of(table: str) -> pa.Schema:
    """The columns of a table of the lake."""
    if table == CASES:
        return pa.schema([*CASE_SCHEMA, *DETAIL_SCHEMA, (SEALED, pa.binary())])
    if table in LAYOUT_OF_TABLE:
        found: pa.Schema = layout_schema(LAYOUT_OF_TABLE[table])
        return found
    return {FINDINGS: FINDING_SCHEMA, LOADS: LOAD_SCHEMA}[table]


def read_loaded(
    home: Home,
    table: str,
    columns: Sequence[str] | None = None,
    *,
    as_of: int | None = None,
    within: int | None = None,
    where: tuple[str, Any] | None = None,
) -> pa.Table:
    """The rows in force of a table of the lake; an empty table of the right columns when nothing was loaded.

    Of cases the core columns come where `columns` names no others. `as_of` = the number of a load shows what was in
    force after it; `within` = a load that has not ended reads what it wrote itself; `where` = (column of the key,
    values) reads these keys only.
    """
    schema = schema_of(table)
    if columns is None:
        columns = CASE_SCHEMA.names if table == CASES else schema.names
    chosen = pa.schema([schema.field(name) for name in columns])
    found = lake.read_current(
        home, table, KEYS[table], columns=columns, order=ORDERS.get(table), as_of=as_of, within=within, where=where
    )
    return chosen.empty_table() if found is None else typed(found, chosen)


def typed(found: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of a table read from the lake in the types that the rooms know."""
    arrays = []
    for field in schema:
        column = found[field.name]
        absent = column.null_count == len(column)  # a column of a later version comes as texts, all null
        arrays.append(pa.nulls(len(column), field.type) if absent else column.cast(field.type))
    return pa.table(arrays, schema=schema)
