"""JSON texts JSON 文本: text columns made into objects and arrays of JSON, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.writers.shared import holds

if TYPE_CHECKING:
    from collections.abc import Mapping

TO_ESCAPE = r'["\\\x00-\x1f]'
TO_ESCAPE_BYTES = np.isin(np.arange(256), [*range(0x20), ord('"'), ord("\\")])
"""What a JSON text cannot hold as it is, and as a mask of bytes."""
COMMA, OPEN, CLOSE, NOTHING = (pa.scalar(text, pa.string()) for text in (",", "[", "]", ""))


def objects(fields: Mapping[str, Any]) -> Any:
    """Text columns without null as one object a row, keys in the order of the columns."""
    return joined({name: escaped(texts) for name, texts in fields.items()}, '"')


def joined(values: Mapping[str, Any], mark: str = "") -> Any:
    """Columns of JSON as one object a row, every value between two marks."""
    parts: list[Any] = []
    before = "{"
    for name, texts in values.items():
        parts += [pa.scalar(f"{before}{orjson.dumps(name).decode()}:{mark}", pa.string()), texts]
        before = f"{mark},"
    return pc.binary_join_element_wise(*parts, pa.scalar(f"{mark}}}", pa.string()), NOTHING)


def arrays(entries: Any, counts: Any) -> Any:
    """Columns of JSON as one array a row, of as many entries as `counts` says."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    lists = pa.ListArray.from_arrays(pa.array(offsets), entries)
    return pc.binary_join_element_wise(OPEN, pc.binary_join(lists, COMMA), CLOSE, NOTHING)


def escaped(texts: Any) -> Any:
    """Texts with the signs escaped that a JSON text cannot hold as they are."""
    if not holds(texts, TO_ESCAPE_BYTES):
        return texts
    needed = pc.match_substring_regex(texts, TO_ESCAPE)
    written = [orjson.dumps(text).decode()[1:-1] for text in texts.filter(needed).to_pylist()]
    return pc.replace_with_mask(texts, needed, pa.array(written, pa.string()))
