"""Xlsx 表格: sheets that open formatted and print on A4."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import xlsxwriter

from tongpin.base.money import FEN_PER_YUAN, SCALE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Kind = Literal["text", "count", "yuan", "wan", "ratio", "pp", "weight", "index", "days", "number"]
"""What a column holds: `yuan` and `wan` come in fen, `weight` in ten-thousandths when it is an integer, `ratio` 0–1,
`pp` a difference of ratios shown in 百分点."""

_FORMATS: dict[str, str] = {
    "text": "@",
    "count": "#,##0",
    "yuan": "#,##0.00",
    "wan": "#,##0.00",
    "ratio": "0.00%",
    "pp": "+0.00;-0.00;0.00",
    "weight": "#,##0.0000",
    "index": "0.000",
    "days": "0.00",
    "number": "#,##0.00",
}
_DECIMALS: dict[str, int] = {"count": 0, "index": 3, "weight": 4}
"""Digits after the point where they are not two."""

FONT = "Microsoft YaHei"
_INK, _HEAD, _RULE, _BAND, _NOTE = "#1F2A37", "#E8EDF3", "#B8C2CE", "#F4F6F9", "#5B6776"
_WIDE = 0x2E80
"""From here on a character takes two columns of width."""
_PAPER_WIDTH = 145.0
"""Columns of width that A4 landscape holds at full size."""
_LEAST_SCALE = 0.7
"""Print is not scaled below this (7 points): a wider sheet goes over several pages, the frozen columns repeated."""
_LINE_HEIGHT = 14.0


@dataclass(frozen=True)
class Column:
    """A column of a sheet: key in the rows, title, kind, and the band heading that it stands under.

    `kind_key` names the key of a row that holds the row's own kind, where rows differ; a text column with a `width`
    of its own wraps.
    """

    name: str
    title: str
    kind: Kind = "text"
    band: str = ""
    width: float | None = None
    kind_key: str = ""


@dataclass(frozen=True)
class Sheet:
    """A sheet: title line, note lines (口径), columns and rows; `totals` come last, `closing` below them.

    Without rows the sheet says so in the words of `empty`.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]]
    notes: Sequence[str] = ()
    totals: Sequence[Mapping[str, Any]] = ()
    closing: Sequence[str] = ()
    freeze_columns: int = 0
    empty: str = "本月没有"


def text_width(text: str) -> int:
    """The width of a text in columns, a Chinese character counting two."""
    return len(text) if text.isascii() else sum(2 if ord(character) >= _WIDE else 1 for character in text)


def cell_value(value: Any, kind: Kind) -> Any:
    """A value as the number a spreadsheet user expects: yuan, 万元, weight with decimals, percentage points."""
    if value is None or kind == "text":
        return value
    match kind:
        case "yuan":
            return value / FEN_PER_YUAN
        case "wan":
            return value / (FEN_PER_YUAN * SCALE)
        case "weight":
            return value / SCALE if isinstance(value, int) else value
        case "pp":
            return value * 100
        case _:
            return value


def write_workbook(sheets: Sequence[Sheet], path: Path, *, title: str, subject: str = "") -> None:
    """The sheets as one workbook at `path`, set up for A4 landscape, fitted to the width, with page numbers."""
    book = xlsxwriter.Workbook(str(path), {"in_memory": True})
    book.set_properties({"title": title, "subject": subject})
    styles = _Styles(book)
    for sheet in sheets:
        _write_sheet(book.add_worksheet(sheet.name), sheet, styles)
    book.close()


