"""Forecast 年末预测: both desks at the year end under a scenario, and a draft edition on past cases."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from tongpin.base.errors import StoreError
from tongpin.payment.month.closed import area_of, closed_months
from tongpin.payment.policy.library import editions_of
from tongpin.payment.weights.rounds import rounds
from tongpin.workbench.analysis.choices import PlaceChoices, place_choices
from tongpin.workbench.analysis.computing import Looked, looked
from tongpin.workbench.analysis.forecast import (
    DraftAsked,
    DraftSheet,
    ForecastAsked,
    ForecastSheet,
    draft_job,
    draft_sheet,
    forecast_job,
    forecast_sheet,
)
from tongpin.workbench.analysis.whose import needs_money, whole_hospital, whose
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.sign_in.identity import Identity

router = APIRouter(tags=["年末预测"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("forecast.read"))]


class EditionChoice(BaseModel):
    """An edition or round that may be tried, and from when its values hold."""

    id: str
    label: str
    is_draft: bool


class ForecastChoices(BaseModel):
    """The years with a closed month, the editions and rounds, the places."""

    years: list[int]
    editions: list[EditionChoice]
    places: PlaceChoices


@router.get("/forecast/choices", summary="可以预测哪些年、试哪些办法")
def forecast_choices(asker: Reader, bench: Bench, area: str | None = None) -> ForecastChoices:
    """Years, editions, rounds, hospitals of the asker's scope. Errors: `settle.open`."""
    asker.check_area(area)
    found = area_of(bench.home, area or None)
    if found is None:
        raise StoreError("settle.open", "还没有关账的月份，无从预测", hint="先做月结")
    editions = [
        EditionChoice(id=one.id, label=one.edition.label, is_draft=False) for one in editions_of(bench.home, found)
    ]
    drafts = [EditionChoice(id=row["round"], label=row["label"], is_draft=True) for row in rounds(bench.home)]
    return ForecastChoices(
        years=sorted({int(month[:4]) for month in closed_months(bench.home, found)}),
        editions=[*editions, *drafts],
        places=place_choices(bench.home, asker),
    )


@router.post("/forecast", summary="年末两侧：清算结果与国考指标，可带情景")
def forecast(body: ForecastAsked, asker: Reader, bench: Bench) -> Looked[ForecastSheet]:
    """The year end of the asker's hospital, or of the area; intervals with the coverage that was measured.

    Errors: `forecast.*`, `scenario.*`, `guokao.*`, `sign_in.scope`.
    """
    needs_money(asker)
    own = whose(asker, body.hospital, None, body.area)
    if own.is_masked:
        whole_hospital(asker, body.hospital, body.area)
    # The area is cleared as a whole, so that tier budgets hold; a hospital is answered its own places only.
    job = forecast_job(bench.home, body, own.hospital)
    return looked(bench.home, job, lambda found: forecast_sheet(bench.home, found))


@router.post("/forecast/draft", summary="政策回测：草案用在过去的病例上")
def forecast_draft(body: DraftAsked, asker: Reader, bench: Bench) -> Looked[DraftSheet]:
    """What a draft would have paid for past cases, with year-end bands; a hospital sees its own rows.

    Errors: `policy.*`, `weights.months`, `rounds.*`.
    """
    needs_money(asker)
    own = whose(asker, body.hospital, None, body.area)
    if own.is_masked:
        whole_hospital(asker, body.hospital, body.area)
    # Priced over the whole area: shares of a tier budget depend on all; a hospital is answered its own rows only.
    job = draft_job(bench.home, body)
    return looked(bench.home, job, lambda found: draft_sheet(bench.home, found, own.hospital))
