"""Live 实时: who listens to this process, and what is told to them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tongpin.store.scope import Scope

_MOST_WAITING = 100


class Event(NamedTuple):
    """Something that happened: its kind, what it says, the hospital it concerns (None: the region), or a part of it."""

    kind: str
    data: dict[str, Any]
    hospital: str | None = None
    number: int = 0
    department: str | None = None
    area: str | None = None

    def concerns(self, scope: Scope, area: str | None) -> bool:
        """Whether who has this scope and area is told: who sees the hospital whole, or the department it is about."""
        if area is not None and self.area not in {None, area}:
            return False
        if self.hospital is None or scope.sees_hospital(self.hospital):
            return True
        if scope.cases is not None or scope.doctors is not None or scope.departments is None:
            return False
        in_hospital = scope.hospitals is None or self.hospital in scope.hospitals
        return in_hospital and self.department in scope.departments


class Events:
    """Those who listen, and what is told to them; one a process."""

    def __init__(self) -> None:
        self._listening: set[tuple[asyncio.AbstractEventLoop, asyncio.Queue[Event]]] = set()

    def tell(self, event: Event) -> None:
        """Tell everybody who listens; from any thread. A listener too slow misses it and reads the list of alerts."""
        for loop, queue in tuple(self._listening):
            loop.call_soon_threadsafe(_put, queue, event)

    def listen(self) -> tuple[asyncio.AbstractEventLoop, asyncio.Queue[Event]]:
        """A new listener of this loop."""
        one = (asyncio.get_running_loop(), asyncio.Queue[Event](_MOST_WAITING))
        self._listening.add(one)
        return one

    def leave(self, one: tuple[asyncio.AbstractEventLoop, asyncio.Queue[Event]]) -> None:
        """A listener goes."""
        self._listening.discard(one)


def _put(queue: asyncio.Queue[Event], event: Event) -> None:
    if not queue.full():
        queue.put_nowait(event)
