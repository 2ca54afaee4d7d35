"""The fund reports as workbooks: the quarter with its alerts, the budget with its steps and interval."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tongpin.payment.fund.budget import SIDES
from tongpin.payment.fund.quarter import LIGHTS
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.payment.fund.quarter import FundQuarter
    from tongpin.payment.fund.run import BudgetReport, QuarterReport

_FEN_PER_YI = 10_000_000_000
_FUND = (Column("region", "统筹区"), Column("fund_label", "基金"), Column("span", "期间"))
_SUMS = (
    Column("enrolled_count", "期末参保人数", "count"),
    Column("enrolled_growth", "参保同比", "ratio"),
    Column("income_yi", "收入（亿元）", "number"),
    Column("income_growth", "收入同比", "ratio"),
    Column("spending_yi", "支出（亿元）", "number"),
    Column("spending_growth", "支出同比", "ratio"),
    Column("result_yi", "当期结余（亿元）", "number"),
    Column("balance_yi", "累计结余（亿元）", "number"),
)
_BUDGET = (
    Column("income_rate", "收入预算执行率", "ratio"),
    Column("spending_rate", "支出预算执行率", "ratio"),
    Column("over", "偏差提示"),
    Column("months_payable", "可支付月数", "number"),
    Column("light_label", "红黄线"),
    Column("events", "政策与事件", width=40),
)
_GROWN = (
    Column("kind", "按什么看"),
    Column("code", "代码"),
    Column("name", "名称"),
    Column("fund_label", "基金"),
    Column("list_count", "例数", "count"),
    Column("year_before_count", "上年同季例数", "count"),
    Column("pool_fen", "本季统筹\n（万元）", "wan"),
    Column("quarter_before_fen", "上季统筹\n（万元）", "wan"),
    Column("quarter_growth", "环比", "ratio"),
    Column("year_before_fen", "上年同季统筹\n（万元）", "wan"),
    Column("year_growth", "同比", "ratio"),
    Column("alert", "异常增长"),
)
_COMPARED = (
    Column("label", "指标"),
    Column("before", "上年同季", kind_key="kind"),
    Column("now", "本季", kind_key="kind"),
    Column("change", "变化", kind_key="change_kind"),
    Column("how", "变化的单位"),
    Column("note", "说明"),
)
_FORECASTS = (
    Column("region", "统筹区"),
    Column("fund_label", "基金"),
    Column("side_label", "收支"),
    Column("last_fen", "上年（万元）", "wan"),
    Column("forecast_fen", "预算（万元）", "wan"),
    Column("low_fen", "区间下限\n（万元）", "wan"),
    Column("high_fen", "区间上限\n（万元）", "wan"),
    Column("note", "说明", width=40),
)
_STEPS = (
    Column("fund_label", "基金"),
    Column("side_label", "收支"),
    Column("label", "事项"),
    Column("formula", "怎样得出", width=60),
    Column("amount_fen", "金额（元）", "yuan"),
    Column("parameter", "参数"),
    Column("source", "依据"),
)
_BASIS = (Column("what", "类别", width=10), Column("text", "内容", width=120))
_QUARTER_FORMS = (
    "同比 = (本期 − 上年同期) / 上年同期；当期结余 = 收入 − 支出；执行率 = 实际 / 同期预算",
    "可支付月数 = 累计结余 / 近若干个月的月均支出，月数由付费办法写明；恰在线上不算低于",
    "半年、季度的结余有季节，不折算为全年",
    "单位权重医疗费用只含按病组付费的病例；DRG 付费占比 = 按病组付费的应付 / 全部应付；比率之差以百分点计",
)
_BUDGET_FORMS = (
    "预算 = 上年 × (1 + 参保增长) × (1 + 人均增长) + 政策与事件，只在最后取到分",
    "区间：人均增长取历史各年的最低与最高；只说明历史的离散，不是概率",
)


def write_quarter_xlsx(report: QuarterReport, path: Path, notices: Sequence[str] = ()) -> None:
    """Write a quarter's report to `path`: funds, months, growth by hospital and service, two years, basis (S003-04)."""
    title = f"{report.policy.edition.area}{report.quarter[:4]}年第{report.quarter[-1]}季度基金运行分析"
    told = [*notices, *report.notes]
    notes = [*told, *(f"没有判断：{why}（{key}）" for key, why in report.open_verdicts.items())]
    months = [_fund_row(one) for one in report.months]
    sheets = [
        Sheet("收支与结余", title, (*_FUND, *_SUMS, *_BUDGET), [_fund_row(one) for one in report.funds], notes),
        Sheet("各月执行", f"{title} · 各月执行", (*_FUND, *_SUMS, *_BUDGET), months, notices),
        Sheet(
            "机构与服务",
            f"{title} · 机构与服务",
            _GROWN,
            [one._asdict() for one in report.growth],
            told,
            freeze_columns=3,
            empty="没有",
        ),
        Sheet("指标对比", f"{title} · 指标对比", _COMPARED, _compared_rows(report), told, empty="没有"),
        _basis_sheet(title, report, [*notes, *(str(one) for one in report.findings)], _QUARTER_FORMS),
    ]
    write_workbook(sheets, path, title=title, subject="基金季度报告")


def write_budget_xlsx(report: BudgetReport, path: Path, notices: Sequence[str] = ()) -> None:
    """Write a year's budget to `path`: forecasts with their interval, every step, basis (S003-01)."""
    title = f"{report.policy.edition.area}{report.year}年基金预算测算"
    named = [{**one._asdict(), "side_label": SIDES[one.side], "note": "；".join(one.notes)} for one in report.forecasts]
    steps = [{**row, **step._asdict()} for row in named for step in row["steps"]]
    sheets = [
        Sheet("预算", title, _FORECASTS, named, notices),
        Sheet("各步", f"{title} · 各步", _STEPS, steps, notices),
        _basis_sheet(title, report, [*notices, *(str(one) for one in report.findings)], _BUDGET_FORMS),
    ]
    write_workbook(sheets, path, title=title, subject="基金预算测算")


def basis_notices(report: QuarterReport | BudgetReport) -> list[str]:
    """The line that a report carries when values that it used have no document; nothing otherwise."""
    return [f"模拟：没有文件确认的取值：{'、'.join(report.assumed)}"] if report.assumed else []


def _fund_row(one: FundQuarter) -> dict[str, Any]:
    in_yi = {
        f"{name}_yi": None if (fen := getattr(one, f"{name}_fen")) is None else Decimal(fen) / _FEN_PER_YI
        for name in ("income", "spending", "result", "balance")
    }
    return {**one._asdict(), **in_yi, "light_label": LIGHTS.get(one.light or "", "没有判断")}


def _compared_rows(report: QuarterReport) -> list[dict[str, Any]]:
    return [
        {
            **one._asdict(),
            "kind": "number" if one.kind == "yuan" else "ratio",
            "change_kind": "ratio" if one.kind == "yuan" else "pp",
            "how": "相对变化" if one.kind == "yuan" else "百分点",
        }
        for one in report.compared
    ]


def _basis_sheet(title: str, report: QuarterReport | BudgetReport, notes: Sequence[str], forms: Sequence[str]) -> Sheet:
    edition = report.policy.edition
    rows = [
        *({"what": "依据", "text": line} for line in notes),
        {"what": "依据", "text": f"付费办法：{edition.label}（{report.policy.id}），摘要 {report.policy.digest[:16]}"},
        *({"what": "口径", "text": line} for line in forms),
    ]
    return Sheet("口径与依据", f"{title} · 口径与依据", _BASIS, rows)
