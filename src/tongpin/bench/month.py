"""Benchmarks of settling 月结与试算基准: a month of the whole city end to end, a draft edition over three years."""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from tongpin.base.errors import TongpinError
from tongpin.bench.city_home import city_home, city_setting, linked_copy
from tongpin.bench.timing import Result, Timing, most_memory
from tongpin.bench.timing import median as median_seconds
from tongpin.grouping.compiled.stage import group
from tongpin.grouping.library import open_scheme
from tongpin.payment.month.run import settle_in_home
from tongpin.payment.weights.history import cases_of_months
from tongpin.payment.weights.impact import compare_editions
from tongpin.payment.weights.repricing import pinned
from tongpin.payment.weights.rounds import open_round, round_or_edition
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.lake_tables import CASES, INSTITUTIONS, read_loaded
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tongpin.demo.calendar import Month
    from tongpin.demo.setting import Setting
    from tongpin.payment.month.run import MonthRun
    from tongpin.payment.weights.impact import Impact
    from tongpin.store.home import Home

Found = TypeVar("Found")

EDITION, DRAFT = "demo-east/2025", "bench"
CLOSED, SETTLED = ("2024-06", "2025-05"), "2025-06"
"""The months of the demonstration: two that are closed, and the one that is timed."""
DRAFT_MONTHS = 36
MONTH_CASES, DRAFT_CASES = 90_000, 1_100_000
"""About the lists of the whole city in three months and in three years."""
RUNS = 3
MONTH_LIMIT, DRAFT_LIMIT = 5.0, 10.0
"""Seconds that a month, and a draft over three years of a city, may take on two cores."""
LISTS = ("source", pa.array(["settlement_list"]))


def settle(count: int) -> list[Result]:
    """Time the last of three months of the city, about `count` lists in all, in a home that holds their pages too.

    Medians of 3, the home each time as it was before.
    """
    setting = city_setting()
    months = [one for one in setting.months if str(one) in (*CLOSED, SETTLED)]
    with tempfile.TemporaryDirectory(prefix="tongpin-bench-") as folder:
        place = Path(folder)
        home = city_home(place / "home", months, hospitals_for(setting, months, count), pages=True)
        for one in CLOSED:
            settle_in_home(home, one)
        floor = median_seconds(lambda: lake.read(home, CASES, CASE_SCHEMA.names), RUNS)
        held = read_loaded(home, CASES, ["case_id"]).num_rows
        settled: list[tuple[float, MonthRun]] = []
        commands = []
        for _ in range(RUNS):
            copy = linked_copy(home, place / "copy")
            settled.append(_timed(partial(settle_in_home, copy, SETTLED)))
            copy = linked_copy(home, place / "copy")
            commands.append(_command("settle", "--month", SETTLED, "--home", str(copy.root)))
    lines = settled[0][1].settlement.lines.num_rows
    inside, whole = median(seconds for seconds, _ in settled), median(commands)
    timings = (
        Timing("只读湖里全部病例的这些列", floor, held),
        Timing("读、分组、定价、入账、关账", inside, lines),
        Timing("整条 tongpin settle（连同报表）", whole, lines),
    )
    return [
        Result(
            f"月结 {SETTLED}：入账 {lines:,} 行；湖里 {held:,} 份清单与首页，另有 {len(CLOSED)} 个月已关账；"
            f"{RUNS} 次取中位数",
            timings,
            (f"整条命令 {whole:.1f} 秒，要求不超过 {MONTH_LIMIT:g} 秒",),
            (("settle_seconds", inside), ("command_seconds", whole)),
        )
    ]


def impact(count: int) -> list[Result]:
    """Time a draft edition against about `count` lists of three years of the city: its steps, and the whole command."""
    setting = city_setting()
    months = setting.months[-DRAFT_MONTHS:]
    first, last = str(months[0]), str(months[-1])
    with tempfile.TemporaryDirectory(prefix="tongpin-bench-") as folder:
        home = city_home(Path(folder) / "home", months, hospitals_for(setting, months, count))
        _change_weights(open_round(home, DRAFT, EDITION, "基准用的草案", date(2025, 7, 1)))
        floor = median_seconds(lambda: lake.read(home, CASES, CASE_SCHEMA.names, where=LISTS), RUNS)
        steps, found = _compared(home, first, last)
        paper = str(Path(folder) / "impact.xlsx")
        command = ("round", "compare", EDITION, DRAFT, "--from-months", f"{first}..{last}", "-o", paper)
        whole = median(_command(*command, "--home", str(home.root)) for _ in range(RUNS))
        memory = most_memory(of_children=True)
    size, difference = steps[0].cases, found.total("difference_fen")
    timings = (
        Timing("只读湖里这些清单的列", floor, size),
        *steps,
        Timing("整条 tongpin round compare（连同测算表）", whole, size),
    )
    return [
        Result(
            f"试算：草案对 {first} 到 {last} 的 {size:,} 份清单，整条命令 {RUNS} 次取中位数",
            timings,
            (
                f"整条命令 {whole:.1f} 秒，要求不超过 {DRAFT_LIMIT:g} 秒",
                f"最多占用内存 {memory / 1e9:.1f} GB" if memory else "这个系统量不出内存",
                f"两版相差 {difference / 1e6:,.2f} 万元（模拟）",
            ),
            (("command_seconds", whole), ("memory_bytes", float(memory))),
        )
    ]


def _compared(home: Home, first: str, last: str) -> tuple[list[Timing], Impact]:
    """The steps of the comparison in this process."""
    old, new = round_or_edition(home, EDITION), round_or_edition(home, DRAFT)
    on = max(old.breakpoints)
    scheme, institutions = open_scheme(home, old.scheme_id), read_loaded(home, INSTITUTIONS)
    seconds = [time.perf_counter()]
    cases = cases_of_months(home, first, last, old)
    seconds.append(time.perf_counter())
    grouped = group(cases, scheme)
    seconds.append(time.perf_counter())
    found = compare_editions(grouped, grouped, pinned(old, on), pinned(new, on), institutions)
    seconds.append(time.perf_counter())
    labels = ("读出各月清单", "分组", "按两版定价并汇总")
    spans = zip(labels, pairwise(seconds), strict=True)
    return [Timing(label, end - start, cases.num_rows) for label, (start, end) in spans], found


def hospitals_for(setting: Setting, months: Sequence[Month], count: int) -> list[int]:
    """The first hospitals of the city that have about so many lists in the months; all where more are wanted."""
    chosen, total = [], 0
    for hospital in range(len(setting.hospitals)):
        if total >= count:
            break
        chosen.append(hospital)
        total += sum(setting.list_count(month, hospital) for month in months)
    return chosen


def _change_weights(folder: Path) -> None:
    """A draft that differs: every tenth weight a tenth higher."""
    path = folder / "weights.csv"
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    for row in rows[::10]:
        row[1] = f"{float(row[1]) * 1.1:.4f}"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])


def _timed(work: Callable[[], Found]) -> tuple[float, Found]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def _command(*arguments: str) -> float:
    """The seconds of a command of the program in a process of its own."""
    start = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own command on a home made here
        [sys.executable, "-m", "tongpin", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise TongpinError("bench.command", f"tongpin {' '.join(arguments)} 失败：{done.stderr[-500:]}")
    return time.perf_counter() - start
