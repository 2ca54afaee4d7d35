"""Helpers of the clearing tests: posted lines, statements and an edition made from few words; amounts in yuan."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa
from payment_cases import START, fen, make_policy

from tongpin.payment.month.posting import LINE_SCHEMA
from tongpin.payment.month.statement import STATEMENT_SCHEMA
from tongpin.payment.year.clear import STEPS, clear_year
from tongpin.payment.year.rulings import RULING_SCHEMA, read_rulings

CLEARING: dict[str, Any] = {
    "calendar.thirteenth_period": ("flag", False),
    "rounding.clearing": ("fen", 1),
    "special.quota_ratio": ("ratio", 0.05),
    "special.quota_rounding": ("choice", "floor"),
    "special.quota_base": ("choice", "drg"),
    "special.quota_counts": ("choice", "approved"),
    "special.quota_scope": ("choice", "hospital"),
    "special.pay": ("choice", "by_item"),
    "appeal.pay": ("choice", "by_item"),
    "overdue.share": ("ratio", 0.7),
    "overdue.base": ("choice", "pool"),
    "outlier.cap.ratio": ("ratio", 0.05),
    "outlier.cap.base": ("choice", "drg"),
    "outlier.cap.rounding": ("choice", "floor"),
    "outlier.cap.scope": ("choice", "hospital"),
    "outlier.cap.order": ("choice", "excess"),
    "outlier.cap.pay": ("choice", "standard"),
    "outlier.cap.special_leaves": ("flag", True),
    "clearing.rate": ("choice", "keep"),
    "clearing.outlier": ("choice", "frozen"),
    "tier.scaling": ("choice", "none"),
    "tier.measure": ("choice", "pool"),
    "tier.covers": ("choice", "all"),
    "tier.audit": ("choice", "after"),
    "audit.bands": ("choice", "payment"),
    "band.apply": ("choice", "none"),
    "band.covers": ("choice", "all"),
    "band.lower": ("ratio", 0.85),
    "band.below": ("choice", "actual"),
    "band.retained": ("ratio", 1),
    "band.retained_cap": ("ratio", 1),
    "band.overspend": ("choice", "band"),
    "band.overspend_share": ("ratio", 0.5),
    "band.upper": ("ratio", 1.1),
    "band.cap_base": ("choice", "after_k"),
    "band.near": ("ratio", 0.005),
    "band.topup_source": ("choice", "fund"),
    "band.cut_to": ("choice", "fund"),
    "assessment.applies_to": ("choice", "none"),
    "assessment.source": ("choice", "score"),
    "assessment.full_score": ("count", 100),
    "assessment.form": ("choice", "proportional"),
    "assessment.negative": ("choice", "apply"),
    "surplus.base": ("choice", "before_assessment"),
    "surplus.shares": ("choice", "none"),
    "overspend.shares": ("choice", "none"),
    "clearing.level": ("choice", "latest"),
    "clearing.payee": ("choice", "institution"),
}


def clearing_edition(data: dict[str, Any], values: dict[str, Any] | None = None) -> None:
    """Add the parameters of a clearing to the data of an edition; `values` replaces some, None takes one away."""
    from tongpin.payment.policy.vocabulary import KNOWN

    wanted = {key: value for key, (_, value) in CLEARING.items()} | (values or {})
    for key, value in wanted.items():
        if value is None:
            data["parameters"].pop(key, None)
            continue
        data["parameters"][key] = {
            "label": KNOWN[key].label,
            "unit": KNOWN[key].unit,
            "by": [],
            "values": {START: value},
            "assumed": True,
        }


def clearing_policy(folder, **values: Any):
    """The base edition with the clearing's parameters; keys are written with `__` for the dot."""
    chosen = {key.replace("__", "."): value for key, value in values.items()}
    return make_policy(folder, change=lambda data: clearing_edition(data, chosen))


