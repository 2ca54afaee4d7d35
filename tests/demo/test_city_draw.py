"""What a drawn month must look like: the numbers of a credible city, and sums that are exact."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tongpin.demo.cases import DRAW_SCHEMA, draw_hospital_month
from tongpin.demo.hospital_month import as_pages
from tongpin.demo.setting import prepare
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.tables.read import load_scheme


def column(table, name):
    return table[name].to_numpy(zero_copy_only=False)


# --- the same seed, the same city ---------------------------------------------------------------------------------


def test_a_hospital_month_is_the_same_whatever_else_is_drawn(setting, june, stays):
    code = setting.institution_code(20)
    alone = draw_hospital_month(setting, june, 20)
    assert alone.equals(stays.filter(pc.equal(stays["institution_code"], code)).combine_chunks())


def test_a_new_setting_of_the_same_seed_draws_the_same(setting, june, scheme_folder):
    again = prepare("prefecture-east", scheme_folder, setting.seed)
    assert draw_hospital_month(again, june, 8).equals(draw_hospital_month(setting, june, 8))


def test_another_seed_draws_another_month(setting, june):
    other = replace(setting, seed=setting.seed + 1)
    assert not draw_hospital_month(other, june, 50).equals(draw_hospital_month(setting, june, 50))


def test_the_table_has_the_published_columns(stays):
    assert stays.schema.equals(DRAW_SCHEMA)


# --- sums ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parts",
    [
        ("drug_fee_fen", "consumable_fee_fen", "exam_fee_fen", "service_fee_fen"),
        ("patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen"),
    ],
)
def test_parts_sum_to_the_total_of_every_case(stays, parts):
    values = [column(stays, part) for part in parts]
    assert (sum(values) == column(stays, "total_fee_fen")).all()
    assert all((value >= 0).all() for value in values)


def test_the_account_pays_no_more_than_the_patient_owes(stays):
    assert (column(stays, "account_pay_fen") <= column(stays, "patient_pay_fen")).all()


# --- within the groups -------------------------------------------------------------------------------------------


def test_longer_stays_cost_more(lists):
    some = lists.filter(pc.equal(lists["planned_drg"], most_frequent(lists)))
    correlation = np.corrcoef(column(some, "los"), np.log(column(some, "total_fee_fen")))[0, 1]
    assert correlation > 0.3


def most_frequent(table):
    return Counter(table["planned_drg"].to_pylist()).most_common(1)[0][0]


# --- who they are, who pays ---------------------------------------------------------------------------------------


def test_about_4_percent_pay_themselves_and_have_no_list(stays):
    own = stays.filter(pc.is_null(stays["insurance"]))
    assert own.num_rows / (stays.num_rows - own.num_rows) == pytest.approx(0.04, abs=0.005)
    assert pc.sum(own["pool_pay_fen"]).as_py() == 0
    assert own["settlement_date"].null_count == own.num_rows


def test_age_is_what_birth_and_admission_say(stays):
    for birth, admission, age, age_days in zip(
        stays["birth_date"].to_pylist()[:3000],
        stays["admission_time"].to_pylist()[:3000],
        stays["age"].to_pylist()[:3000],
        stays["age_days"].to_pylist()[:3000],
        strict=True,
    ):
        day = admission.date()
        assert age == day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
        assert age_days == ((day - birth).days if age == 0 else None)


# --- time ---------------------------------------------------------------------------------------------------------


def test_stays_are_discharged_within_the_month_and_stay_as_long_as_they_say(stays, june):
    discharge = column(stays, "discharge_time").astype("datetime64[D]")
    admission = column(stays, "admission_time").astype("datetime64[D]")
    assert discharge.min() >= june.first_day
    assert discharge.max() < june.plus(1).first_day
    assert (np.maximum((discharge - admission).astype(int), 1) == column(stays, "los")).all()
    assert (column(stays, "discharge_time") > column(stays, "admission_time")).all()


def test_most_settle_on_the_day_and_few_come_late(lists):
    settled = column(lists, "settlement_date").astype("datetime64[D]")
    discharge = column(lists, "discharge_time").astype("datetime64[D]")
    cutoff = (settled.astype("datetime64[M]") + 1).astype("datetime64[D]") + 9
    assert (settled == discharge).mean() == pytest.approx(0.97, abs=0.006)
    assert int((settled - discharge).astype(int).max()) == 5
    assert (column(lists, "accepted_date").astype("datetime64[D]") > cutoff).mean() == pytest.approx(0.003, abs=0.0015)


# --- patients -----------------------------------------------------------------------------------------------------


def test_patients_of_a_course_come_back_every_21_days_in_whatever_month(setting, june):
    tables = [draw_hospital_month(setting, june.plus(back), 0) for back in (-2, -1, 0)]
    seen: dict[str, list] = {}
    cyclic = {drg for drg, one in zip(setting.groups.drg, setting.groups.number["cyclic"], strict=True) if one}
    for row in (
        pa.concat_tables(tables).select(["psn_no", "planned_drg", "stay_no", "discharge_time", "sex"]).to_pylist()
    ):
        if row["planned_drg"] in cyclic and row["stay_no"] >= 1:
            seen.setdefault(row["psn_no"], []).append(row)
    courses = [rows for rows in seen.values() if len(rows) > 1]
    assert courses, "no course spans two months"
    gaps = []
    for rows in courses:
        assert len({(row["planned_drg"], row["sex"]) for row in rows}) == 1
        rows.sort(key=lambda row: row["stay_no"])
        gaps.extend(
            (later["discharge_time"].date() - earlier["discharge_time"].date()).days
            for earlier, later in pairwise(rows)
            if later["stay_no"] == earlier["stay_no"] + 1
        )
    assert np.mean(gaps) == pytest.approx(21, abs=1.5)
    assert min(gaps) >= 16


def test_a_patient_is_never_in_hospital_twice_at_once(lists):
    rows = sorted(
        zip(
            lists["psn_no"].to_pylist(),
            lists["admission_time"].to_pylist(),
            lists["discharge_time"].to_pylist(),
            strict=True,
        ),
    )
    overlaps = [later for earlier, later in pairwise(rows) if earlier[0] == later[0] and later[1] < earlier[2]]
    assert not overlaps


def test_record_number_and_stay_number_name_one_front_page(setting, stays):
    pages = pa.concat_tables(
        as_pages(stays.filter(pc.equal(stays["institution_code"], setting.institution_code(hospital))))
        for hospital in range(len(setting.hospitals))
    )
    keys = zip(*(pages[name].to_pylist() for name in ("institution_code", "record_no", "stay_no")), strict=True)
    assert len(set(keys)) == pages.num_rows


# --- groups -------------------------------------------------------------------------------------------------------


def test_every_case_groups_as_planned(stays, scheme_folder):
    # A patient may pass a birthday between two stays; nothing else may move a case to another group.
    grouped = group(stays, load_scheme(scheme_folder))
    status = Counter(grouped["status"].to_pylist())
    assert status["grouped"] / stays.num_rows >= 0.995
    assert pc.mean(pc.equal(grouped["drg"], grouped["planned_drg"]).cast(pa.int8())).as_py() >= 0.999
