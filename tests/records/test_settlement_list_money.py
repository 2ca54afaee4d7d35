"""Payers, fees and care types of settlement lists, and what a settlement result adds to a 4101A list."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from list_samples import full_message, read_messages
from records_samples import message, with_node

from tongpin.records.readers.own_layouts import layout_schema
from tongpin.records.readers.results import complete_lists

money = st.integers(0, 10**9)


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


@settings(max_examples=60, deadline=None)
@given(money, money, money, money, st.booleans(), st.booleans(), st.integers(-1, 1))
def test_the_payers_of_a_case_sum_to_its_fee(
    pool: int, other: int, account: int, cash: int, in_head: bool, in_funds: bool, slip: int
) -> None:
    """S900-05: Σ fund_pay_type + account + cash, the account counted once wherever it is written."""
    in_funds = in_funds or not in_head
    funds = [("310100", pool), ("330100", other)] + [("310200", account)] * in_funds
    total = pool + other + account + cash + slip
    made = message(psn_selfpay="", psn_ownpay="", acct_pay=yuan(account) if in_head else "", psn_cashpay=yuan(cash))
    made["payinfo"] = [{"fund_pay_type": fund, "fund_payamt": yuan(amount)} for fund, amount in funds]
    made["iteminfo"] = [{"med_chrgitm": "01", "amt": yuan(max(total, 0))}]
    read = read_messages(made)
    if max(total, 0) != pool + other + account + cash:
        assert (read.rules, read.cases.num_rows) == (["REC-S001"], 0)
        return
    case = read.case
    assert read.rules == []
    parts = [case[f"{name}_fen"] for name in ("pool_pay", "other_fund_pay", "account_pay", "cash_pay")]
    assert parts == [pool, other, account, cash]
    assert case["patient_pay_fen"] == account + cash
    assert case["total_fee_fen"] == case["patient_pay_fen"] + case["pool_pay_fen"] + case["other_fund_pay_fen"]


def test_without_cash_the_shares_of_the_patient_count() -> None:
    case = read_messages(message(psn_cashpay="", acct_pay="")).case
    assert (case["patient_pay_fen"], case["account_pay_fen"], case["cash_pay_fen"]) == (200_000, 30_000, None)


def test_cash_that_does_not_balance_leaves_the_list_out() -> None:
    read = read_messages(message(psn_cashpay="1600.00"))
    assert (read.rules, read.cases.num_rows) == (["REC-S001", "REC-S008"], 0)


def test_shares_unlike_account_and_cash_are_noted() -> None:
    (found,) = read_messages(message(psn_ownpay="501.00")).findings
    assert (found.rule_id, found.severity, found.value) == ("REC-S008", "warning", "2,001.00 ≠ 2,000.00")


def test_fee_categories_are_told_with_and_without_their_zero() -> None:
    case = read_messages(with_node("iteminfo", 0, med_chrgitm=1)).case
    assert [fee["category"] for fee in case["fees"]] == ["01", "04", "08", "09", "11"]
    assert case["service_fee_fen"] == 100_000


def test_a_fee_without_category_counts_as_service_and_is_noted() -> None:
    read = read_messages(with_node("iteminfo", 3, med_chrgitm=""))
    assert (read.rules, read.case["service_fee_fen"]) == (["REC-U001"], 400_050)


RESULT: dict[str, Any] = {
    "setl_id": "S1",
    "institution_code": "H32020000009",
    "sex": "2",
    "birth_date": dt.date(1990, 1, 1),
    "insurance": "390",
    "insured_region": "320200",
    "medical_type": "21",
    "total_fee_fen": 100_000,
    "patient_pay_fen": 20_000,
    "account_pay_fen": 3_000,
    "cash_pay_fen": 17_000,
    "pool_pay_fen": 70_000,
    "hifmi_pay_fen": 6_000,
    "maf_pay_fen": 4_000,
    "other_fund_pay_fen": 10_000,
    "settlement_date": dt.date(2025, 6, 11),
    "accepted_date": dt.date(2025, 7, 2),
    "filing_month": "2025-07",
    "transfer_date": dt.date(2025, 8, 15),
    "clearing_year": 2025,
}
FROM_RESULT = ("insured_region", "medical_type", "accepted_date", "filing_month", "transfer_date", "clearing_year")


def results(**changes: Any) -> pa.Table:
    return pa.Table.from_pylist([RESULT | changes], schema=layout_schema("settlement-result"))


def test_a_result_brings_persons_payers_and_dates_to_a_4101a_list() -> None:
    read = read_messages(full_message("4101A"), results=results())
    case = read.case
    assert read.rules == []
    assert (case["sex"], case["age"], case["insurance"], case["institution_code"]) == (2, 35, "390", "H32020000009")
    assert {name: case[name] for name in FROM_RESULT} == {name: RESULT[name] for name in FROM_RESULT}
    assert case["payers"] == [
        {"fund": "390100", "amount_fen": 70_000},
        {"fund": "390200", "amount_fen": 6_000},
        {"fund": "610100", "amount_fen": 4_000},
    ]
    split = sum(one["amount_fen"] for one in case["payers"]) + case["account_pay_fen"] + case["cash_pay_fen"]
    assert split == case["total_fee_fen"]


@pytest.mark.parametrize(("insurance", "pool", "other"), [("310", "310100", "330100"), ("390", "390100", "390200")])
def test_funds_that_no_column_names_stand_under_the_insurance(insurance: str, pool: str, other: str) -> None:
    bare = results(insurance=insurance, hifmi_pay_fen=None, maf_pay_fen=None)
    assert [one["fund"] for one in read_messages(full_message("4101A"), results=bare).case["payers"]] == [pool, other]


def test_the_payers_of_the_list_stand() -> None:
    case = read_messages(message(), results=results()).case
    assert [one["fund"] for one in case["payers"]] == ["310100", "310200", "330100"]
    assert case["institution_code"] == "H32020000001"


def test_a_result_that_comes_later_completes_the_list_like_one_that_came_before() -> None:
    late, before = read_messages(full_message("4101A")), read_messages(full_message("4101A"), results=results())
    completed, findings = complete_lists(late.cases, results())
    assert findings == []
    # Of a list already kept the institution is part of its key.
    assert completed.drop_columns("institution_code") == before.cases.drop_columns("institution_code")


CARE = {"diseinfo": [], "opspdiseinfo": [{"diag_code": "N18.900"}]}


@pytest.mark.parametrize(
    ("made", "medical_type", "care"),
    [
        (message(), None, "inpatient"),
        (message(ipt_med_type="2"), "21", "day_surgery"),
        (message(ipt_med_type=""), None, "inpatient"),
        (message(ipt_med_type=""), "52", "inpatient"),
        (message(ipt_med_type="") | CARE, None, "outpatient_special"),
        (message() | {"opspdiseinfo": CARE["opspdiseinfo"]}, None, "inpatient"),
        (message(), "14", "outpatient_special"),
        (message(ipt_med_type=""), "11", "outpatient"),
        (message(ipt_med_type="", adm_time="", dscg_time=""), "51", "outpatient"),
        (message(ipt_med_type="", adm_time="", dscg_time=""), None, None),
    ],
)
def test_care_types(made: dict[str, Any], medical_type: str | None, care: str | None) -> None:
    """S914-02: lists of 门慢特 and of outpatients never count as inpatient ones."""
    found = pa.table({"setl_id": ["S1"], "medical_type": pa.array([medical_type], pa.string())})
    assert read_messages(made, results=found).case["care_type"] == care


def test_a_late_result_takes_an_outpatient_list_out_of_the_inpatients() -> None:
    kept = read_messages(message(), message("S2")).cases
    late = pa.concat_tables([results(setl_id="S1", medical_type="14"), results(setl_id="S2", medical_type="21")])
    completed, _ = complete_lists(kept, late)
    assert completed["care_type"].to_pylist() == ["outpatient_special", "inpatient"]
