"""The outlook of a monthly series 月度序列预测: expected months, intervals of months and of their sums (S003-01).

Trend and season by the state-space models of statsmodels (ADR 0007). The library is imported where it is used.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.payment.fund.series import month_after

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST_MONTHS, SURE_MONTHS = 24, 36
"""Two whole seasons are needed; below three the measured coverage of the intervals is lower, and readers are told."""

SEASON = 12
PATHS = 1_000
LEVELS: tuple[int, ...] = (80, 95)
"""The intervals, in percent. Their coverage is measured in tests/payment/test_fund_outlook.py."""
_SEED = 20_260_101
_STEPS_OF_FIT = 200
_UNIT = 100
"""The model sees hundredths of logarithms (percent): with variances near one the estimation converges."""


class Span(NamedTuple):
    """The sum of some months, in the unit of the series: what is expected, and the intervals by level (`LEVELS`)."""

    expected: int
    intervals: dict[int, tuple[int, int]]


@dataclass(frozen=True)
class Outlook:
    """The months after the end of a series: expected values and simulated paths (months × paths, NumPy floats).

    `notes`: what a reader has to know, in words.
    """

    months: tuple[str, ...]
    expected: tuple[int, ...]
    intervals: dict[int, tuple[tuple[int, int], ...]]
    paths: Any
    notes: tuple[str, ...]

    def span(self, months: Sequence[str], known: int = 0) -> Span:
        """The sum of some of the months, `known` (what is already booked) added to it."""
        import numpy as np

        rows = [self.months.index(month) for month in months]
        sums = self.paths[rows].sum(axis=0)
        found = {}
        for level in LEVELS:
            low, high = np.percentile(sums, [(100 - level) / 2, (100 + level) / 2])
            found[level] = (known + round(float(low)), known + round(float(high)))
        return Span(known + sum(self.expected[row] for row in rows), found)


def unfit(values: Mapping[str, int | None]) -> str:
    """Why a series by month cannot be forecast, in words; empty when it can."""
    months = sorted(values)
    if len(months) < LEAST_MONTHS:
        return f"只有 {len(months)} 个月，预测至少要 {LEAST_MONTHS} 个月（两个完整的季节）"
    if month_after(months[0], len(months) - 1) != months[-1]:
        return "中间缺月份"
    for month in months:
        value = values[month]
        if value is None or value <= 0:
            return f"{month} 没有数或不大于零"
    return ""


def outlook(values: Mapping[str, int], until: str, *, paths: int = PATHS) -> Outlook:
    """The months from the end of a series (`YYYY-MM` → amount above zero) up to and with `until`.

    A trend whose level may drift and a season that repeats, fitted to the logarithms; the same series always gives the
    same numbers. PolicyError `fund.history` when the series is not fit (`unfit`) or `until` does not lie behind it.
    """
    why = unfit(values)
    months = sorted(values)
    if not why and until <= months[-1]:
        why = f"{until} 已有数，不用预测"
    if why:
        raise PolicyError("fund.history", f"时间序列预测作不出：{why}", where="fund-series", hint="补上以前各月的数据")
    import numpy as np
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    ahead = [month_after(months[-1], 1)]
    while ahead[-1] < until:
        ahead.append(month_after(ahead[-1], 1))
    logarithms = _UNIT * np.log(np.array([values[month] for month in months], dtype=float))
    with warnings.catch_warnings():
        # Whether the estimation converged is asked below and said in words.
        warnings.simplefilter("ignore")
        # Exactly diffuse: with large numbers instead, a series without noise ends in variances below zero.
        model = UnobservedComponents(
            logarithms, level="lldtrend", seasonal=SEASON, stochastic_seasonal=False, use_exact_diffuse=True
        )
        fitted = model.fit(disp=0, maxiter=_STEPS_OF_FIT)
        coming = fitted.get_forecast(len(ahead))
        drawn = fitted.simulate(len(ahead), anchor="end", repetitions=paths, rng=np.random.default_rng(_SEED))
    expected = np.exp(coming.predicted_mean / _UNIT + coming.var_pred_mean / _UNIT**2 / 2)
    bounds = {level: np.exp(coming.conf_int(alpha=1 - level / 100) / _UNIT) for level in LEVELS}
    return Outlook(
        tuple(ahead),
        tuple(round(float(one)) for one in expected),
        {level: tuple((round(float(low)), round(float(high))) for low, high in rows) for level, rows in bounds.items()},
        np.exp(np.asarray(drawn).reshape(len(ahead), paths) / _UNIT),
        _notes(len(months), converged=bool(fitted.mle_retvals["converged"])),
    )


def _notes(size: int, *, converged: bool) -> tuple[str, ...]:
    notes = []
    if size < SURE_MONTHS:
        notes.append(f"历史 {size} 个月，不足三年：区间偏窄，回测的实际覆盖低于标称（见说明）")
    if not converged:
        notes.append("模型估计没有收敛（序列几乎没有波动时常见），区间只作参考")
    return tuple(notes)


class HoldOut(NamedTuple):
    """A forecast of the last twelve months of a series from those before: months inside by level, error of the sum."""

    inside: dict[int, int]
    error: float


def held_out(values: Mapping[str, int], *, paths: int = PATHS) -> HoldOut | None:
    """How a forecast made a year ago would have fared; None where the months before are not fit for one."""
    months = sorted(values)
    before, last = months[:-SEASON], months[-SEASON:]
    if not last or unfit({month: values[month] for month in before}):
        return None
    made = outlook({month: values[month] for month in before}, last[-1], paths=paths)
    inside = {
        level: sum(
            low <= values[month] <= high for month, (low, high) in zip(made.months, made.intervals[level], strict=True)
        )
        for level in LEVELS
    }
    happened = sum(values[month] for month in last)
    return HoldOut(inside, sum(made.expected) / happened - 1)
