"""Reasons 未入组原因: a small closed set of codes that says why a case has no group (S004-03)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tongpin.grouping.explain.trace import Explanation, explain
from tongpin.grouping.tables.model import Status

if TYPE_CHECKING:
    from tongpin.grouping.tables.interpreter import Case
    from tongpin.grouping.tables.model import SchemeTables

_TABLE = Path(__file__).parent / "reasons.csv"
_REFUSED_BY = {
    "sex": "mdc_refused_sex",
    "age": "mdc_refused_age",
    "age_days": "mdc_refused_age",
    "sites": "mdc_refused_sites",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a case is where it is: `code` of the closed set, its Chinese `label`, what to do (`hint`).

    `detail` names the code, MDC or ADRG of this one case; count by `code`, never by `detail`.
    """

    code: str
    label: str
    hint: str = ""
    detail: str = ""


@lru_cache(maxsize=1)
def reasons() -> dict[str, Reason]:
    """Every reason by code, in the order of the table."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {row["code"]: Reason(row["code"], row["label"], row["hint"]) for row in csv.DictReader(file)}


def reason_of(tables: SchemeTables, case: Case) -> Reason:
    """Why a case was not grouped, from the closed set of `reasons()`; a grouped case has the reason `grouped`."""
    return reason_from(explain(tables, case))


def reason_from(told: Explanation) -> Reason:
    """The reason of an explained case: the furthest point that it came to."""
    code, detail = _reason(told)
    reason = reasons()[code]
    return Reason(code, reason.label, reason.hint, detail)


def _reason(told: Explanation) -> tuple[str, str]:
    status = told.outcome.status
    if status == Status.GROUPED:
        return "grouped", told.outcome.drg
    if status == Status.AMBIGUOUS:
        return "ambiguous", told.outcome.mdc
    if told.unmapped[0]:
        return f"{told.unmapped[0]}_not_mapped", told.unmapped[1]
    if told.refused:
        return f"check_{told.refused}", ""
    return _ungrouped(told)


def _ungrouped(told: Explanation) -> tuple[str, str]:
    """The furthest: an ADRG whose leaves all fail, an MDC entered for its diagnosis, one refused, none at all."""
    path = told.path
    for rule in path:
        if rule.level == "adrg":
            return "adrg_without_leaf", rule.code
    if not told.case.dx or not told.dx[0]:
        return "no_principal", ""
    entered = [rule for rule in path if rule.level == "mdc" and not rule.is_by_procedure]
    if entered:
        return "no_adrg", entered[0].code
    for rule in told.misses:
        if rule.level == "mdc" and rule.refused_by:
            return _REFUSED_BY.get(rule.refused_by, "mdc_refused"), rule.code
    principal = told.dx[0]
    tables = told.tables
    if principal not in tables.dx_names and all(principal not in codes for codes in tables.dx_lists.values()):
        return "principal_unknown", principal
    return "principal_in_no_mdc", principal
