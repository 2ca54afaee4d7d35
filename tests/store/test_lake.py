"""The lake: list-level upsert, the newest version in force, nothing left behind by a failed write."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tongpin.base.errors import StoreError
from tongpin.store import lake
from tongpin.store.home import Home

KEY = ("hospital", "list_id")


def lists(*rows: tuple[str, str, int, list[str]], file: str = "a.json") -> pa.Table:
    columns = {
        "hospital": [row[0] for row in rows],
        "list_id": [row[1] for row in rows],
        "fee_fen": [row[2] for row in rows],
        "dx": pa.array([row[3] for row in rows], pa.list_(pa.dictionary(pa.int32(), pa.string()))),
        "file": [file] * len(rows),
    }
    return pa.table(columns)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def test_a_whole_file_loaded_twice_changes_nothing(home: Home) -> None:
    rows = (("H1", "1", 100, ["J18.900"]), ("H2", "1", 200, []))
    first = lake.upsert(home, "lists", lists(*rows), KEY, aside=("file",))
    again = lake.upsert(home, "lists", lists(*rows, file="b.json"), KEY, aside=("file",))
    assert (first.new, first.changed, first.unchanged) == (2, 0, 0)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)
    stored = lake.read(home, "lists")
    assert stored is not None
    assert stored.num_rows == 2


def test_a_changed_list_is_a_newer_version_beside_the_old(home: Home) -> None:
    lake.upsert(home, "lists", lists(("H1", "1", 100, ["J18.900"]), ("H2", "1", 200, [])), KEY)
    done = lake.upsert(home, "lists", lists(("H1", "1", 100, ["J18.900", "E11.900"])), KEY)
    assert done.changed == 1
    stored, current = lake.read(home, "lists"), lake.read_current(home, "lists", KEY)
    assert stored is not None
    assert current is not None
    assert stored.num_rows == 3
    by_hospital = {row["hospital"]: row["dx"] for row in current.to_pylist()}
    assert by_hospital == {"H1": ["J18.900", "E11.900"], "H2": []}


def test_missing_and_empty_are_two_things(home: Home) -> None:
    table = pa.table({"id": ["1", "2"], "word": ["", None]})
    assert len(set(lake.row_digests(table.select(["word"])).to_pylist())) == 2


def test_replace_touches_one_month_only(home: Home) -> None:
    def month(name: str, fee: int) -> pa.Table:
        return pa.table({"month": [name], "fee_fen": [fee]})

    lake.replace(home, "statements", month("2025-05", 1), "month", "2025-05")
    lake.replace(home, "statements", month("2025-06", 2), "month", "2025-06")
    lake.replace(home, "statements", month("2025-06", 3), "month", "2025-06")
    stored = lake.read(home, "statements")
    assert stored is not None
    assert sorted(zip(*stored.to_pydict().values(), strict=True)) == [("2025-05", 1), ("2025-06", 3)]


def test_a_home_without_the_table_says_none(home: Home) -> None:
    assert lake.read(home, "lists") is None
    assert lake.read_current(home, "lists", KEY) is None


def test_the_patient_key_is_made_once_and_kept_private(home: Home) -> None:
    key = home.patient_key()
    assert home.patient_key() == key
    assert len(key) == 32
    assert (home.root / "patient.key").stat().st_mode & 0o077 == 0


def test_a_key_made_by_another_process_at_that_moment_is_taken(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    path, made = home.root / "patient.key", bytes(range(32))
    real = os.open

    def later(*args: Any) -> int:
        path.write_text(made.hex())
        return real(*args)

    monkeypatch.setattr(os, "open", later)
    assert home.patient_key() == made


def test_a_lost_or_cut_key_is_refused_instead_of_replaced(home: Home) -> None:
    key = home.patient_key()
    path = home.root / "patient.key"
    path.write_text(key.hex()[:10])
    with pytest.raises(StoreError, match="不完整"):
        home.patient_key()
    path.unlink()
    lake.append(home, "lists", lists(("H1", "1", 100, [])))
    with pytest.raises(StoreError, match="不见了"):
        home.patient_key()


def test_a_key_written_by_two_loads_at_once_stands_once(home: Home) -> None:
    rows = lists(("H1", "1", 100, [])).append_column(lake.DIGEST, pa.array(["d"]))
    for _ in range(2):
        lake.append(home, "lists", rows.append_column(lake.VERSION, pa.array([1], pa.int32())))
    current = lake.read_current(home, "lists", KEY)
    assert current is not None
    assert current.num_rows == 1
    lake.upsert(home, "lists", lists(("H1", "1", 200, [])), KEY)
    newest = lake.read_current(home, "lists", KEY)
    assert newest is not None
    assert newest["fee_fen"].to_pylist() == [200]


def test_a_damaged_table_is_refused_with_its_place(home: Home) -> None:
    lake.append(home, "lists", lists(("H1", "1", 100, [])))
    for file in (home.lake / "lists").glob("*.parquet"):
        file.write_bytes(b"PAR1")
    with pytest.raises(StoreError) as caught:
        lake.read(home, "lists")
    assert (caught.value.code, caught.value.where) == ("store.damaged", str(home.lake / "lists"))
