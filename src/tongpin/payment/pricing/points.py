"""Points 点数法: base points, cost coefficient, incomplete and dear stays, bed-days, readmissions (family 25)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up_column
from tongpin.payment.policy.lookup import Coded
from tongpin.payment.pricing.means import means, means_or_none
from tongpin.payment.pricing.outliers import CLASSES
from tongpin.payment.pricing.readmissions import readmission_share_e4

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import BoolColumn, IntColumn, Lookup
    from tongpin.payment.pricing.rows import CaseRows
    from tongpin.payment.pricing.standard import Standard

_NORMAL, _HIGH, _LOW, _ = range(len(CLASSES))
_DECIMALS = 4
_MOST = 2**62


class PointCases(NamedTuple):
    """The DRG cases of the points method: their fee (fen), their standard, and how their stays ended early."""

    cases: CaseRows
    lookup: Lookup
    fee: IntColumn
    standard: Standard
    early_end: Coded


class Points(NamedTuple):
    """Points in ten-thousandths, the mean fee that the fee is compared with (fen), and the class of each case."""

    points_e4: IntColumn
    mean_fen: IntColumn
    outlier: Coded


def cost_coefficients(lookup: Lookup) -> IntColumn:
    """Mean of the group in the hospital (or level) over the city's, in ten-thousandths; 1 for a new group (TV-A8a)."""
    choice = lookup.choices("points.cost_coefficient")
    found = np.full(len(lookup.days), SCALE, dtype=np.int64)
    for of in choice.values:
        rows = np.flatnonzero(choice.equals(of))
        if of == "none" or not len(rows):
            continue
        some = lookup.narrowed(rows)
        own, city = means_or_none(some, of), means(some, "city")
        found[rows] = np.where(own > 0, round_half_up_column(own * SCALE, city), SCALE)
    return found


def case_points(told: PointCases) -> Points:
    """The points of each DRG case, readmissions taken off.

    base points = weight × `points.scale` (weight being group mean / region mean); case points = base × coefficients.
    Incomplete: base × fee / mean, at most base. Dear: plus base × (fee / mean − limit) × coefficient. Groups under
    review: by fee, or nothing, until decided. Source: TV-A8a … TV-A8d.
    """
    lookup, fee = told.lookup, told.fee
    base_e4 = told.standard.weight_e4 * lookup.numbers("points.scale")
    unit = 10 ** (_DECIMALS - np.minimum(lookup.numbers("points.decimals"), _DECIMALS))
    mean = _means(lookup)
    coefficient_e4 = told.standard.coefficient_e4
    points = _rounded(base_e4 * coefficient_e4, SCALE, unit)

    under_review = lookup.listed("points.review_groups", "drg")
    is_incomplete = _incomplete(told, mean) & ~under_review
    limit_e4 = lookup.scaled("points.high_limit")
    is_high = (fee * SCALE > limit_e4 * mean) & ~is_incomplete & ~under_review
    rows = np.flatnonzero(is_incomplete)
    if len(rows):
        points[rows] = _incomplete_points(
            lookup.narrowed(rows), base_e4[rows], coefficient_e4[rows], fee[rows], mean[rows], unit[rows]
        )
    rows = np.flatnonzero(is_high & lookup.choices("points.high").equals("add"))
    if len(rows):
        over = (fee[rows] * SCALE - limit_e4[rows] * mean[rows]).astype(object)
        extra = base_e4[rows] * over * lookup.narrowed(rows).scaled("points.high_coefficient")
        points[rows] += _rounded(extra, mean[rows] * SCALE * SCALE, unit[rows])
    rows = np.flatnonzero(under_review)
    if len(rows):
        points[rows] = _review_points(lookup.narrowed(rows), fee[rows], unit[rows])
    share_e4 = readmission_share_e4(told.cases, lookup)
    reduced = np.flatnonzero(share_e4 != SCALE)
    points[reduced] = _rounded(points[reduced] * share_e4[reduced], SCALE, unit[reduced])
    classes = np.where(is_high, _HIGH, np.where(is_incomplete, _LOW, _NORMAL))
    return Points(points, mean, Coded(classes, list(CLASSES)))


def bed_day_points(lookup: Lookup, days: IntColumn) -> IntColumn:
    """Daily base points × days, in ten-thousandths; `lookup` holds `register_code` (S914-01)."""
    return lookup.scaled("points.bed_day") * days


def pay_of_points(lookup: Lookup, points_e4: IntColumn) -> IntColumn:
    """Points × the monthly point value of the fund, in fen, rounded as a standard (TV-A8e)."""
    unit = lookup.numbers("rounding.standard")
    lookup.choices("rounding.halves")
    value = lookup.numbers("points.value")
    if int(points_e4.max(initial=0)) * int(value.max(initial=1)) >= _MOST:
        raise PolicyError("policy.overflow", "点数或点值大得不合常理", where="points_e4", hint="检查点值的单位（分）")
    paid: IntColumn = round_half_up_column(points_e4 * value, SCALE * unit) * unit
    return paid


def _means(lookup: Lookup) -> IntColumn:
    of = lookup.choices("points.mean_of")
    found = np.zeros(len(lookup.days), dtype=np.int64)
    for name in of.values:
        rows = np.flatnonzero(of.equals(name))
        found[rows] = means(lookup.narrowed(rows), name)
    return found


def _incomplete(told: PointCases, mean: IntColumn) -> BoolColumn:
    """Stays whose fee lies below the edition's share of the mean, or that ended early in one of its ways."""
    lookup = told.lookup
    is_short = told.fee * SCALE < lookup.scaled("points.incomplete_below") * mean
    if any(told.early_end.values):
        some = lookup.with_dimensions({"early_end": told.early_end})
        is_short |= some.listed("points.incomplete_ends", "early_end")
    result: BoolColumn = is_short & ~lookup.choices("points.incomplete").equals("complete")
    return result


def _incomplete_points(
    lookup: Lookup, base_e4: IntColumn, coefficient_e4: IntColumn, fee: IntColumn, mean: IntColumn, unit: IntColumn
) -> IntColumn:
    by_coefficient = lookup.choices("points.incomplete").equals("base_times_coefficient")
    factor = np.where(by_coefficient, coefficient_e4, SCALE)
    product = base_e4.astype(object) * fee * factor
    return np.minimum(_rounded(product, mean * SCALE, unit), base_e4)


def _review_points(lookup: Lookup, fee: IntColumn, unit: IntColumn) -> IntColumn:
    """特病单议 before its decision: fee / region mean × `points.scale`, or nothing."""
    found = np.zeros(len(fee), dtype=np.int64)
    rows = np.flatnonzero(lookup.choices("points.review_until").equals("by_fee"))
    if len(rows):
        some = lookup.narrowed(rows)
        found[rows] = points_of_fee(
            fee[rows], some.numbers("points.region_mean"), some.numbers("points.scale"), unit[rows]
        )
    return found


def points_of_fee(fee: IntColumn, region_mean: IntColumn, scale: IntColumn, unit: IntColumn) -> IntColumn:
    """A fee as points in ten-thousandths (特病单议: an approved fee in fen over the region's mean fee)."""
    return _rounded(fee.astype(object) * scale * SCALE, region_mean, unit)


def _rounded(numerator: Any, denominator: Any, unit: IntColumn) -> IntColumn:
    """The quotient to a multiple of `unit` (ten-thousandths of a point), half away from zero."""
    top, below = np.asarray(numerator), denominator * unit
    found = (2 * top + below) // (2 * below)
    result: IntColumn = found.astype(np.int64) * unit
    return result
