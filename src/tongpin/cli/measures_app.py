"""`tongpin measures …` 指标: arguments and help only; the work is done in `measures_commands`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption

measures_app = typer.Typer(help="指标：目录、口径，按任意切分出表，与同期、区域、同级、标杆比较", no_args_is_help=True)


@measures_app.command("list")
def measures_list(home: HomeOption = None, as_json: JsonOption = False, lang: LanguageOption = "zh") -> None:
    """指标目录与指标组。"""
    from tongpin.cli import measures_commands

    measures_commands.list_measures(home)


@measures_app.command("show")
def measures_show(
    measure: Annotated[str, typer.Argument(metavar="ID", help="指标代号，例如 discharge.cmi")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一个指标：分子、分母、口径、人群、方向、要什么字段、何时不出数、依据、用到的界值。"""
    from tongpin.cli import measures_commands

    measures_commands.show(home, measure)


@measures_app.command("table")
def measures_table(
    month: Annotated[str, typer.Option("--month", help="月份，例如 2025-06，或 2025-01..2025-06 合计")],
    by: Annotated[
        str,
        typer.Option(
            "--by",
            help="切分，用逗号连接：region level hospital dept ward team doctor mdc group insurance month；空为合计",
        ),
    ] = "hospital",
    measure: Annotated[
        str, typer.Option("--measure", help="指标代号或 @指标组，用逗号连接", show_default=True)
    ] = "@performance",
    compare: Annotated[
        str,
        typer.Option(
            "--compare",
            help="yoy 同比 | mom 环比 | own 自身前几个月 | region 全区域 | peers 同级 | hospital 本院 "
            "| benchmark 标杆 | imported 导入的同级值",
        ),
    ] = "",
    hospital: Annotated[
        str | None,
        typer.Option("--hospital", help="只给这家机构的行（机构代码），名次仍在全部中排", show_default=False),
    ] = None,
    dept: Annotated[
        str | None,
        typer.Option("--dept", help="只给这个科室的行（代码或名称），参照仍按全部计", show_default=False),
    ] = None,
    base: Annotated[
        str, typer.Option("--base", help="消耗指数与风险级别的固定基期，默认上年同期", show_default=False)
    ] = "",
    stays: Annotated[str, typer.Option("--stays", help="all 全部 | performance 住院 60 天以内")] = "all",
    shrink: Annotated[
        str, typer.Option("--shrink", help="收缩的 k：fixed 按定义 | empirical 按各单位的离散")
    ] = "fixed",
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """按切分出指标表：每个数写明人群、口径、权重版本、对比基期；例数少的给区间，不排名次（xlsx）。"""
    from tongpin.cli import measures_commands

    measures_commands.table(
        home,
        month,
        by,
        measure,
        compare=compare,
        hospital=hospital,
        dept=dept,
        base=base,
        stays=stays,
        shrink=shrink,
        area=area,
    )


@measures_app.command("evaluate")
def measures_evaluate(
    month: Annotated[
        str, typer.Option("--month", help="月份，例如 2025-06，或 2025-01..2025-06", show_default=False)
    ] = "",
    year: Annotated[
        int | None, typer.Option("--year", min=2000, max=2100, help="整年，只计有数的月份", show_default=False)
    ] = None,
    hospital: Annotated[
        str | None, typer.Option("--hospital", help="逐步说明这家机构（代码）的得分怎样得出", show_default=False)
    ] = None,
    method: Annotated[
        str,
        typer.Option("--method", help="percentile 百分位法 | distance 达标距离法，默认按评价表", show_default=False),
    ] = "",
    write_table: Annotated[
        bool, typer.Option("--write-table", help="把随包的评价表写进工作目录，改后即用；已有的不动")
    ] = False,
    on: Annotated[
        datetime | None,
        typer.Option("--on", formats=["%Y-%m-%d"], help="清单截至哪一天，默认今天", show_default=False),
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """绩效评价：全市医院按维度计分，同类相比、对标杆、与上年比；带区间，例数少的不评，监测比较不计分（xlsx）。"""
    from tongpin.cli import evaluation_commands

    if write_table:
        evaluation_commands.write_own_table(home)
        return
    evaluation_commands.evaluate(
        home, month, year, hospital=hospital, method=method, on=on.date() if on else None, area=area
    )
