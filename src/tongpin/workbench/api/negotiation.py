"""Negotiation 谈判材料: choose groups, see the evidence; the papers are downloaded among the reports."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from tongpin.workbench.analysis.computing import Looked, looked
from tongpin.workbench.analysis.negotiation import GroupToAsk, PackAsked, groups_to_ask, pack_job, pack_sheet
from tongpin.workbench.analysis.whose import needs_money, whole_hospital
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.api.sheets import Sheet
from tongpin.workbench.sign_in.identity import Identity

router = APIRouter(tags=["谈判材料"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("portfolio.read"))]
Code = Annotated[str | None, Query(max_length=64)]


@router.get("/negotiation/groups", summary="本院的病组：例数与结余")
def negotiation_groups(
    month: Annotated[str, Query(max_length=7)], asker: Reader, bench: Bench, hospital: Code = None, area: Code = None
) -> list[GroupToAsk]:
    """The groups of the asker's hospital in a closed month, those that lose most first. Errors: `settle.open`."""
    needs_money(asker)
    code = whole_hospital(asker, hospital, area)
    return groups_to_ask(bench.home, month, code, area or None)


@router.post("/negotiation", summary="谈判材料：证据、请求、基金影响")
def negotiation(body: PackAsked, asker: Reader, bench: Bench) -> Looked[Sheet]:
    """The evidence for groups of the asker's hospital; hospitals of the level under masked names (S910-01).

    Errors: `negotiate.*`, `sign_in.scope`.
    """
    needs_money(asker)
    code = whole_hospital(asker, body.hospital, body.area)
    # The evidence stands beside peers and the effect on the fund is of all: the room masks the peers it lists.
    job = pack_job(bench.home, body, code)
    return looked(bench.home, job, lambda found: pack_sheet(bench.home, found))
