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
    "uplift.base": ("choice", "none"),
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


POINTS: dict[str, Any] = {
    "pay__method": "points",
    "points__scale": 100,
    "points__decimals": 4,
    "points__budget_base": "total",
    "points__adjustment_fund": 0.05,
    "points__value_split": "exact",
    "rounding__point_value": 1,
    "clearing__rate": "recompute",
    "clearing__budget_covers": "points",
}
"""A points edition whose value is recomputed; `points.final_budget` is for the test to say."""


def pointed(
    case_id: str, points: float, *, base: float | None = None, patient: float = 0.0, **more: Any
) -> dict[str, Any]:
    """A line paid by points at a monthly 10 yuan a point; `base`: the points of its standard, 100 a weight of 1."""
    standard = points if base is None else base
    row = line(case_id, points * 10 - patient, patient=patient, standard=standard * 10, pay_mode="points", **more)
    return row | {"points_e4": round(points * 10_000), "weight_e4": round(standard * 100)}


SCORES: dict[str, Any] = {
    "dip__point_value": 10,
    "dip__order": ["deviation", "auxiliary", "institution"],
    "dip__institution__coefficient": 1,
    "dip__institution__at_clearing": "posted",
    "dip__value__decimals": 4,
    "dip__value__split": "exact",
    "dip__deviation__review": 5,
    "dip__applies__deposit": True,
    "dip__applies__bands": False,
    "dip__applies__tier_budget": False,
    "dip__applies__outlier_cap": False,
    "dip__final_budget_base": "total",
    "dip__final_ratio_from": "actual",
    "clearing__rate": "recompute",
    "clearing__budget_covers": "points",
}
"""A DIP edition whose settlement value is recomputed; `dip.final_budget` is for the test to say."""


def scored(
    case_id: str, score: float, *, deviation: float = 1, institution: float = 1, review: bool = False, **more: Any
) -> dict[str, Any]:
    """A line paid by scores at a monthly 10 yuan a point."""
    points = round(round(score * deviation, 4) * institution, 4)
    patient = more.pop("patient", 0.0)
    parts = {"score": score, "deviation": deviation, "auxiliary": 1, "institution": institution, "point_value": 10}
    told = " ".join(f"{name}={round(value * 10_000)}" for name, value in parts.items()) + " review=1" * review
    mode = "standard" if deviation == 1 else "points"
    standard = score * institution * 10
    row = line(case_id, points * 10 - patient, patient=patient, standard=standard, pay_mode=mode, **more)
    return row | {"points_e4": round(points * 10_000), "coefficient_parts": told}


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
