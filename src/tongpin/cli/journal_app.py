"""`tongpin journal …` 日志: arguments and help only; the work is done in `journal_commands`."""

from __future__ import annotations

from typing import Annotated

import typer

from tongpin.cli.options import HomeOption, JsonOption, LanguageOption

journal_app = typer.Typer(help="日志：谁在何时办了什么，逐条相扣，改动、删去、截尾都查得出", no_args_is_help=True)


@journal_app.command("verify")
def journal_verify(home: HomeOption = None, as_json: JsonOption = False, lang: LanguageOption = "zh") -> None:
    """核对日志：从第一条到最后一条逐条重算摘要，并与工作目录里的 journal.head 比对；不符时退出码为 1。"""
    from tongpin.cli import EXIT_FINDINGS, journal_commands

    if not journal_commands.verify(home):
        raise typer.Exit(EXIT_FINDINGS)


@journal_app.command("show")
def journal_show(
    subject: Annotated[
        str | None, typer.Option("--subject", help="只看一件事，例如 document/12", show_default=False)
    ] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="最近几条")] = 20,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """看日志：最近的几条，或一件事的几条。"""
    from tongpin.cli import journal_commands

    journal_commands.show(home, subject, last)
