"""Rounding 取整: products of scaled integers, exact until the one rounding that is named; overflow is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up_column

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import IntColumn

_SAFE = 2**61


def rounded_column(factors: tuple[IntColumn, ...], denominator: int, unit_fen: IntColumn) -> IntColumn:
    """The product of the factors over the denominator, half away from zero to a multiple of `unit_fen`."""
    check_size(factors)
    product = factors[0]
    for factor in factors[1:]:
        product = product * factor
    result: IntColumn = round_half_up_column(product, denominator * unit_fen) * unit_fen
    return result


def limit_of(count: int, ratio_e4: int, rounding: str) -> int:
    """So many cases a share of a count allows; `rounding`: floor, nearest or ceiling."""
    product = count * ratio_e4
    extra = {"floor": 0, "nearest": SCALE // 2, "ceiling": SCALE - 1}[rounding]
    return (product + extra) // SCALE


def check_size(factors: tuple[IntColumn, ...], constant: int = 1) -> None:
    """`policy.overflow` when the product of the factors could leave the range of exact integers."""
    largest = constant
    for factor in factors:
        largest *= max(int(factor.max(initial=1)), -int(factor.min(initial=-1)))
    if largest >= _SAFE:
        raise PolicyError(
            "policy.overflow",
            "权重、费率、系数或费用大得不合常理，乘积超出可精确计算的范围",
            where="standard_fen",
            hint="检查权重表、费率与病例费用的单位（元还是分）",
        )


def whole(column: object) -> IntColumn:
    """An Arrow column of whole numbers without nulls as int64."""
    found: IntColumn = column.to_numpy().astype(np.int64, copy=False)  # type: ignore[attr-defined]
    return found
