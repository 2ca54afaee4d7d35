"""Keep 存放: pieces of files read, their persons sealed, their rows written beside the lake; what a load decides by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from tongpin.records.intake.finding_history import Met, about_records, all_met, records_met
from tongpin.records.intake.lake_tables import ASIDE, CASES, KEYS, ORDERS, SEALED, schema_of
from tongpin.records.intake.read import Loaded, joined, read_piece
from tongpin.records.intake.repeats import REPEATED
from tongpin.records.layouts.catalogue import layouts
from tongpin.records.views.completeness import fill_counts
from tongpin.store import lake
from tongpin.store.seal import seal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.records.case.assemble import CodeBook
    from tongpin.records.files.pieces import Piece
    from tongpin.records.intake.tasks import Shared, Task
    from tongpin.records.views.edition import Edition


class Keeping(NamedTuple):
    """What keeping needs besides the key: where files go, the load's number, code book, edition for the counts.

    `watched` are the subjects of open findings: only of these is it noted that they came again.
    """

    folder: Path
    load: int
    codes: CodeBook | None
    edition: Edition | None
    watched: pa.Array


class Kept(NamedTuple):
    """What a piece came to, in counts; `rejected` and `repeated` are counted from the findings, not from the rest.

    `lost` says that something was found about the whole file, so that not every record left out is named.
    """

    file: str
    read_count: int
    loaded: int
    rejected: int
    repeated: int
    lost: bool


class KeptBatch(NamedTuple):
    """What pieces of one kind came to: each in counts, the file of their rows with the record of each.

    And their findings, and the watched records that they met.
    """

    kind: str
    pieces: tuple[Kept, ...]
    staged: lake.Staged | None
    records: Any
    findings: pa.Table | None
    met: Met

    def place(self, row: int) -> tuple[str, int]:
        """The file and the record that a row came from."""
        ends = np.cumsum([one.loaded for one in self.pieces])
        return self.pieces[int(np.searchsorted(ends, row, side="right"))].file, int(self.records[row])


def table_of(kind: str) -> str:
    """The table of the lake that holds what files of this kind say."""
    found = layouts().get(kind)
    return CASES if found is None else found.table


def keep_batch(batch: Sequence[tuple[Task, Piece | Loaded]], place: int, shared: Shared) -> KeptBatch:
    """Pieces of one kind read, or what was read of them, and their rows written under the load's folder."""
    keeping: Keeping = shared.more
    kind = batch[0][0].kind
    parts = [_read(one, kind, shared, keeping.codes) for _, one in batch]
    table = table_of(kind)
    full = [replace(part, findings=[]) for part in parts if _row_count(part)]
    staged, records = None, np.zeros(0, np.int64)
    if full:
        whole = joined(full)
        rows = _case_rows(whole, shared.key, keeping.edition) if table == CASES else whole.table
        records = rows["record"].to_numpy() if table == CASES else whole.rows
        staged = lake.stage(
            keeping.folder, place, rows, KEYS[table], load=keeping.load, order=ORDERS.get(table), aside=ASIDE
        )
    found = [about_records(part.findings, part.source, part.keys) for part in parts if part.findings]
    met = [records_met(part.source, part.keys, keeping.watched) for part in parts] if len(keeping.watched) else []
    return KeptBatch(
        kind,
        tuple(_counted(task.source.name, part) for (task, _), part in zip(batch, parts, strict=True)),
        staged,
        np.asarray(records),
        pa.concat_tables(found) if found else None,
        all_met(met),
    )


def _read(one: Piece | Loaded, kind: str, shared: Shared, codes: CodeBook | None) -> Loaded:
    return (
        one if isinstance(one, Loaded) else read_piece(one, kind, key=shared.key, results=shared.results, codes=codes)
    )


def _row_count(loaded: Loaded) -> int:
    """How many rows of its table of the lake were read."""
    return int((loaded.cases if table_of(loaded.kind) == CASES else loaded.table).num_rows)


def _counted(file: str, loaded: Loaded) -> Kept:
    rejected = {one.record for one in loaded.findings if one.severity == "error" and one.record}
    repeated = {one.record for one in loaded.findings if one.rule_id in REPEATED} - rejected
    return Kept(
        file,
        loaded.read_count,
        _row_count(loaded),
        len(rejected),
        len(repeated),
        any(one.severity == "error" and not one.record for one in loaded.findings),
    )


def _case_rows(loaded: Loaded, key: bytes, edition: Edition | None) -> pa.Table:
    """The cases with their sealed persons and the count of filled items."""
    cases = loaded.cases
    if not cases.num_rows:
        return cases
    if loaded.kind == "settlement-list" and edition is not None:
        counts = fill_counts(cases, loaded.persons, edition)
        for name in ("item_filled", "item_due"):
            cases = cases.append_column(schema_of(CASES).field(name), counts[name])
    return cases.append_column(SEALED, seal(loaded.persons, key)) if loaded.persons.num_columns else cases
