"""`tongpin fund …` 基金运行: arguments and help only; the work is done in `fund_commands`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli import EXIT_FINDINGS
from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption

fund_app = typer.Typer(
    help="基金：运行与红黄线，月公布，季通报，下年预算，年度总账，预算执行率考核", no_args_is_help=True
)


@fund_app.command("show")
def fund_show(
    month: Annotated[
        str | None, typer.Option("--month", help="月份，默认已装载的最近一个月", show_default=False)
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一个月末的各项基金：可支付月数与红黄线，预算执行与偏差，偏差的原因。"""
    from tongpin.cli import fund_commands

    if fund_commands.show(home, month, area):
        raise typer.Exit(EXIT_FINDINGS)


@fund_app.command("report")
def fund_report(
    quarter: Annotated[str, typer.Option("--quarter", help="季度，例如 2025Q2")],
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """季通报：收支、结余、执行、可支付月数、变化的原因、就医行为、结算、异常增长（xlsx 与 A4 PDF）。"""
    from tongpin.cli import fund_commands

    if fund_commands.report(home, quarter, area):
        raise typer.Exit(EXIT_FINDINGS)


@fund_app.command("publish")
def fund_publish(
    month: Annotated[str, typer.Option("--month", help="已关账的月份，例如 2025-06")],
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """月公布：已关账月份各机构同一张表（xlsx 与 A4 PDF）。"""
    from tongpin.cli import fund_commands

    fund_commands.publish(home, month, area)


@fund_app.command("budget")
def fund_budget(
    year: Annotated[int, typer.Option("--year", min=2000, max=2100, help="预算年度，例如 2026")],
    events: Annotated[
        Path | None, typer.Option("--events", help="政策与事件表（CSV：金额以元为单位，或比例）", show_default=False)
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """下年预算测算：收入、支出、参保的预测与区间，政策与事件，每一步的金额，分月预算（xlsx）。"""
    from tongpin.cli import fund_commands

    if fund_commands.budget(home, year, area, events):
        raise typer.Exit(EXIT_FINDINGS)


@fund_app.command("year")
def fund_year(
    year: Annotated[int, typer.Option("--year", min=2000, max=2100, help="年度，例如 2025")],
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """基金的一年：预算、实际、预付、清算、机构留用、基金分担（xlsx）。"""
    from tongpin.cli import fund_commands

    fund_commands.year(home, year, area)


@fund_app.command("execution")
def fund_execution(
    year: Annotated[int, typer.Option("--year", min=2000, max=2100, help="年度，例如 2025")],
    budgets: Annotated[Path, typer.Option("--budgets", help="各机构的预算（CSV，金额以元为单位）")],
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="考核日期，默认今天", show_default=False)
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """各机构预算执行率，写成协议考核表的行，年度清算用 tongpin clear --agreement 读（xlsx 与 CSV）。"""
    from tongpin.cli import fund_commands

    fund_commands.execution(home, year, budgets, on.date() if on else None, area)
