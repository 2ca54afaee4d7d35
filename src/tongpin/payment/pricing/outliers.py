"""Outliers 费用极高与极低: the class of a fee, and what it is paid (C0 steps 3 and 4; families 4 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.base.money import SCALE
from tongpin.payment.policy.lookup import Coded
from tongpin.payment.pricing.coefficients import banded
from tongpin.payment.pricing.means import means
from tongpin.payment.pricing.rounding import check_size, rounded_column

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import BoolColumn, IntColumn, Lookup
    from tongpin.payment.pricing.rows import CaseRows

CLASSES = ("NORMAL", "HIGH", "LOW", "EXEMPT")
_NORMAL, _HIGH, _LOW, _EXEMPT = range(len(CLASSES))
_STANDARD, _BY_ITEM, _SHARE, _ITEM_CAPPED = range(4)
MODES = ("standard", "by_item", "standard_plus_share", "item_capped")


class Outliers(NamedTuple):
    """Class, pay mode and gross of each DRG case; `base_fen` is what the fee is compared with."""

    base_fen: IntColumn
    outlier: Coded
    mode: Coded
    gross_fen: IntColumn


def compared_with(lookup: Lookup, standard: IntColumn) -> IntColumn:
    """What the fee is compared with by `outlier.base`: the priced standard, or the mean of the group (fen)."""
    choice = lookup.choices("outlier.base")
    base = standard
    for of in choice.values:
        if of != "standard":
            rows = np.flatnonzero(choice.equals(of))
            base = base.copy() if base is standard else base
            base[rows] = means(lookup.narrowed(rows), of)
    return base


def outliers(
    cases: CaseRows, lookup: Lookup, fee: IntColumn, standard: IntColumn, weight_e4: IntColumn, is_capped: BoolColumn
) -> Outliers:
    """The class of each fee and what it is paid; `is_capped` cases are paid by item, at most the standard.

    A case is HIGH above, LOW below its limit, both strictly (TV-A7). HIGH: by item, standard plus a share of the
    excess over the limit, or standard; LOW: by item, at most the standard. Source: S900-01, TV-P5, TV-P7.
    """
    check_size((fee,), SCALE * SCALE)
    base = compared_with(lookup, standard)
    high_e4, by_rank = _limits(lookup, "high", weight_e4)
    low_e4, _ = _limits(lookup, "low", weight_e4)
    check_size((base, high_e4))
    is_high = fee * SCALE > high_e4 * base
    if by_rank.any():
        is_high = np.where(by_rank, _top(cases, lookup, fee, by_rank), is_high)
    is_low = ~is_high & (fee * SCALE < low_e4 * base)
    exempt = lookup.listed("outlier.exempt_groups", "drg")
    codes = np.zeros(len(fee), dtype=np.int64)
    codes[is_high], codes[is_low], codes[exempt] = _HIGH, _LOW, _EXEMPT

    mode = np.zeros(len(fee), dtype=np.int64)
    gross = standard.copy()
    high, low = np.flatnonzero(codes == _HIGH), np.flatnonzero(codes == _LOW)
    _pay_high(lookup.narrowed(high), high, fee, high_e4 * base, mode, gross)
    pay = lookup.narrowed(low).choices("outlier.low.pay") if len(low) else Coded(low, [])
    by_item = low[pay.equals("by_item")]
    mode[by_item], gross[by_item] = _BY_ITEM, np.minimum(fee[by_item], standard[by_item])
    mode[is_capped], gross[is_capped] = _ITEM_CAPPED, np.minimum(fee, standard)[is_capped]
    return Outliers(base, Coded(codes, list(CLASSES)), Coded(mode, list(MODES)), gross)


def _pay_high(
    lookup: Lookup, rows: IntColumn, fee: IntColumn, limit_e4: IntColumn, mode: IntColumn, gross: IntColumn
) -> None:
    if not len(rows):
        return
    pay = lookup.choices("outlier.high.pay")
    by_item = rows[pay.equals("by_item")]
    mode[by_item], gross[by_item] = _BY_ITEM, fee[by_item]
    places = np.flatnonzero(pay.equals("standard_plus_share"))
    if len(places):
        shared, some = rows[places], lookup.narrowed(places)
        over = np.maximum(fee[shared] * SCALE - limit_e4[shared], 0)
        extra = rounded_column(
            (over, some.scaled("outlier.high.share")), SCALE * SCALE, some.numbers("rounding.excess")
        )
        mode[shared] = _SHARE
        gross[shared] += extra


def _limits(lookup: Lookup, kind: str, weight_e4: IntColumn) -> tuple[IntColumn, BoolColumn]:
    """The limit of HIGH or LOW in ten-thousandths of the base, and which cases are HIGH by rank instead."""
    rule = lookup.choices(f"outlier.{kind}.rule")
    limit = np.zeros(len(weight_e4), dtype=np.int64)
    by_rank = rule.equals("top_share")
    rows = np.flatnonzero(~rule.equals("bands"))
    if len(rows) == len(limit):
        # the limit of a case that is HIGH by rank still says from where a share of the excess is counted
        return lookup.scaled(f"outlier.{kind}.multiple"), by_rank
    if len(rows):
        limit[rows] = lookup.narrowed(rows).scaled(f"outlier.{kind}.multiple")
    rows = np.flatnonzero(rule.equals("bands"))
    if len(rows):
        limit[rows] = banded(lookup.narrowed(rows), f"outlier.{kind}.bands", weight_e4[rows])
    return limit, by_rank


def _top(cases: CaseRows, lookup: Lookup, fee: IntColumn, by_rank: BoolColumn) -> BoolColumn:
    """The dearest share of the cases of a hospital, or of the city, in a month of their edition date (A13).

    floor(share × cases) of them; of equal fees the one with the smaller case number comes first.
    """
    rows = np.flatnonzero(by_rank)
    some = lookup.narrowed(rows)
    of = some.choices("outlier.high.top_of")
    institution = some.dimension("institution_code").codes
    place = np.where(of.equals("hospital"), institution, -1)
    month = some.days.astype("datetime64[M]").astype(np.int64)
    ids = np.argsort(np.array(cases["case_id"].take(rows).to_pylist(), dtype=object), kind="stable")
    rank_of_id = np.empty(len(rows), dtype=np.int64)
    rank_of_id[ids] = np.arange(len(rows))
    order = np.lexsort((rank_of_id, -fee[rows], month, place))
    group = place[order] * 2**20 + month[order]
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    sizes = np.diff(np.r_[starts, len(order)])
    rank = np.arange(len(order)) - np.repeat(starts, sizes)
    share = some.scaled("outlier.high.top_share")[order]
    found = np.zeros(len(fee), dtype=bool)
    found[rows[order[(rank + 1) * SCALE <= share * np.repeat(sizes, sizes)]]] = True
    return found
