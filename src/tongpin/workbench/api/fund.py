"""Funds 基金: how they stand against budget and red line, their outlook with intervals, the budget of a year."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from tongpin.base.errors import PolicyError
from tongpin.base.findings import Finding
from tongpin.payment.fund.events import SIDES
from tongpin.payment.fund.outlook import LEVELS, outlook, unfit
from tongpin.payment.fund.quarter import CALM, LIGHTS, FundQuarter, Verdicts, last_day, month_rows
from tongpin.payment.fund.report_xlsx import basis_notices
from tongpin.payment.fund.run import BudgetReport, budget_in_home, state_in_home
from tongpin.payment.fund.series import SERIES, Fund, month_after, read_series, year_months
from tongpin.payment.month.closed import area_of
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.payment.policy.library import open_policy
from tongpin.records.intake.load import read_loaded
from tongpin.store.home import Home
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.documents import MONTH
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.api.sheets import Definition, Sheet, SheetColumn, SheetFigure, SheetSection
from tongpin.workbench.api.statements import Area
from tongpin.workbench.listings.views import state_of
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.today import today

router = APIRouter(tags=["基金"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("fund.read"))]
Month = Annotated[str, Query(pattern=MONTH)]
Year = Annotated[int, Query(ge=2015, le=2100)]
_FURTHEST = 3
"""How many years ahead a budget is formed."""
_AHEAD = 12
"""How many months the outlook goes beyond the last booked one."""


class FundMonthShown(BaseModel):
    """A booked month of a fund, in fen."""

    month: str
    income_fen: int
    spending_fen: int
    balance_fen: int | None
    budget_spending_fen: int | None


class MonthAhead(BaseModel):
    """An expected month: spending in fen, and its intervals by level in percent."""

    month: str
    expected_fen: int
    low_fen: dict[str, int]
    high_fen: dict[str, int]


class FundSeries(BaseModel):
    """A fund by month, booked and expected; `notes` say why there is no outlook, or how far to trust it."""

    fund: str
    label: str
    months: list[FundMonthShown]
    ahead: list[MonthAhead]
    notes: list[str]


@router.get("/fund/state", summary="基金运行：收支、执行、可支付月数")
def fund_state(asker: Reader, bench: Bench, month: Month, area: Area) -> Sheet:
    """The funds at the end of a month against their lines, with the causes of deviations. Errors: `fund.missing`."""
    home = asker.desk(bench.home)
    found = state_in_home(home, month, area)
    policy = found.policy
    definition = Definition(
        form="累计结余 ÷ 月均支出",
        population="全统筹区的基金收支表",
        period=f"{month} 月末",
        reference="S913-01、S003-03",
        simulated=bool(found.assumed),
    )
    latest = {one.fund: one for one in found.funds if one.span == month}
    verdicts = Verdicts(policy, last_day(month))
    figures = [_reserve(one, definition, verdicts) for one in latest.values()]
    causes = [one._asdict() for one in found.causes]
    open_verdicts = [f"没有判断：{why}" for why in found.open_verdicts.values()]
    return Sheet(
        title="基金运行",
        note=f"{month} · {policy.edition.label}",
        simulated=bool(found.assumed),
        figures=figures,
        sections=[
            SheetSection(
                id="funds", label="收支与执行", columns=FUND_COLUMNS, rows=[fund_row(one) for one in found.funds]
            ),
            SheetSection(
                id="causes",
                label="支出为什么变化",
                note="只列偏离预算超过提示线的基金；各原因之和等于变化",
                columns=[
                    SheetColumn(id="fund_label", label="基金"),
                    SheetColumn(id="span", label="期间"),
                    SheetColumn(id="of", label="比什么"),
                    SheetColumn(id="label", label="原因"),
                    SheetColumn(id="amount_fen", label="金额", kind="money", unit="万元"),
                    SheetColumn(id="formula", label="怎样得出"),
                ],
                rows=causes,
            ),
            *_findings(found.findings),
        ],
        notes=[*synthetic_notice(home), *basis_notices(found), *open_verdicts],
    )


@router.get("/fund/execution", summary="逐月预算执行")
def fund_execution(asker: Reader, bench: Bench, year: Year, area: Area) -> Sheet:
    """Every fund over each booked month of a year against its budget (S003-03)."""
    home = asker.desk(bench.home)
    policy = open_policy(home, area_of(home, area), f"{year}-01")
    verdicts = Verdicts(policy, last_day(f"{year}-12"))
    rows = month_rows(_funds(home), year_months(year), verdicts)
    return Sheet(
        title=f"{year} 年逐月执行",
        note="执行率 = 支出 ÷ 预算支出",
        sections=[
            SheetSection(id="months", label="逐月", columns=FUND_COLUMNS, rows=[fund_row(one) for one in rows]),
        ],
        notes=[*synthetic_notice(home), *(f"没有判断：{why}" for why in verdicts.open.values())],
    )


@router.get("/fund/series", summary="基金收支序列与预测区间")
def fund_series(asker: Reader, bench: Bench, area: Area) -> list[FundSeries]:
    """Booked months, and a year ahead with intervals of 80 % and 95 % (S003-01); `area` is kept for links."""
    del area  # the fund series is that of the home
    home = asker.desk(bench.home)
    return [*_series(home.root, state_of(home))]


@router.get("/fund/budget", summary="年度预算测算")
def fund_budget(asker: Reader, bench: Bench, year: Year, area: Area) -> Sheet:
    """Income and spending of every fund for a year, step by step, with intervals. Errors: `fund.history`."""
    home = asker.desk(bench.home)
    if year > today(home).year + _FURTHEST:
        raise PolicyError("fund.year", f"{year} 年太远，预测没有意义", where="year", hint=f"至多往后 {_FURTHEST} 年")
    found = _budget(home.root, state_of(home), year, area)
    rows, steps = [], []
    for one in found.forecasts:
        label = f"{one.fund_label} · {SIDES[one.side]}"
        bounds = {
            f"{edge}_{level}": one.intervals[level][place] if level in one.intervals else None
            for level in LEVELS
            for place, edge in enumerate(("low", "high"))
        }
        rows.append({"label": label, "last_fen": one.last_fen, "forecast_fen": one.forecast_fen, **bounds})
        steps += [{"of": label, **step._asdict()} for step in one.steps]
    notes = [f"{one.fund_label} · {SIDES[one.side]}：{note}" for one in found.forecasts for note in one.notes]
    enrolled = [
        {
            "fund_label": one.fund_label,
            "known_month": one.known_month,
            "known_count": one.known_count,
            "expected_count": one.expected_count,
        }
        for one in found.enrolled
    ]
    return Sheet(
        title=f"{year} 年基金预算测算",
        note=f"{found.policy.edition.label} · 测算，未经批准",
        simulated=bool(found.assumed),
        sections=[
            SheetSection(
                id="budget",
                label="收入与支出",
                columns=[
                    SheetColumn(id="label", label="基金"),
                    SheetColumn(id="last_fen", label=f"{year - 1} 年", kind="money", unit="亿元"),
                    SheetColumn(id="forecast_fen", label=f"{year} 年", kind="money", unit="亿元"),
                    *(
                        SheetColumn(id=f"{edge}_{level}", label=f"{level}% {words}", kind="money", unit="亿元")
                        for level in LEVELS
                        for edge, words in (("low", "下限"), ("high", "上限"))
                    ),
                ],
                rows=rows,
            ),
            SheetSection(
                id="steps",
                label="逐步",
                columns=[
                    SheetColumn(id="of", label="基金"),
                    SheetColumn(id="label", label="步骤"),
                    SheetColumn(id="formula", label="怎样得出"),
                    SheetColumn(id="amount_fen", label="金额", kind="money", unit="万元"),
                    SheetColumn(id="source", label="依据"),
                ],
                rows=steps,
            ),
            SheetSection(
                id="enrolled",
                label="参保人数",
                columns=[
                    SheetColumn(id="fund_label", label="基金"),
                    SheetColumn(id="known_month", label="最近月份"),
                    SheetColumn(id="known_count", label="参保人数", kind="integer"),
                    SheetColumn(id="expected_count", label=f"{year} 年末预计", kind="integer"),
                ],
                rows=enrolled,
            ),
            *_findings(found.findings),
        ],
        notes=[*synthetic_notice(home), *basis_notices(found), *dict.fromkeys(notes)],
    )


FUND_COLUMNS = [
    SheetColumn(id="fund_label", label="基金"),
    SheetColumn(id="span", label="期间"),
    SheetColumn(id="income_fen", label="收入", kind="money", unit="亿元"),
    SheetColumn(id="income_growth", label="同比", kind="ratio"),
    SheetColumn(id="spending_fen", label="支出", kind="money", unit="亿元"),
    SheetColumn(id="spending_growth", label="同比", kind="ratio"),
    SheetColumn(id="result_fen", label="当期结余", kind="money", unit="亿元"),
    SheetColumn(id="balance_fen", label="累计结余", kind="money", unit="亿元"),
    SheetColumn(id="spending_rate", label="支出执行率", kind="ratio"),
    SheetColumn(id="months_payable", label="可支付月数", kind="decimal"),
    SheetColumn(id="told", label="提示"),
]


def fund_row(one: FundQuarter) -> dict[str, Any]:
    """A fund over a span of months as a row of a page."""
    row = {name: float(value) if isinstance(value, Decimal) else value for name, value in one._asdict().items()}
    light = LIGHTS[one.light] if one.light and one.light != CALM else ""
    return row | {"told": "；".join(text for text in (one.over, light, one.events) if text)}


def _reserve(one: FundQuarter, definition: Definition, verdicts: Verdicts) -> SheetFigure:
    red, yellow = (verdicts.value(f"fund.months.{line}", fund_type=one.fund) for line in ("red", "yellow"))
    light = LIGHTS[one.light] if one.light else "没有判断：付费办法没有写红线、黄线"
    lines = "" if red is None or yellow is None else f"（黄线 {yellow} 个月，红线 {red} 个月）"
    return SheetFigure(
        id=f"months_{one.fund}",
        label=f"{one.fund_label} 可支付月数",
        value=None if one.months_payable is None else float(one.months_payable),
        unit="个月",
        note="；".join(text for text in (f"{light}{lines}", one.over) if text),
        definition=definition,
    )


def _findings(findings: list[Finding]) -> list[SheetSection]:
    if not findings:
        return []
    return [
        SheetSection(
            id="findings",
            label="收支表的问题",
            columns=[
                SheetColumn(id="file", label="哪里"),
                SheetColumn(id="message", label="问题"),
                SheetColumn(id="hint", label="怎么改"),
            ],
            rows=[{"file": one.file, "message": one.message, "hint": one.hint} for one in findings],
        )
    ]


def _funds(home: Home) -> list[Fund]:
    return read_series(read_loaded(home, SERIES))


@lru_cache(maxsize=2)
def _series(root: Path, _: Any) -> tuple[FundSeries, ...]:
    """The series of a home as it is now; an outlook takes a second a fund."""
    return tuple(_shown(fund) for fund in _funds(Home(root)))


@lru_cache(maxsize=4)
def _budget(root: Path, _: Any, year: int, area: str) -> BudgetReport:
    """The budget of a year as the home is now; its outlooks take seconds."""
    return budget_in_home(Home(root), year, area)


def _shown(fund: Fund) -> FundSeries:
    values = {month: one.spending_fen for month, one in fund.months.items()}
    booked = [
        FundMonthShown(**{name: getattr(one, name) for name in FundMonthShown.model_fields})
        for one in fund.months.values()
    ]
    why = unfit(values)
    if why:
        return FundSeries(fund=fund.fund, label=fund.label, months=booked, ahead=[], notes=[f"没有预测：{why}"])
    seen = outlook(values, month_after(max(values), _AHEAD))
    ahead = [
        MonthAhead(
            month=month,
            expected_fen=seen.expected[place],
            low_fen={str(level): seen.intervals[level][place][0] for level in LEVELS},
            high_fen={str(level): seen.intervals[level][place][1] for level in LEVELS},
        )
        for place, month in enumerate(seen.months)
    ]
    return FundSeries(fund=fund.fund, label=fund.label, months=booked, ahead=ahead, notes=list(seen.notes))
