"""Benchmarks 对比基准: means of groups in the region or at a level, risk levels."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import pyarrow as pa

from tongpin.base.errors import TongpinError
from tongpin.base.money import SCALE, round_half_up_column
from tongpin.measures.catalogue import load_definitions
from tongpin.measures.facts import MILLION, RISKS, case_facts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_SUMS = (
    "case_count",
    "stay_days",
    "stay_known_count",
    "total_fee_fen",
    "parted_count",
    "parted_fee_fen",
    "drug_fee_fen",
    "consumable_fee_fen",
    "death_count",
)
_OF_EXAMS = ("examined_count", "exam_fee_fen")
RISK_COLUMNS = ("drg", "risk_level")
LIGHT_COLUMNS = ("drg",)


def _group_sums(cases: pa.Table, by: Sequence[str] = ()) -> pa.Table:
    keys = [*by, "drg"]
    facts = nw.from_native(case_facts(cases, [*keys, "status"]), eager_only=True)
    grouped = facts.filter(nw.col("status") == "grouped")
    summed = [name for name in (*_SUMS, *_OF_EXAMS) if name in facts.columns]
    sums = grouped.group_by(*keys).agg(*(nw.col(name).sum() for name in summed)).sort(*keys)
    return sums.to_native()


def group_means(cases: pa.Table, by: Sequence[str] = ()) -> pa.Table:
    """Means of every group with enough cases: `by, drg, case_count, mean_fee_fen, mean_stay_e4`, parts, shares.

    `by` = `["hospital_level"]` gives the means of each level. Rounding point: the mean, to the fen and to a
    ten-thousandth of a day. Needs grouped cases with fees and stays; groups below `benchmark.minimum_cases` are left
    out; a mean counts the cases that know what it is of. Source: S000-03, S000-26, S002-05, S002-14.
    """
    sums = _group_sums(cases, by)
    column = {
        name: np.asarray(sums[name].to_numpy(), dtype=np.int64)
        for name in (*_SUMS, *_OF_EXAMS)
        if name in sums.column_names
    }
    enough = column["case_count"] >= load_definitions()["benchmark.minimum_cases"].value
    count, parted = np.maximum(column["case_count"], 1), np.maximum(column["parted_fee_fen"], 1)
    stays, known = np.maximum(column["stay_known_count"], 1), np.maximum(column["parted_count"], 1)
    means = {
        "case_count": column["case_count"],
        "mean_fee_fen": round_half_up_column(column["total_fee_fen"], count),
        "mean_stay_e4": round_half_up_column(column["stay_days"] * SCALE, stays),
        "mean_drug_fen": round_half_up_column(column["drug_fee_fen"], known),
        "mean_consumable_fen": round_half_up_column(column["consumable_fee_fen"], known),
        "drug_share_e6": round_half_up_column(column["drug_fee_fen"] * MILLION, parted),
        "consumable_share_e6": round_half_up_column(column["consumable_fee_fen"] * MILLION, parted),
    }
    if "exam_fee_fen" in column:
        examined = np.maximum(column["examined_count"], 1)
        means["mean_exam_fen"] = round_half_up_column(column["exam_fee_fen"], examined)
    keys = {name: sums[name] for name in (*by, "drg")}
    return pa.table(keys | means).filter(pa.array(enough))


def group_deaths(cases: pa.Table) -> pa.Table:
    """Cases and deaths of every group with enough cases for a risk level: `drg, case_count, death_count`.

    Groups below `risk.minimum_cases` are left out: one death among few would make a group look dangerous.
    """
    sums = _group_sums(cases).select(["drg", "case_count", "death_count"])
    enough = nw.col("case_count") >= load_definitions()["risk.minimum_cases"].value
    return nw.from_native(sums, eager_only=True).filter(enough).to_native()


def risk_levels(deaths: pa.Table, listed: pa.Table | None = None) -> pa.Table:
    """Risk level 0–4 of every group from its mortality: `drg, risk_level`; a list of groups overrides it.

    ln(mortality) against its mean ± one population standard deviation over groups with deaths, unweighted; a group
    without deaths is level 0. Bounds: 低 < μ−σ ≤ 中低 < μ ≤ 中高 < μ+σ ≤ 高. `listed` (`drg, risk_level`) stands for
    the groups it names, with deaths or without. Source: S000-04 (TV-E3).
    """
    case_count = np.asarray(deaths["case_count"].to_numpy(), dtype=np.float64)
    death_count = np.asarray(deaths["death_count"].to_numpy(), dtype=np.float64)
    with_deaths = death_count > 0
    levels = np.zeros(len(case_count), dtype=np.int64)
    if with_deaths.any():
        logs = np.log(death_count[with_deaths] / case_count[with_deaths])
        mean, deviation = risk_bounds(deaths)
        levels[with_deaths] = np.searchsorted([mean - deviation, mean, mean + deviation], logs, side="right") + 1
    own = dict(zip(deaths["drg"].to_pylist(), levels.tolist(), strict=True))
    if listed is not None:
        own |= dict(zip(listed["drg"].to_pylist(), listed["risk_level"].to_pylist(), strict=True))
    return pa.table({"drg": pa.array(own, pa.string()), "risk_level": pa.array(own.values(), pa.int64())})


def risk_bounds(deaths: pa.Table) -> tuple[float, float]:
    """Mean and population standard deviation of ln(mortality) over groups with deaths (NaN without any)."""
    logs = [math.log(row["death_count"] / row["case_count"]) for row in deaths.to_pylist() if row["death_count"] > 0]
    if not logs:
        return math.nan, math.nan
    mean = math.fsum(logs) / len(logs)
    return mean, math.sqrt(math.fsum((log - mean) ** 2 for log in logs) / len(logs))


def read_risk_list(path: Path) -> pa.Table:
    """A list of risk levels 风险级别名单 (`drg,risk_level`, 1 低 … 4 高): such as the national low-risk groups.

    Errors: `measures.list` (no such file, wrong columns, a level that is none, a group twice).
    """
    rows = _read_list(path, RISK_COLUMNS)
    for line, row in rows:
        if row["risk_level"] not in {str(level) for level in RISKS}:
            raise _bad_list(path, line, f"风险级别“{row['risk_level']}”不在 1–4", "1 低、2 中低、3 中高、4 高")
    return pa.table(
        {"drg": [row["drg"] for _, row in rows], "risk_level": [int(row["risk_level"]) for _, row in rows]},
        schema=pa.schema([("drg", pa.string()), ("risk_level", pa.int64())]),
    )


def read_light_list(path: Path) -> pa.Table:
    """A list of light groups 轻症组名单 (one column `drg`), as `drg, listed`. Errors: as `read_risk_list`. S004-21."""
    rows = _read_list(path, LIGHT_COLUMNS)
    groups = pa.array([row["drg"] for _, row in rows], pa.string())
    return pa.table({"drg": groups, "listed": pa.array([1] * len(groups), pa.int64())})


def _read_list(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise _bad_list(path, 0, "打不开，或不是 UTF-8 编码", "检查文件名，用 UTF-8 另存") from None
    reader = csv.DictReader(text.splitlines())
    if tuple(reader.fieldnames or ()) != columns:
        raise _bad_list(path, 1, f"表头不是 {','.join(columns)}", f"第一行写 {','.join(columns)}")
    rows: list[tuple[int, dict[str, str]]] = []
    seen: set[str] = set()
    for line, row in enumerate(reader, start=2):
        kept = {name: (row[name] or "").strip() for name in columns}
        if not kept["drg"] or kept["drg"] in seen:
            raise _bad_list(path, line, f"病组为空或重复：{kept['drg'] or '（空）'}", "每个病组只写一行")
        seen.add(kept["drg"])
        rows.append((line, kept))
    return rows


def _bad_list(path: Path, line: int, message: str, hint: str) -> TongpinError:
    return TongpinError("measures.list", message, where=f"{path.name} 第 {line} 行" if line else path.name, hint=hint)
