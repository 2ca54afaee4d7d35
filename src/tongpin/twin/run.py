"""The joint report of a home 联合报告: the settled month, the front pages of the month, the base month beside them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import StoreError
from tongpin.base.money import SCALE
from tongpin.grouping.library import open_scheme
from tongpin.measures.engine import sum_facts
from tongpin.measures.populations import discharged_cases, paid_by_group, settled_cases
from tongpin.payment.month.closed import closed_months
from tongpin.payment.month.run import closed_run
from tongpin.payment.month.statement_columns import DRG, LEVELS, assumed_labels, method_of_manifest, synthetic_notice
from tongpin.payment.policy.library import policy_at_close
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.records.layouts.catalogue import layouts
from tongpin.twin.joint import build_joint
from tongpin.twin.portfolio.classes import losing_months, losing_runs, months_in_row

if TYPE_CHECKING:
    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home
    from tongpin.twin.joint import JointReport


def joint_in_home(home: Home, month: str, area: str | None = None, hospital: str | None = None) -> JointReport:
    """The joint report of a closed `month` (`YYYY-MM`); a report closes nothing.

    With `hospital` the cost that this one imported for the month is counted too: for its own report only. The base of
    the indices is the same month of the year before where its front pages are loaded, else the month itself, and the
    report says which. Raises StoreError `settle.open` (not closed), `joint.pages` (no front pages), `joint.method` (not
    paid by DRG), PolicyError `policy.changed`.
    """
    run = closed_run(home, month, area)
    if method_of_manifest(run.manifest) != DRG:
        raise StoreError(
            "joint.method",
            f"{month} 按病种分值付费，联合报告只比按病组付费的月份",
            where=str(home.root),
            hint="病种的盈亏看 tongpin dip ledger",
        )
    policy = policy_at_close(home, run.manifest)
    scheme = open_scheme(home, policy.scheme_id)
    year_before = f"{int(month[:4]) - 1}{month[4:]}"
    pages = discharged_cases(home, scheme, policy, [month, year_before])
    this = pages.filter(pc.equal(pages["month"], month))
    if not this.num_rows:
        raise StoreError(
            "joint.pages", f"{month} 没有出院的病案首页", where=str(home.root), hint="先用 tongpin load 装载该月首页"
        )
    before = pages.filter(pc.equal(pages["month"], year_before))
    base_month, base = (year_before, before) if before.num_rows else (month, this)
    return build_joint(
        run.settlement.lines,
        this,
        base,
        read_loaded(home, INSTITUTIONS),
        run.settlement.statement,
        _policy_info(policy, scheme, month, base_month, synthetic_notice(home)),
        month,
        group_labels=scheme.drg_names,
        earlier_runs=_earlier_runs(home, month, area),
        cost=None if hospital is None else _cost_of(home, hospital),
    )


def _cost_of(home: Home, hospital: str) -> tuple[pa.Table, pa.Table]:
    """The imported cost of a hospital and its departments."""
    where = ("institution_code", pa.array([hospital], pa.string()))
    cost, departments = (read_loaded(home, layouts()[name].table, where=where) for name in ("cost", "department"))
    return cost, departments


def _earlier_runs(home: Home, month: str, area: str | None) -> dict[str, int]:
    """How many closed months in a row just before `month` each group lost, as many as 连续亏损 asks for."""
    earlier = months_in_row([one for one in closed_months(home, area) if one <= month])[-losing_months() : -1]
    if not earlier:
        return {}
    return losing_runs(sum_facts(paid_by_group(settled_cases(home, earlier, area)), ["drg", "month"]))


def _policy_info(
    policy: Policy, scheme: SchemeTables, month: str, base_month: str, notices: tuple[str, ...]
) -> dict[str, Any]:
    """What the report must say of its basis."""
    day = date.fromisoformat(f"{month}-01")
    multiples = {
        level: {
            name: policy.scaled(f"outlier.{name}.multiple", day, hospital_level=level) / SCALE
            for name in ("low", "high")
        }
        for level in LEVELS
    }
    return {
        "area_label": policy.edition.area,
        "policy_id": policy.id,
        "policy_label": policy.edition.label,
        "scheme_id": scheme.scheme_id,
        "scheme_label": scheme.title,
        "weight_edition": policy.weights_label,
        "weights_assumed": "weights" in policy.assumed_keys(),
        "benchmark_month": base_month,
        "assumed": assumed_labels(policy),
        "multiples": multiples,
        "notices": (*notices, scheme.source),
    }
