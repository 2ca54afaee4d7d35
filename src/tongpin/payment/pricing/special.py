"""Special cases 特例单议 and new technology 新技术除外支付: the quota, and the amount added (A14, A16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.base.money import SCALE, round_half_up_column
from tongpin.payment.pricing.rounding import limit_of

if TYPE_CHECKING:
    from datetime import date

    import pyarrow as pa

    from tongpin.payment.policy.lookup import BoolColumn, IntColumn
    from tongpin.payment.policy.policy import Policy


def quota_cases(policy: Policy, on: date, cases: int, hospital_level: str) -> int:
    """How many special cases a hospital may have of so many cases (A14, TV-A9); rounded as the edition says."""
    ratio_e4 = policy.scaled("special.quota_ratio", on, hospital_level=hospital_level)
    return limit_of(cases, ratio_e4, policy.value("special.quota_rounding", on))


class NewTechnology(NamedTuple):
    """Whether each case qualifies, the share of the new item, what is added and what is then paid (fen, ×10,000)."""

    qualifies: BoolColumn
    share_e4: IntColumn
    extra_fen: IntColumn
    pay_fen: IntColumn


def new_technology(policy: Policy, on: date, cases: pa.Table) -> NewTechnology:
    """New-technology exclusion of cases (A16, TV-A10).

    `cases`: `total_fee_fen`, `group_mean_fen`, `standard_fen`, `new_item_fee_fen` and `kind_mean_fen` (the mean fee of
    the item's kind within the group's standard). Both tests are strict and exact: fee > multiple × group mean, new
    item > share × fee. Added is the new item's fee less the mean of its kind, not below zero.
    """
    fee, mean, standard, item, kind = (
        cases[name].to_numpy().astype(np.int64)
        for name in ("total_fee_fen", "group_mean_fen", "standard_fen", "new_item_fee_fen", "kind_mean_fen")
    )
    multiple = policy.scaled("special.technology_multiple", on)
    share = policy.scaled("special.technology_share", on)
    qualifies: BoolColumn = (fee * SCALE > multiple * mean) & (item * SCALE > share * fee)
    extra = np.where(qualifies, np.maximum(item - kind, 0), 0)
    return NewTechnology(qualifies, round_half_up_column(item * SCALE, np.maximum(fee, 1)), extra, standard + extra)
