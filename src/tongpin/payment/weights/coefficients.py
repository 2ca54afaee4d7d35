"""Coefficients from history 历史系数: what a level, hospital or department cost against the mix of groups it treated.

The coefficient of a unit = its fees / what its cases would cost at the group means of all. Few cases are drawn to the
unit above; the whole is scaled so that coefficients do not change the total.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up

if TYPE_CHECKING:
    from collections.abc import Mapping

COEFFICIENT_SCHEMA = pa.schema(
    [
        ("unit", pa.string()),
        ("above", pa.string()),
        ("case_count", pa.int64()),
        ("fee_fen", pa.int64()),
        ("expected_fen", pa.int64()),
        ("own_e4", pa.int64()),
        ("like_e4", pa.int64()),
        ("credibility", pa.float64()),
        ("grade", pa.string()),
        ("coefficient_e4", pa.int64()),
    ]
)
"""A unit and its coefficient: `own` from its cases, `like` that of the unit above (1 without one), `grade` 例数充足 or
例数不足 (drawn to `like` by credibility n / few cases)."""

ENOUGH, FEW = "例数充足", "例数不足"


def history_coefficients(
    cases: pa.Table, unit: str, *, few_cases: int, above: tuple[str, Mapping[str, int]] | None = None
) -> pa.Table:
    """The coefficient of every value of column `unit` as `COEFFICIENT_SCHEMA`, sorted by unit.

    Reads `drg, total_fee_fen` and the unit's column of kept cases; `above` = column and coefficients (ten-thousandths)
    of the units above. The expected-fee-weighted mean is 1 up to rounding. PolicyError `weights.unit` for a unit that
    lies in two units above, or above which no coefficient stands.
    """
    drg = pc.cast(cases["drg"], pa.string()).combine_chunks().dictionary_encode()
    group = drg.indices.to_numpy().astype(np.int64)
    fee = cases["total_fee_fen"].to_numpy().astype(np.int64)
    count = np.bincount(group)
    sums = np.zeros(len(count), np.int64)
    np.add.at(sums, group, fee)
    columns = {"unit": pc.cast(cases[unit], pa.string()), "group": pa.array(group), "fee_fen": pa.array(fee)}
    columns["above"] = pc.cast(cases[above[0]], pa.string()) if above else pa.nulls(cases.num_rows, pa.string())
    table = pa.table(columns).group_by(["unit", "above", "group"]).aggregate([([], "count_all"), ("fee_fen", "sum")])
    found: dict[str, _Unit] = {}
    for row in table.to_pylist():
        one = found.setdefault(row["unit"], _Unit(row["above"]))
        if one.above != row["above"]:
            raise PolicyError("weights.unit", f"{row['unit']} 属于两个上级单位", where=unit, hint="先按时段分开测算")
        one.case_count += row["count_all"]
        one.fee_fen += row["fee_fen_sum"]
        one.expected += Fraction(int(sums[row["group"]]) * row["count_all"], int(count[row["group"]]))
    for name, one in found.items():
        one.like = _like(name, one, above)
        one.own = Fraction(one.fee_fen) / one.expected if one.expected else one.like
        one.credibility = Fraction(min(one.case_count, few_cases), few_cases) if few_cases else Fraction(1)
        one.drawn = one.credibility * one.own + (1 - one.credibility) * one.like
    paid = sum((one.drawn * one.expected for one in found.values()), Fraction(0))
    expected = sum((one.expected for one in found.values()), Fraction(0))
    factor = expected / paid if paid else Fraction(1)
    rows = [
        {
            "unit": name,
            "above": one.above,
            "case_count": one.case_count,
            "fee_fen": one.fee_fen,
            "expected_fen": round_half_up(one.expected.numerator, one.expected.denominator),
            "own_e4": _e4(one.own),
            "like_e4": _e4(one.like),
            "credibility": float(one.credibility),
            "grade": ENOUGH if one.case_count >= few_cases else FEW,
            "coefficient_e4": _e4(one.drawn * factor),
        }
        for name, one in sorted(found.items())
    ]
    return pa.Table.from_pylist(rows, schema=COEFFICIENT_SCHEMA)


class _Unit:
    """Sums of a unit while it is counted."""

    def __init__(self, above: str | None) -> None:
        self.above = above
        self.case_count = 0
        self.fee_fen = 0
        self.expected = Fraction(0)
        self.own = self.like = self.credibility = self.drawn = Fraction(1)


def _like(name: str, one: _Unit, above: tuple[str, Mapping[str, int]] | None) -> Fraction:
    if above is None:
        return Fraction(1)
    if one.above is None or one.above not in above[1]:
        raise PolicyError(
            "weights.unit", f"{name} 的上级单位 {one.above} 没有系数", where=above[0], hint="先算上级单位"
        )
    return Fraction(above[1][one.above], SCALE)


def _e4(value: Fraction) -> int:
    return round_half_up(value.numerator * SCALE, value.denominator)
