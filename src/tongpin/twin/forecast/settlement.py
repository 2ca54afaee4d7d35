"""Year end 年末结算: the closed months of a year and the expected rest of it, cleared as places (S000-42).

What the rest of the year pays is drawn by place; steps 10 to 13 of the clearing are run on expected sums and on every
path, so that final values of a unit, tier budgets and bands act as they will in the clearing itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, yuan
from tongpin.payment.month.posting import LINE_SCHEMA
from tongpin.payment.year.clear import STEPS, closed
from tongpin.twin.forecast.catalogue import LEVELS, setting
from tongpin.twin.forecast.collapsed import Collapsed, collapse
from tongpin.twin.forecast.model import METHOD_LABELS, bounds
from tongpin.twin.forecast.units import recomputed_funds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.payment.year.state import State
    from tongpin.twin.forecast.places import YearLines
    from tongpin.twin.forecast.rest import Place, Rest

SPREAD = ("item_pool_fen", "due_fen", "surplus_fen")
"""The amounts that get intervals."""
_TEXTS = ("institution_code", "institution_name", "hospital_level", "pay_mode_label", "fund", "fund_label")
_KNOWN = ("known_cases", "known_item_pool_fen", "known_payable_fen")
_CHANGES = ("rated_fen", "scaled_fen", "banded_fen", "assessed_fen")
_AMOUNTS = (
    "cases",
    "item_pool_fen",
    "payable_fen",
    "rated_fen",
    "scaled_fen",
    "banded_fen",
    "assessed_fen",
    "due_fen",
    "surplus_fen",
)
YEAR_END_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        *((name, pa.int64()) for name in (*_KNOWN, *_AMOUNTS, "scale_e6", "band_ratio_e4")),
        *((f"{name}_{side}_{level}", pa.int64()) for name in SPREAD for level in LEVELS for side in ("low", "high")),
        *((name, pa.string()) for name in ("near_edge", "method", "reason")),
    ]
)
"""One row per hospital and fund, in fen. `known_`: the closed months. `payable_fen`: pool payable of the months after
steps 8 and 9, less audits; `due_fen` = payable + rated + scaled + banded + assessed; `surplus_fen` against the pool by
item, as the edition counts it; null with `reason` where the rest of the year is not forecast. Intervals:
`<name>_low_80` …"""


VALUE_END_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("fund", "fund_label", "hospital_level", "unit_label")),
        *((name, pa.int64()) for name in ("budget_fen", "units_e4", "value_e4")),
        *((f"value_e4_{side}_{level}", pa.int64()) for level in LEVELS for side in ("low", "high")),
    ]
)
"""What step 10 is expected to make a unit worth, one row per fund (and level, for a rate): the final budget of the
edition, the units of the year (ten-thousandths), the value with its intervals (fen, ten-thousandths)."""


@dataclass(frozen=True)
class YearEnd:
    """The year end of every place (`YEAR_END_SCHEMA`), the closed months, those ahead, and notes for the reader.

    `values`: what step 10 is expected to make a unit worth (`VALUE_END_SCHEMA`), where the edition recomputes it.
    """

    year: int
    known: tuple[str, ...]
    ahead: tuple[str, ...]
    places: pa.Table
    notes: tuple[str, ...]
    values: pa.Table = field(default_factory=VALUE_END_SCHEMA.empty_table)


def year_end(
    year: int,
    lines: YearLines,
    known: Sequence[str],
    ahead: Sequence[str],
    rest: Mapping[Place, Rest],
    *,
    anew: bool = True,
) -> YearEnd:
    """The year end of the places of a year; without months ahead it is the clearing of the year itself.

    `anew`: step 10 is run, too, where the edition recomputes a value of a unit; not under a scenario of another
    edition. Source: S000-42, S900-01 steps 10-13; PolicyError as the clearing raises them, but without scores of the
    assessment, or without a final budget, the year ends before that step and says so.
    """
    numbers = [step.number for step in STEPS if step.number in _ON_PLACES or step.number > max(_ON_PLACES)]
    if not ahead:
        final, notes = _run(lines.state, numbers)
        rows = _rows(final, year, lines, rest, {})
        return YearEnd(year, tuple(known), (), pa.Table.from_pylist(rows, schema=YEAR_END_SCHEMA), tuple(notes))
    plan, notes = _planned(lines.state, known, ahead, rest, numbers, anew=anew)
    missing = [place for place, one in rest.items() if one.expected is None]
    if missing:
        notes.append(f"{len(missing)} 个机构的一项基金没有预测余下月份，只列已关账的月份")
    final, told = _run(plan.lines.year(None), plan.numbers)
    numbers = [number for number in plan.numbers if not (told and number == _ASSESSMENT)]
    drawn = _drawn(plan.lines, numbers, year)
    table = _values(final, drawn.values)
    if drawn.left_out:
        notes.append(f"{drawn.left_out} 条路径上最终总额不够支付固定的部分，不计入区间")
    return YearEnd(
        year,
        tuple(known),
        tuple(ahead),
        pa.Table.from_pylist(_rows(final, year, lines, rest, drawn.amounts), schema=YEAR_END_SCHEMA),
        (*notes, *told, *_value_notes(table)),
        table,
    )


_ON_PLACES = (10, 11, 12, 13)
_RATE, _ASSESSMENT = 10, 13
_OPEN = frozenset({"policy.gap"})
"""What a clearing raises where an edition has not stated the final budget yet."""
_TOO_SMALL = frozenset({"policy.rate", "points.budget"})
"""What it raises where the final budget does not pay what is fixed."""


class _Plan(NamedTuple):
    """The lines of the year and the steps that can be run on them."""

    lines: Collapsed
    numbers: list[int]


def _planned(
    state: State,
    known: Sequence[str],
    ahead: Sequence[str],
    rest: Mapping[Place, Rest],
    numbers: Sequence[int],
    *,
    anew: bool,
) -> tuple[_Plan, list[str]]:
    """Whether step 10 can be run on the year to come, and what is said of it."""
    others = [number for number in numbers if number != _RATE]
    notes: list[str] = []
    if recomputed_funds(state):
        if anew:
            try:
                lines = collapse(state, rest, known, ahead, anew=True)
                _run(lines.year(None), [_RATE])
            except PolicyError as error:
                if error.code not in _OPEN:
                    raise
                notes.append(f"清算时重算费率或点值（第 10 步）还不能投影：{error.message}；按月结的费率与点值")
            else:
                return _Plan(lines, [_RATE, *others]), notes
        else:
            notes.append("情景换了付费办法，第 10 步的重算没有投影，余下月份按那一版的费率与点值")
    return _Plan(collapse(state, rest, known, ahead, anew=False), others), notes


def _names(state: State) -> list[Place]:
    return list(zip(state.places["institution_code"].tolist(), state.places["fund"].tolist(), strict=True))


def _run(state: State, numbers: Sequence[int]) -> tuple[State, list[str]]:
    """The steps of these numbers; an assessment without scores is left out with a note."""
    for step in STEPS:
        if step.number not in numbers:
            continue
        try:
            state = step.run(state)
        except PolicyError as error:
            if error.code != "clear.score":
                raise
            return state, ["考核得分还没有，年末数在考核之前（第 13 步未计）"]
    return state, []


def _places(state: State, year: int) -> pa.Table:
    """The places of a state, with the surplus as the clearing counts it."""
    without = state.with_lines(payable_fen=np.zeros(0, np.int64))
    return closed(without, LINE_SCHEMA.empty_table(), year).places


class _Drawn(NamedTuple):
    """The spread amounts of every place (places × paths), values of step 10 by path, how many paths could not be."""

    amounts: dict[str, Any]
    values: list[dict[_Value, int]]
    left_out: int


def _drawn(lines: Collapsed, numbers: Sequence[int], year: int) -> _Drawn:
    """Every path cleared; one on which the final budget does not even pay what is fixed is no possible year."""
    found: dict[str, list[Any]] = {name: [] for name in SPREAD}
    values = []
    for path in range(setting("paths")):
        try:
            final, _ = _run(lines.year(path), numbers)
        except PolicyError as error:
            if error.code not in _TOO_SMALL:
                raise
            continue
        table = _places(replace(final, explained=()), year)
        for name, amounts in found.items():
            amounts.append(table[name].to_numpy())
        values.append({_value_key(one): int(one["value_e4"]) for one in final.rates})
    if not values:
        raise PolicyError(
            "forecast.budget",
            "按预测的病例，最终总额在任何一条路径上都不够支付固定的部分",
            where="clearing.rate_budget",
            hint="核对最终总额（全年数、总费用口径）与统筹区的范围",
        )
    stacked = {name: np.stack(one, axis=1) for name, one in found.items()}
    return _Drawn(stacked, values, setting("paths") - len(values))


_Value = tuple[str, str | None, str]


def _value_key(rate: Mapping[str, Any]) -> _Value:
    return rate["fund"], rate["hospital_level"], rate["unit_label"]


def _values(final: State, drawn: Sequence[Mapping[_Value, int]]) -> pa.Table:
    """The expected values of step 10 with their intervals (`VALUE_END_SCHEMA`)."""
    rows = []
    for one in final.rates:
        row = {name: one[name] for name in VALUE_END_SCHEMA.names if name in one}
        of_paths = [path[_value_key(one)] for path in drawn if _value_key(one) in path]
        for level, (low, high) in bounds(of_paths, one["value_e4"]).items():
            row[f"value_e4_low_{level}"], row[f"value_e4_high_{level}"] = round(low), round(high)
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=VALUE_END_SCHEMA)


def _value_notes(values: pa.Table) -> list[str]:
    """The values of step 10 in words."""
    if not values.num_rows:
        return []
    told = []
    for row in values.to_pylist():
        value, low, high = (
            yuan(round(row[name] / SCALE)) for name in ("value_e4", "value_e4_low_80", "value_e4_high_80")
        )
        who = f"{row['fund_label']}{row['hospital_level'] or ''}"
        told.append(f"{who}每{row['unit_label']} {value} 元（80% 区间 {low}–{high}）")
    return [f"清算时重算（第 10 步）预计：{'；'.join(told)}。最终总额用付费办法现行的取值，不预测"]


def _rows(
    final: State, year: int, lines: YearLines, rest: Mapping[Place, Rest], drawn: Mapping[str, Any]
) -> list[dict[str, Any]]:
    table = _places(final, year).to_pylist()
    return [
        _row(row, number, lines, rest.get(place), drawn)
        for number, (place, row) in enumerate(zip(_names(final), table, strict=True))
    ]


def _row(
    row: Mapping[str, Any],
    number: int,
    lines: YearLines,
    rest: Rest | None,
    drawn: Mapping[str, Any],
) -> dict[str, Any]:
    before = lines.state.places
    due = int(before["due_fen"][number])
    made: dict[str, Any] = {name: row[name] for name in _TEXTS}
    made |= {
        "known_cases": int(before["cases"][number]),
        "known_item_pool_fen": int(before["item_pool_fen"][number]),
        "known_payable_fen": due,
    }
    if rest is not None and rest.expected is None:
        return made | {"reason": rest.reason}
    made |= {name: row[name] for name in ("item_pool_fen", *_CHANGES, "due_fen")}
    made |= {name: row[name] for name in ("surplus_fen", "scale_e6", "band_ratio_e4", "near_edge")}
    made["payable_fen"] = row["due_fen"] - sum(row[name] for name in _CHANGES)
    made["cases"] = made["known_cases"] + (round(float(rest.expected.cases)) if rest and rest.expected else 0)
    made["method"] = METHOD_LABELS[rest.method] if rest else "全年已关账"
    for name in SPREAD:
        spread = bounds(drawn[name][number], row[name]) if drawn else dict.fromkeys(LEVELS, (row[name],) * 2)
        for level, (low, high) in spread.items():
            made[f"{name}_low_{level}"], made[f"{name}_high_{level}"] = round(low), round(high)
    return made
