"""Reading the lake: several files at a time, in order; files without a wanted row are passed over, damage is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpin.base.errors import StoreError
from tongpin.store import lake, reading
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

MONTHS = [f"2025-{number:02d}" for number in range(1, 13)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A table of twelve files, a month each."""
    home = Home.open(tmp_path / "home")
    for place, month in enumerate(MONTHS):
        ids = [f"{place:02d}-{row}" for row in range(3)]
        lake.append(home, "lines", pa.table({"period": [month] * 3, "id": ids, "fee_fen": [place, place + 1, 7]}))
    return home


def asked(home: Home, column: str, values: list[str], columns: list[str] | None = None) -> list[dict[str, Any]]:
    table = lake.read(home, "lines", columns, where=(column, pa.array(values, pa.string())))
    assert table is not None
    return table.to_pylist()


def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files of which columns are read, as they are read."""
    met: list[str] = []
    real = reading._read_columns

    def noted(file: Any, names: list[str], *, threads: bool) -> pa.Table:
        found = real(file, names, threads=threads)
        met.append(",".join(sorted(names)))
        return found

    monkeypatch.setattr(reading, "_read_columns", noted)
    return met


def test_files_of_other_months_are_not_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    met = opened(monkeypatch)
    rows = asked(home, "period", ["2025-03", "2025-04"], ["id", "fee_fen"])
    assert sorted(row["id"] for row in rows) == ["02-0", "02-1", "02-2", "03-0", "03-1", "03-2"]
    assert met.count("fee_fen,id") == 2
    assert met.count("period") == 2


def test_of_a_file_without_a_hit_only_the_column_is_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    met = opened(monkeypatch)
    assert asked(home, "id", ["02-0x"]) == [], "between 02-0 and 02-1, so the statistics leave it open"
    assert met == ["id"]
    assert asked(home, "id", []) == []
    assert met == ["id"]


@settings(deadline=None, max_examples=25)
@given(wanted=st.lists(st.sampled_from([*MONTHS, "2024-12", "2025-020", "", "２０２５"]), max_size=5))
def test_what_is_asked_for_is_what_a_filter_gives(tmp_path_factory: Any, wanted: list[str]) -> None:
    home = Home.open(tmp_path_factory.mktemp("lake") / "home")
    parts = [("2025-01", "2025-03", None), ("2025-02", "２０２５", ""), (None, None, None), ("2025-12",) * 3]
    for number, periods in enumerate(parts):
        lake.append(home, "lines", pa.table({"period": pa.array(periods, pa.string()), "n": [number] * 3}))
    every = lake.read(home, "lines")
    assert every is not None
    expected = [row for row in every.to_pylist() if row["period"] in wanted]
    assert asked(home, "period", wanted) == expected


def test_a_file_from_before_a_column_holds_none_of_its_values(home: Home) -> None:
    lake.append(home, "lines", pa.table({"period": ["2026-01"], "id": ["x"], "fee_fen": [1], "run": ["a/2026-01"]}))
    assert asked(home, "run", ["a/2026-01"], ["id", "nowhere"]) == [{"id": "x", "nowhere": None}]


def test_rows_of_a_load_that_did_not_end_are_left_out_of_what_is_asked(home: Home) -> None:
    number = lake.begin(home, ["cases"])
    rows = pa.table({"case_id": ["1", "2"], "fee_fen": [1, 2]})
    lake.upsert(home, "cases", rows, ["case_id"], load=number)
    wanted = ("case_id", pa.array(["1"]))
    for columns, shown in ((None, 0), (["fee_fen"], 0)):
        table = lake.read(home, "cases", columns, where=wanted)
        assert table is not None
        assert table.num_rows == shown
    inside = lake.read(home, "cases", ["fee_fen"], where=wanted, within=number)
    assert inside is not None
    assert inside.to_pylist() == [{"fee_fen": 1}]


def test_damage_is_refused_also_where_nothing_is_asked_of_the_file(home: Home) -> None:
    (file, *_) = sorted((home.lake / "lines").glob("*.parquet"))
    month = pq.read_table(file)["period"][0].as_py()
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(StoreError) as caught:
        asked(home, "period", [one for one in MONTHS if one != month])
    assert caught.value.code == "store.damaged"
    file.unlink()
    with pytest.raises(StoreError, match="读不出"):
        lake.read(home, "lines")


def test_rows_come_in_the_order_of_the_files_however_they_are_read(home: Home) -> None:
    files = sorted((home.lake / "lines").glob("*.parquet"))
    one_after_another = [row for file in files for row in pq.read_table(file)["id"].to_pylist()]
    for _ in range(3):
        table = lake.read(home, "lines", ["id"])
        assert table is not None
        assert table["id"].to_pylist() == one_after_another


def test_only_a_column_of_the_key_chooses_among_rows_in_force(home: Home) -> None:
    lake.upsert(home, "cases", pa.table({"id": ["1", "2"], "drg": ["A", "B"]}), ["id"])
    lake.upsert(home, "cases", pa.table({"id": ["1"], "drg": ["B"]}), ["id"])
    found = lake.read_current(home, "cases", ["id"], where=("id", pa.array(["1"])))
    assert found is not None
    assert found.to_pylist() == [{"id": "1", "drg": "B"}]
    with pytest.raises(ValueError, match="not of the key"):
        lake.read_current(home, "cases", ["id"], where=("drg", pa.array(["A"])))
