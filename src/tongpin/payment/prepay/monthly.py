"""The monthly prepayment 按月均支出预付 (scheme `national_2024`): about a month of spending, a receivable (S907-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, check_balance, round_half_up, split_fen, yuan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tongpin.payment.policy.policy import Policy


class FundState(NamedTuple):
    """A fund at the end of the last year, in fen: cumulative balance, mean monthly spending, result of the period."""

    fund: str
    balance_fen: int
    monthly_spending_fen: int
    result_fen: int


class Offer(NamedTuple):
    """Whether a fund may prepay, and why, in words."""

    allowed: bool
    reason: str


class Entry(NamedTuple):
    """A movement of a prepayment account, in fen: paid ahead > 0, offset or returned < 0, and what is outstanding."""

    month: str
    kind: str
    amount_fen: int
    outstanding_fen: int


def may_prepay(policy: Policy, on: date, state: FundState) -> Offer:
    """Whether a fund may prepay: never in deficit, and with enough months of reserve (职工 12, 居民 6; S907-01).

    The edition says whether exactly so many months suffice (`prepay.reserve_edge`).
    """
    if state.result_fen < 0 or state.balance_fen < 0:
        return Offer(False, "基金当期或累计赤字，不预付")
    if state.monthly_spending_fen <= 0:
        raise PolicyError("prepay.fund", "月均支出不为正，算不出可支付月数", where=state.fund, hint="核对基金收支数据")
    months = policy.value("prepay.reserve_months", on, fund=state.fund)
    needed = months * state.monthly_spending_fen
    held_e4 = round_half_up(state.balance_fen * SCALE, state.monthly_spending_fen)
    text = f"累计结余可付 {held_e4 / SCALE:.2f} 个月，须{months} 个月"
    inclusive = policy.value("prepay.reserve_edge", on, fund=state.fund) == "inclusive"
    enough = state.balance_fen >= needed if inclusive else state.balance_fen > needed
    return Offer(enough, text if enough else f"{text}，不预付")


def monthly_amount(policy: Policy, on: date, fund: str, monthly_fen: Sequence[int]) -> int:
    """What is prepaid to a hospital: the mean of its monthly spending of the last years times the edition's months.

    `monthly_fen`: the months of those years, oldest first, in fen; PolicyError `prepay.history` when there are fewer
    than the edition's years ask for.
    """
    wanted = 12 * policy.value("prepay.mean_years", on, fund=fund)
    if len(monthly_fen) < wanted:
        raise PolicyError(
            "prepay.history",
            f"只有 {len(monthly_fen)} 个月的支出，月均要 {wanted} 个月",
            where="prepay.mean_years",
            hint="补上以前月份的支出，或在付费办法中改取均值的年数",
        )
    months_e4 = policy.scaled("prepay.mean_months", on, fund=fund)
    return round_half_up(sum(monthly_fen[-wanted:]) * months_e4, wanted * SCALE)


def recovery_plan(policy: Policy, on: date, fund: str, amount_fen: int) -> tuple[int, ...]:
    """The offsets by which a prepayment comes back, in fen: once at the end of the year, or in so many months."""
    if policy.value("prepay.recovery", on, fund=fund) == "year_end":
        return (amount_fen,)
    count = policy.value("prepay.recovery_months", on, fund=fund)
    return tuple(split_fen(amount_fen, [1] * count))


def account(movements: Sequence[tuple[str, str, int]]) -> list[Entry]:
    """A prepayment account from its movements (month, kind, amount in fen), by month: a receivable, not a payment.

    Kinds: `paid` adds, `offset` and `returned` take off. PolicyError `prepay.account` when more comes back than was
    paid ahead.
    """
    entries: list[Entry] = []
    outstanding = 0
    for month, kind, amount in sorted(movements, key=lambda one: one[0]):
        outstanding += amount if kind == "paid" else -amount
        if outstanding < 0:
            raise PolicyError(
                "prepay.account",
                f"{month} 冲抵后预付金为负：多冲了 {yuan(-outstanding)} 元",
                where="prepay_offset",
                hint="核对该月的冲抵决定",
            )
        entries.append(Entry(month, kind, amount if kind == "paid" else -amount, outstanding))
    check_balance("prepay.account", "预付金余额与各笔之和", outstanding, sum(one.amount_fen for one in entries))
    return entries
