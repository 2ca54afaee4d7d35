"""Papers of the funds 公布与通报: the monthly publication, the quarterly bulletin, the year, the execution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.payment.fund.quarter import LIGHTS
from tongpin.payment.month.statement_columns import LEVELS
from tongpin.report.pdf import Paper, Ruled, write_papers
from tongpin.report.words import (
    MISSING,
    count_text,
    month_text,
    number_text,
    percent_text,
    points_text,
    wan_text,
    yi_text,
    yuan_text,
)
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal
    from pathlib import Path

    from tongpin.payment.fund.execution import Assessed
    from tongpin.payment.fund.publication import Publication, Published
    from tongpin.payment.fund.quarter import FundQuarter
    from tongpin.payment.fund.run import QuarterReport
    from tongpin.payment.fund.years import YearReport

_PUBLISHED = (
    Column("institution_name", "医疗机构"),
    Column("level", "级别"),
    Column("pay_mode_label", "付费方式"),
    Column("cases", "清单数", "count"),
    Column("drg_cases", "按病组例数", "count"),
    Column("case_mix", "例均权重\n（CMI）", "number"),
    Column("mean_fee_fen", "次均费用\n（元）", "yuan"),
    Column("mean_pool_fen", "例均统筹\n（元）", "yuan"),
    Column("patient_share", "个人负担率", "ratio"),
    Column("stay_days", "平均住院日", "days"),
    Column("item_pool_fen", "按项目统筹\n（万元）", "wan"),
    Column("pool_payable_fen", "应付统筹\n（万元）", "wan"),
    Column("pay_ratio", "结付率", "ratio"),
    Column("month_pool_payable_fen", "连同补传红冲\n（万元）", "wan"),
    Column("month_result_fen", "盈亏\n（万元）", "wan"),
)
_FUND_MONTHS = (
    Column("label", "基金"),
    Column("income_fen", "收入（万元）", "wan"),
    Column("spending_fen", "支出（万元）", "wan"),
    Column("balance_fen", "累计结余（万元）", "wan"),
    Column("enrolled_count", "参保人数", "count"),
)
PUBLISHED_FORMS = (
    "各机构同一张表、同一口径；清单数、次均、比率只含本月正常入账的清单，补传与红冲另计入“连同补传红冲”",
    "结付率 = 应付统筹 ÷ 按项目统筹；盈亏 = 应付 − 按项目应付，正数为结余",
    "观察点只分组、按项目付费，不列结付率；合计含观察点",
)
_YEARS = (
    ("budget_fen", "预算支出"),
    ("spending_fen", "实际支出"),
    ("prepaid_fen", "当年预付"),
    ("due_fen", "清算应付"),
    ("transferred_fen", "已拨付（含冲抵）"),
    ("offset_fen", "其中冲抵预付"),
    ("balance_fen", "年终补付（负为收回）"),
    ("surplus_fen", "机构结余合计"),
    ("retained_fen", "其中机构留用"),
    ("returned_fen", "其中归基金"),
    ("overspend_fen", "机构超支合计"),
    ("shared_fen", "其中基金分担"),
    ("borne_fen", "其中机构承担"),
    ("assessed_fen", "考核增减"),
)
_YEAR_COLUMNS = (
    Column("fund_label", "基金"),
    *(Column(name, f"{label}\n（万元）", "wan") for name, label in _YEARS[:2]),
    Column("rate", "预算执行率", "ratio"),
    *(Column(name, f"{label}\n（万元）", "wan") for name, label in _YEARS[2:]),
    Column("surplus_hospitals", "结余机构数", "count"),
    Column("overspend_hospitals", "超支机构数", "count"),
)
_EXECUTED = (
    Column("institution_code", "机构代码"),
    Column("institution_name", "医疗机构"),
    Column("fund_label", "基金"),
    Column("budget_fen", "预算（万元）", "wan"),
    Column("spent_fen", "统筹应付（万元）", "wan"),
    Column("rate", "执行率", "ratio"),
    Column("deduction", "扣分", "number"),
    Column("document", "预算依据", width=40),
)


def write_publication_xlsx(published: Publication, path: Path, notices: Sequence[str] = ()) -> None:
    """Write the monthly publication to `path`: hospitals with their total, and the funds of the month (S003-04)."""
    title = _title(published)
    rows = [one._asdict() for one in published.hospitals]
    funds = [{**one.months[published.month]._asdict(), "label": one.label} for one in published.funds]
    notes = [*notices, *published.notes, *PUBLISHED_FORMS]
    closing = (_basis(published.manifest),)
    sheets = [
        Sheet(
            "各机构",
            title,
            _PUBLISHED,
            rows,
            notes,
            totals=[published.total._asdict()],
            closing=closing,
            freeze_columns=1,
        ),
        Sheet("基金收支", f"{title} · 基金收支", _FUND_MONTHS, funds, notices, empty="没有装载该月的基金收支"),
    ]
    write_workbook(sheets, path, title=title, subject="医保基金月公布")


def write_publication_pdf(published: Publication, path: Path, notices: Sequence[str] = ()) -> None:
    """Write the monthly publication on A4 to `path`."""
    parts: list[str | Ruled] = []
    if published.funds:
        rows = [_fund_month(one, published.month) for one in published.funds]
        heads = ("基金", "收入\n（亿元）", "支出\n（亿元）", "累计结余（亿元）", "参保人数")
        parts += ["一、基金收支", Ruled(heads, (5, 2.5, 2.5, 3, 3), rows, frozenset({1, 2, 3, 4}))]
    titles = (
        "医疗机构",
        "级别",
        "清单数",
        "CMI",
        "次均费用\n（元）",
        "个人负担",
        "住院日",
        "应付统筹\n（万元）",
        "结付率",
        "盈亏\n（万元）",
    )
    widths = (5, 1.4, 1.8, 1.4, 2.4, 2.1, 1.6, 2.5, 2.3, 2.2)
    listed = [_published_line(one) for one in (*published.hospitals, published.total)]
    parts += [
        f"{'二' if published.funds else '一'}、各医疗机构",
        Ruled(titles, widths, listed, frozenset(range(2, 10))),
        *PUBLISHED_FORMS,
    ]
    foot = f"{published.manifest['policy']}　结果摘要 {published.manifest['result_digest'][:16]}"
    paper = Paper(_title(published), [*notices, *published.notes], parts, (_basis(published.manifest),), foot)
    write_papers([paper], path, title=_title(published))


def write_bulletin_pdf(report: QuarterReport, path: Path, notices: Sequence[str] = ()) -> None:
    """Write the quarterly bulletin 季通报 on A4 to `path`: funds, causes, behaviour, settlement, alerts (S003-04)."""
    title = f"{report.policy.edition.area}{report.quarter[:4]}年第{report.quarter[-1]}季度医保基金运行通报"
    parts: list[str | Ruled] = ["一、收支、结余（亿元）与可支付月数"]
    titles = (
        "基金",
        "期间",
        "收入",
        "同比",
        "支出",
        "同比",
        "当期结余",
        "累计结余",
        "支出执行率",
        "可支付月数",
        "提示",
    )
    rows = [fund_line(one) for one in report.funds]
    parts.append(Ruled(titles, (3.2, 2.3, 1.9, 2.1, 1.9, 2.1, 1.9, 1.9, 2.4, 1.8, 2.4), rows, frozenset(range(2, 10))))
    if report.causes:
        causes = [(one.fund_label, one.of, one.label, wan_text(one.amount_fen), one.formula) for one in report.causes]
        parts += [
            "二、支出变化的原因",
            Ruled(("基金", "比什么", "原因", "金额（万元）", "怎样得出"), (3.4, 3, 2, 2.4, 7), causes, frozenset({3})),
        ]
    parts += [
        f"{'三' if report.causes else '二'}、就医行为",
        *(
            [f"期间：{report.behaviour[0].span}", _behaviour(report)]
            if report.behaviour
            else ["本季没有关账的月份，没有列出。"]
        ),
    ]
    alerts = [one for one in report.growth if one.alert]
    lines = [f"{one.kind} {one.name or one.code}（{one.fund_label}）：{one.alert}" for one in alerts]
    parts += [
        f"{'四' if report.causes else '三'}、异常增长",
        *(lines or ["没有达到提示线的机构与服务。" if report.growth else "没有可比的季度，没有判断。"]),
    ]
    parts += [_compared_line(one) for one in report.compared]
    told = [*notices, *report.notes, *(f"没有判断：{why}" for why in report.open_verdicts.values())]
    closing = (
        f"付费办法：{report.policy.edition.label}（{report.policy.id}）",
        "医疗保障局（章）：　　　　　　　　　　日期：",
    )
    write_papers([Paper(title, told, parts, closing, f"付费办法摘要 {report.policy.digest[:16]}")], path, title=title)


def write_year_xlsx(report: YearReport, title: str, path: Path, notices: Sequence[str] = ()) -> None:
    """Write a year of the funds to `path` (S003-02)."""
    rows = [one._asdict() for one in report.funds]
    forms = (
        "结余、超支都是应付与按项目应付之差，逐机构逐基金；结余 = 机构留用 + 归基金，超支 = 基金分担 + 机构承担",
        "预付是应收款，冲抵进已拨付，不另计支出",
    )
    sheet = Sheet(
        "基金年度", title, _YEAR_COLUMNS, rows, [*notices, *report.notes, *forms], freeze_columns=1, empty="没有"
    )
    write_workbook([sheet], path, title=title, subject="基金年度")


def year_lines(report: YearReport) -> list[tuple[str, ...]]:
    """A year of the funds as rows of texts: the item, then 亿元 for each fund; the rate is the third row."""
    rows = [(label, *(yi_text(getattr(one, name)) for one in report.funds)) for name, label in _YEARS]
    rows.insert(2, ("预算执行率", *(percent(one.rate) for one in report.funds)))
    return rows


def write_execution_xlsx(assessed: Assessed, title: str, path: Path, notices: Sequence[str] = ()) -> None:
    """Write the execution of the hospitals' budgets to `path` (S003-03)."""
    rows = [{**one._asdict(), "rate": one.rate_e4 / 10_000} for one in assessed.rows]
    sheet = Sheet("执行率", title, _EXECUTED, rows, [*notices, *assessed.notes], freeze_columns=2, empty="没有")
    write_workbook([sheet], path, title=title, subject="预算执行率考核")


