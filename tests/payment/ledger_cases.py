"""A small home for the ledger tests: one hospital, two closed months, what HIS and the bank say; amounts in yuan."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from clearing_cases import clearing_edition, line, lines_of, statements_of
from payment_cases import write_policy

from tongpin.payment.ledger.journal import open_journal
from tongpin.payment.ledger.sources import BANK_LINES
from tongpin.payment.month.closed import LINES, RUN, RUN_SCHEMA, RUNS, STATEMENTS, run_name
from tongpin.payment.month.run import settle_in_home
from tongpin.payment.month.statement import MonthSettlement
from tongpin.records.case.schema import CASE_SCHEMA, DETAIL_SCHEMA
from tongpin.records.intake.load import CASES, DECISIONS, INSTITUTIONS, KEYS, RESULTS, WITHDRAWALS
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

HOSPITAL = "H32000000001"
MAY, JUNE = "2025-05", "2025-06"
DEDUCTION = "示例〔2025〕8号"
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


def bank(home: Home, line_no: str, amount: int, **more: Any) -> None:
    row = {"book": "bank", "line_no": line_no, "booked_date": date(2025, 7, 20), "institution_code": HOSPITAL}
    row |= {"fund": "310100", "month": JUNE, "amount_fen": amount, "purpose": "拨付", "document": "凭证", **more}
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
    decide(home, "audit_deduction", "123.45", fund="310", month=JUNE, document=DEDUCTION)
    decide(home, "prepay_offset", "1000", fund="310", month=JUNE)
    settle_in_home(home, JUNE)
    return home


LEAD, MEMBER = "H3", "H4"
MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]
YEARLY: dict[str, Any] = {
    "band.apply": "bands",
    "volume_surplus.share": 0.5,
    "volume_surplus.full_score": 100,
    "volume_surplus.bands": [
        {"from": 0, "value": 0},
        {"from": 0.6, "value": 0.6},
        {"from": 0.8, "value": 0.8},
        {"from": 0.9, "value": 1},
    ],
    "alliance.divide_by": "standard",
}


def close(home: Home, months: list[str], lines: pa.Table, statements: pa.Table, area: str = "test") -> None:
    """Closed months as settling leaves them, with the digests of what they hold."""
    for month in months:
        run = run_name(area, month)
        parts = {}
        for name, table, column in ((LINES, lines, "period"), (STATEMENTS, statements, "month")):
            parts[name] = table.filter(pc.equal(table[column], month))
            lake.append(home, name, parts[name].append_column(RUN, pa.array([run] * parts[name].num_rows, pa.string())))
        settled = MonthSettlement(month, parts[LINES], parts[STATEMENTS], ())
        manifest = {"month": month, "area": area, "area_label": "测试", "policy": f"{area}/2025", "assumed": ["假定"]}
        manifest |= {"result_digest": settled.digest, "scheme": "demo-drg", "scheme_digest": "", "notes": []}
        row = {"month": month, "area": area, "digest": settled.digest, "manifest": json.dumps(manifest)}
        lake.append(home, RUNS, pa.Table.from_pylist([row], schema=RUN_SCHEMA))


def year_home(
    folder: Path,
    values: dict[str, Any] | None = None,
    *,
    area: str = "test",
    deposit: float = 0.03,
    member_fee: float = 45,
) -> Home:
    """Twelve closed months of a lead that overspends by 6 and a member that saves 5 of 50, per month, in yuan."""
    home = Home.open(folder)

    def change(data: dict[str, Any]) -> None:
        clearing_edition(data, YEARLY | (values or {}))
        data["id"] = f"{area}/2025"

    write_policy(home.policies / area / "2025", change=change)
    for code in (LEAD, MEMBER):
        row = {"institution_code": code, "institution_name": f"医院{code}", "settlement_level": "三级"}
        row |= {"alliance_lead": LEAD, "valid_from": date(2020, 1, 1)}
        keep_rows(home, "institution", INSTITUTIONS, row)
    lines = lines_of(
        *(line(f"{month}-a", 100, month=month, fee=106, hospital=LEAD) for month in MONTHS),
        *(line(f"{month}-b", 50, month=month, fee=member_fee, hospital=MEMBER) for month in MONTHS),
    )
    close(home, MONTHS, lines, statements_of(lines, deposit=deposit), area)
    return home


def postings_of(home: Home, area: str | None = None) -> pa.Table:
    """All that stands in the ledger of an area."""
    return open_journal(home).of_area(area or "test")


def balance(postings: pa.Table, account: str, hospital: str | None = None) -> int:
    """Debit less credit of an account (of one hospital), in fen."""
    own = postings.filter(pc.equal(postings["account"], account))
    own = own if hospital is None else own.filter(pc.equal(own["institution_code"], hospital))
    return (pc.sum(own["debit_fen"]).as_py() or 0) - (pc.sum(own["credit_fen"]).as_py() or 0)
