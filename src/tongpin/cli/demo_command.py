"""`tongpin demo`: the demonstration city from its files to its reports."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tongpin.cli.money_commands import show_settlement, write_joint, write_statement
from tongpin.cli.output import screen
from tongpin.cli.record_commands import show_load

if TYPE_CHECKING:
    from pathlib import Path


class _Steps:
    """Says each step with the seconds it took."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def done(self, step: str, text: str) -> None:
        """Close a step and say what it did."""
        now = time.perf_counter()
        self.seconds[step] = round(now - self.start, 2)
        screen.say(f"[{now - self.start:5.1f} 秒] {text}")
        self.start = now


def run(home_path: Path | None, cases: int | None) -> None:
    """City → load → group → settle → measures → twin → report; ends with the paths of the reports."""
    from tongpin.demo.city import build_city
    from tongpin.grouping.library import scheme_folders
    from tongpin.payment.run import settle_in_home
    from tongpin.records.load import load_files
    from tongpin.store.home import Home

    home = Home.open(home_path)
    steps = _Steps()
    with screen.progress("生成演示城市") as progress:
        city = build_city(home.demo, cases=cases, scheme_folder=scheme_folders(home)["demo-drg"], progress=progress)
    steps.done("city", f"演示城市：{city.months_text}，清单 {city.list_count:,} 份，首页 {city.page_count:,} 份")
    with screen.progress("装载") as progress:
        report = load_files(home, [home.demo / "files"], None, progress)
    show_load(report)
    steps.done("load", f"装载完毕，问题 {len(report.findings)} 条（含有意埋下的错误，真值另存）")
    statements = []
    for month in sorted(city.months):
        settled = settle_in_home(home, month)
        statements.append(write_statement(home, settled))
        show_settlement(settled)
        steps.done(f"settle {month}", f"{month} 分组、定价、月结：收支平衡")
    last = max(city.months)
    page, workbook = write_joint(home, last, None)
    steps.done("joint", f"{last} 联合报告：医保结算与绩效考核")
    reports = [*statements, page, workbook]
    screen.give(
        {"ok": True, "home": str(home.root), "reports": [str(path) for path in reports], "seconds": steps.seconds}
    )
    screen.say("演示方案与演示付费办法，全部数字均为模拟。报告：")
    for path in reports:
        screen.say(f"  {path}")