def line(
    case_id: str,
    payable: float,
    *,
    month: str = "2025-06",
    hospital: str = "H3",
    fund: str = "310",
    level: str = "三级",
    standard: float | None = None,
    fee: float | None = None,
    item: float | None = None,
    patient: float = 0.0,
    outlier: str = "NORMAL",
    kind: str = "regular",
    **more: Any,
) -> dict[str, Any]:
    """A posted line: by default a normal case paid at its standard, nothing paid by the patient."""
    standard = payable + patient if standard is None else standard
    fee = standard if fee is None else fee
    sign = -1 if kind == "reversal" else 1
    settled = date(int(month[:4]), int(month[5:]), 15)
    row = {
        "case_id": case_id,
        "institution_code": hospital,
        "institution_name": f"医院{hospital}",
        "fund": fund,
        "hospital_level": level,
        "hospital_pay_mode": "drg",
        "pay_scope": "DRG",
        "pay_mode": "by_item" if outlier == "HIGH" else "standard",
        "outlier_class": outlier,
        "basic_group": False,
        "weight_e4": round(standard),
        "coefficient_e4": 10_000,
        "rate_fen": 1_000_000,
        "standard_fen": sign * fen(standard),
        "total_fee_fen": sign * fen(fee),
        "gross_fen": sign * fen(payable + patient),
        "patient_fen": sign * fen(patient),
        "other_funds_fen": 0,
        "item_pool_fen": sign * fen((fee - patient) if item is None else item),
        "pool_payable_fen": sign * fen(payable),
        "floored_fen": 0,
        "settlement_date": settled,
        "discharge_time": datetime(settled.year, settled.month, settled.day),  # noqa: DTZ001
        "line_kind": kind,
        "period": month,
        "original_period": month,
        "line_sign": sign,
    }
    return row | more


def lines_of(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=LINE_SCHEMA)


def statements_of(lines: pa.Table, deposit: float = 0.0, **claims: float) -> pa.Table:
    """A statement for every hospital, fund and month: `deposit` is a ratio, the claims (yuan) fall on the first row."""
    sums: dict[tuple[str, str, str], int] = {}
    for row in lines.to_pylist():
        key = (row["institution_code"], row["fund"], row["period"])
        sums[key] = sums.get(key, 0) + row["pool_payable_fen"]
    rows = []
    for (code, fund, month), payable in sorted(sums.items()):
        row: dict[str, Any] = {one.name: 0 if pa.types.is_integer(one.type) else None for one in STATEMENT_SCHEMA}
        taken = {f"{name}_fen": fen(amount) for name, amount in claims.items()} if not rows else {}
        held = round((payable - taken.get("audit_deduction_fen", 0)) * deposit)
        row |= {"institution_code": code, "fund": fund, "month": month, "month_pool_payable_fen": payable}
        row |= {**taken, "deposit_fen": held, "cash_transfer_fen": payable - held - sum(taken.values())}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=STATEMENT_SCHEMA)


def ruling(kind: str, **more: Any) -> dict[str, Any]:
    return {"institution_code": "H3", "kind": kind, "decided_date": date(2026, 1, 20), **more}


def rulings_of(*rows: dict[str, Any], year: int = 2025, agreements: pa.Table | None = None):
    return read_rulings(pa.Table.from_pylist(list(rows), schema=RULING_SCHEMA), year, agreements)


def cleared(policy, rows: list[dict[str, Any]], *decided: dict[str, Any], deposit: float = 0.0, steps=STEPS, **claims):
    """A year cleared from lines in few words."""
    lines = lines_of(*rows)
    return clear_year(2025, lines, statements_of(lines, deposit, **claims), rulings_of(*decided), policy, steps=steps)


def place_of(clearing, hospital: str = "H3", fund: str = "310") -> dict[str, Any]:
    (row,) = [row for row in clearing.places.to_pylist() if (row["institution_code"], row["fund"]) == (hospital, fund)]
    return row
