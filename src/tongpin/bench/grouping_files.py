"""Grouping from files 从文件分组: the lake's layout, the whole command on the plain layout, the whole city."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tongpin.bench.timing import PAIRS, Result, Timing, median, pairs
from tongpin.grouping.compiled.files import columns_read
from tongpin.measures.grouping_rate import grouping_rates, grouping_sums
from tongpin.store.lake import COMPRESSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.grouping.scheme import Scheme
    from tongpin.store.home import Home

FEW = 1_000
COMMAND_RUNS = 3
CITY_MONTHS = 42
_FIRST = """
import sys, time
from pathlib import Path
import pyarrow.parquet as pq
from tongpin import Scheme
scheme = Scheme.load(Path(sys.argv[1]), notice=lambda _: None)
cases = pq.read_table(sys.argv[2])
start = time.perf_counter()
scheme.group(cases)
print(time.perf_counter() - start)
"""


def lake(scheme: Scheme, cases: pa.Table, place: Path) -> Result:
    """From a file as the lake keeps it to groups, beside the mere read of the same columns with the same threads."""
    path = place / "lake.parquet"
    pq.write_table(cases, path, **COMPRESSION)
    names = [name for name in columns_read(scheme.ready.compiled) if name in cases.column_names]

    def read(threads: int) -> object:
        return pq.ParquetFile(path).read(columns=names, use_threads=threads > 1)

    def group(threads: int) -> object:
        return list(scheme.group_files(path, keep=(), threads=threads))

    timings: list[Timing] = []
    notes, figures = [], []
    for threads in (1, 2):
        found = pairs(partial(read, threads), partial(group, threads))
        timings.append(Timing(f"只读同样的列，{threads} 个线程", found.first, cases.num_rows))
        timings.append(Timing(f"读并分组，{threads} 个线程", found.second, cases.num_rows))
        notes.append(f"{threads} 个线程：读并分组是只读的 {found.ratio:.2f} 倍（{PAIRS} 对，交替，比值的中位数）")
        figures.append((f"lake_{threads}_threads_ratio", found.ratio))
    return Result(
        f"湖的布局（Parquet，zstd，编码是字典列表）→ 病组：{cases.num_rows:,} 例，{path.stat().st_size / 1e6:.1f} MB",
        tuple(timings),
        tuple(notes),
        tuple(figures),
    )


def command(scheme_id: str, home: Home, cases: pa.Table, place: Path) -> Result:
    """`tongpin group` on the plain layout as Parquet: the whole command less the same on few, beside the mere read."""
    timings: list[Timing] = []
    notes, figures = [], []
    for label, name, table in (("带类型", "typed", _plain_types(cases)), ("全文字", "text", as_texts(cases))):
        many, few = place / f"{name}.parquet", place / f"{name}-few.parquet"
        pq.write_table(table, many)
        pq.write_table(table.slice(0, FEW), few)
        floor = median(partial(pq.read_table, many), PAIRS)
        whole = {path: _command(path, scheme_id, home, place) for path in (few, many)}
        ratio = (whole[many] - whole[few]) / floor
        timings += [
            Timing(f"只读文件（{label}）", floor, cases.num_rows),
            Timing(f"tongpin group（{label}）", whole[many], cases.num_rows),
            Timing(f"tongpin group，{FEW:,} 例（{label}）", whole[few], FEW),
        ]
        notes.append(f"{label}：整条命令减去 {FEW:,} 例的同一条命令，是只读文件的 {ratio:.2f} 倍")
        figures += [(f"command_{name}_ratio", ratio), (f"command_{name}_few_seconds", whole[few])]
    return Result(
        f"整条命令：通用格式 Parquet {cases.num_rows:,} 例，写出 Parquet，取中位数",
        tuple(timings),
        tuple(notes),
        tuple(figures),
    )


def _plain_types(cases: pa.Table) -> pa.Table:
    """Codes as lists of plain strings, as another program would write them."""
    for name in ("dx", "px"):
        cases = cases.set_column(cases.column_names.index(name), name, cases[name].cast(pa.list_(pa.string())))
    return cases


def as_texts(cases: pa.Table) -> pa.Table:
    """Every column as text, codes joined by `|`."""
    columns = []
    for column in cases.columns:
        texts = pc.binary_join(column.cast(pa.list_(pa.string())), "|") if pa.types.is_list(column.type) else column
        columns.append(texts.cast(pa.string()))
    return pa.table(columns, names=cases.column_names)


def _command(path: Path, scheme_id: str, home: Home, place: Path) -> float:
    """The median of the command with warm caches: the first run, which writes them, is not counted."""
    arguments = [str(path), "--scheme", scheme_id, "-o", str(place / "out.parquet"), "--home", str(home.root)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run() -> None:
        subprocess.run(  # noqa: S603 - our own command on a file made here
            [sys.executable, "-m", "tongpin", "group", *arguments], check=True, capture_output=True, env=environment
        )

    run()
    return median(run, COMMAND_RUNS)


def first_compile(folder: Path, cases: pa.Table, place: Path) -> float:
    """Seconds of the first grouping in a new process with an empty kernel cache, less those with a warm one."""
    path = place / "one.parquet"
    pq.write_table(cases.slice(0, 1), path)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(place / "numba"), "TONGPIN_CACHE": str(place / "cache")}
    cold, warm = (_first(folder, path, environment) for _ in range(2))
    return cold - warm


def _first(folder: Path, path: Path, environment: dict[str, str]) -> float:
    done = subprocess.run(  # noqa: S603 - our own code on a file made here
        [sys.executable, "-c", _FIRST, str(folder), str(path)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    return float(done.stdout)


def whole_city(scheme: Scheme, files: Sequence[Path], built_seconds: float) -> Result:
    """Every insured stay of the city over three and a half years, read and grouped whole (S004-08)."""
    start = time.perf_counter()
    read = sum(pq.ParquetFile(path).read(list(columns_read(scheme.ready.compiled))).num_rows for path in files)
    floor = time.perf_counter() - start
    counts: Counter[str] = Counter()
    facts: Counter[str] = Counter()
    start = time.perf_counter()
    insured = 0
    for table in scheme.group_files(files, keep=("case_id", "los", "total_fee_fen", "insurance"), threads=2):
        insured += table.num_rows - table["insurance"].null_count
        for one in pc.value_counts(table["status"].cast(pa.string())).to_pylist():
            counts[one["values"]] += one["counts"]
        facts.update(grouping_sums(table))
    seconds = time.perf_counter() - start
    total = sum(counts.values())
    rates = [f"{rate['label']} {rate['value'] * 100:.2f} %（{rate['form']}）" for rate in grouping_rates(counts, facts)]
    return Result(
        f"整座城市：{CITY_MONTHS} 个月，{len(files):,} 个文件，{total:,} 份，2 个线程，一次",
        (Timing("只读要看的列", floor, read), Timing("读并分组，逐状态计数", seconds, total)),
        (
            f"造这座城市用 {built_seconds:.1f} 秒；其中参保住院 {insured:,} 份；模拟数据",
            "；".join(f"{status} {count:,}" for status, count in counts.most_common()),
            *rates,
        ),
        (("city_cases", total), ("city_insured_cases", insured), ("city_seconds", seconds)),
    )
