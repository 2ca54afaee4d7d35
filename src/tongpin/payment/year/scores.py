"""Points of posted lines 入账的点数与分值: what they were made of, and what they are with another factor (TV-B4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up_column
from tongpin.payment.dip.price import REVIEW_MARK
from tongpin.payment.dip.values import FEN_FACTOR
from tongpin.payment.year.state import repaid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.payment.year.state import BoolColumn, IntColumn, State

FACTORS = ("score", "deviation", "auxiliary", "institution", "point_value")
"""What the posted parts of a line paid by scores hold, in the order in which they stand there."""
_PARTS = " ".join(rf"{name}=(?P<{name}>\d+)" for name in FACTORS)


def factors_of(lines: pa.Table) -> dict[str, Any]:
    """The factors of lines paid by scores (ten-thousandths; 0 elsewhere), and which wait for the experts."""
    parts = lines["coefficient_parts"].combine_chunks()
    found = pc.extract_regex(parts, _PARTS)
    columns = {
        name: pc.fill_null(pc.cast(pc.struct_field(found, place), pa.int64()), 0).to_numpy()
        for place, name in enumerate(FACTORS)
    }
    waiting = pc.fill_null(pc.match_substring(parts, REVIEW_MARK), False).to_numpy(zero_copy_only=False)
    return {**{f"{name}_e4": values for name, values in columns.items()}, "in_review": waiting}


def points_again(state: State, rows: IntColumn, **factors_e4: IntColumn) -> IntColumn:
    """The points of lines paid by scores with some factors replaced, each product rounded to four decimals.

    The order of the factors is that of the edition for the fund (`dip.order`).
    """
    lines = state.lines
    funds = state.places["fund"][lines["place"][rows]]
    points: IntColumn = lines["score_e4"][rows].copy()
    for fund in np.unique(funds.astype(str)).tolist():
        here = np.flatnonzero(funds == fund)
        part = points[here]
        for name in state.value("dip.order", fund=fund):
            factor = factors_e4[name] if name in factors_e4 else lines[f"{name}_e4"][rows]
            part = round_half_up_column(part * factor[here], SCALE)
        points[here] = part
    return points


def standard_points(state: State, rows: IntColumn) -> IntColumn:
    """The points of lines without what their outlier class added or took: a deviation of 1, base x coefficients."""
    if state.by_scores:
        return points_again(state, rows, deviation=np.full(len(rows), SCALE, np.int64))
    lines = state.lines
    products = lines["weight_e4"][rows] * state.value("points.scale") * lines["coefficient_e4"][rows]
    unit = 10 ** max(4 - state.value("points.decimals"), 0)
    found: IntColumn = round_half_up_column(products, SCALE * unit) * unit
    return found


def decide_deviations(state: State, decided: list[Mapping[str, Any]]) -> State:
    """Cases beyond the review limit with the deviation coefficient that the experts decided (choices of family 26).

    They are paid at the posted point value here and take part in the final one. PolicyError `clear.decision` when the
    coefficient is not written or the edition does not pay by scores.
    """
    waiting = state.lines["in_review"] & state.lines["standing"]
    if not decided:
        return state.told(notes=_unreviewed(waiting))
    rows = np.array([row["row"] for row in decided], np.int64)
    by_item = ~state.lines["by_points"][rows]
    if not state.by_scores or by_item.any():
        row = decided[int(np.argmax(by_item))]
        raise PolicyError(
            "clear.decision",
            f"清单 {row['setl_id']} 不按分值付费，没有偏差系数可定",
            where="decision special_case",
            hint="改写结论（同意、不同意、按决定金额付费），或核对清单号",
        )
    coefficient = np.array([_coefficient(row) for row in decided], np.int64)
    points = points_again(state, rows, deviation=coefficient)
    gross = round_half_up_column(points * state.lines["point_value_e4"][rows], FEN_FACTOR)
    before = state.lines["payable_fen"]
    after = repaid(state, rows, gross, "decided_fen", "专家评议的偏差系数", by_points=True)
    everywhere, deviation = after.lines["points_e4"].copy(), after.lines["deviation_e4"].copy()
    everywhere[rows], deviation[rows] = points, coefficient
    after = after.with_lines(points_e4=everywhere, deviation_e4=deviation)
    counts = state.per_place(np.ones(len(before), np.int64), rows)
    changes = state.per_place(after.lines["payable_fen"] - before)
    waiting[rows] = False
    told = after.steps(8, "专家评议的偏差病例", counts, changes, "{count} 例按评议的偏差系数", "dip.deviation.review")
    return after.told(*told, notes=_unreviewed(waiting))


def _coefficient(row: Mapping[str, Any]) -> int:
    if row["value_e4"] is None or row["value_e4"] < 0:
        raise PolicyError(
            "clear.decision",
            f"清单 {row['setl_id']} 的评议没有写偏差系数",
            where="decision special_case",
            hint="在 value 写明专家评定的偏差系数，例如 4.2",
        )
    found: int = row["value_e4"]
    return found


def _unreviewed(waiting: BoolColumn) -> tuple[str, ...]:
    count = int(waiting.sum())
    return (f"{count} 例超过评议界限、没有专家决定，照月结的偏差系数",) if count else ()
