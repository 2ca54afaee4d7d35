"""`tongpin forecast …` 年末预测与政策回测: arguments and help only; the work is done in `forecast_commands`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption

forecast_app = typer.Typer(help="年末预测：医保结算与国考指标一起预测，情景，政策回测", no_args_is_help=True)


@forecast_app.command("year")
def forecast_year(
    year: Annotated[int, typer.Option("--year", min=2000, max=2100, help="年度，例如 2025")],
    hospital: Annotated[
        str | None,
        typer.Option("--hospital", help="一家医院：机构代码或名称；连同国考指标与 A4 页", show_default=False),
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option("--scenario", help="情景文件（YAML）：病组增减、住院日、付费办法", show_default=False)
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="评分办法：percentile 同级百分位 | efficacy 功效系数 | interval 目标区间")
    ] = "percentile",
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """由已关账的月份预测年末：各院各基金的清算额与结余，国考指标值，带区间（xlsx，一家医院另有 A4 PDF）。"""
    from tongpin.cli import forecast_commands

    forecast_commands.year(home, year, area, hospital, scenario, method)


@forecast_app.command("policy")
def forecast_policy(
    draft: Annotated[str, typer.Argument(metavar="DRAFT", help="草案：谈判轮次，或付费办法 统筹区/版本")],
    months: Annotated[str, typer.Option("--from-months", help="哪些月份的病例，例如 2024-01..2024-12")],
    on: Annotated[
        datetime | None,
        typer.Option(
            "--on", formats=["%Y-%m-%d"], help="两版都按哪一天的取值，默认草案最后一个生效日", show_default=False
        ),
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """政策回测：用过去的病例试算草案，逐院的应付、年末分档与国考指标。"""
    from tongpin.cli import forecast_commands

    forecast_commands.policy(home, draft, months, area, on.date() if on else None)


def negotiate(
    groups: Annotated[str, typer.Option("--group", help="病组代码，几个用逗号隔开")],
    hospital: Annotated[str, typer.Option("--hospital", help="机构代码或名称")],
    months: Annotated[
        str | None,
        typer.Option("--from-months", help="哪些已关账的月份，默认最近十二个月", show_default=False),
    ] = None,
    raised: Annotated[
        str, typer.Option("--raise", help="试算标准提高多少，例如 0.05,0.10；只影响基金一页")
    ] = "0.05,0.10,0.15",
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """谈判材料：病组的费用或成本、难度、同级、国考指标、走势，提高标准对基金的影响（A4 PDF 与 xlsx）。"""
    from tongpin.cli import forecast_commands

    forecast_commands.negotiate(home, groups, hospital, months, raised, area)
