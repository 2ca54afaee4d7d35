"""Statistics of groups 病组统计: counts, sums, CV of each group, RIV of all; the five cost classes of fees."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.records.case.schema import column_of

_PART = "其中"
"""The class of items that are part of another item and are not counted again."""

CLASS_PREFIX = "class_fee_fen:"
"""Columns of class fees: `class_fee_fen:药品` and so on, fen."""


class Spread(NamedTuple):
    """RIV of all groups (share of the variance of fees that grouping explains, 0–1) and the case-weighted CV."""

    riv: float
    mean_cv: float


@cache
def _cost_classes() -> dict[str, dict[str, str]]:
    text = (files("tongpin.payment.weights") / "cost_classes.csv").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["source"], {})[row["category"]] = row["cost_class"]
    return found


def with_class_fees(cases: pa.Table) -> pa.Table:
    """Cases with a column of fen for each cost class, from the fee items of their lists or front pages (A2).

    Which item belongs to which class stands in `cost_classes.csv` (a convention, assumed). PolicyError `weights.class`
    when a case has no items, or an item that no class names.
    """
    lists = column_of(cases, "fees")
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    bare = np.flatnonzero(counts == 0)
    if len(bare):
        raise _no_class(cases, f"{len(bare)} 个病例没有费用明细", int(bare[0]))
    owner = np.repeat(np.arange(cases.num_rows), counts)
    items = pc.list_flatten(lists)
    amount = pc.fill_null(pc.struct_field(items, "amount_fen"), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    source = pc.cast(cases["source"], pa.string()).take(pa.array(owner))
    keys = pc.binary_join_element_wise(source, pc.struct_field(items, "category"), "|")
    encoded = pa.chunked_array([keys]) if isinstance(keys, pa.Array) else keys
    coded = encoded.combine_chunks().dictionary_encode()
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    known = {f"{kind}|{code}": name for kind, rows in _cost_classes().items() for code, name in rows.items()}
    names = [known.get(text) for text in coded.dictionary.to_pylist()]
    unknown = np.flatnonzero((codes < 0) | np.array([name is None for name in [*names, None]])[codes])
    if len(unknown):
        raise _no_class(cases, f"费用明细“{encoded[int(unknown[0])].as_py()}”不属于任何一类", int(owner[unknown[0]]))
    for wanted in dict.fromkeys(name for rows in _cost_classes().values() for name in rows.values() if name != _PART):
        mine = np.array([name == wanted for name in names])[codes]
        sums = np.zeros(cases.num_rows, np.int64)
        np.add.at(sums, owner[mine], amount[mine])
        cases = cases.append_column(CLASS_PREFIX + wanted, pa.array(sums))
    return cases


def _no_class(cases: pa.Table, message: str, row: int) -> PolicyError:
    return PolicyError(
        "weights.class",
        f"{message}，例如 {cases['case_id'][row].as_py()}",
        where="fees",
        hint="装载带费用明细的清单，或把 weight.method 改为 mean_fee",
    )


def group_statistics(kept: pa.Table) -> pa.Table:
    """Sums of every group: `drg, adrg, case_count, fee_fen`, `cv` (population, null for one case), class fee sums.

    Reads `drg, adrg, total_fee_fen` of kept cases, and the class fees where they are there. Sorted by group. Pure.
    """
    classes = [name for name in kept.column_names if name.startswith(CLASS_PREFIX)]
    plain = {name: pc.cast(kept[name], pa.string()) for name in ("drg", "adrg")}
    fee = kept["total_fee_fen"].cast(pa.int64())
    square = pc.multiply(fee.cast(pa.float64()), fee.cast(pa.float64()))
    table = pa.table({**plain, "fee_fen": fee, "square": square, **{name: kept[name] for name in classes}})
    sums = [(name, "sum") for name in ("fee_fen", "square", *classes)]
    found = table.group_by(["drg", "adrg"]).aggregate([([], "count_all"), *sums]).sort_by("drg")
    count = found["count_all"].to_numpy().astype(np.float64)
    mean = found["fee_fen_sum"].to_numpy() / count
    variance = np.maximum(found["square_sum"].to_numpy() / count - mean**2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = np.sqrt(variance) / mean
    columns = {
        "drg": found["drg"],
        "adrg": found["adrg"],
        "case_count": found["count_all"].cast(pa.int64()),
        "fee_fen": found["fee_fen_sum"],
        "cv": pa.array(cv, mask=(count < 2) | ~np.isfinite(cv)),  # noqa: PLR2004 - one case has no spread
        **{name: found[f"{name}_sum"] for name in classes},
    }
    return pa.table(columns)


def spread(kept: pa.Table, column: str = "drg") -> Spread:
    """RIV and mean CV of a grouping of cases: RIV = 1 − variance within groups / variance of all.

    `column` holds the group. RIV is 0 where all fees are alike. CV counts groups of two cases and more.
    """
    codes = _codes(kept[column])
    fee = kept["total_fee_fen"].to_numpy().astype(np.float64)
    if not len(fee):
        return Spread(0.0, 0.0)
    count = np.bincount(codes)
    mean = np.bincount(codes, fee) / np.maximum(count, 1)
    within = np.bincount(codes, (fee - mean[codes]) ** 2)
    whole = float(((fee - fee.mean()) ** 2).sum())
    several = (count > 1) & (mean > 0)
    cv = np.sqrt(within[several] / count[several]) / mean[several]
    weight = count[several]
    return Spread(
        riv=1 - float(within.sum()) / whole if whole else 0.0,
        mean_cv=float((cv * weight).sum() / weight.sum()) if weight.sum() else 0.0,
    )


def _codes(column: Any) -> Any:
    texts = pc.cast(column, pa.string())
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return whole.dictionary_encode().indices.to_numpy().astype(np.int64)
