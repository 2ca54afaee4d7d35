"""Month end 预计月结: the lists of the month so far priced case by case, and a plain estimate of the days to come.

The year-end forecast needs whole months; within one, working days and days off of the last weeks are drawn again for
the days that are left. A closed month shows what it was closed with.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import StoreError
from tongpin.payment.fund.series import month_after
from tongpin.payment.lists.editions import Editions
from tongpin.payment.lists.workdays import ROLLED_DAYS, open_workdays
from tongpin.payment.month.closed import closed_months, posted, statements
from tongpin.payment.month.methods import method_of
from tongpin.payment.month.posting import LATE, REGULAR
from tongpin.payment.policy.period import case_days, last_day
from tongpin.payment.weights.history import cases_of_months
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.twin.daily.catalogue import setting
from tongpin.twin.forecast.catalogue import setting as forecast_setting
from tongpin.twin.forecast.model import stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tongpin.payment.policy.lookup import BoolColumn, DayColumn
    from tongpin.twin.daily.ground import Ground

MONEY = ("total_fee_fen", "item_pool_fen", "pool_payable_fen", "result_fen")
NAMES = ("cases", *MONEY)
_NEVER_BELOW = 3
"""So many of `NAMES` only grow as days pass: cases, fee, pool by item."""


class Sums(NamedTuple):
    """Cases, and amounts in fen: fee, pool by item, pool payable, their difference."""

    cases: int
    total_fee_fen: int
    item_pool_fen: int
    pool_payable_fen: int
    result_fen: int

    @property
    def ratio(self) -> float | None:
        """结付率: payable by item."""
        return self.pool_payable_fen / self.item_pool_fen if self.item_pool_fen else None


_NOTHING = Sums(0, 0, 0, 0, 0)


class MonthEnd(NamedTuple):
    """The month of the day before: closed sums alone, or sums so far, the expected whole, and its intervals.

    `low`, `high`: the bounds of every sum at `level` percent; `days`: of how many days the estimate was made.
    """

    month: str
    closed: bool
    so_far: Sums
    expected: Sums | None
    low: Sums | None
    high: Sums | None
    level: int
    work_left: int
    rest_left: int
    days: int
    cash_transfer_fen: int | None
    reason: str

    def figures(self) -> dict[str, Any]:
        """The sums of the block."""
        spans = {name: getattr(self, name) for name in ("so_far", "expected", "low", "high")}
        plain = {name: None if one is None else one._asdict() for name, one in spans.items()}
        names = ("month", "closed", "level", "work_left", "rest_left", "days", "cash_transfer_fen", "reason")
        return {**{name: getattr(self, name) for name in names}, **plain}


def month_end(ground: Ground) -> MonthEnd | str:
    """The month of the day before the page to its end, or what is missing. Source: S904-02."""
    month = ground.month
    if month in closed_months(ground.home, ground.area):
        return _closed(ground, month)
    days = _days(ground)
    so_far = _added([_NOTHING, *(sums for day, sums in days.items() if f"{day:%Y-%m}" == month)])
    if not so_far.cases:
        return f"{month} 到 {ground.yesterday} 为止没有已结算的清单"
    rest = _between(ground.on, last_day(month))
    is_work = _working(ground, [*days, *rest])
    work = [day for day in rest if is_work[day]]
    base = MonthEnd(
        month=month,
        closed=False,
        so_far=so_far,
        expected=None,
        low=None,
        high=None,
        level=setting("interval.level"),
        work_left=len(work),
        rest_left=len(rest) - len(work),
        days=len(days),
        cash_transfer_fen=None,
        reason="",
    )
    kinds = {kind: np.array([sums for day, sums in days.items() if is_work[day] == kind]) for kind in (True, False)}
    unseen = any(left and not len(kinds[kind]) for kind, left in ((True, base.work_left), (False, base.rest_left)))
    if rest and (unseen or len(days) < setting("history.least_days")):
        return base._replace(
            reason=f"只有 {len(days)} 天的清单，不足 {setting('history.least_days')} 天，不估计余下的日子"
        )
    return _estimated(base, kinds, stream(ground.hospital.code, str(ground.on)))


def _estimated(base: MonthEnd, kinds: dict[bool, Any], rng: np.random.Generator) -> MonthEnd:
    """The whole month: what is known plus days drawn again from those of their kind."""
    known = np.array(base.so_far, np.int64)
    drawn = np.zeros((forecast_setting("paths"), len(NAMES)))
    expected = known.astype(float)
    for kind, left in ((True, base.work_left), (False, base.rest_left)):
        if not left:
            continue
        days = kinds[kind]
        expected = expected + left * days.mean(axis=0)
        drawn += days[rng.integers(0, len(days), (len(drawn), left))].sum(axis=1)
        # A mean of few days is itself uncertain: it moves by its own standard error from path to path.
        drawn += left * rng.normal(size=(len(drawn), 1)) * days.std(axis=0) / np.sqrt(len(days))
    drawn[:, :_NEVER_BELOW] = np.maximum(drawn[:, :_NEVER_BELOW], 0)
    tail = (100 - base.level) / 2
    low, high = np.percentile(known + drawn, [tail, 100 - tail], axis=0)
    return base._replace(
        expected=_whole(expected), low=_whole(np.minimum(low, expected)), high=_whole(np.maximum(high, expected))
    )


def _whole(values: Any) -> Sums:
    """Rounding point: estimates to the case and the fen."""
    return Sums(*(int(one) for one in np.rint(values)))


def _added(parts: Iterable[Sums]) -> Sums:
    return Sums(*(sum(one) for one in zip(*parts, strict=True)))


def _closed(ground: Ground, month: str) -> MonthEnd | str:
    """What the month was closed with, over the hospital's funds."""
    rows = statements(ground.home, ground.area, [month])
    rows = rows.filter(pc.is_in(rows["institution_code"], ground.codes))
    if not rows.num_rows:
        return f"{month} 已关账，其中没有这家医院"
    lines = posted(ground.home, ground.area, [month], ["institution_code", "line_kind", "total_fee_fen"])
    mine = lines.filter(pc.is_in(lines["institution_code"], ground.codes))
    names = ("month_item_pool_fen", "month_pool_payable_fen", "month_result_fen", "cash_transfer_fen")
    item, payable, result, cash = (int(pc.sum(rows[name]).as_py() or 0) for name in names)
    cases = sum(int(pc.sum(rows[name]).as_py() or 0) for name in ("cases", "late_cases"))
    sums = Sums(cases, int(pc.sum(mine["total_fee_fen"]).as_py() or 0), item, payable, result)
    return MonthEnd(month, True, sums, None, None, None, setting("interval.level"), 0, 0, 0, cash, "")


