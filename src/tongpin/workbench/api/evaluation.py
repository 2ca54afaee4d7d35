"""Evaluation 绩效评价: the scores of hospitals inside their class, and how each score came about; all simulated."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from tongpin.base.errors import TongpinError
from tongpin.measures.compare import months_of
from tongpin.measures.evaluation.catalogue import METHODS
from tongpin.measures.evaluation.papers import heading_lines, method_lines, ordered, title_of, told
from tongpin.measures.evaluation.run import Evaluation, HospitalScore, evaluate_in_home
from tongpin.measures.papers import places_text
from tongpin.store.home import Home
from tongpin.workbench.analysis.computing import Job, Looked, Tell, looked
from tongpin.workbench.analysis.whose import whole_hospital
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.today import today

router = APIRouter(tags=["绩效评价"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("publication.read"))]
Months = Annotated[str, Query(min_length=7, max_length=16, description="2025-06，或 2025-01..2025-06")]
Area = Annotated[str, Query(min_length=1, max_length=64)]
Method = Annotated[str, Query(max_length=32)]
_MOST_MONTHS = 24


class DimensionShown(BaseModel):
    """A dimension of a hospital with its score; null with a note where it is not assessed."""

    id: str
    label: str
    weight: int
    used: float
    score: float | None
    low: float | None
    high: float | None
    note: str


class HospitalShown(BaseModel):
    """A hospital: class, score with its interval, and the range of places that the interval allows."""

    code: str
    name: str
    level: str
    peers: str
    peers_count: int
    cases: int
    score: float | None
    low: float | None
    high: float | None
    places: str
    dimensions: list[DimensionShown]
    note: str
    lines: list[str]


class EvaluationShown(BaseModel):
    """The evaluation as somebody sees it: the bureau all hospitals, a hospital itself; simulated where assumed."""

    title: str
    months: list[str]
    method: str
    methods: dict[str, str]
    table: str
    source: str
    simulated: bool
    dimensions: dict[str, str]
    hospitals: list[HospitalShown]
    notes: list[str]
    rules: list[str]


@router.get("/evaluation", summary="医疗机构绩效评价（模拟）")
def evaluation(
    months: Months, area: Area, asker: Reader, bench: Bench, method: Method = "", hospital: str = ""
) -> Looked[EvaluationShown]:
    """Scores of the hospitals; with `hospital` that one, told step by step; a hospital sees itself alone.

    Errors: `evaluation.*`, `sign_in.scope`.
    """
    # Counted over the whole home, for a score is a place among peers; a hospital is shown its own row and sums only.
    asker.check_area(area)
    is_region = asker.grant.scope.is_whole
    one = hospital if is_region else whole_hospital(asker, hospital or None, area)
    job = _job(bench.home, _months(months), area, method)
    return looked(bench.home, job, lambda found: _shown(found, one))


def _job(home: Home, months: tuple[str, ...], area: str, method: str) -> Job[Evaluation]:
    day = today(home)

    def work(tell: Tell) -> Evaluation:
        tell("计算各机构的指标与得分")
        return evaluate_in_home(home, months, area, method=method, on=day)

    return Job(("evaluation", months, area, method, day), work)


def _months(text: str) -> tuple[str, ...]:
    try:
        found = months_of(text)
    except ValueError:
        found = ()
    if not 0 < len(found) <= _MOST_MONTHS:
        hint = f"写成 2025-06，或 2025-01..2025-06；最多 {_MOST_MONTHS} 个月"
        raise TongpinError("evaluation.months", f"月份“{text}”不对", where="months", hint=hint)
    return found


def _shown(found: Evaluation, one: str) -> EvaluationShown:
    chosen = [each for each in ordered(found) if one in {"", each.code}]
    if not chosen:
        raise TongpinError("evaluation.missing", "这个期间没有这家机构的数", where=one, hint="换一个期间")
    return EvaluationShown(
        title=title_of(found),
        months=list(found.months),
        method=found.method,
        methods=METHODS,
        table=found.table.label,
        source=found.source,
        simulated=found.table.assumed,
        dimensions={each.id: f"{each.label}（{each.weight}）" for each in found.table.dimensions},
        hospitals=[_hospital(each, told(found, each) if one else []) for each in chosen],
        notes=heading_lines(found),
        rules=method_lines(found),
    )


def _hospital(one: HospitalScore, lines: list[str]) -> HospitalShown:
    return HospitalShown(
        code=one.code,
        name=one.name,
        level=one.level,
        peers=one.peers.label,
        peers_count=len(one.peers.members),
        cases=one.cases,
        score=one.score,
        low=one.low,
        high=one.high,
        places=places_text(one.first, one.last, one.ranked),
        dimensions=[
            DimensionShown(
                id=part.dimension.id,
                label=part.dimension.label,
                weight=part.dimension.weight,
                used=part.used,
                score=part.score,
                low=part.low,
                high=part.high,
                note=part.note,
            )
            for part in one.dimensions
        ],
        note="；".join(text for text in (one.peers.widened if one.peers.members else "", one.note) if text),
        lines=lines,
    )
