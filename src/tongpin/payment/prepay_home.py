"""Prepayment in a home 预付金办理: plan, pay, watch and settle from what is loaded, closed and cleared.

The account stands in `prepay/`, below the months that take from it; what needs closed months and clearings is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import yuan
from tongpin.payment.month.closed import area_of, areas_of, check_approved, closed_months, statements
from tongpin.payment.month.run import area_id
from tongpin.payment.policy.library import open_policy, policy_folders, policy_named
from tongpin.payment.policy.routes import check_routed, own_routes, route
from tongpin.payment.prepay.account import (
    LAST_MONTH,
    PAID,
    Entry,
    book,
    month_after,
    read_account,
    standings,
    taken_of,
)
from tongpin.payment.prepay.adopted import adopt, adopted_plans
from tongpin.payment.prepay.cash_gap import cash_gap
from tongpin.payment.prepay.instant import LIST_COLUMNS, advances
from tongpin.payment.prepay.plan import Hospital, make_plan
from tongpin.payment.prepay.spending import Known, fund_state, payable_of, read_history
from tongpin.payment.prepay.watch import watched
from tongpin.payment.prepay.year_end import Cleared, settle_year
from tongpin.payment.year.run import CLEARING, cleared, clearing_runs
from tongpin.records.intake.load import CASES, INSTITUTIONS, WITHDRAWALS, read_loaded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.prepay.account import Standing
    from tongpin.payment.prepay.cash_gap import Flows, Gap
    from tongpin.payment.prepay.plan import Plan
    from tongpin.payment.prepay.watch import Watched
    from tongpin.payment.prepay.year_end import Settlement
    from tongpin.store.home import Home

SERIES = "fund_series"
"""The table of the lake that holds the layout `fund-series`."""


@dataclass(frozen=True)
class PlanRun:
    """A plan, and whether it is the adopted one of its year, printed again."""

    plan: Plan
    was_adopted: bool


@dataclass(frozen=True)
class AccountView:
    """The accounts of an area: how they stand now, and by closed month of a year with their alarms."""

    area: str
    standings: list[Standing]
    months: list[Watched]
    notes: tuple[str, ...]


class HospitalGap(NamedTuple):
    """The cash of a hospital over months: its gap without prepayments and with them."""

    institution_code: str
    months: tuple[str, ...]
    before: Gap
    after: Gap


@dataclass(frozen=True)
class SettlementRun:
    """The settled prepayments of a year, the clearing they rest on, and how many entries the account took now."""

    settlement: Settlement
    area: str
    manifest: Mapping[str, Any]
    plan: Plan | None
    booked: int


def plan_in_home(
    home: Home,
    year: int,
    area: str | None = None,
    *,
    edition: str | None = None,
    history: Path | None = None,
    short: Sequence[str] = (),
    region: str | None = None,
    document: str | None = None,
    approved: str | None = None,
) -> PlanRun:
    """The plan of a year, or the adopted one as it was frozen once it has paid; with `document` the plan is adopted.

    `approved`: the digest of the plan that was approved; another one is refused (`approval.stale`).

    `edition`: the edition that states the rules of prepayment, where the area's own does not; `short`: hospitals short
    of cash. Raises PolicyError (`prepay.*`, `policy.gap`); nothing is written then. Source: S001-34..39, S907-01.
    """
    with home.locked():
        area = account_area(home, area, f"{year}-01")
        standing = adopted_plans(home, area).get(year)
        if standing and document is None:
            return PlanRun(standing, was_adopted=True)
        rules = _rules(home, area, f"{year}-01", edition)
        known = _known(home, area, read_history(history) if history else {})
        series = read_loaded(home, SERIES)
        states = {fund: fund_state(series, fund, year, region) for fund in {fund for _, fund in known.places()}}
        plan = make_plan(
            rules, (area, area_label(home, area)), year, known, _hospitals(home, year), states, frozenset(short)
        )
        if approved is not None:
            check_approved({"result_digest": plan.digest}, {"result_digest": approved})
        return PlanRun(plan if document is None else adopt(home, plan, document), was_adopted=False)


def pay_in_home(home: Home, until: date, area: str | None = None) -> list[Entry]:
    """Book the instalments of the adopted plans that are due until a day; what is booked already is not booked again.

    PolicyError `prepay.plan` when no plan is adopted. Source: S001-39, S907-01.
    """
    with home.locked():
        area = account_area(home, area, f"{until:%Y-%m}")
        plans = adopted_plans(home, area)
        if not plans:
            raise PolicyError(
                "prepay.plan",
                f"统筹区 {area} 没有核定的预付金计划",
                where=area,
                hint="先运行 tongpin prepay plan --year 年度 --adopt 文号",
            )
        return book(home, [one for plan in plans.values() for one in plan.entries(until)])


def instant_in_home(
    home: Home, until: date, document: str, area: str | None = None, *, edition: str | None = None
) -> list[Entry]:
    """Book the advances of instant settlement for the windows of a month that end by `until` (S907-02).

    PolicyError `prepay.closed` when the month is closed: it has nothing left to take them from.
    """
    month = f"{until:%Y-%m}"
    with home.locked():
        area = account_area(home, area, month)
        if month in closed_months(home, area):
            raise PolicyError("prepay.closed", f"{month} 已关账，不再预拨", where=area, hint="预拨只到关账之前")
        settling = open_policy(home, area, month)
        rules = _rules(home, area, month, edition)
        lists = _standing_lists(home, area, until)
        return book(home, advances(lists, area, settling, rules, until, document))


def book_in_home(home: Home, entry: Entry) -> bool:
    """Book one entry by hand: an opening balance, money the hospital returned, a correction; False: it stood there.

    Raises PolicyError `prepay.entry` or `prepay.account` (more would come back than was paid); nothing is booked then.
    """
    with home.locked():
        held = read_account(home, entry.area)
        same = next((one for one in held if one.entry_id == entry.entry_id), None)
        if same is None:
            standings([*held, entry], _taken(home, entry.area), LAST_MONTH)
            return bool(book(home, [entry]))
        if same != entry:
            raise PolicyError(
                "prepay.entry",
                f"同一天、同一文号已记过 {yuan(same.amount_fen)} 元，与这一笔不同",
                where=entry.entry_id,
                hint="确是另一笔的，文号写到笔次；记错了的，另记一笔更正",
            )
        return False


def account_in_home(home: Home, year: int, area: str | None = None) -> AccountView:
    """The accounts of an area as they stand, and month by month over the closed months of a year."""
    area = account_area(home, area, f"{year}-12")
    entries = read_account(home, area)
    rows = _statement_rows(home, area)
    taken, payable = taken_of(rows), payable_of(rows)
    closed = sorted(closed_months(home, area))
    plan = adopted_plans(home, area).get(year)
    rules = policy_named(home, plan.policy) if plan else None
    months = [
        one
        for month in closed
        if month.startswith(f"{year}-")
        for one in watched(month, entries, taken, payable, closed, plan, rules)
    ]
    notes = ["没有一笔预付"] * (not entries) + [f"{year} 年没有核定的计划，使用率不能与计划比"] * (plan is None)
    return AccountView(area, standings(entries, taken, LAST_MONTH), months, tuple(notes))


def settle_prepayments(
    home: Home, year: int, day: date, area: str | None = None, *, draft: bool = False
) -> SettlementRun:
    """Settle the prepayments of a cleared year and book what its balance gives back; a draft books nothing.

    Raises StoreError `clear.open` when the year is not cleared. Source: S001-40, S001-41, TV-C1.
    """
    with home.locked():
        area = account_area(home, area, f"{year}-12")
        manifest, places = _cleared(home, year, area)
        entries = read_account(home, area)
        plan = adopted_plans(home, area).get(year)
        rules = policy_named(home, plan.policy) if plan else None
        if not entries and plan is None:
            raise PolicyError("prepay.empty", f"统筹区 {area} 没有预付金", where=area, hint="没有要结算的")
        found = settle_year(year, manifest["run"], day, area, places, entries, _taken(home, area), plan, rules)
        booked = 0 if draft else len(book(home, found.entries))
    return SettlementRun(found, area, manifest, plan, booked)


def gaps_in_home(home: Home, hospitals: Sequence[Flows], area: str | None, minimum_fen: int) -> list[HospitalGap]:
    """The cash gap of hospitals from their own flows, and with prepayments booked or planned (S001-72)."""
    if not hospitals:
        raise PolicyError("prepay.empty", "现金流文件没有一行", hint="逐月写出机构的流入与流出")
    area = account_area(home, area, hospitals[0].months[0])
    booked = read_account(home, area)
    held = {one.entry_id for one in booked}
    planned = [
        one
        for plan in adopted_plans(home, area).values()
        for one in plan.entries(date(plan.year, 12, 31))
        if one.entry_id not in held
    ]
    found: list[HospitalGap] = []
    for one in hospitals:
        ahead = _flows_ahead([*booked, *planned], one.institution_code, one.months)
        together = [flow + more for flow, more in zip(one.flows_fen, ahead, strict=True)]
        before = cash_gap(one.opening_fen, one.flows_fen, minimum_fen)
        after = cash_gap(one.opening_fen, together, minimum_fen)
        found.append(HospitalGap(one.institution_code, one.months, before, after))
    return found


def hospital_names(home: Home, year: int) -> dict[str, str]:
    """The names of the hospitals of a home by code, as registered for a year."""
    return {code: one.institution_name for code, one in _hospitals(home, year).items()}


def account_area(home: Home, area: str | None, month: str) -> str:
    """The area that is meant; one that closed no month yet is named by its edition of the month.

    PolicyError `policy.unknown` for an area without an edition: an account is not opened under a misspelt name.
    """
    wanted = area or area_of(home, None) or area_id(open_policy(home, None, month))
    known = sorted({name.split("/")[0] for name in policy_folders(home)})
    if wanted not in known:
        raise PolicyError("policy.unknown", f"没有统筹区 {wanted} 的付费办法", hint=f"已有：{'、'.join(known)}")
    return wanted


def area_label(home: Home, area: str) -> str:
    """What papers call an area: as its newest edition names it."""
    names = [name for name in policy_folders(home) if name.split("/")[0] == area]
    return max((policy_named(home, name) for name in names), key=lambda policy: policy.begins).edition.area


def fund_labels(home: Home, area: str) -> dict[str, str]:
    """What papers call the funds of an area: as its adopted plans and its closed months name them."""
    rows = statements(home, area).select(["fund", "fund_label"]).to_pylist()
    labels = {row["fund"]: row["fund_label"] for row in rows if row["fund_label"]}
    planned = {one.fund: one.fund_label for plan in adopted_plans(home, area).values() for one in plan.offers}
    return planned | labels


def _flows_ahead(entries: Sequence[Entry], code: str, months: Sequence[str]) -> list[int]:
    """What payments ahead add to a hospital's cash by month, in fen: what is paid less what is due back."""
    own = [one for one in entries if one.institution_code == code and one.kind == PAID]
    flows: list[int] = []
    for month in months:
        paid = sum(one.amount_fen for one in own if one.month == month)
        flows.append(paid - sum(one.due_fen(month) - one.due_fen(month_after(month, -1)) for one in own))
    return flows


