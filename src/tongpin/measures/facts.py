"""Facts 可加事实: per case, named integers whose sums are all a measure may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE, round_half_up_column
from tongpin.measures.catalogue import load_definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

MILLION = 1_000_000
"""Ratios of a single case to its group are carried in millionths; this is their rounding point."""

FAILED_CHECK = ("check_failed", "dx_not_mapped", "px_not_mapped")
UNGROUPED = ("ungrouped", "ambiguous")
LOW_RISK = 1


class _Cases:
    """A case table as NumPy columns, nulls as zero with a mask beside them."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.names = frozenset(table.column_names)
        self.size = table.num_rows

    def values(self, name: str) -> Integers:
        column = pc.fill_null(pc.cast(self.table[name], pa.int64()), 0)
        return np.asarray(column.to_numpy(), dtype=np.int64)

    def known(self, name: str) -> NDArray[np.bool_]:
        return np.asarray(pc.is_valid(self.table[name]).to_numpy(), dtype=np.bool_)

    def among(self, name: str, values: Sequence[str]) -> Integers:
        column = self.table[name]
        hit = pc.is_in(column, value_set=pa.array(values, column.type))
        return np.asarray(pc.fill_null(hit, False).to_numpy(), dtype=np.int64)


class _Lookup:
    """Rows of a table keyed by `drg`, brought to each case; a group without a row gives zeros and `found` 0."""

    def __init__(self, cases: _Cases, table: pa.Table) -> None:
        known = pc.cast(table["drg"], pa.string()).combine_chunks()
        place = pc.index_in(pc.cast(cases.table["drg"], pa.string()), value_set=known)
        index = np.asarray(pc.fill_null(place, -1).to_numpy(), dtype=np.int64)
        self.found = (index >= 0).astype(np.int64)
        self._index = np.maximum(index, 0)
        self._table = table

    def __getitem__(self, name: str) -> Integers:
        column = np.asarray(self._table[name].to_numpy(), dtype=np.int64)
        if not len(column):
            return np.zeros(len(self._index), dtype=np.int64)
        return column[self._index] * self.found


def _grouping(cases: _Cases) -> dict[str, Integers]:
    limits = load_definitions()
    grouped = cases.among("status", ["grouped"])
    too_long = cases.values("los") > limits["grouping.excluded_stay_days"].value
    too_cheap = cases.known("total_fee_fen") & (
        cases.values("total_fee_fen") < limits["grouping.excluded_fee_fen"].value
    )
    excluded = (too_long | too_cheap).astype(np.int64)
    return {
        "grouped_count": grouped,
        "grouped_in_scope_count": grouped * (1 - excluded),
        "excluded_count": excluded,
        "failed_check_count": cases.among("status", FAILED_CHECK),
        "ungrouped_count": cases.among("status", UNGROUPED),
    }


def _weight(cases: _Cases) -> dict[str, Integers]:
    weight = cases.values("weight_e4")
    weighted = (weight > 0).astype(np.int64)
    low = weighted * (weight < load_definitions()["weight.low_below_e4"].value)
    facts = {"weight_e4": weight, "weighted_count": weighted, "low_weight_count": low}
    if "total_fee_fen" in cases.names:
        facts["weighted_fee_fen"] = weighted * cases.values("total_fee_fen")
    return facts


def _stay(cases: _Cases) -> dict[str, Integers]:
    return {"stay_days": cases.values("los"), "stay_known_count": cases.known("los").astype(np.int64)}


def _parts(cases: _Cases) -> dict[str, Integers]:
    known = cases.known("drug_fee_fen") & cases.known("consumable_fee_fen") & cases.known("total_fee_fen")
    return {
        "drug_fee_fen": cases.values("drug_fee_fen") * known,
        "consumable_fee_fen": cases.values("consumable_fee_fen") * known,
        "parted_fee_fen": cases.values("total_fee_fen") * known,
    }


def _surgery(cases: _Cases) -> dict[str, Integers]:
    level = cases.values("surgery_level")
    high = load_definitions()["surgery.high_level"].value
    return {"surgery_count": (level > 0).astype(np.int64), "high_surgery_count": (level >= high).astype(np.int64)}


def _death(cases: _Cases) -> dict[str, Integers]:
    return {"death_count": cases.among("discharge_way", [str(load_definitions()["discharge.death_way"].value)])}


def _outlier(cases: _Cases) -> dict[str, Integers]:
    return {
        "high_count": cases.among("outlier_class", ["HIGH"]),
        "low_count": cases.among("outlier_class", ["LOW"]),
    }


