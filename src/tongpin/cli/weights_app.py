"""`tongpin weights …`, `round …`, `catalogue …`: arguments and help only; the work is done in `weights_commands`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption

weights_app = typer.Typer(help="权重：由历史病例测算，新旧版本对照", no_args_is_help=True)
round_app = typer.Typer(help="谈判轮次：草案、意见与答复、影响测算", no_args_is_help=True)
catalogue_app = typer.Typer(help="病组目录维护：提议、证据单、表决、草案、发布", no_args_is_help=True)

MonthsOption = Annotated[str, typer.Option("--from-months", help="哪些月份的病例，例如 2023-01..2025-12")]
OutputOption = Annotated[Path, typer.Option("-o", "--output", help="写到哪个 xlsx 文件")]
DayOption = Annotated[
    datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="日期，默认今天", show_default=False)
]
RoundArgument = Annotated[str, typer.Argument(metavar="ROUND", help="轮次代号，例如 2026-1")]
NumberArgument = Annotated[int, typer.Argument(metavar="NO", min=1, help="序号")]
WhoOption = Annotated[str, typer.Option("--who", help="谁")]


@weights_app.command("build")
def weights_build(
    months: MonthsOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="写到哪个文件夹")],
    scheme: Annotated[
        str | None, typer.Option("--scheme", help="按哪个方案分组，默认付费办法所用的", show_default=False)
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """由已装载的清单测算权重与历史系数：权重表、剔除明细与一份测算表。"""
    from tongpin.cli import weights_commands

    weights_commands.build(home, months, scheme, area, output)


@weights_app.command("version-day")
def weights_version_day(
    old: Annotated[str, typer.Argument(metavar="OLD", help="旧版付费办法，统筹区/版本，或轮次代号")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="新版付费办法，统筹区/版本，或轮次代号")],
    months: MonthsOption,
    output: OutputOption,
    on: Annotated[
        datetime,
        typer.Option("--day", formats=["%Y-%m-%d"], help="切换日：旧版取前一天的值，新版取当天的值"),
    ],
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """版本切换日对照：同一批病例按新旧两版各算一遍，差额分到分组、权重、费率、倍率与其余，分毫不差。"""
    from tongpin.cli import weights_commands

    weights_commands.version_day(home, old, new, months, on.date(), output)


@weights_app.command("neutral")
def weights_neutral(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="付费办法，统筹区/版本，或轮次代号")],
    months: MonthsOption,
    on: Annotated[datetime, typer.Option("--day", formats=["%Y-%m-%d"], help="取哪一天的值")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """预算中性系数：系数连乘使总额变了多少，coefficient.rescale 写多少才不变。"""
    from tongpin.cli import weights_commands

    weights_commands.neutral(home, policy, months, on.date())


@weights_app.command("history")
def weights_history(
    drg: Annotated[str, typer.Argument(metavar="DRG", help="病组编码")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一个病组的权重沿革：各版付费办法与各轮草案。"""
    from tongpin.cli import weights_commands

    weights_commands.history(home, drg)


