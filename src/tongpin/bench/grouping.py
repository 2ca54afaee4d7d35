"""Benchmark of grouping 分组基准: every figure beside the mere read of the same data, or a peer, in the same run."""

from __future__ import annotations

import importlib
import importlib.util
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.bench import grouping_files
from tongpin.bench.grouping_cases import SEED, build, city_cases, hostile_cases
from tongpin.bench.timing import RUNS, Result, Timing, median, percentile
from tongpin.grouping.compiled.cache import compiled_scheme
from tongpin.grouping.compiled.one import OneCase
from tongpin.grouping.library import DEMO_SCHEME, folder_of
from tongpin.grouping.scheme import Scheme
from tongpin.grouping.tables.interpreter import Case, interpret
from tongpin.grouping.tables.read import load_scheme
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.grouping.tables.model import SchemeTables

USUAL_CASES = 200_000
FULL_CASES = 1_000_000
"""From here on the whole city is grouped, and the interpreter is compared on as many random cases."""
INTERPRETED = 2_000
"""How many cases the interpreter is timed on; it is the reference, not the way."""
COMPARED = 20_000
SINGLE_CALLS = 20_000
WORKERS = 2
MICRO = 1e6
PEER_CASES = 300


def run(home_path: Path | None, count: int, scheme_id: str = DEMO_SCHEME) -> list[Result]:
    """Time grouping by one scheme on `count` cases of the city; from `FULL_CASES` on also what takes minutes."""
    home = Home.open(home_path)
    folder = folder_of(home, scheme_id)
    scheme = Scheme.load(scheme_id, home=home)
    full = count >= FULL_CASES
    with TemporaryDirectory(prefix="tongpin-bench-") as temporary:
        place = Path(temporary)
        start = time.perf_counter()
        months = grouping_files.CITY_MONTHS if full else None
        files = build(place / "city", folder, cases=None if full else count, months=months)
        built = time.perf_counter() - start
        cases = city_cases(files, count)
        scheme.group(cases.slice(0, 1))  # the kernel is loaded once a process, not once a case
        results = [
            _in_memory(scheme, cases),
            grouping_files.lake(scheme, cases, place),
            grouping_files.command(scheme_id, home, cases, place),
            _single(scheme, cases),
            _starts(folder, cases, place),
            compared(folder, FULL_CASES if full else COMPARED),
            *_peers(),
        ]
        if full:
            results.append(grouping_files.whole_city(scheme, files, built))
    return results


def _in_memory(scheme: Scheme, cases: pa.Table) -> Result:
    """`Scheme.group` on a table in memory: encoded codes with one and two threads, plain strings, the interpreter."""
    count = cases.num_rows
    texts = pa.list_(pa.string())
    plain = cases
    for name in ("dx", "px"):
        plain = plain.set_column(plain.column_names.index(name), name, cases[name].cast(texts))
    sample = [Case.of(row) for row in cases.slice(0, INTERPRETED).to_pylist()]
    tables = scheme.tables
    timings = (
        Timing("字典编码，1 个线程", median(lambda: scheme.group(cases)), count),
        Timing("字典编码，2 个线程", median(lambda: scheme.group(cases, threads=2)), count),
        Timing("普通文字，1 个线程", median(lambda: scheme.group(plain)), count),
        Timing("普通文字，2 个线程", median(lambda: scheme.group(plain, threads=2)), count),
        Timing("解释器（参照）", median(lambda: [interpret(tables, case) for case in sample]), len(sample)),
    )
    return Result(
        f"内存中分组：方案 {scheme.id}，演示城市的病例 {count:,} 例，{RUNS} 次取中位数",
        timings,
        ("从病例表到状态、MDC、ADRG、DRG 四列的全部时间",),
        (("cases_per_core_second", count / timings[0].seconds),),
    )


def _single(scheme: Scheme, cases: pa.Table) -> Result:
    """One case at a time: from interned codes, from a `Case`, from a mapping."""
    rows = cases.slice(0, 2_000).to_pylist()
    told = [scheme.case(row) for row in rows]
    one = OneCase(scheme.ready.compiled)
    interned = [one.intern(case) for case in told]
    forms: list[tuple[str, str, Callable[[Any], object], list[Any]]] = [
        ("编码已编号", "interned", one.outcome_of, interned),
        ("从文字（Case）", "text", one.outcome, told),
        ("从字典（JSON 记录）", "mapping", scheme.group_one, rows),
    ]
    timings, notes, figures = [], [], []
    for label, name, work, inputs in forms:
        seconds = _calls(work, inputs)
        middle, late = percentile(seconds, 0.5), percentile(seconds, 0.99)
        timings.append(Timing(label, middle, 1))
        notes.append(f"{label}：中位 {middle * MICRO:.1f} 微秒，第 99 百分位 {late * MICRO:.1f} 微秒")
        figures.append((f"{name}_p99_microseconds", late * MICRO))
    return Result(f"单例：{SINGLE_CALLS:,} 次单独调用", tuple(timings), tuple(notes), tuple(figures))


