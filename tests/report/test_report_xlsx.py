"""Sheets that open formatted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openpyxl

from tongpin.report.xlsx import Column, Sheet, cell_value, text_width, write_workbook

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = (
    Column("name", "机构"),
    Column("cases", "例数", "count", "规模"),
    Column("amount_fen", "金额", "wan", "规模"),
    Column("share", "结付率", "ratio"),
    Column("gap", "差", "pp"),
)
ROWS: list[dict[str, Any]] = [
    {
        "name": "示例市第一人民医院",
        "cases": 1_200,
        "amount_fen": 123_456_789,
        "share": 0.9756,
        "gap": -0.012,
        "bad": True,
    },
    {"name": "=SUM(A1)", "cases": 3, "amount_fen": -100, "share": None, "gap": 0.0},
]


def written(tmp_path: Path, **options: Any) -> Any:
    path = tmp_path / "book.xlsx"
    write_workbook([Sheet("表", "题 & 名", COLUMNS, ROWS, ["口径一", "口径二"], **options)], path, title="题")
    return openpyxl.load_workbook(path)["表"]


def test_title_notes_bands_heads_rows_and_total(tmp_path: Path) -> None:
    page = written(tmp_path, totals=[{"name": "合计", "cases": 1_203}], closing=["经办："])
    assert [page.cell(row, 1).value for row in (1, 2, 3)] == ["题 & 名", "口径一", "口径二"]
    assert page["B4"].value == "规模"
    assert "B4:C4" in {str(area) for area in page.merged_cells.ranges}
    assert [cell.value for cell in page[5]] == ["机构", "例数", "金额", "结付率", "差"]
    assert [cell.value for cell in page[6]] == ["示例市第一人民医院", 1_200, 123.456789, 0.9756, -1.2]
    assert [cell.value for cell in page[8]][:2] == ["合计", 1_203]
    assert page["A10"].value == "经办："


def test_numbers_are_numbers_with_a_format_and_text_is_no_formula(tmp_path: Path) -> None:
    page = written(tmp_path)
    assert page["C6"].number_format == "#,##0.00"
    assert page["D6"].number_format == "0.00%"
    assert page["A7"].value == "=SUM(A1)"
    assert page["A7"].data_type in {"s", "f"}
    assert page["A7"].number_format == "@"
    assert page["D7"].value is None


def test_paper_and_panes(tmp_path: Path) -> None:
    page = written(tmp_path, freeze_columns=1)
    assert page.freeze_panes == "B6"
    assert page.page_setup.orientation == "landscape"
    assert page.page_setup.paperSize == 9
    assert page.page_setup.fitToHeight == 0
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert "&P" in page.oddFooter.right.text
    assert page.print_title_rows == "$4:$5", "the band row repeats with the head row"


def test_an_empty_sheet_says_so(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_workbook([Sheet("表", "题", COLUMNS, [])], path, title="题")
    page = openpyxl.load_workbook(path)["表"]
    assert page["A4"].value == "本月没有"


def test_a_sheet_too_wide_for_one_readable_page_goes_over_two_with_its_first_columns_repeated(tmp_path: Path) -> None:
    columns = [Column("name", "机构", width=30), *[Column(f"c{number}", "值", "wan", width=14) for number in range(20)]]
    path = tmp_path / "book.xlsx"
    sheets = [Sheet(name, "题", part, [], freeze_columns=1) for name, part in (("宽", columns), ("窄", columns[:10]))]
    write_workbook(sheets, path, title="题")
    book = openpyxl.load_workbook(path)
    assert (book["宽"].page_setup.fitToWidth, book["宽"].print_title_cols) == (2, "$A:$A")
    assert (book["窄"].page_setup.fitToWidth, book["窄"].print_title_cols) == (None, None), "one page is the default"


def test_a_long_note_wraps_across_the_sheet(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    write_workbook([Sheet("表", "题", COLUMNS, ROWS, ["口径" * 60, "短"])], path, title="题")
    page = openpyxl.load_workbook(path)["表"]
    assert page["A2"].value == "口径" * 60
    assert "A2:E2" in {str(area) for area in page.merged_cells.ranges}
    assert page["A2"].alignment.wrap_text
    assert page.row_dimensions[2].height > 40
    assert not page["A3"].alignment.wrap_text


def test_a_chinese_column_is_wide_enough(tmp_path: Path) -> None:
    page = written(tmp_path)
    assert page.column_dimensions["A"].width >= text_width("示例市第一人民医院")
    assert text_width("ab市") == 4


def test_a_row_may_bring_its_own_kind_and_words_for_a_number(tmp_path: Path) -> None:
    columns = [Column("what", "指标"), Column("value", "值", "number", kind_key="kind")]
    rows = [
        {"what": "结付率", "value": 0.9756, "kind": "ratio"},
        {"what": "盈亏", "value": -12_345_678, "kind": "wan"},
        {"what": "死亡", "value": "1/239", "kind": "ratio"},
    ]
    path = tmp_path / "book.xlsx"
    write_workbook([Sheet("表", "题", columns, rows)], path, title="题")
    page = openpyxl.load_workbook(path)["表"]
    assert [(page.cell(row, 2).value, page.cell(row, 2).number_format) for row in (3, 4, 5)] == [
        (0.9756, "0.00%"),
        (-12.345678, "#,##0.00"),
        ("1/239", "0.00%"),
    ]


def test_a_text_column_with_a_width_wraps(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    rows = [{"text": "长" * 80, "name": "短"}]
    write_workbook([Sheet("表", "题", [Column("name", "名"), Column("text", "文", width=30)], rows)], path, title="题")
    page = openpyxl.load_workbook(path)["表"]
    assert page["B3"].alignment.wrap_text
    assert page.row_dimensions[3].height > 5 * 14, "tall enough for all of its lines"
    assert not page["A3"].alignment.wrap_text


def test_units() -> None:
    assert cell_value(12_345, "yuan") == 123.45
    assert cell_value(12_345, "weight") == 1.2345
    assert cell_value(1.2345, "weight") == 1.2345
    assert cell_value(None, "yuan") is None
