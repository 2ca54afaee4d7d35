"""Outpatient visits 门诊就诊 and trace codes 追溯码."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import FEN_PER_YUAN
from tongpin.demo.calendar import Purpose, stream, weekday
from tongpin.demo.tables.shape import conform

if TYPE_CHECKING:
    from tongpin.demo.calendar import Month
    from tongpin.demo.setting import Setting

VISITS, TRACES = 3, 4
"""Streams of their own."""

USUAL_MED_TYPE = "11"
DRUGS, CONSUMABLES = ("09", "11"), ("08",)
TRACE_DIGITS = 19
REUSED = "reused"


class TraceFault(NamedTuple):
    """A trace code that was used twice: the first use and the second."""

    month: str
    institution_code: str
    kind: str
    trace_code: str
    first_setl_id: str
    first_line_no: str
    again_setl_id: str
    again_line_no: str


def visits(setting: Setting, month: Month, hospital: int) -> pa.Table:
    """The outpatient visits of a hospital in a month in layout `outpatient-visit`; parts and payers sum to the fee."""
    plan = setting.profile.layouts
    size = round(setting.list_count(month, hospital) * plan.visits_per_list.value)
    rng = stream(setting.seed, Purpose.LAYOUT, month.index, hospital, VISITS)
    days = month.first_day + np.arange(month.days)
    busy = np.array(setting.profile.volume.weekday_factor.value)[weekday(days)]
    day = days[rng.choice(month.days, size, p=busy / busy.sum())]
    minute = rng.integers(8 * 60, 17 * 60, size)
    sigma = plan.visit_fee_sigma.value
    mean = plan.visit_fee_yuan.value * FEN_PER_YUAN
    total = np.maximum(np.rint(mean * np.exp(rng.normal(-(sigma**2) / 2, sigma, size))), FEN_PER_YUAN).astype(np.int64)
    drug, exam = (
        np.floor(total * share * rng.uniform(0.6, 1.2, size)).astype(np.int64)
        for share in (plan.visit_drug_share.value, plan.visit_exam_share.value)
    )
    exam = np.minimum(exam, total - drug)
    fund = np.floor(
        total * np.clip(rng.normal(plan.visit_fund_share.value, plan.visit_fund_spread.value, size), 0, 1)
    ).astype(np.int64)
    employee = (
        rng.random(size) < setting.profile.grades.employee_share_of_adults.value[setting.hospitals[hospital].grade]
    )
    appointed = rng.random(size) < plan.visit_appointed_share.value
    groups = setting.groups
    dept = rng.choice(len(groups.drg), size, p=setting.mix[hospital])
    common = groups.common[rng.integers(0, len(groups.common), size)]
    stamp = f"V{month.year:04d}{month.number:02d}{hospital + 1:03d}"
    return conform(
        "outpatient-visit",
        size,
        {
            "institution_code": setting.institution_code(hospital),
            "visit_id": pa.array([f"{stamp}{number:06d}" for number in range(1, size + 1)], pa.string()),
            "visit_time": day.astype("datetime64[s]") + minute.astype("timedelta64[m]"),
            "psn_no": pa.array(
                [f"DV{hospital + 1:03d}{number:06d}" for number in rng.integers(0, size * 3, size).tolist()]
            ),
            "medical_type": USUAL_MED_TYPE,
            "insurance": np.where(employee, "310", "390"),
            "dept": pa.array(groups.dept).take(pa.array(dept)),
            "dx": pa.array(groups.dx_codes).take(pa.array(common)),
            "total_fee_fen": total,
            "drug_fee_fen": drug,
            "consumable_fee_fen": np.zeros(size, dtype=np.int64),
            "exam_fee_fen": exam,
            "fund_pay_fen": fund,
            "patient_pay_fen": total - fund,
            "is_appointed": appointed,
            "waiting_minutes": pa.array(
                rng.integers(0, plan.longest_wait_minutes.value, size).astype(np.int32), mask=~appointed
            ),
        },
    )


def traces(setting: Setting, month: Month, hospital: int, lines: pa.Table) -> tuple[pa.Table, list[TraceFault]]:
    """The trace codes of drugs and consumables in layout `trace-code`, one a line, and those used twice.

    A reused code stands a second time on the line of another list of the same item.
    """
    plan = setting.profile.layouts
    rng = stream(setting.seed, Purpose.LAYOUT, month.index, hospital, TRACES)
    category = lines["category"].to_numpy(zero_copy_only=False).astype(str)
    traced = np.isin(category, (*DRUGS, *CONSUMABLES)) & (rng.random(lines.num_rows) < plan.traced_share.value)
    some = lines.filter(pa.array(traced)).combine_chunks()
    size = some.num_rows
    head = f"8{month.stamp}{hospital + 1:03d}"
    codes = np.array([f"{head}{number:0{TRACE_DIGITS - len(head)}d}" for number in range(1, size + 1)], dtype="<U24")
    faults = _reuse(setting, month, hospital, rng, some, codes)
    sold = some["charged_time"].to_numpy().astype("datetime64[D]")
    table = conform(
        "trace-code",
        size,
        {
            "institution_code": some["institution_code"],
            "trace_code": codes,
            "item_code": some["item_code"],
            "item_name": some["item_name"],
            "kind": np.where(np.isin(category[traced], CONSUMABLES), "consumable", "drug"),
            "sold_time": some["charged_time"],
            "is_return": False,
            "setl_id": some["setl_id"],
            "line_no": some["line_no"],
            "batch_no": pa.array([f"B{number:06d}" for number in rng.integers(0, 10**6, size).tolist()], pa.string()),
            "expiry_date": sold + rng.integers(*plan.shelf_days.value, size).astype("timedelta64[D]"),
        },
    )
    return table, faults


def _reuse(
    setting: Setting, month: Month, hospital: int, rng: np.random.Generator, lines: pa.Table, codes: np.ndarray
) -> list[TraceFault]:
    """Give some later lines the code of an earlier line of the same item on another list."""
    count = int(lines.num_rows * setting.profile.layouts.trace_faults_share.value + rng.random())
    items = pc.rank(lines["item_code"], tiebreaker="dense").to_numpy()
    time = lines["charged_time"].to_numpy()
    order = np.lexsort((time, items))
    setl_id, line_no = lines["setl_id"].to_pylist(), lines["line_no"].to_pylist()
    pairs = [
        (earlier, later)
        for earlier, later in zip(order[:-1].tolist(), order[1:].tolist(), strict=True)
        if items[earlier] == items[later] and setl_id[earlier] != setl_id[later]
    ]
    faults: list[TraceFault] = []
    taken: set[int] = set()
    for place in rng.permutation(len(pairs)).tolist():
        earlier, later = pairs[place]
        if len(faults) == count:
            break
        if taken & {earlier, later}:
            continue
        taken |= {earlier, later}
        codes[later] = codes[earlier]
        code = setting.institution_code(hospital)
        faults.append(
            TraceFault(
                str(month),
                code,
                REUSED,
                str(codes[later]),
                setl_id[earlier],
                line_no[earlier],
                setl_id[later],
                line_no[later],
            )
        )
    return sorted(faults)
