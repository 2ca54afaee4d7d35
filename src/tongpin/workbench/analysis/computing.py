"""Computing 计算: what takes long runs once in a thread and tells how far it is; the second look finds it done."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar, cast

from pydantic import BaseModel

from tongpin.workbench.listings.views import state_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.store.home import Home

MOST_KEPT = 48
"""So many results are kept at a time; the longest unused go first."""
AT_A_TIME = 2
"""So many computations run beside each other in one process; the others wait."""
PATIENCE_SECONDS = 1.2
"""How long a request waits for a result before it answers how far it is."""
NOT_COUNTED = frozenset({"guokao_events"})
"""Tables of the lake from which no figure is computed: an act of filing makes nobody wait."""
T = TypeVar("T")
S = TypeVar("S")


class Tell(Protocol):
    """Called by a computation now and then: what it is at, how many of how many (0: unknown)."""

    def __call__(self, words: str, done: int = 0, total: int = 0) -> None:
        """Note how far it is."""


class Running(BaseModel):
    """A computation under way: what it is at, how many of how many parts (0: unknown), for how many seconds."""

    words: str
    done: int
    total: int
    seconds: float


class Looked(BaseModel, Generic[T]):
    """A result, or how far its computation is: ask again with the same request until `result` is there."""

    running: Running | None = None
    result: T | None = None


class Job(NamedTuple, Generic[T]):
    """What is to be computed: `asked` names all that the result depends on besides the home, `work` computes it."""

    asked: Hashable
    work: Callable[[Tell], T]


class Look(NamedTuple, Generic[T]):
    """A look at a job: `found` is its result once `running` is None."""

    running: Running | None
    found: T | None


@dataclass
class _Task:
    """A computation: begun when, at what, and its result to come."""

    began: float
    future: Future[Any] = field(default_factory=Future)
    words: str = "排队等待"
    done: int = 0
    total: int = 0

    def tell(self, words: str, done: int = 0, total: int = 0) -> None:
        self.words, self.done, self.total = words, done, total

    @property
    def running(self) -> Running:
        return Running(
            words=self.words, done=self.done, total=self.total, seconds=round(time.monotonic() - self.began, 1)
        )


class Computing:
    """The computations of this process by home, its state and what was asked; safe for threads."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[Any, _Task] = OrderedDict()
        self._guard = threading.Lock()
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="computing")

    def look(self, home: Home, job: Job[T], *, patience: float = PATIENCE_SECONDS) -> Look[T]:
        """The result of a job, or how far it is; it is begun where nobody has begun it.

        What the work raises is raised here, and forgotten: the next look begins anew.
        """
        key, task = self._task(home, job)
        try:
            return Look(None, task.future.result(timeout=patience))
        except NotYetError:
            if not task.future.done():
                return Look(task.running, None)
            self._forget(key, task)
            raise
        except BaseException:
            self._forget(key, task)
            raise

    def get(self, home: Home, job: Job[T]) -> T:
        """The result, waited for; not within another job, which might wait for its own thread."""
        key, task = self._task(home, job)
        try:
            found: T = task.future.result()
        except BaseException:
            self._forget(key, task)
            raise
        return found

    def _task(self, home: Home, job: Job[T]) -> tuple[Any, _Task]:
        key = (str(home.root), home.scope, job.asked, state_of_home(home))
        with self._guard:
            task = self._tasks.get(key)
            if task is not None:
                self._tasks.move_to_end(key)
                return key, task
            self._drop_stale(key)
            task = self._tasks[key] = _Task(time.monotonic())
        self._threads.submit(_run, task, job.work)
        return key, task

    def _drop_stale(self, key: Any) -> None:
        """Let go of the same asked of an older state, and of what was not looked at for longest."""
        for other in [one for one in self._tasks if one[:3] == key[:3] and self._tasks[one].future.done()]:
            del self._tasks[other]
        while len(self._tasks) >= MOST_KEPT:
            done = next((one for one, task in self._tasks.items() if task.future.done()), None)
            if done is None:
                return
            del self._tasks[done]

    def _forget(self, key: Any, task: _Task) -> None:
        with self._guard:
            if self._tasks.get(key) is task:
                del self._tasks[key]


def _run(task: _Task, work: Callable[[Tell], Any]) -> None:
    task.tell("正在计算")
    try:
        found = work(task.tell)
    except BaseException as error:  # noqa: BLE001  # whoever looks gets it, whatever it is
        task.future.set_exception(error)
    else:
        task.future.set_result(found)


shared = Computing()
"""The computations of this process."""


def looked(home: Home, job: Job[T], show: Callable[[T], S]) -> Looked[S]:
    """A look at a job as an answer; `show` makes the answer of its result."""
    look: Look[T] = shared.look(home, job)
    if look.running is not None:
        return Looked(running=look.running)
    return Looked(result=show(cast("T", look.found)))


def state_of_home(home: Home) -> tuple[Any, ...]:
    """What changes whenever a table, an edition or a measure of the home does."""
    tables = tuple(one for one in state_of(home) if one[0] not in NOT_COUNTED)
    return tables, tuple(_newest(folder) for folder in (home.policies, home.schemes, home.root / "measures"))


def _newest(folder: Path) -> tuple[int, int]:
    """How many files a folder holds, and when the newest was written."""
    times = [one.stat().st_mtime_ns for one in _files(folder)]
    return len(times), max(times, default=0)


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(Path(entry.path))
            else:
                yield entry
