"""Explain a yuan 说清一元钱: the price of one case line by line, with 模拟 wherever no source confirms a value."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tongpin.base.money import SCALE, round_half_up, yuan
from tongpin.payment.month.posting import AMOUNTS, REVERSAL
from tongpin.payment.policy.period import case_day
from tongpin.payment.pricing.price import CARE_TYPE, OBSERVED
from tongpin.payment.pricing.rates import level_rate, rate_fen
from tongpin.records.views.stay_lists import BED_DAY

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.policy.policy import Policy

_SIMULATED = "（模拟）"


def explain_case(priced_row: dict[str, Any], policy: Policy) -> str:
    """The pool payable of a priced case (a row of `price` or a posted line) as Chinese text.

    Amounts in yuan with two decimals; the values are read again from the edition for the case's own date.
    """
    row = dict(priced_row)
    if row["pay_scope"] == "OUT":
        return "本清单不在住院结算口径，不定价、不入账"
    lines: list[str] = []
    if row.get("line_kind") == REVERSAL:
        row |= {name: -row[name] for name in AMOUNTS if row.get(name) is not None}
        lines.append("本行为红冲：以下为原来入账的金额，本月以相反数入账")
    on = case_day(row, policy.edition.edition_by.value)
    place = {
        "fund": row["fund"],
        "hospital_level": row["hospital_level"],
        "institution_code": row["institution_code"],
        "drg": row["drg"],
    }
    if row.get("merged_case_ids"):
        merged = "、".join(row["merged_case_ids"])
        mark = _mark(policy, "scope.interim_bills")
        lines.append(f"本例由同一次住院的 {len(row['merged_case_ids'])} 份清单合并：{merged}{mark}")
    lines += _payable(row, policy)
    if row["pay_scope"] == "DRG":
        lines += [*_gross(row, policy, on, place), *_standard(row, policy, on, place)]
        lines.append(_outlier(row, policy, on, place))
    else:
        lines.append(_by_item(row, policy))
    lines.append("个人负担、其他基金按清单与结算结果所载，不重算")
    lines.append(
        f"盈亏 {yuan(row['result_fen'])} = 统筹应付 {yuan(row['pool_payable_fen'])}"
        f" − 按项目统筹 {yuan(row['item_pool_fen'])}",
    )
    lines.append(f"依据：{policy.edition.label}（{policy.id}），按 {on} 的值")
    return "\n".join(lines)


def _mark(policy: Policy, *keys: str) -> str:
    """模拟 when any of the keys is assumed."""
    return _SIMULATED if set(keys) & set(policy.assumed_keys()) else ""


def _e4(value: int) -> str:
    return f"{Decimal(value) / SCALE:,.4f}"


def _times(value_e4: int) -> str:
    return f"{Decimal(round_half_up(value_e4, 100)) / 100:.2f}"


def _payable(row: dict[str, Any], policy: Policy) -> list[str]:
    name = "支付标准" if row["pay_mode"] == "standard" else "应付总额"
    negative = _mark(policy, "pool.negative")
    floored = f"  +  负统筹补零 {yuan(row['floored_fen'])}{negative}" if row["floored_fen"] else ""
    parts = f"个人负担 {yuan(row['patient_fen'])}  −  其他基金 {yuan(row['other_funds_fen'])}"
    lines = [
        f"统筹应付 {yuan(row['pool_payable_fen'])} 元{_SIMULATED if policy.assumed_keys() else ''}",
        f"= {name} {yuan(row['gross_fen'])}  −  {parts}{floored}",
    ]
    if row["pool_payable_fen"] < 0:
        lines.append(f"{name}低于个人负担与其他基金之和：统筹应付为负，照负数入账{negative}")
    return lines


def _gross(row: dict[str, Any], policy: Policy, on: date, place: dict[str, str]) -> list[str]:
    """How the gross came from the standard, when it is not simply the standard."""
    if row["pay_mode"] == "standard":
        return []
    gross, kind = yuan(row["gross_fen"]), row["outlier_class"].lower()
    mark = _mark(policy, f"outlier.{kind}.pay")
    if row["pay_mode"] == "by_item":
        capped = "，以支付标准为限" if kind == "low" else ""
        return [f"应付总额 {gross} = 总费用，按项目支付{capped}{mark}"]
    share = policy.scaled("outlier.high.share", on, **place)
    multiple = policy.scaled("outlier.high.multiple", on, **place)
    mark = _mark(policy, "outlier.high.pay", "outlier.high.share", "outlier.high.multiple")
    excess = f"（总费用 {yuan(row['total_fee_fen'])} − {_times(multiple)} × 支付标准）"
    return [f"应付总额 {gross} = 支付标准 {yuan(row['standard_fen'])} + {_e4(share)} ×{excess}{mark}"]


def _standard(row: dict[str, Any], policy: Policy, on: date, place: dict[str, str]) -> list[str]:
    fund = f"{policy.value('fund.label', on, **place)} {row['fund']}"
    weights = policy.edition.weights.label
    factors = f"权重 {_e4(row['weight_e4'])} × 费率 {yuan(row['rate_fen'])} × 系数 {_e4(row['coefficient_e4'])}"
    lines = [
        f"支付标准 {yuan(row['standard_fen'])} = {factors}",
        f"  权重 {_e4(row['weight_e4'])}   {row['drg']} · {weights}{_mark(policy, 'weights')}",
    ]
    now_fen = rate_fen(policy, on, row["fund"], row["hospital_level"], basic_group=row["basic_group"])
    if now_fen != row["rate_fen"]:
        mark = _mark(policy, "rate.tier_budget", "rate.basic_group")
        lines.append(f"  费率 {yuan(row['rate_fen'])} 为入账时的费率{mark}；付费办法后来改过，现为 {yuan(now_fen)}")
    elif row["basic_group"]:
        since, mark = policy.in_force_since("rate.basic_group", on), _mark(policy, "rate.basic_group")
        lines.append(f"  费率 {yuan(row['rate_fen'])}   基础病组各级同价 · {fund} · {since} 起{mark}")
    else:
        closed = level_rate(policy, on, row["fund"], row["hospital_level"])
        keys = ("rate.tier_budget", "rate.forecast_weight", "rate.forecast_basic_weight", "rate.basic_group")
        since = max(policy.in_force_since(key, on) for key in keys)
        budget, basic = yuan(closed.tier_budget_fen), yuan(closed.basic_payment_fen)
        left = closed.forecast_weight_e4 - closed.basic_weight_e4
        lines += [
            f"  费率 {yuan(row['rate_fen'])}   {row['hospital_level']} · {fund} · {since} 起{_mark(policy, *keys)}",
            f"    =（层级总额 {budget} − 基础病组支付 {basic}）÷ 其余病组预测权重 {_e4(left)}",
        ]
    lines.append(f"  系数 {_e4(row['coefficient_e4'])}{_mark(policy, 'coefficient.product')}")
    return lines


def _outlier(row: dict[str, Any], policy: Policy, on: date, place: dict[str, str]) -> str:
    names = {"NORMAL": "正常倍率", "HIGH": "费用极高", "LOW": "费用极低", "EXEMPT": "不按倍率处理的病组"}
    low = policy.scaled("outlier.low.multiple", on, **place)
    high = policy.scaled("outlier.high.multiple", on, **place)
    standard = row["standard_fen"]
    ratio = _times(round_half_up(row["total_fee_fen"] * SCALE, standard)) if standard else "—"
    mark = _mark(policy, "outlier.low.multiple", "outlier.high.multiple")
    return (
        f"{names[row['outlier_class']]}：费用 {yuan(row['total_fee_fen'])} = 标准的 {ratio} 倍"
        f"（极低 < {_times(low)}，极高 > {_times(high)}）{mark}"
    )


def _by_item(row: dict[str, Any], policy: Policy) -> str:
    """Why a case of the settlement is paid by item outside DRG."""
    gross = f"应付总额 {yuan(row['gross_fen'])} = 总费用，按项目支付"
    if row["by_item_reason"] == CARE_TYPE:
        care = "床日（一次住院的几份清单）" if row["care_type"] == BED_DAY else row["care_type"]
        return f"{gross}：就医类别 {care} 不按病组付费{_mark(policy, 'scope.care_type')}"
    if row["by_item_reason"] == OBSERVED:
        return f"{gross}：本机构为观察点，只分组、不按病组付费{_mark(policy, 'scope.pay_mode')}"
    kind = "QY" if row["status"] == "ambiguous" else "0000"
    return f"{gross}：未入组（{kind}）{_mark(policy, 'scope.ungrouped_pay')}"
