"""Classes 病组分类: each group by its weight and by how long it has been losing, and the sums of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tongpin.base.errors import TongpinError
from tongpin.measures.compute import compute, roll_up
from tongpin.twin.catalogue import measure, setting
from tongpin.twin.portfolio.catalogue import load_classes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tongpin.twin.portfolio.catalogue import GroupClass

_CLASS_SUMS = ("group_count", "few_count", "case_count", "weight_e4", "result_fen")


def losing_months() -> int:
    """How many months in a row make 连续亏损. Source: S000-15."""
    return setting("portfolio.losing_months")


def classify(weight_e4: NDArray[np.int64], losing_run: NDArray[np.int64]) -> list[str]:
    """The class id of each group from its weight and the months in a row that it has been losing, 0: not now.

    Errors: `portfolio.classes` when the classes of the data leave a group out. Source: S000-12..15.
    """
    classes = load_classes()
    hits = [_holds(one, weight_e4, losing_run) for one in classes]
    place = np.select(hits, list(range(len(classes))), default=-1)
    if (place < 0).any():
        left = int(weight_e4[place < 0][0])
        raise TongpinError(
            "portfolio.classes",
            f"权重 {left / 10_000:g} 的病组不属于任何一类",
            where="catalogue/twin/portfolio.yaml classes",
            hint="各类的界限合起来不能留空",
        )
    ids = np.array([one.id for one in classes])
    return [str(name) for name in ids[place]]


def _holds(one: GroupClass, weight_e4: NDArray[np.int64], losing_run: NDArray[np.int64]) -> NDArray[np.bool_]:
    hit = np.ones(len(weight_e4), dtype=np.bool_)
    if one.weight_from_e4 is not None:
        hit &= weight_e4 >= one.weight_from_e4
    if one.weight_below_e4 is not None:
        hit &= weight_e4 < one.weight_below_e4
    match one.losing:
        case "none":
            hit &= losing_run == 0
        case "short":
            hit &= (losing_run > 0) & (losing_run < losing_months())
        case "run":
            hit &= losing_run >= losing_months()
    return hit


def months_in_row(months: Sequence[str]) -> tuple[str, ...]:
    """The last months of the given ones between which none is missing, oldest first."""
    ordered = sorted(set(months))
    row = ordered[-1:]
    for month in reversed(ordered[:-1]):
        if _after(month) != row[0]:
            break
        row.insert(0, month)
    return tuple(row)


def _after(month: str) -> str:
    year, number = int(month[:4]), int(month[5:])
    return f"{year + number // 12}-{number % 12 + 1:02d}"


def losing_runs(monthly: pa.Table) -> dict[str, int]:
    """How many months in a row up to the last one each group lost, by group; groups that do not lose now are absent.

    `monthly`: `drg, month, result_fen`, one row a group and month. A month that is missing, or without a case of the
    group, ends the row. Source: S000-14, S000-15.
    """
    months = months_in_row(monthly["month"].to_pylist())
    lost: dict[str, set[str]] = {}
    for row in monthly.select(["drg", "month", "result_fen"]).to_pylist():
        if row["result_fen"] < 0:
            lost.setdefault(row["drg"], set()).add(row["month"])
    runs: dict[str, int] = {}
    for drg, losing in lost.items():
        run = 0
        for month in reversed(months):
            if month not in losing:
                break
            run += 1
        if run:
            runs[drg] = run
    return runs


def runs_with(settlement: pa.Table, earlier_runs: Mapping[str, int]) -> dict[str, int]:
    """The rows of losing months up to a month whose facts are given, from the rows up to the month before it."""
    sums = roll_up(settlement.select(["drg", "result_fen"]), ["drg"]).to_pylist()
    return {row["drg"]: earlier_runs.get(row["drg"], 0) + 1 for row in sums if row["result_fen"] < 0}


def group_table(settlement: pa.Table, runs: Mapping[str, int]) -> pa.Table:
    """Every group of 医保DRG lists: `drg, class, case_count, group_weight_e4, result_fen, losing_run`, its measures.

    `settlement` holds the facts of a period; `runs` how many months in a row up to its last each group has been losing.
    `group_weight_e4` is the group's own weight (the mean over its cases, all equal within one edition).
    """
    ids = ("settlement.mean_fee", "settlement.mean_stay", "settlement.result_ratio.paid", "settlement.variance_share")
    figures = compute(settlement, [measure(name) for name in ids], ["drg"])
    sums = roll_up(settlement, ["drg"])
    count = np.asarray(sums["case_count"].to_numpy(), dtype=np.int64)
    weight = np.asarray(sums["weight_e4"].to_numpy(), dtype=np.int64) // count
    run = np.array([runs.get(drg, 0) for drg in sums["drg"].to_pylist()], dtype=np.int64)
    columns = {
        "drg": sums["drg"],
        "class": pa.array(classify(weight, run), pa.string()),
        "case_count": sums["case_count"],
        "group_weight_e4": pa.array(weight),
        "weight_e4": sums["weight_e4"],
        "result_fen": sums["result_fen"],
        "losing_run": pa.array(run),
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
