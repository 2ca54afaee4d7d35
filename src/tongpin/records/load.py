"""Load 装载: files into a home's lake, list by list; a file is idempotent, a newer version stands beside the old.

Results of settlements are read first, since they complete the lists. Reading is spread over processes; keeping is one
transaction a table.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.base.errors import RecordsError
from tongpin.base.findings import findings_table
from tongpin.records.kinds import detect
from tongpin.records.own_layouts import LAYOUTS, layout_schema
from tongpin.records.read import Loaded, read
from tongpin.records.rules import finding
from tongpin.records.schema import empty_cases
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tongpin.base.findings import Finding
    from tongpin.records.assemble import CodeBook
    from tongpin.store.home import Home

CASES, INSTITUTIONS, WITHDRAWALS, DECISIONS = "cases", "institutions", "withdrawals", "decisions"
RESULTS, FINDINGS = "settlement_results", "findings"
KEYS: dict[str, tuple[str, ...]] = {
    CASES: ("source", "institution_code", "case_id"),
    RESULTS: ("setl_id",),
    INSTITUTIONS: ("institution_code", "valid_from"),
    WITHDRAWALS: ("institution_code", "setl_id"),
    DECISIONS: ("institution_code", "fund", "month", "kind", "document"),
}
"""What makes two rows the same thing in each table of the lake."""
TABLE_OF_LAYOUT = {
    "settlement-result": RESULTS,
    "institution": INSTITUTIONS,
    "withdrawal": WITHDRAWALS,
    "decision": DECISIONS,
}
ASIDE = ("file", "record")
"""Where a case came from does not make it another case."""
SPREAD_BYTES = 8 << 20
"""Below this size one process reads faster than several start."""


@dataclass
class LoadReport:
    """What a load did: files by kind, records met, rows new, changed and unchanged, findings."""

    files: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        kinds = {
            kind: {
                "files": self.files[kind],
                "records": self.records[kind],
                "new": self.new[kind],
                "changed": self.changed[kind],
                "unchanged": self.unchanged[kind],
            }
            for kind in self.files
        }
        return {"kinds": kinds, "findings": [item.as_dict() for item in self.findings]}


def load_files(
    home: Home,
    paths: Sequence[Path],
    kind: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    codes: CodeBook | None = None,
) -> LoadReport:
    """Read files and folders and keep what they hold; with `codes`, unknown codes become warnings.

    Raises RecordsError only for what the caller can mend at once (`records.file`, `records.kind` for a wrong
    `--kind`); everything inside files becomes findings, which are kept in the lake too. Source: S901-05.
    """
    report = LoadReport()
    files = list(_expanded(paths))
    key = home.patient_key()
    tasks = [(path, kind or _kind(path)) for path in files]
    first = [task for task in tasks if task[1] in LAYOUTS]
    loaded = [(task, read(task[0], task[1], key=key)) for task in first]
    for layout in LAYOUTS:
        tables = [item.extra for (_, name), item in loaded if name == layout]
        _keep(home, report, layout, TABLE_OF_LAYOUT[layout], tables)
    _count(report, loaded)
    rest = [task for task in tasks if task[1] not in LAYOUTS]
    results = read_loaded(home, RESULTS)
    cases = []
    for done, item in enumerate(_read_all(rest, key, results, codes), start=1):
        cases.append(item)
        if progress is not None:
            progress(f"读 {item[0][0].name}", done, len(rest))
    _count(report, cases)
    for name in sorted({task[1] for task in rest} - {"unknown"}):
        tables = [item.cases for (_, task_kind), item in cases if task_kind == name]
        _keep(home, report, name, CASES, tables)
    if report.findings:
        lake.append(home, FINDINGS, findings_table(report.findings))
    return report


def read_loaded(home: Home, table: str) -> pa.Table:
    """The rows in force of a table of the lake; an empty table of the right columns when nothing was loaded."""
    found = lake.read_current(home, table, KEYS[table])
    if found is not None:
        return found
    layouts = {name: layout for layout, name in TABLE_OF_LAYOUT.items()}
    return empty_cases() if table == CASES else layout_schema(layouts[table]).empty_table()


def _expanded(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
        elif path.exists():
            yield path
        else:
            raise RecordsError("records.file", f"没有文件 {path}", hint="检查路径")


def _kind(path: Path) -> str:
    """The kind of a file; what cannot be told is left to `read`, which makes a finding of it."""
    try:
        return detect(path)
    except RecordsError:
        return "unknown"


def _count(report: LoadReport, loaded: Sequence[tuple[tuple[Path, str], Loaded]]) -> None:
    for (_, kind), item in loaded:
        report.files[kind] += 1
        report.records[kind] += item.read_count
        report.findings.extend(item.findings)


def _keep(home: Home, report: LoadReport, kind: str, table: str, parts: Sequence[pa.Table]) -> None:
    rows = [part for part in parts if part.num_rows]
    if not rows:
        return
    whole, repeated = _each_once(pa.concat_tables(rows), KEYS[table])
    report.findings.extend(repeated)
    aside = ASIDE if table == CASES else ()
    done = lake.upsert(home, table, whole, KEYS[table], aside=aside)
    report.new[kind] += done.new
    report.changed[kind] += done.changed
    report.unchanged[kind] += done.unchanged


def _each_once(table: pa.Table, key: Sequence[str]) -> tuple[pa.Table, list[Finding]]:
    """The first row of each key, and a finding for every later one (files of one load may overlap)."""
    keys = lake.key_texts(table, key)
    if len(set(keys)) == len(keys):
        return table, []
    is_case = "file" in table.column_names
    digests = lake.row_digests(table.drop_columns(list(ASIDE)) if is_case else table).to_pylist()
    first: dict[str, int] = {}
    repeated: list[tuple[int, str]] = []
    for row, text in enumerate(keys):
        earlier = first.setdefault(text, row)
        if earlier != row:
            repeated.append((row, "REC-P002" if digests[earlier] == digests[row] else "REC-P001"))
    findings = []
    for row, rule in repeated:
        file, record = (table["file"][row].as_py(), table["record"][row].as_py()) if is_case else ("", 0)
        findings.append(finding(rule, file, record, key[-1], keys[row].replace("\x1f", " ")))
    return table.take(pa.array(sorted(first.values()), pa.int64())), findings


def _read_all(
    tasks: Sequence[tuple[Path, str]], key: bytes, results: pa.Table, codes: CodeBook | None
) -> Iterator[tuple[tuple[Path, str], Loaded]]:
    size = sum(path.stat().st_size for path, _ in tasks)
    workers = min(os.cpu_count() or 1, len(tasks))
    if size < SPREAD_BYTES or workers < 2:  # noqa: PLR2004
        for task in tasks:
            yield task, _read_one(task, key, results, codes)
        return
    with tempfile.TemporaryDirectory() as folder:
        shared = Path(folder) / "results.arrow"
        with pa.OSFile(str(shared), "wb") as sink, pa.ipc.new_file(sink, results.schema) as writer:
            writer.write_table(results)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, context, _start_worker, (key, str(shared), codes)) as pool:
            yield from zip(tasks, pool.map(_work, tasks, chunksize=1), strict=True)


def _read_one(task: tuple[Path, str], key: bytes, results: pa.Table, codes: CodeBook | None) -> Loaded:
    path, kind = task
    return read(path, None if kind == "unknown" else kind, key=key, results=results, codes=codes)


_WORKER: dict[str, Any] = {}


def _start_worker(key: bytes, results: str, codes: CodeBook | None) -> None:
    """Give a worker the key, the codes and the settlement results, which it maps instead of copying."""
    _WORKER["key"] = key
    _WORKER["codes"] = codes
    _WORKER["results"] = pa.ipc.open_file(pa.memory_map(results)).read_all()


def _work(task: tuple[Path, str]) -> Loaded:
    return _read_one(task, _WORKER["key"], _WORKER["results"], _WORKER["codes"])
