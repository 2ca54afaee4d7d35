"""Benchmark of grouping 分组基准: cases in Parquet to DRG codes, beside the mere read of the same file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tongpin.bench.timing import RUNS, Result, Timing, median
from tongpin.grouping.interpreter import Case, interpret
from tongpin.grouping.library import DEMO_SCHEME, open_scheme
from tongpin.grouping.stage import group
from tongpin.store.home import Home

if TYPE_CHECKING:
    from tongpin.grouping.model import SchemeTables

INTERPRETED = 2_000
"""How many of the cases the interpreter is timed on; it is the reference, not the way."""
SEED = 20_250_601


def run(home_path: Path | None, count: int) -> Result:
    """Draw `count` cases from the demonstration scheme's own lists and time read, group and both (medians of 5)."""
    scheme = open_scheme(Home.open(home_path), DEMO_SCHEME)
    cases = draw_cases(scheme, count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.parquet"
        pq.write_table(cases, path)
        group(cases.slice(0, 1), scheme)  # compilation is paid once a scheme, not once a case
        table = _read(path)
        sample = [Case.of(row) for row in cases.slice(0, INTERPRETED).to_pylist()]
        timings = (
            Timing("只读 Parquet", median(lambda: _read(path)), count),
            Timing("读 + 分组", median(lambda: group(_read(path), scheme)), count),
            Timing("分组（内存中，单线程）", median(lambda: group(table, scheme)), count),
            Timing(
                f"解释器（参照，{len(sample):,} 例）",
                median(lambda: [interpret(scheme, case) for case in sample]),
                len(sample),
            ),
        )
    return Result(f"分组基准：方案 {DEMO_SCHEME}，{count:,} 例，{RUNS} 次取中位数", timings)


def draw_cases(scheme: SchemeTables, count: int) -> pa.Table:
    """Seeded random cases: principal, 0–7 secondaries and 0–3 procedures from the scheme's own codes."""
    random = np.random.default_rng(SEED)
    dx_codes = sorted({code for codes in scheme.dx_lists.values() for code in codes} | set(scheme.mcc) | set(scheme.cc))
    px_codes = sorted({code for codes in scheme.px_lists.values() for code in codes})
    return pa.table(
        {
            "sex": pa.array(random.integers(1, 3, count), pa.int8()),
            "age": pa.array(random.integers(1, 95, count), pa.int16()),
            "los": pa.array(random.integers(1, 40, count), pa.int32()),
            "dx": _lists(random, dx_codes, random.integers(1, 9, count)),
            "px": _lists(random, px_codes, random.integers(0, 4, count)),
        },
    )


def _lists(random: np.random.Generator, codes: list[str], lengths: Any) -> pa.Array:
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = pa.DictionaryArray.from_arrays(
        pa.array(random.integers(0, len(codes), starts[-1]), pa.int32()), pa.array(codes)
    )
    return pa.ListArray.from_arrays(pa.array(starts), values)


def _read(path: Path) -> pa.Table:
    return pq.ParquetFile(path, read_dictionary=["dx.list.element", "px.list.element"]).read()
