"""Evaluate 评价: the hospitals of a home over some months, by the table of the evaluation (S004-23).

Angles: inside the peer class, against its benchmark, against the hospital's own year before, and the exact limits of
rare events; only measures with a better side are scored, the others stand beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.measures.catalogue import Measure
from tongpin.measures.evaluation.catalogue import METHODS, evaluation_table
from tongpin.measures.evaluation.classes import PeerClass, peer_classes, register_at
from tongpin.measures.evaluation.columns import Column, Rules, column_of, exact_column
from tongpin.measures.evaluation.reviews import read_reviews
from tongpin.measures.evaluation.scoring import Drawn, bounds, rank_range, weighted
from tongpin.measures.figures import span_text
from tongpin.measures.populations import PAGE_POPULATION
from tongpin.measures.ranks import reading
from tongpin.measures.table import Wish, desks_for, figures_beside

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from typing import Any

    from tongpin.measures.evaluation.catalogue import Dimension, Table
    from tongpin.measures.figures import Figure, FigureBasis, FigureTable
    from tongpin.store.home import Home

CASES = ("discharge.cases", "settlement.all_cases")
"""The measures that tell how many cases a hospital has; the larger counts."""
YEAR_BEFORE, REGION = "yoy", "region"


class MeasureScore(NamedTuple):
    """A figure of a hospital and what it scored; `score` None with a `note` that says why.

    `weight` as the table has it, `used` after the weight of missing figures went to the others (0: not scored), both
    per hundred of the dimension; `low`, `high` bound the score; `first`–`last` of `ranked` the places in the class that
    the interval of the figure allows; `benchmark` the best quarter of the class.
    """

    figure: Figure
    weight: int
    used: float
    score: float | None
    low: float | None
    high: float | None
    first: int
    last: int
    ranked: int
    benchmark: float | None
    against_benchmark: str
    year_before: Figure
    how: str
    note: str


class DimensionScore(NamedTuple):
    """A dimension of a hospital: its score with bounds, its parts, and what is shown without a score."""

    dimension: Dimension
    used: float
    score: float | None
    low: float | None
    high: float | None
    parts: tuple[MeasureScore, ...]
    shown: tuple[Figure, ...]
    note: str


class HospitalScore(NamedTuple):
    """A hospital: its class, total score with bounds and range of places in the class, or why it is 不评."""

    code: str
    name: str
    level: str
    region: str
    peers: PeerClass
    cases: int
    score: float | None
    low: float | None
    high: float | None
    first: int
    last: int
    ranked: int
    dimensions: tuple[DimensionScore, ...]
    note: str


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of an area: what it rests on, every hospital, and what a reader has to know."""

    months: tuple[str, ...]
    table: Table
    source: str
    method: str
    figures: FigureTable
    hospitals: tuple[HospitalScore, ...]
    notes: tuple[str, ...]

    @property
    def basis(self) -> FigureBasis:
        """What the figures rest on."""
        return self.figures.basis


def evaluate_in_home(
    home: Home, months: tuple[str, ...], area: str | None = None, *, method: str = "", on: date | None = None
) -> Evaluation:
    """The evaluation of the hospitals of a home over months of which at least one has cases; nothing is written.

    `method` of `METHODS` instead of the table's; `on`: the day on which lists stand. Errors: `evaluation.*`,
    `measures.empty`, and those of `figures_in_home`.
    """
    table, source = evaluation_table(home)
    method = method or table.method
    if method not in METHODS:
        words = "、".join(f"{word} {label}" for word, label in METHODS.items())
        raise TongpinError("evaluation.method", f"没有计分办法 {method}", where="--method", hint=words)
    wish = Wish(months, measures=(*CASES, *table.measures), area=area, on=on)
    kinds = (REGION, YEAR_BEFORE)
    desks = desks_for(home, wish, kinds)
    beside, before = figures_beside(home, wish, kinds, desks)
    closed = sorted(month for month in months if month in desks.manifests)
    paged = sorted(set(pc.unique(desks.cases(PAGE_POPULATION, months)["month"]).to_pylist()))
    register = register_at(desks.institutions, months[-1])
    found = _Hospitals(table, method, span_text(months), beside, before, register, read_reviews(home))
    notes = (*beside.notes, *_months_notes(months, closed, paged), *before.notes)
    return Evaluation(months, table, source, method, beside, found.all(), tuple(dict.fromkeys(notes)))


