"""The journal 日志: whether its chain is whole; its entries are the table `journal`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from tongpin.store import journal
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.sign_in.identity import Identity

router = APIRouter(tags=["日志"], responses=REFUSALS)


class Checked(BaseModel):
    """What a walk through the whole chain found: the first entry that is not right, if any, and why."""

    is_whole: bool
    count: int
    first_bad: int | None
    reason: str
    digest: str


@router.post("/journal/check", summary="校验日志的摘要链")
def check_journal(asker: Annotated[Identity, Depends(needs("journal.read"))], bench: Bench) -> Checked:
    """Go through every entry; the check itself is an entry too, made afterwards."""
    found = journal.verify(bench.engine)
    with bench.engine.begin() as connection:
        journal.record(
            connection,
            actor=asker.name,
            act="journal.check",
            subject="journal",
            details={"count": found.count, "whole": found.is_whole},
            acted_as=asker.role.id,
        )
    return Checked(
        is_whole=found.is_whole,
        count=found.count,
        first_bad=found.first_bad,
        reason=found.reason,
        digest=found.digest,
    )
