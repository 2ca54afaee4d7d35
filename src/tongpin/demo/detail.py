"""Detail 明细: what the national formats hold beyond the core of a case, drawn so that nothing contradicts the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import check_balance
from tongpin.demo.profile import SETTLEMENT_LEVELS
from tongpin.records.case.nested import build

if TYPE_CHECKING:
    from tongpin.demo.groups import Array
    from tongpin.demo.setting import Setting

POOL_FUNDS = {"310": "310100", "340": "340100", "390": "390100"}
OTHER_FUNDS = {"310": "330100", "340": "320100", "390": "390200"}
SETTLEMENT_LEVEL_CODES = {"三级": "3", "二级": "2", "一级": "1"}
PAY_METHODS = {"drg": "4", "observed": "1"}
CHINESE, HAN = "CHN", "01"
EMERGENCY, BY_OUTPATIENT = "1", "2"
WESTERN_TREATMENT, BOTH_TREATMENTS = "10", "30"
PREMATURE, ILL_NEWBORN = "2", "3"
PREMATURE_BELOW_G = 2500
PRESENT, ABSENT = "1", "4"
GENERAL_ANAESTHESIA, LOCAL_ANAESTHESIA = "1", "3"
RED_CELLS, UNITS = "1", "U"
NEWBORN_WARD, ANY_WARD = "2", "9"
MINUTES = 60
INTENSIVE_LEVEL = 3
CHILD_BELOW = 18
TCM = "中医"


def detail_columns(setting: Setting, hospital: int, rng: np.random.Generator, core: pa.Table) -> dict[str, Any]:
    """Detail columns of drawn stays by name; fees sum to the four parts, payers and the patient to the total.

    `core` has the core columns and `psn_no, birth_date`. S900-05, S914-03, S915-03.
    """
    return {
        **money_columns(setting, rng, core),
        **_scalars(setting, hospital, rng, core),
        "diagnoses": _diagnoses(setting, hospital, rng, core),
        "procedures": _procedures(setting, rng, core),
        "icu_stays": _intensive(core),
        "transfusions": _transfusions(setting, rng, core),
    }


def money_columns(setting: Setting, rng: np.random.Generator, core: pa.Table) -> dict[str, Any]:
    """The detail of what was charged and who paid, exact against the core."""
    fees = draw_fees(setting, rng, core)
    return {**patient_shares(core, _own_pay(fees)), "fees": fees, "payers": payers(core)}


def draw_fees(setting: Setting, rng: np.random.Generator, core: pa.Table) -> pa.Array:
    """The four fee parts of every stay split over the categories of the list, and each into its classes; exact."""
    plan = setting.profile.detail
    operated = np.asarray(pc.list_value_length(core["px"])) > 0
    left = _numbers(core, "patient_pay_fen")
    parts: list[tuple[str, Array, Array, Array]] = []
    for part, shares in plan.fee_split.value.items():
        whole = _numbers(core, f"{part}_fee_fen")
        weights = np.array(list(shares.values()))[None, :] * np.exp(
            rng.normal(0, plan.fee_split_sigma.value, (core.num_rows, len(shares)))
        )
        for place, category in enumerate(shares):
            if category in plan.fee_split_without_procedure.value:
                weights[~operated, place] = 0
        amounts = np.floor(whole[:, None] * weights / weights.sum(axis=1)[:, None]).astype(np.int64)
        amounts[:, 0] += whole - amounts.sum(axis=1)
        for place, category in enumerate(shares):
            amount = amounts[:, place]
            # What the insurance does not cover at all is never more than the patient pays.
            own = np.minimum(np.floor(amount * plan.own_pay_share.value[part]).astype(np.int64), left)
            left = left - own
            class_b = np.floor((amount - own) * plan.class_b_share.value[part]).astype(np.int64)
            parts.append((category, amount, class_b, own))
    parts.sort(key=lambda one: one[0])
    amounts, class_b, own = (np.column_stack([one[field] for one in parts]) for field in (1, 2, 3))
    check_balance("demo.items", "演示病例的收费项目", int(amounts.sum()), int(_numbers(core, "total_fee_fen").sum()))
    present = amounts > 0
    places = np.broadcast_to(np.arange(len(parts)), amounts.shape)[present]
    return build(
        "fees",
        present.sum(axis=1),
        {
            "category": pa.array([one[0] for one in parts]).take(pa.array(places)),
            "amount_fen": pa.array(amounts[present]),
            "class_a_fen": pa.array((amounts - class_b - own)[present]),
            "class_b_fen": pa.array(class_b[present]),
            "own_pay_fen": pa.array(own[present]),
            "other_fen": pa.array(np.zeros(int(present.sum()), dtype=np.int64)),
        },
    )


def _numbers(table: pa.Table, name: str, missing: int = 0) -> Array:
    return np.asarray(pc.fill_null(table[name].combine_chunks(), missing)).astype(np.int64)


def _own_pay(fees: pa.Array) -> Array:
    """What the patient pays outside the insurance, stay by stay."""
    amounts = np.asarray(pc.struct_field(fees.flatten(), "own_pay_fen"))
    sums = np.concatenate([[0], np.cumsum(amounts)])
    offsets = np.asarray(fees.offsets)
    own_pay: Array = sums[offsets[1:]] - sums[offsets[:-1]]
    return own_pay


def patient_shares(core: pa.Table, own_pay: Array) -> dict[str, Any]:
    """The patient's share in its parts: outside the insurance and within it, and what was paid in cash."""
    patient = _numbers(core, "patient_pay_fen")
    return {
        "own_pay_fen": own_pay,
        "self_pay_fen": patient - own_pay,
        "cash_pay_fen": patient - _numbers(core, "account_pay_fen"),
    }


