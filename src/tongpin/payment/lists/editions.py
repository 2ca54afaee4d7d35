"""Editions 各月的付费办法: which edition of an area sets the clocks of a month, and which area is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError
from tongpin.payment.month.closed import area_of
from tongpin.payment.policy.library import edition_of, editions_of, open_policy, policy_folders

if TYPE_CHECKING:
    from tongpin.payment.policy.policy import Policy
    from tongpin.store.home import Home


class Editions:
    """The edition of an area for each month; all are opened once, and a month that none covers has none."""

    def __init__(self, home: Home, area: str | None) -> None:
        self._editions = editions_of(home, area)
        self._opened: dict[str, Policy | None] = {}

    def of(self, month: str) -> Policy | None:
        """The edition in force in a month."""
        if month not in self._opened:
            try:
                self._opened[month] = edition_of(self._editions, month)
            except PolicyError as error:
                if error.code != "policy.gap":
                    raise
                self._opened[month] = None
        return self._opened[month]


def area_in(home: Home, area: str | None, month: str) -> str:
    """The area that is meant: the named one, else the only one with closed months, else that of the month's edition.

    Raises PolicyError `policy.unknown` (no edition of the named area), `settle.area` or as `open_policy`.
    """
    if area is None:
        return area_of(home, None) or open_policy(home, None, month).id.split("/")[0]
    known = sorted({name.split("/")[0] for name in policy_folders(home)})
    if area not in known:
        raise PolicyError("policy.unknown", f"没有统筹区 {area} 的付费办法", hint=f"已有：{'、'.join(known)}")
    return area
