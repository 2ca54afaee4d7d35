"""Deviation cases 偏差病例: the fee over the mean of the disease, with both edges, compared exactly.

r below the lower edge: the coefficient is r; above the upper: (r − upper) + 1; else 1. It jumps at the lower edge
(0.4999 against 1) and runs on at the upper one. Above the review limit experts decide; until then the edition says what
holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.base.money import SCALE, round_half_up_column
from tongpin.payment.pricing.rounding import check_size

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import BoolColumn, IntColumn, Lookup, TextColumn

UNREVIEWED = ("formula", "at_limit", "one")


class Edges(NamedTuple):
    """What an edition says of deviation, for each case: edges in ten-thousandths, choices as texts."""

    low_e4: IntColumn
    high_e4: IntColumn
    review_e4: IntColumn
    compare: TextColumn
    unreviewed: TextColumn
    review_by: TextColumn


class Deviation(NamedTuple):
    """The outlier class (LOW, NORMAL, HIGH), the coefficient in ten-thousandths, and who is before the experts."""

    outlier_class: TextColumn
    coefficient_e4: IntColumn
    in_review: BoolColumn


def edges_of(lookup: Lookup) -> Edges:
    """The edges in force for each case."""
    return Edges(
        lookup.scaled("dip.deviation.low"),
        lookup.scaled("dip.deviation.high"),
        lookup.scaled("dip.deviation.review"),
        lookup.texts("dip.deviation.compare"),
        lookup.texts("dip.deviation.unreviewed"),
        lookup.texts("dip.review.by"),
    )


def deviation(fee_fen: IntColumn, mean_fen: IntColumn, edges: Edges) -> Deviation:
    """Class and coefficient of each case (TV-B3); `mean_fen` above zero. `policy.overflow` for absurd amounts.

    `exact` compares fee and mean in fen, `rounded` the ratio with four decimals; the coefficient has four decimals.
    """
    check_size((fee_fen,), SCALE)
    check_size((mean_fen, np.maximum(edges.high_e4, edges.review_e4)))
    ratio_e4 = round_half_up_column(fee_fen * SCALE, mean_fen)
    rounded = edges.compare == "rounded"
    left = np.where(rounded, ratio_e4, fee_fen * SCALE)
    unit = np.where(rounded, 1, mean_fen)
    low, high = left < edges.low_e4 * unit, left > edges.high_e4 * unit
    above = left > edges.review_e4 * unit
    over_e4 = round_half_up_column(fee_fen * SCALE - edges.high_e4 * mean_fen, mean_fen) + SCALE
    coefficient = np.select([low, high], [ratio_e4, over_e4], SCALE)
    at_limit = edges.review_e4 - edges.high_e4 + SCALE
    coefficient = np.select(
        [above & (edges.unreviewed == "at_limit"), above & (edges.unreviewed == "one")],
        [at_limit, SCALE],
        coefficient,
    )
    classes = np.select([low, high], ["LOW", "HIGH"], "NORMAL")
    return Deviation(classes.astype("<U6"), coefficient.astype(np.int64), above & (edges.review_by == "duty"))
