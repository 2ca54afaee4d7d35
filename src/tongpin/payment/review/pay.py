"""Pay of an approved case 单议的付费: what the edition pays, the amount decided for the clearing, and its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tongpin.base.money import SCALE, round_half_up, yuan
from tongpin.payment.pricing.points import points_of_fee
from tongpin.payment.pricing.steps import Told
from tongpin.payment.review.criteria import TECHNOLOGY, technology_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.review.criteria import Item

BY_ITEM, DECIDED, REFUSED = "按项目付费", "按决定金额付费", "不同意"
"""The results as step 8 of the clearing reads them."""


class Pay(NamedTuple):
    """What a case is paid when it is fully approved: gross in fen, the result of the decision, the steps."""

    amount_fen: int
    result: str
    steps: tuple[dict[str, Any], ...]


def pay_of(row: Mapping[str, Any], policy: Policy, on: date, criterion: str, item: Item | None = None) -> Pay:
    """The pay of an approved case by the values of `on`, the last day of its clearing year.

    New technology: standard + what the formula adds (A16). Else by `special.pay`: by item, or the amount of
    `review.amount` (all fees, standard + share, points). `policy.gap` when the edition leaves open what it needs.
    """
    told = Told(dict(row), policy, on)
    outside = row["outside_fee_fen"] or 0
    standard = row["standard_fen"]
    if criterion == TECHNOLOGY and item is not None:
        found = technology_of(row, policy, on, item)
        extra = int(found.extra_fen[0])
        amount = int(found.pay_fen[0]) + outside
        text = f"支付标准 {yuan(standard)} + 核增 {yuan(extra)}{_outside(outside)} = {yuan(amount)} 元"
        step = told.step("新技术除外支付", text, amount, "special.technology_multiple", "special.technology_share")
        return Pay(amount, DECIDED, (step._asdict(),))
    if policy.value("special.pay", on) == "by_item":
        amount = row["total_fee_fen"]
        step = told.step("按项目付费", f"全部费用 {yuan(amount)} 元", amount, "special.pay")
        return Pay(amount, BY_ITEM, (step._asdict(),))
    mode = policy.value("review.amount", on)
    if mode == "by_item":
        amount = row["total_fee_fen"]
        step = told.step("按项目", f"全部费用 {yuan(amount)} 元", amount, "special.pay", "review.amount")
    elif mode == "share":
        share_e4 = policy.scaled("review.share", on, hospital_level=row["hospital_level"])
        unit = policy.value("rounding.clearing", on)
        over = max(row["fee_fen"] - standard, 0)
        added = round_half_up(over * share_e4, SCALE * unit) * unit
        amount = standard + added + outside
        text = (
            f"支付标准 {yuan(standard)} + 超出部分 {yuan(over)} × {share_e4 / 100:.2f}% = {yuan(added)}"
            f"{_outside(outside)}，共 {yuan(amount)} 元"
        )
        step = told.step("标准加超出部分的份额", text, amount, "special.pay", "review.amount", "review.share")
    else:
        amount, step = _by_points(row, told, policy, on, outside)
    return Pay(amount, DECIDED, (step._asdict(),))


def _by_points(row: Mapping[str, Any], told: Told, policy: Policy, on: date, outside: int) -> tuple[int, Any]:
    """A fee as points over the region's mean fee, at the monthly point value (特病单议 of the points method)."""
    unit = 10 ** (4 - min(policy.value("points.decimals", on), 4))
    mean, scale = policy.value("points.region_mean", on), policy.value("points.scale", on)
    points_e4 = int(points_of_fee(np.array([row["fee_fen"]]), np.array([mean]), np.array([scale]), np.array([unit]))[0])
    value = policy.value("points.value", on, fund=row["fund"])
    to = policy.value("rounding.standard", on)
    amount = round_half_up(points_e4 * value, SCALE * to) * to + outside
    text = (
        f"费用 {yuan(row['fee_fen'])} ÷ 全市次均 {yuan(mean)} × {scale} = {points_e4 / SCALE:,.4f} 点，"
        f"× 每点 {yuan(value)} 元{_outside(outside)} = {yuan(amount)} 元"
    )
    return amount, told.step(
        "按点数", text, amount, "special.pay", "review.amount", "points.region_mean", "points.scale", "points.value"
    )


def _outside(outside: int) -> str:
    return f" + 费用基数之外 {yuan(outside)}" if outside else ""
