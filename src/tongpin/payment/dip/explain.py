"""The pay of a DIP case explained 一例的分值与应付: every figure with its formula, parameters and where they stand."""

from __future__ import annotations

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


def explain_dip(priced_row: dict[str, Any], policy: Policy, catalogue: Catalogue) -> list[Step]:
    """The steps of one row of `price_dip`: disease, score, deviation, auxiliary and hospital coefficient, points, pay.

    Amounts in fen, texts in yuan; a case that is not paid by its disease has one step that says so.
    """
    row = priced_row
    if row["pay_scope"] != "DRG":
        return [Step("范围", "本例不按病种付费" if row["pay_scope"] != "OUT" else "不在住院结算口径", None, (), "")]
    told = Told(row, policy, case_day(row, policy.edition.edition_by.value))
    one = catalogue.by_code[row["drg"]]
    steps = [
        Step(
            "病种", f"{one.code} {one.name}，{KIND_LABELS[one.kind]}；目录 {catalogue.id}", None, (), _source(catalogue)
        ),
        told.step(
            "分值",
            f"分值 {four(row['score_e4'])} = 权重 {four(one.rw_e4)} × {four(row['score_e4'] * SCALE // one.rw_e4)}",
            None,
            "dip.score.scale",
        ),
        told.step("偏差", _deviation(row), None, "dip.deviation.low", "dip.deviation.high", "dip.deviation.mean"),
        told.step("辅助", _auxiliary(row), None, "dip.auxiliary.source"),
        told.step("机构", f"机构系数 {four(row['institution_e4'])}", None, "dip.institution.coefficient"),
    ]
    factors = [
        f"{_FACTOR_LABELS[name]} {four(row[f'{name}_e4'])}" for name in policy.value("dip.order", told.on, **told.place)
    ]
    points = f"结算分值 {four(row['points_e4'])} = 分值 {four(row['score_e4'])} × {' × '.join(factors)}"
    steps.append(told.step("结算分值", points, None, "dip.order"))
    pay = f"应付总额 {yuan(row['gross_fen'])} = 结算分值 {four(row['points_e4'])} × 点值 {four(row['points_value_e4'])}"
    steps.append(told.step("应付总额", pay, row["gross_fen"], "dip.point_value"))
    payable = (
        f"统筹应付 {yuan(row['pool_payable_fen'])} = 应付总额 {yuan(row['gross_fen'])}"
        f" − 个人负担 {yuan(row['patient_fen'])} − 其他基金 {yuan(row['other_funds_fen'])}"
        + (f" + 补零 {yuan(row['floored_fen'])}" if row["floored_fen"] else "")
    )
    steps.append(told.step("统筹应付", payable, row["pool_payable_fen"], "pool.negative"))
    return steps


def _deviation(row: dict[str, Any]) -> str:
    text = (
        f"费用 {yuan(row['total_fee_fen'])} 比均费 {yuan(row['deviation_mean_fen'])}，"
        f"{_CLASS_LABELS[row['outlier_class']]}，偏差系数 {four(row['deviation_e4'])}"
    )
    return f"{text}；超过评议界限，待专家评议" if row["in_review"] else text


def _auxiliary(row: dict[str, Any]) -> str:
    if row["auxiliary_level"] is None:
        return "辅助系数 1.0000：没有适用的辅助目录"
    label = DIMENSIONS[row["auxiliary_dimension"]]
    return f"辅助系数 {four(row['auxiliary_e4'])}：{label} {row['auxiliary_level']}"


def _source(catalogue: Catalogue) -> str:
    return "模拟" if catalogue.assumed else catalogue.facts["source"]
