"""Alliances in a home: the totals of a year with the clearing of their members, and what moves to the leads."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.payment.ledger.alliance import STANDARD, Alliance, divided, members_of
from tongpin.payment.ledger.sources import own_rows
from tongpin.payment.month.closed import posted
from tongpin.payment.policy.library import policy_named
from tongpin.payment.year.run import cleared
from tongpin.payment.year.taken import cleared_in
from tongpin.records.intake.load import INSTITUTIONS, read_loaded
from tongpin.records.layouts.catalogue import layouts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.year.run import ClearingRun
    from tongpin.store.home import Home

AGREEMENTS = layouts()["alliance"].table


def alliances_in_home(home: Home, year: int, area: str) -> tuple[list[Alliance], dict[str, Any]]:
    """The alliances of a cleared year and the manifest of the clearing (S917-01).

    StoreError `clear.open` when the year is not cleared, PolicyError `ledger.alliance` without any total.
    """
    run = cleared(home, year, area)
    found = alliances_of(home, run, area)
    if not found:
        raise PolicyError(
            "ledger.alliance",
            f"{year} 年没有医共体打包总额",
            where=AGREEMENTS,
            hint="装载 alliance.csv（牵头机构、年度、基金、总额），并在机构登记表写 alliance_lead",
        )
    return found, run.manifest


def alliances_of(home: Home, run: ClearingRun, area: str) -> list[Alliance]:
    """The alliances that have a total for the year of a clearing; none where no total is loaded."""
    year = run.clearing.year
    agreements = own_rows(home, AGREEMENTS, area)
    own = agreements.filter(pc.equal(agreements["year"], year))
    rows = own.sort_by([("lead_code", "ascending"), ("fund", "ascending")]).to_pylist()
    if not rows:
        return []
    policy = policy_named(home, run.manifest["policy"])
    base = policy.value("alliance.divide_by", date(year, 12, 31))
    leads = members_of(read_loaded(home, INSTITUTIONS).to_pylist(), date(year, 12, 31))
    standards = _standards(home, area, sorted(run.manifest["months"]), policy, year) if base == STANDARD else {}
    places = run.clearing.places.to_pylist()
    return [divided(row, leads, places, standards, base) for row in rows]


def _standards(home: Home, area: str, months: Sequence[str], policy: Policy, year: int) -> dict[tuple[str, str], int]:
    """The payment standards (weight × rate × coefficient) of the lines that a year clears, by institution and fund."""
    names = ["institution_code", "fund", "period", "settlement_date", "discharge_time", "accepted_date", "standard_fen"]
    lines = posted(home, area, months, names)
    mine = lines.filter(pa.array(cleared_in(lines, policy) == year))
    sums = mine.group_by(["institution_code", "fund"]).aggregate([("standard_fen", "sum")]).to_pylist()
    return {(row["institution_code"], row["fund"]): row["standard_fen_sum"] or 0 for row in sums}


def moved_rows(alliances: Sequence[Alliance], month: str) -> dict[str, pa.Table]:
    """What moves to the leads, by source of posting rules: every balance of a member, and total less settlement."""
    members, leads = [], []
    for one in alliances:
        place = {"month": month, "fund": one.fund}
        others = [member for member in one.members if not member.is_lead]
        members += [
            place | {"institution_code": member.institution_code, "balance_fen": member.balance_fen}
            for member in others
        ]
        moved = sum(member.balance_fen for member in others)
        amounts = {"moved_fen": moved, "difference_fen": one.difference_fen}
        leads.append(place | {"institution_code": one.lead_code, **amounts})
    texts = [(name, pa.string()) for name in ("month", "institution_code", "fund")]
    return {
        "alliance_member": pa.Table.from_pylist(members, pa.schema([*texts, ("balance_fen", pa.int64())])),
        "alliance_lead": pa.Table.from_pylist(
            leads, pa.schema([*texts, ("moved_fen", pa.int64()), ("difference_fen", pa.int64())])
        ),
    }
