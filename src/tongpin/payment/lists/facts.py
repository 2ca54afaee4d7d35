"""Facts 清单的事实: what a home knows of the lists of an area, read from its lake as columns.

A unit is a list in force; a list that an error kept out of the lake (known by the findings about it); or an insured
discharge of the front pages without any list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.month.closed import posted
from tongpin.payment.month.posting import LINE_SCHEMA, list_keys
from tongpin.payment.policy.routes import own_routes, route
from tongpin.records.intake.finding_history import OPEN
from tongpin.records.intake.lake_tables import (
    CASES,
    DECISIONS,
    FINDINGS,
    KEYS,
    ORDERS,
    RECEIPTS,
    RESULTS,
    WITHDRAWALS,
    read_loaded,
    schema_of,
    typed,
)
from tongpin.records.views.stay_lists import INPATIENT, MERGED
from tongpin.store import lake

if TYPE_CHECKING:
    from tongpin.store.home import Home

LIST, REJECTED, PAGE = "settlement_list", "rejected", "front_page"
SOURCE_LABELS = {LIST: "清单", REJECTED: "没有读入的清单", PAGE: "有首页、没有清单"}
_CASE_COLUMNS = (
    *("source", "institution_code", "case_id", "record_no", "insurance", "care_type", "insured_region"),
    *("admission_time", "discharge_time", "settlement_date", "upload_time", "accepted_date"),
    *("filing_month", "transfer_date", "clearing_year", "total_fee_fen", "pool_pay_fen"),
)
UNIT_SCHEMA = pa.schema(
    [
        *(schema_of(CASES).field(name) for name in _CASE_COLUMNS),
        ("first_upload", pa.timestamp("s")),
        ("result_accepted", pa.date32()),
    ]
)
"""A unit: its dates and amounts as the lake holds them, the first time it was sent, the acceptance by a result."""
_DAY = pa.date32()


class Facts(NamedTuple):
    """What is known of the units (`UNIT_SCHEMA`) of an area: versions, answers, findings, payment, decisions.

    `uploads`: institution_code, case_id, upload_time of every version; `rejections`: the same with `at`, the loading
    that an error of still open kept out; `lines`: institution_code, case_id, period, line_kind of the posted lines,
    merged lists each; the others as loaded.
    """

    units: pa.Table
    uploads: pa.Table
    receipts: pa.Table
    rejections: pa.Table
    lines: pa.Table
    decisions: pa.Table
    withdrawals: pa.Table


def read_facts(home: Home, area: str | None, case_id: str | None = None, *, with_pages: bool = True) -> Facts:
    """The facts of an area, or of one list of it alone; without pages the discharges that have no list are left out.

    Inpatient lists only; of a home with routes those that the area's editions pay. Pages are told from lists by
    institution, 病案号 and day of discharge, and asked only of the insured.
    """
    asked = None if case_id is None else ("case_id", pa.array([case_id]))
    versions = _versions(home, asked)
    lists = lake.in_force_of(versions, KEYS[CASES], ORDERS[CASES]) if versions.num_rows else versions
    lists = lists.filter(pc.is_in(lists["care_type"], pa.array(INPATIENT)))
    rejections = _rejections(home, versions, case_id)
    units = [lists, _rejected_units(home, rejections)]
    if case_id is None and with_pages:
        units.append(_pages_alone(home, versions))
    made = pa.concat_tables([_as_units(part) for part in units])
    made = _with_first(made, versions, home)
    made = made.filter(_of_area(home, made, area))
    return Facts(
        made.combine_chunks(),
        versions.select(["institution_code", "case_id", "upload_time"]),
        read_loaded(home, RECEIPTS),
        rejections,
        paid_lists(home, area),
        read_loaded(home, DECISIONS),
        read_loaded(home, WITHDRAWALS),
    )


def paid_lists(home: Home, area: str | None) -> pa.Table:
    """Which list stands in which closed month: institution_code, case_id, period, line_kind; merged lists each."""
    names = ["institution_code", "case_id", "period", "line_kind", MERGED]
    lines = posted(home, area, columns=names)
    together = lines.filter(pc.is_valid(lines[MERGED]))
    ids = together[MERGED].combine_chunks()
    parents = pc.list_parent_indices(ids)
    each = pa.table(
        {
            "institution_code": together["institution_code"].take(parents),
            "case_id": pc.list_flatten(ids),
            "period": together["period"].take(parents),
            "line_kind": together["line_kind"].take(parents),
        },
        schema=pa.schema([LINE_SCHEMA.field(name) for name in names[:-1]]),
    )
    return pa.concat_tables([lines.filter(pc.is_null(lines[MERGED])).drop_columns([MERGED]), each])


def _versions(home: Home, asked: tuple[str, Any] | None) -> pa.Table:
    """Every version of every settlement list, with the bookkeeping of the lake."""
    names = [*_CASE_COLUMNS, lake.VERSION, lake.DIGEST]
    schema = pa.schema([schema_of(CASES).field(name) for name in _CASE_COLUMNS])
    rows = lake.read(home, CASES, names, where=asked or ("source", pa.array([LIST])))
    if rows is None:
        return schema.append(pa.field(lake.VERSION, pa.int32())).empty_table()
    rows = rows.filter(pc.equal(rows["source"], LIST))
    return typed(rows, schema).append_column(lake.VERSION, rows[lake.VERSION])


def _rejections(home: Home, versions: pa.Table, case_id: str | None) -> pa.Table:
    """Readings of a list that an error keeps out until now, and when they were loaded."""
    found = read_loaded(home, FINDINGS)
    errors = pc.and_(pc.equal(found["severity"], "error"), pc.equal(found["status"], OPEN))
    found = found.filter(pc.and_(errors, pc.equal(found["source"], LIST)))
    found = found.filter(pc.is_valid(found["case_id"]) if case_id is None else pc.equal(found["case_id"], case_id))
    loads = read_loaded(home, "loads", ["load", "loaded_at"])
    at = loads["loaded_at"].take(pc.index_in(found["first_load"], value_set=loads["load"].combine_chunks()))
    kept = pa.table(
        {
            "institution_code": found["institution_code"],
            "case_id": found["case_id"],
            "upload_time": found["upload_time"],
            "at": at,
            "in_lake": pc.is_in(list_keys(found, "case_id"), value_set=list_keys(versions, "case_id")),
        }
    )
    return kept.filter(pc.is_valid(kept["at"]))


def _rejected_units(home: Home, rejections: pa.Table) -> pa.Table:
    """The lists of which no version was ever read, with the dates that a settlement result gives them."""
    alone = rejections.filter(pc.invert(rejections["in_lake"]))
    keys = ["institution_code", "case_id"]
    alone = alone.group_by(keys).aggregate([("upload_time", "max")]).rename_columns([*keys, "upload_time"])
    names = ["setl_id", "institution_code", "insurance", "insured_region", "settlement_date"]
    names += ["total_fee_fen", "pool_pay_fen"]
    results = read_loaded(home, RESULTS, names)
    place = pc.index_in(alone["case_id"], value_set=results["setl_id"].combine_chunks())
    for name in names[2:]:
        alone = alone.append_column(name, results[name].take(place))
    size = alone.num_rows
    alone = alone.append_column("source", pa.array([REJECTED] * size, pa.string()))
    return alone.append_column("care_type", pa.array([INPATIENT[0]] * size, pa.string()))


def _pages_alone(home: Home, versions: pa.Table) -> pa.Table:
    """The insured discharges of the front pages that no list tells of."""
    schema = pa.schema([schema_of(CASES).field(name) for name in _CASE_COLUMNS])
    names = [*_CASE_COLUMNS, lake.VERSION, lake.DIGEST]
    rows = lake.read(home, CASES, names, where=("source", pa.array([PAGE])))
    if rows is None:
        return schema.empty_table()
    pages = typed(lake.in_force_of(rows, KEYS[CASES], ORDERS[CASES]), schema)
    pages = pages.filter(pc.and_(pc.is_valid(pages["insurance"]), pc.is_in(pages["care_type"], pa.array(INPATIENT))))
    return pages.filter(pc.invert(pc.fill_null(pc.is_in(_stay(pages), value_set=_stay(versions).drop_null()), False)))


def _stay(cases: pa.Table) -> Any:
    day = pc.cast(pc.cast(cases["discharge_time"], _DAY, safe=False), pa.string())
    return pc.binary_join_element_wise(cases["institution_code"], cases["record_no"], day, "\x1f")


def _as_units(part: pa.Table) -> pa.Table:
    """The columns of `UNIT_SCHEMA`, null where the part has none."""
    held = set(part.column_names)
    columns = [
        pc.cast(part[one.name], one.type) if one.name in held else pa.nulls(part.num_rows, one.type)
        for one in UNIT_SCHEMA
    ]
    return pa.table(columns, schema=UNIT_SCHEMA)


def _with_first(units: pa.Table, versions: pa.Table, home: Home) -> pa.Table:
    """The first time that each list was sent, and the day a result says it was accepted.

    A list that names no time of sending but was accepted was sent by then.
    """
    sent = versions.select(["institution_code", "case_id", "upload_time"])
    first = sent.group_by(["institution_code", "case_id"]).aggregate([("upload_time", "min")])
    place = pc.index_in(list_keys(units, "case_id"), value_set=list_keys(first, "case_id"))
    known = pc.coalesce(first["upload_time_min"].take(place), units["upload_time"])
    results = read_loaded(home, RESULTS, ["setl_id", "accepted_date"])
    found = results["accepted_date"].take(pc.index_in(units["case_id"], value_set=results["setl_id"].combine_chunks()))
    unsent = pc.is_null(known)
    accepted = pc.coalesce(found, pc.if_else(unsent, units["accepted_date"], pa.scalar(None, _DAY)))
    known = pc.coalesce(known, pc.cast(accepted, pa.timestamp("s")))
    for name, column in (("first_upload", known), ("result_accepted", accepted)):
        units = units.set_column(units.column_names.index(name), UNIT_SCHEMA.field(name), column)
    return units


def _of_area(home: Home, units: pa.Table, area: str | None) -> Any:
    """Which units the area's editions pay; a unit without a date that its routes ask is taken by another of its dates.

    Without routes a home has one area.
    """
    routes = own_routes(home)
    if not routes or area is None:
        return pa.array(np.ones(units.num_rows, dtype=bool))
    days = [pc.cast(units[name], _DAY, safe=False) for name in ("discharge_time", "settlement_date", "upload_time")]
    any_day = pc.coalesce(*days)
    dated = units.filter(pc.is_valid(any_day))
    day = any_day.drop_null()
    for name in ("discharge_time", "settlement_date", "accepted_date"):
        field = UNIT_SCHEMA.field(name)
        dated = dated.set_column(
            dated.column_names.index(name), field, pc.coalesce(dated[name], pc.cast(day, field.type))
        )
    here = np.zeros(units.num_rows, dtype=bool)
    editions = pc.fill_null(pc.starts_with(route(dated, routes).edition_id, f"{area}/"), False)
    here[np.asarray(pc.is_valid(any_day))] = np.asarray(editions)
    return pa.array(here)


def days_of(column: Any) -> Any:
    """A column of times or days as NumPy days, NaT where it is null."""
    return pc.cast(column, _DAY, safe=False).to_numpy(zero_copy_only=False).astype("datetime64[D]")
