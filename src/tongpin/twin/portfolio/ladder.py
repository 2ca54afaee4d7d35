"""The score as steps 得分的台阶: what moves can do to the simulated score, in linear rows with a yes or no each.

An indicator is a numerator by a denominator, both linear in the moves: that it beats a peer's figure `v` is the linear
row numerator − v × denominator ≥ 0. By percentiles a score is a sum of such steps, so that the programme stays linear
and exact; the slope of 功效系数 is taken as even steps from below. Every point is scored anew by `score.py` afterwards.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.compute as pc

from tongpin.measures.guokao.catalogue import BETTER_HIGH, BETTER_LOW, setting
from tongpin.measures.guokao.score import FULL, PERCENTILE, efficacy, percentile
from tongpin.twin.portfolio.assessed import base_of, is_filed, terms_of
from tongpin.twin.portfolio.catalogue import load_portfolio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tongpin.measures.guokao.catalogue import Indicator, Part
    from tongpin.twin.portfolio.assessed import Assessed
    from tongpin.twin.portfolio.frontier import Problem

    Row = NDArray[np.float64]
_MARGIN = 1e-6
"""A peer is beaten by at least so much of the indicator's unit."""
_ROUNDS = 20


class Step(NamedTuple):
    """A step of the score: `gain` points where `row` · cases reaches `least`."""

    row: Row
    least: float
    gain: float


class Ladder(NamedTuple):
    """The points that every plan has (`base`, of the indicators that moves change), and the steps above them."""

    base: float
    steps: tuple[Step, ...]

    def reached(self, cases: Row) -> float:
        """The points of a plan: so many cases of each choice."""
        return self.base + sum(one.gain for one in self.steps if float(one.row @ cases) >= one.least)


class _Ratio(NamedTuple):
    """A quotient linear above and below: today's numerator and denominator, and what a case of each choice does."""

    above: float
    below: float
    above_row: Row
    below_row: Row

    def row(self, quotient: float) -> tuple[Row, float]:
        """The row that is at least its bound where the quotient is at least so much."""
        return self.above_row - quotient * self.below_row, quotient * self.below - self.above


def ladder(problem: Problem, assessed: Assessed) -> Ladder:
    """The steps of the score that moves can reach; none without peers, or where nothing scored moves."""
    base, steps = 0.0, []
    if assessed.may_score and assessed.tables is not None:
        parts = Counter(row["no"] for row in assessed.values.to_pylist() if row["no"] in assessed.tables.weights)
        for one, part in assessed.moved_parts:
            weight = assessed.tables.weights.get(one.number, 0.0)
            found = _climbed(problem, assessed, one, part) if weight and one.number in parts else None
            if found is not None:
                share = weight / parts[one.number] / FULL
                base += found.base * share
                steps += [step._replace(gain=step.gain * share) for step in found.steps]
    return Ladder(base, tuple(steps))


def _climbed(problem: Problem, assessed: Assessed, one: Indicator, part: Part) -> Ladder | None:
    """The steps of one indicator, of 100 points; None where it is not scored by a direction."""
    lower = one.direction == BETTER_LOW
    if one.direction not in {BETTER_HIGH, BETTER_LOW}:
        return None
    peers = sorted(assessed.peers.filter(pc.equal(assessed.peers["sub"], part.sub))["value"].drop_null().to_pylist())
    ratio = _ratio(problem, assessed, part)
    growth_base = base_of(assessed, part) if part.rule == "growth" else None
    if len(peers) < int(setting("score.minimum_peers")) or ratio is None or (part.rule == "growth" and not growth_base):
        return None

    def value(quotient: float) -> float:
        return (quotient / float(growth_base) - 1 if growth_base else quotient) * part.times

    def quotient(figure: float) -> float:
        return (figure / part.times + 1) * float(growth_base) if growth_base else figure / part.times

    worst, best = (value(_end(problem, ratio, best=best != lower)) for best in (False, True))
    scored = _scorer(assessed.method, peers, lower=lower)
    if scored is None:
        return None
    figures = _figures(assessed.method, peers, worst, best)
    unit = part.times / (float(growth_base) if growth_base else 1.0) / ratio.below
    before, steps = scored(worst), []
    for figure in figures:
        row, least = ratio.row(quotient(figure + (-_MARGIN if lower else _MARGIN)))
        sign = -1.0 if lower else 1.0
        after = scored(figure + (-_MARGIN if lower else _MARGIN))
        if after > before:
            steps.append(Step(row * sign * unit, least * sign * unit, after - before))
            before = after
    return Ladder(scored(worst), tuple(steps))


def _scorer(method: str, peers: Sequence[float], *, lower: bool) -> Callable[[float], float] | None:
    """The score of a figure by a method; none where all peers are alike, or the method takes targets alone."""
    if method == PERCENTILE:
        return lambda figure: percentile(figure, peers, lower_is_better=lower)
    if method == "efficacy" and peers[0] < peers[-1]:
        return lambda figure: efficacy(figure, peers[0], peers[-1], lower_is_better=lower)
    return None


def _figures(method: str, peers: Sequence[float], worst: float, best: float) -> list[float]:
    """The figures between the worst and the best that can be reached at which the score steps up, from the worst on."""
    low, high = sorted((worst, best))
    if method == PERCENTILE:
        found = sorted(set(peers[bisect_left(peers, low) :]))
        kept = [figure for figure in found if low <= figure <= high]
    else:
        kept = np.linspace(low, high, load_portfolio().setting("efficacy_steps") + 1).tolist()
    return kept if worst <= best else kept[::-1]


def _ratio(problem: Problem, assessed: Assessed, part: Part) -> _Ratio | None:
    """The numerator and denominator of a part as the moves change them; None where something is not known."""
    sides = []
    for terms in (part.numerator, part.denominator):
        today, row = 0.0, np.zeros(len(problem.choices))
        for term in terms:
            name, sign = term.removeprefix("-"), -1 if term.startswith("-") else 1
            filed = is_filed(name)
            facts = terms_of(name)
            if any(one.fact in problem.stays.unfilled for one in facts) or (filed and name not in assessed.filed):
                return None
            known = assessed.filed.get(name, Fraction(0)) if filed else Fraction(0)
            for one in facts:
                row += sign * float(one.factor) * problem.deltas[one.fact]
                known += 0 if filed else problem.totals[one.fact] * one.factor
            today += sign * float(known)
        sides.append((today, row))
    (above, above_row), (below, below_row) = sides
    return _Ratio(above, below, above_row, below_row) if below > 0 else None


def _end(problem: Problem, ratio: _Ratio, *, best: bool) -> float:
    """The highest or lowest quotient that fractions of moves reach, by Dinkelbach's method: no plan lies beyond it."""
    sign = 1.0 if best else -1.0
    found = ratio.above / ratio.below
    for _ in range(_ROUNDS):
        row, _least = ratio.row(found)
        cases = problem.relaxed(sign * row)
        below = ratio.below + float(ratio.below_row @ cases)
        if below <= 0:
            break
        better = (ratio.above + float(ratio.above_row @ cases)) / below
        if abs(better - found) <= _MARGIN * abs(found):
            break
        found = better
    return found
