"""Next year's base 下年基数: the uplift for hospitals whose CMI rose while fees per weight did not (S001-49)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.payment.policy.policy import Policy


class NextBase(NamedTuple):
    """The base of a hospital and fund for the next year, in fen: this year's due, the uplift and why or why not."""

    institution_code: str
    fund: str
    base_fen: int
    uplift_e4: int
    next_fen: int
    reason: str


def next_base(
    policy: Policy,
    year: int,
    this_year: Mapping[str, Any],
    last_year: Mapping[str, Any],
    *,
    weights: tuple[str, str],
) -> NextBase:
    """Next year's base of a place from its rows (`PLACE_SCHEMA`) of this and the last clearing.

    `weights`: the digests of the weight tables of the last and this year; CMI of two editions is not compared
    (PolicyError `clear.weights`). The edition's thresholds say what a marked rise and good cost control are.
    """
    on = date(year, 12, 31)
    where = {"hospital_level": this_year["hospital_level"]}
    if policy.value("uplift.weights", on) == "same" and weights[0] != weights[1]:
        raise PolicyError(
            "clear.weights",
            "两年的权重不是同一版，CMI 不能比较",
            where="uplift.weights",
            hint="用同一版权重把两年各算一遍，再比较",
        )
    base = this_year["due_fen"]
    cmi, before = _cmi_e8(this_year), _cmi_e8(last_year)
    fee, fee_before = _fee_per_weight(this_year), _fee_per_weight(last_year)
    if cmi is None or before is None or fee is None or fee_before is None:
        return _made(this_year, base, 0, "没有两年的按病组付费病例，不上浮")
    rose_e4 = round_half_up((cmi - before) * SCALE, before)
    grew_e4 = round_half_up((fee - fee_before) * SCALE, fee_before)
    told = f"CMI {_percent(rose_e4)}，每权重费用 {_percent(grew_e4)}"
    if rose_e4 < policy.scaled("uplift.cmi_growth", on, **where):
        return _made(this_year, base, 0, f"{told}：CMI 提升不够，不上浮")
    if grew_e4 > policy.scaled("uplift.fee_growth", on, **where):
        return _made(this_year, base, 0, f"{told}：费用增长过快，不上浮")
    return _made(this_year, base, policy.scaled("uplift.ratio", on, **where), f"{told}：上浮")


def _made(place: Mapping[str, Any], base: int, uplift_e4: int, reason: str) -> NextBase:
    raised = base + round_half_up(base * uplift_e4, SCALE)
    return NextBase(place["institution_code"], place["fund"], base, uplift_e4, raised, reason)


def _cmi_e8(place: Mapping[str, Any]) -> int | None:
    """CMI in hundred-millionths: total weight over DRG cases."""
    if not place["drg_cases"] or not place["total_weight_e4"]:
        return None
    return round_half_up(place["total_weight_e4"] * SCALE, place["drg_cases"])


def _fee_per_weight(place: Mapping[str, Any]) -> int | None:
    """Fen per weight: total fee over total weight."""
    if not place["total_weight_e4"]:
        return None
    return round_half_up(place["total_fee_fen"] * SCALE, place["total_weight_e4"])


def _percent(ratio_e4: int) -> str:
    return f"{ratio_e4 / 100:+.2f} %"
