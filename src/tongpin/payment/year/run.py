"""Clearing a year in a home 清算关账: closed once, shown again as frozen, reopened only by a visible reversal.

A clearing is in force by its entry in the run log, written last: a run killed before leaves nothing in force.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin import __version__
from tongpin.base.digest import folder_digest, text_digest
from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.lists.overdue import decisions as lists_decide
from tongpin.payment.month.closed import (
    NOT_ASKED,
    area_of,
    check_approved,
    closed_months,
    decisions,
    posted,
    statements,
)
from tongpin.payment.month.statement_columns import assumed_labels, method_of_manifest
from tongpin.payment.policy.library import open_policy
from tongpin.payment.review.rulings import decisions as review_decides
from tongpin.payment.year.clear import CHANGED_SCHEMA, READS, REASON_SCHEMA, Clearing, clear_year
from tongpin.payment.year.next_base import (
    BASE_SCHEMA,
    LastYear,
    next_bases,
    read_last_year,
    states_base,
    weights_digest,
)
from tongpin.payment.year.rulings import as_rulings, read_agreements, read_rulings, with_derived
from tongpin.payment.year.shares import shares_stated
from tongpin.payment.year.state import PLACE_SCHEMA, RATE_SCHEMA
from tongpin.payment.year.taken import last_period
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.store import lake
from tongpin.store.digests import row_digests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

PLACES, CHANGED, REASONS, RUNS = "cleared_places", "cleared_lines", "cleared_reasons", "clearing_runs"
RATES, BASES = "cleared_rates", "next_bases"
BOUNDARIES = ("begin", PLACES, CHANGED, REASONS, RATES, BASES, RUNS)
"""Where a clearing can be cut off: before its first write and after each of its commits; the last one closes it."""

CLEARING, REVERSED = "clearing", "reversal"
_RUN = pa.field("run", pa.string())
_RUN_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("run", "kind", "area", "digest", "manifest")),
        ("year", pa.int64()),
        ("number", pa.int64()),
    ],
)


class _Kept(NamedTuple):
    """A table of the lake that holds a part of clearings, and the order of its rows."""

    name: str
    schema: pa.Schema
    order: tuple[str, ...]


_KEPT = (
    _Kept(PLACES, PLACE_SCHEMA, ("institution_code", "fund")),
    _Kept(CHANGED, CHANGED_SCHEMA, ("institution_code", "case_id", "period")),
    _Kept(REASONS, REASON_SCHEMA, ("place",)),
    _Kept(RATES, RATE_SCHEMA, ("fund", "hospital_level")),
    _Kept(BASES, BASE_SCHEMA, ("institution_code", "fund")),
)

SOURCES: tuple[Callable[[Home, str, int], pa.Table], ...] = (lists_decide, review_decides)
"""Rooms that decide on cases themselves: rows of the layout `decision` for an area and a year."""


def _nothing(_: str) -> None:
    """The boundary hook of an ordinary run."""


class Papers(NamedTuple):
    """Files that a clearing takes besides the home: the 协议考核表 (S912-01), the figures of the year before."""

    agreement: Path | None = None
    last_year: Path | None = None


NO_PAPERS = Papers()
"""A clearing with nothing besides the home."""


@dataclass(frozen=True)
class ClearingRun:
    """A cleared year: what was cleared, the manifest it was closed with, and whether it had been closed before."""

    clearing: Clearing
    manifest: dict[str, Any]
    was_closed: bool


def clear_in_home(
    home: Home,
    year: int,
    area: str | None = None,
    *,
    draft: bool = False,
    papers: Papers = NO_PAPERS,
    approved: Mapping[str, str] = NOT_ASKED,
    at: Callable[[str], None] = _nothing,
) -> ClearingRun:
    """Clear a year of an area of a home, or give a closed clearing back as it was frozen; a draft closes nothing.

    `approved`: what an approval names of the manifest; another result is refused (`approval.stale`). `at` is told every
    boundary of `BOUNDARIES` as it is passed. Raises PolicyError (`clear.months`: a month of the year is open;
    `settle.area`), BalanceError or StoreError (`home.busy`, `clear.digest`); nothing is in force then.
    Source: S900-01 steps 8-14.
    """
    with home.locked():
        area = area_of(home, area)
        standing = _standing(home, year, area)
        if standing is not None:
            check_approved(standing, approved)
            return ClearingRun(_frozen(home, standing), standing, was_closed=True)
        policy = open_policy(home, area, f"{year}-12")
        clearing, manifest = _clear(home, year, policy, papers, draft=draft)
        check_approved(manifest, approved)
        if not draft:
            _keep(home, manifest, clearing, at)
    return ClearingRun(clearing, manifest, was_closed=False)


def reverse_in_home(
    home: Home, year: int, reason: str, area: str | None = None, *, at: Callable[[str], None] = _nothing
) -> dict[str, Any]:
    """Reopen a cleared year: post the opposite of every amount; the year can be cleared anew, both stay visible.

    Raises StoreError `clear.open` (nothing is closed), PolicyError `clear.reason` (no reason is given)
    or `clear.order` (a later year is cleared already). The manifest of the reversal is given back.
    """
    if not reason.strip():
        raise PolicyError("clear.reason", "撤销清算须写明原因", hint="用 --reason 写明原因与文号")
    with home.locked():
        area = area_of(home, area)
        standing = _in_force(home, year, area)
        later = sorted({run["year"] for run in clearing_runs(home, area) if run["year"] > year})
        later = [one for one in later if _standing(home, one, area)]
        if later:
            raise PolicyError("clear.order", f"{later[0]} 年度已经清算", hint="由近及远逐年撤销")
        places, changed, reasons, rates, bases = (_negated(table) for table in _frozen(home, standing).tables)
        opposite = Clearing(year, places, changed, reasons, rates, (), bases)
        manifest = {
            **standing,
            "run": f"{standing['run']}R",
            "kind": REVERSED,
            "reverses": standing["run"],
            "reason": reason.strip(),
            "result_digest": opposite.digest,
            "notes": [f"撤销清算 {standing['run']}：{reason.strip()}"],
        }
        _keep(home, manifest, opposite, at)
    return manifest


def clearing_runs(home: Home, area: str | None = None) -> list[dict[str, Any]]:
    """The manifests of every clearing and reversal of an area (or the only one), in the order of their closing."""
    wanted = area_of(home, area)
    return [run for run in _every_run(home) if run["area"] == wanted]


def _every_run(home: Home) -> list[dict[str, Any]]:
    table = lake.read(home, RUNS)
    rows = [] if table is None else table.sort_by([("year", "ascending"), ("number", "ascending")]).to_pylist()
    return [json.loads(row["manifest"]) for row in rows]


def cleared(home: Home, year: int, area: str | None = None) -> ClearingRun:
    """The clearing of a year that is in force, as it was frozen; StoreError `clear.open` when there is none."""
    standing = _in_force(home, year, area_of(home, area))
    return ClearingRun(_frozen(home, standing), standing, was_closed=True)


def _in_force(home: Home, year: int, area: str | None) -> dict[str, Any]:
    standing = _standing(home, year, area)
    if standing is None:
        raise StoreError("clear.open", f"{year} 年度没有已关账的清算", hint=f"先运行 tongpin clear --year {year}")
    return standing


def _standing(home: Home, year: int, area: str | None) -> dict[str, Any] | None:
    """The manifest of the clearing of a year that no reversal has taken back."""
    runs = [run for run in _every_run(home) if run["year"] == year and run["area"] == area]
    return runs[-1] if runs and runs[-1]["kind"] == CLEARING else None


def _clear(home: Home, year: int, policy: Policy, papers: Papers, *, draft: bool) -> tuple[Clearing, dict[str, Any]]:
    area = policy.id.split("/")[0]
    closed = closed_months(home, area)
    last = last_period(policy, year)
    wanted = _months(year, last)
    open_months = [month for month in wanted if month not in closed]
    if open_months and not draft:
        raise PolicyError(
            "clear.months",
            f"{year} 年度还有 {len(open_months)} 个月没有关账，例如 {open_months[0]}",
            where=str(home.root),
            hint="先逐月关账；只想看看用 --draft",
        )
    read = [month for month in sorted(closed) if f"{year - 1}-01" <= month <= last]
    if not read:
        raise PolicyError("clear.empty", f"{year} 年度没有已关账的月份", hint="先运行 tongpin settle")
    decided = _decided(home, area, year)
    rulings = read_rulings(decided, year, read_agreements(papers.agreement) if papers.agreement else None)
    on = date(year, 12, 31)
    by_payee = policy.value("clearing.payee", on) == "payee"
    payees = _payees(read_loaded(home, INSTITUTIONS)) if by_payee else {}
    clearing = clear_year(
        year, _ordered(posted(home, area, read, READS)), statements(home, area, read), rulings, policy, payees=payees
    )
    weights = weights_digest(policy, closed[read[-1]].get("scheme_digest", ""))
    if states_base(policy, year):
        before = _last_year(home, year, area, papers, weights)
        clearing = replace(clearing, bases=next_bases(policy, year, clearing.places, before, weights))
    number = 1 + sum(run["year"] == year and run["kind"] == CLEARING for run in clearing_runs(home, area))
    shut = len(wanted) - len(open_months)
    notes = [f"试算只含已关账的 {shut} 个月：{len(open_months)} 个月没有关账"] if open_months else []
    shares = shares_stated(policy, on)
    files = {"agreement": papers.agreement, "last_year": papers.last_year}
    manifest = {
        "run": f"{area}/{year}-{number}",
        "kind": CLEARING,
        "year": year,
        "area": area,
        "area_label": policy.edition.area,
        "method": method_of_manifest(closed[read[-1]]),
        "policy": policy.id,
        "policy_label": policy.edition.label,
        "policy_digest": policy.digest,
        "weights_digest": weights,
        "assumed": list(assumed_labels(policy)),
        "shares": shares.schemes,
        "months": {month: closed[month]["result_digest"] for month in read},
        "inputs": {
            "decision": text_digest([b"".join(sorted(row_digests(decided).to_pylist())).hex()]),
            **{name: folder_digest(path.parent, [path.name]) for name, path in files.items() if path},
        },
        "result_digest": clearing.digest,
        "version": __version__,
        "notes": [*notes, *clearing.notes, *shares.notes],
    }
    return clearing, manifest


def _decided(home: Home, area: str, year: int) -> pa.Table:
    """What was decided for an area: the loaded decisions, then those of the rooms that decide themselves."""
    loaded = as_rulings(decisions(home, area))
    return with_derived(loaded, [as_rulings(source(home, area, year)) for source in SOURCES])


def _last_year(home: Home, year: int, area: str, papers: Papers, weights: str) -> LastYear | None:
    """The figures of the year before: as given, else those of its clearing in force."""
    if papers.last_year:
        return read_last_year(papers.last_year, weights)
    standing = _standing(home, year - 1, area)
    if standing is None:
        return None
    places = {(row["institution_code"], row["fund"]): row for row in _frozen(home, standing).places.to_pylist()}
    return LastYear(places, standing["weights_digest"], standing["run"])


def _months(year: int, last: str) -> list[str]:
    """The months of a clearing year, with those of its 13th period."""
    months = [f"{year}-{number:02d}" for number in range(1, 13)]
    further = int(last[5:]) if int(last[:4]) > year else 0
    return [*months, *(f"{year + 1}-{number:02d}" for number in range(1, further + 1))]


def _ordered(lines: pa.Table) -> pa.Table:
    """Lines in an order of their own: how the lake keeps its files decides nothing."""
    order = [(name, "ascending") for name in ("institution_code", "case_id", "period", "line_kind")]
    return lines.sort_by(order).combine_chunks()


def _payees(institutions: pa.Table) -> dict[str, str]:
    """The code that is paid for each institution that names another (campuses, S900-02)."""
    rows = sorted(institutions.to_pylist(), key=lambda row: row["valid_from"])
    return {row["institution_code"]: row["payee_code"] for row in rows if row.get("payee_code")}


def _negated(table: pa.Table) -> pa.Table:
    """The same rows with every amount in fen negated."""
    for place, one in enumerate(table.schema):
        if one.name.endswith("_fen"):
            table = table.set_column(place, one, pc.negate(table[one.name]))
    return table


def _keep(home: Home, manifest: Mapping[str, Any], clearing: Clearing, at: Callable[[str], None]) -> None:
    """Write a clearing or a reversal; what an earlier run of the same name left behind is replaced."""
    run = manifest["run"]
    at(BOUNDARIES[0])
    for kept, table in zip(_KEPT, clearing.tables, strict=True):
        named = table.append_column(_RUN, pa.array([run] * table.num_rows, pa.string()))
        lake.replace(home, kept.name, named.cast(pa.schema([*kept.schema, _RUN])), "run", run)
        at(kept.name)
    row = {name: manifest[name] for name in ("run", "kind", "area", "year")}
    number = len(_every_run(home)) + 1
    row |= {"digest": manifest["result_digest"], "number": number, "manifest": json.dumps(manifest, ensure_ascii=False)}
    lake.append(home, RUNS, pa.Table.from_pylist([row], schema=_RUN_SCHEMA))
    at(RUNS)


def _frozen(home: Home, manifest: Mapping[str, Any]) -> Clearing:
    places, changed, reasons, rates, bases = (_rows_of(home, kept, manifest["run"]) for kept in _KEPT)
    frozen = Clearing(manifest["year"], places, changed, reasons, rates, tuple(manifest["notes"]), bases)
    if home.scope is None and frozen.digest != manifest["result_digest"]:
        raise StoreError(
            "clear.digest",
            f"清算 {manifest['run']} 已关账，但库中的数与关账时的摘要不符",
            where=str(home.lake / PLACES),
            hint="数据被改动过：请从备份恢复，不要发布",
        )
    return frozen


def _rows_of(home: Home, kept: _Kept, run: str) -> pa.Table:
    table = lake.read(home, kept.name, where=("run", pa.array([run], pa.string())))
    if table is None:
        return kept.schema.empty_table()
    return table.select(kept.schema.names).cast(kept.schema).sort_by([(name, "ascending") for name in kept.order])
