"""Values 指标值: every indicator from items, exact until the last step; what is missing says why.

A value is formed of a whole year where all its items are known for it, else of the months that the records cover; a
growth compares the same months of both years. Nothing is scaled up to a year.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from tongpin.measures.guokao.catalogue import load_items
from tongpin.measures.guokao.filed import Filed
from tongpin.measures.guokao.records import STREAM_LABELS, Recorded, day_count, stream_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tongpin.measures.guokao.catalogue import Indicator, Part
    from tongpin.measures.guokao.filed import Figure

FILED_LABEL = "填报数据"
DAYS_OF_YEAR = 365
"""The days of a year in the formula of daily load (25)."""

VALUE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("no", "sub", "name", "category", "unit", "direction")),
        ("monitored", pa.bool_()),
        ("value", pa.float64()),
        ("source", pa.string()),
        ("reason", pa.string()),
        ("numerator", pa.float64()),
        ("denominator", pa.float64()),
        ("months", pa.string()),
        ("document", pa.string()),
        ("filed_value", pa.float64()),
        ("kind", pa.string()),
        ("assumed", pa.bool_()),
    ]
)
"""One row per figure: `no` and `sub` number it, `value` in `unit` (`%` as 31.17), `source` in words, `reason` where the
value is null; `months` empty for a whole year, else the months counted; `filed_value` what was filed beside it;
`assumed` that the formula is unconfirmed (模拟), which a figure taken as filed does not rest on."""


@dataclass(frozen=True)
class Terms:
    """Everything known of a hospital-year: what records give and what was filed."""

    year: int
    recorded: Recorded = field(default_factory=Recorded)
    filed: Filed = field(default_factory=Filed)

    @property
    def whole_year(self) -> frozenset[str]:
        """The months of the year."""
        return frozenset(f"{self.year}-{month:02d}" for month in range(1, 13))

    def covered(self, items: Iterable[str]) -> frozenset[str]:
        """The months that every stream of records behind the items covers; none where no stream is behind them."""
        streams = {stream_of(item) for item in items if item in self.recorded.flows}
        months = [self.recorded.months.get(stream, frozenset()) for stream in streams]
        return frozenset.intersection(*months) if months else frozenset()

    def amount(self, item: str, months: frozenset[str]) -> Known | None:
        """An item over months, with where it comes from; None where it is not known for all of them."""
        if load_items()[item].kind == "stock":
            return self._stock(item, months)
        by_month = self.recorded.flows.get(item)
        if by_month is not None and months <= self.recorded.months.get(stream_of(item), frozenset()):
            return Known(sum((by_month.get(month, Fraction(0)) for month in months), Fraction(0)), stream_label(item))
        if months == self.whole_year and item in self.filed.yearly:
            return _known(self.filed.yearly[item])
        filed = self.filed.monthly.get(item, {})
        if months <= filed.keys():
            first = filed[min(months)]
            return Known(sum((filed[month].value for month in months), Fraction(0)), FILED_LABEL, first.document)
        return None

    def _stock(self, item: str, months: frozenset[str]) -> Known | None:
        if item in self.recorded.stocks:
            return Known(self.recorded.stocks[item], stream_label(item))
        if item in self.filed.yearly:
            return _known(self.filed.yearly[item])
        filed = {month: one for month, one in self.filed.monthly.get(item, {}).items() if month in months}
        if not filed:
            return None
        mean = sum((one.value for one in filed.values()), Fraction(0)) / len(filed)
        return Known(mean, FILED_LABEL, filed[min(filed)].document)


class Known(NamedTuple):
    """An amount, where it comes from, and the document behind a filed one."""

    value: Fraction
    source: str
    document: str = ""


class Formed(NamedTuple):
    """A figure formed, or why it was not."""

    value: Fraction | None = None
    source: str = ""
    reason: str = ""
    numerator: Fraction | None = None
    denominator: Fraction | None = None
    months: frozenset[str] = frozenset()
    document: str = ""


def _known(figure: Figure) -> Known:
    return Known(figure.value, FILED_LABEL, figure.document)


def stream_label(item: str) -> str:
    """The records behind an item, in words."""
    return STREAM_LABELS[stream_of(item)]


def compute_values(
    indicators: Iterable[Indicator], this: Terms, last: Terms, only: frozenset[str] | None = None
) -> pa.Table:
    """Every figure of the indicators (`VALUE_SCHEMA`), in their order; pure.

    `only` = month numbers (`06`) keeps what records give to these months, for comparisons of a year with another. A
    figure that cannot be formed of its items is the filed one; without that it is null and says what is missing.
    Source: S909-01, TV-F1, TV-F2.
    """
    rows = [row for one in indicators for row in _rows(one, this, last, only)]
    return pa.Table.from_pylist(rows, schema=VALUE_SCHEMA)


def _rows(one: Indicator, this: Terms, last: Terms, only: frozenset[str] | None) -> Iterable[dict[str, Any]]:
    for part in one.parts:
        formed = form(part, this, last, only)
        filed = this.filed.values.get(part.sub)
        as_filed = False
        if formed.value is None and filed is not None:
            as_filed, formed = True, Formed(filed.value, FILED_LABEL, "", document=filed.document)
        yield {
            "no": one.number,
            "sub": part.sub,
            "name": part.label or one.name,
            "category": one.category,
            "unit": part.unit or one.unit,
            "direction": one.direction,
            "monitored": one.monitored,
            "value": _float(formed.value),
            "source": formed.source or None,
            "reason": formed.reason or None,
            "numerator": _float(formed.numerator),
            "denominator": _float(formed.denominator),
            "months": "、".join(sorted(formed.months)) or None,
            "document": formed.document or None,
            "filed_value": None if filed is None else float(filed.value),
            "kind": one.kind,
            "assumed": one.assumed and not as_filed,
        }


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def form(part: Part, this: Terms, last: Terms, only: frozenset[str] | None = None) -> Formed:
    """A figure of its items: of the whole year where they allow it, else of the months that records cover."""
    if part.rule == "filed":
        return Formed(reason="须填报，附来源文件")
    growth = part.rule == "growth"
    spans = [this.whole_year]
    covered = this.covered(part.items)
    if growth:
        before = {month[5:] for month in last.covered(part.items)}
        covered = frozenset(month for month in covered if month[5:] in before)
    if only is not None:
        covered = frozenset(month for month in covered if month[5:] in only)
        spans = [] if this.covered(part.items) else spans
    if covered and covered != this.whole_year:
        spans.append(covered)
    first: Formed | None = None
    for months in spans or [this.whole_year]:
        formed = _growth(part, this, last, months) if growth else _level(part, this, months)
        if formed.value is not None:
            return formed._replace(months=frozenset() if months == this.whole_year else months)
        first = first or formed
    return first or Formed(reason="没有记录")


def _level(part: Part, terms: Terms, months: frozenset[str]) -> Formed:
    known = {item: terms.amount(item, months) for item in part.items}
    missing = [item for item, one in known.items() if one is None]
    if missing:
        return Formed(reason=_lacks(missing, terms, months))
    found = {item: one for item, one in known.items() if one is not None}
    numerator, denominator = _sum(part.numerator, found), _sum(part.denominator, found)
    if part.per_day:
        denominator *= DAYS_OF_YEAR if months == terms.whole_year else day_count(months)
    source = "、".join(dict.fromkeys(one.source for one in found.values()))
    document = "；".join(dict.fromkeys(one.document for one in found.values() if one.document))
    below = denominator if part.denominator else None
    if part.denominator and denominator <= 0:
        words = "、".join(load_items()[term.removeprefix("-")].label for term in part.denominator)
        return Formed(reason=f"{words}不大于零，不能相除", source=source, numerator=numerator, denominator=below)
    value = numerator * part.times / (denominator if part.denominator else 1)
    return Formed(value, source, "", numerator, below, document=document)


def _growth(part: Part, this: Terms, last: Terms, months: frozenset[str]) -> Formed:
    ago = frozenset(f"{last.year}-{month[5:]}" for month in months)
    plain = part.model_copy(update={"times": 1})
    now, before = _level(plain, this, months), _level(plain, last, ago)
    if now.value is None:
        return now
    if before.value is None:
        return Formed(reason=f"上年：{before.reason}")
    if before.value <= 0:
        return Formed(
            reason="上年数不大于零，不能算增幅", source=now.source, numerator=now.value, denominator=before.value
        )
    value = (now.value - before.value) * part.times / before.value
    return Formed(value, now.source, "", now.value, before.value, document=now.document)


def _sum(terms: Sequence[str], known: Mapping[str, Known]) -> Fraction:
    total = Fraction(0)
    for term in terms:
        amount = known[term.removeprefix("-")].value
        total += -amount if term.startswith("-") else amount
    return total


def _lacks(missing: Sequence[str], terms: Terms, months: frozenset[str]) -> str:
    """What is missing and where it could come from."""
    told = []
    for item in missing:
        one = load_items()[item]
        stream = stream_of(item)
        have = terms.recorded.months.get(stream)
        if item in terms.recorded.flows and have and months == terms.whole_year:
            told.append(f"{one.label}：{STREAM_LABELS[stream]}只有 {len(have)} 个月")
        else:
            told.append(f"缺 {one.label}（{item}）")
    return "；".join(told)
