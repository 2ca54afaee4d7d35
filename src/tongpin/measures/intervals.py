"""Intervals 区间: how far a figure of few cases may lie from what lies behind it, from moments of the cases.

A rate of cases has the interval of Wilson; any other quotient of two sums over cases the t interval of its residuals,
which for a plain mean is the usual one. Nobody is judged on five cases (S002-05, S002-14).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import narwhals as nw
import numpy as np
import pyarrow as pa

from tongpin.base.money import SCALE
from tongpin.measures.catalogue import load_definitions
from tongpin.measures.compute import scale_of
from tongpin.measures.facts import case_facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tongpin.measures.catalogue import Measure

LEAST = 2
"""A variance needs two cases."""

_MOMENTS = ("n", "a", "b", "aa", "ab", "bb", "ones")


def confidence() -> float:
    """The confidence of intervals, 0–1 (`interval.confidence_e4`)."""
    return load_definitions()["interval.confidence_e4"].value / SCALE


def has_interval(measure: Measure) -> bool:
    """Whether a figure is a quotient of sums over cases, so that its cases tell how sure it is."""
    return bool(measure.denominator)


def moments(cases: pa.Table, measures: Sequence[Measure], by: Sequence[str], **against: Any) -> dict[str, pa.Table]:
    """Of every measure that has an interval, by slice: what `interval` reads, one table for each measure id.

    Columns: `by`, `n` cases that the denominator counts, sums `a`, `b` of the two sides and of their products `aa`,
    `ab`, `bb`, and `ones`, whether every case is 0 or 1 on both sides (a rate). Money and weights in their unit of
    the measure's facts. A measure whose facts the cases do not give is left out.
    """
    wanted = {one.id: one for one in measures if has_interval(one)}
    only = sorted({name for one in wanted.values() for name in _terms(one)})
    with duckdb.connect() as connection:
        others = {name: connection.from_arrow(table) for name, table in against.items() if table is not None}
        case_facts(connection.from_arrow(cases), by, only=only, **others).create("facts")
        frame = nw.from_native(connection.table("facts")).lazy()
        known = set(frame.collect_schema().names())
        able = [one for one in wanted.values() if _terms(one) <= known]
        if not able:
            return {}
        sums = [part for place, one in enumerate(able) for part in _moments(place, one)]
        summed = frame.group_by(*by).agg(*sums).sort(*by) if by else frame.select(*sums)
        table = summed.collect(backend="pyarrow").to_native()
    return {one.id: _of_measure(table, place, by) for place, one in enumerate(able)}


def _terms(measure: Measure) -> set[str]:
    return {term.removeprefix("-") for term in (*measure.numerator, *measure.denominator)}


def _moments(place: int, measure: Measure) -> list[nw.Expr]:
    """The sums of a measure's moments, all measures in one pass; `odd` counts cases that are not 0 or 1 of one."""
    a, b = _side(measure.numerator), _side(measure.denominator)
    plain = ((a == 0) | (a == 1)) & ((b == 1) | ((a == 0) & (b == 0)))
    parts = {
        "n": nw.when(b != 0).then(nw.lit(1)).otherwise(nw.lit(0)),
        "a": a,
        "b": b,
        "aa": a * a,
        "ab": a * b,
        "bb": b * b,
        "odd": nw.when(plain).then(nw.lit(0)).otherwise(nw.lit(1)),
    }
    return [part.sum().alias(f"{place}.{name}") for name, part in parts.items()]


def _of_measure(table: pa.Table, place: int, by: Sequence[str]) -> pa.Table:
    columns = {name: table[name] for name in by}
    columns |= {name: table[f"{place}.{name}"] for name in _MOMENTS if name != "ones"}
    odd = np.asarray(table[f"{place}.odd"].to_numpy(zero_copy_only=False))
    return pa.table(columns | {"ones": pa.array(odd == 0)})


