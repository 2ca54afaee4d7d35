"""`tongpin fund show | report | publish | budget | year | execution`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from tongpin.payment.fund.causes import Cause
    from tongpin.payment.fund.quarter import FundQuarter

_FUND_COLUMNS = (
    *("基金", "期间", "收入", "同比", "支出", "同比", "当期结余", "累计结余", "支出执行率", "可支付月数", "提示"),
)


def show(home_path: Path | None, month: str | None, area: str | None) -> bool:
    """Show the funds at the end of a month with their lines and alerts; whether the series has findings."""
    from tongpin.payment.fund.report_xlsx import basis_notices
    from tongpin.payment.fund.run import state_in_home
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.store.home import Home

    home = Home.open(home_path)
    found = state_in_home(home, month, area)
    notices = [*synthetic_notice(home), *basis_notices(found)]
    screen.give(
        {
            "ok": not found.findings,
            "month": found.month,
            "funds": [one._asdict() for one in found.funds],
            "causes": [one._asdict() for one in found.causes],
            "notes": notices,
            "open_verdicts": found.open_verdicts,
            "findings": [one.as_dict() for one in found.findings],
        }
    )
    _funds(f"基金运行 {found.month}（亿元）", found.funds)
    _causes(found.causes)
    _alerts(found.funds)
    for note in (*notices, *_open(found.open_verdicts)):
        screen.say(note)
    screen.findings(found.findings)
    quarter = f"{found.month[:4]}Q{(int(found.month[5:]) + 2) // 3}"
    screen.say(f"接着做：tongpin fund report --quarter {quarter}（季通报）；tongpin fund budget --year 年度（预算）")
    return bool(found.findings)


def report(home_path: Path | None, quarter: str, area: str | None) -> bool:
    """Write the report of a quarter, show its funds and alerts; whether the series has findings."""
    from tongpin.payment.fund.papers import write_bulletin_pdf
    from tongpin.payment.fund.report_xlsx import basis_notices, write_quarter_xlsx
    from tongpin.payment.fund.run import quarter_in_home
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.store.home import Home

    home = Home.open(home_path)
    found = quarter_in_home(home, quarter, area)
    notices = [*synthetic_notice(home), *basis_notices(found)]
    home.reports.mkdir(parents=True, exist_ok=True)
    path, bulletin = (home.reports / f"{name}-{quarter}" for name in ("基金运行分析", "基金季通报"))
    path, bulletin = path.with_name(f"{path.name}.xlsx"), bulletin.with_name(f"{bulletin.name}.pdf")
    write_quarter_xlsx(found, path, notices)
    write_bulletin_pdf(found, bulletin, notices)
    alerts = [one for one in found.growth if one.alert]
    screen.give(
        {
            "ok": not found.findings,
            "quarter": quarter,
            "report": str(path),
            "bulletin": str(bulletin),
            "funds": [one._asdict() for one in found.funds],
            "months": [one._asdict() for one in found.months],
            "causes": [one._asdict() for one in found.causes],
            "behaviour": [one._asdict() for one in found.behaviour],
            "settled": [one._asdict() for one in found.settled],
            "growth_alerts": [one._asdict() for one in alerts],
            "compared": [one._asdict() for one in found.compared],
            "notes": [*notices, *found.notes],
            "open_verdicts": found.open_verdicts,
            "findings": [one.as_dict() for one in found.findings],
        }
    )
    _funds(f"基金运行 {quarter}（亿元）", found.funds)
    _causes(found.causes)
    _alerts(found.funds)
    for alert in alerts:
        screen.say(f"异常增长：{alert.kind} {alert.name or alert.code}，{alert.alert}")
    for note in (*notices, *found.notes, *_open(found.open_verdicts)):
        screen.say(note)
    screen.findings(found.findings)
    screen.say(f"季度报告：{path}", f"quarterly report: {path}")
    screen.say(f"季通报（A4）：{bulletin}", f"quarterly bulletin: {bulletin}")
    return bool(found.findings)


def publish(home_path: Path | None, month: str, area: str | None) -> None:
    """Write the publication of a closed month, show its hospitals."""
    from tongpin.payment.fund.papers import percent, write_publication_pdf, write_publication_xlsx
    from tongpin.payment.fund.publication import published_in_home
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.report.words import count_text, wan_text, yuan_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    found = published_in_home(home, month, area)
    assumed = found.manifest["assumed"]
    notices = [*synthetic_notice(home)]
    if assumed:
        notices.append(f"模拟：付费办法有 {len(assumed)} 项取值没有文件确认，列在月度支付情况表")
    home.reports.mkdir(parents=True, exist_ok=True)
    name = f"医保结算公布-{found.manifest['area']}-{month}"
    path, paper = home.reports / f"{name}.xlsx", home.reports / f"{name}.pdf"
    write_publication_xlsx(found, path, notices)
    write_publication_pdf(found, paper, notices)
    screen.give(
        {
            "ok": True,
            "month": month,
            "report": str(path),
            "paper": str(paper),
            "hospitals": [one._asdict() for one in found.hospitals],
            "total": found.total._asdict(),
            "notes": [*notices, *found.notes],
        }
    )
    screen.table(
        f"医保结算公布 {month}",
        ["医疗机构", "级别", "清单数", "次均费用（元）", "个人负担率", "应付统筹（万元）", "结付率", "盈亏（万元）"],
        [
            [
                one.institution_name,
                one.level,
                count_text(one.cases),
                yuan_text(one.mean_fee_fen),
                percent(one.patient_share),
                wan_text(one.pool_payable_fen),
                percent(one.pay_ratio),
                wan_text(one.month_result_fen),
            ]
            for one in (*found.hospitals, found.total)
        ],
    )
    for note in (*notices, *found.notes):
        screen.say(note)
    screen.say(f"月公布：{path}", f"publication: {path}")
    screen.say(f"月公布（A4）：{paper}", f"publication (A4): {paper}")


def budget(home_path: Path | None, year: int, area: str | None, events: Path | None) -> bool:
    """Write the budget of a year, show its forecasts; whether the series has findings."""
    from tongpin.payment.fund.events import SIDES
    from tongpin.payment.fund.report_xlsx import basis_notices, forecast_row, write_budget_xlsx
    from tongpin.payment.fund.run import budget_in_home
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.report.words import count_text, wan_text, yuan_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    found = budget_in_home(home, year, area, events)
    notices = [*synthetic_notice(home), *basis_notices(found)]
    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / f"基金预算测算-{year}.xlsx"
    write_budget_xlsx(found, path, notices)
    screen.give(
        {
            "ok": not found.findings,
            "year": year,
            "report": str(path),
            "forecasts": [
                {**one._asdict(), "steps": [step._asdict() for step in one.steps]} for one in found.forecasts
            ],
            "enrolled": [one._asdict() for one in found.enrolled],
            "notes": notices,
            "findings": [one.as_dict() for one in found.findings],
        }
    )
    bounds = ("low_80", "high_80", "low_95", "high_95")
    rows = [forecast_row(one) for one in found.forecasts]
    screen.table(
        f"{year} 年基金预算（万元）",
        ["基金", "收支", "上年", "预算", "80% 下限", "80% 上限", "95% 下限", "95% 上限"],
        [
            [
                row["fund_label"],
                row["side_label"],
                *(wan_text(row.get(name)) for name in ("last_fen", "forecast_fen", *bounds)),
            ]
            for row in rows
        ],
    )
    for one in found.forecasts:
        for step in one.steps:
            screen.say(
                f"{one.fund_label}{SIDES[one.side]}  {step.label}：{yuan_text(step.amount_fen)} 元"
                f"（{step.formula}；{step.source}）"
            )
        for note in one.notes:
            screen.say(f"{one.fund_label}{SIDES[one.side]}  {note}")
    for heads in found.enrolled:
        said = "；".join(heads.notes)
        screen.say(
            f"{heads.fund_label}参保人数：{heads.known_month} {count_text(heads.known_count)}，"
            f"预计 {year} 年末 {count_text(heads.expected_count)}{f'（{said}）' if said else ''}"
        )
    for note in notices:
        screen.say(note)
    screen.findings(found.findings)
    screen.say(f"预算测算：{path}", f"budget: {path}")
    screen.say("接着做：核定后把“分月”表填进基金收支的预算两列再装载，tongpin fund show 按月看执行")
    return bool(found.findings)


def year(home_path: Path | None, which: int, area: str | None) -> None:
    """Write a year of the funds, show it item by item."""
    from tongpin.payment.fund.papers import write_year_xlsx, year_lines
    from tongpin.payment.fund.years import year_in_home
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.store.home import Home

    home = Home.open(home_path)
    found = year_in_home(home, which, area)
    notices = [*synthetic_notice(home)]
    if found.manifest and found.manifest["assumed"]:
        notices.append(f"模拟：清算所用付费办法有 {len(found.manifest['assumed'])} 项取值没有文件确认，列在清算书")
    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / f"基金年度-{which}.xlsx"
    write_year_xlsx(found, f"{which}年基金年度总账", path, notices)
    screen.give(
        {
            "ok": True,
            "year": which,
            "report": str(path),
            "funds": [one._asdict() for one in found.funds],
            "notes": [*notices, *found.notes],
        }
    )
    screen.table(
        f"{which} 年基金（亿元）",
        ["项目", *(one.fund_label for one in found.funds)],
        [list(row) for row in year_lines(found)],
    )
    for note in (*notices, *found.notes):
        screen.say(note)
    screen.say(f"基金年度：{path}", f"fund year: {path}")
    if found.manifest is None:
        screen.say(f"接着做：tongpin clear --year {which}")


def execution(home_path: Path | None, which: int, budgets: Path, on: date | None, area: str | None) -> None:
    """Write the execution of the hospitals' budgets as xlsx and as lines of the agreement sheet."""
    from datetime import date as day
    from decimal import Decimal

    from tongpin.payment.fund.execution import DEDUCTION, agreement_lines, executed_in_home
    from tongpin.payment.fund.papers import percent, write_execution_xlsx
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.report.words import wan_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    found = executed_in_home(home, which, budgets, area)
    parameter = found.policy.parameter(DEDUCTION)
    notices = [
        *synthetic_notice(home),
        *([f"模拟：没有文件确认的取值：{parameter.label}"] if parameter.assumed else []),
    ]
    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / f"预算执行率-{which}.xlsx"
    sheet = home.reports / f"协议考核表-预算执行率-{which}.csv" if found.is_whole else None
    write_execution_xlsx(found, f"{which}年各机构预算执行率", path, notices)
    if sheet is not None:
        sheet.write_text(agreement_lines(found, on or day.today()), encoding="utf-8-sig")  # noqa: DTZ011 - a civil date
    screen.give(
        {
            "ok": True,
            "year": which,
            "report": str(path),
            "agreement": None if sheet is None else str(sheet),
            "months": found.months,
            "executions": [one._asdict() for one in found.rows],
            "notes": [*notices, *found.notes],
        }
    )
    screen.table(
        f"{which} 年各机构预算执行率（{found.months} 个月）",
        ["医疗机构", "基金", "预算（万元）", "统筹应付（万元）", "执行率", "扣分"],
        [
            [
                one.institution_name,
                one.fund_label,
                wan_text(one.budget_fen),
                wan_text(one.spent_fen),
                percent(Decimal(one.rate_e4) / 10_000),
                f"{one.deduction.normalize():f}",
            ]
            for one in found.rows
        ],
    )
    for note in (*notices, *found.notes):
        screen.say(note)
    screen.say(f"执行率：{path}", f"execution: {path}")
    if sheet is None:
        screen.say("接着做：全年关账后再运行一次，写出协议考核表的行")
        return
    screen.say(f"协议考核表的行：{sheet}", f"agreement lines: {sheet}")
    screen.say(f"接着做：并入全年的协议考核表，tongpin clear --year {which} --agreement 协议考核表.csv")


