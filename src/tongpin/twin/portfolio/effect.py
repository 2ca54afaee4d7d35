"""Before and after 前后对比: what stopping, growing or moving cases does to the hospital's figures, exact from sums."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE, check_balance, round_half_up
from tongpin.twin.portfolio.assessed import Amounts, Assessed, is_filed, moved_values, simulated
from tongpin.twin.portfolio.stays import CASE_COUNT, FACTS, LIST, LIST_COUNT, PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.twin.portfolio.stays import Stays

Way = Literal["count", "weight", "weight_e4", "fen", "days", "percent", "ratio", "points"]
SCORE = "guokao.score"
"""The id of the simulated score among the figures."""


@dataclass(frozen=True)
class Change:
    """So many cases more or fewer: `sums` of which they are a part, how many (`count` of `whole`), and the direction.

    `sign` −1 takes the share of the sums away, +1 adds it; `keeps_case` takes the stay days alone, down to one a case.
    """

    label: str
    sums: Mapping[str, int]
    count: int
    whole: int
    sign: Literal[-1, 1]
    keeps_case: bool = False

    def delta(self) -> dict[str, int]:
        """What the change does to every fact: the share count ÷ whole of its sum, rounded half up once."""
        if self.keeps_case:
            days = round_half_up(self.sums[PAGE + "stay_days"] * self.count, self.whole) - self.count
            return {PAGE + "stay_days": -days}
        return {name: self.sign * round_half_up(self.sums[name] * self.count, self.whole) for name in FACTS}


class Figure(NamedTuple):
    """A figure before and after; `kind`: its unit, `goal`: which way is better (`up`, `down`, `compare`: neither)."""

    id: str
    label: str
    population: str
    kind: Way
    before: Fraction | None
    after: Fraction | None
    goal: str
    anchor: str
    note: str = ""

    @property
    def change(self) -> Fraction | None:
        """After less before."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class WhatIf:
    """The changes, the hospital's sums before and after them, and the figures formed of these."""

    changes: tuple[Change, ...]
    before: Mapping[str, int]
    after: Mapping[str, int]
    figures: tuple[Figure, ...]


def stop(stays: Stays, drg: str, count: int | None) -> Change:
    """So many cases of a group fewer (None: all of them); whom the hospital moves is not said here. S000-16."""
    sums, whole = _whole(stays, drg)
    wanted = whole if count is None else count
    if not 0 < wanted <= whole:
        raise TongpinError(
            "portfolio.count", f"病组 {drg} 这一期有 {whole} 例，减不了 {wanted} 例", where=drg, hint=f"写 1 到 {whole}"
        )
    return Change(f"{drg} 减 {wanted} 例", sums, wanted, whole, -1)


def grow(stays: Stays, drg: str, count: int) -> Change:
    """So many cases of a group more, each like the group's mean."""
    sums, whole = _whole(stays, drg)
    if count <= 0:
        raise TongpinError("portfolio.count", f"病组 {drg} 增加的例数须大于零", where=drg, hint="写一个正整数")
    return Change(f"{drg} 增 {count} 例", sums, count, whole, 1)


def _whole(stays: Stays, drg: str) -> tuple[dict[str, int], int]:
    """The sums of a group and its cases: front pages, or lists where it has no page."""
    sums = stays.group(drg)
    return sums, sums[CASE_COUNT] or sums[LIST_COUNT]


def what_if(
    stays: Stays,
    changes: Sequence[Change],
    *,
    days: int,
    beds: int | None = None,
    assessed: Assessed | None = None,
) -> WhatIf:
    """The figures of the hospital before and after the changes.

    `days` of the period; `beds` open where registered; `assessed`: what the 国考 figures rest on. Errors:
    `portfolio.count` when changes together take more cases than there are. Source: S000-16, S000-01, S000-03.
    """
    before = stays.totals
    deltas = [change.delta() for change in changes]
    after = {name: before[name] + sum(delta.get(name, 0) for delta in deltas) for name in FACTS}
    if after[CASE_COUNT] < 0 or after[LIST_COUNT] < 0:
        raise TongpinError("portfolio.count", "减的病例多于这一期的病例", hint="同一病组只写一次 --stop")
    moved = sum(delta.get(LIST + "result_fen", 0) for delta in deltas)
    check_balance("portfolio.result", "试算前后的结余", after[LIST + "result_fen"], before[LIST + "result_fen"] + moved)
    old, new = (_Reader(sums, stays.unfilled) for sums in (before, after))
    figures = [*_plain(old, new, days, beds), *_guokao(before, after, stays.unfilled, assessed or Assessed())]
    return WhatIf(tuple(changes), before, after, tuple(figures))


