"""`tongpin fund report | budget`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path


def report(home_path: Path | None, quarter: str, area: str | None) -> bool:
    """Write the report of a quarter, show its funds and alerts; whether the series has findings."""
    from tongpin.payment.fund.quarter import LIGHTS
    from tongpin.payment.fund.report_xlsx import basis_notices, write_quarter_xlsx
    from tongpin.payment.fund.run import quarter_in_home
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.report.words import MISSING, number_text, yi_text
    from tongpin.store.home import Home

    home = Home.open(home_path)
    found = quarter_in_home(home, quarter, area)
    notices = [*synthetic_notice(home), *basis_notices(found)]
    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / f"基金运行分析-{quarter}.xlsx"
    write_quarter_xlsx(found, path, notices)
    alerts = [one for one in found.growth if one.alert]
    screen.give(
        {
            "ok": not found.findings,
            "quarter": quarter,
            "report": str(path),
            "funds": [one._asdict() for one in found.funds],
            "months": [one._asdict() for one in found.months],
            "growth_alerts": [one._asdict() for one in alerts],
            "compared": [one._asdict() for one in found.compared],
            "notes": [*notices, *found.notes],
            "open_verdicts": found.open_verdicts,
            "findings": [one.as_dict() for one in found.findings],
        }
    )
    screen.table(
        f"基金运行 {quarter}（亿元）",
        [
            "统筹区",
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
        ],
        [
            [
                one.region,
                one.fund_label,
                one.span,
                yi_text(one.income_fen),
                _percent(one.income_growth),
                yi_text(one.spending_fen),
                _percent(one.spending_growth),
                yi_text(one.result_fen),
                yi_text(one.balance_fen),
                _percent(one.spending_rate),
                MISSING if one.months_payable is None else number_text(float(one.months_payable)),
                "；".join(text for text in (one.over, LIGHTS[one.light] if one.light else "") if text),
            ]
            for one in found.funds
        ],
    )
    for alert in alerts:
        screen.say(f"异常增长：{alert.kind} {alert.name or alert.code}，{alert.alert}")
    for note in (*notices, *found.notes, *(f"没有判断：{why}（{key}）" for key, why in found.open_verdicts.items())):
        screen.say(note)
    screen.findings(found.findings)
    screen.say(f"季度报告：{path}", f"quarterly report: {path}")
    return bool(found.findings)


def budget(home_path: Path | None, year: int, area: str | None, events: Path | None) -> bool:
    """Write the budget of a year, show its forecasts; whether the series has findings."""
    from tongpin.payment.fund.budget import SIDES
    from tongpin.payment.fund.report_xlsx import basis_notices, write_budget_xlsx
    from tongpin.payment.fund.run import budget_in_home
    from tongpin.payment.month.statement_columns import synthetic_notice
    from tongpin.report.words import wan_text, yuan_text
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
            "notes": notices,
            "findings": [one.as_dict() for one in found.findings],
        }
    )
    screen.table(
        f"{year} 年基金预算（万元）",
        ["基金", "收支", "上年", "预算", "区间下限", "区间上限", "说明"],
        [
            [
                one.fund_label,
                SIDES[one.side],
                *(wan_text(fen) for fen in (one.last_fen, one.forecast_fen, one.low_fen, one.high_fen)),
                "；".join(one.notes),
            ]
            for one in found.forecasts
        ],
    )
    for one in found.forecasts:
        for step in one.steps:
            screen.say(
                f"{one.fund_label}{SIDES[one.side]}  {step.label}：{yuan_text(step.amount_fen)} 元"
                f"（{step.formula}；{step.source}）"
            )
    for note in notices:
        screen.say(note)
    screen.findings(found.findings)
    screen.say(f"预算测算：{path}", f"budget: {path}")
    return bool(found.findings)


def _percent(value: Decimal | None) -> str:
    from tongpin.report.words import percent_text

    return percent_text(None if value is None else float(value))
