"""Benchmark of the workbench 工作台基准: table filters under an open loop, one grouping call, a cold page, two workers.

Every figure is that of `tongpin serve` in a process of its own, asked over its port; the load comes from the same host.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.bench.open_loop import DONE, Load, Request, at_once, fetched, loaded, one_by_one, post
from tongpin.bench.timing import percentile
from tongpin.bench.web_home import (
    AREA,
    PASSWORD,
    PASSWORD_USER,
    YEAR,
    People,
    asked_of_cases,
    web_home,
    with_people,
)
from tongpin.bench.web_page import Page, cold_page
from tongpin.records.intake.lake_tables import CASES, read_loaded
from tongpin.store.control import close_engines, control_engine
from tongpin.store.journal import verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tongpin.bench.open_loop import Asker
    from tongpin.store.home import Home

YEAR_CASES = 500_000
RATE, SECONDS, WARM_SECONDS = 40.0, 60.0, 5.0
"""400 users who each act every 10 seconds."""
SEARCH_SECONDS, SEARCH_STEP, SEARCH_MOST = 8.0, 0.1, 1_280.0
SLOW = 1.0
"""The search ends at the rate at which the 95th percentile passes this; `SEARCH_STEP` is how near it comes."""
LIMITS = {"p95": 0.150, "p99": 0.300, "group_p99": 0.005, "page_bytes": 500_000.0, "page_seconds": 1.5}
GROUPED, SIGNED_IN, COMPARED = 500, 60, 40
PAUSE = 0.03
"""Seconds between one answer and the next case."""
TABLE = "/api/v1/tables/cases/rows"
_START_SECONDS = 60.0


class Line(NamedTuple):
    """A figure: what, its value as text, what is asked of it (`-` = nothing), and whether it holds."""

    what: str
    value: str
    limit: str
    holds: bool


@dataclass(frozen=True)
class WebReport:
    """The figures of one part of the bench."""

    title: str
    lines: tuple[Line, ...]
    said: tuple[str, ...]
    figures: dict[str, float]

    HEADS = ("量什么", "得", "要求", "是否做到")

    def rows(self) -> list[list[str]]:
        """The table for people."""
        return [[one.what, one.value, one.limit, "是" if one.holds else "否"] for one in self.lines]

    def notes(self) -> list[str]:
        """What else is to be known, in sentences."""
        return list(self.said)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        lines = [{"what": one.what, "value": one.value, "limit": one.limit, "holds": one.holds} for one in self.lines]
        return {"title": self.title, "lines": lines, "notes": list(self.said), "figures": self.figures}


class Server(NamedTuple):
    """A running `tongpin serve`: its port, its process, the seconds from its start to its first answer."""

    port: int
    process: int
    start_seconds: float


def run(home_path: Path | None, count: int) -> list[WebReport]:
    """Measure the workbench over a city's year of about `count` lists; the home is kept where `home_path` names one."""
    with tempfile.TemporaryDirectory(prefix="tongpin-bench-") as folder:
        home = web_home(home_path or Path(folder) / "home", count)
        people = with_people(home)
        with serving(home) as server:
            idle = [_grouping(home, server, people), _page(server, people)]
            tables = [_filters(home, server, people)]
        return [*tables, *idle, _two_workers(home, with_people(home))]


