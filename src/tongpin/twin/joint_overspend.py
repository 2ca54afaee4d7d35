"""Overspending and shares 超支与药耗: whether cases above the standard also run high drug and consumable shares.

The document says that they often do (S000-02); here the month's own cases are asked, and it is said when they do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.measures.compute import roll_up
from tongpin.measures.facts import MILLION
from tongpin.measures.imported import COST_COLUMN
from tongpin.measures.intervals import wilson
from tongpin.report.words import count_text, percent_text, points_text
from tongpin.twin.catalogue import setting

if TYPE_CHECKING:
    from collections.abc import Mapping

BY_FEE, BY_COST = "费用", "成本"
COUNTS = ("overspent_count", "overspent_high_count", "other_count", "other_high_count")
"""Cases above their standard, those of them with a high share, the other cases, those of them with a high share."""
HOLDS, UNCLEAR, REVERSED, FEW = "成立", "看不出差别", "相反", "例数少，不判断"


class Overspend(NamedTuple):
    """The two shares of cases with high drug and consumable shares (0–1), their difference, its interval, a verdict."""

    basis: str
    overspent_count: int
    overspent_high_count: int
    other_count: int
    other_high_count: int
    overspent_share: float | None
    other_share: float | None
    difference: float | None
    low: float | None
    high: float | None
    verdict: str


def overspend_counts(lists: pa.Table, regional: pa.Table) -> pa.Table:
    """By hospital and basis (费用, and 成本 where cases have one) the four `COUNTS`. Source: S000-02.

    Comes in: 医保DRG lists with fees, parts, `standard_fen`, and `cost_fen` where it was imported; `regional` as
    `group_means` gives it. A case counts with a standard, a fee, its parts and a group that has a regional mean. It
    overspends when its fee (cost) is above its standard; its share is high when drugs and consumables together are a
    larger part of its fee than of its group's fees in the region.
    """
    share = pc.add(regional["drug_share_e6"], regional["consumable_share_e6"]).combine_chunks()
    place = pc.index_in(lists["drg"].cast(pa.string()), value_set=regional["drg"].cast(pa.string()).combine_chunks())
    expected_e6 = share.take(place.combine_chunks() if isinstance(place, pa.ChunkedArray) else place)
    names = ("total_fee_fen", "standard_fen", "drug_fee_fen", "consumable_fee_fen")
    known = np.asarray(pc.is_valid(expected_e6).to_numpy(zero_copy_only=False), dtype=np.bool_)
    for name in names:
        known &= np.asarray(pc.is_valid(lists[name]).to_numpy(), dtype=np.bool_)
    fee, standard, drug, consumable = (_whole(lists[name]) for name in names)
    known &= (fee > 0) & (standard > 0)
    high = (drug + consumable) * MILLION > _whole(expected_e6) * fee
    parts = [_counted(lists, BY_FEE, known, fee > standard, high)]
    if COST_COLUMN in lists.column_names:
        costed = known & np.asarray(pc.is_valid(lists[COST_COLUMN]).to_numpy(), dtype=np.bool_)
        if costed.any():
            parts.append(_counted(lists, BY_COST, costed, _whole(lists[COST_COLUMN]) > standard, high))
    return pa.concat_tables(parts)


def _whole(column: Any) -> Any:
    return np.asarray(pc.fill_null(column, 0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _counted(lists: pa.Table, basis: str, known: Any, overspent: Any, high: Any) -> pa.Table:
    masks = (overspent, overspent & high, ~overspent, ~overspent & high)
    counts = {name: (known & mask).astype(np.int64) for name, mask in zip(COUNTS, masks, strict=True)}
    words = pa.array([basis] * lists.num_rows, pa.string())
    table = pa.table({"institution_code": lists["institution_code"].cast(pa.string()), "basis": words} | counts)
    return roll_up(table, ["institution_code", "basis"])


def overspend_of(counts: pa.Table, basis: str = BY_FEE) -> Overspend:
    """The statement tested on all rows of a basis together."""
    rows = [row for row in counts.to_pylist() if row["basis"] == basis]
    return judged(basis, {name: sum(row[name] for row in rows) for name in COUNTS})


def judged(basis: str, counts: Mapping[str, int]) -> Overspend:
    """Both shares, their difference with an interval (Newcombe's, of two intervals of Wilson), and the verdict.

    It holds only when the whole interval lies above zero, and is not judged on few cases on either side.
    """
    of, hits, rest, rest_hits = (counts[name] for name in COUNTS)
    if not of or not rest:
        shares = (hits / of if of else None, rest_hits / rest if rest else None)
        return Overspend(basis, of, hits, rest, rest_hits, *shares, None, None, None, FEW)
    share, other = hits / of, rest_hits / rest
    low, high = wilson(float(hits), float(of))
    other_low, other_high = wilson(float(rest_hits), float(rest))
    difference = share - other
    below = difference - float(np.hypot(share - low, other_high - other))
    above = difference + float(np.hypot(high - share, other - other_low))
    if min(of, rest) < setting("overspend.minimum_cases"):
        verdict = FEW
    elif below > 0:
        verdict = HOLDS
    else:
        verdict = REVERSED if above < 0 else UNCLEAR
    return Overspend(basis, of, hits, rest, rest_hits, share, other, difference, below, above, verdict)


def told(one: Overspend) -> str:
    """The test in one sentence of figures."""
    if one.difference is None or one.low is None or one.high is None:
        return f"{one.verdict}（超支 {count_text(one.overspent_count)} 例，其余 {count_text(one.other_count)} 例）。"
    counts = [f"{count_text(one.overspent_count)} 例", f"{count_text(one.other_count)} 例"]
    shares = [percent_text(one.overspent_share), percent_text(one.other_share)]
    return (
        f"{one.verdict}。按{one.basis}超支的 {counts[0]}中 {shares[0]} 药耗偏高，其余 {counts[1]}中 {shares[1]}，"
        f"差 {points_text(one.difference)} 个百分点（95% 区间 {points_text(one.low)} ～ {points_text(one.high)}）。"
    )
