"""Own layouts as CSV, CSV.gz or Parquet: what their reader reads back to the same table."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from tongpin.records.layouts.catalogue import EXTRA, layout_fields
from tongpin.records.layouts.values import TYPES
from tongpin.records.writers.shared import write_bytes

if TYPE_CHECKING:
    from pathlib import Path


def write_layout(table: pa.Table, layout: str, path: Path) -> None:
    """The rows of an own layout as a file, by suffix `.csv`, `.csv.gz` or `.parquet` (typed, amounts in yuan).

    `table` has columns of `layout_schema(layout)`, absent ones count as null; the columns in use are written, those of
    `extra` after them. A digest cannot be turned back: persons are written where the table has a text column under
    the field's own name (`certno`, `psn_no`).
    """
    fields = {row["field"]: row for row in layout_fields(layout)}
    made: dict[str, Any] = {}
    for row in layout_fields(layout):
        column = row["field"] if row["type"] == "person" else row["column"]
        if column in table.column_names:
            values = _whole(table[column])
            made[row["field"]] = pc.coalesce(made[row["field"]], values) if row["field"] in made else values
    for name, row in fields.items():
        values = made.setdefault(name, pa.nulls(table.num_rows, TYPES[row["type"]].arrow))
        if row["required"] == "N" and values.null_count == len(values):
            del made[name]
    made = {name: made[name] for name in fields if name in made}
    kinds = {name: TYPES[fields[name]["type"]] for name in made}
    further = _further(_whole(table[EXTRA])) if EXTRA in table.column_names else {}
    if path.suffix == ".parquet":
        pq.write_table(pa.table({name: kinds[name].stored(values) for name, values in made.items()} | further), path)
    else:
        _write_csv(path, {name: kinds[name].write(values) for name, values in made.items()} | further)


def _whole(column: Any) -> Any:
    """A column in one piece."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _further(maps: Any) -> dict[str, Any]:
    """A map column as one text column for each key, in the order in which the keys are met."""
    lists = maps.cast(pa.list_(maps.type.field(0).type))
    counts = np.asarray(pc.fill_null(pc.list_value_length(lists), 0))
    entries = pc.list_flatten(lists)
    keys, items = pc.struct_field(entries, 0).dictionary_encode(), pc.struct_field(entries, 1)
    rows, places = np.repeat(np.arange(len(maps)), counts), np.arange(len(items))
    found: dict[str, Any] = {}
    for number, name in enumerate(keys.dictionary.to_pylist()):
        chosen = np.asarray(keys.indices) == number
        index = np.full(len(maps), -1)
        index[rows[chosen]] = places[chosen]
        found[name] = items.take(pa.array(index, mask=index < 0))
    return found


def _write_csv(path: Path, made: dict[str, Any]) -> None:
    """Text columns as CSV: comma, UTF-8, quotes only where needed; packed when the name ends in `.gz`."""
    head = io.StringIO()
    csv.writer(head, lineterminator="\n").writerow(made)
    body = io.BytesIO()
    filled = pa.table({name: texts.fill_null("") for name, texts in made.items()})
    pacsv.write_csv(filled, body, pacsv.WriteOptions(include_header=False, quoting_style="needed"))
    write_bytes(path, head.getvalue().encode() + body.getvalue())
