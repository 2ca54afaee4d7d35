"""`tongpin causes …` 盈亏原因: arguments and help only; the work is done in `causes_commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption, MonthOption

causes_app = typer.Typer(help="盈亏原因：从对照到本期的分项、可能的原因与病例；top 前列病组；problems 双问题清单")

HospitalOption = Annotated[
    str | None, typer.Option("--hospital", help="机构代码或名称，不给则全区域", show_default=False)
]
DeptOption = Annotated[str | None, typer.Option("--dept", help="科室：国家科别代码或名称", show_default=False)]


@causes_app.callback(invoke_without_command=True)
def causes(
    context: typer.Context,
    month: Annotated[str | None, typer.Option("--month", help="已关账的月份，例如 2025-06", show_default=False)] = None,
    hospital: HospitalOption = None,
    dept: DeptOption = None,
    group: Annotated[str | None, typer.Option("--group", help="病组代码", show_default=False)] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            help="对照：year 上年同月 | level 同级其他机构 | region 全区域其他机构；默认取先有的",
            show_default=False,
        ),
    ] = None,
    regrouped: Annotated[
        Path | None,
        typer.Option("--regrouped", help="复核后的病组（CSV：case_id,drg），用来算“编码”一项", show_default=False),
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """盈亏与对照之差分解到分：例数、病例组合、价格、住院日、药品、耗材、检查、极值、编码；可能的原因与病例。"""
    if context.invoked_subcommand is not None:
        return
    if month is None:
        raise typer.BadParameter("写明 --month，例如 --month 2025-06")
    from tongpin.cli import causes_commands
    from tongpin.cli.causes_commands import asked

    causes_commands.causes(home, asked(month, area, hospital, dept, group, base), regrouped)


@causes_app.command("top")
def causes_top(
    month: MonthOption,
    hospital: HospitalOption = None,
    dept: DeptOption = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="列多少个病组", show_default=False)] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """每科例数前 50 的病组核算：费用、住院日、盈亏、区间、与同级比（xlsx）。"""
    from tongpin.cli import causes_commands
    from tongpin.cli.causes_commands import asked

    causes_commands.top(home, asked(month, area, hospital, dept), limit)


@causes_app.command("problems")
def causes_problems(
    month: MonthOption,
    hospital: HospitalOption = None,
    dept: DeptOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """双问题清单：超支而又有低分项的科室；合并症填报与同级之差，偏低偏高并列（xlsx）。"""
    from tongpin.cli import causes_commands
    from tongpin.cli.causes_commands import asked

    causes_commands.problems(home, asked(month, area, hospital, dept))