@round_app.command("new")
def round_new(
    name: RoundArgument,
    base: Annotated[str, typer.Option("--from", help="以哪个版本（统筹区/版本）或上一轮的草案为底稿")],
    label: Annotated[str, typer.Option("--label", help="名称", show_default=False)] = "",
    on: DayOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """开一轮谈判：复制一份草案，供修改；结算不会用它。"""
    from tongpin.cli import weights_commands

    weights_commands.round_new(home, name, base, label, on)


@round_app.command("opinion")
def round_opinion(
    name: RoundArgument,
    who: WhoOption,
    proposal: Annotated[str, typer.Option("--proposal", help="意见")],
    drg: Annotated[str | None, typer.Option("--group", help="关于哪个病组", show_default=False)] = None,
    parameter: Annotated[
        str | None, typer.Option("--parameter", help="关于哪个参数，或 weights", show_default=False)
    ] = None,
    on: DayOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """记下一条意见。"""
    from tongpin.cli import weights_commands

    weights_commands.round_opinion(home, name, who, proposal, drg, parameter, on)


@round_app.command("decide")
def round_decide(
    name: RoundArgument,
    number: NumberArgument,
    adopted: Annotated[bool, typer.Option("--adopted/--rejected", help="采纳，或不采纳")],
    reason: Annotated[str, typer.Option("--reason", help="理由")],
    on: DayOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """答复一条意见：采纳与否，写明理由。"""
    from tongpin.cli import weights_commands

    weights_commands.round_decide(home, name, number, reason, on, adopted=adopted)


@round_app.command("close")
def round_close(
    name: RoundArgument,
    on: DayOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """结束一轮：意见都已答复，草案从此不再改。"""
    from tongpin.cli import weights_commands

    weights_commands.round_close(home, name, on)


@round_app.command("list")
def round_list(
    name: Annotated[str | None, typer.Argument(metavar="[ROUND]", help="看这一轮的意见，默认列出各轮")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """列出各轮，或一轮的意见与答复。"""
    from tongpin.cli import weights_commands

    weights_commands.round_list(home, name)


@round_app.command("compare")
def round_compare(
    old: Annotated[str, typer.Argument(metavar="OLD", help="统筹区/版本，或轮次代号")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="统筹区/版本，或轮次代号")],
    months: MonthsOption,
    output: OutputOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """影响测算：草案若用在这些月份，各院各得多少，由哪些病组造成；改动与意见一并列出。"""
    from tongpin.cli import weights_commands

    weights_commands.round_compare(home, old, new, months, output)


@round_app.command("publish")
def round_publish(
    name: RoundArgument,
    edition: Annotated[str, typer.Option("--as", help="版本代号，例如 2026")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """把已结束的一轮的草案发布为付费办法的版本。"""
    from tongpin.cli import weights_commands

    weights_commands.round_publish(home, name, edition)


@catalogue_app.command("propose")
def catalogue_propose(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="merge 合并 | split 拆分 | new 新增")],
    groups: Annotated[list[str], typer.Option("--group", help="涉及的病组；新增时为排在其后的 ADRG。可写几次")],
    targets: Annotated[list[str], typer.Option("--target", help="新代码=名称，拆分写两次，先写符合条件的")],
    who: WhoOption,
    reason: Annotated[str, typer.Option("--reason", help="理由")],
    scheme: Annotated[str, typer.Option("--scheme", help="方案代号")],
    when: Annotated[str, typer.Option("--when", help="条件，写法同方案的 when", show_default=False)] = "",
    on: DayOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """提议合并、拆分或新增病组。"""
    from tongpin.cli import catalogue_commands

    catalogue_commands.propose(home, scheme, kind, groups, targets, when, who, reason, on)


@catalogue_app.command("evidence")
def catalogue_evidence(
    number: NumberArgument,
    months: MonthsOption,
    output: OutputOption,
    who: WhoOption,
    area: AreaOption = None,
    on: DayOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """证据单：按提议重新分组，数出例数、变异系数、RIV 与涉及的医院。"""
    from tongpin.cli import catalogue_commands

    catalogue_commands.evidence(home, number, months, area, output, who, on)


@catalogue_app.command("vote")
def catalogue_vote(
    number: NumberArgument,
    expert: Annotated[str, typer.Option("--expert", help="专家")],
    ballot: Annotated[str, typer.Option("--ballot", help="for 赞成 | against 反对 | abstain 弃权")],
    opinion: Annotated[str, typer.Option("--opinion", help="意见", show_default=False)] = "",
    on: DayOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """记下一位专家的表决。"""
    from tongpin.cli import catalogue_commands

    catalogue_commands.vote(home, number, expert, ballot, opinion, on)


@catalogue_app.command("count")
def catalogue_count(
    number: NumberArgument,
    who: WhoOption,
    area: AreaOption = None,
    on: DayOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """计票：通过，或未通过。"""
    from tongpin.cli import catalogue_commands

    catalogue_commands.count(home, number, area, who, on)


@catalogue_app.command("draft")
def catalogue_draft(
    numbers: Annotated[list[int], typer.Argument(metavar="NO...", help="通过了的提议")],
    scheme_id: Annotated[str, typer.Option("--id", help="新方案的代号")],
    output: Annotated[Path, typer.Option("-o", "--output", help="草案写到哪个文件夹")],
    who: WhoOption,
    on: DayOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """把通过了的提议写成方案草案。"""
    from tongpin.cli import catalogue_commands

    catalogue_commands.draft(home, numbers, scheme_id, output, who, on)


@catalogue_app.command("publish")
def catalogue_publish(
    numbers: Annotated[list[int], typer.Argument(metavar="NO...", help="已入草案的提议")],
    folder: Annotated[Path, typer.Option("--draft", help="草案文件夹")],
    who: WhoOption,
    on: DayOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """发布草案：收进工作目录，成为方案的新版本。"""
    from tongpin.cli import catalogue_commands

    catalogue_commands.publish(home, numbers, folder, who, on)


@catalogue_app.command("list")
def catalogue_list(
    number: Annotated[int | None, typer.Argument(metavar="[NO]", help="看这一条的经过，默认列出全部")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """列出提议及其状态，或一条提议的经过。"""
    from tongpin.cli import catalogue_commands

    catalogue_commands.list_(home, number)