def _funds(title: str, rows: Sequence[FundQuarter]) -> None:
    from tongpin.payment.fund.papers import fund_line

    screen.table(title, _FUND_COLUMNS, [list(fund_line(one)) for one in rows])


def _causes(causes: Sequence[Cause]) -> None:
    from tongpin.report.words import wan_text

    if causes:
        screen.table(
            "支出变化的原因（万元）",
            ["基金", "期间", "比什么", "原因", "金额", "怎样得出"],
            [[one.fund_label, one.span, one.of, one.label, wan_text(one.amount_fen), one.formula] for one in causes],
        )


def _alerts(rows: Sequence[FundQuarter]) -> None:
    """The alerts in words: deviations of the execution, and funds below a line."""
    from tongpin.payment.fund.papers import number
    from tongpin.payment.fund.quarter import CALM, LIGHTS

    for one in rows:
        if one.over:
            events = f"；当期事件：{one.events}" if one.events else ""
            screen.say(f"偏差提示：{one.fund_label} {one.span} {one.over}{events}")
    lines = {one.fund_label: one for one in rows}
    for label, one in lines.items():
        if one.light and one.light != CALM:
            screen.say(f"红黄线：{label}可支付 {number(one.months_payable)} 个月，{LIGHTS[one.light]}")


def _open(verdicts: Mapping[str, str]) -> list[str]:
    return [f"没有判断：{why}（{key}）" for key, why in verdicts.items()]
