"""Tasks 读入任务: the files of a load, found in folders and archives, told by kind, and read in pieces by processes."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import tempfile
import threading
from collections import Counter, deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import pyarrow as pa

from tongpin.base.errors import RecordsError
from tongpin.records.case.rules import finding
from tongpin.records.files.archives import ZIP_MAGICS, Source, is_archive, members, opened
from tongpin.records.files.pieces import PARQUET_MAGIC, pieces_of
from tongpin.records.intake.kinds import Detected, detect, label_of
from tongpin.records.intake.read import Loaded, unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from tongpin.base.findings import Finding
    from tongpin.records.files.pieces import Piece

SPREAD_BYTES = 32 << 20
"""Below this size one process reads faster than several start."""
BATCH_BYTES = 4 << 20
"""Small files of one kind are read together up to about this size: the lake keeps few files rather than many."""
SYSTEM_FILES = frozenset({"Thumbs.db", "desktop.ini"})
SYSTEM_PREFIXES = (".", "~$", "__MACOSX")
"""Files that systems and office programs leave in folders; nobody means to load them."""
HEAD_BYTES = 8


class Task(NamedTuple):
    """A source to read, its kind or `unknown`, why, a digest of its file, and what telling its kind found."""

    source: Source
    kind: str
    reason: str = ""
    digest: str = ""
    findings: tuple[Finding, ...] = ()


def sources_of(paths: Sequence[Path]) -> list[Source]:
    """Every file of the given files and folders once, named from the given folder on.

    Raises RecordsError `records.file` (nothing at a path) or `records.empty` (a folder without files).
    """
    found = list(_expanded(paths))
    names = Counter(name for _, name in found)
    taken: Counter[str] = Counter()
    sources = []
    for path, plain in found:
        name = plain if names[plain] == 1 else f"{path.resolve().parent.name}/{plain}"
        taken[name] += 1
        sources.append(Source(path, name if taken[name] == 1 else f"{name}（{taken[name]}）"))
    return sources


def _expanded(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Every file once, with what findings call it: its path from the given folder on."""
    seen: set[str] = set()
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
            if (one := os.path.realpath(file)) not in seen:
                seen.add(one)
                yield file, name


def _files_of(folder: Path) -> list[Path]:
    """The files of a folder and its folders, and links that lead to none, so that they are named."""
    found = (file for file in folder.rglob("*") if file.is_file() or (file.is_symlink() and not file.exists()))
    return sorted(file for file in found if not _is_of_system(file.relative_to(folder).parts))


def _is_of_system(parts: Sequence[str]) -> bool:
    return parts[-1] in SYSTEM_FILES or any(part.startswith(SYSTEM_PREFIXES) for part in parts)


def tasks_of(sources: Sequence[Source], kind: str | None, scratch: Path) -> Iterator[Task]:
    """The sources, archives unpacked into their members, with their kinds; `kind` overrules what they look like.

    What must be on disk to be read is unpacked into `scratch` under names of our own.
    """
    for source in sources:
        if not is_archive(source.path):
            yield _task(source, kind)
            continue
        inside, findings = unpacked(source.path, source.name, scratch)
        for one in findings:
            yield Task(Source(source.path, one.file), "unknown", findings=(one,))
        yield from (_task(one, kind, source.path) for one in inside)


def unpacked(path: Path, name: str, scratch: Path) -> tuple[list[Source], list[Finding]]:
    """The members of a zip to read, those that need a file of their own copied into `scratch`, and what is wrong."""
    found, findings = members(path, name)
    sources = []
    for source in found:
        if _is_of_system(source.name.split("/")[1:]):
            continue
        try:
            sources.append(_on_disk(source, scratch))
        except RecordsError as error:
            findings.append(unread(source.name, "unknown", error).findings[0])
    return sources, findings


def _on_disk(source: Source, scratch: Path) -> Source:
    """The source itself, or a copy on disk where it can only be read from there (Parquet, workbooks)."""
    with opened(source) as stream:
        head = stream.read(HEAD_BYTES)
        if not head.startswith((PARQUET_MAGIC, *ZIP_MAGICS)):
            return source
        handle, copy = tempfile.mkstemp(dir=scratch)
        with os.fdopen(handle, "wb") as file:
            file.write(head)
            shutil.copyfileobj(stream, file, 1 << 20)
    return Source(Path(copy), source.name)


def _task(source: Source, kind: str | None, digested: Path | None = None) -> Task:
    """The task of a source; one that cannot be opened or told gives a finding and does not stop the others."""
    try:
        seen = detect(source)
        digest = _digest(digested or source.path)
    except RecordsError as error:
        if error.code == "records.file":
            return Task(source, kind or "unknown", findings=_lost(source.name, error))
        if kind is None:
            return Task(source, "unknown", findings=tuple(unread(source.name, "unknown", error).findings))
        return Task(source, kind, f"由 --kind 指明；{error.message}", _digest(digested or source.path))
    if kind is None or kind == seen.kind:
        return Task(source, seen.kind, seen.reason, digest)
    return Task(
        source, kind, f"由 --kind 指明；看起来是{label_of(seen.kind)}：{seen.reason}", digest, _other(source, seen)
    )


