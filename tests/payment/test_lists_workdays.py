"""Working days: the yearly notices, limits counted three ways, and a year that nobody knows is refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.errors import PolicyError
from tongpin.payment.lists.workdays import COLUMNS, FILE, Workdays, open_workdays
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = open_workdays(Home.open("no-such-home"))


def last_day(start: str, days: int, kind: str, table: Workdays = SHIPPED) -> str:
    (found,) = table.deadlines(np.array([start], dtype="datetime64[D]"), np.array([days]), kind)
    return str(found)


@pytest.mark.parametrize(
    ("start", "days", "kind", "end"),
    [
        ("2025-06-20", 10, "calendar", "2025-06-30"),
        ("2025-07-18", 5, "working", "2025-07-25"),  # a Friday: the start itself is not counted
        ("2025-04-30", 1, "working", "2025-05-06"),  # 劳动节, five days
        ("2025-09-30", 5, "working", "2025-10-14"),  # 国庆 eight days, Saturday 11 October worked
        ("2024-09-13", 1, "working", "2024-09-14"),  # a Saturday worked for 中秋
        ("2026-02-13", 2, "working", "2026-02-24"),  # 春节 nine days, Saturday 14 February worked
        ("2025-04-21", 10, "calendar_roll", "2025-05-06"),  # 1 May is off until the 5th
        ("2025-04-20", 10, "calendar_roll", "2025-04-30"),
        ("2025-06-21", 0, "working", "2025-06-21"),
    ],
)
def test_a_limit_ends(start: str, days: int, kind: str, end: str) -> None:
    assert last_day(start, days, kind) == end


def works(day: date) -> bool:
    """A limit of no days ends on the day itself, unless it is a day off."""
    return last_day(str(day), 0, "calendar_roll") == str(day)


@pytest.mark.parametrize(("year", "count"), [(2024, 251), (2025, 248), (2026, 248)])
def test_a_year_has_as_many_working_days_as_its_notice_leaves(year: int, count: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365 + (year == 2024))]
    assert sum(works(day) for day in days) == count


def test_an_unknown_start_has_no_end() -> None:
    starts = np.array(["NaT", "2025-06-20"], dtype="datetime64[D]")
    assert str(SHIPPED.deadlines(starts, np.array([3, 3]), "working")[0]) == "NaT"


@pytest.mark.parametrize(
    ("start", "days"), [("2023-05-01", 5), ("2026-12-29", 5), ("2030-01-01", 1), ("2024-06-01", 900)]
)
def test_a_year_without_holidays_is_refused(start: str, days: int) -> None:
    with pytest.raises(PolicyError) as refused:
        last_day(start, days, "working")
    assert refused.value.code == "lists.holidays"
    assert FILE in refused.value.hint


def test_calendar_days_need_no_holidays() -> None:
    assert last_day("2023-05-01", 5, "calendar") == "2023-05-06"


@given(st.dates(date(2024, 1, 1), date(2025, 12, 31)), st.integers(1, 60))
def test_the_working_days_of_a_limit_are_as_many_as_it_has(start: date, days: int) -> None:
    end = date.fromisoformat(last_day(str(start), days, "working"))
    between = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    working = [day for day in between if works(day)]
    assert len(working) == days
    assert working[-1] == end


def home_with(folder: Path, *rows: str) -> Home:
    home = Home.open(folder)
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return home


def test_the_table_of_a_home_takes_whole_years_and_adds_years(tmp_path: Path) -> None:
    home = home_with(
        tmp_path / "home",
        "2025-01-01,2025-01-01,holiday,元旦,某市通知,2025-01-01",
        "2027-01-01,2027-01-03,holiday,元旦,某市通知,2026-12-01",
    )
    own = open_workdays(home)
    assert own.years == (2024, 2025, 2026, 2027)
    assert last_day("2025-04-30", 1, "working", own) == "2025-05-01"
    assert last_day("2026-12-31", 1, "working", own) == "2027-01-04"


@pytest.mark.parametrize(
    "row",
    [
        "2025-13-01,2025-01-01,holiday,元旦,某市通知,2025-01-01",
        "2025-01-03,2025-01-01,holiday,元旦,某市通知,2025-01-01",
        "2024-12-31,2025-01-01,holiday,元旦,某市通知,2025-01-01",
        "2025-01-01,2025-01-01,rest,元旦,某市通知,2025-01-01",
        "2025-01-01,2025-01-01,holiday,元旦,,2025-01-01",
        "2025-01-01,2025-01-01,holiday,元旦,某市通知,",
    ],
)
def test_a_faulty_row_of_the_table_is_refused_with_its_line(tmp_path: Path, row: str) -> None:
    with pytest.raises(PolicyError) as refused:
        open_workdays(home_with(tmp_path / "home", row))
    assert refused.value.code == "lists.holidays_file"
    assert "第 2 行" in refused.value.where
