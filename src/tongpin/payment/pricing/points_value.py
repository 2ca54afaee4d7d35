"""Point value 点值: a budget over all points, and the pay of every case, closing to the budget to the fen (TV-A8e)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, check_balance, round_half_up

if TYPE_CHECKING:
    from collections.abc import Mapping
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


class PointClose(NamedTuple):
    """The priced cases with the final value of their points, and the value of each fund."""

    priced: pa.Table
    values: tuple[PointValue, ...]


def close_points(priced: pa.Table, policy: Policy, on: date, budgets_fen: Mapping[str, int]) -> PointClose:
    """Spend each fund's budget over the points of its cases (a month or a year); amounts in fen.

    `priced`: the columns of `price` by an edition of the points method; `budgets_fen`: by fund, on the base that
    `points.budget_base` names. Gross, pool payable and result of cases with points are written anew; others stay.
    `points.budget` when a fund with points has no budget, or a budget no points.
    """
    has_points = pc.is_valid(priced["points_e4"])
    funds = pc.unique(priced["fund"].filter(has_points)).to_pylist()
    if missing := set(funds) ^ set(budgets_fen):
        raise PolicyError(
            "points.budget",
            f"基金 {'、'.join(sorted(map(str, missing)))} 有点数没有预算，或有预算没有点数",
            where="budgets_fen",
            hint="每项有点数的基金给一个预算",
        )
    points = pc.fill_null(priced["points_e4"], 0).to_numpy()
    own = pc.fill_null(pc.add(priced["patient_fen"], priced["other_funds_fen"]), 0).to_numpy()
    gross = pc.fill_null(priced["gross_fen"], 0).to_numpy().copy()
    floored = pc.fill_null(priced["floored_fen"], 0).to_numpy().copy()
    is_total = policy.value("points.budget_base", on) == "total"
    values = []
    for fund in sorted(funds):
        rows = np.flatnonzero(pc.and_(has_points, pc.equal(priced["fund"], fund)).to_numpy())
        value, paid = _spent(policy, on, fund, budgets_fen[fund], points[rows])
        values.append(value)
        gross[rows] = paid if is_total else paid + own[rows]
        below = np.maximum(own[rows] - gross[rows], 0)
        floored[rows] = below if policy.value("pool.negative", on, fund=fund) == "floor_case" else 0
    return PointClose(_rewritten(priced, gross, gross - own + floored, floored), tuple(values))


def _spent(policy: Policy, on: date, fund: str, budget: int, points: IntColumn) -> tuple[PointValue, IntColumn]:
    """One fund's value and the pay of each of its cases."""
    total = int(points.sum())
    if total <= 0:
        raise PolicyError("points.budget", f"基金 {fund} 的点数之和为 0", where="points_e4", hint="核对病例与权重表")
    kept = round_half_up(budget * policy.scaled("points.adjustment_fund", on), SCALE)
    spendable = budget - kept
    if policy.value("points.value_split", on) == "exact":
        value_e4 = round_half_up(spendable * SCALE * SCALE, total)
        paid = split_column(spendable, points)
        check_balance("points.close", f"基金 {fund} 各例之和与预算", int(paid.sum()), spendable)
    else:
        unit = policy.value("rounding.point_value", on)
        value_e4 = round_half_up(spendable * SCALE, total * unit) * unit * SCALE
        exact = 2 * points.astype(object) * value_e4 + SCALE * SCALE
        paid = (exact // (2 * SCALE * SCALE)).astype(np.int64)
    whole = int(paid.sum())
    return PointValue(fund, budget, kept, total, value_e4, whole, whole - spendable), paid


def split_column(total: int, weights: IntColumn) -> IntColumn:
    """`total` fen over weights not below zero, in proportion, the largest remainders one fen more (`split_fen`)."""
    whole = int(weights.sum())
    shares = weights.astype(object) * total
    parts: IntColumn = (shares // whole).astype(np.int64)
    missing = total - int(parts.sum())
    if missing:
        order = np.argsort(-(shares % whole), kind="stable")
        parts[order[:missing]] += 1
    return parts


def _rewritten(priced: pa.Table, gross: IntColumn, payable: IntColumn, floored: IntColumn) -> pa.Table:
    """The table with the final amounts in the place of the monthly ones; rows outside stay null."""
    outside = pc.is_null(priced["gross_fen"]).to_numpy()
    item_pool = pc.fill_null(priced["item_pool_fen"], 0).to_numpy()
    amounts = {
        "gross_fen": gross,
        "pool_payable_fen": payable,
        "result_fen": payable - item_pool,
        "floored_fen": floored,
    }
    for name, values in amounts.items():
        priced = priced.set_column(priced.column_names.index(name), name, pa.array(values, mask=outside))
    return priced
