"""The budget of a fund 基金预算: next year's income and spending from history, insured, growth and events (S003-01).

The growth is that of the outlook of the series, or stands in the edition; the intervals are always of the outlook.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import check_balance, round_half_up, split_fen
from tongpin.payment.fund.events import EVENT_KINDS, SIDES
from tongpin.payment.fund.outlook import LEVELS, held_out, outlook, unfit
from tongpin.payment.fund.series import year_months

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.payment.fund.events import Event
    from tongpin.payment.fund.outlook import Outlook
    from tongpin.payment.fund.series import Fund
    from tongpin.payment.policy.policy import Policy

MODEL = "model"
MONTHS = 12
WIDEST = LEVELS[-1]


class Step(NamedTuple):
    """One line of how a forecast was formed: label, formula, amount in fen, parameter, and where it stands or 模拟."""

    label: str
    formula: str
    amount_fen: int
    parameter: str
    source: str


class Forecast(NamedTuple):
    """Income or spending of a fund for a year, in fen: last year, forecast, intervals, months, and the steps between.

    `intervals`: low and high by level in percent, empty where the history is too short for the outlook; `months_fen`:
    the forecast by month, summing to it; `notes`: what a reader has to know, in words.
    """

    region: str
    fund: str
    fund_label: str
    side: str
    year: int
    last_fen: int
    forecast_fen: int
    intervals: dict[int, tuple[int, int]]
    months_fen: dict[str, int]
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


class Enrolled(NamedTuple):
    """The insured of a fund at the end of a year: last known count and its month, what is expected, intervals."""

    region: str
    fund: str
    fund_label: str
    year: int
    known_month: str
    known_count: int
    expected_count: int
    intervals: dict[int, tuple[int, int]]
    notes: tuple[str, ...]


def multiplied(last_fen: int, enrolment: Fraction, growth: Fraction) -> int:
    """Last year × (1 + growth of insured) × (1 + growth per head), rounded to the fen once (TV-C9)."""
    exact = last_fen * (1 + enrolment) * (1 + growth)
    return round_half_up(exact.numerator, exact.denominator)


def forecast(fund: Fund, side: str, year: int, policy: Policy, events: Sequence[Event] = ()) -> Forecast:
    """The income or spending of a fund in `year` (S003-01).

    The edition says on the first day of `year` whether the growth is that of the outlook or stands in it
    (`fund.budget.growth`). Months of the year before that are not booked yet are taken from the outlook. PolicyError
    `fund.history` when the history is too short for what is asked, `policy.gap` when the edition leaves a value open.
    """
    name = f"{side}_fen"
    seen = _seen(fund, name, year)
    months = year_months(year)
    growth_by = policy.value("fund.budget.growth", date(year, 1, 1), fund_type=fund.fund)
    last, base = _last_year(fund, name, year, seen)
    span = seen.span(months) if seen else None
    if growth_by == MODEL:
        if seen is None or span is None:
            raise _short(fund, name)
        grown = _of_outlook(fund, year, last, span.expected - last)
        before_events = span.expected
        weights = [seen.expected[seen.months.index(month)] for month in months]
    else:
        grown = _stated(fund, side, year, policy, last)
        before_events = last + sum(step.amount_fen for step in grown)
        weights = _weights(fund, name, year, seen)
    plan = dict(zip(months, split_fen(before_events, weights), strict=True))
    chosen = [one for one in events if (one.year, one.fund, one.side) == (year, fund.fund, side)]
    moves = [one.moves(plan) for one in chosen]
    total = before_events + sum(moves)
    steps = (
        Step(f"{year - 1} 年{SIDES[side]}", base, last, "", "基金收支"),
        *grown,
        *(
            Step(EVENT_KINDS[one.kind], one.formula(), amount, "", one.document or "模拟")
            for one, amount in zip(chosen, moves, strict=True)
        ),
    )
    shares = dict(plan)
    for one, amount in zip(chosen, moves, strict=True):
        for month, part in zip(one.months, split_fen(amount, [shares[month] for month in one.months]), strict=True):
            plan[month] += part
    check_balance("fund.budget", "预算各步之和与预算", sum(step.amount_fen for step in steps), total)
    check_balance("fund.budget", "各月预算之和与预算", sum(plan.values()), total)
    intervals = {}
    if span is not None:
        intervals = {level: (low + sum(moves), high + sum(moves)) for level, (low, high) in span.intervals.items()}
    notes = _notes(fund, name, seen, intervals, total)
    return Forecast(fund.region, fund.fund, fund.label, side, year, last, total, intervals, plan, steps, notes)


def enrolment(fund: Fund, year: int) -> Enrolled | None:
    """The insured at the end of `year`, with intervals; None without any count, or when the year is already known."""
    counts = {month: one.enrolled_count for month, one in fund.months.items() if one.enrolled_count is not None}
    end = year_months(year)[-1]
    if not counts or max(counts) >= end:
        return None
    known = max(counts)
    why = unfit(counts)
    if why:
        notes = (f"没有预测，按最近一个月列出：{why}",)
        return Enrolled(fund.region, fund.fund, fund.label, year, known, counts[known], counts[known], {}, notes)
    seen = outlook(counts, end)
    found = seen.span((end,))
    return Enrolled(
        fund.region, fund.fund, fund.label, year, known, counts[known], found.expected, found.intervals, seen.notes
    )


def _seen(fund: Fund, name: str, year: int) -> Outlook | None:
    """The outlook of an amount up to the end of `year`, from the months before the year; None where it cannot be."""
    history = _history(fund, name, year)
    return None if unfit(history) else outlook(history, year_months(year)[-1])


def _history(fund: Fund, name: str, year: int) -> dict[str, int]:
    return {month: getattr(one, name) for month, one in fund.months.items() if month < year_months(year)[0]}


def _short(fund: Fund, name: str) -> PolicyError:
    why = unfit({month: getattr(one, name) for month, one in fund.months.items()}) or "以前年度的月份不够"
    return PolicyError(
        "fund.history",
        f"{fund.label}不能作时间序列预测：{why}",
        where=f"fund-series {fund.region} {fund.fund}",
        hint="补上以前各月的基金收支，或在付费办法中把 fund.budget.growth 写成 stated 并写出增长",
    )


def _last_year(fund: Fund, name: str, year: int, seen: Outlook | None) -> tuple[int, str]:
    """The amount of the year before in fen, booked months and expected ones, and how it came about."""
    months = year_months(year - 1)
    booked = [month for month in months if month in fund.months]
    lacking = [month for month in months if month not in fund.months]
    amount = sum(getattr(fund.months[month], name) for month in booked)
    if not lacking:
        return amount, "十二个月之和"
    if seen is None or not booked or any(month not in seen.months for month in lacking):
        raise PolicyError(
            "fund.history",
            f"{fund.label} {year - 1} 年只有 {len(booked)} 个月的收支，预算要整年；其余月份也预测不出",
            where=f"fund-series {fund.region} {fund.fund}",
            hint=f"装载 {year - 1} 年十二个月的基金收支，或补足以前年度到 24 个月以上",
        )
    rest = seen.span(lacking).expected
    return amount + rest, f"已入账 {len(booked)} 个月，其余 {len(lacking)} 个月为预测"


def _of_outlook(fund: Fund, year: int, last_fen: int, growth_fen: int) -> tuple[Step, ...]:
    """The growth of the outlook in lines: what follows from the insured, and the rest per head."""
    counts = _mean_enrolled(fund, year)
    why = "时间序列预测（趋势与季节）"
    if counts is None:
        return (
            Step("增长", f"{why}；没有两年的参保人数，不分参保与人均", growth_fen, "fund.budget.growth", "基金收支"),
        )
    before, now = counts
    part = round_half_up(last_fen * (now - before), before)
    formula = f"平均参保人数 {before:,} → {now:,}（{_signed(Fraction(now, before) - 1)}）"
    return (
        Step("参保增长", formula, part, "fund.budget.growth", "基金收支"),
        Step("人均增长", f"{why}的增长减去参保增长", growth_fen - part, "fund.budget.growth", "基金收支"),
    )


def _mean_enrolled(fund: Fund, year: int) -> tuple[int, int] | None:
    """The mean insured of the year before and of `year`, booked months and expected ones; None where not known."""
    counts = {month: one.enrolled_count for month, one in fund.months.items() if month < year_months(year)[0]}
    if unfit(counts):
        return None
    known = {month: count for month, count in counts.items() if count is not None}
    seen = outlook(known, year_months(year)[-1])
    all_months = known | dict(zip(seen.months, seen.expected, strict=True))
    before, now = (sum(all_months[month] for month in year_months(one)) for one in (year - 1, year))
    return round_half_up(before, MONTHS), round_half_up(now, MONTHS)


def _stated(fund: Fund, side: str, year: int, policy: Policy, last: int) -> tuple[Step, ...]:
    """The growth that stands in the edition, in lines (TV-C9)."""
    on = date(year, 1, 1)
    keys = "fund.budget.enrolment_index", f"fund.budget.{side}_index"
    heads, growth = (Fraction(policy.value(key, on, fund_type=fund.fund)) - 1 for key in keys)
    after = [multiplied(last, heads, Fraction()), multiplied(last, heads, growth)]
    sources = [_source(policy, key, on) for key in keys]
    return (
        Step("参保增长", f"× (1 {_signed(heads)})，付费办法写明的参保指数", after[0] - last, keys[0], sources[0]),
        Step(
            "人均增长",
            f"× (1 {_signed(growth)})，付费办法写明的人均{SIDES[side]}指数",
            after[1] - after[0],
            keys[1],
            sources[1],
        ),
    )


def _weights(fund: Fund, name: str, year: int, seen: Outlook | None) -> list[int]:
    """By what a stated year is spread over its months: the outlook, else the months of the year before."""
    months = year_months(year)
    if seen is not None:
        return [seen.expected[seen.months.index(month)] for month in months]
    found = [max(getattr(fund.months[month], name), 0) for month in year_months(year - 1)]
    return found if sum(found) else [1] * MONTHS


def _notes(
    fund: Fund, name: str, seen: Outlook | None, intervals: Mapping[int, tuple[int, int]], total: int
) -> tuple[str, ...]:
    if seen is None:
        why = unfit({month: getattr(one, name) for month, one in fund.months.items()}) or "以前年度的月份不够"
        return (f"没有区间：{why}",)
    notes = list(seen.notes)
    low, high = intervals[WIDEST]
    if not low <= total <= high:
        notes.append(f"预算在时间序列预测的 {WIDEST}% 区间之外，请核对所写的增长")
    checked = held_out(_history(fund, name, int(seen.months[-1][:4])))
    if checked is not None:
        inside = "、".join(f"{count} 个月落在 {level}% 区间" for level, count in checked.inside.items())
        error = f"{checked.error * 100:+.2f}%".replace("-", "−")
        notes.append(f"回测：用一年前的数据预测最近 12 个月，{inside}，全年误差 {error}")
    return tuple(notes)


def _signed(ratio: Fraction) -> str:
    return f"{'−' if ratio < 0 else '+'} {abs(Decimal(ratio.numerator) / ratio.denominator * 100):.2f}%"


def _source(policy: Policy, key: str, on: date) -> str:
    parameter = policy.parameter(key)
    reference = parameter.reference.get(policy.in_force_since(key, on))
    if reference is None:
        return "模拟"
    return f"{reference.title} {reference.clause or ''}".strip() + ("（模拟）" if parameter.assumed else "")
