"""Units 权重、点数、分值: what step 10 of a clearing pays anew, and how much of it a year has (S900-01 step 10).

A value of a unit closes on the final budget over all units of a fund (or of a level), so that whoever brings more units
lowers what the others get: the units of the rest of the year are forecast as its money is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.base.money import SCALE, round_half_up_column
from tongpin.payment.year.scores import points_again

if TYPE_CHECKING:
    from tongpin.payment.year.state import BoolColumn, IntColumn, State

UNITS = ("units_e4", "basic_e4")
UNIT_MONEY = ("unit_item_fen", "unit_payable_fen", "unit_own_fen", "unit_outside_fen", "unit_fee_fen")
KEEP = "keep"


class Kinds(NamedTuple):
    """Lines as step 10 sees them: paid anew by their units, at the rate of 基础病组, and paid apart by step 8."""

    repriced: BoolColumn
    basic: BoolColumn
    apart: BoolColumn


def recomputed_funds(state: State) -> frozenset[str]:
    """The funds whose rate or point value the edition recomputes at the clearing."""
    funds = sorted(set(state.places["fund"]))
    return frozenset(fund for fund in funds if state.value("clearing.rate", fund=fund) != KEEP)


def kinds_of(state: State) -> Kinds:
    """The kinds of the lines of a state, as `payment/year/rate_step.py` tells them."""
    lines = state.lines
    pointed = lines["points_e4"] >= 0
    rated = lines["standing"] & lines["at_standard"] & ~pointed
    by_points = lines["standing"] & lines["by_points"]
    return Kinds(
        (rated & ~lines["basic_group"]) | by_points,
        rated & lines["basic_group"],
        lines["standing"] & pointed & ~by_points,
    )


def unit_columns(state: State) -> dict[str, IntColumn]:
    """The units of every line and the money that hangs on them (`UNITS`, `UNIT_MONEY`); 0 where step 10 pays nothing.

    Weights count times the coefficients; units in ten-thousandths.
    """
    lines, kinds = state.lines, kinds_of(state)
    weight = round_half_up_column(lines["weight_e4"] * lines["coefficient_e4"], SCALE)
    units = np.where(lines["points_e4"] >= 0, lines["points_e4"], weight)
    own = lines["gross_fen"] - lines["payable_fen"]
    of = {"item": "item_pool_fen", "payable": "payable_fen", "outside": "outside_fen", "fee": "fee_fen"}
    money = {f"unit_{name}_fen": np.where(kinds.repriced, lines[column], 0) for name, column in of.items()}
    return {
        "units_e4": np.where(kinds.repriced, units, 0),
        "basic_e4": np.where(kinds.basic, weight, 0),
        **money,
        "unit_own_fen": np.where(kinds.repriced, own, 0),
    }


def final_points(state: State) -> State:
    """The state with the hospital coefficients of the end of the year in its scores, where the edition does so."""
    if not state.by_scores or state.value("dip.institution.at_clearing") == "posted":
        return state
    rows = np.flatnonzero(state.lines["by_points"])
    final = state.scaled("dip.institution.coefficient")[state.lines["place"][rows]]
    points = state.lines["points_e4"].copy()
    points[rows] = points_again(state, rows, institution=final)
    return state.with_lines(points_e4=points)
