"""The proposal 结余投向建议: this year's surplus put against the weakest indicators (S000-35); simulated.

Weak is what lies below the peers' median on an indicator with a known better side, times its weight. It proposes
capability and service only: never whom to treat, what to pay a person, or how to code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import split_fen
from tongpin.measures.guokao.catalogue import BETTER_HIGH, BETTER_LOW, investment_of, load_set, setting
from tongpin.measures.guokao.score import median
from tongpin.payment.month.closed import areas_of, statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.measures.guokao.hospital import Hospital
    from tongpin.store.home import Home

_PARTS = 1_000_000


class Surplus(NamedTuple):
    """What DRG settlement left a hospital in the closed months of a year."""

    fen: int
    months: tuple[str, ...]


class Proposed(NamedTuple):
    """A weak indicator: its figure, the peers' median, the gap as a share of the peers' spread, weight and amount."""

    no: str
    sub: str
    name: str
    direction: str
    value: float
    median: float
    gap: float
    weight: float
    amount_fen: int
    text: str
    department: str


def surplus_of(home: Home, hospital: Hospital, year: int) -> Surplus:
    """Surplus (+) or shortfall (−) of the hospital over all areas and funds: closed months only, never annualised."""
    parts = [statements(home, area) for area in areas_of(home)]
    if not parts:
        return Surplus(0, ())
    rows = pa.concat_tables(parts)
    own = pc.is_in(rows["institution_code"], value_set=pa.array(list(hospital.codes), pa.string()))
    kept = rows.filter(pc.and_(own, pc.starts_with(rows["month"], f"{year}-")))
    total = pc.sum(kept["month_result_fen"], min_count=0).as_py()
    return Surplus(int(total), tuple(sorted(set(kept["month"].to_pylist()))))


def propose(
    set_name: str, values: pa.Table, peers: pa.Table, weights: Mapping[str, float], surplus_fen: int
) -> list[Proposed]:
    """The weakest monitored indicators and what of the surplus each would get, by gap x weight, to the fen; pure.

    The gap is the distance to the peers' median on the worse side as a share of the peers' spread (at most 1); without
    enough peers, or with a figure at the median or better, an indicator is not weak. No surplus: amounts of zero.
    Source: S000-35.
    """
    others: dict[str, list[float]] = {}
    for row in peers.to_pylist():
        if row["value"] is not None:
            others.setdefault(row["sub"], []).append(row["value"])
    parts: dict[str, int] = {}
    rows = [row for row in values.to_pylist() if row["no"] in weights]
    for row in rows:
        parts[row["no"]] = parts.get(row["no"], 0) + 1
    weak = [one for row in rows if (one := _weak(set_name, row, sorted(others.get(row["sub"], [])), weights, parts))]
    weak.sort(key=lambda one: (-one.gap * one.weight, one.sub))
    chosen = weak[: int(setting("proposal.items"))]
    shares = [_share(one.gap, one.weight) for one in chosen]
    amounts = split_fen(surplus_fen, shares) if surplus_fen > 0 and chosen else [0] * len(chosen)
    return [one._replace(amount_fen=amount) for one, amount in zip(chosen, amounts, strict=True)]


def _weak(
    set_name: str,
    row: Mapping[str, Any],
    peers: Sequence[float],
    weights: Mapping[str, float],
    parts: Mapping[str, int],
) -> Proposed | None:
    indicator = load_set(set_name).get(row["no"])
    investment = None if indicator is None else investment_of(set_name, indicator)
    middle = median(peers)
    if (
        row["value"] is None
        or row["direction"] not in {BETTER_HIGH, BETTER_LOW}
        or investment is None
        or middle is None
        or len(peers) < int(setting("score.minimum_peers"))
        or peers[0] == peers[-1]
    ):
        return None
    short = row["value"] - middle if row["direction"] == BETTER_LOW else middle - row["value"]
    gap = min(1.0, short / (peers[-1] - peers[0]))
    weight = weights[row["no"]] / parts[row["no"]]
    if _share(gap, weight) <= 0:
        return None
    named = (row["no"], row["sub"], row["name"], row["direction"], row["value"], middle)
    return Proposed(*named, gap, weight, 0, investment.text, investment.department)


def _share(gap: float, weight: float) -> int:
    """What an indicator counts for in the split of the surplus, in whole parts; a gap below one part is none."""
    return round(gap * weight * _PARTS)
