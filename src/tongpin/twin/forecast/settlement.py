"""Year end 年末结算: the closed months of a year and the expected rest of it, cleared as places (S000-42).

What the rest of the year pays is drawn by place; steps 11 to 13 of the clearing are run on expected sums and on every
path, so that tier budgets and bands act as they will in the clearing itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from tongpin.base.errors import PolicyError
from tongpin.payment.month.posting import LINE_SCHEMA
from tongpin.payment.year.clear import STEPS, closed
from tongpin.twin.forecast.catalogue import LEVELS, MEAN, setting
from tongpin.twin.forecast.model import METHOD_LABELS, amounts_ahead, bounds, nothing, rates_ahead, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tongpin.payment.year.state import State
    from tongpin.twin.forecast.places import History, YearLines

Place = tuple[str, str]
SPREAD = ("item_pool_fen", "due_fen", "surplus_fen")
"""The amounts that get intervals."""
_TEXTS = ("institution_code", "institution_name", "hospital_level", "pay_mode_label", "fund", "fund_label")
_KNOWN = ("known_cases", "known_item_pool_fen", "known_payable_fen")
_AMOUNTS = (
    "cases",
    "item_pool_fen",
    "payable_fen",
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
steps 8 and 9, less audits; `due_fen` = payable + scaled + banded + assessed; `surplus_fen` against the pool by item, as
the edition counts it; null with `reason` where the rest of the year is not forecast. Intervals: `<name>_low_80` …"""


class Parts(NamedTuple):
    """Sums of the rest of a year of a place, numbers or arrays over paths: by group, and the rest; gross of groups."""

    cases: Any
    drg_item: Any
    other_item: Any
    drg_payable: Any
    other_payable: Any
    drg_gross: Any

    def times(self, factors: Parts) -> Parts:
        """Each sum times its factor."""
        return Parts(*(one * factor for one, factor in zip(self, factors, strict=True)))


NEUTRAL = Parts(1.0, 1.0, 1.0, 1.0, 1.0, 1.0)


class Rest(NamedTuple):
    """The rest of a year of a place: expected and drawn sums, the method, or why there is none."""

    expected: Parts | None
    drawn: Parts | None
    method: str = ""
    reason: str = ""


@dataclass(frozen=True)
class YearEnd:
    """The year end of every place (`YEAR_END_SCHEMA`), the closed months, those ahead, and notes for the reader."""

    year: int
    known: tuple[str, ...]
    ahead: tuple[str, ...]
    places: pa.Table
    notes: tuple[str, ...]


def rest_of_year(
    history: History, ahead: Sequence[str], place: Place, steps: Sequence[str] = (), factors: Parts = NEUTRAL
) -> Rest:
    """The rest of a year of a place from its months; `steps`: months in which another edition began to pay.

    The pool by item is drawn as a monthly amount, what is paid for it as a rate of it; the parts paid by group keep
    their share of the last months.
    """
    item = amounts_ahead(history.item, ahead, stream(*place, "item"))
    if item.reason:
        return Rest(None, None, "", item.reason)
    rate = rates_ahead(history.payable, history.item, item.expected, ahead, MEAN, stream(*place, "rate"), steps)
    if rate.reason:
        return Rest(None, None, "", rate.reason)
    recent = sorted(history.item)[-setting("shares.months") :]
    shares = {name: history.drg_share(name, recent) for name in ("item_pool_fen", "payable_fen", "gross_fen")}
    items = sum(history.item[month] for month in recent)
    per_item = sum(history.cases[month] for month in recent) / items if items else 0.0

    def parts(item_sum: Any, payable_sum: Any) -> Parts:
        return Parts(
            item_sum * per_item,
            item_sum * shares["item_pool_fen"],
            item_sum * (1 - shares["item_pool_fen"]),
            payable_sum * shares["payable_fen"],
            payable_sum * (1 - shares["payable_fen"]),
            payable_sum * shares["gross_fen"],
        ).times(factors)

    expected = parts(item.expected.sum(), (item.expected * rate.expected).sum())
    drawn = parts(item.paths.sum(axis=0), (item.paths * rate.paths).sum(axis=0))
    return Rest(expected, drawn, item.method)


def rests(
    places: Sequence[Place],
    history: Mapping[Place, History],
    ahead: Sequence[str],
    steps: Sequence[str],
    factors: Mapping[Place, Parts],
    progress: Callable[[int, int], None] | None = None,
) -> dict[Place, Rest]:
    """The rest of the year of every place; a place without months says so."""
    found: dict[Place, Rest] = {}
    for number, place in enumerate(places, start=1):
        months = history.get(place)
        found[place] = (
            Rest(None, None, "", nothing("没有历史月份").reason)
            if months is None
            else rest_of_year(months, ahead, place, steps, factors.get(place, NEUTRAL))
        )
        if progress is not None:
            progress(number, len(places))
    return found


