"""Small case tables for the tests of editions, stays and comparisons."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa

from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA

LIST = {
    "source": "settlement_list",
    "institution_code": "H1",
    "record_no": "R1",
    "mdtrt_id": "M1",
    "case_id": "L1",
    "care_type": "inpatient",
    "sex": 1,
    "age": 60,
    "admission_time": datetime(2025, 6, 1, 9),  # noqa: DTZ001
    "discharge_time": datetime(2025, 6, 9, 10),  # noqa: DTZ001
    "settlement_date": date(2025, 6, 9),
    "los": 8,
    "dept": "03.03",
    "discharge_way": "1",
    "dx": ["I63.900"],
    "px": [],
    "total_fee_fen": 600_000,
    "patient_pay_fen": 100_000,
}
PAGE = {
    **{name: value for name, value in LIST.items() if name not in {"settlement_date", "mdtrt_id"}},
    "source": "front_page",
    "case_id": "H1-R1-1",
}


def table(*rows: dict[str, Any], details: tuple[str, ...] = ()) -> pa.Table:
    """Rows as a case table with the named detail columns, code lists dictionary-encoded."""
    fields = [*CASE_SCHEMA, *(DETAIL_SCHEMA.field(name) for name in details)]
    plain = [
        one.with_type(pa.list_(pa.string())) if one.name in {"dx", "px"} else one.remove_metadata() for one in fields
    ]
    made = pa.Table.from_pylist(list(rows), schema=pa.schema(plain))
    return made.cast(pa.schema([one.remove_metadata() for one in fields]))


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10)  # noqa: DTZ001
