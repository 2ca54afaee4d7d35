"""The fund reports of a home 基金报告: a quarter and the budget of a year, from what is loaded and closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.payment.fund import behaviour as acts
from tongpin.payment.fund.behaviour import behaviour
from tongpin.payment.fund.budget import enrolment, forecast
from tongpin.payment.fund.causes import line_causes, series_causes
from tongpin.payment.fund.events import SIDES, read_events
from tongpin.payment.fund.lines import READS, compared, grown, period_of
from tongpin.payment.fund.quarter import Verdicts, last_day, month_rows, quarter_rows, span_row
from tongpin.payment.fund.series import (
    SERIES,
    a_year_before,
    month_after,
    quarter_months,
    read_series,
    series_findings,
    short_code,
    year_months,
)
from tongpin.payment.fund.settled import settled_rows
from tongpin.payment.month.closed import area_of, closed_months, posted, statements
from tongpin.payment.policy.library import open_policy
from tongpin.records.intake.load import INSTITUTIONS, read_loaded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from tongpin.base.findings import Finding
    from tongpin.payment.fund.behaviour import Behaviour
    from tongpin.payment.fund.budget import Enrolled, Forecast
    from tongpin.payment.fund.causes import Cause
    from tongpin.payment.fund.lines import Compared, Grown
    from tongpin.payment.fund.quarter import FundQuarter
    from tongpin.payment.fund.series import Fund
    from tongpin.payment.fund.settled import Settled
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

VISITS = "outpatient_visit"
"""The table of the lake that holds the layout `outpatient-visit`."""
_MONTHS_OF_A_QUARTER = 3


@dataclass(frozen=True)
class QuarterReport:
    """A quarter of the funds of a home, and what is open or assumed.

    `funds`, `months`: figures and execution; `causes`: why spending differs from the year before; `behaviour`,
    `settled`: of the closed months of the quarter; `growth`, `compared`: empty where they are not all closed;
    `open_verdicts`: parameters that the edition leaves open, key → why; `assumed`: labels of the used ones that no
    document confirms.
    """

    quarter: str
    policy: Policy
    funds: list[FundQuarter]
    months: list[FundQuarter]
    causes: list[Cause]
    behaviour: list[Behaviour]
    settled: list[Settled]
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
    enrolled: list[Enrolled]
    findings: list[Finding]
    assumed: tuple[str, ...]


@dataclass(frozen=True)
class StateReport:
    """The funds at the end of a month: figures, months payable with their line, and the causes of deviations."""

    month: str
    policy: Policy
    funds: list[FundQuarter]
    causes: list[Cause]
    findings: list[Finding]
    open_verdicts: dict[str, str]
    assumed: tuple[str, ...]


def quarter_in_home(home: Home, quarter: str, area: str | None = None) -> QuarterReport:
    """The quarterly report of a home (`2025Q2`), judged by the edition in force in the quarter's last month (S003-04).

    Raises PolicyError (`fund.quarter`, `fund.empty`, `fund.missing`, `fund.lines`, `settle.area`, or the library's
    refusals).
    """
    months = quarter_months(quarter)
    funds = read_series(read_loaded(home, SERIES))
    area = area_of(home, area)
    policy = open_policy(home, area, months[-1])
    verdicts = Verdicts(policy, last_day(months[-1]))
    rows = quarter_rows(funds, quarter, verdicts)
    monthly = month_rows(funds, year_months(int(months[0][:4]), int(months[-1][5:])), verdicts)
    closed = closed_months(home, area)
    now, notes = _lines(home, area, closed, months), []
    before = _lines(home, area, closed, a_year_before(months))
    growth: list[Grown] = []
    pairs: list[Compared] = []
    acted: list[Behaviour] = []
    settled: list[Settled] = []
    span = rows[0].span
    held = [month for month in months if month in closed]
    if held:
        label = span if len(held) == len(months) else f"{'、'.join(held)}（已关账）"
        acted = _behaviour(home, funds, label, held, area, verdicts)
        settled = settled_rows(statements(home, area, held))
    if now is None:
        rest = "就医行为与结算只含这几个月，" if held else "就医行为、结算没有列出，"
        notes.append(f"本季只有 {len(held)} 个月已关账，{rest}按机构与服务的增长、指标对比没有列出")
    else:
        previous = [month_after(month, -_MONTHS_OF_A_QUARTER) for month in months]
        growth = grown(now, _lines(home, area, closed, previous), before, verdicts)
        if before is None:
            notes.append("上年同季没有全部关账，指标没有对比")
        else:
            pairs = compared(
                period_of(before, _weights(closed, a_year_before(months))), period_of(now, _weights(closed, months))
            )
    causes = [cause for fund in funds for cause in series_causes(fund, span, months)]
    if now is not None and before is not None:
        causes += [cause for fund in funds for cause in line_causes(fund, span, now, before)]
    return QuarterReport(
        quarter,
        policy,
        rows,
        monthly,
        causes,
        acted,
        settled,
        growth,
        pairs,
        series_findings(funds),
        tuple(notes),
        verdicts.open,
        assumed_of(policy, verdicts.used),
    )


def state_in_home(home: Home, month: str | None = None, area: str | None = None) -> StateReport:
    """The funds of a home at the end of a month, the last loaded one unless named (S003-03, S913-01).

    The causes are those of the funds whose execution in the month or in the year so far deviates beyond the edition's
    limit. PolicyError `fund.missing` when no fund has the month.
    """
    funds = read_series(read_loaded(home, SERIES))
    month = month or max(max(fund.months) for fund in funds)
    chosen = [fund for fund in funds if month in fund.months]
    if not chosen:
        raise PolicyError(
            "fund.missing", f"没有 {month} 的基金收支", where="fund-series", hint="装载该月的基金收支，或换一个月份"
        )
    policy = open_policy(home, area_of(home, area), month)
    verdicts = Verdicts(policy, last_day(month))
    so_far = year_months(int(month[:4]), int(month[5:]))
    rows, causes = [], []
    for fund in chosen:
        spans = {month: (month,)} | (
            {f"{so_far[0]} 至 {month}": so_far} if fund.has(so_far) and len(so_far) > 1 else {}
        )
        for label, span in spans.items():
            row = span_row(fund, label, span, verdicts)
            rows.append(row)
            causes += series_causes(fund, label, span) if row.over else []
    return StateReport(
        month, policy, rows, causes, series_findings(funds), verdicts.open, assumed_of(policy, verdicts.used)
    )


def budget_in_home(home: Home, year: int, area: str | None = None, events: Path | None = None) -> BudgetReport:
    """The forecast of income, spending and insured of every fund of a home for `year` (S003-01).

    `events`: the CSV of what changes the year. Raises PolicyError (`fund.empty`, `fund.history`, `fund.events`,
    `policy.gap`, or the library's refusals).
    """
    funds = read_series(read_loaded(home, SERIES))
    policy = open_policy(home, area_of(home, area), f"{year}-01")
    chosen = read_events(events) if events else []
    unknown = sorted({one.fund for one in chosen if one.year == year} - {fund.fund for fund in funds})
    if unknown:
        raise PolicyError(
            "fund.events", f"基金收支里没有基金 {'、'.join(unknown)}", where=str(events), hint="核对事件表的基金代码"
        )
    forecasts = [forecast(fund, side, year, policy, chosen) for fund in funds for side in SIDES]
    enrolled = [found for fund in funds if (found := enrolment(fund, year)) is not None]
    keys = {step.parameter for one in forecasts for step in one.steps if step.parameter}
    keys.add("fund.budget.growth")
    return BudgetReport(year, policy, forecasts, enrolled, series_findings(funds), assumed_of(policy, sorted(keys)))


def assumed_of(policy: Policy, keys: Iterable[str]) -> tuple[str, ...]:
    """The labels of parameters that no document confirms, of those named."""
    return tuple(policy.parameter(key).label for key in keys if policy.parameter(key).assumed)


def _lines(home: Home, area: str | None, closed: Mapping[str, Any], months: Sequence[str]) -> pa.Table | None:
    """The posted lines of months that are all closed, else None."""
    if not all(month in closed for month in months):
        return None
    return posted(home, area, months, READS)


def _behaviour(
    home: Home, funds: Sequence[Fund], span: str, months: Sequence[str], area: str | None, verdicts: Verdicts
) -> list[Behaviour]:
    lines = posted(home, area, (month_after(months[0], -1), *months), acts.READS)
    regions = {row["institution_code"]: row["region"] for row in read_loaded(home, INSTITUTIONS).to_pylist()}
    visits = _visits(home, months)
    days = verdicts.value("fund.behaviour.readmission_days")
    return [
        row
        for fund in funds
        for row in behaviour(fund, span, months, lines, regions, visits.get(short_code(fund.fund)), days)
    ]


def _visits(home: Home, months: Sequence[str]) -> dict[str, int]:
    """Outpatient visits in a span of months by insurance; empty where none are loaded."""
    visits = read_loaded(home, VISITS)
    month = pc.strftime(visits["visit_time"], format="%Y-%m")
    chosen = visits.filter(pc.is_in(month, pa.array(list(months), pa.string())))
    counted = chosen.group_by("insurance").aggregate([([], "count_all")])
    return {row["insurance"]: row["count_all"] for row in counted.to_pylist() if row["insurance"]}


def _weights(closed: Mapping[str, Mapping[str, Any]], months: Sequence[str]) -> str:
    """The version of the weights of closed months: edition and weight table."""
    return "、".join(sorted({f"{closed[month]['policy']} {closed[month]['weights_label']}" for month in months}))
