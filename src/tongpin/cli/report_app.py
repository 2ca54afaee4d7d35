"""`tongpin report …` 报告: arguments and help only; the work is done in the commands of each report."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption, MonthOption

report_app = typer.Typer(help="报告：写到 HOME/reports/", no_args_is_help=True)


@report_app.command("joint")
def report_joint(
    month: MonthOption,
    hospital: Annotated[
        str | None,
        typer.Option("--hospital", help="只要这家机构（代码）的：院端，导入了成本的按成本看", show_default=False),
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """联合报告：已关账月份的医保结算与绩效考核；--hospital 为院端的一家（HTML 与 xlsx）。"""
    from tongpin.cli import joint_commands, money_commands

    if hospital is None:
        money_commands.joint(home, month, area)
    else:
        joint_commands.hospital_joint(home, month, area, hospital)


@report_app.command("daily")
def report_daily(
    hospital: Annotated[str, typer.Option("--hospital", help="机构代码或名称")],
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="哪一天的日报，默认今天", show_default=False)
    ] = None,
    push: Annotated[
        str | None,
        typer.Option("--push", help="把短文与合计推送到内网地址 http(s)://…，不写就不推送", show_default=False),
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """院长日报：昨日出院、在院超标准、退回、预计月结、单议候选（一屏 HTML 与推送短文）。"""
    from tongpin.cli import daily_commands

    daily_commands.daily(home, hospital, on, area, push)


@report_app.command("publication")
def report_publication(
    month: Annotated[str, typer.Option("--month", help="已关账的月份，例如 2025-06", show_default=False)] = "",
    quarter: Annotated[
        str, typer.Option("--quarter", help="三个月都已关账的季度，例如 2025Q2", show_default=False)
    ] = "",
    to: Annotated[
        str | None,
        typer.Option("--for", help="定向发布：机构代码或区县代码，只列自己的名称，同级以代号隐去", show_default=False),
    ] = None,
    on: Annotated[
        datetime | None,
        typer.Option("--on", formats=["%Y-%m-%d"], help="清单截至哪一天，默认今天", show_default=False),
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """月统计公布（xlsx）与季分析通报（xlsx 与 A4 PDF）：各机构同一张表，分级别、区县、合计，同比、环比、同级名次。"""
    from tongpin.cli import publication_commands

    publication_commands.publication(home, month, quarter, to=to, on=on.date() if on else None, area=area)


DepartmentOption = Annotated[
    str | None, typer.Option("--department", help="科室：国家科别代码或名称", show_default=False)
]
SeenOption = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="清单与时限看哪一天的情况，默认今天", show_default=False),
]


@report_app.command("meeting")
def report_meeting(
    month: MonthOption,
    hospital: Annotated[str, typer.Option("--hospital", help="机构代码或名称")],
    department: DepartmentOption = None,
    on: SeenOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """科室例会包（A4 一页 docx）：变化最大的三项、病组盈亏、请看的五例、议定事项；不写科室则每个科室一份。"""
    from tongpin.cli import monthly_commands

    monthly_commands.meeting(home, month, hospital, department, on, area)


@report_app.command("monthly")
def report_monthly(
    month: MonthOption,
    hospital: Annotated[str, typer.Option("--hospital", help="机构代码或名称")],
    department: DepartmentOption = None,
    on: SeenOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """医院月报、科室月报（A4 docx 与 xlsx）：医保结算与绩效考核并列，病组、科室或医师、原因、未了清单。"""
    from tongpin.cli import monthly_commands

    monthly_commands.monthly(home, month, hospital, department, on, area)
