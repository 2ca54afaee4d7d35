"""`tongpin demo`: the demonstration city from its files to its reports."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from tongpin.base.errors import TongpinError
from tongpin.cli.city_command import show_months
from tongpin.cli.money_commands import show_settlement, write_joint, write_statement
from tongpin.cli.output import screen
from tongpin.cli.record_commands import code_book, show_load, write_findings

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home


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


def run(home_path: Path | None, cases: int | None, port: int | None) -> None:
    """City → load → group → settle → measures → twin → report, then the workbench on a port; None ends before it."""
    from tongpin.demo.city import build_city
    from tongpin.grouping.library import DEMO_SCHEME, open_scheme, scheme_folders
    from tongpin.payment.month.run import settle_in_home
    from tongpin.records.intake.load import load_files
    from tongpin.store.home import Home

    home = Home.open(home_path)
    _same_city(home, cases)
    steps = _Steps()
    with screen.progress("生成演示城市") as progress:
        city = build_city(
            home.demo,
            cases=cases,
            scheme_folder=scheme_folders(home)[DEMO_SCHEME],
            progress=lambda done, total: progress("生成演示城市", done, total),
            replace=True,
        )
    home.demo_city.write_text(json.dumps({"cases": cases}), encoding="utf-8")
    show_months(city)
    screen.say("  · 费用明细、在院费用、门诊、追溯码只写每个等级一家医院的；全部要用 tongpin city --layouts all")
    steps.done("city", f"{city.label}（合成数据，没有真实患者）")
    with screen.progress("装载") as progress:
        report = load_files(home, [home.demo / "files"], None, progress, code_book(open_scheme(home, DEMO_SCHEME)))
    show_load(report)
    reports = [write_findings(home, report.findings)]
    steps.done("load", f"装载完毕，问题 {len(report.findings)} 条（含有意埋下的错误，真值在 {home.demo / 'truth'}）")
    months = sorted(month.month for month in city.months)
    for name in months:
        settled = settle_in_home(home, name)
        reports.append(write_statement(home, settled))
        show_settlement(settled)
        steps.done(f"settle {name}", f"{name} 分组、定价、月结，收支平衡")
    reports += write_joint(home, months[-1], None)
    steps.done("joint", f"{months[-1]} 联合报告：医保结算与绩效考核")
    paths = [str(path) for path in reports]
    screen.give(
        {"ok": True, "home": str(home.root), "city": city.as_dict(), "reports": paths, "seconds": steps.seconds}
    )
    screen.say("演示方案、演示付费办法，全部数字均为模拟。报告：")
    for path in paths:
        screen.say(f"  {path}")
    screen.say(f"接着看：tongpin explain 结算号 --home {home.root}；tongpin --help")
    if port is None:
        screen.say(f"工作台：tongpin serve --home {home.root}")
        return
    from tongpin.cli.serve_command import start

    start(home, "127.0.0.1", port)


def _same_city(home: Home, cases: int | None) -> None:
    """A home holds its own data or one demonstration city: closed months cannot take the hospitals of another."""
    if not home.lake.exists():
        return
    hint = "用 --home 换一个目录"
    if not home.demo_city.exists():
        raise TongpinError("demo.home", f"{home.root} 里已有自己的数据，演示城市不往里放", hint=hint)
    if json.loads(home.demo_city.read_text(encoding="utf-8")) != {"cases": cases}:
        raise TongpinError("demo.home", f"{home.root} 里已有另一规模的演示城市", hint=hint)