def payers(core: pa.Table) -> pa.Array:
    """Pool first, another fund where one paid; nothing where nobody insured the stay."""
    insurance = core["insurance"].combine_chunks()
    amounts = np.column_stack([_numbers(core, name) for name in ("pool_pay_fen", "other_fund_pay_fen")])
    paid = amounts > 0
    paid[:, 0] |= np.asarray(pc.is_valid(insurance))
    funds = np.column_stack(
        [np.array([words.get(one, "") for one in insurance.to_pylist()]) for words in (POOL_FUNDS, OTHER_FUNDS)]
    )
    return build("payers", paid.sum(axis=1), {"fund": pa.array(funds[paid]), "amount_fen": pa.array(amounts[paid])})


def _scalars(setting: Setting, hospital: int, rng: np.random.Generator, core: pa.Table) -> dict[str, Any]:
    """Columns of one value a stay."""
    plan, size = setting.profile.detail, core.num_rows
    row = setting.hospitals[hospital]
    insured = pc.is_valid(core["insurance"])
    age = _numbers(core, "age")
    employee = np.asarray(pc.fill_null(pc.equal(core["insurance"], "310"), False))
    words = plan.occupations.value
    occupation = np.where(
        age < CHILD_BELOW,
        words["child"],
        np.where(age >= plan.retired_from_age.value, words["retired"], words["resident"]),
    )
    at_work = employee & (age >= CHILD_BELOW) & (age < plan.retired_from_age.value)
    occupation = np.where(at_work, words["employee"], occupation)
    los = _numbers(core, "los")
    level1 = np.floor(los * rng.uniform(0.1, 0.5, size)).astype(np.int64)
    weight = core["birth_weight"].combine_chunks()
    weight = pc.if_else(pc.equal(core["age"].combine_chunks(), 0), weight, pa.scalar(None, weight.type))
    newborn = pc.if_else(pc.less(weight, PREMATURE_BELOW_G), PREMATURE, ILL_NEWBORN)
    numbers = core["case_id"].combine_chunks()
    principal = pc.list_element(core["dx"].combine_chunks(), 0)
    return {
        "sex_code": core["sex"].combine_chunks().cast(pa.string()),
        "stated_age": pa.array(age.astype(np.int32), mask=age == 0),
        "stated_stay_days": los,
        "insurance_code": core["insurance"].combine_chunks(),
        "inpatient_type_code": pc.if_else(pc.equal(core["care_type"], "day_surgery"), "2", "1").combine_chunks(),
        "settlement_level_code": SETTLEMENT_LEVEL_CODES[SETTLEMENT_LEVELS[row.grade]],
        "nationality": CHINESE,
        "ethnicity": HAN,
        "occupation": pa.array(occupation),
        "newborn_admission_type": newborn,
        "admission_route": np.where(rng.random(size) < plan.emergency_share.value, EMERGENCY, BY_OUTPATIENT),
        "treatment_type": BOTH_TREATMENTS if _is_tcm(setting, hospital) else WESTERN_TREATMENT,
        "admission_dept": core["dept"].combine_chunks(),
        "outpatient_dx_code": principal.cast(pa.string()),
        "outpatient_dx_name": setting.groups.dx_name_column.take(principal.indices),
        "stated_diagnosis_count": pc.list_value_length(core["dx"].combine_chunks()),
        "stated_procedure_count": pc.list_value_length(core["px"].combine_chunks()),
        "level1_nursing_days": level1,
        "level2_nursing_days": los - level1,
        "bill_code": pc.if_else(insured.combine_chunks(), pc.binary_join_element_wise("D", numbers, ""), None),
        "bill_no": pc.utf8_slice_codeunits(numbers, -8),
        "business_no": pc.binary_join_element_wise("B", numbers, ""),
        "settlement_begin_date": core["admission_time"].combine_chunks().cast(pa.date32()),
        "pay_method": PAY_METHODS[row.pay],
        "readmission_plan": "1",
        "insurer": plan.insurer.value,
        "filling_dept": plan.filling_dept.value,
    }