def _calls(work: Callable[[Any], object], inputs: list[Any]) -> list[float]:
    seconds = []
    clock = time.perf_counter
    for number in range(SINGLE_CALLS):
        case = inputs[number % len(inputs)]
        start = clock()
        work(case)
        seconds.append(clock() - start)
    return seconds


def _starts(folder: Path, cases: pa.Table, place: Path) -> Result:
    """What comes before the first case: the tables, the kept compiled scheme, the kernel's first compilation."""
    kept = place / "cache"
    compiled_scheme(folder, cache=kept, notice=lambda _: None)
    timings = (
        Timing("只读方案表", median(lambda: load_scheme(folder)), 1),
        Timing("读方案表并编译", median(lambda: compiled_scheme(folder, notice=lambda _: None)), 1),
        Timing("取出存盘的编译结果", median(lambda: compiled_scheme(folder, cache=kept, notice=lambda _: None)), 1),
        Timing(
            "首次编译分组核（新进程，空缓存，减去有缓存的进程）", grouping_files.first_compile(folder, cases, place), 1
        ),
    )
    figures = (("load_seconds", timings[2].seconds), ("first_compile_seconds", timings[3].seconds))
    return Result("开始之前", timings, (), figures)


def compared(folder: Path, count: int) -> Result:
    """Random cases of every kind by interpreter and kernel: how many differ (none may), and how varied they are."""
    shares = [(str(folder), count // WORKERS, SEED + number) for number in range(WORKERS)]
    start = time.perf_counter()
    with ProcessPoolExecutor(WORKERS) as pool:
        parts = list(pool.map(differences, shares))
    seconds = time.perf_counter() - start
    total = sum(part[1] for part in parts)
    different = sum(part[0] for part in parts)
    outcomes = len(set().union(*(part[2] for part in parts)))
    return Result(
        f"解释器与分组核逐例比较：随机病例 {total:,} 例，{WORKERS} 个进程，一次",
        (Timing("两者都算一遍并比较", seconds, total),),
        (f"不同的有 {different} 例；这些病例共有 {outcomes:,} 种结果",),
        (("differences", different), ("outcomes", outcomes)),
    )


def differences(share: tuple[str, int, int]) -> tuple[int, int, set[str]]:
    """(cases that differ, cases, the groups met) of one process's share (scheme folder, cases, seed)."""
    folder, count, seed = share
    tables: SchemeTables = load_scheme(Path(folder))
    scheme = Scheme.load(Path(folder), notice=lambda _: None)
    different, done = 0, 0
    met: set[str] = set()
    while done < count:
        cases = hostile_cases(tables, min(50_000, count - done), seed + 1_000 * done)
        rows = scheme.group(cases).select(["status", "mdc", "adrg", "drg"]).to_pylist()
        for drawn, row in zip(cases.to_pylist(), rows, strict=True):
            outcome = interpret(tables, Case.of(drawn))
            different += (outcome.status, outcome.mdc, outcome.adrg, outcome.drg) != tuple(row.values())
        met.update(f"{row['status']} {row['drg']}" for row in rows)
        done += cases.num_rows
    return different, done, met


def _peers() -> list[Result]:
    """Groupers of others where they are installed, on their own kind of input."""
    if importlib.util.find_spec("drgpy") is None:
        return []
    engine = importlib.import_module("drgpy.msdrg").DRGEngine()
    stays = [(["I639", "J9600"], []), (["J189", "I509"], []), (["K8020"], ["0FT44ZZ"]), (["S72001A"], ["0SRR0JZ"])]
    cases = [stays[number % len(stays)] for number in range(PEER_CASES)]
    seconds = median(lambda: [engine.get_drg(dx, px) for dx, px in cases], 3)
    return [
        Result(
            f"同类：drgpy（美国 MS-DRG 的 Python 分组器），它自己的编码，{len(cases)} 例，3 次取中位数",
            (Timing("drgpy", seconds, len(cases)),),
            ("规则与编码都不同，只比每秒能分多少例",),
        )
    ]
