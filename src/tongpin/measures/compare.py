"""Compare 比较: a figure against another period, the region, peers or a benchmark, never in silence.

Growth across weight editions or benchmark periods is refused, or split into the effect of the edition and the real
effect (S900-04, TV-P11, TV-P12); figures of different populations are compared only with a note (S900-03);
监测比较 is never better or worse.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tongpin.base.money import SCALE
from tongpin.measures.catalogue import load_definitions
from tongpin.measures.ranks import SIGNS, least_cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tongpin.measures.figures import AnyMeasure

YEAR, MONTH, OWN = "yoy", "mom", "own"
REGION, PEERS, HOSPITAL, BEST, IMPORTED = "region", "peers", "hospital", "benchmark", "imported"
KINDS: dict[str, str] = {
    YEAR: "同比",
    MONTH: "环比",
    OWN: "自身以前几个月",
    REGION: "全区域",
    PEERS: "区域内同级",
    HOSPITAL: "本院",
    BEST: "标杆",
    IMPORTED: "导入的同级值",
}
"""What a figure may be compared with."""
OVER_TIME = (YEAR, MONTH, OWN)
_MONTH = re.compile("([0-9]{4})-(0[1-9]|1[0-2])")


class Vintage(NamedTuple):
    """What a figure over time rests on: its weight edition and its benchmark period; empty where it needs none."""

    weight_edition: str = ""
    benchmark_period: str = ""

    def of(self, measure: AnyMeasure) -> Vintage:
        """What of it the measure rests on."""
        return Vintage(
            self.weight_edition if measure.weight_edition else "",
            self.benchmark_period if measure.benchmark_period else "",
        )


class Change(NamedTuple):
    """A difference, its growth (0–1, of figures that are no ratios), the part of the edition and the real part, a note.

    edition_effect + real_effect = difference; all null where the comparison is refused, and the note says why.
    """

    difference: float | None = None
    growth: float | None = None
    edition_effect: float | None = None
    real_effect: float | None = None
    note: str = ""


def growth(now: float, then: float) -> float | None:
    """The growth of a figure, 0–1: now ÷ then − 1; null unless it grew from above zero (S004-17)."""
    return now / then - 1 if then > 0 else None


def change(
    measure: AnyMeasure,
    now: float | None,
    then: float | None,
    vintages: tuple[Vintage, Vintage],
    bridge: float | None = None,
) -> Change:
    """The change of a figure between two periods of one slice.

    `vintages`: what the figures of now and then rest on; where they differ, `bridge` is the figure of then on the
    edition and benchmark of now: the edition effect is bridge − then, the real effect now − bridge. Without a bridge
    nothing is compared. Growth is of the real effect. Source: S900-04, S004-13..15, S004-20.
    """
    if now is None or then is None:
        return Change(note="参照没有数" if now is not None else "")
    here, there = (one.of(measure) for one in vintages)
    is_ratio = measure.unit in {"ratio", "index"}
    if here == there:
        return Change(now - then, None if is_ratio else growth(now, then), 0.0, now - then)
    words = _vintage_words(here, there)
    if bridge is None:
        return Change(note=f"{words}，跨版本不比较")
    edition, real = bridge - then, now - bridge
    return Change(now - then, None if is_ratio else growth(now, bridge), edition, real, f"{words}，已拆分")


def _vintage_words(here: Vintage, there: Vintage) -> str:
    parts = []
    if here.weight_edition != there.weight_edition:
        parts.append(f"权重版本不同（{there.weight_edition or '无'} → {here.weight_edition or '无'}）")
    if here.benchmark_period != there.benchmark_period:
        parts.append(f"对比基期不同（{there.benchmark_period or '无'} → {here.benchmark_period or '无'}）")
    return "；".join(parts)


def months_of(span: str) -> tuple[str, ...]:
    """`2025-06` or `2025-01..2025-06` as its months; ValueError for anything else."""
    first, dots, last = span.partition("..")
    begin, end = _number(first), _number(last if dots else first)
    if end < begin:
        raise ValueError(f"not a month or a span of months: {span!r}")
    return tuple(_name(number) for number in range(begin, end + 1))


def base_months(months: Sequence[str], kind: str) -> tuple[str, ...]:
    """The months that a comparison over time goes back to: a year before, the period before, or one's own last n."""
    numbers = [_number(month) for month in months]
    match kind:
        case "yoy":
            return tuple(_name(number - 12) for number in numbers)
        case "mom":
            return tuple(_name(number - len(numbers)) for number in numbers)
        case _:
            back = load_definitions()["benchmark.own_months"].value
            return tuple(_name(min(numbers) - place) for place in range(back, 0, -1))


def shifted(month: str, by: int) -> str:
    """The month so many months later (earlier below zero)."""
    return _name(_number(month) + by)


def _number(month: str) -> int:
    found = _MONTH.fullmatch(month)
    if not found:
        raise ValueError(f"not a month: {month!r}")
    return int(found[1]) * 12 + int(found[2]) - 1


def _name(number: int) -> str:
    return f"{number // 12}-{number % 12 + 1:02d}"


def best_quartile(measure: AnyMeasure, values: Any, counts: Any) -> float | None:
    """The dynamic benchmark of a group of units: the best share of them (`benchmark.best_share_e4`) begins here.

    Only units with enough cases count (`rank.minimum_cases`); null for measures without a better side, and below four
    units, of which a best quarter could not be told. Source: S002-05.
    """
    sign = SIGNS.get(measure.direction, 0)
    values, counts = np.asarray(values, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    usable: NDArray[np.float64] = values[np.isfinite(values) & (counts >= least_cases())]
    share = load_definitions()["benchmark.best_share_e4"].value / SCALE
    if not sign or len(usable) < math.ceil(1 / share):
        return None
    return float(np.quantile(usable, 1 - share if sign > 0 else share))
