"""Whatever is done to the bytes of a file: nothing crashes, and every record met is a case or has a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records_samples import FRONT_PAGE, KEY, csv_text, json_lines, message

from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import LOADS, load_files, read_loaded
from tongpin.records.intake.read import read
from tongpin.records.intake.repeats import REPEATED
from tongpin.store.home import Home

if TYPE_CHECKING:
    from tongpin.records.intake.read import Loaded

OUTCOMES = ("new", "changed", "older", "unchanged", "rejected", "repeated")
PLAIN = "case_id,sex,age,dx,px,total_fee_fen\n" + "".join(
    f"C{n},1,{30 + n},A01.000|B02.900,31.1,100\n" for n in range(4)
)
FILES = {
    "settlement-list": json_lines(*(message(f"S{n}") for n in range(3))),
    "front-page": csv_text(*(FRONT_PAGE | {"A48": f"B{n}"} for n in range(3))).encode(),
    "plain": PLAIN.encode(),
}


def assert_nothing_is_lost(loaded: Loaded) -> None:
    assert loaded.cases.schema.names[: len(CASE_SCHEMA)] == CASE_SCHEMA.names
    assert loaded.persons.num_rows in {0, loaded.cases.num_rows}
    named = {found.record for found in loaded.findings if found.severity == "error" or found.rule_id in REPEATED}
    kept = loaded.cases["record"].to_pylist()
    assert len(set(kept)) == len(kept)
    assert not named & set(kept)
    assert 0 in named or len(named | set(kept)) == loaded.read_count


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(FILES)),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=4),
    st.floats(0, 1),
)
def test_changed_and_cut_bytes(
    tmp_path_factory: pytest.TempPathFactory, kind: str, changes: list[tuple[float, int]], kept: float
) -> None:
    data = bytearray(FILES[kind])
    for place, value in changes:
        data[int(place * len(data))] = value
    if kept > 0.5:
        data = data[: int(kept * len(data))]
    path = tmp_path_factory.mktemp("bytes") / "file"
    path.write_bytes(bytes(data))
    assert_nothing_is_lost(read(path, kind, key=KEY))


@pytest.mark.parametrize("kind", sorted(FILES))
def test_the_whole_files_load_whole(tmp_path_factory: pytest.TempPathFactory, kind: str) -> None:
    path = tmp_path_factory.mktemp("bytes") / "file"
    path.write_bytes(FILES[kind])
    loaded = read(path, kind, key=KEY)
    assert_nothing_is_lost(loaded)
    assert loaded.cases.num_rows == loaded.read_count
    assert not [found for found in loaded.findings if found.severity == "error"]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=5))
def test_a_load_of_changed_bytes_balances(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, int]]
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "in").mkdir()
    for kind, whole in FILES.items():
        data = bytearray(whole * 2)
        for place, value in changes:
            data[int(place * len(data))] = value
        (folder / "in" / kind).write_bytes(bytes(data))
    home = Home.open(folder / "home")
    report = load_files(home, [folder / "in"])
    for row in read_loaded(home, LOADS).to_pylist():
        assert row["records"] == row["loaded"] + row["rejected"] + row["repeated"]
    assert sum(report.records.values()) == sum(sum(getattr(report, name).values()) for name in OUTCOMES)
