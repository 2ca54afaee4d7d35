"""The portfolio of a home 一个工作目录的病组组合: closed months read, pyramid, what-if and frontier of a hospital."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import StoreError, TongpinError
from tongpin.grouping.library import open_scheme
from tongpin.measures.benchmark import group_deaths, risk_levels
from tongpin.measures.engine import sum_facts
from tongpin.measures.guokao.score import PERCENTILE
from tongpin.measures.guokao.tables import score_tables
from tongpin.measures.guokao.values import hospital_year
from tongpin.measures.populations import discharged_cases, paid_by_group, settled_cases
from tongpin.payment.month.closed import closed_manifest, closed_months
from tongpin.payment.month.statement_columns import DRG, assumed_labels, method_of_manifest, synthetic_notice
from tongpin.payment.policy.library import policy_at_close
from tongpin.records.intake.load import CASES, INSTITUTIONS, read_loaded
from tongpin.records.layouts.catalogue import layouts
from tongpin.twin.peers import latest_peers
from tongpin.twin.portfolio.assessed import Assessed
from tongpin.twin.portfolio.capacity import Means, capacities_of
from tongpin.twin.portfolio.catalogue import load_portfolio
from tongpin.twin.portfolio.classes import losing_months, months_in_row
from tongpin.twin.portfolio.pyramid import build_pyramid
from tongpin.twin.portfolio.stays import page_totals, stays_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home
    from tongpin.twin.portfolio.capacity import Capacity
    from tongpin.twin.portfolio.pyramid import Pyramid
    from tongpin.twin.portfolio.stays import Stays


@dataclass(frozen=True)
class Period:
    """Closed months of an area, and what every figure of them rests on.

    `notices` stand on every screen and paper; `assumed` the values that no document confirms, in words.
    """

    months: tuple[str, ...]
    area: str
    area_label: str
    policy_label: str
    weight_edition: str
    group_labels: Mapping[str, str]
    notices: tuple[str, ...]
    assumed: tuple[str, ...]

    @property
    def days(self) -> int:
        """Days of the months."""
        return sum(monthrange(int(month[:4]), int(month[5:]))[1] for month in self.months)

    @property
    def label(self) -> str:
        """`2025-06`, or `2025-01至2025-06`."""
        return self.months[0] if len(self.months) == 1 else f"{self.months[0]}至{self.months[-1]}"


@dataclass(frozen=True)
class HospitalPeriod:
    """A hospital in a period: its stays, means and capacities, and what its assessment rests on."""

    period: Period
    name: str
    level: str
    stays: Stays
    means: Means
    capacities: tuple[Capacity, ...]
    assessed: Assessed


def months_between(first: str, last: str) -> tuple[str, ...]:
    """The months `first`…`last` (`YYYY-MM`)."""
    start, end = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    return tuple(f"{number // 12}-{number % 12 + 1:02d}" for number in range(start, end + 1))


def pyramid_in_home(
    home: Home, months: Sequence[str], area: str | None, hospital: str | None
) -> tuple[Period, str, Pyramid]:
    """The pyramid of closed months of an area or one hospital, with what it rests on and the name of whom it is of.

    Raises StoreError `settle.open`, `portfolio.method`, `portfolio.cases`, TongpinError `portfolio.editions`,
    `portfolio.hospital`, PolicyError `policy.changed`. Source: S000-12..15.
    """
    period, _, _ = _period(home, months, area)
    name = period.area_label if hospital is None else str(_place(home, hospital, months)["institution_name"])
    before = [one for one in closed_months(home, period.area) if one < months[0]]
    earlier = months_in_row([*before, months[0]])[:-1][-losing_months() :]
    lists = paid_by_group(settled_cases(home, [*earlier, *months], period.area))
    if hospital is not None:
        lists = lists.filter(pc.equal(lists["institution_code"], hospital))
    facts = sum_facts(lists, ["drg", "month"])
    if not pc.any(pc.is_in(facts["month"], value_set=pa.array(list(months), pa.string()))).as_py():
        raise StoreError(
            "portfolio.cases",
            f"{name} {period.label} 没有按病组付费的清单",
            where=str(home.root),
            hint="检查机构与月份",
        )
    return period, name, build_pyramid(facts, months)


def hospital_in_home(
    home: Home, months: Sequence[str], area: str | None, hospital: str, method: str = PERCENTILE
) -> HospitalPeriod:
    """A hospital in closed months, ready for what-if and frontier; errors as `pyramid_in_home`.

    Growths compare with the same months of the year before where front pages of each of them are loaded; scores are
    formed by `method` against the last peers loaded.
    """
    period, policy, scheme = _period(home, months, area)
    place = _place(home, hospital, months)
    before = [f"{int(month[:4]) - 1}{month[4:]}" for month in months]
    every = _with_route(home, discharged_cases(home, scheme, policy, [*months, *before]))
    pages, earlier = (every.filter(pc.is_in(every["month"], value_set=pa.array(list(one)))) for one in (months, before))
    lists = paid_by_group(settled_cases(home, months, period.area))
    institutions = _register(home, months)
    risk = risk_levels(group_deaths(earlier if earlier.num_rows else pages))
    stays = stays_of(pages, lists, institutions, hospital, risk)
    if not stays.groups.num_rows:
        raise StoreError(
            "portfolio.cases",
            f"{place['institution_name']} {period.label} 没有病例",
            where=str(home.root),
            hint="检查机构与月份",
        )
    means = _means(home, place, months)
    own = earlier.filter(pc.equal(earlier["institution_code"], hospital))
    return HospitalPeriod(
        period=period,
        name=str(place["institution_name"]),
        level=str(place.get("settlement_level") or ""),
        stays=stays,
        means=means,
        capacities=capacities_of(stays.totals, period.days, means),
        assessed=assessed_in_home(
            home,
            hospital,
            months,
            str(place.get("manual") or ""),
            page_totals(own) if set(own["month"].to_pylist()) == set(before) else None,
            (scheme.scheme_id, risk),
            method,
        ),
    )


def assessed_in_home(
    home: Home,
    hospital: str,
    months: Sequence[str],
    manual: str,
    last_year: Mapping[str, int] | None,
    grouping: tuple[str, pa.Table],
    method: str,
) -> Assessed:
    """What the assessment of a hospital in some months rests on; `grouping`: the scheme's id, and the risk levels."""
    year = int(months[-1][:4])
    bare = Assessed(manual=manual, year=year, last_year=last_year, method=method)
    if not bare.set_name:
        return bare
    scheme_id, risk = grouping
    known = hospital_year(home, year, hospital, scheme=scheme_id, risk=risk)
    span = frozenset(months)
    amounts = {item: known.this.amount(item, span) for item in load_portfolio().filed_items}
    tables = score_tables(bare.set_name, home)
    peers, peers_year = latest_peers(home, year, manual)
    return replace(
        bare,
        filed={item: one.value for item, one in amounts.items() if one is not None},
        values=known.scored_values(tables.weights),
        peers=peers,
        peers_year=peers_year,
        tables=tables,
    )


