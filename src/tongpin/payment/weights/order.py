"""Order of severity 并发症程度的次序: a heavier degree never weighs less; violators are pooled by cases (S905-03)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def pooled(values: Sequence[Fraction], counts: Sequence[int]) -> tuple[list[Fraction], list[int]]:
    """The nearest non-decreasing values (least squares weighted by cases) and the block that each belongs to.

    Neighbours that break the order take their case-weighted mean, or the plain mean where none has a case; Σ n·value
    is kept exactly. Blocks are numbered from 0; a block of one was left as it is.
    """
    blocks: list[tuple[Fraction, int, int]] = []  # value, cases, members
    for value, count in zip(values, counts, strict=True):
        blocks.append((value, count, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (low, n_low, m_low), (high, n_high, m_high) = blocks[-2:]
            weight, m = n_low + n_high, m_low + m_high
            mean = (low * n_low + high * n_high) / weight if weight else (low * m_low + high * m_high) / Fraction(m)
            blocks[-2:] = [(mean, weight, m)]
    ordered = [value for value, _, members in blocks for _ in range(members)]
    return ordered, [number for number, (_, _, members) in enumerate(blocks) for _ in range(members)]


def holds(values: Sequence[int], pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether in every pair (lighter, heavier) of places the heavier value is not below the lighter."""
    return all(values[light] <= values[heavy] for light, heavy in pairs)
