"""`tongpin journal`: the chain checked to its end, and its entries shown."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

SHOWN_DIGITS = 12
"""How much of a digest a screen shows; JSON has all of it."""


def _engine(home_path: Path | None) -> Engine:
    from tongpin.store.control import check_current, control_engine
    from tongpin.store.home import Home

    engine = control_engine(Home.open(home_path))
    check_current(engine)
    return engine


def verify(home_path: Path | None) -> bool:
    """Check the journal and say what was found; whether it is whole."""
    from tongpin.store.journal import verify as verified

    verdict = verified(_engine(home_path))
    screen.give({"ok": verdict.is_whole, **asdict(verdict)})
    if verdict.is_whole:
        screen.say(f"日志 {verdict.count} 条，逐条相扣，没有改动。最后一条的摘要：{verdict.digest or '（还没有日志）'}")
    else:
        screen.say(f"日志不可信：第 {verdict.first_bad} 条起，{verdict.reason}。库中共 {verdict.count} 条")
        screen.say("怎么办：停止办理，保全控制库与工作目录，从备份恢复，查明谁改动过")
    return verdict.is_whole


def show(home_path: Path | None, subject: str | None, last: int) -> None:
    """Show the newest entries, or those of a subject."""
    from tongpin.store.control import reading
    from tongpin.store.journal import entries

    with reading(_engine(home_path)) as connection:
        found = entries(connection, subject=subject, last=last)
    screen.give({"ok": True, "entries": [{**one._asdict(), "at": f"{one.at.isoformat()}Z"} for one in found]})
    rows = [
        [
            str(one.number),
            f"{one.at.replace(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M:%S}",
            one.actor + (f"（{one.acted_as}）" if one.acted_as else ""),
            one.act,
            one.subject,
            json.dumps(one.details, ensure_ascii=False),
            one.digest[:SHOWN_DIGITS],
        ]
        for one in found
    ]
    screen.table("日志", ["序号", "时间", "谁", "办了什么", "哪件事", "详情", "摘要"], rows)
    if not found:
        screen.say("没有这样的日志")