def _rules(home: Home, area: str, month: str, edition: str | None) -> Policy:
    rules = policy_named(home, edition) if edition else open_policy(home, area, month)
    if "prepay.scheme" not in rules.edition.parameters:
        raise PolicyError(
            "prepay.edition",
            f"付费办法 {rules.id} 没有写预付金（第 23 类）",
            where=rules.file,
            hint="补上 prepay.* 各项，或用 --edition 指定写了预付金的办法，例如 prepay-s001/2025、prepay-national/2024",
        )
    return rules


def _known(home: Home, area: str, file: Mapping[Any, Any]) -> Known:
    done: dict[tuple[str, str, str], int] = {}
    runs = clearing_runs(home, area) if area in areas_of(home) else []
    # The last run of a year says whether its clearing stands or was taken back.
    for year, kind in {run["year"]: run["kind"] for run in runs}.items():
        if kind == CLEARING:
            rows = cleared(home, year, area).clearing.places.to_pylist()
            done |= {(row["institution_code"], row["fund"], str(year)): row["due_fen"] for row in rows}
    return Known(file, done, payable_of(_statement_rows(home, area)))


def _hospitals(home: Home, year: int) -> dict[str, Hospital]:
    """The register of institutions on the first day of a year; one that begins later counts from its first row."""
    found: dict[str, Hospital] = {}
    on = date(year, 1, 1)
    for row in sorted(read_loaded(home, INSTITUTIONS).to_pylist(), key=lambda row: row["valid_from"]):
        code = row["institution_code"]
        if code not in found or row["valid_from"] <= on:
            found[code] = Hospital(
                code, row["institution_name"] or code, row["settlement_level"], row["function_type"] or ""
            )
    return found