def year_end(
    year: int, lines: YearLines, known: Sequence[str], ahead: Sequence[str], rest: Mapping[Place, Rest]
) -> YearEnd:
    """The year end of the places of a year; without months ahead it is the clearing of the year itself.

    Source: S000-42, S900-01 steps 10-13; PolicyError as the clearing raises them, but without scores of the assessment
    the year ends before it and says so.
    """
    notes: list[str] = []
    numbers = [step.number for step in STEPS if step.number > max(_ON_PLACES) or step.number in _ON_PLACES]
    if ahead:
        state = _collapsed(lines.state)
        numbers.remove(10)
        if state.value("clearing.rate") != "keep":
            notes.append("付费办法在清算时按最终总额重算费率或点值（第 10 步），预测按月结的费率与点值")
        missing = [place for place, one in rest.items() if one.expected is None]
        if missing:
            notes.append(f"{len(missing)} 个机构的一项基金没有预测余下月份，只列已关账的月份")
    else:
        state = lines.state
    expected = _with_rest(state, rest, None)
    final, told = _run(expected, numbers)
    notes += told
    if told:
        numbers.remove(13)
    table = _places(final, year)
    drawn = _drawn(state, rest, numbers, year) if ahead else {}
    rows = [
        _row(row, number, lines, rest.get(place), drawn)
        for number, (place, row) in enumerate(zip(_names(state), table.to_pylist(), strict=True))
    ]
    return YearEnd(year, tuple(known), tuple(ahead), pa.Table.from_pylist(rows, schema=YEAR_END_SCHEMA), tuple(notes))


_ON_PLACES = (10, 11, 12, 13)


def _names(state: State) -> list[Place]:
    return list(zip(state.places["institution_code"].tolist(), state.places["fund"].tolist(), strict=True))


def _collapsed(state: State) -> State:
    """The state with two lines a place: what is paid by group, and the rest."""
    size = state.size
    lines: dict[str, Any] = {
        "place": np.concatenate([np.arange(size), np.arange(size)]),
        "is_drg": np.repeat([True, False], size),
    }
    by_group = state.lines["is_drg"]
    for name in ("gross_fen", "payable_fen", "item_pool_fen"):
        lines[name] = np.concatenate([state.per_place(state.lines[name], mask) for mask in (by_group, ~by_group)])
    return replace(state, lines=lines, explained=(), notes=())


def _with_rest(state: State, rest: Mapping[Place, Rest], path: int | None) -> State:
    """The state with the rest of the year in it: the expected one, or one path."""
    if not rest:
        return state
    size = state.size
    added = {name: np.zeros(2 * size, np.int64) for name in ("gross_fen", "payable_fen", "item_pool_fen")}
    for number, place in enumerate(_names(state)):
        one = rest.get(place)
        if one is None or one.expected is None or one.drawn is None:
            continue
        parts = one.expected if path is None else Parts(*(values[path] for values in one.drawn))
        sums = Parts(*(round(float(value)) for value in parts))
        added["gross_fen"][number] = sums.drg_gross
        added["payable_fen"][[number, size + number]] = sums.drg_payable, sums.other_payable
        added["item_pool_fen"][[number, size + number]] = sums.drg_item, sums.other_item
    places = state.places
    payable, item = (added[name][:size] + added[name][size:] for name in ("payable_fen", "item_pool_fen"))
    return state.with_lines(**{name: state.lines[name] + one for name, one in added.items()}).with_places(
        item_pool_fen=places["item_pool_fen"] + item,
        due_fen=places["due_fen"] + payable,
    )


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


def _drawn(state: State, rest: Mapping[Place, Rest], numbers: Sequence[int], year: int) -> dict[str, Any]:
    """The spread amounts of every place over all paths (places × paths)."""
    paths = setting("paths")
    found = {name: np.zeros((state.size, paths), np.int64) for name in SPREAD}
    for path in range(paths):
        final, _ = _run(_with_rest(state, rest, path), numbers)
        table = _places(replace(final, explained=()), year)
        for name, values in found.items():
            values[:, path] = table[name].to_numpy()
    return found


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
    made |= {name: row[name] for name in ("item_pool_fen", "scaled_fen", "banded_fen", "assessed_fen", "due_fen")}
    made |= {name: row[name] for name in ("surplus_fen", "scale_e6", "band_ratio_e4", "near_edge")}
    made["payable_fen"] = row["due_fen"] - row["scaled_fen"] - row["banded_fen"] - row["assessed_fen"]
    made["cases"] = made["known_cases"] + (round(float(rest.expected.cases)) if rest and rest.expected else 0)
    made["method"] = METHOD_LABELS[rest.method] if rest else "全年已关账"
    for name in SPREAD:
        spread = bounds(drawn[name][number], row[name]) if drawn else dict.fromkeys(LEVELS, (row[name],) * 2)
        for level, (low, high) in spread.items():
            made[f"{name}_low_{level}"], made[f"{name}_high_{level}"] = round(low), round(high)
    return made
