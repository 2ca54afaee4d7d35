"""The month's account 医保结算: the statement of a hospital, and the same columns of its departments (S004-12).

A hospital's figures are those of its statement to the fen; departments are summed from the posted lines by the same
rules, and add up to the hospital.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import check_balance
from tongpin.measures.compare import MONTH, YEAR, shifted
from tongpin.measures.compare import growth as grown
from tongpin.payment.month.closed import closed_months, posted, statements
from tongpin.payment.month.statement import line_parts
from tongpin.payment.month.statement_columns import method_of_manifest, statement_columns
from tongpin.payment.month.statement_xlsx import RATIOS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tongpin.payment.month.statement_columns import StatementColumn
    from tongpin.store.home import Home
    from tongpin.twin.monthly.catalogue import Section

BACK = {MONTH: -1, YEAR: -12}
"""How many months a comparison goes back."""
_WEIGHTED = frozenset({"cmi_e4"})
"""Columns that rest on a weight edition."""


@dataclass(frozen=True)
class AccountRow:
    """A column of the statement over time: its value, those of the month before and the year before, and by fund.

    Money in fen, weights plain, ratios 0–1; None where it cannot be formed, `note` says why.
    """

    column: StatementColumn
    value: float | None
    before: Mapping[str, float | None]
    by_fund: Mapping[str, float | None]
    note: str = ""

    def difference(self, kind: str) -> float | None:
        """The change of a ratio or weight, in its own unit."""
        then = self.before.get(kind)
        return None if self.value is None or then is None else self.value - then

    def growth(self, kind: str) -> float | None:
        """The growth of a sum, 0–1; none of ratios and weights, nor from zero or below."""
        then = self.before.get(kind)
        if self.column.kind in {"ratio", "weight"} or self.value is None or then is None:
            return None
        return grown(self.value, then)


def month_back(month: str, kind: str) -> str:
    """The month that a comparison over time goes back to."""
    return shifted(month, BACK[kind])


def statement_rows(home: Home, area: str, month: str, hospital: str) -> list[dict[str, Any]]:
    """The rows of a hospital, one for each fund, of the statement of a closed month; none where it is not closed."""
    rows = statements(home, area, [month])
    found: list[dict[str, Any]] = rows.filter(pc.equal(rows["institution_code"], hospital)).to_pylist()
    return found


def department_rows(home: Home, area: str, month: str, hospital: str) -> list[dict[str, Any]]:
    """The posted lines of a hospital summed by department and fund, in the columns of the statement.

    Raises BalanceError where the departments do not add up to the statement. What a month claims and transfers is the
    hospital's alone and not among them.
    """
    lines = posted(home, area, [month])
    lines = lines.filter(pc.equal(lines["institution_code"], hospital))
    parts = line_parts(lines).append_column("dept", pc.fill_null(pc.cast(lines["dept"], pa.string()), ""))
    keys = ["dept", "fund"]
    names = [one for one in parts.column_names if one not in {"institution_code", *keys}]
    rows = parts.group_by(keys).aggregate([(one, "sum") for one in names]).to_pylist()
    summed = [{key: row[key] for key in keys} | {one: int(row[f"{one}_sum"] or 0) for one in names} for row in rows]
    known = statement_rows(home, area, month, hospital)
    for one in names:
        if known and one in known[0]:
            whole = sum(int(row[one] or 0) for row in known)
            check_balance("monthly.departments", f"各科室 {one} 之和与月度支付情况表", _sum(summed, one), whole)
    return sorted(summed, key=lambda row: (row["dept"], row["fund"]))


def _sum(rows: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(int(row[name] or 0) for row in rows)


def value_of(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    """A column over rows of the statement: the exact sum, a ratio formed anew; None without rows or without a base."""
    if not rows or all(name not in row and name not in RATIOS for row in rows):
        return None
    if name not in RATIOS:
        return _sum(rows, name)
    if any(name in row for row in rows) and all(row.get(name) is None for row in rows):
        return None
    above, below, scale = RATIOS[name]
    base = _sum(rows, below)
    return _sum(rows, above) / base / scale if base else None


def account(home: Home, area: str, month: str, hospital: str, dept: str | None, section: Section) -> list[AccountRow]:
    """The columns of a section of kind `statement`, for a hospital or one of its departments."""
    closed = closed_months(home, area)
    scope = "hospital" if dept is None else "dept"
    months = {"": month} | {kind: month_back(month, kind) for kind in BACK}
    rows = {kind: _rows(home, area, one, hospital, dept) if one in closed else [] for kind, one in months.items()}
    editions = {kind: closed[one]["weights_label"] for kind, one in months.items() if one in closed}
    method = method_of_manifest(closed[month])
    columns = {one.name: one for one in statement_columns(method)}
    labels = {row["fund"]: row["fund_label"] for row in statement_rows(home, area, month, hospital)}
    funds = {labels.get(row["fund"], row["fund"]): [row] for row in rows[""]}
    made = []
    for entry in section.columns:
        column = columns[entry.name]
        if entry.only not in {None, scope}:
            continue
        value = value_of(rows[""], entry.name)
        before = {kind: value_of(rows[kind], entry.name) for kind in BACK}
        if entry.zero == "hide" and not value and not any(before.values()):
            continue
        note = ""
        if entry.name in _WEIGHTED:
            unlike = [kind for kind in before if kind in editions and editions[kind] != editions[""]]
            before |= dict.fromkeys(unlike)
            note = "权重版本不同，不与前期比" if unlike else ""
        by_fund = {label: value_of(of_fund, entry.name) for label, of_fund in funds.items()}
        made.append(AccountRow(column, value, before, by_fund, note))
    return made


def _rows(home: Home, area: str, month: str, hospital: str, dept: str | None) -> list[dict[str, Any]]:
    if dept is None:
        return statement_rows(home, area, month, hospital)
    return [row for row in department_rows(home, area, month, hospital) if row["dept"] == dept]
