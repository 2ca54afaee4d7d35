"""What a drawn month must look like: the numbers of a credible city, and sums that are exact."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tongpin.demo.calendar import Month
from tongpin.demo.cases import DRAW_SCHEMA, draw_hospital_month
from tongpin.demo.profile import GRADES
from tongpin.demo.setting import Setting, prepare
from tongpin.demo.stays import draw_stays
from tongpin.grouping.stage import group
from tongpin.grouping.tables import load_scheme

TERTIARY = ("三甲", "三乙")


def column(table, name):
    return table[name].to_numpy(zero_copy_only=False)


def of(table, *grades):
    return table.filter(pc.is_in(table["grade"], pa.array(grades)))


def share(table, part, whole="total_fee_fen"):
    return pc.sum(table[part]).as_py() / pc.sum(table[whole]).as_py()


def mean_fee_yuan(table):
    return pc.mean(table["total_fee_fen"]).as_py() / 100


def case_mix_index(table):
    return pc.mean(table["planned_weight_e4"]).as_py() / 10_000


# --- the same seed, the same city ---------------------------------------------------------------------------------


def test_a_hospital_month_is_the_same_whatever_else_is_drawn(setting, june, stays):
    code = setting.institution_code(20)
    alone = draw_hospital_month(setting, june, 20)
    assert alone.equals(stays.filter(pc.equal(stays["institution_code"], code)).combine_chunks())


def test_a_new_setting_of_the_same_seed_draws_the_same(setting, june, scheme_folder):
    again = prepare("prefecture-east", scheme_folder, setting.seed)
    assert draw_hospital_month(again, june, 8).equals(draw_hospital_month(setting, june, 8))


def test_another_seed_draws_another_month(setting, june):
    other = Setting(setting.profile, setting.groups, setting.seed + 1)
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


# --- volume, level and weight: S900, numbers of a credible city ---------------------------------------------------


def test_a_flat_month_has_the_planned_lists(lists):
    # 55 hospitals, each moving by 2 %: the sum moves by about 0.4 %.
    assert lists.num_rows == pytest.approx(29_830, rel=0.015)


def test_case_shares_by_level_are_52_32_16(lists):
    shares = [of(lists, *grades).num_rows / lists.num_rows for grades in (TERTIARY, ("二级",), ("一级",))]
    assert shares == pytest.approx([0.52, 0.32, 0.16], abs=0.01)


def test_money_shares_by_level_are_74_20_6(lists):
    total = pc.sum(lists["total_fee_fen"]).as_py()
    shares = [
        pc.sum(of(lists, *grades)["total_fee_fen"]).as_py() / total for grades in (TERTIARY, ("二级",), ("一级",))
    ]
    assert shares == pytest.approx([0.74, 0.20, 0.06], abs=0.02)


@pytest.mark.parametrize(
    ("grade", "low", "high"),
    [("三甲", 1.20, 1.40), ("三乙", 1.00, 1.10), ("二级", 0.70, 0.85), ("一级", 0.45, 0.60)],
)
def test_case_mix_index_by_grade(lists, grade, low, high):
    assert low <= case_mix_index(of(lists, grade)) <= high


def test_case_mix_index_of_the_city_is_about_1(lists):
    # The plan keeps 0.98-1.02; one month's sampling adds 0.015.
    assert case_mix_index(lists) == pytest.approx(1.0, abs=0.035)


@pytest.mark.parametrize(
    ("grades", "low", "high"),
    [(TERTIARY, 14_000, 17_000), (("二级",), 6_500, 7_500), (("一级",), 3_000, 4_000)],
)
def test_mean_fee_by_level(lists, grades, low, high):
    assert low <= mean_fee_yuan(of(lists, *grades)) <= high


def test_fee_per_weight_of_the_city(lists):
    assert 10_500 <= mean_fee_yuan(lists) / case_mix_index(lists) <= 11_900


@pytest.mark.parametrize(
    ("grade", "low", "high"),
    [("三甲", 7.0, 7.8), ("二级", 8.0, 8.8), ("一级", 8.5, 9.5)],
)
def test_mean_stay_by_grade(lists, grade, low, high):
    assert low <= pc.mean(of(lists, grade)["los"]).as_py() <= high


def test_hospitals_differ_in_fee_level_by_about_8_percent(setting):
    # 费用消耗指数: the hospital's mean fee against its grade's at its own case mix; 55 hospitals, sd ± 0.03.
    fee, mix = setting.mean_fee_fen, setting.mix
    cases = np.array([row.cases for row in setting.hospitals], dtype=float)
    indices = []
    for grade in GRADES:
        members = setting.of_grade(grade)
        weights = cases[members][:, None] * mix[members]
        mean = (fee[members] * weights).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-12)
        indices.extend((fee[members] * mix[members]).sum(axis=1) / (mean * mix[members]).sum(axis=1))
    assert np.std(indices) == pytest.approx(0.08, abs=0.03)


# --- within the groups ---------------------------------------------------------------------------------------------


def test_fees_within_groups_spread_like_the_mixture(setting, june):
    factors = np.concatenate([draw_stays(setting, june, hospital).fee_factor for hospital in range(12)])
    assert factors.mean() == pytest.approx(1.0, abs=0.03)
    assert factors.std() == pytest.approx(0.60, abs=0.08)
    assert (factors > 3).mean() == pytest.approx(0.014, abs=0.005)
    assert (factors < 0.4).mean() == pytest.approx(0.036, abs=0.010)


def test_longer_stays_cost_more(lists):
    some = lists.filter(pc.equal(lists["planned_drg"], most_frequent(lists)))
    correlation = np.corrcoef(column(some, "los"), np.log(column(some, "total_fee_fen")))[0, 1]
    assert correlation > 0.3


def most_frequent(table):
    return Counter(table["planned_drg"].to_pylist()).most_common(1)[0][0]


@pytest.mark.parametrize(
    ("part", "low", "high"),
    [("drug_fee_fen", 0.22, 0.26), ("consumable_fee_fen", 0.22, 0.30)],
)
def test_drug_and_consumable_share_of_tertiary_a(lists, part, low, high):
    assert low - 0.01 <= share(of(lists, "三甲"), part) <= high + 0.01


def test_deaths_and_leaving_against_advice(lists):
    ways = Counter(lists["discharge_way"].to_pylist())
    assert ways["5"] / lists.num_rows == pytest.approx(0.0025, abs=0.0012)
    assert 0.02 <= ways["4"] / lists.num_rows <= 0.05


def test_suffixes_are_38_34_19_9(lists):
    # 7 is what 5 is, for children.
    suffixes = Counter(drg[3].replace("7", "5") for drg in lists["planned_drg"].to_pylist())
    shares = [suffixes[sign] / lists.num_rows for sign in "9531"]
    assert shares == pytest.approx([0.38, 0.34, 0.19, 0.09], abs=0.04)


# --- who they are, who pays ---------------------------------------------------------------------------------------


def test_ages(lists):
    ages = column(lists, "age")
    assert (ages >= 60).mean() == pytest.approx(0.46, abs=0.04)
    assert (ages < 15).mean() == pytest.approx(0.09, abs=0.03)


def test_employees_and_residents_are_45_to_55(lists):
    counts = Counter(lists["insurance"].to_pylist())
    assert counts["310"] / lists.num_rows == pytest.approx(0.45, abs=0.03)
    assert 0 < counts["340"] / lists.num_rows < 0.01


@pytest.mark.parametrize(("fund", "low", "high"), [("310", 0.78, 0.83), ("390", 0.55, 0.62)])
def test_pool_share_by_insurance(lists, fund, low, high):
    assert low <= share(lists.filter(pc.equal(lists["insurance"], fund)), "pool_pay_fen") <= high


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


def test_weekends_discharge_about_half_as_many(stays):
    days = Counter(day.weekday() for day in stays["discharge_time"].to_pylist())
    # June 2025 has five Sundays and Mondays, four of every other day but these.
    assert (days[5] / 4) / (days[2] / 4) == pytest.approx(0.55, abs=0.08)


def test_most_settle_on_the_day_and_few_come_late(lists):
    settled = column(lists, "settlement_date").astype("datetime64[D]")
    discharge = column(lists, "discharge_time").astype("datetime64[D]")
    cutoff = (settled.astype("datetime64[M]") + 1).astype("datetime64[D]") + 9
    assert (settled == discharge).mean() == pytest.approx(0.97, abs=0.006)
    assert int((settled - discharge).astype(int).max()) == 5
    assert (column(lists, "accepted_date").astype("datetime64[D]") > cutoff).mean() == pytest.approx(0.003, abs=0.0015)


def test_february_is_small_and_winter_groups_rise(setting):
    hospital = 3
    february, april = (setting.list_count(Month.parse(text), hospital) for text in ("2025-02", "2025-04"))
    assert february / april == pytest.approx(0.78, abs=0.08)
    winter = np.array([season == "winter" for season in setting.groups.season])
    factors = setting.month_season(Month.parse("2025-01"))
    assert factors[winter].min() >= 1.6
    assert (factors[~winter] == 1).all()


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


def test_two_to_three_percent_come_back_within_15_days_for_the_same_group(setting, lists):
    once = [drg for drg, cyclic in zip(setting.groups.drg, setting.groups.number["cyclic"], strict=True) if not cyclic]
    lists = lists.filter(pc.is_in(lists["planned_drg"], pa.array(once)))
    rows = sorted(
        zip(
            lists["psn_no"].to_pylist(),
            lists["admission_time"].to_pylist(),
            lists["discharge_time"].to_pylist(),
            lists["planned_drg"].to_pylist(),
            strict=True,
        ),
    )
    back = sum(
        earlier[0] == later[0] and earlier[3] == later[3] and (later[1].date() - earlier[2].date()).days <= 15
        for earlier, later in pairwise(rows)
    )
    assert 0.02 <= back / lists.num_rows <= 0.03


def test_record_number_and_stay_number_name_one_front_page(stays):
    keys = zip(
        stays["institution_code"].to_pylist(),
        stays["record_no"].to_pylist(),
        stays["stay_no"].to_pylist(),
        strict=True,
    )
    assert len(set(keys)) == stays.num_rows


# --- groups -------------------------------------------------------------------------------------------------------


def test_every_case_groups_as_planned(stays, scheme_folder):
    # A patient may pass a birthday between two stays; nothing else may move a case to another group.
    grouped = group(stays, load_scheme(scheme_folder))
    status = Counter(grouped["status"].to_pylist())
    assert status["grouped"] / stays.num_rows >= 0.995
    assert pc.mean(pc.equal(grouped["drg"], grouped["planned_drg"]).cast(pa.int8())).as_py() >= 0.999
