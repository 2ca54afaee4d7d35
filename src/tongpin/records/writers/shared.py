"""Shared columns of the writers: texts of times and money, exact splits of fees, code names, files."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import columns
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.formats.tables import rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

NEUTRAL = "-"
"""What stands for a person or a name that is not known."""

EXTRA_TYPES = {
    "psn_no": pa.string(),
    "psn_name": pa.string(),
    "certno": pa.string(),
    "birth_date": pa.date32(),
    "stay_no": pa.int64(),
}
ROWS_AT_ONCE = 20_000
"""Lines of CSV made at a time."""
TO_QUOTE = '[",\r\n]'
TO_QUOTE_BYTES = np.isin(np.arange(256), [ord(sign) for sign in '",\r\n'])
"""What a cell of CSV can only hold in quotes, and as a mask of bytes."""
FEES = ("drug", "consumable", "exam", "service")


@dataclass(frozen=True)
class Names:
    """Chinese names of diagnosis and procedure codes; a code without a name is written with `-`."""

    dx: dict[str, str] = field(default_factory=dict)
    px: dict[str, str] = field(default_factory=dict)


class Sheet:
    """A case table opened for writing: every column as a Python list, absent optional columns as None.

    Besides `CASE_SCHEMA` it takes `psn_no, psn_name, certno, birth_date (date32), stay_no (int)`.
    """

    def __init__(self, cases: pa.Table) -> None:
        self.size = cases.num_rows
        self._cases = cases

    def arrow(self, name: str) -> Any:
        """A column as one Arrow array, all null where the table has none."""
        kind = EXTRA_TYPES.get(name) or CASE_SCHEMA.field(name).type
        if name not in self._cases.column_names:
            return pa.nulls(self.size, kind)
        found = self._cases[name].combine_chunks()
        if isinstance(found, pa.ChunkedArray):
            found = pa.concat_arrays(found.chunks) if found.num_chunks else pa.array([], found.type)
        return found

    def values(self, name: str, missing: Any = None) -> list[Any]:
        """A column as Python values, nulls replaced by `missing`."""
        found = self.arrow(name).to_pylist()
        return found if missing is None else [missing if one is None else one for one in found]

    def texts(self, name: str, missing: str | None = "") -> list[Any]:
        """A column of texts or numbers as texts."""
        return _listed(self.arrow(name).cast(pa.string()), missing)

    def money(self, name: str, missing: str | None = "") -> list[Any]:
        """A column of fen as yuan texts."""
        return _listed(columns.fen_text(self.arrow(name)), missing)

    def times(self, name: str, missing: str | None = "") -> list[Any]:
        """A time or date column as `2025-06-01 08:30:00`."""
        return _listed(pc.strftime(self.arrow(name).cast(pa.timestamp("s")), format="%Y-%m-%d %H:%M:%S"), missing)

    def dates(self, name: str, missing: str | None = "") -> list[Any]:
        """A time or date column as `2025-06-01`."""
        return _listed(pc.strftime(self.arrow(name).cast(pa.timestamp("s")), format="%Y-%m-%d"), missing)

    def fees(self, layout: str) -> dict[str, Any]:
        """Fee code -> fen of every case (int64 arrays): an exact, deterministic split of the four fee columns.

        The first code of a group takes what the whole-number division leaves, so that the sums are exact. Cases
        without procedures get no surgery fee. Unknown fees count as nothing; see `fees_known`.
        """
        operated = np.asarray(pc.greater(pc.list_value_length(self.arrow("px")), 0).fill_null(False))
        split: dict[str, Any] = {}
        for fee in FEES:
            group = [row for row in rows("fields/fee_split.csv") if row["layout"] == layout and row["fee"] == fee]
            whole = np.asarray(self.arrow(f"{fee}_fee_fen").fill_null(0))
            shares = np.array([[int(row["share"]), int(row["share_without_procedure"])] for row in group])
            sums = shares.sum(axis=0)
            for row, (with_px, without_px) in zip(group, shares, strict=True):
                split[row["code"]] = np.where(operated, whole * with_px // sums[0], whole * without_px // sums[1])
            first = group[0]["code"]
            split[first] = split[first] + whole - sum(split[row["code"]] for row in group)
        return split

    def fees_known(self) -> list[bool]:
        """Whether the parts of the total fee are known, case by case."""
        known: list[bool] = pc.is_valid(self.arrow("service_fee_fen")).to_pylist()
        return known


def _listed(texts: Any, missing: str | None) -> list[Any]:
    """Texts as a list with nulls replaced."""
    return (texts if missing is None else texts.fill_null(missing)).to_pylist()  # type: ignore[no-any-return]


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, packed when its name ends in `.gz` (same content, same bytes)."""
    path.write_bytes(gzip.compress(data, 1, mtime=0) if path.suffix == ".gz" else data)


def write_csv(path: Path, made: Mapping[str, Any]) -> None:
    """Columns of texts (lists or Arrow arrays, null = empty) as CSV: comma, UTF-8, quotes only where needed.

    Packed when the name ends in `.gz`.
    """
    header = _quoted(pa.array(list(made), pa.string())).to_pylist()
    texts = [values if isinstance(values, pa.Array) else pa.array(values, pa.string()) for values in made.values()]
    size = len(texts[0]) if texts else 0
    starts = range(0, size, ROWS_AT_ONCE)
    lines = (_lines([column.slice(start, ROWS_AT_ONCE) for column in texts]) for start in starts)
    write_bytes(path, b"".join([",".join(header).encode(), b"\n", *lines]))


def _lines(texts: Sequence[Any]) -> bytes:
    """Rows of cells as lines."""
    cells = [_quoted(pc.fill_null(column, "")) for column in texts]
    *most, last = cells
    ended = pc.binary_join_element_wise(last, pa.scalar(""), "\n")
    lines = pc.binary_join_element_wise(*most, ended, ",") if most else ended
    _, offsets, data = lines.cast(pa.large_string()).buffers()
    bounds = np.frombuffer(offsets, np.int64, count=len(lines) + 1, offset=8 * lines.offset)
    return b"" if data is None else data[int(bounds[0]) : int(bounds[-1])].to_pybytes()


def holds(texts: Any, signs: Any) -> bool:
    """Whether texts hold one of some ASCII signs, marked in a mask of the 256 bytes; sooner known than by a search."""
    _, offsets, data = texts.buffers()
    if data is None or not len(texts):
        return False
    bounds = np.frombuffer(offsets, np.int32, count=len(texts) + 1, offset=4 * texts.offset)
    found = np.frombuffer(data, np.uint8, count=int(bounds[-1] - bounds[0]), offset=int(bounds[0]))
    return bool(signs[found].any())


def _quoted(texts: Any) -> Any:
    """Cells in quotes where they hold a comma, a quote or a line end."""
    if not holds(texts, TO_QUOTE_BYTES):
        return texts
    needed = pc.match_substring_regex(texts, TO_QUOTE)
    doubled = pc.replace_substring(texts, pattern='"', replacement='""')
    return pc.if_else(needed, pc.binary_join_element_wise('"', doubled, '"', ""), texts)
