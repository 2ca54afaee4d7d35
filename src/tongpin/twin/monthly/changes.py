"""Changes 变化: the figures of a department that changed most, by how far a change leaves what chance may do (S904-01).

Not by raw size: a change of few cases is large by chance. 监测比较 is shown without judgement.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from tongpin.measures.ranks import BETTER, UNSCORED, WORSE, least_cases

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tongpin.measures.figures import Comparison, Figure
    from tongpin.twin.monthly.catalogue import Candidate

WITHIN = "区间内，看不出变化"
READINGS: Mapping[str, str] = {
    BETTER: "超出区间，更好",
    WORSE: "超出区间，更差",
    UNSCORED: "超出区间，监测比较",
}
"""How a change beyond its interval is said."""


class Changed(NamedTuple):
    """A figure with its comparisons over time; `times` is the largest change in units of its reach, of `kind`."""

    figure: Figure
    comparisons: Mapping[str, Comparison]
    kind: str
    times: float

    @property
    def reading(self) -> str:
        """How the change reads; never better or worse within its interval."""
        return reading_of(self.comparisons[self.kind], self.times)


def reading_of(compared: Comparison, times: float) -> str:
    """A change in words, `times` its size in units of its reach."""
    return WITHIN if times <= 1 else READINGS.get(compared.reading, WITHIN)


def times_of(figure: Figure, compared: Comparison | None) -> float | None:
    """A change over time in units of its reach; null without both intervals or with too few cases on one side.

    Where the weight edition changed, the real part of the change alone counts (S900-04).
    """
    if compared is None or compared.reach is None or compared.change.real_effect is None:
        return None
    if min(figure.count, compared.reference_count) < least_cases():
        return None
    size = abs(compared.change.real_effect)
    if compared.reach == 0:
        return math.inf if size else 0.0
    return size / compared.reach


def most_changed(
    figures: Mapping[str, Mapping[str, Figure]], candidates: Sequence[Candidate], limit: int
) -> tuple[Changed, ...]:
    """The figures that changed most, at most one of a topic, the largest change first.

    `figures`: by kind of comparison (`mom`, `yoy`) and measure, the figures of one place.
    """
    found: dict[str, Changed] = {}
    for one in candidates:
        changed = _changed([by_measure[one.measure] for by_measure in figures.values() if one.measure in by_measure])
        if changed is not None and (one.topic not in found or changed.times > found[one.topic].times):
            found[one.topic] = changed
    ranked = sorted(found.values(), key=lambda one: -one.times)
    return tuple(ranked[:limit])


def _changed(figures: Iterable[Figure]) -> Changed | None:
    beside = [one for one in figures if one.compared is not None]
    comparisons = {one.compared.kind: one.compared for one in beside if one.compared is not None}
    told = [(times_of(one, one.compared), one) for one in beside]
    known = [(times, one) for times, one in told if times is not None]
    if not known:
        return None
    times, figure = max(known, key=lambda pair: pair[0])
    kind = "" if figure.compared is None else figure.compared.kind
    return Changed(figure, comparisons, kind, times)
