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


def bench(name: str, home_path: Path | None, cases: int) -> None:
    """Run one benchmark and print medians with the floor beside them."""
    from tongpin.bench import grouping

    if name != "grouping":
        raise TongpinError("bench.unknown", f"没有基准 {name}", hint="可用：grouping")
    result = grouping.run(home_path, cases)
    screen.give({"ok": True, "bench": name, **result.as_dict()})
    screen.table(result.title, ["步骤", "中位数（毫秒）", "百万例/秒", "相对于只读"], result.rows())
