"""Scoring 计分: scores of 0–100 inside a class, and how far chance alone may move them.

Every figure is drawn again as often as the table says, by its own interval; scores, sums and places are taken anew in
each draw, so that a hospital of few cases has a wide interval instead of a rank. Pure; the draws are always the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tongpin.base.money import SCALE
from tongpin.measures.evaluation.catalogue import PERCENTILE
from tongpin.measures.intervals import confidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

FULL = 100.0
_TIE = 50.0
_SEED = 20_040_023
_SMALL = 1e-9


class Drawn(NamedTuple):
    """The score of each hospital as its figures stand (`plain`, n) and in every draw (`draws`, m × n); NaN: none."""

    plain: Numbers
    draws: Numbers

    def only(self, at: int) -> Drawn:
        """The same of one hospital alone."""
        return Drawn(self.plain[[at]], self.draws[:, [at]])


def redraw(value: Numbers, low: Numbers, high: Numbers, draws: int, *, place: int, most: float) -> Numbers:
    """Figures drawn again, `draws` × n: normal about the figure by its interval, kept between 0 and `most`.

    A figure without an interval stays as it is. `place` numbers the measure, so that each has draws of its own.
    """
    from scipy import stats  # takes a second, and most who come here never need it

    z = float(stats.norm.ppf((1 + confidence()) / 2))
    error = np.where(np.isfinite(low) & np.isfinite(high), (high - low) / (2 * z), 0.0)
    generator = np.random.default_rng([_SEED, place])
    drawn: Numbers = value + generator.standard_normal((draws, len(value))) * error
    kept: Numbers = np.clip(drawn, 0.0, most)
    return kept


def class_scores(values: Numbers, sign: int, method: str, *, full_e4: int, zero_e4: int) -> Numbers:
    """The scores 0–100 of figures (… × n, all of one class) by a method; `sign` −1 where less is better.

    `percentile`: (worse + ties ÷ 2) ÷ (n − 1); one alone, or all alike, score 50. `distance`: from the zero point to
    the full point of the class, both quantiles from worst to best; where the two are one, who reaches it scores 100.
    """
    from scipy import stats  # takes a second, and most who come here never need it

    better: Numbers = values * sign
    count = better.shape[-1]
    if method == PERCENTILE:
        if count < 2:  # noqa: PLR2004  # nobody to compare with
            return np.full(better.shape, _TIE)
        shares: Numbers = (stats.rankdata(better, method="average", axis=-1) - 1) / (count - 1)
        return shares * FULL
    zero, full = (one * sign for one in marks(values, sign, full_e4=full_e4, zero_e4=zero_e4))
    span = full - zero
    reached = np.where(better >= full - _SMALL, 1.0, 0.0)
    share = np.where(span > _SMALL, (better - zero) / np.where(span > _SMALL, span, 1.0), reached)
    scores: Numbers = np.clip(share, 0.0, 1.0) * FULL
    return scores


def marks(values: Numbers, sign: int, *, full_e4: int, zero_e4: int) -> tuple[Numbers, Numbers]:
    """The zero point and the full point of figures (… × n): quantiles from worst to best (… × 1)."""
    ends = (np.quantile(values * sign, one / SCALE, axis=-1, keepdims=True) * sign for one in (zero_e4, full_e4))
    zero, full = ends
    return zero, full


def weighted(parts: Sequence[Drawn], weights: Sequence[int], least_e4: int, *, refuse: bool = False) -> Drawn:
    """Scores put together by weight over the parts that are there; NaN where too little weight is left.

    `least_e4`: the share of the weight that has to be there; `refuse`: one missing part leaves the whole without score.
    """
    whole = sum(weights)
    there = np.array([np.isfinite(one.plain) for one in parts])
    used = (np.array(weights)[:, None] * there).sum(axis=0)
    enough = (used * SCALE >= least_e4 * whole) & (used > 0)
    if refuse:
        enough &= there.all(axis=0)
    total = np.where(enough, used, 1)

    def together(scores: Sequence[Numbers]) -> Any:
        sums = sum(weight * np.where(np.isfinite(one), one, 0.0) for weight, one in zip(weights, scores, strict=True))
        return np.where(enough, sums / total, np.nan)

    return Drawn(together([one.plain for one in parts]), together([one.draws for one in parts]))


def bounds(drawn: Drawn) -> tuple[Numbers, Numbers]:
    """The interval of each score over the draws, at the confidence of intervals; NaN where there is no score.

    It always holds the score itself: chance draws high and low scores to the middle of the class.
    """
    draws = drawn.draws
    tail = (1 - confidence()) / 2
    some = np.isfinite(draws).all(axis=0)
    safe = np.where(some, draws, 0.0)
    low, high = (np.quantile(safe, one, axis=0) for one in (tail, 1 - tail))
    ends = (np.where(some, end, np.nan) for end in (np.minimum(low, drawn.plain), np.maximum(high, drawn.plain)))
    lower, upper = ends
    return lower, upper


def rank_range(draws: Numbers) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """The best and worst place of each score over the draws, and of how many; 0: no place. At the usual confidence."""
    from scipy import stats  # takes a second, and most who come here never need it

    some = np.isfinite(draws).all(axis=0)
    first, last = np.zeros(draws.shape[1], dtype=np.int64), np.zeros(draws.shape[1], dtype=np.int64)
    ranked = int(some.sum())
    if ranked:
        tail = (1 - confidence()) / 2
        ranks = stats.rankdata(-draws[:, some], method="average", axis=1)
        first[some] = np.floor(np.quantile(ranks, tail, axis=0) + _SMALL).astype(np.int64)
        last[some] = np.ceil(np.quantile(ranks, 1 - tail, axis=0) - _SMALL).astype(np.int64)
    return first, last, ranked
