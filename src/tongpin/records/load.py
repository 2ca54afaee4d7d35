"""Load 装载: files into a home's lake, list by list; a file is idempotent, a newer version stands beside the old.

Results of settlements are kept first, since they complete the lists: those of the same load while they are read, those
already in the lake afterwards. Keeping is one transaction a table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.findings import findings_table
from tongpin.records.own_layouts import LAYOUT_KEYS, LAYOUTS, layout_schema
from tongpin.records.results import complete_lists
from tongpin.records.rules import finding
from tongpin.records.schema import empty_cases
from tongpin.records.tasks import read_task, read_tasks, tasks_of
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tongpin.base.findings import Finding
    from tongpin.records.assemble import CodeBook
    from tongpin.records.read import Loaded
    from tongpin.records.tasks import Task
    from tongpin.store.home import Home

CASES, INSTITUTIONS, WITHDRAWALS, DECISIONS = "cases", "institutions", "withdrawals", "decisions"
RESULTS, FINDINGS = "settlement_results", "findings"
TABLE_OF_LAYOUT = {
    "settlement-result": RESULTS,
    "institution": INSTITUTIONS,
    "withdrawal": WITHDRAWALS,
    "decision": DECISIONS,
}
KEYS: dict[str, tuple[str, ...]] = {
    CASES: ("source", "institution_code", "case_id"),
    **{table: LAYOUT_KEYS[layout] for layout, table in TABLE_OF_LAYOUT.items()},
}
"""What makes two rows the same thing in each table of the lake."""
LISTS = "settlement-list"
FINDING_KEY = ("file", "record", "rule_id", "path", "value")
ASIDE = ("file", "record")
"""Where a case came from does not make it another case."""


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

    Raises RecordsError before anything is kept for what the caller can mend at once: `records.file` (nothing at a
    path), `records.empty` (a folder without files), `records.kind` (a wrong `--kind`). Everything in files, and files
    that cannot be opened, become findings, which are kept in the lake too. StoreError `home.busy` while another
    command writes the home. Source: S901-05.
    """
    tasks = tasks_of(paths, kind)
    key = home.patient_key()
    with home.locked():
        return _load(home, tasks, key, progress, codes)


def _load(
    home: Home,
    tasks: Sequence[Task],
    key: bytes,
    progress: Callable[[str, int, int], None] | None,
    codes: CodeBook | None,
) -> LoadReport:
    report = LoadReport()
    loaded = [(task, read_task(task, key, None, None)) for task in tasks if task.kind in LAYOUTS]
    _count(report, loaded)
    for layout in LAYOUTS:
        parts = [(task.name, item.extra) for task, item in loaded if task.kind == layout]
        _keep(home, report, layout, TABLE_OF_LAYOUT[layout], [part for part in parts if part[1].num_rows])
    rest = [task for task in tasks if task.kind not in LAYOUTS]
    results = read_loaded(home, RESULTS)
    cases = []
    for done, item in enumerate(read_tasks(rest, key, results, codes, home.root), start=1):
        cases.append(item)
        if progress is not None:
            progress(f"读 {item[0].name}", done, len(rest))
    _count(report, cases)
    for name in sorted({task.kind for task in rest} - {"unknown"}):
        parts = [(task.name, item.cases) for task, item in cases if task.kind == name and item.cases.num_rows]
        _keep(home, report, name, CASES, parts)
    _complete(home, report, loaded, [item.cases["case_id"] for _, item in cases])
    report.findings.extend(_unknown_withdrawals(home, loaded))
    _keep_findings(home, report.findings)
    return report


def read_loaded(home: Home, table: str) -> pa.Table:
    """The rows in force of a table of the lake; an empty table of the right columns when nothing was loaded."""
    found = lake.read_current(home, table, KEYS[table])
    if found is not None:
        return found
    layouts = {name: layout for layout, name in TABLE_OF_LAYOUT.items()}
    return empty_cases() if table == CASES else layout_schema(layouts[table]).empty_table()