@contextmanager
def serving(home: Home, workers: int = 1) -> Iterator[Server]:
    """The workbench of a home on a free port, stopped at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = (sys.executable, "-m", "tongpin", "serve", "--home", str(home.root), "--port", str(port))
    begin = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own command on a home made for this
        [*command, "--workers", str(workers)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() > begin + _START_SECONDS:
                raise TongpinError(
                    "bench.serve", "工作台没有起来", where=str(home.root), hint="运行 tongpin serve 看原因"
                )
            time.sleep(0.01)
        yield Server(port, process.pid, time.perf_counter() - begin)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def _answers(port: int) -> bool:
    try:
        return fetched(port, None, [Request("GET", "/api/v1/session/ways")])[0].status == DONE
    except OSError:
        return False


def _filters(home: Home, server: Server, people: People) -> WebReport:
    """Everybody of the bureau over the whole city; then all users, each over what he sees; then ever more of them."""
    asked = [post(TABLE, body) for body in asked_of_cases(home, 4_000)]
    first = time.perf_counter()
    held = json.loads(fetched(server.port, people.bureau[0], [post(TABLE, {"parameters": _YEAR})])[0].body)["total"]
    opened = time.perf_counter() - first
    whole = people.bureau * (len(people.hospitals) // len(people.bureau) + 1)
    everybody = [*people.bureau, *people.hospitals]
    # Nobody measures the first look of the day: each desk's list is loaded before.
    fetched_by = {one.cookie: one for one in everybody}.values()
    at_first = [fetched(server.port, one, [post(TABLE, {"parameters": _YEAR})])[0].status for one in fetched_by]
    if set(at_first) != {DONE}:
        raise TongpinError("bench.answer", "有的岗位打不开病例列表", hint="运行 tongpin serve 看原因")
    loaded(server.port, whole, asked, RATE, WARM_SECONDS)
    region = loaded(server.port, whole, asked, RATE, SECONDS)
    own = loaded(server.port, everybody, asked, RATE, SECONDS)
    late = max(region.late_seconds, own.late_seconds)
    kilobytes = region.bytes_received / len(region.latencies) / 1e3
    most = _passing_rate(server.port, everybody, asked)
    lines = []
    for what, load in (("全市各岗位，每人看全市", region), ("局端四分之一、各院四分之三，各看各的", own)):
        lines += [
            _latency(f"{what}：95% 的请求不超过", load, 0.95, LIMITS["p95"]),
            _latency(f"{what}：99% 的请求不超过", load, 0.99, LIMITS["p99"]),
        ]
    lines += [
        Line("没有成功的请求", str(region.failures + own.failures), "0", not region.failures + own.failures),
        Line("95% 的请求超过 1 秒时的请求量", f"每秒 {most:,.0f} 次", "-", True),
    ]
    return WebReport(
        f"列表筛选：一年 {held:,} 行，{len(everybody)} 人每秒共 {RATE:.0f} 次，一个进程，{SECONDS:.0f} 秒",
        tuple(lines),
        (
            "时延从计划发送的时刻算起；发送与服务在同一台机器上",
            f"发送最多晚了 {late * 1e3:.0f} 毫秒；每个回答平均 {kilobytes:.1f} KB",
            f"启动到第一个回答 {server.start_seconds:.1f} 秒，一年的列表第一次打开 {opened:.1f} 秒",
            f"各人的列表都打开以后，进程占内存 {_memory(server):.2f} GB",
        ),
        {
            "rows": float(held),
            "region_p50_seconds": median(region.latencies),
            "region_p95_seconds": percentile(region.latencies, 0.95),
            "region_p99_seconds": percentile(region.latencies, 0.99),
            "own_p50_seconds": median(own.latencies),
            "own_p95_seconds": percentile(own.latencies, 0.95),
            "own_p99_seconds": percentile(own.latencies, 0.99),
            "failures": float(region.failures + own.failures),
            "slow_rate": most,
            "start_seconds": server.start_seconds,
            "open_seconds": opened,
            "memory_gb": _memory(server),
        },
    )


_YEAR = {"area": AREA, "month": YEAR}


def _latency(what: str, load: Load, share: float, limit: float) -> Line:
    found = percentile(load.latencies, share)
    return Line(what, f"{found * 1e3:,.0f} 毫秒", f"≤ {limit * 1e3:.0f} 毫秒", found <= limit)


def _passing_rate(port: int, askers: Sequence[Asker], asked: Sequence[Request]) -> float:
    """The rate at which the 95th percentile passes a second: by doubling, then by halving what lies between."""

    def is_slow(rate: float) -> bool:
        load = loaded(port, askers, asked, rate, SEARCH_SECONDS)
        return load.failures > 0 or percentile(load.latencies, 0.95) > SLOW

    low = high = RATE
    while not is_slow(high):
        low, high = high, high * 2
        if high > SEARCH_MOST:
            return low
    while high - low > SEARCH_STEP * low:
        middle = (low + high) / 2
        low, high = (low, middle) if is_slow(middle) else (middle, high)
    return high


def _memory(server: Server) -> float:
    """The gigabytes that the server holds now; 0 where the system does not say."""
    try:
        status = Path(f"/proc/{server.process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return int(status.split("VmRSS:")[1].split()[0]) / 1e6


def _grouping(home: Home, server: Server, people: People) -> WebReport:
    """One case after another, as a hospital's system asks while a record is written; the first loads the scheme."""
    columns = ["case_id", "sex", "age", "los", "dept", "discharge_way", "dx", "px"]
    cases = read_loaded(home, CASES, columns).slice(0, GROUPED).to_pylist()
    bodies = [{"scheme": "demo-drg", "cases": [_plain(case)]} for case in cases]
    requests = [post("/api/v1/group", body) for body in bodies]
    asker = people.bureau[0]
    start = time.perf_counter()
    first = fetched(server.port, asker, requests[:1])[0]
    first_seconds = time.perf_counter() - start
    if first.status != DONE:
        raise TongpinError("bench.answer", f"分组没有成功：{first.body.decode()[:300]}", hint="看 /api/v1/openapi.json")
    fetched(server.port, asker, requests)
    load = one_by_one(server.port, asker, requests, PAUSE)
    found = percentile(load.latencies, 0.99)
    limit = LIMITS["group_p99"]
    return WebReport(
        f"分组一例：服务空闲，一个接一个，共 {len(load.latencies)} 次",
        (
            Line("一半的请求不超过", f"{median(load.latencies) * 1e3:.1f} 毫秒", "-", True),
            Line("99% 的请求不超过", f"{found * 1e3:.1f} 毫秒", f"≤ {limit * 1e3:.0f} 毫秒", found <= limit),
            Line("没有成功的请求", str(load.failures), "0", not load.failures),
        ),
        (f"启动以后的第一次要装入方案：{first_seconds * 1e3:.0f} 毫秒",),
        {"group_p50_seconds": median(load.latencies), "group_p99_seconds": found, "group_first_seconds": first_seconds},
    )


