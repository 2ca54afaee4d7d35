"""JSON made column by column is byte for byte what is made row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from list_samples import full_message, read_messages
from records_samples import message

from tongpin.records.write import Names
from tongpin.records.writers import settlement_list
from tongpin.records.writers.json_texts import arrays, joined, objects
from tongpin.records.writers.shared import TO_QUOTE_BYTES, holds, write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.records.writers.settlement_list import Interface

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
ROWS = st.lists(st.tuples(TEXT, TEXT, st.integers(0, 3)), max_size=6)


@given(ROWS, st.integers(0, 3))
def test_objects_and_arrays_are_those_of_an_encoder(rows: list[tuple[str, str, int]], cut: int) -> None:
    names = ("姓名", 'a"b')
    fields = {name: pa.array([row[place] for row in rows], pa.string())[cut:] for place, name in enumerate(names)}
    rows = rows[cut:]
    written = objects(fields)
    expected = [dict(zip(names, row[:2], strict=True)) for row in rows]
    assert written.to_pylist() == [orjson.dumps(one).decode() for one in expected]
    counts = [row[2] for row in rows]
    entries = [expected[row] for row, count in enumerate(counts) for _ in range(count)]
    listed = arrays(pa.array([orjson.dumps(one).decode() for one in entries], pa.string()), counts)
    messages = joined({"head": written, "list": listed})
    assert messages.to_pylist() == [
        orjson.dumps({"head": one, "list": [one] * count}).decode() for one, count in zip(expected, counts, strict=True)
    ]


def test_signs_are_found_in_the_slice_that_is_asked_for() -> None:
    texts = pa.array(["甲,乙", None, "丙"])
    assert holds(texts, TO_QUOTE_BYTES)
    assert not holds(texts[1:], TO_QUOTE_BYTES)
    assert not holds(texts[3:], TO_QUOTE_BYTES)


def test_cells_with_commas_quotes_and_line_ends_are_quoted(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", {"x": ["1", "a,b", 'c"d', "e\nf"], "y": ["甲", None, "", "-"]})
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == 'x,y\n1,甲\n"a,b",\n"c""d",\n"e\nf",-\n'


@pytest.mark.parametrize("interface", ["4101", "4101A"])
def test_lists_are_the_same_however_many_are_made_at_a_time(
    monkeypatch: pytest.MonkeyPatch, interface: Interface
) -> None:
    found = read_messages(full_message(interface), message("S2", remark='一"二'), message("S3"))

    def lines() -> list[bytes]:
        return settlement_list.settlement_lines(found.cases, names=Names(), persons=found.persons, interface=interface)

    at_once = lines()
    monkeypatch.setattr(settlement_list, "ROWS_AT_ONCE", 1)
    assert lines() == at_once
    assert len(at_once) == 3
    assert '一\\"二' in at_once[1].decode()
