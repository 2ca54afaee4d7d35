"""Indicator values of a home 指标值: everything known of a hospital-year gathered, then computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.csv import read_csv

from tongpin.base.errors import TongpinError
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import open_scheme
from tongpin.measures.benchmark import group_deaths, risk_levels
from tongpin.measures.guokao.catalogue import FUTURE, STRUCTURE, load_set
from tongpin.measures.guokao.compute import Terms, compute_values
from tongpin.measures.guokao.filed import filed_figures
from tongpin.measures.guokao.hospital import Hospital, hospital_named, require_set
from tongpin.measures.guokao.records import (
    PAGES,
    STATEMENTS,
    STREAM_LABELS,
    VISITS,
    Recorded,
    front_pages,
    last_day,
    page_items,
    statement_items,
    stock_items,
    stream_of,
    visit_items,
)
from tongpin.payment.policy.library import open_policy

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from pathlib import Path

    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.measures.guokao.catalogue import Indicator
    from tongpin.store.home import Home

OWN_RISK = "低风险病组按本地基期病组死亡率自算，非国家统一名单（模拟）"
LISTED_RISK = "低风险病组按导入的名单"


@dataclass(frozen=True)
class HospitalYear:
    """A hospital and what is known of it for a year, the year before and the one before that."""

    hospital: Hospital
    year: int
    this: Terms
    last: Terms
    earlier: Terms
    notes: tuple[str, ...] = ()

    @property
    def indicators(self) -> dict[str, Indicator]:
        """The indicators of the hospital's manual."""
        return load_set(require_set(self.hospital))

    def values(self) -> pa.Table:
        """The figures of the year (`VALUE_SCHEMA`)."""
        return compute_values(self.indicators.values(), self.this, self.last)

    def scored_values(self, numbers: Container[str]) -> pa.Table:
        """The figures that may be scored: those of the year, and those of the future that `numbers` (weights) name."""
        extra = self.extra_values()
        named = pa.array([number in numbers for number in extra["no"].to_pylist()], pa.bool_())
        return pa.concat_tables([self.values(), extra.filter(named)])

    def extra_values(self) -> pa.Table:
        """The forms of drug and material shares, and indicators of the future; never scored by default."""
        extra = [*load_set(STRUCTURE).values(), *load_set(FUTURE).values()]
        return compute_values(extra, self.this, self.last)

    def compared(self) -> tuple[pa.Table, pa.Table]:
        """The figures of both years, those of records over the months that both years cover (S909-02)."""
        both = _page_months(self.this) & _page_months(self.last)
        only = None if both == _page_months(self.this) == _page_months(self.last) else both
        now = compute_values(self.indicators.values(), self.this, self.last, only)
        return now, compute_values(self.indicators.values(), self.last, self.earlier, only)


def _page_months(terms: Terms) -> frozenset[str]:
    return frozenset(month[5:] for month in terms.recorded.months.get(PAGES, frozenset()))


def indicator_values(
    home: Home, year: int, hospital: str | None = None, *, scheme: str | None = None, risk: pa.Table | None = None
) -> pa.Table:
    """The figures of a hospital's indicators for a year: `no, sub, value, source, reason` and more (`VALUE_SCHEMA`).

    Errors: `guokao.hospital`, `guokao.manual` (no set for its manual). See `hospital_year`. Source: S909-01, S909-03.
    """
    return hospital_year(home, year, hospital, scheme=scheme, risk=risk).values()


