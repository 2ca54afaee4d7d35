"""Files in the national formats, and the truth about what was planted in them."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tongpin.base.errors import TongpinError
from tongpin.demo import city
from tongpin.demo.aftermath import decide, withdraw
from tongpin.demo.choice import Choice, MonthChoice, always_built
from tongpin.demo.city import build_city
from tongpin.demo.truth import split_stays
from tongpin.grouping.compiled.stage import group
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.read import CodeBook, read
from tongpin.records.readers.own_layouts import read_layout_file

KEY = b"a key of the test"
REJECTED = {"REC-J001", "REC-F001", "REC-D001", "REC-S001"}


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def loaded(small, setting):
    """What the readers make of it: file name → loaded list files, with results and code book."""
    month = small[0].folder / "files" / "2025-06"
    codes = CodeBook(frozenset(setting.groups.dx_codes), frozenset(setting.groups.px_codes))
    found = {}
    for path in sorted((month / "settlement-list").iterdir()):
        name = path.stem.removesuffix("-corrected")
        results, findings = read_layout_file(month / "settlement-result" / f"{name}.csv", "settlement-result", key=KEY)[
            :2
        ]
        assert not findings
        found[path.name] = read(path, key=KEY, results=results, codes=codes)
    return found


@pytest.fixture(scope="module")
def truth(small):
    return rows_of(small[0].folder / "truth" / "record_faults.csv")


def first_sent(loaded):
    return {name: one for name, one in loaded.items() if name.count("-") == 0}


def test_the_summary_says_what_was_built(small):
    summary, told = small
    (month,) = summary.months
    assert (month.month, month.hospitals, month.hospitals_left_out) == ("2025-06", 4, 51)
    assert summary.settlement_lists == month.settlement_lists > 100
    assert month.front_pages > month.settlement_lists
    assert summary.notes
    assert told[-1] == (summary.settlement_lists, summary.settlement_lists)


def test_every_list_and_page_is_in_the_files(small, loaded, truth):
    summary = small[0]
    unread = sum(row["breaks"] in REJECTED for row in truth)
    assert sum(one.cases.num_rows for one in first_sent(loaded).values()) == summary.settlement_lists - unread
    pages = [read(path, key=KEY) for path in sorted((summary.folder / "files" / "2025-06" / "front-page").iterdir())]
    assert sum(one.cases.num_rows for one in pages) == summary.months[0].front_pages
    assert not [finding for one in pages for finding in one.findings]


def test_every_planted_fault_is_found_where_the_truth_says(loaded, truth):
    rules = [row for row in truth if row["breaks"].startswith("REC-")]
    assert len({row["breaks"] for row in rules}) >= 12
    for row in rules:
        name = row["file"].rsplit("/", 1)[1]
        found = {finding.rule_id for finding in loaded[name].findings if finding.record == int(row["line"])}
        assert row["breaks"] in found, row


def test_nothing_else_is_wrong_with_the_lists(loaded, truth):
    planted = {(row["file"].rsplit("/", 1)[1], int(row["line"])) for row in truth}
    found = {(finding.file, finding.record) for one in loaded.values() for finding in one.findings}
    assert found <= planted


def test_lists_group_as_the_truth_says(setting, loaded, truth):
    said = {(row["file"].rsplit("/", 1)[1], int(row["line"])): row["breaks"] for row in truth}
    seen = Counter()
    for name, one in first_sent(loaded).items():
        result = group(one.cases, setting.scheme)
        for record, status in zip(result["record"].to_pylist(), result["status"].to_pylist(), strict=True):
            expected = said.get((name, record), "")
            seen[status] += 1
            if expected in {"ungrouped", "REC-M001"}:
                assert status == "ungrouped"
            elif expected == "REC-X001":
                assert status == "check_failed"
            else:
                assert status == "grouped"
    assert seen["ungrouped"] > 0
    assert seen["check_failed"] > 0


def test_corrected_lists_are_clean_and_group(setting, small, loaded, truth):
    corrected = [row for row in truth if row["corrected_time"]]
    assert len(corrected) == small[0].corrected_lists > 0
    for row in corrected:
        name = row["corrected_file"].rsplit("/", 1)[1]
        cases = loaded[name].cases
        assert not loaded[name].findings
        (case,) = cases.filter(pc.equal(cases["record"], int(row["corrected_line"]))).to_pylist()
        assert case["case_id"] == row["setl_id"]
        assert str(case["upload_time"]) == row["corrected_time"]
    for name, one in loaded.items():
        if name.endswith("-corrected.jsonl"):
            assert set(group(one.cases, setting.scheme)["status"].to_pylist()) == {"grouped"}


def test_the_platform_answers_every_returned_list(small, truth):
    receipts = rows_of(small[0].folder / "files" / "receipt.csv")
    returned = {(row["setl_id"], row["returned_time"]) for row in truth if row["returned_time"]}
    assert {(row["setl_id"], row["received_time"]) for row in receipts if row["accepted"] == "N"} == returned
    assert sum(row["accepted"] == "Y" for row in receipts) == small[0].corrected_lists


def test_special_lists_read_as_such_and_only_they(loaded, small):
    special = [one.cases for name, one in loaded.items() if name.endswith("-special.jsonl")]
    assert sum(one.num_rows for one in special) == small[0].months[0].special_lists > 0
    assert {kind for one in special for kind in one["care_type"].to_pylist()} == {"outpatient_special"}
    others = {kind for one in first_sent(loaded).values() for kind in one.cases["care_type"].to_pylist()}
    assert others == {"inpatient", "day_surgery"}


def test_the_truth_names_the_split_stays(small, loaded):
    truth = rows_of(small[0].folder / "truth" / "split_stays.csv")
    assert len(truth) == small[0].split_stays > 0
    cases = {row["case_id"]: row for one in loaded.values() for row in one.cases.to_pylist()}
    for row in truth:
        first, second = cases[row["first_setl_id"]], cases[row["second_setl_id"]]
        assert first["patient_hash"] == second["patient_hash"] is not None
        assert first["dx"][0] == second["dx"][0]
        gap = (second["admission_time"].date() - first["discharge_time"].date()).days
        assert gap == int(row["gap_days"])
        assert 1 <= gap <= 10


def test_a_city_is_not_written_over_unless_asked(small, scheme_folder):
    folder = small[0].folder
    before = digests(folder)
    with pytest.raises(TongpinError) as refused:
        build_city(folder, cases=100, scheme_folder=scheme_folder)
    assert refused.value.code == "demo.folder"
    assert digests(folder) == before
    build_city(folder, cases=100, scheme_folder=scheme_folder, replace=True)
    assert digests(folder) == before


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"cases": 0}, "demo.cases"),
        ({"cases": 5, "months": 1}, "demo.cases"),
        ({"months": 43}, "demo.months"),
        ({"layout": "pdf"}, "demo.layout"),
        ({"profile": "atlantis"}, "demo.profile"),
    ],
)
def test_what_cannot_be_built_is_refused_before_anything_is_written(tmp_path, scheme_folder, asked, code):
    with pytest.raises(TongpinError) as refused:
        build_city(tmp_path, scheme_folder=scheme_folder, **asked)
    assert refused.value.code == code
    assert not list(tmp_path.iterdir())


def test_worker_processes_write_the_same_bytes(small, tmp_path, scheme_folder, monkeypatch):
    monkeypatch.setattr(city, "FEW_LISTS", 0)
    build_city(tmp_path, cases=100, scheme_folder=scheme_folder, workers=2)
    assert digests(tmp_path) == digests(small[0].folder)


def test_the_plain_layout_is_clean_and_has_all_stays(tmp_path, scheme_folder, setting):
    summary = build_city(tmp_path, cases=100, scheme_folder=scheme_folder, layout="plain")
    names = {path.name for path in (tmp_path / "files").iterdir()}
    assert names == {"2025-06", "institution.csv"}
    stays = [read(path, key=KEY) for path in sorted((tmp_path / "files" / "2025-06" / "plain").iterdir())]
    assert sum(one.cases.num_rows for one in stays) == summary.months[0].front_pages
    assert not [finding for one in stays for finding in one.findings]
    cases = pa.concat_tables(one.cases.select(CASE_SCHEMA.names) for one in stays)
    assert set(group(cases, setting.scheme)["status"].to_pylist()) == {"grouped"}
    written = pq.read_schema(next((tmp_path / "files" / "2025-06" / "plain").iterdir())).names
    assert {"dx", "px", "total_fee_fen", "pool_pay_fen", "occupation"} <= set(written)


def test_successors_of_withdrawn_lists_arrive_in_the_next_month(tmp_path, scheme_folder, setting, june, monkeypatch):
    hospitals = always_built(setting)
    months = tuple(
        MonthChoice(month, {one: setting.list_count(month, one) for one in hospitals}, 51)
        for month in (june, june.plus(-1))
    )
    monkeypatch.setattr(city, "choose", lambda *_: Choice(months, ()))
    summary = build_city(tmp_path, cases=100, scheme_folder=scheme_folder, layouts="few")
    rows = rows_of(tmp_path / "files" / "withdrawal.csv")
    assert len(rows) == summary.withdrawals > 0
    for row in rows:
        again = tmp_path / "files" / "2025-06" / "settlement-list" / f"{row['institution_code']}-again.jsonl"
        successors = {case["case_id"]: case for case in read(again, key=KEY).cases.to_pylist()}
        assert str(successors[row["successor_setl_id"]]["settlement_date"]) == row["withdrawn_date"]
        assert row["withdrawn_date"].startswith("2025-06-")
        before = tmp_path / "files" / "2025-05" / "settlement-list" / f"{row['institution_code']}.jsonl"
        assert row["setl_id"] in read(before, key=KEY).cases["case_id"].to_pylist()


def test_about_3_in_1000_stays_are_split(setting, june, lists):
    pairs = split_stays(june, lists.filter(pc.equal(lists["institution_code"], setting.institution_code(0))))
    cases = setting.list_count(june, 0)
    assert len(pairs) / cases == pytest.approx(0.003, abs=0.001)
    assert {pair.first_setl_id for pair in pairs}.isdisjoint({pair.second_setl_id for pair in pairs})


# --- aftermath ----------------------------------------------------------------------------------------------------


def test_a_withdrawn_list_has_a_successor_with_an_exact_lower_bill(setting, june, lists):
    seen = 0
    for hospital in range(len(setting.hospitals)):
        own = lists.filter(pc.equal(lists["institution_code"], setting.institution_code(hospital))).combine_chunks()
        withdrawals, successors = withdraw(setting, june, hospital, own, set())
        seen += len(withdrawals)
        old = {row["case_id"]: row for row in own.to_pylist()}
        for one, new in zip(withdrawals, successors.to_pylist(), strict=True):
            before = old[one.setl_id]
            assert new["case_id"] == one.successor_setl_id != one.setl_id
            assert (one.withdrawn_date.year, one.withdrawn_date.month) == (2025, 7)
            assert new["settlement_date"] == one.withdrawn_date == new["upload_time"].date()
            assert new["total_fee_fen"] < before["total_fee_fen"]
            parts = ("drug_fee_fen", "consumable_fee_fen", "exam_fee_fen", "service_fee_fen")
            assert sum(new[part] for part in parts) == new["total_fee_fen"]
            payers = ("patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")
            assert sum(new[payer] for payer in payers) == new["total_fee_fen"]
            assert new["account_pay_fen"] <= new["patient_pay_fen"]
            assert sum(item["amount_fen"] for item in new["fees"]) == new["total_fee_fen"]
            paid = sum(payer["amount_fen"] for payer in new["payers"])
            assert paid + new["cash_pay_fen"] + new["account_pay_fen"] == new["total_fee_fen"]
    assert seen == setting.profile.settlement.withdrawn_lists.value


def test_a_faulty_list_is_not_withdrawn_as_well(setting, june, lists):
    own = lists.filter(pc.equal(lists["institution_code"], setting.institution_code(0))).combine_chunks()
    withdrawals, successors = withdraw(setting, june, 0, own, set(own["case_id"].to_pylist()))
    assert withdrawals == []
    assert successors.num_rows == 0


def test_decisions_are_a_small_share_of_the_months_payments(setting, june, lists):
    decisions = [
        (hospital, decision)
        for hospital in range(len(setting.hospitals))
        for decision in decide(
            setting,
            june,
            hospital,
            lists.filter(pc.equal(lists["institution_code"], setting.institution_code(hospital))),
        )
    ]
    assert {decision.kind for _, decision in decisions} == {"audit_deduction", "prepay_offset"}
    for hospital, decision in decisions:
        rows = pc.and_(
            pc.equal(lists["institution_code"], setting.institution_code(hospital)),
            pc.equal(lists["insurance"], decision.fund),
        )
        paid = pc.sum(lists.filter(rows)["pool_pay_fen"].cast(pa.int64())).as_py()
        assert 0 < decision.amount_fen < paid * 0.06


def test_without_planned_faults_nothing_is_planted(tmp_path, scheme_folder, setting, monkeypatch):
    faults = setting.profile.faults
    none = faults.record_faults.model_copy(update={"value": {}})
    clean = setting.profile.model_copy(update={"faults": faults.model_copy(update={"record_faults": none})})
    monkeypatch.setattr(city, "prepare", lambda *_: replace(setting, profile=clean))
    summary = build_city(tmp_path, cases=100, scheme_folder=scheme_folder, layouts="few")
    assert summary.record_faults == summary.corrected_lists == 0
    assert not list(tmp_path.rglob("*-corrected.jsonl"))
