"""Point values 点值: what a point is worth in the budget and at settlement, and points turned into fen that close.

A value is in ten-thousandths of a yuan for one point; points are in ten-thousandths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, check_balance, round_half_up, split_fen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tongpin.payment.policy.policy import Policy

FEN_FACTOR = 1_000_000
"""points_e4 x value_e4 over this = fen: 10^4 for the points, 10^4 for the value, less 100 fen a yuan."""
_DECIMALS = 4


class PointValue(NamedTuple):
    """A point value and what it is of: money (fen, fee side), points, the value, and what its rounding leaves over.

    `residue_fen` = points at the value − money.
    """

    money_fen: int
    points_e4: int
    value_e4: int
    residue_fen: int


def point_value(money_fen: int, points_e4: int, decimals: int) -> PointValue:
    """Money over points, rounded to so many decimals of a yuan; `dip.points` without points, money or decimals."""
    if points_e4 <= 0 or money_fen <= 0 or not 0 <= decimals <= _DECIMALS:
        raise PolicyError(
            "dip.points",
            f"总分值 {points_e4 / SCALE:g}、金额 {money_fen} 分、小数 {decimals} 位，算不出点值",
            where="dip.point_value",
            hint="总分值与金额须大于 0，点值至多四位小数",
        )
    unit = 10 ** (_DECIMALS - decimals)
    value_e4 = round_half_up(money_fen * FEN_FACTOR, points_e4 * unit) * unit
    paid = round_half_up(points_e4 * value_e4, FEN_FACTOR)
    return PointValue(money_fen, points_e4, value_e4, paid - money_fen)


def weighted_cost(yearly_fen: Sequence[int], weights: Sequence[int]) -> int:
    """The yearly cost of inpatients weighted by year, oldest first (1:2:7), in fen."""
    return round_half_up(sum(w * fen for w, fen in zip(weights, yearly_fen, strict=True)), sum(weights))


def budget_value(yearly_fen: Sequence[int], weights: Sequence[int], points_e4: int, decimals: int) -> PointValue:
    """预算点值 = weighted yearly inpatient cost / Σ(score x cases) (TV-B1)."""
    return point_value(weighted_cost(yearly_fen, weights), points_e4, decimals)


def settlement_value(fund_fen: int, ratio_e4: int, points_e4: int, decimals: int) -> PointValue:
    """结算点值 = (fund available / reimbursement ratio) / Σ score (TV-B2); `dip.points` for a ratio of zero."""
    if ratio_e4 <= 0:
        raise PolicyError("dip.points", "报销比例为 0，算不出结算点值", where="ratio", hint="写大于 0 的实际报销比例")
    return point_value(round_half_up(fund_fen * SCALE, ratio_e4), points_e4, decimals)


def points_paid(value: PointValue, points_e4: Sequence[int], split: str) -> list[int]:
    """Points of cases or hospitals in fen: `exact` pays the money out to the fen, `rounded` at the value.

    The points must be those of the value. BalanceError when what is paid exactly does not sum to the money.
    """
    if sum(points_e4) != value.points_e4:
        raise PolicyError(
            "dip.points", "分值之和与点值所据的总分值不同", where="points_e4", hint="用同一批病例算点值与付费"
        )
    if split == "rounded":
        return [round_half_up(points * value.value_e4, FEN_FACTOR) for points in points_e4]
    paid: list[int] = split_fen(value.money_fen, list(points_e4))
    check_balance("dip.settlement", "按分值分配之和与可付总额", sum(paid), value.money_fen)
    return paid


def value_terms(policy: Policy, on: date) -> tuple[int, str]:
    """Decimals of a point value and how it is paid out (family of choices 26)."""
    return policy.value("dip.value.decimals", on), policy.value("dip.value.split", on)


def pays_by_scores(policy: Policy) -> bool:
    """Whether an edition pays by scores: it states what a point is worth."""
    return "dip.point_value" in policy.edition.parameters


def takes_deposit(policy: Policy, on: date) -> bool:
    """Whether a month keeps a deposit back: always by groups, by scores as the edition says (`policy.gap` if open)."""
    return not pays_by_scores(policy) or clearing_switches(policy, on).deposit


class ClearingSwitches(NamedTuple):
    """Whether the steps of the month and the year that exist for DRG apply to DIP: deposit, bands, k on the total."""

    deposit: bool
    bands: bool
    tier_budget: bool


def clearing_switches(policy: Policy, on: date) -> ClearingSwitches:
    """The switches of an edition in force on a day; `policy.gap` where it leaves one open."""
    return ClearingSwitches(*(policy.value(f"dip.applies.{name}", on) for name in ClearingSwitches._fields))
