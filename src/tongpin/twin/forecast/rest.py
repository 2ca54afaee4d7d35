"""The rest of a year 余下月份: what each place is expected to cost and to be paid, and simulated paths of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.twin.forecast.catalogue import MEAN, setting
from tongpin.twin.forecast.model import amounts_ahead, nothing, rates_ahead, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from tongpin.twin.forecast.places import History

Place = tuple[str, str]
_BY_GROUP = (True, False)


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


class Units(NamedTuple):
    """Units of the rest of a year that step 10 pays anew, expected and drawn, and what hangs on them.

    Pairs: of what is paid by group, and of the rest. `by_group`: share of the units; `item`, `payable`: share of the
    part's pool by item and payable; `own`, `outside`, `fee`: fen for each fen of the part's pool by item; `basic`:
    weight of 基础病组 (ten-thousandths) for each fen of the pool by item paid by group.
    """

    expected: Any
    drawn: Any
    by_group: tuple[float, float]
    item: tuple[float, float]
    payable: tuple[float, float]
    own: tuple[float, float]
    outside: tuple[float, float]
    fee: tuple[float, float]
    basic: float

    def times(self, factors: Parts) -> Units:
        """The units under a scenario: those of an edition grow as the gross paid by group."""
        return self._replace(expected=self.expected * factors.drg_gross, drawn=self.drawn * factors.drg_gross)


class Rest(NamedTuple):
    """The rest of a year of a place: expected and drawn sums, the method, or why there is none; units of step 10."""

    expected: Parts | None
    drawn: Parts | None
    method: str = ""
    reason: str = ""
    units: Units | None = None

    def times(self, factors: Parts) -> Rest:
        """The rest of the year under a scenario."""
        if self.expected is None or self.drawn is None:
            return self
        units = None if self.units is None else self.units.times(factors)
        return self._replace(expected=self.expected.times(factors), drawn=self.drawn.times(factors), units=units)


def rest_of_year(
    history: History, ahead: Sequence[str], place: Place, steps: Sequence[str] = (), *, with_units: bool = False
) -> Rest:
    """The rest of a year of a place from its months; `steps`: months in which another edition began to pay.

    The pool by item is drawn as a monthly amount, what is paid for it, and its units, as rates of it; the parts paid by
    group keep their share of the last months.
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
        )

    expected = parts(item.expected.sum(), (item.expected * rate.expected).sum())
    drawn = parts(item.paths.sum(axis=0), (item.paths * rate.paths).sum(axis=0))
    units = _units(history, item, ahead, place, steps, recent) if with_units else None
    return Rest(expected, drawn, item.method, "", units)


def _units(
    history: History, item: Any, ahead: Sequence[str], place: Place, steps: Sequence[str], recent: Sequence[str]
) -> Units | None:
    """The units of the rest of the year as a rate of its pool by item; none where no line has any."""
    if not any(history.units.values()):
        return None
    rate = rates_ahead(history.units, history.item, item.expected, ahead, MEAN, stream(*place, "units"), steps)
    by_group = history.units_by_group(recent)

    def pair(name: str, of: str) -> tuple[float, float]:
        first, second = (history.part_share(name, of, recent, is_drg=is_drg) for is_drg in _BY_GROUP)
        return first, second

    return Units(
        expected=(item.expected * rate.expected).sum(),
        drawn=(item.paths * rate.paths).sum(axis=0),
        by_group=(by_group, 1 - by_group),
        item=pair("unit_item_fen", "item_pool_fen"),
        payable=pair("unit_payable_fen", "payable_fen"),
        own=pair("unit_own_fen", "item_pool_fen"),
        outside=pair("unit_outside_fen", "item_pool_fen"),
        fee=pair("unit_fee_fen", "item_pool_fen"),
        basic=history.part_share("basic_e4", "item_pool_fen", recent, is_drg=True),
    )


def rests(
    places: Sequence[Place],
    history: Mapping[Place, History],
    ahead: Sequence[str],
    steps: Sequence[str],
    funds: Collection[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> dict[Place, Rest]:
    """The rest of the year of every place; a place without months says so. `funds`: those that step 10 pays anew."""
    found: dict[Place, Rest] = {}
    for number, place in enumerate(places, start=1):
        months = history.get(place)
        found[place] = (
            Rest(None, None, "", nothing("没有历史月份").reason)
            if months is None
            else rest_of_year(months, ahead, place, steps, with_units=place[1] in funds)
        )
        if progress is not None:
            progress(number, len(places))
    return found
