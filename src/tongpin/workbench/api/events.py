"""Live events 实时事件: alerts pushed to signed-in pages as server-sent events, each to the desks it concerns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from tongpin.workbench.api.asking import is_still, needs, workbench_of
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.live import Event
from tongpin.workbench.sign_in.identity import Identity

router = APIRouter(tags=["实时"], responses=REFUSALS)
_WAIT_SECONDS = 15.0


@router.get(
    "/events",
    summary="实时预警（server-sent events）",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def events(
    request: Request, asker: Annotated[Identity, Depends(needs("cockpit.read"))], once: bool = False
) -> StreamingResponse:
    """Alerts as they are raised, of the asker's scope; a comment every quarter of a minute keeps the line open.

    The stream ends with the session, and when the role changes.
    `once` ends the stream after its first word: whether the line is open at all.
    """
    bench = workbench_of(request)
    scope = asker.grant.scope

    async def stream() -> AsyncIterator[str]:
        one = bench.events.listen()
        try:
            yield "retry: 5000\n: open\n\n"
            while not once and not await request.is_disconnected():
                try:
                    event: Event | None = await asyncio.wait_for(one[1].get(), _WAIT_SECONDS)
                except TimeoutError:
                    yield ": here\n\n"
                    event = None
                if not await run_in_threadpool(is_still, request, asker):
                    return
                if event is not None and event.concerns(scope, asker.grant.area):
                    data = json.dumps(event.data, ensure_ascii=False)
                    yield f"id: {event.number}\nevent: {event.kind}\ndata: {data}\n\n"
        finally:
            bench.events.leave(one)

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
