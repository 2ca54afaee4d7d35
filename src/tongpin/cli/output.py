"""What people and machines read: tables, findings, refusals; Chinese by default, English with `--lang en`."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING, Any

from tongpin.base.findings import SEVERITY_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tongpin.base.errors import TongpinError
    from tongpin.base.findings import Finding

EXAMPLES = 5
"""How many rules a screen illustrates with their first finding."""

PAPER_COLUMNS = 160
"""How wide a table may be where there is no terminal."""


class Screen:
    """Where a command writes: JSON to machines, tables and sentences to people, progress to standard error."""

    def __init__(self) -> None:
        self.as_json = False
        self.language = "zh"

    def say(self, chinese: str, english: str = "") -> None:
        """One line for people; nothing in JSON mode."""
        if not self.as_json:
            sys.stdout.write((english if self.language == "en" and english else chinese) + "\n")

    def give(self, data: dict[str, Any]) -> None:
        """The answer for machines; nothing outside JSON mode."""
        if self.as_json:
            sys.stdout.write(json.dumps(data, ensure_ascii=False, default=str) + "\n")

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table for people; columns of numbers to the right."""
        if self.as_json:
            return
        from rich import box
        from rich.console import Console
        from rich.table import Table

        table = Table(title=title, box=box.SIMPLE, title_justify="left", title_style="bold")
        for index, column in enumerate(columns):
            numbers = all(not row[index] or row[index][0] in "+−-0123456789" for row in rows)
            table.add_column(column, justify="right" if numbers else "left")
        for row in rows:
            table.add_row(*row)
        Console(width=None if sys.stdout.isatty() else PAPER_COLUMNS).print(table)

    def findings(self, findings: Sequence[Finding]) -> None:
        """Findings by rule, worst and most frequent first, then the first of the leading rules in full."""
        by_rule: dict[str, list[Finding]] = {}
        for finding in findings:
            by_rule.setdefault(finding.rule_id, []).append(finding)
        order = {"error": 0, "warning": 1, "info": 2}
        ranked = sorted(by_rule.values(), key=lambda group: (order[group[0].severity], -len(group)))
        if not ranked:
            return
        self.table(
            "问题（按规则）",
            ["规则", "条数", "级别", "说明"],
            [[g[0].rule_id, f"{len(g):,}", SEVERITY_LABELS[g[0].severity], g[0].message] for g in ranked],
        )
        for group in ranked[:EXAMPLES]:
            self.say(f"例：{group[0]}")

    @contextlib.contextmanager
    def progress(self, text: str) -> Iterator[Callable[[str, int, int], None]]:
        """Progress of long work on standard error: call it with (what, done, all)."""
        if self.as_json or not sys.stderr.isatty():
            yield lambda _what, _done, _total: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        with bar:
            task = bar.add_task(text, total=None)
            yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


screen = Screen()
"""The one screen of the process."""


def refuse(error: TongpinError) -> None:
    """Say a refusal: JSON on standard output for machines, the sentence on standard error for people."""
    if screen.as_json:
        screen.give(error.as_dict())
    else:
        sys.stderr.write(f"{error}\n")
    screen.findings(error.findings)
