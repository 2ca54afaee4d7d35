"""Clearing a year in a home 清算关账: closed once, shown again as frozen, reopened only by a visible reversal.

A clearing is in force by its entry in the run log, written last: a run killed before leaves nothing in force.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin import __version__
from tongpin.base.digest import folder_digest, text_digest
from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.month.run import LINES, STATEMENTS, closed_months
from tongpin.payment.month.statement import STATEMENT_SCHEMA
from tongpin.payment.month.statement_columns import assumed_labels
from tongpin.payment.policy.library import open_policy
from tongpin.payment.year.clear import CHANGED_SCHEMA, READS, REASON_SCHEMA, Clearing, clear_year
from tongpin.payment.year.rulings import as_rulings, read_agreements, read_rulings
from tongpin.payment.year.state import PLACE_SCHEMA
from tongpin.payment.year.taken import last_period
from tongpin.records.intake.load import DECISIONS, INSTITUTIONS, read_loaded
from tongpin.store import lake
from tongpin.store.digests import row_digests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home

PLACES, CHANGED, REASONS, RUNS = "cleared_places", "cleared_lines", "cleared_reasons", "clearing_runs"
BOUNDARIES = ("begin", PLACES, CHANGED, REASONS, RUNS)
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
_KEPT = ((PLACES, PLACE_SCHEMA), (CHANGED, CHANGED_SCHEMA), (REASONS, REASON_SCHEMA))


def _nothing(_: str) -> None:
    """The boundary hook of an ordinary run."""


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
    agreement: Path | None = None,
    at: Callable[[str], None] = _nothing,
) -> ClearingRun:
    """Clear a year of a home, or give a closed clearing back as it was frozen; a draft closes nothing.

    `agreement`: the 协议考核表 as CSV (S912-01); `at` is told every boundary of `BOUNDARIES` as it is passed. Raises
    PolicyError (`clear.months`: a month of the year is open; `settle.area`), BalanceError or StoreError (`home.busy`,
    `clear.digest`); nothing is in force then. Source: S900-01 steps 8-14.
    """
    with home.locked():
        standing = _standing(home, year)
        if standing is not None:
            return ClearingRun(_frozen(home, standing), standing, was_closed=True)
        policy = _policy(home, year, area)
        clearing, manifest = _clear(home, year, policy, agreement, draft=draft)
        if not draft:
            _keep(home, manifest, clearing, at)
    return ClearingRun(clearing, manifest, was_closed=False)


def reverse_in_home(home: Home, year: int, reason: str, *, at: Callable[[str], None] = _nothing) -> dict[str, Any]:
    """Reopen a cleared year: post the opposite of every amount; the year can be cleared anew, both stay visible.

    Raises StoreError `clear.open` (nothing is closed), PolicyError `clear.reason` (no reason is given)
    or `clear.order` (a later year is cleared already). The manifest of the reversal is given back.
    """
    if not reason.strip():
        raise PolicyError("clear.reason", "撤销清算须写明原因", hint="用 --reason 写明原因与文号")
    with home.locked():
        standing = _standing(home, year)
        if standing is None:
            raise StoreError("clear.open", f"{year} 年度没有已关账的清算", hint=f"先运行 tongpin clear --year {year}")
        later = sorted(
            {run["year"] for run in clearing_runs(home) if run["year"] > year and _standing(home, run["year"])}
        )
        if later:
            raise PolicyError("clear.order", f"{later[0]} 年度已经清算", hint="由近及远逐年撤销")
        frozen = _frozen(home, standing)
        opposite = Clearing(year, _negated(frozen.places), _negated(frozen.changed), _negated(frozen.reasons), ())
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


def clearing_runs(home: Home) -> list[dict[str, Any]]:
    """The manifests of every clearing and reversal of a home, in the order in which they were closed."""
    table = lake.read(home, RUNS)
    rows = [] if table is None else table.sort_by([("year", "ascending"), ("number", "ascending")]).to_pylist()
    return [json.loads(row["manifest"]) for row in rows]


def cleared(home: Home, year: int) -> ClearingRun:
    """The clearing of a year that is in force, as it was frozen; StoreError `clear.open` when there is none."""
    standing = _standing(home, year)
    if standing is None:
        raise StoreError("clear.open", f"{year} 年度没有已关账的清算", hint=f"先运行 tongpin clear --year {year}")
    return ClearingRun(_frozen(home, standing), standing, was_closed=True)


def _standing(home: Home, year: int) -> dict[str, Any] | None:
    """The manifest of the clearing of a year that no reversal has taken back."""
    runs = [run for run in clearing_runs(home) if run["year"] == year]
    return runs[-1] if runs and runs[-1]["kind"] == CLEARING else None


def _policy(home: Home, year: int, area: str | None) -> Policy:
    closed = closed_months(home)
    settled = {manifest["area"] for manifest in closed.values()}
    if area is not None and settled - {area}:
        raise PolicyError(
            "settle.area",
            f"这个工作目录已按统筹区 {'、'.join(sorted(settled))} 关账，不能按 {area} 清算",
            hint="另一统筹区请用另一个 --home",
        )
    return open_policy(home, area or min(settled, default=None), f"{year}-12")


def _clear(
    home: Home, year: int, policy: Policy, agreement: Path | None, *, draft: bool
) -> tuple[Clearing, dict[str, Any]]:
    closed = closed_months(home)
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
    statements = _statements(home, read)
    lines = lake.read(home, LINES, READS, where=("period", pa.array(read, pa.string())))
    if lines is None or not read:
        raise PolicyError("clear.empty", f"{year} 年度没有已关账的月份", hint="先运行 tongpin settle")
    sheets = read_agreements(agreement) if agreement else None
    decisions = as_rulings(read_loaded(home, DECISIONS))
    rulings = read_rulings(decisions, year, sheets)
    by_payee = policy.value("clearing.payee", date(year, 12, 31)) == "payee"
    payees = _payees(read_loaded(home, INSTITUTIONS)) if by_payee else {}
    clearing = clear_year(year, _ordered(lines), statements, rulings, policy, payees=payees)
    number = 1 + sum(run["year"] == year and run["kind"] == CLEARING for run in clearing_runs(home))
    notes = (
        [f"试算只含已关账的 {len(wanted) - len(open_months)} 个月：{len(open_months)} 个月没有关账"]
        if open_months
        else []
    )
    manifest = {
        "run": f"{year}-{number}",
        "kind": CLEARING,
        "year": year,
        "area": policy.id.split("/")[0],
        "area_label": policy.edition.area,
        "policy": policy.id,
        "policy_label": policy.edition.label,
        "policy_digest": policy.digest,
        "assumed": list(assumed_labels(policy)),
        "shares": {
            "surplus": policy.value("surplus.shares", date(year, 12, 31)),
            "overspend": policy.value("overspend.shares", date(year, 12, 31)),
        },
        "months": {month: closed[month]["result_digest"] for month in read},
        "inputs": {
            "decision": text_digest([b"".join(sorted(row_digests(decisions).to_pylist())).hex()]),
            **({"agreement": folder_digest(agreement.parent, [agreement.name])} if agreement else {}),
        },
        "result_digest": clearing.digest,
        "version": __version__,
        "notes": [*notes, *clearing.notes],
    }
    return clearing, manifest


def _months(year: int, last: str) -> list[str]:
    """The months of a clearing year, with those of its 13th period."""
    months = [f"{year}-{number:02d}" for number in range(1, 13)]
    further = int(last[5:]) if int(last[:4]) > year else 0
    return [*months, *(f"{year + 1}-{number:02d}" for number in range(1, further + 1))]


def _ordered(lines: pa.Table) -> pa.Table:
    order = [(name, "ascending") for name in ("institution_code", "case_id", "period", "line_kind")]
    return lines.sort_by(order).combine_chunks()


def _statements(home: Home, months: list[str]) -> pa.Table:
    table = lake.read(home, STATEMENTS, where=("month", pa.array(months, pa.string())))
    return STATEMENT_SCHEMA.empty_table() if table is None else table.select(STATEMENT_SCHEMA.names)


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
    for (name, schema), table in zip(_KEPT, (clearing.places, clearing.changed, clearing.reasons), strict=True):
        named = table.append_column(_RUN, pa.array([run] * table.num_rows, pa.string()))
        lake.replace(home, name, named.cast(pa.schema([*schema, _RUN])), "run", run)
        at(name)
    row = {name: manifest[name] for name in ("run", "kind", "area", "year")}
    number = len(clearing_runs(home)) + 1
    row |= {"digest": manifest["result_digest"], "number": number, "manifest": json.dumps(manifest, ensure_ascii=False)}
    lake.append(home, RUNS, pa.Table.from_pylist([row], schema=_RUN_SCHEMA))
    at(RUNS)


def _frozen(home: Home, manifest: Mapping[str, Any]) -> Clearing:
    tables = [_rows_of(home, name, schema, manifest["run"]) for name, schema in _KEPT]
    orders = (
        ("institution_code", "fund"),
        ("institution_code", "case_id", "period"),
        ("place",),
    )
    ordered = [
        table.sort_by([(name, "ascending") for name in order]) for table, order in zip(tables, orders, strict=True)
    ]
    places, changed, reasons = ordered
    frozen = Clearing(manifest["year"], places, changed, reasons, tuple(manifest["notes"]))
    if frozen.digest != manifest["result_digest"]:
        raise StoreError(
            "clear.digest",
            f"清算 {manifest['run']} 已关账，但库中的数与关账时的摘要不符",
            where=str(home.lake / PLACES),
            hint="数据被改动过：请从备份恢复，不要发布",
        )
    return frozen


def _rows_of(home: Home, name: str, schema: pa.Schema, run: str) -> pa.Table:
    table = lake.read(home, name, where=("run", pa.array([run], pa.string())))
    return schema.empty_table() if table is None else table.select(schema.names).cast(schema)
