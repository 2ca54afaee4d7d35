"""`tongpin coverage` and `tongpin bench`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import typer

from tongpin.base.errors import TongpinError
from tongpin.cli.output import screen

if TYPE_CHECKING:
    from pathlib import Path


def coverage() -> None:
    """Print the registry of requirements: totals by status, then every row."""
    from tongpin.coverage.registry import STATUS_LABELS, coverage_document, load_registry, summary

    rows = load_registry()
    screen.give(coverage_document(rows))
    screen.table(
        "需求",
        ["编号", "需求", "状态", "在哪里", "测试"],
        [[r.id, r.name, STATUS_LABELS[r.status], r.where, r.test] for r in rows],
    )
    counts = summary(rows)
    screen.table("合计", ["状态", "条数"], [[STATUS_LABELS[status], str(counts[status])] for status in STATUS_LABELS])


class _Bench(NamedTuple):
    """Where a benchmark is run: module of the room bench, its function, the name there of the usual count of cases."""

    module: str
    function: str
    usual: str


BENCHES = {
    "pricing": _Bench("pricing", "run", "CITY_CASES"),
    "month": _Bench("month", "settle", "MONTH_CASES"),
    "impact": _Bench("month", "impact", "DRAFT_CASES"),
    "clearing": _Bench("clearing", "run", "YEAR_LINES"),
    "dip": _Bench("dip", "run", "CASES"),
    "measures": _Bench("measures", "run", "CASES"),
}


def bench(name: str, home_path: Path | None, cases: int | None, scheme: str | None, runs: int | None) -> None:
    """Run one benchmark and print medians with the floor beside them; `faults` ends with 1 when anything differs."""
    if name == "faults":
        _faults(runs)
        return
    if name == "forecast":
        _forecast(cases)
        return
    if name == "web":
        _web(home_path, cases)
        return
    if name == "grouping":
        from tongpin.bench import grouping
        from tongpin.grouping.library import DEMO_SCHEME

        results = grouping.run(home_path, cases or grouping.USUAL_CASES, scheme or DEMO_SCHEME)
    elif name == "load":
        from tongpin.bench import load

        results = load.run(home_path, cases or 1_000_000)
    elif name in BENCHES:
        one = BENCHES[name]
        module = import_module(f"tongpin.bench.{one.module}")
        results = getattr(module, one.function)(cases or getattr(module, one.usual))
    else:
        known = ("grouping", "load", *BENCHES, "forecast", "web", "faults")
        raise TongpinError("bench.unknown", f"没有基准 {name}", hint=f"可用：{'、'.join(known)}")
    screen.give({"ok": True, "bench": name, "results": [result.as_dict() for result in results]})
    for result in results:
        screen.table(result.title, ["步骤", "中位数（毫秒）", "例/秒", "相对于第一行"], result.rows())
        for note in result.notes:
            screen.say(f"  {note}")


def _forecast(cases: int | None) -> None:
    from tongpin.bench import forecast

    report = forecast.run(cases or forecast.USUAL_CASES)
    screen.give({"ok": True, "bench": "forecast", "results": [report.as_dict()]})
    screen.table(report.title, list(report.HEADS), report.rows())
    for note in report.notes():
        screen.say(f"  {note}")


def _web(home_path: Path | None, cases: int | None) -> None:
    from tongpin.bench import web

    reports = web.run(home_path, cases or web.YEAR_CASES)
    screen.give({"ok": True, "bench": "web", "results": [report.as_dict() for report in reports]})
    for report in reports:
        screen.table(report.title, list(report.HEADS), report.rows())
        for note in report.notes():
            screen.say(f"  {note}")


def _faults(runs: int | None) -> None:
    from tongpin.bench import faults

    reports = faults.run(runs or faults.RUNS)
    wrong = sum(len(report.differences) for report in reports)
    screen.give({"ok": not wrong, "bench": "faults", "results": [report.as_dict() for report in reports]})
    for report in reports:
        screen.table(report.title, list(report.HEADS), report.rows())
        for note in report.notes():
            screen.say(f"  {note}")
    if wrong:
        raise typer.Exit(1)