def _plain(name: str) -> Callable[[_Cases], dict[str, Integers]]:
    return lambda cases: {name: cases.values(name)}


_MAKERS: tuple[tuple[tuple[str, ...], Callable[[_Cases], dict[str, Integers]]], ...] = (
    (("status", "los", "total_fee_fen"), _grouping),
    (("weight_e4",), _weight),
    (("los",), _stay),
    (("total_fee_fen",), _plain("total_fee_fen")),
    (("drug_fee_fen", "consumable_fee_fen", "total_fee_fen"), _parts),
    (("surgery_level",), _surgery),
    (("discharge_way",), _death),
    (("outlier_class",), _outlier),
    (("standard_fen",), _plain("standard_fen")),
    (("gross_fen",), _plain("gross_fen")),
    (("item_pool_fen",), _plain("item_pool_fen")),
    (("pool_payable_fen",), _plain("pool_payable_fen")),
    (("result_fen",), _plain("result_fen")),
)


def _against_benchmark(cases: _Cases, benchmark: pa.Table) -> dict[str, Integers]:
    """Fee and stay of a case against the mean of its group in the benchmark period."""
    group = _Lookup(cases, benchmark)
    mean_fee, mean_stay = group["mean_fee_fen"], group["mean_stay_e4"]
    known = cases.known("los") & cases.known("total_fee_fen") & (mean_fee > 0) & (mean_stay > 0)
    compared = group.found * known
    fee, stay_e4 = cases.values("total_fee_fen") * compared, cases.values("los") * SCALE * compared
    return {
        "compared_count": compared,
        "compared_fee_fen": fee,
        "benchmark_fee_fen": mean_fee * compared,
        "compared_stay_e4": stay_e4,
        "benchmark_stay_e4": mean_stay * compared,
        "fee_ratio_e6": round_half_up_column(fee * MILLION, np.maximum(mean_fee, 1)),
        "stay_ratio_e6": round_half_up_column(stay_e4 * MILLION, np.maximum(mean_stay, 1)),
    }


def _against_region(cases: _Cases, regional: pa.Table) -> dict[str, Integers]:
    """What the region would have charged for the same groups: the case-mix-expected parts of the fee."""
    group = _Lookup(cases, regional)
    parts = _parts(cases)
    expected = group.found * (parts["parted_fee_fen"] > 0)
    return {
        "expected_count": expected,
        "expected_fee_fen": group["mean_fee_fen"] * expected,
        "expected_drug_fen": group["mean_drug_fen"] * expected,
        "expected_consumable_fen": group["mean_consumable_fen"] * expected,
        "drug_share_e6": group["drug_share_e6"] * expected,
        "consumable_share_e6": group["consumable_share_e6"] * expected,
        "compared_drug_fen": parts["drug_fee_fen"] * expected,
        "compared_consumable_fen": parts["consumable_fee_fen"] * expected,
        "compared_parted_fen": parts["parted_fee_fen"] * expected,
    }


def _low_risk(cases: _Cases, risk: pa.Table) -> dict[str, Integers]:
    low = (_Lookup(cases, risk)["risk_level"] == LOW_RISK).astype(np.int64)
    return {"low_risk_count": low, "low_risk_death_count": low * _death(cases)["death_count"]}


def case_facts(
    table: pa.Table,
    keep: Sequence[str],
    *,
    benchmark: pa.Table | None = None,
    regional: pa.Table | None = None,
    risk: pa.Table | None = None,
) -> pa.Table:
    """The columns `keep` and, beside them, every fact that the table's columns allow (int64, never null).

    `benchmark` and `regional` come from `group_means`, `risk` from `risk_levels` (both in `benchmark.py`); without one
    of them its facts are absent. Nulls count as zero and are left out of the matching `_known`, `compared_`, `parted_`
    fact.
    """
    cases = _Cases(table)
    facts: dict[str, Any] = {"case_count": np.ones(cases.size, dtype=np.int64)}
    for inputs, make in _MAKERS:
        if cases.names.issuperset(inputs):
            facts |= make(cases)
    if benchmark is not None:
        facts |= _against_benchmark(cases, benchmark)
    if regional is not None:
        facts |= _against_region(cases, regional)
    if risk is not None:
        facts |= _low_risk(cases, risk)
    columns = {name: table[name] for name in keep}
    return pa.table(columns | {name: pa.array(values, pa.int64()) for name, values in facts.items()})