def _standing_lists(home: Home, area: str, until: date) -> pa.Table:
    """The settlement lists of an area that no withdrawal until a day has taken back."""
    routes = own_routes(home)
    lists = read_loaded(home, CASES, None if routes else LIST_COLUMNS)
    lists = lists.filter(pc.equal(lists["source"], "settlement_list"))
    if routes:
        routed = route(lists, routes)
        check_routed(routed)
        lists = lists.filter(pc.starts_with(routed.edition_id, f"{area}/"))
    gone = read_loaded(home, WITHDRAWALS).to_pylist()
    keys = [f"{row['institution_code']}|{row['setl_id']}" for row in gone if row["withdrawn_date"] <= until]
    own = pc.binary_join_element_wise(lists["institution_code"], lists["case_id"], "|")
    kept = lists.filter(pc.invert(pc.is_in(own, value_set=pa.array(keys, pa.string()))))
    return kept.select(list(LIST_COLUMNS))


def _statement_rows(home: Home, area: str) -> list[dict[str, Any]]:
    columns = [
        *("institution_code", "fund", "month", "prepay_offset_fen", "instant_advance_fen", "waiting_fen"),
        *("month_pool_payable_fen", "month_floored_fen", "floor_recovered_fen"),
    ]
    rows: list[dict[str, Any]] = statements(home, area).select(columns).to_pylist()
    return rows


def _taken(home: Home, area: str) -> dict[Any, Any]:
    return taken_of(_statement_rows(home, area))


def _cleared(home: Home, year: int, area: str) -> tuple[Mapping[str, Any], dict[tuple[str, str], Cleared]]:
    """The clearing of a year in force: its manifest, and its places by hospital and fund."""
    run = cleared(home, year, area)
    places = {
        (row["institution_code"], row["fund"]): Cleared(
            row["institution_code"],
            row["institution_name"] or row["institution_code"],
            row["fund"],
            row["fund_label"] or row["fund"],
            row["due_fen"] - row["penalty_fen"],
            row["due_fen"] - row["penalty_fen"] - row["balance_fen"],
            row["advance_fen"],
        )
        for row in run.clearing.places.to_pylist()
    }
    return run.manifest, places
