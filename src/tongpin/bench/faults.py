"""Benchmark of faults 断电基准: a clearing and a settlement killed at random points, run again, and compared.

Half of the kills fall on the boundaries of commits, half at random times; after each the same command runs again. Lost
or doubled is whatever then differs, row by row of every table, from the home of a run that nobody disturbed.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import signal
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.bench.city_home import city_home, city_setting, linked_copy
from tongpin.bench.fault_children import ACTS, END, SERVER, START, WRITING, WRITTEN
from tongpin.bench.fault_children import run as run_child
from tongpin.payment.month.run import settle_in_home
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tongpin.store.home import Home

YEAR, FIRST, LAST = 2024, "2024-01", "2025-03"
"""A year with the months of its 13th period."""
HOSPITALS = (22, 24, 50)
"""Two hospitals paid by groups and one only observed."""
SEED = 20_250_601
RUNS = 200
TRIALS = 3
"""So many undisturbed runs say how long a run takes."""
SUMS = {"clear": ("cleared_places", "due_fen"), "settle": ("posted_lines", "pool_payable_fen")}
RUN_LOGS = {"clear": "clearing_runs", "settle": "settlement_runs"}
LABELS = {"clear": "年度清算", "settle": "月结"}


class State(NamedTuple):
    """What a home says: rows and digest of each table that the act writes, the sum of its amounts in fen.

    `others`: the commits of every other table.
    """

    tables: dict[str, tuple[int, str]]
    sum_fen: int
    others: dict[str, int]


class Kill(NamedTuple):
    """A kill: the last boundary passed, whether it had been closed by then, and what differs after the next run."""

    place: str
    was_closed: bool
    differences: tuple[str, ...]


@dataclass(frozen=True)
class FaultReport:
    """The kills of one act, and how long they took with the runs after them."""

    act: str
    period: str
    undisturbed: State
    seconds: float
    median_seconds: float
    boundaries: tuple[str, ...]
    kills: tuple[Kill, ...] = field(repr=False)

    HEADS = ("杀在哪里", "次数", "已关账", "再跑后不同")

    @property
    def title(self) -> str:
        """What was killed."""
        return f"杀死{LABELS[self.act]} {self.period}：{len(self.kills)} 次，用时 {self.seconds:,.1f} 秒"

    @property
    def differences(self) -> list[str]:
        """Everything that differed, over all kills."""
        return [one for kill in self.kills for one in kill.differences]

    def rows(self) -> list[list[str]]:
        """Place, kills, how many of them found the run closed, how many led to a difference."""
        counts = Counter(kill.place for kill in self.kills)
        closed = Counter(kill.place for kill in self.kills if kill.was_closed)
        wrong = Counter(kill.place for kill in self.kills if kill.differences)
        columns = (counts, closed, wrong)
        rows = [[words_of(place), *(str(one[place]) for one in columns)] for place in self.boundaries if counts[place]]
        return [*rows, ["合计", *(str(one.total()) for one in columns)]]

    def notes(self) -> list[str]:
        """What was compared, in sentences."""
        rows = sum(count for count, _ in self.undisturbed.tables.values())
        yuan = f"{self.undisturbed.sum_fen / 100:,.2f}"
        named = "".join(f"；{one}" for one in self.differences[:5])
        once = f"没有打断的一次：中位 {self.median_seconds:.2f} 秒"
        return [
            f"{once}，写 {len(self.undisturbed.tables)} 张表 {rows:,} 行，合计 {yuan} 元（模拟数据）",
            "每次杀死后再跑一遍，写过的表逐行、合计、关账记录都与没有打断的一次比较，其余的表没有动过",
            f"不同 {len(self.differences)} 处{named}",
        ]

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "act": self.act,
            "period": self.period,
            "kills": len(self.kills),
            "by_place": dict(Counter(kill.place for kill in self.kills)),
            "seconds": self.seconds,
            "undisturbed_seconds": self.median_seconds,
            "sum_fen": self.undisturbed.sum_fen,
            "differences": self.differences,
        }


def run(kills: int) -> list[FaultReport]:
    """Kill a year's clearing `kills` times and a month's settlement half as often, over drawn hospitals of the city."""
    months = [month for month in city_setting().months if FIRST <= str(month) <= LAST]
    with tempfile.TemporaryDirectory(prefix="tongpin-bench-") as folder:
        place = Path(folder)
        home = city_home(place / "home", months, HOSPITALS)
        for month in months[:-1]:
            settle_in_home(home, str(month))
        settled = disturb(home, "settle", str(months[-1]), max(kills // 2, 1), place / "settle")
        settle_in_home(home, str(months[-1]))
        return [disturb(home, "clear", str(YEAR), kills, place / "clear"), settled]


def disturb(home: Home, act: str, period: str, kills: int, folder: Path, seed: int = SEED) -> FaultReport:
    """Kill the act so often, each time in a fresh copy of the home under `folder`, and compare what runs leave."""
    start = time.perf_counter()
    draw = random.Random(seed)  # noqa: S311 - points to kill at, no secret
    marks, seconds, wanted = _undisturbed(home, act, period, folder)
    boundaries = [mark for mark in marks if mark != END]
    done = []
    for number in range(kills):
        copy = linked_copy(home, folder / "copy")
        if number % 2:
            met = _killed(copy, act, period, delay=draw.uniform(0, 1.1 * seconds))
        else:
            met = _killed(copy, act, period, boundary=draw.choice(boundaries))
        done.append(_compared(copy, act, period, met, wanted))
        shutil.rmtree(copy.root)
    return FaultReport(act, period, wanted.state, time.perf_counter() - start, seconds, tuple(marks), tuple(done))


def disturb_at(home: Home, act: str, period: str, folder: Path) -> FaultReport:
    """Kill the act once at every boundary of its commits."""
    start = time.perf_counter()
    marks, seconds, wanted = _undisturbed(home, act, period, folder, trials=1)
    done = []
    for boundary in marks[:-1]:
        copy = linked_copy(home, folder / "copy")
        done.append(_compared(copy, act, period, _killed(copy, act, period, boundary=boundary), wanted))
        shutil.rmtree(copy.root)
    return FaultReport(act, period, wanted.state, time.perf_counter() - start, seconds, tuple(marks), tuple(done))


class _Wanted(NamedTuple):
    """What an undisturbed run gives."""

    digest: str
    state: State


def _undisturbed(
    home: Home, act: str, period: str, folder: Path, trials: int = TRIALS
) -> tuple[list[str], float, _Wanted]:
    """The boundaries that a run passes, the median of its seconds, and what it leaves."""
    seconds = []
    for _ in range(trials):
        copy = linked_copy(home, folder / "copy")
        began = time.perf_counter()
        marks = _killed(copy, act, period)
        seconds.append(time.perf_counter() - began)
        written = {mark.partition(" ")[2] for mark in marks} - {""}
        wanted = _Wanted(ACTS[act](copy, period), state_of(copy, act, written))
        shutil.rmtree(copy.root)
    return marks, statistics.median(seconds), wanted


def _killed(home: Home, act: str, period: str, *, delay: float | None = None, boundary: str | None = None) -> list[str]:
    """The boundaries that a child passed before it was killed after `delay` seconds or at a boundary, or ended."""
    told, tell = SERVER.Pipe(duplex=False)
    child = SERVER.Process(target=run_child, args=(act, str(home.root), period, boundary, tell))
    child.start()
    tell.close()
    with told:
        marks = [told.recv()]
        if delay is not None:
            time.sleep(delay)
            child.kill()
        child.join()
        marks.extend(_rest(told))
    if child.exitcode not in {0, -signal.SIGKILL}:
        raise TongpinError("bench.faults", f"{LABELS[act]} {period} 没有被杀却失败了", where=str(home.root))
    return marks


def _rest(pipe: Any) -> Iterator[str]:
    """What a child had told before it died."""
    while True:
        try:
            yield pipe.recv()
        except EOFError:
            return


def _compared(home: Home, act: str, period: str, marks: Sequence[str], wanted: _Wanted) -> Kill:
    """What a killed run left, and what differs from the undisturbed home once the act has run again."""
    found = []
    log, last = RUN_LOGS[act], marks[-1]
    was_closed = lake.exists(home, log) and _table_state(home, log) == wanted.state.tables[log]
    # A kill while the run log is written may come before or after the moment in which it is in force.
    if last != f"{WRITING} {log}" and was_closed != (f"{WRITTEN} {log}" in marks):
        found.append(f"关账记录{'已有' if was_closed else '没有'}")
    try:
        if ACTS[act](home, period) != wanted.digest:
            found.append("再跑的结果摘要不同")
    except TongpinError as error:
        found.append(f"再跑失败：{error.message}")
    after = state_of(home, act, wanted.state.tables)
    if after.sum_fen != wanted.state.sum_fen:
        found.append(f"合计差 {after.sum_fen - wanted.state.sum_fen} 分")
    for mine, theirs in ((after.tables, wanted.state.tables), (after.others, wanted.state.others)):
        found += [f"表 {name} 不同" for name in sorted({*mine, *theirs}) if mine.get(name) != theirs.get(name)]
    return Kill(last, was_closed, tuple(f"杀在“{words_of(last)}”：{one}" for one in found))


def words_of(boundary: str) -> str:
    """Where a run stood that had passed a boundary last."""
    step, _, name = boundary.partition(" ")
    words = {START: "读入与计算", END: "已经做完", WRITING: f"正在写 {name}", WRITTEN: f"写完 {name}"}
    return words[step]


def state_of(home: Home, act: str, written: Iterable[str]) -> State:
    """The tables that the act writes, whatever the order of their rows, and what else stands in the home."""
    tables = {name: _table_state(home, name) for name in written if lake.exists(home, name)}
    name, column = SUMS[act]
    amounts = lake.read(home, name, [column]) if name in tables else None
    others = {path.name: len(list((path / "_delta_log").glob("*.json"))) for path in home.lake.iterdir()}
    sum_fen = 0 if amounts is None else int(pc.sum(amounts[column]).as_py() or 0)
    return State(tables, sum_fen, {name: count for name, count in others.items() if name not in tables})


def _table_state(home: Home, name: str) -> tuple[int, str]:
    """The rows of a table, and a digest of them in an order of their own."""
    table = lake.read(home, name)
    digests = [] if table is None else sorted(lake.row_digests(table).to_pylist())
    return len(digests), hashlib.sha256(b"".join(digests)).hexdigest()
