"""The pyramid 病组金字塔: classes of groups over some closed months, and how each group has gone month by month."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.measures.compute import roll_up
from tongpin.twin.catalogue import setting
from tongpin.twin.portfolio.catalogue import load_classes
from tongpin.twin.portfolio.classes import class_table, group_table, losing_runs, months_in_row

if TYPE_CHECKING:
    from collections.abc import Sequence

_TREND = ("case_count", "weight_e4", "result_fen")


@dataclass(frozen=True)
class Pyramid:
    """Groups of 医保DRG lists over closed months (`YYYY-MM`, oldest first).

    `classes`: `class_table` with `case_share`, `weight_share` (0–1); `groups`: `group_table`, classes as of the last
    month; `trends`: `drg, month, case_count, weight_e4, result_fen`, one row a group and month; `class_trends` the same
    by `class`; `known_months`: how many months in a row up to the last could be looked at for 连续亏损.
    """

    months: tuple[str, ...]
    known_months: int
    classes: pa.Table
    groups: pa.Table
    trends: pa.Table
    class_trends: pa.Table


def build_pyramid(facts: pa.Table, months: Sequence[str]) -> Pyramid:
    """The pyramid of `months` from facts of 医保DRG lists by `drg` and `month`.

    `facts` may hold months before the first of `months`: they count for 连续亏损 only. Source: S000-12..15.
    """
    chosen = facts.filter(pc.is_in(facts["month"], value_set=pa.array(list(months), pa.string())))
    until = facts.filter(pc.less_equal(facts["month"], max(months)))
    groups = group_table(chosen, losing_runs(until))
    trends = roll_up(chosen.select(["drg", "month", *_TREND]), ["drg", "month"])
    classes = dict(zip(groups["drg"].to_pylist(), groups["class"].to_pylist(), strict=True))
    by_class = trends.append_column("class", pa.array([classes[drg] for drg in trends["drg"].to_pylist()], pa.string()))
    return Pyramid(
        months=tuple(sorted(months)),
        known_months=len(months_in_row([*until["month"].to_pylist(), max(months)])),
        classes=_with_shares(class_table(groups)),
        groups=groups,
        trends=trends,
        class_trends=_in_class_order(roll_up(by_class.select(["class", "month", *_TREND]), ["class", "month"])),
    )


def _with_shares(classes: pa.Table) -> pa.Table:
    for name, column in (("case_share", "case_count"), ("weight_share", "weight_e4")):
        whole = pc.sum(classes[column]).as_py() or 0
        shares = [value / whole if whole else None for value in classes[column].to_pylist()]
        classes = classes.append_column(name, pa.array(shares, pa.float64()))
    return classes


def _in_class_order(trends: pa.Table) -> pa.Table:
    order = {one.id: place for place, one in enumerate(load_classes())}
    place = pa.array([order[name] for name in trends["class"].to_pylist()], pa.int64())
    return (
        trends.append_column("order", place).sort_by([("order", "ascending"), ("month", "ascending")]).drop(["order"])
    )


def trend_rows(pyramid: Pyramid) -> list[dict[str, Any]]:
    """One row a group for paper: its months side by side (`n:2025-06` cases, `r:2025-06` result in fen).

    `change_fen` is the result of the last month less that of the month before; it is left out where either month has
    fewer cases than `group_fee.minimum_cases`, for those are chance.
    """
    least = setting("group_fee.minimum_cases")
    by_group: dict[str, dict[str, dict[str, int]]] = {}
    for one in pyramid.trends.to_pylist():
        by_group.setdefault(one["drg"], {})[one["month"]] = one
    rows: list[dict[str, Any]] = []
    for group in pyramid.groups.to_pylist():
        months = by_group[group["drg"]]
        row: dict[str, Any] = dict(group)
        for month in pyramid.months:
            row[f"n:{month}"] = months.get(month, {}).get("case_count", 0)
            row[f"r:{month}"] = months.get(month, {}).get("result_fen")
        last_two = [months.get(month) for month in pyramid.months[-2:]]
        enough = [one for one in last_two if one is not None and one["case_count"] >= least]
        row["change_fen"] = enough[1]["result_fen"] - enough[0]["result_fen"] if len(enough) == 2 else None  # noqa: PLR2004
        rows.append(row)
    return rows