def _plain(case: dict[str, Any]) -> dict[str, Any]:
    """A case as JSON holds it, without what it does not say."""
    numbers = {name: int(case[name]) for name in ("sex", "age", "los") if case[name] is not None}
    texts = {name: case[name] for name in ("case_id", "dept", "discharge_way") if case[name] is not None}
    return {**texts, **numbers, "dx": list(case["dx"]), "px": list(case["px"] or ())}


def _page(server: Server, people: People) -> WebReport:
    """The start page and the list of cases in a browser that has never been here."""
    found = cold_page(f"http://127.0.0.1:{server.port}", people.bureau[0].cookie)
    title = "打开页面：浏览器里什么也没有"
    if found is None:
        return WebReport(title, (), ("没有量：这里没有 Chromium 或 playwright",), {})
    return WebReport(title, tuple(_page_lines(found)), (f"下载 {found.files} 个文件",), found.figures())


def _page_lines(found: Page) -> list[Line]:
    size, seconds = LIMITS["page_bytes"], LIMITS["page_seconds"]
    return [
        Line("线上传输", f"{found.size / 1e3:,.0f} KB", f"≤ {size / 1e3:.0f} KB", found.size <= size),
        Line("到可以操作", f"{found.seconds:.2f} 秒", f"≤ {seconds:g} 秒", found.seconds <= seconds),
    ]


def _two_workers(home: Home, people: People) -> WebReport:
    """The same answers from both, a session of one known to the other, a whole chain under concurrent acts."""
    asked = [post(TABLE, body) for body in asked_of_cases(home, COMPARED)]
    with serving(home, 1) as one:
        wanted = [found.body for found in fetched(one.port, people.bureau[0], asked)]
    with serving(home, 2) as two:
        busy = _worker_seconds(two)
        same = [found.body for _ in range(3) for found in fetched(two.port, people.bureau[0], asked, afresh=True)]
        differences = sum(found != expected for found, expected in zip(same, wanted * 3, strict=True))
        signing = post("/api/v1/session", {"name": PASSWORD_USER, "password": PASSWORD})
        opened = at_once(two.port, [(None, signing)] * SIGNED_IN)
        known = [found.status for found in at_once(two.port, [(one, _ME) for one in people.hospitals])]
        worked = sum(after - before > 0 for before, after in zip(busy, _worker_seconds(two), strict=True))
    verdict = verify(control_engine(home))
    close_engines()
    refused = sum(found.status != DONE for found in opened)
    strangers = sum(status != DONE for status in known)
    return WebReport(
        "两个进程：答案相同、会话通用、日志链完整",
        (
            Line(f"{len(same)} 个回答与一个进程的不同", str(differences), "0", not differences),
            Line(f"{SIGNED_IN} 人同时登录，没有成功", str(refused), "0", not refused),
            Line(f"{len(known)} 个会话各走一条新连接，不被认得", str(strangers), "0", not strangers),
            Line(f"日志 {verdict.count} 条，链是否完整", "是" if verdict.is_whole else "否", "是", verdict.is_whole),
            Line("答过请求的进程", str(worked), "2", worked == 2),  # noqa: PLR2004  # as the title says
        ),
        (),
        {"differences": float(differences), "refused": float(refused), "strangers": float(strangers)},
    )


_ME = Request("GET", "/api/v1/me")


def _worker_seconds(server: Server) -> list[float]:
    """The processor seconds of each worker so far: the children of the server but for its watcher of resources."""
    children = Path(f"/proc/{server.process}/task/{server.process}/children").read_text(encoding="utf-8").split()
    found = []
    for child in children:
        if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8"):
            fields = Path(f"/proc/{child}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            found.append((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
    return found
