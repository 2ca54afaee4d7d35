"""Grouped cases and rules for the tests of weights; fees in yuan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tongpin.payment.weights.rules import TrimRules, WeightRules

RULES = WeightRules(
    trim=TrimRules(60, 500, "none", Decimal("1.5"), "amount", 4),
    method="mean_fee",
    class_shares={},
    few_cases=0,
    order="none",
    severity_marks={"none": "5", "cc": "3", "mcc": "1"},
    total="mean_one",
    rounding="each",
    change_limit=Decimal("0.2"),
)
"""Plain weights: nothing cut by group, nothing drawn, nothing put in order."""


def grouped_fees(fees: Mapping[str, Sequence[float]], **columns: Any) -> pa.Table:
    """A grouped case for each fee of each group; the ADRG is the first three characters."""
    rows = [(drg, fee) for drg, many in fees.items() for fee in many]
    table = {
        "case_id": [f"{drg}-{number}" for number, (drg, _) in enumerate(rows)],
        "institution_code": ["H3" for _ in rows],
        "institution_name": ["第三医院" for _ in rows],
        "status": ["grouped" for _ in rows],
        "drg": [drg for drg, _ in rows],
        "adrg": [drg[:3] for drg, _ in rows],
        "los": pa.array([5 for _ in rows], pa.int32()),
        "total_fee_fen": [round(fee * 100) for _, fee in rows],
    }
    return pa.table(table | columns)


def rules(**changes: Any) -> WeightRules:
    return replace(RULES, **changes)


def trimming(**changes: Any) -> TrimRules:
    return replace(RULES.trim, **changes)
