"""Tasks 读入任务: the files of a load, found in folders, told by kind, and read by as many processes as there are."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from tongpin.base.errors import RecordsError
from tongpin.records.kinds import detect
from tongpin.records.read import Loaded, read, unread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tongpin.records.assemble import CodeBook

SPREAD_BYTES = 8 << 20
"""Below this size one process reads faster than several start."""
SYSTEM_FILES = frozenset({"Thumbs.db", "desktop.ini"})
SYSTEM_PREFIXES = (".", "~$")
"""Files that systems and office programs leave in folders; nobody means to load them."""


class Task(NamedTuple):
    """A file to read, what findings call it (from the given folder on), and its kind or `unknown`."""

    path: Path
    name: str
    kind: str


def tasks_of(paths: Sequence[Path], kind: str | None = None) -> list[Task]:
    """Every file of the given files and folders once, named from the given folder on, with its kind.

    Raises RecordsError `records.file` (nothing at a path) or `records.empty` (a folder without files).
    """
    return [Task(path, name, kind or _kind(path)) for path, name in _expanded(paths)]


def _expanded(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Every file once, with what findings call it: its path from the given folder on."""
    seen: set[Path] = set()
    for path in paths:
        if path.is_dir():
            folder = path.resolve()
            found = [(file, f"{folder.name}/{file.relative_to(path).as_posix()}") for file in _files_of(path)]
            if not found:
                raise RecordsError(
                    "records.empty", "文件夹里没有文件", where=str(path), hint="检查路径，或去掉这个文件夹"
                )
        elif path.exists():
            found = [(path, path.name)]
        else:
            raise RecordsError("records.file", f"没有文件 {path}", hint="检查路径")
        for file, name in found:
            if (one := file.resolve()) not in seen:
                seen.add(one)
                yield file, name


def _files_of(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file()
        and file.name not in SYSTEM_FILES
        and not any(part.startswith(SYSTEM_PREFIXES) for part in file.relative_to(folder).parts)
    )


def _kind(path: Path) -> str:
    """The kind of a file; what cannot be told is left to `read`, which makes a finding of it."""
    try:
        return detect(path)
    except RecordsError:
        return "unknown"


def read_tasks(
    tasks: Sequence[Task], key: bytes, results: pa.Table, codes: CodeBook | None, scratch: Path
) -> Iterator[tuple[Task, Loaded]]:
    """The tasks in order with what they gave; large loads are spread over processes, which share a file in `scratch`.

    Raises RecordsError `records.worker` when the system ends such a process.
    """
    size = sum(_size(task.path) for task in tasks)
    workers = min(os.cpu_count() or 1, len(tasks))
    if size < SPREAD_BYTES or workers < 2:  # noqa: PLR2004
        for task in tasks:
            yield task, read_task(task, key, results, codes)
        return
    with tempfile.TemporaryDirectory(prefix="loading-", dir=scratch) as folder:
        shared = Path(folder) / "results.arrow"
        with pa.OSFile(str(shared), "wb") as sink, pa.ipc.new_file(sink, results.schema) as writer:
            writer.write_table(results)
        context = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(workers, context, _start_worker, (key, str(shared), codes)) as pool:
                yield from zip(tasks, pool.map(_work, tasks, chunksize=1), strict=True)
        except BrokenProcessPool as error:
            raise RecordsError(
                "records.worker",
                "读文件的进程被系统结束，多半是内存不够",
                hint="分批装载；已装载的部分再装载一次也不会重复",
            ) from error


def _size(path: Path) -> int:
    """The size of a file, 0 when it has gone; reading it makes a finding."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read_task(task: Task, key: bytes, results: pa.Table | None, codes: CodeBook | None) -> Loaded:
    """A file read under its name; one that cannot be opened gives a finding and does not stop the others."""
    kind = None if task.kind == "unknown" else task.kind
    try:
        loaded = read(task.path, kind, key=key, results=results, codes=codes)
    except RecordsError as error:
        if error.code != "records.file":
            raise
        loaded = unread(task.name, task.kind, "REC-C007", error)
    cases = loaded.cases
    if task.name != task.path.name:
        names = pa.array([task.name] * cases.num_rows, pa.string())
        cases = cases.set_column(cases.column_names.index("file"), cases.schema.field("file"), names)
    return replace(loaded, cases=cases, findings=[replace(one, file=task.name) for one in loaded.findings])


_WORKER: dict[str, Any] = {}


def _start_worker(key: bytes, results: str, codes: CodeBook | None) -> None:
    """Give a worker the key, the codes and the settlement results, which it maps instead of copying."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _WORKER["key"] = key
    _WORKER["codes"] = codes
    _WORKER["results"] = pa.ipc.open_file(pa.memory_map(results)).read_all()


def _leave_with_parent() -> None:
    """End this worker when the load was killed; it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(task: Task) -> Loaded:
    return read_task(task, _WORKER["key"], _WORKER["results"], _WORKER["codes"])
