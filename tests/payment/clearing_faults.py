"""What a child process does that is killed at a boundary; children come from a warm server that never used the lake."""

from __future__ import annotations

import multiprocessing
import os
import signal
from typing import TYPE_CHECKING

from tongpin.payment.year.run import clear_in_home, reverse_in_home
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["clearing_faults"])


def _killing(boundary: str) -> Callable[[str], None]:
    return lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == boundary else None


def clear(root: str, boundary: str) -> None:
    clear_in_home(Home.open(root), 2025, at=_killing(boundary))


def reverse(root: str, boundary: str) -> None:
    reverse_in_home(Home.open(root), 2025, "重算", at=_killing(boundary))


def killed_at(home: Home, boundary: str, act: Callable[[str, str], None]) -> int | None:
    """The exit code of a child that does the act until it passes the boundary."""
    child = SERVER.Process(target=act, args=(str(home.root), boundary))
    child.start()
    child.join()
    return child.exitcode
