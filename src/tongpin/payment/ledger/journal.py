"""Journal 记账簿: postings and the log of their runs, append-only, chained by digests; what stands and what is gone.

A run is in force by its entry in the log, written last: what a killed run left counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.digest import text_digest
from tongpin.base.errors import StoreError
from tongpin.payment.ledger.vouchers import POSTING_SCHEMA, check_postings
from tongpin.store import lake
from tongpin.store.digests import row_digests

if TYPE_CHECKING:
    from collections.abc import Collection

    from tongpin.store.home import Home

POSTINGS, RUNS = "ledger_postings", "ledger_runs"
OPENING, MONTH, YEAR, ALLIANCE, REVERSAL = "opening", "month", "year", "alliance", "reversal"
BANK, STREAM, PREPAY, AWAY, VOLUME = "bank", "stream", "prepay", "away", "volume"
"""Kinds of runs whose rows arrive one by one: a period may hold several runs of each."""

RUN_SCHEMA = pa.schema(
    [
        ("run", pa.int64()),
        *((name, pa.string()) for name in ("kind", "area", "month", "subject", "reason", "source_digest", "digest")),
        ("reverses", pa.int64()),
    ]
)
"""`subject`: what was posted (a clearing by its run), `source_digest` that of what was posted; `digest` over the run's
postings and the digest of the run before it."""


@dataclass
class Journal:
    """The journal of a home: the log, the postings in force (`POSTING_SCHEMA`), and runs that wait to be written."""

    home: Home
    log: list[dict[str, Any]]
    postings: pa.Table
    pending: list[tuple[dict[str, Any], pa.Table]] = field(default_factory=list)
    number: int = 0

    def standing(self, area: str, month: str | None = None, kind: str | None = None) -> list[dict[str, Any]]:
        """The runs of an area that no other run reverses, those that wait included."""
        gone = {row["reverses"] for row in self._all() if row["kind"] == REVERSAL}
        return [
            row
            for row in self._all()
            if row["kind"] != REVERSAL
            and row["run"] not in gone
            and row["area"] == area
            and (month is None or row["month"] == month)
            and (kind is None or row["kind"] == kind)
        ]

    def of_runs(self, runs: Collection[int]) -> pa.Table:
        """The postings of some runs."""
        every = self.after()
        return every.filter(pc.is_in(every["run"], pa.array(sorted(runs), pa.int64())))

    def of_area(self, area: str) -> pa.Table:
        """The postings of an area, those that wait included."""
        every = self.after()
        return every.filter(pc.equal(every["area"], area))

    def after(self) -> pa.Table:
        """The postings as they will be in force once all that waits is written."""
        return pa.concat_tables([self.postings, *(table for _, table in self.pending)]).combine_chunks()

    def next_run(self) -> int:
        """The number of the next run; numbers that a killed run has used are not used again."""
        return self.number + 1

    def add(
        self,
        postings: pa.Table,
        *,
        kind: str,
        area: str,
        month: str,
        subject: str = "",
        reason: str = "",
        source_digest: str = "",
        reverses: int | None = None,
    ) -> None:
        """Let a run wait; its postings carry the number `next_run`."""
        check_postings(postings)
        self.number += 1
        row = {"run": self.number, "kind": kind, "area": area, "month": month, "subject": subject, "reason": reason}
        self.pending.append((row | {"source_digest": source_digest, "reverses": reverses}, postings))

    def write(self) -> None:
        """Append what waits: the postings of a run, then the entry of the log that puts them in force."""
        for row, postings in self.pending:
            entry = row | {"digest": _digest(self.log[-1]["digest"] if self.log else "", postings)}
            lake.append(self.home, POSTINGS, postings)
            lake.append(self.home, RUNS, pa.Table.from_pylist([entry], schema=RUN_SCHEMA))
            self.log.append(entry)
            self.postings = pa.concat_tables([self.postings, postings])
        self.pending = []

    def _all(self) -> list[dict[str, Any]]:
        return [*self.log, *(row for row, _ in self.pending)]


def open_journal(home: Home) -> Journal:
    """The journal of a home; StoreError `ledger.digest` when a run does not hold what the log says."""
    log: list[dict[str, Any]] = _rows(home, RUNS, RUN_SCHEMA).sort_by("run").to_pylist()
    every = _rows(home, POSTINGS, POSTING_SCHEMA)
    before = ""
    for row in log:
        before = _digest(before, every.filter(pc.equal(every["run"], row["run"])))
        if before != row["digest"]:
            raise StoreError(
                "ledger.digest",
                f"账簿第 {row['run']} 次记账（{row['month']}）与记账时的摘要不符",
                where=str(home.lake / POSTINGS),
                hint="凭证被改动过：请从备份恢复，不要使用",
            )
    in_force = every.filter(pc.is_in(every["run"], pa.array([row["run"] for row in log], pa.int64())))
    used = max([pc.max(every["run"]).as_py() or 0, *(row["run"] for row in log)])
    return Journal(home, log, in_force, number=used)


def _digest(before: str, postings: pa.Table) -> str:
    return text_digest([before, b"".join(sorted(row_digests(postings).to_pylist())).hex()])


def _rows(home: Home, name: str, schema: pa.Schema) -> pa.Table:
    table = lake.read(home, name, schema.names)
    return schema.empty_table() if table is None else table.cast(schema)
