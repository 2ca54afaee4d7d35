"""Portfolio 病组组合: the pyramid of groups, trials by group, the frontier with its proposals."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from tongpin.workbench.analysis.choices import PlaceChoices, place_choices
from tongpin.workbench.analysis.computing import Looked, looked
from tongpin.workbench.analysis.measure_shapes import span_of
from tongpin.workbench.analysis.portfolio import (
    FrontierSheet,
    Method,
    PyramidSheet,
    TrialAsked,
    TrialGround,
    TrialSheet,
    frontier_sheet,
    hospital_job,
    plan_job,
    pyramid_job,
    pyramid_sheet,
    trial_ground,
    trial_sheet,
)
from tongpin.workbench.analysis.whose import needs_money, whole_hospital, whose
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.sign_in.identity import Identity

router = APIRouter(tags=["病组组合"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("portfolio.read"))]
Months = Annotated[str, Query(max_length=20)]
Code = Annotated[str | None, Query(max_length=64)]

# Where hospitals take each other's cases over, and for peers of the score, the rooms read the whole home; what is
# answered is of the one hospital asked for (checked against the scope), others only as numbers of receivers.


@router.get("/portfolio", summary="病组组合：金字塔、病组、逐月")
def portfolio(
    months: Months, asker: Reader, bench: Bench, hospital: Code = None, area: Code = None
) -> Looked[PyramidSheet]:
    """The classes and groups of closed months of the asker's hospital, or of the area for who sees all of it.

    Errors: `settle.open`, `portfolio.*`, `sign_in.scope`.
    """
    needs_money(asker)
    own = whose(asker, hospital, None, area)
    if own.is_masked:
        whole_hospital(asker, hospital, area)
    job = pyramid_job(bench.home, span_of(months), area or None, own.hospital)
    return looked(bench.home, job, pyramid_sheet)


@router.get("/portfolio/places", summary="可以看哪些机构")
def portfolio_places(asker: Reader, bench: Bench) -> PlaceChoices:
    """The hospitals and months of the asker's scope."""
    return place_choices(bench.home, asker)


@router.get("/portfolio/ground", summary="试算的起点：病组、例数、能力")
def portfolio_ground(
    months: Months, asker: Reader, bench: Bench, hospital: Code = None, area: Code = None, method: Method = "percentile"
) -> Looked[TrialGround]:
    """The groups of a hospital that a trial may change, and its capacities."""
    needs_money(asker)
    code = whole_hospital(asker, hospital, area)
    job = hospital_job(bench.home, span_of(months), area or None, code, method)
    return looked(bench.home, job, trial_ground)


@router.post("/portfolio/trial", summary="试算：某些病组增减若干例，两侧同时变多少")
def portfolio_trial(body: TrialAsked, asker: Reader, bench: Bench) -> Looked[TrialSheet]:
    """Figures of settlement and assessment before and after; nothing is kept.

    Errors: `portfolio.change`, `portfolio.count`, `portfolio.group`, `sign_in.scope`.
    """
    needs_money(asker)
    code = whole_hospital(asker, body.hospital, body.area)
    job = hospital_job(bench.home, span_of(body.months), body.area or None, code, body.method)
    return looked(bench.home, job, lambda found: trial_sheet(found, body))


@router.get("/portfolio/frontier", summary="结余与绩效考核的前沿")
def portfolio_frontier(
    months: Months,
    asker: Reader,
    bench: Bench,
    hospital: Code = None,
    area: Code = None,
    point: Annotated[int | None, Query(ge=1, le=200)] = None,
    method: Method = "percentile",
) -> Looked[FrontierSheet]:
    """The points of the frontier, and of one the proposals that passed the filter of advice."""
    needs_money(asker)
    code = whole_hospital(asker, hospital, area)
    job = plan_job(bench.home, span_of(months), area or None, code, point, method)
    return looked(bench.home, job, frontier_sheet)
