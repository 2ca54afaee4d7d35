"""Workbooks as hospitals export them: one of several sheets, numbers for texts, formulas, endless empty rows, bombs."""

from __future__ import annotations

import datetime as dt
import io
import time
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from page_samples import FULL_PAGE, assert_same, read_page
from records_samples import FRONT_PAGE, KEY, csv_text

from tongpin.base.errors import RecordsError
from tongpin.records.case.schema import GROUPING_COLUMNS
from tongpin.records.files import xlsx
from tongpin.records.files.xlsx import cell_text, header, is_workbook, load_xlsx
from tongpin.records.intake.read import read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HEADER = list(GROUPING_COLUMNS)
ROW = ["C1", 2, 0, 12, 2500, "0201", 3, "1", "P07.300|J18.900x001", None, None, 0]


def workbook(path: Path, *sheets: Sequence[Sequence[Any]], names: Sequence[str] = ()) -> Path:
    """A workbook with the rows of each sheet."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(names[number] if names else f"Sheet{number + 1}")
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def shared(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    """A workbook that keeps its texts in one shared part, as spreadsheet programs save it."""
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()
    return path


def rewritten(path: Path, part: str, old: bytes, new: bytes) -> Path:
    """The workbook with some bytes of a part replaced."""
    source = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name in source.namelist():
            data = source.read(name)
            if name == part:
                assert old in data
                data = data.replace(old, new)
            made.writestr(name, data)
    return path


SHEET = "xl/worksheets/sheet1.xml"


def test_a_plain_sheet_is_a_text_table(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", [HEADER, ROW])
    assert is_workbook(path)
    assert header(path) == HEADER
    found = load_xlsx(path, path.name)
    assert found.table.to_pylist() == [
        {name: "" if cell is None else str(cell) for name, cell in zip(HEADER, ROW, strict=True)}
    ]
    assert (found.records.tolist(), found.findings, found.read_count) == ([1], [], 1)


def test_a_workbook_reads_like_the_same_csv(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(csv_text(FRONT_PAGE), encoding="utf-8")
    typed = {
        "A49": 2,
        "B12": dt.datetime.fromisoformat("2025-06-02T08:30"),
        "B15": dt.datetime.fromisoformat("2025-06-10T09:00"),
        "A13": dt.date(1960, 3, 4),
        "A14": 65,
        "B20": 8.0,
        "D01": 10000,
        "D16": 2000.1,
        "D23": 3000.4999999999995,
        "C47": 27,
        "C49x01": dt.datetime.fromisoformat("2025-06-02T09:00"),
    }
    cells = [typed.get(code, value if value != "-" else None) for code, value in FRONT_PAGE.items()]
    workbook(tmp_path / "b.xlsx", [list(FRONT_PAGE), cells])
    loaded = read_page(tmp_path / "b.xlsx")
    assert loaded.kind == "front-page"
    assert_same(loaded, read_page(tmp_path / "a.csv"))


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (20250601, "20250601"),
        (1.0, "1"),
        (12.5, "12.5"),
        (3000.4999999999995, "3000.5"),
        (0.1 + 0.2, "0.3"),
        (1e-05, "1e-05"),
        (123456789012.0, "123456789012"),
        (True, "1"),
        (False, "0"),
        (dt.datetime.fromisoformat("2025-06-01T08:30:00.400"), "2025-06-01 08:30:00"),
        (dt.datetime.fromisoformat("2025-06-01T08:29:59.999"), "2025-06-01 08:30:00"),
        (dt.datetime.fromisoformat("2025-06-01"), "2025-06-01"),
        (dt.date(2025, 6, 1), "2025-06-01"),
        (dt.time(8, 30), "08:30:00"),
        (dt.timedelta(hours=30), "1 day, 6:00:00"),
    ],
)
def test_cells_become_texts_without_noise(cell: Any, text: str) -> None:
    assert cell_text(cell) == text


@given(st.integers(0, 10**12))
def test_no_fen_is_lost_in_a_number_cell(fen: int) -> None:
    text = cell_text(fen / 100)
    yuan, _, cents = text.partition(".")
    assert int(yuan) * 100 + int(cents.ljust(2, "0") or 0) == fen


def test_the_first_sheet_with_a_known_header_is_taken(tmp_path: Path) -> None:
    notes = [["说明"], ["本表由系统导出"]]
    path = workbook(tmp_path / "x.xlsx", [], notes, [[], [], HEADER, ROW], [HEADER, ROW, ROW])
    assert header(path) == HEADER
    assert load_xlsx(path, path.name).read_count == 1


def test_without_a_known_header_the_first_filled_sheet_is_shown(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", [], [["甲", "乙"], [1, 2]])
    assert header(path) == ["甲", "乙"]
    assert header(workbook(tmp_path / "y.xlsx", [])) == []
    loaded = read(tmp_path / "y.xlsx", key=KEY)
    assert [found.rule_id for found in loaded.findings] == ["REC-K001"]


def test_chosen_columns_get_their_names(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", [HEADER, ROW])
    found = load_xlsx(path, path.name, lambda labels: {labels[0]: "id", "sex": "sex"})
    assert found.table.to_pydict() == {"id": ["C1"], "sex": ["2"]}


def test_header_cells_may_break_and_columns_may_have_none(tmp_path: Path) -> None:
    cells = [*HEADER[:4], "出院\n科别", *HEADER[5:], None, "case_id"]
    path = workbook(tmp_path / "x.xlsx", [cells, [*ROW, "备注内容", "C9", None, "远处"], ROW])
    found = load_xlsx(path, path.name)
    assert found.table.column_names == [*HEADER[:4], "出院 科别", *HEADER[5:], "第 M 列", "case_id#2", "第 P 列"]
    assert found.table["第 P 列"].to_pylist() == ["远处", ""]


def test_empty_rows_are_no_records(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", [HEADER, [], ROW, [None] * 12, ["C2", *ROW[1:]], []])
    found = load_xlsx(path, path.name)
    assert (found.table["case_id"].to_pylist(), found.read_count, found.findings) == (["C1", "C2"], 2, [])


def test_a_million_empty_rows_end_quickly_and_it_is_said(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "x.xlsx"), {"constant_memory": True})
    sheet = book.add_worksheet()
    styled = book.add_format({"bold": True})
    sheet.write_row(0, 0, HEADER)
    sheet.write_row(1, 0, ROW)
    for row in range(2, 60_000):
        sheet.write_blank(row, 0, None, styled)
    sheet.write_row(1_048_575, 0, ROW)
    book.close()
    start = time.perf_counter()
    found = load_xlsx(tmp_path / "x.xlsx", "x.xlsx")
    assert time.perf_counter() - start < 10
    assert found.read_count == 1
    assert [(one.rule_id, one.record) for one in found.findings] == [("REC-X004", 0)]


def test_a_stated_size_of_the_sheet_is_not_believed(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", [HEADER, ROW])
    rewritten(path, SHEET, b'ref="A1:L2"', b'ref="A1:XFD1048576"')
    assert load_xlsx(path, path.name).table.num_columns == len(HEADER)
    rewritten(path, SHEET, b'ref="A1:XFD1048576"', b'ref="A1"')
    assert load_xlsx(path, path.name).table.shape == (1, len(HEADER))


def test_a_formula_gives_its_kept_result_or_a_finding(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "x.xlsx"))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADER)
    sheet.write_row(1, 0, ROW)
    sheet.write_formula(1, 2, "=30+5", None, 35)
    sheet.write_formula(1, 6, '="" & 7', None, "7")
    sheet.write_string(1, 5, "=1+1")
    book.close()
    found = load_xlsx(tmp_path / "x.xlsx", "x.xlsx")
    (row,) = found.table.to_pylist()
    assert (row["age"], row["los"], row["dept"], found.findings) == ("35", "7", "=1+1", [])
    path = workbook(tmp_path / "y.xlsx", [HEADER, ROW, ["C2", 1, "=1+2", *ROW[3:]]])
    found = load_xlsx(path, "y.xlsx")
    assert [(one.rule_id, one.record, one.path, one.value) for one in found.findings] == [("REC-X002", 2, "age", "")]
    assert found.table["age"].to_pylist() == ["0", ""]


def test_error_values_are_named_and_missing(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", [HEADER, ROW, ["C2", 1, "#REF!", "#N/A", *ROW[4:]]])
    found = load_xlsx(path, path.name)
    assert [(one.rule_id, one.record, one.path, one.value) for one in found.findings] == [
        ("REC-X003", 2, "age", "#REF!"),
        ("REC-X003", 2, "age_days", "#N/A"),
    ]
    assert found.table["age"].to_pylist() == ["0", ""]
    assert read(path, key=KEY).cases["age"].to_pylist() == [0, None]


def test_a_long_number_is_said_to_have_lost_its_end(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", [[*HEADER, "patient_id"], [*ROW, 320200196003040000], [*ROW, 123456789012345]])
    found = load_xlsx(path, path.name)
    assert [(one.rule_id, one.record, one.path, one.value) for one in found.findings] == [
        ("REC-X005", 1, "patient_id", "")
    ]
    assert found.table["patient_id"].to_pylist() == ["320200196003040000", "123456789012345"]


def test_a_date_beyond_the_calendar_is_an_error_value(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", [[*HEADER, "settlement_date"], [*ROW, dt.date(2025, 6, 1)]])
    rewritten(path, SHEET, b"<v>45809</v>", b"<v>99999999999</v>")
    found = load_xlsx(path, path.name)
    assert [(one.rule_id, one.value) for one in found.findings] == [("REC-X003", "#VALUE!")]


def test_merged_and_hidden_cells_are_read_where_they_stand(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEADER)
    sheet.append(ROW)
    sheet.append(["C2", *ROW[1:]])
    sheet.merge_cells("F2:F3")
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["B"].hidden = True
    book.save(tmp_path / "x.xlsx")
    found = load_xlsx(tmp_path / "x.xlsx", "x.xlsx")
    assert found.table.select(["case_id", "sex", "dept"]).to_pydict() == {
        "case_id": ["C1", "C2"],
        "sex": ["2", "2"],
        "dept": ["0201", ""],
    }


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(st.lists(words, min_size=1, max_size=4))
def test_odd_texts_are_read_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("odd") / "x.xlsx"
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["case_id", "dx", "note"])
    for number, text in enumerate(texts, start=1):
        sheet.write_string(number, 0, f"C{number}")
        sheet.write_string(number, 2, text)
    book.close()
    assert load_xlsx(path, "x.xlsx").table["note"].to_pylist() == texts


@pytest.mark.parametrize("limit", ["MOST_PARTS", "MOST_UNPACKED_BYTES", "MOST_STRING_BYTES"])
def test_a_workbook_beyond_a_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    path = shared(tmp_path / "x.xlsx", [HEADER, ROW])
    assert load_xlsx(path, path.name).read_count == 1
    monkeypatch.setattr(xlsx, limit, 5)
    for what in (header, load_xlsx):
        with pytest.raises(RecordsError, match="展开后过大") as caught:
            what(path, path.name)
        assert (caught.value.code, caught.value.where) == ("records.xlsx", "x.xlsx")
    loaded = read(path, key=KEY)
    assert [found.rule_id for found in loaded.findings] == ["REC-C006"]


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", [HEADER, ROW])
    rewritten(path, SHEET, b"</sheetData>", b"</sheetData>" + b" " * (100 << 20))
    assert path.stat().st_size < 1 << 20
    start = time.perf_counter()
    with pytest.raises(RecordsError, match="展开后过大"):
        load_xlsx(path, path.name)
    assert time.perf_counter() - start < 1


def test_a_wide_export_is_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "RATIO_MATTERS_BYTES", 0)
    path = shared(tmp_path / "x.xlsx", [list(FULL_PAGE), *[["-"] * len(FULL_PAGE)] * 60])
    assert load_xlsx(path, path.name).table.shape == (60, 811)


def test_entities_that_grow_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "x.xlsx", [HEADER, ROW])
    levels = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 12))
    doctype = b'<!DOCTYPE worksheet [<!ENTITY e0 "lollollol">' + levels + b"]><worksheet"
    rewritten(path, SHEET, b"<worksheet", doctype)
    rewritten(path, SHEET, b"<v>2500</v>", b"<v>&e11;</v>")
    with pytest.raises(RecordsError) as caught:
        load_xlsx(path, path.name)
    assert caught.value.code == "records.xlsx"


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        (SHEET, b"</sheetData>", b""),
        (SHEET, b"<v>2500</v>", b"<v>abc</v>"),
        (SHEET, b't="s"><v>0</v>', b't="s"><v>99999</v>'),
        ("xl/workbook.xml", b"<sheets>", b"<sheets"),
        ("xl/sharedStrings.xml", b"</sst>", b""),
    ],
)
def test_a_broken_part_refuses_the_file(tmp_path: Path, part: str, old: bytes, new: bytes) -> None:
    path = rewritten(shared(tmp_path / "x.xlsx", [HEADER, ROW]), part, old, new)
    with pytest.raises(RecordsError) as caught:
        load_xlsx(path, path.name)
    assert (caught.value.code, caught.value.where) == ("records.xlsx", "x.xlsx")
    assert [found.rule_id for found in read(path, "plain", key=KEY).findings] == ["REC-C006"]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a good workbook."""
    return shared(tmp_path_factory.mktemp("sound") / "x.xlsx", [HEADER, ROW]).read_bytes()


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.integers(0, 10**6), st.integers(0, 255), max_size=4), st.one_of(st.none(), st.integers(0, 10**6))
)
def test_no_damage_makes_it_crash(sound: bytes, damage: dict[int, int], end: int | None) -> None:
    data = bytearray(sound)
    for place, byte in damage.items():
        data[place % len(data)] = byte
    handle = io.BytesIO(data if end is None else data[: end % len(data)])
    try:
        found = load_xlsx(handle, "x.xlsx")
    except RecordsError as error:
        refused = error.code
    else:
        refused = ""
        assert found.read_count == found.table.num_rows == len(found.records)
    assert refused in {"", "records.xlsx"}


def test_other_files_are_no_workbooks(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("case_id\n", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as package:
        package.writestr("a.csv", "case_id\n")
    assert not is_workbook(tmp_path / "a.csv")
    assert not is_workbook(tmp_path / "b.zip")
    assert not is_workbook(tmp_path / "none")
    assert not is_workbook(io.BytesIO(b"PK\x03\x04"))
    with pytest.raises(RecordsError) as caught:
        load_xlsx(tmp_path / "none.xlsx", "none.xlsx")
    assert caught.value.code == "records.file"


def test_a_workbook_within_an_archive_needs_no_file_of_its_own(tmp_path: Path) -> None:
    data = workbook(tmp_path / "x.xlsx", [HEADER, ROW]).read_bytes()
    assert is_workbook(io.BytesIO(data))
    assert header(io.BytesIO(data)) == HEADER
    assert load_xlsx(io.BytesIO(data), "a.zip/x.xlsx").read_count == 1