def fund_line(one: FundQuarter) -> tuple[str, ...]:
    """A fund over a span as texts: label, span, sums with growth, balance, rate, months payable, what to note."""
    told = "；".join(text for text in (one.over, LIGHTS[one.light] if one.light else "") if text)
    return (
        one.fund_label,
        one.span,
        yi_text(one.income_fen),
        percent(one.income_growth),
        yi_text(one.spending_fen),
        percent(one.spending_growth),
        yi_text(one.result_fen),
        yi_text(one.balance_fen),
        percent(one.spending_rate),
        number(one.months_payable),
        told,
    )


def percent(value: Decimal | None) -> str:
    """A ratio as `97.56%`, a dash where there is none."""
    return percent_text(None if value is None else float(value))


def number(value: Decimal | None) -> str:
    """A number with two decimals, a dash where there is none."""
    return MISSING if value is None else number_text(float(value))


def _behaviour(report: QuarterReport) -> Ruled:
    rows = [
        (
            one.fund_label,
            one.level,
            number(one.visits_per_1000),
            count_text(one.stays),
            number(one.stays_per_1000),
            number(one.stay_days),
            percent(one.readmitted),
            percent(one.transferred),
            percent(one.elsewhere),
            percent(one.stays_share),
            percent(one.pool_share),
        )
        for one in report.behaviour
    ]
    titles = (
        "基金",
        "级别",
        "千人门诊",
        "住院人次",
        "千人住院",
        "住院日",
        "再入院",
        "转院",
        "区外",
        "人次占比",
        "统筹占比",
    )
    return Ruled(titles, (3, 1.5, 1.9, 2, 1.9, 1.6, 2, 1.9, 1.9, 2.3, 2.3), rows, frozenset(range(2, 11)))


