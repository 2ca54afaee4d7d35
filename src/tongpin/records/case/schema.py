"""The typed case 病例: one row a record, whatever file it came from; its columns stand in `fields/case_columns.csv`.

Three groups: `core`, on which every upper room may rely; `detail`, what else the national formats hold, present where
a format fills it; `person`, what names a patient, kept apart from the case.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import pyarrow as pa

from tongpin.base.errors import RecordsError
from tongpin.records.formats.tables import rows

CODE_LIST = pa.list_(pa.dictionary(pa.int32(), pa.string()))
"""Code lists, principal first, dictionary-encoded: the kernel's own layout."""

TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "texts": pa.list_(pa.string()),
    "codes": CODE_LIST,
    "bool": pa.bool_(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "ints": pa.list_(pa.int32()),
    "fen": pa.int64(),
    "decimal": pa.decimal128(12, 2),
    "date": pa.date32(),
    "time": pa.timestamp("s"),
    "map": pa.map_(pa.string(), pa.string()),
}
"""Words of the column table and their Arrow types; `list` stands for a list of structs of the `name.field` rows."""


class Column(NamedTuple):
    """A column of the case table: name (unit last), Arrow type, group, Chinese term, dictionary of its codes, note."""

    name: str
    type: pa.DataType
    group: str
    label: str
    dictionary: str
    note: str


@cache
def columns() -> dict[str, Column]:
    """Every column by name; fields of lists stand under `diagnoses.code` too. Unknown words are refused."""
    table = rows("fields/case_columns.csv")
    fields: dict[str, list[tuple[str, pa.DataType]]] = {}
    for row in table:
        if row["type"] not in {*TYPES, "list"} or row["group"] not in {"core", "detail", "person"}:
            raise RecordsError("records.table", "不认识的类型或分组", where=row["column"], hint="改正 case_columns.csv")
        owner, _, field = row["column"].partition(".")
        if field:
            fields.setdefault(owner, []).append((field, TYPES[row["type"]]))
    made: dict[str, Column] = {}
    for row in table:
        name = row["column"]
        kind = pa.list_(pa.struct(fields[name])) if row["type"] == "list" else TYPES[row["type"]]
        made[name] = Column(name, kind, row["group"], row["label"], row["dictionary"], row["note"])
    return made


def _schema(group: str) -> pa.Schema:
    return pa.schema(
        [
            pa.field(one.name, one.type, metadata={"label": one.label})
            for one in columns().values()
            if one.group == group and "." not in one.name
        ]
    )


CASE_SCHEMA = _schema("core")
"""A column that a format cannot fill stays null; total = drug + consumable + exam + service where fees are known,
and total = patient + pool + other_fund where a settlement is known (fen, exact)."""

DETAIL_SCHEMA = _schema("detail")
"""What else the formats hold, typed; a table of cases carries those of these columns that its format fills."""

PERSON_SCHEMA = _schema("person")
"""What names a patient; never a column of a case table, sealed wherever it is kept."""

GROUPING_COLUMNS: tuple[str, ...] = (
    "case_id",
    "sex",
    "age",
    "age_days",
    "birth_weight",
    "dept",
    "los",
    "discharge_way",
    "dx",
    "px",
    "icu_hours",
    "code_map",
)
"""The plain case layout: what grouping reads, in its published order."""


def empty_cases() -> pa.Table:
    """A case table without rows."""
    return CASE_SCHEMA.empty_table()


def column_of(table: pa.Table, name: str) -> Any:
    """A column of a case table in one piece; all null where the table does not carry it."""
    if table.schema.get_field_index(name) < 0:  # naming all columns of a wide table costs more than the look-up
        return pa.nulls(table.num_rows, columns()[name].type)
    found = table[name].combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        found = pa.concat_arrays(found.chunks) if found.num_chunks else pa.array([], found.type)
    return found
