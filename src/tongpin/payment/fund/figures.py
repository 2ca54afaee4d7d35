"""The figures of a fund 基金指标: growth, rate of execution, months payable, in exact decimals."""

from __future__ import annotations

from decimal import Decimal


def growth(now: Decimal | int, before: Decimal | int) -> Decimal | None:
    """The growth over an earlier figure 同比, (now − before) / before; None without an earlier figure above zero.

    Amounts in one unit, the result as a ratio (0.2299 = 22.99 %). Source: S003-05, S004-17.
    """
    return (Decimal(now) - before) / before if before > 0 else None


def growth_of_increment(now: Decimal | int, increment: Decimal | int) -> Decimal | None:
    """The growth where a paper prints the figure and its increment instead of the figure before. Source: S003-05."""
    return growth(now, now - increment)


def share(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """A part of a whole, as a ratio; None without a whole above zero.

    The rate of execution 执行率, the personal share 负担率, the DRG share 占比. Source: S003-03, S004-18, S004-19.
    """
    return Decimal(part) / whole if whole > 0 else None


def whole_of(part: Decimal | int, part_share: Decimal) -> Decimal | None:
    """The whole that a published part and its share stand for; None for a share that is not above zero (S004-19)."""
    return Decimal(part) / part_share if part_share > 0 else None


def months_payable(balance_fen: int, spending_fen: int, months: int) -> Decimal | None:
    """How many months a cumulative balance pays 可支付月数: balance / (spending / months); None without spending.

    `spending_fen` is the spending of `months` months. A balance below zero pays none: the figure is then below zero.
    Source: S913-01.
    """
    return Decimal(balance_fen) * months / spending_fen if spending_fen > 0 else None
