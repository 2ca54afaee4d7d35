"""Benchmark of loading 装载基准: each format read into typed cases, beside the mere parse of the same bytes.

Also a whole load with its memory, and the speed at which the demonstration city is drawn and written.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from tongpin.bench.timing import RUNS, Result, Timing, median
from tongpin.demo.cases import draw_hospital_month
from tongpin.demo.city import SEED, build_city
from tongpin.demo.hospital_month import as_pages
from tongpin.demo.setting import prepare
from tongpin.grouping.library import DEMO_SCHEME, scheme_folders
from tongpin.records.intake.read import read
from tongpin.records.write import Names, write_front_page, write_plain, write_settlement_list
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable

PROFILE = "prefecture-east"
KEY = b"bench"
LISTS, PAGES, PLAIN = 20_000, 5_000, 200_000
"""How many records each format is timed on; a whole load takes as many as the caller asks for."""
POLL_SECONDS = 0.05
CITY_CASES = {"plain": 240_000, "national": 60_000}
"""Enough that the start of the processes does not decide."""


def run(home_path: Path | None, count: int) -> list[Result]:
    """Time the formats on drawn cases, one whole load of `count` plain cases, and the city; medians of 5."""
    scheme = scheme_folders(Home.open(home_path))[DEMO_SCHEME]
    hospitals, names = draw_hospitals(scheme, LISTS)
    stays = pa.concat_tables(hospitals).slice(0, LISTS)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        return [
            _lists(stays, names, place),
            _pages(hospitals, names, place),
            _plain(stays, place),
            whole_load(stays, count, place),
            _city(scheme, place),
        ]


def draw_hospitals(scheme_folder: Path, count: int) -> tuple[list[pa.Table], Names]:
    """The insured stays of a month, hospital by hospital, until there are `count`; and the names of their codes."""
    setting = prepare(PROFILE, scheme_folder, SEED)
    parts: list[pa.Table] = []
    while sum(part.num_rows for part in parts) < count:
        stays = draw_hospital_month(setting, setting.first_month, len(parts))
        parts.append(stays.filter(pc.is_valid(stays["insurance"])))
    return parts, Names(dx=setting.groups.dx_names, px=setting.groups.px_names)


def _timed(title: str, floor: str, parse: Callable[[], object], path: Path, kind: str, count: int) -> Result:
    """The read of a file beside the mere parse of its bytes."""
    size = path.stat().st_size
    found = read(path, kind, key=KEY)
    timings = (
        Timing(floor, median(parse), count),
        Timing("读成病例", median(lambda: read(path, kind, key=KEY)), count),
    )
    lost = [one for one in found.findings if one.severity == "error"]
    note = f"{size / 1e6:,.1f} MB，{found.read_count:,} 条，读成 {found.cases.num_rows:,} 例，错误 {len(lost)} 条"
    return Result(f"{title}：{count:,} 例，单进程，{RUNS} 次取中位数", timings, (note,))


def _lists(stays: pa.Table, names: Names, place: Path) -> Result:
    path = place / "lists.jsonl"
    write_settlement_list(stays, path, names=names)

    def parse() -> object:
        return [orjson.loads(line) for line in path.read_bytes().split(b"\n") if line]

    return _timed("4101 清单", "只解析 JSON", parse, path, "settlement-list", stays.num_rows)


def _pages(hospitals: list[pa.Table], names: Names, place: Path) -> Result:
    pages = pa.concat_tables([as_pages(stays) for stays in hospitals]).slice(0, PAGES)
    path = place / "pages.csv"
    write_front_page(pages, path, names=names, full=True)
    return _timed("HQMS 首页（811 列）", "只解析 CSV", lambda: _csv(path), path, "front-page", pages.num_rows)


def _plain(stays: pa.Table, place: Path) -> Result:
    path = write_many(stays, place / "plain.csv", PLAIN)
    return _timed("通用格式 CSV", "只解析 CSV", lambda: _csv(path), path, "plain", PLAIN)


def _csv(path: Path) -> pa.Table:
    """Every column of a CSV as text, one thread."""
    names = pacsv.open_csv(path).schema.names
    texts = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    return pacsv.read_csv(path, pacsv.ReadOptions(use_threads=False), convert_options=texts)


def write_many(stays: pa.Table, path: Path, count: int) -> Path:
    """`count` plain cases in one file: the stays again and again, each time under other case numbers."""
    drawn = stays.select(["case_id", "sex", "age", "age_days", "birth_weight", "dept", "los", "discharge_way"])
    drawn = drawn.append_column("dx", stays["dx"]).append_column("px", stays["px"])
    parts = []
    for first in range(0, count, drawn.num_rows):
        some = drawn.slice(0, min(drawn.num_rows, count - first))
        ids = pa.array([f"{first + row:09d}" for row in range(some.num_rows)])
        parts.append(some.set_column(0, "case_id", ids))
    write_plain(pa.concat_tables(parts), path)
    return path


def whole_load(stays: pa.Table, count: int, place: Path) -> Result:
    """A `tongpin load` of `count` plain cases in one file: seconds, and the memory of all its processes together."""
    path = write_many(stays, place / "many.csv", count)
    floor = median(lambda: _csv(path), runs=1)
    start = time.perf_counter()
    command = [sys.executable, "-m", "tongpin", "load", str(path), "--home", str(place / "home")]
    process = subprocess.Popen(  # noqa: S603 - our own command on a file made here
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    most = 0
    while process.poll() is None:
        most = max(most, memory_of_group(process.pid))
        time.sleep(POLL_SECONDS)
    seconds = time.perf_counter() - start
    shown = f"最多占用内存 {most / 1e9:.2f} GB（各进程合计）" if most else "这个系统量不出内存"
    return Result(
        f"整次装载：通用格式 {count:,} 例，{os.cpu_count()} 个核，一次",
        (Timing("只解析 CSV（单线程）", floor, count), Timing("tongpin load", seconds, count)),
        (shown, f"退出码 {process.returncode}"),
    )


def memory_of_group(group: int) -> int:
    """Bytes held in memory by the processes of a group; 0 where the system does not tell."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group:
                total += int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError, ValueError):
            continue
    return total


def _city(scheme: Path, place: Path) -> Result:
    """The city drawn and written, in plain layout and in the national formats."""
    timings = []
    for layout, label in (("plain", "造城市，通用格式"), ("national", "造城市，4101 清单、结算结果与首页")):
        start = time.perf_counter()
        city = build_city(place / layout, cases=CITY_CASES[layout], scheme_folder=scheme, layout=layout)
        timings.append(Timing(label, time.perf_counter() - start, city.settlement_lists))
    return Result(f"演示城市：{os.cpu_count()} 个核，一次", tuple(timings))
