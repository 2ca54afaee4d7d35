"""A small home for tests of the daily page: one hospital with lists, pages, running bills and receipts of chosen days.

Groups and money of the demonstration edition for 职工 in a 三级 hospital: IU29D is a basic group, 0.45 × 7,600.00 =
3,420.00 yuan; ES35D 0.61 × 12,141.88 = 7,406.55; ES31D, the heaviest of its ADRG, 1.22 × 12,141.88 = 14,813.09.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.lake_tables import SEALED
from tongpin.records.intake.load import CASES, KEYS
from tongpin.records.layouts.catalogue import layout_schema, layouts
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

CODE, NAME = "H32000000001", "示例一院"
ON, YESTERDAY = date(2025, 6, 11), date(2025, 6, 10)
BACK, PNEUMONIA, WOMAN = "M51.200", "J18.900", "C53.900"
_CASES = pa.schema(
    [
        *(f if not pa.types.is_list(f.type) else f.with_type(pa.list_(pa.string())) for f in CASE_SCHEMA),
        (SEALED, pa.binary()),
    ]
)


def put(home: Home, layout: str, *rows: dict[str, Any]) -> None:
    """Rows of an own layout."""
    table = layouts()[layout].table
    lake.upsert(home, table, pa.Table.from_pylist(list(rows), schema=layout_schema(layout)), layouts()[layout].key)


def keep(home: Home, *cases: dict[str, Any]) -> None:
    """Cases in one load."""
    lake.upsert(home, CASES, pa.Table.from_pylist(list(cases), schema=_CASES), KEYS[CASES], order="upload_time")


def at(day: date) -> datetime:
    return datetime.combine(day, time(10))


def a_list(case_id: str, discharge: date, dx: str = BACK, fee: int = 3000, **more: Any) -> dict[str, Any]:
    """A list of a man of 60, eight days, settled and sent on the day of discharge; fee in yuan, half of it pooled."""
    return {
        "source": "settlement_list",
        "case_id": case_id,
        "mdtrt_id": f"M-{case_id}",
        "institution_code": CODE,
        "record_no": f"R-{case_id}",
        "sex": 1,
        "age": 60,
        "admission_time": at(discharge - timedelta(days=8)),
        "discharge_time": at(discharge),
        "settlement_date": discharge,
        "upload_time": at(discharge),
        "los": 8,
        "dx": [dx],
        "px": [],
        "insurance": "310",
        "care_type": "inpatient",
        "total_fee_fen": fee * 100,
        "patient_pay_fen": fee * 50,
        "pool_pay_fen": fee * 50,
        "other_fund_pay_fen": 0,
        **more,
    }


def a_page(record_no: str, discharge: date, dx: str = BACK, fee: int = 3000, **more: Any) -> dict[str, Any]:
    """A front page of the same man; without insurance unless said."""
    page = a_list(f"P-{record_no}", discharge, dx, fee)
    unknown = ("mdtrt_id", "settlement_date", "upload_time", "pool_pay_fen", "insurance")
    return page | dict.fromkeys(unknown) | {"source": "front_page", "record_no": record_no, **more}


def a_bill(mdtrt_id: str, fee: int, day: date = YESTERDAY, **more: Any) -> dict[str, Any]:
    """The bill of a day of a stay that began five days before; fee to date in yuan."""
    return {
        "institution_code": CODE,
        "mdtrt_id": mdtrt_id,
        "bill_date": day,
        "day_amount_fen": 10_000,
        "cumulative_amount_fen": fee * 100,
        "admission_date": day - timedelta(days=5),
        "dept": "03.01",
        "insurance": "310",
        **more,
    }


def a_receipt(setl_id: str, when: datetime, message: str = "", *, accepted: bool = False) -> dict[str, Any]:
    """What the platform answered."""
    row = {"institution_code": CODE, "setl_id": setl_id, "received_time": when, "accepted": accepted}
    return row | {"message": message}


def empty_home(folder: Path) -> Home:
    """A home that knows the hospital and nothing else."""
    home = Home.open(folder / "home")
    home.patient_key()
    register = {"institution_code": CODE, "institution_name": NAME, "settlement_level": "三级", "grade": "三甲"}
    put(home, "institution", register | {"valid_from": date(2020, 1, 1)})
    return home


def full_home(folder: Path) -> Home:
    """A home with something for every block of 2025-06-11, its June not closed."""
    home = empty_home(folder)
    keep(
        home,
        a_list("A", YESTERDAY),
        a_page("R-A", YESTERDAY),
        a_list("B", YESTERDAY, PNEUMONIA, 9000),
        a_list("D", YESTERDAY, WOMAN, 500),
        a_page("R-C", YESTERDAY, fee=2000),
        *(a_list(name, date(2025, 6, 3)) for name in ("R1", "R2", "R3", "R4")),
        *(a_page(f"Y{number}", date(2024, 6, 1 + number), los=8 + number % 2) for number in range(20)),
    )
    put(
        home,
        "running-bill",
        a_bill("OWN", 3500, expected_drg="IU29D"),
        a_bill("NEAR", 9000, expected_dx=PNEUMONIA),
        a_bill("OVER", 15_000, expected_dx=PNEUMONIA),
        a_bill("NONE", 1000),
        a_bill("SELF", 99_000, insurance=None),
        a_bill("STENT", 9000, expected_dx=PNEUMONIA, cumulative_consumable_amount_fen=400_000),
        a_bill("KNIFE", 9000, expected_dx=PNEUMONIA, setl_id="S-KNIFE"),
        a_bill("EXACT", 5000, expected_standard_fen=500_000),
        a_bill("WOMAN", 100, expected_dx=WOMAN),
        a_bill("M-A", 3000, expected_drg="IU29D"),
        a_bill("GONE", 9000, date(2025, 6, 8), expected_drg="IU29D"),
    )
    line = {"institution_code": CODE, "setl_id": "S-KNIFE", "line_no": "1", "item_code": "330", "category": "06"}
    put(home, "fee-line", line | {"charged_time": at(date(2025, 6, 9)), "amount_fen": 100_000})
    put(
        home,
        "department",
        {"institution_code": CODE, "dept_code": "03.01", "dept_name": "呼吸科", "valid_from": date(2020, 1, 1)},
    )
    put(
        home,
        "receipt",
        a_receipt("R1", at(ON), "主要诊断笼统"),
        a_receipt("R2", at(ON), "主要诊断笼统"),
        a_receipt("R3", at(YESTERDAY), "没有诊断"),
        a_receipt("R4", at(date(2025, 6, 5)), "没有诊断"),
        a_receipt("R4", at(date(2025, 6, 6)), "更正后接收", accepted=True),
        a_receipt("R4", at(date(2025, 6, 12)), "以后的事"),
    )
    return home
