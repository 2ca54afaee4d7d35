"""Deviation cases 偏差病例: the fee over the mean of the disease, with both edges, compared exactly.

r below the lower edge: the coefficient is r; above the upper: (r − upper) + 1; else 1. It jumps at the lower edge
(0.4999 against 1) and runs on at the upper one. Above the review limit experts decide; until then the edition says what
holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.base.money import SCALE, round_half_up_column
from tongpin.payment.policy.lookup import Coded
from tongpin.payment.pricing.rounding import check_size

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import BoolColumn, IntColumn, Lookup

CLASSES = ("NORMAL", "LOW", "HIGH")


class Edges(NamedTuple):
    """What an edition says of deviation, for each case: edges in ten-thousandths, choices as coded texts."""

    low_e4: IntColumn
    high_e4: IntColumn
    review_e4: IntColumn
    compare: Coded
    unreviewed: Coded
    review_by: Coded


class Deviation(NamedTuple):
    """The outlier class (LOW, NORMAL, HIGH), the coefficient in ten-thousandths, and who is before the experts."""

    outlier_class: Coded
    coefficient_e4: IntColumn
    in_review: BoolColumn


def edges_of(lookup: Lookup) -> Edges:
    """The edges in force for each case."""
    return Edges(
        lookup.scaled("dip.deviation.low"),
        lookup.scaled("dip.deviation.high"),
        lookup.scaled("dip.deviation.review"),
        lookup.choices("dip.deviation.compare"),
        lookup.choices("dip.deviation.unreviewed"),
        lookup.choices("dip.review.by"),
    )


def deviation(fee_fen: IntColumn, mean_fen: IntColumn, edges: Edges) -> Deviation:
    """Class and coefficient of each case (TV-B3); `mean_fen` above zero. `policy.overflow` for absurd amounts.

    `exact` compares fee and mean in fen, `rounded` the ratio with four decimals; the coefficient has four decimals.
    """
    check_size((fee_fen,), SCALE)
    check_size((mean_fen, np.maximum(edges.high_e4, edges.review_e4)))
    scaled = fee_fen * SCALE
    ratio_e4 = round_half_up_column(scaled, mean_fen)
    rounded = edges.compare.equals("rounded")
    left = np.where(rounded, ratio_e4, scaled)
    unit = np.where(rounded, 1, mean_fen)
    low, high = left < edges.low_e4 * unit, left > edges.high_e4 * unit
    above = left > edges.review_e4 * unit
    coefficient = np.full(len(fee_fen), SCALE, np.int64)
    coefficient[low] = ratio_e4[low]
    coefficient[high] = _over(scaled[high], mean_fen[high], edges.high_e4[high])
    at_limit = above & edges.unreviewed.equals("at_limit")
    coefficient[at_limit] = (edges.review_e4 - edges.high_e4 + SCALE)[at_limit]
    coefficient[above & edges.unreviewed.equals("one")] = SCALE
    classes = Coded(low * 1 + high * 2, list(CLASSES))
    return Deviation(classes, coefficient, above & edges.review_by.equals("duty"))


def _over(scaled: IntColumn, mean_fen: IntColumn, high_e4: IntColumn) -> IntColumn:
    """(r − upper) + 1, rounded once."""
    over: IntColumn = round_half_up_column(scaled - high_e4 * mean_fen, mean_fen) + SCALE
    return over
