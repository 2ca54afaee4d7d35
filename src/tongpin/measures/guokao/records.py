"""Records 由记录算得: items month by month from front pages, visits, closed months, and counts of staff and beds."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import FEN_PER_YUAN
from tongpin.measures.compute import roll_up
from tongpin.measures.facts import case_facts
from tongpin.measures.guokao.catalogue import load_codes, load_diseases, load_items
from tongpin.payment.month.closed import areas_of, statements
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, read_loaded
from tongpin.records.layouts.catalogue import layouts
from tongpin.records.views.stay_lists import INPATIENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.measures.guokao.hospital import Hospital
    from tongpin.store.home import Home

PAGES, VISITS, STATEMENTS, STAFF, INSTITUTION = "pages", "visits", "statements", "staff", "institution"
STREAM_LABELS = {
    PAGES: "病案首页",
    VISITS: "门诊就诊",
    STATEMENTS: "月度支付情况表",
    STAFF: "人员",
    INSTITUTION: "机构登记",
}
_ANY = "*"
_FEN = "_fen"
# What a front page must have filled in somewhere before its sum says anything.
_RESTS_ON = {
    "case_count": "discharge_time",
    "surgery_count": "surgery_level",
    "third_surgery_count": "surgery_level",
    "fourth_surgery_count": "surgery_level",
    "referred_down_count": "discharge_way",
    "stay_days": "los",
    "total_fee_fen": "total_fee_fen",
    "drug_fee_fen": "drug_fee_fen",
    "low_risk_count": "discharge_way",
    "low_risk_death_count": "discharge_way",
    "day_surgery_count": "care_type",
}


@dataclass(frozen=True)
class Recorded:
    """What records give of a hospital-year: sums by item and month, the months each stream covers, counts of stocks."""

    flows: Mapping[str, Mapping[str, Fraction]] = field(default_factory=dict)
    months: Mapping[str, frozenset[str]] = field(default_factory=dict)
    stocks: Mapping[str, Fraction] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def stream_of(item: str) -> str:
    """The stream of records that gives an item, empty where none does."""
    return load_items()[item].records.partition(":")[0]


def front_pages(home: Home, codes: Sequence[str] | None, years: Sequence[int]) -> pa.Table:
    """Front pages of inpatients discharged in the years, of these institutions (None: all), with `month`."""
    where = None if codes is None else ("institution_code", pa.array(list(codes), pa.string()))
    columns = [*CASE_SCHEMA.names, "procedures"]
    cases = read_loaded(home, CASES, columns, where=where)
    of_pages = pc.and_(pc.equal(cases["source"], "front_page"), pc.is_valid(cases["discharge_time"]))
    inpatient = pc.is_in(cases["care_type"], value_set=pa.array(INPATIENT))
    in_years = pc.is_in(pc.year(cases["discharge_time"]), value_set=pa.array(list(years), pa.int64()))
    kept = cases.filter(pc.and_(pc.and_(of_pages, inpatient), in_years))
    return kept.append_column("month", pc.strftime(kept["discharge_time"], format="%Y-%m"))


def page_items(pages: pa.Table, risk: pa.Table | None = None) -> dict[str, dict[str, Fraction]]:
    """Items of front pages by month; `pages` holds `month` and, for the low-risk items, `drg`.

    An item rests on a column that is filled in somewhere, else it is absent: an empty column is no zero.
    Source: S000-04, TV-F1; a stay with several operations counts as one patient.
    """
    facts = case_facts(pages, ["month"], risk=risk if "drg" in pages.column_names else None)
    sums = roll_up(facts, ["month"]).to_pylist()
    found = {
        fact: {row["month"]: _scaled(fact, row[fact]) for row in sums}
        for fact, column in _RESTS_ON.items()
        if sums and fact in sums[0] and _is_filled(pages, column)
    }
    found |= _incisions(pages) | _diseases(pages)
    return {
        one.id: found[fact]
        for one in load_items().values()
        for stream, _, fact in [one.records.partition(":")]
        if stream == PAGES and fact in found
    }


def _is_filled(table: pa.Table, column: str) -> bool:
    return column in table.column_names and table[column].null_count < table.num_rows


def _scaled(fact: str, value: int) -> Fraction:
    return Fraction(value, FEN_PER_YUAN) if fact.endswith(_FEN) else Fraction(value)


def _incisions(pages: pa.Table) -> dict[str, dict[str, Fraction]]:
    """Operations one by one, and those with a clean incision, where the pages tell them."""
    if "procedures" not in pages.column_names:
        return {}
    procedures = pages["procedures"].combine_chunks()
    parents = pc.list_parent_indices(procedures)
    flat = procedures.flatten()
    if not len(flat):
        return {}
    months = pages["month"].combine_chunks().take(parents)
    level, healing = flat.field("level"), flat.field("incision_healing")
    masks: dict[str, Any] = {}
    if level.null_count < len(level):
        masks["surgery_operation_count"] = pc.is_valid(level)
    if healing.null_count < len(healing):
        for name, codes in (("clean_incision_count", "clean_incision"), ("clean_infection_count", "clean_infection")):
            masks[name] = pc.is_in(healing, value_set=pa.array(load_codes()[codes].values))
    every = sorted(set(pages["month"].to_pylist()))
    return {name: _counted(months, mask, every) for name, mask in masks.items()}


def _counted(months: Any, mask: Any, every: Sequence[str]) -> dict[str, Fraction]:
    counts = pc.value_counts(months.filter(mask)).to_pylist()
    found = {row["values"]: row["counts"] for row in counts}
    return {month: Fraction(found.get(month, 0)) for month in every}


def _diseases(pages: pa.Table) -> dict[str, dict[str, Fraction]]:
    """Cases, days, fees and deaths of every single disease by month."""
    some = pages.filter(pc.fill_null(pc.greater(pc.list_value_length(pages["dx"]), 0), False))
    if not some.num_rows:
        return {}
    first = pc.list_element(some["dx"], 0).cast(pa.string())
    every = sorted(set(pages["month"].to_pylist()))
    names = ("case_count", "stay_days", "total_fee_fen", "death_count")
    found: dict[str, dict[str, Fraction]] = {}
    for one in load_diseases().values():
        mask = np.zeros(some.num_rows, dtype=np.bool_)
        for code in one.dx:
            mask |= np.asarray(pc.fill_null(pc.starts_with(first, code), False))
        facts = roll_up(case_facts(some.filter(pa.array(mask)), ["month"]), ["month"]).to_pylist()
        by_month = {row["month"]: row for row in facts}
        for name in names:
            found[f"disease.{one.id}.{name}"] = {
                month: _scaled(name, by_month[month].get(name, 0)) if month in by_month else Fraction(0)
                for month in every
            }
    return found


def visit_items(home: Home, hospital: Hospital, year: int) -> dict[str, dict[str, Fraction]]:
    """Items of outpatient visits by month, where visits are loaded."""
    columns = ["institution_code", "visit_time", "total_fee_fen", "drug_fee_fen", "is_appointed", "waiting_minutes"]
    where = ("institution_code", pa.array(list(hospital.codes), pa.string()))
    visits = read_loaded(home, layouts()["outpatient-visit"].table, columns, where=where)
    visits = visits.filter(pc.fill_null(pc.equal(pc.year(visits["visit_time"]), year), False))
    if not visits.num_rows:
        return {}
    ones = {
        "visit_count": pa.array(np.ones(visits.num_rows, np.int64)),
        "appointed_count": pc.cast(pc.fill_null(visits["is_appointed"], False), pa.int64()),
        "waiting_minutes": pc.fill_null(visits["waiting_minutes"].cast(pa.int64()), 0),
        "total_fee_fen": pc.fill_null(visits["total_fee_fen"], 0),
        "drug_fee_fen": pc.fill_null(visits["drug_fee_fen"], 0),
    }
    rests = {"appointed_count": "is_appointed", "waiting_minutes": "waiting_minutes", "drug_fee_fen": "drug_fee_fen"}
    kept = {name: values for name, values in ones.items() if name not in rests or _is_filled(visits, rests[name])}
    table = pa.table({"month": pc.strftime(visits["visit_time"], format="%Y-%m"), **kept})
    return _by_item(VISITS, roll_up(table, ["month"]).to_pylist())


def statement_items(home: Home, hospital: Hospital, year: int) -> dict[str, dict[str, Fraction]]:
    """What the insurer owes and what item-based payment would have owed, of closed months of every area (S000-41)."""
    parts = [statements(home, area) for area in areas_of(home)]
    if not parts:
        return {}
    rows = pa.concat_tables(parts)
    own = pc.is_in(rows["institution_code"], value_set=pa.array(list(hospital.codes), pa.string()))
    kept = rows.filter(pc.and_(own, pc.starts_with(rows["month"], str(year))))
    if not kept.num_rows:
        return {}
    sums = roll_up(kept.select(["month", "month_pool_payable_fen", "month_item_pool_fen"]), ["month"])
    return _by_item(STATEMENTS, sums.to_pylist())


def _by_item(stream: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Fraction]]:
    return {
        one.id: {row["month"]: _scaled(name, row[name]) for row in rows}
        for one in load_items().values()
        for owner, _, name in [one.records.partition(":")]
        if owner == stream and rows and name in rows[0]
    }


def stock_items(home: Home, hospital: Hospital, day: date) -> dict[str, Fraction]:
    """Counts of staff on a day, and beds of the register; a post or specialty nobody is registered with is absent."""
    where = ("institution_code", pa.array(list(hospital.codes), pa.string()))
    staff = read_loaded(home, layouts()["staff"].table, where=where)
    until = pc.fill_null(pc.greater_equal(staff["valid_until"], day), True)
    now = staff.filter(pc.and_(pc.less_equal(staff["valid_from"], day), until))
    latest = {(row["institution_code"], row["staff_code"]): row for row in now.sort_by("valid_from").to_pylist()}
    found: dict[str, Fraction] = {}
    for one in load_items().values():
        stream, _, told = one.records.partition(":")
        if stream == STAFF:
            count = _staff_count(list(latest.values()), told)
            if count is not None:
                found[one.id] = Fraction(count)
        elif stream == INSTITUTION and hospital.register.get(told) is not None:
            found[one.id] = Fraction(hospital.register[told])
    return found


def _staff_count(rows: Sequence[Mapping[str, Any]], told: str) -> int | None:
    """Who has one of the posts, titles and specialties `岗位、岗位/职称、职称/专业`; None where nobody tells them."""
    posts, titles, specialties = (*told.split("/"), _ANY, _ANY)[:3]
    having = [row for row in rows if row["role"] in posts.split("、")]
    if {row["role"] for row in having} != set(posts.split("、")):
        return None
    for column, words in (("title", titles), ("specialty", specialties)):
        if words == _ANY:
            continue
        if all(row[column] is None for row in having):
            return None
        having = [row for row in having if row[column] in words.split("、")]
    return len(having)


def last_day(year: int, months: frozenset[str]) -> date:
    """The day on which stocks are counted: the end of the last month covered, else of the year."""
    month = int(max(months)[5:]) if months else 12
    return date(year, month, monthrange(year, month)[1])


def day_count(months: frozenset[str]) -> int:
    """Days of the months."""
    return sum(monthrange(int(month[:4]), int(month[5:]))[1] for month in months)
