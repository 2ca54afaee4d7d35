"""Shapes of measures 指标的形状: what is asked of a table of figures, and the table as pages show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE
from tongpin.measures.catalogue import Measure
from tongpin.measures.compare import HOSPITAL, OVER_TIME, months_of
from tongpin.measures.figures import SLICES, slices_named
from tongpin.measures.papers import rank_text, reading_text
from tongpin.measures.populations import PAGE_POPULATION
from tongpin.measures.table import Wish
from tongpin.workbench.api.sheets import CellKind

if TYPE_CHECKING:
    from tongpin.measures.figures import AnyMeasure, Figure, FigureTable
    from tongpin.workbench.analysis.whose import Whose

HOSPITAL_WORD = next(word for word, one in SLICES.items() if one.column == "institution_code")
_MOST_MEASURES = 60
_KINDS: dict[str, tuple[CellKind, str, int]] = {
    "count": ("integer", "", 0),
    "fen": ("money", "万元", 2),
    "weight_e4": ("decimal", "", 2),
    "ratio": ("ratio", "", 2),
    "index": ("decimal", "", 3),
    "days": ("decimal", "天", 2),
    "weight": ("decimal", "", 4),
    "yuan": ("decimal", "元", 2),
}
"""How figures of a unit are written: kind, unit, digits."""
_MONEY_UNITS = frozenset({"fen", "yuan"})


class MeasuresAsked(BaseModel):
    """What a table of figures is asked for: months (`2025-06`, `2025-01..2025-06`), slices, measures or sets (`@six`).

    `hospital`, `dept`: only these rows, counted over all. Rows are paged after they are sorted by `sort` (a measure).
    """

    model_config = ConfigDict(extra="forbid")
    months: str = Field(max_length=20)
    by: list[str] = Field(default=[HOSPITAL_WORD], max_length=4)
    measures: list[str] = Field(default=["@six"], min_length=1, max_length=_MOST_MEASURES)
    compare: str = Field(default="", max_length=20)
    stays: Literal["all", "performance"] = "all"
    shrink: Literal["fixed", "empirical"] = "fixed"
    base: str = Field(default="", max_length=20)
    hospital: str | None = Field(default=None, max_length=64)
    dept: str | None = Field(default=None, max_length=64)
    area: str | None = Field(default=None, max_length=64)
    sort: str = Field(default="", max_length=100)
    descending: bool = True
    offset: int = Field(default=0, ge=0, le=1_000_000)
    limit: int = Field(default=200, ge=1, le=1_000)

    def wish(self, whose: Whose) -> Wish:
        """The wish of the room: who sees one hospital has it among the slices; `measure_table.seen` cuts to its rows.

        What is compared with nobody else is formed for that hospital alone. Errors: `measures.month`, `measures.by`.
        """
        words = list(dict.fromkeys(self.by))
        if whose.hospital is not None and HOSPITAL_WORD not in words:
            words.insert(0, HOSPITAL_WORD)
        if whose.dept is not None and "dept" not in words:
            words.insert(1, "dept")
        return Wish(
            months=span_of(self.months),
            by=slices_named(",".join(words)),
            measures=tuple(self.measures),
            compare=self.compare,
            area=self.area or None,
            stays=self.stays,
            benchmark=span_of(self.base) if self.base else (),
            shrink=self.shrink,
            hospital=whose.hospital if self.compare in {"", HOSPITAL, *OVER_TIME} else None,
        )


class Meaning(BaseModel):
    """A measure: how its figures are written, and everything that they have to name."""

    id: str
    label: str
    kind: CellKind
    unit: str
    digits: int
    form: str
    numerator: list[str]
    denominator: list[str]
    needs: list[str]
    limits: list[str]
    population: str
    period: str
    direction: str
    weight_edition: str
    benchmark: str
    reference: str
    simulated: bool
    has_cases: bool


class Limits(BaseModel):
    """Exact limits of a rate of rare events: expected events, inner and outer limit, what they say."""

    expected: float
    inner: int
    outer: int
    verdict: str


class Beside(BaseModel):
    """A figure beside its reference: the difference, over time split into edition and real effect, and the reading.

    `first`, `last`: the ranks that the interval allows among `ranked`; 0 for the unranked.
    """

    label: str
    reference: float | None
    difference: float | None
    growth: float | None
    edition_effect: float | None
    real_effect: float | None
    reading: str
    shrunk: float | None
    rank_text: str
    first: int
    last: int
    ranked: int
    limits: Limits | None
    note: str


class FigureCell(BaseModel):
    """A figure of a slice: money in fen, ratios 0–1, weights as weights; null with a note that says why."""

    measure: str
    value: float | None
    low: float | None
    high: float | None
    count: int
    note: str
    compared: Beside | None


class SliceRow(BaseModel):
    """A slice with its figures, in the order of the measures; `cases` is the page of its cases, if there is one."""

    key: dict[str, str]
    names: list[str]
    cells: list[FigureCell]
    cases: str | None


class SliceColumn(BaseModel):
    """What a table is sliced by."""

    id: str
    word: str
    label: str


class MeasureTable(BaseModel):
    """A table of figures: a page of its slices, what each measure means, what a reader has to know."""

    months: list[str]
    by: list[SliceColumn]
    compare: str
    measures: list[Meaning]
    rows: list[SliceRow]
    total: int
    notes: list[str]
    simulated: bool


def span_of(text: str) -> tuple[str, ...]:
    """Months of `2025-06` or `2025-01..2025-06`; TongpinError `measures.month` for anything else."""
    try:
        return months_of(text)
    except ValueError:
        raise TongpinError(
            "measures.month", f"月份“{text}”不对", where="months", hint="写成 2025-06，或 2025-01..2025-06"
        ) from None


def is_money(one: AnyMeasure) -> bool:
    """Whether a measure tells of payment: an amount, or a quotient of amounts of settled lists."""
    if one.unit in _MONEY_UNITS:
        return True
    facts = one.facts if isinstance(one, Measure) else ()
    return one.population != PAGE_POPULATION and any(name.endswith("_fen") for name in facts)


def written(one: AnyMeasure) -> tuple[CellKind, str, int]:
    """How the figures of a measure are written: kind, unit, digits."""
    return _KINDS[one.unit]


def meaning(one: AnyMeasure, table: FigureTable | None = None) -> Meaning:
    """What a measure means, in a table with the editions and periods that it rests on there."""
    kind, unit, digits = written(one)
    is_measure = isinstance(one, Measure)
    limits: list[str] = []
    if isinstance(one, Measure):
        limits = [f"{limit.column} 少于 {limit.below}：不出数" for limit in one.null_when]
        limits += [f"{limit.column} 少于 {limit.below}：{limit.note}" for limit in one.flag_when]
        if one.limits:
            limits.append("只按精确的二项或泊松界判断，超界先逐例复核，不排名次")
    return Meaning(
        id=one.id,
        label=one.label,
        kind=kind,
        unit=unit,
        digits=digits,
        form=one.form,
        numerator=list(one.numerator) if isinstance(one, Measure) else [],
        denominator=list(one.denominator) if isinstance(one, Measure) else [],
        needs=list(one.needs) if isinstance(one, Measure) else [],
        limits=limits,
        population=table.basis.population_of(one) if table else one.population,
        period=one.period,
        direction=one.direction,
        weight_edition=table.basis.edition_of(one) if table else "",
        benchmark=table.basis.benchmark_of(one, table.months) if table else "",
        reference=one.reference,
        simulated=table.basis.simulated(one) if table else one.assumed,
        has_cases=is_measure and one.population != PAGE_POPULATION,
    )


def cell(one: Figure) -> FigureCell:
    """A figure in the units that pages write."""
    compared = one.compared
    beside = None
    if compared is not None:
        change = compared.change
        beside = Beside(
            label=compared.label,
            reference=_shown(compared.reference, one),
            difference=_shown(change.difference, one),
            growth=change.growth,
            edition_effect=_shown(change.edition_effect, one),
            real_effect=_shown(change.real_effect, one),
            reading=reading_text(compared),
            shrunk=_shown(compared.shrunk, one),
            rank_text=rank_text(compared),
            first=compared.first,
            last=compared.last,
            ranked=compared.ranked,
            limits=None
            if compared.funnel is None
            else Limits(
                expected=compared.funnel.expected,
                inner=compared.funnel.inner,
                outer=compared.funnel.outer,
                verdict=compared.funnel.verdict,
            ),
            note=change.note,
        )
    return FigureCell(
        measure=one.measure.id,
        value=_shown(one.value, one),
        low=_shown(one.low, one),
        high=_shown(one.high, one),
        count=one.count,
        note=one.note,
        compared=beside,
    )


def _shown(value: Any, one: Figure) -> float | None:
    if value is None:
        return None
    return float(value) / SCALE if one.measure.unit == "weight_e4" else float(value)
