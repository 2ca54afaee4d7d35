"""Departments 科室: against what their own case mix leads one to expect, and where overspending crosses it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import narwhals as nw
import pyarrow as pa

from tongpin.base.money import SCALE
from tongpin.base.strict_yaml import Strict
from tongpin.measures.catalogue import catalogue_folder, read_catalogue
from tongpin.report.words import count_text, number_text, percent_text
from tongpin.twin.catalogue import measure, setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PARTS = (
    ("drug", "discharge.compared_drug_share", "discharge.expected_drug_share.fee_weighted"),
    ("consumable", "discharge.compared_consumable_share", "discharge.expected_consumable_share.fee_weighted"),
)


def departments_against_expected(mirror: pa.Table) -> pa.Table:
    """The mirror of departments with `drug_excess`, `consumable_excess`, their `_high` and `comparable`.

    Excess = actual − expected share over the same cases (0–1). `_high` is true where it exceeds the tolerance and the
    department has enough cases at both desks (`comparable`). Never compared with the hospital's red lines. S000-26.
    """
    return _against_expected(mirror, setting("department.minimum_cases"))


def groups_against_expected(mirror: pa.Table) -> pa.Table:
    """The same of the groups of hospitals: against the share that the region has in the same group. S000-02."""
    return _against_expected(mirror, setting("group_fee.minimum_cases"))


def _against_expected(mirror: pa.Table, least: int) -> pa.Table:
    tolerance = setting("department.tolerance_e4") / SCALE
    frame = nw.from_native(mirror, eager_only=True).with_columns(
        *[(nw.col(actual) - nw.col(expected)).alias(f"{part}_excess") for part, actual, expected in PARTS],
        comparable=(nw.col("settlement.cases").fill_null(0) >= least)
        & (nw.col("discharge.cases").fill_null(0) >= least),
    )
    return frame.with_columns(
        *[
            (nw.col("comparable") & (nw.col(f"{part}_excess").fill_null(0.0) > tolerance)).alias(f"{part}_high")
            for part, _, _ in PARTS
        ],
    ).to_native()


def crossing_departments(departments: pa.Table) -> pa.Table:
    """Departments that overspend and run a drug or consumable share above expectation, largest loss first. S000-26."""
    frame = nw.from_native(departments, eager_only=True)
    crossing = frame.filter(
        (nw.col("settlement.result").fill_null(0) < 0) & (nw.col("drug_high") | nw.col("consumable_high")),
    )
    return crossing.sort("settlement.result", "institution_code", "dept").to_native()


BY_FEE, BY_COST = "settlement.result_ratio.standard", "settlement.surplus_ratio.cost"
"""The two result ratios of a group against its standard: (standard − fee) and (standard − cost) ÷ standard."""


def crossing_groups(groups: pa.Table) -> pa.Table:
    """Groups above their standard, by fee or by cost, that run a share above expectation; the worst ratio first.

    `groups` as `groups_against_expected` gives them; `BY_COST` is looked at only where it is there. S000-02.
    """
    frame = nw.from_native(groups, eager_only=True)
    ratios = [name for name in (BY_COST, BY_FEE) if name in groups.column_names]
    overspent = nw.any_horizontal(*(nw.col(name).fill_null(0.0) < 0 for name in ratios), ignore_nulls=True)
    crossing = frame.filter(overspent & (nw.col("drug_high") | nw.col("consumable_high")))
    return crossing.sort(*ratios, "institution_code", "drg").to_native()


COUNTS = ("low_risk_death_count",)
"""What an item may compare beside measures."""


class LowItem(Strict):
    """A figure of a department that counts as low when it exceeds `against` or `base_e4` by more than a tolerance."""

    id: str
    label: str
    measure: str
    against: str | None = None
    base_e4: int = 0
    tolerance: str | None = None
    show: Literal["percent", "index", "count"]
    guokao: int | None
    reference: str
    assumed: bool

    def told(self, row: Mapping[str, Any]) -> str:
        """The item in words if it is low in this department, empty otherwise."""
        value, against = row[self.measure], self.base_e4 / SCALE if self.against is None else row[self.against]
        if value is None or against is None:
            return ""
        if value - against <= (0 if self.tolerance is None else setting(self.tolerance) / SCALE):
            return ""
        number = f"，国考 {self.guokao}" if self.guokao is not None else ""
        match self.show:
            case "percent":
                return f"{self.label}（{percent_text(value)}，期望 {percent_text(against)}{number}）"
            case "index":
                return f"{self.label}（{number_text(value, 3)}{number}）"
            case _:
                return f"{self.label}（{count_text(value)} 例{number}）"


class FiledItem(NamedTuple):
    """A 国考 indicator of a hospital that lies on the worse side of its peers, and the department that owns it."""

    institution_code: str
    number: str
    name: str
    owner: str
    text: str


@cache
def load_low_items() -> tuple[LowItem, ...]:
    """The items, each on a measure of the catalogue (`twin.measure` otherwise)."""
    items = read_catalogue(catalogue_folder("twin") / "low_items.yaml", "items", LowItem)
    for item in items:
        for name in (item.measure, item.against):
            if name is not None and name not in COUNTS:
                measure(name)
    return items


def double_problems(departments: pa.Table, filed: Iterable[FiledItem] = ()) -> pa.Table:
    """The 双问题 list: departments that overspend and are low in an item, largest loss first (S000-26).

    `departments` as `departments_against_expected` gives them; `filed` adds the hospital's weak 国考 indicators to the
    department that owns them (its code or name). Each row has `low_items` (texts), `low_count` and `filed_items`; only
    departments with enough cases at both desks count, and a department with a filed item alone counts too.
    """
    by_owner: dict[tuple[str, str], list[str]] = {}
    for one in filed:
        told = f"国考 {one.number} {one.name}（{one.text}）"
        by_owner.setdefault((one.institution_code, one.owner), []).append(told)
    found = []
    for row in departments.to_pylist():
        if not row["comparable"] or (row["settlement.result"] or 0) >= 0:
            continue
        low = [told for item in load_low_items() if (told := item.told(row))]
        owners = {row["dept"], row.get("dept_label", row["dept"])} - {""}
        own = [told for owner in sorted(owners) for told in by_owner.get((row["institution_code"], owner), [])]
        if low or own:
            found.append(row | {"low_items": low, "filed_items": own, "low_count": len(low) + len(own)})
    found.sort(key=lambda row: (row["settlement.result"], row["institution_code"], row["dept"]))
    texts = pa.list_(pa.string())
    added = [("low_items", texts), ("filed_items", texts), ("low_count", pa.int64())]
    schema = pa.schema([*departments.schema, *(pa.field(name, kind) for name, kind in added)])
    return pa.Table.from_pylist(found, schema=schema)
