"""The correction sheet 改正表: what waits to be put right as xlsx, and the values that came back in it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import xlsxwriter

from tongpin.base.errors import TongpinError
from tongpin.records.files.xlsx import load_xlsx
from tongpin.records.intake.correct import Correction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HEADS = {
    "institution_code": "机构代码",
    "case_id": "结算ID",
    "dept_name": "科室",
    "field": "字段",
    "path": "字段路径",
    "message": "原因",
    "value": "现在的值",
    "wanted": "改为",
}
_WIDTHS = (16, 22, 14, 18, 26, 30, 20, 24)
_MOST = 5_000


def write_sheet(path: Path, rows: Sequence[Mapping[str, Any]], mark: str) -> None:
    """The sheet: heads in the first row, so that it is read back as it is; texts only, so that no formula is."""
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        head = book.add_format({"bold": True, "bg_color": "#E8EDF3", "border": 1})
        texts = {"num_format": "@", "border": 1}
        plain, open_cell = book.add_format(texts), book.add_format({**texts, "bg_color": "#FFF8DC"})
        sheet = book.add_worksheet("改正表")
        for column, (title, width) in enumerate(zip(HEADS.values(), _WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, title, head)
        for number, row in enumerate(rows, start=1):
            for column, name in enumerate(HEADS):
                sheet.write_string(number, column, str(row[name] or ""), open_cell if name == "wanted" else plain)
        sheet.freeze_panes(1, 2)
        sheet.set_footer(f"&L{mark.replace('&', '&&')}&R第 &P 页 / 共 &N 页")
        note = book.add_worksheet("说明")
        for number, line in enumerate((mark, "只填“改为”一列，别的列不要动；空着的行不改。填好后在原处传回。")):
            note.write_string(number, 0, line)


def read_sheet(file: IO[bytes], name: str) -> list[Correction]:
    """The rows of a returned sheet that name a new value; `findings.sheet` for what is no such sheet."""
    table = load_xlsx(file, name).table
    wanted = [HEADS[name] for name in ("institution_code", "case_id", "path", "wanted")]
    if missing := [title for title in wanted if title not in table.column_names]:
        raise TongpinError(
            "findings.sheet", f"这不是改正表：没有“{missing[0]}”一列", where=name, hint="用下载的改正表填"
        )
    rows = [tuple((row[title] or "").strip() for title in wanted) for row in table.select(wanted).to_pylist()]
    filled = [Correction(*row) for row in rows if row[-1]]
    if not 0 < len(filled) <= _MOST:
        raise TongpinError(
            "findings.sheet", f"“改为”填了 {len(filled)} 行，应为 1 到 {_MOST} 行", where=name, hint="填好再传"
        )
    return filled
