"""Nested columns 明细列: lists of structs built from flat columns and taken apart again, without a loop over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case.schema import columns

if TYPE_CHECKING:
    from collections.abc import Mapping


class Flat(NamedTuple):
    """A list column laid end to end: entries of each row, the row and the place (from 0) of each entry, its fields."""

    counts: Any
    parents: Any
    places: Any
    fields: dict[str, Any]


def build(name: str, counts: Any, fields: Mapping[str, Any]) -> Any:
    """The detail column `name` from the number of entries of every row and flat field arrays; absent fields are null.

    A row without entries holds an empty list.
    """
    struct = columns()[name].type.value_type
    counts = np.asarray(counts, dtype=np.int64)
    size = int(counts.sum())
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    children = []
    for field in struct:
        found = fields.get(field.name)
        if found is None:
            children.append(pa.nulls(size, field.type))
        else:
            children.append(found if found.type == field.type else found.cast(field.type))
    values = pa.StructArray.from_arrays(children, fields=list(struct))
    return pa.ListArray.from_arrays(pa.array(offsets), values).cast(columns()[name].type)


def flatten(lists: Any) -> Flat:
    """A list column taken apart; null lists count as empty."""
    counts = np.asarray(pc.fill_null(pc.list_value_length(lists), 0), dtype=np.int64)
    parents = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    values = pc.list_flatten(lists)
    fields = {field.name: pc.struct_field(values, field.name) for field in lists.type.value_type}
    return Flat(counts, parents, np.arange(len(parents)) - np.repeat(starts, counts), fields)


def sums(counts: Any, values: Any) -> Any:
    """Whole numbers of entries laid end to end, summed row by row (NumPy int64); missing ones count as nothing."""
    total = np.concatenate([[0], np.cumsum(np.asarray(pc.fill_null(values, 0), dtype=np.int64))])
    ends = np.cumsum(counts)
    return total[ends] - total[ends - counts]
