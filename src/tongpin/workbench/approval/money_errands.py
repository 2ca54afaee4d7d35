"""Money errands 结算、清算、预付: put forward from a draft run, and the run that closes it once it is approved."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import TongpinError
from tongpin.payment.month.run import settle_in_home
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.payment.prepay.adopted import adopted_plans
from tongpin.payment.prepay.plan import SCHEME_LABELS
from tongpin.payment.prepay_home import account_area, plan_in_home
from tongpin.payment.year.run import clear_in_home
from tongpin.report.words import month_text
from tongpin.workbench.approval.errand_shapes import Errand, Proposal, Task, Wanted, column, fact, table
from tongpin.workbench.approval.uploaded import as_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tongpin.store.home import Home

SETTLEMENT, CLEARING, PREPAYMENT = "settlement", "clearing", "prepayment"
_MONTH_DIGESTS = ("result_digest", "policy_digest", "scheme_digest")
_YEAR_DIGESTS = ("result_digest", "policy_digest", "weights_digest")


def _settlement(home: Home, wanted: Wanted) -> Proposal:
    run = settle_in_home(home, wanted.month, wanted.area, draft=True)
    manifest, rows = run.manifest, run.settlement.statement.to_pylist()
    shown = [
        {
            "institution_code": row["institution_code"],
            "institution_name": row["institution_name"],
            "hospital_level": row["hospital_level"],
            "fund": row["fund"],
            "fund_label": row["fund_label"],
            "cases": row["cases"],
            "month_item_pool_fen": row["month_item_pool_fen"],
            "month_pool_payable_fen": row["month_pool_payable_fen"],
            "month_result_fen": row["month_result_fen"],
            "withheld_fen": row["month_pool_payable_fen"] - row["cash_transfer_fen"],
            "cash_transfer_fen": row["cash_transfer_fen"],
        }
        for row in rows
    ]
    columns = [
        column("institution_name", "医疗机构"),
        column("hospital_level", "级别"),
        column("fund_label", "基金"),
        column("cases", "清单", "integer"),
        column("month_item_pool_fen", "按项目应付统筹", "money", "万元"),
        column("month_pool_payable_fen", "应付统筹", "money", "万元"),
        column("month_result_fen", "盈亏", "money", "万元"),
        column("withheld_fen", "扣减净额", "money", "万元"),
        column("cash_transfer_fen", "应拨付", "money", "万元"),
    ]
    title = f"{manifest['area_label']}{month_text(wanted.month)}月度结算"
    payload = _payload(home, manifest, _MONTH_DIGESTS, shown, columns, "cash_transfer_fen", was_closed=run.was_closed)
    payload |= {"month": wanted.month, "weights_label": manifest["weights_label"]}
    return Proposal(f"{manifest['area']}/{wanted.month}", title, payload)


def _settle(home: Home, task: Task) -> dict[str, Any]:
    payload = task.payload
    run = settle_in_home(home, payload["month"], payload["area"], approved=payload["approved"])
    return {"result_digest": run.manifest["result_digest"], "was_closed": run.was_closed}


def _clearing(home: Home, wanted: Wanted) -> Proposal:
    run = clear_in_home(home, wanted.year, wanted.area, draft=True)
    shown = [
        {
            "institution_code": row["institution_code"],
            "institution_name": row["institution_name"],
            "hospital_level": row["hospital_level"],
            "fund": row["fund"],
            "fund_label": row["fund_label"],
            "cases": row["cases"],
            "posted_fen": row["posted_fen"],
            "due_fen": row["due_fen"],
            "changed_fen": row["due_fen"] - row["posted_fen"],
            "paid_fen": row["penalty_fen"] + row["transferred_fen"],
            "balance_fen": row["balance_fen"],
        }
        for row in run.clearing.places.to_pylist()
    ]
    columns = [
        column("institution_name", "医疗机构"),
        column("hospital_level", "级别"),
        column("fund_label", "基金"),
        column("cases", "清单", "integer"),
        column("posted_fen", "月结应付", "money", "万元"),
        column("due_fen", "清算额", "money", "万元"),
        column("changed_fen", "清算增减", "money", "万元"),
        column("paid_fen", "违约金与已拨付", "money", "万元"),
        column("balance_fen", "补付（负为收回）", "money", "万元"),
    ]
    manifest = run.manifest
    title = f"{manifest['area_label']}{wanted.year}年度清算"
    payload = _payload(home, manifest, _YEAR_DIGESTS, shown, columns, "balance_fen", was_closed=run.was_closed)
    return Proposal(f"{manifest['area']}/{wanted.year}", title, payload | {"year": wanted.year})


def _clear(home: Home, task: Task) -> dict[str, Any]:
    payload = task.payload
    run = clear_in_home(home, payload["year"], payload["area"], approved=payload["approved"])
    return {
        "result_digest": run.manifest["result_digest"],
        "run": run.manifest["run"],
        "was_closed": run.was_closed,
    }


def _prepayment(home: Home, wanted: Wanted) -> Proposal:
    area = account_area(home, wanted.area, f"{wanted.year}-01")
    with _file(wanted.history) as history:
        run = plan_in_home(home, wanted.year, area, edition=wanted.edition, short=wanted.short, history=history)
    plan = run.plan
    if not any(row.paid_fen for row in plan.rows):
        reasons = "；".join(dict.fromkeys(row.refused for row in plan.rows if row.refused))
        raise TongpinError(
            "prepay.nothing",
            "没有一家机构可以预付，不起草",
            where=str(wanted.year),
            hint=f"原因：{reasons or '没有历史支出'}；补上历年支出再试",
        )
    shown = [
        {
            "institution_code": row.institution_code,
            "institution_name": row.institution_name,
            "fund": row.fund,
            "fund_label": row.fund_label,
            "scheme_label": SCHEME_LABELS[row.scheme],
            "last_year_fen": row.last_year_fen,
            "core_fen": row.core_fen,
            "reserve_fen": row.reserve_fen,
            "total_fen": row.total_fen,
            "paid_fen": row.paid_fen,
            "refused": row.refused or "；".join(row.warnings),
        }
        for row in plan.rows
    ]
    columns = [
        column("institution_name", "医疗机构"),
        column("fund_label", "基金"),
        column("scheme_label", "办法"),
        column("last_year_fen", "上年支出", "money", "万元"),
        column("total_fen", "计划总额", "money", "万元"),
        column("paid_fen", "全年预付", "money", "万元"),
        column("refused", "不预付的原因、提示"),
    ]
    manifest = {
        "area": plan.area,
        "area_label": plan.area_label,
        "policy": plan.policy,
        "policy_label": plan.policy_label,
        "policy_digest": plan.policy_digest,
        "result_digest": plan.digest,
        "assumed": list(plan.assumed),
        "notes": list(plan.notes),
    }
    payload = _payload(home, manifest, ("result_digest",), shown, columns, "paid_fen", was_closed=run.was_adopted)
    payload |= {"year": wanted.year, "edition": wanted.edition, "short": list(wanted.short), "history": wanted.history}
    return Proposal(f"{plan.area}/{wanted.year}", f"{plan.area_label}{wanted.year}年度预付金计划", payload)


def _adopt(home: Home, task: Task) -> dict[str, Any]:
    payload, document = task.payload, task.document
    digest = payload["approved"]["result_digest"]
    standing = adopted_plans(home, payload["area"]).get(payload["year"])
    if standing is not None and (standing.document == document or standing.digest == digest):
        return {"result_digest": standing.digest, "was_closed": True}
    with _file(payload["history"]) as history:
        plan = plan_in_home(
            home,
            payload["year"],
            payload["area"],
            edition=payload["edition"],
            short=payload["short"],
            history=history,
            document=document,
            approved=digest,
        ).plan
    return {"result_digest": plan.digest, "was_closed": False}


def _file(text: str) -> contextlib.AbstractContextManager[Path | None]:
    """The spending of earlier years as a file; none where none was given."""
    return as_file(text.encode(), "历年支出.csv") if text else contextlib.nullcontext()


def _payload(
    home: Home,
    manifest: Mapping[str, Any],
    digests: Sequence[str],
    rows: list[dict[str, Any]],
    columns: list[dict[str, str]],
    amount: str,
    *,
    was_closed: bool,
) -> dict[str, Any]:
    """The content that is signed: what was approved, what it rests on, and the sheet as it is shown and printed."""
    assumed = list(manifest["assumed"])
    amount_fen = sum(row[amount] for row in rows)
    amount_label = next(one["label"] for one in columns if one["id"] == amount)
    basis = [
        fact("amount", amount_label, amount_fen, "money", "元"),
        fact("policy", "付费办法", f"{manifest['policy_label']}（{manifest['policy']}）"),
        fact("result", "结果摘要", manifest["result_digest"][:16]),
    ]
    if was_closed:
        basis.append(fact("closed", "关账", "起草前已经关账，本公文只批准拨付"))
    return {
        "area": manifest["area"],
        "area_label": manifest["area_label"],
        "policy": manifest["policy"],
        "policy_label": manifest["policy_label"],
        "approved": {name: manifest[name] for name in digests if name in manifest},
        "amount_fen": amount_fen,
        "amount_label": amount_label,
        "was_closed": was_closed,
        "assumed": assumed,
        "simulated": f"模拟：付费办法有 {len(assumed)} 项取值没有文件确认" if assumed else "",
        "basis": basis,
        "tables": [table("rows", "各机构", columns, rows, total=True)],
        "notes": [*synthetic_notice(home), *manifest["notes"]],
    }


MONEY = (
    Errand(
        SETTLEMENT,
        "settle.run",
        "执行关账",
        "按批准的结果关账，关账后不能改；数据与批准时不同就不关账。",
        "重新试算",
        _settlement,
        _settle,
        pays=True,
    ),
    Errand(
        CLEARING,
        "clearing.run",
        "执行清算关账",
        "按批准的结果清算关账；数据与批准时不同就不关账。",
        "重新试算",
        _clearing,
        _clear,
        pays=True,
    ),
    Errand(
        PREPAYMENT,
        "prepay.run",
        "核定计划",
        "按批准的计划核定，拨付按期记账；数据与批准时不同就不核定。",
        "重新试算",
        _prepayment,
        _adopt,
        pays=True,
    ),
)
