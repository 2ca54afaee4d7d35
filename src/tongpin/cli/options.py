"""Options 公用选项: what many commands take, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli.output import screen


def _json(value: bool) -> bool:
    screen.as_json = value
    return value


def _language(value: str) -> str:
    if value not in {"zh", "en"}:
        raise typer.BadParameter("zh 或 en")
    screen.language = value
    return value


HomeOption = Annotated[
    Path | None, typer.Option("--home", help="工作目录，默认 $TONGPIN_HOME 或 ./tongpin-home", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="给机器读的 JSON", callback=_json)]
LanguageOption = Annotated[str, typer.Option("--lang", help="提示语言 zh | en", callback=_language)]
MonthOption = Annotated[str, typer.Option("--month", help="月份，例如 2025-06")]
AreaOption = Annotated[str | None, typer.Option("--area", help="统筹区，只有一个时可省略", show_default=False)]
