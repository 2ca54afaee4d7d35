"""The cash gap 资金缺口 of a hospital, and the loan that would bridge it: amount, term, interest (S001-72)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.money import SCALE, check_balance, round_half_up, split_fen

if TYPE_CHECKING:
    from collections.abc import Sequence

MONTHS = 12


class Gap(NamedTuple):
    """The cash of a hospital month by month, in fen, and the largest amount by which it falls below the minimum."""

    balances_fen: tuple[int, ...]
    gap_fen: int
    deepest_month: int | None


class Instalment(NamedTuple):
    """One month of a loan, in fen: principal, interest, and what is still owed afterwards."""

    principal_fen: int
    interest_fen: int
    owed_fen: int


def cash_gap(opening_fen: int, flows_fen: Sequence[int], minimum_fen: int = 0) -> Gap:
    """The gap of a hospital whose cash opens with an amount and moves by `flows_fen` (in − out, month by month).

    `deepest_month` counts from 0, None without a gap.
    """
    balances, held = [], opening_fen
    for flow in flows_fen:
        held += flow
        balances.append(held)
    lowest = min(balances, default=opening_fen)
    gap = max(minimum_fen - lowest, 0)
    return Gap(tuple(balances), gap, balances.index(lowest) if gap else None)


def loan_plan(principal_fen: int, months: int, yearly_rate_e4: int) -> tuple[Instalment, ...]:
    """A loan repaid in equal parts of principal each month, interest on what is owed, rounded to the fen each month.

    `yearly_rate_e4`: simple yearly interest in ten-thousandths (435 = 4.35 %); a twelfth is charged each month.
    """
    if months < 1:
        raise ValueError("the term of a loan is at least one month")
    plan, owed = [], principal_fen
    for part in split_fen(principal_fen, [1] * months):
        interest = round_half_up(owed * yearly_rate_e4, SCALE * MONTHS)
        owed -= part
        plan.append(Instalment(part, interest, owed))
    check_balance("prepay.loan", "贷款与各期本金之和", principal_fen, sum(one.principal_fen for one in plan))
    return tuple(plan)
