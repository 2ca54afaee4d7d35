"""What a process does that is killed 被杀的进程: it clears or settles, and says through a pipe what it is about to do.

Children are forked from one warm server that never used the lake: a fork of its threads would hang.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import TYPE_CHECKING, Any

from tongpin.payment.month.run import settle_in_home
from tongpin.payment.year.run import clear_in_home
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tongpin.bench.fault_children"])

START, END = "start", "end"
WRITING, WRITTEN = "writing", "written"
_INSIDE: list[str] = []
"""The tables that are being written: a replacement of nothing is an appending."""


def clear(home: Home, year: str) -> str:
    """Clear a year; the digest of the result."""
    return clear_in_home(home, int(year)).clearing.digest


def settle(home: Home, month: str) -> str:
    """Settle a month; the digest of the result."""
    return settle_in_home(home, month).settlement.digest


ACTS: dict[str, Callable[[Home, str], str]] = {"clear": clear, "settle": settle}


def run(act: str, root: str, period: str, boundary: str | None, pipe: Connection) -> None:
    """Do the act, telling every boundary; at the wanted one the process kills itself."""

    def tell(mark: str) -> None:
        pipe.send(mark)
        if mark == boundary:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("append", "replace"):
        setattr(lake, name, _telling(getattr(lake, name), tell))
    tell(START)
    ACTS[act](Home.open(root), period)
    tell(END)


def _telling(write: Callable[..., Any], tell: Callable[[str], None]) -> Callable[..., Any]:
    """A commit of the lake that is told of before and after, but not from inside another."""

    def told(home: Home, name: str, *others: Any) -> None:
        outermost = not _INSIDE
        _INSIDE.append(name)
        if outermost:
            tell(f"{WRITING} {name}")
        write(home, name, *others)
        if outermost:
            tell(f"{WRITTEN} {name}")
        _INSIDE.pop()

    return told
