"""The order of the steps: each case is chosen so that exchanging two neighbouring steps gives another amount (C0)."""

from __future__ import annotations

from datetime import date

import pytest
from payment_cases import case, decisions, fen, make_policy, priced_rows, settle


def only(policy, **details):
    (row,) = priced_rows(policy, case("c1", **details))
    return row


def row_of(settlement):
    (row,) = settlement.statement.to_pylist()
    return row


def by_item_care(data):
    choices = {"inpatient": "DRG", "day_surgery": "BY_ITEM", "*": "OUT"}
    data["parameters"]["scope.care_type"]["values"] = {date(2025, 1, 1): choices}


def test_1_before_2_the_scope_decides_whatever_the_group(tmp_path):
    policy = make_policy(tmp_path, change=by_item_care)
    grouped_day_case = only(policy, fee=50_000, patient=10_000, care_type="day_surgery")
    assert (grouped_day_case["pay_scope"], grouped_day_case["gross_fen"]) == ("BY_ITEM", fen(50_000))
    assert [grouped_day_case[name] for name in ("weight_e4", "standard_fen", "outlier_class")] == [None] * 3
    unknown_group = only(policy, fee=800, patient=200, care_type="outpatient_chronic", drg="ZZ99D")
    assert unknown_group["pay_scope"] == "OUT", "a group without weight matters only inside the scope"


def test_2_before_3_a_case_without_a_group_has_no_standard(tmp_path):
    row = only(make_policy(tmp_path), fee=50_000, patient=10_000, status="ambiguous", drg="AA11D")
    assert (row["pay_scope"], row["standard_fen"], row["outlier_class"]) == ("BY_ITEM", None, None)
    assert row["gross_fen"] == fen(50_000)


def test_3_the_coefficient_comes_before_the_outlier_class(tmp_path):
    raised = make_policy(tmp_path / "raised", {"coefficient.product": 1.05})
    row = only(raised, fee=31_000, patient=0)
    assert (row["standard_fen"], row["outlier_class"]) == (fen(10_500), "NORMAL"), "31,000 is HIGH against 10,000"
    assert only(raised, fee=4_100, patient=0)["outlier_class"] == "LOW", "4,100 is NORMAL against 10,000"


def test_3_the_standard_is_rounded_before_the_outlier_class(tmp_path):
    to_thousands = make_policy(tmp_path, {"rounding.standard": 1_000_00})
    row = only(to_thousands, fee=42_150, patient=0, drg="BB11D")
    assert (row["standard_fen"], row["outlier_class"]) == (fen(14_000), "HIGH"), "3 x 14,100 = 42,300 is not reached"


def test_3_before_4_the_class_looks_at_the_fee_not_at_what_is_paid(tmp_path):
    capped = make_policy(tmp_path, {"outlier.high.pay": "standard"})
    row = only(capped, fee=35_000, patient=0)
    assert (row["outlier_class"], row["gross_fen"]) == ("HIGH", fen(10_000))


@pytest.mark.parametrize(
    ("fee", "patient", "outlier", "payable"),
    [
        (35_000, 6_000, "HIGH", 29_000),  # 35,000 - 6,000 alone would be NORMAL and be paid 10,000
        (5_000, 2_000, "NORMAL", 8_000),  # 5,000 - 2,000 alone would be LOW and be paid 3,000
    ],
)
def test_4_before_5_the_class_looks_at_the_fee_before_the_patient_pays(tmp_path, fee, patient, outlier, payable):
    row = only(make_policy(tmp_path), fee=fee, patient=patient)
    assert (row["outlier_class"], row["pool_payable_fen"]) == (outlier, fen(payable))


def test_4_before_5_the_share_of_the_excess_is_of_the_whole_fee(tmp_path):
    policy = make_policy(tmp_path, {"outlier.high.pay": "standard_plus_share", "outlier.high.share": 0.5})
    row = only(policy, fee=40_000, patient=6_000)
    assert row["gross_fen"] == fen(15_000)
    assert row["pool_payable_fen"] == fen(9_000), "after the patient's part the excess would be 4,000, the sum 6,000"


def test_5_before_6_a_floor_of_a_case_is_not_a_floor_of_the_month(tmp_path):
    policy = make_policy(tmp_path, {"pool.negative": "floor_case"})
    below, above = case("below", 12_000, 10_600), case("above", 9_500, 3_000)
    row = row_of(settle(policy, "2025-06", [below, above]))
    assert (row["floored_fen"], row["pool_payable_fen"]) == (fen(600), fen(7_000)), "the month alone would give 6,400"


def test_6_before_7_late_lists_bear_the_deposit(tmp_path):
    late = case("late", 9_000, 2_000, settled=date(2025, 5, 20), accepted=date(2025, 6, 20))
    june = settle(make_policy(tmp_path), "2025-06", [case("now", 9_000, 3_000), late], closed={"2025-05"})
    row = row_of(june)
    assert (row["deposit_fen"], row["cash_transfer_fen"]) == (fen(450), fen(14_550)), "3 % of 7,000 + 8,000"


def test_6_before_7_the_deposit_is_rounded_once_for_the_month(tmp_path):
    cases = [case(f"c{number}", 9_999.83, 9_999.83) for number in range(3)]
    row = row_of(settle(make_policy(tmp_path), "2025-06", cases))
    assert (row["month_pool_payable_fen"], row["deposit_fen"]) == (51, 2), "3 % of 17 fen rounds up to 1, three times"


def test_7_the_audit_deduction_comes_before_the_deposit_the_offset_after_it(tmp_path):
    decided = decisions(("audit_deduction", 1_000), ("prepay_offset", 2_000), ("direct_drug", 500))
    row = row_of(settle(make_policy(tmp_path), "2025-06", [case("c", 9_000, 3_000)], decided=decided))
    assert (row["deposit_fen"], row["cash_transfer_fen"]) == (fen(180), fen(3_320)), "3 % of 7,000 - 1,000"
