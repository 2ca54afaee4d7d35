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
from tongpin.payment.month.closed import (
    LINES,
    NOT_ASKED,
    RUN,
    RUN_SCHEMA,
    RUNS,
    STATEMENTS,
    area_of,
    areas_of,
    areas_routed,
    check_approved,
    closed_manifest,
    closed_months,
    decisions,
    every_run,
    posted,
    posted_anywhere,
    run_name,
    statements,
)
from tongpin.payment.month.further import with_further, with_twin_weights
from tongpin.payment.month.interim import join_interim_bills
from tongpin.payment.month.methods import method_of
from tongpin.payment.month.posting import WITHDRAWAL_SCHEMA, within_edition
from tongpin.payment.month.statement import (
    DECISION_KINDS,
    DECISION_SCHEMA,
    MonthSettlement,
    settle_month,
)
from tongpin.payment.month.statement_columns import assumed_labels
from tongpin.payment.policy.library import open_policy
from tongpin.payment.policy.period import last_day, natural_months
from tongpin.payment.policy.routes import check_routed, own_routes, route
from tongpin.payment.prepay.account import TAKEN_COLUMNS, read_account, taken_of
from tongpin.payment.prepay.offsets import decided_in, month_claims
from tongpin.records.intake.load import CASES, INSTITUTIONS, WITHDRAWALS, read_loaded
from tongpin.records.views.edition import open_edition, with_code_version
from tongpin.records.views.stay_lists import MERGED, join_stays
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.payment.policy.policy import Policy
    from tongpin.records.views.edition import Edition
    from tongpin.store.home import Home


@dataclass(frozen=True)
class MonthRun:
    """A settled month: what was posted, the manifest it was closed with, and whether it had been closed before.

    The manifest names month, area, method, policy and scheme (or catalogue) with their digests, what is assumed and the
    notes; papers are printed from it, so that a reprint says what was true at the close. A draft closed nothing.
    """

    settlement: MonthSettlement
    manifest: dict[str, Any]
    was_closed: bool


def settle_in_home(
    home: Home,
    month: str,
    area: str | None = None,
    *,
    draft: bool = False,
    approved: Mapping[str, str] = NOT_ASKED,
) -> MonthRun:
    """Close `month` (`YYYY-MM`) of a home, or give a closed month back as it was frozen; a draft closes nothing.

    `approved`: what an approval names of the manifest; another result is refused. Raises PolicyError (`settle.area`:
    the home settles another area, `approval.stale`), BalanceError or StoreError (`settle.empty`, `settle.digest`,
    `home.busy`); nothing is written then. Source: S004-12, S900-01, S901-06.
    """
    with home.locked():
        area = _area(home, area, month)
        closed = closed_months(home, area)
        if month in closed:
            check_approved(closed[month], approved)
            return MonthRun(_frozen(home, closed[month]), closed[month], was_closed=True)
        settlement, manifest = _settle(home, month, open_policy(home, area, month), set(closed))
        check_approved(manifest, approved)
        if not draft:
            _keep(home, LINES, settlement.lines, manifest)
            _keep(home, STATEMENTS, settlement.statement, manifest)
            run = {"month": month, "area": manifest["area"], "digest": manifest["result_digest"]}
            run["manifest"] = json.dumps(manifest, ensure_ascii=False)
            lake.append(home, RUNS, pa.Table.from_pylist([run], schema=RUN_SCHEMA))
    return MonthRun(settlement, manifest, was_closed=False)


def _keep(home: Home, name: str, table: pa.Table, manifest: dict[str, Any]) -> None:
    """Write the rows of a month; what an earlier run of it left behind is replaced."""
    run = run_name(manifest["area"], manifest["month"])
    lake.replace(home, name, table.append_column(RUN, pa.array([run] * table.num_rows, pa.string())), RUN, run)


def _area(home: Home, area: str | None, month: str) -> str:
    """The area that a settlement is for; several share a home only by routes that say which list is whose (S908-02)."""
    areas = areas_of(home)
    if area is None:
        return area_of(home, None) or area_id(open_policy(home, None, month))
    if areas and area not in areas and not {*areas, area} <= set(areas_routed(home)):
        raise PolicyError(
            "settle.area",
            f"这个工作目录已按统筹区 {'、'.join(areas)} 关账，没有选用表说明哪些清单归统筹区 {area}",
            where=str(home.policies),
            hint="在 policies/routes.csv 写明各统筹区付哪些清单（tongpin policy routes），或用另一个 --home",
        )
    return area


def closed_run(home: Home, month: str, area: str | None = None) -> MonthRun:
    """A closed month as it was frozen; StoreError `settle.open` when the month is not closed."""
    manifest = closed_manifest(home, month, area)
    return MonthRun(_frozen(home, manifest), manifest, was_closed=True)


def area_id(policy: Policy) -> str:
    """The area of an edition: the first part of its id."""
    return policy.id.split("/")[0]