def _side(terms: Sequence[str]) -> nw.Expr:
    parts = [
        nw.col(term.removeprefix("-")).cast(nw.Float64) * (-1.0 if term.startswith("-") else 1.0) for term in terms
    ]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def intervals(table: pa.Table, measure: Measure) -> dict[str, NDArray[np.float64]]:
    """`value`, `low`, `high`, `error` (standard error) of every row of moments, in the unit of the measure.

    NaN where the denominator is zero; no interval (NaN) below two cases, but a rate has Wilson's from one case on.
    """
    from scipy import stats  # takes a second, and most who come here never need it

    scale = scale_of(measure.denominator[0]) / scale_of(measure.numerator[0])
    n, a, b, aa, ab, bb = (np.asarray(table[name].to_numpy(), dtype=np.float64) for name in _MOMENTS[:-1])
    # Stays of one day are ones too, and no rate.
    is_rate = np.asarray(table["ones"].to_numpy(zero_copy_only=False), dtype=np.bool_) & (measure.unit == "ratio")
    some = b != 0
    safe = np.where(some, b, 1.0)
    value = np.where(some, a / safe, np.nan)
    enough = some & (n >= LEAST)
    count = np.where(enough, n, LEAST)
    residual = np.where(some, aa - 2 * value * ab + value**2 * bb, 0.0)
    error = np.sqrt(np.maximum(residual, 0.0) * count / (count - 1)) / np.abs(safe)
    reach = stats.t.ppf((1 + confidence()) / 2, count - 1) * error
    low, high = np.where(enough, value - reach, np.nan), np.where(enough, value + reach, np.nan)
    wilson_low, wilson_high = wilson(np.where(is_rate & some, a, 0.0), np.where(is_rate & some, b, 1.0))
    low, high = np.where(is_rate & some, wilson_low, low), np.where(is_rate & some, wilson_high, high)
    return {
        "value": value * scale,
        "low": low * scale,
        "high": high * scale,
        "error": np.where(enough, error, np.nan) * scale,
    }


def counted_interval(measure: Measure, row: Mapping[str, Any]) -> dict[str, float]:
    """`n`, `low`, `high` of a rate whose counts are imported, by Wilson; nothing for other measures or no counts."""
    if measure.interval is None:
        return {}
    hits, of = (
        sum(-row[term[1:]] if term.startswith("-") else row[term] for term in side)
        for side in (measure.numerator, measure.denominator)
    )
    if of <= 0:
        return {}
    low, high = wilson(hits, of)
    return {"n": of, "low": float(low), "high": float(high)}


def wilson(hits: Any, of: Any) -> tuple[Any, Any]:
    """Wilson's interval of rates, 0–1; `of` is above zero."""
    from scipy import stats  # takes a second, and most who come here never need it

    z = stats.norm.ppf((1 + confidence()) / 2)
    rate = hits / of
    middle = (rate + z**2 / (2 * of)) / (1 + z**2 / of)
    reach = z / (1 + z**2 / of) * np.sqrt(rate * (1 - rate) / of + z**2 / (4 * of**2))
    low, high = np.maximum(middle - reach, 0.0), np.minimum(middle + reach, 1.0)
    # Rounding must not leave a rate of 0 or 1 outside its own interval.
    return np.minimum(low, rate), np.maximum(high, rate)


def shrunk(value: NDArray[np.float64], count: NDArray[np.float64], reference: float, k: float) -> NDArray[np.float64]:
    """Values of few cases drawn towards a reference: own × n÷(n+k) + reference × k÷(n+k), always between the two."""
    if k < 0:
        raise ValueError("the cases of a shrinkage are not below zero")
    own = np.where(count + k > 0, count / np.maximum(count + k, 1e-300), 0.0)
    drawn = reference + own * (value - reference)
    return np.clip(drawn, np.minimum(value, reference), np.maximum(value, reference))


def shrink_cases(rows: Mapping[str, NDArray[np.float64]], count: NDArray[np.float64], how: str) -> float:
    """The k of a shrinkage: `fixed` by definition (`shrink.cases`), `empirical` from the spread of the units.

    Empirical Bayes: k = variance of a case within units ÷ variance between units (moments, DerSimonian–Laird); without
    spread between units infinite, so that every unit is shown at the reference.
    """
    if how == "fixed":
        return float(load_definitions()["shrink.cases"].value)
    usable = np.isfinite(rows["error"]) & (rows["error"] > 0)
    if usable.sum() < LEAST:
        return float(load_definitions()["shrink.cases"].value)
    value, error, n = rows["value"][usable], rows["error"][usable], count[usable]
    weight = 1 / error**2
    mean = float((weight * value).sum() / weight.sum())
    spread = float((weight * (value - mean) ** 2).sum())
    scale = float(weight.sum() - (weight**2).sum() / weight.sum())
    between = max(0.0, (spread - (len(value) - 1)) / scale) if scale > 0 else 0.0
    within = float(((n - 1) * error**2 * n).sum() / max(float((n - 1).sum()), 1.0))
    return within / between if between > 0 else float("inf")
