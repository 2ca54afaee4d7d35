"""Watch 监测: on a timer, the months that closed since the last look are judged by the alert rules, and pages are told.

Every process watches for itself and tells its own listeners of whatever any process raised.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from tongpin.base.errors import TongpinError
from tongpin.payment.month.closed import every_run
from tongpin.store.control import reading
from tongpin.workbench.cockpit.alerts import alerts_after, message_of, newest_alert, raise_alerts
from tongpin.workbench.cockpit.sight import month_of
from tongpin.workbench.live import Event
from tongpin.workbench.sign_in.roles import settings_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tongpin.workbench.api.asking import Workbench
    from tongpin.workbench.live import Events

log = logging.getLogger("tongpin.workbench")
_MINUTE = 60.0


class Watch:
    """What a process has judged and told so far; safe for threads."""

    def __init__(self) -> None:
        self._judged: dict[str, str] = {}
        self._left: dict[str, str] = {}
        self._told: int | None = None
        self._guard = threading.Lock()

    def begin(self, bench: Workbench) -> None:
        """Tell only of what is raised from now on."""
        with self._guard, reading(bench.engine) as connection:
            self._told = newest_alert(connection) if self._told is None else self._told

    def look(self, bench: Workbench) -> None:
        """Judge the newest month of every area, and every month closed since the last look; then tell.

        Older months that were closed before the process began are judged when somebody opens them.
        """
        self.begin(bench)
        runs = every_run(bench.home)
        newest = {max(name for name, one in runs.items() if one["area"] == run["area"]) for run in runs.values()}
        with self._guard:
            known, is_first = self._left | self._judged, not self._left and not self._judged
        for name, run in sorted(runs.items()):
            if known.get(name) == run["result_digest"]:
                continue
            if is_first and name not in newest:
                with self._guard:
                    self._left[name] = run["result_digest"]
                continue
            self.judge(bench, run["area"], run["month"])
        self.tell(bench)

    def judge(self, bench: Workbench, area: str, month: str) -> None:
        """Judge a closed month, unless it was as it is now, and tell. What cannot be judged is said in the log."""
        self.begin(bench)
        run = every_run(bench.home).get(f"{area}/{month}")
        with self._guard:
            if run is None or self._judged.get(f"{area}/{month}") == run["result_digest"]:
                return
        try:
            raise_alerts(bench.engine, month_of(bench.home, area, month))
        except TongpinError as error:
            # A month without front pages, or paid by another method, has nothing to be judged by.
            log.info("alerts of %s/%s: %s", area, month, error)
        with self._guard:
            self._judged[f"{area}/{month}"] = run["result_digest"]
        self.tell(bench)

    def tell(self, bench: Workbench) -> None:
        """Tell the listeners of this process of every alert that it has not told yet."""
        with self._guard, reading(bench.engine) as connection:
            fresh = alerts_after(connection, self._told or 0)
            self._told = max([self._told or 0, *(row["id"] for row in fresh)])
        for row in fresh:
            event = Event("alert", message_of(row), row["hospital"], row["id"], row["department"], row["area"])
            bench.events.tell(event)


_watches: WeakKeyDictionary[Events, Watch] = WeakKeyDictionary()
_guard = threading.Lock()


def watch_of(bench: Workbench) -> Watch:
    """The watch of a workbench."""
    with _guard:
        return _watches.setdefault(bench.events, Watch())


@contextlib.asynccontextmanager
async def watching(bench: Workbench) -> AsyncIterator[None]:
    """Look on a timer (`alerts.every_minutes`) as long as the app runs, in a thread of its own."""
    stopped = asyncio.Event()

    async def run() -> None:
        while not stopped.is_set():
            try:
                await asyncio.to_thread(watch_of(bench).look, bench)
            except Exception:  # the watch outlives a fault of one look
                log.exception("alerts")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), settings_of(bench.home)["alerts.every_minutes"] * _MINUTE)

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        stopped.set()
        await task
