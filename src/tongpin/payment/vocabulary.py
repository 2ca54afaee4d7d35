"""The words a policy edition may use: which parameters exist, in what unit, by which dimensions.

The numbers stand in the edition; here stands only what the stages of this room know how to read, so that a misspelt
key is refused instead of ignored.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Unit = Literal["ratio", "weight", "fen", "day", "choice", "text", "codes"]

UNIT_LABELS: dict[Unit, str] = {
    "ratio": "最多四位小数的数",
    "weight": "最多四位小数的数",
    "fen": "整数分",
    "day": "1 至 31 的整数",
    "choice": "一个选项",
    "text": "文字",
    "codes": "编码列表",
}

Basis = Literal["discharge", "settlement", "accepted"]


class Known(NamedTuple):
    """A parameter the stages read: key, unit, dimensions it may vary by, options of a choice."""

    key: str
    unit: Unit
    by: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


_PLACE = ("fund", "hospital_level")

KNOWN: dict[str, Known] = {
    known.key: known
    for known in (
        Known("calendar.month_cutoff_day", "day"),
        Known("fund.of_insurance", "text", ("insurance",)),
        Known("fund.label", "text", ("fund",)),
        Known("scope.care_type", "choice", ("care_type",), ("DRG", "BY_ITEM", "OUT")),
        Known("scope.pay_mode", "choice", ("pay_mode",), ("DRG", "BY_ITEM")),
        Known("scope.interim_bills", "choice", (), ("merge", "each", "bed_day")),
        Known("scope.ungrouped_pay", "choice", ("ungrouped",), ("by_item",)),
        Known("fee.base", "choice", (), ("total",)),
        Known("rate.tier_budget", "fen", _PLACE),
        Known("rate.forecast_weight", "weight", _PLACE),
        Known("rate.forecast_basic_weight", "weight", _PLACE),
        Known("rate.basic_group", "fen", ("fund",)),
        Known("coefficient.product", "ratio", ("institution_code", "hospital_level", "fund", "drg")),
        Known("outlier.high.multiple", "ratio", _PLACE),
        Known("outlier.high.pay", "choice", _PLACE, ("by_item", "standard", "standard_plus_share")),
        Known("outlier.high.share", "ratio", _PLACE),
        Known("outlier.low.multiple", "ratio", _PLACE),
        Known("outlier.low.pay", "choice", _PLACE, ("by_item", "standard")),
        Known("outlier.exempt_groups", "codes"),
        Known("pool.negative", "choice", ("fund",), ("allow", "floor_case")),
        Known("deposit.ratio", "ratio", ("fund",)),
        Known("deposit.base", "choice", (), ("payable", "after_audit", "after_audit_and_penalty")),
        Known("transfer.negative", "choice", (), ("collect",)),
        Known("rounding.halves", "choice", (), ("away_from_zero",)),
        Known("rounding.rate", "fen"),
        Known("rounding.standard", "fen"),
        Known("rounding.excess", "fen"),
        Known("rounding.deposit", "fen"),
    )
}
