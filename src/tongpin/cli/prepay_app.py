"""`tongpin prepay …` 预付金: arguments and help only; the work is done in `prepay_commands`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli import EXIT_FINDINGS
from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption

prepay_app = typer.Typer(
    help="预付金：测算与核定、拨付、即时结算、账户与监测、年终结算、资金缺口", no_args_is_help=True
)

YearOption = Annotated[int, typer.Option("--year", min=2000, max=2100, help="年度，例如 2026")]
EditionOption = Annotated[
    str | None,
    typer.Option(
        "--edition", help="写了预付金的付费办法，统筹区自己的没有写时指定，例如 prepay-s001/2025", show_default=False
    ),
]


@prepay_app.command("plan")
def prepay_plan(
    year: YearOption,
    history: Annotated[
        Path | None,
        typer.Option("--history", help="历年支出与剔除额（CSV，元），没有的取已清算或已关账的", show_default=False),
    ] = None,
    short: Annotated[
        list[str] | None, typer.Option("--short", help="资金紧张的机构代码，可写几次（S001-54）", show_default=False)
    ] = None,
    adopt: Annotated[
        str | None, typer.Option("--adopt", metavar="文号", help="核定：冻结这份计划，此后按它拨付", show_default=False)
    ] = None,
    edition: EditionOption = None,
    region: Annotated[
        str | None, typer.Option("--region", help="基金收支取哪个地区，只有一个时可省略", show_default=False)
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """预付金测算：办法、基数、剔除、系数、考核金、拨付日期与提示（xlsx、PDF）；已核定的重印。"""
    from tongpin.cli import prepay_commands

    prepay_commands.plan(home, year, area, edition, history, tuple(short or ()), region, adopt)


@prepay_app.command("pay")
def prepay_pay(
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="到哪一天，例如 2026-01-31")],
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """拨付：把核定计划中到期的各次记入账户，写出拨付单；记过的不再记。"""
    from tongpin.cli import prepay_commands

    prepay_commands.pay(home, until.date(), area)


@prepay_app.command("instant")
def prepay_instant(
    until: Annotated[datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="到哪一天，例如 2026-01-11")],
    document: Annotated[str, typer.Option("--document", help="拨付文号或批次")],
    edition: EditionOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """即时结算：按日或按周把清单统筹记账的一部分先拨，月结时扣回（S907-02）。"""
    from tongpin.cli import prepay_commands

    prepay_commands.instant(home, until.date(), document, area, edition)


@prepay_app.command("book")
def prepay_book(
    kind: Annotated[str, typer.Option("--kind", help="paid 拨付（开户余额）| recovered 收回")],
    scheme: Annotated[str, typer.Option("--scheme", help="s001 | national_2024 | instant")],
    institution: Annotated[str, typer.Option("--institution", help="机构代码")],
    fund: Annotated[str, typer.Option("--fund", help="基金，例如 310")],
    amount: Annotated[str, typer.Option("--amount", help="金额（元）")],
    day: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="日期")],
    document: Annotated[str, typer.Option("--document", help="文号；同一文号、同一天的同一笔只记一次")],
    recovery_from: Annotated[
        str | None, typer.Option("--recovery-from", help="拨付从哪个月起冲抵，不写则年终收回", show_default=False)
    ] = None,
    recovery_months: Annotated[
        int | None, typer.Option("--recovery-months", min=1, help="分几个月冲抵", show_default=False)
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """补记一笔：开户时已预付的余额，医院退回的款，更正。"""
    from tongpin.cli import prepay_commands

    prepay_commands.book(
        home, area, (institution, fund, scheme, kind), amount, day.date(), document, (recovery_from, recovery_months)
    )


@prepay_app.command("account")
def prepay_account(
    year: YearOption,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """账户：逐院、逐基金、逐办法的拨付、冲抵、收回与余额，按月的使用与提示。"""
    from tongpin.cli import prepay_commands

    if prepay_commands.account(home, year, area):
        raise typer.Exit(EXIT_FINDINGS)


@prepay_app.command("settle")
def prepay_settle(
    year: YearOption,
    day: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="记账日期")],
    draft: Annotated[bool, typer.Option("--draft", help="试算：不记账")] = False,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """年终结算：应付、已付、本次补付或收回、考核金待付（S001-40、41；xlsx、PDF）。"""
    from tongpin.cli import prepay_commands

    prepay_commands.settle(home, year, day.date(), area, draft=draft)


@prepay_app.command("gap")
def prepay_gap(
    flows: Annotated[Path, typer.Argument(help="现金流（CSV，元，不含预付金）：机构、月份、期初、流入、流出")],
    minimum: Annotated[str, typer.Option("--minimum", help="最低保有资金（元）")] = "0",
    months: Annotated[int | None, typer.Option("--months", min=1, help="贷款几个月", show_default=False)] = None,
    rate: Annotated[str | None, typer.Option("--rate", help="年利率（%），例如 4.35", show_default=False)] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """资金缺口：逐月资金、缺口，连同预付金以后的缺口，补缺口的贷款期限与利息（S001-72）。"""
    from tongpin.cli import prepay_commands

    prepay_commands.gap(home, flows, area, minimum, months, rate)
