"""A small home with lists whose dates the tests choose, under an edition with clocks."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import yaml

from tongpin.payment.policy.library import shipped_policies
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.lake_tables import SEALED
from tongpin.records.intake.load import CASES, DECISIONS, INSTITUTIONS, KEYS, WITHDRAWALS
from tongpin.records.layouts.catalogue import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

H1, H2 = "H32000000001", "H32000000002"
AREA = "demo-east"
_PLAIN = pa.schema(
    [
        *(f if not pa.types.is_list(f.type) else f.with_type(pa.list_(pa.string())) for f in CASE_SCHEMA),
        (SEALED, pa.binary()),
    ]
)


def home_of(folder: Path, values: dict[str, Any] | None = None) -> Home:
    """A home with two hospitals; `values` (key → leaf, None takes it away) makes an edition of its own of demo-east."""
    home = Home.open(folder / "home")
    home.patient_key()
    rows = [
        {
            "institution_code": code,
            "institution_name": name,
            "settlement_level": "三级",
            "grade": "三甲",
            "valid_from": date(2020, 1, 1),
        }
        for code, name in ((H1, "示例一院"), (H2, "示例二院"))
    ]
    put(home, INSTITUTIONS, "institution", *rows)
    if values is not None:
        own_edition(home, values)
    return home


def own_edition(home: Home, values: dict[str, Any]) -> None:
    source = shipped_policies() / AREA / "2025"
    target = home.policies / AREA / "2025"
    target.mkdir(parents=True, exist_ok=True)
    for table in source.glob("*.csv"):
        (target / table.name).write_bytes(table.read_bytes())
    data = yaml.safe_load((source / "policy.yaml").read_text(encoding="utf-8"))
    for key, value in values.items():
        if value is None:
            del data["parameters"][key]
        else:
            data["parameters"][key]["values"] = {date(2024, 1, 1): value}
            if not isinstance(value, dict):
                data["parameters"][key].pop("by", None)
    (target / "policy.yaml").write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")


def a_list(
    case_id: str,
    discharge: date,
    upload: date | datetime | None = None,
    *,
    accepted: date | None = None,
    fee: int = 6000,
    **more: Any,
) -> dict[str, Any]:
    """A pneumonia of a man of 60, settled on the day of discharge: fee in yuan, half of it paid by the pool."""
    sent = upload if isinstance(upload, datetime) or upload is None else at(upload)
    return {
        "source": "settlement_list",
        "case_id": case_id,
        "institution_code": H1,
        "record_no": f"R-{case_id}",
        "sex": 1,
        "age": 60,
        "admission_time": at(discharge - timedelta(days=8)),
        "discharge_time": at(discharge),
        "settlement_date": discharge,
        "upload_time": sent,
        "accepted_date": accepted,
        "los": 8,
        "dx": ["J18.900"],
        "px": [],
        "insurance": "310",
        "care_type": "inpatient",
        "total_fee_fen": fee * 100,
        "patient_pay_fen": fee * 50,
        "pool_pay_fen": fee * 50,
        "other_fund_pay_fen": 0,
        **more,
    }


def a_page(record_no: str, discharge: date, **more: Any) -> dict[str, Any]:
    """The front page of an insured stay."""
    return {
        "source": "front_page",
        "case_id": f"P-{record_no}",
        "institution_code": H1,
        "record_no": record_no,
        "discharge_time": at(discharge),
        "insurance": "310",
        "care_type": "inpatient",
        "total_fee_fen": 500_000,
        **more,
    }


def at(day: date, hour: int = 10) -> datetime:
    return datetime(day.year, day.month, day.day, hour)  # noqa: DTZ001


def keep(home: Home, *cases: dict[str, Any]) -> None:
    """Cases into the lake, one load each, so that a later version follows an earlier one."""
    for case in cases:
        table = pa.Table.from_pylist([case], schema=_PLAIN)
        lake.upsert(home, CASES, table, KEYS[CASES], order="upload_time")


def put(home: Home, table: str, layout: str, *rows: dict[str, Any]) -> None:
    """Rows of a layout into its table."""
    lake.upsert(home, table, pa.Table.from_pylist(list(rows), schema=layout_schema(layout)), KEYS[table])


def receipt(home: Home, setl_id: str, when: datetime, accepted: bool, **more: Any) -> None:
    row = {
        "institution_code": H1,
        "setl_id": setl_id,
        "received_time": when,
        "accepted": accepted,
        "message": "",
        **more,
    }
    put(home, "receipt", "receipt", row)


def decide(home: Home, kind: str, setl_id: str, on: date, **more: Any) -> None:
    put(
        home,
        DECISIONS,
        "decision",
        {"institution_code": H1, "kind": kind, "setl_id": setl_id, "decided_date": on, **more},
    )


def withdraw(home: Home, setl_id: str, on: date) -> None:
    put(home, WITHDRAWALS, "withdrawal", {"institution_code": H1, "setl_id": setl_id, "withdrawn_date": on})
