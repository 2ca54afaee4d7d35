"""The pay of a DIP case explained 一例的分值与应付: every figure with its formula, parameters and where they stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tongpin.base.money import SCALE, yuan
from tongpin.payment.dip.auxiliary import DIMENSIONS
from tongpin.payment.dip.catalogue import KIND_LABELS
from tongpin.payment.policy.period import case_day
from tongpin.payment.pricing.steps import Step, Told, four

if TYPE_CHECKING:
    from tongpin.payment.dip.catalogue import Catalogue
    from tongpin.payment.policy.policy import Policy

_FACTOR_LABELS = {"deviation": "偏差系数", "auxiliary": "辅助系数", "institution": "机构系数"}
_CLASS_LABELS = {"LOW": "低于下限", "NORMAL": "在界限之内", "HIGH": "高于上限"}
_PART = re.compile(r"(\w+)=(.*?)(?= \w+=|$)")
"""A factor of `coefficient_parts`; the name of a level may hold blanks."""


def explain_dip(priced_row: dict[str, Any], policy: Policy, catalogue: Catalogue) -> list[Step]:
    """The steps of a case priced by its disease: disease, score, deviation, auxiliary and hospital coefficient, pay.

    `priced_row`: a row of `price_dip` or a posted line; its figures are told as they were priced. Amounts in fen, texts
    in yuan; a case that is not paid by its disease has one step that says so.
    """
    row = priced_row
    if row["pay_scope"] != "DRG":
        return [Step("范围", "本例不按病种付费" if row["pay_scope"] != "OUT" else "不在住院结算口径", None, (), "")]
    told = Told(row, policy, case_day(row, policy.edition.edition_by.value))
    parts = dict(_PART.findall(row["coefficient_parts"]))
    score_e4, value_e4 = int(parts["score"]), int(parts["point_value"])
    scale = four(score_e4 * SCALE // row["weight_e4"])
    factors = [
        f"{_FACTOR_LABELS[name]} {four(int(parts[name]))}" for name in policy.value("dip.order", told.on, **told.place)
    ]
    points = f"结算分值 {four(row['points_e4'])} = 分值 {four(score_e4)} × {' × '.join(factors)}"
    pay = f"应付总额 {yuan(row['gross_fen'])} = 结算分值 {four(row['points_e4'])} × 点值 {four(value_e4)}"
    payable = (
        f"统筹应付 {yuan(row['pool_payable_fen'])} = 应付总额 {yuan(row['gross_fen'])}"
        f" − 个人负担 {yuan(row['patient_fen'])} − 其他基金 {yuan(row['other_funds_fen'])}"
        + (f" + 补零 {yuan(row['floored_fen'])}" if row["floored_fen"] else "")
    )
    return [
        Step("病种", _disease(row["drg"], catalogue), None, (), _source(catalogue)),
        told.step("分值", f"分值 {four(score_e4)} = 权重 {four(row['weight_e4'])} × {scale}", None, "dip.score.scale"),
        told.step(
            "偏差", _deviation(row, parts), None, "dip.deviation.low", "dip.deviation.high", "dip.deviation.mean"
        ),
        told.step("辅助", _auxiliary(parts), None, "dip.auxiliary.source"),
        told.step("机构", f"机构系数 {four(int(parts['institution']))}", None, "dip.institution.coefficient"),
        told.step("结算分值", points, None, "dip.order"),
        told.step("应付总额", pay, row["gross_fen"], "dip.point_value"),
        told.step("统筹应付", payable, row["pool_payable_fen"], "pool.negative"),
    ]


def _disease(code: str, catalogue: Catalogue) -> str:
    one = catalogue.by_code.get(code)
    if one is None:
        return f"{code}；现在的目录 {catalogue.id} 里没有它"
    return f"{one.code} {one.name}，{KIND_LABELS[one.kind]}；目录 {catalogue.id}"


def _deviation(row: dict[str, Any], parts: dict[str, str]) -> str:
    text = (
        f"费用 {yuan(row['total_fee_fen'])} 比均费 {yuan(row['outlier_base_fen'])}，"
        f"{_CLASS_LABELS[row['outlier_class']]}，偏差系数 {four(int(parts['deviation']))}"
    )
    return f"{text}；超过评议界限，待专家评议" if "review" in parts else text


def _auxiliary(parts: dict[str, str]) -> str:
    found = [(label, parts[name]) for name, label in DIMENSIONS.items() if name in parts]
    if not found:
        return "辅助系数 1.0000：没有适用的辅助目录"
    label, level = found[0]
    return f"辅助系数 {four(int(parts['auxiliary']))}：{label} {level}"


def _source(catalogue: Catalogue) -> str:
    return "模拟" if catalogue.assumed else catalogue.facts["source"]
