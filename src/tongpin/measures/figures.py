"""Figures 指标值: one measure in one slice, with everything that a figure has to name beside it (S900-03, S900-04)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict
from tongpin.measures.catalogue import Measure, catalogue_folder, read_catalogue, rests_on_assumed
from tongpin.measures.distinct import OnDemand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.measures.compare import Change
    from tongpin.measures.ranks import Funnel

AnyMeasure = Measure | OnDemand


class Slice(NamedTuple):
    """What figures may be sliced by: its column in cases and its Chinese term."""

    column: str
    label: str


SLICES: dict[str, Slice] = {
    "region": Slice("region", "区县"),
    "level": Slice("hospital_level", "级别"),
    "hospital": Slice("institution_code", "医疗机构"),
    "dept": Slice("dept", "科室"),
    "ward": Slice("ward", "病区"),
    "team": Slice("team", "诊疗组"),
    "doctor": Slice("doctor_code", "主诊医师"),
    "mdc": Slice("mdc", "主要诊断大类"),
    "group": Slice("drg", "病组"),
    "insurance": Slice("insurance", "险种"),
    "month": Slice("month", "月份"),
}
"""By what `--by` may slice, the word of the command line first."""


class MeasureSet(Strict):
    """Measures that are looked at together."""

    id: str
    label: str
    measures: tuple[str, ...]
    reference: str


@cache
def load_sets() -> dict[str, MeasureSet]:
    """The sets of measures, by id."""
    entries = read_catalogue(catalogue_folder("measures") / "sets.yaml", "sets", MeasureSet)
    return {one.id: one for one in entries}


@dataclass(frozen=True)
class FigureBasis:
    """What the figures of a table rest on, and which of it is assumed."""

    area_label: str
    policy_label: str
    scheme_id: str
    weight_edition: str
    list_editions: tuple[str, ...]
    benchmark_months: tuple[str, ...]
    stays: str
    assumed_count: int
    weights_assumed: bool
    risk_listed: bool
    notices: tuple[str, ...] = ()

    def simulated(self, one: AnyMeasure) -> bool:
        """Whether a figure has to say 模拟."""
        if isinstance(one, OnDemand):
            return one.assumed or (one.population != "全部出院" and bool(self.assumed_count))
        return rests_on_assumed(one, weights=self.weights_assumed, prices=bool(self.assumed_count))

    def edition_of(self, one: AnyMeasure) -> str:
        """The weight edition that a figure rests on, empty where it needs none."""
        if isinstance(one, OnDemand) or not one.weight_edition:
            return ""
        return self.weight_edition if one.population == "全部出院" else "、".join(self.list_editions)

    def benchmark_of(self, one: AnyMeasure, months: tuple[str, ...]) -> str:
        """The benchmark period that a figure rests on, empty where it needs none."""
        if isinstance(one, OnDemand) or not one.benchmark_period:
            return ""
        if one.benchmark_period == "same_period":
            return f"同期 {span_text(months)}"
        return f"固定 {span_text(self.benchmark_months)}"

    def population_of(self, one: AnyMeasure) -> str:
        """The population of a figure, with the stays that it leaves out."""
        return f"{one.population}{self.stays}"


@dataclass(frozen=True)
class Comparison:
    """What a figure was compared with, and how it reads; `first`, `last` are the ranks that its interval allows.

    Over time, `reach` is how far chance alone moves the change (the intervals of both figures taken together; null
    where one has none), and `reference_count` the cases behind the reference.
    """

    kind: str
    label: str
    reference: float | None
    change: Change
    reading: str
    shrunk: float | None = None
    first: int = 0
    last: int = 0
    ranked: int = 0
    funnel: Funnel | None = None
    reach: float | None = None
    reference_count: int = 0


@dataclass(frozen=True)
class Figure:
    """A figure: its slice (codes by column, and in words), its measure, value, interval and cases, and its notes.

    The value is in the unit of the measure: an integer of fen, ten-thousandths or cases, else a float; null with a
    note that says why. `low`, `high` bound it where its cases tell how sure it is.
    """

    place: Mapping[str, str]
    names: Mapping[str, str]
    measure: AnyMeasure
    value: float | None
    count: int = 0
    low: float | None = None
    high: float | None = None
    note: str = ""
    compared: Comparison | None = None


@dataclass(frozen=True)
class FigureTable:
    """The figures of a table, slice by slice in order, what they rest on, and what a reader has to know."""

    months: tuple[str, ...]
    by: tuple[str, ...]
    measures: tuple[AnyMeasure, ...]
    basis: FigureBasis
    figures: tuple[Figure, ...]
    compare: str = ""
    notes: tuple[str, ...] = ()
    has_cost: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    def as_rows(self) -> list[dict[str, Any]]:
        """Every figure as plain data, with population, form, weight edition and benchmark period."""
        return [self._row(one) for one in self.figures]

    def _row(self, one: Figure) -> dict[str, Any]:
        measure, compared = one.measure, one.compared
        row: dict[str, Any] = {
            **one.place,
            "names": dict(one.names),
            "measure": measure.id,
            "label": measure.label,
            "unit": measure.unit,
            "direction": measure.direction,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "count": one.count,
            "months": list(self.months),
            "period": measure.period,
            "population": self.basis.population_of(measure),
            "form": measure.form,
            "weight_edition": self.basis.edition_of(measure),
            "benchmark_period": self.basis.benchmark_of(measure, self.months),
            "simulated": self.basis.simulated(measure),
            "note": one.note,
        }
        if compared is not None:
            row["compared"] = {
                "with": compared.kind,
                "label": compared.label,
                "reference": compared.reference,
                **compared.change._asdict(),
                "reading": compared.reading,
                "shrunk": compared.shrunk,
                "rank": [compared.first, compared.last, compared.ranked] if compared.first else None,
                "limits": compared.funnel._asdict() if compared.funnel else None,
            }
        return row


def span_text(months: tuple[str, ...]) -> str:
    """Months in words: `2025-06`, `2025-01..2025-06`."""
    if not months:
        return ""
    return months[0] if len(months) == 1 else f"{months[0]}..{months[-1]}"


def slices_named(text: str) -> tuple[str, ...]:
    """`hospital,month` as the columns to slice by; none for empty text. Errors: `measures.by`."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in SLICES]
    if unknown or len(set(words)) != len(words):
        raise TongpinError(
            "measures.by",
            f"不能按 {'、'.join(unknown)} 切分" if unknown else "同一个切分写了两次",
            where="--by",
            hint="可用 " + "、".join(f"{word}（{one.label}）" for word, one in SLICES.items()),
        )
    return tuple(SLICES[word].column for word in words)


def slice_label(column: str) -> str:
    """The Chinese term of a slice's column."""
    return next(one.label for one in SLICES.values() if one.column == column)
