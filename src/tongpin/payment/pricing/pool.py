"""Pool payable 统筹应付: step 5 of the order C0, in the two published forms (A9, A10), and the fee base (S900-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE
from tongpin.payment.pricing.rounding import rounded_column, whole

if TYPE_CHECKING:
    import pyarrow as pa

    from tongpin.payment.policy.lookup import BoolColumn, IntColumn, Lookup
    from tongpin.payment.pricing.rows import CaseRows

WITHIN_POLICY_FEE = "within_policy_fee_fen"
"""The fee within the policy, which `fee.base: within_policy` needs in the case table."""
FORM_ONE_COLUMNS = ("full_own_pay_fen", "first_own_pay_fen", "deductible_fen")
"""全自费, 先自付, 起付线 of a case, which the form by policy ratio needs in the case table."""


class Pool(NamedTuple):
    """What the pool pays of each case, and what was added to reach zero; fen."""

    payable_fen: IntColumn
    floored_fen: IntColumn


def outside_fees(cases: CaseRows, lookup: Lookup, fee: IntColumn) -> IntColumn:
    """The fee of each case that lies outside the fee base (fen): nothing with the base `total`."""
    base = lookup.choices("fee.base")
    outside = np.zeros(len(fee), dtype=np.int64)
    rows = np.flatnonzero(base.equals("within_policy"))
    if not len(rows):
        return outside
    within = _column(cases, WITHIN_POLICY_FEE, "费用基数为政策范围内费用").take(rows).to_numpy()
    outside[rows] = fee[rows] - within
    wrong = np.flatnonzero((outside < 0) | (outside > fee))
    if len(wrong):
        row = int(wrong[0])
        raise PolicyError(
            "policy.amount",
            f"病例 {cases['case_id'][row].as_py()} 的政策范围内费用不在 0 与总费用之间（共 {len(wrong)} 例）",
            where=WITHIN_POLICY_FEE,
            hint="核对结算结果中的政策范围内费用",
        )
    return outside


def pool_by_ratio(cases: CaseRows, lookup: Lookup, standard: IntColumn) -> IntColumn:
    """Form 1 (A9): max(0, (standard − own pay − first own pay − deductible) × policy ratio), a recomputation; fen.

    The settlement result is not what is paid then. `cases` needs `FORM_ONE_COLUMNS`. Source: TV-A6a.
    """
    left = standard - sum(whole(_column(cases, name, "统筹按政策比例重算")) for name in FORM_ONE_COLUMNS)
    base: IntColumn = np.maximum(left, 0)
    return rounded_column((base, lookup.scaled("pool.ratio")), SCALE, lookup.numbers("rounding.pool"))


def pool_by_difference(lookup: Lookup, gross: IntColumn, not_pool: IntColumn, is_drg: BoolColumn) -> Pool:
    """Form 2 (A10): gross − patient − other funds; a DRG case below zero as `pool.negative` says (TV-A6b, TV-P4)."""
    payable = gross - not_pool
    floored = np.zeros(len(gross), dtype=np.int64)
    rows = np.flatnonzero(is_drg)
    negative = lookup.narrowed(rows).choices("pool.negative")
    below = rows[negative.equals("floor_case") & (payable[rows] < 0)]
    floored[below] = -payable[below]
    return Pool(payable + floored, floored)


def _column(cases: CaseRows, name: str, why: str) -> pa.ChunkedArray:
    if name not in cases.column_names or cases[name].null_count:
        which = "" if name not in cases.column_names else _first_without(cases, name)
        raise PolicyError(
            "policy.column",
            f"{why}，但病例表没有 {name}{which}",
            where=name,
            hint="结算结果补上这一栏，或由付费办法改用总费用、差额法",
        )
    return cases[name]


def _first_without(cases: CaseRows, name: str) -> str:
    row = pc.index(pc.is_null(cases[name]), value=True).as_py()
    return f"（例如病例 {cases['case_id'][row].as_py()}）"
