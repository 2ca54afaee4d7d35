"""The city 演示城市: chosen hospital-months drawn and written by worker processes, with the truth kept apart."""

from __future__ import annotations

import csv
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from tongpin.base.errors import TongpinError
from tongpin.demo.aftermath import Decision, Withdrawal
from tongpin.demo.choice import Choice, always_built, choose
from tongpin.demo.hospital_month import FOLDERS, NATIONAL, RecordFault, Task, Written
from tongpin.demo.returns import Receipt
from tongpin.demo.setting import prepare
from tongpin.demo.tables import assessment, bureau, staff
from tongpin.demo.tables.bureau import BankFault
from tongpin.demo.tables.shape import of_rows
from tongpin.demo.tables.visits import TraceFault
from tongpin.demo.truth import Birth, InterimBill, SplitStay
from tongpin.demo.workers import write_all
from tongpin.records.writers.layouts import write_layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tongpin.demo.setting import Setting

SEED = 20250601
FEW_LISTS = 12_000
"""Below this many lists a second process costs more than it saves."""

Layouts = Literal["few", "some", "all"]
"""Which own layouts: the small ones, the big ones of one hospital of each grade too, or those of all hospitals."""


@dataclass(frozen=True)
class MonthSummary:
    """One month as written: hospitals built and left out, settlement lists, front pages, 门慢特 lists."""

    month: str
    hospitals: int
    hospitals_left_out: int
    settlement_lists: int
    front_pages: int
    special_lists: int


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
    corrected_lists: int
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


def build_city(
    folder: Path,
    *,
    profile: str = "prefecture-east",
    cases: int | None = None,
    months: int | None = None,
    seed: int = SEED,
    scheme_folder: Path,
    layout: str = NATIONAL,
    layouts: Layouts = "some",
    progress: Callable[[int, int], None] | None = None,
    workers: int = 2,
    replace: bool = False,
) -> CitySummary:
    """Write the files of a demonstration city to `folder/files` and the truth about them to `folder/truth`.

    `cases` counts settlement lists, `months` whole months (neither: the default months of the profile); months are
    full-size and hospitals whole. `layout` is `national` (4101, settlement results, front pages, with faults) or
    `plain` (Parquet, clean). The same profile, plan, scheme and seed give the same bytes for a hospital-month whatever
    else is built. `progress(done, total)` is told the lists written so far. Raises `TongpinError`: `demo.cases` (less
    than one list, or lists and months at once), `demo.months`, `demo.layout`, `demo.folder` (the folder holds a city
    already and `replace` is off), `demo.profile`, `demo.plan`. Issue 2, item 6; issue 3, item 6.
    """
    _check(cases, months, layout)
    setting = prepare(profile, scheme_folder, seed)
    choice = choose(setting, cases, months)
    _clear(folder, replace=replace)
    tasks = _tasks(setting, choice, layout, layouts)
    for month in choice.months:
        for kind in FOLDERS[layout]:
            (folder / "files" / str(month.month) / kind).mkdir(parents=True, exist_ok=True)
    written: list[Written] = []
    total, done = sum(month.total for month in choice.months), 0
    for one in write_all(setting, folder, tasks, workers if total > FEW_LISTS else 1):
        written.append(one)
        done += one.lists
        if progress is not None:
            progress(done, total)
    written.sort(key=lambda one: (one.task.month, one.task.hospital))
    bank_faults = _write_layouts(setting, folder / "files", choice, written, national=layout == NATIONAL)
    _write_truth(folder / "truth", written, bank_faults)
    return _summary(setting, folder, choice, written)


def _check(cases: int | None, months: int | None, layout: str) -> None:
    if cases is not None and cases < 1:
        raise TongpinError("demo.cases", f"要生成的清单数应至少为 1，给的是 {cases}", hint="例如 --cases 60000")
    if cases is not None and months is not None:
        raise TongpinError("demo.cases", "清单数与月数只能给一个", hint="去掉 --cases 或 --months")
    if layout not in FOLDERS:
        raise TongpinError("demo.layout", f"没有布局 {layout}", hint=f"可用：{'、'.join(FOLDERS)}")


def _tasks(setting: Setting, choice: Choice, layout: str, layouts: Layouts) -> list[Task]:
    """The hospital-months, largest first."""
    sizes = {(month.month, hospital): count for month in choice.months for hospital, count in month.lists.items()}
    big = set(range(len(setting.hospitals))) if layouts == "all" else set(always_built(setting))
    if layouts == "few" or layout != NATIONAL:
        big = set()
    return [
        Task(month, hospital, (month.plus(1), hospital) in sizes, layout, hospital in big)
        for month, hospital in sorted(sizes, key=lambda one: (-sizes[one], *one))
    ]


def _summary(setting: Setting, folder: Path, choice: Choice, written: list[Written]) -> CitySummary:
    return CitySummary(
        profile=setting.profile.profile,
        label=setting.profile.label,
        seed=setting.seed,
        folder=folder,
        months=tuple(
            MonthSummary(
                str(month.month),
                len(month.lists),
                month.left_out,
                sum(one.lists for one in written if one.task.month == month.month),
                sum(one.pages for one in written if one.task.month == month.month),
                sum(one.special for one in written if one.task.month == month.month),
            )
            for month in choice.months
        ),
        notes=choice.notes,
        record_faults=sum(len(one.faults) for one in written),
        corrected_lists=sum(bool(fault.corrected_time) for one in written for fault in one.faults),
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


def _write_layouts(
    setting: Setting, files: Path, choice: Choice, written: list[Written], *, national: bool
) -> list[BankFault]:
    """The small own layouts of the whole city; gives what bank and fund book disagree on."""
    write_layout(bureau.institutions(setting), "institution", files / "institution.csv")
    if not national:
        return []
    found = [dept for one in written for dept in one.depts]
    bank, bank_faults = bureau.bank_lines(setting, [month.month for month in choice.months])
    tables = {
        "withdrawal": of_rows("withdrawal", Withdrawal._fields, (row for one in written for row in one.withdrawals)),
        "decision": of_rows("decision", Decision._fields, (row for one in written for row in one.decisions)),
        "receipt": of_rows("receipt", Receipt._fields, (row for one in written for row in one.receipts)),
        "department": staff.departments(setting, found),
        "staff": staff.staff(setting, found),
        "cost": staff.costs(setting, found),
        "fund-series": bureau.fund_series(setting),
        "bank-line": bank,
        "finance": assessment.finance(setting, bureau.beds(setting)),
        "peer": assessment.peers(setting),
        "code-map": bureau.code_maps(setting),
    }
    for name, table in tables.items():
        if table is not None:
            write_layout(table, name, files / f"{name}.csv")
    return bank_faults


def _write_truth(truth: Path, written: list[Written], bank_faults: list[BankFault]) -> None:
    truth.mkdir()
    for name, fields, rows in (
        ("record_faults", RecordFault._fields, (row for one in written for row in one.faults)),
        ("split_stays", SplitStay._fields, (row for one in written for row in one.splits)),
        ("interim_bills", InterimBill._fields, (row for one in written for row in one.interim)),
        ("births", Birth._fields, (row for one in written for row in one.births)),
        ("trace_faults", TraceFault._fields, (row for one in written for row in one.traces)),
        ("bank_faults", BankFault._fields, iter(bank_faults)),
    ):
        _write_rows(truth / f"{name}.csv", fields, rows)


def _write_rows(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
