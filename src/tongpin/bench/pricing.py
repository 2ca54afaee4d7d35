"""Benchmark of pricing 定价基准: grouped cases read and priced by the demonstration edition, beside the mere read."""

from __future__ import annotations

import time
from datetime import date
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tongpin.bench.timing import Result, Timing, median, most_memory, pairs
from tongpin.payment.policy.policy import Policy
from tongpin.payment.pricing.price import price
from tongpin.payment.pricing.schema import PRICED_SCHEMA

if TYPE_CHECKING:
    import numpy.typing as npt

CITY_CASES = 1_252_850
"""42 months of the city of document 004."""
SEED = 20250601
HOSPITALS = 55
UNGROUPED_SHARE = 0.02
RUNS = 5
READ_RATIO, SECONDS = 4.0, 3.0
"""At most so many times the mere read, and so many seconds for the city on two cores."""
DOUBLINGS = 3
_MONTHS = 42
COLUMNS = (
    "case_id",
    "institution_code",
    "insurance",
    "care_type",
    "settlement_date",
    "status",
    "drg",
    "total_fee_fen",
    "patient_pay_fen",
    "pool_pay_fen",
    "other_fund_pay_fen",
)
"""What pricing reads of a case by the demonstration edition."""


def run(count: int) -> list[Result]:
    """Time the pricing of `count` drawn cases, read included, and how it grows per doubling; medians of 5."""
    policy = Policy.load(Path(str(files("tongpin"))) / "policies" / "demo-east" / "2025")
    institutions = hospitals()
    with TemporaryDirectory(prefix="tongpin-bench-") as temporary:
        path = Path(temporary) / "cases.parquet"
        pq.write_table(draw_cases(policy, count), path, row_group_size=250_000)

        def priced() -> pa.Table:
            return price(read(path), policy, institutions)

        priced()
        both = pairs(lambda: read(path), priced, RUNS)
        cases = read(path)
        alone = median(lambda: price(cases, policy, institutions), RUNS)
        out = Path(temporary) / "priced.parquet"
        made = priced().select(["case_id", *PRICED_SCHEMA.names])
        written = median(lambda: pq.write_table(made, out), 1)
        growth = [
            _seconds(policy, institutions, cases.slice(0, count // 2**power)) for power in range(DOUBLINGS, -1, -1)
        ]
    ratios = [later / earlier for earlier, later in pairwise(growth)]
    timings = (
        Timing("只读这些列", both.first, count),
        Timing("读入并定价", both.second, count),
        Timing("只定价", alone, count),
        Timing("写出定价结果（不计入上面）", written, count),
    )
    memory = most_memory()
    shown = "、".join(f"{ratio:.2f}" for ratio in ratios)
    return [
        Result(
            f"定价：{count:,} 个已分组病例，演示付费办法，{RUNS} 次取中位数",
            timings,
            (
                f"读入并定价是只读的 {both.ratio:.2f} 倍，{RUNS} 对交替；要求 ≤ {READ_RATIO:g} 倍、{SECONDS:g} 秒",
                f"病例数从 {count // 2**DOUBLINGS:,} 起每翻一倍，处理器时间（取最少的一次）为前一半的 {shown} 倍",
                f"最多占用内存 {memory / 1e9:.1f} GB（连同造病例）" if memory else "这个系统量不出内存",
            ),
            (
                ("read_ratio", both.ratio),
                ("seconds", both.second),
                ("largest_doubling_ratio", max(ratios)),
                ("memory_bytes", float(memory)),
            ),
        )
    ]


def _seconds(policy: Policy, institutions: pa.Table, cases: pa.Table) -> float:
    """The least processor seconds of all threads: what else the machine does counts for little."""
    seconds = []
    for _ in range(RUNS):
        start = time.process_time()
        price(cases, policy, institutions)
        seconds.append(time.process_time() - start)
    return min(seconds)


def read(path: Path) -> pa.Table:
    """The columns that pricing needs."""
    return pq.read_table(path, columns=list(COLUMNS))


def hospitals() -> pa.Table:
    """The registered institutions of the drawn city."""
    levels = ["三级" if number < HOSPITALS // 5 else "二级" for number in range(HOSPITALS)]
    return pa.table(
        {
            "institution_code": [f"H{number:011d}" for number in range(HOSPITALS)],
            "settlement_level": levels,
            "valid_from": pa.array([date(2020, 1, 1)] * HOSPITALS),
        }
    )


def draw_cases(policy: Policy, count: int) -> pa.Table:
    """Grouped cases with fees around 11,500 yuan a weight, payers that sum to the fee, 2 % without a group."""
    random = np.random.default_rng(SEED)
    groups = sorted(policy.weights)
    weights = np.array([policy.weights[group].weight_e4 for group in groups])
    group = random.integers(0, len(groups), count)
    fee = (weights[group] * 115.0 * random.lognormal(-0.1, 0.45, count)).astype(np.int64) + 1
    patient = (fee * random.uniform(0.1, 0.4, count)).astype(np.int64)
    other = (fee * random.choice([0, 0, 0, 0.1], count)).astype(np.int64)
    days = np.datetime64("2024-01-01") + np.sort(random.integers(0, _MONTHS * 30, count)).astype("timedelta64[D]")
    lost = random.random(count) < UNGROUPED_SHARE
    codes = hospitals()["institution_code"].to_pylist()
    named = np.where(lost, len(groups), group)
    return pa.table(
        {
            "case_id": pa.array(np.char.mod("%012d", np.arange(count))),
            "institution_code": _texts(random.integers(0, HOSPITALS, count), codes),
            "insurance": _texts(random.integers(0, 2, count), ["310", "390"]),
            "care_type": _texts(np.zeros(count, np.int64), ["inpatient"]),
            "settlement_date": pa.array(days, pa.date32()),
            "status": _texts(lost.astype(np.int64), ["grouped", "ungrouped"]),
            "drg": _texts(named, [*groups, "0000"]),
            "total_fee_fen": fee,
            "patient_pay_fen": patient,
            "pool_pay_fen": fee - patient - other,
            "other_fund_pay_fen": other,
        }
    )


def _texts(codes: npt.NDArray[np.int64], values: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(values)).cast(pa.string())
