"""Editions for the pricing tests: the base edition with more parameters, dimensions and tables beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from payment_cases import START, WEIGHTS, write_policy

from tongpin.payment.policy.policy import Policy
from tongpin.payment.policy.vocabulary import KNOWN

if TYPE_CHECKING:
    from pathlib import Path


def parameter(key: str, value: Any, *by: str) -> dict[str, Any]:
    """A parameter as an edition writes it, assumed."""
    known = KNOWN[key]
    return {"label": known.label, "unit": known.unit, "by": list(by), "values": {START: value}, "assumed": True}


def edition(
    folder: Path,
    values: dict[str, Any] | None = None,
    *,
    by: dict[str, tuple[str, ...]] | None = None,
    tables: dict[str, str] | None = None,
    weights: str = WEIGHTS,
) -> Policy:
    """The base edition with `values` (a None takes the parameter away), each by the dimensions of `by`."""

    def change(data: dict[str, Any]) -> None:
        for key, value in (values or {}).items():
            if value is None:
                data["parameters"].pop(key, None)
            else:
                data["parameters"][key] = parameter(key, value, *(by or {}).get(key, ()))

    write_policy(folder, change=change, weights=weights)
    for name, text in (tables or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    return Policy.load(folder)


POINTS: dict[str, Any] = {
    "pay.method": "points",
    "points.scale": 100,
    "points.decimals": 4,
    "points.cost_coefficient": "none",
    "points.mean_of": "city",
    "points.incomplete": "base",
    "points.incomplete_below": 0.4,
    "points.incomplete_ends": [],
    "points.high": "add",
    "points.high_limit": 3,
    "points.high_coefficient": 1,
    "points.review_groups": [],
    "points.review_until": "by_fee",
    "points.region_mean": 1_000_000,
    "points.readmission_days": 15,
    "points.readmission_among": "institution",
    "points.readmission_stay": "previous",
    "points.readmission_chain": "each",
    "points.readmission_factor": 0.5,
    "points.readmission_exempt": [],
    "points.budget_base": "total",
    "points.adjustment_fund": 0,
    "points.value": 10_000,
    "points.value_split": "exact",
    "rounding.point_value": 1,
}
"""A points edition: 100 points a weight of 1, a monthly value of 100.00 yuan a point."""


def means_table(*rows: tuple[str, str, str, int]) -> str:
    """`group_means.csv` of (group, of, code, mean in yuan)."""
    lines = [f"{drg},{of},{code},{yuan * 100},2025-01-01" for drg, of, code, yuan in rows]
    return "\n".join(["drg,of,code,mean_fee_fen,from", *lines, ""])
