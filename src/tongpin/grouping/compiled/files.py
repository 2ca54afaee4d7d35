"""Files 病例文件: Parquet in the lake's layout straight to groups, reading only what the scheme looks at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from tongpin.base.errors import TongpinError, os_words
from tongpin.grouping.compiled.stage import RESULT_COLUMNS, group

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from tongpin.grouping.compiled.compiler import CompiledScheme


ROWS = 1 << 17
"""Cases read at a time."""


def columns_read(scheme: CompiledScheme) -> tuple[str, ...]:
    """The columns that grouping by this scheme looks at; counts of codes are no columns."""
    counted = {"dx_count", "px_count"}
    numbers = (name for name in scheme.number_fields if name not in counted)
    return tuple(dict.fromkeys([*numbers, *scheme.text_fields, "code_map", "dx", "px"]))


def group_files(
    paths: Iterable[Path], scheme: CompiledScheme, *, keep: Sequence[str] = (), threads: int = 1
) -> Iterator[pa.Table]:
    """The columns `keep` and `status, mdc, adrg, drg` of the cases of Parquet files, some rows at a time, in order.

    Code lists and texts are read as the dictionaries they are kept as. With more than one thread the next rows are
    read while these are grouped. Memory is that of a few times `ROWS` cases.
    Raises `TongpinError`: `group.file` (a file that cannot be read, or lacks a column of `keep`), and those of `group`.
    """
    wanted = (*keep, *columns_read(scheme))
    # As dictionaries texts are neither copied nor compared case by case.
    encoded = [*scheme.text_fields, *(f"{name}.list.element" for name in ("dx", "px"))]
    parts: Iterator[pa.Table] = (part for path in paths for part in _read(path, wanted, keep, encoded, threads))
    if threads > 1:
        parts = _ahead(parts)
    for cases in parts:
        yield group(cases, scheme, threads=max(1, threads - 1)).select([*keep, *RESULT_COLUMNS])


def _read(
    path: Path, wanted: Sequence[str], keep: Sequence[str], encoded: Sequence[str], threads: int
) -> Iterator[pa.Table]:
    try:
        metadata = pq.read_metadata(path)
        leaves = {metadata.schema.column(number).path for number in range(metadata.num_columns)}
        held = [name for name in encoded if name in leaves]
        file = pq.ParquetFile(path, metadata=metadata, read_dictionary=held)
        names = set(file.schema_arrow.names)
        absent = [name for name in keep if name not in names]
        if absent:
            raise TongpinError(
                "group.file", f"缺少列 {'、'.join(absent)}", where=str(path), hint="核对 keep 与文件的列名"
            )
        chosen = [name for name in dict.fromkeys(wanted) if name in names]
        for number in range(file.num_row_groups):
            # Never across row groups: Arrow cannot join lists of codes that have dictionaries of their own.
            for batch in file.iter_batches(ROWS, row_groups=[number], columns=chosen, use_threads=threads > 1):
                yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError) as error:
        why = os_words(error) if isinstance(error, OSError) and error.errno else "不是完整的 Parquet 文件"
        raise TongpinError("group.file", f"文件读不出：{why}", where=str(path), hint="检查路径，或重新导出") from error


def _ahead(parts: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The parts, the next of them read by a thread of its own."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, parts, None)
        while (part := coming.result()) is not None:
            coming = reader.submit(next, parts, None)
            yield part
