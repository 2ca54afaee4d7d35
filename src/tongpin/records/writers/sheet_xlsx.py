"""Sheets of texts as xlsx: every cell a text, so that codes, long numbers and leading zeros stay as they are."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import xlsxwriter

from tongpin.base.errors import RecordsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384
LONGEST_CELL = 32_767
"""What a sheet can hold."""
ROWS_AT_ONCE = 2_000
FIXED_DATE = dt.datetime(2000, 1, 1)  # noqa: DTZ001  # a property of the file, the same for the same content


def write_sheet(path: Path, made: Mapping[str, Any]) -> None:
    """Columns of texts (Arrow arrays without null) as the only sheet of a workbook, streamed.

    Errors: `RecordsError("records.xlsx")` where a sheet cannot hold them; nothing is written then.
    """
    arrays = list(made.values())
    size = len(arrays[0]) if arrays else 0
    longest = max((pc.max(pc.utf8_length(one)).as_py() or 0 for one in arrays), default=0)
    if size >= MOST_ROWS or len(arrays) > MOST_COLUMNS or longest > LONGEST_CELL:
        said = f"一张工作表放不下：{size} 行、{len(arrays)} 列，最长的单元格 {longest} 个字"
        raise RecordsError("records.xlsx", said, where=path.name, hint="请写成 CSV，或分成几个文件")
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    book.set_properties({"created": FIXED_DATE})
    sheet = book.add_worksheet()
    for place, header in enumerate(made):
        sheet.write_string(0, place, header)
    for start in range(0, size, ROWS_AT_ONCE):
        rows = zip(*(one.slice(start, ROWS_AT_ONCE).to_pylist() for one in arrays), strict=True)
        for number, cells in enumerate(rows, start=start + 1):
            for place, text in enumerate(cells):
                sheet.write_string(number, place, text)
    book.close()
