"""Timings 计时: medians of steps over cases, each beside the floor of its own table."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 5


@dataclass(frozen=True, slots=True)
class Timing:
    """Median in seconds of one step over `cases` cases."""

    step: str
    seconds: float
    cases: int


@dataclass(frozen=True, slots=True)
class Result:
    """The timings of one run; the first is the floor that ratios refer to. `notes` say what was measured besides."""

    title: str
    timings: tuple[Timing, ...]
    notes: tuple[str, ...] = ()

    def rows(self) -> list[list[str]]:
        """Step, median in milliseconds, cases per second, ratio to the floor (per case)."""
        floor = self.timings[0].seconds / self.timings[0].cases
        return [
            [t.step, f"{t.seconds * 1e3:,.1f}", f"{t.cases / t.seconds:,.0f}", f"{t.seconds / t.cases / floor:.2f}"]
            for t in self.timings
        ]

    def as_dict(self) -> dict[str, Any]:
        """The timings as plain data."""
        return {
            "title": self.title,
            "timings": [{"step": t.step, "seconds": t.seconds, "cases": t.cases} for t in self.timings],
            "notes": list(self.notes),
        }


def median(work: Callable[[], object], runs: int = RUNS) -> float:
    """The median seconds of a piece of work."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
