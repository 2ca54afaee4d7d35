"""Dated rows 按日期的行: which row of a table is in force for a code on a day, for every case at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.lookup import Coded

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import DayColumn, IntColumn

_SPAN = 2**22
_ZERO = 2**21
FOREVER = np.datetime64("9999-12-31", "D")


def rows_in_force(
    known: list[str], since: DayColumn, until: DayColumn | None, asked: Coded, days: DayColumn
) -> IntColumn:
    """The row of `known` (codes, valid from `since` to `until`, both inclusive) of each case, −1 where there is none.

    A later row of a code ends the earlier one; two rows of a code from one day are refused (`policy.table`).
    """
    if not len(days):
        return _rows_in_force(known, since, until, asked, days)
    # Cases repeat the same few codes and days: each pair is looked for once where there are fewer pairs than cases.
    first = days.min()
    span = int((days.max() - first).astype(np.int64)) + 1
    if span * len(asked.values) >= len(days):
        return _rows_in_force(known, since, until, asked, days)
    pairs = Coded(np.repeat(np.arange(len(asked.values)), span), asked.values)
    of_pair = _rows_in_force(known, since, until, pairs, np.tile(first + np.arange(span), len(asked.values)))
    found: IntColumn = of_pair[asked.codes * span + (days - first).astype(np.int64)]
    return found


def _rows_in_force(
    known: list[str], since: DayColumn, until: DayColumn | None, asked: Coded, days: DayColumn
) -> IntColumn:
    places = {value: place for place, value in enumerate(asked.values)}
    wanted = np.array([places.get(code, -1) for code in known], dtype=np.int64)
    rows = np.flatnonzero(wanted >= 0)
    none = np.full(len(asked.codes), -1, dtype=np.int64)
    if not len(rows):
        return none
    keys = wanted[rows] * _SPAN + (since[rows].astype(np.int64) + _ZERO)
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    twice = np.flatnonzero(keys[1:] == keys[:-1])
    if len(twice):
        row = rows[twice[0]]
        raise PolicyError(
            "policy.table",
            f"{known[row]} 自 {since[row]} 起有两行",
            where="from",
            hint="同一代码的同一日期只留一行",
        )
    found = np.searchsorted(keys, asked.codes * _SPAN + (days.astype(np.int64) + _ZERO), side="right") - 1
    row = rows[np.maximum(found, 0)]
    ok = (found >= 0) & (wanted[row] == asked.codes)
    if until is not None:
        ok &= days <= until[row]
    return np.where(ok, row, none)


def day_column(values: list[Any], empty: np.datetime64 | None = None) -> DayColumn:
    """Dates (None: `empty`) as days."""
    return np.array([value if value is not None else empty for value in values], dtype="datetime64[D]")
