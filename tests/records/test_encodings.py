"""Encodings: UTF-8, GB18030 and both in one file, line by line; what neither fits damages its own line only."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.errors import RecordsError
from tongpin.records.files.encodings import REPLACEMENT, UTF8_BOM, decode, leaning

LINES = ["姓名,住院诊断说明", "某甲,脑梗死伴左侧肢体无力", "plain ascii", "某乙,2型糖尿病伴多个并发症"]
TEXT = "\n".join(LINES)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_one_encoding(encoding: str) -> None:
    assert decode(TEXT.encode(encoding), "a.csv") == (TEXT.encode(), False)


@given(st.lists(st.sampled_from(["utf-8", "gb18030"]), min_size=4, max_size=4))
def test_lines_of_both_encodings_in_one_file(encodings: list[str]) -> None:
    data = b"\n".join(line.encode(encoding) for line, encoding in zip(LINES, encodings, strict=True))
    assert decode(data, "a.csv") == (TEXT.encode(), False)


def test_a_bom_in_the_middle_of_exports_put_together_goes() -> None:
    part = UTF8_BOM + TEXT.encode()
    assert decode(part + b"\n" + part, "a.csv").data == (TEXT + "\n" + TEXT).encode()


def test_a_bom_inside_a_text_belongs_to_the_text() -> None:
    line = "L01.001|\ufeffA01.100\n".encode()
    assert decode(line, "a.csv").data == line


def test_gb18030_that_looks_like_utf8_by_chance_is_told_by_the_file() -> None:
    # These two bytes are 联 in neither encoding alone: UTF-8 reads them as one Greek letter.
    short = "联".encode("gb18030")
    assert short.decode("utf-8", errors="replace") != "联"
    data = "\n".join(["脑梗死伴左侧肢体无力"] * 3).encode("gb18030") + b"\n" + bytes([0xCE, 0xB1])
    assert decode(data, "a.csv").data.decode().split("\n")[-1] == bytes([0xCE, 0xB1]).decode("gb18030")


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_torn_line_is_damaged_alone(encoding: str) -> None:
    lines = [line.encode(encoding) for line in LINES]
    lines[1] = lines[1][:9] + b"\xff" + lines[1][9:]
    data, damaged = decode(b"\n".join(lines), "a.csv")
    assert damaged
    assert [REPLACEMENT in line for line in data.decode().split("\n")] == [False, True, False, False]


def test_a_zero_byte_damages_its_line() -> None:
    data, damaged = decode(b"a,b\n1,\x00\n2,3\n", "a.csv")
    assert damaged
    assert [REPLACEMENT in line for line in data.decode().split("\n")] == [False, True, False, False]


@pytest.mark.parametrize("data", [TEXT.encode("utf-16"), b"".join(bytes([c, 0]) for c in b"case_id,sex\n1,2\n")])
def test_utf16_is_refused_with_a_hint(data: bytes) -> None:
    with pytest.raises(RecordsError) as caught:
        decode(data, "a.csv")
    assert (caught.value.code, caught.value.where) == ("records.encoding", "a.csv")
    assert "UTF-8" in caught.value.hint


def test_a_file_without_one_readable_line_is_refused() -> None:
    with pytest.raises(RecordsError, match="既不是"):
        decode(b"a,\xff\xff\n", "a.csv")


def test_the_head_of_a_file_shows_what_most_of_it_is() -> None:
    assert leaning(TEXT.encode("gb18030")) == "gb18030"
    assert leaning(TEXT.encode()) == leaning(b"ascii") == "utf-8"


@given(st.binary(max_size=200))
def test_any_bytes_become_utf8_or_a_refusal(data: bytes) -> None:
    with contextlib.suppress(RecordsError):
        assert isinstance(decode(data, "a.csv").data.decode("utf-8"), str)
