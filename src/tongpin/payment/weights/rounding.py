"""Rounding of weights 权重取整: four digits, and a total that stays what it was (A4).

The named rounding point of this room: weights are exact fractions up to here and ten-thousandths from here on.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Rounded(NamedTuple):
    """Weights in ten-thousandths; `residue_e4` = Σ n·rounded − Σ n·exact (rounded), 0 when the total is kept."""

    weights_e4: list[int]
    residue_e4: int


class Adjusted(NamedTuple):
    """Weights after a total-preserving adjustment: the factor k and the result, exact."""

    factor: Fraction
    weights: dict[str, Fraction]


def to_e4(value: Fraction) -> int:
    """A weight in ten-thousandths, halves up, never below one: a group that occurs is paid something."""
    return max(1, round_half_up(value.numerator * SCALE, value.denominator))


def keep_total(before: Mapping[str, Fraction], adjusted: Mapping[str, Fraction], counts: Mapping[str, int]) -> Adjusted:
    """The adjusted weights scaled so that Σ n·weight is what it was: k = Σ n·before / Σ n·adjusted (A4, TV-A3).

    PolicyError `weights.adjust` when a group lacks one of the weights, or when nothing is left to scale.
    """
    if set(before) != set(adjusted) or not set(before) <= set(counts):
        odd = sorted(set(before) ^ set(adjusted) | set(before) - set(counts))
        raise PolicyError(
            "weights.adjust", f"调整前后的病组不一致：{'、'.join(odd[:5])}", hint="两张权重表写同样的病组"
        )
    old = sum(counts[drg] * weight for drg, weight in before.items())
    new = sum(counts[drg] * weight for drg, weight in adjusted.items())
    if old <= 0 or new <= 0:
        raise PolicyError("weights.adjust", "总权重不为正，无法保持不变", hint="检查例数与权重")
    factor = Fraction(old) / new
    return Adjusted(factor, {drg: weight * factor for drg, weight in adjusted.items()})


def round_weights(
    exact: Sequence[Fraction], counts: Sequence[int], *, close: bool, holds: Callable[[Sequence[int]], bool]
) -> Rounded:
    """Weights rounded to ten-thousandths; with `close` single steps of 0.0001 bring the total back.

    Steps go first to the weights that rounding moved the other way, in rounds of one step each, and never against
    `holds` (the order of severity). What no step and no pair of steps can close stays as the residue, smaller than the
    cases of every group that could still move.
    """
    rounded = [to_e4(value) for value in exact]
    total = sum(count * value for count, value in zip(counts, exact, strict=True)) * SCALE
    target = round_half_up(Fraction(total).numerator, Fraction(total).denominator)
    residue = sum(count * value for count, value in zip(counts, rounded, strict=True)) - target
    if not close or not residue:
        return Rounded(rounded, residue)
    step = -1 if residue > 0 else 1
    gap = abs(residue)
    need = [step * (value * SCALE - weight) for value, weight in zip(exact, rounded, strict=True)]
    # Weights that rounding moved the other way go first; large groups first, so that small ones close what is left.
    in_turn = sorted(
        (place for place in range(len(counts)) if counts[place]), key=lambda p: (need[p] <= 0, -counts[p], p)
    )
    before = 0
    while gap and gap != before:
        before = gap
        for place in in_turn:
            if counts[place] <= gap and _moves(rounded, {place: step}, holds):
                gap -= counts[place]
    if gap:
        gap -= _close_by_pair(rounded, counts, gap, step, in_turn, holds)
    return Rounded(rounded, -step * gap)


def _moves(values: list[int], steps: dict[int, int], holds: Callable[[Sequence[int]], bool]) -> bool:
    """Move the values by their steps unless one falls below 1 or the order breaks; whether they were moved."""
    for place, step in steps.items():
        values[place] += step
    if all(values[place] > 0 for place in steps) and holds(values):
        return True
    for place, step in steps.items():
        values[place] -= step
    return False


def _close_by_pair(
    values: list[int],
    counts: Sequence[int],
    gap: int,
    step: int,
    free: Sequence[int],
    holds: Callable[[Sequence[int]], bool],
) -> int:
    """Close the gap by one group a step and another a step back, where their cases differ by just that."""
    by_count: dict[int, list[int]] = {}
    for place in free:
        by_count.setdefault(counts[place], []).append(place)
    for place in free:
        for other in by_count.get(counts[place] - gap, []):
            if _moves(values, {place: step, other: -step}, holds):
                return gap
    return 0
