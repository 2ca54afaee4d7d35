"""Working days 工作日: weekends, public holidays and the weekend days worked instead, as the yearly notices say.

`holidays.csv` is data with the notice of every row; `HOME/holidays.csv`, of the same columns, adds years or takes the
place of whole years (local arrangements).
"""

from __future__ import annotations

import csv
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.base.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tongpin.payment.policy.lookup import DayColumn, IntColumn
    from tongpin.store.home import Home

FILE = "holidays.csv"
COLUMNS = ("first", "last", "kind", "name", "notice", "checked_on")
HOLIDAY, WORKING = "holiday", "working"
CALENDAR_DAYS, ROLLED_DAYS, WORKING_DAYS = "calendar", "calendar_roll", "working"
"""How the days of a limit are counted: every day; every day, a last day off moved to the next working day; working."""
_SATURDAY = 5
_DAYS_OF_WEEK = 7


class _Span(NamedTuple):
    """Days off, or weekend days worked, of one notice."""

    first: date
    last: date
    kind: str


class Workdays:
    """The working days of the years that a table of holidays knows."""

    def __init__(self, spans: Iterable[_Span]) -> None:
        self._by_year: dict[int, list[_Span]] = {}
        for one in spans:
            self._by_year.setdefault(one.first.year, []).append(one)
        self._days = self._working()

    @property
    def years(self) -> tuple[int, ...]:
        """The years that are known."""
        return tuple(sorted(self._by_year))

    def _working(self) -> DayColumn:
        parts = [np.array([], dtype="datetime64[D]")]
        for year in self.years:
            days = np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[D]")
            works = (days.astype(np.int64) + 3) % _DAYS_OF_WEEK < _SATURDAY  # 1970-01-01 was a Thursday
            for one in self._by_year[year]:
                works[(days >= np.datetime64(one.first)) & (days <= np.datetime64(one.last))] = one.kind == WORKING
            parts.append(days[works])
        return np.concatenate(parts)

    def deadlines(self, starts: DayColumn, days: IntColumn, kind: str) -> DayColumn:
        """The last day of a limit of so many days after each start, which itself is not counted.

        Unknown starts (NaT) have none. PolicyError `lists.holidays` when working days of a year are asked of which no
        holidays are known.
        """
        if kind == CALENDAR_DAYS:
            last: DayColumn = starts + days.astype("timedelta64[D]")
            return last
        ends = np.full(len(starts), np.datetime64("NaT"), dtype="datetime64[D]")
        known = ~np.isnat(starts)
        ends[known] = self._ends(starts[known], days[known], kind)
        return ends

    def _ends(self, starts: DayColumn, days: IntColumn, kind: str) -> DayColumn:
        if kind == ROLLED_DAYS:
            first = starts + days.astype("timedelta64[D]")
            place = np.searchsorted(self._days, first, side="left")
        else:
            first = starts
            place = np.searchsorted(self._days, starts, side="right") + days - 1
        self._check(np.unique(_years(first)).tolist())
        if len(place) and place.max() >= len(self._days):
            self._check([self.years[-1] + 1])
        found: DayColumn = self._days[np.maximum(place, 0)]
        if kind == WORKING_DAYS:
            found = np.where(days > 0, found, starts)
        spanned = np.concatenate([_years(first), _years(found)])
        self._check(range(int(spanned.min()), int(spanned.max()) + 1) if len(spanned) else ())
        return found

    def _check(self, years: Iterable[int]) -> None:
        unknown = [year for year in years if year not in self._by_year]
        if unknown:
            raise PolicyError(
                "lists.holidays",
                f"没有 {unknown[0]} 年的节假日安排，数不出工作日",
                where=FILE,
                hint=f"在工作目录放 {FILE}（列：{'、'.join(COLUMNS)}），写上这一年的放假与调休上班；或改按自然日计",
            )


def _years(days: DayColumn) -> IntColumn:
    years: IntColumn = days.astype("datetime64[Y]").astype(np.int64) + 1970
    return years


def open_workdays(home: Home) -> Workdays:
    """The working days of a home: the table that comes with Tongpin, and the home's own, which takes whole years.

    PolicyError `lists.holidays_file` names the line of what cannot be read.
    """
    shipped = _read((files("tongpin.payment.lists") / FILE).read_text(encoding="utf-8"), FILE)
    path = home.root / FILE
    if not path.exists():
        return Workdays(shipped)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(str(path), 0, "不是 UTF-8 编码") from None
    own = _read(text, str(path))
    years = {one.first.year for one in own}
    return Workdays([*(one for one in shipped if one.first.year not in years), *own])


def _read(text: str, where: str) -> list[_Span]:
    rows = csv.DictReader(text.splitlines())
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise _refused(where, 1, "表头不对")
    spans = []
    for line, row in enumerate(rows, start=2):
        try:
            one = _Span(date.fromisoformat(row["first"]), date.fromisoformat(row["last"]), row["kind"])
            date.fromisoformat(row["checked_on"])
        except (TypeError, ValueError):
            raise _refused(where, line, "日期不对") from None
        if one.kind not in {HOLIDAY, WORKING} or one.last < one.first or one.first.year != one.last.year:
            raise _refused(where, line, "种类不对，或起止日期颠倒、跨年")
        if not (row["notice"] or "").strip():
            raise _refused(where, line, "没有写依据的通知")
        spans.append(one)
    return spans


def _refused(where: str, line: int, what: str) -> PolicyError:
    kinds = f"kind 写 {HOLIDAY}（放假）或 {WORKING}（调休上班）"
    hint = f"列：{'、'.join(COLUMNS)}；{kinds}，日期写成 2025-10-01，跨年的分两行"
    return PolicyError("lists.holidays_file", f"节假日表{what}", where=f"{where} 第 {line} 行", hint=hint)
