"""Further columns 另要的列: what an edition prices by beyond the core columns of a case, brought to its lists.

`pricing/further_columns.csv` says which choice of which parameter needs which column, and where it is taken from: the
case itself, the settlement result of the list, or the front page of the stay. Nothing is read that no choice needs.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.month.posting import SEPARATOR, list_keys
from tongpin.records.intake.load import CASES, RESULTS, read_loaded
from tongpin.records.views.stay_lists import MERGED

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

_TABLE = "further_columns.csv"
FIRST = "first"


class Further(NamedTuple):
    """A column, the choice that needs it, and its source: the parts named in `of` are added up.

    Of several lists of one stay the `first` value counts, or their `total`, unknown where one of them is unknown.
    """

    column: str
    label: str
    rule: str
    parameter: str
    option: str
    source: str
    of: str


@cache
def further_columns() -> tuple[Further, ...]:
    """The table of further columns."""
    text = (files("tongpin.payment.pricing") / _TABLE).read_text(encoding="utf-8")
    return tuple(Further(**row) for row in csv.DictReader(text.splitlines()))


def needed_by(policy: Policy) -> tuple[Further, ...]:
    """The further columns that some value of an edition asks for."""
    return tuple(one for one in further_columns() if _asks(policy, one))


def _asks(policy: Policy, one: Further) -> bool:
    parameter = policy.edition.parameters.get(one.parameter)
    return parameter is not None and (not one.option or _says(parameter.values, one.option))


def _says(tree: Any, option: str) -> bool:
    if isinstance(tree, dict):
        return any(_says(leaf, option) for leaf in tree.values())
    return option in tree if isinstance(tree, (list, tuple)) else bool(tree == option)


def with_further(home: Home, lists: pa.Table, policy: Policy) -> pa.Table:
    """The lists (merged stays among them) with the further columns of the edition; a value nobody knows is null."""
    for one in needed_by(policy):
        known = _SOURCES[one.source](home, one)
        lists = lists.append_column(one.column, _brought(lists, known, one))
    return lists


def with_twin_weights(home: Home, lists: pa.Table, policy: Policy, on: date) -> pa.Table:
    """The lists with the birth weight that the edition groups a list of several newborns by (policy choice 27).

    `scope.twin_weight` is asked only when a list names several weights; the case table holds the first of them.
    """
    cases = read_loaded(home, CASES, ["source", "institution_code", "case_id", "birth_weights"])
    several = pc.and_(
        pc.equal(cases["source"], "settlement_list"),
        pc.greater(pc.fill_null(pc.list_value_length(cases["birth_weights"]), 0), 1),
    )
    twins = cases.filter(several)
    place = pc.index_in(list_keys(lists, "case_id"), value_set=list_keys(twins, "case_id"))
    if not pc.any(pc.is_valid(place)).as_py() or policy.value("scope.twin_weight", on) == FIRST:
        return lists
    lowest = pa.array([min(weights) for weights in twins["birth_weights"].to_pylist()], pa.int32())
    column = pc.coalesce(lowest.take(place), lists["birth_weight"])
    return lists.set_column(lists.column_names.index("birth_weight"), "birth_weight", column)


class _Known(NamedTuple):
    """Values by list: institution and id as one text (or the id alone), and the value."""

    keys: Any
    values: Any
    by_institution: bool


def _of_case(home: Home, one: Further) -> _Known:
    cases = read_loaded(home, CASES, ["source", "institution_code", "case_id", one.of])
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    return _Known(list_keys(lists, "case_id"), lists[one.of], by_institution=True)


def _of_result(home: Home, one: Further) -> _Known:
    parts = one.of.split("|")
    results = read_loaded(home, RESULTS, ["setl_id", *parts])
    values = results[parts[0]]
    for name in parts[1:]:
        values = pc.add(values, pc.fill_null(results[name], 0))
    return _Known(results["setl_id"], values, by_institution=False)


def _of_front_page(home: Home, one: Further) -> _Known:
    """A fee category of the front page of each list's stay: same institution, record number and day of discharge."""
    cases = read_loaded(home, CASES, ["source", "institution_code", "case_id", "record_no", "discharge_time", "fees"])
    is_page = pc.equal(cases["source"], "front_page")
    pages, lists = cases.filter(is_page), cases.filter(pc.equal(cases["source"], "settlement_list"))
    place = pc.index_in(_stay_keys(lists), value_set=_stay_keys(pages))
    amounts = pa.array(_category(pages["fees"], one.of))
    return _Known(list_keys(lists, "case_id"), amounts.take(place), by_institution=True)


def _stay_keys(cases: pa.Table) -> Any:
    day = pc.cast(pc.cast(cases["discharge_time"], pa.date32(), safe=False), pa.string())
    return _whole(pc.binary_join_element_wise(cases["institution_code"], cases["record_no"], day, SEPARATOR))


def _category(fees: Any, category: str) -> Any:
    """The amount of one category in every list of fees; nothing said is nothing charged."""
    fees = _whole(fees)
    flat = pc.list_flatten(fees)
    hit = pc.fill_null(pc.equal(pc.struct_field(flat, "category"), category), False)
    amounts = pc.if_else(hit, pc.fill_null(pc.struct_field(flat, "amount_fen"), 0), 0)
    sums = np.zeros(len(fees), np.int64)
    np.add.at(sums, pc.list_parent_indices(fees).to_numpy(), amounts.to_numpy(zero_copy_only=False))
    return sums


_SOURCES: dict[str, Callable[[Home, Further], _Known]] = {
    "case": _of_case,
    "result": _of_result,
    "front_page": _of_front_page,
}


def _brought(lists: pa.Table, known: _Known, one: Further) -> Any:
    """One value a row: of its own list, or of all lists that were merged into it."""
    merged = _whole(lists[MERGED])
    ids = pc.if_else(merged.is_valid(), merged, _own(lists))
    counts = pc.list_value_length(ids).to_numpy()
    keys = pc.list_flatten(ids)
    if known.by_institution:
        codes = _whole(lists["institution_code"]).take(pc.list_parent_indices(ids))
        keys = pc.binary_join_element_wise(codes, keys, SEPARATOR)
    found = _whole(known.values).take(pc.index_in(keys, value_set=_whole(known.keys)))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    if one.rule == FIRST or not len(starts):
        return found.take(pa.array(starts)) if len(starts) else found
    sums = np.add.reduceat(pc.fill_null(found, 0).to_numpy(zero_copy_only=False), starts)
    unknown = np.add.reduceat(np.asarray(found.is_null()).astype(np.int64), starts) > 0
    return pa.array(sums, pa.int64(), mask=unknown)


def _own(lists: pa.Table) -> Any:
    """The id of each row as a list of one."""
    ids = _whole(lists["case_id"])
    return pa.ListArray.from_arrays(pa.array(np.arange(len(ids) + 1, dtype=np.int32)), ids)


def _whole(column: Any) -> Any:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
