"""A small DIP city for the tests: history of three years, its tables, a catalogue and the national edition."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import tongpin
from tongpin.payment.dip.build import BuildRules, Built, Tables, build_catalogue
from tongpin.payment.policy.policy import Policy
from tongpin.records.case.schema import CASE_SCHEMA

POLICIES = Path(tongpin.__file__).parent / "policies"
RULES = BuildRules((1, 2, 7), 15, "total", 1000, "category", "first", "surgery", assumed=True)
TABLES = Tables(
    {
        "36.0700": "interventional",
        "88.5500": "diagnostic",
        "51.2300": "surgery",
        "51.2200": "surgery",
        "39.9500": "therapeutic",
    },
    frozenset({"93.9900"}),
    (),
    {"I20.0": "不稳定性心绞痛", "I20": "心绞痛"},
    {"36.0700": "药物洗脱冠状动脉支架置入", "88.5500": "冠状动脉造影"},
)
MONTHS = ("2022-01", "2024-12")
SCHEMA = pa.schema([*CASE_SCHEMA, ("hospital_level", pa.string())])


def national() -> Policy:
    return Policy.load(POLICIES / "dip-national" / "2025")


def stay(
    number: int, dx: str | list[str], px: tuple[str, ...], fee: float, year: int = 2024, **more: Any
) -> dict[str, Any]:
    day = date(year, 6, 15)
    fen = round(fee * 100)
    return {
        "source": "settlement_list",
        "case_id": f"S{number:05d}",
        "institution_code": "H3",
        "institution_name": "第三医院",
        "insurance": "310",
        "care_type": "inpatient",
        "sex": 1,
        "age": 50,
        "los": 5,
        "discharge_way": "1",
        "admission_time": datetime(year, 6, 10),  # noqa: DTZ001
        "discharge_time": datetime(year, 6, 15),  # noqa: DTZ001
        "settlement_date": day,
        "dx": [dx] if isinstance(dx, str) else dx,
        "px": list(px),
        "total_fee_fen": fen,
        "drug_fee_fen": fen // 4,
        "patient_pay_fen": fen // 5,
        "other_fund_pay_fen": 0,
        "pool_pay_fen": fen - fen // 5,
        "hospital_level": "三级",
        **more,
    }


def table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, SCHEMA)


def days(cases: pa.Table) -> Any:
    return cases["settlement_date"].to_numpy().astype("datetime64[D]")


def history() -> list[dict[str, Any]]:
    """Three years: stents with and without angiography, conservative angina, gall bladders, rare pneumonia."""
    plans: list[tuple[str, tuple[str, ...], float, int]] = [
        ("I20.000x001", ("36.0700", "88.5500"), 30_000, 20),
        ("I20.000", ("36.0700",), 25_000, 30),
        ("I20.000", (), 6_000, 40),
        ("I20.100", ("88.5500",), 9_000, 3),
        ("I20.800", (), 5_000, 4),
        ("K80.000", ("51.2300",), 12_000, 24),
        ("K80.100", ("51.2200", "39.9500"), 20_000, 6),
        ("K80.200", ("39.9500",), 11_000, 3),
    ]
    rows = []
    for dx, px, fee, count in plans:
        for number in range(count):
            year = 2022 + number % 3
            growth = {2022: 0.9, 2023: 1.0, 2024: 1.1}[year]
            rows.append(stay(len(rows), dx, px, fee * growth, year))
    return rows


def built(rows: list[dict[str, Any]] | None = None, rules: BuildRules = RULES, tables: Tables = TABLES) -> Built:
    cases = table(history() if rows is None else rows)
    return build_catalogue(
        cases, days(cases), MONTHS, rules, tables, catalogue_id="demo-dip", title="测试目录", source="测试"
    )


@cache
def usual() -> Built:
    return built()


INSTITUTIONS = pa.table(
    {
        "institution_code": ["H3", "H2"],
        "settlement_level": ["三级", "二级"],
        "valid_from": pa.array([date(2020, 1, 1)] * 2),
    },
)
FEES = np.array([400_000, 500_000, 1_000_000, 2_000_000, 3_000_000, 6_000_000], np.int64)
