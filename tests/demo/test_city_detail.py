"""Detail columns of drawn stays: exact sums, nothing against the core, mothers and newborns, interim bills, 门慢特."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tongpin.demo.cases import DRAW_SCHEMA
from tongpin.demo.hospital_month import as_pages
from tongpin.demo.special import draw_special
from tongpin.demo.truth import births, interim_bills
from tongpin.records.case.nested import flatten


def column(table, name):
    return table[name].to_numpy(zero_copy_only=False)


def sums(lists, field, size):
    """The sum of a field of a nested column, row by row."""
    flat = flatten(lists)
    return np.bincount(flat.parents, np.asarray(flat.fields[field]), minlength=size).astype(np.int64)


def of_hospital(setting, table, hospital):
    return table.filter(pc.equal(table["institution_code"], setting.institution_code(hospital))).combine_chunks()


# --- money: S900-05 ------------------------------------------------------------------------------------------------


def test_items_sum_to_the_fee_and_their_classes_to_the_item(stays):
    fees = stays["fees"].combine_chunks()
    assert (sums(fees, "amount_fen", stays.num_rows) == column(stays, "total_fee_fen")).all()
    flat = flatten(fees)
    classes = sum(np.asarray(flat.fields[name]) for name in ("class_a_fen", "class_b_fen", "own_pay_fen", "other_fen"))
    assert (classes == np.asarray(flat.fields["amount_fen"])).all()
    assert all(np.asarray(flat.fields[name]).min() >= 0 for name in ("class_a_fen", "class_b_fen", "own_pay_fen"))


@pytest.mark.parametrize(
    ("part", "categories"),
    [("drug", ["09", "10", "11"]), ("consumable", ["08"]), ("exam", ["03", "04"])],
)
def test_items_of_a_kind_sum_to_the_part(stays, part, categories):
    flat = flatten(stays["fees"].combine_chunks())
    chosen = np.isin(np.array(flat.fields["category"].to_pylist()), categories)
    amounts = np.where(chosen, np.asarray(flat.fields["amount_fen"]), 0)
    found = np.bincount(flat.parents, amounts, minlength=stays.num_rows).astype(np.int64)
    assert (found == column(stays, f"{part}_fee_fen")).all()


def test_surgery_is_charged_only_where_there_is_a_procedure(stays):
    flat = flatten(stays["fees"].combine_chunks())
    charged = flat.parents[np.array(flat.fields["category"].to_pylist()) == "06"]
    operated = np.asarray(pc.list_value_length(stays["px"])) > 0
    assert operated[charged].all()
    assert len(charged)


def test_payers_and_the_patient_pay_the_whole_fee(lists):
    paid = sums(lists["payers"].combine_chunks(), "amount_fen", lists.num_rows)
    assert (
        paid + column(lists, "cash_pay_fen") + column(lists, "account_pay_fen") == column(lists, "total_fee_fen")
    ).all()
    assert (column(lists, "self_pay_fen") + column(lists, "own_pay_fen") == column(lists, "patient_pay_fen")).all()
    assert column(lists, "self_pay_fen").min() >= 0


# --- codes: S914-03 ------------------------------------------------------------------------------------------------


def test_western_diagnoses_are_those_of_the_core_principal_first(stays):
    some = stays.slice(0, 2000)
    for dx, diagnoses in zip(some["dx"].to_pylist(), some["diagnoses"].to_pylist(), strict=True):
        western = [one for one in diagnoses if one["kind"] == "1"]
        assert [one["code"] for one in western] == dx
        assert [one["principal"] for one in diagnoses] == [True] + [False] * (len(diagnoses) - 1)


def test_tcm_hospitals_name_tcm_diagnoses_that_are_never_the_principal(setting, stays):
    flat = flatten(stays["diagnoses"].combine_chunks())
    kinds = np.array(flat.fields["kind"].to_pylist())
    assert not np.asarray(flat.fields["principal"])[kinds != "1"].any()
    with_tcm = np.isin(np.arange(stays.num_rows), flat.parents[kinds == "2"])
    names = np.array(stays["institution_name"].to_pylist())
    assert with_tcm[names == "示例市中医院"].mean() == pytest.approx(0.92, abs=0.03)
    assert with_tcm[names == "示例市第一人民医院"].mean() == pytest.approx(0.03, abs=0.02)


def test_procedures_happen_during_the_stay(stays):
    flat = flatten(stays["procedures"].combine_chunks())
    begin, end = (np.asarray(flat.fields[name]) for name in ("begin", "end"))
    came, left = (column(stays, name)[flat.parents] for name in ("admission_time", "discharge_time"))
    assert (came <= begin).all()
    assert (begin <= end).all()
    assert (end <= left).all()


def test_intensive_care_lasts_as_long_as_the_core_says(stays):
    flat = flatten(stays["icu_stays"].combine_chunks())
    hours = stays["icu_hours"].to_numpy(zero_copy_only=False)
    assert len(flat.parents) == np.isfinite(hours.astype(float)).sum() > 0
    assert (np.asarray(flat.fields["minutes"]) == hours[flat.parents].astype(int) * 60).all()
    assert (np.asarray(flat.fields["leave"]) <= column(stays, "discharge_time")[flat.parents]).all()


def test_nursing_days_fill_the_stay(stays):
    assert (column(stays, "level1_nursing_days") + column(stays, "level2_nursing_days") == column(stays, "los")).all()


# --- births: S915-03 -----------------------------------------------------------------------------------------------


def test_mothers_name_the_weight_of_every_child(stays):
    mother = stays.filter(pc.is_in(pc.utf8_slice_codeunits(stays["planned_drg"], 0, 2), pa.array(["OB", "OR"])))
    lengths = pc.list_value_length(mother["birth_weights"]).to_numpy()
    assert set(lengths.tolist()) == {1, 2}
    assert (lengths == 2).mean() == pytest.approx(0.016, abs=0.012)
    first = [weights[0] for weights in mother["birth_weights"].to_pylist()]
    assert first == mother["birth_weight"].to_pylist()


def test_only_admitted_newborns_have_a_record_and_an_admission_weight(stays):
    weighed = stays.filter(pc.is_valid(stays["admission_weights"]))
    assert weighed.num_rows > 100
    assert set(weighed["age"].to_pylist()) == {0}
    for birth, admission in zip(
        weighed["birth_weights"].to_pylist(), weighed["admission_weights"].to_pylist(), strict=True
    ):
        assert len(birth) == len(admission) == 1
        assert 0.9 * birth[0] < admission[0] <= birth[0]


def test_a_newborn_and_its_mother_name_the_same_weight(setting, june, stays):
    found = [one for hospital in range(12) for one in births(june, of_hospital(setting, stays, hospital))]
    assert found
    cases = {row["case_id"]: row for row in stays.select(list(BIRTH_COLUMNS)).to_pylist()}
    assert len({one.mother_setl_id for one in found}) == len(found)
    for one in found:
        mother, child = cases[one.mother_setl_id], cases[one.newborn_setl_id]
        assert mother["birth_weights"][0] == child["birth_weights"][0]
        assert mother["admission_time"].date() <= child["birth_date"] <= mother["discharge_time"].date()
        assert one.weights.split(",")[0] == str(child["birth_weights"][0])


BIRTH_COLUMNS = ("case_id", "birth_weights", "birth_date", "admission_time", "discharge_time")


# --- interim bills -------------------------------------------------------------------------------------------------


def test_bills_of_one_stay_share_its_visit_and_join_without_a_gap(setting, june, lists):
    big = of_hospital(setting, lists, 0)
    found = interim_bills(june, big)
    assert found
    cases = {row["case_id"]: row for row in big.to_pylist()}
    for one in found:
        first, second = cases[one.first_setl_id], cases[one.second_setl_id]
        assert first["mdtrt_id"] == second["mdtrt_id"] == one.mdtrt_id
        assert first["discharge_time"] == second["admission_time"]
        assert first["discharge_way"] == "9"
        assert first["psn_no"] == second["psn_no"]
    others = big.filter(pc.is_null(big["interim"]))
    assert len(set(others["mdtrt_id"].to_pylist())) == others.num_rows


def test_a_stay_with_two_bills_is_one_front_page(setting, june, stays):
    big = of_hospital(setting, stays, 0)
    pages = as_pages(big)
    found = interim_bills(june, big)
    assert pages.num_rows == big.num_rows - len(found)
    assert pc.sum(pages["total_fee_fen"]).as_py() == pc.sum(big["total_fee_fen"]).as_py()
    rows = {row["case_id"]: row for row in big.to_pylist()}
    page_of = {row["case_id"]: row for row in pages.to_pylist()}
    for one in found:
        first, second, page = rows[one.first_setl_id], rows[one.second_setl_id], page_of[one.second_setl_id]
        assert (page["admission_time"], page["discharge_time"]) == (first["admission_time"], second["discharge_time"])
        assert page["los"] == first["los"] + second["los"]


# --- 门诊慢特病: S914-02 --------------------------------------------------------------------------------------------


def test_special_lists_are_no_stays_and_their_sums_are_exact(setting, june):
    special = draw_special(setting, june, 0)
    assert special.schema.equals(DRAW_SCHEMA)
    assert special.num_rows == round(setting.list_count(june, 0) * 0.02)
    assert set(special["care_type"].to_pylist()) == {"outpatient_special"}
    assert special["admission_time"].null_count == special["discharge_time"].null_count == special.num_rows
    assert special["diagnoses"].null_count == special.num_rows
    payers = ("patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")
    assert (sum(column(special, name) for name in payers) == column(special, "total_fee_fen")).all()
    assert (
        sums(special["fees"].combine_chunks(), "amount_fen", special.num_rows) == column(special, "total_fee_fen")
    ).all()


def test_special_lists_are_the_same_again(setting, june):
    assert draw_special(setting, june, 7).equals(draw_special(setting, june, 7))
