"""`tongpin policy …` 付费办法: arguments and help only; the work is done in `policy_commands`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli import EXIT_FINDINGS
from tongpin.cli.options import HomeOption, JsonOption, LanguageOption

policy_app = typer.Typer(help="付费办法：列出、检查、讲解、起草", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="ID", help="统筹区/版本，例如 demo-east/2025")]


@policy_app.command("list")
def policy_list(home: HomeOption = None, as_json: JsonOption = False, lang: LanguageOption = "zh") -> None:
    """列出现有版本：从哪天起，按什么付费，多少项没有文件确认。"""
    from tongpin.cli import policy_commands

    if policy_commands.list_(home):
        raise typer.Exit(EXIT_FINDINGS)


@policy_app.command("show")
def policy_show(
    name: NameArgument, home: HomeOption = None, as_json: JsonOption = False, lang: LanguageOption = "zh"
) -> None:
    """一个版本的概况：方案、权重、归期、有效期、摘要。"""
    from tongpin.cli import policy_commands

    policy_commands.show(home, name)


@policy_app.command("check")
def policy_check(
    name: Annotated[str | None, typer.Argument(metavar="[ID]", help="只检查这个版本，默认全部")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """检查：写法、日期缺口、版本重叠、缺少的权重与取值、没有写的选择、已发布的版本有没有改过。"""
    from tongpin.cli import policy_commands

    if policy_commands.check(home, name):
        raise typer.Exit(EXIT_FINDINGS)


@policy_app.command("explain")
def policy_explain(
    name: NameArgument,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="只看这一天有效的取值", show_default=False)
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """逐类讲解一个版本：每项取值、从哪天起、依据或模拟，哪些选择没有写。"""
    from tongpin.cli import policy_commands

    policy_commands.explain(home, name, on.date() if on else None)


@policy_app.command("schema")
def policy_schema(
    output: Annotated[Path | None, typer.Option("-o", "--output", help="写到这个 .json", show_default=False)] = None,
    force: Annotated[bool, typer.Option("--force", help="覆盖已有的文件")] = False,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """写出 policy.yaml 的 JSON Schema，供编辑器提示与核对。"""
    from tongpin.cli import policy_commands

    policy_commands.schema(output, force=force)


@policy_app.command("new")
def policy_new(
    name: Annotated[str, typer.Argument(metavar="AREA/EDITION", help="新版本的名称，例如 my-city/2026")],
    source: Annotated[str, typer.Option("--from", help="从哪个版本复制")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """起草一个版本：复制到 HOME/policies/，标为草案；试算用，不作结算。"""
    from tongpin.cli import policy_commands

    policy_commands.new(home, name, source)


@policy_app.command("routes")
def policy_routes(home: HomeOption = None, as_json: JsonOption = False, lang: LanguageOption = "zh") -> None:
    """选用表：哪类病例由哪个版本付费；已装载的清单各有多少，选不出的列出。"""
    from tongpin.cli import policy_commands

    if policy_commands.routes(home):
        raise typer.Exit(EXIT_FINDINGS)
