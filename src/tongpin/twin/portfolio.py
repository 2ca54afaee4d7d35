"""Portfolio 病组分类: each group by weight and result, and the share of low-weight cases with both its faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tongpin.measures.compute import compute, roll_up
from tongpin.twin.catalogue import load_classes, measure, setting

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tongpin.twin.catalogue import GroupClass

_CLASS_SUMS = ("group_count", "few_count", "case_count", "weight_e4", "result_fen")


def classify(weight_e4: NDArray[np.int64], result_fen: NDArray[np.int64]) -> list[str]:
    """The class id of each group: the first class whose bounds and loss condition hold. Source: S000-12..15."""
    classes = load_classes()
    hits = [_holds(one, weight_e4, result_fen) for one in classes[:-1]]
    ids = np.array([one.id for one in classes])
    place = np.select(hits, list(range(len(hits))), default=len(hits))
    return [str(name) for name in ids[place]]


def _holds(one: GroupClass, weight_e4: NDArray[np.int64], result_fen: NDArray[np.int64]) -> NDArray[np.bool_]:
    hit = np.ones(len(weight_e4), dtype=np.bool_)
    if one.weight_from_e4 is not None:
        hit &= weight_e4 >= one.weight_from_e4
    if one.weight_below_e4 is not None:
        hit &= weight_e4 < one.weight_below_e4
    if one.losing is not None:
        hit &= (result_fen < 0) == one.losing
    return hit


def group_table(settlement: pa.Table) -> pa.Table:
    """Every group of 医保DRG lists: `drg, class, case_count, group_weight_e4, result_fen` and its measures.

    `group_weight_e4` is the group's own weight (the mean over its cases, all equal within one edition).
    """
    ids = ("settlement.mean_fee", "settlement.mean_stay", "settlement.result_ratio.paid", "settlement.variance_share")
    figures = compute(settlement, [measure(name) for name in ids], ["drg"])
    sums = roll_up(settlement, ["drg"])
    count = np.asarray(sums["case_count"].to_numpy(), dtype=np.int64)
    weight = np.asarray(sums["weight_e4"].to_numpy(), dtype=np.int64) // count
    result = np.asarray(sums["result_fen"].to_numpy(), dtype=np.int64)
    columns = {
        "drg": sums["drg"],
        "class": pa.array(classify(weight, result), pa.string()),
        "case_count": sums["case_count"],
        "group_weight_e4": pa.array(weight),
        "weight_e4": sums["weight_e4"],
        "result_fen": sums["result_fen"],
    }
    return pa.table(columns | {name: figures[name] for name in ids})


def class_table(groups: pa.Table) -> pa.Table:
    """The classes in their order: `class, group_count, few_count, case_count, weight_e4, result_fen`, zeros if empty.

    `few_count` counts the groups whose cases are too few for their result to mean much (`group_fee.minimum_cases`).
    """
    few = np.asarray(groups["case_count"].to_numpy()) < setting("group_fee.minimum_cases")
    counted = groups.append_column("group_count", pa.array(np.ones(groups.num_rows, dtype=np.int64)))
    counted = counted.append_column("few_count", pa.array(few.astype(np.int64)))
    sums = {row["class"]: row for row in roll_up(counted.select(["class", *_CLASS_SUMS]), ["class"]).to_pylist()}
    empty = dict.fromkeys(_CLASS_SUMS, 0)
    return pa.Table.from_pylist([{"class": one.id, **empty, **sums.get(one.id, {})} for one in load_classes()])
