"""Pieces: however small the pieces, the records, their numbers and what is found are those of the whole file."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from records_samples import FRONT_PAGE, KEY, csv_text, json_lines, message

from tongpin.records.files import pieces
from tongpin.records.files.archives import Source
from tongpin.records.files.pieces import pieces_of
from tongpin.records.intake.read import read

HEAD = "case_id,dx,note\n"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of a few hundred bytes; nothing is read whole beyond a few thousand."""
    monkeypatch.setattr(pieces, "PIECE_BYTES", 700)
    monkeypatch.setattr(pieces, "PIECE_ROWS", 2)
    monkeypatch.setattr(pieces, "LARGEST_WHOLE_BYTES", 6000)


def cut(path: Path) -> list[pieces.Piece]:
    return list(pieces_of(Source(path, path.name)))


def seen(path: Path) -> tuple[Any, ...]:
    loaded = read(path, key=KEY)
    persons = loaded.persons.to_pylist()
    return loaded.cases.to_pylist(), persons, loaded.keys.to_pylist(), loaded.findings, loaded.read_count


LISTS = [message(f"S{n}", gend="9" if n == 3 else "1", psn_name="示例甲") for n in range(9)]
PAGES = [FRONT_PAGE | {"A48": f"B{n}", "A11": '"示例\n甲"', "B34C": "8" if n == 4 else "1"} for n in range(9)]
PLAIN = HEAD + "".join(f'C{n},A01|B02,"多行\n说明 {n}"\n' + ("\n" if n % 3 == 0 else "") for n in range(120))
FILES = {
    "lines.jsonl": json_lines(*LISTS[:4]) + b"\n\n" + json_lines(*LISTS[4:]) + b'{"setlinfo": {"setl_id": "S9"\n',
    "array.json": orjson.dumps(LISTS),
    "pretty.json": orjson.dumps(LISTS, option=orjson.OPT_INDENT_2),
    "objects.json": b"\n".join(orjson.dumps(one, option=orjson.OPT_INDENT_2) for one in LISTS),
    "array-gb.json": orjson.dumps(LISTS).decode().encode("gb18030"),
    "pages.csv": csv_text(*PAGES).encode(),
    "pages-gb.csv": csv_text(*PAGES).encode("gb18030"),
    "plain.csv": PLAIN.encode(),
    "plain-crlf.csv": PLAIN.replace("\n", "\r\n").encode(),
    "lines.jsonl.gz": gzip.compress(json_lines(*LISTS), mtime=0),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_small_pieces_say_what_the_whole_file_says(tmp_path: Path, name: str, request: pytest.FixtureRequest) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    assert len(cut(path)) == 1
    whole = seen(path)
    request.getfixturevalue("small")
    assert len(cut(path)) > 3
    assert seen(path) == whole
    assert whole[0]


@pytest.mark.usefixtures("small")
def test_parquet_comes_in_row_groups(tmp_path: Path) -> None:
    table = pa.table({"case_id": [f"C{n}" for n in range(7)], "dx": [["A01"]] * 7})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=3)
    assert [piece.before for piece in cut(tmp_path / "a.parquet")] == [0, 2, 4, 6]
    loaded = read(tmp_path / "a.parquet", key=KEY)
    assert loaded.cases["record"].to_pylist() == list(range(1, 8))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["lines.jsonl", "plain.csv"])
