"""Filed figures 填报数据: items and indicator values that a hospital filed, with their source documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.findings import Finding
from tongpin.measures.guokao.catalogue import FILED_PREFIX, load_items
from tongpin.records.intake.load import read_loaded
from tongpin.records.layouts.catalogue import layouts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tongpin.measures.guokao.catalogue import Indicator
    from tongpin.measures.guokao.hospital import Hospital
    from tongpin.store.home import Home

UNITS: dict[tuple[str, str], int] = {("万元", "元"): 10_000, ("亿元", "元"): 100_000_000, ("千元", "元"): 1_000}
"""How many of the catalogue's unit one of the unit filed is; all other units must be the same word."""
ALIKE = frozenset(
    {"人", "人次", "例", "台次", "个", "项", "种", "张", "篇", "床日", "天", "分", "级", "%", "百分比", "比值"}
)
"""Counting words that people use for one another; the figure is taken as it stands."""


class Figure(NamedTuple):
    """A filed figure, its document and the department that answers for it."""

    value: Fraction
    document: str
    owner: str


@dataclass(frozen=True)
class Filed:
    """What a hospital filed for a year: yearly and monthly items, and indicator values by part."""

    yearly: Mapping[str, Figure] = field(default_factory=dict)
    monthly: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    values: Mapping[str, Figure] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def filed_figures(home: Home, hospital: Hospital, year: int, indicators: Iterable[Indicator]) -> Filed:
    """The filed figures of a hospital-year that the indicators use; of departments' rows none counts.

    A unit that does not fit leaves the figure out with finding GK-U01; a figure without document has GK-D01.
    """
    where = ("institution_code", pa.array([hospital.code], pa.string()))
    rows = read_loaded(home, layouts()["finance"].table, where=where)
    rows = rows.filter(pc.and_(pc.equal(rows["year"], year), pc.is_null(rows["dept_code"])))
    units = {one.id: one.unit for one in load_items().values()}
    for one in indicators:
        units |= {f"{FILED_PREFIX}{part.sub}": part.unit or one.unit for part in one.parts}
        units.setdefault(f"{FILED_PREFIX}{one.number}", one.unit)
    yearly: dict[str, Figure] = {}
    monthly: dict[str, dict[str, Figure]] = {}
    values: dict[str, Figure] = {}
    findings: list[Finding] = []
    for row in rows.to_pylist():
        code = row["item_code"]
        if code not in units:
            continue
        factor = _factor(row["unit"], units[code])
        name = row["item_name"] or code
        if factor is None:
            findings.append(
                _finding(
                    "GK-U01",
                    "error",
                    year,
                    code,
                    row["unit"],
                    f"{name}的单位是{row['unit']}，应为{units[code]}，没有采用",
                    f"按{units[code]}重填后再装载",
                )
            )
            continue
        figure = Figure(Fraction(row["value"]) * factor, row["document"] or "", row["owner_dept"] or "")
        if not figure.document:
            findings.append(
                _finding(
                    "GK-D01",
                    "warning",
                    year,
                    code,
                    str(row["value"]),
                    f"{name}没有来源文件",
                    "补 document：财务决算、统计年报或平台回执的名称与日期",
                )
            )
        if code.startswith(FILED_PREFIX):
            if row["month"] is None:
                values[code.removeprefix(FILED_PREFIX)] = figure
        elif row["month"] is None:
            yearly[code] = figure
        else:
            monthly.setdefault(code, {})[row["month"]] = figure
    return Filed(yearly, monthly, values, tuple(findings))


def _factor(given: str, wanted: str) -> int | None:
    if given == wanted or {given, wanted} <= ALIKE:
        return 1
    if "元" in given or "元" in wanted:
        return UNITS.get((given, wanted))
    return 1


def _finding(rule: str, severity: str, year: int, path: str, value: str, message: str, hint: str) -> Finding:
    return Finding(rule, severity, f"{year} 年填报数据", 0, path, value, message, hint)  # type: ignore[arg-type]
