"""Causes 盈亏原因: the waterfall of a result against its base, what it comes from, causes with cases."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from tongpin.twin.causes.run import Wanted
from tongpin.workbench.analysis.causes import CausesSheet, causes_job, causes_sheet
from tongpin.workbench.analysis.choices import PlaceChoices, place_choices
from tongpin.workbench.analysis.computing import Looked, looked
from tongpin.workbench.analysis.whose import needs_money, whose
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.sign_in.identity import Identity

router = APIRouter(tags=["盈亏原因"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("causes.read"))]
Code = Annotated[str | None, Query(max_length=64)]


@router.get("/causes", summary="盈亏分解：从对照到本期，逐项")
def causes(
    month: Annotated[str, Query(max_length=7)],
    asker: Reader,
    bench: Bench,
    area: Code = None,
    hospital: Code = None,
    dept: Code = None,
    group: Code = None,
    base: Annotated[str | None, Query(pattern="^(year|level|region)?$")] = None,
) -> Looked[CausesSheet]:
    """A closed month of the asker's hospital or department against its base; of the area for who sees all of it.

    Errors: `settle.open`, `causes.*`, `sign_in.scope`.
    """
    needs_money(asker)
    own = whose(asker, hospital, dept, area)
    wanted = Wanted(month, area or None, own.hospital, own.dept, group or None, base or None)
    # The base is what other hospitals did: read from the whole home, told as sums; every case shown is of the scope.
    return looked(bench.home, causes_job(bench.home, wanted), causes_sheet)


@router.get("/causes/places", summary="可以看哪些机构与科室")
def causes_places(asker: Reader, bench: Bench) -> PlaceChoices:
    """The hospitals, departments and months of the asker's scope."""
    return place_choices(bench.home, asker)
