"""Trimming 剔除: cases that would bend a group's mean, cut by rule, counted and listed (A3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import numpy.typing as npt

    from tongpin.payment.weights.rules import TrimRules

    Numbers = npt.NDArray[np.float64]

REASONS: dict[str, str] = {
    "not_grouped": "未入组",
    "no_fee": "没有总费用",
    "fee_below": "总费用过低",
    "stay_above": "住院天数过长",
    "group_low": "组内过低",
    "group_high": "组内过高",
}
"""Why a case is cut, in the order in which it is asked: the first that holds stands."""

CUT_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("case_id", "institution_code", "drg", "reason")),
        ("los", pa.int64()),
        ("total_fee_fen", pa.int64()),
    ]
)


class Trimmed(NamedTuple):
    """The kept cases, and the cut ones as `CUT_SCHEMA`; together they are all cases."""

    kept: pa.Table
    cut: pa.Table

    def counts(self) -> dict[str, int]:
        """How many cases each rule cut, by reason; rules that cut none say 0."""
        found = pc.value_counts(self.cut["reason"]).to_pylist()
        return dict.fromkeys(REASONS, 0) | {row["values"]: row["counts"] for row in found}


def trim(grouped: pa.Table, rules: TrimRules) -> Trimmed:
    """Cases without those the rules leave out; the order of rows is kept (A3).

    Reads `case_id, institution_code, status, drg, los, total_fee_fen` (fen). Outliers are judged within their group
    among the cases that the plain rules keep; a group below `minimum_cases` keeps all of them. Pure.
    """
    fee = pc.fill_null(grouped["total_fee_fen"], -1).to_numpy().astype(np.int64)
    los = pc.fill_null(grouped["los"], 0).to_numpy().astype(np.int64)
    status = pc.cast(grouped["status"], pa.string())
    plain = [
        pc.invert(pc.equal(status, "grouped")).to_numpy(),
        fee < 0,
        fee < rules.fee_below_fen,
        los > rules.stay_days_above,
    ]
    reason = np.select(plain, list(REASONS)[:4], "")
    inside = np.flatnonzero(reason == "")
    if rules.method != "none" and len(inside):
        groups = pc.cast(grouped["drg"], pa.string()).take(pa.array(inside))
        low, high = _limits(groups, fee[inside].astype(np.float64), rules)
        value = _scaled(fee[inside].astype(np.float64), rules)
        reason[inside[value < low]] = "group_low"
        reason[inside[value > high]] = "group_high"
    is_cut = reason != ""
    rows = pa.array(np.flatnonzero(is_cut))
    cut = {
        "case_id": grouped["case_id"].take(rows),
        "institution_code": grouped["institution_code"].take(rows),
        "drg": grouped["drg"].take(rows),
        "reason": pa.array(reason[is_cut], pa.string()),
        "los": grouped["los"].take(rows),
        "total_fee_fen": grouped["total_fee_fen"].take(rows),
    }
    listed = pa.table([cut[field.name].cast(field.type) for field in CUT_SCHEMA], schema=CUT_SCHEMA)
    return Trimmed(grouped.filter(pa.array(~is_cut)), listed)


def _scaled(fee: Numbers, rules: TrimRules) -> Numbers:
    scaled: Numbers = np.log(np.maximum(fee, 1)) if rules.scale == "logarithm" else fee
    return scaled


def _limits(groups: Any, fee: Numbers, rules: TrimRules) -> tuple[Numbers, Numbers]:
    """The lower and upper limit of the group of each case, on the scale of the rules; infinite in small groups."""
    whole = groups.combine_chunks() if isinstance(groups, pa.ChunkedArray) else groups
    codes = whole.dictionary_encode().indices.to_numpy().astype(np.int64)
    value = _scaled(fee, rules)
    count = np.bincount(codes)
    multiple = float(rules.multiple)
    if rules.method == "deviation":
        mean = np.bincount(codes, value) / count
        spread = np.sqrt(np.bincount(codes, (value - mean[codes]) ** 2) / count)
        low, high = mean - multiple * spread, mean + multiple * spread
    else:
        ordered = value[np.lexsort((value, codes))]
        first = np.cumsum(count) - count
        lower, upper = (_quantile(ordered, first, count, part) for part in (0.25, 0.75))
        low, high = lower - multiple * (upper - lower), upper + multiple * (upper - lower)
    small = count < rules.minimum_cases
    return np.where(small, -np.inf, low)[codes], np.where(small, np.inf, high)[codes]


def _quantile(ordered: Numbers, first: Any, count: Any, part: float) -> Numbers:
    """The quantile of each run of sorted values, linear between the two nearest."""
    place = (count - 1) * part
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, count - 1)
    left, right = ordered[first + below], ordered[first + above]
    found: Numbers = left + (place - below) * (right - left)
    return found
