"""Helpers of the fund tests: a series of months and an edition with the parameters of family 28; amounts in yuan."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
from clearing_cases import clearing_edition, statements_of
from payment_cases import make_policy

from tongpin.payment.fund.series import Fund, month_after, read_series
from tongpin.payment.month.closed import LINES, RUN, RUNS, STATEMENTS, run_name
from tongpin.records.intake.lake_tables import schema_of
from tongpin.store import lake
from tongpin.store.home import Home

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
    "fund.behaviour.readmission_days": 15,
    "fund.assess.deduction": [
        {"from": 0, "value": 2},
        {"from": 0.9, "value": 0},
        {"from": 1.05, "value": 2.5},
    ],
}


_AMOUNTS = {"balance", "budget_spending", "budget_income", "inpatient_spending"}


def fund_edition(data: dict[str, Any], **values: Any) -> None:
    """Add the parameters of the fund to an edition's data; `__` for the dot, None leaves one open."""
    clearing_edition(data, FUND | {key.replace("__", "."): value for key, value in values.items()})


def fund_policy(folder, **values: Any):
    return make_policy(folder, change=lambda data: fund_edition(data, **values))


def month_row(month: str, income: float, spending: float, **more: Any) -> dict[str, Any]:
    amounts = {name: round(value * 100) for name, value in more.items() if name in _AMOUNTS}
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


def wavy_series(count: int, *, seed: int, first: str = "2020-01", wander: float = 0.0, spread: float = 0.02):
    """A generated series by month in fen: growth, a season of twelve months, noise, and a level that may wander."""
    rng = np.random.default_rng(seed)
    season = rng.normal(0, 0.06, 12)
    level = rng.normal(0.005, 0.003) * np.arange(count) + np.cumsum(rng.normal(0, wander, count))
    values = np.exp(23 + level + season[np.arange(count) % 12] + rng.normal(0, spread, count))
    return {month_after(first, place): round(float(value)) for place, value in enumerate(values)}


def close_months(home: Home, table: pa.Table, area: str = "test") -> None:
    """The months of posted lines as settling leaves them: lines, statements, and a manifest for each."""
    levels = {row["institution_code"]: row["hospital_level"] for row in table.to_pylist()}
    bare = statements_of(table)
    codes = bare["institution_code"].to_pylist()
    words = {
        "institution_name": [f"医院{code}" for code in codes],
        "hospital_level": [levels[code] for code in codes],
        "fund_label": ["职工" if fund == "310" else "居民" for fund in bare["fund"].to_pylist()],
    }
    for name, texts in words.items():
        bare = bare.set_column(bare.column_names.index(name), name, pa.array(texts, pa.string()))
    for name, rows, month in ((LINES, table, "period"), (STATEMENTS, bare, "month")):
        named = pa.array([run_name(area, one) for one in rows[month].to_pylist()], pa.string())
        lake.append(home, name, rows.append_column(RUN, named))
    runs = []
    for month in sorted(set(table["period"].to_pylist())):
        manifest = {
            "month": month,
            "area": area,
            "area_label": "测试市",
            "policy": "test/2025",
            "policy_label": "测试办法",
            "weights_label": "测试权重",
            "assumed": ["费率"],
            "notes": [],
            "result_digest": f"digest of {month}",
        }
        runs.append({"month": month, "area": area, "digest": "", "manifest": json.dumps(manifest)})
    lake.append(home, RUNS, pa.Table.from_pylist(runs))
