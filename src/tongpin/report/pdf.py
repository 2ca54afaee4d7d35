"""Pdf A4 公文: pages ready for the stamp, with an embedded Chinese font, page x of y and marks for the 骑缝章."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_FONT = "noto"
_LEFT, _TOP, _RIGHT, _BOTTOM = 18.0, 16.0, 18.0, 20.0
_WIDTH, _HEIGHT = 210.0, 297.0
_LINE, _ROW = 5.2, 4.4
_TITLE_SIZE, _TEXT_SIZE, _CELL_SIZE, _FOOT_SIZE = 16, 10, 8.5, 8
_GREY = (110, 110, 110)
_PAD = 0.7
_MM_PER_POINT = 25.4 / 72
_NARROW, _FULL = 0.62, 1.0
"""No wider than this, in ems of the font: digits with the marks of amounts, and any other character."""
_OF_AMOUNTS = frozenset("0123456789.,-+% ")


@dataclass(frozen=True)
class Ruled:
    """A table on paper: titles, widths as shares of the page, rows of texts; `right` names the columns set right."""

    titles: Sequence[str]
    widths: Sequence[float]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Picture:
    """A drawn chart on paper: PNG, and its width as a share of the page."""

    png: bytes
    width: float = 1.0

    @property
    def height_share(self) -> float:
        """Height over width, from the head of the PNG."""
        width, height = struct.unpack(">II", self.png[16:24])
        return float(height / width)


@dataclass(frozen=True)
class Paper:
    """One document: title, lines under it, parts (texts, tables, pictures), closing lines kept with the stamp."""

    title: str
    heading: Sequence[str]
    parts: Sequence[str | Ruled | Picture]
    closing: Sequence[str]
    foot: str = ""


def write_papers(papers: Sequence[Paper], path: Path, *, title: str) -> None:
    """The documents one after another in one file; pages are counted for each document by itself.

    The font is Noto Sans SC (SIL Open Font License) from its own package; it is embedded.
    """
    # Imported when paper is written: font tools take as long to load as a whole command.
    from fpdf import FPDF
    from pylopdf_fonts_zh_cn import sans_path

    pdf = FPDF(format="A4", unit="mm")
    pdf.set_title(title)
    pdf.set_lang("zh-CN")
    pdf.set_auto_page_break(False)
    pdf.add_font(_FONT, fname=str(sans_path()))
    known: dict[tuple[str, float, float], list[str]] = {}
    for paper in papers:
        _Printer(pdf, paper, known).print()
    pdf.output(str(path))


class _Printer:
    """Prints one document: its pages first, then the foot of each, when their number is known."""

    def __init__(self, pdf: Any, paper: Paper, known: dict[tuple[str, float, float], list[str]]) -> None:
        self._pdf = pdf
        self._paper = paper
        self._known = known
        self._first = pdf.page + 1

    def print(self) -> None:
        self._page()
        self._text(self._paper.title, _TITLE_SIZE, align="C", gap=2)
        for line in self._paper.heading:
            self._text(line, _TEXT_SIZE)
        for part in self._paper.parts:
            if isinstance(part, str):
                self._text(part, _TEXT_SIZE, gap=1)
            elif isinstance(part, Picture):
                self._picture(part)
            else:
                self._table(part)
        self._closing()
        self._feet()

    def _page(self) -> None:
        self._pdf.add_page()
        self._pdf.set_xy(_LEFT, _TOP)

    def _room(self, height: float) -> None:
        if self._pdf.get_y() + height > _HEIGHT - _BOTTOM:
            self._page()

    def _lines(self, text: str, width: float, size: float) -> list[str]:
        """The lines that a text takes; long texts are broken by the library, once for all papers of a file."""
        self._pdf.set_font(_FONT, size=size)
        if "\n" not in text and _at_most(text) * size * _MM_PER_POINT <= width - 2 * self._pdf.c_margin:
            return [text or " "]
        key = (text, width, size)
        if key not in self._known:
            self._known[key] = self._pdf.multi_cell(width, _ROW, text or " ", dry_run=True, output="LINES")
        return self._known[key]

    def _text(self, text: str, size: float, *, align: str = "L", gap: float = 0) -> None:
        width = _WIDTH - _LEFT - _RIGHT
        height = _LINE * size / _TEXT_SIZE
        for line in self._lines(text, width, size):
            self._room(height)
            self._pdf.set_x(_LEFT)
            self._pdf.cell(width, height, line, align=align)
            self._pdf.ln(height)
        self._pdf.ln(gap)

    def _table(self, table: Ruled) -> None:
        whole = _WIDTH - _LEFT - _RIGHT
        total = sum(table.widths)
        widths = [whole * share / total for share in table.widths]
        self._row(table.titles, widths, frozenset())
        for row in table.rows:
            if self._row_height(row, widths) + self._pdf.get_y() > _HEIGHT - _BOTTOM:
                self._page()
                self._row(table.titles, widths, frozenset())
            self._row(row, widths, table.right)
        self._pdf.ln(2)

    def _picture(self, picture: Picture) -> None:
        width = (_WIDTH - _LEFT - _RIGHT) * picture.width
        height = width * picture.height_share
        self._room(height)
        self._pdf.image(io.BytesIO(picture.png), x=(_WIDTH - width) / 2, w=width)
        self._pdf.ln(2)

    def _row_height(self, row: Sequence[str], widths: Sequence[float]) -> float:
        counts = [len(self._lines(text, width - 2 * _PAD, _CELL_SIZE)) for text, width in zip(row, widths, strict=True)]
        return max(counts) * _ROW + 2 * _PAD

    def _row(self, row: Sequence[str], widths: Sequence[float], right: frozenset[int]) -> None:
        height = self._row_height(row, widths)
        x, y = _LEFT, self._pdf.get_y()
        for number, (text, width) in enumerate(zip(row, widths, strict=True)):
            self._pdf.rect(x, y, width, height)
            lines = self._lines(text, width - 2 * _PAD, _CELL_SIZE)
            for place, line in enumerate(lines):
                self._pdf.set_xy(x + _PAD, y + _PAD + place * _ROW)
                self._pdf.cell(width - 2 * _PAD, _ROW, line, align="R" if number in right else "L")
            x += width
        self._pdf.set_xy(_LEFT, y + height)

    def _closing(self) -> None:
        self._room(_LINE * 2 * len(self._paper.closing))
        self._pdf.ln(2)
        for line in self._paper.closing:
            self._text(line, _TEXT_SIZE, gap=_LINE / 2)

    def _feet(self) -> None:
        pdf, last = self._pdf, self._pdf.page
        for page in range(self._first, last + 1):
            pdf.page = page
            pdf.set_font(_FONT, size=_FOOT_SIZE)
            pdf.set_text_color(*_GREY)
            pdf.set_xy(_LEFT, _HEIGHT - _BOTTOM + 6)
            number = f"第 {page - self._first + 1} 页 / 共 {last - self._first + 1} 页"
            pdf.cell(_WIDTH - _LEFT - _RIGHT, _ROW, self._paper.foot, align="L")
            pdf.set_x(_LEFT)
            pdf.cell(_WIDTH - _LEFT - _RIGHT, _ROW, number, align="R")
            if last > self._first:
                self._seam()
            pdf.set_text_color(0, 0, 0)
        pdf.page = last

    def _seam(self) -> None:
        """The mark at the right edge over which the seal across the pages 骑缝章 is set."""
        x, middle = _WIDTH - 6.0, _HEIGHT / 2
        self._pdf.set_dash_pattern(dash=1, gap=1)
        self._pdf.line(x, middle - 22, x, middle + 22)
        self._pdf.set_dash_pattern()
        for place, character in enumerate("骑缝章"):
            self._pdf.set_xy(x + 0.8, middle - 8 + place * 5)
            self._pdf.cell(4, 5, character)


def _at_most(text: str) -> float:
    """The width of a text in ems, at most."""
    return sum(_NARROW if character in _OF_AMOUNTS else _FULL for character in text)
