"""The columns of the 月度支付情况表 as a person reads them: name, Chinese heading, kind of unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

LEVELS = ("三级", "二级", "一级")
"""Settlement levels in the order a statement shows them."""

Kind = Literal["text", "count", "weight", "wan", "yuan", "ratio"]


class StatementColumn(NamedTuple):
    """A column for the report.

    `wan` and `yuan` hold integer fen, `weight` integer ten-thousandths, `ratio` a number 0-1, `count` an integer.
    """

    name: str
    title: str
    kind: Kind


_COLUMNS: tuple[StatementColumn, ...] = (
    StatementColumn("month", "结算月份", "text"),
    StatementColumn("institution_code", "机构代码", "text"),
    StatementColumn("institution_name", "机构名称", "text"),
    StatementColumn("hospital_level", "结算级别", "text"),
    StatementColumn("pay_mode_label", "付费方式", "text"),
    StatementColumn("fund", "基金代码", "text"),
    StatementColumn("fund_label", "基金", "text"),
    StatementColumn("cases", "本月清单数", "count"),
    StatementColumn("drg_cases", "其中DRG病例数", "count"),
    StatementColumn("ungrouped_cases", "其中未入组数", "count"),
    StatementColumn("high_cases", "其中费用极高数", "count"),
    StatementColumn("low_cases", "其中费用极低数", "count"),
    StatementColumn("total_weight_e4", "总权重", "weight"),
    StatementColumn("cmi_e4", "CMI（医保DRG）", "weight"),
    StatementColumn("total_fee_fen", "总费用", "wan"),
    StatementColumn("gross_fen", "DRG应付总额（含个人与其他基金）", "wan"),
    StatementColumn("patient_fen", "减：个人负担", "wan"),
    StatementColumn("other_funds_fen", "减：其他基金", "wan"),
    StatementColumn("floored_fen", "加：负统筹补零", "wan"),
    StatementColumn("item_pool_fen", "按项目应付统筹", "wan"),
    StatementColumn("pool_payable_fen", "DRG应付统筹", "wan"),
    StatementColumn("result_fen", "盈亏（DRG应付−按项目应付）", "wan"),
    StatementColumn("settlement_ratio", "结付率", "ratio"),
    StatementColumn("late_cases", "补传清单数", "count"),
    StatementColumn("late_item_pool_fen", "补传按项目应付统筹", "wan"),
    StatementColumn("late_pool_payable_fen", "补传DRG应付统筹", "wan"),
    StatementColumn("late_result_fen", "补传盈亏", "wan"),
    StatementColumn("reversal_cases", "红冲清单数", "count"),
    StatementColumn("reversal_item_pool_fen", "红冲按项目应付统筹", "wan"),
    StatementColumn("reversal_pool_payable_fen", "红冲DRG应付统筹", "wan"),
    StatementColumn("reversal_result_fen", "红冲盈亏", "wan"),
    StatementColumn("replacement_cases", "蓝补清单数", "count"),
    StatementColumn("replacement_item_pool_fen", "蓝补按项目应付统筹", "wan"),
    StatementColumn("replacement_pool_payable_fen", "蓝补DRG应付统筹", "wan"),
    StatementColumn("replacement_result_fen", "蓝补盈亏", "wan"),
    StatementColumn("month_item_pool_fen", "本月合计按项目应付统筹", "wan"),
    StatementColumn("month_pool_payable_fen", "本月合计DRG应付统筹", "wan"),
    StatementColumn("month_result_fen", "本月合计盈亏", "wan"),
    StatementColumn("month_floored_fen", "加：按月补零", "wan"),
    StatementColumn("floor_recovered_fen", "减：扣回以前补零", "wan"),
    StatementColumn("audit_deduction_fen", "减：审核扣款", "wan"),
    StatementColumn("penalty_fen", "减：违约金", "wan"),
    StatementColumn("carried_debt_fen", "减：以前月份结转的欠款", "wan"),
    StatementColumn("instant_advance_fen", "减：即时结算预拨", "wan"),
    StatementColumn("prepay_offset_fen", "减：冲抵预付金", "wan"),
    StatementColumn("direct_drug_fen", "减：代付货款", "wan"),
    StatementColumn("deposit_fen", "减：质量保证金", "wan"),
    StatementColumn("debt_fen", "加：结转下月的欠款", "wan"),
    StatementColumn("waiting_fen", "加：本月未扣、留在原账", "wan"),
    StatementColumn("cash_transfer_fen", "本月拨付（负数为托收）", "wan"),
)


DRG, DIP = "drg", "dip"
_DIP_WORDS = {"DRG": "DIP", "病组": "病种", "分组方案": "病种目录"}


def method_of_manifest(manifest: Mapping[str, Any]) -> str:
    """The method (`drg`, `dip`) of a closed month; months closed before there was a choice were DRG."""
    return str(manifest.get("method", DRG))


def in_method_words(text: str, method: str) -> str:
    """A text written for DRG in the words of the method: of DIP a case has a disease 病种 of a catalogue."""
    for word, other in _DIP_WORDS.items() if method == DIP else ():
        text = text.replace(word, other)
    return text


def statement_columns(method: str = DRG) -> list[StatementColumn]:
    """Every column of the statement in its order; money for hospital-months is shown in 万元 (S900-11)."""
    return [column._replace(title=in_method_words(column.title, method)) for column in _COLUMNS]


def synthetic_notice(home: Home) -> tuple[str, ...]:
    """The line that every paper of a home with the demonstration city carries; nothing for other homes."""
    return ("演示城市的合成数据：机构与患者均不存在",) if home.demo_city.exists() else ()


def assumed_labels(policy: Policy) -> tuple[str, ...]:
    """What no document confirms, in words: one label for each key of `Policy.assumed_keys`."""
    edition = policy.edition
    choices = {name: getattr(edition, name).label for name in ("scheme", "edition_by", "period_by", "year_by")}
    known = {**choices, "weights": f"病组权重（{policy.weights_label}）"}
    return tuple(known.get(key) or policy.parameter(key).label for key in policy.assumed_keys())


def statement_basis(manifest: Mapping[str, Any]) -> list[str]:
    """What a statement rests on, as lines for its last page: edition, scheme, digests, and every assumed value."""
    assumed = manifest["assumed"]
    kind = in_method_words("分组方案", method_of_manifest(manifest))
    lines = [
        f"付费办法：{manifest['policy_label']}（{manifest['policy']}），摘要 {manifest['policy_digest'][:16]}",
        f"{kind}：{manifest['scheme']}，摘要 {manifest['scheme_digest'][:16]}；权重：{manifest['weights_label']}",
        f"采集口径：{manifest['reading_edition']}",
        f"结果摘要：{manifest['result_digest'][:16]}；同频 {manifest['version']}",
        *(f"说明：{note}" for note in manifest["notes"]),
    ]
    if assumed:
        lines.append(f"没有文件确认、按假定取值的参数 {len(assumed)} 项，凡用到者为模拟：{'、'.join(assumed)}")
    return lines
