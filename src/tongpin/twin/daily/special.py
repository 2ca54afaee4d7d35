"""Special 单议候选: posted lists that could be applied for before their deadline, and what is left of the quota."""

from __future__ import annotations

from datetime import date  # noqa: TC003 - part of a type that is read at run time
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.payment.review.candidates import candidates
from tongpin.payment.review.criteria import LABELS

if TYPE_CHECKING:
    from tongpin.twin.daily.ground import Ground


class Open(NamedTuple):
    """A list that could be applied for: its group, the criteria it meets, and until when."""

    list_id: str
    drg: str
    criteria: tuple[str, ...]
    deadline: date
    days_left: int


class Special(NamedTuple):
    """The candidates whose deadline has not passed, the first deadline first, and the arithmetic of the quotas."""

    lists: tuple[Open, ...]
    applied: int
    quota_left: int
    quotas: tuple[str, ...]
    assumed: bool

    def figures(self) -> dict[str, Any]:
        """The counts of the block."""
        first = self.lists[0] if self.lists else None
        return {
            "lists": len(self.lists),
            "deadline": first.deadline if first else None,
            "days_left": first.days_left if first else None,
            "applied": self.applied,
            "quota_left": self.quota_left,
        }


def special(ground: Ground) -> Special:
    """The open candidates of the year of the page; StoreError `review.open` as long as no month is closed.

    Source: S903-01, S904-02.
    """
    found = candidates(ground.home, f"{ground.yesterday:%Y}", ground.on, ground.area)
    mine = [one for one in found.rows if one.institution_code in ground.hospital.codes]
    quotas = [one for one in found.quotas if one.institution_code in ground.hospital.codes]
    open_ones = [one for one in mine if one.application is None and one.days_left >= 0]
    rows = [
        Open(one.list_id, one.drg, tuple(LABELS[code] for code in one.criteria), one.deadline, one.days_left)
        for one in sorted(open_ones, key=lambda one: (one.deadline, one.list_id))
    ]
    return Special(
        tuple(rows),
        sum(one.application is not None for one in mine),
        sum(one.left for one in quotas),
        tuple(one.text for one in quotas),
        found.assumed,
    )