def test_a_line_without_end_is_one_rejected_record(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "plain.csv":
        path.write_text(HEAD + "C1,A01,\nC2,A01," + "x" * 20_000 + "\nC3,A01,\n", encoding="utf-8")
    else:
        path.write_bytes(json_lines(message("S1")) + b'{"x": "' + b"x" * 20_000 + b'"}\n' + json_lines(message("S3")))
    loaded = read(path, key=KEY)
    assert loaded.cases["record"].to_pylist() == [1, 3]
    assert [(one.rule_id, one.record) for one in loaded.findings if one.severity == "error"] == [("REC-C020", 2)]
    assert loaded.read_count == 3


@pytest.mark.usefixtures("small")
def test_one_object_too_large_to_be_read_ends_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[" + orjson.dumps(message("S1")) + b',{"setlinfo": "' + b"x" * 20_000 + b'"}]')
    loaded = read(path, key=KEY)
    assert loaded.cases["case_id"].to_pylist() == ["S1"]
    assert [(one.rule_id, one.record) for one in loaded.findings if one.severity == "error"] == [("REC-C022", 2)]
    assert loaded.read_count == 2


@pytest.mark.usefixtures("small")
def test_a_quote_that_nothing_closes_loses_no_neighbours_far_away(tmp_path: Path) -> None:
    rows = [f"C{n},A01,{'说' * 30}\n" for n in range(400)]
    rows[5] = 'C5,A01,"没有闭合\n'
    path = tmp_path / "a.csv"
    path.write_text(HEAD + "".join(rows), encoding="utf-8")
    loaded = read(path, key=KEY)
    assert loaded.cases["record"].to_pylist() == [n for n in range(1, 401) if n != 6]
    assert [(one.rule_id, one.record) for one in loaded.findings if one.severity == "error"] == [("REC-C023", 6)]
    assert loaded.read_count == 400


@pytest.mark.parametrize("bad", ['C2,A01,"没有闭合', 'C2,"A01,说明', 'C2,A01,"他说""好', '"C2,A01,'])
def test_a_quote_that_nothing_closes_is_one_rejected_record(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'{HEAD}C1,A01,"多行\n说明"\n{bad}\nC3,A01,\nC4,A01,\n', encoding="utf-8")
    loaded = read(path, key=KEY)
    assert loaded.cases["case_id"].to_pylist() == ["C1", "C3", "C4"]
    assert loaded.cases["record"].to_pylist() == [1, 3, 4]
    assert [(one.rule_id, one.record) for one in loaded.findings if one.severity == "error"] == [("REC-C023", 2)]


def test_a_quote_within_a_text_is_a_sign_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'{HEAD}C1,A01,5" 钢钉\nC2,A01,\n', encoding="utf-8")
    loaded = read(path, key=KEY)
    assert loaded.cases["case_id"].to_pylist() == ["C1", "C2"]


@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_deep_nesting_is_a_finding(tmp_path: Path, depth: int, bracket: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(json_lines(message("S1")) + b'{"setlinfo": ' + bracket.encode() * depth + b"\n")
    loaded = read(path, "settlement-list", key=KEY)
    assert loaded.cases["case_id"].to_pylist() == ["S1"]
    assert ("REC-J001", 2) in [(one.rule_id, one.record) for one in loaded.findings]


def test_a_header_that_comes_again_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    part = HEAD + "C1,A01,\n"
    path.write_bytes(b"\xef\xbb\xbf" + part.encode() + b"\xef\xbb\xbf" + part.replace("C1", "C2").encode())
    loaded = read(path, key=KEY)
    assert loaded.cases["case_id"].to_pylist() == ["C1", "C2"]
    assert [(one.rule_id, one.severity, one.record) for one in loaded.findings if one.record == 2] == [
        ("REC-C021", "info", 2)
    ]
    assert loaded.read_count == 3


def test_bytes_that_fit_no_encoding_reject_their_record_only(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes((HEAD + "C1,A01,好\nC2,A01,").encode() + b"\xff\x00\nC3,A01,\xc4\xe3\n")
    loaded = read(path, key=KEY)
    assert loaded.cases["case_id"].to_pylist() == ["C1", "C3"]
    assert [one.record for one in loaded.findings if one.rule_id == "REC-E001"] == [2]
    assert dict(loaded.cases["extra"].to_pylist()[1]) == {"note": "你"}


words = st.text(alphabet='{}[]",\\: ab医', max_size=12)


@given(st.lists(st.dictionaries(words, st.one_of(words, st.lists(words, max_size=2)), max_size=3), max_size=8))
def test_objects_end_where_json_says(objects: list[dict[str, Any]]) -> None:
    texts = [orjson.dumps(one) for one in objects]
    ends = pieces._object_ends(b",".join(texts)).tolist()
    assert ends == [length - 2 for length in itertools.accumulate(len(text) + 1 for text in texts)]
