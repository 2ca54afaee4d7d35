"""What the bureau keeps 医保局自有数据: institutions, funds month by month, bank lines, code maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from tongpin.base.money import FEN_PER_YUAN
from tongpin.demo.calendar import Purpose, stream
from tongpin.demo.profile import SETTLEMENT_LEVELS
from tongpin.demo.tables.shape import conform, of_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.demo.calendar import Month
    from tongpin.demo.groups import Array
    from tongpin.demo.profile import FundCode, Insurance
    from tongpin.demo.setting import Setting

BANK, FUND = 6, 9
"""Streams of their own."""

BEDS_STEP = 10
FUNDS: dict[FundCode, Insurance] = {"310100": "310", "390100": "390"}
MONTHS_OF_YEAR = 12
SIMULATED = "模拟"


class BankFault(NamedTuple):
    """A payment that bank and fund book disagree on."""

    month: str
    institution_code: str
    fund: str
    kind: str
    line_no: str


def institutions(setting: Setting) -> pa.Table:
    """The hospitals in layout `institution`, with their way of payment. S004-01."""
    rows = setting.hospitals
    codes = [setting.institution_code(hospital) for hospital in range(len(rows))]
    return conform(
        "institution",
        len(rows),
        {
            "institution_code": codes,
            "institution_name": [row.name for row in rows],
            "settlement_level": [SETTLEMENT_LEVELS[row.grade] for row in rows],
            "grade": [row.grade for row in rows],
            "manual": [row.manual for row in rows],
            "ownership": [row.ownership for row in rows],
            "beds": pa.array(beds(setting), pa.int32()),
            "pay_mode": [row.pay for row in rows],
            "payee_code": codes,
            "region": setting.profile.hospitals.region,
            "valid_from": np.full(len(rows), np.datetime64(setting.profile.hospitals.valid_from)),
        },
    )


def beds(setting: Setting) -> list[int]:
    """The beds of every hospital, from its planned discharges."""
    per_bed = setting.profile.grades.discharges_per_bed_year.value
    planned = [row.cases * MONTHS_OF_YEAR / per_bed[row.grade] for row in setting.hospitals]
    return [max(round(one / BEDS_STEP) * BEDS_STEP, BEDS_STEP) for one in planned]


def expected_pool_fen(setting: Setting, month: Month) -> dict[FundCode, Array]:
    """The pool payments that the plan expects of every hospital in a month, by fund; fen."""
    profile = setting.profile
    price = (1 + profile.volume.fee_growth_per_year.value) ** setting.years_since(month)
    counts = np.array([setting.list_count(month, hospital) for hospital in range(len(setting.hospitals))])
    fee = np.array([profile.grades.mean_fee_yuan.value[row.grade] for row in setting.hospitals]) * price * FEN_PER_YUAN
    found: dict[FundCode, Array] = {}
    for fund, insurance in FUNDS.items():
        employee = np.array([profile.grades.employee_share_of_adults.value[row.grade] for row in setting.hospitals])
        share = employee if insurance == "310" else 1 - employee
        pool = np.array([profile.settlement.pool_share.value[insurance][row.grade] for row in setting.hospitals])
        found[fund] = np.rint(counts * fee * share * pool).astype(np.int64)
    return found


def fund_series(setting: Setting) -> pa.Table:
    """Income, spending and balance of the two funds over all months in layout `fund-series`, exact."""
    plan = setting.profile.layouts
    rng = stream(setting.seed, Purpose.LAYOUT, FUND)
    rows: list[tuple[object, ...]] = []
    for fund in FUNDS:
        inpatient = [int(expected_pool_fen(setting, month)[fund].sum()) for month in setting.months]
        usual = float(np.mean(inpatient)) / plan.inpatient_share_of_fund.value[fund]
        balance = round(usual * plan.fund_balance_months.value[fund])
        for month, stayed in zip(setting.months, inpatient, strict=True):
            other = round((usual - float(np.mean(inpatient))) * float(np.exp(rng.normal(0, plan.fund_spread.value))))
            income = round(
                usual * plan.fund_income_to_spending.value[fund] * float(np.exp(rng.normal(0, plan.fund_spread.value)))
            )
            balance += income - stayed - other
            budget = round(usual)
            rows.append(
                (
                    setting.profile.hospitals.region,
                    fund,
                    str(month),
                    income,
                    stayed + other,
                    stayed,
                    balance,
                    plan.enrolled.value[fund],
                    budget,
                    budget,
                    SIMULATED,
                )
            )
    fields = (
        "region",
        "fund",
        "month",
        "income_fen",
        "spending_fen",
        "inpatient_spending_fen",
        "balance_fen",
        "enrolled_count",
        "budget_income_fen",
        "budget_spending_fen",
        "document",
    )
    return of_rows("fund-series", fields, rows)


def bank_lines(setting: Setting, months: Sequence[Month]) -> tuple[pa.Table, list[BankFault]]:
    """Prepayments of every hospital, month and fund in bank and fund book, in layout `bank-line`, and what is off.

    Off are a line that the bank lacks and one with another amount.
    """
    plan = setting.profile.layouts
    rows: list[tuple[object, ...]] = []
    faults: list[BankFault] = []
    for month in sorted(months):
        paid = {
            fund: np.rint(pool * plan.prepay_share_of_pool.value).astype(np.int64)
            for fund, pool in expected_pool_fen(setting, month).items()
        }
        rng = stream(setting.seed, Purpose.LAYOUT, month.index, BANK)
        cells = [(fund, hospital) for fund in FUNDS for hospital in range(len(setting.hospitals))]
        off = rng.permutation(len(cells))[: plan.bank_faults_per_month.value].tolist()
        for number, (fund, hospital) in enumerate(cells):
            amount = int(paid[fund][hospital])
            code, line_no = setting.institution_code(hospital), f"{month}-{fund}-{hospital + 1:03d}"
            tail = (code, fund, str(month))
            rows.append(
                (
                    "fund",
                    line_no,
                    month.plus(1).day(plan.bank_days.value[0]).astype(object),
                    *tail,
                    amount,
                    "预付",
                    SIMULATED,
                )
            )
            if number in off[::2]:
                faults.append(BankFault(str(month), code, fund, "missing", line_no))
                continue
            if number in off:
                faults.append(BankFault(str(month), code, fund, "amount", line_no))
                amount += plan.bank_slip_yuan.value * FEN_PER_YUAN
            rows.append(
                (
                    "bank",
                    line_no,
                    month.plus(1).day(plan.bank_days.value[1]).astype(object),
                    *tail,
                    amount,
                    "预付",
                    SIMULATED,
                )
            )
    fields = (
        "book",
        "line_no",
        "booked_date",
        "institution_code",
        "fund",
        "month",
        "amount_fen",
        "purpose",
        "document",
    )
    return of_rows("bank-line", fields, rows), faults


def code_maps(setting: Setting) -> pa.Table | None:
    """The scheme's own code maps in layout `code-map`; None where it has none."""
    scheme = setting.scheme
    rows = [
        (kind, source, None, target, names.get(target))
        for kind, mapped, names in (("dx", scheme.dx_map, scheme.dx_names), ("px", scheme.px_map, scheme.px_names))
        for source, target in mapped.items()
        if target
    ]
    if not rows:
        return None
    fields = ("kind", "clinical_code", "clinical_name", "insurance_code", "insurance_name")
    return of_rows("code-map", fields, rows)
