"""Columns 计分列: one measure over the members of a class, scored, with how each score came about."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.measures.catalogue import Measure
from tongpin.measures.compare import best_quartile
from tongpin.measures.evaluation.catalogue import PERCENTILE
from tongpin.measures.evaluation.reviews import judged
from tongpin.measures.evaluation.scoring import FULL, Drawn, class_scores, marks, redraw
from tongpin.measures.intervals import has_interval
from tongpin.measures.papers import value_text
from tongpin.measures.ranks import SIGNS, least_cases, places
from tongpin.report.words import number_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tongpin.measures.figures import AnyMeasure, Figure
    from tongpin.measures.ranks import Places

_MOST = {"ratio": 1.0}
"""The largest value that a unit allows."""


class Rules(NamedTuple):
    """What the table says of scoring: method, the smallest class, draws, and the ends of the distance method."""

    method: str
    smallest: int
    draws: int
    full_e4: int
    zero_e4: int


class Column(NamedTuple):
    """A measure over the members of a class.

    `hows`: how each score came about; `notes`: why there is none, or what a reader has to know of it; `places` allowed
    by the intervals, none for measures that are not ranked; `benchmark`: where the best quarter of the class begins.
    """

    drawn: Drawn
    hows: tuple[str, ...]
    notes: tuple[str, ...]
    places: Places | None
    benchmark: float | None


def exact_column(figures: Sequence[Figure], reviews: Sequence[tuple[str, str] | None], draws: int) -> Column:
    """A rate of rare events: full within its exact limits, else what the review of its cases found; never a rank."""
    scores: list[float] = []
    hows, notes = [], []
    for one, review in zip(figures, reviews, strict=True):
        limits = one.compared.funnel if one.compared else None
        if one.value is None or limits is None:
            scores.append(np.nan)
            hows.append("")
            notes.append(one.note or "没有参照")
            continue
        found = judged(limits, review)
        scores.append(np.nan if found.score is None else found.score)
        seen = f"{one.count} 例中 {round(one.value * one.count)} 例，期望 {number_text(limits.expected)} 例"
        hows.append(f"{seen}，内界 {limits.inner} 例，外界 {limits.outer} 例：{found.why}")
        notes.append(found.why if found.score is None else "")
    plain = np.array(scores, dtype=np.float64)
    return Column(Drawn(plain, np.repeat(plain[None, :], draws, axis=0)), tuple(hows), tuple(notes), None, None)


def column_of(measure: AnyMeasure, figures: Sequence[Figure], rules: Rules, place: int) -> Column:
    """A measure with a better side, scored by the rules inside the class; `place` numbers it among the measures.

    Figures of too few cases (`rank.minimum_cases`) have no score, and nobody has one where too few hospitals do.
    """
    value, low, high = (
        np.array([np.nan if (found := getattr(one, key)) is None else found for one in figures], dtype=np.float64)
        for key in ("value", "low", "high")
    )
    count = np.array([one.count for one in figures], dtype=np.float64)
    usable = np.isfinite(value) & (count >= least_cases())
    plain, many = np.full(len(figures), np.nan), np.full((rules.draws, len(figures)), np.nan)
    some = int(usable.sum())
    hows = [""] * len(figures)
    if some >= rules.smallest:
        pool, sign = value[usable], SIGNS[measure.direction]
        ends = {"full_e4": rules.full_e4, "zero_e4": rules.zero_e4}
        drawn = redraw(pool, low[usable], high[usable], rules.draws, place=place, most=_MOST.get(measure.unit, np.inf))
        plain[usable] = class_scores(pool, sign, rules.method, **ends)
        many[:, usable] = class_scores(drawn, sign, rules.method, **ends)
        hows = _hows(measure, plain, pool, rules)
    notes = tuple(
        _why_not(one, some, rules.smallest) if np.isnan(score) else ""
        for one, score in zip(figures, plain, strict=True)
    )
    ranked = places(measure, low, high, count) if isinstance(measure, Measure) and has_interval(measure) else None
    return Column(
        Drawn(plain, many),
        tuple(hows),
        notes,
        ranked,
        best_quartile(measure, pool, count[usable]) if some >= rules.smallest else None,
    )


def _hows(measure: AnyMeasure, plain: Any, pool: Any, rules: Rules) -> list[str]:
    if rules.method == PERCENTILE:
        last = len(pool) - 1
        return [
            "" if np.isnan(score) else f"{last + 1} 家中好于 {score / FULL * last:g} 家（并列算半家）÷ {last} × 100"
            for score in plain
        ]
    sign = SIGNS[measure.direction]
    zero, full = (
        value_text(float(one[0]), measure.unit)
        for one in marks(pool, sign, full_e4=rules.full_e4, zero_e4=rules.zero_e4)
    )
    how = f"{len(pool)} 家中零分点 {zero}、满分点 {full}，按其间的距离"
    return ["" if np.isnan(score) else how for score in plain]


def _why_not(one: Figure, usable: int, smallest: int) -> str:
    if one.value is None:
        return one.note or "没有可用的数"
    if one.count < least_cases():
        return f"只有 {one.count} 例，少于 {least_cases()} 例"
    return f"同类有数的只有 {usable} 家，少于 {smallest} 家"
