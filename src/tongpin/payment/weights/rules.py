"""Rules of making weights 权重测算口径: the values of an edition on a day, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from tongpin.payment.policy.policy import Policy

SEVERITIES = ("none", "cc", "mcc")
"""Degrees of complication, lightest first: a heavier one never weighs less (S905-03)."""

SEVERITY_LABELS: dict[str, str] = {"none": "不伴", "cc": "并发症", "mcc": "严重并发症"}


@dataclass(frozen=True, slots=True)
class TrimRules:
    """What is left out before weights are made; a case that no rule names is kept.

    `method` none | iqr | deviation within each group of at least `minimum_cases`, `multiple` of the quartile distance
    or of the standard deviation, `scale` amount | logarithm. Amounts in fen.
    """

    stay_days_above: int
    fee_below_fen: int
    method: str
    multiple: Decimal
    scale: str
    minimum_cases: int


@dataclass(frozen=True, slots=True)
class WeightRules:
    """How weights are made of the kept cases, in this order: method, few cases, order of severity, total, rounding."""

    trim: TrimRules
    method: str
    class_shares: Mapping[str, Decimal]
    few_cases: int
    order: str
    severity_marks: Mapping[str, str]
    total: str
    rounding: str
    change_limit: Decimal

    @classmethod
    def of(cls, policy: Policy, on: date) -> WeightRules:
        """The rules in force on a day; `policy.gap` for a value that the edition leaves open (A1…A4, S905-03)."""

        def share(leaf: dict[str, str]) -> Decimal:
            found: Decimal = policy.value("weight.class_share", on, **leaf)
            return found

        method = policy.value("weight.method", on)
        shares = (
            {leaf["cost_class"]: share(leaf) for leaf in policy.leaves("weight.class_share", on)}
            if method == "five_class"
            else {}
        )
        marks = {name: policy.value("weight.severity_mark", on, severity=name) for name in SEVERITIES}
        return cls(
            trim=TrimRules(
                stay_days_above=policy.value("weight.trim.stay_days_above", on),
                fee_below_fen=policy.value("weight.trim.fee_below", on),
                method=policy.value("weight.trim.method", on),
                multiple=policy.value("weight.trim.multiple", on),
                scale=policy.value("weight.trim.scale", on),
                minimum_cases=policy.value("weight.trim.minimum_cases", on),
            ),
            method=method,
            class_shares=shares,
            few_cases=policy.value("weight.few_cases", on),
            order=policy.value("weight.order", on),
            severity_marks=marks,
            total=policy.value("weight.total", on),
            rounding=policy.value("weight.rounding", on),
            change_limit=policy.value("weight.change_limit", on),
        )

    def severity(self, drg: str, adrg: str) -> str | None:
        """The degree of complication that a group's code tells by the mark after its ADRG; None for other marks."""
        rest = drg.removeprefix(adrg)
        return next((name for name, mark in self.severity_marks.items() if rest.startswith(mark)), None)


def checked_shares(shares: Mapping[str, Decimal]) -> dict[str, Fraction]:
    """The class shares as exact numbers; PolicyError `weights.shares` unless they sum to 1."""
    exact = {name: Fraction(share) for name, share in shares.items()}
    if sum(exact.values()) != 1:
        raise PolicyError(
            "weights.shares",
            f"五类费用的占比合计为 {sum(shares.values())}，不是 1",
            where="weight.class_share",
            hint="改正各类占比，使合计为 1",
        )
    return exact
