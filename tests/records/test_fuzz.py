"""Files damaged at random: no load stops, no record is lost in silence, what was not touched loads as before."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated, mutated_within, samples
from records_samples import FRONT_PAGE, KEY, csv_text, json_lines, message

from tongpin.records.files import pieces
from tongpin.records.files.csv_rows import rows_of
from tongpin.records.intake.load import CASES, LOADS, load_files, read_loaded
from tongpin.records.intake.read import read
from tongpin.store.home import Home

FILES_A_LOAD = 40


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return samples(tmp_path_factory.mktemp("sound"))


def load_damaged(folder: Path, files: dict[str, bytes]) -> None:
    """Load the files beside a good one, twice; what must hold is asserted here."""
    place = folder / "in"
    place.mkdir()
    for name, data in files.items():
        (place / name).write_bytes(data)
    (place / "good.jsonl").write_bytes(json_lines(message("NEIGHBOUR")))
    home = Home.open(folder / "home")
    report = load_files(home, [place])
    assert "NEIGHBOUR" in read_loaded(home, CASES, ["case_id"])["case_id"].to_pylist()
    for row in read_loaded(home, LOADS).to_pylist():
        assert row["records"] == row["loaded"] + row["rejected"] + row["repeated"], row
    assert all(one.file and one.message and one.hint for one in report.findings)
    loaded = sum(row["loaded"] for row in read_loaded(home, LOADS).to_pylist())
    assert loaded == sum(sum(done.values()) for done in (report.new, report.changed, report.older, report.unchanged))
    again = load_files(home, [place])
    assert (sum(again.new.values()), sum(again.changed.values())) == (0, 0)
    assert again.rejected == report.rejected


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("size", [900, pieces.PIECE_BYTES])
def test_damaged_files_stop_no_load_and_lose_no_record(
    tmp_path: Path, sound: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, seed: int, size: int
) -> None:
    monkeypatch.setattr(pieces, "PIECE_BYTES", size)
    monkeypatch.setattr(pieces, "LARGEST_WHOLE_BYTES", 8 * size)
    chance = random.Random(seed * 2 + (size > 900))
    names = sorted(sound)
    files = {}
    for number in range(FILES_A_LOAD):
        name = chance.choice(names)
        files[f"{number}-{name.replace('/', '-')}"] = mutated(chance, sound[name], sound[chance.choice(names)])
    load_damaged(tmp_path, files)


NUMBERS = ["1111111", "2222222", "3333333", "4444444", "5555555"]
"""Ids so far apart that no damage makes one of another."""
PLAIN = "case_id,sex,age,dept,los,discharge_way,dx,px,note\n"
LINES: dict[str, bytes] = {
    "a.jsonl": json_lines(*(message(one, chfpdr_name="示例甲") for one in NUMBERS)),
    "pages.csv": csv_text(*(FRONT_PAGE | {"A48": one} for one in NUMBERS)).encode(),
    "pages-gb.csv": csv_text(*(FRONT_PAGE | {"A48": one} for one in NUMBERS)).encode("gb18030"),
    "plain.csv": (PLAIN + "".join(f"{one},1,30,04,5,1,A01|B02,88.9,说明\n" for one in NUMBERS)).encode(),
    "ascii.csv": (PLAIN + "".join(f"{one},1,30,04,5,1,A01|B02,88.9,\n" for one in NUMBERS)).encode(),
}


def content(path: Path) -> dict[str, dict[str, Any]]:
    """Cases and persons of a file by case, wherever they stand in it."""
    loaded = read(path, key=KEY)
    cases = loaded.cases.drop_columns(["file", "record"]).to_pylist()
    persons = loaded.persons.to_pylist() or [{}] * len(cases)
    return {
        case["case_id"]: {name: value for name, value in (case | person).items() if value not in (None, [])}
        for case, person in zip(cases, persons, strict=True)
    }


@settings(max_examples=50, deadline=None)
@given(name=st.sampled_from(sorted(LINES)), place=st.integers(1, 4), seed=st.integers(0, 2**32))
def test_records_beside_a_damaged_line_load_as_before(
    tmp_path_factory: pytest.TempPathFactory, name: str, place: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("lines")
    (folder / name).write_bytes(LINES[name])
    before = content(folder / name)
    lines = LINES[name].split(b"\n")
    at = place if name.endswith(".jsonl") else place + 1
    without = b"" if name.endswith(".jsonl") else b'"'
    lines[at] = mutated_within(random.Random(seed), lines[at], without)
    (folder / name).write_bytes(b"\n".join(lines))
    after = content(folder / name)
    untouched = [one for one in before if NUMBERS[place] not in one]
    assert len(untouched) == 4
    assert [(one, after.get(one)) for one in untouched] == [(one, before[one]) for one in untouched]


@given(st.text(alphabet='a,"\n\r;', max_size=60), st.integers(1, 5))
def test_rows_are_whole_lines_one_after_another(text: str, width: int) -> None:
    data = text.encode()
    rows = rows_of(data, ",", width)
    assert b"".join(data[start:end] for start, end in zip(rows.starts, rows.ends, strict=True)) == data
    assert all(data[end - 1 : end] == b"\n" for end in rows.ends[:-1])
    assert not (rows.torn & rows.empty).any()
    begun = rows_of(data, ",", width, last=False)
    assert begun.ends.tolist() == rows.ends[: len(begun.ends)].tolist()
    assert begun.torn.tolist() == rows.torn[: len(begun.torn)].tolist()


cells = st.text(alphabet='a",\n|医 ', max_size=8)


@given(st.lists(st.lists(cells, min_size=3, max_size=3), max_size=6))
def test_well_quoted_rows_are_never_torn(table: list[list[str]]) -> None:
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in table]
    rows = rows_of("".join(f"{line}\n" for line in lines).encode(), ",", 3)
    assert (rows.size, rows.torn.any()) == (len(table), False)
