"""The draft 草稿: scheme tables in the making, where every row remembers its place in the source."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.findings import Finding
from tongpin.grouping.tables.read import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tongpin.base.findings import Severity


_FIRST_ROW = 2
"""The first row of a written table that is not its header."""


class Place(NamedTuple):
    """Where in the source something stands: a file or sheet, its row (1-based, 0 = the whole) and its column."""

    file: str
    row: int = 0
    column: str = ""


@dataclass(slots=True)
class Draft:
    """Rows of scheme tables, in order, and the findings of reading them.

    An importer adds rows and faults; `write` makes the folder that `load_scheme` checks, and `located` turns what that
    check finds in a table back into the place of the source.
    """

    rows: dict[str, list[tuple[dict[str, str], Place]]] = field(default_factory=lambda: defaultdict(list))
    findings: list[Finding] = field(default_factory=list)
    read_files: list[Path] = field(default_factory=list)
    """Every source file that was read, for the digest of the provenance."""

    def add(self, table: str, place: Place, **values: str | int) -> None:
        """One row of a table; columns that are not given stay empty, unknown ones are a programming error."""
        unknown = set(values) - set(TABLES[table])
        if unknown:
            raise KeyError(f"{table}: {sorted(unknown)}")
        self.rows[table].append(({name: str(values.get(name, "")) for name in TABLES[table]}, place))

    def option(self, key: str, value: str | int, place: Place) -> None:
        """One key of `scheme.csv`."""
        self.add("scheme", place, key=key, value=value)

    def fault(
        self, rule_id: str, place: Place, value: str, message: str, hint: str, *, severity: Severity = "error"
    ) -> None:
        """Something in the source that cannot be taken (error) or was taken with care (warning)."""
        self.findings.append(
            Finding(rule_id, severity, place.file, place.row, place.column, value[:120], message, hint, ("group",))
        )

    @property
    def broken(self) -> bool:
        """Whether reading met an error, so that the tables would only breed follow-on faults."""
        return any(finding.severity == "error" for finding in self.findings)

    def write(self, folder: Path) -> None:
        """The tables as CSV files of a folder, in the order in which rows were added."""
        for table, rows in self.rows.items():
            with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(TABLES[table])
                writer.writerows([list(row.values()) for row, _ in rows])

    def located(self, findings: Iterable[Finding]) -> list[Finding]:
        """Findings on written tables, with file, row and column of the source instead."""
        return [self._located(finding) for finding in findings]

    def _located(self, finding: Finding) -> Finding:
        table = finding.file.removesuffix(".csv")
        rows = self.rows.get(table, [])
        index = finding.record - _FIRST_ROW
        if not 0 <= index < len(rows):
            return finding
        place = rows[index][1]
        return replace(finding, file=place.file, record=place.row, path=place.column or finding.path)
