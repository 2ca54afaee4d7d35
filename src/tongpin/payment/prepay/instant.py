"""Instant settlement 即时结算: a share of the pool's part of a day's or week's lists is paid before the month closes.

The month takes it back whole when it is closed (S907-02). A hospital, fund and window are paid once: a list that comes
later waits for the month.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE, round_half_up
from tongpin.payment.prepay.account import INSTANT, PAID, Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.payment.policy.policy import Policy

LIST_COLUMNS = (
    *("case_id", "institution_code", "insurance", "care_type", "settlement_date", "pool_pay_fen"),
    *("source",),
)
"""What an advance reads of a list."""

_SUNDAY = 6


class Window(NamedTuple):
    """Days of one month whose lists are paid ahead together, both included."""

    first: date
    last: date


def windows(cycle: str, until: date) -> list[Window]:
    """The whole windows of the month of `until` that end by that day: each day, or Monday to Sunday within the month.

    The last window of a month ends with it.
    """
    first = until.replace(day=1)
    end = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    found: list[Window] = []
    start, day = first, first
    while day <= until:
        if cycle == "day" or day.weekday() == _SUNDAY or day == end:
            found.append(Window(start, day))
            start = day + timedelta(days=1)
        day += timedelta(days=1)
    return found


def advances(lists: pa.Table, area: str, settling: Policy, rules: Policy, until: date, document: str) -> list[Entry]:
    """The advances of the windows of a month that end by `until`, as entries of the account.

    `lists`: standing settlement lists (`LIST_COLUMNS`); `settling` says which fund pays a list and which lists are not
    settled at all, `rules` the share and the cycle. A window without a positive sum pays nothing. Source: S907-02.
    """
    found: list[Entry] = []
    on = until.replace(day=1)
    for window in windows(rules.value("prepay.instant_cycle", on), until):
        for (code, fund), pool in sorted(_sums(lists, settling, window).items()):
            share_e4 = rules.scaled("prepay.instant_ratio", on, fund=fund, institution_code=code)
            amount = round_half_up(pool * share_e4, SCALE)
            if amount <= 0:
                continue
            month = f"{window.last:%Y-%m}"
            entry_id = f"instant/{window.last}/{code}/{fund}"
            found.append(
                Entry(
                    area, entry_id, code, fund, INSTANT, PAID, amount, window.last, month, document,
                    recovery_from=month, recovery_months=1,
                )
            )  # fmt: skip
    return found


def _sums(lists: pa.Table, settling: Policy, window: Window) -> Mapping[tuple[str, str], int]:
    """What the lists of a window record for the pool, by hospital and fund."""
    days = lists["settlement_date"]
    within = pc.and_(
        pc.greater_equal(days, pa.scalar(window.first, pa.date32())),
        pc.less_equal(days, pa.scalar(window.last, pa.date32())),
    )
    grouped = (
        lists.filter(pc.fill_null(within, False))
        .group_by(["institution_code", "insurance", "care_type"])
        .aggregate([("pool_pay_fen", "sum")])
    )
    sums: dict[tuple[str, str], int] = {}
    for row in grouped.to_pylist():
        care_type, insurance = row["care_type"] or "", row["insurance"] or ""
        if settling.value("scope.care_type", window.last, care_type=care_type) == "OUT":
            continue
        key = (row["institution_code"], settling.value("fund.of_insurance", window.last, insurance=insurance))
        sums[key] = sums.get(key, 0) + (row["pool_pay_fen_sum"] or 0)
    return sums
