"""Stream 逐块读入: a file of cases piece by piece, each made into what the caller wants by a few threads, in order."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import RecordsError
from tongpin.records.files.archives import Source
from tongpin.records.files.pieces import pieces_of
from tongpin.records.intake.kinds import detect
from tongpin.records.intake.read import CASE_KEY, RULE_OF_ERROR, Loaded, check_kind, read_piece, unread
from tongpin.store.digests import key_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from tongpin.records.case.assemble import CodeBook

Made = TypeVar("Made")
MOST_THREADS = 4
"""More do not help: the pieces are cut by one reader."""


def kind_of(path: Path, kind: str | None) -> str:
    """The kind of a file, as given or as it looks; `unknown` where it cannot be told (its reading says why)."""
    check_kind(kind, path.name)
    try:
        return kind or detect(Source(path, path.name)).kind
    except RecordsError as error:
        if error.code not in RULE_OF_ERROR:
            raise
        return "unknown"


def streamed(
    path: Path,
    kind: str,
    work: Callable[[Loaded], Made],
    *,
    key: bytes,
    columns: Collection[str],
    codes: CodeBook | None = None,
) -> Iterator[Made]:
    """`work` on each piece of a record file (no archive), in the order of the file; memory stays that of some pieces.

    Pieces and errors are those of `read`; of the plain layout only `columns` are read. Records that stand twice are
    for the caller to see (`repeats_among`), since only the whole file shows them.
    """
    threads = min(os.cpu_count() or 1, MOST_THREADS)
    wanted = frozenset(columns) if kind == "plain" else None

    def task(piece: Any) -> Made:
        return work(read_piece(piece, kind, key=key, results=None, codes=codes))

    running: deque[Any] = deque()
    begun = False
    with ThreadPoolExecutor(threads) as pool:
        try:
            for piece in pieces_of(Source(path, path.name), wanted):
                running.append(pool.submit(task, piece))
                begun = True
                if len(running) > threads:
                    yield running.popleft().result()
            failed = None
        except RecordsError as error:
            if error.code not in RULE_OF_ERROR:
                raise
            failed = unread(path.name, kind, error, begun=begun)
        while running:
            yield running.popleft().result()
        if failed is not None:
            yield work(failed)


def repeats_among(parts: Sequence[pa.Table]) -> bool:
    """Whether a record stands twice in the pieces of a file, given the `CASE_KEY` columns of their cases."""
    if not parts:
        return False
    table = pa.concat_tables(parts)
    ids = table["case_id"]
    rising = pc.all(pc.less(ids.slice(0, max(len(ids) - 1, 0)), ids.slice(1))).as_py()
    if rising is not False or pc.count_distinct(ids).as_py() == len(ids):
        return False
    return bool(pc.count_distinct(key_texts(table, CASE_KEY)).as_py() < table.num_rows)
