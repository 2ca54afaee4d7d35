"""`tongpin fund …` 基金运行: arguments and help only; the work is done in `fund_commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli import EXIT_FINDINGS
from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption

fund_app = typer.Typer(help="基金：季度运行分析，下年预算测算", no_args_is_help=True)


@fund_app.command("report")
def fund_report(
    quarter: Annotated[str, typer.Option("--quarter", help="季度，例如 2025Q2")],
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """季度基金运行分析：收支、结余、预算执行、可支付月数、机构与服务的增长（xlsx）。"""
    from tongpin.cli import fund_commands

    if fund_commands.report(home, quarter, area):
        raise typer.Exit(EXIT_FINDINGS)


@fund_app.command("budget")
def fund_budget(
    year: Annotated[int, typer.Option("--year", min=2000, max=2100, help="预算年度，例如 2026")],
    events: Annotated[
        Path | None, typer.Option("--events", help="政策与事件表（CSV，金额以元为单位）", show_default=False)
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """下年预算测算：历史、参保、增长与事件，每一步的金额，历史离散的区间（xlsx）。"""
    from tongpin.cli import fund_commands

    if fund_commands.budget(home, year, area, events):
        raise typer.Exit(EXIT_FINDINGS)
