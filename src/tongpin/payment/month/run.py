"""Settling a month in a home 月度结算: read the lists, group, price, post, close; a closed month is only shown again.

The month is closed by its entry in the run log, written last: a run that is killed before leaves nothing in force.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin import __version__
from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.month.interim import join_interim_bills
from tongpin.payment.month.methods import method_of
from tongpin.payment.month.posting import LINE_SCHEMA, WITHDRAWAL_SCHEMA, within_edition
from tongpin.payment.month.statement import (
    DECISION_KINDS,
    DECISION_SCHEMA,
    STATEMENT_SCHEMA,
    MonthSettlement,
    settle_month,
)
from tongpin.payment.month.statement_columns import assumed_labels
from tongpin.payment.policy.library import open_policy
from tongpin.payment.policy.period import natural_months
from tongpin.payment.policy.routes import check_routed, own_routes, route
from tongpin.records.intake.load import CASES, DECISIONS, INSTITUTIONS, WITHDRAWALS, read_loaded
from tongpin.records.views.edition import open_edition, with_code_version
from tongpin.records.views.stay_lists import MERGED, join_stays
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from tongpin.payment.policy.policy import Policy
    from tongpin.records.views.edition import Edition
    from tongpin.store.home import Home

LINES, STATEMENTS, RUNS = "posted_lines", "statements", "settlement_runs"

_RUN_SCHEMA = pa.schema(
    [("month", pa.string()), ("area", pa.string()), ("digest", pa.string()), ("manifest", pa.string())],
)


@dataclass(frozen=True)
class MonthRun:
    """A settled month: what was posted, the manifest it was closed with, and whether it had been closed before.

    The manifest names month, area, method, policy and scheme (or catalogue) with their digests, what is assumed and the
    notes; papers are printed from it, so that a reprint says what was true at the close. A draft closed nothing.
    """

    settlement: MonthSettlement
    manifest: dict[str, Any]
    was_closed: bool


def settle_in_home(home: Home, month: str, area: str | None = None, *, draft: bool = False) -> MonthRun:
    """Close `month` (`YYYY-MM`) of a home, or give a closed month back as it was frozen; a draft closes nothing.

    Raises PolicyError (`settle.area`: the home settles another area), BalanceError or StoreError (`settle.empty`,
    `settle.digest`, `home.busy`); nothing is written then. Source: S004-12, S900-01, S901-06.
    """
    with home.locked():
        closed = closed_months(home)
        for manifest in closed.values():
            _check_area(manifest, area)
        if month in closed:
            return MonthRun(_frozen(home, month, closed[month]), closed[month], was_closed=True)
        area = area or next((manifest["area"] for manifest in closed.values()), None)
        settlement, manifest = _settle(home, month, open_policy(home, area, month), set(closed))
        if not draft:
            lake.replace(home, LINES, settlement.lines, "period", month)
            lake.replace(home, STATEMENTS, settlement.statement, "month", month)
            run = {"month": month, "area": manifest["area"], "digest": manifest["result_digest"]}
            run["manifest"] = json.dumps(manifest, ensure_ascii=False)
            lake.append(home, RUNS, pa.Table.from_pylist([run], schema=_RUN_SCHEMA))
    return MonthRun(settlement, manifest, was_closed=False)


def closed_months(home: Home) -> dict[str, dict[str, Any]]:
    """The manifest of every closed month of a home."""
    runs = _rows(home, RUNS, _RUN_SCHEMA).to_pylist()
    return {row["month"]: json.loads(row["manifest"]) for row in runs}


def closed_run(home: Home, month: str, area: str | None = None) -> MonthRun:
    """A closed month as it was frozen; StoreError `settle.open` when the month is not closed."""
    closed = closed_months(home)
    if month not in closed:
        raise StoreError(
            "settle.open", f"{month} 还没有月结", where=str(home.root), hint=f"先运行 tongpin settle --month {month}"
        )
    _check_area(closed[month], area)
    return MonthRun(_frozen(home, month, closed[month]), closed[month], was_closed=True)


def _check_area(manifest: dict[str, Any], area: str | None) -> None:
    if area is not None and manifest["area"] != area:
        raise PolicyError(
            "settle.area",
            f"这个工作目录已按统筹区 {manifest['area']} 关账（{manifest['month']}），不能再按 {area} 结算",
            hint="另一统筹区请用另一个 --home",
        )


def _settle(home: Home, month: str, policy: Policy, closed: set[str]) -> tuple[MonthSettlement, dict[str, Any]]:
    cases = read_loaded(home, CASES)
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    months = natural_months(lists, policy.edition.period_by.value).astype(str)
    area = policy.id.split("/")[0]
    lists, elsewhere = _of_area(home, lists.filter(pc.less_equal(pa.array(months), month)), area)
    institutions = read_loaded(home, INSTITUTIONS)
    if lists.num_rows and not institutions.num_rows:
        raise PolicyError("policy.institution", "没有机构登记表，不知道各机构的结算级别", hint="先装载 institution.csv")
    method = method_of(home, policy)
    posted = _posted(home, closed)
    withdrawals = read_loaded(home, WITHDRAWALS).select(WITHDRAWAL_SCHEMA.names).cast(WITHDRAWAL_SCHEMA)
    joined = join_interim_bills(lists, posted, withdrawals, month, policy)
    able = within_edition(joined.lists, posted, joined.withdrawals, policy)
    edition = open_edition(home, area)
    carried = _carried(home, month)
    settlement = settle_month(
        month,
        method.price(with_code_version(able.lines, edition), policy, institutions),
        posted,
        joined.withdrawals,
        pa.concat_tables([_claims(home), carried.claims]),
        closed,
        policy,
    )
    if not settlement.statement.num_rows:
        raise StoreError(
            "settle.empty",
            f"{month} 没有可入账的清单，也没有扣减，没有关账",
            where=str(home.root),
            hint="检查月份；先用 tongpin load 装载清单",
        )
    settlement = replace(settlement, notes=(*elsewhere, *joined.notes, *able.notes, *settlement.notes))
    manifest = {
        "month": month,
        "area": area,
        "area_label": policy.edition.area,
        "policy": policy.id,
        "policy_label": policy.edition.label,
        "policy_digest": policy.digest,
        "method": method.name,
        "weights_label": method.weights_label,
        "assumed": [*assumed_labels(policy), *method.assumed],
        "scheme": method.scheme_id,
        "scheme_digest": method.digest,
        "reading_edition": _edition_line(edition, area),
        "lists_considered": lists.num_rows,
        "carried_from": list(carried.months),
        "result_digest": settlement.digest,
        "version": __version__,
        "notes": list(settlement.notes),
    }
    return settlement, manifest


def _of_area(home: Home, lists: pa.Table, area: str) -> tuple[pa.Table, tuple[str, ...]]:
    """The lists that this area's editions pay by the routes of the home (S908-02), and a note on the others."""
    routes = own_routes(home)
    if not routes:
        return lists, ()
    routed = route(lists, routes)
    check_routed(routed)
    here = pc.starts_with(routed.edition_id, f"{area}/")
    count = pc.sum(pc.invert(here)).as_py() or 0
    note = f"{count} 份清单按选用表由别的付费办法付费，不在这次结算里"
    return lists.filter(here), (note,) if count else ()


