"""What kind a file is, told from its content; what cannot be told is refused with what was looked at."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import orjson
import pytest
from records_samples import FRONT_PAGE, KEY, MESSAGE, csv_text, json_lines

from tongpin.base.errors import RecordsError
from tongpin.records.intake.kinds import detect
from tongpin.records.intake.read import read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (json_lines(MESSAGE, MESSAGE), "settlement-list"),
        (orjson.dumps([MESSAGE]), "settlement-list"),
        (orjson.dumps([MESSAGE])[:-300], "settlement-list"),
        (csv_text(FRONT_PAGE).encode(), "front-page"),
        (csv_text(FRONT_PAGE).encode("gb18030"), "front-page"),
        ("病案号,入院时间,出院时间,出院主要诊断编码\n".encode("gb18030"), "front-page"),
        (b"case_id,sex,dx\n", "plain"),
        (b"setl_id,medfee_sumamt\n", "settlement-result"),
        (b"institution_code,setl_id,withdrawn_date\n", "withdrawal"),
    ],
)
def test_the_content_shows_the_kind(tmp_path: Path, data: bytes, kind: str) -> None:
    path = tmp_path / "whatever.dat"
    path.write_bytes(data)
    found = detect(path)
    assert found.kind == kind
    assert found.reason


def test_the_reason_names_the_signs_and_what_came_next(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("institution_code,setl_id,withdrawn_date\n", encoding="utf-8")
    reason = detect(path).reason
    assert "institution_code、setl_id、withdrawn_date" in reason
    assert "其次像" in reason
    assert "但缺" in reason
    path.write_bytes(csv_text(FRONT_PAGE | {"case_id": "1"}).encode())
    found = detect(path)
    assert found.kind == "plain"
    assert "也像病案首页" in found.reason


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "空"),
        (b" \n", "空"),
        (b'{"a": 1}', "setlinfo"),
        (b"a,A48,setl_id\n1,2,3\n", "3 列里认得 2 列（A48、setl_id）"),
        (b"PK\x03\x04 more", "xlsx"),
    ],
)
def test_an_unknown_file_is_refused_with_what_was_looked_at(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "whatever.csv"
    path.write_bytes(data)
    with pytest.raises(RecordsError) as caught:
        detect(path)
    assert caught.value.code == "records.kind"
    assert caught.value.where == "whatever.csv"
    assert caught.value.hint
    assert why in caught.value.message
    loaded = read(path, key=KEY)
    assert ("REC-K001", 0) in [(found.rule_id, found.record) for found in loaded.findings]
    assert (loaded.kind, loaded.cases.num_rows) == ("unknown", 0)


def test_a_table_without_header_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "whatever.csv"
    path.write_text("某某某,320200199001010011,2025-06-02\n", encoding="utf-8")
    shown = str(read(path, key=KEY).findings)
    assert "3 列里认得 0 列" in shown
    assert "某某某" not in shown
    assert "320200" not in shown


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"\x1f\x8bno gzip", "REC-C006"),
        (gzip.compress(json_lines(MESSAGE), mtime=0)[:-20], "REC-C006"),
        (gzip.compress(json_lines(MESSAGE), mtime=0)[:30] + b"noise" * 9, "REC-C006"),
        (b"PAR1no parquet", "REC-C006"),
        (b"a,\xff\xff\n", "REC-E001"),
    ],
    ids=["no-gzip", "cut-gzip", "noisy-gzip", "no-parquet", "no-encoding"],
)
def test_a_broken_file_gives_one_error(tmp_path: Path, data: bytes, rule: str) -> None:
    path = tmp_path / "whatever.csv"
    path.write_bytes(data)
    loaded = read(path, key=KEY)
    assert [(found.rule_id, found.severity, found.record) for found in loaded.findings] == [(rule, "error", 0)]


@pytest.mark.parametrize("kind", [None, "plain"])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, kind: str | None) -> None:
    with pytest.raises(RecordsError) as caught:
        read(tmp_path / "none.csv", kind, key=KEY)
    assert caught.value.code == "records.file"


def test_an_unknown_word_for_a_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordsError) as caught:
        read(tmp_path / "none.csv", "xlsx", key=KEY)
    assert caught.value.code == "records.kind"
    assert "settlement-list" in caught.value.hint


@pytest.mark.parametrize("kind", ["settlement-list", "front-page", "plain", "decision", "settlement-result"])
@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02", b"[[[[", b'"', b"a\n1\n", b"{}\n{}\n", b",,,\n,,,\n"])
def test_the_wrong_kind_never_crashes(tmp_path: Path, kind: str, data: bytes) -> None:
    path = tmp_path / "whatever.csv"
    path.write_bytes(data)
    loaded = read(path, kind, key=KEY)
    assert loaded.cases.num_rows == 0
    assert {found.severity for found in loaded.findings} >= {"error"}
