"""Benchmark of DIP 病种分值基准: the same cases grouped and priced by groups (DRG) and by diseases (DIP), in turns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.bench.grouping_cases import build, city_cases
from tongpin.bench.pricing import SEED, hospitals
from tongpin.bench.timing import Result, Timing, median, pairs
from tongpin.grouping.compiled.compiler import compile_scheme
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import DEMO_SCHEME, shipped_folder
from tongpin.grouping.tables.read import load_scheme
from tongpin.payment.dip.auxiliary import fit
from tongpin.payment.dip.build import build_catalogue, build_rules
from tongpin.payment.dip.price import price_dip
from tongpin.payment.dip.run import EDITION, city_tables, span_end
from tongpin.payment.dip.scheme import group_dip, tables_of
from tongpin.payment.policy.library import shipped_policies
from tongpin.payment.policy.lookup import coded
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.institutions import institution_terms
from tongpin.payment.pricing.price import price

if TYPE_CHECKING:
    from tongpin.payment.dip.catalogue import Catalogue

CASES = 200_000
RUNS = 5
LIMIT = 3.0
"""How many times as long DIP may take as DRG."""

OLD_AGE, OLD_TIMES = 80, 4.0
MONTHS = ("2022-01", "2024-12")
_FIRST, _DAYS = np.datetime64("2022-01-01"), 1_096


def run(count: int) -> list[Result]:
    """Time both ways over `count` stays of the demonstration city, both with everything compiled; medians of 5."""
    folder = shipped_folder() / DEMO_SCHEME
    scheme = compile_scheme(load_scheme(folder))
    by_groups = Policy.load(shipped_policies() / "demo-east" / "2025")
    by_diseases = Policy.load(shipped_policies() / EDITION)
    institutions = hospitals()
    with TemporaryDirectory(prefix="tongpin-bench-") as temporary:
        stays = city_cases(build(Path(temporary) / "city", folder, cases=count), count)
    stays = with_money(stays, group(stays, scheme), by_groups)
    catalogue = catalogue_of(stays, by_diseases, institutions)
    compiled = compile_scheme(tables_of(catalogue))
    stays = stays.set_column(  # the demonstration edition begins after the history
        stays.column_names.index("settlement_date"),
        "settlement_date",
        pa.array(stays["settlement_date"].to_numpy() + np.timedelta64(_DAYS, "D"), pa.date32()),
    )

    def drg() -> pa.Table:
        return price(group(stays, scheme), by_groups, institutions)

    def dip() -> pa.Table:
        return price_dip(group_dip(stays, catalogue, compiled), by_diseases, catalogue, institutions)

    drg()
    dip()
    both = pairs(drg, dip, RUNS)
    grouping = pairs(lambda: group(stays, scheme), lambda: group_dip(stays, catalogue, compiled), RUNS)
    in_groups, in_diseases = group(stays, scheme), group_dip(stays, catalogue, compiled)
    priced = pairs(
        lambda: price(in_groups, by_groups, institutions),
        lambda: price_dip(in_diseases, by_diseases, catalogue, institutions),
        RUNS,
    )
    size = stays.num_rows
    timings = (
        Timing("DRG：分组并定价", both.first, size),
        Timing("DIP：入病种并定价", both.second, size),
        Timing("DRG：只分组", grouping.first, size),
        Timing("DIP：只入病种", grouping.second, size),
        Timing("DRG：只定价", priced.first, size),
        Timing("DIP：只定价", priced.second, size),
        Timing("DIP：编译目录（一次）", median(lambda: compile_scheme(tables_of(catalogue)), 1), size),
    )
    verdict = "在界限之内" if both.ratio <= LIMIT else "超过界限"
    notes = (
        f"DIP 是 DRG 的 {both.ratio:.2f} 倍（界限 {LIMIT:g} 倍，{verdict}）",
        f"只看入组 {grouping.ratio:.2f} 倍，只看定价 {priced.ratio:.2f} 倍",
        f"病种目录由同一批病例编制：{len(catalogue.groups):,} 个病种，辅助目录 {len(catalogue.auxiliary)} 行",
    )
    figures = (("ratio", both.ratio), ("grouping_ratio", grouping.ratio), ("pricing_ratio", priced.ratio))
    title = f"按病组与按病种：演示城市的同一批病例 {size:,} 例，轮流各 {RUNS} 次取中位数"
    return [Result(title, timings, notes, figures)]


def with_money(stays: pa.Table, grouped: pa.Table, policy: Policy) -> pa.Table:
    """The stays with what pricing reads: fees around 11,500 yuan a weight of their group, payers that sum to the fee.

    The old cost several times as much, so that the auxiliary catalogue has something to explain.
    """
    random = np.random.default_rng(SEED)
    count = stays.num_rows
    groups = pc.cast(grouped["drg"], pa.string()).dictionary_encode().combine_chunks()
    known = {code: policy.weights[code].weight_e4 for code in groups.dictionary.to_pylist() if code in policy.weights}
    weights = np.array([known.get(code, 10_000) for code in groups.dictionary.to_pylist()], np.int64)
    dearer = np.where(pc.fill_null(stays["age"], 0).to_numpy() >= OLD_AGE, OLD_TIMES, 1.0)
    fee = (weights[groups.indices.to_numpy()] * 115.0 * random.lognormal(-0.1, 0.45, count) * dearer).astype(np.int64)
    fee += 1
    patient = (fee * random.uniform(0.1, 0.4, count)).astype(np.int64)
    codes = pa.array(hospitals()["institution_code"].to_pylist())
    made = {
        "institution_code": codes.take(pa.array(random.integers(0, len(codes), count))),
        "insurance": pa.array(["310", "390"]).take(pa.array(random.integers(0, 2, count))),
        "care_type": pa.repeat("inpatient", count),
        "settlement_date": pa.array(_FIRST + np.sort(random.integers(0, _DAYS, count)).astype("timedelta64[D]")),
        "total_fee_fen": pa.array(fee),
        "drug_fee_fen": pa.array(fee // 4),
        "patient_pay_fen": pa.array(patient),
        "pool_pay_fen": pa.array(fee - patient),
        "other_fund_pay_fen": pa.array(np.zeros(count, np.int64)),
    }
    for name, column in made.items():
        stays = stays.append_column(name, column)
    return stays


def catalogue_of(stays: pa.Table, policy: Policy, institutions: pa.Table) -> Catalogue:
    """The catalogue that the stays give, with its auxiliary catalogue."""
    days = stays["settlement_date"].to_numpy().astype("datetime64[D]")
    level = institution_terms(coded(stays["institution_code"]), institutions, days, stays["case_id"].combine_chunks())
    on = span_end(MONTHS)
    found = build_catalogue(
        stays.append_column("hospital_level", level.level.texts()),
        days,
        MONTHS,
        build_rules(policy, on),
        city_tables(),
        catalogue_id=policy.scheme_id,
        title="基准",
        source="演示城市",
    )
    return replace(found.catalogue, auxiliary=fit(found.history, found.catalogue, policy, on))
