"""What happens after a month 事后: lists withdrawn and sent again, deductions, and offsets of prepayments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.demo.calendar import Purpose, stream
from tongpin.demo.cases import as_table
from tongpin.demo.detail import money_columns
from tongpin.demo.faults.planting import allocate

if TYPE_CHECKING:
    from datetime import date

    from tongpin.demo.calendar import Month
    from tongpin.demo.setting import Setting

WITHDRAWN, AUDITED, OFFSET = "withdrawn", "audited", "offset"
"""What `allocate` hands out beside the record faults."""

UPLOAD_HOUR = 10


class Withdrawal(NamedTuple):
    """A row of layout `withdrawal`."""

    institution_code: str
    setl_id: str
    withdrawn_date: date
    successor_setl_id: str


class Decision(NamedTuple):
    """A row of layout `decision`."""

    institution_code: str
    fund: str
    month: str
    kind: str
    amount_fen: int
    decided_date: date
    document: str


def withdraw(
    setting: Setting,
    month: Month,
    hospital: int,
    lists: pa.Table,
    barred: set[str],
) -> tuple[list[Withdrawal], pa.Table]:
    """The lists of a month that are withdrawn in the next, and their successors with a corrected, lower bill.

    Lists in `barred` (faulty ones) are left alone. A successor is settled and accepted on the day of the withdrawal.
    """
    plan = setting.profile.settlement
    wanted = int(allocate(setting, month, WITHDRAWN, plan.withdrawn_lists.value)[hospital])
    rng = stream(setting.seed, Purpose.AFTERMATH, month.index, hospital)
    free = [row for row, name in enumerate(lists["case_id"].to_pylist()) if name not in barred]
    rows = rng.permutation(np.array(free, dtype=np.int64))[:wanted]
    first, last = plan.withdrawal_days.value
    days = month.plus(1).first_day + rng.integers(first - 1, last, len(rows))
    old = lists.take(pa.array(rows))
    names = [f"{name}R" for name in old["case_id"].to_pylist()]
    cut_base = np.minimum(old["service_fee_fen"].to_numpy(), old["patient_pay_fen"].to_numpy())
    account = old["account_pay_fen"].to_numpy()
    cut = np.minimum(
        (cut_base * plan.successor_fee_cut.value).astype(np.int64),
        old["patient_pay_fen"].to_numpy() - account,
    )
    lowered = {
        name: pc.subtract(old[name], pa.array(cut)) for name in ("total_fee_fen", "service_fee_fen", "patient_pay_fen")
    }
    dates = pa.array(days).cast(pa.date32())
    times = pa.array(days.astype("datetime64[s]") + np.timedelta64(UPLOAD_HOUR, "h"))
    changed = {
        **lowered,
        "case_id": pa.array(names),
        "settlement_date": dates,
        "upload_time": times,
        "accepted_date": dates,
    }
    new = as_table(
        {name: changed.get(name, old[name].combine_chunks()) for name in old.column_names}, old.schema, len(names)
    )
    made = {name: new[name].combine_chunks() for name in new.column_names} | money_columns(setting, rng, new)
    new = as_table(made, new.schema, len(names))
    code = setting.institution_code(hospital)
    withdrawals = [
        Withdrawal(code, str(before), day, after)
        for before, day, after in zip(old["case_id"].to_pylist(), days.tolist(), names, strict=True)
    ]
    return withdrawals, new


def decide(setting: Setting, month: Month, hospital: int, lists: pa.Table) -> list[Decision]:
    """Audit deductions and offsets of prepayments against a hospital-month, as a small share of its pool payments."""
    plan = setting.profile.settlement
    rng = stream(setting.seed, Purpose.AFTERMATH, month.index, hospital, 1)
    decided = month.plus(1).day(plan.cutoff_day.value).astype(object)
    decisions = []
    for purpose, kind, total, shares in (
        (AUDITED, "audit_deduction", plan.audit_deductions.value, plan.audit_deduction_share.value),
        (OFFSET, "prepay_offset", plan.prepay_offsets.value, plan.prepay_offset_share.value),
    ):
        if not allocate(setting, month, purpose, total)[hospital]:
            continue
        fund = ("310", "390")[int(rng.integers(2))]
        paid = pc.sum(lists.filter(pc.equal(lists["insurance"], fund))["pool_pay_fen"]).as_py() or 0
        amount = int(paid * rng.uniform(*shares))
        document = f"示例医保〔{month.year}〕{month.number:02d}-{hospital + 1:02d}号"
        code = setting.institution_code(hospital)
        decisions.append(Decision(code, fund, str(month), kind, amount, decided, document))
    return decisions
