"""`tongpin dip …` 按病种分值付费: arguments and help only; the work is done in `dip_commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli import EXIT_FINDINGS
from tongpin.cli.options import HomeOption, JsonOption, LanguageOption, MonthOption

dip_app = typer.Typer(help="DIP：编制、查看、检查病种目录，入组路径，病种台账", no_args_is_help=True)
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="dip build 写出的目录文件夹")]
PolicyOption = Annotated[str | None, typer.Option("--policy", help="付费办法，默认随包的国家 DIP", show_default=False)]


@dip_app.command("build")
def dip_build(
    months: Annotated[str, typer.Option("--from-months", help="历史月份，例如 2022-01..2024-12，至多三年")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="写到哪个文件夹，默认存进工作目录，供月结用", show_default=False),
    ] = None,
    name: Annotated[str, typer.Option("--id", help="目录代号，付费办法的 scheme 用它")] = "demo-dip",
    types: Annotated[
        Path | None, typer.Option("--types", help="操作类型表（code,type），默认演示表", show_default=False)
    ] = None,
    zero_value: Annotated[
        Path | None, typer.Option("--zero-value", help="零价值操作（code）", show_default=False)
    ] = None,
    sections: Annotated[
        Path | None, typer.Option("--sections", help="诊断的节（section,name,first,last）", show_default=False)
    ] = None,
    policy: PolicyOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """由历史病例编制病种目录：核心病种、综合病种、分值、同级均费与辅助目录。"""
    from tongpin.cli import dip_commands

    dip_commands.build(home, months, output, name, (types, zero_value, sections), policy)


@dip_app.command("show")
def dip_show(
    folder: FolderArgument,
    group: Annotated[str | None, typer.Option("--group", help="只看这个病种", show_default=False)] = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """看一个病种目录：来历、规模、例数最多的病种。"""
    from tongpin.cli import dip_commands

    dip_commands.show(folder, group)


@dip_app.command("check")
def dip_check(folder: FolderArgument, as_json: JsonOption = False, lang: LanguageOption = "zh") -> None:
    """检查目录：例数不足、没有操作类型、到不了的病种、读不懂的特殊规则。"""
    from tongpin.cli import dip_commands

    if dip_commands.check(folder):
        raise typer.Exit(EXIT_FINDINGS)


@dip_app.command("why")
def dip_why(
    folder: FolderArgument,
    case_id: Annotated[str, typer.Option("--case", help="清单的结算号")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一例入哪个病种：每一步问了哪些病种、差什么。"""
    from tongpin.cli import dip_commands

    dip_commands.why(home, folder, case_id)


@dip_app.command("ledger")
def dip_ledger(
    folder: FolderArgument,
    month: MonthOption,
    institution: Annotated[
        str | None, typer.Option("--institution", help="只看这家机构（机构代码）", show_default=False)
    ] = None,
    policy: PolicyOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """病种台账：一个月的例数、费用、应付与盈亏，按病种、按核心与综合病种（试算，不入账）。"""
    from tongpin.cli import dip_commands

    dip_commands.ledger(home, folder, month, institution, policy)
