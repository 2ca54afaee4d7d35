"""Which hospital-months are built 规模: full-size months in a fixed order, whole hospitals only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from tongpin.demo.profile import GRADES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.demo.calendar import Month
    from tongpin.demo.setting import Setting


@dataclass(frozen=True)
class MonthChoice:
    """A month to build: its hospitals (numbers, ascending) with their list counts, and how many were left out."""

    month: Month
    lists: dict[int, int]
    left_out: int

    @property
    def total(self) -> int:
        """The settlement lists of the month."""
        return sum(self.lists.values())


@dataclass(frozen=True)
class Choice:
    """The months to build in their order, and Chinese notes on what was left out and why."""

    months: tuple[MonthChoice, ...]
    notes: tuple[str, ...]


def month_order(first: Month) -> Iterator[Month]:
    """The first month, the same month a year earlier, then backwards month by month."""
    yield first
    yield first.plus(-12)
    yield from (first.plus(-back) for back in count(1) if back != 12)  # noqa: PLR2004 - a year earlier came second


def always_built(setting: Setting) -> list[int]:
    """The smallest hospital of each grade: it stays even when others are left out."""
    return [min(setting.of_grade(grade), key=lambda one: setting.hospitals[one].cases) for grade in GRADES]


def choose(setting: Setting, cases: int | None) -> Choice:
    """Fill months up to `cases` settlement lists (None: the default months, whole).

    Months are never thinned: where what is left is less than a month, whole hospitals are left out, one of each grade
    staying; where it cannot even hold one of each grade, the month is left out, but never the first. Issue 2, item 6.
    """
    months: list[MonthChoice] = []
    notes: list[str] = []
    left = cases if cases is not None else 0
    for month in month_order(setting.first_month):
        if cases is None and len(months) == setting.profile.volume.default_months.value:
            break
        sizes = {hospital: setting.list_count(month, hospital) for hospital in range(len(setting.hospitals))}
        if cases is None or sum(sizes.values()) <= left:
            months.append(MonthChoice(month, sizes, 0))
            left -= sum(sizes.values())
            if cases is None or left > 0:
                continue
            break
        some = _some_hospitals(setting, sizes, left)
        least = sum(sizes[hospital] for hospital in always_built(setting))
        if left < least and months:
            notes.append(f"{month} 未生成：余下 {left} 份不足四个等级各一家医院（至少 {least} 份）")
            break
        if left < least:
            notes.append(f"{month} 取四个等级各一家最小的医院，共 {least} 份，多于要求的 {left} 份")
        else:
            notes.append(f"{month} 只生成 {len(some)} 家医院，另有 {len(sizes) - len(some)} 家整院略去")
        months.append(MonthChoice(month, some, len(sizes) - len(some)))
        break
    return Choice(tuple(months), tuple(notes))


def _some_hospitals(setting: Setting, sizes: dict[int, int], room: int) -> dict[int, int]:
    """The hospitals always built, then as many others as fit, the grades taking turns by rank, small ones first."""
    chosen = set(always_built(setting))
    rank: dict[int, float] = {}
    for grade in GRADES:
        members = sorted(setting.of_grade(grade), key=lambda one: setting.hospitals[one].cases)
        rank |= {hospital: (place + 1) / len(members) for place, hospital in enumerate(members)}
    left = room - sum(sizes[hospital] for hospital in chosen)
    for hospital in sorted(sizes, key=lambda one: (rank[one], one)):
        if hospital not in chosen and sizes[hospital] <= left:
            chosen.add(hospital)
            left -= sizes[hospital]
    return {hospital: sizes[hospital] for hospital in sorted(chosen)}
