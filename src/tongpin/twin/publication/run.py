"""The publication of a home 公布: figures of hospitals, levels, counties and of all, beside year, period and peers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.compute as pc

from tongpin.base.errors import StoreError
from tongpin.measures.against import SUMS
from tongpin.measures.compare import base_months
from tongpin.measures.evaluation.classes import register_at
from tongpin.measures.populations import PAGE_POPULATION
from tongpin.measures.table import Wish, desks_for, figures_beside
from tongpin.payment.fund.series import quarter_months
from tongpin.payment.month.closed import area_of, closed_months
from tongpin.payment.month.statement_columns import LEVELS
from tongpin.report.words import month_text
from tongpin.twin.publication.catalogue import load_plan
from tongpin.twin.publication.money import COUNTY, HOSPITAL, LEVEL, TOTAL, Key, Money, money_in_home

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from typing import Any

    from tongpin.measures.figures import Figure, FigureTable
    from tongpin.store.home import Home
    from tongpin.twin.publication.catalogue import Plan

YEAR, PERIOD, PEERS = "yoy", "mom", "peers"
WHOLE = "全区域"
UNKNOWN = "未登记"
_BY = {HOSPITAL: ("institution_code",), LEVEL: ("hospital_level",), COUNTY: ("region",), TOTAL: ()}


class Entry(NamedTuple):
    """A figure beside the year before and the period before, and, of a hospital, beside its level."""

    year: Figure
    period: Figure
    peers: Figure | None


class Place(NamedTuple):
    """A row of the publication: what it is of, its figures by measure, its money now, a year and a period before.

    Money is None where the place has no statement, and before where those months are not all closed.
    """

    kind: str
    code: str
    name: str
    level: str
    county: str
    entries: Mapping[str, Entry]
    money: Money | None
    money_year: Money | None
    money_period: Money | None

    @property
    def key(self) -> Key:
        """Its kind and code."""
        return self.kind, self.code


@dataclass(frozen=True)
class Publication:
    """A publication: its period, the plan, every place in order, what the figures rest on, and what to know."""

    period: str
    months: tuple[str, ...]
    plan: Plan
    places: tuple[Place, ...]
    figures: FigureTable
    manifests: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]

    @property
    def is_quarter(self) -> bool:
        """Whether the period is a quarter."""
        return "Q" in self.period

    @property
    def period_text(self) -> str:
        """The period in words."""
        return f"{self.period[:4]}年第{self.period[-1]}季度" if self.is_quarter else month_text(self.period)

    def of(self, kind: str) -> tuple[Place, ...]:
        """The places of a kind, in order."""
        return tuple(one for one in self.places if one.kind == kind)

    def level_of(self, place: Place) -> tuple[Place, ...]:
        """The hospitals of the same level as a hospital, itself among them."""
        return tuple(one for one in self.of(HOSPITAL) if one.level == place.level)


def publication_in_home(
    home: Home, *, month: str = "", quarter: str = "", area: str | None = None, on: date | None = None
) -> Publication:
    """The publication of a closed month, or of a quarter whose three months are closed; nothing is written.

    `on`: the day on which lists stand. Errors: StoreError `publication.open` (months that are not closed, each named),
    PolicyError `fund.quarter`, `settle.area`, and those of `figures_in_home`.
    """
    plan, area = load_plan(), area_of(home, area)
    months = quarter_months(quarter) if quarter else (month,)
    closed = closed_months(home, area)
    _require_closed(home, months, closed, quarter)
    wish = Wish(months, measures=plan.measures, area=area, on=on)
    desks = desks_for(home, wish, (YEAR, PERIOD))
    tables = {
        kind: figures_beside(
            home,
            Wish(months, by, plan.measures, area=area, on=on, intervals=kind == HOSPITAL),
            (YEAR, PERIOD, PEERS) if kind == HOSPITAL else (YEAR, PERIOD),
            desks,
        )
        for kind, by in _BY.items()
    }
    register = register_at(desks.institutions, months[-1])
    counties = {code: row["region"] or "" for code, row in register.items()}
    spans = (months, base_months(months, YEAR), base_months(months, PERIOD))
    money = [money_in_home(home, span, area, counties) if all(one in closed for one in span) else {} for span in spans]
    paged = set(pc.unique(desks.pages["month"]).to_pylist())
    whole = {
        (kind, page): set(span) <= (paged if page else set(closed))
        for kind, span in zip((YEAR, PERIOD), spans[1:], strict=True)
        for page in (True, False)
    }
    entries = {kind: _entries(kind, some, whole) for kind, some in tables.items()}
    names = {one.place["institution_code"]: one.names["institution_code"] for one in tables[HOSPITAL][0].figures}
    levels = _levels(tables[HOSPITAL][2], register)
    places = []
    for kind, by_code in entries.items():
        for code in _ordered(kind, by_code, levels):
            name = {HOSPITAL: names.get(code, code), TOTAL: WHOLE}.get(kind, code or UNKNOWN)
            own = (levels.get(code, ""), counties.get(code, "")) if kind == HOSPITAL else ("", "")
            places.append(Place(kind, code, name, *own, by_code[code], *(one.get((kind, code)) for one in money)))
    notes = [*tables[HOSPITAL][0].notes, *tables[HOSPITAL][2].notes]
    notes += [*_money_notes(spans, money), *_page_notes(spans, whole)]
    return Publication(
        quarter or month,
        months,
        plan,
        tuple(places),
        tables[HOSPITAL][2],
        tuple(closed[one] for one in months),
        tuple(dict.fromkeys(notes)),
    )


def _require_closed(home: Home, months: Sequence[str], closed: Mapping[str, Any], quarter: str) -> None:
    lacking = [one for one in months if one not in closed]
    if lacking:
        first = f"tongpin settle --month {lacking[0]}"
        words = f"{quarter} 的三个月都月结后才能通报，" if quarter else ""
        raise StoreError(
            "publication.open",
            f"{words}{'、'.join(lacking)} 还没有月结",
            where=str(home.root),
            hint=f"先运行 {first}"
            + ("；已月结的月份可用 --month 单独公布" if quarter and len(lacking) < len(months) else ""),
        )


def _entries(
    kind: str, tables: Sequence[FigureTable], whole: Mapping[tuple[str, bool], bool]
) -> dict[str, dict[str, Entry]]:
    """The figures by code and measure; the tables of a place hold the same figures in the same order.

    `whole`: whether a comparison (and front pages or lists) has all its earlier months: a sum is compared only then.
    """
    found: dict[str, dict[str, Entry]] = {}
    for figures in zip(*(one.figures for one in tables), strict=True):
        measure = figures[0].measure
        page = measure.population == PAGE_POPULATION
        year, period = (
            one if measure.unit not in SUMS or whole[word, page] else replace(one, compared=None)
            for word, one in zip((YEAR, PERIOD), figures, strict=False)
        )
        code = "".join(year.place.values())
        found.setdefault(code, {})[measure.id] = Entry(year, period, figures[2] if kind == HOSPITAL else None)
    return found


def _levels(table: FigureTable, register: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The level of every hospital, as registered in the last month."""
    codes = dict.fromkeys(one.place["institution_code"] for one in table.figures)
    return {code: register.get(code, {}).get("settlement_level") or "" for code in codes}


