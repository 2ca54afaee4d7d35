"""`tongpin guokao …` 绩效考核填报: arguments and help only; the work is done in `guokao_commands`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli import EXIT_FINDINGS
from tongpin.cli.options import HomeOption, JsonOption, LanguageOption

guokao_app = typer.Typer(help="国考：指标值、填报表与进度、自查、评分模拟、结余投向", no_args_is_help=True)

YearOption = Annotated[int, typer.Option("--year", min=2000, max=2100, help="考核年度，例如 2025")]
InstitutionOption = Annotated[
    str | None,
    typer.Option("--institution", help="机构代码或名称，只有一家参加国考时可省略", show_default=False),
]
DayOption = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="哪一天做的，默认今天", show_default=False),
]
ActorOption = Annotated[str, typer.Option("--actor", help="经手人的工号（不写姓名）", show_default=False)]
NumberArgument = Annotated[str, typer.Argument(metavar="NO", help="指标编号，例如 4、45、增1")]
SchemeOption = Annotated[
    str | None, typer.Option("--scheme", help="低风险组所用的分组方案，默认付费办法所用的", show_default=False)
]
RiskOption = Annotated[
    Path | None,
    typer.Option("--risk", help="导入的病组风险级别（CSV：drg,risk_level；1 为低风险）", show_default=False),
]


@guokao_app.command("sheet")
def guokao_sheet(
    year: YearOption,
    institution: InstitutionOption = None,
    scheme: SchemeOption = None,
    risk: RiskOption = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="写到哪个 .xlsx", show_default=False)] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """填报表（xlsx）：全部指标的数、上年、缺什么、责任科室、佐证、状态与期限。"""
    from tongpin.cli import guokao_commands

    guokao_commands.sheet(home, year, institution, scheme, risk, output)


@guokao_app.command("show")
def guokao_show(
    number: NumberArgument,
    year: YearOption,
    institution: InstitutionOption = None,
    scheme: SchemeOption = None,
    risk: RiskOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一项指标的全部：算式、分子分母与来源、上年、台账。"""
    from tongpin.cli import guokao_commands

    guokao_commands.show(home, number, year, institution, scheme, risk)


@guokao_app.command("check")
def guokao_check(
    year: YearOption,
    institution: InstitutionOption = None,
    scheme: SchemeOption = None,
    risk: RiskOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """自查：完整性核对、与上年的变化、首页与填报是否一致。"""
    from tongpin.cli import guokao_commands

    if guokao_commands.check(home, year, institution, scheme, risk):
        raise typer.Exit(EXIT_FINDINGS)


@guokao_app.command("progress")
def guokao_progress(
    year: YearOption,
    institution: InstitutionOption = None,
    on: DayOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """填报进度：各状态几项，哪些过了期限，各科室手里有几项；不写 --institution 时看全部医院。"""
    from tongpin.cli import guokao_commands

    guokao_commands.progress(home, year, institution, on)


@guokao_app.command("assign")
def guokao_assign(
    year: YearOption,
    numbers: Annotated[
        list[str] | None, typer.Argument(metavar="[NO]…", help="指标编号，可写几个", show_default=False)
    ] = None,
    dept: Annotated[str, typer.Option("--dept", help="责任科室", show_default=False)] = "",
    table: Annotated[
        Path | None, typer.Option("--table", help="分工表（CSV：no,dept），一次分派多项", show_default=False)
    ] = None,
    institution: InstitutionOption = None,
    on: DayOption = None,
    actor: ActorOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """把指标分派给责任科室。"""
    from tongpin.cli import guokao_commands

    if bool(numbers) == (table is not None):
        raise typer.BadParameter("写指标编号与 --dept，或写 --table 分工表")
    guokao_commands.assign(home, year, institution, numbers or [], dept, table, on, actor)


@guokao_app.command("evidence")
def guokao_evidence(
    number: NumberArgument,
    files: Annotated[list[Path], typer.Argument(help="佐证文件，可写几个；只记文件名与摘要")],
    year: YearOption,
    institution: InstitutionOption = None,
    on: DayOption = None,
    actor: ActorOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """登记一项指标的佐证文件。"""
    from tongpin.cli import guokao_commands

    guokao_commands.evidence(home, year, institution, number, files, on, actor)


@guokao_app.command("reason")
def guokao_reason(
    number: NumberArgument,
    year: YearOption,
    text: Annotated[str, typer.Option("--text", help="与上年变化大的原因")],
    institution: InstitutionOption = None,
    on: DayOption = None,
    actor: ActorOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """说明一项指标与上年相比变化大的原因。"""
    from tongpin.cli import guokao_commands

    guokao_commands.reason(home, year, institution, number, text, on, actor)


@guokao_app.command("submit")
def guokao_submit(
    numbers: Annotated[list[str], typer.Argument(metavar="NO…", help="指标编号，可写几个")],
    year: YearOption,
    institution: InstitutionOption = None,
    scheme: SchemeOption = None,
    risk: RiskOption = None,
    on: DayOption = None,
    actor: ActorOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """登记提交（退回的再提交也用它）：缺责任科室、数、佐证或原因的拒绝。"""
    from tongpin.cli import guokao_commands

    guokao_commands.submit(home, year, institution, numbers, scheme, risk, on, actor)


@guokao_app.command("return")
def guokao_return(
    number: NumberArgument,
    year: YearOption,
    reason: Annotated[str, typer.Option("--reason", help="省级审核退回的原因")],
    document: Annotated[str, typer.Option("--document", help="退回通知的文号", show_default=False)] = "",
    institution: InstitutionOption = None,
    on: DayOption = None,
    actor: ActorOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """登记省级审核退回。"""
    from tongpin.cli import guokao_commands

    guokao_commands.take_back(home, year, institution, number, reason, document, on, actor)


@guokao_app.command("score")
def guokao_score(
    year: YearOption,
    institution: InstitutionOption = None,
    method: Annotated[
        str, typer.Option("--method", help="percentile 同级百分位 | efficacy 功效系数 | interval 目标区间")
    ] = "percentile",
    scheme: SchemeOption = None,
    risk: RiskOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """评分模拟：对照导入的同级数据评分、排位、折等级，并列出本年结余可投向的薄弱指标；全部为模拟。"""
    from tongpin.cli import guokao_commands

    guokao_commands.score(home, year, institution, method, scheme, risk)


@guokao_app.command("tables")
def guokao_tables(
    year: YearOption,
    institution: InstitutionOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """把权重、等级、目标区间、日历四张表写进工作目录，改后即用；已有的不动。"""
    from tongpin.cli import guokao_commands

    guokao_commands.tables(home, year, institution)
