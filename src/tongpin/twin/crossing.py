"""Departments 科室: against what their own case mix leads one to expect, and where overspending crosses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw

from tongpin.base.money import SCALE
from tongpin.twin.catalogue import setting

if TYPE_CHECKING:
    import pyarrow as pa

PARTS = (
    ("drug", "discharge.compared_drug_share", "discharge.expected_drug_share.fee_weighted"),
    ("consumable", "discharge.compared_consumable_share", "discharge.expected_consumable_share.fee_weighted"),
)


def departments_against_expected(mirror: pa.Table) -> pa.Table:
    """The mirror of departments with `drug_excess`, `consumable_excess`, their `_high` and `comparable`.

    Excess = actual − expected share over the same cases (0–1). `_high` is true where it exceeds the tolerance and the
    department has enough cases at both desks (`comparable`). Never compared with the hospital's red lines. S000-26.
    """
    tolerance = setting("department.tolerance_e4") / SCALE
    least = setting("department.minimum_cases")
    frame = nw.from_native(mirror, eager_only=True).with_columns(
        *[(nw.col(actual) - nw.col(expected)).alias(f"{part}_excess") for part, actual, expected in PARTS],
        comparable=(nw.col("settlement.cases").fill_null(0) >= least)
        & (nw.col("discharge.cases").fill_null(0) >= least),
    )
    return frame.with_columns(
        *[
            (nw.col("comparable") & (nw.col(f"{part}_excess").fill_null(0.0) > tolerance)).alias(f"{part}_high")
            for part, _, _ in PARTS
        ],
    ).to_native()


def crossing_departments(departments: pa.Table) -> pa.Table:
    """Departments that overspend and run a drug or consumable share above expectation, largest loss first. S000-26."""
    frame = nw.from_native(departments, eager_only=True)
    crossing = frame.filter(
        (nw.col("settlement.result").fill_null(0) < 0) & (nw.col("drug_high") | nw.col("consumable_high")),
    )
    return crossing.sort("settlement.result", "institution_code", "dept").to_native()