def _period(home: Home, months: Sequence[str], area: str | None) -> tuple[Period, Policy, SchemeTables]:
    manifests = [closed_manifest(home, month, area) for month in months]
    if any(method_of_manifest(one) != DRG for one in manifests):
        raise StoreError(
            "portfolio.method",
            "按病种分值付费的月份没有病组组合",
            where=str(home.root),
            hint="病种的盈亏看 tongpin dip ledger",
        )
    editions = sorted({one["weights_label"] for one in manifests})
    if len(editions) > 1:
        raise TongpinError(
            "portfolio.editions",
            f"这些月份用了几个权重版本（{'、'.join(editions)}），权重与 CMI 不能放在一起",
            where=f"{months[0]}..{months[-1]}",
            hint="按权重版本分段看",
        )
    last = manifests[-1]
    policy = policy_at_close(home, last)
    scheme = open_scheme(home, policy.scheme_id)
    assumed = assumed_labels(policy)
    own = [one for one in load_portfolio().settings if one.assumed]
    notices = [*synthetic_notice(home), scheme.source]
    if assumed:
        notices.append(f"模拟：付费办法有 {len(assumed)} 项取值没有文件确认，列在口径页")
    notices.append(f"模拟：病组组合有 {len(own)} 个参数与各类名称、安排条件没有文件确认，列在口径页")
    period = Period(
        months=tuple(months),
        area=last["area"],
        area_label=last["area_label"],
        policy_label=last["policy_label"],
        weight_edition=editions[0],
        group_labels=dict(scheme.drg_names),
        notices=tuple(one for one in notices if one),
        assumed=assumed,
    )
    return period, policy, scheme


