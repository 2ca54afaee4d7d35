"""Benchmark of measures 指标基准: the catalogue in one pass, slices of that cube, figures on demand, a what-if."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.bench.pricing import CITY_CASES, HOSPITALS, SEED, draw_cases, hospitals
from tongpin.bench.timing import Result, Timing, median, most_memory, pairs
from tongpin.measures.benchmark import group_deaths, group_means, risk_levels
from tongpin.measures.catalogue import load_measures
from tongpin.measures.compute import compute, roll_up
from tongpin.measures.distinct import count_on_demand, load_on_demand
from tongpin.measures.engine import sum_facts
from tongpin.measures.populations import paid_by_group
from tongpin.payment.policy.library import shipped_policies
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.price import price
from tongpin.twin.portfolio.effect import grow, stop, what_if
from tongpin.twin.portfolio.stays import stays_of

if TYPE_CHECKING:
    from tongpin.measures.catalogue import Measure

CASES = CITY_CASES
GRAIN = ("institution_code", "month", "drg")
"""The finest grain: hospital × month × group."""
SLICES: tuple[tuple[str, ...], ...] = ((), ("institution_code",), ("month",), ("drg",), ("institution_code", "month"))
ON_DEMAND = ("groups", "median_fee")
RUNS = 5
PASS_SECONDS, SLICE_SECONDS, WHAT_IF_SECONDS = 5.0, 0.5, 1.0
"""What one pass, one slice of the cube and one what-if may take on two cores."""
YEAR_CASES = 120_000
"""The discharges of a large hospital in a year; its region has three times as many."""

OPERATED_SHARE, DEAD_SHARE = 0.3, 0.003


def run(count: int) -> list[Result]:
    """Time one pass over `count` drawn cases beside the sum of one column, slices, figures on demand, a what-if."""
    policy = Policy.load(shipped_policies() / "demo-east" / "2025")
    cases = with_records(price(draw_cases(policy, count), policy, hospitals()))
    return [_cube(cases), _what_if(cases, min(YEAR_CASES, count // 3))]


def _cube(cases: pa.Table) -> Result:
    """One pass, then everything that comes from its sums."""
    against: dict[str, Any] = {
        "benchmark": group_means(cases),
        "regional": group_means(cases),
        "risk": risk_levels(group_deaths(cases)),
    }
    count = cases.num_rows
    both = pairs(lambda: _one_column(cases), lambda: sum_facts(cases, GRAIN, **against), RUNS)
    cube = sum_facts(cases, GRAIN, **against)
    measures = formed_of(cube)
    slices = [median(lambda by=by: compute(roll_up(cube, by), measures, by), RUNS) for by in SLICES]  # type: ignore[misc]
    chosen = [load_on_demand()[name] for name in ON_DEMAND]
    asked = median(lambda: count_on_demand(cases, chosen, ["institution_code"]), RUNS)
    facts = len(cube.column_names) - len(GRAIN)
    return Result(
        f"指标：{count:,} 个病例，机构×月×病组，{facts} 个可加事实，{len(measures)} 项指标，{RUNS} 次取中位数",
        (
            Timing("只求费用一列之和，同样的粒度", both.first, count),
            Timing("一遍求全部可加事实", both.second, count),
            Timing("由此得一种切分的全部指标（最慢的一种）", max(slices), count),
            Timing("按需：各机构的组数与费用中位数", asked, count),
        ),
        (
            f"一遍得 {cube.num_rows:,} 格；是只求一列的 {both.ratio:.1f} 倍，{RUNS} 对交替；要求 ≤ {PASS_SECONDS:g} 秒",
            "、".join(f"{_words(by)} {seconds:.3f} 秒" for by, seconds in zip(SLICES, slices, strict=True))
            + f"；要求 ≤ {SLICE_SECONDS:g} 秒",
            f"最多占用内存 {most_memory() / 1e9:.1f} GB（连同造病例）",
        ),
        (
            ("pass_seconds", both.second),
            ("pass_ratio", both.ratio),
            ("slice_seconds", max(slices)),
            ("on_demand_seconds", asked),
            ("cells", float(cube.num_rows)),
        ),
    )


def _what_if(cases: pa.Table, count: int) -> Result:
    """A hospital with `count` cases a year among three times as many."""
    place = np.arange(min(cases.num_rows, 3 * count)) % 3
    codes = np.where(place == 0, 0, 1 + np.arange(len(place)) % (HOSPITALS - 1))
    year = cases.slice(0, len(place))
    names = np.array(hospitals()["institution_code"].to_pylist())
    year = year.set_column(year.column_names.index("institution_code"), "institution_code", pa.array(names[codes]))
    lists = paid_by_group(year)
    places = [row | {"region": "示例市"} for row in hospitals().to_pylist()]
    risk = risk_levels(group_deaths(year))
    hospital = str(names[0])
    stays = stays_of(year, lists, places, hospital, risk)
    ranked = stays.groups.sort_by([("page.case_count", "descending")])["drg"].to_pylist()
    one, other = [group for group in ranked if group][:2]
    ready = median(lambda: stays_of(year, lists, places, hospital, risk), RUNS)
    tried = median(lambda: what_if(stays, [stop(stays, one, None), grow(stays, other, 50)], days=365, beds=2_500), RUNS)
    size = stays.totals["page.case_count"]
    return Result(
        f"病组增减试算：一家机构一年 {size:,} 例，所在地区 {year.num_rows:,} 例，{RUNS} 次取中位数",
        (Timing("备好这家机构的病例与限制", ready, size), Timing("试算一次", tried, size)),
        (f"备好与试算合计 {ready + tried:.2f} 秒；要求 ≤ {WHAT_IF_SECONDS:g} 秒",),
        (("ready_seconds", ready), ("what_if_seconds", tried)),
    )


def _one_column(cases: pa.Table) -> pa.Table:
    """The floor: what any engine must do at this grain."""
    with duckdb.connect() as connection:
        relation = connection.from_arrow(cases)
        return relation.aggregate(f"{', '.join(GRAIN)}, sum(total_fee_fen)", ", ".join(GRAIN)).to_arrow_table()


def formed_of(cube: pa.Table) -> list[Measure]:
    """The measures whose facts the cube has."""
    return [one for one in load_measures().values() if set(one.facts) <= set(cube.column_names)]


def _words(by: tuple[str, ...]) -> str:
    names = {"institution_code": "机构", "month": "月", "drg": "病组"}
    return "×".join(names[name] for name in by) or "全部"


def with_records(priced: pa.Table) -> pa.Table:
    """Priced cases with what a front page adds: stays, parts of the fee, operations, ways of leaving, months."""
    count = priced.num_rows
    random = np.random.default_rng(SEED)
    fee = priced["total_fee_fen"].to_numpy()
    operated = random.random(count) < OPERATED_SHARE
    left = random.random(count)
    months = pc.strftime(priced["settlement_date"], format="%Y-%m")
    drawn = {
        "month": months,
        "los": pa.array(random.integers(1, 30, count).astype(np.int32)),
        "drug_fee_fen": pa.array((fee * random.uniform(0.1, 0.4, count)).astype(np.int64)),
        "consumable_fee_fen": pa.array((fee * random.uniform(0.05, 0.35, count)).astype(np.int64)),
        "exam_fee_fen": pa.array((fee * random.uniform(0.1, 0.2, count)).astype(np.int64)),
        "surgery_level": pa.array((operated * random.integers(1, 5, count)).astype(np.int8)),
        "operation_count": pa.array(operated.astype(np.int64)),
        "high_operation_count": pa.array((operated & (left < OPERATED_SHARE)).astype(np.int64)),
        "discharge_way": pa.array(np.where(left < DEAD_SHARE, "5", "1")),
        "record_no": priced["case_id"],
        "discharge_time": priced["settlement_date"],
        "age": pa.array(random.integers(0, 95, count).astype(np.int16)),
        "icu_hours": pa.array(np.zeros(count)),
        "admission_route": pa.array(np.array(["1", "2"])[random.integers(0, 2, count)]),
    }
    for name, column in drawn.items():
        if name in priced.column_names:
            priced = priced.set_column(priced.column_names.index(name), name, column)
        else:
            priced = priced.append_column(name, column)
    return priced