def _compared_line(one: Any) -> str:
    if one.kind == "yuan":
        before, now, change = number(one.before), number(one.now), percent(one.change)
    else:
        before, now = percent(one.before), percent(one.now)
        change = f"{points_text(None if one.change is None else float(one.change))} 个百分点"
    return f"{one.label}：上年同季 {before}，本季 {now}，变化 {change}{f'（{one.note}）' if one.note else ''}"


def _published_line(one: Published) -> tuple[str, ...]:
    level = one.level if one.level in LEVELS or not one.level else MISSING
    return (
        one.institution_name or one.institution_code,
        level,
        count_text(one.cases),
        number(one.case_mix),
        yuan_text(one.mean_fee_fen),
        percent(one.patient_share),
        number(one.stay_days),
        wan_text(one.pool_payable_fen),
        percent(one.pay_ratio),
        wan_text(one.month_result_fen),
    )


def _fund_month(fund: Any, month: str) -> tuple[str, ...]:
    one = fund.months[month]
    return (
        fund.label,
        yi_text(one.income_fen),
        yi_text(one.spending_fen),
        yi_text(one.balance_fen),
        count_text(one.enrolled_count),
    )


def _title(published: Publication) -> str:
    return f"{published.manifest['area_label']}{month_text(published.month)}医保结算公布"


def _basis(manifest: Mapping[str, Any]) -> str:
    return f"付费办法：{manifest['policy_label']}（{manifest['policy']}），结果摘要 {manifest['result_digest'][:16]}"
