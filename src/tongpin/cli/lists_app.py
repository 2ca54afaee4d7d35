"""`tongpin lists …` 清单: arguments and help only; the work is done in `lists_commands`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli import EXIT_FINDINGS
from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption, MonthOption

lists_app = typer.Typer(help="清单：上传情况与时限、逾期、结果公布、申诉、出院到拨付", no_args_is_help=True)
appeal_app = typer.Typer(help="申诉：提出、决定、查看", no_args_is_help=True)
lists_app.add_typer(appeal_app, name="appeal")

OnOption = Annotated[
    datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="看哪一天的情况，默认今天", show_default=False)
]
DayOption = Annotated[datetime, typer.Option("--on", formats=["%Y-%m-%d"], help="日期，例如 2025-07-20")]
InstitutionOption = Annotated[
    str | None, typer.Option("--institution", help="机构代码，几家机构有同号清单时写明", show_default=False)
]


@lists_app.command("status")
def lists_status(
    month: MonthOption,
    on: OnOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一个月（按出院）各机构的应传、已传、退回、超期、补传，与待办清单（xlsx）。"""
    from tongpin.cli import lists_commands

    lists_commands.status(home, area, month, on)


@lists_app.command("overdue")
def lists_overdue(
    month: Annotated[
        str | None, typer.Option("--month", help="只看该月出院的，例如 2025-06", show_default=False)
    ] = None,
    on: OnOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """逾期清单：每份为什么逾期、逾期几日，与付费办法写的后果；有逾期时退出码为 1。"""
    from tongpin.cli import lists_commands

    if lists_commands.overdue(home, area, month, on):
        raise typer.Exit(EXIT_FINDINGS)


@lists_app.command("publish")
def lists_publish(
    month: MonthOption,
    on: DayOption,
    reason: Annotated[str, typer.Option("--reason", help="改登记日期时的原因", show_default=False)] = "",
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """登记一个已关账月份的分组结果哪一天公布：申诉期限从这天起。"""
    from tongpin.cli import lists_commands

    lists_commands.publish(home, area, month, on, reason)


@lists_app.command("bridge")
def lists_bridge(
    month: MonthOption,
    institution: Annotated[
        str | None, typer.Option("--institution", help="只看一家机构，写代码", show_default=False)
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """出院到拨付：一个月出院的清单各在哪个月结算、上传、入组、拨付，例数与金额（屏幕、桥图 HTML 与 xlsx）。"""
    from tongpin.cli import lists_commands

    lists_commands.bridge(home, area, month, institution)


@appeal_app.command("file")
def appeal_file(
    setl_id: Annotated[str, typer.Argument(metavar="LIST", help="清单的结算号")],
    on: DayOption,
    reason: Annotated[str, typer.Option("--reason", help="申诉理由")],
    evidence: Annotated[
        list[str] | None, typer.Option("--evidence", help="证据说明，可写几次", show_default=False)
    ] = None,
    attachments: Annotated[
        list[Path] | None, typer.Option("--file", help="证据文件，记文件名与摘要，可写几次", show_default=False)
    ] = None,
    institution: InstitutionOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """医院提出申诉：只收已公布月份的清单，期限内一份一次。"""
    from tongpin.cli import lists_commands

    lists_commands.file_appeal(home, area, setl_id, on, reason, evidence or [], attachments or [], institution)


@appeal_app.command("review")
def appeal_review(
    setl_id: Annotated[str, typer.Argument(metavar="LIST", help="清单的结算号")],
    on: DayOption,
    opinion: Annotated[str, typer.Option("--opinion", help="复核意见：成立 | 不成立")],
    reason: Annotated[str, typer.Option("--reason", help="意见的理由")],
    by: Annotated[str, typer.Option("--by", help="复核人姓名")],
    institution: InstitutionOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """复核一件申诉，提出意见；决定之前可以再复核，以后一次为准。"""
    from tongpin.cli import lists_commands

    lists_commands.review_appeal(home, area, setl_id, on, opinion, reason, by, institution)


@appeal_app.command("decide")
def appeal_decide(
    setl_id: Annotated[str, typer.Argument(metavar="LIST", help="清单的结算号")],
    on: DayOption,
    result: Annotated[str, typer.Option("--result", help="成立 | 不成立")],
    by: Annotated[str, typer.Option("--by", help="决定人姓名，不能是复核人")],
    amount: Annotated[
        str | None, typer.Option("--amount", help="决定的应付总额（元），付费办法按决定金额付时填", show_default=False)
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="理由", show_default=False)] = "",
    document: Annotated[str, typer.Option("--document", help="文号", show_default=False)] = "",
    institution: InstitutionOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """终审一件复核过的申诉：成立的在年度清算第 8 步改付，已关账的月份不动。"""
    from tongpin.cli import lists_commands

    lists_commands.decide_appeal(home, area, setl_id, on, result, by, amount, reason, document, institution)


@appeal_app.command("list")
def appeal_list(
    on: OnOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """全部申诉：提出、期限、复核、结论。"""
    from tongpin.cli import lists_commands

    lists_commands.list_appeals(home, area, on)