def _is_tcm(setting: Setting, hospital: int) -> bool:
    row = setting.hospitals[hospital]
    return row.manual.startswith(TCM) or TCM in row.name


def _diagnoses(setting: Setting, hospital: int, rng: np.random.Generator, core: pa.Table) -> pa.Array:
    """The western diagnoses, principal first, then for some stays a TCM disease and its pattern."""
    plan, size = setting.profile.detail, core.num_rows
    lists = core["dx"].combine_chunks()
    counts = np.asarray(pc.list_value_length(lists)).astype(np.int64)
    flat = lists.flatten()
    words = flat.dictionary
    known = setting.groups.dx_name_column
    share = (
        plan.tcm_share_of_tcm_hospitals.value
        if _is_tcm(setting, hospital)
        else plan.tcm_share.value[setting.hospitals[hospital].grade]
    )
    tcm = setting.profile.faults.tcm.value
    with_tcm = rng.random(size) < (share if tcm else 0)
    places = np.arange(len(flat)) - np.repeat(np.cumsum(counts) - counts, counts)
    added = np.flatnonzero(with_tcm)
    drawn = rng.integers(max(len(tcm), 1), size=(len(added), 2))
    parents = np.concatenate([np.repeat(np.arange(size), counts), np.repeat(added, 2)])
    order = pa.array(np.argsort(parents, kind="stable"))
    tcm_codes = [tcm[index].code for index in drawn.ravel()]
    tcm_names = [tcm[index].name for index in drawn.ravel()]
    present = np.where(rng.random(len(flat)) < plan.present_at_admission_share.value, PRESENT, ABSENT)
    fields = {
        "kind": pa.array(np.concatenate([np.full(len(flat), "1"), np.tile(["2", "3"], len(added))])),
        "code": pa.concat_arrays([words.take(flat.indices), pa.array(tcm_codes, pa.string())]),
        "name": pa.concat_arrays([known.take(flat.indices), pa.array(tcm_names, pa.string())]),
        "admission_condition": pa.array(np.concatenate([present, np.full(2 * len(added), PRESENT)])),
        "principal": pa.array(np.concatenate([places == 0, np.zeros(2 * len(added), dtype=bool)])),
    }
    return build("diagnoses", counts + 2 * with_tcm, {name: values.take(order) for name, values in fields.items()})


