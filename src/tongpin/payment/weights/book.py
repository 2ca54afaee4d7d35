"""The weight book 权重测算: cases of some years in, a weight table with its evidence out."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.policy.policy import WEIGHT_COLUMNS
from tongpin.payment.weights.making import Made, make_weights
from tongpin.payment.weights.stability import weight_changes, weight_text, yearly_weights
from tongpin.payment.weights.statistics import Spread, group_statistics, spread, with_class_fees
from tongpin.payment.weights.trim import Trimmed, trim

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.payment.policy.policy import Weight
    from tongpin.payment.weights.rules import WeightRules


@dataclass(frozen=True, slots=True)
class WeightBook:
    """The weights made of some cases with all that a negotiation asks: what was cut, spread before and after, changes.

    `changes` compares with the weights in force (`CHANGE_SCHEMA`), `years` the years with one another (`YEAR_SCHEMA`);
    `basic` names the 基础病组 kept from there, `names` the groups.
    """

    made: Made
    trimmed: Trimmed
    spread_all: Spread
    spread_kept: Spread
    changes: pa.Table
    years: pa.Table
    basic: frozenset[str]
    names: Mapping[str, str]

    def total_weights(self) -> tuple[int, int]:
        """Total weight of the kept cases by the weights in force and by these, over groups that have both (e4)."""
        held = {row["drg"]: row for row in self.changes.to_pylist() if row["old_e4"] and row["new_e4"]}
        rows = [row for row in self.made.weights.select(["drg", "case_count"]).to_pylist() if row["drg"] in held]
        old, new = (sum(row["case_count"] * held[row["drg"]][side] for row in rows) for side in ("old_e4", "new_e4"))
        return old, new

    def weights(self) -> dict[str, int]:
        """The weight of each group that has one, in ten-thousandths."""
        rows = self.made.weights.select(["drg", "weight_e4"]).to_pylist()
        return {row["drg"]: row["weight_e4"] for row in rows if row["weight_e4"] is not None}


def catalogue_of(scheme: SchemeTables) -> dict[str, str]:
    """Group → ADRG for every group of a scheme."""
    return {leaf.drg: step.adrg for mdc in scheme.mdcs for step in mdc.steps for leaf in step.leaves}


def build_weights(
    grouped: pa.Table, rules: WeightRules, scheme: SchemeTables, in_force: Mapping[str, Weight]
) -> WeightBook:
    """The weight book of grouped cases (A1…A4, S905-03); `in_force` is the weight table to compare with.

    Groups without cases and without an ADRG of cases get no weight (`Made.open_groups`). Pure.
    """
    before = {drg: weight.weight_e4 for drg, weight in in_force.items()}
    trimmed = trim(grouped, rules.trim)
    kept = with_class_fees(trimmed.kept) if rules.method == "five_class" else trimmed.kept
    made = make_weights(group_statistics(kept), rules, catalogue_of(scheme), before)
    fresh = {
        row["drg"]: row["weight_e4"]
        for row in made.weights.select(["drg", "weight_e4"]).to_pylist()
        if row["weight_e4"] is not None
    }
    return WeightBook(
        made=made,
        trimmed=trimmed,
        spread_all=spread(_with_fees(grouped)),
        spread_kept=spread(kept),
        changes=weight_changes(before, fresh, rules.change_limit),
        years=yearly_weights(kept, pc.year(kept["settlement_date"]), rules.few_cases, rules.change_limit),
        basic=frozenset(drg for drg, weight in in_force.items() if weight.basic_group),
        names=scheme.drg_names,
    )


def _with_fees(grouped: pa.Table) -> pa.Table:
    is_grouped = pc.equal(pc.cast(grouped["status"], pa.string()), "grouped")
    return grouped.filter(pc.and_(is_grouped, pc.is_valid(grouped["total_fee_fen"])))


def weights_csv(book: WeightBook) -> str:
    """The weight table as an edition reads it: `drg,weight,basic_group`, four digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(WEIGHT_COLUMNS)
    for drg, weight_e4 in sorted(book.weights().items()):
        writer.writerow([drg, weight_text(weight_e4), int(drg in book.basic)])
    return text.getvalue()
