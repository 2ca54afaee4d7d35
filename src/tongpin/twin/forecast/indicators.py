"""Indicators at the year end 年末指标值: through the items that records and money really move, and no others (S000-42).

The items of the months to come are drawn; every path goes through the same formulas as the filed year, so that a
forecast of a year whose months are all there is the year itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tongpin.measures.guokao.catalogue import FUTURE, SET_LABELS, TERTIARY, load_items, load_set
from tongpin.measures.guokao.compute import Terms, form
from tongpin.measures.guokao.filed import Figure
from tongpin.measures.guokao.records import stream_of
from tongpin.payment.fund.series import month_after
from tongpin.twin.forecast.catalogue import LEVELS, flow_of, moved_indicators, setting
from tongpin.twin.forecast.model import (
    COUNTS,
    METHOD_LABELS,
    Ahead,
    amounts_ahead,
    bounds,
    months_between,
    nothing,
    rates_ahead,
    stream,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tongpin.measures.guokao.catalogue import Indicator, Part
    from tongpin.measures.guokao.values import HospitalYear

FORECAST_LABEL = "预测"
_THOUSAND = 1_000
INDICATOR_END_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("no", "sub", "name", "unit", "direction")),
        ("monitored", pa.bool_()),
        ("assumed", pa.bool_()),
        *((name, pa.float64()) for name in ("last", "to_date", "value")),
        *((f"{side}_{level}", pa.float64()) for level in LEVELS for side in ("low", "high")),
        *((name, pa.string()) for name in ("moved_by", "method", "reason")),
    ]
)
"""One row per figure: last year's, that of the months known, the year's expected one with its intervals; null with
`reason` where it cannot be formed. `method` empty where nothing of it had to be forecast."""


@dataclass(frozen=True)
class IndicatorEnd:
    """The figures of a hospital at the year end (`INDICATOR_END_SCHEMA`), the months known and those forecast."""

    figures: pa.Table
    known: tuple[str, ...]
    ahead: tuple[str, ...]


def moved_by(one: Indicator, set_name: str) -> str:
    """What moves an indicator of a set, empty where the forecast does not run through it."""
    names = [one.number] if set_name in {TERTIARY, FUTURE} else [one.same_as, f"{SET_LABELS[set_name]}:{one.number}"]
    return next((moved_indicators()[name].moved_by for name in names if name in moved_indicators()), "")


def indicators_end(hospital: HospitalYear, until: str, factors: Mapping[str, float] | None = None) -> IndicatorEnd:
    """The moved indicators of a hospital at the end of its year; records after the month `until` are not looked at.

    `factors`: what a scenario multiplies the items of the months to come by. Pure.
    """
    this = _until(hospital.this, until)
    ahead = months_between(month_after(until, 1), f"{hospital.year}-12")
    own = {one.number: moved_by(one, hospital.hospital.set_name) for one in hospital.indicators.values()}
    movers = own | {one.number: moved_by(one, FUTURE) for one in load_set(FUTURE).values()}
    chosen = [one for one in (*hospital.indicators.values(), *load_set(FUTURE).values()) if movers[one.number]]
    items = dict.fromkeys(item for one in chosen for part in one.parts for item in part.items)
    drawn = _Drawn(hospital, this, ahead, factors or {})
    for item in items:
        drawn.item(item)
    year = drawn.terms(None)
    paths = [drawn.terms(path) for path in range(setting("paths"))] if ahead else []
    rows = [
        _row(one, part, hospital, (this, year), paths, drawn) | {"moved_by": movers[one.number]}
        for one in chosen
        for part in one.parts
    ]
    known = tuple(month for month in months_between(f"{hospital.year}-01", until))
    return IndicatorEnd(pa.Table.from_pylist(rows, schema=INDICATOR_END_SCHEMA), known, ahead)


def _until(terms: Terms, month: str) -> Terms:
    """What was known of a year by the end of a month."""
    flows = {
        item: {one: value for one, value in by_month.items() if one <= month}
        for item, by_month in terms.recorded.flows.items()
    }
    months = {
        name: frozenset(one for one in covered if one <= month) for name, covered in terms.recorded.months.items()
    }
    monthly = {
        item: {one: figure for one, figure in by_month.items() if one <= month}
        for item, by_month in terms.filed.monthly.items()
    }
    return replace(
        terms,
        recorded=replace(terms.recorded, flows=flows, months=months),
        filed=replace(terms.filed, monthly=monthly),
    )


class _Drawn:
    """The items of a hospital in the months to come, each drawn once."""

    def __init__(self, hospital: HospitalYear, this: Terms, ahead: Sequence[str], factors: Mapping[str, float]) -> None:
        self._code = hospital.hospital.code
        self._this = this
        self._years = (hospital.earlier, hospital.last, this)
        self._ahead = ahead
        self._factors = factors
        self.known: dict[str, Ahead] = {}

    def item(self, item: str) -> Ahead:
        """An item in the months to come; with a reason where it is not forecast."""
        if item not in self.known:
            self.known[item] = self._made(item)
        return self.known[item]

    def _made(self, item: str) -> Ahead:
        if not self._ahead or load_items()[item].kind == "stock":
            return nothing("")
        values = self.series(item)
        if not values:
            return nothing("没有逐月的数")
        if max(values) < month_after(self._ahead[0], -1):
            return nothing(f"逐月的数只到 {max(values)}")
        flow = flow_of(item)
        whole = self.series(flow.per) if flow else {}
        rng = stream(self._code, item)
        if flow is None or not whole:
            return amounts_ahead(values, self._ahead, rng)
        base = self.item(flow.per)
        if base.reason:
            return nothing(base.reason)
        rate = rates_ahead(values, whole, base.expected, self._ahead, flow.kind, rng)
        if rate.reason or rate.method == COUNTS:
            return rate
        return Ahead(base.expected * rate.expected, base.paths * rate.paths, rate.method)

    def series(self, item: str) -> dict[str, float]:
        """The months of an item that are known, of records, else of filed figures."""
        found: dict[str, float] = {}
        for terms in self._years:
            by_month = terms.recorded.flows.get(item)
            if by_month is not None:
                covered = terms.recorded.months.get(stream_of(item), frozenset())
                found |= {month: float(by_month.get(month, 0)) for month in covered}
            else:
                found |= {month: float(one.value) for month, one in terms.filed.monthly.get(item, {}).items()}
        return found

    def terms(self, path: int | None) -> Terms:
        """The whole year: what is known of it, and the months to come, expected or of one path."""
        flows = dict(self._this.recorded.flows)
        monthly = dict(self._this.filed.monthly)
        months = dict(self._this.recorded.months)
        for item, one in self.known.items():
            if one.expected is None:
                continue
            values = (one.expected if path is None else one.paths[:, path]) * self._factors.get(item, 1.0)
            # Of rare events a month expects less than one: thousandths are kept.
            thousandths = np.rint(values * _THOUSAND).astype(np.int64).tolist()
            coming = {month: Fraction(value, _THOUSAND) for month, value in zip(self._ahead, thousandths, strict=True)}
            if item in flows:
                flows[item] = {**flows[item], **coming}
                months[stream_of(item)] = months[stream_of(item)] | set(self._ahead)
            else:
                held = monthly.get(item, {})
                monthly[item] = {**held, **{month: Figure(value, "", "") for month, value in coming.items()}}
        return replace(
            self._this,
            recorded=replace(self._this.recorded, flows=flows, months=months),
            filed=replace(self._this.filed, monthly=monthly),
        )


def _row(
    one: Indicator,
    part: Part,
    hospital: HospitalYear,
    years: tuple[Terms, Terms],
    paths: Sequence[Terms],
    drawn: _Drawn,
) -> dict[str, Any]:
    this, year = years
    formed = form(part, year, hospital.last)
    to_date = form(part, this, hospital.last)
    before = form(part, hospital.last, hospital.earlier)
    used = [drawn.known[item] for item in part.items if item in drawn.known]
    lacking = [f"{load_items()[item].label}{drawn.known[item].reason}" for item in part.items if _fails(drawn, item)]
    filed = this.filed.values.get(part.sub)
    row: dict[str, Any] = {
        "no": one.number,
        "sub": part.sub,
        "name": part.label or one.name,
        "unit": part.unit or one.unit,
        "direction": one.direction,
        "monitored": one.monitored,
        "assumed": one.assumed,
        "last": _float(before.value),
        "to_date": _float(to_date.value),
    }
    if lacking or formed.value is None:
        reason = "；".join(dict.fromkeys(lacking)) or formed.reason
        return row | (
            {"value": float(filed.value), "method": ""} if filed and part.rule == "filed" else {"reason": reason}
        )
    expected = float(formed.value)
    methods = dict.fromkeys(METHOD_LABELS[ahead.method] for ahead in used if ahead.method)
    row |= {"value": expected, "method": "、".join(methods)}
    values = _values(part, paths, hospital.last) if methods else []
    spread = bounds(values, expected) if len(values) else dict.fromkeys(LEVELS, (expected, expected))
    for level, (low, high) in spread.items():
        row[f"low_{level}"], row[f"high_{level}"] = low, high
    return row


def _fails(drawn: _Drawn, item: str) -> bool:
    """Whether an item would have to be forecast and cannot be, and is no figure of the whole year as filed."""
    return item in drawn.known and bool(drawn.known[item].reason)


def _values(part: Part, paths: Iterable[Terms], last: Terms) -> list[float]:
    formed = (form(part, path, last).value for path in paths)
    return [float(value) for value in formed if value is not None]


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def with_forecast(values: pa.Table, end: IndicatorEnd) -> pa.Table:
    """The figures of a year (`VALUE_SCHEMA`) with the expected ones in place, for a simulated score."""
    expected = {row["sub"]: row for row in end.figures.to_pylist()}
    rows = []
    for row in values.to_pylist():
        found = expected.get(row["sub"])
        if found is not None and found["value"] is not None:
            row |= {"value": found["value"], "source": FORECAST_LABEL, "reason": None}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=values.schema)
