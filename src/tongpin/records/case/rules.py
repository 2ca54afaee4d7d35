"""Rules 读入规则: reading rules as data, and the sheet on which a reader notes what they found."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

import numpy as np

from tongpin.base.errors import RecordsError
from tongpin.base.findings import Finding, Severity
from tongpin.records.case.patients import HIDDEN, names_a_person
from tongpin.records.formats.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterable


LONGEST_VALUE = 80


class Rule(NamedTuple):
    """A reading rule: severity, Chinese label and texts, and the results that it spoils."""

    rule_id: str
    severity: Severity
    label: str
    message: str
    hint: str
    spoils: tuple[str, ...]


@cache
def rules() -> dict[str, Rule]:
    """All reading rules by id, from `rules.csv`; an unknown severity is refused."""
    found: dict[str, Rule] = {}
    for row in rows("rules.csv"):
        severity = row["severity"]
        if severity not in get_args(Severity):
            raise RecordsError("records.rule", f"未知的等级：{severity}", where=row["rule_id"], hint="改正等级")
        spoils = tuple(part for part in row["spoils"].split(";") if part)
        found[row["rule_id"]] = Rule(
            row["rule_id"], cast("Severity", severity), row["label"], row["message"], row["hint"], spoils
        )
    return found


def finding(rule_id: str, file: str, record: int, path: str = "", value: str = "") -> Finding:
    """The finding that a rule makes at a place; `value` is cut to 80 characters, and hidden where it names a person."""
    rule = rules()[rule_id]
    shown = HIDDEN if value and names_a_person(path) else value[:LONGEST_VALUE]
    return Finding(rule_id, rule.severity, file, record, path, shown, rule.message, rule.hint, rule.spoils)


class Sheet:
    """What was found in one file: findings, and which rows an error leaves out.

    `records` holds the 1-based record number of every row (int64).
    """

    def __init__(self, file: str, records: Any) -> None:
        self.file = file
        self.records = records
        self.findings: list[Finding] = []
        self.left_out = np.zeros(len(records), dtype=bool)

    def note(self, rule_id: str, row: int, path: str = "", value: str = "") -> None:
        """Note a rule on one row (0-based)."""
        found = finding(rule_id, self.file, int(self.records[row]), path, value)
        self.findings.append(found)
        if found.severity == "error":
            self.left_out[row] = True

    def note_rows(self, rule_id: str, mask: Any, path: str, values: Any = None) -> None:
        """Note a rule on every row of a Boolean mask; `values` is a column of texts or numbers of the same length."""
        for row in np.flatnonzero(mask):
            value = None if values is None else values[int(row)]
            text = "" if value is None else str(value.as_py() if hasattr(value, "as_py") else value)
            self.note(rule_id, int(row), path, "" if text == "None" else text)

    def note_file(self, rule_id: str, path: str = "", value: str = "") -> None:
        """Note a rule on the whole file."""
        self.findings.append(finding(rule_id, self.file, 0, path, value))


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by record, rule and path."""
    return sorted(findings, key=lambda found: (found.record, found.rule_id, found.path))
