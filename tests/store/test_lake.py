"""The lake: list-level upsert, the newest version in force, nothing left behind by a failed write."""

from __future__ import annotations

import itertools
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.errors import StoreError
from tongpin.store import lake
from tongpin.store.home import Home

KEY = ("hospital", "list_id")
CODES = pa.list_(pa.dictionary(pa.int32(), pa.string()))


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
    rows = lists(("H1", "1", 100, [])).append_column(lake.DIGEST, pa.array([b"d" * 16], pa.binary()))
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


def versions(*rows: tuple[str, int | None, int]) -> pa.Table:
    """Lists of one hospital: id, when uploaded, fee."""
    uploaded = pa.array([row[1] for row in rows], pa.timestamp("s"))
    fees = pa.array([row[2] for row in rows])
    return pa.table({"list_id": [row[0] for row in rows], "uploaded": uploaded, "fee_fen": fees})


def in_force(home: Home, **options: Any) -> dict[str, int]:
    current = lake.read_current(home, "lists", ["list_id"], order="uploaded", **options)
    assert current is not None
    return dict(zip(current["list_id"].to_pylist(), current["fee_fen"].to_pylist(), strict=True))


FIRST, SECOND, THIRD = ("1", 10, 100), ("1", 20, 200), ("1", 30, 300)


@pytest.mark.parametrize("order", list(itertools.permutations([FIRST, SECOND, THIRD])))
def test_the_latest_upload_is_in_force_in_whatever_order_they_come(home: Home, order: tuple[Any, ...]) -> None:
    for row in order:
        lake.upsert(home, "lists", versions(row), ["list_id"], order="uploaded")
    assert in_force(home) == {"1": 300}
    stored = lake.read(home, "lists")
    assert stored is not None
    assert stored.num_rows == 3
    for row in order:
        again = lake.upsert(home, "lists", versions(row), ["list_id"], order="uploaded")
        assert again == (0, 0, 1, 0)


def test_an_older_version_is_kept_without_coming_in_force(home: Home) -> None:
    lake.upsert(home, "lists", versions(SECOND), ["list_id"], order="uploaded")
    assert lake.upsert(home, "lists", versions(FIRST), ["list_id"], order="uploaded").older == 1
    assert in_force(home) == {"1": 200}


def test_versions_uploaded_at_the_same_or_no_time_go_by_load(home: Home) -> None:
    for fee in (100, 200, 100):
        assert lake.upsert(home, "lists", versions(("1", None, fee)), ["list_id"], order="uploaded").unchanged == 0
    assert in_force(home) == {"1": 100}
    assert in_force(home, as_of=2) == {"1": 200}


def test_a_chain_of_one_load_counts_one_new_list(home: Home) -> None:
    done = lake.upsert(home, "lists", versions(THIRD, FIRST, SECOND), ["list_id"], order="uploaded")
    assert (done.new, done.changed) == (1, 2)
    assert in_force(home) == {"1": 300}


def test_a_load_that_did_not_end_is_seen_by_nobody_but_itself(home: Home) -> None:
    assert lake.begin(home, ["lists"]) == 1
    lake.upsert(home, "lists", versions(FIRST), ["list_id"], order="uploaded", load=1)
    assert in_force(home) == {}
    assert in_force(home, within=1) == {"1": 100}
    second = lake.begin(home, ["lists"])
    assert second == 2
    assert lake.upsert(home, "lists", versions(FIRST), ["list_id"], order="uploaded", load=2).new == 1
    lake.finish(home, 2)
    assert in_force(home) == {"1": 100}
    stored = lake.read(home, "lists")
    assert stored is not None
    assert stored[lake.VERSION].to_pylist() == [2]
    assert lake.begin(home, ["lists"]) == 3


def test_files_of_a_load_cut_off_before_its_commit_are_deleted_and_no_others(home: Home) -> None:
    lake.append(home, "lists", versions(FIRST))
    place = home.lake / "lists"
    (place / "load-000007-000001-abcdef012345.parquet").write_bytes(b"PAR1")
    (place / "notes.parquet").write_bytes(b"somebody's")
    lake.tidy(home, "lists")
    assert not list(place.glob("load-*"))
    assert (place / "notes.parquet").exists()
    stored = lake.read(home, "lists")
    assert stored is not None
    assert stored.num_rows == 1


def test_a_table_founded_by_fewer_columns_takes_more(home: Home) -> None:
    lake.upsert(home, "lists", versions(FIRST).select(["list_id"]), ["list_id"])
    lake.upsert(home, "lists", versions(("2", 10, 100)), ["list_id"])
    current = lake.read_current(home, "lists", ["list_id"])
    assert current is not None
    assert current.sort_by("list_id")["fee_fen"].to_pylist() == [None, 100]


def test_columns_added_later_change_no_digest(home: Home) -> None:
    table = versions(FIRST, SECOND)
    wider = table.append_column("codes", pa.array([[], None], pa.list_(pa.string())))
    wider = wider.append_column("note", pa.nulls(2, pa.string())).append_column(
        "stays", pa.array([[], []], pa.list_(pa.struct([("minutes", pa.int32())])))
    )
    reordered = wider.select(list(reversed(wider.column_names)))
    assert lake.row_digests(wider) == lake.row_digests(reordered) == lake.row_digests(table)


@given(st.lists(st.tuples(st.text(max_size=3), st.lists(st.text(max_size=2), max_size=3)), min_size=2, max_size=6))
def test_rows_share_a_digest_only_when_they_say_the_same(rows: list[tuple[str, list[str]]]) -> None:
    clean = [(word.replace("\x1f", ""), [one.replace("\x1e", "") for one in codes]) for word, codes in rows]
    table = pa.table({"word": [row[0] for row in clean], "codes": pa.array([row[1] for row in clean], CODES)})
    digests = lake.row_digests(table).to_pylist()
    for one, first in zip(digests, clean, strict=True):
        for other, second in zip(digests, clean, strict=True):
            assert (one == other) == (first == second)


def test_nested_values_come_back_as_they_went(home: Home) -> None:
    stay = {"minutes": 5, "entry": datetime(2025, 6, 1, 8, 30)}  # noqa: DTZ001
    kind = pa.list_(pa.struct([("minutes", pa.int32()), ("entry", pa.timestamp("s"))]))
    table = pa.table(
        {
            "list_id": ["1", "2"],
            "dx": pa.array([["A", "B"], None], pa.list_(pa.dictionary(pa.int32(), pa.string()))),
            "stays": pa.array([[stay], []], kind),
            "extra": pa.array([[("k", "v")], None], pa.map_(pa.string(), pa.string())),
            "sealed": pa.array([b"\x00x", None], pa.binary()),
        }
    )
    lake.upsert(home, "lists", table, ["list_id"])
    read = lake.read_current(home, "lists", ["list_id"])
    assert read is not None
    assert read.to_pylist() == table.to_pylist()
    assert read.schema.field("dx").type == table.schema.field("dx").type
    assert read.schema.field("stays").type == kind


def test_code_lists_of_old_and_new_files_meet(home: Home) -> None:
    table = lists(("H1", "1", 100, ["A", "B"]))
    lake.append(home, "lists", table)
    write_deltalake(str(home.lake / "lists"), lake._for_delta(lists(("H1", "2", 100, ["B"]))), mode="append")
    stored = lake.read(home, "lists")
    assert stored is not None
    assert sorted(stored["dx"].to_pylist()) == [["A", "B"], ["B"]]
    assert pa.types.is_dictionary(stored.schema.field("dx").type.value_type)
