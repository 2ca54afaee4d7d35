"""The standard explained: group, weight, rate, and the coefficients one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.base.money import yuan
from tongpin.payment.policy.vocabulary import KNOWN
from tongpin.payment.pricing.coefficients import CAP, COST
from tongpin.payment.pricing.rates import level_rate, rate_fen
from tongpin.payment.pricing.steps import four

if TYPE_CHECKING:
    from tongpin.payment.pricing.steps import Step, Told

_RATE_KEYS = ("rate.tier_budget", "rate.forecast_weight", "rate.forecast_basic_weight", "rate.basic_group")


def explain_standard(told: Told) -> list[Step]:
    """The standard of a DRG case, and what stands behind each factor."""
    row, edition = told.row, told.policy.edition
    factors = f"权重 {four(row['weight_e4'])} × 费率 {yuan(row['rate_fen'])} × 系数 {four(row['coefficient_e4'])}"
    weights = edition.weights.label if edition.weights else ""
    steps = [told.plain("支付标准", f"支付标准 {yuan(row['standard_fen'])} = {factors}", row["standard_fen"])]
    if row["priced_drg"] != row["drg"]:
        text = f"  病组 {row['drg']} 的中医治疗占比或住院天数不足，按 {row['priced_drg']} 定价"
        steps.append(told.step("病组", text, None, "tcm.fallback", "tcm.share_min", "tcm.stay_days_min"))
    text = f"  权重 {four(row['weight_e4'])}   {row['priced_drg']} · {weights}{told.mark('weights')}"
    steps.append(told.plain("权重", text, None))
    return [*steps, *_rate(told), *_coefficients(told)]


def _rate(told: Told) -> list[Step]:
    row, policy, on = told.row, told.policy, told.on
    fund = f"{policy.value('fund.label', on, **told.place)} {row['fund']}"
    if row["pay_mode"] == "points":
        text = f"  费率 {yuan(row['rate_fen'])} = 月度预付点值 × 权重 1 的基准点数 · {fund}"
        return [told.step("费率", text, row["rate_fen"], "points.value", "points.scale")]
    now_fen = rate_fen(policy, on, row["fund"], row["hospital_level"], basic_group=row["basic_group"])
    if now_fen != row["rate_fen"]:
        mark = told.mark("rate.tier_budget", "rate.basic_group")
        text = f"  费率 {yuan(row['rate_fen'])} 为入账时的费率{mark}；付费办法后来改过，现为 {yuan(now_fen)}"
        return [told.plain("费率", text, row["rate_fen"])]
    if row["basic_group"]:
        since = policy.in_force_since("rate.basic_group", on)
        text = f"  费率 {yuan(row['rate_fen'])}   基础病组各级同价 · {fund} · {since} 起"
        return [told.step("费率", text, row["rate_fen"], "rate.basic_group")]
    closed = level_rate(policy, on, row["fund"], row["hospital_level"])
    since = max(policy.in_force_since(key, on) for key in _RATE_KEYS)
    budget, basic = yuan(closed.tier_budget_fen), yuan(closed.basic_payment_fen)
    left = closed.forecast_weight_e4 - closed.basic_weight_e4
    text = f"  费率 {yuan(row['rate_fen'])}   {row['hospital_level']} · {fund} · {since} 起"
    formula = f"    =（层级总额 {budget} − 基础病组支付 {basic}）÷ 其余病组预测权重 {four(left)}"
    return [
        told.step("费率", text, row["rate_fen"], *_RATE_KEYS),
        told.plain("费率的算法", formula, None),
    ]


def _coefficients(told: Told) -> list[Step]:
    """The product, and where there is more than one coefficient, each by its name in the order of the edition."""
    row = told.row
    parts = [part.split("=") for part in row["coefficient_parts"].split()]
    names = {**KNOWN["coefficient.order"].options, COST: "成本", CAP: "上限"}
    keys = [_key(name) for name, _ in parts]
    steps = [told.step("系数", f"  系数 {four(row['coefficient_e4'])}", None, "coefficient.order", *keys)]
    if len(parts) > 1:
        shown = " × ".join(f"{names[name]} {four(int(value))}" for name, value in parts if name != CAP)
        cap = "".join(f"；其中 {_capped(told, names)} 连乘不超过 {four(int(v))}" for n, v in parts if n == CAP)
        steps.append(told.plain("系数的组成", f"    = {shown}{cap}", None))
    return steps


def _key(name: str) -> str:
    return "points.cost_coefficient" if name == COST else f"coefficient.{name}"


def _capped(told: Told, names: dict[str, str]) -> str:
    return "、".join(names[name] for name in told.policy.value("coefficient.capped", told.on))
