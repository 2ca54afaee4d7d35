"""门诊慢特病 lists: no stays, but lists all the same; they must never be counted among the inpatients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tongpin.base.money import FEN_PER_YUAN
from tongpin.demo.calendar import Purpose, stream
from tongpin.demo.cases import DRAW_SCHEMA, as_table
from tongpin.demo.detail import patient_shares, payers
from tongpin.demo.money import draw_payers
from tongpin.records.case.nested import build
from tongpin.records.case.schema import CODE_LIST

if TYPE_CHECKING:
    from tongpin.demo.calendar import Month
    from tongpin.demo.setting import Setting

WESTERN_DRUG, EXAMINATION = "09", "04"
YOUNGEST, OLDEST = 45, 85
YEAR_DAYS = 365.25
CARE_TYPE = "outpatient_special"
SPECIAL_DEPT = "03"


def draw_special(setting: Setting, month: Month, hospital: int) -> pa.Table:
    """The 门诊慢特病 lists of a hospital in a month; shape `DRAW_SCHEMA`, without admission and discharge. S914-02."""
    plan = setting.profile.special
    size = round(setting.list_count(month, hospital) * plan.lists_per_list.value)
    rng = stream(setting.seed, Purpose.SPECIAL, month.index, hospital)
    row = setting.hospitals[hospital]
    stamp = f"{month.year:04d}{month.number:02d}{hospital + 1:03d}"
    day = month.first_day + rng.integers(0, month.days, size).astype("timedelta64[D]")
    age = rng.integers(YOUNGEST, OLDEST + 1, size)
    birth = day - np.floor(age * YEAR_DAYS + rng.uniform(1, 360, size)).astype("timedelta64[D]")
    low, high = plan.fee_yuan.value
    total = rng.integers(low * FEN_PER_YUAN, high * FEN_PER_YUAN + 1, size)
    drug = np.floor(total * plan.drug_share.value).astype(np.int64)
    employee = rng.random(size) < setting.profile.grades.employee_share_of_adults.value[row.grade]
    insurance = np.where(employee, "310", "390")
    patient, account, pool, other_fund = draw_payers(setting, hospital, rng, insurance, total)
    which = rng.integers(0, len(plan.diagnoses.value), size)
    codes = pa.array([one.code for one in plan.diagnoses.value]).take(pa.array(which))
    names = pa.array([one.name for one in plan.diagnoses.value]).take(pa.array(which))
    numbers = [f"{number:06d}" for number in range(1, size + 1)]
    core: dict[str, Any] = {
        "source": "settlement_list",
        "case_id": pa.array([f"G{stamp}{number}" for number in numbers], pa.string()),
        "mdtrt_id": pa.array([f"N{stamp}{number}" for number in numbers], pa.string()),
        "psn_no": pa.array([f"DG{stamp}{number}" for number in numbers], pa.string()),
        "record_no": pa.array([f"G{number}" for number in numbers], pa.string()),
        "institution_code": setting.institution_code(hospital),
        "institution_name": row.name,
        "sex": rng.integers(1, 3, size),
        "age": age,
        "birth_date": birth,
        "settlement_date": day,
        "upload_time": day.astype("datetime64[s]") + np.timedelta64(17, "h"),
        "accepted_date": day + np.timedelta64(1, "D"),
        "dept": SPECIAL_DEPT,
        "dx": _single(codes),
        "px": pa.array([[]] * size, pa.list_(pa.string())).cast(CODE_LIST),
        "insurance": insurance,
        "care_type": CARE_TYPE,
        "total_fee_fen": total,
        "drug_fee_fen": drug,
        "consumable_fee_fen": np.zeros(size, dtype=np.int64),
        "exam_fee_fen": total - drug,
        "service_fee_fen": np.zeros(size, dtype=np.int64),
        "patient_pay_fen": patient,
        "account_pay_fen": account,
        "pool_pay_fen": pool,
        "other_fund_pay_fen": other_fund,
        "grade": row.grade,
    }
    table = as_table(core, DRAW_SCHEMA, size)
    detail = {
        **patient_shares(table, np.zeros(size, dtype=np.int64)),
        "insurance_code": pa.array(insurance),
        "sex_code": table["sex"].combine_chunks().cast(pa.string()),
        "special_disease_visit_date": day,
        "settlement_begin_date": day,
        "special_diseases": build("special_diseases", np.ones(size), {"dx_code": codes, "dx_name": names}),
        "payers": payers(table),
        "fees": _fees(drug, total - drug),
    }
    made = {name: table[name].combine_chunks() for name in table.column_names}
    return as_table(made | detail, DRAW_SCHEMA, size)


def _single(codes: pa.Array) -> pa.Array:
    """One code a row as a list."""
    return pa.ListArray.from_arrays(pa.array(np.arange(len(codes) + 1, dtype=np.int32)), codes).cast(CODE_LIST)


def _fees(drug: np.ndarray, exam: np.ndarray) -> pa.Array:
    """Two items a list: western drugs and examinations, all in class A."""
    amounts = np.column_stack([exam, drug]).ravel()
    nothing = pa.array(np.zeros(len(amounts), dtype=np.int64))
    return build(
        "fees",
        np.full(len(drug), 2),
        {
            "category": pa.array([EXAMINATION, WESTERN_DRUG] * len(drug), pa.string()),
            "amount_fen": pa.array(amounts),
            "class_a_fen": pa.array(amounts),
            "class_b_fen": nothing,
            "own_pay_fen": nothing,
            "other_fen": nothing,
        },
    )
