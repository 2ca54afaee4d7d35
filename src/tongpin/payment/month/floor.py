"""Floor of a month 按月补零: a fund's negative total for a hospital is lifted to zero, and may be recovered later."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.month.posting import REGULAR

if TYPE_CHECKING:
    from tongpin.payment.policy.policy import Policy

FLOOR_MONTH = "floor_month"


class Floors(NamedTuple):
    """What is added to each row to reach zero, and what is taken back of earlier months; fen, both not below zero."""

    floored_fen: pa.Array
    recovered_fen: pa.Array


def month_floors(month: str, grouped: pa.Table, posted: pa.Table, policy: Policy) -> Floors:
    """The floor of each hospital and fund under `pool.negative: floor_month` (S900-06).

    `grouped`: `institution_code, fund, pool_payable_fen` of the month's regular lists; `posted`: lines of earlier
    months. Late, red and blue lines are no part of the floor: a red line takes back what was paid. With
    `pool.negative_carry` the sums of earlier months that were lifted are taken from later positive ones, down to zero.
    """
    floored, recovered = [], []
    history = _history(month, posted) if _applies(month, grouped, policy) else {}
    for row in grouped.select(["institution_code", "fund", "pool_payable_fen"]).to_pylist():
        fund, payable = row["fund"], row["pool_payable_fen"]
        on = _first(month)
        if policy.value("pool.negative", on, fund=fund) != FLOOR_MONTH:
            floored.append(0)
            recovered.append(0)
            continue
        floored.append(max(-payable, 0))
        debt = 0
        if policy.value("pool.negative_carry", on, fund=fund):
            debt = _debt(history.get((row["institution_code"], fund), []), fund, policy)
        recovered.append(min(debt, max(payable, 0)))
    return Floors(pa.array(floored, pa.int64()), pa.array(recovered, pa.int64()))


def _applies(month: str, grouped: pa.Table, policy: Policy) -> bool:
    funds = pc.unique(grouped["fund"]).to_pylist()
    return any(policy.value("pool.negative", _first(month), fund=fund) == FLOOR_MONTH for fund in funds)


def _first(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _history(month: str, posted: pa.Table) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """The regular pool payable of earlier months by hospital and fund, oldest first."""
    earlier = pc.and_(pc.equal(posted["line_kind"], REGULAR), pc.less(posted["period"], month))
    sums = (
        posted.filter(earlier)
        .group_by(["institution_code", "fund", "period"])
        .aggregate([("pool_payable_fen", "sum")])
        .sort_by("period")
    )
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for row in sums.to_pylist():
        key = (row["institution_code"], row["fund"])
        found.setdefault(key, []).append((row["period"], row["pool_payable_fen_sum"]))
    return found


def _debt(history: list[tuple[str, int]], fund: str, policy: Policy) -> int:
    """What was lifted and not yet taken back before this month."""
    debt = 0
    for period, payable in history:
        on = _first(period)
        if policy.value("pool.negative", on, fund=fund) == FLOOR_MONTH and policy.value(
            "pool.negative_carry", on, fund=fund
        ):
            debt = debt - payable if payable < 0 else max(debt - payable, 0)
    return debt
