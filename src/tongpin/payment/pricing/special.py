"""Special cases 特例单议 and new technology 新技术除外支付: quota, decided pay, and the amount added (A14-A16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up, round_half_up_column

if TYPE_CHECKING:
    from datetime import date

    from tongpin.payment.policy.lookup import BoolColumn, IntColumn
    from tongpin.payment.policy.policy import Policy

REVIEW_SCHEMA = pa.schema(
    [
        ("institution_code", pa.string()),
        ("case_id", pa.string()),
        ("ground", pa.string()),
        ("applied_date", pa.date32()),
        ("decided_date", pa.date32()),
        ("outcome", pa.string()),
        ("amount_fen", pa.int64()),
    ],
)
"""A decision table of special cases: one row an application. `outcome` is approved, refused or null (undecided);
`amount_fen` is the decided total of the case, null where the edition pays approved cases by item."""

GROUNDS: dict[str, str] = {
    "long_stay": "住院时间长",
    "high_fee": "医疗费用高",
    "new_technology": "新药、新耗材、新技术",
    "critical": "复杂危重",
    "multidisciplinary": "多学科联合诊疗",
    "unsuited": "不适合按病组标准付费",
}
"""The grounds of an application (A15)."""
APPROVED, REFUSED = "approved", "refused"


def quota_cases(policy: Policy, on: date, cases: int, hospital_level: str) -> int:
    """How many special cases a hospital may have of so many cases (A14, TV-A9); rounded as the edition says."""
    ratio_e4 = policy.scaled("special.quota_ratio", on, hospital_level=hospital_level)
    how = policy.value("special.quota_rounding", on)
    if how == "nearest":
        return round_half_up(cases * ratio_e4, SCALE)
    whole, rest = divmod(cases * ratio_e4, SCALE)
    return whole + (1 if how == "ceiling" and rest else 0)


def special_gross(policy: Policy, on: date, priced: pa.Table, reviews: pa.Table) -> pa.Array:
    """The gross of approved special cases in fen, null for every other case (C0 step 8, S903-03).

    `priced`: `institution_code, case_id, total_fee_fen`; `reviews`: `REVIEW_SCHEMA`. By item the gross is the total
    fee; else the decided amount (`special.review` when there is none). A second application of a case, an unknown
    ground or outcome is refused.
    """
    for name, known in (("ground", list(GROUNDS)), ("outcome", [APPROVED, REFUSED])):
        values = pc.unique(reviews[name].drop_null()).to_pylist()
        if unknown := [value for value in values if value not in known]:
            raise _refused(f"不认识的{name}：{unknown[0]}", f"可用：{'、'.join(known)}")
    keys = _keys(reviews)
    if len(pc.unique(keys)) != len(keys):
        raise _refused("同一病例有两份特例单议申请", "每例只留一份有效的申请")
    granted = reviews.filter(pc.fill_null(pc.equal(reviews["outcome"], APPROVED), False))
    place = pc.index_in(_keys(priced), value_set=_keys(granted))
    if policy.value("special.pay", on) == "by_item":
        return pc.if_else(pc.is_valid(place), priced["total_fee_fen"].combine_chunks(), pa.scalar(None, pa.int64()))
    if granted["amount_fen"].null_count:
        raise _refused("批准的特例单议没有写金额", "付费办法按决定的金额付，补上 amount_fen")
    return pc.take(granted["amount_fen"].combine_chunks(), place)


def _refused(message: str, hint: str) -> PolicyError:
    return PolicyError("special.review", message, where="reviews", hint=hint)


def _keys(table: pa.Table) -> pa.Array:
    keys = pc.binary_join_element_wise(table["institution_code"], table["case_id"], "\x1f")
    return keys.combine_chunks()


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
