"""The monthly prepayment 按月均支出预付 (scheme `national_2024`): about a month of spending, a receivable (S907-01)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, check_balance, round_half_up, split_fen, yuan
from tongpin.payment.prepay.yearly import Budget, told

if TYPE_CHECKING:
    from tongpin.payment.policy.policy import Policy


MONTHS = 12


class FundState(NamedTuple):
    """A fund at the end of the last year, in fen: cumulative balance, mean monthly spending, result of the period."""

    fund: str
    balance_fen: int
    monthly_spending_fen: int
    result_fen: int


class MonthlyHistory(NamedTuple):
    """What the fund spent at a hospital in the months before, oldest first, in fen."""

    institution_code: str
    fund: str
    spent_fen: tuple[int, ...]


class Offer(NamedTuple):
    """Whether a fund may prepay, and why, in words."""

    allowed: bool
    reason: str


class Recovery(NamedTuple):
    """How a payment comes back: in so many months, the first so many months after it; None: when the year is settled.

    A lag of 0 is the month of the payment itself.
    """

    lag_months: int
    months: int


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


def monthly_budget(policy: Policy, year: int, history: MonthlyHistory) -> Budget:
    """What is prepaid to a hospital: the mean of its monthly spending of the last years times the edition's months.

    PolicyError `prepay.history` when there are fewer months than the edition's years ask for. Source: S907-01.
    """
    on = date(year, 1, 1)
    fund = history.fund
    years = policy.value("prepay.mean_years", on, fund=fund)
    count = MONTHS * years
    if len(history.spent_fen) < count:
        raise PolicyError(
            "prepay.history",
            f"机构 {history.institution_code} 基金 {fund} 只有 {len(history.spent_fen)} 个月的支出，要 {count} 个月",
            where="prepay.mean_years",
            hint="补上以前月份的支出，或在付费办法中改取均值的年数",
        )
    spent = sum(history.spent_fen[-count:])
    months_e4 = policy.scaled("prepay.mean_months", on, fund=fund)
    mean = round_half_up(spent, count)
    amount = round_half_up(spent * months_e4, count * SCALE)
    parts = tuple(split_fen(amount, [1] * policy.value("prepay.instalments", on, fund=fund)))
    check_balance("prepay.instalments", "预付款与各次之和", amount, sum(parts))
    steps = (
        told(policy, on, "月均支出", f"{yuan(spent)} ÷ {count} 个月", mean, "prepay.mean_years"),
        told(policy, on, "预付金", f"月均支出 × {months_e4 / SCALE:.4f} 个月", amount, "prepay.mean_months"),
    )
    return Budget(history.institution_code, fund, amount, 0, amount, parts, steps, ())


def recovery_of(policy: Policy, on: date, fund: str) -> Recovery | None:
    """How prepayments of a fund come back by the edition (S907-01); None: when the year is settled (S001-40)."""
    if policy.value("prepay.recovery", on, fund=fund) == "year_end":
        return None
    lag = policy.value("prepay.recovery_lag", on, fund=fund)
    return Recovery(lag, policy.value("prepay.recovery_months", on, fund=fund))
