"""`tongpin ledger …` 账簿: arguments and help only; the work is done in `ledger_commands`."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli import EXIT_FINDINGS
from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption, MonthOption

ledger_app = typer.Typer(
    help="账簿：期初、记账、冲销、四本账、五方对账、异地清算、医共体内部结算", no_args_is_help=True
)

YearOption = Annotated[int, typer.Option("--year", min=2000, max=2100, help="年度，例如 2025")]
EitherMonth = Annotated[str | None, typer.Option("--month", help="月份，例如 2025-06", show_default=False)]
EitherYear = Annotated[
    int | None, typer.Option("--year", min=2000, max=2100, help="年度清算，例如 2025", show_default=False)
]
RegionOption = Annotated[
    str | None,
    typer.Option("--region", help="本统筹区的区划代码（可只写前几位），给出才记异地", show_default=False),
]


@ledger_app.command("open")
def ledger_open(
    file: Annotated[Path, typer.Option("--file", help="期初余额表（CSV，元）", exists=True, dir_okay=False)],
    day: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="期初日期，例如 2024-12-31")],
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """期初余额入账：只记一次，每项基金借贷相等，须早于第一个记账的月份。"""
    from tongpin.cli import ledger_commands

    ledger_commands.open_books(home, file, date(day.year, day.month, day.day), area)


@ledger_app.command("post")
def ledger_post(
    month: EitherMonth = None,
    year: EitherYear = None,
    region: RegionOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """记账：已关账的月份（--month）或年度清算（--year）；已记过的只补记新的到账、退回、预付金与异地账单。"""
    from tongpin.cli import ledger_commands

    if (month is None) is (year is None):
        raise typer.BadParameter("--month 与 --year 写一个")
    if year is not None:
        ledger_commands.post_year(home, year, area)
    else:
        ledger_commands.post(home, str(month), region, area)


@ledger_app.command("reverse")
def ledger_reverse(
    reason: Annotated[str, typer.Option("--reason", help="冲销的原因与文号")],
    month: EitherMonth = None,
    year: EitherYear = None,
    opening: Annotated[bool, typer.Option("--opening", help="冲销期初余额")] = False,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """冲销一个月、一年清算或期初的凭证：记相反的数，原来的凭证留着；然后可以重新记账。"""
    from tongpin.cli import ledger_commands

    if [month is not None, year is not None, opening].count(True) != 1:
        raise typer.BadParameter("--month、--year、--opening 写一个")
    ledger_commands.reverse(home, month, year, reason, area)


@ledger_app.command("book")
def ledger_book(
    year: YearOption,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一年的四本账（城乡居民、城镇职工、职工补充、医疗救助）各科目余额，四条退回，集采结余留用（xlsx）。"""
    from tongpin.cli import ledger_commands

    ledger_commands.book(home, year, area)


@ledger_app.command("reconcile")
def ledger_reconcile(
    month: MonthOption,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """五方对账：HIS结算、清单、分组、支付逐日逐例，拨付与基金账、银行逐笔（xlsx）；有差异时退出码为 1。"""
    from tongpin.cli import ledger_commands

    if ledger_commands.reconcile(home, month, area):
        raise typer.Exit(EXIT_FINDINGS)


@ledger_app.command("elsewhere")
def ledger_elsewhere(
    month: MonthOption,
    region: Annotated[str, typer.Option("--region", help="本统筹区的区划代码（可只写前几位）")],
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一个月的异地就医清算表：本地在本地、外地在本地、本地在外，按地区、机构与基金，往来与差额（xlsx）。"""
    from tongpin.cli import ledger_commands

    ledger_commands.elsewhere(home, month, region, area)


@ledger_app.command("alliance")
def ledger_alliance(
    year: YearOption,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """医共体打包：总额归牵头机构，内部按各成员的病组结果分到分，每个医共体一份内部结算（xlsx）。"""
    from tongpin.cli import ledger_commands

    ledger_commands.alliance(home, year, area)
