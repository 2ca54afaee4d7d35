"""Drafts tried 政策回测: next year's edition on the cases of past months, with the year-end bands and the indicators.

What each case is paid is compared by the one impact there is (`payment/weights/impact.py`); what the clearing would
make of it is run by the clearing's own steps on the same cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.measures.guokao.catalogue import FUTURE, TERTIARY, load_set
from tongpin.payment.month.posting import LINE_SCHEMA, REGULAR
from tongpin.payment.pricing.price import price
from tongpin.payment.weights.impact import Impact, compare_editions
from tongpin.payment.weights.repricing import pinned
from tongpin.payment.year.clear import STEPS, closed, opened
from tongpin.payment.year.rulings import RULING_SCHEMA, read_rulings
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.twin.forecast.cases import months_of, two_groupings
from tongpin.twin.forecast.catalogue import moved_indicators

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

MONTHS_OF_YEAR = 12
_BALANCE = 14
_CLEARED = ("payable_fen", "capped_fen", "scaled_fen", "banded_fen", "due_fen", "surplus_fen", "item_pool_fen")
TRIED_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("year", "institution_code", "institution_name", "hospital_level", "fund")),
        ("fund_label", pa.string()),
        *((f"{side}_{name}", pa.int64()) for side in ("old", "new") for name in (*_CLEARED, "band_ratio_e4")),
        *((f"{side}_near_edge", pa.string()) for side in ("old", "new")),
    ]
)
"""A hospital and fund in a year of the cases, cleared by either edition, in fen: paid by the months, after the cap,
tier budget and bands; `surplus_fen` against the pool by item. Null where an edition does not pay the place."""


@dataclass(frozen=True)
class DraftTrial:
    """A draft tried: the impact on cases, places cleared by either edition, what it does to indicators, notes."""

    old: Policy
    new: Policy
    on: date
    months: tuple[str, str]
    cases: int
    impact: Impact
    cleared: pa.Table
    indicators: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def try_draft(home: Home, old: Policy, new: Policy, first: str, last: str, on: date) -> DraftTrial:
    """A draft edition against the one in force over the cases of some months (`YYYY-MM`), values of the day `on`.

    Raises PolicyError (`policy.gap`, `clear.*`), StoreError `weights.months`. Source: S000-42, S003-06.
    """
    before, after = two_groupings(home, first, last, old, new)
    institutions = read_loaded(home, INSTITUTIONS)
    pins = pinned(old, on), pinned(new, on)
    impact = compare_editions(before, after, *pins, institutions)
    notes: list[str] = []
    sides = []
    for cases, policy in zip((before, after), pins, strict=True):
        rows, told = _cleared(price(cases, policy, institutions), months_of(cases, old), policy)
        sides.append(rows)
        notes += [f"{policy.id}：{note}" for note in told]
    years = _years_covered(before, old)
    short = [f"{year}（{count} 个月）" for year, count in years.items() if count < MONTHS_OF_YEAR]
    if short:
        notes.append(f"{'、'.join(short)} 不满一年，层级总额是全年的数，对不满的年份少起作用；分档按所含月份比较")
    return DraftTrial(
        old,
        new,
        on,
        (first, last),
        before.num_rows,
        impact,
        _both(*sides),
        price_effects(),
        tuple(dict.fromkeys(notes)),
    )


def price_effects() -> tuple[tuple[str, str], ...]:
    """The moved indicators (tertiary and future), each with what another edition does to it for the same cases."""
    every = [*load_set(TERTIARY).values(), *load_set(FUTURE).values()]
    known = moved_indicators()
    return tuple((f"{one.number} {one.name}", known[one.number].price) for one in every if one.number in known)


def _years_covered(cases: pa.Table, policy: Policy) -> dict[str, int]:
    months = sorted(set(months_of(cases, policy).to_pylist()))
    years: dict[str, int] = {}
    for month in months:
        years[month[:4]] = years.get(month[:4], 0) + 1
    return years


def _cleared(
    priced: pa.Table, months: Any, policy: Policy
) -> tuple[dict[tuple[str, str, str], dict[str, Any]], list[str]]:
    """The places of each year of priced cases after the steps of the clearing, by year, institution and fund."""
    lines = as_lines(priced, months)
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    notes: list[str] = []
    for year in sorted({month[:4] for month in months.to_pylist()}):
        mine = lines.filter(pc.starts_with(lines["period"], year)).combine_chunks()
        if not mine.num_rows:
            continue
        state = opened(mine, {}, read_rulings(RULING_SCHEMA.empty_table(), int(year)), policy, int(year))
        for step in STEPS:
            if step.number == _BALANCE:
                continue
            try:
                state = step.run(state)
            except PolicyError as error:
                if error.code != "clear.score":
                    raise
                notes.append("没有考核得分，比较在考核之前")
        for row in closed(state, mine, int(year)).places.to_pylist():
            rows[year, row["institution_code"], row["fund"]] = row | {"payable_fen": row["posted_fen"]}
    return rows, notes


def as_lines(priced: pa.Table, months: Any) -> pa.Table:
    """Priced cases in the shape of posted lines."""
    size = priced.num_rows
    own = {
        "period": months,
        "line_kind": pa.array([REGULAR] * size, pa.string()),
        "line_sign": pa.array(np.ones(size, np.int64)),
    }
    columns = [
        own[one.name]
        if one.name in own
        else pc.cast(priced[one.name], one.type)
        if one.name in priced.column_names
        else pa.nulls(size, one.type)
        for one in LINE_SCHEMA
    ]
    lines = pa.table(columns, schema=LINE_SCHEMA)
    order = [("institution_code", "ascending"), ("case_id", "ascending"), ("period", "ascending")]
    return lines.filter(pc.not_equal(lines["pay_scope"], "OUT")).sort_by(order)


def _both(old: dict[tuple[str, str, str], dict[str, Any]], new: dict[tuple[str, str, str], dict[str, Any]]) -> pa.Table:
    rows = []
    for key in sorted({*old, *new}):
        either = new.get(key) or old[key]
        row = {"year": key[0], **{name: either[name] for name in TRIED_SCHEMA.names if name in either}}
        for side, held in (("old", old), ("new", new)):
            found = held.get(key)
            if found is not None:
                row |= {f"{side}_{name}": found[name] for name in (*_CLEARED, "band_ratio_e4", "near_edge")}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=TRIED_SCHEMA)