class _Reader:
    """Sums by name; a fact that rests on an empty column is not known."""

    def __init__(self, sums: Mapping[str, int], unfilled: frozenset[str]) -> None:
        self._sums = sums
        self._unfilled = unfilled

    def get(self, name: str) -> Fraction | None:
        return None if name in self._unfilled or name not in self._sums else Fraction(self._sums[name])

    def ratio(self, above: str, below: str, scale: int = 1) -> Fraction | None:
        top, bottom = self.get(above), self.get(below)
        return None if top is None or not bottom else top / bottom / scale


def _plain(old: _Reader, new: _Reader, days: int, beds: int | None) -> list[Figure]:
    pages, lists = "全部出院", "医保DRG"
    sums: tuple[tuple[str, str, str, Way, str, str], ...] = (
        (CASE_COUNT, "出院病例", pages, "count", "", ""),
        (PAGE + "weight_e4", "总权重", pages, "weight_e4", "", "行业口径"),
        (PAGE + "stay_days", "占用床日", pages, "count", "", "行业口径"),
        (LIST_COUNT, "按病组结算的清单", lists, "count", "", ""),
        (LIST + "weight_e4", "总权重", lists, "weight_e4", "", ""),
        (LIST + "pool_payable_fen", "统筹应付", lists, "fen", "", ""),
        (LIST + "result_fen", "结余（应付 − 按项目应付）", lists, "fen", "up", ""),
    )
    figures = [
        Figure(name, label, who, kind, old.get(name), new.get(name), goal, anchor)
        for name, label, who, kind, goal, anchor in sums
    ]
    ratios: tuple[tuple[str, str, str, str, str, int, Way, str, str], ...] = (
        ("cmi", "CMI", pages, PAGE + "weight_e4", PAGE + "weighted_count", SCALE, "weight", "up", "高质量发展评价"),
        ("mean_weight", "例均权重（RW）", lists, LIST + "weight_e4", LIST_COUNT, SCALE, "weight", "up", ""),
        ("mean_stay", "平均住院日", pages, PAGE + "stay_days", CASE_COUNT, 1, "days", "down", "行业口径"),
    )
    figures += [
        Figure(key, label, who, kind, old.ratio(above, below, scale), new.ratio(above, below, scale), goal, anchor)
        for key, label, who, above, below, scale, kind, goal, anchor in ratios
    ]
    if beds:
        use = [reader.get(PAGE + "stay_days") for reader in (old, new)]
        rates = [None if one is None else one / (beds * days) for one in use]
        note = f"占用床日 ÷（{beds} 张 × {days} 天），以出院患者住院天数代替实际占用"
        figures.append(Figure("bed_use", "床位使用率", pages, "ratio", rates[0], rates[1], "", "行业口径", note))
    return figures


def _guokao(
    before: Mapping[str, int], after: Mapping[str, int], unfilled: frozenset[str], assessed: Assessed
) -> list[Figure]:
    """The indicators of the hospital's manual that moves change, in the order of their numbers, and what they score."""
    old, new = (moved_values(assessed, Amounts(sums, before, assessed.filed, unfilled)) for sums in (before, after))
    figures = []
    for one, part in assessed.moved_parts:
        label, unit = part.label or one.name, part.unit or one.unit
        kind: Way = "percent" if unit == "%" else "days"
        goal = {"逐步提高": "up", "逐步降低": "down", "监测比较": "compare"}.get(one.direction, "")
        values = old[part.sub], new[part.sub]
        missing = "没有上年同期的病案首页，增幅不列" if part.rule == "growth" else "缺首页的列，或没有逐月填报的数"
        filed = any(is_filed(item) for item in part.items)
        note = missing if values[0] is None else "模拟：填报数怎样随病例变，见口径页" if filed else ""
        figures.append(Figure(f"guokao.{part.sub}", label, "全部出院", kind, *values, goal, f"国考 {part.sub}", note))
    return [*figures, *_score(assessed, old, new)]


def _score(assessed: Assessed, old: Mapping[str, Fraction | None], new: Mapping[str, Fraction | None]) -> list[Figure]:
    """The simulated score before and after; none without peers."""
    first, second = simulated(assessed, old), simulated(assessed, new)
    if first is None or second is None:
        return []
    note = (
        f"模拟：{assessed.peers_year} 年同级，可评 {second.scorable:,.2f} 分；"
        f"{len(old)} 项随病例变，其余按 {assessed.year} 年现值"
    )
    values = (Fraction(str(first.points)), Fraction(str(second.points)))
    return [Figure(SCORE, "国考模拟得分", "全部出院", "points", *values, "up", "模拟", note)]
