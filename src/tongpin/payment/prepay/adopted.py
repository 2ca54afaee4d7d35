"""Adopted plans 核定的预付金计划: a plan is frozen when it is adopted; one that paid nothing yet may be replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.prepay.account import read_account
from tongpin.payment.prepay.plan import from_json, to_json
from tongpin.store import lake

if TYPE_CHECKING:
    from tongpin.payment.prepay.plan import Plan
    from tongpin.store.home import Home

PLANS = "prepay_plans"
_SCHEMA = pa.schema(
    [
        ("area", pa.string()),
        ("year", pa.int64()),
        ("number", pa.int64()),
        ("digest", pa.string()),
        ("plan", pa.string()),
    ]
)


def adopted_plans(home: Home, area: str) -> dict[int, Plan]:
    """The plan in force of every year of an area; StoreError `prepay.digest` when one was changed since."""
    table = lake.read(home, PLANS, _SCHEMA.names, where=("area", pa.array([area], pa.string())))
    rows = [] if table is None else sorted(table.to_pylist(), key=lambda row: (row["year"], row["number"]))
    found: dict[int, Plan] = {}
    for row in rows:
        plan = from_json(row["plan"])
        if plan.digest != row["digest"]:
            raise StoreError(
                "prepay.digest",
                f"{row['year']} 年核定的预付金计划与核定时的摘要不符",
                where=str(home.lake / PLANS),
                hint="数据被改动过：请从备份恢复，不要拨付",
            )
        found[row["year"]] = plan
    return found


def adopt(home: Home, plan: Plan, document: str) -> Plan:
    """Freeze a plan under its document, the caller holding the home; the plan with its number is given back.

    Raises PolicyError `prepay.document` without a document, `prepay.adopted` when an adopted plan of the year has paid,
    `prepay.nothing` when no hospital gets anything.
    """
    if not document.strip():
        raise PolicyError("prepay.document", "核定预付金计划没有写文号", hint="用 --adopt 文号 写明")
    if not any(row.paid_fen for row in plan.rows):
        raise PolicyError("prepay.nothing", "没有一家机构可以预付，不核定", hint="看各行的原因；补齐后再测算")
    standing = adopted_plans(home, plan.area).get(plan.year)
    paid = [one for one in read_account(home, plan.area) if one.entry_id.startswith(f"{plan.year}/")]
    if standing and paid:
        raise PolicyError(
            "prepay.adopted",
            f"{plan.year} 年的计划（{standing.document}）已经拨付 {len(paid)} 笔，不再改核定",
            where=plan.area,
            hint="追加或收回用 tongpin prepay book 逐笔记；计划本身用 tongpin prepay plan 重印",
        )
    made = replace(plan, number=standing.number + 1 if standing else 1, document=document.strip())
    row = {"area": made.area, "year": made.year, "number": made.number, "digest": made.digest, "plan": to_json(made)}
    lake.append(home, PLANS, pa.Table.from_pylist([row], schema=_SCHEMA))
    return made
