"""Scheme checks 方案检查: what is legal but worth a look; findings with file and row, nothing is reordered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tongpin.grouping.checks.codes import unknown_and_unnamed, unused
from tongpin.grouping.checks.dead import dead_rows
from tongpin.grouping.checks.gaps import gaps, overlaps
from tongpin.grouping.checks.regions import Space
from tongpin.grouping.tables.read import TABLES, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tongpin.base.findings import Finding
    from tongpin.grouping.tables.model import SchemeTables


def check_scheme(scheme: SchemeTables, *, remarks: bool = False) -> list[Finding]:
    """What hurts in a loaded scheme (warnings), and with `remarks` also what is only worth knowing (info).

    Rows that no case reaches (SCH-D…), gaps and overlaps (SCH-G…), names, codes and tables that do not fit (SCH-N…);
    within each kind in table order. A second or two for a scheme of 600 groups. Pure and deterministic.
    """
    space = Space(scheme)
    findings = [
        *dead_rows(scheme, space),
        *gaps(scheme, space),
        *unknown_and_unnamed(scheme),
        *(overlaps(scheme, space) if remarks else ()),
        *unused(scheme, space),
    ]
    return [finding for finding in findings if remarks or finding.severity != "info"]


def with_rows(findings: Iterable[Finding], folder: Path) -> list[Finding]:
    """Findings about a code, a list or a name of a table, with the first row of the folder in which it stands."""
    tables: dict[str, dict[str, dict[str, int]]] = {}
    placed = []
    for finding in findings:
        table = finding.file.removesuffix(".csv")
        if finding.record == 0 and finding.path in TABLES.get(table, ()):
            if table not in tables:
                tables[table] = rows_of(folder, table)
            placed.append(replace(finding, record=tables[table][finding.path].get(finding.value, 0)))
        else:
            placed.append(finding)
    return placed
