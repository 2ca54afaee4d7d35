"""Money 费用: what a stay costs, of what kind, and who pays; integer fen, and every sum exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tongpin.base.money import FEN_PER_YUAN, check_balance

if TYPE_CHECKING:
    from tongpin.demo.calendar import Month
    from tongpin.demo.groups import Array
    from tongpin.demo.setting import Setting
    from tongpin.demo.stays import Stays


@dataclass(frozen=True)
class Bills:
    """Parallel to the stays, all fen: total = drug + consumable + exam + service = patient + pool + other fund."""

    total: Array
    drug: Array
    consumable: Array
    exam: Array
    service: Array
    patient: Array
    account: Array
    pool: Array
    other_fund: Array


def draw_bills(
    setting: Setting,
    month: Month,
    hospital: int,
    rng: np.random.Generator,
    stays: Stays,
    insurance: Array,
) -> Bills:
    """The bills of the stays; self-pay stays (insurance "") are paid by the patient alone."""
    years = setting.years_since(month)
    price = (1 + setting.profile.volume.fee_growth_per_year.value) ** years
    mean = setting.mean_fee_fen[hospital][stays.group] * price
    total = np.maximum(np.rint(mean * stays.fee_factor), FEN_PER_YUAN).astype(np.int64)
    drug, consumable, exam, service = _kinds(setting, hospital, rng, stays.group, total)
    patient, account, pool, other_fund = draw_payers(setting, hospital, rng, insurance, total)
    check_balance("demo.fees", "演示病例的费用分类", int((drug + consumable + exam + service).sum()), int(total.sum()))
    check_balance("demo.payers", "演示病例的付费方", int((patient + pool + other_fund).sum()), int(total.sum()))
    return Bills(total, drug, consumable, exam, service, patient, account, pool, other_fund)


def _kinds(
    setting: Setting,
    hospital: int,
    rng: np.random.Generator,
    group: Array,
    total: Array,
) -> tuple[Array, Array, Array, Array]:
    """Drugs, consumables and examinations rounded down to the fen; services are what remains."""
    number, grades = setting.groups.number, setting.profile.grades
    grade = setting.hospitals[hospital].grade
    shares = np.column_stack(
        [
            number["drug_share"][group] * grades.drug_factor.value[grade],
            number["consumable_share"][group] * grades.consumable_factor.value[grade],
            number["exam_share"][group],
        ],
    )
    sigma = setting.profile.stay.share_sigma.value
    service = np.maximum(1 - shares.sum(axis=1), setting.profile.stay.least_service_share.value)
    noisy = np.column_stack([shares, service]) * np.exp(rng.normal(-(sigma**2) / 2, sigma, (len(group), 4)))
    noisy /= noisy.sum(axis=1)[:, None]
    parts = np.floor(total[:, None] * noisy[:, :3]).astype(np.int64)
    return parts[:, 0], parts[:, 1], parts[:, 2], total - parts.sum(axis=1)


def draw_payers(
    setting: Setting,
    hospital: int,
    rng: np.random.Generator,
    insurance: Array,
    total: Array,
) -> tuple[Array, Array, Array, Array]:
    """Pool first, other funds on what is left above their threshold, the patient pays the rest."""
    plan = setting.profile.settlement
    grade = setting.hospitals[hospital].grade
    share, ratio, threshold = (np.zeros(len(total)) for _ in range(3))
    for fund, by_grade in plan.pool_share.value.items():
        rows = insurance == fund
        share[rows] = by_grade[grade]
        ratio[rows] = plan.other_fund_ratio.value[fund]
        threshold[rows] = plan.other_fund_threshold_yuan.value[fund] * FEN_PER_YUAN
    insured = insurance != ""
    share = np.clip(share + rng.normal(0, plan.pool_share_spread.value, len(total)), *plan.pool_share_range.value)
    pool = np.where(insured, np.floor(total * share), 0).astype(np.int64)
    above = np.maximum(total - pool - threshold, 0) * ratio
    other_fund = np.where(insured, np.floor(above), 0).astype(np.int64)
    patient = total - pool - other_fund
    drawn = np.minimum(rng.random(len(total)) * 2 * plan.account_share_of_patient_pay.value, 1.0)
    account = np.where(insurance == "310", np.floor(patient * drawn), 0).astype(np.int64)
    return patient, account, pool, other_fund
