"""Version day 版本切换日: old and new edition over the same cases, per hospital and per move (S916-01).

The difference of each case is split by repricing it step by step in the fixed order of `repricing_steps.csv`:
grouping, weights, rates and coefficients, outliers, the rest. The parts are differences of neighbours, so they sum to
the whole to the fen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import check_balance
from tongpin.payment.weights.repricing import between, item_pool, paid, same_cases, steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.payment.policy.policy import Policy

PART_COLUMNS: tuple[str, ...] = tuple(f"{step.name}_fen" for step in steps())
MONEY = ("item_pool_fen", "old_fen", *PART_COLUMNS, "new_fen", "difference_fen")


@dataclass(frozen=True, slots=True)
class VersionDay:
    """The effect of a new edition; money in fen, > 0 goes to the hospital.

    `hospitals`: `institution_code, institution_name, case_count, moved_count` and `MONEY`; `moves`: `drg_before,
    drg_after, case_count` and `MONEY`, the largest difference first.
    `unweighted_count`: cases of groups that the old weights did not know; their grouping step was weighed anew.
    """

    hospitals: pa.Table
    moves: pa.Table
    unweighted_count: int

    def total(self, column: str) -> int:
        """The sum over hospitals of a column."""
        return int(pc.sum(self.hospitals[column]).as_py() or 0)


def version_day(before: pa.Table, after: pa.Table, old: Policy, new: Policy, institutions: pa.Table) -> VersionDay:
    """What the new edition does to the same cases.

    `before`, `after`: the cases grouped by the old and the new scheme, in the same order; `old`, `new`: editions pinned
    to a day (`repricing.pinned`). BalanceError `version.day` when the parts do not sum to the difference. Pure.
    """
    same_cases(before, after)
    last = paid(after, new, institutions)  # first, so that a gap is told of the edition that has it
    prices = [paid(before, old, institutions)]
    held: tuple[pa.Table, Policy] = (before, old)
    for _, edition in between(old, new)[:-1]:
        is_same = held[0] is after and held[1] == edition  # a step that changes nothing is not priced again
        prices.append(prices[-1] if is_same else paid(after, edition, institutions))
        held = (after, edition)
    prices.append(last)
    amounts = [one.payable for one in prices]
    columns: dict[str, pa.Array] = {
        "item_pool_fen": pa.array(item_pool(prices[0], prices[-1])),
        "old_fen": pa.array(amounts[0]),
        "new_fen": pa.array(amounts[-1]),
        "difference_fen": pa.array(amounts[-1] - amounts[0]),
    }
    for name, earlier, later in zip(PART_COLUMNS, amounts, amounts[1:], strict=False):
        columns[name] = pa.array(later - earlier)
    groups = {"drg_before": pc.cast(before["drg"], pa.string()), "drg_after": pc.cast(after["drg"], pa.string())}
    moved = pc.cast(pc.not_equal(groups["drg_before"], groups["drg_after"]), pa.int64())
    places = {"institution_code": before["institution_code"], "institution_name": before["institution_name"]}
    table = pa.table({**places, **groups, "moved_count": moved, **columns})
    table = table.filter(pa.array(np.any([one.inside for one in prices], axis=0)))
    hospitals = _summed(table, ["institution_code"], extra=["moved_count"], name="institution_name")
    moves = _summed(table, ["drg_before", "drg_after"])
    size = np.abs(moves["difference_fen"].to_numpy())
    moves = moves.take(pa.array(np.lexsort((moves["drg_before"].to_numpy(zero_copy_only=False).astype(str), -size))))
    known = pa.array(sorted(old.weights), pa.string())
    strange = pc.and_(
        pc.equal(pc.cast(after["status"], pa.string()), "grouped"), pc.invert(pc.is_in(groups["drg_after"], known))
    )
    found = VersionDay(hospitals.sort_by("institution_code"), moves, pc.sum(strange).as_py() or 0)
    _check(found)
    return found


def _summed(table: pa.Table, keys: Sequence[str], extra: Sequence[str] = (), name: str | None = None) -> pa.Table:
    sums = [*extra, *MONEY]
    wanted = [([], "count_all"), *((column, "sum") for column in sums)] + ([(name, "max")] if name else [])
    found = table.group_by(list(keys)).aggregate(wanted)
    columns = {key: found[key] for key in keys}
    if name:
        columns[name] = found[f"{name}_max"]
    columns["case_count"] = found["count_all"]
    return pa.table(columns | {column: found[f"{column}_sum"] for column in sums})


def _check(found: VersionDay) -> None:
    for label, table in (("机构", found.hospitals), ("病组", found.moves)):
        for row in table.to_pylist():
            parts = sum(row[name] for name in PART_COLUMNS)
            check_balance("version.day", f"{label}的各步影响之和与新旧差额", parts, row["new_fen"] - row["old_fen"])
    both = [int(pc.sum(table["difference_fen"]).as_py() or 0) for table in (found.hospitals, found.moves)]
    check_balance("version.day", "按机构与按病组的差额", both[0], both[1])
