"""Helpers of the prepayment tests: an edition with its parameters, entries in few words; amounts in yuan."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from clearing_cases import clearing_edition
from payment_cases import fen, make_policy, write_policy
from test_run import HOSPITAL

from tongpin.payment.prepay.account import NATIONAL, PAID, RECOVERED, Entry
from tongpin.records.intake.lake_tables import schema_of
from tongpin.records.intake.load import INSTITUTIONS, KEYS
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]
HEADER = "institution_code,fund,period,spent,excluded,reason,document\n"
WEIGHTS = "drg,weight,basic_group\nES35D,1.0000,0\n"
PREPAY: dict[str, Any] = {
    "prepay.scheme": "s001",
    "prepay.mean_years": 3,
    "prepay.base_ratio": 0.8,
    "prepay.factor": 1.1,
    "prepay.reserve_ratio": 0.05,
    "prepay.reserve_base": "core",
    "prepay.paid_ratio": 0.7,
    "prepay.paid_base": "core",
    "prepay.instalments": 4,
    "prepay.dates": ["01-15", "04-15", "07-15", "10-15"],
    "prepay.low_warning": 0.15,
    "prepay.use_warning": 0.8,
    "prepay.growth_warning": 0.1,
    "prepay.mean_months": 1,
    "prepay.reserve_months": 12,
    "prepay.reserve_edge": "inclusive",
    "prepay.recovery": "monthly",
    "prepay.recovery_lag": 1,
    "prepay.recovery_months": 3,
    "prepay.reserve_held": "formula",
    "prepay.instant_ratio": 0.9,
    "prepay.instant_cycle": "week",
}


def prepay_edition(data: dict[str, Any], **values: Any) -> None:
    """Add the parameters of prepayment to an edition's data; `__` for the dot, None leaves one open."""
    clearing_edition(data, PREPAY | {key.replace("__", "."): value for key, value in values.items()})


def s001_policy(folder, **values: Any):
    return make_policy(folder, change=lambda data: prepay_edition(data, **values))


def paid(day: str, amount: float, *, scheme: str = NATIONAL, first: str | None = None, months: int = 1, **more: Any):
    """An entry paid on a day; it comes back from the month `first`, or when the year is settled."""
    return _entry(PAID, day, amount, scheme, recovery_from=first, recovery_months=months if first else None, **more)


def recovered(day: str, amount: float, *, scheme: str = NATIONAL, **more: Any):
    return _entry(RECOVERED, day, amount, scheme, **more)


def _entry(kind: str, day: str, amount: float, scheme: str, **more: Any) -> Entry:
    row = {
        "area": "test",
        "entry_id": f"{kind}/{day}/{scheme}",
        "institution_code": "H3",
        "fund": "310",
        "scheme": scheme,
        "kind": kind,
        "amount_fen": fen(amount),
        "entry_date": date.fromisoformat(day),
        "month": day[:7],
        "document": "示例〔2025〕1号",
        **more,
    }
    return Entry(**row)


def register(home: Home, code: str, **more: Any) -> None:
    row = {
        "institution_code": code,
        "institution_name": f"示例医院{code[-1]}",
        "settlement_level": "三级",
        "function_type": "综合医院",
        "valid_from": date(2020, 1, 1),
        **more,
    }
    table = pa.Table.from_pylist([row], schema=layout_schema("institution"))
    lake.upsert(home, INSTITUTIONS, table, KEYS[INSTITUTIONS])


def a_home(path: Path, change: Callable[[dict[str, Any]], None] | None = None, **values: Any) -> Home:
    """A home with one hospital and an edition that prepays; `change` edits the edition's data afterwards."""
    home = Home.open(path / "home")

    def edited(data: dict[str, Any]) -> None:
        prepay_edition(data, **values)
        if change:
            change(data)

    write_policy(home.policies / "test" / "2025", change=edited, weights=WEIGHTS)
    register(home, HOSPITAL)
    return home


def history(path: Path, *rows: str) -> Path:
    file = path / "history.csv"
    file.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return file


def fund_months(home: Home, fund: str = "310100", *, balance: float, spending: float, income: float) -> None:
    schema = schema_of("fund_series")
    rows = [
        {
            "region": "999900",
            "fund": fund,
            "month": f"2024-{month:02d}",
            "income_fen": fen(income),
            "spending_fen": fen(spending),
            "balance_fen": fen(balance),
        }
        for month in range(1, 13)
    ]
    table = pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
    lake.upsert(home, "fund_series", table, KEYS["fund_series"])
