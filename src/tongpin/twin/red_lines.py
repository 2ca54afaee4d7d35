"""Red lines 红线: hospitals against the documents' limits, groups against 110 % of the standard; warnings only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE, round_half_up_column
from tongpin.measures.compute import roll_up
from tongpin.measures.imported import needs_cost
from tongpin.twin.catalogue import RedLine, load_red_lines, measure, setting

if TYPE_CHECKING:
    from numpy.typing import NDArray

OUTSIDE = "不参加国考"
"""The manual of institutions that the assessment does not cover."""
_SPENT = {"fee": ("case_count", "total_fee_fen", "standard_fen")}
_COSTED = {"cost": ("costed_count", "standard_cost_fen", "costed_standard_fen")}
"""Of each way of judging: the cases that it counts, what was spent on them, what they are paid by the standard."""


def hospital_lines() -> tuple[RedLine, ...]:
    """The red lines that hold for hospitals."""
    return tuple(line for line in load_red_lines() if line.level == "医院")


def group_line(*, costed: bool = False) -> RedLine:
    """The line of a group's fee against its standard; with `costed` of its cost, which only its hospital judges."""
    groups = (line for line in load_red_lines() if line.level == "病组")
    return next(line for line in groups if needs_cost(measure(line.measure)) == costed)


def compared_hospitals(mirror: pa.Table) -> pa.Table:
    """The rows of hospitals that take part in the assessment."""
    frame = nw.from_native(mirror, eager_only=True)
    return frame.filter(nw.col("manual") != OUTSIDE).to_native()


def hospitals_over(mirror: pa.Table, line: RedLine) -> pa.Table:
    """The hospitals above a line: `institution_code, value, limit, excess` (0–1), the highest first.

    Institutions outside the assessment (`manual` 不参加国考) are not compared. Source: S000-18, S000-19, S909-03.
    """
    limit = line.limit_e4 / SCALE
    mirror = compared_hospitals(mirror)
    frame = nw.from_native(mirror, eager_only=True).select(
        nw.col("institution_code"),
        value=nw.col(line.measure),
        limit=nw.lit(limit),
        excess=nw.col(line.measure) - limit,
    )
    return frame.filter(nw.col("excess") > 0).sort("excess", descending=True).to_native()


def groups_over(settlement: pa.Table) -> pa.Table:
    """Groups of a hospital whose fees exceed 110 % of their standards, the largest excess first. S000-17.

    Comes in: facts with `institution_code, drg`. Goes out: `institution_code, drg, case_count, total_fee_fen,
    standard_fen, multiple` (0–1 based), `excess_fen` = fee − limit × standard (rounded to the fen). Groups with too
    few cases are left out.
    """
    sums = _against_standard(settlement, costed=False).filter(pc.field("fee_over"))
    renamed = sums.rename_columns([name.removeprefix("fee_") for name in sums.column_names]).drop_columns(["over"])
    return renamed.sort_by([("excess_fen", "descending"), ("drg", "ascending")])


def groups_by_cost(settlement: pa.Table) -> pa.Table:
    """Groups over 110 % of their standards by cost or by fee alone, as their own hospital sees them. S000-17, S906-01.

    Comes in: facts with `institution_code, drg` and those of imported cost. Goes out: those of `groups_over` twice,
    with `fee_` and `cost_` before `multiple`, `excess_fen` = max(0, spent − limit × standard) and `over`, and the facts
    of cost: `costed_count, standard_cost_fen, costed_standard_fen`, of the cases that have one. Those over by cost
    come first, the largest excess before the others.
    """
    sums = _against_standard(settlement, costed=True).filter(pc.field("fee_over") | pc.field("cost_over"))
    by = [("cost_over", "descending"), ("cost_excess_fen", "descending"), ("fee_excess_fen", "descending")]
    return sums.sort_by([*by, ("drg", "ascending")])


def _against_standard(settlement: pa.Table, *, costed: bool) -> pa.Table:
    """Sums by hospital and group with multiple, excess and whether it is over, by fee and, if `costed`, by cost."""
    ways = _SPENT | (_COSTED if costed else {})
    keys = ["institution_code", "drg"]
    sums = roll_up(settlement, keys).select([*keys, *(name for names in ways.values() for name in names)])
    for way, names in ways.items():
        count, spent, standard = (np.asarray(sums[name].to_numpy(), dtype=np.int64) for name in names)
        multiple = np.where(standard > 0, spent / np.maximum(standard, 1), 0.0)
        sums = sums.append_column(f"{way}_multiple", pa.array(multiple, mask=standard <= 0))
        limit_e4 = group_line(costed=way == "cost").limit_e4
        excess, over = _over(count, spent, standard, limit_e4)
        sums = sums.append_column(f"{way}_excess_fen", pa.array(excess, pa.int64()))
        sums = sums.append_column(f"{way}_over", pa.array(over))
    return sums


def _over(
    count: NDArray[np.int64], spent: NDArray[np.int64], standard: NDArray[np.int64], limit_e4: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """What was spent beyond the limit, never below zero, and whether that is a warning."""
    over = (spent * SCALE > standard * limit_e4) & (standard > 0)
    excess = np.where(over, spent - round_half_up_column(standard * limit_e4, SCALE), 0)
    return excess, over & (count >= setting("group_fee.minimum_cases"))
