"""Load 装载: files into a home's lake, list by list; a file is idempotent, a newer version stands beside the old.

A load reads its files in pieces, writes what they hold beside the lake, and puts it in force in one moment at the end:
cut off before that, it leaves nothing. Settlement results come first, since they complete the lists: those of the same
load while they are read, those already in the lake afterwards.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import BalanceError
from tongpin.base.findings import Finding
from tongpin.records.case.rules import finding
from tongpin.records.intake import finding_history, lake_tables
from tongpin.records.intake.keep import Keeping, KeptBatch, keep_batch, table_of
from tongpin.records.intake.lake_tables import (
    CASES,
    DECISIONS,
    FINDINGS,
    INSTITUTIONS,
    KEYS,
    LOADS,
    ORDERS,
    RESULTS,
    WITHDRAWALS,
    read_loaded,
    schema_of,
)
from tongpin.records.intake.read import check_kind
from tongpin.records.intake.repeats import find_repeats
from tongpin.records.intake.tasks import Readers, Shared, Task, sources_of, tasks_of
from tongpin.records.readers.results import USED, complete_lists
from tongpin.records.views.edition import open_edition
from tongpin.store import lake, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tongpin.records.case.assemble import CodeBook
    from tongpin.records.intake.only import Only
    from tongpin.store.home import Home

__all__ = [
    "CASES",
    "DECISIONS",
    "FINDINGS",
    "INSTITUTIONS",
    "KEYS",
    "LOADS",
    "RESULTS",
    "WITHDRAWALS",
    "LoadReport",
    "load_files",
    "read_loaded",
]

LISTS = "settlement-list"
LIST_SOURCE = "settlement_list"
RESULT = "settlement-result"
COUNTS = ("records", "new", "changed", "older", "unchanged", "rejected", "repeated")
_SCRATCH = "loading-"


@dataclass
class LoadReport:
    """What a load did: its number; by kind the files, the records met and what became of them; why; the findings.

    records = new + changed + older + unchanged + rejected + repeated, but for lists completed by a later result, which
    count as changed without being met.
    """

    load: int = 0
    files: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    new: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    older: Counter[str] = field(default_factory=Counter)
    unchanged: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    completed: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    mended: int = 0
    found: pa.Table | None = None

    @property
    def findings(self) -> list[Finding]:
        """What the load found, in the order of its files."""
        return [] if self.found is None else [_finding(row) for row in self.found.to_pylist()]

    def as_dict(self, most_findings: int | None = None) -> dict[str, Any]:
        """The report as plain data, with at most so many findings."""
        kinds = {
            kind: {
                "files": self.files[kind],
                **{name: getattr(self, name)[kind] for name in COUNTS},
                "reason": self.reasons.get(kind, ""),
            }
            for kind in self.files
        }
        count = 0 if self.found is None else self.found.num_rows
        shown = LoadReport(found=None if self.found is None else self.found.slice(0, most_findings)).findings
        return {
            "load": self.load,
            "kinds": kinds,
            "completed": self.completed,
            "mended": self.mended,
            "finding_count": count,
            "findings": [item.as_dict() for item in shown],
        }


def _finding(row: dict[str, Any]) -> Finding:
    return Finding(**{name: row[name] for name in Finding.__slots__} | {"spoils": tuple(row["spoils"])})


def load_files(
    home: Home,
    paths: Sequence[Path],
    kind: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    codes: CodeBook | None = None,
    *,
    only: Only | None = None,
) -> LoadReport:
    """Read files, folders and zips and keep what they hold; with `codes`, unknown codes become warnings.

    `only`: what the sender may bring; a load with anything else keeps nothing (`records.foreign`, `.foreign_kind`).
    Raises RecordsError before anything is kept for what the caller can mend at once: `records.file` (nothing at a
    path), `records.empty` (a folder without files), `records.kind` (a wrong `--kind`). Everything in files, and files
    that cannot be opened, become findings, which are kept in the lake too. StoreError `home.busy` while another
    command writes the home. BalanceError `load.balance` when a record met is neither loaded nor rejected.
    Source: S901-05.
    """
    check_kind(kind, "--kind")
    sources = sources_of(paths)
    key = home.patient_key()
    with home.locked():
        for left in home.root.glob(f"{_SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=home.root) as folder:
            tasks = list(tasks_of(sources, kind, Path(folder)))
            load = _Load(home, Path(folder), tasks, key, codes, progress, only)
            return load.run()


class _Load:
    """One load while it runs: what its pieces came to, until all of it is put in force."""

    def __init__(
        self,
        home: Home,
        folder: Path,
        tasks: list[Task],
        key: bytes,
        codes: CodeBook | None,
        progress: Callable[[str, int, int], None] | None,
        only: Only | None,
    ) -> None:
        self.home = home
        self.only = only
        self.folder = folder
        self.tasks = tasks
        self.key = key
        self.progress = progress
        self.number = lake.begin(home, sorted(KEYS))
        watched = finding_history.open_subjects(home, self.number)
        self.keeping = Keeping(folder, self.number, codes, open_edition(home), watched)
        self.report = LoadReport(self.number)
        self.kept: list[KeptBatch] = []
        self.found: list[pa.Table] = []
        self.counts: dict[str, Counter[str]] = {task.source.name: Counter() for task in tasks}
        self.lost: set[str] = set()

    def run(self) -> LoadReport:
        """Read, keep, and put in force."""
        if self.only is not None:
            self.only.check_kinds(self.tasks)
        for table in KEYS:
            lake.tidy(self.home, table)
        for task in self.tasks:
            self.report.files[task.kind] += 1
            self.report.reasons.setdefault(task.kind, task.reason)
            self._note(list(task.findings), finding_history.FILE)
        with Readers(self.tasks, Shared(self.key, None, self.keeping), keep_batch, self.folder) as readers:
            self._read(readers, [task for task in self.tasks if task.kind == RESULT])
            self._commit(RESULTS)
            readers.share(read_loaded(self.home, RESULTS, USED, within=self.number))
            self._read(
                readers, sorted((task for task in self.tasks if task.kind != RESULT), key=lambda task: task.kind)
            )
        for table in sorted({table_of(batch.kind) for batch in self.kept} - {RESULTS}):
            self._commit(table)
        completed = self._complete()
        arrived = self._unknown_withdrawals()
        self._check_balance()
        self._write_findings(completed, arrived)
        self._write_loads()
        lake.finish(self.home, self.number)
        return self.report

    def _note(self, findings: list[Finding], source: str) -> None:
        if findings:
            self.found.append(finding_history.about(findings, source))

    def _read(self, readers: Readers, tasks: list[Task]) -> None:
        """The pieces of files, written beside the lake; what each found is kept."""
        place = {task.source.name: number for number, task in enumerate(self.tasks, start=1)}
        for batch in readers.done(tasks):
            for kept in batch.pieces:
                self.counts[kept.file].update(
                    records=kept.read_count, staged=kept.loaded, rejected=kept.rejected, repeated=kept.repeated
                )
                if kept.lost:
                    self.lost.add(kept.file)
                if self.progress is not None:
                    self.progress(f"读 {kept.file}", place[kept.file], len(self.tasks))
            if self.only is not None:
                self.only.check_rows(batch)
            if batch.findings is not None:
                self.found.append(batch.findings)
            self.kept.append(batch._replace(findings=None))

    def _commit(self, table: str) -> None:
        """Judge the rows written for a table against what it holds, and add those that say something new."""
        parts = [batch for batch in self.kept if batch.staged is not None and table_of(batch.kind) == table]
        if not parts:
            return
        staged = [batch.staged for batch in parts if batch.staged is not None]
        rows = versions.joined([one.rows for one in staged])
        ends = np.cumsum([len(one.rows) for one in staged])

        def place(row: int) -> tuple[str, int]:
            part = int(np.searchsorted(ends, row, side="right"))
            return parts[part].place(row - int(ends[part]) + len(staged[part].rows))

        left_out, findings = find_repeats(rows, place, KEYS[table][-1], int(table == CASES))
        self._note_repeats(table, rows, findings)
        stored, loads = lake.stored_rows(self.home, table, KEYS[table], ORDERS.get(table))
        verdict = np.full(len(rows), versions.UNCHANGED, np.int8)
        verdict[~left_out] = versions.judge(rows.where(~left_out), stored, loads)
        commits = []
        for batch, one, end in zip(parts, staged, ends.tolist(), strict=True):
            span = slice(end - len(one.rows), end)
            self._count(batch, verdict[span], ~left_out[span])
            commits.append((one, verdict[span] != versions.UNCHANGED))
        lake.commit(self.home, table, schema_of(table), commits)

    def _count(self, batch: KeptBatch, verdict: Any, taken: Any) -> None:
        """Count the rows of a batch that were taken, by what became of them and by file."""
        for name, value in versions.counted(verdict[taken])._asdict().items():
            getattr(self.report, name)[batch.kind] += value
        first = 0
        for kept in batch.pieces:
            self.counts[kept.file]["loaded"] += int(taken[first : first + kept.loaded].sum())
            first += kept.loaded

    def _note_repeats(self, table: str, rows: versions.Rows, findings: dict[int, Finding]) -> None:
        """What stands in the load more than once, each about its record."""
        for one in findings.values():
            self.counts[one.file]["rejected" if one.severity == "error" else "repeated"] += 1
        if table != CASES:
            self._note(list(findings.values()), finding_history.FILE)
            return
        by_source: dict[str, list[tuple[Finding, str, str, int | None]]] = {}
        for row, one in findings.items():
            source, institution, case_id = rows.keys[row].as_py().split(lake.SEPARATOR)
            upload = None if rows.ranks[row] == versions.NO_RANK else int(rows.ranks[row])
            by_source.setdefault(source, []).append((one, institution, case_id, upload))
        for source, some in by_source.items():
            mine, *keys = zip(*some, strict=True)
            self.found.append(finding_history.about(mine, source, _keys(*keys)))

    def _complete(self) -> Any:
        """Complete the lists of the lake by results that came after them, as newer versions; their subjects."""
        nothing = pa.array([], pa.string())
        parts = [part for part in self.kept if part.kind == RESULT and part.staged is not None]
        if not parts or not lake.exists(self.home, CASES):
            return nothing
        ids = pa.concat_arrays([part.staged.rows.keys for part in parts if part.staged is not None])
        read = pc.replace_substring_regex(self._case_keys(), f"^.*{lake.SEPARATOR}", "")
        ids = ids.filter(pc.invert(pc.is_in(ids, value_set=read)))
        waiting = lake.read(self.home, CASES, where=("case_id", ids)) if len(ids) else None
        if waiting is None or not waiting.num_rows:
            return nothing
        cases = lake.in_force_of(waiting, KEYS[CASES], ORDERS[CASES])
        results = read_loaded(self.home, RESULTS, within=self.number)
        results = results.filter(pc.is_in(results["setl_id"], value_set=ids))
        known = pa.schema([field for field in schema_of(CASES) if field.name in cases.column_names])
        completed, findings = complete_lists(lake_tables.typed(cases, known), results)
        by_place = {
            (row["file"], row["record"]): (row["institution_code"], row["case_id"], row["upload_time"])
            for row in cases.select(["file", "record", "institution_code", "case_id", "upload_time"]).to_pylist()
        }
        if findings:
            keys = _keys(*zip(*(by_place[(one.file, one.record)] for one in findings), strict=True))
            self.found.append(finding_history.about(findings, LIST_SOURCE, keys))
        if completed.num_rows:
            done = lake.upsert(
                self.home,
                CASES,
                completed,
                KEYS[CASES],
                aside=lake_tables.ASIDE,
                order=ORDERS[CASES],
                load=self.number,
            )
            self.report.files[LISTS] += 0
            self.report.changed[LISTS] += done.changed
            self.report.completed = done.changed
        lists = cases.filter(pc.equal(cases["source"], LIST_SOURCE))
        return finding_history.records_met(LIST_SOURCE, lists).subjects

    def _unknown_withdrawals(self) -> Any:
        """Warn of every withdrawal of a list that the lake does not hold; the withdrawals of lists that it holds."""
        parts = [part for part in self.kept if part.kind == "withdrawal" and part.staged is not None]
        stored = read_loaded(self.home, WITHDRAWALS, within=self.number)
        if not stored.num_rows:
            return pa.array([], pa.string())
        cases = lake.read(self.home, CASES, KEYS[CASES], within=self.number)
        held = pa.array([], pa.string())
        if cases is not None:
            held = pc.unique(lake.key_texts(cases, KEYS[CASES][1:]))
        for part in parts:
            assert part.staged is not None
            named = part.staged.rows.keys
            absent = np.flatnonzero(~np.asarray(pc.is_in(named, value_set=held)))
            keys = [named[int(row)].as_py().split(lake.SEPARATOR) for row in absent]
            files = [part.place(int(row))[0] for row in absent]
            found = [
                finding("REC-W001", file, 0, "setl_id", " ".join(key)) for file, key in zip(files, keys, strict=True)
            ]
            if found:
                institutions, lists = zip(*keys, strict=True)
                whose = _keys(institutions, lists, [None] * len(keys))
                self.found.append(finding_history.about(found, "withdrawal", whose))
        withdrawn = pc.unique(lake.key_texts(stored, KEYS[WITHDRAWALS]))
        known = withdrawn.filter(pc.is_in(withdrawn, value_set=held))
        return pc.binary_join_element_wise(pa.scalar("withdrawal"), known, lake.SEPARATOR)

    def _check_balance(self) -> None:
        """Every record met was loaded, rejected or stood there already, or the load fails loud."""
        kinds = {task.source.name: task.kind for task in self.tasks}
        for name, counts in self.counts.items():
            if name in self.lost:
                # An error about the whole file, or a part of it, leaves out whatever it does not name.
                counts["rejected"] = counts["records"] - counts["loaded"] - counts["repeated"]
            settled = counts["loaded"] + counts["rejected"] + counts["repeated"]
            if counts["records"] != settled or counts["rejected"] < 0:
                raise BalanceError(
                    "load.balance",
                    f"读到 {counts['records']} 条，装载、拒收与重复合计 {settled} 条",
                    where=name,
                    hint="这一次什么也没有存下；请保留文件并报告此错误",
                )
            kind = kinds[name]
            for one in ("records", "rejected", "repeated"):
                getattr(self.report, one)[kind] += counts[one]

    def _write_findings(self, completed: Any, arrived: Any) -> None:
        found, self.found = _each_once(self.found), []
        self.report.found = pa.concat_tables(found).combine_chunks() if found else None
        keys, subjects = self._case_keys(), [pc.unique(table["subject"]) for table in found]
        named = pa.concat_arrays([pa.array([], pa.string()), *subjects])
        seen = finding_history.Seen(
            finding_history.all_met([part.met for part in self.kept]),
            pa.array(sorted(self.counts), pa.string()),
            completed,
            arrived,
            keys.filter(pc.is_in(keys, value_set=named)),
            self._in_force(),
        )
        rows = finding_history.written(self.home, found, seen, self.number)
        self.report.mended = int(pc.sum(pc.equal(rows["status"], finding_history.MENDED)).as_py() or 0)
        if rows.num_rows:
            lake.upsert(self.home, FINDINGS, rows, KEYS[FINDINGS], load=self.number)

    def _case_keys(self) -> Any:
        """The keys of all cases that the load has read."""
        cases = [one.staged.rows.keys for one in self.kept if table_of(one.kind) == CASES and one.staged is not None]
        return pa.concat_arrays([pa.array([], pa.string()), *cases])

    def _in_force(self) -> finding_history.Met:
        """The version that now stands in the lake of every case that something was found about."""
        named = None if self.report.found is None else pc.unique(self.report.found["case_id"]).drop_null()
        if named is None or not len(named):
            return finding_history.all_met([])
        wanted = [*KEYS[CASES], ORDERS[CASES], lake.VERSION]
        rows = lake.read(self.home, CASES, wanted, where=("case_id", named), within=self.number)
        if rows is None:
            return finding_history.all_met([])
        rows = lake.in_force_of(rows, KEYS[CASES], ORDERS[CASES])
        sources = pc.unique(rows["source"]).to_pylist()
        return finding_history.all_met(
            [finding_history.records_met(one, rows.filter(pc.equal(rows["source"], one))) for one in sources]
        )

    def _write_loads(self) -> None:
        now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
        rows = [
            {
                "load": self.number,
                "loaded_at": now,
                "file": task.source.name,
                "digest": task.digest,
                "kind": task.kind,
                "reason": task.reason,
                **{name: self.counts[task.source.name][name] for name in ("records", "loaded", "rejected", "repeated")},
            }
            for task in self.tasks
        ]
        table = pa.Table.from_pylist(rows, schema=schema_of(LOADS))
        lake.upsert(self.home, LOADS, table, KEYS[LOADS], load=self.number)


def _keys(institutions: Sequence[Any], case_ids: Sequence[Any], uploads: Sequence[Any]) -> pa.Table:
    """Keys as a table, row by row beside findings."""
    kinds = (pa.string(), pa.string(), pa.timestamp("s"))
    arrays = [pa.array(values, kind) for values, kind in zip((institutions, case_ids, uploads), kinds, strict=True)]
    return pa.table(arrays, names=["institution_code", "case_id", "upload_time"])


def _each_once(found: Sequence[pa.Table]) -> list[pa.Table]:
    """The findings of all pieces; what several pieces say about their whole file is said once."""
    said: set[tuple[str, ...]] = set()
    kept: list[pa.Table] = []
    for table in found:
        whole = table.filter(pc.equal(table["record"], 0))
        if not whole.num_rows:
            kept.append(table)
            continue
        fresh = []
        for row in whole.select(["file", "rule_id", "path", "value", "message"]).to_pylist():
            key = tuple(row.values())
            fresh.append(key not in said)
            said.add(key)
        kept.append(whole.filter(pa.array(fresh)))
        kept.append(table.filter(pc.greater(table["record"], 0)))
    return [table for table in kept if table.num_rows]
