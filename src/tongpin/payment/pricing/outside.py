"""Outside DRG 病组以外: what registered cases and cases without a group are paid (C0 step 4; families 1 and 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.base.money import SCALE
from tongpin.payment.policy.lookup import Coded
from tongpin.payment.pricing.means import means
from tongpin.payment.pricing.rounding import rounded_column
from tongpin.payment.pricing.stay import stay_days

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import IntColumn, Lookup
    from tongpin.payment.pricing.rows import CaseRows

MODES = ("by_item", "item_share", "group_mean", "held", "fixed", "per_day")


class Paid(NamedTuple):
    """Gross in fen and pay mode (codes into a list of names)."""

    gross_fen: IntColumn
    mode: Coded


def ungrouped_pay(lookup: Lookup, fee: IntColumn, not_pool: IntColumn, item_pool: IntColumn) -> Paid:
    """What cases without a group are paid (0000, QY) by `scope.ungrouped_pay`; amounts in fen.

    `not_pool`: patient and other funds. `item_share`: that share of the pool by item; `group_mean`: the mean fee of
    their code; `held`: nothing from the pool until reviewed.
    """
    choice = lookup.choices("scope.ungrouped_pay")
    mode = np.zeros(len(fee), dtype=np.int64)
    gross = fee.copy()
    for place, name in enumerate(MODES[1:4], start=1):
        rows = np.flatnonzero(choice.equals(name))
        if not len(rows):
            continue
        some = lookup.narrowed(rows)
        mode[rows] = place
        if name == "item_share":
            unit = some.numbers("rounding.pool")
            share = rounded_column((item_pool[rows], some.scaled("scope.ungrouped_share")), SCALE, unit)
            gross[rows] = not_pool[rows] + share
        elif name == "group_mean":
            gross[rows] = _means(some)
        else:
            gross[rows] = not_pool[rows]
    return Paid(gross, Coded(mode, list(MODES)))


def _means(lookup: Lookup) -> IntColumn:
    of = lookup.choices("scope.ungrouped_mean_of")
    found = np.zeros(len(lookup.days), dtype=np.int64)
    for name in of.values:
        rows = np.flatnonzero(of.equals(name))
        found[rows] = means(lookup.narrowed(rows), name)
    return found


def registered_pay(cases: CaseRows, lookup: Lookup, is_daily: Coded) -> Paid:
    """What registered cases are paid: a fixed amount, or one for each day of stay (S914-01); fen.

    `is_daily`: fixed or per_day of each case; `lookup` holds `register` and `register_code`.
    """
    amount = lookup.numbers("register.amount")
    daily = is_daily.equals("per_day")
    gross = amount.copy()
    rows = np.flatnonzero(daily)
    if len(rows):
        gross[rows] = amount[rows] * stay_days(cases.take(rows), lookup.narrowed(rows))
    return Paid(gross, Coded(np.where(daily, MODES.index("per_day"), MODES.index("fixed")), list(MODES)))
