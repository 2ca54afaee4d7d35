"""Money 金额: integer fen in, integer fen out; a rounding happens at a named point."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import BalanceError

if TYPE_CHECKING:
    from collections.abc import Sequence

FEN_PER_YUAN = 100
SCALE = 10_000
"""Weights, coefficients and ratios are carried as integers of ten-thousandths."""


def round_half_up(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest integer, halves away from zero."""
    if denominator <= 0:
        raise ValueError("the denominator of a rounding is positive")
    if numerator < 0:
        return -round_half_up(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def round_half_up_column(numerator: Any, denominator: Any) -> Any:
    """`round_half_up` over whole int64 arrays (NumPy); the caller keeps the products below 2**62."""
    import numpy as np

    magnitude = (2 * np.abs(numerator) + denominator) // (2 * denominator)
    return np.where(numerator < 0, -magnitude, magnitude)


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals and thousands separators: `1,234.56`."""
    return f"{Decimal(fen) / FEN_PER_YUAN:,.2f}"


def wan(fen: int) -> str:
    """Fen as 万元 with two decimals: `12.35`."""
    wan_hundredths = round_half_up(fen, FEN_PER_YUAN * 100)
    return f"{Decimal(wan_hundredths) / 100:,.2f}"


def parse_yuan(text: str) -> int:
    """Yuan as text to fen, exactly; more than two decimals, signs of infinity and words are refused."""
    amount = Decimal(text.strip()) * FEN_PER_YUAN
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise ValueError(f"not a yuan amount with at most two decimals: {text!r}")
    return int(amount)


def split_fen(total: int, weights: Sequence[int]) -> list[int]:
    """`total` split in proportion to `weights`, to the fen and without remainder: the largest remainders get the rest.

    Weights are integers not below zero with a sum above zero (ValueError otherwise); of equal remainders the earlier
    one comes first; a negative total is split as its amount.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise ValueError("weights of a split are not below zero and have a sum above zero")
    if total < 0:
        return [-part for part in split_fen(-total, weights)]
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda place: -(total * weights[place] % whole))
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return parts


def check_balance(code: str, what: str, left: int, right: int) -> None:
    """Stop the run when two sums that must be equal are not; amounts in fen."""
    if left != right:
        raise BalanceError(
            code,
            f"{what}不平：{yuan(left)} 元 ≠ {yuan(right)} 元，差 {yuan(left - right)} 元",
            hint="不要发布本次结果；请保留输入并报告此错误",
        )
