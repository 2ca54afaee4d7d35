"""`tongpin report daily`: the director's page of a day on screen, as a page and a short text, pushed when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.cli.lists_commands import today
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


def daily(home_path: Path | None, hospital: str, on: datetime | None, area: str | None, push_to: str | None) -> None:
    """Make the page of a day, show its figures, write the papers, push the short text where an address is given."""
    from tongpin.report.words import number_text, yuan_text
    from tongpin.store.home import Home
    from tongpin.twin.daily.catalogue import IN_HOUSE, setting
    from tongpin.twin.daily.in_house import OVER
    from tongpin.twin.daily.page import write_daily
    from tongpin.twin.daily.push import check_address, push
    from tongpin.twin.daily.run import daily_in_home
    from tongpin.twin.daily.words import figures_of, short_text

    if push_to is not None:
        check_address(push_to)
    home = Home.open(home_path)
    found = daily_in_home(home, hospital, on.date() if on is not None else today(), area)
    page, text = write_daily(home, found)
    status = push(found, push_to) if push_to is not None else None
    house = found.of(IN_HOUSE)
    over = () if house is None else house.of(OVER)
    screen.give(
        {
            "ok": True,
            "hospital": found.hospital,
            "on": found.on,
            "figures": found.figures(),
            "over": [{**one._asdict(), "over_fen": one.over_fen} for one in over],
            "text": short_text(found),
            "page": str(page),
            "text_file": str(text),
            "pushed": status,
            "notes": list(found.notices),
        }
    )
    screen.table(
        f"{found.hospital_name} 院长日报 {found.on}（说的是 {found.yesterday} 为止的事）",
        ["", "数", "值", "单位", "口径"],
        [
            [
                told.block.label if place == 0 else "",
                one.label + ("（模拟）" if one.simulated else ""),
                one.value,
                one.unit,
                one.form,
            ]
            for told in found.told
            if told.figures is not None
            for place, one in enumerate(figures_of(told.block.id, told.figures, found))
        ],
    )
    for told in found.told:
        if told.figures is None:
            screen.say(f"{told.block.label}：{told.missing}")
    if over:
        shown = over[: setting("shown.cases")]
        screen.table(
            f"在院费用已超标准的 {len(over)} 人"
            + (f"，列超出最多的 {len(shown)} 人" if len(over) > len(shown) else ""),
            ["就诊号", "科室", "病组", "住院日", "组均", "费用至今（元）", "标准（元）", "超出（元）", "标准凭"],
            [
                [
                    one.mdtrt_id,
                    one.dept,
                    f"{one.group} {one.group_name}",
                    str(one.days),
                    number_text(one.mean_days, 1),
                    yuan_text(one.fee_fen),
                    yuan_text(one.standard_fen),
                    yuan_text(one.over_fen),
                    one.basis,
                ]
                for one in shown
            ],
        )
        for line in found.advice:
            screen.say(line)
    for line in found.notices:
        screen.say(f"· {line}")
    screen.say(f"日报页：{page}", f"page: {page}")
    screen.say(f"推送短文：{text}", f"text: {text}")
    if status is not None:
        screen.say(f"已推送到 {push_to}（答复 {status}）", f"pushed to {push_to} ({status})")
