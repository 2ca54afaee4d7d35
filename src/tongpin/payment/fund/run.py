"""The fund reports of a home 基金报告: a quarter and the budget of a year, from what is loaded and closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.base.errors import PolicyError
from tongpin.payment.fund.budget import SIDES, forecast, read_events
from tongpin.payment.fund.lines import READS, compared, grown, period_of
from tongpin.payment.fund.quarter import Verdicts, last_day, month_rows, quarter_rows
from tongpin.payment.fund.series import (
    SERIES,
    a_year_before,
    month_after,
    quarter_months,
    read_series,
    series_findings,
    year_months,
)
from tongpin.payment.month.run import LINES, closed_months
from tongpin.payment.policy.library import open_policy
from tongpin.records.intake.load import read_loaded
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from tongpin.base.findings import Finding
    from tongpin.payment.fund.budget import Forecast
    from tongpin.payment.fund.lines import Compared, Grown
    from tongpin.payment.fund.quarter import FundQuarter
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

_MONTHS_OF_A_QUARTER = 3


@dataclass(frozen=True)
class QuarterReport:
    """A quarter of the funds of a home: figures, months, growth, two years side by side, and what is open or assumed.

    `open_verdicts`: parameters that the edition leaves open, key → why; `assumed`: labels of the used ones that no
    document confirms.
    """

    quarter: str
    policy: Policy
    funds: list[FundQuarter]
    months: list[FundQuarter]
    growth: list[Grown]
    compared: list[Compared]
    findings: list[Finding]
    notes: tuple[str, ...]
    open_verdicts: dict[str, str]
    assumed: tuple[str, ...]


@dataclass(frozen=True)
class BudgetReport:
    """The forecasts of a year for the funds of a home, and what they rest on."""

    year: int
    policy: Policy
    forecasts: list[Forecast]
    findings: list[Finding]
    assumed: tuple[str, ...]


def quarter_in_home(home: Home, quarter: str, area: str | None = None) -> QuarterReport:
    """The quarterly report of a home (`2025Q2`), judged by the edition in force in the quarter's last month (S003-04).

    Raises PolicyError (`fund.quarter`, `fund.empty`, `fund.missing`, `fund.lines`, or the library's refusals).
    """
    months = quarter_months(quarter)
    funds = read_series(read_loaded(home, SERIES))
    policy = open_policy(home, area, months[-1])
    verdicts = Verdicts(policy, last_day(months[-1]))
    rows = quarter_rows(funds, quarter, verdicts)
    monthly = month_rows(funds, year_months(int(months[0][:4]), int(months[-1][5:])), verdicts)
    closed = closed_months(home)
    now, notes = _lines(home, closed, months), []
    before = _lines(home, closed, a_year_before(months))
    growth: list[Grown] = []
    pairs: list[Compared] = []
    if now is None:
        held = [month for month in months if month in closed]
        notes.append(f"本季只有 {len(held)} 个月已关账，按机构与服务的增长、指标对比没有列出")
    else:
        previous = [month_after(month, -_MONTHS_OF_A_QUARTER) for month in months]
        growth = grown(now, _lines(home, closed, previous), before, verdicts)
        if before is None:
            notes.append("上年同季没有全部关账，指标没有对比")
        else:
            pairs = compared(
                period_of(before, _weights(closed, a_year_before(months))), period_of(now, _weights(closed, months))
            )
    return QuarterReport(
        quarter,
        policy,
        rows,
        monthly,
        growth,
        pairs,
        series_findings(funds),
        tuple(notes),
        verdicts.open,
        _assumed(policy, verdicts.used),
    )


def budget_in_home(home: Home, year: int, area: str | None = None, events: Path | None = None) -> BudgetReport:
    """The forecast of income and spending of every fund of a home for `year` (S003-01).

    `events`: the CSV of what changes the year. Raises PolicyError (`fund.empty`, `fund.history`, `fund.events`,
    `policy.gap`, or the library's refusals).
    """
    funds = read_series(read_loaded(home, SERIES))
    policy = open_policy(home, area, f"{year}-01")
    chosen = read_events(events) if events else []
    unknown = sorted({one.fund for one in chosen if one.year == year} - {fund.fund for fund in funds})
    if unknown:
        raise PolicyError(
            "fund.events", f"基金收支里没有基金 {'、'.join(unknown)}", where=str(events), hint="核对事件表的基金代码"
        )
    forecasts = [forecast(fund, side, year, policy, chosen) for fund in funds for side in SIDES]
    keys = {step.parameter for one in forecasts for step in one.steps if step.parameter}
    keys.add("fund.budget.growth")
    return BudgetReport(year, policy, forecasts, series_findings(funds), _assumed(policy, sorted(keys)))


def _lines(home: Home, closed: Mapping[str, Any], months: Sequence[str]) -> pa.Table | None:
    """The posted lines of months that are all closed, else None."""
    if not all(month in closed for month in months):
        return None
    return lake.read(home, LINES, READS, where=("period", pa.array(months, pa.string())))


def _weights(closed: Mapping[str, Mapping[str, Any]], months: Sequence[str]) -> str:
    """The version of the weights of closed months: edition and weight table."""
    return "、".join(sorted({f"{closed[month]['policy']} {closed[month]['weights_label']}" for month in months}))


def _assumed(policy: Policy, keys: Sequence[str] | Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(policy.parameter(key).label for key in keys if policy.parameter(key).assumed)
