"""Portfolio 病组组合: pyramid, trial and frontier, computed once per hospital and period, as pages show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE
from tongpin.twin.portfolio.catalogue import load_classes
from tongpin.twin.portfolio.effect import grow, stop
from tongpin.twin.portfolio.frontier_papers import point_rows
from tongpin.twin.portfolio.papers import NOT_REFUSAL, TRIAL, class_rows, figure_rows, run_note
from tongpin.twin.portfolio.plan import placed, plan_of, tried
from tongpin.twin.portfolio.pyramid import trend_rows
from tongpin.twin.portfolio.run import hospital_in_home, pyramid_in_home
from tongpin.twin.portfolio.stays import CASE_COUNT, LIST, LIST_COUNT
from tongpin.twin.portfolio.words import basis_lines
from tongpin.workbench.analysis.causes import RefusedAdvice
from tongpin.workbench.analysis.computing import Job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.base.findings import Finding
    from tongpin.store.home import Home
    from tongpin.twin.portfolio.effect import Change, Figure, WhatIf
    from tongpin.twin.portfolio.plan import Plan
    from tongpin.twin.portfolio.pyramid import Pyramid
    from tongpin.twin.portfolio.run import HospitalPeriod, Period
    from tongpin.workbench.analysis.computing import Tell

Method = Literal["percentile", "efficacy"]
_MOST_CHANGES = 60


class TrialAsked(BaseModel):
    """A trial: groups with cases fewer (null: all of them) and more, in a hospital and months."""

    model_config = ConfigDict(extra="forbid")
    months: str = Field(max_length=20)
    hospital: str | None = Field(default=None, max_length=64)
    area: str | None = Field(default=None, max_length=64)
    stops: dict[str, int | None] = Field(default={}, max_length=_MOST_CHANGES)
    grows: dict[str, int] = Field(default={}, max_length=_MOST_CHANGES)
    method: Method = "percentile"


class ClassRow(BaseModel):
    """A class of groups: bounds in words, how many groups and cases, the result in fen; shares 0–1."""

    id: str
    label: str
    rule: str
    group_count: int
    few_count: int
    case_count: int
    case_share: float | None
    weight_share: float | None
    result_fen: int
    simulated: bool


class GroupDot(BaseModel):
    """A group: its own weight, cases, result in fen in all and per case, months of losing in a row."""

    drg: str
    label: str
    class_id: str
    weight: float
    case_count: int
    result_fen: int
    per_case_fen: int
    losing_run: int
    change_fen: int | None


class ClassMonth(BaseModel):
    """A class in a month: cases, weight, result in fen."""

    class_id: str
    month: str
    case_count: int
    weight: float
    result_fen: int


class PyramidSheet(BaseModel):
    """The portfolio of an area or hospital: classes from the top down, groups, months."""

    name: str
    period: str
    months: list[str]
    weight_edition: str
    classes: list[ClassRow]
    groups: list[GroupDot]
    trends: list[ClassMonth]
    notes: list[str]
    simulated: bool


class GroupOfTrial(BaseModel):
    """A group that a trial may change: its cases, per-case result in fen, and how many could be placed elsewhere."""

    drg: str
    label: str
    case_count: int
    result_fen: int
    per_case_fen: int
    receivers: int
    protected: str


class TrialGround(BaseModel):
    """What a trial starts from: the hospital, its groups, capacities."""

    name: str
    level: str
    period: str
    groups: list[GroupOfTrial]
    capacities: list[CapacityShown]
    notes: list[str]


class CapacityShown(BaseModel):
    """A capacity: what of it is used, and at most; where that comes from."""

    label: str
    unit: str
    used: float
    amount: float
    source: str


class FigureMoved(BaseModel):
    """A figure before and after in words; `change` says which way it went, `goal` which way is better."""

    id: str
    label: str
    population: str
    before: str
    after: str
    change: str
    moved: Literal["up", "down", "same", "unknown"]
    goal: str
    anchor: str
    note: str


class TrialSheet(BaseModel):
    """What a trial does: figures before and after, where the cases could go, what may not be advised."""

    changes: list[str]
    figures: list[FigureMoved]
    placed: list[str]
    refused: list[RefusedAdvice]
    notes: list[str]


class PointShown(BaseModel):
    """A point of the frontier: surplus (fen), CMI, simulated score; `along` what it runs along."""

    number: int
    along: str
    result_fen: int
    result_change_fen: int
    cmi: float
    score: float | None
    stay_days: int
    case_count: int
    grown_count: int
    is_chosen: bool


class MoveShown(BaseModel):
    """A proposal that passed the filter of advice: how many cases of a group go where, what it brings in fen."""

    drg: str
    label: str
    move_label: str
    destination: str
    moved_count: int
    able_count: int
    case_count: int
    result_fen: int
    stay_days: int
    stops: str
    protected: str


class FrontierSheet(BaseModel):
    """The frontiers of a hospital: today, the points, the moves and figures of the chosen one."""

    name: str
    period: str
    today_fen: int
    today_cmi: float
    today_score: float | None
    points: list[PointShown]
    chosen: int
    moves: list[MoveShown]
    figures: list[FigureMoved]
    refused: list[RefusedAdvice]
    notes: list[str]


def pyramid_job(
    home: Home, months: tuple[str, ...], area: str | None, hospital: str | None
) -> Job[tuple[Period, str, Pyramid]]:
    """The pyramid of an area or hospital."""

    def work(tell: Tell) -> tuple[Period, str, Pyramid]:
        tell("读取关账月份，按病组归类")
        return pyramid_in_home(home, months, area, hospital)

    return Job(("pyramid", months, area, hospital), work)


def hospital_job(
    home: Home, months: tuple[str, ...], area: str | None, hospital: str, method: str = "percentile"
) -> Job[HospitalPeriod]:
    """A hospital ready for trials."""

    def work(tell: Tell) -> HospitalPeriod:
        tell("读取首页与清单，配对住院")
        return hospital_in_home(home, months, area, hospital, method)

    return Job(("stays", months, area, hospital, method), work)


def plan_job(
    home: Home, months: tuple[str, ...], area: str | None, hospital: str, point: int | None, method: str = "percentile"
) -> Job[Plan]:
    """The frontiers of a hospital with one point told."""

    def work(tell: Tell) -> Plan:
        tell("读取首页与清单，配对住院", 0, 2)
        found = hospital_in_home(home, months, area, hospital, method)
        tell("逐点求解前沿（整数规划）", 1, 2)
        return plan_of(found, point)

    return Job(("plan", months, area, hospital, point, method), work)


def pyramid_sheet(found: tuple[Period, str, Pyramid]) -> PyramidSheet:
    """The pyramid as the page shows it."""
    period, name, pyramid = found
    assumed = {one.id: one.assumed for one in load_classes()}
    return PyramidSheet(
        name=name,
        period=period.label,
        months=list(period.months),
        weight_edition=period.weight_edition,
        classes=[
            ClassRow(
                id=row["class"],
                simulated=assumed[row["class"]],
                **{key: row[key] for key in ClassRow.model_fields if key not in {"id", "simulated"}},
            )
            for row in class_rows(pyramid)
        ],
        groups=[
            GroupDot(
                drg=row["drg"],
                label=period.group_labels.get(row["drg"], ""),
                class_id=row["class"],
                weight=row["group_weight_e4"] / SCALE,
                case_count=row["case_count"],
                result_fen=row["result_fen"],
                per_case_fen=row["result_fen"] // row["case_count"],
                losing_run=row["losing_run"],
                change_fen=row["change_fen"],
            )
            for row in trend_rows(pyramid)
        ],
        trends=[
            ClassMonth(
                class_id=row["class"],
                month=row["month"],
                case_count=row["case_count"],
                weight=row["weight_e4"] / SCALE,
                result_fen=row["result_fen"],
            )
            for row in pyramid.class_trends.to_pylist()
        ],
        notes=[*basis_lines(period), run_note(pyramid), NOT_REFUSAL],
        simulated=bool(period.assumed),
    )


def trial_ground(found: HospitalPeriod) -> TrialGround:
    """What a trial starts from, the groups with most cases first."""
    groups = []
    for row in found.stays.groups.to_pylist():
        whole = row[CASE_COUNT] or row[LIST_COUNT]
        if not row["drg"] or not whole:
            continue
        result, listed = row[LIST + "result_fen"], row[LIST_COUNT]
        held = found.stays.protected.get(row["drg"], {})
        groups.append(
            GroupOfTrial(
                drg=row["drg"],
                label=found.period.group_labels.get(row["drg"], ""),
                case_count=whole,
                result_fen=result,
                per_case_fen=result // listed if listed else 0,
                receivers=found.stays.receivers.get(row["drg"], 0),
                protected=f"{sum(held.values())} 例不得触碰" if held else "",
            )
        )
    groups.sort(key=lambda one: (-one.case_count, one.drg))
    return TrialGround(
        name=found.name,
        level=found.level,
        period=found.period.label,
        groups=groups,
        capacities=[
            CapacityShown(label=one.label, unit=one.unit, used=one.used, amount=one.amount, source=one.source)
            for one in found.capacities
        ],
        notes=[*basis_lines(found.period), TRIAL],
    )


def changes_of(found: HospitalPeriod, asked: TrialAsked) -> list[Change]:
    """The changes of a trial. Errors: `portfolio.change` (nothing is changed), `portfolio.count`, `portfolio.group`."""
    changes = [stop(found.stays, drg, count) for drg, count in asked.stops.items() if count != 0]
    changes += [grow(found.stays, drg, count) for drg, count in asked.grows.items() if count != 0]
    if not changes:
        raise TongpinError("portfolio.change", "没有写增减什么", where="stops", hint="至少改动一个病组的例数")
    return changes


def trial(found: HospitalPeriod, asked: TrialAsked) -> tuple[WhatIf, list[str], tuple[Finding, ...]]:
    """What a trial does, where its cases could go, what may not be advised of it."""
    result = tried(found, changes_of(found, asked))
    lines, advice = placed(found, {drg: count for drg, count in asked.stops.items() if count != 0})
    return result, lines, advice.refused


def trial_sheet(found: HospitalPeriod, asked: TrialAsked) -> TrialSheet:
    """A trial as the page shows it."""
    result, lines, refused = trial(found, asked)
    return TrialSheet(
        changes=[one.label for one in result.changes],
        figures=moved_figures(result.figures),
        placed=lines,
        refused=refusals(refused),
        notes=[TRIAL, *found.period.notices],
    )


def frontier_sheet(plan: Plan) -> FrontierSheet:
    """The frontiers as the page shows them."""
    score = plan.today.score
    return FrontierSheet(
        name=plan.hospital.name,
        period=plan.hospital.period.label,
        today_fen=plan.today.result_fen,
        today_cmi=float(plan.today.cmi),
        today_score=None if score is None else score.points,
        points=[
            PointShown(
                is_chosen=row["number"] - 1 == plan.chosen,
                **{key: row[key] for key in PointShown.model_fields if key != "is_chosen"},
            )
            for row in point_rows(plan)
        ],
        chosen=plan.chosen + 1,
        moves=[
            MoveShown(**{key: getattr(one, key) for key in MoveShown.model_fields})
            for one in plan.proposed[plan.chosen].proposals
        ],
        figures=moved_figures(plan.figures),
        refused=refusals(plan.refused),
        notes=[NOT_REFUSAL, *plan.notes, *plan.hospital.period.notices],
    )


def moved_figures(figures: Sequence[Figure]) -> list[FigureMoved]:
    """Figures before and after, in the words of the papers."""
    return [
        FigureMoved(id=one.id, moved=_moved(one), **_told(row))
        for one, row in zip(figures, figure_rows(figures), strict=True)
    ]


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("label", "population", "before", "after", "change", "goal", "anchor", "note")}


def _moved(one: Figure) -> Literal["up", "down", "same", "unknown"]:
    if one.change is None:
        return "unknown"
    return "up" if one.change > 0 else "down" if one.change < 0 else "same"


def refusals(findings: Sequence[Finding]) -> list[RefusedAdvice]:
    """What the filter of advice refused, and why."""
    return [RefusedAdvice(subject=one.path, message=one.message, hint=one.hint) for one in findings]
