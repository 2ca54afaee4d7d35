"""A small home for the ledger tests: one hospital, two closed months, what HIS and the bank say; amounts in yuan."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.payment.ledger.run import BANK_LINES
from tongpin.payment.month.run import settle_in_home
from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA
from tongpin.records.intake.load import CASES, DECISIONS, INSTITUTIONS, KEYS, RESULTS, WITHDRAWALS
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

HOSPITAL = "H32000000001"
MAY, JUNE = "2025-05", "2025-06"
CASE_COLUMNS = pa.schema(
    [
        *(f if not pa.types.is_list(f.type) else f.with_type(pa.list_(pa.string())) for f in CASE_SCHEMA),
        DETAIL_SCHEMA.field("payers"),
    ]
)


def a_list(case_id: str, fee: int, day: date, other: int = 0, fund: str = "330100", **more: Any) -> dict[str, Any]:
    """A pneumonia: the patient pays half, a further fund `other`, the pool the rest."""
    payers = [{"fund": "310100", "amount_fen": fee * 50 - other * 100}]
    payers += [{"fund": fund, "amount_fen": other * 100}] if other else []
    return {
        "source": "settlement_list",
        "case_id": case_id,
        "institution_code": HOSPITAL,
        "sex": 1,
        "age": 60,
        "discharge_time": datetime(day.year, day.month, day.day, 10),  # noqa: DTZ001
        "settlement_date": day,
        "accepted_date": day,
        "los": 8,
        "dx": ["J18.900"],
        "px": [],
        "insurance": "310",
        "insured_region": "320200",
        "care_type": "inpatient",
        "total_fee_fen": fee * 100,
        "patient_pay_fen": fee * 50,
        "account_pay_fen": 12_345,
        "pool_pay_fen": fee * 50 - other * 100,
        "other_fund_pay_fen": other * 100,
        "payers": payers,
        **more,
    }


def keep(home: Home, *cases: dict[str, Any]) -> None:
    lake.upsert(home, CASES, pa.Table.from_pylist(list(cases), schema=CASE_COLUMNS), KEYS[CASES])


def keep_rows(home: Home, layout: str, table: str, *rows: dict[str, Any]) -> None:
    made = pa.Table.from_pylist(list(rows), schema=layout_schema(layout))
    lake.upsert(home, table, made, KEYS[table])


def decide(home: Home, kind: str, amount: str, **more: Any) -> None:
    row = {"institution_code": HOSPITAL, "kind": kind, "decided_date": date(2025, 7, 3)}
    row |= {"amount_fen": int(Decimal(amount) * 100), **more}
    keep_rows(home, "decision", DECISIONS, row)


def bank(
    home: Home, line_no: str, amount: int, *, book: str = "bank", purpose: str = "拨付", month: str = JUNE
) -> None:
    row = {"book": book, "line_no": line_no, "booked_date": date(2025, 7, 20), "institution_code": HOSPITAL}
    row |= {"fund": "310100", "month": month, "amount_fen": amount, "purpose": purpose, "document": "凭证"}
    keep_rows(home, "bank-line", BANK_LINES, row)


def result(home: Home, setl_id: str, fee: int, pool: int, day: date) -> None:
    row = {"setl_id": setl_id, "total_fee_fen": fee * 100, "pool_pay_fen": pool * 100, "settlement_date": day}
    keep_rows(home, "settlement-result", RESULTS, row)


def withdraw(home: Home, setl_id: str, day: date, successor: str) -> None:
    row = {"institution_code": HOSPITAL, "setl_id": setl_id, "withdrawn_date": day, "successor_setl_id": successor}
    keep_rows(home, "withdrawal", WITHDRAWALS, row)


def small_home(folder: Path) -> Home:
    """May: M1. June: J1 with a further fund, J2 of a visitor, M1 reversed and replaced by M2, a deduction."""
    home = Home.open(folder)
    row = {"institution_code": HOSPITAL, "institution_name": "示例医院", "settlement_level": "三级"}
    keep_rows(home, "institution", INSTITUTIONS, row | {"grade": "三甲", "valid_from": date(2020, 1, 1)})
    keep(home, a_list("M1", 6000, date(2025, 5, 20), 200))
    settle_in_home(home, MAY)
    keep(
        home,
        a_list("J1", 7000, date(2025, 6, 3), 300, "610100"),
        a_list("J2", 8000, date(2025, 6, 4), insured_region="310000"),
        a_list("M2", 6100, date(2025, 6, 10), 200),
    )
    withdraw(home, "M1", date(2025, 6, 9), "M2")
    decide(home, "audit_deduction", "123.45", fund="310", month=JUNE)
    decide(home, "prepay_offset", "1000", fund="310", month=JUNE)
    settle_in_home(home, JUNE)
    return home
