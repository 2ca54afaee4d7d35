"""Cases 病例: the stays of a month as a case table, with what the files need beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.demo.births import with_births
from tongpin.demo.calendar import Month, Purpose, stream
from tongpin.demo.codes import Codes, draw_codes
from tongpin.demo.detail import detail_columns
from tongpin.demo.groups import MCC
from tongpin.demo.money import Bills, draw_bills
from tongpin.demo.persons import Persons, draw_persons
from tongpin.demo.stays import FIRST_STAY, draw_stays
from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA

if TYPE_CHECKING:
    from tongpin.demo.groups import Array
    from tongpin.demo.setting import Setting
    from tongpin.demo.stays import Stays

PLAN_SCHEMA = pa.schema(
    [
        ("psn_no", pa.string()),
        ("birth_date", pa.date32()),
        ("planned_drg", pa.string()),
        ("planned_weight_e4", pa.int64()),
        ("grade", pa.string()),
        ("split", pa.int32()),
        ("mother_id", pa.string()),
        ("interim", pa.int32()),
        ("part", pa.int8()),
    ],
)
"""Columns beside the case table: who it is (`psn_no`, `birth_date`) and what was planned."""

CORE_SCHEMA = pa.schema([*CASE_SCHEMA, *PLAN_SCHEMA])
DETAIL_COLUMNS = (
    "sex_code",
    "stated_age",
    "stated_stay_days",
    "insurance_code",
    "inpatient_type_code",
    "settlement_level_code",
    "nationality",
    "ethnicity",
    "occupation",
    "birth_weights",
    "admission_weights",
    "newborn_admission_type",
    "admission_route",
    "treatment_type",
    "admission_dept",
    "outpatient_dx_code",
    "outpatient_dx_name",
    "special_disease_visit_date",
    "stated_diagnosis_count",
    "stated_procedure_count",
    "level1_nursing_days",
    "level2_nursing_days",
    "readmission_plan",
    "bill_code",
    "bill_no",
    "business_no",
    "settlement_begin_date",
    "self_pay_fen",
    "own_pay_fen",
    "cash_pay_fen",
    "pay_method",
    "insurer",
    "filling_dept",
    "diagnoses",
    "special_diseases",
    "procedures",
    "icu_stays",
    "transfusions",
    "fees",
    "payers",
)
"""The detail columns that are drawn."""

DRAW_SCHEMA = pa.schema([*CORE_SCHEMA, *(DETAIL_SCHEMA.field(name) for name in DETAIL_COLUMNS)])
STAYS_ON = "9"
"""离院方式 of an interim bill: the patient has not left."""

MINUTES = 60


def draw_hospital_month(setting: Setting, month: Month, hospital: int) -> pa.Table:
    """The stays of one hospital discharged in a month, in order of discharge; shape `DRAW_SCHEMA`.

    Rows with an `insurance` have a settlement list; the others (self-pay) only a front page. The same seed, month and
    hospital always give the same rows, whatever else is built. Issue 2, item 6.
    """
    stays = draw_stays(setting, month, hospital)
    rng = stream(setting.seed, Purpose.CASES, month.index, hospital, 1)
    persons = draw_persons(setting, hospital, rng, stays)
    codes = draw_codes(setting, hospital, rng, stays, persons)
    bills = draw_bills(setting, month, hospital, rng, stays, persons.insurance)
    admission, discharge = _times(rng, stays)
    settled, accepted = _settlement_days(setting, rng, stays.discharge)
    uploaded = _upload_times(stream(setting.seed, Purpose.UPLOAD, month.index, hospital), settled, accepted)
    columns = {
        **_names(setting, month, hospital, stays),
        **_course(setting, rng, stays, codes, (discharge - admission).astype("timedelta64[m]").astype(np.int64)),
        **_person_columns(persons),
        **_bill_columns(bills),
        "admission_time": admission,
        "discharge_time": discharge,
        "settlement_date": _given(settled, stays.insured),
        "upload_time": _given(uploaded, stays.insured),
        "accepted_date": _given(accepted, stays.insured),
        "los": stays.los,
        "dx": codes.dx,
        "px": codes.px,
        "split": _given(stays.split, stays.split >= 0),
        "interim": _given(stays.interim, stays.interim >= 0),
        "part": stays.part,
    }
    core = as_table(columns, CORE_SCHEMA, len(stays))
    core, births = with_births(setting, stream(setting.seed, Purpose.DETAIL, month.index, hospital), core)
    detail = detail_columns(setting, hospital, stream(setting.seed, Purpose.DETAIL, month.index, hospital, 1), core)
    made = {name: core[name].combine_chunks() for name in core.column_names} | births | detail
    return as_table(made, DRAW_SCHEMA, len(stays))


def as_table(columns: dict[str, Any], schema: pa.Schema, size: int) -> pa.Table:
    """Columns as a table of a schema: arrays, single texts for every row, nothing where a column is absent."""
    return pa.table([_column(columns.get(field.name), field.type, size) for field in schema], schema=schema)


def _column(values: Any, kind: pa.DataType, length: int) -> pa.Array:
    if values is None:
        return pa.nulls(length, kind)
    if isinstance(values, str):
        return pa.repeat(pa.scalar(values, kind), length)
    if isinstance(values, pa.Array):
        return values if values.type == kind else values.cast(kind)
    return pa.array(values).cast(kind)


def _given(values: Array, known: Array) -> pa.Array:
    return pa.array(values, mask=~known)


def _numbered(prefix: str, numbers: Array, digits: int) -> list[str]:
    return [f"{prefix}{number:0{digits}d}" for number in numbers.tolist()]


def _names(setting: Setting, month: Month, hospital: int, stays: Stays) -> dict[str, Any]:
    row = setting.hospitals[hospital]
    stamp = f"{month.year:04d}{month.number:02d}{hospital + 1:03d}"
    order = np.arange(1, len(stays) + 1)
    patients = np.char.add(f"{hospital + 1:03d}", stays.patient)
    visits = order.copy()
    interim = np.flatnonzero(stays.interim >= 0)
    # Bills of one stay share the number of the visit, that of their first bill.
    pairs = interim[np.lexsort((stays.part[interim], stays.interim[interim]))]
    visits[pairs[1::2]] = order[pairs[::2]]
    lists = pa.array(_numbered(f"S{stamp}", order, 6))
    pages = pa.array(_numbered(f"F{stamp}", order, 6))
    return {
        "source": "settlement_list",
        "case_id": pc.if_else(pa.array(stays.insured), lists, pages),
        "institution_code": setting.institution_code(hospital),
        "institution_name": row.name,
        "record_no": stays.patient,
        "mdtrt_id": pa.array(_numbered(f"M{stamp}", visits, 6)),
        "psn_no": np.char.add("D", patients),
        "stay_no": stays.stay_no,
        "planned_drg": pa.array(setting.groups.drg).take(pa.array(stays.group)),
        "planned_weight_e4": setting.groups.weight_e4[stays.group],
        "grade": row.grade,
    }


def _course(
    setting: Setting, rng: np.random.Generator, stays: Stays, codes: Codes, stay_minutes: Array
) -> dict[str, Any]:
    """Department, doctor, intensive care, how the stay ended, and whether it was day surgery."""
    groups, stay = setting.groups, setting.profile.stay
    depts, dept_of = np.unique(groups.dept, return_inverse=True)
    dept = dept_of[stays.group]
    staff = np.maximum(np.bincount(dept, minlength=len(depts)) // stay.cases_per_doctor.value, 1)
    doctor = (rng.random(len(stays)) * staff[dept]).astype(np.int64) + 1
    level = groups.number["surgery_level"][stays.group].astype(np.int64)
    least, most = stay.icu_hours_range.value
    in_icu = (codes.severity == MCC) & (rng.random(len(stays)) < stay.icu_share_with_mcc.value)
    ventilated = codes.ventilation_minutes >= 0
    minutes = np.minimum(codes.ventilation_minutes, stay_minutes)
    hours = rng.integers(least, most + 1, len(stays))
    hours = np.where(ventilated, np.maximum(hours, minutes // MINUTES), hours)
    hours = np.minimum(hours, stay_minutes // MINUTES)
    day_surgery = (stays.los == 1) & (level > 0) & (rng.random(len(stays)) < stay.day_surgery_share.value)
    return {
        "dept": pa.array(depts).take(pa.array(dept)),
        "doctor_code": [
            f"{depts[one].replace('.', '')}{two:02d}" for one, two in zip(dept.tolist(), doctor.tolist(), strict=True)
        ],
        "icu_hours": _given(hours, (in_icu | ventilated) & (hours > 0)),
        "ventilation_minutes": _given(minutes, ventilated & (minutes > 0)),
        "discharge_way": _endings(setting, rng, stays),
        "care_type": pc.if_else(pa.array(day_surgery), "day_surgery", "inpatient"),
        "surgery_level": _given(level, level > 0),
    }


def _endings(setting: Setting, rng: np.random.Generator, stays: Stays) -> pa.Array:
    """离院方式: 5 died, 4 left against advice, 2 transferred, 3 to the community, else 1; who comes again lives."""
    stay = setting.profile.stay
    died = setting.groups.number["death_pct"][stays.group] / 100
    bounds = np.cumsum(
        [
            died,
            np.full(len(stays), stay.left_against_advice_share.value),
            np.full(len(stays), stay.transfer_share.value),
            np.full(len(stays), stay.to_community_share.value),
        ],
        axis=0,
    )
    which = (rng.random(len(stays)) >= bounds).sum(axis=0)
    ways = np.array(["5", "4", "2", "3", "1"])[which]
    ways = np.where(stays.comes_again & (which == 0), "1", ways)
    return pa.array(np.where((stays.interim >= 0) & (stays.part == FIRST_STAY), STAYS_ON, ways))


def _times(rng: np.random.Generator, stays: Stays) -> tuple[Array, Array]:
    """Admission between 7:00 and 18:59, discharge between 8:00 and 16:59; on one and the same day in that order."""
    same_day = stays.nights == 0

    def between(first_hour: int, last_hour: int) -> Array:
        return rng.integers(first_hour * MINUTES, last_hour * MINUTES, len(stays))

    come = np.where(same_day, between(7, 10), between(7, 19))
    leave = np.where(same_day, between(14, 17), between(8, 17))
    admission = stays.admission.astype("datetime64[s]") + come.astype("timedelta64[m]")
    discharge = stays.discharge.astype("datetime64[s]") + leave.astype("timedelta64[m]")
    interim = np.flatnonzero(stays.interim >= 0)
    pairs = interim[np.lexsort((stays.part[interim], stays.interim[interim]))]
    admission[pairs[1::2]] = discharge[pairs[::2]]
    return admission, discharge


def _settlement_days(setting: Setting, rng: np.random.Generator, discharge: Array) -> tuple[Array, Array]:
    """Settled on the day of discharge or a few days later; accepted soon after, rarely past the cutoff."""
    plan = setting.profile.settlement

    def between(limits: tuple[int, int]) -> Array:
        return rng.integers(limits[0], limits[1] + 1, len(discharge)).astype("timedelta64[D]")

    later = rng.random(len(discharge)) >= plan.same_day_share.value
    settled = np.where(later, discharge + between(plan.days_after_discharge.value), discharge)
    cutoff = (settled.astype("datetime64[M]") + 1).astype("datetime64[D]") + (plan.cutoff_day.value - 1)
    late = rng.random(len(discharge)) < plan.late_share.value
    in_time = np.minimum(settled + between(plan.days_to_acceptance.value), cutoff)
    return settled, np.where(late, cutoff + between(plan.late_days_after_cutoff.value), in_time)


def _upload_times(rng: np.random.Generator, settled: Array, accepted: Array) -> Array:
    """Sent in the evening, when everyone of the day has left, of a day between settlement and acceptance."""
    days = (accepted - settled).astype(np.int64)
    day = settled + np.floor(rng.random(len(settled)) * days).astype("timedelta64[D]")
    seconds = rng.integers(17 * MINUTES * 60, 22 * MINUTES * 60, len(settled))
    times: Array = day.astype("datetime64[s]") + seconds.astype("timedelta64[s]")
    return times


def _person_columns(persons: Persons) -> dict[str, Any]:
    return {
        "sex": persons.sex,
        "age": persons.age,
        "age_days": _given(persons.age_days, persons.age_days >= 0),
        "birth_weight": _given(persons.birth_weight, persons.birth_weight >= 0),
        "birth_date": persons.birth_date,
        "insurance": _given(persons.insurance, persons.insurance != ""),
    }


def _bill_columns(bills: Bills) -> dict[str, Any]:
    return {
        "total_fee_fen": bills.total,
        "drug_fee_fen": bills.drug,
        "consumable_fee_fen": bills.consumable,
        "exam_fee_fen": bills.exam,
        "service_fee_fen": bills.service,
        "patient_pay_fen": bills.patient,
        "account_pay_fen": bills.account,
        "pool_pay_fen": bills.pool,
        "other_fund_pay_fen": bills.other_fund,
    }
