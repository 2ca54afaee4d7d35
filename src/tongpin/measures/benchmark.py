"""Benchmarks 对比基准: means of each group in the region, and risk levels from its mortality."""

from __future__ import annotations

import math

import narwhals as nw
import numpy as np
import pyarrow as pa

from tongpin.base.money import SCALE, round_half_up_column
from tongpin.measures.catalogue import load_definitions
from tongpin.measures.facts import MILLION, case_facts

_SUMS = (
    "case_count",
    "stay_days",
    "total_fee_fen",
    "parted_fee_fen",
    "drug_fee_fen",
    "consumable_fee_fen",
    "death_count",
)


def _group_sums(cases: pa.Table) -> pa.Table:
    facts = nw.from_native(case_facts(cases, ["drg", "status"]), eager_only=True)
    grouped = facts.filter(nw.col("status") == "grouped")
    sums = grouped.group_by("drg").agg(*(nw.col(name).sum() for name in _SUMS)).sort("drg")
    return sums.to_native()


def group_means(cases: pa.Table) -> pa.Table:
    """Means of every group with enough cases: `drg, case_count, mean_fee_fen, mean_stay_e4`, parts and their shares.

    Rounding point: the mean, to the fen and to a ten-thousandth of a day. Needs grouped cases with fees and stays;
    groups below `benchmark.minimum_cases` are left out. Source: S000-03, S000-26.
    """
    sums = _group_sums(cases)
    column = {name: np.asarray(sums[name].to_numpy(), dtype=np.int64) for name in _SUMS}
    enough = column["case_count"] >= load_definitions()["benchmark.minimum_cases"].value
    count, parted = np.maximum(column["case_count"], 1), np.maximum(column["parted_fee_fen"], 1)
    means = {
        "case_count": column["case_count"],
        "mean_fee_fen": round_half_up_column(column["total_fee_fen"], count),
        "mean_stay_e4": round_half_up_column(column["stay_days"] * SCALE, count),
        "mean_drug_fen": round_half_up_column(column["drug_fee_fen"], count),
        "mean_consumable_fen": round_half_up_column(column["consumable_fee_fen"], count),
        "drug_share_e6": round_half_up_column(column["drug_fee_fen"] * MILLION, parted),
        "consumable_share_e6": round_half_up_column(column["consumable_fee_fen"] * MILLION, parted),
    }
    return pa.table({"drg": sums["drg"]} | means).filter(pa.array(enough))


def group_deaths(cases: pa.Table) -> pa.Table:
    """Cases and deaths of every group with enough cases for a risk level: `drg, case_count, death_count`.

    Groups below `risk.minimum_cases` are left out: one death among few would make a group look dangerous.
    """
    sums = _group_sums(cases).select(["drg", "case_count", "death_count"])
    enough = nw.col("case_count") >= load_definitions()["risk.minimum_cases"].value
    return nw.from_native(sums, eager_only=True).filter(enough).to_native()


def risk_levels(deaths: pa.Table) -> pa.Table:
    """Risk level 0–4 of every group from its mortality: `drg, risk_level`.

    ln(mortality) against its mean ± one population standard deviation over groups with deaths, unweighted; a group
    without deaths is level 0. Bounds: 低 < μ−σ ≤ 中低 < μ ≤ 中高 < μ+σ ≤ 高. Source: S000-04 (TV-E3).
    """
    case_count = np.asarray(deaths["case_count"].to_numpy(), dtype=np.float64)
    death_count = np.asarray(deaths["death_count"].to_numpy(), dtype=np.float64)
    with_deaths = death_count > 0
    levels = np.zeros(len(case_count), dtype=np.int64)
    if with_deaths.any():
        logs = np.log(death_count[with_deaths] / case_count[with_deaths])
        mean, deviation = risk_bounds(deaths)
        levels[with_deaths] = np.searchsorted([mean - deviation, mean, mean + deviation], logs, side="right") + 1
    return pa.table({"drg": deaths["drg"], "risk_level": levels})


def risk_bounds(deaths: pa.Table) -> tuple[float, float]:
    """Mean and population standard deviation of ln(mortality) over groups with deaths (NaN without any)."""
    logs = [math.log(row["death_count"] / row["case_count"]) for row in deaths.to_pylist() if row["death_count"] > 0]
    if not logs:
        return math.nan, math.nan
    mean = math.fsum(logs) / len(logs)
    return mean, math.sqrt(math.fsum((log - mean) ** 2 for log in logs) / len(logs))
