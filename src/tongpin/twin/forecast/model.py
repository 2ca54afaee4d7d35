"""The models 预测模型: paths of months to come, for amounts by month and for rates of one amount by another.

Amounts: the state-space outlook of a fund's series (ADR 0007) from 24 months on, growth over the year before from 15,
else mean and spread of the months. Rates: a weighted regression. Coverage is measured by `tongpin bench forecast`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import numpy as np

from tongpin.base.money import SCALE
from tongpin.payment.fund.outlook import LEAST_MONTHS, outlook
from tongpin.payment.fund.series import month_after
from tongpin.twin.forecast.catalogue import LEVELS, MEAN, RARE, setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SEASON = 12
STATE_SPACE, YEARLY, LEVEL, RATE, COUNTS = "state_space", "yearly", "level", "rate", "counts"
METHOD_LABELS: dict[str, str] = {
    STATE_SPACE: "状态空间（趋势与季节）",
    YEARLY: "同比",
    LEVEL: "月均与波动（没有季节）",
    RATE: "加权回归",
    COUNTS: "稀少事件计数",
}
_FEWEST_PARTS = 1e-12
"""Below this a logarithm is not taken."""


class Ahead(NamedTuple):
    """Months to come: expected (months), paths (months × paths), by which method; `reason` where there is none."""

    expected: Any
    paths: Any
    method: str = ""
    reason: str = ""


def nothing(reason: str) -> Ahead:
    """No forecast, and why."""
    return Ahead(None, None, "", reason)


def stream(*names: str) -> np.random.Generator:
    """A random stream of its own for these names, the same in every run."""
    return np.random.default_rng([crc32(name.encode()) for name in names])


def months_between(first: str, last: str) -> tuple[str, ...]:
    """The months from one to another, both included; none where the last lies before the first."""
    found = []
    month = first
    while month <= last:
        found.append(month)
        month = month_after(month, 1)
    return tuple(found)


def unbroken(values: Mapping[str, float]) -> dict[str, float]:
    """The latest months of a series without a gap between them and without one at or below zero."""
    kept: dict[str, float] = {}
    for month in sorted(values, reverse=True):
        if values[month] <= 0 or (kept and month_after(month, 1) not in kept):
            break
        kept[month] = values[month]
    return dict(sorted(kept.items()))


def amounts_ahead(values: Mapping[str, float], ahead: Sequence[str], rng: np.random.Generator) -> Ahead:
    """The months `ahead` of a monthly amount above zero, which follow on its last month."""
    known = unbroken(values)
    if len(known) < setting("history.least"):
        return nothing(f"只有 {len(known)} 个连续的月份，至少要 {setting('history.least')} 个")
    paths = setting("paths")
    if len(known) >= LEAST_MONTHS:
        whole = {month: max(round(value), 1) for month, value in known.items()}
        made = outlook(whole, ahead[-1], paths=paths)
        # The outlook draws the same numbers for every series; each series gets them in an order of its own.
        drawn = np.asarray(made.paths)[:, rng.permutation(paths)]
        return Ahead(np.array(made.expected, float), drawn, STATE_SPACE)
    before = [month_after(month, -SEASON) for month in ahead]
    if len(known) >= setting("history.yearly") and all(month in known for month in before):
        growth = [
            np.log(value / known[month_after(month, -SEASON)])
            for month, value in known.items()
            if month_after(month, -SEASON) in known
        ]
        base = np.array([known[month] for month in before])
        drift = _drawn_level(np.array(growth), len(ahead), paths, rng)
        return Ahead(base * np.exp(np.mean(growth)), base[:, None] * np.exp(drift), YEARLY)
    logs = np.log(np.array(list(known.values())))
    drawn = np.exp(_drawn_level(logs, len(ahead), paths, rng))
    return Ahead(np.full(len(ahead), float(np.exp(logs.mean()))), drawn, LEVEL)


def _drawn_level(values: Any, months: int, paths: int, rng: np.random.Generator) -> Any:
    """Months to come of numbers that vary about a level: level and spread are uncertain, too (Student's t)."""
    size = len(values)
    spread = np.std(values, ddof=1) * np.sqrt((size - 1) / rng.chisquare(size - 1, paths))
    level = np.mean(values) + spread * rng.normal(size=paths) / np.sqrt(size)
    return level + spread * rng.normal(size=(months, paths))


def rates_ahead(
    part: Mapping[str, float],
    whole: Mapping[str, float],
    coming: Any,
    ahead: Sequence[str],
    kind: str,
    rng: np.random.Generator,
    steps: Sequence[str] = (),
) -> Ahead:
    """Paths of an amount that follows another by a rate: `coming` are the expected months of the other.

    `kind`: mean (logarithms, with a trend), share, rare. `steps`: months at which
    the rate may have jumped (another edition). Gives the rate (months × paths); of rare events the counts themselves.
    """
    window = setting("history.window_share" if kind != MEAN else "history.window_mean")
    months = [month for month in sorted(whole) if whole[month] > 0 and month in part][-window:]
    if len(months) < setting("history.least"):
        return nothing(f"只有 {len(months)} 个月有数，至少要 {setting('history.least')} 个")
    coming = np.maximum(np.asarray(coming, float), _FEWEST_PARTS)
    parts, wholes = (np.array([values[month] for month in months], float) for values in (part, whole))
    if kind == RARE or (kind != MEAN and parts.mean() < setting("rare.below")):
        return _counts(parts.sum(), wholes.sum(), coming, rng)
    by_logarithm = kind == MEAN and bool((parts > _FEWEST_PARTS).all())
    rate = np.log(parts / wholes) if by_logarithm else parts / wholes
    every = [*months, *ahead]
    columns = [np.array([month >= step for month in every], float) for step in steps if months[0] < step <= months[-1]]
    design = _Design(np.stack([np.ones(len(every)), *columns], 1), len(months), None)
    if by_logarithm:
        design = design.with_trend()
    expected, drawn = _regression(rate, design, wholes, coming, rng)
    if by_logarithm:
        return Ahead(np.exp(expected), np.exp(drawn), RATE)
    return Ahead(np.maximum(expected, 0.0), np.maximum(drawn, 0.0), RATE)


class _Design(NamedTuple):
    """What a rate depends on, months known first, then those to come; `trend` is the column of the years, if any."""

    columns: Any
    known: int
    trend: int | None

    def with_trend(self) -> _Design:
        """With a column of years, counted from the middle of the months known."""
        years = np.arange(len(self.columns)) / SEASON
        column = (years - years[: self.known].mean())[:, None]
        return _Design(np.hstack([self.columns, column]), self.known, self.columns.shape[1])


def _regression(rate: Any, design: _Design, wholes: Any, coming: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """Rates to come, expected and drawn; a month weighs as much as its whole, and spreads the less the larger it is.

    A trend is held near zero by a prior (mixed estimation: one more row), so that few months do not run away with it.
    """
    from statsmodels.regression.linear_model import WLS

    size, paths = design.known, setting("paths")
    known, ahead = design.columns[:size], design.columns[size:]
    weights = wholes / wholes.mean()
    fitted = WLS(rate, known, weights=weights).fit()
    freedom = max(float(fitted.df_resid), 1.0)
    if design.trend is not None:
        row = np.zeros(known.shape[1])
        row[design.trend] = 1.0
        prior = max(float(fitted.scale), 0.0) / (setting("trend.spread_e4") / SCALE) ** 2
        fitted = WLS(np.append(rate, 0.0), np.vstack([known, row]), weights=np.append(weights, prior)).fit()
        freedom = max(float(fitted.df_resid), 1.0)
    spread = np.sqrt(max(float(fitted.scale), 0.0) * freedom / rng.chisquare(freedom, paths))
    root = _root(np.asarray(fitted.normalized_cov_params))
    drawn = np.asarray(fitted.params)[:, None] + root @ rng.normal(size=(known.shape[1], paths)) * spread
    noise = rng.normal(size=(len(coming), paths)) * spread / np.sqrt(coming / wholes.mean())[:, None]
    return ahead @ np.asarray(fitted.params), ahead @ drawn + noise


def _root(covariance: Any) -> Any:
    """A matrix whose product with its own transpose is the covariance, also where that is singular."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _counts(events: float, exposure: float, coming: Any, rng: np.random.Generator) -> Ahead:
    """Counts of rare events: the rate is a gamma variable after what was seen, the counts of months are Poisson."""
    rate = rng.gamma(events + 0.5, 1 / exposure, setting("paths"))
    return Ahead(coming * events / exposure, rng.poisson(coming[:, None] * rate).astype(float), COUNTS)


def bounds(values: Any, expected: float) -> dict[int, tuple[float, float]]:
    """The intervals of simulated values by level; the expected value always lies inside."""
    found = {}
    for level in LEVELS:
        low, high = np.percentile(values, [(100 - level) / 2, (100 + level) / 2])
        found[level] = (min(float(low), expected), max(float(high), expected))
    return found
