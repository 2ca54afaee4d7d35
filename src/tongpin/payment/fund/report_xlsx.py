"""The fund reports as workbooks: the quarter with its alerts, the budget with its steps and interval."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tongpin.payment.fund.events import SIDES
from tongpin.payment.fund.quarter import LIGHTS
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.payment.fund.budget import Enrolled, Forecast
    from tongpin.payment.fund.quarter import FundQuarter
    from tongpin.payment.fund.run import BudgetReport, QuarterReport, StateReport

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
    Column("low_80", "80% 下限\n（万元）", "wan"),
    Column("high_80", "80% 上限\n（万元）", "wan"),
    Column("low_95", "95% 下限\n（万元）", "wan"),
    Column("high_95", "95% 上限\n（万元）", "wan"),
    Column("note", "说明", width=40),
)
_MONTHS = (
    Column("fund_label", "基金"),
    Column("month", "月份"),
    Column("income", "预算收入（元）", "yuan"),
    Column("spending", "预算支出（元）", "yuan"),
)
_ENROLLED = (
    Column("fund_label", "基金"),
    Column("known_month", "最近月份"),
    Column("known_count", "最近参保人数", "count"),
    Column("expected_count", "预计年末参保人数", "count"),
    Column("low_95", "95% 下限", "count"),
    Column("high_95", "95% 上限", "count"),
    Column("note", "说明", width=60),
)
_CAUSES = (
    Column("fund_label", "基金"),
    Column("span", "期间"),
    Column("of", "比什么"),
    Column("label", "原因"),
    Column("amount_fen", "金额（万元）", "wan"),
    Column("formula", "怎样得出", width=70),
)
_BEHAVIOUR = (
    Column("fund_label", "基金"),
    Column("span", "期间"),
    Column("level", "医院级别"),
    Column("visits", "门诊人次", "count"),
    Column("visits_per_1000", "每千参保人\n门诊人次", "number"),
    Column("stays", "住院人次", "count"),
    Column("stays_per_1000", "每千参保人\n住院人次", "number"),
    Column("stay_days", "平均住院日", "days"),
    Column("readmitted", "再入院占比", "ratio"),
    Column("transferred", "医嘱转院占比", "ratio"),
    Column("from_elsewhere", "外地参保人\n占比", "ratio"),
    Column("elsewhere", "在区外机构\n住院占比", "ratio"),
    Column("stays_share", "人次占比", "ratio"),
    Column("pool_share", "统筹占比", "ratio"),
)
_SETTLED = (
    Column("fund_label", "基金"),
    Column("level", "医院级别"),
    Column("hospitals", "机构数", "count"),
    Column("cases", "清单数", "count"),
    Column("drg_share", "按病组占比", "ratio"),
    Column("weight", "例均权重", "number"),
    Column("mean_fee_fen", "次均费用\n（元）", "yuan"),
    Column("patient_share", "个人负担率", "ratio"),
    Column("item_pool_fen", "按项目统筹\n（万元）", "wan"),
    Column("pool_payable_fen", "应付统筹\n（万元）", "wan"),
    Column("pay_ratio", "结付率", "ratio"),
    Column("month_pool_payable_fen", "连同补传红冲\n（万元）", "wan"),
    Column("taken_fen", "扣减与冲抵\n（万元）", "wan"),
    Column("deposit_fen", "质量保证金\n（万元）", "wan"),
    Column("cash_transfer_fen", "拨付现金\n（万元）", "wan"),
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
_BEHAVIOUR_FORMS = (
    "就医行为按已关账的清单（红冲的不计）；每千参保人按期末参保人数，不折算为全年",
    "再入院：患者上次出院后若干天内（付费办法写明）再住院的占比；医嘱转院：离院方式为 2；区内区外按机构登记的所在区县",
    "没有记录的项目空着，不当作零",
)
_BUDGET_FORMS = (
    "预算 = 上年 + 参保增长 + 人均增长 + 政策与事件；金额只在最后取到分，各步、各月之和等于预算",
    "时间序列预测：对数上的局部水平加固定趋势与季节（statsmodels 的 UnobservedComponents），区间由同一模型模拟得出",
    "区间随政策与事件平移，不含政策与事件本身的不确定；实测覆盖见 docs/fund.md",
)


def write_quarter_xlsx(report: QuarterReport, path: Path, notices: Sequence[str] = ()) -> None:
    """Write a quarter's report to `path`: funds, months, growth by hospital and service, two years, basis (S003-04)."""
    title = f"{report.policy.edition.area}{report.quarter[:4]}年第{report.quarter[-1]}季度基金运行分析"
    told = [*notices, *report.notes]
    notes = [*told, *(f"没有判断：{why}（{key}）" for key, why in report.open_verdicts.items())]
    months = [fund_row(one) for one in report.months]
    acted = [one._asdict() for one in report.behaviour]
    settled = [one._asdict() for one in report.settled]
    causes = [one._asdict() for one in report.causes]
    sheets = [
        Sheet(
            "收支与结余",
            title,
            (*_FUND, *_SUMS, *_BUDGET),
            [fund_row(one) for one in report.funds],
            notes,
            freeze_columns=3,
        ),
        Sheet(
            "各月执行",
            f"{title} · 各月执行",
            (*_FUND, *_SUMS, *_BUDGET),
            months,
            notices,
            freeze_columns=3,
            empty="没有",
        ),
        Sheet("变化的原因", f"{title} · 变化的原因", _CAUSES, causes, notices, empty="没有上年同期，分不出原因"),
        Sheet("就医行为", f"{title} · 就医行为", _BEHAVIOUR, acted, [*told, *_BEHAVIOUR_FORMS], empty="没有"),
        Sheet("结算", f"{title} · 结算", _SETTLED, settled, told, empty="没有"),
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
    named = [forecast_row(one) for one in report.forecasts]
    steps = [{**row, **step._asdict()} for row in named for step in row["steps"]]
    heads = [_enrolled_row(one) for one in report.enrolled]
    sheets = [
        Sheet("预算", title, _FORECASTS, named, notices),
        Sheet("各步", f"{title} · 各步", _STEPS, steps, notices),
        Sheet("分月", f"{title} · 分月", _MONTHS, _months(report), [*notices, _MONTHS_NOTE]),
        Sheet("参保", f"{title} · 参保人数", _ENROLLED, heads, notices, empty="没有参保人数"),
        _basis_sheet(title, report, [*notices, *(str(one) for one in report.findings)], _BUDGET_FORMS),
    ]
    write_workbook(sheets, path, title=title, subject="基金预算测算")


_MONTHS_NOTE = "核定以后，把各月预算填进基金收支（fund-series）的 budget_income、budget_spending 两列，按月看执行率"


def forecast_row(one: Forecast) -> dict[str, Any]:
    """A forecast as a row: its intervals by level, its notes in one text."""
    bounds = {f"{side}_{level}": pair[place] for level, pair in one.intervals.items() for place, side in _BOUNDS}
    return {**one._asdict(), **bounds, "side_label": SIDES[one.side], "note": "；".join(one.notes)}


_BOUNDS = ((0, "low"), (1, "high"))


def _enrolled_row(one: Enrolled) -> dict[str, Any]:
    bounds = {f"{side}_{level}": pair[place] for level, pair in one.intervals.items() for place, side in _BOUNDS}
    return {**one._asdict(), **bounds, "note": "；".join(one.notes)}


def _months(report: BudgetReport) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for one in report.forecasts:
        for month, amount in one.months_fen.items():
            row = rows.setdefault((one.fund, month), {"fund_label": one.fund_label, "month": month})
            row[one.side] = amount
    return list(rows.values())


def basis_notices(report: QuarterReport | BudgetReport | StateReport) -> list[str]:
    """The line that a report carries when values that it used have no document; nothing otherwise."""
    return [f"模拟：没有文件确认的取值：{'、'.join(report.assumed)}"] if report.assumed else []


def fund_row(one: FundQuarter) -> dict[str, Any]:
    """A fund over a span as a row of a sheet: amounts in 亿元, the line in words."""
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
