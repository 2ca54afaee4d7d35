"""Point value 点值: a final budget over all points, and the pay of every case, closing to the budget (TV-A8e)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, check_balance, round_half_up

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.policy.lookup import IntColumn
    from tongpin.payment.policy.policy import Policy


class PointValue(NamedTuple):
    """The value of a point of a fund and how it closes; fen, points and value in ten-thousandths.

    `value_e4` is fen per point; `residue_fen` = paid − (budget − adjustment fund): 0 when the edition splits exactly.
    """

    fund: str
    budget_fen: int
    adjustment_fund_fen: int
    points_e4: int
    value_e4: int
    paid_fen: int
    residue_fen: int


def spend_points(
    policy: Policy, on: date, fund: str, budget_fen: int, points_e4: IntColumn
) -> tuple[PointValue, IntColumn]:
    """A fund's budget over the points of its cases (a year): the value of a point and the fen of each case.

    The adjustment fund (`points.adjustment_fund`) is taken out first; `exact` pays the rest to the fen by largest
    remainder, `rounded` each case at the rounded value. `points.budget` when there are no points.
    """
    total = int(points_e4.sum())
    if total <= 0:
        raise PolicyError("points.budget", f"基金 {fund} 的点数之和为 0", where="points_e4", hint="核对病例与权重表")
    kept = round_half_up(budget_fen * policy.scaled("points.adjustment_fund", on), SCALE)
    spendable = budget_fen - kept
    if policy.value("points.value_split", on) == "exact":
        value_e4 = round_half_up(spendable * SCALE * SCALE, total)
        paid = split_column(spendable, points_e4)
        check_balance("points.close", f"基金 {fund} 各例之和与预算", int(paid.sum()), spendable)
    else:
        unit = policy.value("rounding.point_value", on)
        value_e4 = round_half_up(spendable * SCALE, total * unit) * unit * SCALE
        exact = 2 * points_e4.astype(object) * value_e4 + SCALE * SCALE
        paid = (exact // (2 * SCALE * SCALE)).astype(np.int64)
    whole = int(paid.sum())
    return PointValue(fund, budget_fen, kept, total, value_e4, whole, whole - spendable), paid


def split_column(total: int, weights: IntColumn) -> IntColumn:
    """`base.money.split_fen` over a column: parts in proportion to weights, exact, the largest remainders first."""
    whole = int(weights.sum())
    shares = weights.astype(object) * total  # beyond 64 bits
    parts: IntColumn = (shares // whole).astype(np.int64)
    missing = total - int(parts.sum())
    if missing:
        order = np.argsort(-(shares % whole).astype(np.int64), kind="stable")
        parts[order[:missing]] += 1
    return parts