def _count(report: LoadReport, loaded: Sequence[tuple[Task, Loaded]]) -> None:
    for task, item in loaded:
        report.files[task.kind] += 1
        report.records[task.kind] += item.read_count
        report.findings.extend(item.findings)


def _keep(home: Home, report: LoadReport, kind: str, table: str, parts: Sequence[tuple[str, pa.Table]]) -> None:
    """Keep the tables of the files of one kind, given with the names of the files."""
    if not parts:
        return
    whole = pa.concat_tables([rows for _, rows in parts])
    files = [name for name, rows in parts for _ in range(rows.num_rows)]
    whole, repeated = _each_once(whole, KEYS[table], files)
    report.findings.extend(repeated)
    done = lake.upsert(home, table, whole, KEYS[table], aside=ASIDE if table == CASES else ())
    report.new[kind] += done.new
    report.changed[kind] += done.changed
    report.unchanged[kind] += done.unchanged


def _each_once(table: pa.Table, key: Sequence[str], files: Sequence[str]) -> tuple[pa.Table, list[Finding]]:
    """The first row of each key, and a finding for every later one (files of one load may overlap)."""
    keys = lake.key_texts(table, key)
    if len(set(keys)) == len(keys):
        return table, []
    is_case = "record" in table.column_names
    digests = lake.row_digests(table.drop_columns(list(ASIDE)) if is_case else table).to_pylist()
    first: dict[str, int] = {}
    findings = []
    for row, text in enumerate(keys):
        earlier = first.setdefault(text, row)
        if earlier != row:
            rule = "REC-P002" if digests[earlier] == digests[row] else "REC-P001"
            record = table["record"][row].as_py() if is_case else 0
            shown = f"{text.replace(lake.SEPARATOR, ' ').strip()}（先见于 {files[earlier]}）"
            findings.append(finding(rule, files[row], record, key[-1], shown))
    return table.take(pa.array(sorted(first.values()), pa.int64())), findings


def _complete(home: Home, report: LoadReport, loaded: Sequence[tuple[Task, Loaded]], read_ids: list[Any]) -> None:
    """Complete the lists of the lake by results that came after them, as newer versions; `read_ids` came complete."""
    parts = [item.extra["setl_id"] for task, item in loaded if task.kind == "settlement-result"]
    stored = lake.read(home, CASES, ["case_id"]) if parts else None
    if stored is None:
        return
    ids = pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.string())
    done = pa.chunked_array([chunk for part in read_ids for chunk in part.chunks], pa.string())
    ids = ids.filter(pc.and_(pc.is_in(ids, stored["case_id"]), pc.invert(pc.is_in(ids, done))))
    if not len(ids):
        return
    cases, results = read_loaded(home, CASES), read_loaded(home, RESULTS)
    results = results.filter(pc.is_in(results["setl_id"], ids))
    completed, findings = complete_lists(cases, results)
    report.findings.extend(findings)
    if completed.num_rows:
        report.files[LISTS] += 0
        report.changed[LISTS] += lake.upsert(home, CASES, completed, KEYS[CASES], aside=ASIDE).changed


def _unknown_withdrawals(home: Home, loaded: Sequence[tuple[Task, Loaded]]) -> list[Finding]:
    """A warning for every withdrawal of a list that the lake does not hold."""
    found = [(task.name, item.extra) for task, item in loaded if task.kind == "withdrawal" and item.extra.num_rows]
    if not found:
        return []
    stored = lake.read(home, CASES, KEYS[CASES])
    known = set() if stored is None else set(lake.key_texts(stored, KEYS[CASES][1:]))
    return [
        finding("REC-W001", name, 0, "setl_id", text.replace(lake.SEPARATOR, " "))
        for name, table in found
        for text in lake.key_texts(table, KEYS[WITHDRAWALS])
        if text not in known
    ]


def _keep_findings(home: Home, findings: Sequence[Finding]) -> None:
    """Keep what was found, each finding once, however often its file is loaded."""
    once = {(one.file, one.record, one.rule_id, one.path, one.value): one for one in findings}
    if once:
        lake.upsert(home, FINDINGS, findings_table(list(once.values())), FINDING_KEY)