def _claims(home: Home) -> pa.Table:
    """The decisions that lower a transfer; the other kinds of the layout are for other calculations."""
    decisions = read_loaded(home, DECISIONS)
    return decisions.filter(pc.is_in(decisions["kind"], pa.array(list(DECISION_KINDS)))).select(DECISION_SCHEMA.names)


class _Carried(NamedTuple):
    """Debts of earlier months as claims (`DECISION_SCHEMA`), and the months they come from."""

    claims: pa.Table
    months: tuple[str, ...]


def _carried(home: Home, month: str) -> _Carried:
    """The debts of closed months that no later month has claimed yet (choices of family 13)."""
    closed = closed_months(home)
    claimed = {name for manifest in closed.values() for name in manifest.get("carried_from", ())}
    months = tuple(sorted(set(closed) - claimed))
    statements = _rows(home, STATEMENTS, STATEMENT_SCHEMA)
    owing = statements.filter(
        pc.and_(pc.is_in(statements["month"], pa.array(months, pa.string())), pc.greater(statements["debt_fen"], 0))
    )
    size = owing.num_rows
    columns = {
        "month": pa.array([month] * size, pa.string()),
        "kind": pa.array(["carried_debt"] * size, pa.string()),
        "amount_fen": owing["debt_fen"],
    }
    claims = [columns.get(name, owing[name] if name in owing.column_names else None) for name in DECISION_SCHEMA.names]
    return _Carried(pa.table(claims, schema=DECISION_SCHEMA), months)


def _posted(home: Home, closed: AbstractSet[str]) -> pa.Table:
    """Lines of closed months only: what a killed run may have left is not in force."""
    lines = _rows(home, LINES, LINE_SCHEMA)
    return lines.filter(pc.is_in(lines["period"], pa.array(sorted(closed), pa.string())))


def _edition_line(edition: Edition, area: str) -> str:
    """The reading edition as papers name it; said when the area has none of its own."""
    own = "" if edition.id == area else f"，统筹区 {area} 没有自己的采集口径"
    return f"{edition.data.label}（{edition.id}），摘要 {edition.digest[:16]}{own}"


def posted_lines(home: Home, case_id: str) -> pa.Table:
    """Every line that paid one list in closed months, alone or merged with others of its stay, by month."""
    lines = _posted(home, set(closed_months(home)))
    alone = pc.equal(lines["case_id"], case_id)
    together = pc.fill_null(pc.match_substring(_framed(lines[MERGED]), f",{case_id},"), False)
    return lines.filter(pc.or_(alone, together)).sort_by("period")


def _framed(lists: Any) -> Any:
    """Lists of ids as `,a,b,`, null where there is none."""
    return pc.binary_join_element_wise("", pc.binary_join(lists, ","), "", ",")


def line_case(home: Home, line: dict[str, Any]) -> pa.Table:
    """The case that a posted line paid, as the lake holds it now: its list, or the lists of its stay merged."""
    ids = line[MERGED] or [line["case_id"]]
    cases = read_loaded(home, CASES)
    wanted = pc.and_(
        pc.equal(cases["institution_code"], line["institution_code"]), pc.is_in(cases["case_id"], pa.array(ids))
    )
    lists = cases.filter(pc.and_(wanted, pc.equal(cases["source"], "settlement_list")))
    area = closed_months(home)[line["period"]]["area"]
    return with_code_version(join_stays(lists, "merge"), open_edition(home, area))


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
    table = lake.read(home, name, schema.names)
    return schema.empty_table() if table is None else table.cast(schema)
