"""Breakdown 展开: a group by diagnosis or doctor, each with its cases, its interval and its share of the difference.

Few cases say little: whoever has fewer than the minimum is shown with an interval but not compared and not ranked.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE, round_half_up, split_fen
from tongpin.measures.intervals import confidence
from tongpin.twin.causes.catalogue import setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

HIGHER, LOWER, ALIKE, FEW = "高于对照", "低于对照", "与对照无明显差别", "例数少，不比较"
_MEANS = ("total_fee_fen", "drug_fee_fen", "consumable_fee_fen", "exam_fee_fen")


class Piece(NamedTuple):
    """One diagnosis or doctor of a group; money in fen, stay in days, `share_e4` of the group's cases.

    `difference_fen` is the result above what as many cases give at the base; over all pieces these sum to the whole.
    `per_case_fen` is that per case, `low_fen` and `high_fen` its interval; `verdict` says what may be said.
    """

    name: str
    case_count: int
    share_e4: int
    result_fen: int
    difference_fen: int
    per_case_fen: int
    low_fen: int | None
    high_fen: int | None
    verdict: str
    mean_stay: float | None
    mean_fee_fen: int
    mean_drug_fen: int
    mean_consumable_fen: int
    mean_exam_fen: int


def pieces(cases: pa.Table, by: str, base_fen: int, base_count: int) -> tuple[Piece, ...]:
    """The cases of one group by the column `by`, against a base result of so many cases (S002-22, S002-23, S002-05).

    Compared pieces first, the largest loss against the base leading; then those with too few cases, by name. The
    interval rests on the spread of the whole group, so that one case has a wide one and not none; without a base of
    its own (`base_count` 0) the group itself is the base.
    """
    if not cases.num_rows:
        return ()
    result = _whole(cases, "result_fen")
    if not base_count:
        base_fen, base_count = int(result.sum()), len(result)
    names = pc.fill_null(pc.cast(cases[by], pa.string()), "").to_pylist()
    places: dict[str, int] = {}
    place = np.array([places.setdefault(name, len(places)) for name in names], dtype=np.int64)
    counts = np.bincount(place)
    expected = split_fen(round_half_up(base_fen * len(result), base_count), counts.tolist())
    shares = split_fen(SCALE, counts.tolist())
    width = NormalDist().inv_cdf((1 + confidence()) / 2)
    spread = float(np.std(result, ddof=1)) if len(result) > 1 else None
    sums = {name: _summed(_whole(cases, name), place, len(counts)) for name in ("result_fen", *_MEANS)}
    stays = _means(cases["los"], place, len(counts))
    made = []
    for name, number in places.items():
        count = int(counts[number])
        difference = int(sums["result_fen"][number]) - expected[number]
        per_case = round_half_up(difference, count)
        reach = None if spread is None else round(width * spread / math.sqrt(count))
        low, high = (None, None) if reach is None else (per_case - reach, per_case + reach)
        means = [round_half_up(int(sums[one][number]), count) for one in _MEANS]
        made.append(
            Piece(
                name,
                count,
                shares[number],
                int(sums["result_fen"][number]),
                difference,
                per_case,
                low,
                high,
                verdict(count, low, high),
                stays[number],
                *means,
            )
        )
    return ranked(made)


def ranked(made: Sequence[Piece]) -> tuple[Piece, ...]:
    """The compared pieces by what they lose, then the others by name."""
    enough = [one for one in made if one.verdict != FEW]
    few = [one for one in made if one.verdict == FEW]
    enough.sort(key=lambda one: (one.difference_fen, one.name))
    return (*enough, *sorted(few, key=lambda one: one.name))


def verdict(count: int, low: int | None, high: int | None) -> str:
    """What an interval of a difference lets one say; nothing below the minimum of cases."""
    if low is None or high is None or count < setting("compare.minimum_cases"):
        return FEW
    if low > 0:
        return HIGHER
    return LOWER if high < 0 else ALIKE


def _whole(cases: pa.Table, name: str) -> NDArray[np.int64]:
    return np.asarray(pc.fill_null(cases[name], 0).to_numpy(), dtype=np.int64)


def _summed(column: NDArray[np.int64], place: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, place, column)
    return total


def _means(column: Any, place: NDArray[np.int64], size: int) -> list[float | None]:
    """Means of the known values by place; None where none is known."""
    known = np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False), dtype=np.bool_)
    values = np.asarray(pc.fill_null(pc.cast(column, pa.int64()), 0).to_numpy(), dtype=np.int64)
    total, count = _summed(values * known, place, size), _summed(known.astype(np.int64), place, size)
    return [int(value) / int(n) if n else None for value, n in zip(total, count, strict=True)]