def _register(home: Home, months: Sequence[str]) -> list[dict[str, Any]]:
    """The institutions as they stood at the end of the last month."""
    table = read_loaded(home, INSTITUTIONS).sort_by("valid_from")
    latest = {row["institution_code"]: row for row in table.to_pylist() if f"{row['valid_from']:%Y-%m}" <= months[-1]}
    return list(latest.values())


def _place(home: Home, hospital: str, months: Sequence[str]) -> dict[str, Any]:
    found = [row for row in _register(home, months) if hospital in {row["institution_code"], row["institution_name"]}]
    if not found or found[0]["institution_code"] != hospital:
        hint = f"{found[0]['institution_name']}的代码是 {found[0]['institution_code']}" if found else "代码见机构登记表"
        raise TongpinError("portfolio.hospital", f"没有代码为 {hospital} 的机构", where="--hospital", hint=hint)
    return found[0]


def _with_route(home: Home, pages: pa.Table) -> pa.Table:
    """The front pages with 入院途径, which tells an emergency."""
    columns = ["institution_code", "case_id", "admission_route"]
    told = read_loaded(home, CASES, columns, where=("source", pa.array(["front_page"])))
    keys = [
        pc.binary_join_element_wise(table["institution_code"], table["case_id"], "\x1f").combine_chunks()
        for table in (pages, told)
    ]
    rows = pc.index_in(keys[0], value_set=keys[1])
    return pages.append_column("admission_route", told["admission_route"].combine_chunks().take(rows))


def _means(home: Home, place: Mapping[str, Any], months: Sequence[str]) -> Means:
    """Beds, doctors and operations of a hospital, where its layouts give them."""
    code, end = place["institution_code"], f"{months[-1]}-31"
    where = ("institution_code", pa.array([code], pa.string()))
    beds = place.get("open_beds") or _department_beds(home, where, end) or place.get("beds")
    staff = _latest(read_loaded(home, layouts()["staff"].table, where=where), "staff_code", end)
    doctors = [float(row["full_time_ratio"] or 1) for row in staff if row["role"] == "医师"]
    item = next(one.item for one in load_portfolio().capacities if one.item)
    finance = read_loaded(home, layouts()["finance"].table, where=where)
    filed = finance.filter(pc.equal(finance["item_code"], item)).to_pylist()
    return Means(beds, sum(doctors) if doctors else None, _operations(filed, months))


def _latest(table: pa.Table, key: str, end: str) -> list[dict[str, Any]]:
    """The rows in force at the end of the period, the newest of each key."""
    rows = sorted(table.to_pylist(), key=lambda row: row["valid_from"])
    held = {row[key]: row for row in rows if str(row["valid_from"]) <= end}
    return [row for row in held.values() if row["valid_until"] is None or str(row["valid_until"]) >= end]


def _department_beds(home: Home, where: tuple[str, pa.Array], end: str) -> int:
    """Open beds of the departments, those of parents left out where children have their own."""
    rows = _latest(read_loaded(home, layouts()["department"].table, where=where), "dept_code", end)
    parents = {row["parent_code"] for row in rows if row["open_beds"]}
    return sum(row["open_beds"] or 0 for row in rows if row["dept_code"] not in parents)


def _operations(filed: Sequence[Mapping[str, Any]], months: Sequence[str]) -> int | None:
    """Operations that can be scheduled in the months: filed by month, or a share of the year."""
    total = Fraction(0)
    for month in months:
        of_year = {row["month"]: row["value"] for row in filed if row["year"] == int(month[:4])}
        if month in of_year:
            total += Fraction(of_year[month])
        elif None in of_year:
            total += Fraction(of_year[None]) / 12
        else:
            return None
    return int(total)
