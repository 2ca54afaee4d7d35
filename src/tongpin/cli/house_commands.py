"""`tongpin coverage` and `tongpin bench`."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def bench(name: str, home_path: Path | None, cases: int | None, scheme: str | None) -> None:
    """Run one benchmark and print medians with the floor beside them."""
    if name == "grouping":
        from tongpin.bench import grouping
        from tongpin.grouping.library import DEMO_SCHEME

        results = grouping.run(home_path, cases or grouping.USUAL_CASES, scheme or DEMO_SCHEME)
    elif name == "load":
        from tongpin.bench import load

        results = load.run(home_path, cases or 1_000_000)
    elif name == "pricing":
        from tongpin.bench import pricing

        results = pricing.run(cases or pricing.CITY_CASES)
    else:
        raise TongpinError("bench.unknown", f"没有基准 {name}", hint="可用：grouping、load、pricing")
    screen.give({"ok": True, "bench": name, "results": [result.as_dict() for result in results]})
    for result in results:
        screen.table(result.title, ["步骤", "中位数（毫秒）", "例/秒", "相对于第一行"], result.rows())
        for note in result.notes:
            screen.say(f"  {note}")
