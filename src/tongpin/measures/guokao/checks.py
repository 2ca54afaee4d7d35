"""Checks 核对: what contradicts itself, what changed much since last year, what records tell otherwise than filed."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.findings import Finding
from tongpin.measures.guokao.catalogue import load_checks, load_items, load_settings, setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

    from tongpin.base.findings import Severity
    from tongpin.measures.guokao.catalogue import Check, Indicator
    from tongpin.measures.guokao.compute import Known, Terms

CHANGE, FILED, GROWTH = "GK-S01", "GK-S02", "GK-S03"
_PERCENT = 100
_NEAR = "near"


class Change(NamedTuple):
    """How a figure stands to last year: change in percent of last year's value, None where that was zero."""

    no: str
    sub: str
    name: str
    value: float
    last: float
    change: float | None
    months: str
    is_large: bool


def integrity(terms: Terms) -> list[Finding]:
    """The integrity checks of a hospital-year; a check counts where all its items are known for the same span."""
    found = []
    for check in load_checks():
        sides = _sides(check, terms)
        if sides is None:
            continue
        left, right = sides
        if not _holds(check, left, right):
            told = f"{_words(check.left)} {_number(left)}，{_words(check.right)} {_number(right)}"
            found.append(
                _finding(
                    check.id,
                    "error" if check.relation != _NEAR else "warning",
                    terms.year,
                    "、".join((*check.left, *check.right)),
                    told,
                    f"不符合：{check.label}",
                    "核对两边的统计口径与来源文件，改正后再装载",
                )
            )
    return found


def _sides(check: Check, terms: Terms) -> tuple[Fraction, Fraction] | None:
    items = [term.removeprefix("-") for term in (*check.left, *check.right)]
    for months in (terms.whole_year, terms.covered(items)):
        if not months:
            continue
        known = {item: terms.amount(item, months) for item in items}
        if all(one is not None for one in known.values()):
            return _added(check.left, known), _added(check.right, known)
    return None


def _added(terms: Sequence[str], known: Mapping[str, Known | None]) -> Fraction:
    total = Fraction(0)
    for term in terms:
        one = known[term]
        total += Fraction(0) if one is None else one.value
    return total


def _holds(check: Check, left: Fraction, right: Fraction) -> bool:
    if check.relation == _NEAR:
        return abs(left - right) <= abs(right) * Fraction(setting(check.tolerance)) / _PERCENT
    return left <= right


def changes(now: pa.Table, before: pa.Table) -> list[Change]:
    """Every figure known for both years against last year's, by the limit `check.change` (S909-02)."""
    last = {row["sub"]: row for row in before.to_pylist()}
    limit = float(setting("check.change"))
    found = []
    for row in now.to_pylist():
        value, old = row["value"], last.get(row["sub"], {}).get("value")
        if value is None or old is None:
            continue
        change = 0.0 if value == old else None if old == 0 else (value - old) / abs(old) * _PERCENT
        large = change is None or abs(change) > limit
        found.append(Change(row["no"], row["sub"], row["name"], value, old, change, row["months"] or "", large))
    return found


def unexplained(found: Iterable[Change], reasons: Mapping[str, str], year: int) -> list[Finding]:
    """Large changes whose indicator has no reason yet (`reasons` by number)."""
    limit = load_settings()["check.change"]
    return [
        _finding(
            CHANGE,
            "warning",
            year,
            one.sub,
            f"上年 {one.last:,.2f}，本年 {one.value:,.2f}",
            f"{one.name}与上年相比变化{'（上年为零）' if one.change is None else f' {one.change:+.1f}%'}，"
            f"超过 {limit.value:g}{limit.unit}，还没有说明原因",
            f"tongpin guokao reason {one.no} --text 原因",
        )
        for one in found
        if one.is_large and one.no not in reasons
    ]


def against_filed(values: pa.Table, year: int) -> list[Finding]:
    """Figures that records give otherwise than filed, beyond `check.filed_tolerance`; zero against anything differs."""
    limit = float(setting("check.filed_tolerance"))
    found = []
    for row in values.to_pylist():
        value, filed = row["value"], row["filed_value"]
        if value is None or filed is None or row["numerator"] is None:
            continue
        if abs(value - filed) > abs(filed) * limit / _PERCENT:
            span = row["months"] or "全年"
            found.append(
                _finding(
                    FILED,
                    "error" if not row["months"] else "warning",
                    year,
                    row["sub"],
                    f"算得 {value:,.2f}（{span}），填报 {filed:,.2f}",
                    f"{row['name']}：{row['source']}算得的数与填报的不一致",
                    "核对首页与填报的范围；首页不全的先补传，填报错了的改后再装载",
                )
            )
    return found


def growth_bases(indicators: Iterable[Indicator], values: pa.Table, year: int) -> list[Finding]:
    """Growth that cannot be formed because last year's figure is not above zero."""
    growing = {part.sub for one in indicators for part in one.parts if part.rule == "growth"}
    return [
        _finding(
            GROWTH,
            "warning",
            year,
            row["sub"],
            f"上年 {row['denominator']:,.2f}",
            f"{row['name']}：{row['reason']}",
            "核对上年数据",
        )
        for row in values.to_pylist()
        if row["sub"] in growing and row["value"] is None and row["denominator"] is not None
    ]


def _words(terms: Sequence[str]) -> str:
    return " + ".join(load_items()[term].label for term in terms)


def _number(value: Fraction) -> str:
    return f"{float(value):,.2f}".removesuffix(".00")


def _finding(rule: str, severity: Severity, year: int, path: str, value: str, message: str, hint: str) -> Finding:
    return Finding(rule, severity, f"{year} 年国考数据", 0, path, value, message, hint)


def all_findings(
    year: int,
    terms: Terms,
    indicators: Sequence[Indicator],
    values: pa.Table,
    found: Sequence[Change],
    reasons: Mapping[str, str],
) -> list[Finding]:
    """Every finding of a hospital-year: filed figures, integrity, last year, records against filed (S909-02)."""
    parts: tuple[Any, ...] = (
        terms.filed.findings,
        integrity(terms),
        growth_bases(indicators, values, year),
        against_filed(values, year),
        unexplained(found, reasons, year),
    )
    return [finding for part in parts for finding in part]
