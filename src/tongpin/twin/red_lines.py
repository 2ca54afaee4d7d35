"""Red lines 红线: hospitals against the documents' limits, groups against 110 % of the standard; warnings only."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pyarrow as pa

from tongpin.base.money import SCALE, round_half_up_column
from tongpin.measures.compute import roll_up
from tongpin.twin.catalogue import RedLine, load_red_lines, setting

OUTSIDE = "不参加国考"
"""The manual of institutions that the assessment does not cover."""


def hospital_lines() -> tuple[RedLine, ...]:
    """The red lines that hold for hospitals."""
    return tuple(line for line in load_red_lines() if line.level == "医院")


def group_line() -> RedLine:
    """The line of a group's fee against its standard."""
    return next(line for line in load_red_lines() if line.level == "病组")


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
    limit_e4 = group_line().limit_e4
    sums = roll_up(settlement, ["institution_code", "drg"]).select(
        ["institution_code", "drg", "case_count", "total_fee_fen", "standard_fen"],
    )
    fee = np.asarray(sums["total_fee_fen"].to_numpy(), dtype=np.int64)
    standard = np.asarray(sums["standard_fen"].to_numpy(), dtype=np.int64)
    excess = fee - round_half_up_column(standard * limit_e4, SCALE)
    over = (fee * SCALE > standard * limit_e4) & (standard > 0)
    over &= np.asarray(sums["case_count"].to_numpy()) >= setting("group_fee.minimum_cases")
    sums = sums.append_column("multiple", pa.array(fee / np.maximum(standard, 1)))
    sums = sums.append_column("excess_fen", pa.array(excess, pa.int64()))
    return sums.filter(pa.array(over)).sort_by([("excess_fen", "descending"), ("drg", "ascending")])
