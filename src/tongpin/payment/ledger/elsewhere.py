"""Elsewhere 异地就医: who was treated where, who owes whom, and the difference account (S908-01)."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError

LOCAL_HERE, LOCAL_ELSEWHERE, VISITOR_HERE = "local_here", "local_elsewhere", "visitor_here"
ROLES: dict[str, str] = {LOCAL_HERE: "本地在本地", LOCAL_ELSEWHERE: "本地在外", VISITOR_HERE: "外地在本地"}

ROLE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("role", "month", "region", "institution_code", "fund")),
        *((name, pa.int64()) for name in ("cases", "payable_fen", "item_fen", "difference_fen")),
    ]
)
"""`region`: the insured region of visitors, the place of treatment of those treated elsewhere. `payable_fen`: what the
hospital gets from the place of treatment; `item_fen`: what the insured place bears, by item; `difference_fen` =
item − payable: stays on the difference account of the place of treatment, for visitors only."""


def by_role(lines: pa.Table, own_region: str) -> pa.Table:
    """Lines by role, counterpart region, hospital and fund (`ROLE_SCHEMA`), in fen (TV-P13).

    `lines`: `period, institution_code, fund, insured_region, treatment_region, line_sign, pool_payable_fen,
    item_pool_fen`; a region is own when its code begins with `own_region` (the division code of the 统筹区). What was
    treated elsewhere is priced there: its payable is no figure of this ledger (0). PolicyError `ledger.region` for a
    case without regions, or with neither in this place.
    """
    insured, treated = (
        pc.starts_with(pc.cast(lines[name], pa.string()), own_region) for name in ("insured_region", "treatment_region")
    )
    unknown = pc.sum(pc.invert(pc.fill_null(pc.or_(insured, treated), False))).as_py() or 0
    if unknown:
        raise PolicyError(
            "ledger.region",
            f"{unknown} 份清单的参保地或就医地空缺，或两者都不在 {own_region}",
            where="insured_region",
            hint="补上参保地（医保区划），或检查 --region",
        )
    here, own = np.asarray(treated), np.asarray(insured)
    role = np.select([here & own, here], [LOCAL_HERE, VISITOR_HERE], LOCAL_ELSEWHERE)
    payable = np.where(here, np.asarray(lines["pool_payable_fen"]), 0)
    item = np.asarray(lines["item_pool_fen"])
    made = pa.table(
        {
            "role": pa.array(role.tolist(), pa.string()),
            "month": lines["period"],
            "region": pc.if_else(pa.array(here), lines["insured_region"], lines["treatment_region"]),
            "institution_code": lines["institution_code"],
            "fund": lines["fund"],
            "cases": lines["line_sign"],
            "payable_fen": pa.array(payable),
            "item_fen": pa.array(item),
            "difference_fen": pa.array(np.where(role == VISITOR_HERE, item - payable, 0)),
        }
    )
    keys, amounts = ROLE_SCHEMA.names[:5], ROLE_SCHEMA.names[5:]
    sums = made.group_by(keys).aggregate([(name, "sum") for name in amounts])
    found = sums.rename_columns({f"{name}_sum": name for name in amounts}).select(ROLE_SCHEMA.names)
    return found.cast(ROLE_SCHEMA).sort_by([(name, "ascending") for name in keys])


def lines_of_bills(bills: pa.Table, own_region: str) -> pa.Table:
    """Bills that came back from elsewhere (layout `elsewhere-bill`) as lines of `by_role` (S908-01).

    PolicyError `ledger.bill` for a bill of a person who is not insured here, or who was treated here.
    """
    insured, treated = (pc.starts_with(bills[name], own_region) for name in ("insured_region", "treatment_region"))
    wrong = bills.filter(pc.or_(pc.invert(insured), treated)).slice(0, 1).to_pylist()
    for row in wrong:
        raise PolicyError(
            "ledger.bill",
            f"异地账单 {row['bill_no']} 的参保地 {row['insured_region']}、就医地 {row['treatment_region']}"
            f" 不是本地（{own_region}）参保、在外就医",
            where="elsewhere-bill.insured_region",
            hint="改正区划，或检查 --region",
        )
    zeros = pa.array(np.zeros(bills.num_rows, np.int64))
    is_back = pc.less(bills["item_pool_fen"], 0)
    return pa.table(
        {
            "period": bills["month"],
            **{name: bills[name] for name in ("institution_code", "fund", "insured_region", "treatment_region")},
            "line_sign": pc.if_else(is_back, pa.scalar(-1, pa.int64()), pa.scalar(1, pa.int64())),
            "pool_payable_fen": zeros,
            "item_pool_fen": bills["item_pool_fen"],
        }
    )


def of_role(roles: pa.Table, role: str) -> pa.Table:
    """The rows of one role."""
    return roles.filter(pc.equal(roles["role"], role))
