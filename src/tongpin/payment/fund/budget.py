"""The budget of a fund 基金预算: next year's income and spending from history, insured, growth and events (S003-01)."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import check_balance, parse_yuan, round_half_up
from tongpin.payment.fund.series import year_months

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.payment.fund.series import Fund
    from tongpin.payment.policy.policy import Policy

INCOME, SPENDING = "income", "spending"
SIDES: dict[str, str] = {INCOME: "收入", SPENDING: "支出"}
EVENT_KINDS: dict[str, str] = {
    "reform": "重大改革",
    "emergency": "突发公共卫生事件",
    "volume": "服务量变化",
    "other": "其他",
}
EVENT_COLUMNS = ("year", "fund", "side", "kind", "label", "amount", "document")
HISTORY = "history"
GROWTHS_FOR_INTERVAL = 2


class Event(NamedTuple):
    """What changes a year beyond growth, in fen: more > 0, less < 0; without a document it is assumed."""

    year: int
    fund: str
    side: str
    kind: str
    label: str
    amount_fen: int
    document: str


class Step(NamedTuple):
    """One line of how a forecast was formed: label, formula, amount in fen, parameter, and where it stands or 模拟."""

    label: str
    formula: str
    amount_fen: int
    parameter: str
    source: str


class Forecast(NamedTuple):
    """Income or spending of a fund for a year, in fen: last year, forecast, interval, and the steps between.

    `low_fen`, `high_fen`: with the lowest and highest yearly growth of the history; None with fewer than two. `notes`:
    what a reader has to know, in words.
    """

    region: str
    fund: str
    fund_label: str
    side: str
    year: int
    last_fen: int
    forecast_fen: int
    low_fen: int | None
    high_fen: int | None
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


def multiplied(last_fen: int, enrolment: Fraction, growth: Fraction, events_fen: int) -> int:
    """Last year × (1 + growth of insured) × (1 + growth per head) + events, rounded to the fen once (TV-C9)."""
    exact = last_fen * (1 + enrolment) * (1 + growth)
    return round_half_up(exact.numerator, exact.denominator) + events_fen


def forecast(fund: Fund, side: str, year: int, policy: Policy, events: Sequence[Event] = ()) -> Forecast:
    """The income or spending of a fund in `year` from the whole year before it (S003-01).

    Growth comes from the history or stands in the edition (`fund.budget.growth`), which is read on the first day of
    `year`. PolicyError `fund.history` when the history is too short, `policy.gap` when the edition leaves a value open.
    """
    on = date(year, 1, 1)
    totals = _totals(fund, side, year)
    last = totals[year - 1]
    past = _past_growths(fund, totals)
    if policy.value("fund.budget.growth", on, fund_type=fund.fund) == HISTORY:
        if not past:
            raise PolicyError(
                "fund.history",
                f"{fund.label}没有连续两个整年的收支与年末参保人数，算不出历史增长",
                where=f"fund-series {fund.region} {fund.fund}",
                hint="补上以前年度，或在付费办法中把 fund.budget.growth 写成 stated 并写出增长",
            )
        enrolment = _enrolment_growth(fund, year)
        growth = sum(past, Fraction()) / len(past)
        sources = ("年末参保人数与上年末之比", f"人均{SIDES[side]}历年增长的平均（{len(past)} 年）")
        keys, basis = ("fund.budget.growth", "fund.budget.growth"), ("基金收支", "基金收支")
    else:
        keys = "fund.budget.enrolment_index", f"fund.budget.{side}_index"
        enrolment, growth = (Fraction(policy.value(key, on, fund_type=fund.fund)) - 1 for key in keys)
        sources = "付费办法写明的参保指数", f"付费办法写明的人均{SIDES[side]}指数"
        basis = _source(policy, keys[0], on), _source(policy, keys[1], on)
    chosen = [one for one in events if (one.year, one.fund, one.side) == (year, fund.fund, side)]
    added = sum(one.amount_fen for one in chosen)
    after = [multiplied(last, enrolment, Fraction(), 0), multiplied(last, enrolment, growth, 0)]
    found = multiplied(last, enrolment, growth, added)
    steps = (
        Step(f"{year - 1} 年{SIDES[side]}", "十二个月之和", last, "", "基金收支"),
        Step("参保增长", f"× (1 {_signed(enrolment)})，{sources[0]}", after[0] - last, keys[0], basis[0]),
        Step("人均增长", f"× (1 {_signed(growth)})，{sources[1]}", after[1] - after[0], keys[1], basis[1]),
        *(Step(EVENT_KINDS[one.kind], one.label, one.amount_fen, "", one.document or "模拟") for one in chosen),
    )
    check_balance("fund.budget", "预算各步之和与预算", sum(step.amount_fen for step in steps), found)
    low = high = None
    notes = ["没有区间：历史增长不足两年"] if len(past) < GROWTHS_FOR_INTERVAL else []
    if not notes:
        low, high = (multiplied(last, enrolment, one, added) for one in (min(past), max(past)))
        notes = [] if min(past) <= growth <= max(past) else ["所取增长在历史各年之外，预算不在区间内"]
    return Forecast(fund.region, fund.fund, fund.label, side, year, last, found, low, high, steps, tuple(notes))


def _signed(ratio: Fraction) -> str:
    return f"{'−' if ratio < 0 else '+'} {abs(Decimal(ratio.numerator) / ratio.denominator * 100):.2f}%"


def _source(policy: Policy, key: str, on: date) -> str:
    parameter = policy.parameter(key)
    reference = parameter.reference.get(policy.in_force_since(key, on))
    if reference is None:
        return "模拟"
    return f"{reference.title} {reference.clause or ''}".strip() + ("（模拟）" if parameter.assumed else "")


def _totals(fund: Fund, side: str, year: int) -> dict[int, int]:
    """The whole years before `year` without a gap, newest first, in fen."""
    totals: dict[int, int] = {}
    one = year - 1
    while (amount := fund.total(f"{side}_fen", year_months(one))) is not None:
        totals[one] = amount
        one -= 1
    if not totals:
        held = sum(month in fund.months for month in year_months(year - 1))
        raise PolicyError(
            "fund.history",
            f"{fund.label} {year - 1} 年只有 {held} 个月的收支，预算要整年（收支有季节，不由部分月份推算）",
            where=f"fund-series {fund.region} {fund.fund}",
            hint=f"装载 {year - 1} 年十二个月的基金收支",
        )
    return totals


def _enrolled(fund: Fund, year: int) -> int | None:
    month = fund.months.get(f"{year}-12")
    return month.enrolled_count if month else None


def _enrolment_growth(fund: Fund, year: int) -> Fraction:
    now, before = _enrolled(fund, year - 1), _enrolled(fund, year - 2)
    if not now or not before:
        raise PolicyError(
            "fund.history",
            f"{fund.label}没有 {year - 2} 与 {year - 1} 两年的年末参保人数",
            where=f"fund-series {fund.region} {fund.fund}",
            hint="补上 12 月的参保人数，或在付费办法中写出参保指数",
        )
    return Fraction(now, before) - 1


def _past_growths(fund: Fund, totals: dict[int, int]) -> list[Fraction]:
    """The yearly growth of an amount per head, for every two whole years that follow one another."""
    found: list[Fraction] = []
    for year, amount in totals.items():
        now, before = _enrolled(fund, year), _enrolled(fund, year - 1)
        if now and before and totals.get(year - 1, 0) > 0:
            found.append(Fraction(amount, now) / Fraction(totals[year - 1], before) - 1)
    return found


def read_events(path: Path) -> list[Event]:
    """The events of a CSV file (`EVENT_COLUMNS`, amounts in yuan); PolicyError `fund.events` names the line."""

    def refuse(line: int, message: str, hint: str) -> PolicyError:
        return PolicyError("fund.events", message, where=f"{path} 第 {line} 行", hint=hint)

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise refuse(0, "事件表不存在或不是 UTF-8 编码", "补上该文件，用 UTF-8 保存") from None
    rows = csv.DictReader(text.splitlines())
    if tuple(rows.fieldnames or ()) != EVENT_COLUMNS:
        raise refuse(1, "表头不对", f"表头应为 {','.join(EVENT_COLUMNS)}")
    found: list[Event] = []
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise refuse(line, "列数不对", f"每行 {len(EVENT_COLUMNS)} 列")
        if row["side"] not in SIDES or row["kind"] not in EVENT_KINDS:
            raise refuse(
                line, f"side“{row['side']}”或 kind“{row['kind']}”不对", f"{'、'.join(SIDES)}；{'、'.join(EVENT_KINDS)}"
            )
        try:
            year, amount = int(row["year"]), parse_yuan(row["amount"])
        except (ValueError, InvalidOperation):
            raise refuse(line, "年份或金额不对", "年份如 2026，金额以元为单位，至多两位小数，减少写负数") from None
        found.append(Event(year, row["fund"], row["side"], row["kind"], row["label"], amount, row["document"]))
    return found
