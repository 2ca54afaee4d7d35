"""Mirror 镜像: the measures of both desks side by side for any slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.measures.compute import compute
from tongpin.twin.catalogue import load_pairs, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

SETTLEMENT_MEASURES = (
    "settlement.cases",
    "settlement.total_weight",
    "settlement.mean_weight",
    "settlement.mean_fee",
    "settlement.unit_weight_fee",
    "settlement.item_pool",
    "settlement.pool_payable",
    "settlement.pay_ratio",
    "settlement.result",
    "settlement.result_ratio.paid",
    "settlement.result_ratio.standard",
    "settlement.mean_stay",
    "settlement.variance_share",
    "settlement.low_weight_share",
)
DISCHARGE_MEASURES = (
    "discharge.cases",
    "discharge.cmi",
    "discharge.mean_fee",
    "discharge.unit_weight_fee",
    "discharge.mean_stay",
    "discharge.time_index.mean_form",
    "discharge.time_index.sum_form",
    "discharge.fee_index.mean_form",
    "discharge.fee_index.sum_form",
    "discharge.drug_share",
    "discharge.consumable_share",
    "discharge.drug_consumable_share",
    "discharge.expected_drug_share.fee_weighted",
    "discharge.expected_consumable_share.fee_weighted",
    "discharge.compared_drug_share",
    "discharge.compared_consumable_share",
    "discharge.surgery_share",
    "discharge.high_surgery_share",
    "discharge.mortality",
    "discharge.low_risk_mortality",
)
"""The measures that the joint report shows, beyond those of the pairs also their context."""
COST_MEASURES = ("settlement.surplus_ratio.cost", "settlement.cost_to_standard")
"""What a hospital that imported cost sees beside them, of its own cases only (S906-01)."""

LOW_RISK_COUNTS = ("low_risk_death_count", "low_risk_count")
"""Deaths and cases of the low-risk groups, shown instead of a rate where cases are few."""


def mirror_table(settlement: pa.Table, discharge: pa.Table, by: Sequence[str], *, costed: bool = False) -> pa.Table:
    """Both desks by slice: `by`, then one column per measure id (and flag); a slice known to one desk only has nulls.

    `settlement` holds facts of 医保DRG lists of the settlement month, `discharge` facts of all front pages of the
    discharge month; `costed` adds the `COST_MEASURES`. Source: S000-01..04, S000-44.
    """
    left = _figures(settlement, (*SETTLEMENT_MEASURES, *(COST_MEASURES if costed else ())), by)
    right = _figures(discharge, DISCHARGE_MEASURES, by)
    if not by:
        return pa.table({name: part[name] for part in (left, right) for name in part.column_names})
    joined = left.join(right, keys=list(by), join_type="full outer")
    return joined.sort_by([(name, "ascending") for name in by])


def pair_measures() -> tuple[str, ...]:
    """Ids of the measures that make up the four pairs, in their order."""
    return tuple(
        measure_id for pair in load_pairs() for measure_id in (*pair.insurance.measures, *pair.assessment.measures)
    )


def _figures(facts: pa.Table, measure_ids: Sequence[str], by: Sequence[str]) -> pa.Table:
    chosen = [measure(measure_id) for measure_id in measure_ids]
    figures = compute(facts, chosen, by)
    flags = [f"{one.id}.flag" for one in chosen if one.flag_when]
    counts = [name for name in LOW_RISK_COUNTS if name in figures.column_names]
    return figures.select([*by, *measure_ids, *flags, *counts])
