"""Money 结算数: the published figures of closed months added up by hospital, level, county and in all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.money import check_balance
from tongpin.payment.fund.figures import share
from tongpin.payment.fund.publication import published_in_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from decimal import Decimal

    from tongpin.payment.fund.publication import Published
    from tongpin.store.home import Home

HOSPITAL, LEVEL, COUNTY, TOTAL = "hospital", "level", "county", "total"
Key = tuple[str, str]
"""What a row is of: its kind and its code; the total has none."""
_ADDED = ("cases", "drg_cases", "item_pool_fen", "pool_payable_fen", "month_pool_payable_fen", "month_result_fen")


class Money(NamedTuple):
    """Published figures of a place over months; amounts in fen.

    Counts and the two pools: regular lists; `month_*`: with late lists, red and blue lines; `pay_ratio`: None for an
    observed hospital, for a place that has no others, or without a pool.
    """

    cases: int
    drg_cases: int
    item_pool_fen: int
    pool_payable_fen: int
    month_pool_payable_fen: int
    month_result_fen: int
    pay_ratio: Decimal | None


def money_in_home(home: Home, months: Sequence[str], area: str | None, counties: Mapping[str, str]) -> dict[Key, Money]:
    """The published figures of closed months by place; `counties`: of each institution code.

    Raises BalanceError when levels, counties or hospitals do not add up to the published total, StoreError
    `settle.open` when a month is not closed.
    """
    rows: dict[Key, list[Published]] = {}
    totals = []
    for month in months:
        published = published_in_home(home, month, area)
        totals.append(published.total)
        for one in published.hospitals:
            code = one.institution_code
            for key in ((HOSPITAL, code), (LEVEL, one.level), (COUNTY, counties.get(code, ""))):
                rows.setdefault(key, []).append(one)
    found = {key: _added(some, any if key[0] == HOSPITAL else all) for key, some in rows.items()}
    whole = _added(totals, all)
    for kind, words in ((HOSPITAL, "各机构"), (LEVEL, "各级别"), (COUNTY, "各区县")):
        for name in _ADDED:
            parts = sum(getattr(one, name) for key, one in found.items() if key[0] == kind)
            check_balance("publication.money", f"{words}{name}与公布的合计", parts, getattr(whole, name))
    return found | {(TOTAL, ""): whole}


def _added(rows: Iterable[Published], silenced: Callable[[Iterable[bool]], bool]) -> Money:
    """The rows added up; without a ratio where any or all of them were published without one."""
    some = list(rows)
    sums = {name: sum(getattr(one, name) for one in some) for name in _ADDED}
    silent = silenced(one.pay_ratio is None for one in some if one.item_pool_fen)
    return Money(**sums, pay_ratio=None if silent else share(sums["pool_payable_fen"], sums["item_pool_fen"]))
