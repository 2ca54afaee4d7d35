"""The forecast of a year in a home 年末预测: closed months, pages and filed figures in, both desks out (S000-42)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.measures.guokao.hospital import hospital_named
from tongpin.measures.guokao.records import front_pages
from tongpin.measures.guokao.score import PERCENTILE, Standing, score, standing
from tongpin.measures.guokao.tables import score_tables
from tongpin.measures.guokao.values import hospital_year
from tongpin.payment.fund.series import month_after
from tongpin.payment.month.closed import area_of, closed_months, decisions, posted, statements
from tongpin.payment.policy.library import open_policy
from tongpin.payment.weights.rounds import round_or_edition
from tongpin.payment.year.clear import READS
from tongpin.payment.year.rulings import as_rulings, read_rulings, with_derived
from tongpin.payment.year.run import SOURCES
from tongpin.payment.year.taken import last_period
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.twin.forecast.cases import grouped, two_groupings
from tongpin.twin.forecast.catalogue import setting
from tongpin.twin.forecast.indicators import INDICATOR_END_SCHEMA, IndicatorEnd, indicators_end, with_forecast
from tongpin.twin.forecast.model import months_between
from tongpin.twin.forecast.places import YearLines, histories, summed, year_lines
from tongpin.twin.forecast.rest import NEUTRAL, rests
from tongpin.twin.forecast.scenario import editions, item_factors, place_factors, statement_factors
from tongpin.twin.forecast.settlement import YearEnd, year_end
from tongpin.twin.forecast.units import recomputed_funds
from tongpin.twin.peers import latest_peers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tongpin.measures.guokao.hospital import Hospital
    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.year.rulings import Rulings
    from tongpin.store.home import Home
    from tongpin.twin.forecast.rest import Parts, Place, Rest
    from tongpin.twin.forecast.scenario import Scenario

YEARS_BACK = 3
"""How many years before the one that is forecast are read."""


class Scored(NamedTuple):
    """The simulated score of the expected figures (`SCORE_SCHEMA`) and the standing among imported peers; all 模拟."""

    scores: pa.Table
    standing: Standing
    peers_year: int


@dataclass(frozen=True)
class HospitalEnd:
    """A hospital at the year end: who, its indicators, what they would score, and notes."""

    hospital: Hospital
    indicators: IndicatorEnd
    scored: Scored | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Forecast:
    """The year end of an area, and of one hospital both desks; `plain` without the scenario, where there is one."""

    year: int
    area: str
    area_label: str
    policy: str
    policy_label: str
    assumed: tuple[str, ...]
    until: str
    settlement: YearEnd
    plain: YearEnd | None
    hospital: HospitalEnd | None
    scenario: Scenario | None
    notes: tuple[str, ...]


class Months(NamedTuple):
    """The closed months of the year: those known, those ahead, and the months in which another edition began."""

    known: tuple[str, ...]
    ahead: tuple[str, ...]
    steps: tuple[str, ...]


def months_of_year(closed: Mapping[str, Mapping[str, Any]], year: int) -> Months:
    """Known and coming months of a year; PolicyError `forecast.closed` (none closed), `forecast.gap` (one left out)."""
    mine = sorted(month for month in closed if month[:4] == str(year))
    if not mine:
        raise PolicyError(
            "forecast.closed", f"{year} 年还没有关账的月份，无从预测", hint=f"先运行 tongpin settle --month {year}-01"
        )
    known = months_between(f"{year}-01", mine[-1])
    first = min(closed)
    open_ones = [month for month in known if month not in closed and month > first]
    if open_ones:
        raise PolicyError(
            "forecast.gap", f"{'、'.join(open_ones)} 没有关账，后面的月份却关了", hint="先把中间的月份关账再预测"
        )
    ordered = sorted(closed)
    steps = [
        month for before, month in pairwise(ordered) if closed[before].get("policy") != closed[month].get("policy")
    ]
    ahead = months_between(month_after(mine[-1], 1), f"{year}-12")
    return Months(tuple(mine), ahead, tuple(steps))


def forecast_in_home(
    home: Home,
    year: int,
    area: str | None = None,
    *,
    hospital: str | None = None,
    scenario: Scenario | None = None,
    method: str = PERCENTILE,
    progress: Callable[[int, int], None] | None = None,
) -> Forecast:
    """The year end of every hospital and fund of an area, and of one hospital its moved indicators and score.

    `hospital`: code or name. Raises PolicyError (`forecast.*`, `settle.area`, `policy.gap`, `clear.*`), TongpinError
    (`guokao.*`). Nothing is written. Source: S000-42.
    """
    area = area_of(home, area)
    if area is None:
        raise PolicyError("forecast.closed", "这个工作目录没有关账的月份，无从预测", hint="先运行 tongpin settle")
    closed = closed_months(home, area)
    months = months_of_year(closed, year)
    policy = open_policy(home, area, f"{year}-12")
    one = None if hospital is None else hospital_named(home, hospital, year)
    lines, history = _years(home, area, year, months, closed, policy)
    places = list(zip(*(lines.state.places[name].tolist() for name in ("institution_code", "fund")), strict=True))
    funds = recomputed_funds(lines.state)
    rest = rests(places, history, months.ahead, months.steps, funds, progress) if months.ahead else {}
    plain = year_end(year, lines, months.known, months.ahead, rest)
    changed, factors, notes = plain, {}, []
    if scenario is not None and not months.ahead:
        notes.append("全年已关账，情景没有可以改变的月份")
    elif scenario is not None and not scenario.is_neutral:
        factors = _place_factors(home, months, scenario, policy)
        moved = {place: one.times(factors.get(place, NEUTRAL)) for place, one in rest.items()}
        changed = year_end(year, lines, months.known, months.ahead, moved, anew=not scenario.edition)
    return Forecast(
        year=year,
        area=area,
        area_label=policy.edition.area,
        policy=policy.id,
        policy_label=policy.edition.label,
        assumed=tuple(sorted(policy.assumed_keys())),
        until=months.known[-1],
        settlement=changed,
        plain=None if scenario is None else plain,
        hospital=None if one is None else _hospital(home, one, year, months, policy, scenario, factors, rest, method),
        scenario=scenario,
        notes=(*changed.notes, *notes, *_history_notes(closed, months)),
    )


def _history_notes(closed: Mapping[str, Any], months: Months) -> list[str]:
    size = len([month for month in closed if month <= months.known[-1]])
    notes = [f"依据 {size} 个已关账的月份（{min(closed)} 至 {months.known[-1]}），余下 {len(months.ahead)} 个月是预测"]
    year = months.known[0][:4]
    if months.known[0] != f"{year}-01":
        notes.append(f"{year} 年 {months.known[0]} 以前没有关账，年末数不含那些月份")
    if months.ahead:
        notes.append("以后的审核扣款、单议、申诉与逾期决定不预测；各院区间不能相加成全区区间")
    return notes


def _years(
    home: Home, area: str, year: int, months: Months, closed: Mapping[str, Any], policy: Policy
) -> tuple[YearLines, dict[Place, Any]]:
    """The lines of the year, and the months of every place of this year and those before."""
    payees = _payees(home, policy, year)
    found = {}
    for one in range(year - YEARS_BACK, year + 1):
        own = policy if one == year else _policy_of(home, area, one)
        if own is None:
            continue
        last = last_period(own, one)
        read = [month for month in sorted(closed) if f"{one - 1}-01" <= month <= last]
        if any(month[:4] == str(one) for month in read):
            lines, paid = posted(home, area, read, READS), statements(home, area, read)
            made = year_lines(one, lines, paid, _rulings(home, area, one), own, payees)
            if made is not None:
                found[one] = made
    flows = summed(pa.concat_tables([one.flows for one in found.values()]))
    flows = flows.filter(pc.less_equal(flows["month"], months.known[-1]))
    return found[year], histories(flows)


def _policy_of(home: Home, area: str, year: int) -> Policy | None:
    """The edition that clears an earlier year, none where the area had none."""
    try:
        return open_policy(home, area, f"{year}-12")
    except PolicyError as error:
        if error.code != "policy.gap":
            raise
        return None


def _rulings(home: Home, area: str, year: int) -> Rulings:
    loaded = as_rulings(decisions(home, area))
    return read_rulings(with_derived(loaded, [as_rulings(source(home, area, year)) for source in SOURCES]), year)


def _payees(home: Home, policy: Policy, year: int) -> dict[str, str]:
    """The code that is paid for each institution that names another, where the edition clears by payee."""
    if policy.value("clearing.payee", date(year, 12, 31)) != "payee":
        return {}
    rows = sorted(read_loaded(home, INSTITUTIONS).to_pylist(), key=lambda row: row["valid_from"])
    return {row["institution_code"]: row["payee_code"] for row in rows if row.get("payee_code")}


def _span(months: Months) -> tuple[str, str]:
    """The months whose cases stand for the rest of the year."""
    last = months.known[-1]
    return month_after(last, 1 - setting("scenario.months")), last


def _place_factors(home: Home, months: Months, scenario: Scenario, policy: Policy) -> dict[Place, Parts]:
    new = round_or_edition(home, scenario.edition) if scenario.edition else policy
    today = date(int(months.known[-1][:4]), int(months.known[-1][5:]), 1)
    before, after = two_groupings(home, *_span(months), policy, new)
    of = editions(scenario, policy, new, today)
    return place_factors(before, after, scenario, of, read_loaded(home, INSTITUTIONS))


def _hospital(
    home: Home,
    one: Hospital,
    year: int,
    months: Months,
    policy: Policy,
    scenario: Scenario | None,
    factors: Mapping[Place, Parts],
    rest: Mapping[Place, Rest],
    method: str,
) -> HospitalEnd:
    if not one.set_name:
        return HospitalEnd(
            one,
            IndicatorEnd(INDICATOR_END_SCHEMA.empty_table(), months.known, months.ahead),
            None,
            (f"{one.name}：{one.reason}，不预测指标，不评分",),
        )
    known = hospital_year(home, year, one.code, scheme=policy.scheme_id)
    moved: dict[str, float] = {}
    if scenario is not None and not scenario.is_neutral and months.ahead:
        pages = front_pages(home, one.codes, range(year - 1, year + 1))
        first, last = _span(months)
        pages = pages.filter(pc.and_(pc.greater_equal(pages["month"], first), pc.less_equal(pages["month"], last)))
        moved = item_factors(grouped(home, pages, policy), scenario) if pages.num_rows else {}
        own = {place: part.expected for place, part in rest.items() if place[0] in one.codes and part.expected}
        moved |= statement_factors(factors, own)
    end = indicators_end(known, months.known[-1], moved)
    return HospitalEnd(one, end, _scored(home, one, known.scored_values, end, year, method), known.notes)


def _scored(
    home: Home, one: Hospital, values: Callable[..., pa.Table], end: IndicatorEnd, year: int, method: str
) -> Scored | None:
    """What the expected figures would score against the last peers imported; nothing without peers."""
    peers, peers_year = latest_peers(home, year, one.manual.manual)
    if peers_year is None:
        return None
    tables = score_tables(one.set_name, home)
    figures = with_forecast(values(tables.weights), end)
    return Scored(score(figures, peers, tables, method), standing(figures, peers, tables, method), peers_year)
