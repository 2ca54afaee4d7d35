"""Settlement 结算: what closed months paid by fund and level, from their statements (S003-04)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.money import SCALE, check_balance
from tongpin.payment.fund.figures import share
from tongpin.payment.month.statement import DECISION_KINDS
from tongpin.payment.month.statement_columns import LEVELS

if TYPE_CHECKING:
    import pyarrow as pa

_SUMMED = (
    *("cases", "drg_cases", "total_weight_e4", "total_fee_fen", "patient_fen", "item_pool_fen", "pool_payable_fen"),
    *("month_pool_payable_fen", "cash_transfer_fen", "deposit_fen"),
    *(f"{kind}_fen" for kind in DECISION_KINDS),
)


class Settled(NamedTuple):
    """What closed months paid by fund and level of hospital, in fen.

    Counts, fee, patient part and the ratio of pool payable to pool by item: regular lists; `month_pool_payable_fen`:
    with late lists, red and blue lines; `taken_fen`: all deductions and offsets; `weight`: mean weight per DRG case.
    """

    fund: str
    fund_label: str
    level: str
    hospitals: int
    cases: int
    drg_share: Decimal | None
    weight: Decimal | None
    mean_fee_fen: int | None
    patient_share: Decimal | None
    item_pool_fen: int
    pool_payable_fen: int
    pay_ratio: Decimal | None
    month_pool_payable_fen: int
    taken_fen: int
    deposit_fen: int
    cash_transfer_fen: int


def settled_rows(statements: pa.Table) -> list[Settled]:
    """The rows of statements (`STATEMENT_SCHEMA`) summed by fund and level, highest level first."""
    keys = ["fund", "fund_label", "hospital_level"]
    sums = statements.group_by(keys).aggregate(
        [(name, "sum") for name in _SUMMED] + [("institution_code", "count_distinct")]
    )
    found = []
    for row in sums.to_pylist():
        total = {name: row[f"{name}_sum"] or 0 for name in _SUMMED}
        cases, fee = total["cases"], total["total_fee_fen"]
        found.append(
            Settled(
                row["fund"],
                row["fund_label"],
                row["hospital_level"],
                row["institution_code_count_distinct"],
                cases,
                share(total["drg_cases"], cases),
                Decimal(total["total_weight_e4"]) / SCALE / total["drg_cases"] if total["drg_cases"] else None,
                round(Decimal(fee) / cases) if cases else None,
                share(total["patient_fen"], fee),
                total["item_pool_fen"],
                total["pool_payable_fen"],
                share(total["pool_payable_fen"], total["item_pool_fen"]),
                total["month_pool_payable_fen"],
                sum(total[f"{kind}_fen"] for kind in DECISION_KINDS),
                total["deposit_fen"],
                total["cash_transfer_fen"],
            )
        )
    whole = sum(value or 0 for value in statements["month_pool_payable_fen"].to_pylist())
    check_balance("fund.settled", "按级别的统筹应付与合计", sum(one.month_pool_payable_fen for one in found), whole)
    return sorted(found, key=lambda one: (one.fund, level_place(one.level)))


def level_place(level: str) -> int:
    """Where a level of hospital stands in a table: the highest first, unknown ones last."""
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)
