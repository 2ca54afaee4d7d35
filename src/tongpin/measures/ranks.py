"""Ranks 名次: only what the intervals allow, and exact limits where events are rare.

A unit of few cases has no rank, one whose interval overlaps others has a range of ranks, and a death is judged by
exact limits alone: one death is no veto (practice of S000-04, S002-05, S002-14).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tongpin.base.money import SCALE
from tongpin.measures.catalogue import load_definitions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tongpin.measures.catalogue import Measure

BETTER, WORSE, LIKE, UNSCORED, FEW, NONE = "更好", "更差", "无差别", "不评价", "例数少", "无法比较"
READINGS: dict[str, str] = {
    BETTER: "区间整个在参照更好的一侧",
    WORSE: "区间整个在参照更差的一侧",
    LIKE: "区间含有参照，分不出高下",
    UNSCORED: "监测比较、区间型指标与合计数，只看差异，不评好坏",
    FEW: "例数少于参与名次的最少例数",
    NONE: "没有参照，或没有区间",
}
SIGNS = {"提高": 1, "降低": -1}
"""The directions that have a better side."""


class Places(NamedTuple):
    """Ranks by unit: the best and the worst place that the intervals allow (0: not ranked), and of how many."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    ranked: int


def least_cases() -> int:
    """From how many cases on a unit is ranked (`rank.minimum_cases`)."""
    return load_definitions()["rank.minimum_cases"].value


def reading(measure: Measure, low: float, high: float, count: float, reference: float | None) -> str:
    """How a figure reads against a reference: by its interval and the direction of its measure; never for 监测比较."""
    if measure.direction not in SIGNS:
        return UNSCORED
    if reference is None or not (np.isfinite(low) and np.isfinite(high)):
        return NONE
    if count < least_cases():
        return FEW
    if low <= reference <= high:
        return LIKE
    above = low > reference
    return BETTER if above == (SIGNS[measure.direction] > 0) else WORSE


def places(measure: Measure, low: Any, high: Any, count: Any) -> Places:
    """The places that the intervals of the units allow; none for 监测比较, for 区间, for exact limits and few cases.

    A unit stands behind those whose whole interval is better than its own, and before those whose whole is worse.
    """
    low, high = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    first, last = np.zeros(len(low), dtype=np.int64), np.zeros(len(low), dtype=np.int64)
    sign = SIGNS.get(measure.direction, 0)
    joins = np.isfinite(low) & np.isfinite(high) & (np.asarray(count) >= least_cases())
    if not sign or measure.limits or not joins.any():
        return Places(first, last, 0)
    bottom, top = (low[joins], high[joins]) if sign > 0 else (-high[joins], -low[joins])
    ranked = int(joins.sum())
    surely_better = ranked - np.searchsorted(np.sort(bottom), top, side="right")
    surely_worse = np.searchsorted(np.sort(top), bottom, side="left")
    first[joins], last[joins] = 1 + surely_better, ranked - surely_worse
    return Places(first, last, ranked)


class Funnel(NamedTuple):
    """Exact upper limits of a count of events: expected, inner, outer, the chance of as many, and the verdict."""

    expected: float
    inner: int
    outer: int
    chance: float
    verdict: str


WITHIN, ABOVE_INNER, ABOVE_OUTER = "在界内", "高于内界：逐例复核", "高于外界：逐例复核后再定"
_RARE = 0.01
"""Below this rate the limits of Poisson stand for those of the binomial."""


def funnel(events: int, of: int, rate: float) -> Funnel:
    """`events` among `of` cases against the rate of the region, by exact binomial limits, of Poisson where rare.

    A verdict asks for a review of cases, never for a veto.
    """
    from scipy import stats  # takes a second, and most who come here never need it

    definitions = load_definitions()
    inner, outer = (definitions[name].value / SCALE for name in ("interval.confidence_e4", "funnel.outer_e4"))
    model = stats.poisson(of * rate) if rate < _RARE else stats.binom(of, rate)
    limits = [int(model.ppf((1 + level) / 2)) if of and rate > 0 else 0 for level in (inner, outer)]
    chance = float(model.sf(events - 1)) if events and rate > 0 else 1.0
    verdict = ABOVE_OUTER if events > limits[1] else ABOVE_INNER if events > limits[0] else WITHIN
    if rate <= 0:
        verdict = WITHIN if not events else "参照没有发生过：逐例复核"
    return Funnel(of * rate, limits[0], limits[1], chance, verdict)