class _Styles:
    """Cell formats, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._cells: dict[tuple[Kind, bool, bool], Any] = {}

    def get(self, **options: Any) -> Any:
        key = tuple(sorted(options.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(
                {"font_name": FONT, "font_size": 10, "font_color": _INK, "valign": "vcenter"} | options,
            )
        return self._made[key]

    def head(self) -> Any:
        return self.get(bold=True, bg_color=_HEAD, align="center", text_wrap=True, border=1, border_color=_RULE)

    def cell(self, kind: Kind, *, total: bool = False, wrap: bool = False) -> Any:
        key = (kind, total, wrap)
        if key not in self._cells:
            self._cells[key] = self._cell(kind, total=total, wrap=wrap)
        return self._cells[key]

    def _cell(self, kind: Kind, *, total: bool, wrap: bool) -> Any:
        options: dict[str, Any] = {"num_format": _FORMATS[kind], "bottom": 1, "bottom_color": "#E1E6EC"}
        options |= {"align": "left", "indent": 1} if kind == "text" else {"align": "right"}
        if wrap:
            options["text_wrap"] = True
        if total:
            options |= {"bold": True, "bg_color": _BAND, "top": 1, "top_color": _RULE}
        return self.get(**options)


def _write_sheet(page: Any, sheet: Sheet, styles: _Styles) -> None:
    last = len(sheet.columns) - 1
    widths = [column.width or _fitting_width(column, sheet) for column in sheet.columns]
    pages_wide = _pages_wide(widths, sheet.freeze_columns)
    page.hide_gridlines(2)
    page.set_row(0, 28)
    page.write_string(0, 0, sheet.title, styles.get(bold=True, font_size=15))
    row = 1
    for note in sheet.notes:
        _write_note(page, row, note, widths, styles)
        row += 1
    heads = row
    first = row = _write_heads(page, sheet.columns, widths, row, styles)
    for record in sheet.rows:
        _write_row(page, row, sheet.columns, widths, record, styles)
        row += 1
    if not sheet.rows:
        page.write_string(row, 0, sheet.empty, styles.get(font_color=_NOTE))
        row += 1
    if len(sheet.rows) > 1:
        page.autofilter(first - 1, 0, row - 1, last)
    for record in sheet.totals:
        _write_row(page, row, sheet.columns, widths, record, styles, total=True)
        row += 1
    row += 1
    for line in sheet.closing:
        page.set_row(row, 20)
        page.write_string(row, 0, line, styles.get())
        row += 1
    for number, width in enumerate(widths):
        page.set_column(number, number, width)
    page.freeze_panes(first, sheet.freeze_columns)
    page.set_landscape()
    page.set_paper(9)
    page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    page.fit_to_pages(pages_wide, 0)
    page.repeat_rows(heads, first - 1)
    if pages_wide > 1 and sheet.freeze_columns:
        page.repeat_columns(0, sheet.freeze_columns - 1)
    page.center_horizontally()
    # The font code stands after the size, so that a title that begins with digits is not read as part of it.
    page.set_footer(f'&L&9&"-,Regular"{sheet.title.replace("&", "&&")}&R&9第 &P 页，共 &N 页')


def _pages_wide(widths: Sequence[float], repeated: int) -> int:
    """How many pages side by side keep the print readable, the first `repeated` columns standing on each."""
    room = _PAPER_WIDTH / _LEAST_SCALE
    if sum(widths) <= room:
        return 1
    again = sum(widths[:repeated])
    return math.ceil((sum(widths) - again) / (room - again))


def _write_note(page: Any, row: int, note: str, widths: Sequence[float], styles: _Styles) -> None:
    """A note runs over the cells to its right; one too long for the paper wraps across the columns of a page."""
    style = styles.get(font_size=9, font_color=_NOTE, text_wrap=True)
    reach = 0
    while reach < len(widths) and sum(widths[: reach + 1]) <= _PAPER_WIDTH / _LEAST_SCALE:
        reach += 1
    lines = _lines(note, sum(widths[:reach]))
    if lines == 1 or reach < 2:  # noqa: PLR2004 - one cell cannot be merged
        page.write_string(row, 0, note, styles.get(font_size=9, font_color=_NOTE))
        return
    page.merge_range(row, 0, row, reach - 1, "", style)
    page.write_string(row, 0, note, style)
    page.set_row(row, _LINE_HEIGHT * lines + 2)


def _lines(text: str, width: float) -> int:
    """How many lines a text takes in a cell of this width."""
    return sum(max(1, math.ceil(text_width(line) / max(width - 2, 1))) for line in text.split("\n"))


def _write_heads(page: Any, columns: Sequence[Column], widths: Sequence[float], row: int, styles: _Styles) -> int:
    """The band row, where any column has a band, and the title row; the first row below them."""
    if any(column.band for column in columns):
        start = 0
        while start < len(columns):
            end = start
            while end + 1 < len(columns) and columns[end + 1].band == columns[start].band:
                end += 1
            if end > start:
                page.merge_range(row, start, row, end, columns[start].band, styles.head())
            else:
                page.write_string(row, start, columns[start].band, styles.head())
            start = end + 1
        row += 1
    for number, column in enumerate(columns):
        page.write_string(row, number, column.title, styles.head())
    lines = max(_lines(column.title, width) for column, width in zip(columns, widths, strict=True))
    page.set_row(row, _LINE_HEIGHT * max(lines, 2) + 4)
    return row + 1


def _write_row(
    page: Any,
    row: int,
    columns: Sequence[Column],
    widths: Sequence[float],
    record: Mapping[str, Any],
    styles: _Styles,
    *,
    total: bool = False,
) -> None:
    lines = 1
    for number, column in enumerate(columns):
        kind = record.get(column.kind_key) or column.kind
        wrap = kind == "text" and column.width is not None
        style = styles.cell(kind, total=total, wrap=wrap)
        value = record.get(column.name)
        if not isinstance(value, str):
            value = cell_value(value, kind)
        if value is None:
            page.write_blank(row, number, None, style)
        elif isinstance(value, str):
            page.write_string(row, number, value, style)
            lines = max(lines, _lines(value, widths[number]) if wrap else 1)
        else:
            page.write_number(row, number, value, style)
    if lines > 1:
        page.set_row(row, _LINE_HEIGHT * lines + 4)


def _fitting_width(column: Column, sheet: Sheet) -> float:
    """Wide enough for the contents, and for a title over three lines, or whose own lines are kept where short."""
    parts = [text_width(line) for line in column.title.split("\n")]
    title = math.ceil(parts[0] / 3) + 3 if len(parts) == 1 else min(max(parts), 12) + 2
    records = [*sheet.rows, *sheet.totals]
    if column.kind != "text":
        return float(max(8, title, *(_number_width(column, record) for record in records)))
    contents = [text_width(str(record.get(column.name) or "")) for record in records]
    return float(max(8, min(60, max([*contents, title]) + 2)))


def _number_width(column: Column, record: Mapping[str, Any]) -> int:
    kind: Kind = record.get(column.kind_key) or column.kind
    value = record.get(column.name)
    if value is None or isinstance(value, str):
        return text_width(value or "") + 3
    return len(f"{cell_value(value, kind):,.{_DECIMALS.get(kind, 2)}f}") + 3
