"""Step 7 拨付: what a month transfers, what becomes of claims beyond the payable (S907-02, S907-03)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tongpin.payment.policy.policy import Policy

COLLECT, DEBT, WAIT = "collect", "debt", "wait"


class Transfer(NamedTuple):
    """A transfer in fen: cash (below zero: 托收), debt carried to the next month, claims that wait on their account.

    payable + debt + waiting = deposit + claims + cash.
    """

    cash_fen: int
    debt_fen: int
    waiting_fen: int


def transferred(payable_fen: int, claims_fen: Mapping[str, int], policy: Policy, on: date) -> Transfer:
    """The transfer of a hospital and fund: the payable minus its claims (the deposit is one of them).

    Where the claims exceed the payable, `transfer.negative` decides: `collect` takes the rest from the hospital;
    `carry` takes the claims in the order of `transfer.order` as far as the payable reaches, and `transfer.uncovered`
    says of each claim what becomes of the rest: a debt, 托收, or it waits. `policy.gap` when a short month finds these
    open.
    """
    cash = payable_fen - sum(claims_fen.values())
    if cash >= 0 or policy.value("transfer.negative", on) == COLLECT:
        return Transfer(cash, 0, 0)
    # Claims below zero (corrections in favour of the hospital) widen what there is.
    left = max(payable_fen, 0) - sum(amount for amount in claims_fen.values() if amount < 0)
    order = policy.value("transfer.order", on)
    rest: dict[str, int] = dict.fromkeys((COLLECT, DEBT, WAIT), 0)
    for name in sorted(claims_fen, key=lambda name: order.index(name) if name in order else len(order)):
        amount = max(claims_fen[name], 0)
        covered = min(amount, left)
        left -= covered
        if amount > covered:
            rest[policy.value("transfer.uncovered", on, claim=name)] += amount - covered
    return Transfer(cash + rest[DEBT] + rest[WAIT], rest[DEBT], rest[WAIT])
