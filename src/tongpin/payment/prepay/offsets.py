"""The offsets of a month 当月冲抵: what of money paid ahead a month takes from its transfer (S907-01, S907-02).

Direct payments of drug firms (S907-03) come as decisions of their own; the transfer takes all claims in one order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import yuan
from tongpin.payment.prepay.account import CLAIM_LABELS, LAST_MONTH, claim_of, standings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from tongpin.payment.prepay.account import Entry, Taken


class Claim(NamedTuple):
    """A claim of a month in the shape of a decision: above zero it lowers the transfer, in fen."""

    institution_code: str
    fund: str
    month: str
    kind: str
    amount_fen: int


def decided_in(month: str, rows: Iterable[Mapping[str, str | int]]) -> set[tuple[str, str, str]]:
    """(institution, fund, kind) of the decisions of a month with an amount, from rows in their shape."""
    return {
        (str(row["institution_code"]), str(row["fund"]), str(row["kind"]))
        for row in rows
        if row["month"] == month and row["amount_fen"]
    }


def month_claims(
    month: str,
    entries: Sequence[Entry],
    taken: Mapping[tuple[str, str, str], Taken],
    decided: AbstractSet[tuple[str, str, str]] = frozenset(),
) -> list[Claim]:
    """What `month` (`YYYY-MM`) takes for the accounts, by hospital, fund and kind; nothing where nothing is due.

    `taken`: what closed months took, a later one closed before this included. `decided`: (institution, fund, kind) of
    the decisions of the month with an amount; PolicyError `prepay.double` when one of them claims the same.
    """
    sums: dict[tuple[str, str, str], int] = {}
    for one in standings(entries, taken, LAST_MONTH, due=month):
        if one.due_fen:
            key = (one.institution_code, one.fund, claim_of(one.scheme))
            sums[key] = sums.get(key, 0) + one.due_fen
    twice = sorted(set(sums) & decided)
    if twice:
        code, fund, kind = twice[0]
        raise PolicyError(
            "prepay.double",
            f"{len(twice)} 处既有决定又有预付金账户的{CLAIM_LABELS[kind]}，例如机构 {code} 基金 {fund}"
            f"（账户 {yuan(sums[twice[0]])} 元）",
            where=f"decision {month} {kind}",
            hint="账户管着的冲抵不再另装决定：把决定表那一行的金额改为 0 再装载，或先核对账户",
        )
    return [Claim(code, fund, month, kind, amount) for (code, fund, kind), amount in sorted(sums.items())]