def months_of_year(home: Home, year: int, area: str | None = None) -> tuple[str, ...]:
    """The months of a year in which either desk has a case. StoreError `measures.empty` when there is none."""
    months = tuple(f"{year}-{number:02d}" for number in range(1, 13))
    desks = desks_for(home, Wish(months, benchmark=months, area=area), ())
    pages = desks.cases(PAGE_POPULATION, months)["month"]
    there = {*pc.unique(pages).to_pylist(), *desks.manifests}
    return tuple(month for month in months if month in there)


def _months_notes(months: tuple[str, ...], closed: Sequence[str], paged: Sequence[str]) -> list[str]:
    told = (("没有月结，医保结算各项不含", closed), ("没有病案首页，出院各项不含", paged))
    return [
        f"{'、'.join(lacking)} {words}"
        for words, there in told
        if (lacking := [month for month in months if month not in there])
    ]


class _Hospitals:
    """The figures of all hospitals in columns, scored class by class."""

    def __init__(
        self,
        table: Table,
        method: str,
        span: str,
        beside: FigureTable,
        before: FigureTable,
        register: Mapping[str, Mapping[str, Any]],
        reviews: Mapping[tuple[str, str, str], tuple[str, str]],
    ) -> None:
        self.table, self.span, self.reviews = table, span, reviews
        ends = (table.limit(f"distance.{end}_e4") for end in ("full", "zero"))
        self.rules = Rules(method, table.limit("class.smallest"), table.limit("draws"), *ends)
        self.known = {one.id: one for one in beside.measures}
        self.figures = {(one.place["institution_code"], one.measure.id): one for one in beside.figures}
        self.before = {(one.place["institution_code"], one.measure.id): one for one in before.figures}
        self.register = register
        self.codes = tuple(dict.fromkeys(code for code, _ in self.figures))
        self.cases = {code: max(int(self.figures[code, one].value or 0) for one in CASES) for code in self.codes}
        least = table.limit("hospital.minimum_cases")
        self.assessed = tuple(code for code in self.codes if self.cases[code] >= least)
        self.classes = peer_classes(register, self.assessed, table.classes, table.limit("class.smallest"))

    def all(self) -> tuple[HospitalScore, ...]:
        """Every hospital: the assessed ones by class, in the order of the register's codes, then the others."""
        scored: dict[str, HospitalScore] = {}
        for members in dict.fromkeys(one.members for one in self.classes.values() if one.members):
            inside = [code for code in members if self.classes[code].members == members]
            scored |= self._of_class(members, inside)
        return tuple(scored.get(code) or self._without(code) for code in sorted(self.codes))

    def _of_class(self, members: tuple[str, ...], inside: Sequence[str]) -> dict[str, HospitalScore]:
        """The hospitals whose class this is; a class may also hold members that have a finer class of their own."""
        of_dimension = [self._dimension(dimension, members) for dimension in self.table.dimensions]
        drawn = [one for one, _ in of_dimension]
        weights = [one.weight for one in self.table.dimensions]
        total = weighted(drawn, weights, self.table.limit("total.least_e4"))
        low, high = bounds(total)
        first, last, ranked = rank_range(total.draws)
        found = {}
        for code in inside:
            at = members.index(code)
            there = sum(weight for one, weight in zip(drawn, weights, strict=True) if np.isfinite(one.plain[at]))
            own = tuple(
                self._dimension_of(dimension, code, at, one, parts, there)
                for dimension, (one, parts) in zip(self.table.dimensions, of_dimension, strict=True)
            )
            short = [text for one in own if (text := _short(one))]
            score = _number(total.plain[at])
            found[code] = self._hospital(
                code,
                score=score,
                low=_number(low[at]),
                high=_number(high[at]),
                first=int(first[at]),
                last=int(last[at]),
                ranked=ranked,
                dimensions=own,
                note="；".join(short if score is not None else [f"可评的维度权重只有 {there}，不给总分", *short]),
            )
        return found

    def _without(self, code: str) -> HospitalScore:
        peers = self.classes.get(code)
        least = self.table.limit("hospital.minimum_cases")
        note = peers.widened if peers else f"只有 {self.cases[code]} 例，少于 {least} 例，不评"
        return self._hospital(code, note=note if peers is None else f"{note}，不评")

    def _hospital(self, code: str, **found: Any) -> HospitalScore:
        row = self.register.get(code, {})
        empty: dict[str, Any] = {"score": None, "low": None, "high": None, "first": 0, "last": 0, "ranked": 0}
        name = self.figures[code, CASES[0]].names["institution_code"]
        level, region = (str(row.get(key) or "") for key in ("settlement_level", "region"))
        empty |= {"dimensions": (), "note": ""}
        peers = self.classes.get(code) or PeerClass("", ())
        return HospitalScore(code, name, level, region, peers, self.cases[code], **(empty | found))

    def _dimension(self, dimension: Dimension, members: tuple[str, ...]) -> tuple[Drawn, list[Column]]:
        columns = [self._column(one.measure, members) for one in dimension.scored]
        drawn = weighted(
            [one.drawn for one in columns],
            [one.weight for one in dimension.scored],
            self.table.limit("dimension.least_e4"),
            refuse=dimension.missing == "refuse",
        )
        return drawn, columns

    def _column(self, name: str, members: tuple[str, ...]) -> Column:
        """A measure over the members of a class."""
        measure, figures = self.known[name], [self.figures[code, name] for code in members]
        if measure.limits:
            reviews = [self.reviews.get((code, name, self.span)) for code in members]
            return exact_column(figures, reviews, self.rules.draws)
        return column_of(measure, figures, self.rules, list(self.known).index(name))

    def _dimension_of(
        self, dimension: Dimension, code: str, at: int, drawn: Drawn, columns: Sequence[Column], there: int
    ) -> DimensionScore:
        low, high = bounds(drawn.only(at))
        score = _number(drawn.plain[at])
        scored = [(part, column) for part, column in zip(dimension.scored, columns, strict=True)]
        present = sum(part.weight for part, column in scored if np.isfinite(column.drawn.plain[at]))
        parts = tuple(
            self._part(code, at, part.measure, part.weight, column, 0 if score is None else present)
            for part, column in scored
        )
        note = ""
        if score is None:
            rule = "缺一项即不评" if dimension.missing == "refuse" else f"可评的权重只有 {present}"
            note = f"{rule}，这个维度不评"
        elif any(one.score is None for one in parts):
            missing = "、".join(one.figure.measure.label for one in parts if one.score is None)
            note = f"{missing}没有计分，权重按比例分给其余各项"
        return DimensionScore(
            dimension,
            dimension.weight * 100 / there if score is not None else 0.0,
            score,
            _number(low[0]),
            _number(high[0]),
            parts,
            tuple(self.figures[code, name] for name in dimension.shown),
            note,
        )

    def _part(self, code: str, at: int, name: str, weight: int, column: Column, present: int) -> MeasureScore:
        one = self.figures[code, name]
        low, high = bounds(column.drawn.only(at))
        score, ranked = _number(column.drawn.plain[at]), column.places
        against = ""
        if isinstance(one.measure, Measure) and not one.measure.limits:
            least, most = (np.nan if end is None else end for end in (one.low, one.high))
            against = reading(one.measure, least, most, one.count, column.benchmark)
        return MeasureScore(
            figure=one,
            weight=weight,
            used=weight * 100 / present if score is not None and present else 0.0,
            score=score,
            low=_number(low[0]),
            high=_number(high[0]),
            first=int(ranked.first[at]) if ranked else 0,
            last=int(ranked.last[at]) if ranked else 0,
            ranked=ranked.ranked if ranked else 0,
            benchmark=column.benchmark,
            against_benchmark=against,
            year_before=self.before[code, name],
            how=column.hows[at],
            note=column.notes[at],
        )


def _short(one: DimensionScore) -> str:
    """What a dimension lacks, in a few words."""
    if one.score is None:
        return f"{one.dimension.label}不评"
    missing = "、".join(part.figure.measure.label for part in one.parts if part.score is None)
    return f"{one.dimension.label}缺{missing}" if missing else ""


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
