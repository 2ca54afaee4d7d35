"""Places 机构与基金: what each month of a clearing year paid each hospital and fund, after steps 8 and 9.

A place is a hospital and a fund, as the clearing counts them. Sums only: a year of lines becomes a small table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.payment.year.clear import STEPS, opened
from tongpin.payment.year.taken import cleared_in, paid_in_months, with_payees
from tongpin.twin.forecast.units import UNIT_MONEY, UNITS, unit_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tongpin.payment.policy.policy import Policy
    from tongpin.payment.year.rulings import Rulings
    from tongpin.payment.year.state import State

MONEY = ("item_pool_fen", "payable_fen", "gross_fen")
FLOW_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "fund", "month")),
        ("is_drg", pa.bool_()),
        ("cases", pa.int64()),
        *((name, pa.int64()) for name in (*MONEY, "total_fee_fen", "weight_e4", *UNITS, *UNIT_MONEY)),
    ]
)
"""A month of a hospital and fund, what is paid by group apart from the rest: pool by item, pool payable and gross after
steps 8 and 9 of the clearing (fen), fees, weight (ten-thousandths); `units_e4`, `basic_e4` and `unit_…_fen`: what step
10 may pay anew, and the money that hangs on it."""

_SUMS = ("cases", *MONEY, "total_fee_fen", "weight_e4", *UNITS, *UNIT_MONEY)
ON_CASES = frozenset({8, 9})
"""The steps of a clearing that decide on single cases; from step 10 on whole places are dealt with."""


@dataclass(frozen=True)
class YearLines:
    """The lines of a clearing year: its state after the steps on cases, and its months."""

    state: State
    flows: pa.Table


def year_lines(
    year: int,
    lines: pa.Table,
    statements: pa.Table | None,
    rulings: Rulings,
    policy: Policy,
    payees: Mapping[str, str],
) -> YearLines | None:
    """The lines that a year clears among those of the months of `statements`; None where there are none.

    Without statements nothing was withheld or transferred. Raises what the clearing raises (PolicyError `policy.gap`,
    `clear.*`).
    """
    lines = with_payees(lines, payees)
    years = cleared_in(lines, policy)
    mine = lines if (years == year).all() else lines.filter(pa.array(years == year))
    if not mine.num_rows:
        return None
    paid = {} if statements is None else paid_in_months(lines, years, with_payees(statements, payees), year)
    state = opened(mine, paid, rulings, policy, year)
    for step in STEPS:
        if step.number in ON_CASES:
            state = step.run(state)
    return YearLines(state, flows(state, mine["period"]))


def flows(state: State, months: Any) -> pa.Table:
    """The sums of the lines of a state by place and month (`FLOW_SCHEMA`)."""
    place = pa.array(state.lines["place"])
    table = pa.table(
        {
            "institution_code": pa.array(state.places["institution_code"].tolist(), pa.string()).take(place),
            "fund": pa.array(state.places["fund"].tolist(), pa.string()).take(place),
            "month": months,
            "is_drg": pa.array(state.lines["is_drg"]),
            "cases": pa.array(state.lines["standing"].astype(np.int64)),
            **{name: pa.array(state.lines[name]) for name in MONEY},
            "total_fee_fen": pa.array(state.lines["fee_fen"]),
            "weight_e4": pa.array(np.where(state.lines["standing"], state.lines["weight_e4"], 0)),
            **{name: pa.array(values) for name, values in unit_columns(state).items()},
        }
    )
    return summed(table)


def priced_flows(priced: pa.Table, months: Any, times: Any = None) -> pa.Table:
    """The sums of priced cases by place and month (`FLOW_SCHEMA`); what lies outside the settlement is left out.

    `times`: how often each case counts, one each where not given. Units of step 10 are not told.
    """
    none = pa.array(np.zeros(priced.num_rows, np.int64))
    table = pa.table(
        {
            "institution_code": priced["institution_code"],
            "fund": priced["fund"],
            "month": months,
            "is_drg": pc.equal(priced["pay_scope"], "DRG"),
            "cases": pa.array(np.ones(priced.num_rows, np.int64)) if times is None else times,
            "item_pool_fen": priced["item_pool_fen"],
            "payable_fen": priced["pool_payable_fen"],
            "gross_fen": priced["gross_fen"],
            "total_fee_fen": priced["total_fee_fen"],
            "weight_e4": pc.fill_null(priced["weight_e4"], 0),
            **dict.fromkeys((*UNITS, *UNIT_MONEY), none),
        }
    )
    return summed(table.filter(pc.not_equal(priced["pay_scope"], "OUT")))


def summed(table: pa.Table) -> pa.Table:
    """Rows with the columns of `FLOW_SCHEMA` added up by their keys, sorted."""
    keys = ["institution_code", "fund", "month", "is_drg"]
    sums = table.group_by(keys).aggregate([(name, "sum") for name in _SUMS])
    named = sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names])
    return named.select(FLOW_SCHEMA.names).cast(FLOW_SCHEMA).sort_by([(name, "ascending") for name in keys])


class History:
    """The months of a place: pool by item, payable, cases and units of all lines, and what of them is paid by group."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.item: dict[str, int] = {}
        self.payable: dict[str, int] = {}
        self.cases: dict[str, int] = {}
        self.units: dict[str, int] = {}
        self.drg: dict[str, dict[str, int]] = {}
        self._parts: dict[tuple[str, bool], Mapping[str, Any]] = {}
        for row in rows:
            month = row["month"]
            self._parts[month, row["is_drg"]] = row
            self.item[month] = self.item.get(month, 0) + row["item_pool_fen"]
            self.payable[month] = self.payable.get(month, 0) + row["payable_fen"]
            self.cases[month] = self.cases.get(month, 0) + row["cases"]
            self.units[month] = self.units.get(month, 0) + row["units_e4"]
            if row["is_drg"]:
                self.drg[month] = {name: row[name] for name in MONEY}

    def part_share(self, name: str, of: str, months: Iterable[str], *, is_drg: bool) -> float:
        """An amount of what is paid by group, or of the rest, against another of it over some months; 0 without."""
        rows = [self._parts[month, is_drg] for month in months if (month, is_drg) in self._parts]
        whole = sum(row[of] for row in rows)
        return sum(row[name] for row in rows) / whole if whole else 0.0

    def units_by_group(self, months: Iterable[str]) -> float:
        """What share of the units stands on lines paid by group over some months."""
        chosen = list(months)
        whole = sum(self.units.get(month, 0) for month in chosen)
        part = sum(self._parts[month, True]["units_e4"] for month in chosen if (month, True) in self._parts)
        return part / whole if whole else 0.0

    def drg_share(self, name: str, months: Iterable[str]) -> float:
        """What of an amount is paid by group over some months (0–1; gross against the payable of all lines)."""
        chosen = [month for month in months if month in self.item]
        whole = sum((self.item if name == "item_pool_fen" else self.payable)[month] for month in chosen)
        part = sum(self.drg[month][name] for month in chosen if month in self.drg)
        return part / whole if whole else 0.0


def histories(table: pa.Table) -> dict[tuple[str, str], History]:
    """The history of every place of a table of months (`FLOW_SCHEMA`)."""
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        rows.setdefault((row["institution_code"], row["fund"]), []).append(row)
    return {place: History(found) for place, found in rows.items()}