def _ordered(kind: str, codes: Iterable[str], levels: Mapping[str, str]) -> list[str]:
    """Codes with the highest level first."""

    def place(code: str) -> tuple[int, str]:
        level = levels.get(code, "") if kind == HOSPITAL else code
        return (LEVELS.index(level) if level in LEVELS else len(LEVELS), code)

    return sorted(codes, key=place)


def _money_notes(spans: Sequence[Sequence[str]], money: Sequence[Mapping[Key, Money]]) -> list[str]:
    words = ("", "上年同期", "上期")
    return [
        f"{word}（{span[0]}{'' if len(span) == 1 else f'..{span[-1]}'}）没有全部月结，结算金额没有{kind}"
        for word, kind, span, found in zip(words, ("", "同比", "环比"), spans, money, strict=True)
        if word and not found
    ]


def _page_notes(spans: Sequence[Sequence[str]], whole: Mapping[tuple[str, bool], bool]) -> list[str]:
    words = ((YEAR, "上年同期", "同比", spans[1]), (PERIOD, "上期", "环比", spans[2]))
    return [
        f"{word}（{span[0]}{'' if len(span) == 1 else f'..{span[-1]}'}）的病案首页不全，出院例数等合计没有{kind}"
        for name, word, kind, span in words
        if not whole[name, True]
    ]