def _other(source: Source, seen: Detected) -> tuple[Finding, ...]:
    return (finding("REC-K002", source.name, 0, "", f"看起来是{label_of(seen.kind)}：{seen.reason}"),)


def _lost(name: str, error: RecordsError) -> tuple[Finding, ...]:
    return tuple(unread(name, "unknown", error, "REC-C007").findings)


def _digest(path: Path) -> str:
    """SHA-256 of a file, empty when it has gone; reading it makes a finding."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


class Shared(NamedTuple):
    """What every reading process holds: the patients' key, settlement results, and what else the work needs."""

    key: bytes
    results: pa.Table | None
    more: Any


class Readers:
    """The processes that read a load, started once and only for what is worth spreading; else this one reads.

    `work(batch, place, shared)` is done for every batch of pieces, of one kind, `place` numbers them. As a context
    it ends the processes. Raises RecordsError `records.worker` when the system ends one of them.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        shared: Shared,
        work: Callable[[Sequence[tuple[Task, Piece | Loaded]], int, Shared], Any],
        scratch: Path,
    ) -> None:
        self._shared, self._work, self._scratch = shared, work, scratch
        self._workers = os.cpu_count() or 1
        self._places = count()
        self._results = ""
        self._pool: ProcessPoolExecutor | None = None
        if self._workers > 1 and sum(_size(task.source) for task in tasks) >= SPREAD_BYTES:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, context, _start_worker, (shared, work))

    def __enter__(self) -> Self:
        """Ready to read."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def share(self, results: pa.Table) -> None:
        """Let all that follows be read with these settlement results, which processes map from one file."""
        if self._pool is None:
            self._shared = self._shared._replace(results=results)
        else:
            self._results = _written(results, self._scratch / "results.arrow")

    def done(self, tasks: Sequence[Task]) -> Iterator[Any]:
        """What the work made of the batches of these tasks, in order; no more are in memory than processes need."""
        batches = zip(_batches(_pieces(tasks)), self._places, strict=False)
        if self._pool is None:
            for batch, place in batches:
                yield self._work(batch, place, self._shared)
            return
        waiting: deque[Future[Any]] = deque()
        try:
            for batch, place in batches:
                waiting.append(self._pool.submit(_work, batch, place, self._results))
                while len(waiting) > self._workers + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise RecordsError(
                "records.worker",
                "读文件的进程被系统结束，多半是内存不够",
                hint="分批装载；这一次什么也没有存下",
            ) from error


def _batches(pieces: Iterable[tuple[Task, Piece | Loaded]]) -> Iterator[list[tuple[Task, Piece | Loaded]]]:
    """Pieces of one kind that follow one another, together as large as is worth a file in the lake."""
    batch: list[tuple[Task, Piece | Loaded]] = []
    size = 0
    for task, piece in pieces:
        if batch and (size >= BATCH_BYTES or batch[0][0].kind != task.kind):
            yield batch
            batch, size = [], 0
        batch.append((task, piece))
        size += _piece_size(piece)
    if batch:
        yield batch


def _piece_size(piece: Piece | Loaded) -> int:
    """About how many bytes a piece holds; a workbook is packed, and as large as a batch."""
    if isinstance(piece, Loaded):
        return 0
    if piece.workbook is not None:
        return BATCH_BYTES
    return len(piece.data) if piece.table is None else int(piece.table.nbytes)


def _pieces(tasks: Sequence[Task]) -> Iterator[tuple[Task, Piece | Loaded]]:
    """The pieces of all tasks; where a file cannot be read on, what there is to say about it."""
    for task in tasks:
        if task.kind == "unknown":
            continue
        begun = False
        try:
            for piece in pieces_of(task.source):
                yield task, piece
                begun = True
        except RecordsError as error:
            name = task.source.name
            lost = error.code == "records.file"
            yield task, unread(name, task.kind, error, "REC-C007" if lost else "", begun=begun)


def _size(source: Source) -> int:
    """The size of a file, 0 when it has gone; members of an archive count as the archive."""
    try:
        return source.path.stat().st_size
    except OSError:
        return 0


def _written(results: pa.Table, file: Path) -> str:
    """The results in a file that processes map instead of copying."""
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, results.schema) as writer:
        writer.write_table(results)
    return str(file)


_WORKER: dict[str, Any] = {}


def _start_worker(shared: Shared, work: Any) -> None:
    """Give a worker what all share."""
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _WORKER.update(shared=shared, work=work, file="")


def _leave_with_parent() -> None:
    """End this worker when the load was killed; it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(batch: Any, place: int, results: str) -> Any:
    if results != _WORKER["file"]:
        table = pa.ipc.open_file(pa.memory_map(results)).read_all()
        _WORKER.update(shared=_WORKER["shared"]._replace(results=table), file=results)
    return _WORKER["work"](batch, place, _WORKER["shared"])
