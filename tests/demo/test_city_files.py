"""Files in the national formats, and the truth about what was planted in them."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tongpin.base.errors import TongpinError
from tongpin.demo import city
from tongpin.demo.aftermath import decide, withdraw
from tongpin.demo.choice import Choice, MonthChoice, always_built
from tongpin.demo.city import build_city
from tongpin.demo.faults import allocate, plant, split_stays
from tongpin.demo.setting import Setting
from tongpin.records.own_layouts import read_layout
from tongpin.records.read import CodeBook, read

KEY = b"a key of the test"

RULE_OF_KIND = {
    "truncated": "REC-J001",
    "negative_fee": "REC-F001",
    "discharge_before_admission": "REC-D001",
    "unknown_diagnosis": "REC-U002",
    "twice": "REC-P002",
    "missing_sex": "REC-X001",
}


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
def small(tmp_path_factory, scheme_folder):
    """The smallest city: June 2025 of one hospital of each grade."""
    told = []
    folder = tmp_path_factory.mktemp("city")
    summary = build_city(
        folder,
        cases=100,
        scheme_folder=scheme_folder,
        progress=lambda done, total: told.append((done, total)),
    )
    return summary, told


@pytest.fixture(scope="module")
def loaded(small, setting):
    """What the readers make of it: (file name) → loaded list files, with results and code book."""
    summary, _ = small
    month = summary.folder / "files" / "2025-06"
    codes = CodeBook(frozenset(setting.groups.dx_codes), frozenset(setting.groups.px_codes))
    found = {}
    for path in sorted((month / "settlement-list").iterdir()):
        results, findings = read_layout(month / "settlement-result" / f"{path.stem}.csv", "settlement-result", key=KEY)[
            :2
        ]
        assert not findings
        found[path.name] = read(path, key=KEY, results=results, codes=codes)
    return found


def test_the_summary_says_what_was_built(small):
    summary, told = small
    (month,) = summary.months
    assert (month.month, month.hospitals, month.hospitals_left_out) == ("2025-06", 4, 51)
    assert summary.settlement_lists == month.settlement_lists > 100
    assert month.front_pages > month.settlement_lists
    assert summary.notes
    assert told[-1] == (summary.settlement_lists, summary.settlement_lists)


def test_every_list_and_page_is_in_the_files(small, loaded):
    summary, _ = small
    faults = Counter(row["kind"] for row in rows_of(summary.folder / "truth" / "record_faults.csv"))
    unread = faults["truncated"] + faults["negative_fee"] + faults["discharge_before_admission"]
    assert sum(one.cases.num_rows for one in loaded.values()) == summary.settlement_lists - unread
    pages = [read(path, key=KEY) for path in sorted((summary.folder / "files" / "2025-06" / "front-page").iterdir())]
    assert sum(one.cases.num_rows for one in pages) == summary.months[0].front_pages
    assert not [finding for one in pages for finding in one.findings]


def test_every_planted_fault_is_found_where_the_truth_says(small, loaded):
    truth = rows_of(small[0].folder / "truth" / "record_faults.csv")
    assert {row["kind"] for row in truth} == set(RULE_OF_KIND)
    for row in truth:
        name = row["file"].rsplit("/", 1)[1]
        rules = {finding.rule_id for finding in loaded[name].findings if finding.record == int(row["line"])}
        assert RULE_OF_KIND[row["kind"]] in rules, row


def test_nothing_else_is_wrong_with_the_lists(small, loaded):
    truth = rows_of(small[0].folder / "truth" / "record_faults.csv")
    planted = {(row["file"].rsplit("/", 1)[1], int(row["line"])) for row in truth}
    found = {(finding.file, finding.record) for one in loaded.values() for finding in one.findings}
    assert found == planted


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


def test_own_layouts_are_readable(small):
    files = small[0].folder / "files"
    institutions, findings = read_layout(files / "institution.csv", "institution")[:2]
    assert not findings
    assert Counter(institutions["grade"].to_pylist()) == {"三甲": 5, "三乙": 4, "二级": 17, "一级": 29}
    assert all(len(code) == 12 for code in institutions["institution_code"].to_pylist())
    assert read_layout(files / "withdrawal.csv", "withdrawal")[1] == []
    assert read_layout(files / "decision.csv", "decision")[1] == []


def test_a_city_is_not_written_over_unless_asked(small, scheme_folder):
    folder = small[0].folder
    before = digests(folder)
    with pytest.raises(TongpinError) as refused:
        build_city(folder, cases=100, scheme_folder=scheme_folder)
    assert refused.value.code == "demo.folder"
    assert digests(folder) == before
    build_city(folder, cases=100, scheme_folder=scheme_folder, replace=True)
    assert digests(folder) == before


def test_less_than_one_case_is_refused(tmp_path, scheme_folder):
    with pytest.raises(TongpinError) as refused:
        build_city(tmp_path, cases=0, scheme_folder=scheme_folder)
    assert refused.value.code == "demo.cases"
    assert not list(tmp_path.iterdir())


def test_worker_processes_write_the_same_bytes(small, tmp_path, scheme_folder, monkeypatch):
    monkeypatch.setattr(city, "FEW_LISTS", 0)
    build_city(tmp_path, cases=100, scheme_folder=scheme_folder, workers=2)
    assert digests(tmp_path) == digests(small[0].folder)


def test_successors_of_withdrawn_lists_arrive_in_the_next_month(tmp_path, scheme_folder, setting, june, monkeypatch):
    hospitals = always_built(setting)
    months = tuple(
        MonthChoice(month, {one: setting.list_count(month, one) for one in hospitals}, 51)
        for month in (june, june.plus(-1))
    )
    monkeypatch.setattr(city, "choose", lambda _setting, _cases: Choice(months, ()))
    summary = build_city(tmp_path, cases=100, scheme_folder=scheme_folder)
    rows = rows_of(tmp_path / "files" / "withdrawal.csv")
    assert len(rows) == summary.withdrawals > 0
    for row in rows:
        again = tmp_path / "files" / "2025-06" / "settlement-list" / f"{row['institution_code']}-again.jsonl"
        successors = {case["case_id"]: case for case in read(again, key=KEY).cases.to_pylist()}
        assert str(successors[row["successor_setl_id"]]["settlement_date"]) == row["withdrawn_date"]
        assert row["withdrawn_date"].startswith("2025-06-")
        before = tmp_path / "files" / "2025-05" / "settlement-list" / f"{row['institution_code']}.jsonl"
        assert row["setl_id"] in read(before, key=KEY).cases["case_id"].to_pylist()


# --- planting -----------------------------------------------------------------------------------------------------


def test_every_kind_of_fault_reaches_a_hospital_that_is_always_built(setting, june):
    for purpose, total in enumerate(setting.profile.faults.record_faults.value.values()):
        counts = allocate(setting, june, purpose, total)
        assert counts.sum() == total
        assert counts[always_built(setting)].sum() >= 1
    assert allocate(setting, june, 0, 0).sum() == 0


def test_faults_stand_on_lists_of_their_own(setting, june, lists):
    big = lists.filter(pc.equal(lists["institution_code"], setting.institution_code(0))).combine_chunks()
    planted = plant(setting, june, 0, big)
    named = [planted.lists["case_id"][line].as_py() for _, line in planted.faults]
    assert named
    assert len(set(named)) == len(named)


def test_without_planned_faults_the_lists_stay_as_they_are(setting, june, lists):
    faults = setting.profile.faults
    none = faults.record_faults.model_copy(update={"value": {}})
    clean = setting.profile.model_copy(update={"faults": faults.model_copy(update={"record_faults": none})})
    small = lists.filter(pc.equal(lists["institution_code"], setting.institution_code(54))).combine_chunks()
    planted = plant(Setting(clean, setting.groups, setting.seed), june, 54, small)
    assert planted.faults == []
    assert planted.lists.combine_chunks().equals(small)


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
            assert one.withdrawn_date.startswith("2025-07-")
            assert str(new["settlement_date"]) == one.withdrawn_date
            assert new["total_fee_fen"] < before["total_fee_fen"]
            parts = ("drug_fee_fen", "consumable_fee_fen", "exam_fee_fen", "service_fee_fen")
            assert sum(new[part] for part in parts) == new["total_fee_fen"]
            payers = ("patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")
            assert sum(new[payer] for payer in payers) == new["total_fee_fen"]
            assert new["account_pay_fen"] <= new["patient_pay_fen"]
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
        assert 0 < float(decision.amount) * 100 < paid * 0.06
