"""Mix 病组结构的测算: what one case of a group more or fewer, or a share more, does to CMI and to the result.

CMI counts front pages (全部出院), the result settled lists (医保DRG); a case more is like the mean of its group at both
desks. It is arithmetic of the period, no target for admissions.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from tongpin.base.money import SCALE, round_half_up
from tongpin.measures.compute import roll_up
from tongpin.twin.catalogue import load_directions, setting
from tongpin.twin.portfolio.effect import grow, stop, what_if
from tongpin.twin.portfolio.stays import CASE_COUNT, FACTS, LIST, LIST_COUNT, PAGE, Stays

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tongpin.twin.catalogue import Direction
    from tongpin.twin.portfolio.effect import Change


class Moved(NamedTuple):
    """So many cases more (below zero: fewer), and what that does to CMI and to the result in fen."""

    case_count: int
    cmi: Fraction
    result_fen: int


class MixEffect(NamedTuple):
    """A group: its weight, front pages and lists, its direction, and one case more, one fewer, a share more."""

    drg: str
    weight: Fraction
    page_count: int
    list_count: int
    direction: str
    more: Moved
    fewer: Moved
    grown: Moved


def mix_effects(settlement: pa.Table, discharge: pa.Table) -> tuple[MixEffect, ...]:
    """Of every group with enough cases at both desks what a change of its cases does. Source: S000-01.

    Comes in: the facts of 医保DRG lists and of front pages with `drg`. The groups are ordered by how far one case more
    moves both: by the product of the two changes, which no unit bends.
    """
    stays = _stays(settlement, discharge)
    least = setting("group_fee.minimum_cases")
    found = []
    for sums in stays.groups.to_pylist():
        drg, count, weighted = sums["drg"], sums[CASE_COUNT], sums[PAGE + "weighted_count"]
        if not drg or not weighted or min(count, sums[LIST_COUNT]) < least:
            continue
        share = max(1, round_half_up(count * setting("mix.growth_e4"), SCALE))
        more = _moved(stays, grow(stays, drg, 1))
        found.append(
            MixEffect(
                drg=drg,
                weight=Fraction(sums[PAGE + "weight_e4"], weighted * SCALE),
                page_count=count,
                list_count=sums[LIST_COUNT],
                direction=_direction(more),
                more=more,
                fewer=_moved(stays, stop(stays, drg, 1)),
                grown=_moved(stays, grow(stays, drg, share)),
            )
        )
    return tuple(sorted(found, key=lambda one: (-abs(one.more.cmi * one.more.result_fen), one.drg)))


def by_direction(effects: Iterable[MixEffect], shown: int) -> list[tuple[Direction, list[MixEffect]]]:
    """The directions with the groups that move both most, so many at most of each."""
    every = list(effects)
    return [(one, [effect for effect in every if effect.direction == one.id][:shown]) for one in load_directions()]


def _stays(settlement: pa.Table, discharge: pa.Table) -> Stays:
    """The sums of every group at both desks, as the what-if reads them; nothing in them may be moved anywhere."""
    sums: dict[str, dict[str, int]] = {}
    for prefix, facts in ((PAGE, discharge), (LIST, settlement)):
        for row in roll_up(facts, ["drg"]).to_pylist():
            held = sums.setdefault(row["drg"], dict.fromkeys(FACTS, 0))
            held |= {prefix + name: value for name, value in row.items() if prefix + name in FACTS}
    schema = pa.schema([("drg", pa.string()), *((name, pa.int64()) for name in FACTS)])
    groups = pa.Table.from_pylist([{"drg": drg, **facts} for drg, facts in sorted(sums.items())], schema=schema)
    return Stays("", groups, groups.slice(0, 0), {}, {}, 0)


def _moved(stays: Stays, change: Change) -> Moved:
    changes = {one.id: one.change or Fraction(0) for one in what_if(stays, [change], days=1).figures}
    return Moved(change.sign * change.count, changes["cmi"], int(changes[LIST + "result_fen"]))


def _direction(more: Moved) -> str:
    ways = ("up" if more.cmi >= 0 else "down", "up" if more.result_fen >= 0 else "down")
    return next(one.id for one in load_directions() if (one.cmi, one.result) == ways)
