"""Further fields 其他字段: the map of a case written back as columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import columns, nested
from tongpin.records.case.schema import column_of

if TYPE_CHECKING:
    from collections.abc import Container

EXTRA = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))


def spread(size: int, rows: Any, values: Any) -> Any:
    """Values put into their rows, all other rows null."""
    index = np.full(size, -1, dtype=np.int64)
    index[rows] = np.arange(len(rows))
    return values.take(pa.array(index, mask=index < 0))


def further(cases: pa.Table, taken: Container[str] = ()) -> dict[str, Any]:
    """The further fields of the cases by header, texts, null = missing; a header that is taken gets `#2`."""
    flat = nested.flatten(column_of(cases, "extra").cast(EXTRA))
    keys = flat.fields["key"].dictionary_encode()
    made: dict[str, Any] = {}
    for number, header in enumerate(keys.dictionary.to_pylist()):
        here = columns.mask(pc.equal(keys.indices, number))
        values = flat.fields["value"].filter(pa.array(here))
        made[f"{header}#2" if header in taken else header] = spread(cases.num_rows, flat.parents[here], values)
    return made
