"""Alerts 预警: answered by each desk for itself; the list of them is the table `alerts`, new ones come as events."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS, Done
from tongpin.workbench.cockpit.alerts import DESKS, answer_alert
from tongpin.workbench.cockpit.watch import watching
from tongpin.workbench.live import Event
from tongpin.workbench.sign_in.identity import Identity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The watch runs as long as the app."""
    async with watching(app.state.workbench):
        yield


router = APIRouter(prefix="/alerts", tags=["预警"], responses=REFUSALS, lifespan=_lifespan)


class AlertAnswer(BaseModel):
    """What a desk says to an alert."""

    model_config = ConfigDict(extra="forbid")
    comment: str = Field(min_length=1, max_length=500, pattern=r"\S")


@router.post("/{alert_id}/answer", summary="回复一条预警（本侧一次）")
def answer(
    alert_id: Annotated[int, Path(ge=1, lt=2**31)],
    body: AlertAnswer,
    asker: Annotated[Identity, Depends(needs("alerts.answer"))],
    bench: Bench,
) -> Done:
    """Answer for the desk of the role; the other desk is told. Errors: `alerts.missing`, `alerts.closed`."""
    with bench.engine.begin() as connection:
        row = answer_alert(connection, asker, alert_id, body.comment)
    told = {"id": alert_id, "desk": asker.role.desk, "label": DESKS[asker.role.desk], "place": row["details"]["place"]}
    bench.events.tell(Event("alert_answer", told, row["hospital"], 0, row["department"], row["area"]))
    return Done()
