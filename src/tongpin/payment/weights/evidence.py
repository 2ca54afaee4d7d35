"""Evidence 证据单: what a draft catalogue does to the cases, counted anew: cases, CV, RIV, hospitals (S905-01)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import round_half_up
from tongpin.payment.weights.repricing import same_cases
from tongpin.payment.weights.statistics import Spread, group_statistics, spread

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.weights.scheme_draft import Change

SIDES: dict[str, str] = {"before": "现行", "after": "草案"}
GROUP_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("side", "drg", "name")),
        *((name, pa.int64()) for name in ("case_count", "hospital_count", "mean_fee_fen")),
        ("cv", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class CatalogueRules:
    """What a draft group has to meet and how many votes adopt it; values of an edition."""

    minimum_cases: int
    cv_limit: Decimal
    vote_share: Decimal

    @classmethod
    def of(cls, policy: Policy, on: date) -> CatalogueRules:
        """The rules in force on a day; `policy.gap` for a value that the edition leaves open."""
        return cls(
            minimum_cases=policy.value("catalogue.minimum_cases", on),
            cv_limit=policy.value("catalogue.cv_limit", on),
            vote_share=policy.value("catalogue.vote_share", on),
        )


@dataclass(frozen=True, slots=True)
class Check:
    """A test of the evidence: what was asked, what was found, whether it holds."""

    label: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sheet of one proposal, counted over all cases.

    Concerned groups before and after (`GROUP_SCHEMA`), spread of all cases on both sides, hospitals with cases that
    moved (`institution_code, institution_name, case_count`), moved cases, checks.
    """

    groups: pa.Table
    before: Spread
    after: Spread
    hospitals: pa.Table
    moved_count: int
    checks: tuple[Check, ...]

    @property
    def riv_gain(self) -> float:
        """RIV of the draft minus RIV of today, over all grouped cases."""
        return self.after.riv - self.before.riv


def evidence_of(before: pa.Table, after: pa.Table, change: Change, rules: CatalogueRules) -> Evidence:
    """The evidence for a change, from the same cases grouped by the scheme in force and by the draft.

    Reads `case_id, institution_code, institution_name, status, drg, adrg, total_fee_fen`; cases without a fee count for
    nothing. Pure.
    """
    same_cases(before, after)
    has_fee = pc.is_valid(before["total_fee_fen"])
    before, after = before.filter(has_fee), after.filter(has_fee)
    old, new = (pc.cast(table["drg"], pa.string()) for table in (before, after))
    moved = pc.not_equal(old, new)
    touched = pc.or_(moved, pc.is_in(old, pa.array(list(change.groups), pa.string())))
    concerned = {
        "before": before.filter(touched),
        "after": after.filter(pc.is_in(new, pc.unique(new.filter(touched)))),
    }
    names = dict(zip(change.targets, change.names, strict=True))
    rows = [row | {"side": side} for side, table in concerned.items() for row in _group_rows(table, names)]
    groups = pa.Table.from_pylist(rows, schema=GROUP_SCHEMA)
    places = before.filter(moved).group_by("institution_code")
    hospitals = places.aggregate([([], "count_all"), ("institution_name", "max")]).sort_by(
        [("count_all", "descending")]
    )
    spreads = [
        spread(table.filter(pc.equal(pc.cast(table["status"], pa.string()), "grouped"))) for table in (before, after)
    ]
    return Evidence(
        groups=groups,
        before=spreads[0],
        after=spreads[1],
        hospitals=pa.table(
            {
                "institution_code": hospitals["institution_code"],
                "institution_name": hospitals["institution_name_max"],
                "case_count": hospitals["count_all"],
            }
        ),
        moved_count=pc.sum(moved).as_py() or 0,
        checks=_checks(groups, change, rules, spreads[1].riv - spreads[0].riv),
    )


def _group_rows(table: pa.Table, names: dict[str, str]) -> list[dict[str, object]]:
    plain = table.set_column(table.schema.get_field_index("drg"), "drg", pc.cast(table["drg"], pa.string()))
    wide = plain.select(["drg", "institution_code"])
    hospitals = wide.group_by("drg").aggregate([("institution_code", "count_distinct")]).to_pylist()
    count = {row["drg"]: row["institution_code_count_distinct"] for row in hospitals}
    return [
        {
            "drg": row["drg"],
            "name": names.get(row["drg"]),
            "case_count": row["case_count"],
            "hospital_count": count[row["drg"]],
            "mean_fee_fen": round_half_up(row["fee_fen"], row["case_count"]),
            "cv": row["cv"],
        }
        for row in group_statistics(plain).to_pylist()
    ]


def _checks(groups: pa.Table, change: Change, rules: CatalogueRules, gain: float) -> tuple[Check, ...]:
    drafted = {row["drg"]: row for row in groups.to_pylist() if row["side"] == "after"}
    found: list[Check] = []
    for drg in change.targets:
        row = drafted.get(drg)
        count, cv = (row["case_count"], row["cv"]) if row else (0, None)
        found.append(Check(f"{drg} 不少于 {rules.minimum_cases} 例", f"{count:,} 例", count >= rules.minimum_cases))
        shown = "—" if cv is None else f"{cv:.2f}"
        low = cv is not None and cv <= float(rules.cv_limit)
        found.append(Check(f"{drg} 费用变异系数不超过 {rules.cv_limit}", shown, low))
    if change.kind != "merge":
        found.append(Check("分组解释的费用差异（RIV）提高", f"{gain * 100:+.3f} 个百分点", gain > 0))
    return tuple(found)
