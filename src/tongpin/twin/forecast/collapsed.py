"""A year of a place in six lines 合并的支付行: what steps 10 to 13 need, known months and the rest of the year.

What step 10 pays anew by group and else, 基础病组, what step 8 paid apart, the other lines paid by group, and the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tongpin.base.money import SCALE
from tongpin.twin.forecast.catalogue import setting
from tongpin.twin.forecast.units import final_points, kinds_of, unit_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tongpin.payment.year.state import State
    from tongpin.twin.forecast.rest import Parts, Place, Rest

    Columns = dict[str, NDArray[np.int64]]

ANEW, ANEW_OTHER, BASIC, APART, BY_GROUP, OTHER = range(6)
LINES = 6
_COLUMNS = ("gross_fen", "payable_fen", "item_pool_fen", "fee_fen", "outside_fen", "units_e4")
_FACTORS = ("deviation_e4", "auxiliary_e4")


@dataclass(frozen=True)
class Collapsed:
    """The known months of the places in six lines each (line × places), with the rest of the year beside them.

    `expected` (lines × 1) and `drawn` (lines × paths) are added to the lines; `state` keeps the places.
    """

    state: State
    known: Columns
    expected: Columns
    drawn: Columns
    pointed: bool

    def year(self, path: int | None) -> State:
        """The state of the whole year: the expected one, or one path."""
        added = self.expected if path is None else self.drawn
        column = 0 if path is None else path
        lines = {name: self.known[name] + added[name][:, column] for name in _COLUMNS}
        size = self.state.size
        rest = {name: added[name][:, column].reshape(LINES, size).sum(axis=0) for name in _COLUMNS}
        places = self.state.places
        made = replace(self.state, lines=self._as_lines(lines), explained=(), notes=())
        return made.with_places(
            item_pool_fen=places["item_pool_fen"] + rest["item_pool_fen"],
            due_fen=places["due_fen"] + rest["payable_fen"],
        )

    def _as_lines(self, columns: Columns) -> dict[str, Any]:
        size = self.state.size
        line = np.repeat(np.arange(LINES), size)
        anew, units = np.isin(line, (ANEW, ANEW_OTHER)), columns["units_e4"]
        rated = (anew | (line == BASIC)) & (units > 0) & (not self.pointed)
        nothing = np.zeros(LINES * size, np.int64)
        points = np.where((anew | (line == APART)) & self.pointed, np.where(anew, units, 0), -1)
        return {
            "place": np.tile(np.arange(size), LINES),
            "standing": np.ones(LINES * size, bool),
            "is_drg": ~np.isin(line, (ANEW_OTHER, OTHER)),
            "at_standard": rated,
            "basic_group": line == BASIC,
            "by_points": anew & self.pointed,
            "floor_case": np.zeros(LINES * size, bool),
            "points_e4": points,
            "weight_e4": np.where(rated, units, 0),
            "coefficient_e4": np.full(LINES * size, SCALE, np.int64),
            "patient_fen": columns["gross_fen"] - columns["payable_fen"],
            "other_funds_fen": nothing,
            **{name: columns[name] for name in _COLUMNS if name != "units_e4"},
            **self._score_factors(units),
        }

    def _score_factors(self, units: NDArray[np.int64]) -> dict[str, Any]:
        """Factors of scores that make the units again with the hospital coefficients of the end of the year."""
        if not self.state.by_scores:
            return {}
        final = np.full(self.state.size, SCALE, np.int64)
        if self.state.value("dip.institution.at_clearing") != "posted":
            final = self.state.scaled("dip.institution.coefficient")
        of_line = np.tile(final, LINES)
        plain = np.full(len(of_line), SCALE, np.int64)
        score = np.rint(units / np.maximum(of_line, 1) * SCALE).astype(np.int64)
        return {"score_e4": score, "institution_e4": of_line, **dict.fromkeys(_FACTORS, plain)}


def collapse(
    state: State, rest: Mapping[Place, Rest], known: Sequence[str], ahead: Sequence[str], *, anew: bool
) -> Collapsed:
    """The places of a state after steps 8 and 9, with the rest of the year.

    `anew`: step 10 will be run. Then a place whose rest is not forecast goes on at the mean of its known months, so
    that the value of a unit closes on everybody's units; such a place is not told.
    """
    final = final_points(state) if anew else state
    posted, ended = unit_columns(state)["units_e4"], unit_columns(final)
    kinds, by_group = kinds_of(final), state.lines["is_drg"]
    masks = (
        kinds.repriced & by_group,
        kinds.repriced & ~by_group,
        kinds.basic,
        kinds.apart,
        by_group & ~kinds.repriced & ~kinds.basic & ~kinds.apart,
        ~by_group & ~kinds.repriced & ~kinds.basic & ~kinds.apart,
    )
    units = ended["units_e4"] + ended["basic_e4"]
    columns = {name: state.lines[name] for name in _COLUMNS if name != "units_e4"} | {"units_e4": units}
    held = {name: np.concatenate([state.per_place(one, mask) for mask in masks]) for name, one in columns.items()}
    before, after = state.per_place(posted), state.per_place(ended["units_e4"])
    # Units of the months to come are counted with the coefficients of the end of the year, too.
    growth = np.where(before > 0, after / np.maximum(before, 1), 1.0)
    expected, drawn = (_empty(state.size, width) for width in (1, setting("paths")))
    names = zip(state.places["institution_code"].tolist(), state.places["fund"].tolist(), strict=True)
    for number, place in enumerate(names):
        one = rest.get(place)
        rows = np.arange(LINES) * state.size + number
        if one is not None and one.expected is not None and one.drawn is not None:
            for into, parts, path in ((expected, one.expected, False), (drawn, one.drawn, True)):
                for name, values in _lines_of(one, parts, float(growth[number]), path=path).items():
                    into[name][rows] = np.rint(values).astype(np.int64)
        elif anew and one is not None:
            for name, values in held.items():
                going_on = np.rint(values[rows] * len(ahead) / max(len(known), 1)).astype(np.int64)
                for into in (expected, drawn):
                    into[name][rows] = going_on[:, None]
    return Collapsed(state, held, expected, drawn, bool((state.lines["points_e4"] >= 0).any()))


def _empty(size: int, width: int) -> Columns:
    return {name: np.zeros((LINES * size, width), np.int64) for name in _COLUMNS}


def _lines_of(rest: Rest, parts: Parts, growth: float, *, path: bool) -> dict[str, Any]:
    """The rest of the year of a place by line (lines × 1, or × paths)."""
    item = [np.atleast_1d(np.asarray(one, float)) for one in (parts.drg_item, parts.other_item)]
    payable = [np.atleast_1d(np.asarray(one, float)) for one in (parts.drg_payable, parts.other_payable)]
    gross = np.atleast_1d(np.asarray(parts.drg_gross, float))
    found = {name: np.zeros((LINES, len(item[0]))) for name in _COLUMNS}
    units = rest.units
    for part, (line, left) in enumerate(((ANEW, BY_GROUP), (ANEW_OTHER, OTHER))):
        split: dict[str, Any] = {"item_pool_fen": 0.0, "payable_fen": 0.0, "gross_fen": 0.0}
        if units is not None:
            count = np.atleast_1d(np.asarray(units.drawn if path else units.expected, float))
            paid = payable[part] * units.payable[part]
            split = {
                "item_pool_fen": item[part] * units.item[part],
                "payable_fen": paid,
                "gross_fen": paid + item[part] * units.own[part],
            }
            found["outside_fen"][line] = item[part] * units.outside[part]
            found["fee_fen"][line] = item[part] * units.fee[part]
            found["units_e4"][line] = count * units.by_group[part] * growth
        for name, whole in (("item_pool_fen", item[part]), ("payable_fen", payable[part])):
            found[name][line] = split[name]
            found[name][left] = whole - split[name]
        found["gross_fen"][line] = split["gross_fen"]
        found["gross_fen"][left] = gross - split["gross_fen"] if part == 0 else 0.0
    if units is not None:
        found["units_e4"][BASIC] = item[0] * units.basic
    return found
