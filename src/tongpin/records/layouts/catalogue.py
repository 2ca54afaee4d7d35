"""Layouts 布局定义: which own layouts there are, with key, table and fields; they stand in two files of `fields/`.

`layouts.csv` has a row for each layout, `own_layouts.csv` one for each field. A field may stand twice, for two columns.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from tongpin.base.errors import RecordsError
from tongpin.records.case.schema import TYPES as COLUMN_TYPES
from tongpin.records.formats.page_fields import header_key
from tongpin.records.formats.tables import rows
from tongpin.records.layouts.values import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EXTRA = "extra"
"""The column for what a file holds beyond its layout."""
DERIVED = {"settlement-result": (("other_fund_pay_fen", pa.int64()),)}
"""Columns that a layout's reader makes of others."""


class Layout(NamedTuple):
    """An own layout: its name in files and commands, Chinese label, version, table in the lake, key, what a row is."""

    name: str
    label: str
    version: int
    table: str
    key: tuple[str, ...]
    note: str


@cache
def layouts() -> dict[str, Layout]:
    """Every own layout by name; a malformed definition is `RecordsError("records.table")`."""
    found = {
        row["layout"]: Layout(
            row["layout"], row["label"], int(row["version"]), row["table"], tuple(row["key"].split("|")), row["note"]
        )
        for row in rows("fields/layouts.csv")
    }
    for row in rows("fields/own_layouts.csv"):
        known = row["layout"] in found and row["type"] in TYPES and row["required"] in {"Y", "C", "N"}
        if not known or (row["type"] == "choice") != bool(row["choices"]):
            where = f"{row['layout']}.{row['field']}"
            raise RecordsError("records.table", "布局、类型、选项或必填写错", where=where, hint="改正 own_layouts.csv")
    return found


@cache
def layout_fields(layout: str) -> tuple[dict[str, str], ...]:
    """The field rows of a layout; `required` is Y, C (the column must be there, its values need not) or N."""
    return tuple(row for row in rows("fields/own_layouts.csv") if row["layout"] == layout)


@cache
def required_fields(layout: str) -> frozenset[str]:
    """The column names that a file of this layout must have."""
    return frozenset(row["field"] for row in layout_fields(layout) if row["required"] in {"Y", "C"})


@cache
def layout_schema(layout: str) -> pa.Schema:
    """The Arrow schema that the reader of a layout gives: amounts in fen, persons hashed, the rest in `extra`."""
    made = {row["column"]: TYPES[row["type"]].arrow for row in layout_fields(layout)}
    return pa.schema([*made.items(), *DERIVED.get(layout, ()), (EXTRA, COLUMN_TYPES["map"])])


@cache
def _names(layout: str) -> dict[str, str]:
    """Normalised header (field name, Chinese name with or without its bracket, alias) -> field name."""
    found: dict[str, str] = {}
    for row in layout_fields(layout):
        chinese = row["name_zh"]
        for name in (row["field"], chinese, chinese.partition("（")[0], *filter(None, row["alias"].split("|"))):
            found.setdefault(header_key(name), row["field"])
    return found


def field_columns(header: Iterable[str], layout: str) -> dict[str, str]:
    """Field name -> header cell, for the cells that a layout knows by name or Chinese name; the first one wins."""
    found: dict[str, str] = {}
    for cell in header:
        name = _names(layout).get(header_key(cell))
        if name is not None:
            found.setdefault(name, cell)
    return found


def matching_layouts(header: Sequence[str]) -> list[str]:
    """The layouts whose required columns a header has, the one that knows most of its cells first."""
    known = {name: field_columns(header, name) for name in layouts()}
    matches = [name for name in layouts() if required_fields(name) <= known[name].keys()]
    return sorted(matches, key=lambda name: -len(known[name]))
