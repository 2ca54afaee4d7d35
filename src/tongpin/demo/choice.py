"""Which hospital-months are built 规模: full-size months in a fixed order, whole hospitals only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tongpin.base.errors import TongpinError
from tongpin.demo.profile import GRADES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tongpin.demo.calendar import Month
    from tongpin.demo.setting import Setting

MONTHS_OF_YEAR = 12


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


def month_order(setting: Setting) -> list[Month]:
    """The first month, the same month a year earlier, then backwards month by month, as far as the profile goes."""
    first, earliest = setting.first_month, setting.months[0]
    year_earlier = first.plus(-MONTHS_OF_YEAR)
    backwards = [month for month in reversed(setting.months) if month not in {first, year_earlier}]
    return [first, *([year_earlier] if year_earlier >= earliest else []), *backwards]


def always_built(setting: Setting) -> list[int]:
    """The smallest hospital of each grade: it stays even when others are left out."""
    return [min(setting.of_grade(grade), key=lambda one: setting.hospitals[one].cases) for grade in GRADES]


def choose(setting: Setting, cases: int | None, months: int | None = None) -> Choice:
    """Fill months up to `cases` settlement lists, or so many whole `months` (neither: the default months).

    Months are never thinned: where what is left is less than a month, whole hospitals are left out, one of each grade
    staying; where it cannot even hold one of each grade, the month is left out, but never the first. Raises
    `TongpinError` (`demo.months`) for more months than the profile has. Issue 2, item 6.
    """
    order = month_order(setting)
    wanted = months or setting.profile.volume.default_months.value
    if wanted > len(order):
        raise TongpinError(
            "demo.months",
            f"城市只有 {len(order)} 个月（{setting.months[0]} 至 {setting.months[-1]}），要的是 {wanted} 个月",
            hint=f"--months 至多 {len(order)}",
        )
    hospitals = range(len(setting.hospitals))
    if cases is None:
        return Choice(tuple(_whole(setting, month, hospitals) for month in order[:wanted]), ())
    chosen: list[MonthChoice] = []
    left = cases
    for month in order:
        whole = _whole(setting, month, hospitals)
        if whole.total > left:
            part, note = _part(setting, whole, left, first=not chosen)
            return Choice((*chosen, part) if part else tuple(chosen), (note,))
        chosen.append(whole)
        left -= whole.total
        if left == 0:
            return Choice(tuple(chosen), ())
    note = f"全部 {len(order)} 个月共 {cases - left} 份，少于要求的 {cases} 份"
    return Choice(tuple(chosen), (note,))


def _whole(setting: Setting, month: Month, hospitals: Iterable[int]) -> MonthChoice:
    return MonthChoice(month, {hospital: setting.list_count(month, hospital) for hospital in hospitals}, 0)


def _part(setting: Setting, whole: MonthChoice, left: int, *, first: bool) -> tuple[MonthChoice | None, str]:
    """The month cut to whole hospitals, None where it cannot hold one of each grade, and the note on it."""
    sizes, month = whole.lists, whole.month
    least = sum(sizes[hospital] for hospital in always_built(setting))
    if left < least and not first:
        return None, f"{month} 未生成：余下 {left} 份不足四个等级各一家医院（至少 {least} 份）"
    some = _some_hospitals(setting, sizes, left)
    note = f"{month} 只生成 {len(some)} 家医院，另有 {len(sizes) - len(some)} 家整院略去"
    if left < least:
        note = f"{month} 取四个等级各一家最小的医院，共 {least} 份，多于要求的 {left} 份"
    return MonthChoice(month, some, len(sizes) - len(some)), note


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
