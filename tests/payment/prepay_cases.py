"""An edition with the parameters of prepayment."""

from __future__ import annotations

from typing import Any

from clearing_cases import clearing_edition
from payment_cases import make_policy

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
    "prepay.low_warning": 0.15,
    "prepay.use_warning": 0.8,
    "prepay.growth_warning": 0.1,
    "prepay.mean_months": 1,
    "prepay.reserve_months": 12,
    "prepay.reserve_edge": "inclusive",
    "prepay.recovery": "monthly",
    "prepay.recovery_months": 3,
}


def s001_policy(folder, **values: Any):
    chosen = PREPAY | {key.replace("__", "."): value for key, value in values.items()}
    return make_policy(folder, change=lambda data: clearing_edition(data, chosen))
