"""CSV rows 分行: where the rows of a separated text end, and which of them a quote that nobody closed has torn."""

from __future__ import annotations

import csv
import io
import re
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from tongpin.base.errors import RecordsError

NEWLINE, QUOTE, RETURN = 10, 34, 13
SEPARATORS = ",\t;|"
ENOUGH_CELLS = 4
"""A text of several lines may by chance hold a line with as many separators as a row, but hardly one of so many."""
_BLANK_LINES = re.compile(rb"(?:[ \t]*\r?\n)+")


class Rows(NamedTuple):
    """The rows of a text: where each starts and ends (its line end included), which are empty lines, which are torn."""

    starts: Any
    ends: Any
    empty: Any
    torn: Any

    @property
    def size(self) -> int:
        """How many of them are records."""
        return int((~self.empty).sum())


def header(data: bytes) -> tuple[list[str], str]:
    """The header cells of a text table and its separator (comma, tab, semicolon or bar)."""
    first = first_line(data).decode().rstrip("\r\n")
    separator = max(SEPARATORS, key=first.count)
    try:
        return next(csv.reader(io.StringIO(first), delimiter=separator), []), separator
    except csv.Error as error:
        raise RecordsError("records.csv", "表头读不出", hint="请重新导出为 CSV") from error


def first_line(data: bytes) -> bytes:
    """The first line with its line end."""
    end = data.find(b"\n")
    return data if end < 0 else data[: end + 1]


def with_line_ends(data: bytes) -> bytes:
    """The data with line feeds where it has carriage returns alone, and without blank lines at its beginning."""
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    blank = _BLANK_LINES.match(data)
    return data[blank.end() :] if blank else data


def rows_of(data: bytes, separator: str, width: int, *, last: bool = True) -> Rows:
    """The rows of a text without its header line, which has `width` cells; the rest without `last` may be cut off.

    A quote opens at the beginning of a cell only, and what it holds may have several lines. A row is torn, and ends
    with its line, where a quote is never closed, or where it is closed lines below although the lines between are rows
    by themselves: then the other quote is that of another record. Without `last` rows that more text could end in
    another way are left out.
    """
    flat = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(flat == NEWLINE) + 1
    if last and len(data) and (not len(ends) or ends[-1] < len(data)):
        ends = np.append(ends, len(data))
    torn = np.zeros(0, np.int64)
    if QUOTE in data and not _opens_and_closes_in_lines(flat, ends, separator):
        spans, lines, undecided = _spans(data, separator, width, last=last)
        places = np.searchsorted(spans[:, 0], ends) - 1
        within = (places >= 0) & (ends < spans[places, 1]) if len(spans) else np.zeros(len(ends), bool)
        ends = ends[~within & (ends <= undecided)]
        torn = np.array(lines, np.int64)
    starts = np.append(0, ends[:-1]) if len(ends) else ends
    bare = ends - (flat[ends - 1] == NEWLINE)
    empty = (bare == starts) | ((bare == starts + 1) & (flat[starts] == RETURN))
    return Rows(starts, ends, empty, np.isin(np.arange(len(ends)), np.searchsorted(ends, torn, side="right")))


def _opens_and_closes_in_lines(flat: Any, ends: Any, separator: str) -> bool:
    """Whether every line closes the quotes that it opens, and opens them at the beginning of cells only."""
    quotes = np.flatnonzero(flat == QUOTE)
    if (np.searchsorted(quotes, ends) % 2).any() or len(quotes) % 2:
        return False
    opening = quotes[::2]
    before = np.where(opening > 0, flat[opening - 1], NEWLINE)
    return bool(np.isin(before, (ord(separator), NEWLINE, RETURN, QUOTE)).all())


@cache
def _quoted(separator: str) -> re.Pattern[bytes]:
    """A quoted cell, from its quote on: what it holds, and its closing quote where there is one."""
    return re.compile(rb'(?<![^\r\n%b])"([^"]*+(?:""[^"]*+)*+)("?)' % re.escape(separator.encode()))


def _spans(data: bytes, separator: str, width: int, *, last: bool) -> tuple[Any, list[int], int]:
    """The stretches within quotes of several lines, where torn rows start, and up to where that is certain."""
    sign = separator.encode()
    spans: list[tuple[int, int]] = []
    torn: list[int] = []
    found = _quoted(separator).search(data)
    while found is not None:
        resume = found.end()
        closed = bool(found[2])
        if not closed or b"\n" in found[1]:
            line = data.rfind(b"\n", 0, found.start()) + 1
            if not last and data.find(b"\n", resume) < 0:
                return _pairs(spans), torn, line
            if not closed or _is_torn(data, line, found.end(), sign, width):
                torn.append(line)
                end = data.find(b"\n", found.start())
                resume = len(data) if end < 0 else end + 1
            else:
                spans.append((found.start(), found.end()))
        found = _quoted(separator).search(data, resume)
    return _pairs(spans), torn, len(data)


def _pairs(spans: list[tuple[int, int]]) -> Any:
    return np.array(spans, np.int64).reshape(-1, 2)


def _is_torn(data: bytes, line: int, closed: int, sign: bytes, width: int) -> bool:
    """Whether a quote that stands in one line and is closed in another belongs to two records."""
    stray = data[closed : closed + 1] not in {b"", b"\r", b"\n", sign}
    if width < ENOUGH_CELLS:
        return stray
    end = data.find(b"\n", closed)
    first, *others = data[line : len(data) if end < 0 else end].split(b"\n")
    cells = [one.count(sign) + 1 for one in others]
    return first.count(sign) + 1 >= width and any(one == width or (stray and one > width) for one in cells)
