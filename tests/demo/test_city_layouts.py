"""Own layouts of the city: they read without a finding and agree with the lists to the fen."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tongpin.demo.choice import always_built
from tongpin.demo.tables import bureau
from tongpin.demo.tables.fee_lines import catalogue, fee_lines, running_bills, still_in_house
from tongpin.demo.tables.staff import costs, dept_months, staff
from tongpin.demo.tables.visits import traces, visits
from tongpin.records.case.nested import flatten
from tongpin.records.intake.kinds import detect
from tongpin.records.readers.own_layouts import read_layout_file

SMALL = (
    "institution",
    "withdrawal",
    "decision",
    "receipt",
    "department",
    "staff",
    "cost",
    "fund-series",
    "bank-line",
    "finance",
    "peer",
    "code-map",
)
BIG = ("fee-line", "running-bill", "outpatient-visit", "trace-code")


@pytest.fixture(scope="module")
def ward(setting, lists):
    """The lists of one second-level hospital."""
    return lists.filter(pc.equal(lists["institution_code"], setting.institution_code(12))).combine_chunks()


@pytest.fixture(scope="module")
def lines(setting, june, ward):
    return fee_lines(setting, june, 12, ward)


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", SMALL)
def test_a_small_layout_reads_without_a_finding(small, layout):
    path = small[0].folder / "files" / f"{layout}.csv"
    table, findings, _ = read_layout_file(path, layout)
    assert findings == []
    assert table.num_rows or layout == "withdrawal"
    assert detect(path).kind == layout


@pytest.mark.parametrize("layout", BIG)
def test_the_big_layouts_stand_for_one_hospital_of_each_grade(small, setting, layout):
    paths = sorted((small[0].folder / "files" / "2025-06" / layout).iterdir())
    assert [path.stem for path in paths] == sorted(setting.institution_code(one) for one in always_built(setting))
    table, findings, _ = read_layout_file(paths[-1], layout)
    assert findings == []
    assert table.num_rows == pq.read_metadata(paths[-1]).num_rows > 0
    assert detect(paths[-1]).kind == layout


# --- fee lines and running bills -----------------------------------------------------------------------------------


def test_fee_lines_sum_to_every_item_of_the_list_by_class(ward, lines):
    flat = flatten(ward["fees"].combine_chunks())
    categories = np.array(flat.fields["category"].to_pylist())
    items = Counter()
    for name, word in (("class_a_fen", "甲"), ("class_b_fen", "乙"), ("own_pay_fen", "自费")):
        amounts = np.asarray(flat.fields[name])
        for row, category, amount in zip(flat.parents.tolist(), categories.tolist(), amounts.tolist(), strict=True):
            if amount:
                items[row, category, word] = amount
    found = Counter()
    for row in lines.select(["row", "category", "catalogue_class", "amount_fen"]).to_pylist():
        found[row["row"], row["category"], row["catalogue_class"]] += row["amount_fen"]
    assert found == items


def test_every_line_is_quantity_times_price_within_the_stay(ward, lines):
    for row in lines.slice(0, 3000).to_pylist():
        assert row["quantity"] * row["price_yuan"] == Decimal(row["amount_fen"]) / 100
        assert row["amount_fen"] > 0
    came = ward["admission_time"].to_numpy()[lines["row"].to_numpy()]
    left = ward["discharge_time"].to_numpy()[lines["row"].to_numpy()]
    charged = lines["charged_time"].to_numpy()
    assert (came <= charged).all()
    assert (charged <= left).all()


def test_lines_of_a_list_are_numbered_in_time(lines):
    names = list(zip(lines["setl_id"].to_pylist(), lines["line_no"].to_pylist(), strict=True))
    assert len(set(names)) == len(names)
    first = lines.filter(pc.equal(lines["row"], 0))
    assert first["line_no"].to_pylist() == [str(number) for number in range(1, first.num_rows + 1)]
    assert first["charged_time"].to_pylist() == sorted(first["charged_time"].to_pylist())


def test_items_are_of_their_category(lines):
    category_of = {row["item_code"]: category for category, rows in catalogue().items() for row in rows}
    assert [category_of[code] for code in lines["item_code"].to_pylist()] == lines["category"].to_pylist()


def test_running_bills_go_day_by_day_and_end_at_the_total_of_the_stay(ward, lines):
    bills = running_bills(ward, lines).to_pylist()
    total, drug, came, left = Counter(), Counter(), {}, {}
    for row in ward.to_pylist():
        stay = row["mdtrt_id"]
        total[stay] += row["total_fee_fen"]
        drug[stay] += row["drug_fee_fen"]
        came[stay] = min(came.get(stay, row["admission_time"]), row["admission_time"])
        left[stay] = max(left.get(stay, row["discharge_time"]), row["discharge_time"])
    last, days = {}, Counter()
    for row in bills:
        before = last.get(row["mdtrt_id"], {"cumulative_amount_fen": 0})
        assert row["cumulative_amount_fen"] == before["cumulative_amount_fen"] + row["day_amount_fen"]
        last[row["mdtrt_id"]] = row
        days[row["mdtrt_id"]] += 1
    assert {name: row["cumulative_amount_fen"] for name, row in last.items()} == total
    assert {name: row["cumulative_drug_amount_fen"] for name, row in last.items()} == drug
    assert days == {stay: (left[stay].date() - came[stay].date()).days + 1 for stay in total}
    assert len({(row["mdtrt_id"], row["bill_date"]) for row in bills}) == len(bills)
    assert len(total) < ward.num_rows, "the ward has interim bills"


def test_those_in_house_at_the_end_are_those_at_the_beginning_a_month_later(ward, lines, june):
    bills = running_bills(ward, lines)
    stay_on = still_in_house(bills, june)
    by_stay = {row["mdtrt_id"]: row for row in stay_on.to_pylist()}  # the last day of each
    first, last = date(2025, 6, 1), date(2025, 6, 30)
    begun = {row["mdtrt_id"]: row for row in bills.to_pylist() if row["bill_date"] == first - timedelta(days=1)}
    assert begun
    assert {f"Z{name}" for name in begun} == set(by_stay)
    for name, row in begun.items():
        after = by_stay[f"Z{name}"]
        assert after["bill_date"] == last
        assert after["admission_date"] == row["admission_date"] + timedelta(days=30)
        assert after["cumulative_amount_fen"] == row["cumulative_amount_fen"]
        assert after["setl_id"] is None
    assert stay_on.num_rows == len([one for one in bills["bill_date"].to_pylist() if one < first])


def test_a_city_has_patients_in_house_on_its_last_day(small, setting):
    hospital = setting.institution_code(always_built(setting)[0])
    table = pq.read_table(small[0].folder / "files" / "2025-06" / "running-bill" / f"{hospital}.parquet")
    days = Counter(str(day) for day in table["bill_date"].to_pylist())
    assert days["2025-06-30"] > 0.6 * days["2025-06-15"]


# --- visits and trace codes ----------------------------------------------------------------------------------------


def test_visits_add_up(setting, june):
    table = visits(setting, june, 40)
    column = {name: np.asarray(table[name]) for name in table.column_names if name.endswith("_fen")}
    assert table.num_rows == setting.list_count(june, 40) * 14
    assert (column["fund_pay_fen"] + column["patient_pay_fen"] == column["total_fee_fen"]).all()
    assert (column["drug_fee_fen"] + column["exam_fee_fen"] <= column["total_fee_fen"]).all()
    assert column["total_fee_fen"].mean() == pytest.approx(29_000, rel=0.05)
    assert len(set(table["visit_id"].to_pylist())) == table.num_rows


def test_trace_codes_are_used_twice_only_where_the_truth_says(setting, june, lines):
    table, faults = traces(setting, june, 12, lines)
    assert faults
    uses = Counter(table["trace_code"].to_pylist())
    assert {code for code, count in uses.items() if count > 1} == {fault.trace_code for fault in faults}
    assert max(uses.values()) == 2
    item_of = {
        (row["setl_id"], row["line_no"]): (row["item_code"], row["charged_time"])
        for row in lines.select(["setl_id", "line_no", "item_code", "charged_time"]).to_pylist()
    }
    for fault in faults:
        first = item_of[fault.first_setl_id, fault.first_line_no]
        again = item_of[fault.again_setl_id, fault.again_line_no]
        assert first[0] == again[0]
        assert first[1] <= again[1]
        assert fault.first_setl_id != fault.again_setl_id


def test_only_drugs_and_consumables_are_traced(setting, june, lines):
    table, _ = traces(setting, june, 12, lines)
    assert {code[:2] for code in table["item_code"].to_pylist()} == {"YP", "HC"}
    assert set(table["kind"].to_pylist()) == {"drug", "consumable"}


def test_the_layouts_are_the_same_again(setting, june, ward, lines):
    assert fee_lines(setting, june, 12, ward).equals(lines)
    assert visits(setting, june, 40).equals(visits(setting, june, 40))
    assert traces(setting, june, 12, lines)[0].equals(traces(setting, june, 12, lines)[0])


# --- departments, staff, cost --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def depts(setting, june, ward):
    return dept_months(12, june, ward)


def test_every_doctor_of_the_lists_is_on_the_staff(setting, ward, depts):
    table = staff(setting, depts)
    known = set(table["staff_code"].to_pylist())
    assert set(ward["doctor_code"].to_pylist()) <= known
    assert Counter(table["role"].to_pylist())["护士"] > Counter(table["role"].to_pylist())["医师"]


def test_costs_of_a_department_sum_to_its_whole_cost(setting, ward, depts):
    table = costs(setting, depts)
    direct, whole, fee = Counter(), {}, {}
    for row in table.to_pylist():
        if row["cost_kind"] == "全成本":
            whole[row["dept_code"]] = row["amount_fen"]
            fee[row["dept_code"]] = row["fee_amount_fen"]
        else:
            direct[row["dept_code"]] += row["amount_fen"]
    assert dict(direct) == whole
    assert sum(fee.values()) == pc.sum(ward["total_fee_fen"]).as_py()
    assert sum(whole.values()) / sum(fee.values()) == pytest.approx(1.01, abs=0.08)


# --- the bureau ----------------------------------------------------------------------------------------------------


def test_institutions_say_how_they_are_paid(setting):
    table = bureau.institutions(setting)
    assert Counter(table["pay_mode"].to_pylist()) == {"drg": 25, "observed": 30}
    assert Counter(table["grade"].to_pylist()) == {"三甲": 5, "三乙": 4, "二级": 23, "一级": 23}
    assert all(len(code) == 12 for code in table["institution_code"].to_pylist())


def test_fund_balances_follow_from_income_and_spending(setting):
    rows = bureau.fund_series(setting).to_pylist()
    assert len(rows) == 84
    before = {}
    for row in rows:
        if row["fund"] in before:
            assert row["balance_fen"] == before[row["fund"]] + row["income_fen"] - row["spending_fen"]
        before[row["fund"]] = row["balance_fen"]
        assert 0 < row["inpatient_spending_fen"] < row["spending_fen"]
    # The residents' fund is the thin one.
    spending = {row["fund"]: row["spending_fen"] for row in rows}
    assert before["390100"] / spending["390100"] < before["310100"] / spending["310100"]


def test_bank_and_book_differ_only_where_the_truth_says(setting, june):
    table, faults = bureau.bank_lines(setting, [june])
    lines = {(row["book"], row["line_no"]): row["amount_fen"] for row in table.to_pylist()}
    numbers = {number for _, number in lines}
    off = {number for number in numbers if lines["fund", number] != lines.get(("bank", number))}
    assert off == {fault.line_no for fault in faults}
    assert Counter(fault.kind for fault in faults) == {"missing": 1, "amount": 1}


def test_months_built_do_not_change_the_funds(setting, june):
    both = bureau.bank_lines(setting, [june, june.plus(-1)])[0]
    alone = bureau.bank_lines(setting, [june])[0]
    assert both.filter(pc.equal(both["month"], str(june))).to_pylist() == alone.to_pylist()


def test_the_truth_about_traces_and_banks_is_written(small):
    truth = small[0].folder / "truth"
    assert {row["kind"] for row in rows_of(truth / "bank_faults.csv")} == {"missing", "amount"}
    assert {row["kind"] for row in rows_of(truth / "trace_faults.csv")} == {"reused"}
