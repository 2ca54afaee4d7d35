"""Bad input, each kind through a load into a home: nothing crashes, neighbours load, every record met is accounted for.

What is left out is said with its file, record, field and value, and how to mend it.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pytest
import xlsxwriter
from records_samples import FRONT_PAGE, csv_text, json_lines, message

from tongpin.base.findings import Finding
from tongpin.records.case.schema import GROUPING_COLUMNS
from tongpin.records.files import archives, pieces, xlsx
from tongpin.records.intake.load import CASES, LOADS, LoadReport, load_files, read_loaded
from tongpin.store.home import Home

CHINESE = re.compile(r"[\u4e00-\u9fff]")
HEAD = ",".join(GROUPING_COLUMNS) + ",note\n"
Content = bytes | str | Callable[[Path], None]


class Intake:
    """A folder of bad files beside a good one, loaded into a home of its own."""

    def __init__(self, root: Path) -> None:
        self.home = Home.open(root / "home")
        self.folder = root / "in"
        self.folder.mkdir()

    def load(self, files: dict[str, Content]) -> LoadReport:
        """Load the files and a good neighbour; what must hold whatever they are is asserted here."""
        for name, content in files.items():
            if callable(content):
                content(self.folder / name)
            else:
                (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        (self.folder / "zz.jsonl").write_bytes(json_lines(message("NEIGHBOUR")))
        report = load_files(self.home, [self.folder])
        assert "NEIGHBOUR" in read_loaded(self.home, CASES, ["case_id"])["case_id"].to_pylist()
        for row in read_loaded(self.home, LOADS).to_pylist():
            assert row["records"] == row["loaded"] + row["rejected"] + row["repeated"], row
        for one in report.findings:
            assert one.file
            assert CHINESE.search(one.message)
            assert CHINESE.search(one.hint)
        return report

    def ids(self) -> list[str]:
        """The cases in the lake but for the neighbour, by the last part of their number."""
        found = read_loaded(self.home, CASES, ["case_id"])["case_id"].to_pylist()
        return sorted(one for one in found if one != "NEIGHBOUR")

    def met(self, name: str) -> tuple[int, int, int, int]:
        """Records met in a file, loaded, rejected and repeated."""
        (row,) = [one for one in read_loaded(self.home, LOADS).to_pylist() if one["file"] == f"in/{name}"]
        return row["records"], row["loaded"], row["rejected"], row["repeated"]


@pytest.fixture
def intake(tmp_path: Path) -> Intake:
    return Intake(tmp_path)


def errors(report: LoadReport) -> list[tuple[str, str, int]]:
    """Rule, file and record of every error, by file and record."""
    said = [(one.rule_id, one.file.removeprefix("in/"), one.record) for one in report.findings]
    wrong = {one.rule_id for one in report.findings if one.severity == "error"}
    return sorted((one for one in said if one[0] in wrong), key=lambda one: (one[1], one[2], one[0]))


def found(report: LoadReport, rule: str) -> Finding:
    (one,) = [one for one in report.findings if one.rule_id == rule]
    return one


def row(case_id: str, *, dx: str = "A01", note: str = "") -> str:
    """A row of a plain file with all of its columns."""
    return f"{case_id},1,30,,,04,5,1,{dx},,,0,{note}\n"


def lines(*ids: str, **head: Any) -> bytes:
    return json_lines(*(message(one, **head) for one in ids))


def zipped(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


ARRAY = orjson.dumps([message(f"S{n}") for n in range(1, 6)])
PRETTY = orjson.dumps([message(f"S{n}") for n in range(1, 6)], option=orjson.OPT_INDENT_2)
TRUNCATED: dict[str, tuple[str, bytes, list[tuple[str, str, int]], list[str]]] = {
    "object": ("a.json", orjson.dumps(message())[:-300], [("REC-J001", "a.json", 1)], []),
    "array": ("a.json", ARRAY[: len(ARRAY) // 2], [("REC-J001", "a.json", 3)], ["S1", "S2"]),
    "array between objects": ("a.json", ARRAY[:-1], [("REC-J001", "a.json", 6)], ["S1", "S2", "S3", "S4", "S5"]),
    "indented array": ("a.json", PRETTY[: len(PRETTY) // 2], [("REC-J001", "a.json", 3)], ["S1", "S2"]),
    "lines": ("a.jsonl", lines("S1", "S2", "S3")[:-500], [("REC-J001", "a.jsonl", 3)], ["S1", "S2"]),
    "gz": ("a.jsonl.gz", gzip.compress(lines("S1", "S2"))[:-100], [("REC-C006", "a.jsonl.gz", 0)], []),
    "zip": ("a.zip", zipped({"a.jsonl": lines("S1")})[:-40], [("REC-C006", "a.zip", 0)], []),
    "zip member": (
        "a.zip",
        zipped({"a.jsonl": lines("S1", "S2")[:-500], "b.jsonl": lines("S3")}),
        [("REC-J001", "a.zip/a.jsonl", 2)],
        ["S1", "S3"],
    ),
    "gz in zip": (
        "a.zip",
        zipped({"a.jsonl.gz": gzip.compress(lines("S1"))[:-50], "b.jsonl": lines("S3")}),
        [("REC-C006", "a.zip/a.jsonl.gz", 0)],
        ["S3"],
    ),
}


@pytest.mark.parametrize("case", TRUNCATED)
def test_what_is_cut_off_is_said_and_what_is_whole_is_loaded(intake: Intake, case: str) -> None:
    name, content, wrong, ids = TRUNCATED[case]
    report = intake.load({name: content})
    assert (errors(report), intake.ids()) == (wrong, ids)


def test_one_broken_list_does_not_take_those_after_it(intake: Intake) -> None:
    changes = [(b'"B-2"', b'"B-2'), (b'"setl_id":"B-2"', b'"setl_id":'), (b'"B-2",', b'"B-2",,'), (b'"B-2"', b"NaN")]
    files: dict[str, Content] = {}
    for place, (old, new) in enumerate(changes):
        for sign, ending in (("A", ".json"), ("L", ".jsonl")):
            made = [message(f"{sign}{place}B-{n}") for n in range(1, 6)]
            whole = orjson.dumps(made) if sign == "A" else json_lines(*made)
            mark = f"{sign}{place}".encode()
            files[f"{sign}{place}{ending}"] = whole.replace(
                old.replace(b"B", mark + b"B"), new.replace(b"B", mark + b"B")
            )
    report = intake.load(files)
    assert errors(report) == [("REC-J001", name, 2) for name in sorted(files)]
    assert {intake.met(name) for name in files} == {(5, 4, 1, 0)}


def test_a_broken_member_of_a_zip_is_refused_alone(intake: Intake) -> None:
    data = bytearray(zipped({"a.jsonl": lines("S1"), "b.jsonl": lines("S2")}))
    data[200:220] = bytes(20)
    report = intake.load({"a.zip": bytes(data)})
    assert (errors(report), intake.ids()) == ([("REC-C006", "a.zip/a.jsonl", 0)], ["S2"])


def test_a_gz_that_breaks_off_late_keeps_what_came_before_and_says_so(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 3000)
    monkeypatch.setattr("tongpin.records.intake.kinds.HEAD_BYTES", 3000)
    monkeypatch.setattr(archives, "CHUNK_BYTES", 1000)
    packed = gzip.compress(b"".join(lines(f"S{n}", memo=os.urandom(3000).hex()) for n in range(9)))
    report = intake.load({"a.jsonl.gz": packed[: len(packed) // 2]})
    assert errors(report) == [("REC-C006", "a.jsonl.gz", 0)]
    assert "其后的没有读入" in found(report, "REC-C006").message
    assert intake.ids()[0] == "S0"
    assert intake.met("a.jsonl.gz")[1] == len(intake.ids())


def test_lines_of_several_encodings_are_read_and_bytes_of_none_name_their_column(intake: Intake) -> None:
    table = (HEAD + row("C1", note="甲")).encode() + row("C2", note="北京医院").encode("gb18030")
    torn = row("C3", note="?").encode().replace(b"?", b"\xff\xfe\xff") + row("C4").encode()
    report = intake.load({"a.csv": table + torn, "b.csv": (HEAD + row("C9")).encode("utf-16")})
    assert errors(report) == [("REC-E001", "a.csv", 3), ("REC-E001", "b.csv", 0)]
    assert {one.record: one.path for one in report.findings if one.rule_id == "REC-E001"} == {0: "", 3: "note"}
    extra = read_loaded(intake.home, CASES, ["case_id", "extra"]).to_pylist()
    notes = {one["case_id"]: dict(one["extra"] or ()).get("note") for one in extra}
    assert {name: notes[name] for name in intake.ids()} == {"C1": "甲", "C2": "北京医院", "C4": None}


def test_a_byte_order_mark_where_files_were_joined_is_no_sign(intake: Intake) -> None:
    mark = "\ufeff"
    table = mark + HEAD + row("C1") + mark + row("C2")
    report = intake.load({"a.csv": table, "a.jsonl": mark.encode() + lines("S1") + mark.encode() + lines("S2")})
    assert (report.findings, intake.ids()) == ([], ["C1", "C2", "S1", "S2"])


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_line_without_end_is_one_record(intake: Intake, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # The real limit is 64 MB; smaller ones have the same effect.
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1 << 14)
    monkeypatch.setattr(pieces, "LARGEST_WHOLE_BYTES", 1 << 16)
    huge = "x" * (1 << 18)
    content = HEAD + row("C1") + row("C2", note=huge) + row("C3")
    report = intake.load({name: lines("C1") + lines("C2", memo=huge) + lines("C3") if name == "a.jsonl" else content})
    assert (errors(report), intake.ids()) == ([("REC-C020", name, 2)], ["C1", "C3"])
    assert intake.met(name) == (3, 2, 1, 0)


DEEP = 100_000


@pytest.mark.parametrize(
    "deep",
    [
        b"[" * DEEP,
        b'{"setlinfo": ' * DEEP,
        b'{"setlinfo": {"setl_id": "X", "a": ' + b"[" * DEEP + b"]" * DEEP + b"}}",
        b'{"setlinfo": {"setl_id": "X"}, "diseinfo": ' + b'[{"a":' * DEEP,
    ],
)
def test_deep_nesting_rejects_its_line(intake: Intake, deep: bytes) -> None:
    report = intake.load({"a.jsonl": lines("S1") + deep + b"\n" + lines("S3")})
    assert (errors(report), intake.ids()) == ([("REC-J001", "a.jsonl", 2)], ["S1", "S3"])


def test_a_file_of_brackets_alone_is_of_no_kind(intake: Intake) -> None:
    report = intake.load({"a.json": b"[" * DEEP, "b.json": b'{"a":' * DEEP, "c.json": b'{"setlinfo":' * DEEP})
    assert [(rule, name) for rule, name, _ in errors(report)] == [
        ("REC-K001", "a.json"),
        ("REC-K001", "b.json"),
        ("REC-J001", "c.json"),
    ]


def test_bombs_and_paths_that_lead_out_are_refused_one_by_one(
    intake: Intake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 16)
    inner = zipped({"a.jsonl": lines("S9")})
    files = {
        "good.jsonl": lines("S1"),
        "bomb.jsonl": b" " * (1 << 22),
        "in.zip": inner,
        "../out.jsonl": lines("S8"),
        "bomb.jsonl.gz": gzip.compress(lines("S7") + b"\n" * (1 << 23)),
    }
    report = intake.load({"a.zip": zipped(files)})
    assert {(rule, name) for rule, name, _ in errors(report)} == {
        ("REC-Z002", "a.zip/bomb.jsonl"),
        ("REC-Z003", "a.zip/in.zip"),
        ("REC-Z001", "a.zip/../out.jsonl"),
        ("REC-Z002", "a.zip/bomb.jsonl.gz"),
    }
    assert intake.ids() == ["S1"]
    assert not list(tmp_path.rglob("out.jsonl"))


def test_an_archive_of_too_many_files_is_refused_whole(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    report = intake.load({"a.zip": zipped({f"{n}.jsonl": lines(f"S{n}") for n in range(4)})})
    assert errors(report) == [("REC-Z002", "a.zip", 0)]
    assert found(report, "REC-Z002").value == "4 个文件"


def workbook(*pages: dict[str, str], empty_rows: int = 0) -> Callable[[Path], None]:
    """A workbook of pages, the last one after so many empty rows."""

    def write(path: Path) -> None:
        made = io.BytesIO()
        book = xlsxwriter.Workbook(made)
        sheet = book.add_worksheet()
        last = len(pages) + empty_rows
        for number, cells in [
            (0, pages[0]),
            *enumerate(map(dict.values, pages[:-1]), start=1),
            (last, pages[-1].values()),
        ]:
            sheet.write_row(number, 0, list(cells))
        book.close()
        rows = "".join(f'<row r="{number}"/>' for number in range(len(pages) + 1, last + 1))
        mark = f'<row r="{last + 1}"'.encode()
        with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
            for name in old.namelist():
                new.writestr(name, old.read(name).replace(mark, rows.encode() + mark))

    return write


def test_a_million_empty_rows_cost_nothing_and_the_end_of_reading_is_said(intake: Intake) -> None:
    pages = [FRONT_PAGE | {"A48": name} for name in ("P1", "P2", "P3")]
    report = intake.load({"a.xlsx": workbook(*pages, empty_rows=1_000_000)})
    assert (errors(report), intake.ids()) == ([], ["H32020000001-P1-2", "H32020000001-P2-2"])
    assert found(report, "REC-X004").hint == "后面还有数据时请删去中间的空行"


def test_some_empty_rows_hide_nothing(intake: Intake) -> None:
    pages = [FRONT_PAGE | {"A48": name} for name in ("P1", "P2")]
    report = intake.load({"a.xlsx": workbook(*pages, empty_rows=xlsx.MOST_EMPTY_ROWS - 1)})
    assert (report.findings, len(intake.ids())) == ([], 2)


def test_formulas_count_by_their_results_and_are_named_without(intake: Intake) -> None:
    place = list(FRONT_PAGE).index

    def kept(path: Path) -> None:
        book = xlsxwriter.Workbook(str(path))
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, list(FRONT_PAGE))
        for number in (1, 2):
            sheet.write_row(number, 0, list((FRONT_PAGE | {"A48": f"P{number}"}).values()))
        sheet.write_formula(1, place("D01"), "=5000*2", None, 10000)
        sheet.write_formula(2, place("C03C"), "=A1", None, "#REF!")
        book.close()

    def lost(path: Path) -> None:
        book = openpyxl.Workbook()
        book.active.append(list(FRONT_PAGE))
        book.active.append(list((FRONT_PAGE | {"A48": "P3", "D01": "=1+1"}).values()))
        book.active.append(list((FRONT_PAGE | {"A48": "=B2"}).values()))
        book.save(path)

    report = intake.load({"a.xlsx": kept, "b.xlsx": lost})
    fees = read_loaded(intake.home, CASES, ["case_id", "total_fee_fen"]).to_pylist()
    fee = {one["case_id"]: one["total_fee_fen"] for one in fees}
    assert [fee[f"H32020000001-P{n}-2"] for n in (1, 2, 3)] == [1_000_000, 1_000_000, None]
    said = {(one.rule_id, one.file, one.record, one.path, one.value) for one in report.findings}
    assert {
        ("REC-X003", "in/a.xlsx", 2, "C03C", "#REF!"),
        ("REC-X002", "in/b.xlsx", 1, "D01", ""),
        ("REC-X002", "in/b.xlsx", 2, "A48", ""),
        ("REC-C003", "in/b.xlsx", 2, "A48", ""),
    } <= said
    assert intake.met("b.xlsx") == (2, 1, 1, 0)


def test_days_that_do_not_exist_are_errors_where_they_decide(intake: Intake) -> None:
    bad = ["2025-02-30", "20250230", "2025-02-30 08:00:00", "0000-00-00", "99999-01-01"]
    pages = csv_text(*(FRONT_PAGE | {"A48": f"P{n}", "B12": one} for n, one in enumerate(bad)), FRONT_PAGE)
    deciding = json_lines(*(message(f"S{n}", adm_time=one) for n, one in enumerate(bad)))
    other = json_lines(*(message(f"T{n}", setl_begn_date=one) for n, one in enumerate(bad)))
    report = intake.load({"a.jsonl": deciding, "b.jsonl": other, "p.csv": pages})
    assert errors(report) == [("REC-D002", name, n) for name in ("a.jsonl", "p.csv") for n in range(1, 6)]
    paths = {"a.jsonl": "setlinfo.adm_time", "b.jsonl": "setlinfo.setl_begn_date", "p.csv": "B12"}
    said = [(one.file.removeprefix("in/"), one.path, one.record, one.value) for one in report.findings]
    assert sorted(said) == [(name, path, n, one) for name, path in paths.items() for n, one in enumerate(bad, start=1)]
    assert all("是否存在" in one.hint for one in report.findings)
    assert intake.ids() == ["H32020000001-B0001-2", "T0", "T1", "T2", "T3", "T4"]


def test_a_day_written_without_signs_is_a_day(intake: Intake) -> None:
    report = intake.load({"a.jsonl": lines("S1", adm_time="20250602083000", dscg_time=20250610)})
    assert report.findings == []
    (case,) = [one for one in read_loaded(intake.home, CASES).to_pylist() if one["case_id"] == "S1"]
    assert (str(case["admission_time"]), case["los"]) == ("2025-06-02 08:30:00", 8)


def test_numbers_as_texts_and_texts_as_numbers(intake: Intake) -> None:
    good = [
        message("1", age="65.0", gend=1, hi_type=310, act_ipt_days="8", psn_ownpay="500.000"),
        message(2, fixmedins_code=32020000001, medcasno=12345678901234567890, psn_selfpay=1500.0000000001),
        message("3", psn_ownpay=5e2),
    ]
    report = intake.load({"a.jsonl": json_lines(*good)})
    assert (errors(report), intake.ids()) == ([], ["1", "2", "3"])
    fees = {one["total_fee_fen"] for one in read_loaded(intake.home, CASES).to_pylist()}
    assert fees == {1_000_000}


ODD_VALUES: list[tuple[str, Any, str, str]] = [
    ("psn_selfpay", "1e3", "REC-N001", "1e3"),
    ("psn_selfpay", "1,500.00", "REC-N001", "1,500.00"),
    ("psn_selfpay", 10**15, "REC-N001", "1000000000000000"),
    ("psn_selfpay", {"a": 1}, "REC-N001", '{"a":1}'),
    ("psn_selfpay", -1, "REC-F001", "-1"),
    ("setl_id", None, "REC-C003", ""),
    ("setl_id", True, "REC-C003", ""),
    ("setl_id", ["S1"], "REC-C003", ""),
    ("age", "六十五", "REC-N002", "六十五"),
    ("age", 1e300, "REC-N002", "1e+300"),
    ("age", True, "REC-N002", "true"),
    ("act_ipt_days", "8天", "REC-N002", "8天"),
]


def test_a_value_of_no_type_is_shown_as_it_stands(intake: Intake) -> None:
    made = [message(f"S{n}") for n in range(len(ODD_VALUES))]
    for one, (field, value, _, _) in zip(made, ODD_VALUES, strict=True):
        one["setlinfo"][field] = value
    report = intake.load({"a.jsonl": json_lines(*made)})
    said = [(one.path, one.rule_id, one.value, one.record) for one in report.findings]
    assert said == [
        (f"setlinfo.{field}", rule, shown, number) for number, (field, _, rule, shown) in enumerate(ODD_VALUES, start=1)
    ]
    assert intake.ids() == ["S10", "S11", "S8", "S9"]


def test_what_is_no_json_number_rejects_its_list(intake: Intake) -> None:
    odd = ["NaN", "Infinity", "1e999", "9" * 400, "0x10", "01", "'65'"]
    texts = [lines(f"S{n}").replace(b'"age":65', f'"age":{one}'.encode()) for n, one in enumerate(odd)]
    report = intake.load({"a.jsonl": b"".join(texts) + lines("T1")})
    assert errors(report) == [("REC-J001", "a.jsonl", n) for n in range(1, 8)]
    assert [one.value for one in report.findings] == [f"S{n}" for n in range(7)]
    assert intake.ids() == ["T1"]


def test_nodes_of_another_shape_are_missing_or_named(intake: Intake) -> None:
    nodes = ("payinfo", "diseinfo", "iteminfo", "oprninfo", "icuinfo", "opspdiseinfo")
    odd: list[Any] = ["x", 5, True, [None, 1, "a", []], None, [], {}]
    made = [message(f"S{n}") | dict.fromkeys(nodes, one) for n, one in enumerate(odd)]
    report = intake.load({"a.jsonl": json_lines(*made)})
    assert (errors(report), intake.ids()) == ([], [f"S{n}" for n in range(7)])
    named = {(one.record, one.path) for one in report.findings if one.rule_id == "REC-J003"}
    assert named == {(number, node) for number in range(1, 5) for node in nodes}


def test_a_line_that_is_no_list_is_one_rejected_record(intake: Intake) -> None:
    odd = [b"null", b"5", b'"x"', b"[]", b"{}", b'{"setlinfo": []}', b'{"setlinfo": null}']
    report = intake.load({"a.jsonl": lines("S1") + b"\n".join(odd) + b"\n" + lines("S9")})
    assert errors(report) == [("REC-J002", "a.jsonl", number) for number in range(2, 9)]
    assert intake.ids() == ["S1", "S9"]


def test_everything_null_is_a_list_without_values(intake: Intake) -> None:
    nothing = dict.fromkeys(message()["setlinfo"])
    report = intake.load({"a.jsonl": json_lines({"setlinfo": nothing}, {"setlinfo": nothing | {"setl_id": "S2"}})})
    assert (errors(report), intake.ids()) == ([("REC-C003", "a.jsonl", 1)], ["S2"])


def test_a_header_that_comes_again_is_said_and_no_record(intake: Intake) -> None:
    pages = csv_text(FRONT_PAGE) + csv_text(FRONT_PAGE | {"A48": "B2"})
    report = intake.load({"a.csv": HEAD + row("C1") + HEAD + row("C2"), "p.csv": pages})
    assert [(one.rule_id, one.severity, one.record) for one in report.findings] == [("REC-C021", "info", 2)] * 2
    assert intake.met("a.csv") == (3, 2, 0, 1)
    assert len(intake.ids()) == 4


def test_a_header_cell_that_stands_twice_is_named_where_its_contents_differ(intake: Intake) -> None:
    head = HEAD.replace("note", "note,sex")
    report = intake.load(
        {"a.csv": head + row("C1").replace("\n", ",2\n"), "b.csv": head + row("C2").replace("\n", ",1\n")}
    )
    assert [(one.rule_id, one.file) for one in report.findings] == [("REC-C008", "in/a.csv")]
    assert {one["case_id"]: one["sex"] for one in read_loaded(intake.home, CASES).to_pylist()}["C1"] == 1


def test_the_same_record_three_times_keeps_the_first_and_counts_the_others(intake: Intake) -> None:
    table = HEAD + row("C1") + row("C1", dx="B01") + row("C1", dx="B02") + row("C1")
    report = intake.load({"a.csv": table, "a.jsonl": lines("S1") + lines("S1", dscg_way="2") + lines("S1")})
    assert errors(report) == [("REC-P001", "a.csv", 2), ("REC-P001", "a.csv", 3), ("REC-P001", "a.jsonl", 2)]
    assert {one.value for one in report.findings if one.file == "in/a.csv"} == {"C1（先见于第 1 条）"}
    assert (intake.met("a.csv"), intake.met("a.jsonl")) == ((4, 1, 2, 1), (3, 1, 1, 1))
    assert {one["case_id"]: one["dx"] for one in read_loaded(intake.home, CASES).to_pylist()}["C1"] == ["A01"]


def test_two_hospitals_in_one_file_are_kept_apart(intake: Intake) -> None:
    table = HEAD.replace("note", "institution_code") + row("C1", note="H1") + row("C1", note="H2")
    pages = csv_text(FRONT_PAGE, FRONT_PAGE | {"A01": "H9"})
    report = intake.load({"a.csv": table, "p.csv": pages, "a.jsonl": lines("S1") + lines("S1", fixmedins_code="H9")})
    assert report.findings == []
    cases = read_loaded(intake.home, CASES, ["institution_code", "case_id"]).to_pylist()
    assert len({tuple(one.values()) for one in cases}) == 7


def test_a_zero_byte_rejects_its_row_and_names_the_column(intake: Intake) -> None:
    report = intake.load({"a.csv": HEAD + row("C1") + row("C2", note="a\0b") + row("C3")})
    assert (errors(report), intake.ids()) == ([("REC-E001", "a.csv", 2)], ["C1", "C3"])
    assert found(report, "REC-E001").path == "note"


@pytest.mark.parametrize("content", [HEAD, HEAD.rstrip("\n"), HEAD + "\n\n"])
def test_a_header_alone_is_said(intake: Intake, content: str) -> None:
    report = intake.load({"a.csv": content})
    assert [(one.rule_id, one.severity, one.file) for one in report.findings] == [("REC-C009", "info", "in/a.csv")]
    assert intake.met("a.csv") == (0, 0, 0, 0)


@pytest.mark.parametrize("content", ["", "\n\n  \n", "\ufeff", "\ufeff\r\n"])
def test_an_empty_file_is_said(intake: Intake, content: str) -> None:
    report = intake.load({"a.csv": content, "b.json": content})
    assert errors(report) == [("REC-K001", "a.csv", 0), ("REC-K001", "b.json", 0)]
    assert all("空" in one.message for one in report.findings)


@pytest.mark.parametrize(
    "content",
    [
        (HEAD + row("C1") + row("C2")).rstrip("\n"),
        (HEAD + row("C1") + row("C2")).replace("\n", "\r"),
        (HEAD + row("C1") + row("C2")).replace("\n", "\r\n"),
        "\n\r\n  \n" + HEAD + "\n\n" + row("C1") + "\r\n" + row("C2") + "\n\n",
        HEAD + row("C1", note='"多行\n\n说明，""引用"""') + row("C2", note='"a\r\nb"'),
    ],
    ids=["no newline at the end", "carriage returns", "both", "blank lines", "newlines within quotes"],
)
def test_line_ends_of_any_kind_are_line_ends(intake: Intake, content: str) -> None:
    report = intake.load({"a.csv": content})
    assert (report.findings, intake.ids(), intake.met("a.csv")) == ([], ["C1", "C2"], (2, 2, 0, 0))


