"""Details of a list 清单明细: its nested columns, made from the core columns where a case has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import columns, nested
from tongpin.records.case.funds import OTHER, POOL, payers_of
from tongpin.records.case.schema import column_of
from tongpin.records.writers.shared import NEUTRAL, Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tongpin.records.writers.shared import Names

SPECIAL = "outpatient_special"
WARD_ELSE = "9"
FREE_ITEM = "14"
"""A case free of charge keeps one item, 其他费, of nothing."""
SECONDS_PER_HOUR, MINUTES_PER_HOUR = 3600, 60


def details(cases: pa.Table, names: Names) -> dict[str, Any]:
    """The nested columns of settlement lists by name; a list without one gets it from its core columns.

    An empty nested list is kept as it is: the case brings its details and has none of these.
    """
    makers: dict[str, Callable[[], Any]] = {
        "diagnoses": lambda: _diagnoses(cases, names),
        "special_diseases": lambda: _special_diseases(cases, names),
        "procedures": lambda: _procedures(cases, names),
        "icu_stays": lambda: _intensive_care(cases),
        "fees": lambda: _fees(cases),
        "payers": lambda: payers_of(column_of(cases, "insurance"), {n: column_of(cases, n) for n in (POOL, OTHER)}),
        "transfusions": lambda: nested.build("transfusions", np.zeros(cases.num_rows, np.int64), {}),
    }
    return {name: _where_missing(column_of(cases, name), make) for name, make in makers.items()}


def _where_missing(lists: Any, make: Callable[[], Any]) -> Any:
    """The lists, of the rows without one those that `make` gives."""
    if not lists.null_count:
        return lists
    return pc.if_else(pc.is_valid(lists), lists, make())


def _is_special(cases: pa.Table) -> Any:
    return columns.mask(pc.equal(column_of(cases, "care_type"), SPECIAL))


def _codes(lists: Any, rows: Any, names: Mapping[str, str]) -> tuple[Any, Any, Any, Any]:
    """Of the code lists of the masked rows: entries of each row, codes, names and which entries come first."""
    counts = np.where(rows, np.asarray(pc.fill_null(pc.list_value_length(lists), 0)), 0)
    taken = lists if rows.all() else lists.filter(pa.array(rows))
    flat = pc.list_flatten(taken)
    named = pa.array([names.get(code, NEUTRAL) for code in flat.dictionary.to_pylist()], pa.string())
    first = np.zeros(int(counts.sum()), dtype=bool)
    first[(np.cumsum(counts) - counts)[counts > 0]] = True
    return counts, flat.cast(pa.string()), named.take(flat.indices), first


def _diagnoses(cases: pa.Table, names: Names) -> Any:
    counts, codes, named, first = _codes(column_of(cases, "dx"), ~_is_special(cases), names.dx)
    fields = {"kind": _same("1", len(codes)), "code": codes, "name": named, "principal": pa.array(first)}
    return nested.build("diagnoses", counts, fields)


def _special_diseases(cases: pa.Table, names: Names) -> Any:
    counts, codes, named, _ = _codes(column_of(cases, "dx"), _is_special(cases), names.dx)
    return nested.build("special_diseases", counts, {"dx_code": codes, "dx_name": named})


def _procedures(cases: pa.Table, names: Names) -> Any:
    px = column_of(cases, "px")
    counts, codes, named, first = _codes(px, np.ones(len(px), dtype=bool), names.px)
    nobody = _same(NEUTRAL, len(codes))
    kinds = pa.array(["2", "1"]).take(pa.array(first.astype(np.int8)))
    fields = {"kind": kinds, "code": codes, "name": named, "surgeon_name": nobody, "surgeon_code": nobody}
    return nested.build("procedures", counts, fields)


def _intensive_care(cases: pa.Table) -> Any:
    """One stay from admission on, where hours are known."""
    known = pc.is_valid(column_of(cases, "icu_hours"))
    hours = column_of(cases, "icu_hours").filter(known)
    entry = column_of(cases, "admission_time").filter(known)
    seconds = pc.multiply(hours.cast(pa.int64()), SECONDS_PER_HOUR)
    leave = pc.add(entry.cast(pa.int64()), seconds).cast(pa.timestamp("s"))
    minutes = pc.multiply(hours, MINUTES_PER_HOUR)
    fields = {"ward": _same(WARD_ELSE, len(hours)), "entry": entry, "leave": leave, "minutes": minutes}
    return nested.build("icu_stays", columns.mask(known), fields)


def _fees(cases: pa.Table) -> Any:
    """Fee items where fees are known; the classes of the catalogue are not, so all of an item stands in 甲类."""
    sheet = Sheet(cases)
    split = dict(sorted(sheet.fees("settlement_list").items()))
    known = np.asarray(sheet.fees_known(), dtype=bool)
    amounts = np.column_stack(list(split.values())).reshape(cases.num_rows, len(split))
    written = (amounts != 0) & known[:, None]
    free = known & ~written.any(axis=1)
    codes = [*split, FREE_ITEM]
    written = np.column_stack([written, free])
    amounts = np.column_stack([amounts, np.zeros(cases.num_rows, dtype=np.int64)])
    owners, which = np.nonzero(written)
    amount = pa.array(amounts[owners, which], pa.int64())
    nothing = pa.array(np.zeros(len(owners), dtype=np.int64))
    fields = {"category": pa.array(codes).take(pa.array(which)), "amount_fen": amount, "class_a_fen": amount}
    fields |= {"class_b_fen": nothing, "own_pay_fen": nothing, "other_fen": nothing}
    return nested.build("fees", np.bincount(owners, minlength=cases.num_rows), fields)


def _same(text: str, size: int) -> Any:
    """One text for every entry."""
    return pa.array([text]).take(pa.array(np.zeros(size, dtype=np.int64)))
