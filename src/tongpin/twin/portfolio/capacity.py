"""Capacity 能力: how many bed days, operations and doctors' bed days a period has room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.twin.portfolio.catalogue import load_portfolio
from tongpin.twin.portfolio.stays import PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping


class Means(NamedTuple):
    """What a hospital works with, None where it was not imported: beds, full-time doctors, operations of the period."""

    beds: int | None = None
    doctors: float | None = None
    operations: int | None = None


class Capacity(NamedTuple):
    """A capacity of the period: which fact uses it, how much is used, how much there is, and where that comes from."""

    id: str
    label: str
    unit: str
    fact: str
    used: int
    amount: int
    source: str


def capacities_of(totals: Mapping[str, int], days: int, means: Means) -> tuple[Capacity, ...]:
    """The capacities that hold in a period of so many days.

    What is used already is always within the capacity: a crowded hospital is not told to discharge. Without registered
    beds the bed days of the period are all there are; other capacities that were not imported set no limit. S000-16.
    """
    rules = load_portfolio()
    amounts = {
        "beds": (None if means.beds is None else means.beds * days * rules.setting("occupancy_e4") // 10_000),
        "doctors": (
            None if means.doctors is None else int(means.doctors * days * rules.setting("doctor_bed_days_e4")) // 10_000
        ),
        "theatre": means.operations,
    }
    found: list[Capacity] = []
    for one in rules.capacities:
        used, amount, source = totals[PAGE + one.fact], amounts[one.id], one.source
        if amount is None:
            if one.id != "beds":
                continue
            amount, source = used, "没有登记床位：以本期实际床日为限"
        elif amount < used:
            amount, source = used, f"{source}为 {amount:,}，本期实际已超过，以实际为限"
        found.append(Capacity(one.id, one.label, one.unit, PAGE + one.fact, used, amount, source))
    return tuple(found)
