"""Workers 工作进程: hospital-months written one by one in this process, or by processes of their own."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.demo.hospital_month import NATIONAL, PLAIN, Task, Written, write_hospital_month
from tongpin.demo.profile import read_profile
from tongpin.demo.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import ForkServerContext, SpawnContext
    from pathlib import Path

    from tongpin.demo.groups import Groups
    from tongpin.grouping.tables.model import SchemeTables

PRELOADED = {NATIONAL: ["tongpin.demo.workers", "tongpin.grouping.compiled.stage"], PLAIN: ["tongpin.demo.workers"]}
"""What a worker needs by layout: loaded once by the process that the workers come from, most of their start."""


def write_all(setting: Setting, folder: Path, tasks: list[Task], workers: int) -> Iterator[Written]:
    """The tasks done one by one here, or by so many processes (begun in the given order, done in no fixed one)."""
    if workers <= 1:
        yield from (write_hospital_month(setting, folder, task) for task in tasks)
        return
    parts = (setting.scheme, setting.groups, setting.seed)
    with _context(tasks[0].layout).Pool(workers, _start, (setting.profile.profile, *parts, folder)) as pool:
        yield from pool.imap_unordered(_work, tasks)


def _context(layout: str) -> ForkServerContext | SpawnContext:
    """How processes begin: as copies of a clean one where the system can, never of this one, which may have threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED[layout])
    return context


_WORKER: list[tuple[Setting, Path]] = []
"""The setting and the folder that a worker process was started with."""


def _start(profile: str, scheme: SchemeTables, groups: Groups, seed: int, folder: Path) -> None:
    pa.set_cpu_count(1)
    _WORKER.append((Setting(read_profile(profile), scheme, groups, seed), folder))


def _work(task: Task) -> Written:
    return write_hospital_month(*_WORKER[-1], task)
