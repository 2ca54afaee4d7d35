"""Settling a month in a home 月度结算: read the lists, group, price, post, close; a closed month is only shown again.

The month is closed by its entry in the run log, written last: a run that is killed before leaves nothing in force.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin import __version__
from tongpin.base.errors import PolicyError, StoreError
from tongpin.grouping.library import open_scheme
from tongpin.grouping.stage import group
from tongpin.payment.library import open_policy
from tongpin.payment.period import natural_months
from tongpin.payment.posting import LINE_SCHEMA, WITHDRAWAL_SCHEMA, within_edition
from tongpin.payment.price import price
from tongpin.payment.statement import DECISION_SCHEMA, STATEMENT_SCHEMA, MonthSettlement, settle_month
from tongpin.records.load import CASES, DECISIONS, INSTITUTIONS, WITHDRAWALS, read_loaded
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from tongpin.payment.policy import Policy
    from tongpin.store.home import Home

LINES, STATEMENTS, RUNS = "posted_lines", "statements", "settlement_runs"

_RUN_SCHEMA = pa.schema(
    [("month", pa.string()), ("area", pa.string()), ("digest", pa.string()), ("manifest", pa.string())],
)


@dataclass(frozen=True)
class MonthRun:
    """A settled month: what was posted, by which policy, and whether it had been closed before."""

    settlement: MonthSettlement
    policy: Policy
    manifest: dict[str, Any]
    was_closed: bool


def settle_in_home(home: Home, month: str, area: str | None = None) -> MonthRun:
    """Close `month` (`YYYY-MM`) of a home, or give a closed month back as it was frozen.

    Raises PolicyError, BalanceError or StoreError `settle.empty`; nothing is written then. Source: S004-12,
    S900-01, S901-06.
    """
    policy = open_policy(home, area)
    runs = _rows(home, RUNS, _RUN_SCHEMA)
    closed = {row["month"]: json.loads(row["manifest"]) for row in runs.to_pylist()}
    if month in closed:
        return MonthRun(_frozen(home, month, closed[month]), policy, closed[month], was_closed=True)
    settlement, manifest = _settle(home, month, policy, set(closed))
    lake.replace(home, LINES, settlement.lines, "period", month)
    lake.replace(home, STATEMENTS, settlement.statement, "month", month)
    run = {"month": month, "area": policy.id.split("/")[0], "digest": manifest["result_digest"]}
    run["manifest"] = json.dumps(manifest, ensure_ascii=False)
    lake.append(home, RUNS, pa.Table.from_pylist([run], schema=_RUN_SCHEMA))
    return MonthRun(settlement, policy, manifest, was_closed=False)


def _settle(home: Home, month: str, policy: Policy, closed: set[str]) -> tuple[MonthSettlement, dict[str, Any]]:
    cases = read_loaded(home, CASES)
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    months = natural_months(lists, policy.edition.period_by.value).astype(str)
    lists = lists.filter(pc.less_equal(pa.array(months), month))
    if not lists.num_rows:
        raise StoreError(
            "settle.empty", f"{month} 及以前没有结算清单", where=str(home.root), hint="先用 tongpin load 装载清单"
        )
    institutions = read_loaded(home, INSTITUTIONS)
    if not institutions.num_rows:
        raise PolicyError("policy.institution", "没有机构登记表，不知道各机构的结算级别", hint="先装载 institution.csv")
    scheme = open_scheme(home, policy.scheme_id)
    posted = _posted(home, closed)
    able = within_edition(lists, posted, policy)
    settlement = settle_month(
        month,
        price(group(able.lines, scheme), policy, institutions),
        posted,
        read_loaded(home, WITHDRAWALS).select(WITHDRAWAL_SCHEMA.names),
        read_loaded(home, DECISIONS).select(DECISION_SCHEMA.names),
        closed,
        policy,
    )
    settlement = replace(settlement, notes=(*able.notes, *settlement.notes))
    manifest = {
        "month": month,
        "policy": policy.id,
        "policy_digest": policy.digest,
        "scheme": scheme.scheme_id,
        "scheme_digest": scheme.digest,
        "lists_considered": lists.num_rows,
        "result_digest": settlement.digest,
        "version": __version__,
        "notes": list(settlement.notes),
    }
    return settlement, manifest


def _posted(home: Home, closed: AbstractSet[str]) -> pa.Table:
    """Lines of closed months only: what a killed run may have left is not in force."""
    lines = _rows(home, LINES, LINE_SCHEMA)
    return lines.filter(pc.is_in(lines["period"], pa.array(sorted(closed), pa.string())))


def posted_lines(home: Home, case_id: str) -> pa.Table:
    """Every line of one list in closed months, in order of the months that paid it."""
    lines = _posted(home, set(_rows(home, RUNS, _RUN_SCHEMA)["month"].to_pylist()))
    return lines.filter(pc.equal(lines["case_id"], case_id)).sort_by("period")


def _frozen(home: Home, month: str, manifest: dict[str, Any]) -> MonthSettlement:
    statement = _rows(home, STATEMENTS, STATEMENT_SCHEMA)
    statement = statement.filter(pc.equal(statement["month"], month)).sort_by(
        [("institution_code", "ascending"), ("fund", "ascending")],
    )
    lines = _posted(home, {month}).sort_by(
        [("institution_code", "ascending"), ("case_id", "ascending"), ("line_kind", "ascending")],
    )
    frozen = MonthSettlement(month, lines, statement, tuple(manifest["notes"]))
    if frozen.digest != manifest["result_digest"]:
        raise StoreError(
            "settle.digest",
            f"{month} 已关账，但库中的支付行与关账时的摘要不符",
            where=str(home.lake / LINES),
            hint="数据被改动过：请从备份恢复，不要发布",
        )
    return frozen


def _rows(home: Home, name: str, schema: pa.Schema) -> pa.Table:
    table = lake.read(home, name)
    return schema.empty_table() if table is None else table.select(schema.names).cast(schema)
