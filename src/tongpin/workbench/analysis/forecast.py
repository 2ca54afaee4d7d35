"""Forecast 年末预测: the year end of a hospital or area under a scenario, a draft on past cases, as pages show them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date  # Pydantic reads it
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from tongpin.base.strict_yaml import Strict, load_strict_yaml
from tongpin.measures.guokao.score import PERCENTILE
from tongpin.payment.month.closed import area_of
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.payment.policy.library import open_policy
from tongpin.payment.weights.impact import Impact
from tongpin.payment.weights.rounds import round_or_edition
from tongpin.report.words import number_text
from tongpin.twin.forecast.draft import try_draft
from tongpin.twin.forecast.draft_papers import trial_basis, tried_rows
from tongpin.twin.forecast.papers import basis, figure_rows, place_rows, score_lines
from tongpin.twin.forecast.run import forecast_in_home
from tongpin.twin.forecast.scenario import scenario_of
from tongpin.workbench.analysis.computing import Job
from tongpin.workbench.analysis.measure_shapes import span_of

if TYPE_CHECKING:
    from tongpin.store.home import Home
    from tongpin.twin.forecast.draft import DraftTrial
    from tongpin.twin.forecast.run import Forecast
    from tongpin.twin.forecast.scenario import Scenario
    from tongpin.workbench.analysis.computing import Tell

_MOST_GROUPS = 60


class ScenarioAsked(BaseModel):
    """What the rest of the year may be like: shares (0.05 is 5 % more) by group, `*` for all others."""

    model_config = ConfigDict(extra="forbid")
    label: str = Field(default="页面上的情景", max_length=64)
    growth: dict[str, Decimal] = Field(default={}, max_length=_MOST_GROUPS)
    los: dict[str, Decimal] = Field(default={}, max_length=_MOST_GROUPS)
    fee_follows_stay: Decimal | None = Field(default=None, ge=0, le=2)
    edition: str = Field(default="", max_length=64)
    day: date | None = None

    def scenario(self) -> Scenario | None:
        """The scenario of the room; none where nothing changes. Errors: `scenario.*`."""
        found = scenario_of(self.model_dump(), "scenario")
        return None if found.is_neutral else found


class ForecastAsked(BaseModel):
    """A forecast: the year, whose, under which scenario."""

    model_config = ConfigDict(extra="forbid")
    year: int = Field(ge=2000, le=2100)
    hospital: str | None = Field(default=None, max_length=64)
    area: str | None = Field(default=None, max_length=64)
    scenario: ScenarioAsked = ScenarioAsked()


class Span(BaseModel):
    """An interval."""

    low: float
    high: float


class PlaceEnd(BaseModel):
    """A hospital and fund at the year end, in fen; null with a reason where the rest of the year is not forecast.

    `plain_due_fen`, `changed_fen`: without the scenario, and what it changes.
    """

    institution_code: str
    institution_name: str
    level: str
    fund: str
    fund_label: str
    known_payable_fen: int
    payable_fen: int | None
    due_fen: int | None
    due_80: Span | None
    due_95: Span | None
    surplus_fen: int | None
    surplus_80: Span | None
    surplus_95: Span | None
    band_ratio: float | None
    near_edge: str
    reason: str
    plain_due_fen: int | None
    changed_fen: int | None


class IndicatorShown(BaseModel):
    """A 国考 figure at the year end, in words and as numbers; empty with a reason where it is not forecast."""

    sub: str
    name: str
    unit: str
    direction: str
    last_text: str
    to_date_text: str
    value_text: str
    range_80: str
    range_95: str
    value: float | None
    last: float | None
    moved_by: str
    method: str
    reason: str
    simulated: bool


class CoverageLine(Strict):
    """How often the intervals of a figure held in the back-test, by how many months of history there were."""

    what: str
    history: str
    at_80: float
    at_95: float


class Coverage(Strict):
    """The back-test of the intervals: how it was made, and its lines."""

    how: str
    reference: str
    lines: tuple[CoverageLine, ...]


class ForecastSheet(BaseModel):
    """Both desks at the year end: places, 国考 figures, what they would score, how far intervals may be trusted."""

    year: int
    area_label: str
    name: str
    until: str
    months_ahead: list[str]
    scenario: str
    places: list[PlaceEnd]
    indicators: list[IndicatorShown]
    indicator_notes: list[str]
    scores: list[str]
    coverage: Coverage
    notes: list[str]
    simulated: bool


class DraftAsked(BaseModel):
    """A draft on past cases: a round or edition, the months, the day whose values hold."""

    model_config = ConfigDict(extra="forbid")
    draft: str = Field(min_length=1, max_length=64)
    months: str = Field(max_length=20)
    on: date
    hospital: str | None = Field(default=None, max_length=64)
    area: str | None = Field(default=None, max_length=64)


class DraftRow(BaseModel):
    """A hospital and fund in a year of past cases, cleared by either edition, in fen."""

    year: str
    institution_code: str
    institution_name: str
    fund_label: str
    old_due_fen: int | None
    new_due_fen: int | None
    due_difference_fen: int | None
    old_surplus_fen: int | None
    new_surplus_fen: int | None
    old_band_ratio: float | None
    new_band_ratio: float | None
    new_near_edge: str


class DraftEffect(BaseModel):
    """What another edition does to an indicator for the same cases."""

    indicator: str
    effect: str


class DraftSheet(BaseModel):
    """A draft tried on past cases."""

    old: str
    new: str
    cases: int
    rows: list[DraftRow]
    effects: list[DraftEffect]
    notes: list[str]


@cache
def measured_coverage() -> Coverage:
    """What the back-test measured (`tongpin bench forecast`), as docs/forecast.md prints it."""
    path = files("tongpin") / "catalogue" / "workbench" / "forecast_coverage.yaml"
    return Coverage.model_validate(load_strict_yaml(path, "coverage"))


def forecast_job(home: Home, asked: ForecastAsked, hospital: str | None) -> Job[Forecast]:
    """The year end under the scenario. Errors: `scenario.*` at once."""
    scenario = asked.scenario.scenario()
    told = "" if scenario is None else scenario.model_dump_json()

    def work(tell: Tell) -> Forecast:
        words = "预测各机构的余下月份"
        tell(words)
        return forecast_in_home(
            home,
            asked.year,
            asked.area or None,
            hospital=hospital,
            scenario=scenario,
            method=PERCENTILE,
            progress=lambda done, total: tell(words, done, total),
        )

    return Job(("forecast", asked.year, asked.area or None, hospital, told), work)


def forecast_sheet(home: Home, found: Forecast) -> ForecastSheet:
    """The forecast as the page shows it: of one hospital its own places only."""
    one = found.hospital
    codes = None if one is None else one.hospital.codes
    scored = None if one is None else one.scored
    return ForecastSheet(
        year=found.year,
        area_label=found.area_label,
        name=found.area_label if one is None else one.hospital.name,
        until=found.until,
        months_ahead=list(found.settlement.ahead),
        scenario="" if found.scenario is None else found.scenario.text(),
        places=[_place(row) for row in place_rows(found, codes)],
        indicators=[_indicator(row) for row in figure_rows(found) if not row["is_vector"]],
        indicator_notes=[] if one is None else list(one.notes),
        scores=[*score_lines(found), *([] if scored is None else [f"可评 {number_text(scored.standing.scorable)} 分"])],
        coverage=measured_coverage(),
        notes=[*synthetic_notice(home), *basis(found)],
        simulated=bool(found.assumed),
    )


def _place(row: dict[str, Any]) -> PlaceEnd:
    def span(name: str, level: int) -> Span | None:
        low, high = row[f"{name}_low_{level}"], row[f"{name}_high_{level}"]
        return None if low is None or high is None else Span(low=low, high=high)

    return PlaceEnd(
        level=row["hospital_level"] or "",
        due_80=span("due_fen", 80),
        due_95=span("due_fen", 95),
        surplus_80=span("surplus_fen", 80),
        surplus_95=span("surplus_fen", 95),
        near_edge=row["near_edge"] or "",
        reason=row["reason"] or "",
        **{name: row[name] for name in ("institution_code", "institution_name", "fund", "fund_label")},
        **{name: row[name] for name in ("known_payable_fen", "payable_fen", "due_fen", "surplus_fen", "band_ratio")},
        **{name: row[name] for name in ("plain_due_fen", "changed_fen")},
    )


def _indicator(row: dict[str, Any]) -> IndicatorShown:
    texts = ("sub", "name", "unit", "direction", "last_text", "to_date_text", "value_text", "range_80", "range_95")
    return IndicatorShown(
        **{name: row[name] or "" for name in (*texts, "moved_by", "method", "reason")},
        value=row["value"],
        last=row["last"],
        simulated=bool(row["assumed"]),
    )


def draft_job(home: Home, asked: DraftAsked) -> Job[DraftTrial]:
    """A draft on past cases of the whole area. Errors: `measures.month` at once."""
    months = span_of(asked.months)
    first, last = months[0], months[-1]

    def work(tell: Tell) -> DraftTrial:
        tell("按两版办法给过去的病例重新定价、清算")
        old = open_policy(home, area_of(home, asked.area or None), last)
        return try_draft(home, old, round_or_edition(home, asked.draft), first, last, asked.on)

    return Job(("draft", asked.draft, first, last, asked.on, asked.area or None), work)


def trial_of_one(found: DraftTrial, hospital: str | None) -> DraftTrial:
    """A draft with the rows of one hospital only; of all where none is named."""
    if hospital is None:
        return found
    rows = found.cleared.filter(pc.equal(found.cleared["institution_code"], hospital))
    impact = found.impact.hospitals
    own = Impact(impact.filter(pc.equal(impact["institution_code"], hospital)), found.impact.groups.slice(0, 0))
    return replace(found, cleared=rows, impact=own, cases=own.total("case_count"))


def draft_sheet(home: Home, found: DraftTrial, hospital: str | None) -> DraftSheet:
    """A draft as the page shows it; of one hospital its own rows only."""
    found = trial_of_one(found, hospital)
    rows = tried_rows(found)
    names = [name for name in DraftRow.model_fields if name != "new_near_edge"]
    return DraftSheet(
        old=found.old.edition.label,
        new=found.new.edition.label,
        cases=found.cases,
        rows=[
            DraftRow(new_near_edge=row["new_near_edge"] or "", **{name: row[name] for name in names}) for row in rows
        ],
        effects=[DraftEffect(indicator=name, effect=effect) for name, effect in found.indicators],
        notes=[*synthetic_notice(home), *trial_basis(found)],
    )
