"""Basics 列的取法: a column of a text table in one piece, columns that stand twice, and what a refused file gives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case.assemble import KEY_COLUMNS, Assembled
from tongpin.records.case.schema import CASE_SCHEMA, empty_cases

if TYPE_CHECKING:
    from tongpin.records.case.rules import Sheet

AGAIN = re.compile(r"(.+)#\d+")
"""The label that a header gets where it stood before."""


def whole(column: Any) -> Any:
    """A column in one piece."""
    found = column.combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        found = pa.concat_arrays(found.chunks) if found.num_chunks else pa.array([], found.type)
    return found


def decoded(column: Any) -> Any:
    """A column whose texts stand in its rows, not in a dictionary; lists as they are."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def joined(texts: Any) -> Any:
    """Texts as they are, lists of texts joined by `|`."""
    return pc.binary_join(texts.cast(pa.list_(pa.string())), "|") if pa.types.is_list(texts.type) else texts


def header_of(label: str, labels: frozenset[str]) -> str:
    """The header that a label stands for: `A48#2` is a second `A48`."""
    again = AGAIN.fullmatch(label)
    return again.group(1) if again is not None and again.group(1) in labels else label


def refused(sheet: Sheet) -> Assembled:
    """What a file without a required column gives: nothing but the places of the records met."""
    sheet.left_out[:] = True
    size = len(sheet.records)
    keys = {name: pa.nulls(size, CASE_SCHEMA.field(name).type) for name in KEY_COLUMNS}
    keys["record"] = pa.array(sheet.records, pa.int64())
    return Assembled(empty_cases(), pa.table({}), pa.table(keys))