def _settle(home: Home, month: str, policy: Policy, closed: set[str]) -> tuple[MonthSettlement, dict[str, Any]]:
    cases = read_loaded(home, CASES)
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    months = natural_months(lists, policy.edition.period_by.value).astype(str)
    area = area_id(policy)
    lists, elsewhere = _of_area(home, lists.filter(pc.less_equal(pa.array(months), month)), area)
    institutions = read_loaded(home, INSTITUTIONS)
    if lists.num_rows and not institutions.num_rows:
        raise PolicyError("policy.institution", "没有机构登记表，不知道各机构的结算级别", hint="先装载 institution.csv")
    method = method_of(home, policy)
    paid = posted(home, area)
    withdrawals = read_loaded(home, WITHDRAWALS).select(WITHDRAWAL_SCHEMA.names).cast(WITHDRAWAL_SCHEMA)
    lists = with_twin_weights(home, lists, policy, last_day(month))
    joined = join_interim_bills(lists, paid, withdrawals, month, policy)
    able = within_edition(joined.lists, paid, joined.withdrawals, policy)
    edition = open_edition(home, area)
    carried = _carried(home, area, month)
    settlement = settle_month(
        month,
        method.price(with_further(home, with_code_version(able.lines, edition), policy), policy, institutions),
        paid,
        joined.withdrawals,
        pa.concat_tables([_claims(home, area, month), carried.claims]),
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


def _claims(home: Home, area: str, month: str) -> pa.Table:
    """The decisions that lower a transfer, and what the prepayment account takes from the month.

    The other kinds of the layout are for other calculations.
    """
    known = decisions(home, area)
    known = known.filter(pc.is_in(known["kind"], pa.array(list(DECISION_KINDS)))).select(DECISION_SCHEMA.names)
    entries = read_account(home, area)
    taken = taken_of(statements(home, area).select(list(TAKEN_COLUMNS)).to_pylist()) if entries else {}
    ahead = month_claims(month, entries, taken, decided_in(month, known.to_pylist()))
    own = pa.Table.from_pylist([one._asdict() for one in ahead], schema=DECISION_SCHEMA)
    return pa.concat_tables([known.cast(DECISION_SCHEMA), own])


class _Carried(NamedTuple):
    """Debts of earlier months as claims (`DECISION_SCHEMA`), and the months they come from."""

    claims: pa.Table
    months: tuple[str, ...]


def _carried(home: Home, area: str, month: str) -> _Carried:
    """The debts of closed months that no later month has claimed yet (choices of family 13)."""
    manifests = closed_months(home, area)
    claimed = {name for manifest in manifests.values() for name in manifest.get("carried_from", ())}
    months = tuple(sorted(set(manifests) - claimed))
    rows = statements(home, area, months)
    owing = rows.filter(pc.greater(rows["debt_fen"], 0))
    size = owing.num_rows
    columns = {
        "month": pa.array([month] * size, pa.string()),
        "kind": pa.array(["carried_debt"] * size, pa.string()),
        "amount_fen": owing["debt_fen"],
    }
    claims = [columns.get(name, owing[name] if name in owing.column_names else None) for name in DECISION_SCHEMA.names]
    return _Carried(pa.table(claims, schema=DECISION_SCHEMA), months)


def _edition_line(edition: Edition, area: str) -> str:
    """The reading edition as papers name it; said when the area has none of its own."""
    own = "" if edition.id == area else f"，统筹区 {area} 没有自己的采集口径"
    return f"{edition.data.label}（{edition.id}），摘要 {edition.digest[:16]}{own}"


def posted_lines(home: Home, case_id: str) -> pa.Table:
    """Every line that paid one list in closed months, alone or merged with others of its stay, by month; with `run`."""
    # Two columns tell which lines are about the list; only those are read whole.
    keys = lake.read(home, LINES, ["case_id", MERGED])
    if keys is None:
        return posted_anywhere(home, [])
    together = keys.filter(pc.is_valid(keys[MERGED]))
    named = together.filter(pc.match_substring(_framed(together[MERGED]), f",{case_id},"))
    return posted_anywhere(home, [case_id, *named["case_id"].to_pylist()]).sort_by("period")


def _framed(lists: Any) -> Any:
    """Lists of ids as `,a,b,`, null where there is none."""
    return pc.binary_join_element_wise("", pc.binary_join(lists, ","), "", ",")


def line_case(home: Home, line: dict[str, Any]) -> pa.Table:
    """The case that a posted line paid, as the lake holds it now: its list, or the lists of its stay merged."""
    ids = line[MERGED] or [line["case_id"]]
    cases = read_loaded(home, CASES, where=("case_id", pa.array(ids)))
    wanted = pc.equal(cases["institution_code"], line["institution_code"])
    lists = cases.filter(pc.and_(wanted, pc.equal(cases["source"], "settlement_list")))
    area = every_run(home)[line[RUN]]["area"]
    return with_code_version(join_stays(lists, "merge"), open_edition(home, area))


def _frozen(home: Home, manifest: dict[str, Any]) -> MonthSettlement:
    month, area = manifest["month"], manifest["area"]
    statement = statements(home, area, [month]).sort_by(
        [("institution_code", "ascending"), ("fund", "ascending")],
    )
    lines = posted(home, area, [month]).sort_by(
        [("institution_code", "ascending"), ("case_id", "ascending"), ("line_kind", "ascending")],
    )
    frozen = MonthSettlement(month, lines, statement, tuple(manifest["notes"]))
    if home.scope is None and frozen.digest != manifest["result_digest"]:
        raise StoreError(
            "settle.digest",
            f"{month} 已关账，但库中的支付行与关账时的摘要不符",
            where=str(home.lake / LINES),
            hint="数据被改动过：请从备份恢复，不要发布",
        )
    return frozen
