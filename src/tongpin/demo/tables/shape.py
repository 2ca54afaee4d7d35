"""Shape 列型: columns of any kind as a table of an own layout."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.layouts.catalogue import layout_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tongpin.demo.groups import Array

PERSON_FIELDS = ("psn_no", "certno")


def conform(layout: str, size: int, made: dict[str, Any]) -> pa.Table:
    """Arrays and single values as a table of the layout's column types; persons stand under their field's name."""
    schema = layout_schema(layout)
    columns: dict[str, Any] = {}
    for name, values in made.items():
        kind = pa.string() if name in PERSON_FIELDS else schema.field(name).type
        if isinstance(values, (pa.Array, pa.ChunkedArray)):
            columns[name] = values.cast(kind)
        elif isinstance(values, str) or not hasattr(values, "__len__"):
            columns[name] = pa.repeat(pa.scalar(values, kind), size)
        else:
            columns[name] = pa.array(values).cast(kind)
    return pa.table(columns)


def of_rows(layout: str, fields: Sequence[str], rows: Iterable[Sequence[object]]) -> pa.Table:
    """Rows of plain values as a table of the layout's column types."""
    schema = layout_schema(layout)
    found = list(rows)
    return pa.table(
        {
            name: pa.array(
                [row[place] for row in found], pa.string() if name in PERSON_FIELDS else schema.field(name).type
            )
            for place, name in enumerate(fields)
        }
    )


def hundredths(values: Array) -> pa.Array:
    """Whole hundredths as decimals: fen as yuan, cents of a unit as units."""
    return pc.multiply(pa.array(values).cast(pa.decimal128(19, 0)), pa.scalar(Decimal("0.01")))