def _procedures(setting: Setting, rng: np.random.Generator, core: pa.Table) -> pa.Array:
    """The procedures with their day, their doctor and how the patient was put to sleep."""
    lists = core["px"].combine_chunks()
    counts = np.asarray(pc.list_value_length(lists)).astype(np.int64)
    flat = lists.flatten()
    size = len(flat)
    parents = np.repeat(np.arange(core.num_rows), counts)
    places = np.arange(size) - np.repeat(np.cumsum(counts) - counts, counts)
    level = _numbers(core, "surgery_level")[parents]
    begin = np.asarray(core["admission_time"].combine_chunks()).astype("datetime64[s]")[parents]
    end = np.asarray(core["discharge_time"].combine_chunks()).astype("datetime64[s]")[parents]
    stay = (end - begin).astype(np.int64)
    into = np.floor(stay * rng.uniform(0.15, 0.6, size)).astype(np.int64)
    start = begin + into.astype("timedelta64[s]")
    minutes = np.minimum(rng.integers(20, 60, size) * np.maximum(level, 1), (stay - into) // MINUTES)
    finish = start + (minutes * MINUTES).astype("timedelta64[s]")
    words = flat.dictionary
    names = setting.groups.px_name_column
    operated = level > 0
    anaesthesia = np.where(level >= INTENSIVE_LEVEL, GENERAL_ANAESTHESIA, LOCAL_ANAESTHESIA)
    doctor = core["doctor_code"].combine_chunks().take(pa.array(parents))
    return build(
        "procedures",
        counts,
        {
            "kind": pa.array(np.where(places == 0, "1", "2")),
            "code": words.take(flat.indices),
            "name": names.take(flat.indices),
            "principal": pa.array(places == 0),
            "level": pa.array(level.astype(str), mask=~operated),
            "date": pa.array(start),
            "begin": pa.array(start),
            "end": pa.array(finish),
            "anaesthesia": pa.array(anaesthesia, mask=~operated),
            "surgeon_code": doctor,
        },
    )


def _intensive(core: pa.Table) -> pa.Array:
    """One stay in intensive care from admission on, where hours are known."""
    hours = core["icu_hours"].combine_chunks()
    rows = np.flatnonzero(np.asarray(pc.is_valid(hours)))
    lengths = _numbers(core, "icu_hours")[rows]
    entry = np.asarray(core["admission_time"].combine_chunks()).astype("datetime64[s]")[rows]
    newborn = np.asarray(pc.is_valid(core["age_days"]))[rows]
    counts = np.asarray(pc.is_valid(hours)).astype(np.int64)
    return build(
        "icu_stays",
        counts,
        {
            "ward": pa.array(np.where(newborn, NEWBORN_WARD, ANY_WARD)),
            "entry": pa.array(entry),
            "leave": pa.array(entry + (lengths * MINUTES * MINUTES).astype("timedelta64[s]")),
            "minutes": pa.array(lengths * MINUTES),
        },
    )


def _transfusions(setting: Setting, rng: np.random.Generator, core: pa.Table) -> pa.Array:
    """Red cells for some of the large operations."""
    plan = setting.profile.detail
    large = _numbers(core, "surgery_level") >= INTENSIVE_LEVEL
    given = large & (rng.random(core.num_rows) < plan.transfusion_share_of_surgery.value)
    low, high = plan.red_cells_units.value
    units = rng.integers(low, high + 1, int(given.sum()))
    return build(
        "transfusions",
        given.astype(np.int64),
        {
            "kind": pa.array(np.full(len(units), RED_CELLS)),
            "amount": pa.array(units.astype(np.int32)).cast(pa.decimal128(12, 2)),
            "unit": pa.array(np.full(len(units), UNITS)),
        },
    )
