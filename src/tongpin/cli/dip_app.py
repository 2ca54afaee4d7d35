"""`tongpin dip …` 按病种分值付费: arguments and help only; the work is in `dip_*_commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli import EXIT_FINDINGS
from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption

dip_app = typer.Typer(
    help="DIP：编制与检查病种目录，点值，机构系数，偏差评议，违规线索，病种台账", no_args_is_help=True
)
CatalogueArgument = Annotated[
    str, typer.Argument(metavar="目录", help="工作目录里的目录代号，或 dip build 写出的文件夹")
]
CatalogueOption = Annotated[
    str | None, typer.Option("--catalogue", help="病种目录（代号或文件夹），默认付费办法所用的", show_default=False)
]
PolicyOption = Annotated[str | None, typer.Option("--policy", help="付费办法，默认随包的国家 DIP", show_default=False)]
MonthsOption = Annotated[
    str | None, typer.Option("--from-months", help="历史月份，例如 2022-01..2024-12", show_default=False)
]
OneMonthOption = Annotated[str | None, typer.Option("--month", help="月份，例如 2025-06", show_default=False)]
YearOption = Annotated[int | None, typer.Option("--year", help="年度，例如 2025", show_default=False)]
InstitutionOption = Annotated[
    str | None, typer.Option("--institution", help="只看这家机构（机构代码）", show_default=False)
]
OutputOption = Annotated[
    Path | None, typer.Option("-o", "--output", help="写到哪个文件，默认 HOME/reports/", show_default=False)
]


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
    catalogue: CatalogueArgument,
    group: Annotated[str | None, typer.Option("--group", help="只看这个病种", show_default=False)] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """看一个病种目录：来历、规模、例数最多的病种。"""
    from tongpin.cli import dip_commands

    dip_commands.show(home, catalogue, group)


@dip_app.command("check")
def dip_check(
    catalogue: CatalogueArgument,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """检查目录：例数不足、没有操作类型、到不了的病种、读不懂的特殊规则。"""
    from tongpin.cli import dip_commands

    if dip_commands.check(home, catalogue):
        raise typer.Exit(EXIT_FINDINGS)


@dip_app.command("why")
def dip_why(
    catalogue: CatalogueArgument,
    case_id: Annotated[str, typer.Option("--case", help="清单的结算号")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一例入哪个病种：每一步问了哪些病种、差什么。"""
    from tongpin.cli import dip_commands

    dip_commands.why(home, catalogue, case_id)


@dip_app.command("value")
def dip_value(
    year: Annotated[int, typer.Option("--year", help="年度，例如 2025")],
    months: MonthsOption = None,
    budgets: Annotated[
        list[str] | None,
        typer.Option("--budget", help="试算用的最终预算（元），例如 310=8500000，可写几次", show_default=False),
    ] = None,
    catalogue: CatalogueOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """点值：由历史算预算点值，由本年已关账的清单试算结算点值，每一步都写出。"""
    from tongpin.cli import dip_money_commands

    dip_money_commands.value(home, year, months, budgets or [], catalogue, area)


@dip_app.command("coefficient")
def dip_coefficient(
    months: Annotated[str, typer.Option("--from-months", help="据哪些月份的清单，例如 2024-01..2024-12")],
    policy: Annotated[str, typer.Option("--policy", help="写明机构系数各项的付费办法")] = "dip-xiamen/2024",
    catalogue: CatalogueOption = None,
    institution: InstitutionOption = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="把结果写成付费办法的一段（YAML）", show_default=False),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """机构系数：基本系数加 CMI、儿童、老年、中医药各项，逐项写出怎样得来。"""
    from tongpin.cli import dip_money_commands

    dip_money_commands.coefficient(home, months, policy, catalogue, institution, output)


@dip_app.command("review")
def dip_review(
    month: OneMonthOption = None,
    year: YearOption = None,
    institution: InstitutionOption = None,
    output: OutputOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """偏差评议：费用超过评议界限的病例，付了多少、有没有决定；写出待专家填写的决定表。"""
    from tongpin.cli import dip_case_commands

    dip_case_commands.review(home, month, year, institution, output, area)


@dip_app.command("violations")
def dip_violations(
    month: OneMonthOption = None,
    year: YearOption = None,
    institution: InstitutionOption = None,
    output: OutputOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """违规线索：二次入院、低标入院、超长住院、死亡风险，涉及多少分值；写出待核实的扣款决定表。"""
    from tongpin.cli import dip_case_commands

    if dip_case_commands.violations(home, month, year, institution, output, area):
        raise typer.Exit(EXIT_FINDINGS)


@dip_app.command("ledger")
def dip_ledger(
    month: OneMonthOption = None,
    year: YearOption = None,
    catalogue: Annotated[
        str | None,
        typer.Option("--catalogue", help="用这个目录试算一个月（不入账），默认看已关账的", show_default=False),
    ] = None,
    institution: InstitutionOption = None,
    output: OutputOption = None,
    policy: PolicyOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """病种台账：按病种、按核心与综合病种的例数、费用、应付与盈亏（xlsx）；年度已清算的按清算后的数。"""
    from tongpin.cli import dip_case_commands

    dip_case_commands.ledger(home, month, year, catalogue, institution, output, policy, area)
