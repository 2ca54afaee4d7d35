"""Docx 公文: A4 papers that open in Word for editing, in 宋体 and 黑体, with page x of y and a mark in the head."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tongpin.report.pdf import Ruled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BODY, HEAD, LATIN = "宋体", "黑体", "Times New Roman"
SCHEME_MARK, SIMULATED_MARK = "演示方案", "模拟"
_MARGIN_MM, _WIDTH_MM, _HEIGHT_MM = (14.0, 15.0, 13.0, 15.0), 210.0, 297.0
"""Margins: above, right, below, left."""
_TITLE_POINTS, _SMALL_POINTS, _CELL_LESS = 16.0, 8.0, 0.5
_LEADING = 1.28
"""Line height over type size, set exactly: a page holds the same lines whatever font stands in for 宋体."""
_GREY = (0x6E, 0x6E, 0x6E)
_CELL_MARGIN_TWIPS, _CELL_GAP_POINTS, _LABEL_MM = 60, 0.8, 24.0


@dataclass(frozen=True)
class Heading:
    """A heading inside a paper."""

    text: str


@dataclass(frozen=True)
class Blank:
    """Ruled room for handwriting under a label: so many lines."""

    label: str
    lines: int = 1


DocxPart = str | Heading | Ruled | Blank


@dataclass(frozen=True)
class Document:
    """One paper: title, lines under it, parts, closing lines, the foot; `marks` stand in the head of every page."""

    title: str
    heading: Sequence[str]
    parts: Sequence[DocxPart]
    closing: Sequence[str] = ()
    foot: str = ""
    marks: Sequence[str] = ()
    points: float = 10.5


def write_docx(document: Document, path: Path) -> None:
    """The paper at `path`; tables repeat their titles on every page and no row is torn."""
    # Imported when paper is written: the library takes as long to load as a whole command.
    import docx

    file = docx.Document()
    now = datetime.now(UTC).replace(tzinfo=None)
    properties = file.core_properties
    properties.title, properties.author, properties.comments = document.title, "", ""
    properties.language, properties.created, properties.modified = "zh-CN", now, now
    writer = _Writer(file, document)
    writer.write()
    file.save(str(path))


class _Writer:
    """Writes one paper into a file of the library."""

    def __init__(self, file: Any, document: Document) -> None:
        self._file = file
        self._document = document
        self._width = _WIDTH_MM - _MARGIN_MM[1] - _MARGIN_MM[3]

    def write(self) -> None:
        """Page, head, foot and every part."""
        self._page()
        points = self._document.points
        self._text(self._document.title, _TITLE_POINTS, font=HEAD, align="center", after=3)
        for line in self._document.heading:
            self._text(line, points - _CELL_LESS * 2, grey=True)
        for part in self._document.parts:
            match part:
                case Heading():
                    self._text(part.text, points + _CELL_LESS, font=HEAD, before=5, after=2, keep=True)
                case Ruled():
                    self._table(part)
                case Blank():
                    self._blank(part)
                case _:
                    self._text(part, points, after=1.5)
        for line in self._document.closing:
            self._text(line, points, before=5)

    def _page(self) -> None:
        from docx.shared import Mm

        section = self._file.sections[0]
        section.page_width, section.page_height = Mm(_WIDTH_MM), Mm(_HEIGHT_MM)
        above, right, below, left = (Mm(one) for one in _MARGIN_MM)
        section.top_margin, section.right_margin, section.bottom_margin, section.left_margin = above, right, below, left
        section.header_distance, section.footer_distance = Mm(6), Mm(6)
        _fonts(self._file.styles["Normal"].element, BODY)
        head = section.header.paragraphs[0]
        if self._document.marks:
            self._run(head, "　".join(self._document.marks), _SMALL_POINTS, font=HEAD, grey=True)
            _shape(head, _SMALL_POINTS, align="right")
        foot = section.footer.paragraphs[0]
        self._run(foot, f"{self._document.foot}　　第 " if self._document.foot else "第 ", _SMALL_POINTS, grey=True)
        _field(foot, "PAGE")
        self._run(foot, " 页 / 共 ", _SMALL_POINTS, grey=True)
        _field(foot, "NUMPAGES")
        self._run(foot, " 页", _SMALL_POINTS, grey=True)
        _shape(foot, _SMALL_POINTS, align="right")

    def _run(self, paragraph: Any, text: str, points: float, *, font: str = BODY, grey: bool = False) -> None:
        from docx.shared import Pt, RGBColor

        run = paragraph.add_run(text)
        run.font.size = Pt(points)
        if grey:
            run.font.color.rgb = RGBColor(*_GREY)
        if font != BODY:
            _fonts(run._element, font)  # noqa: SLF001 - the library has no East Asian font of its own

    def _text(
        self,
        text: str,
        points: float,
        *,
        font: str = BODY,
        align: str = "left",
        before: float = 0,
        after: float = 0,
        keep: bool = False,
        grey: bool = False,
    ) -> None:
        paragraph = self._file.add_paragraph()
        self._run(paragraph, text, points, font=font, grey=grey)
        _shape(paragraph, points, align=align, before=before, after=after, keep=keep)

    def _table(self, ruled: Ruled) -> None:
        from docx.shared import Mm

        points = self._document.points - _CELL_LESS * 3
        table = self._file.add_table(rows=0, cols=len(ruled.titles))
        table.style, table.autofit = "Table Grid", False
        _cell_margins(table)
        total = sum(ruled.widths)
        widths = [Mm(self._width * share / total) for share in ruled.widths]
        for number, texts in enumerate((ruled.titles, *ruled.rows)):
            row = table.add_row()
            _row_rules(row, is_head=number == 0)
            for place, (cell, text, width) in enumerate(zip(row.cells, texts, widths, strict=True)):
                cell.width = width
                for line, words in enumerate(text.split("\n")):
                    paragraph = cell.paragraphs[0] if line == 0 else cell.add_paragraph()
                    self._run(paragraph, words, points, font=HEAD if number == 0 else BODY)
                    right = number > 0 and place in ruled.right
                    align = "center" if number == 0 else "right" if right else "left"
                    _shape(paragraph, points, align=align, before=_CELL_GAP_POINTS, after=_CELL_GAP_POINTS)
        for column, width in zip(table.columns, widths, strict=True):
            column.width = width
        gap = self._file.add_paragraph()
        _shape(gap, 3)

    def _blank(self, blank: Blank) -> None:
        from docx.shared import Mm

        points = self._document.points
        table = self._file.add_table(rows=1, cols=2)
        table.style, table.autofit = "Table Grid", False
        _cell_margins(table)
        row = table.rows[0]
        _row_rules(row, is_head=False)
        row.height = Mm(blank.lines * points * _LEADING * 1.3 * 25.4 / 72)
        widths = (Mm(_LABEL_MM), Mm(self._width - _LABEL_MM))
        for cell, column, width in zip(row.cells, table.columns, widths, strict=True):
            cell.width = column.width = width
        self._run(row.cells[0].paragraphs[0], blank.label, points - _CELL_LESS, font=HEAD)
        for cell in row.cells:
            _shape(cell.paragraphs[0], points)


def _fonts(element: Any, font: str) -> None:
    """The font of a run or style by name: `font` for Chinese, the Latin one for digits and letters."""
    from docx.oxml.ns import qn

    properties = element.get_or_add_rPr()
    fonts = properties.get_or_add_rFonts()
    for script in ("w:ascii", "w:hAnsi", "w:cs"):
        fonts.set(qn(script), LATIN)
    fonts.set(qn("w:eastAsia"), font)
    for theme in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        fonts.attrib.pop(qn(theme), None)


def _shape(
    paragraph: Any, points: float, *, align: str = "left", before: float = 0, after: float = 0, keep: bool = False
) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
    from docx.shared import Pt

    places = {"left": WD_ALIGN_PARAGRAPH.LEFT, "right": WD_ALIGN_PARAGRAPH.RIGHT, "center": WD_ALIGN_PARAGRAPH.CENTER}
    shape = paragraph.paragraph_format
    paragraph.alignment = places[align]
    shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(points * _LEADING)
    shape.space_before, shape.space_after, shape.keep_with_next = Pt(before), Pt(after), keep


def _field(paragraph: Any, name: str) -> None:
    """A number that the reader's program counts: PAGE, NUMPAGES."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    for kind, text in (("begin", ""), ("", name), ("separate", ""), ("text", "1"), ("end", "")):
        run = paragraph.add_run()
        run.font.size, run.font.color.rgb = Pt(_SMALL_POINTS), RGBColor(*_GREY)
        if kind in {"", "text"}:
            element = OxmlElement("w:instrText" if not kind else "w:t")
            element.text = text
        else:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        run._element.append(element)  # noqa: SLF001 - the library has no fields


def _cell_margins(table: Any) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        one = OxmlElement(f"w:{side}")
        one.set(qn("w:w"), str(_CELL_MARGIN_TWIPS))
        one.set(qn("w:type"), "dxa")
        margins.append(one)
    table._tbl.tblPr.append(margins)  # noqa: SLF001 - the library has no cell margins


def _row_rules(row: Any, *, is_head: bool) -> None:
    """No row is torn over two pages; the titles stand on each."""
    from docx.oxml import OxmlElement

    properties = row._tr.get_or_add_trPr()  # noqa: SLF001 - the library has neither rule
    properties.append(OxmlElement("w:cantSplit"))
    if is_head:
        properties.append(OxmlElement("w:tblHeader"))
