"""Loading into a home: twice changes nothing, order does not matter, and whatever is refused is said and lost alone."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import itertools
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from records_samples import FRONT_PAGE, KEY, csv_text, json_lines, message

from tongpin.base.errors import BalanceError, RecordsError
from tongpin.records.intake import keep, tasks
from tongpin.records.intake import load as loading
from tongpin.records.intake.lake_tables import SEALED
from tongpin.records.intake.load import CASES, INSTITUTIONS, KEYS, LISTS, LOADS, LoadReport, load_files, read_loaded
from tongpin.store import lake
from tongpin.store.home import Home
from tongpin.store.seal import unseal

RESULT_HEADER = "setl_id,certno,gend,brdy,insutype,medfee_sumamt,psn_part_amt,acct_pay,hifp_pay,hifmi_pay,accepted_date"
RESULT = "S1,X9,2,1990-01-01,390,9000,4000,0,4500,500,2025-07-02"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def lists(path: Path, *messages: dict[str, Any]) -> Path:
    return write(path, json_lines(*messages))


def results(path: Path, *rows: str) -> Path:
    return write(path, "\n".join([RESULT_HEADER, *rows]) + "\n")


def list_4101a(setl_id: str = "S1") -> dict[str, Any]:
    """A list as 4101A has it: no person, no fees, no payers."""
    made = message(setl_id)
    for name in ("gend", "brdy", "age", "certno", "hi_type", "psn_selfpay", "psn_ownpay", "acct_pay", "psn_cashpay"):
        del made["setlinfo"][name]
    del made["payinfo"], made["iteminfo"]
    return made


def said(report: LoadReport) -> list[tuple[str, str, int]]:
    return [(found.rule_id, found.file, found.record) for found in report.findings]


def the_cases(home: Home) -> dict[str, dict[str, Any]]:
    return {row["case_id"]: row for row in read_loaded(home, CASES).to_pylist()}


def counts(report: LoadReport, kind: str = "settlement-list") -> tuple[int, int, int]:
    return report.new[kind], report.changed[kind], report.unchanged[kind]


def test_the_same_folder_twice_changes_nothing(home: Home, tmp_path: Path) -> None:
    lists(tmp_path / "in" / "a.jsonl", message("S1"), message("S2", gend="9"))
    results(tmp_path / "in" / "r.csv", RESULT)
    assert counts(load_files(home, [tmp_path / "in"])) == (2, 0, 0)
    stored = lake.read(home, "findings")
    again = load_files(home, [tmp_path / "in"])
    assert counts(again) == (0, 0, 2)
    assert counts(again, "settlement-result") == (0, 0, 1)
    assert stored is not None
    assert lake.read(home, "findings") == stored


def test_a_changed_list_is_a_newer_version(home: Home, tmp_path: Path) -> None:
    load_files(home, [lists(tmp_path / "a.jsonl", message("S1"), message("S2"))])
    report = load_files(home, [lists(tmp_path / "b.jsonl", message("S1", dscg_way="2"), message("S2"))])
    assert counts(report) == (0, 1, 1)
    assert {name: row["discharge_way"] for name, row in the_cases(home).items()} == {"S1": "2", "S2": "1"}


def test_files_that_overlap_keep_the_first_and_name_the_other(home: Home, tmp_path: Path) -> None:
    lists(tmp_path / "in" / "05" / "h.jsonl", message("S1"), message("S2"))
    lists(tmp_path / "in" / "06" / "h.jsonl", message("S1", dscg_way="2"), message("S2"), message("S3"))
    report = load_files(home, [tmp_path / "in"])
    assert said(report) == [("REC-P001", "in/06/h.jsonl", 1), ("REC-P002", "in/06/h.jsonl", 2)]
    assert "in/05/h.jsonl" in report.findings[0].value
    assert {name: row["file"] for name, row in the_cases(home).items()} == {
        "S1": "in/05/h.jsonl",
        "S2": "in/05/h.jsonl",
        "S3": "in/06/h.jsonl",
    }


def test_a_file_given_twice_is_read_once(home: Home, tmp_path: Path) -> None:
    path = lists(tmp_path / "in" / "a.jsonl", message("S1"))
    report = load_files(home, [path, tmp_path / "in", tmp_path / "in" / ".." / "in"])
    assert (report.files["settlement-list"], report.findings) == (1, [])


@pytest.mark.parametrize("made", [list_4101a(), message("S1", hi_type="9", dcla_time=""), message("S1", gend="")])
def test_results_may_come_after_the_lists(tmp_path: Path, made: dict[str, Any]) -> None:
    made["setlinfo"].pop("act_ipt_days", None)
    files = lists(tmp_path / "a.jsonl", made, message("S2")), results(tmp_path / "r.csv", RESULT)
    early, late = Home.open(tmp_path / "early"), Home.open(tmp_path / "late")
    for home in (early, late):
        write(home.root / "patient.key", KEY.hex().ljust(64, "0"))
    load_files(early, files)
    load_files(late, files[:1])
    report = load_files(late, files[1:])
    assert counts(report) == (0, 1, 0)
    assert the_cases(late) == the_cases(early)
    assert the_cases(late)["S1"]["accepted_date"] == dt.date(2025, 7, 2)
    assert counts(load_files(late, files[:1])) == (0, 0, 2)


def test_a_result_that_does_not_add_up_completes_nothing(home: Home, tmp_path: Path) -> None:
    load_files(home, [lists(tmp_path / "a.jsonl", list_4101a())])
    before = the_cases(home)
    report = load_files(home, [results(tmp_path / "r.csv", RESULT.replace("4500", "4501"))])
    assert said(report) == [("REC-S007", "a.jsonl", 1)]
    assert report.findings[0].value == "9,001.00 ≠ 9,000.00"
    assert the_cases(home) == before


def test_a_result_cut_off_from_its_lists_completes_them_when_loaded_again(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_files(home, [lists(tmp_path / "a.jsonl", list_4101a())])
    path = results(tmp_path / "r.csv", RESULT)
    with monkeypatch.context() as broken:
        broken.setattr(loading, "complete_lists", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            load_files(home, [path])
    report = load_files(home, [path])
    assert (counts(report, "settlement-result"), counts(report)) == ((1, 0, 0), (0, 1, 0))


def test_withdrawals_of_lists_nobody_loaded_are_kept_and_named(home: Home, tmp_path: Path) -> None:
    load_files(home, [lists(tmp_path / "a.jsonl", message("S1"))])
    rows = "institution_code,setl_id,withdrawn_date\nH32020000001,S1,2025-07-01\nH32020000001,S8,2025-07-01\n"
    report = load_files(home, [write(tmp_path / "w.csv", rows)])
    assert [(found.rule_id, found.value) for found in report.findings] == [("REC-W001", "H32020000001 S8")]
    assert report.new["withdrawal"] == 2


def test_an_institution_given_twice_stands_once_in_its_newest_form(home: Home, tmp_path: Path) -> None:
    head = "institution_code,institution_name,settlement_level,valid_from\n"
    twice = write(tmp_path / "a.csv", head + "H1,甲院,二级,2024-01-01\nH1,甲院,三级,2024-01-01\n")
    report = load_files(home, [twice, write(tmp_path / "b.csv", head + "H1,甲院,二级,2024-01-01\n")])
    assert said(report) == [("REC-P001", "a.csv", 2), ("REC-P002", "b.csv", 1)]
    load_files(home, [write(tmp_path / "c.csv", head + "H1,甲院,三级,2024-01-01\n")])
    assert read_loaded(home, INSTITUTIONS)["settlement_level"].to_pylist() == ["三级"]


def test_junk_in_a_folder_is_named_and_the_rest_is_loaded(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    lists(folder / "a.jsonl", message("S1"))
    for name in (".DS_Store", "Thumbs.db", "~$表.xlsx", ".git/config"):
        write(folder / name, b"junk")
    write(folder / "README.txt", "请看这里\n")
    write(folder / "表.xlsx", b"PK\x03\x04 rest")
    report = load_files(home, [folder])
    assert said(report) == [("REC-K001", "in/README.txt", 0), ("REC-K001", "in/表.xlsx", 0)]
    assert "xlsx" in report.findings[1].message
    assert "CSV" in report.findings[1].hint
    assert set(the_cases(home)) == {"S1"}


def test_an_empty_folder_and_a_wrong_path_are_refused_before_anything_is_kept(home: Home, tmp_path: Path) -> None:
    good = lists(tmp_path / "a.jsonl", message("S1"))
    (tmp_path / "empty").mkdir()
    for path, code in ((tmp_path / "empty", "records.empty"), (tmp_path / "none", "records.file")):
        with pytest.raises(RecordsError) as caught:
            load_files(home, [good, path])
        assert caught.value.code == code
    assert not home.root.exists()


def test_a_file_that_vanishes_does_not_stop_the_others(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, good = lists(tmp_path / "gone.jsonl", message("S1")), lists(tmp_path / "good.jsonl", message("S2"))
    kind = tasks.detect

    def detect_then_lose(path: Path) -> str:
        found = kind(path)
        gone.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(tasks, "detect", detect_then_lose)
    report = load_files(home, [gone, good])
    assert said(report) == [("REC-C007", "gone.jsonl", 0)]
    assert set(the_cases(home)) == {"S2"}


def test_many_processes_read_what_one_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [lists(tmp_path / f"{n}.jsonl", message(f"S{n}"), message(f"T{n}", gend="9")) for n in range(3)]
    files.append(results(tmp_path / "r.csv", RESULT))
    alone, many = Home.open(tmp_path / "alone"), Home.open(tmp_path / "many")
    for home in (alone, many):
        write(home.root / "patient.key", KEY.hex().ljust(64, "0"))
    first = load_files(alone, files)
    monkeypatch.setattr(tasks, "SPREAD_BYTES", 0)
    monkeypatch.setattr(tasks.os, "cpu_count", lambda: 2)
    assert load_files(many, files).findings == first.findings
    assert the_cases(many) == the_cases(alone)


SECRETS = {
    "psn_name": "示例甲乙丙",
    "certno": "X0000000000000009",
    "psn_no": "P7770001",
    "curr_addr": "示例省示例市示例路九号",
    "coner_tel": "13800000009",
}


def everything_in(home: Home) -> str:
    """All values of all tables, sealed ones aside, and all bytes of the home but the key, as one text."""
    tables = [lake.read(home, path.name) for path in home.lake.iterdir() if lake.exists(home, path.name)]
    shown = "".join(str(table.to_pylist()) for table in tables if isinstance(table, pa.Table))
    files = [path for path in home.root.rglob("*") if path.is_file() and path.name != "patient.key"]
    return shown + "".join(path.read_bytes().decode("utf-8", errors="replace") for path in files)


def test_what_names_a_patient_is_sealed_and_stands_nowhere_in_clear(home: Home, tmp_path: Path) -> None:
    broken = json_lines(message("S3", **SECRETS))[:-100]
    wrong = message("S4", **SECRETS | {"brdy": "1999-19-39"})
    write(
        tmp_path / "a.jsonl", json_lines(message("S1", **SECRETS), message("S2", gend="9", **SECRETS), wrong) + broken
    )
    results(tmp_path / "r.csv", RESULT.replace("X9", SECRETS["certno"]))
    pages = FRONT_PAGE | {"A11": SECRETS["psn_name"], "A20": SECRETS["certno"]}
    write(tmp_path / "p.csv", csv_text(pages))
    report = load_files(home, [tmp_path / name for name in ("a.jsonl", "r.csv", "p.csv")])
    everything = everything_in(home) + str(report.as_dict())
    assert "S1" in everything
    assert "H32020000001" in everything
    assert not [value for value in (*SECRETS.values(), "1999-19-39") if value in everything]
    assert [one.value for one in report.findings if one.path == "setlinfo.brdy"] == ["***"]
    sealed = lake.read(home, CASES, ["case_id", SEALED])
    assert sealed is not None
    persons = dict(zip(sealed["case_id"].to_pylist(), unseal(home, sealed[SEALED]).to_pylist(), strict=True))
    assert {name: persons["S1"][name] for name in ("psn_name", "certno", "psn_no")} == {
        name: SECRETS[name] for name in ("psn_name", "certno", "psn_no")
    }


def corrected(setl_id: str = "S1", day: int = 15, **changes: Any) -> dict[str, Any]:
    return message(setl_id, dcla_time=f"2025-06-{day} 10:00:00", **changes)


def test_first_and_corrected_versions_in_any_order_give_the_same_lists(tmp_path: Path) -> None:
    files = [
        lists(tmp_path / "1.jsonl", message("S1"), message("S2")),
        lists(tmp_path / "2.jsonl", corrected(day=15, dscg_way="2")),
        lists(tmp_path / "3.jsonl", corrected(day=18, dscg_way="3")),
    ]
    for number, order in enumerate(itertools.permutations(files)):
        home = Home.open(tmp_path / str(number))
        for path in order:
            load_files(home, [path])
        assert {name: row["discharge_way"] for name, row in the_cases(home).items()} == {"S1": "3", "S2": "1"}
        again = load_files(home, order)
        assert (counts(again), again.older["settlement-list"]) == ((0, 0, 4), 0)
        together = Home.open(tmp_path / f"{number}-at-once")
        assert counts(load_files(together, order)) == (2, 2, 0)
        assert {name: row["discharge_way"] for name, row in the_cases(together).items()} == {"S1": "3", "S2": "1"}


def test_the_same_record_three_times_with_differences(home: Home, tmp_path: Path) -> None:
    same = [message("S1"), message("S1", dscg_way="2"), message("S1")]
    report = load_files(home, [lists(tmp_path / "a.jsonl", *same)])
    assert said(report) == [("REC-P001", "a.jsonl", 2), ("REC-P002", "a.jsonl", 3)]
    assert (counts(report), report.rejected[LISTS], report.repeated[LISTS]) == ((1, 0, 0), 1, 1)
    assert the_cases(home)["S1"]["discharge_way"] == "1"
    chain = [corrected("S2", day, dscg_way=str(day % 5)) for day in (18, 16, 17)]
    report = load_files(home, [lists(tmp_path / "b.jsonl", *chain)])
    assert (said(report), counts(report)) == ([], (1, 2, 0))
    assert the_cases(home)["S2"]["discharge_way"] == "3"


def test_the_lake_shows_how_it_was_after_any_load(home: Home, tmp_path: Path) -> None:
    load_files(home, [lists(tmp_path / "a.jsonl", message("S1"))])
    load_files(home, [lists(tmp_path / "b.jsonl", corrected(dscg_way="2"), message("S2"))])
    first = read_loaded(home, CASES, as_of=1)
    assert first.select(["case_id", "discharge_way"]).to_pylist() == [{"case_id": "S1", "discharge_way": "1"}]
    assert read_loaded(home, CASES, as_of=2).num_rows == 2
    assert (
        read_loaded(home, CASES, ["case_id", "diagnoses"], as_of=1)["diagnoses"].to_pylist()[0][0]["code"] == "E11.900"
    )


def test_every_file_of_a_load_is_accounted_for(home: Home, tmp_path: Path) -> None:
    path = lists(tmp_path / "a.jsonl", message("S1"), message("S2", adm_time="2025-07-01 08:00:00"), message("S1"))
    load_files(home, [path, write(tmp_path / "x.txt", "请看这里")])
    good, unknown = sorted(read_loaded(home, LOADS).to_pylist(), key=lambda row: row["file"])
    assert (good["records"], good["loaded"], good["rejected"], good["repeated"]) == (3, 1, 1, 1)
    assert (good["kind"], good["digest"]) == ("settlement-list", hashlib.sha256(path.read_bytes()).hexdigest())
    assert "setlinfo" in good["reason"]
    assert (unknown["kind"], unknown["records"]) == ("unknown", 0)


def test_a_record_that_vanishes_without_a_word_stops_the_load(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = keep.read_piece

    def forgetful(*args: Any, **options: Any) -> Any:
        loaded = real(*args, **options)
        return dataclasses.replace(loaded, cases=loaded.cases.slice(1), persons=loaded.persons.slice(1))

    monkeypatch.setattr(keep, "read_piece", forgetful)
    with pytest.raises(BalanceError) as caught:
        load_files(home, [lists(tmp_path / "a.jsonl", message("S1"), message("S2"))])
    assert (caught.value.code, caught.value.where) == ("load.balance", "a.jsonl")
    monkeypatch.undo()
    assert read_loaded(home, CASES).num_rows == 0
    assert counts(load_files(home, [tmp_path / "a.jsonl"])) == (2, 0, 0)


def test_a_kind_that_contradicts_the_content_is_said(home: Home, tmp_path: Path) -> None:
    report = load_files(home, [write(tmp_path / "a.csv", "case_id,dx\nC1,A01\n")], "front-page")
    found = next(one for one in report.findings if one.rule_id == "REC-K002")
    assert (found.severity, found.file) == ("warning", "a.csv")
    assert "case_id" in found.value
    assert "由 --kind 指明" in report.reasons["front-page"]


def test_two_hospitals_in_one_file_with_the_same_numbers_are_two_lists(home: Home, tmp_path: Path) -> None:
    report = load_files(
        home, [lists(tmp_path / "a.jsonl", message("S1"), message("S1", fixmedins_code="H32020000002"))]
    )
    assert (counts(report), report.findings) == ((2, 0, 0), [])


def test_files_of_one_name_from_two_folders_are_told_apart(home: Home, tmp_path: Path) -> None:
    paths = [lists(tmp_path / name / "h.jsonl", message(name)) for name in ("05", "06")]
    load_files(home, paths)
    assert {row["file"] for row in the_cases(home).values()} == {"05/h.jsonl", "06/h.jsonl"}


def test_a_lake_of_an_earlier_version_with_fewer_columns_is_read_and_goes_on(home: Home, tmp_path: Path) -> None:
    early = pa.table({"source": ["plain"], "institution_code": ["H1"], "case_id": ["C1"], "total_fee_fen": [5]})
    early = early.append_column("upload_time", pa.nulls(1, pa.timestamp("s")))
    home.patient_key()
    lake.upsert(home, CASES, early, KEYS[CASES])
    (before,) = read_loaded(home, CASES, ["case_id", "los", "dx", "diagnoses", "extra", "item_due"]).to_pylist()
    assert before == {"case_id": "C1", "los": None, "dx": None, "diagnoses": None, "extra": None, "item_due": None}
    load_files(home, [lists(tmp_path / "a.jsonl", message("S1"))])
    assert {name: row["total_fee_fen"] for name, row in the_cases(home).items()} == {"C1": 5, "S1": 1_000_000}


def test_any_layout_is_kept_under_its_own_name(home: Home, tmp_path: Path) -> None:
    rows = "institution_code,setl_id,received_time,accepted,message\nH1,S1,2025-06-13 09:00:00,N,主诊不符\n"
    path = write(tmp_path / "r.csv", rows)
    assert load_files(home, [path]).new["receipt"] == 1
    assert load_files(home, [path]).unchanged["receipt"] == 1
    assert read_loaded(home, "receipt")["message"].to_pylist() == ["主诊不符"]


def test_item_counts_stand_beside_the_lists(home: Home, tmp_path: Path) -> None:
    load_files(home, [lists(tmp_path / "a.jsonl", message("S1"))])
    (row,) = read_loaded(home, CASES, ["item_filled", "item_due"]).to_pylist()
    assert 0 < row["item_filled"] < row["item_due"]


def test_a_reading_process_ended_by_the_system_is_a_refusal(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr(tasks, "SPREAD_BYTES", 0)
    monkeypatch.setattr(tasks.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(tasks.ProcessPoolExecutor, "submit", end)
    with pytest.raises(RecordsError) as caught:
        load_files(home, [lists(tmp_path / f"{n}.jsonl", message(f"S{n}")) for n in range(2)])
    assert caught.value.code == "records.worker"
    assert not list(home.root.glob("loading-*"))


def test_small_files_of_one_kind_stand_in_one_file_of_the_lake_and_keep_their_names(home: Home, tmp_path: Path) -> None:
    first = write(tmp_path / "1.csv", "case_id,sex,age,dx\nC1,1,30,A01\n,1,30,A01\n")
    empty = write(tmp_path / "2.csv", "case_id,sex,age,dx\n")
    second = write(tmp_path / "3.csv", "case_id,sex,age,dx\nC2,1,30,A01\nC1,1,31,A01\nC3,1,30,A01\n")
    report = load_files(home, [first, empty, second])
    assert len(list((home.lake / CASES).glob("load-*.parquet"))) == 1
    rows = read_loaded(home, CASES, ["case_id", "file", "record"]).sort_by("case_id").to_pylist()
    assert [tuple(row.values()) for row in rows] == [("C1", "1.csv", 1), ("C2", "3.csv", 1), ("C3", "3.csv", 3)]
    assert [(one.rule_id, one.file, one.record) for one in report.findings if one.severity == "error"] == [
        ("REC-C003", "1.csv", 2),
        ("REC-P001", "3.csv", 2),
    ]
    (again,) = (one for one in report.findings if one.rule_id == "REC-P001")
    assert "1.csv 第 1 条" in again.value
    loads = {row["file"]: row for row in read_loaded(home, LOADS).to_pylist()}
    assert [loads[name]["loaded"] for name in ("1.csv", "2.csv", "3.csv")] == [1, 0, 2]
