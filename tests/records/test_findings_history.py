"""Findings have a history: open until their record comes again without them, from any file; nothing is forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from records_samples import json_lines, message

from tongpin.records.intake.finding_history import MENDED, OPEN
from tongpin.records.intake.load import FINDINGS, load_files, read_loaded
from tongpin.store.home import Home

BAD = "2025-07-02 08:30:00"
WITHDRAWAL = "institution_code,setl_id,withdrawn_date\nH32020000001,S1,2025-07-01\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def sent(setl_id: str = "S1", day: int = 12, **changes: Any) -> dict[str, Any]:
    """A list uploaded on a day of June."""
    return message(setl_id, dcla_time=f"2025-06-{day} 10:00:00", **changes)


def load(home: Home, name: str, *messages: dict[str, Any], more: bytes = b"") -> None:
    path = home.root.parent / name
    path.write_bytes(json_lines(*messages) + more)
    load_files(home, [path])


def history(home: Home, **options: Any) -> list[tuple[str, str | None, str, int, int]]:
    rows = read_loaded(home, FINDINGS, **options).to_pylist()
    return sorted((r["rule_id"], r["case_id"], r["status"], r["first_load"], r["last_load"]) for r in rows)


def test_a_rejected_list_that_is_corrected_mends_its_finding(home: Home) -> None:
    load(home, "a.jsonl", sent(adm_time=BAD))
    (row,) = read_loaded(home, FINDINGS).to_pylist()
    about = [row[name] for name in ("source", "institution_code", "case_id", "status", "file", "record")]
    assert about == ["settlement_list", "H32020000001", "S1", OPEN, "a.jsonl", 1]
    load(home, "corrected.jsonl", sent(day=15))
    assert history(home) == [("REC-D001", "S1", MENDED, 1, 2)]
    assert history(home, as_of=1) == [("REC-D001", "S1", OPEN, 1, 1)]


def test_a_correction_with_another_fault_mends_the_first_and_opens_the_second(home: Home) -> None:
    load(home, "a.jsonl", sent(adm_time=BAD))
    load(home, "b.jsonl", sent(day=15, gend="9"))
    assert history(home) == [("REC-D001", "S1", MENDED, 1, 2), ("REC-X001", "S1", OPEN, 2, 2)]


def test_the_same_file_again_changes_nothing(home: Home) -> None:
    load(home, "a.jsonl", sent(gend="9"), sent("S2", adm_time=BAD))
    before = read_loaded(home, FINDINGS)
    load(home, "a.jsonl", sent(gend="9"), sent("S2", adm_time=BAD))
    assert read_loaded(home, FINDINGS) == before


def test_other_lists_mend_nothing(home: Home) -> None:
    load(home, "a.jsonl", sent(gend="9"))
    load(home, "a.jsonl", sent("S2"))
    load(home, "b.jsonl", sent("S1", fixmedins_code="H32020000002"))
    assert history(home) == [("REC-X001", "S1", OPEN, 1, 1)]


def test_a_fault_that_comes_back_is_open_again_since_it_was_first_met(home: Home) -> None:
    for day, sex in ((12, "9"), (13, "1"), (14, "9")):
        load(home, "a.jsonl", sent(day=day, gend=sex))
    assert {(row[2], row[3], row[4]) for row in history(home)} == {(OPEN, 1, 3)}


def test_the_old_version_again_neither_opens_nor_mends(home: Home) -> None:
    load(home, "old.jsonl", sent(adm_time=BAD))
    load(home, "new.jsonl", sent(day=15, gend="9"))
    load(home, "old.jsonl", sent(adm_time=BAD))
    assert history(home) == [("REC-D001", "S1", MENDED, 1, 2), ("REC-X001", "S1", OPEN, 2, 2)]
    load(home, "other.jsonl", sent(day=13))
    assert history(home)[1] == ("REC-X001", "S1", OPEN, 2, 2)


@pytest.mark.parametrize("names", [("1.jsonl", "2.jsonl"), ("2.jsonl", "1.jsonl")])
def test_a_version_and_its_correction_in_one_load_leave_nothing_open(home: Home, names: tuple[str, str]) -> None:
    folder = home.root.parent / "in"
    folder.mkdir()
    cut = json_lines(sent("S2"))[:-80] + b"\n"
    (folder / names[0]).write_bytes(json_lines(sent(adm_time=BAD)) + cut)
    (folder / names[1]).write_bytes(json_lines(sent(day=15), sent("S2", day=15)))
    for _ in range(2):
        load_files(home, [folder])
        assert history(home) == [("REC-D001", "S1", MENDED, 1, 1), ("REC-J001", "S2", MENDED, 1, 1)]


def test_a_broken_line_is_about_the_list_that_its_text_names(home: Home) -> None:
    load(home, "a.jsonl", sent(), more=json_lines(sent("S7"))[:-80] + b"\n")
    assert history(home) == [("REC-J001", "S7", OPEN, 1, 1)]
    load(home, "b.jsonl", sent("S7"))
    assert history(home) == [("REC-J001", "S7", MENDED, 1, 2)]


def test_what_names_no_list_is_mended_by_the_file_of_that_name(home: Home) -> None:
    load(home, "a.jsonl", sent(), more=b"{nothing\n")
    assert history(home) == [("REC-J001", None, OPEN, 1, 1)]
    load(home, "b.jsonl", sent())
    assert history(home) == [("REC-J001", None, OPEN, 1, 1)]
    load(home, "a.jsonl", sent())
    assert history(home) == [("REC-J001", None, MENDED, 1, 3)]


def test_a_withdrawal_waits_for_its_list(home: Home) -> None:
    path = home.root.parent / "w.csv"
    path.write_text(WITHDRAWAL, encoding="utf-8")
    load_files(home, [path])
    assert history(home) == [("REC-W001", "S1", OPEN, 1, 1)]
    load(home, "a.jsonl", sent())
    assert history(home) == [("REC-W001", "S1", MENDED, 1, 2)]


def test_a_result_settles_what_waited_for_it(home: Home) -> None:
    bare = sent()
    for name in ("psn_selfpay", "psn_ownpay", "acct_pay", "psn_cashpay"):
        del bare["setlinfo"][name]
    del bare["payinfo"], bare["iteminfo"]
    load(home, "a.jsonl", bare)
    assert ("REC-M003", "S1", OPEN, 1, 1) in history(home)
    path = home.root.parent / "r.csv"
    path.write_text("setl_id,medfee_sumamt,psn_part_amt,hifp_pay\nS1,9000,4000,5000\n", encoding="utf-8")
    load_files(home, [path])
    assert ("REC-M003", "S1", MENDED, 1, 2) in history(home)
