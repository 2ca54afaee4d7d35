"""Explain a yuan 说清一元钱: the price of one case line by line, with 模拟 wherever no source confirms a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.money import SCALE, round_half_up, yuan
from tongpin.payment.dip.explain import explain_dip
from tongpin.payment.dip.library import open_catalogue
from tongpin.payment.month.posting import AMOUNTS, REVERSAL
from tongpin.payment.month.statement_columns import DIP, DRG, in_method_words, method_of_manifest
from tongpin.payment.policy.library import policy_named
from tongpin.payment.policy.period import case_day
from tongpin.payment.pricing.schema import (
    CARE_TYPE,
    EARLY_END,
    EARLY_ENDS,
    EXCLUDED,
    NEWBORN,
    OBSERVED,
    REGISTER,
    REGISTERS,
    STAY_DAYS,
)
from tongpin.payment.pricing.steps import SIMULATED, Step, Told, percent, times
from tongpin.payment.pricing.steps_of_standard import explain_standard
from tongpin.records.views.stay_lists import BED_DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.payment.dip.catalogue import Catalogue
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home


def explain_case(priced_row: dict[str, Any], policy: Policy, catalogue: Catalogue | None = None) -> str:
    """The pool payable of a priced case (a row of `price` or a posted line) as Chinese text, a step a line."""
    return "\n".join(step.text for step in explain_steps(priced_row, policy, catalogue))


def explain_line(home: Home, line: dict[str, Any], manifest: Mapping[str, Any]) -> list[Step]:
    """The steps of a posted line, by the edition and the method that closed its month (`manifest`)."""
    catalogue = open_catalogue(home, manifest["scheme"]) if method_of_manifest(manifest) == DIP else None
    return explain_steps(line, policy_named(home, manifest["policy"]), catalogue)


def explain_steps(priced_row: dict[str, Any], policy: Policy, catalogue: Catalogue | None = None) -> list[Step]:
    """The same as data: each step with its label, text, amount, the parameters it rests on and their source.

    Amounts in the texts are yuan with two decimals; the values are read again from the edition for the case's own date.
    `catalogue`: that of a case priced by `price_dip`.
    """
    row = dict(priced_row)
    if row["pay_scope"] == "OUT":
        return [Step("范围", "本清单不在住院结算口径，不定价、不入账", None, (), "")]
    steps: list[Step] = []
    if row.get("line_kind") == REVERSAL:
        row |= {name: -row[name] for name in AMOUNTS if row.get(name) is not None}
        steps.append(Step("红冲", "本行为红冲：以下为原来入账的金额，本月以相反数入账", None, (), ""))
    told = Told(row, policy, case_day(row, policy.edition.edition_by.value))
    if row.get("merged_case_ids"):
        merged = "、".join(row["merged_case_ids"])
        text = f"本例由同一次住院的 {len(row['merged_case_ids'])} 份清单合并：{merged}"
        steps.append(told.step("合并", text, None, "scope.interim_bills"))
    steps += _payable(told)
    steps += _marks(told)
    if row["pay_scope"] != "DRG":
        step = _outside(told)
        steps.append(step._replace(text=in_method_words(step.text, DIP if catalogue else DRG)))
    elif catalogue is not None:
        steps += explain_dip(row, policy, catalogue)
    else:
        steps += [*_gross(told), *explain_standard(told), *_outlier(told)]
    steps.append(Step("其他付费方", "个人负担、其他基金按清单与结算结果所载，不重算", None, (), ""))
    text = (
        f"盈亏 {yuan(row['result_fen'])} = 统筹应付 {yuan(row['pool_payable_fen'])}"
        f" − 按项目统筹 {yuan(row['item_pool_fen'])}"
    )
    steps.append(Step("盈亏", text, row["result_fen"], (), ""))
    steps.append(Step("依据", f"依据：{policy.edition.label}（{policy.id}），按 {told.on} 的值", None, (), ""))
    return steps


def _payable(told: Told) -> list[Step]:
    row = told.row
    name = "支付标准" if row["pay_mode"] == "standard" and not row["outside_fee_fen"] else "应付总额"
    negative = told.mark("pool.negative")
    floored = f"  +  负统筹补零 {yuan(row['floored_fen'])}{negative}" if row["floored_fen"] else ""
    parts = f"个人负担 {yuan(row['patient_fen'])}  −  其他基金 {yuan(row['other_funds_fen'])}"
    simulated = SIMULATED if told.policy.assumed_keys() else ""
    payable = row["pool_payable_fen"]
    steps = [
        Step("统筹应付", f"统筹应付 {yuan(payable)} 元{simulated}", payable, (), ""),
        told.plain("应付总额", f"= {name} {yuan(row['gross_fen'])}  −  {parts}{floored}", row["gross_fen"]),
    ]
    if payable < 0:
        monthly = told.policy.value("pool.negative", told.on, **told.place) == "floor_month"
        how = "月末按机构、基金合计，仍为负的按月补零" if monthly else "照负数入账"
        text = f"{name}低于个人负担与其他基金之和：统筹应付为负，{how}"
        steps.append(told.step("负统筹", text, payable, "pool.negative"))
    return steps


def _marks(told: Told) -> list[Step]:
    """What is marked of a case without deciding how it is paid."""
    row, steps = told.row, []
    if row["early_end"]:
        steps.append(told.step("提前结束", f"标志：{EARLY_ENDS[row['early_end']]}", None, "scope.early_hours"))
    if row["register"] and row["pay_scope"] == "DRG":
        text = f"标志：{REGISTERS[row['register']]}登记（{row['register_code']}）"
        steps.append(told.step("登记", text, None, "register.pay"))
    return steps


def _gross(told: Told) -> list[Step]:
    """How the gross came from the standard, when it is not simply the standard."""
    row, kind = told.row, (told.row["outlier_class"] or "").lower()
    gross = yuan(row["gross_fen"])
    outside = f" + 费用基数以外的费用 {yuan(row['outside_fee_fen'])}" if row["outside_fee_fen"] else ""
    standard = yuan(row["standard_fen"] or 0)
    if row["pay_mode"] == "standard":
        text = f"应付总额 {gross} = 支付标准 {standard}{outside}"
        return [told.step("应付总额", text, row["gross_fen"], "fee.base")] if outside else []
    if row["pay_mode"] == "by_item":
        capped = "，以支付标准为限" if kind == "low" else ""
        text = f"应付总额 {gross} = 总费用，按项目支付{capped}"
        return [told.step("应付总额", text, row["gross_fen"], f"outlier.{kind}.pay")]
    if row["pay_mode"] == "item_capped":
        text = f"应付总额 {gross} = 总费用，按项目支付，以支付标准为限：{EARLY_ENDS[row['early_end']]}"
        return [told.step("应付总额", text, row["gross_fen"], "scope.early_pay")]
    if row["pay_mode"] == "drg_share":
        share = told.e4("register.share", register=row["register"])
        text = f"应付总额 {gross} = 支付标准 {standard} × {share}（{REGISTERS[row['register']]}）{outside}"
        return [told.step("应付总额", text, row["gross_fen"], "register.pay", "register.share")]
    if row["pay_mode"] == "policy_ratio":
        text = (
            f"应付总额 {gross} = 按政策比例重算的统筹 {yuan(row['pool_payable_fen'])} + 个人负担 + 其他基金："
            f"（支付标准 − 全自费 − 先自付 − 起付线）× {told.e4('pool.ratio', insurance=row['insurance'])}，不低于零"
        )
        return [told.step("应付总额", text, row["gross_fen"], "pool.form", "pool.ratio")]
    if row["pay_mode"] == "points":
        return _points(told)
    share, multiple = told.e4("outlier.high.share"), times(told.limit_e4("high"))
    excess = f"（总费用 {yuan(row['total_fee_fen'])} − {multiple} × {told.base_name}）"
    text = f"应付总额 {gross} = 支付标准 {standard} + {share} ×{excess}{outside}"
    keys = ("outlier.high.pay", "outlier.high.share", told.limit_key("high"))
    return [told.step("应付总额", text, row["gross_fen"], *keys)]


def _points(told: Told) -> list[Step]:
    row = told.row
    value = told.policy.value("points.value", told.on, **told.place)
    extra = " + 个人负担与其他基金" if told.policy.value("points.budget_base", told.on) == "fund" else ""
    text = (
        f"应付总额 {yuan(row['gross_fen'])} = 点数 {row['points_e4'] / SCALE:,.4f} × 月度预付点值 {yuan(value)}{extra}"
    )
    return [told.step("应付总额", text, row["gross_fen"], "pay.method", "points.value", "points.budget_base")]


def _outlier(told: Told) -> list[Step]:
    row = told.row
    names = {"NORMAL": "正常倍率", "HIGH": "费用极高", "LOW": "费用极低", "EXEMPT": "不按倍率处理的病组"}
    base, fee = row["outlier_base_fen"], row["total_fee_fen"] - row["outside_fee_fen"]
    ratio = times(round_half_up(fee * SCALE, base)) if base else "—"
    low, high = (times(told.limit_e4(kind)) for kind in ("low", "high"))
    keys = (told.limit_key("low"), told.limit_key("high"))
    ranked = told.limit_key("high") == "outlier.high.top_share"
    limits = f"（极低 < {low}，极高 > {high}）" if not ranked else f"（极低 < {low}，极高按费用排序）"
    text = f"{names[row['outlier_class']]}：费用 {yuan(fee)} = {told.base_short}的 {ratio} 倍{limits}"
    steps = [told.step("倍率", text, None, *keys)]
    if row["standard_fen"]:
        spread = round_half_up((row["standard_fen"] - fee) * SCALE, row["standard_fen"])
        over = percent(-spread, sign=True)
        text = f"盈亏率 {percent(spread)}（（支付标准 − 费用）÷ 支付标准，正为有余）；偏离度：超标准 {over}"
        steps.append(told.plain("盈亏率", text, None))
    return steps


def _outside(told: Told) -> Step:
    """Why a case of the settlement is not paid by its group, and what it is paid then."""
    row, reason = told.row, told.row["by_item_reason"]
    by_item = f"应付总额 {yuan(row['gross_fen'])} = 总费用，按项目支付"
    if reason == CARE_TYPE:
        care = "床日（一次住院的几份清单）" if row["care_type"] == BED_DAY else row["care_type"]
        return told.step("范围", f"{by_item}：就医类别 {care} 不按病组付费", row["gross_fen"], "scope.care_type")
    if reason == OBSERVED:
        text = f"{by_item}：本机构为观察点，只分组、不按病组付费"
        return told.step("范围", text, row["gross_fen"], "scope.pay_mode")
    if reason == STAY_DAYS:
        text = f"{by_item}：住院天数在病组付费的界外"
        return told.step(
            "范围", text, row["gross_fen"], "scope.stay_days_min", "scope.stay_days_max", "scope.stay_days_pay"
        )
    if reason == EXCLUDED:
        text = f"{by_item}：{row['drg']} 为除外病组"
        return told.step("范围", text, row["gross_fen"], "scope.excluded_groups", "scope.excluded_pay")
    if reason == EARLY_END:
        text = f"{by_item}：{EARLY_ENDS[row['early_end']]}"
        return told.step("范围", text, row["gross_fen"], "scope.early_hours", "scope.early_pay")
    if reason == NEWBORN:
        text = f"{by_item}：新生儿未作为病人收治"
        of_newborns = ("scope.newborn_days", "scope.newborn_admitted", "scope.newborn_pay")
        return told.step("范围", text, row["gross_fen"], *of_newborns)
    if reason == REGISTER:
        return _registered(told)
    kind = "QY" if row["status"] == "ambiguous" else "0000"
    gross = f"应付总额 {yuan(row['gross_fen'])} = "
    ways = {
        "by_item": f"{by_item}：未入组（{kind}）",
        "item_share": f"{gross}个人与其他基金 + 按项目统筹的份额：未入组（{kind}）",
        "group_mean": f"{gross}{row['drg']} 的组均费用：未入组（{kind}）",
        "held": f"{gross}个人与其他基金，复核前统筹不付：未入组（{kind}）",
    }
    keys = {"item_share": "scope.ungrouped_share", "group_mean": "scope.ungrouped_mean_of"}
    named = [keys[row["pay_mode"]]] if row["pay_mode"] in keys else []
    return told.step("范围", ways[row["pay_mode"]], row["gross_fen"], "scope.ungrouped_pay", *named)


def _registered(told: Told) -> Step:
    row = told.row
    where = f"{REGISTERS[row['register']]}登记（{row['register_code']}）"
    if row["pay_mode"] == "by_item":
        text = f"应付总额 {yuan(row['gross_fen'])} = 总费用，按项目支付：{where}"
        return told.step("范围", text, row["gross_fen"], "register.pay")
    if row["pay_mode"] == "points":
        (step,) = _points(told)
        return told.step("范围", f"{step.text}：{where}按床日", row["gross_fen"], "points.bed_day", "points.value")
    ways = {"fixed": "每例定额", "per_day": "每床日定额 × 住院天数"}
    text = f"应付总额 {yuan(row['gross_fen'])} = {ways[row['pay_mode']]}：{where}"
    return told.step("范围", text, row["gross_fen"], "register.pay", "register.amount")