def _days(ground: Ground) -> dict[date, Sums]:
    """The sums of the hospital's lists by day (of the month rule), from the first day of the history that has one.

    A day without lists counts as a day of nothing.
    """
    first = ground.yesterday - timedelta(days=setting("history.days") - 1)
    first = min(first, date(ground.yesterday.year, ground.yesterday.month, 1))
    closed = closed_months(ground.home, ground.area)
    found: dict[date, Sums] = {}
    month = f"{first:%Y-%m}"
    while month <= ground.month:
        table = _posted(ground, month) if month in closed else _open(ground, month)
        for day, sums in table.items():
            if first <= day <= ground.yesterday:
                found[day] = _added([sums, found[day]]) if day in found else sums
        month = month_after(month, 1)
    if not found:
        return {}
    return {day: found.get(day, _NOTHING) for day in _between(min(found), ground.yesterday)}


def _posted(ground: Ground, month: str) -> dict[date, Sums]:
    """The regular and late lists of a closed month as it paid them."""
    lines = posted(ground.home, ground.area, [month])
    kept = pc.and_(
        pc.is_in(lines["institution_code"], ground.codes), pc.is_in(lines["line_kind"], pa.array([REGULAR, LATE]))
    )
    return _by_day(ground, lines.filter(kept))


def _open(ground: Ground, month: str) -> dict[date, Sums]:
    """The lists of an open month priced by the edition of the month; none where there is no edition or list."""
    policy = Editions(ground.home, ground.area).of(month)
    if policy is None:
        return {}
    try:
        lists = cases_of_months(ground.home, month, month, policy)
    except StoreError as error:
        if error.code != "weights.months":
            raise
        return {}
    lists = lists.filter(pc.is_in(lists["institution_code"], ground.codes))
    if not lists.num_rows:
        return {}
    lists = lists.filter(pa.array(case_days(lists, policy.edition.period_by.value) <= np.datetime64(ground.yesterday)))
    method = method_of(ground.home, policy)
    return _by_day(ground, method.price(lists, policy, read_loaded(ground.home, INSTITUTIONS)))


def _by_day(ground: Ground, lines: pa.Table) -> dict[date, Sums]:
    """Priced lists added up by the day that gives them their month; what lies outside the settlement is left out."""
    lines = lines.filter(pc.not_equal(lines["pay_scope"], "OUT"))
    day = pa.array(case_days(lines, ground.policy.edition.period_by.value))
    sums = pa.table({"day": day, **{name: lines[name] for name in MONEY}}).group_by("day")
    rows = sums.aggregate([([], "count_all"), *((name, "sum") for name in MONEY)]).to_pylist()
    return {row["day"]: Sums(row["count_all"], *(row[f"{name}_sum"] or 0 for name in MONEY)) for row in rows}


def _between(first: date, last: date) -> list[date]:
    """The days from one to another, both included; none where the last lies before the first."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _working(ground: Ground, days: list[date]) -> dict[date, bool]:
    """Which days are working days; PolicyError `lists.holidays` for a year whose holidays are not known."""
    asked: DayColumn = np.array(days, dtype="datetime64[D]")
    ends = open_workdays(ground.home).deadlines(asked, np.zeros(len(days), np.int64), ROLLED_DAYS)
    is_work: BoolColumn = ends == asked
    return dict(zip(days, is_work.tolist(), strict=True))
