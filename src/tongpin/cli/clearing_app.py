"""`tongpin clear`: arguments and help only; the work is done in `clearing_commands`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption


def clear(
    year: Annotated[int, typer.Option("--year", min=2000, max=2100, help="清算年度，例如 2025")],
    area: AreaOption = None,
    draft: Annotated[bool, typer.Option("--draft", help="试算：写出草稿，不关账")] = False,
    agreement: Annotated[
        Path | None, typer.Option("--agreement", help="协议考核表（CSV：条款、证据、扣分）", show_default=False)
    ] = None,
    last_year: Annotated[
        Path | None,
        typer.Option("--last-year", help="上年各院的例数、权重、费用（CSV），定下年基数用", show_default=False),
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="撤销已关账的清算：记相反的数，两次都看得到")] = False,
    reason: Annotated[str, typer.Option("--reason", help="撤销的原因与文号", show_default=False)] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """年度清算：关账并写出清算书；已关账的年度只重印，重开须先撤销。"""
    from tongpin.cli import clearing_commands

    if reverse:
        clearing_commands.reverse(home, year, reason, area)
    else:
        clearing_commands.clear(home, year, area, agreement, last_year, draft=draft)
