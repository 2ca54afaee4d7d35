"""`tongpin report …` 报告: arguments and help only; the work is done in the commands of each report."""

from __future__ import annotations

import typer

from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption, MonthOption

report_app = typer.Typer(help="报告：写到 HOME/reports/", no_args_is_help=True)


@report_app.command("joint")
def report_joint(
    month: MonthOption,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """联合报告：已关账月份的医保结算与绩效考核（HTML 与 xlsx）。"""
    from tongpin.cli import money_commands

    money_commands.joint(home, month, area)
