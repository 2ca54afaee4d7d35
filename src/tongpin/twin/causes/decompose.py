"""Decompose 分解: the difference of a settlement result from its base, taken apart group by group, exact to the fen.

The order of substitution is fixed (docs/adr/0008): one factor after another goes from its base value to its own, and a
part is the difference of two neighbouring amounts, each rounded to the fen; so the parts telescope to the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE, check_balance
from tongpin.measures.engine import sum_facts
from tongpin.twin.causes.catalogue import setting
from tongpin.twin.causes.parts import (
    CODING,
    COEFFICIENT,
    FEE_PARTS,
    MIX,
    OTHER_PAY,
    OUTLIER,
    PART_IDS,
    RATE,
    STAY,
    UNCOMPARED,
    VOLUME,
    WEIGHT,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_ALL = ("case_count", "result_fen")
_NORMAL = (
    "case_count",
    "result_fen",
    "total_fee_fen",
    "standard_fen",
    "weight_e4",
    "weighted_rate_fen_e4",
    "stay_days",
    "stay_known_count",
    "drug_fee_fen",
    "consumable_fee_fen",
    "exam_fee_fen",
)
_READ = (
    *("result_fen", "total_fee_fen", "standard_fen", "weight_e4", "rate_fen", "los"),
    *("drug_fee_fen", "consumable_fee_fen", "exam_fee_fen"),
)
_ONE = "one"
EXTREMES = ("HIGH", "LOW")


class Counted(NamedTuple):
    """Sums of cases by slice and group: of all cases, and of those that are no cost outliers."""

    every: pa.Table
    normal: pa.Table


def count_cases(cases: pa.Table, by: Sequence[str]) -> Counted:
    """The sums that the decomposition rests on, by `by` and `drg`, of lists paid by their group (`paid_by_group`)."""
    extreme = pc.fill_null(pc.is_in(cases["outlier_class"], value_set=pa.array(EXTREMES)), False)
    keys = [*by, "drg"]
    cases = cases.select(list(dict.fromkeys([*keys, "outlier_class", *_READ])))
    return Counted(
        sum_facts(cases, keys).select([*keys, *_ALL]),
        sum_facts(cases.filter(pc.invert(extreme)), keys).select([*keys, *_NORMAL]),
    )


def take_apart(
    now: Counted,
    base: Counted,
    by: Sequence[str] = (),
    *,
    base_by: Sequence[str] | None = None,
    as_means: bool = False,
) -> pa.Table:
    """The result of each slice and group against its base: counts, `base_fen`, `result_fen`, one column for each part.

    `now`, `base`: `count_cases` by `by` and by `base_by` (some of `by`; by default the same). `as_means`: the base
    counts for its means and its mix only and is scaled to the cases of the slice, so that volume plays no part. All
    amounts in fen; `base_fen` + parts = `result_fen` in every row (BalanceError `causes.parts` otherwise). 编码 is 0
    here: see `with_coding`. Source: S002-22, S002-27.
    """
    base_by = list(by) if base_by is None else list(base_by)
    keys = [*by, "drg"]
    rows = _aligned(now, base, by, base_by)
    n = _columns(rows, [name for name in rows.column_names if name not in keys])
    total, base_total = _slice_totals(rows, by)
    steps = _Steps(n, total, base_total, as_means=as_means)
    figures = {
        "case_count": n["now_case_count"],
        "base_count": n["base_case_count"],
        "base_fen": steps.base_fen,
        "result_fen": steps.now_fen,
    }
    return _table(rows, keys, figures | steps.parts)


def with_coding(found: pa.Table, paid: Counted, by: Sequence[str] = ()) -> pa.Table:
    """The same for lists that were paid by other groups than a review found right: 编码 takes up the difference.

    `found`: `take_apart` of the lists under their right groups; `paid`: `count_cases` of the same lists as they were
    paid. `result_fen` becomes what was paid, row by row, and the parts still sum to it. Source: S002-27, TV-D1.
    """
    keys = [*by, "drg"]
    settled = paid.every.select([*keys, "result_fen"]).rename_columns([*keys, "paid_fen"])
    rows = _joined(found, settled, keys)
    n = _columns(rows, [name for name in rows.column_names if name not in keys])
    paid_fen = n.pop("paid_fen")
    n[CODING] = paid_fen - n["result_fen"]
    n["result_fen"] = paid_fen
    return _table(rows, keys, n)


def _table(rows: pa.Table, keys: Sequence[str], columns: dict[str, Any]) -> pa.Table:
    """The columns beside their keys, in the order of the keys, once they balance."""
    summed = columns["base_fen"] + sum(columns[name] for name in PART_IDS)
    for row in np.flatnonzero(summed != columns["result_fen"])[:1]:
        check_balance("causes.parts", "分项之和与结果", int(summed[row]), int(columns["result_fen"][row]))
    made = {name: rows[name] for name in keys}
    made |= {name: pa.array([int(value) for value in column], pa.int64()) for name, column in columns.items()}
    return pa.table(made).sort_by([(name, "ascending") for name in keys])


class _Steps:
    """The amounts before and after each substitution, whole columns of exact integers."""

    def __init__(self, n: dict[str, Any], total: Any, base_total: Any, *, as_means: bool) -> None:
        self.now_fen = n["now_result_fen"]
        own = {name.removeprefix("now_normal_"): column for name, column in n.items() if name.startswith("now_normal_")}
        old = {
            name.removeprefix("base_normal_"): column for name, column in n.items() if name.startswith("base_normal_")
        }
        for side in (own, old):
            side["other_fen"] = side["result_fen"] + side["total_fee_fen"] - side["standard_fen"]
            known = side["drug_fee_fen"] + side["consumable_fee_fen"] + side["exam_fee_fen"]
            side["service_fee_fen"] = side["total_fee_fen"] - known
        comparable = (old["case_count"] > 0) | ((own["case_count"] == 0) & (n["base_case_count"] > 0))
        scaled = _ratio(n["base_result_fen"] * total, base_total)
        self.base_fen = scaled if as_means else n["base_result_fen"]
        mixed = _ratio(n["base_result_fen"] * n["now_case_count"], n["base_case_count"])
        parts = {
            VOLUME: scaled - self.base_fen,
            MIX: np.where(comparable, mixed - scaled, 0),
            UNCOMPARED: np.where(comparable, 0, self.now_fen - scaled),
        }
        within = self._normals(own, old)
        expected = within.pop("expected")
        outliers = self.now_fen - own["result_fen"] + expected - mixed
        for name, amount in (within | {OUTLIER: outliers}).items():
            parts[name] = np.where(comparable, amount, 0)
        parts[CODING] = self.now_fen * 0
        self.parts = {name: parts[name] for name in PART_IDS}

    @staticmethod
    def _normals(own: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
        """The parts of the cases that are no outliers, and what they would give at the base (`expected`)."""
        count, base_count = own["case_count"], old["case_count"]
        standard = _ratio(old["standard_fen"] * count, base_count)
        # Where weights or rates are unknown (points, another method) their step falls to the one after it.
        weighed = (own["weight_e4"] > 0) & (old["weight_e4"] > 0)
        after_weight = np.where(weighed, _ratio(old["standard_fen"] * own["weight_e4"], old["weight_e4"]), standard)
        rated_own, rated_old = own["weighted_rate_fen_e4"], old["weighted_rate_fen_e4"]
        rated = (rated_own > 0) & (rated_old > 0)
        after_rate = np.where(rated, _ratio(old["standard_fen"] * rated_own, rated_old), own["standard_fen"])
        other = _ratio(old["other_fen"] * count, base_count)
        days_known = (old["stay_days"] > 0) & (own["stay_days"] > 0)
        days_known &= (own["stay_known_count"] == count) & (old["stay_known_count"] == base_count)
        parts = {
            WEIGHT: after_weight - standard,
            RATE: after_rate - after_weight,
            COEFFICIENT: own["standard_fen"] - after_rate,
            OTHER_PAY: own["other_fen"] - other,
            STAY: count * 0,
        }
        expected = standard + other
        for part in FEE_PARTS:
            fee, base_fee = own[f"{part}_fee_fen"], old[f"{part}_fee_fen"]
            at_base = _ratio(base_fee * count, base_count)
            moving = setting(f"stay.moves_{part}")
            by_days = (SCALE - moving) * count * old["stay_days"] + moving * own["stay_days"] * base_count
            after_days = np.where(
                days_known, _ratio(base_fee * by_days, SCALE * base_count * old["stay_days"]), at_base
            )
            parts[STAY] = parts[STAY] - (after_days - at_base)
            parts[part] = after_days - fee
            expected = expected - at_base
        return parts | {"expected": expected}


def _ratio(numerator: Any, denominator: Any) -> Any:
    """The quotient of exact integers rounded half up (away from zero); 0 where the denominator is 0."""
    safe = np.where(denominator == 0, 1, denominator)
    size = (2 * np.abs(numerator) + safe) // (2 * safe)
    return np.where(denominator == 0, 0, np.where(numerator < 0, -size, size))


def _columns(rows: pa.Table, names: Sequence[str]) -> dict[str, Any]:
    """Columns as exact Python integers, which no product overflows; nulls as 0."""
    return {name: np.array(pc.fill_null(rows[name], 0).to_pylist(), dtype=object) for name in names}


def _aligned(now: Counted, base: Counted, by: Sequence[str], base_by: Sequence[str]) -> pa.Table:
    """Every slice beside every group that it or its base has, the four sums in columns of their own."""
    keys = [*by, "drg"]
    sides = {"now": now, "base": base}
    named = {}
    for side, (every, normal) in sides.items():
        own = keys if side == "now" else [*base_by, "drg"]
        first = every.rename_columns([*own, *(f"{side}_{name}" for name in _ALL)])
        second = normal.rename_columns([*own, *(f"{side}_normal_{name}" for name in _NORMAL)])
        named[side] = _joined(first, second, own)
    if list(base_by) != list(by):
        named["base"] = _spread(named["base"], now.every, by, base_by)
    return _joined(named["now"], named["base"], keys)


def _spread(base: pa.Table, now: pa.Table, by: Sequence[str], base_by: Sequence[str]) -> pa.Table:
    """The base once for every slice that it serves."""
    slices = now.select(list(by)).group_by(list(by)).aggregate([])
    slices = slices.append_column(_ONE, pa.array(np.ones(slices.num_rows, dtype=np.int8)))
    base = base.append_column(_ONE, pa.array(np.ones(base.num_rows, dtype=np.int8)))
    joined = slices.join(base, keys=[*base_by, _ONE], join_type="inner")
    return joined.drop_columns([_ONE])


def _joined(left: pa.Table, right: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Both sides by their keys, 0 where a side has no such row."""
    joined = left.join(right, keys=list(keys), join_type="full outer")
    for place, name in enumerate(joined.column_names):
        if name not in keys:
            joined = joined.set_column(place, name, pc.fill_null(joined[name], 0))
    return joined


def _slice_totals(rows: pa.Table, by: Sequence[str]) -> tuple[Any, Any]:
    """Cases of the slice of each row, here and in the base."""
    names = ("now_case_count", "base_case_count")
    places: dict[tuple[Any, ...], int] = {}
    slices = zip(*(rows[name].to_pylist() for name in by), strict=True) if by else [()] * rows.num_rows
    place = np.array([places.setdefault(one, len(places)) for one in slices], dtype=np.int64)
    sums = []
    for name in names:
        column = np.asarray(rows[name].to_numpy(), dtype=np.int64)
        total = np.zeros(max(len(places), 1), dtype=np.int64)
        np.add.at(total, place, column)
        sums.append(np.array(total[place].tolist(), dtype=object))
    return sums[0], sums[1]
