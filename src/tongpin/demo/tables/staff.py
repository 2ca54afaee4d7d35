"""Departments 科室, staff 人员 and their cost 成本: who the lists name, and what their departments cost in a month."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.demo.calendar import Purpose, stream
from tongpin.demo.tables.shape import of_rows
from tongpin.records.formats.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from tongpin.demo.calendar import Month
    from tongpin.demo.setting import Setting

COSTS = 5
SURGICAL = ("04", "05.01", "10", "11", "12")
TITLES = ("正高", "副高", "中级", "初级")
DOCTOR, NURSE = "医师", "护士"
DIRECT, ALL_COST = "直接", "全成本"
ALLOCATED = "分摊后"


class DeptMonth(NamedTuple):
    """What a department of a hospital did in a month: its doctors, its fees of all and of two kinds."""

    hospital: int
    month: Month
    dept: str
    doctors: tuple[str, ...]
    fee_fen: int
    drug_fee_fen: int
    consumable_fee_fen: int


def dept_months(hospital: int, month: Month, stays: pa.Table) -> list[DeptMonth]:
    """The departments of a hospital-month."""
    grouped = stays.group_by("dept").aggregate(
        [
            ("doctor_code", "distinct"),
            *((name, "sum") for name in ("total_fee_fen", "drug_fee_fen", "consumable_fee_fen")),
        ]
    )
    return sorted(
        DeptMonth(
            hospital,
            month,
            row["dept"],
            tuple(sorted(row["doctor_code_distinct"])),
            row["total_fee_fen_sum"],
            row["drug_fee_fen_sum"],
            row["consumable_fee_fen_sum"],
        )
        for row in grouped.to_pylist()
    )


def _dept_names() -> dict[str, str]:
    return {
        row["code"].lstrip("A"): row["name_zh"]
        for row in rows("fields/dictionaries.csv")
        if row["dictionary"] == "dept"
    }


def _doctors(found: Iterable[DeptMonth]) -> dict[tuple[int, str], list[str]]:
    """The doctors of every hospital and department over all months."""
    seen: dict[tuple[int, str], set[str]] = {}
    for one in found:
        seen.setdefault((one.hospital, one.dept), set()).update(one.doctors)
    return {key: sorted(doctors) for key, doctors in sorted(seen.items())}


def departments(setting: Setting, found: list[DeptMonth]) -> pa.Table:
    """The departments that the stays name, in layout `department`."""
    names, since = _dept_names(), np.datetime64(setting.profile.hospitals.valid_from).astype(object)
    fields = ("institution_code", "dept_code", "dept_name", "national_dept", "dept_type", "head_code", "valid_from")
    return of_rows(
        "department",
        fields,
        (
            (
                setting.institution_code(hospital),
                dept,
                names.get(dept, dept),
                dept,
                "外科" if dept.startswith(SURGICAL) else "内科",
                doctors[0],
                since,
            )
            for (hospital, dept), doctors in _doctors(found).items()
        ),
    )


def staff(setting: Setting, found: list[DeptMonth]) -> pa.Table:
    """The doctors that the stays name and as many nurses as are usual, in layout `staff`; nobody has a name."""
    fields = ("institution_code", "staff_code", "dept_code", "team", "role", "title", "full_time_ratio", "valid_from")
    since = np.datetime64(setting.profile.hospitals.valid_from).astype(object)
    return of_rows("staff", fields, ((*row, since) for row in _people(setting, found)))


def _people(setting: Setting, found: list[DeptMonth]) -> Iterator[tuple[object, ...]]:
    for (hospital, dept), doctors in _doctors(found).items():
        code = setting.institution_code(hospital)
        for place, doctor in enumerate(doctors):
            team = f"{dept}-{place // 3 + 1}"
            yield code, doctor, dept, team, DOCTOR, TITLES[min(place, len(TITLES) - 1)], 1
        nurses = round(len(doctors) * setting.profile.layouts.nurses_per_doctor.value)
        for place in range(nurses):
            yield code, f"N{dept.replace('.', '')}{place + 1:03d}", dept, None, NURSE, TITLES[2 + place % 2], 1


def costs(setting: Setting, found: list[DeptMonth]) -> pa.Table:
    """The cost of every department and month in layout `cost`: drugs and consumables at price, the rest by kind.

    The kinds of a department sum to its whole cost.
    """
    fields = ("institution_code", "month", "dept_code", "cost_kind", "stage", "amount_fen", "fee_amount_fen")
    return of_rows("cost", fields, (row for one in found for row in _costs_of(setting, one)))


def _costs_of(setting: Setting, one: DeptMonth) -> Iterator[tuple[object, ...]]:
    plan = setting.profile.layouts
    dept = int("".join(sign for sign in one.dept if sign.isdigit()))
    rng = stream(setting.seed, Purpose.LAYOUT, one.month.index, one.hospital, COSTS, dept)
    level = plan.cost_to_fee.value[setting.hospitals[one.hospital].grade]
    spread = plan.cost_spread.value
    goods = {"药品费": one.drug_fee_fen, "卫生材料费": one.consumable_fee_fen}
    whole = max(round(one.fee_fen * level * float(np.exp(rng.normal(0, spread)))), sum(goods.values()))
    rest = whole - sum(goods.values())
    shares = plan.cost_split.value
    parts = {kind: goods.get(kind, int(rest * share)) for kind, share in shares.items()}
    first = next(kind for kind in parts if kind not in goods)
    parts[first] += whole - sum(parts.values())
    head = (setting.institution_code(one.hospital), str(one.month), one.dept)
    for kind, amount in parts.items():
        yield *head, kind, DIRECT, amount, one.fee_fen
    yield *head, ALL_COST, ALLOCATED, whole, one.fee_fen
