"""Level rates 级别费率: they close to the tier budget after the 基础病组 are paid at one rate for every level."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.policy.policy import Policy


def rounded(numerator: int, denominator: int, unit_fen: int) -> int:
    """Fen rounded half away from zero to a multiple of `unit_fen` (1 = to the fen, 100 = to the yuan)."""
    return round_half_up(numerator, denominator * unit_fen) * unit_fen


class OverallRate(NamedTuple):
    """The total that a fund's budget stands for, and the rate per weight that spends it; fen."""

    total_fen: int
    rate_fen: int


def overall_rate(fund_budget_fen: int, compensation_e4: int, forecast_weight_e4: int, unit_fen: int) -> OverallRate:
    """Rate = (fund budget ÷ actual reimbursement ratio) ÷ forecast total weight (TV-A4); ratio, weight ×10,000.

    The total is rounded to the fen, the rate to `unit_fen`; `policy.rate` when ratio or weight is not above zero.
    """
    if compensation_e4 <= 0 or forecast_weight_e4 <= 0:
        raise PolicyError(
            "policy.rate",
            "实际补偿比或预测总权重不为正，算不出费率",
            where="rate",
            hint="核对基金预算、实际补偿比与预测总权重",
        )
    total_fen = round_half_up(fund_budget_fen * SCALE, compensation_e4)
    return OverallRate(total_fen, rounded(total_fen * SCALE, forecast_weight_e4, unit_fen))


class LevelRate(NamedTuple):
    """The rate of a fund at a level and how it closes; fen, weights in ten-thousandths.

    `residue_fen` = paid under the forecast − tier budget: only the rounding of the rate and of the basic payment.
    """

    fund: str
    hospital_level: str
    tier_budget_fen: int
    forecast_weight_e4: int
    basic_weight_e4: int
    basic_rate_fen: int
    basic_payment_fen: int
    rate_fen: int
    paid_fen: int
    residue_fen: int


def close_level_rate(
    *,
    fund: str,
    hospital_level: str,
    tier_budget_fen: int,
    forecast_weight_e4: int,
    basic_weight_e4: int,
    basic_rate_fen: int,
    unit_fen: int = 1,
) -> LevelRate:
    """Level rate = (tier budget − basic payments of the level) / non-basic weight (S900-09, TV-P9).

    `policy.rate` when the basic weight reaches the whole weight or the basic payments reach the budget.
    """
    basic_payment_fen = round_half_up(basic_weight_e4 * basic_rate_fen, SCALE)
    left_fen = tier_budget_fen - basic_payment_fen
    left_weight_e4 = forecast_weight_e4 - basic_weight_e4
    if left_weight_e4 <= 0 or left_fen <= 0:
        raise PolicyError(
            "policy.rate",
            "扣除基础病组后，层级总额或权重不为正，算不出级别费率",
            where=f"rate.{fund}.{hospital_level}",
            hint="核对层级总额、预测总权重、基础病组预测权重与基础病组费率",
        )
    rate_fen = rounded(left_fen * SCALE, left_weight_e4, unit_fen)
    if rate_fen == 0:
        raise PolicyError(
            "policy.rate",
            f"级别费率取整到 {unit_fen} 分后为 0",
            where=f"rate.{fund}.{hospital_level}",
            hint="把 rounding.rate 改小，或核对层级总额与预测总权重的单位",
        )
    paid_fen = basic_payment_fen + round_half_up(rate_fen * left_weight_e4, SCALE)
    return LevelRate(
        fund,
        hospital_level,
        tier_budget_fen,
        forecast_weight_e4,
        basic_weight_e4,
        basic_rate_fen,
        basic_payment_fen,
        rate_fen,
        paid_fen,
        paid_fen - tier_budget_fen,
    )


def level_rate(policy: Policy, on: date, fund: str, hospital_level: str) -> LevelRate:
    """The closed rate of a fund and level in force on a day; `policy.gap` when an input is missing."""
    place = {"fund": fund, "hospital_level": hospital_level}
    return close_level_rate(
        fund=fund,
        hospital_level=hospital_level,
        tier_budget_fen=policy.value("rate.tier_budget", on, **place),
        forecast_weight_e4=policy.scaled("rate.forecast_weight", on, **place),
        basic_weight_e4=policy.scaled("rate.forecast_basic_weight", on, **place),
        basic_rate_fen=policy.value("rate.basic_group", on, **place),
        unit_fen=policy.value("rounding.rate", on),
    )


def rate_fen(policy: Policy, on: date, fund: str, hospital_level: str, *, basic_group: bool) -> int:
    """Fen per weight of a case: the basic-group rate of the fund, else the level rate."""
    closed = level_rate(policy, on, fund, hospital_level)
    return closed.basic_rate_fen if basic_group else closed.rate_fen
