"""Stability 权重稳定性: the weight of each group in two editions, changes above a limit flagged."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE, round_half_up

if TYPE_CHECKING:
    from collections.abc import Mapping

CHANGE_SCHEMA = pa.schema(
    [
        ("drg", pa.string()),
        ("old_e4", pa.int64()),
        ("new_e4", pa.int64()),
        ("change", pa.float64()),
        ("flag", pa.string()),
    ]
)
"""`change` = new / old − 1; `flag`: 上升超过, 下降超过, 新增, 取消, or null."""


def weight_changes(old: Mapping[str, int], new: Mapping[str, int], limit: Decimal | None) -> pa.Table:
    """Every group of either table (ten-thousandths) with its change, the largest first; `limit` is 0.2 for 20 %.

    A change of just the limit is not flagged; without a limit only new and dropped groups are. Pure.
    """
    rows: list[dict[str, Any]] = []
    for drg in sorted(set(old) | set(new)):
        before, after = old.get(drg), new.get(drg)
        change, flag = None, None
        if before is None or after is None:
            flag = "新增" if before is None else "取消"
        else:
            exact = Decimal(after - before) / before
            change = float(exact)
            flag = ("上升超过" if exact > 0 else "下降超过") if limit is not None and abs(exact) > limit else None
        rows.append({"drg": drg, "old_e4": before, "new_e4": after, "change": change, "flag": flag})
    rows.sort(key=lambda row: (row["change"] is not None, -abs(row["change"] or 0), row["drg"]))
    return pa.Table.from_pylist(rows, schema=CHANGE_SCHEMA)


YEAR_SCHEMA = pa.schema(
    [
        ("drg", pa.string()),
        ("year", pa.int64()),
        ("case_count", pa.int64()),
        ("weight_e4", pa.int64()),
        ("change", pa.float64()),
        ("flag", pa.string()),
    ]
)
"""A group in a year: its mean fee over the mean of all cases of that year, and the change since the year before in
which it occurs; `flag`: 上升超过, 下降超过, or null."""


def yearly_weights(kept: pa.Table, years: pa.Array, few_cases: int, limit: Decimal) -> pa.Table:
    """The weight of every group in every year (A1) as `YEAR_SCHEMA`, by group and year.

    `kept`: cases with `drg, total_fee_fen`; `years` the year of each. A change is flagged above `limit`, and only
    between two years of at least `few_cases`: fewer say nothing. Pure.
    """
    table = pa.table({"drg": pc.cast(kept["drg"], pa.string()), "year": years, "fee": kept["total_fee_fen"]})
    sums = table.group_by(["drg", "year"]).aggregate([([], "count_all"), ("fee", "sum")])
    whole = {
        row["year"]: Fraction(row["fee_sum"], row["count_all"])
        for row in table.group_by("year").aggregate([([], "count_all"), ("fee", "sum")]).to_pylist()
    }
    rows: list[dict[str, Any]] = []
    for row in sums.sort_by([("drg", "ascending"), ("year", "ascending")]).to_pylist():
        weight = Fraction(row["fee_sum"], row["count_all"]) / whole[row["year"]]
        made = {"drg": row["drg"], "year": row["year"], "case_count": row["count_all"]}
        made["weight_e4"] = round_half_up(weight.numerator * SCALE, weight.denominator)
        before = rows[-1] if rows and rows[-1]["drg"] == row["drg"] else None
        if before is not None and before["weight_e4"]:
            exact = Decimal(made["weight_e4"] - before["weight_e4"]) / before["weight_e4"]
            enough = min(made["case_count"], before["case_count"]) >= few_cases
            made["change"] = float(exact)
            made["flag"] = ("上升超过" if exact > 0 else "下降超过") if enough and abs(exact) > limit else None
        rows.append(made)
    return pa.Table.from_pylist(rows, schema=YEAR_SCHEMA)


def weight_text(weight_e4: int) -> str:
    """A weight as a table writes it: `0.8500`."""
    return f"{Decimal(weight_e4) / SCALE:.4f}"
