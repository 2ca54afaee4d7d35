"""Helpers of the fund tests: a series of months and an edition with the parameters of family 28; amounts in yuan."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from clearing_cases import clearing_edition
from payment_cases import make_policy

from tongpin.payment.fund.series import Fund, read_series
from tongpin.records.intake.lake_tables import schema_of

EMPLOYEES = "310100"
FUND: dict[str, Any] = {
    "fund.execution.alert": 0.05,
    "fund.months.mean_of": 3,
    "fund.months.red": 6,
    "fund.months.yellow": 9,
    "fund.growth.against": "year",
    "fund.growth.alert": 0.2,
    "fund.growth.cases_min": 2,
    "fund.budget.growth": "stated",
    "fund.budget.enrolment_index": 1.02,
    "fund.budget.spending_index": 1.05,
    "fund.budget.income_index": 1.03,
}


def fund_edition(data: dict[str, Any], **values: Any) -> None:
    """Add the parameters of the fund to an edition's data; `__` for the dot, None leaves one open."""
    clearing_edition(data, FUND | {key.replace("__", "."): value for key, value in values.items()})


def fund_policy(folder, **values: Any):
    return make_policy(folder, change=lambda data: fund_edition(data, **values))


def month_row(month: str, income: float, spending: float, **more: Any) -> dict[str, Any]:
    amounts = {name: round(value * 100) for name, value in more.items() if name in {"balance", "budget_spending"}}
    others = {name: value for name, value in more.items() if name not in amounts}
    return {
        "region": "999900",
        "fund": EMPLOYEES,
        "month": month,
        "income_fen": round(income * 100),
        "spending_fen": round(spending * 100),
        **{f"{name}_fen": value for name, value in amounts.items()},
        **others,
    }


def series_table(rows: list[dict[str, Any]]) -> pa.Table:
    schema = schema_of("fund_series")
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


def one_fund(rows: list[dict[str, Any]]) -> Fund:
    (found,) = read_series(series_table(rows))
    return found


def year_rows(year: int, income: float, spending: float, enrolled: int) -> list[dict[str, Any]]:
    """Twelve equal months of a year from its sums in yuan."""
    return [
        month_row(f"{year}-{month:02d}", income / 12, spending / 12, enrolled_count=enrolled) for month in range(1, 13)
    ]
