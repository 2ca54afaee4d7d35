"""Payers of a case 各付费方: the four amounts that a settled list carries, and that they are all of its fee."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import check_balance
from tongpin.payment.pricing.rounding import whole

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import IntColumn
    from tongpin.payment.pricing.rows import CaseRows

_FEE, *_PAYERS = ("total_fee_fen", "patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")


def settled_amounts(cases: CaseRows) -> list[IntColumn]:
    """Fee, patient, pool by item and other funds of each case, in fen.

    PolicyError `policy.amount` when one is missing, BalanceError `price.payers` when they do not sum to the fee.
    """
    for name in (_FEE, *_PAYERS):
        column = cases[name]
        if column.null_count:
            row = pc.index(pc.is_null(column), value=pa.scalar(True)).as_py()
            raise PolicyError(
                "policy.amount",
                f"{column.null_count} 个病例缺少结算金额，例如 {cases['case_id'][row].as_py()}",
                where=name,
                hint="先导入这些清单的结算结果，再结算",
            )
    fee, *parts = (whole(cases[name]) for name in (_FEE, *_PAYERS))
    wrong = np.flatnonzero(fee != sum(parts))
    if len(wrong):
        row = int(wrong[0])
        what = f"病例 {cases['case_id'][row].as_py()} 总费用与各付费方之和（共 {len(wrong)} 例）"
        check_balance("price.payers", what, int(fee[row]), int(sum(part[row] for part in parts)))
    return [fee, *parts]
