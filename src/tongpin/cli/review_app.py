"""`tongpin review …` 特例单议: arguments and help only; the work is done in `review_commands`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption

review_app = typer.Typer(help="特例单议：候选、申报、盲审、结论、季度公示", no_args_is_help=True)

DayOption = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="哪一天做的，默认今天", show_default=False),
]
ActorOption = Annotated[str, typer.Option("--actor", help="经手人的工号（不写姓名）", show_default=False)]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="申报编号，例如 2025-0001")]


@review_app.command("candidates")
def review_candidates(
    month: Annotated[str | None, typer.Option("--month", help="入账月份，例如 2025-06", show_default=False)] = None,
    year: Annotated[
        int | None, typer.Option("--year", min=2000, max=2100, help="入账年份，例如 2025", show_default=False)
    ] = None,
    institution: Annotated[
        str | None, typer.Option("--institution", help="只看这家机构（机构代码）", show_default=False)
    ] = None,
    on: DayOption = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """可以申报的清单：符合哪些条件、能多付多少、申报期限、各院余下的例数。"""
    from tongpin.cli import review_commands

    if (month is None) == (year is None):
        raise typer.BadParameter("--month 与 --year 写一个")
    review_commands.candidates(home, month or str(year), institution, on, area)


@review_app.command("apply")
def review_apply(
    list_id: Annotated[str, typer.Argument(metavar="LIST", help="清单的结算号")],
    criterion: Annotated[str, typer.Option("--criterion", help="申报条件：候选表列出的名称，或代码如 fee_standard")],
    reason: Annotated[str, typer.Option("--reason", help="申报理由；不写机构、医师、患者的名称与编号")],
    attach: Annotated[
        list[Path] | None, typer.Option("--attach", help="附件，可写几次；只记文件名与摘要", show_default=False)
    ] = None,
    item: Annotated[str | None, typer.Option("--item", help="新项目的编码", show_default=False)] = None,
    item_name: Annotated[str, typer.Option("--item-name", help="新项目的名称", show_default=False)] = "",
    item_kind: Annotated[
        str, typer.Option("--item-kind", help="drug 药品 | consumable 卫生材料 | service 医疗服务")
    ] = "drug",
    item_fee: Annotated[str, typer.Option("--item-fee", help="该例新项目的费用（元）", show_default=False)] = "",
    institution: Annotated[
        str | None, typer.Option("--institution", help="机构代码，几家都有这个结算号时写", show_default=False)
    ] = None,
    on: DayOption = None,
    actor: ActorOption = "",
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """申报一份清单：不符合条件、例数已满、过了期限、重复申报的，拒绝并说明。"""
    from tongpin.cli import review_commands

    review_commands.apply(
        home,
        list_id,
        criterion,
        reason,
        attach or [],
        (item, item_name, item_kind, item_fee),
        institution,
        on,
        actor,
        area,
    )


@review_app.command("withdraw")
def review_withdraw(
    name: IdArgument,
    reason: Annotated[str, typer.Option("--reason", help="撤回的原因")],
    on: DayOption = None,
    actor: ActorOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """撤回还没有结论的申报；记录仍看得到，不占例数。"""
    from tongpin.cli import review_commands

    review_commands.withdraw(home, name, reason, on, actor)


@review_app.command("list")
def review_list(
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """全部申报与状态，撤回的也在内。"""
    from tongpin.cli import review_commands

    review_commands.listing(home, area)


@review_app.command("show")
def review_show(
    name: IdArgument,
    papers: Annotated[bool, typer.Option("--papers", help="重印申报单与评审纪要")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一份申报的全部：条件与数字、例数的算法、评审组、投票、结论、改变什么。"""
    from tongpin.cli import review_commands

    review_commands.show(home, name, papers=papers)


@review_app.command("experts")
def review_experts(
    file: Annotated[
        Path | None, typer.Argument(help="专家表（CSV：代码、科别、所在机构、利害关系机构）", show_default=False)
    ] = None,
    on: DayOption = None,
    actor: ActorOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """载入专家表，或看现有的专家与已派的份数。"""
    from tongpin.cli import review_commands

    review_commands.experts(home, file, on, actor)


@review_app.command("assign")
def review_assign(
    name: Annotated[str | None, typer.Argument(metavar="[ID]", help="只派这一份", show_default=False)] = None,
    seed: Annotated[str, typer.Option("--seed", help="抽派的种子；同样的种子与台账派出同样的专家")] = "",
    on: DayOption = None,
    actor: ActorOption = "",
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """给还没有评审组的申报派专家：回避本机构与利害关系，派得少的先派；写出盲审单。"""
    from tongpin.cli import review_commands

    review_commands.assign(home, name, seed, on, actor, area)


@review_app.command("recuse")
def review_recuse(
    name: IdArgument,
    expert: Annotated[str, typer.Option("--expert", help="专家代码")],
    reason: Annotated[str, typer.Option("--reason", help="回避的原因")],
    on: DayOption = None,
    actor: ActorOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """专家回避：按同样的办法换一名，重写盲审单。"""
    from tongpin.cli import review_commands

    review_commands.recuse(home, name, expert, reason, on, actor)


@review_app.command("vote")
def review_vote(
    name: IdArgument,
    expert: Annotated[str, typer.Option("--expert", help="专家代码")],
    verdict: Annotated[str, typer.Option("--verdict", help="agree 同意 | partial 部分同意 | refuse 不同意")],
    opinion: Annotated[str, typer.Option("--opinion", help="评审意见")],
    amount: Annotated[str | None, typer.Option("--amount", help="部分同意的应付总额（元）", show_default=False)] = None,
    on: DayOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """记一名专家的意见；一名专家投一次。"""
    from tongpin.cli import review_commands

    review_commands.vote(home, name, expert, verdict, opinion, amount, on)


@review_app.command("decide")
def review_decide(
    name: IdArgument,
    minutes: Annotated[str, typer.Option("--minutes", help="评审纪要：讨论经过与结论")],
    document: Annotated[str, typer.Option("--document", help="结论的文号", show_default=False)] = "",
    on: DayOption = None,
    actor: ActorOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """票齐之后按付费办法得出结论，写评审纪要；结论进入年度清算第 8 步。"""
    from tongpin.cli import review_commands

    review_commands.decide(home, name, minutes, document, on, actor)


@review_app.command("publish")
def review_publish(
    quarter: Annotated[str, typer.Option("--quarter", help="季度，例如 2025Q2")],
    draft: Annotated[bool, typer.Option("--draft", help="先看：不记公示")] = False,
    on: DayOption = None,
    actor: ActorOption = "",
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """季度公示：各院申请、批准的例数与金额（xlsx 与 A4）；公示过的只重印。"""
    from tongpin.cli import review_commands

    review_commands.publish(home, quarter, on, actor, area, draft=draft)