def hospital_year(
    home: Home, year: int, hospital: str | None = None, *, scheme: str | None = None, risk: pa.Table | None = None
) -> HospitalYear:
    """Everything known of a hospital-year.

    `scheme` names the grouping scheme for the low-risk groups, by default that of the edition in force; `risk` (`drg,
    risk_level`) is the national list where it was imported, else levels come from the mortality of the year before,
    or of the year itself where no pages of that are loaded.
    """
    one = hospital_named(home, hospital, year)
    require_set(one)
    tables, notes = _scheme(home, year, scheme)
    levels = risk
    if tables is not None and risk is None:
        levels, note = _own_risk(home, year, tables)
        notes = [*notes, note]
    elif risk is not None:
        notes = [*notes, LISTED_RISK]
    years = (year, year - 1, year - 2)
    pages = front_pages(home, one.codes, years)
    if tables is not None and pages.num_rows:
        pages = _grouped(pages, tables)
    every = [
        *load_set(one.set_name).values(),
        *load_set(STRUCTURE).values(),
        *load_set(FUTURE).values(),
    ]
    this, last, earlier = (_terms(home, one, which, pages, levels, every) for which in years)
    return HospitalYear(one, year, this, last, earlier, (*notes, *_coverage(this, year)))


def read_risk(path: Path) -> pa.Table:
    """An imported list of risk levels, CSV `drg,risk_level` (1 is low risk); TongpinError `guokao.risk`."""
    try:
        table = read_csv(path)
        return table.select(["drg", "risk_level"]).cast(pa.schema([("drg", pa.string()), ("risk_level", pa.int64())]))
    except (OSError, KeyError, pa.ArrowException) as error:
        raise TongpinError(
            "guokao.risk", "风险级别名单读不出", where=str(path), hint="CSV（UTF-8），两列 drg,risk_level，级别写整数"
        ) from error


def _scheme(home: Home, year: int, name: str | None) -> tuple[SchemeTables | None, list[str]]:
    """The scheme for the low-risk groups; where there is none the figures that need it say so."""
    if name is not None:
        return open_scheme(home, name), []
    try:
        return open_scheme(home, open_policy(home, None, f"{year}-12").scheme_id), []
    except TongpinError as error:
        return None, [f"没有分组方案，低风险组指标未算：{error.message}"]


def _grouped(pages: pa.Table, scheme: SchemeTables) -> pa.Table:
    grouped = group(pages, scheme)
    for name in ("drg", "status"):
        place = grouped.column_names.index(name)
        grouped = grouped.set_column(place, name, grouped[name].cast(pa.string()))
    return grouped


def _own_risk(home: Home, year: int, scheme: SchemeTables) -> tuple[pa.Table, str]:
    pages = front_pages(home, None, (year - 1,))
    base = year - 1
    if not pages.num_rows:
        pages, base = front_pages(home, None, (year,)), year
    return risk_levels(group_deaths(_grouped(pages, scheme))), f"{OWN_RISK}；基期 {base} 年"


def _terms(
    home: Home,
    hospital: Hospital,
    year: int,
    pages: pa.Table,
    risk: pa.Table | None,
    indicators: Iterable[Indicator],
) -> Terms:
    own = pages.filter(pc.starts_with(pages["month"], str(year)))
    flows = page_items(own, risk) if own.num_rows else {}
    flows |= visit_items(home, hospital, year)
    flows |= statement_items(home, hospital, year)
    months: dict[str, frozenset[str]] = {}
    for item, by_month in flows.items():
        stream = stream_of(item)
        months[stream] = months.get(stream, frozenset()).union(by_month)
    stocks = stock_items(home, hospital, last_day(year, months.get(PAGES, frozenset())))
    filed = filed_figures(home, hospital, year, indicators)
    return Terms(year, Recorded(flows, months, stocks), filed)


def _coverage(terms: Terms, year: int) -> list[str]:
    """A line for every stream of records that does not cover the whole year."""
    told = []
    for stream in (PAGES, VISITS, STATEMENTS):
        months = terms.recorded.months.get(stream)
        if months and len(months) < len(terms.whole_year):
            told.append(
                f"{year} 年{STREAM_LABELS[stream]}只有 {'、'.join(sorted(months))}，"
                "由它得出的数只及这些月份，不推算全年"
            )
    return told
