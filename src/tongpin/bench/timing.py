"""Timings 计时: medians of steps over cases, each beside the floor of its own table."""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RUNS = 5
PAIRS = 9


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
    figures: tuple[tuple[str, float], ...] = ()
    """What the notes say, for machines: stable names, the unit last."""

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
            "figures": dict(self.figures),
        }


class Pairs(NamedTuple):
    """Two pieces of work timed in turn: the median seconds of each, and the median of the ratios second / first."""

    first: float
    second: float
    ratio: float


def pairs(first: Callable[[], object], second: Callable[[], object], count: int = PAIRS) -> Pairs:
    """Two pieces of work in turn, so that whatever else the machine does meets both alike."""
    seconds = [(median(first, 1), median(second, 1)) for _ in range(count)]
    return Pairs(
        statistics.median(one for one, _ in seconds),
        statistics.median(two for _, two in seconds),
        statistics.median(two / one for one, two in seconds),
    )


def percentile(seconds: Sequence[float], share: float) -> float:
    """The value below which that share of the times lies (0–1)."""
    ranked = sorted(seconds)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def median(work: Callable[[], object], runs: int = RUNS) -> float:
    """The median seconds of a piece of work."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def most_memory(*, of_children: bool = False) -> int:
    """The most bytes that this process, or one of the processes that it waited for, ever held; 0 where unknown."""
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows has no such count
        return 0
    most = resource.getrusage(resource.RUSAGE_CHILDREN if of_children else resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
