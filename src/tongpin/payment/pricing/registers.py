"""Registers 范围登记: which cases a register holds on their day, and by which code (S914-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.policy.lookup import Coded, coded
from tongpin.payment.pricing.dated import rows_in_force

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import IntColumn, Lookup
    from tongpin.payment.pricing.rows import CaseRows
    from tongpin.payment.pricing.tables import Register


def held_codes(cases: CaseRows, lookup: Lookup, register: str, tables: tuple[Register, ...]) -> Coded:
    """The code by which the register holds each case on its day; empty text for cases that it does not hold.

    A register may know its cases by several kinds of code; the first kind of the file that holds a case decides.
    """
    size = len(lookup.days)
    found = np.zeros(size, dtype=np.int64)
    values = [""]
    for table in tables:
        if table.register != register:
            continue
        row = _held(cases, lookup, table)
        fresh = (found == 0) & (row >= 0)
        found[fresh] = row[fresh] + len(values)
        values += table.codes
    distinct = list(dict.fromkeys(values))
    places = np.array([distinct.index(value) for value in values])
    return Coded(places[found], distinct)


def _held(cases: CaseRows, lookup: Lookup, table: Register) -> IntColumn:
    """The row of the register that is in force for each case, −1 for none."""
    if table.code_kind in {"dx", "px"}:
        return _held_by_list(cases, lookup, table)
    name = table.code_kind
    asked = lookup.dimension(name) if name in lookup.dimensions else coded(cases[name])
    return rows_in_force(table.codes, table.since, table.until, asked, lookup.days)


def _held_by_list(cases: CaseRows, lookup: Lookup, table: Register) -> IntColumn:
    """The same by the principal diagnosis, or by any procedure."""
    lists = cases[table.code_kind].combine_chunks()
    parents = pc.list_parent_indices(lists).to_numpy()
    codes = coded(pa.chunked_array([pc.list_flatten(lists)]))
    if table.code_kind == "dx":
        head = np.ones(len(parents), dtype=bool)
        head[1:] = parents[1:] != parents[:-1]
        parents, codes = parents[head], codes.take(head)
    row = rows_in_force(table.codes, table.since, table.until, codes, lookup.days[parents])
    found = np.full(len(lookup.days), -1, dtype=np.int64)
    hit = row >= 0
    found[parents[hit][::-1]] = row[hit][::-1]
    return found
