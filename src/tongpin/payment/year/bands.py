"""Bands 结余留用与超支分担: what a hospital is paid when its item-based amount lies below or above what is due to it.

One form holds the named schemes: the usual bands (retained 1, share one half), the retention of S001-46 (no lower edge,
retained 50-70 %), the older quota (retained 30 % up to 3 % of the quota, share one half up to 20 % above it).
"""

from __future__ import annotations

from typing import NamedTuple

from tongpin.base.money import SCALE, round_half_up

ACTUAL, ACTUAL_PLUS_SHARE = "actual", "actual_plus_share"


class BandRule(NamedTuple):
    """The bands of a hospital and fund; ratios in ten-thousandths (S001-46, S001-48, S001-59; choices of family 19).

    `lower`: below this ratio of item-based amount to due `below` says what is paid; up to 1 the share `retained` of the
    surplus stays, at most `retained_cap` of the due; above 1 the fund bears `share`, up to `upper`.
    """

    lower_e4: int
    below: str
    below_share_e4: int
    retained_e4: int
    retained_cap_e4: int
    share_e4: int
    upper_e4: int


class Banded(NamedTuple):
    """What the bands pay, in fen, and the name of the band."""

    pay_fen: int
    band: str
    formula: str


def banded(
    due_fen: int, item_fen: int, rule: BandRule, *, cap_base_fen: int | None = None, unit_fen: int = 1
) -> Banded:
    """The payment of a hospital and fund with a due above zero (TV-C4, TV-C5, TV-P15).

    `cap_base_fen`: the due on which the upper edge stands, the due itself when not given. Edges belong to the band
    above them at the lower edge, and to the band below them at 1 and at the upper edge.
    """
    if item_fen * SCALE < rule.lower_e4 * due_fen:
        if rule.below == ACTUAL:
            return Banded(item_fen, "below", "低于下限：按项目据实")
        kept = _share(due_fen - item_fen, rule.below_share_e4, unit_fen)
        return Banded(item_fen + kept, "below", "低于下限：按项目据实，加结余的份额")
    if item_fen <= due_fen:
        kept = min(
            _share(due_fen - item_fen, rule.retained_e4, unit_fen), _share(due_fen, rule.retained_cap_e4, unit_fen)
        )
        return Banded(item_fen + kept, "surplus", "按项目统筹 + 留用的结余")
    base = due_fen if cap_base_fen is None else cap_base_fen
    limit = min(item_fen, _share(base, rule.upper_e4, unit_fen))
    borne = _share(max(limit - due_fen, 0), rule.share_e4, unit_fen)
    if item_fen > limit:
        return Banded(due_fen + borne, "above", "超过上限：应付 + 上限以内超支的基金份额")
    return Banded(due_fen + borne, "overspend", "应付 + 超支的基金份额")


def _share(amount: int, ratio_e4: int, unit_fen: int) -> int:
    return round_half_up(amount * ratio_e4, SCALE * unit_fen) * unit_fen
