"""A small home for tests of figures: two hospitals, doctors in teams, pages of two years, lists of two months."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.payment.month.run import settle_in_home
from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA
from tongpin.records.intake.load import CASES, KEYS, load_files
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

FIRST, SECOND = "H32000000001", "H32000000002"
INSTITUTIONS = f"""institution_code,institution_name,settlement_level,manual,beds,open_beds,region,valid_from
{FIRST},第一医院,三级,综合三级,100,90,甲县,2020-01-01
{SECOND},第二医院,二级,综合二级,50,,乙县,2020-01-01
"""
STAFF = f"""institution_code,staff_code,dept_code,team,ward,role,valid_from,valid_until
{FIRST},D1,03.01,一组,东区,医师,2020-01-01,2025-01-31
{FIRST},D1,03.01,二组,东区,医师,2025-02-01,
{FIRST},D2,03.01,一组,西区,医师,2020-01-01,
"""
COST = f"""institution_code,month,dept_code,cost_kind,stage,amount,fee_amount
{FIRST},2025-06,03.01,全成本,分摊后,90000.00,100000.00
"""
FILED = f"""institution_code,year,month,item_code,value,unit
{FIRST},2025,2025-06,complaints,2,件
{FIRST},2025,2025-06,revisits,7,人次
{FIRST},2025,2025-06,surgery_complications,1,例
"""
PEERS = """peer_code,settlement_level,year,item_code,value,document
甲,三级,2024,mean_fee,9000,年报
乙,三级,2024,mean_fee,11000,年报
丙,三级,2024,mean_fee,12000,年报
"""
_SCHEMA = pa.schema(
    [
        *(
            field if field.name not in {"dx", "px"} else pa.field(field.name, pa.list_(pa.string()))
            for field in CASE_SCHEMA
        ),
        DETAIL_SCHEMA.field("procedures"),
    ]
)


def page(number: int, month: str, **more: Any) -> dict[str, Any]:
    """A pneumonia of a man of 60, discharged in a month; amounts in fen."""
    day = datetime.fromisoformat(f"{month}-{number % 28 + 1:02d}T10:00:00")
    return {
        "source": "front_page",
        "case_id": f"P{number}",
        "institution_code": FIRST,
        "sex": 1,
        "age": 60,
        "care_type": "inpatient",
        "discharge_time": day,
        "discharge_way": "1",
        "dept": "03.01",
        "doctor_code": "D1",
        "los": 8,
        "dx": ["J18.900"],
        "px": [],
        "total_fee_fen": 1_000_000,
        "drug_fee_fen": 200_000,
        "consumable_fee_fen": 100_000,
        "exam_fee_fen": 50_000,
        **more,
    }


def settlement_list(number: int, month: str, **more: Any) -> dict[str, Any]:
    """The same stay as a list of a month, half of it paid by the pool."""
    day = date.fromisoformat(f"{month}-20")
    return {
        **page(number, month),
        "source": "settlement_list",
        "case_id": f"S{number}",
        "settlement_date": day,
        "accepted_date": day,
        "insurance": "310",
        "patient_pay_fen": 500_000,
        "pool_pay_fen": 500_000,
        "other_fund_pay_fen": 0,
        **more,
    }


def two_years(each: int = 40) -> list[dict[str, Any]]:
    """Pages of two Junes: the first hospital costs 10,000 yuan then and 9,000 now, the second 8,000 both times."""
    cases = []
    for year, fee in ((2024, 1_000_000), (2025, 900_000)):
        for place in range(each):
            number = year * 1000 + place
            doctor = "D1" if place % 2 else "D2"
            jitter = (place % 5 - 2) * 10_000
            cases.append(page(number, f"{year}-06", total_fee_fen=fee + jitter, doctor_code=doctor, los=6 + place % 5))
            other = {"institution_code": SECOND, "total_fee_fen": 800_000 + jitter, "doctor_code": "E1"}
            cases.append(page(number + 500, f"{year}-06", **other))
    return cases


def keep(home: Home, cases: list[dict[str, Any]]) -> None:
    """Put cases into the lake."""
    lake.upsert(home, CASES, pa.Table.from_pylist(cases, schema=_SCHEMA), KEYS[CASES])


def make_home(folder: Path, cases: list[dict[str, Any]], months: tuple[str, ...] = (), **files: str) -> Home:
    """A home with the registers, these cases, the settled months, and further files by layout."""
    home = Home.open(folder / "home")
    source = folder / "files"
    source.mkdir()
    for name, text in {"institution": INSTITUTIONS, **files}.items():
        (source / f"{name}.csv").write_text(text, encoding="utf-8")
    report = load_files(home, [source])
    assert [one.message for one in report.findings if one.severity == "error"] == []
    keep(home, cases)
    for month in months:
        settle_in_home(home, month)
    return home
