"""Changes 变化: per case, difference, rate of change, and the base that a published change implies.

A published figure often comes as "this year, and so much less than before": the base is derived from it, exactly.
Amounts are integers (fen, or tenths of any unit), rates exact fractions; nothing here knows what it counts.
"""

from __future__ import annotations

from fractions import Fraction

from tongpin.base.money import round_half_up


def per_case(amount_fen: int, count: int) -> int:
    """An amount per case, rounded to the fen; ValueError without cases (S003-08)."""
    return round_half_up(amount_fen, count)


def cases_behind(amount_fen: int, per_case_fen: int) -> int:
    """How many cases an amount and its amount per case imply, rounded; both of one sign (S002-22, S002-24)."""
    quotient = Fraction(amount_fen, per_case_fen)
    if quotient < 0:
        raise ValueError("an amount and its amount per case have the same sign")
    return round_half_up(quotient.numerator, quotient.denominator)


def whole_behind(part: int, share: Fraction) -> int:
    """The whole of which `part` is `share`, rounded (S002-22, S003-16)."""
    quotient = Fraction(part) / share
    return round_half_up(quotient.numerator, quotient.denominator)


def change(now: int, base: int) -> Fraction:
    """The rate of change (now − base) ÷ base; ValueError unless the base is above zero (S002-08, S003-15)."""
    if base <= 0:
        raise ValueError("a rate of change needs a base above zero")
    return Fraction(now - base, base)


def base_of_change(now: int, rate: Fraction) -> int:
    """The base of which `now` is (1 + rate), rounded; ValueError for a fall by the whole or more (S002-11)."""
    if rate <= -1:
        raise ValueError("a fall by the whole or more leaves no base")
    quotient = now / (1 + rate)
    return round_half_up(quotient.numerator, quotient.denominator)


def base_of_difference(now: int, difference: int) -> int:
    """The base from which `now` differs by `difference` = now − base (S002-12, S002-15..18, S002-20)."""
    return now - difference


def share(part: int, whole: int) -> Fraction:
    """A part of a whole, 0–1; ValueError unless the whole is above zero (S002-17, S002-18, S003-16)."""
    if whole <= 0:
        raise ValueError("a share needs a whole above zero")
    return Fraction(part, whole)
