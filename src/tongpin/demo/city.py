"""The city 演示城市: chosen hospital-months drawn and written by worker processes, with the truth kept apart."""

from __future__ import annotations

import csv
import multiprocessing
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.demo.aftermath import Decision, Withdrawal, decide, withdraw
from tongpin.demo.cases import draw_hospital_month
from tongpin.demo.choice import choose
from tongpin.demo.faults import RecordFault, SplitStay, plant, split_stays, truncate_lines
from tongpin.demo.profile import SETTLEMENT_LEVELS
from tongpin.demo.setting import Setting, prepare
from tongpin.records.write import Names, write_front_page, write_settlement_list, write_settlement_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tongpin.demo.calendar import Month

SEED = 20250601
FEW_LISTS = 12_000
"""Below this many lists a second process costs more than it saves."""

INSTITUTION_COLUMNS = (
    "institution_code",
    "institution_name",
    "settlement_level",
    "grade",
    "manual",
    "ownership",
    "beds",
    "valid_from",
)
BEDS_STEP = 10


@dataclass(frozen=True)
class MonthSummary:
    """One month as written: hospitals built and left out, settlement lists, front pages."""

    month: str
    hospitals: int
    hospitals_left_out: int
    settlement_lists: int
    front_pages: int


@dataclass(frozen=True)
class CitySummary:
    """What was written where; counts of lists leave out what faults repeat and what was sent again."""

    profile: str
    label: str
    seed: int
    folder: Path
    months: tuple[MonthSummary, ...]
    notes: tuple[str, ...]
    record_faults: int
    split_stays: int
    withdrawals: int
    decisions: int

    @property
    def settlement_lists(self) -> int:
        """The settlement lists of all months."""
        return sum(month.settlement_lists for month in self.months)

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain data."""
        return {**asdict(self), "folder": str(self.folder), "settlement_lists": self.settlement_lists}


class _Task(NamedTuple):
    """A hospital-month to write; `withdraw` says that the next month is there to take the successors."""

    month: Month
    hospital: int
    withdraw: bool


class _Crew(NamedTuple):
    """What a worker process needs to make the same setting for itself."""

    profile: str
    scheme_folder: Path
    seed: int
    folder: Path


class _Written(NamedTuple):
    """What a hospital-month came to."""

    task: _Task
    lists: int
    pages: int
    faults: list[RecordFault]
    splits: list[SplitStay]
    withdrawals: list[Withdrawal]
    decisions: list[Decision]


def build_city(
    folder: Path,
    *,
    profile: str = "prefecture-east",
    cases: int | None = None,
    seed: int = SEED,
    scheme_folder: Path,
    progress: Callable[[int, int], None] | None = None,
    workers: int = 2,
    replace: bool = False,
) -> CitySummary:
    """Write the files of a demonstration city to `folder/files` and the truth about them to `folder/truth`.

    `cases` counts settlement lists (None: the first months of the profile, whole); months are full-size and hospitals
    whole. The same profile, plan, scheme and seed give the same bytes for a hospital-month whatever else is built.
    `progress(done, total)` is told the lists written so far. Raises `TongpinError`: `demo.cases` (less than one list),
    `demo.folder` (the folder holds a city already and `replace` is off), `demo.profile`, `demo.plan`. Issue 2, item 6.
    """
    if cases is not None and cases < 1:
        raise TongpinError("demo.cases", f"要生成的清单数应至少为 1，给的是 {cases}", hint="例如 --cases 60000")
    setting = prepare(profile, scheme_folder, seed)
    choice = choose(setting, cases)
    _clear(folder, replace=replace)
    sizes = {(month.month, hospital): count for month in choice.months for hospital, count in month.lists.items()}
    tasks = [
        _Task(month, hospital, (month.plus(1), hospital) in sizes)
        for month, hospital in sorted(sizes, key=lambda one: (-sizes[one], *one))
    ]
    for month in choice.months:
        for kind in ("settlement-list", "settlement-result", "front-page"):
            (folder / "files" / str(month.month) / kind).mkdir(parents=True, exist_ok=True)
    written: list[_Written] = []
    total, done = sum(sizes.values()), 0
    crew = _Crew(profile, scheme_folder, seed, folder)
    for one in _run(setting, crew, tasks, workers if total > FEW_LISTS else 1):
        written.append(one)
        done += one.lists
        if progress is not None:
            progress(done, total)
    written.sort(key=lambda one: (one.task.month, one.task.hospital))
    files, truth = folder / "files", folder / "truth"
    _write_institutions(setting, files / "institution.csv")
    _write_rows(files / "withdrawal.csv", Withdrawal._fields, (row for one in written for row in one.withdrawals))
    _write_rows(files / "decision.csv", Decision._fields, (row for one in written for row in one.decisions))
    truth.mkdir()
    _write_rows(truth / "record_faults.csv", RecordFault._fields, (row for one in written for row in one.faults))
    _write_rows(truth / "split_stays.csv", SplitStay._fields, (row for one in written for row in one.splits))
    return CitySummary(
        profile=profile,
        label=setting.profile.label,
        seed=seed,
        folder=folder,
        months=tuple(
            MonthSummary(
                str(month.month),
                len(month.lists),
                month.left_out,
                sum(one.lists for one in written if one.task.month == month.month),
                sum(one.pages for one in written if one.task.month == month.month),
            )
            for month in choice.months
        ),
        notes=choice.notes,
        record_faults=sum(len(one.faults) for one in written),
        split_stays=sum(len(one.splits) for one in written),
        withdrawals=sum(len(one.withdrawals) for one in written),
        decisions=sum(len(one.decisions) for one in written),
    )


def _clear(folder: Path, *, replace: bool) -> None:
    """Make room for a city: only its own two folders are ever removed, and only when asked."""
    for name in ("files", "truth"):
        part = folder / name
        if part.exists() and any(part.iterdir()):
            if not replace:
                raise TongpinError(
                    "demo.folder",
                    "这里已有一座演示城市的文件，没有覆盖",
                    where=part.name,
                    hint="换一个文件夹，或先删去 files 与 truth",
                )
            shutil.rmtree(part)
    (folder / "files").mkdir(parents=True, exist_ok=True)
    if (folder / "truth").exists():
        (folder / "truth").rmdir()


def _run(setting: Setting, crew: _Crew, tasks: list[_Task], workers: int) -> Iterator[_Written]:
    """The tasks done one by one here, or by processes of their own (largest first, in no fixed order)."""
    if workers <= 1:
        yield from (_write_hospital_month(setting, crew.folder, task) for task in tasks)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _start_worker, (crew,)) as pool:
        yield from pool.imap_unordered(_work, tasks)


_WORKER: list[tuple[Setting, Path]] = []
"""The setting and the folder that a worker process was started with."""


def _start_worker(crew: _Crew) -> None:
    pa.set_cpu_count(1)
    _WORKER.append((prepare(crew.profile, crew.scheme_folder, crew.seed), crew.folder))


def _work(task: _Task) -> _Written:
    return _write_hospital_month(*_WORKER[-1], task)


def _write_hospital_month(setting: Setting, folder: Path, task: _Task) -> _Written:
    month, hospital = task.month, task.hospital
    stays = draw_hospital_month(setting, month, hospital)
    lists = stays.filter(pc.is_valid(stays["insurance"]))
    names = Names(dx=setting.groups.dx_names, px=setting.groups.px_names)
    code = setting.institution_code(hospital)
    place = folder / "files" / str(month)
    planted = plant(setting, month, hospital, lists)
    list_file = place / "settlement-list" / f"{code}.jsonl"
    write_settlement_list(planted.lists, list_file, names=names)
    truncate_lines(list_file, [line for kind, line in planted.faults if kind == "truncated"])
    write_settlement_results(planted.results, place / "settlement-result" / f"{code}.csv")
    write_front_page(_as_pages(stays), place / "front-page" / f"{code}.csv", names=names)
    setl_ids = planted.lists["case_id"]
    faults = [
        RecordFault(str(month), code, setl_ids[line].as_py(), kind, f"{month}/settlement-list/{code}.jsonl", line + 1)
        for kind, line in planted.faults
    ]
    withdrawals: list[Withdrawal] = []
    if task.withdraw:
        withdrawals, successors = withdraw(setting, month, hospital, lists, {fault.setl_id for fault in faults})
        if withdrawals:
            later = folder / "files" / str(month.plus(1))
            write_settlement_list(successors, later / "settlement-list" / f"{code}-again.jsonl", names=names)
            write_settlement_results(successors, later / "settlement-result" / f"{code}-again.csv")
    return _Written(
        task,
        lists.num_rows,
        stays.num_rows,
        faults,
        split_stays(month, lists),
        withdrawals,
        decide(setting, month, hospital, lists),
    )


def _as_pages(stays: pa.Table) -> pa.Table:
    """All stays as front pages, insured or not."""
    source = pa.repeat(pa.scalar("front_page"), stays.num_rows)
    return stays.set_column(stays.schema.get_field_index("source"), "source", source)


def _write_institutions(setting: Setting, path: Path) -> None:
    grades = setting.profile.grades
    rows = [
        (
            setting.institution_code(hospital),
            row.name,
            SETTLEMENT_LEVELS[row.grade],
            row.grade,
            row.manual,
            row.ownership,
            round(row.cases * 12 / grades.discharges_per_bed_year.value[row.grade] / BEDS_STEP) * BEDS_STEP,
            setting.profile.hospitals.valid_from,
        )
        for hospital, row in enumerate(setting.hospitals)
    ]
    _write_rows(path, INSTITUTION_COLUMNS, rows)


def _write_rows(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
