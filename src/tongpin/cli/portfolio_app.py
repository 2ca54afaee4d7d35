"""`tongpin portfolio …` 病组组合: arguments and help only; the work is done in `portfolio_commands`."""

from __future__ import annotations

from typing import Annotated

import typer

from tongpin.cli import EXIT_FINDINGS
from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption

portfolio_app = typer.Typer(help="病组组合：金字塔与走势，增减病组的试算，结余与绩效考核的前沿")

OneMonthOption = Annotated[str | None, typer.Option("--month", help="已关账的月份，默认最近一个", show_default=False)]
MonthsOption = Annotated[
    str | None, typer.Option("--from-months", help="已关账的几个月，例如 2025-01..2025-06", show_default=False)
]
MethodOption = Annotated[
    str, typer.Option("--method", help="国考评分：percentile 同级百分位 | efficacy 功效系数 | interval 目标区间")
]
HospitalOption = Annotated[str, typer.Option("--hospital", help="机构代码")]


@portfolio_app.callback(invoke_without_command=True)
def portfolio(
    context: typer.Context,
    month: OneMonthOption = None,
    months: MonthsOption = None,
    hospital: Annotated[
        str | None, typer.Option("--hospital", help="机构代码，不给时为全统筹区", show_default=False)
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """病组金字塔：战略、次高权重、效率、基础、待观察、引导下沉；各组逐月（xlsx 与 A4 PDF）。"""
    if context.invoked_subcommand is not None:
        return
    from tongpin.cli import portfolio_commands

    portfolio_commands.pyramid(home, month, months, area, hospital)


@portfolio_app.command("what-if")
def portfolio_what_if(
    hospital: HospitalOption,
    stop: Annotated[
        list[str] | None,
        typer.Option("--stop", help="病组=例数，减少；例数可写 10% 或 all（全部），可重复", show_default=False),
    ] = None,
    grow: Annotated[
        list[str] | None, typer.Option("--grow", help="病组=例数，增加；例数可写 10%，可重复", show_default=False)
    ] = None,
    month: OneMonthOption = None,
    months: MonthsOption = None,
    method: MethodOption = "percentile",
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """增减病组的试算：CMI、总权重、结余、床日与国考指标的之前与之后（xlsx）；没有去处的减少列为问题。"""
    from tongpin.cli import portfolio_commands

    if portfolio_commands.what_if(home, month, months, area, hospital, stop or [], grow or [], method):
        raise typer.Exit(EXIT_FINDINGS)


@portfolio_app.command("frontier")
def portfolio_frontier(
    hospital: HospitalOption,
    month: OneMonthOption = None,
    months: MonthsOption = None,
    point: Annotated[
        int | None,
        typer.Option("--point", min=1, help="细看哪一点，默认 CMI 与得分都不降时结余最多的", show_default=False),
    ] = None,
    method: MethodOption = "percentile",
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """结余与绩效考核（CMI、国考模拟得分）的前沿：能力与使命之内的安排，每一项为什么到此为止（xlsx 与 A4 PDF）。"""
    from tongpin.cli import portfolio_commands

    if portfolio_commands.frontier(home, month, months, area, hospital, point, method):
        raise typer.Exit(EXIT_FINDINGS)
