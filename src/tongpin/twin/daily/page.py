"""The daily page as one self-contained HTML screen 日报页, and the short text beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tongpin.report.html import render_page
from tongpin.twin.daily.catalogue import setting
from tongpin.twin.daily.words import figures_of, short_text

if TYPE_CHECKING:
    from tongpin.store.home import Home
    from tongpin.twin.daily.run import Daily

WEEKDAYS = "一二三四五六日"


def daily_html(daily: Daily) -> str:
    """The page as text: one screen, no script, no request."""
    context = {
        "title": f"{daily.hospital_name}院长日报 {daily.on}",
        "daily": daily,
        "weekday": WEEKDAYS[daily.on.weekday()],
        "blocks": {one.block.id: one for one in daily.told},
        "figures_of": lambda told: figures_of(told.block.id, told.figures, daily),
        "shown_cases": setting("shown.cases"),
        "shown_groups": setting("shown.groups"),
        "shown_reasons": setting("shown.reasons"),
    }
    return render_page("daily.html", context, folder=Path(__file__).parents[1] / "templates")


def write_daily(home: Home, daily: Daily) -> tuple[Path, Path]:
    """Page and short text among the reports of the home; their paths. Source: S904-02."""
    home.reports.mkdir(parents=True, exist_ok=True)
    name = f"院长日报-{daily.hospital}-{daily.on}"
    page, text = home.reports / f"{name}.html", home.reports / f"{name}.txt"
    page.write_text(daily_html(daily), encoding="utf-8")
    text.write_text(short_text(daily) + "\n", encoding="utf-8")
    return page, text