def test_lines_may_end_with_carriage_returns_in_lists_and_in_pieces(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", 400)
    table = (HEAD + "".join(row(f"C{n}") for n in range(99))).replace("\n", "\r")
    report = intake.load({"a.csv": "\r\r" + table})
    assert (report.findings, intake.met("a.csv")) == ([], (99, 99, 0, 0))


UNCLOSED = {
    "never closed": ('"没有闭合', ""),
    "a quoted cell below": ('"没有闭合', '"好的"'),
    "a quote at the end of a cell below": ('"没有闭合', '又一个"'),
    "a quoted cell with the separator": ('"没有闭合', '"好,的"'),
}


@pytest.mark.parametrize("size", [700, pieces.PIECE_BYTES])
def test_an_unclosed_quote_swallows_no_row(intake: Intake, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", size)
    files: dict[str, Content] = {}
    for place, (opening, closing) in enumerate(UNCLOSED.values()):
        rows = [row(f"{place}-{n}", note="" if n % 7 else '"多行\n说明"') for n in range(40)]
        rows[5], rows[20] = row(f"{place}-5", note=opening), row(f"{place}-20", note=closing)
        files[f"{place}.csv"] = HEAD + "".join(rows)
    report = intake.load(files)
    assert errors(report) == [("REC-C023", name, 6) for name in files]
    assert intake.ids() == sorted(f"{place}-{n}" for place in range(4) for n in range(40) if n != 5)
    assert {intake.met(name) for name in files} == {(40, 39, 1, 0)}


def test_quotes_within_cells_open_nothing(intake: Intake) -> None:
    rows = row("C1", note='5" 钢钉') + row("C2", note='钢板 3"') + row("C3", note="'") + row("C4", note='""')
    report = intake.load({"a.csv": HEAD + rows})
    assert (report.findings, intake.ids()) == ([], ["C1", "C2", "C3", "C4"])


def test_a_folder_with_the_name_of_a_file_and_links_that_lead_nowhere(intake: Intake) -> None:
    report = intake.load(
        {
            "x.csv": Path.mkdir,
            "around": lambda path: path.symlink_to("."),
            "self.csv": lambda path: path.symlink_to("self.csv"),
            "gone.csv": lambda path: path.symlink_to("nowhere.csv"),
        }
    )
    assert errors(report) == [("REC-C007", "gone.csv", 0), ("REC-C007", "self.csv", 0)]
    messages = {one.file: one.message for one in report.findings}
    assert "没有这个文件" in messages["in/gone.csv"]
    assert "绕成了圈" in messages["in/self.csv"]
    assert report.records["settlement-list"] == 1


def test_a_file_that_may_not_be_read_is_named(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    # Permissions do not bind the superuser, so the refusal is the system's own word for it.
    really = Path.open

    def opened(path: Path, mode: str = "r", *given: Any, **named: Any) -> Any:
        if path.name == "closed.jsonl" and mode.startswith("r"):
            raise PermissionError(errno.EACCES, "refused", str(path))
        return really(path, mode, *given, **named)

    monkeypatch.setattr(Path, "open", opened)
    report = intake.load({"closed.jsonl": lines("S1")})
    assert errors(report) == [("REC-C007", "closed.jsonl", 0)]
    assert "权限" in report.findings[0].message
