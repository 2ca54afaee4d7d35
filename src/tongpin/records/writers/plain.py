"""Plain cases as CSV, CSV.gz or Parquet: the grouping columns in their published order, then what else is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA, GROUPING_COLUMNS, column_of
from tongpin.records.readers.plain import DETAILS
from tongpin.records.writers.further import further
from tongpin.records.writers.shared import write_csv

if TYPE_CHECKING:
    from pathlib import Path

NOT_WRITTEN = frozenset({"source", "file", "record", "patient_hash"})


def write_plain(cases: pa.Table, path: Path) -> None:
    """Cases in the plain layout; further columns of the case table, details of one value and `extra` where filled.

    CSV: all text, empty = missing, codes joined by `|`. Parquet: typed columns, codes as lists.
    """
    brought = set(cases.column_names)
    names = [name for name in (*CASE_SCHEMA.names, *DETAIL_SCHEMA.names) if name in brought]
    more = [
        name
        for name in names
        if (name in CASE_SCHEMA.names or name in DETAILS)
        and name not in GROUPING_COLUMNS
        and name not in NOT_WRITTEN
        and cases[name].null_count < cases.num_rows
    ]
    made = {name: column_of(cases, name) for name in (*GROUPING_COLUMNS, *more)} | further(cases)
    if path.suffix == ".parquet":
        pq.write_table(pa.table(made), path)
    else:
        write_csv(path, {name: _texts(column) for name, column in made.items()})


def _texts(column: Any) -> Any:
    """A column as texts."""
    if pa.types.is_list(column.type):
        column = pc.binary_join(column.cast(pa.list_(pa.string())), "|")
    return column.cast(pa.string())
