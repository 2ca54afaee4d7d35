"""Plain cases as CSV, CSV.gz or Parquet: the grouping columns in their published order, then what else is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tongpin.records.schema import CASE_SCHEMA, GROUPING_COLUMNS
from tongpin.records.writers.shared import Sheet, write_csv

if TYPE_CHECKING:
    from pathlib import Path

NOT_WRITTEN = frozenset({"source", "file", "record", "patient_hash"})


def write_plain(cases: pa.Table, path: Path) -> None:
    """Cases in the plain layout; columns of the case table beyond the grouping columns follow where any is filled.

    CSV: all text, empty = missing, codes joined by `|`. Parquet: typed columns, codes as lists.
    """
    sheet = Sheet(cases)
    further = [
        name
        for name in CASE_SCHEMA.names
        if name not in GROUPING_COLUMNS and name not in NOT_WRITTEN and sheet.arrow(name).null_count < sheet.size
    ]
    names = [*GROUPING_COLUMNS, *further]
    if path.suffix == ".parquet":
        pq.write_table(pa.table({name: sheet.arrow(name) for name in names}), path)
        return
    write_csv(path, {name: _texts(sheet.arrow(name)) for name in names})


def _texts(column: Any) -> list[Any]:
    """A column as texts, null as the empty text."""
    if pa.types.is_list(column.type):
        column = pc.binary_join(column.cast(pa.list_(pa.string())), "|")
    found: list[Any] = column.cast(pa.string()).fill_null("").to_pylist()
    return found
