"""`tongpin ledger …` 账簿: arguments and help only; the work is done in `ledger_commands`."""

from __future__ import annotations

from typing import Annotated

import typer

from tongpin.cli import EXIT_FINDINGS
from tongpin.cli.options import HomeOption, JsonOption, LanguageOption, MonthOption

ledger_app = typer.Typer(help="账簿：记账、冲销、四本账与四条退回、五方对账", no_args_is_help=True)


@ledger_app.command("post")
def ledger_post(
    month: MonthOption,
    region: Annotated[
        str | None,
        typer.Option("--region", help="本统筹区的区划代码（可只写前几位），给出才记异地差额", show_default=False),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """已关账的月份记账：每家机构、每项基金一张借贷相等的凭证；已记过的只补记新的到账。"""
    from tongpin.cli import ledger_commands

    ledger_commands.post(home, month, region)


@ledger_app.command("reverse")
def ledger_reverse(
    month: MonthOption,
    reason: Annotated[str, typer.Option("--reason", help="冲销的原因与文号")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """冲销一个月的凭证：记相反的数，原来的凭证留着；然后可以重新记账。"""
    from tongpin.cli import ledger_commands

    ledger_commands.reverse(home, month, reason)


@ledger_app.command("book")
def ledger_book(
    year: Annotated[int, typer.Option("--year", min=2000, max=2100, help="年度，例如 2025")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一年的四本账（城乡居民、城镇职工、职工补充、医疗救助）各科目余额，与四条退回的合计。"""
    from tongpin.cli import ledger_commands

    ledger_commands.book(home, year)


@ledger_app.command("reconcile")
def ledger_reconcile(
    month: MonthOption, home: HomeOption = None, as_json: JsonOption = False, lang: LanguageOption = "zh"
) -> None:
    """五方对账：HIS结算、清单、分组、支付逐日逐例，拨付与基金账、银行逐笔；有差异时退出码为 1。"""
    from tongpin.cli import ledger_commands

    if ledger_commands.reconcile(home, month):
        raise typer.Exit(EXIT_FINDINGS)
