"""Made-up stays for tests of the portfolio: front pages and the lists paid for them, row by row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa

from tongpin.twin.portfolio.stays import Stays, stays_of

OWN, LOWER, PEER, FAR = "H1", "H2", "H3", "H9"
INSTITUTIONS: tuple[dict[str, Any], ...] = (
    {"institution_code": OWN, "settlement_level": "三级", "region": "R1"},
    {"institution_code": LOWER, "settlement_level": "二级", "region": "R1"},
    {"institution_code": PEER, "settlement_level": "三级", "region": "R1"},
    {"institution_code": FAR, "settlement_level": "二级", "region": "R2"},
)
PAGE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "record_no", "status", "drg")),
        *((name, pa.string()) for name in ("admission_route", "care_type", "discharge_way")),
        ("discharge_time", pa.timestamp("s")),
        ("weight_e4", pa.int64()),
        ("los", pa.int32()),
        ("age", pa.int16()),
        ("icu_hours", pa.int32()),
        ("surgery_level", pa.int8()),
        *((name, pa.int64()) for name in ("total_fee_fen", "drug_fee_fen", "consumable_fee_fen", "exam_fee_fen")),
    ]
)
LIST_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "record_no", "drg")),
        ("discharge_time", pa.timestamp("s")),
        ("weight_e4", pa.int64()),
        ("los", pa.int32()),
        *((name, pa.int64()) for name in ("total_fee_fen", "pool_payable_fen", "result_fen")),
    ]
)


def page(number: int, drg: str = "A", weight_e4: int = 5_000, **more: Any) -> dict[str, Any]:
    """A planned stay of a grown-up of five days, discharged home; fees in fen."""
    return {
        "institution_code": OWN,
        "record_no": f"B{number}",
        "status": "grouped",
        "drg": drg,
        "admission_route": "2",
        "care_type": "inpatient",
        "discharge_way": "1",
        "discharge_time": datetime(2025, 6, 10),  # noqa: DTZ001
        "weight_e4": weight_e4,
        "los": 5,
        "age": 60,
        "icu_hours": None,
        "surgery_level": None,
        "total_fee_fen": 500_000,
        "drug_fee_fen": 100_000,
        "consumable_fee_fen": 50_000,
        "exam_fee_fen": None,
        "result_fen": -10_000,
        **more,
    }


def tables(rows: list[dict[str, Any]]) -> tuple[pa.Table, pa.Table]:
    """The pages, and a list paid for each of them (its `result_fen`)."""
    pages = [{name: row[name] for name in PAGE_SCHEMA.names} for row in rows]
    lists = [
        {name: row[name] for name in LIST_SCHEMA.names if name in row} | {"pool_payable_fen": 300_000} for row in rows
    ]
    return pa.Table.from_pylist(pages, schema=PAGE_SCHEMA), pa.Table.from_pylist(lists, schema=LIST_SCHEMA)


def stays(rows: list[dict[str, Any]], risk: pa.Table | None = None) -> Stays:
    """The stays of the hospital `OWN` among the rows."""
    pages, lists = tables(rows)
    return stays_of(pages, lists, INSTITUTIONS, OWN, risk)


def elsewhere(drg: str, count: int, code: str = LOWER, weight_e4: int = 5_000) -> list[dict[str, Any]]:
    """Cases of a group in another institution."""
    return [
        page(number, drg, weight_e4, institution_code=code, record_no=f"{code}-{drg}{number}")
        for number in range(count)
    ]
