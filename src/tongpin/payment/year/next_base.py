"""Next year's base 下年基数: the uplift for hospitals whose CMI rose while fees per weight did not (S001-49)."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from tongpin.base.digest import text_digest
from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, parse_yuan, round_half_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tongpin.payment.policy.policy import Policy

BASE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("institution_code", "fund")),
        *((name, pa.int64()) for name in ("base_fen", "uplift_e4", "next_fen")),
        ("reason", pa.string()),
    ],
)
"""Next year's base of a hospital and fund in fen: this year's due, the uplift (ten-thousandths), why or why not."""

LAST_YEAR_COLUMNS = ("institution_code", "fund", "drg_cases", "total_weight", "drg_fee")


class LastYear(NamedTuple):
    """The figures of the year before: by place its DRG cases, weight (ten-thousandths) and fee (fen).

    `weights`: the digest of the weights that the figures rest on; `source` how papers name them.
    """

    places: Mapping[tuple[str, str], Mapping[str, int]]
    weights: str
    source: str


class NextBase(NamedTuple):
    """The base of a hospital and fund for the next year, in fen: this year's due, the uplift and why or why not."""

    institution_code: str
    fund: str
    base_fen: int
    uplift_e4: int
    next_fen: int
    reason: str


def states_base(policy: Policy, year: int) -> bool:
    """Whether the edition states next year's base at the clearing of a year; `policy.gap` where it leaves that open."""
    return bool(policy.value("uplift.base", date(year, 12, 31)) == "due")


def next_bases(policy: Policy, year: int, places: pa.Table, last: LastYear | None, weights: str) -> pa.Table:
    """Next year's base of every place (`PLACE_SCHEMA`) of a clearing, as `BASE_SCHEMA`.

    `weights`: the digest of this year's weights. PolicyError `clear.base` without figures of the year before,
    `clear.weights` when they rest on other weights and the edition wants the same ones.
    """
    if last is None:
        raise PolicyError(
            "clear.base",
            f"没有 {year - 1} 年度的病例、权重与费用，看不出 CMI 与每权重费用的变化，下年基数定不了",
            where="uplift.base",
            hint=f"先清算 {year - 1} 年度；或用 --last-year 给出上年各院的数；不定下年基数时把 uplift.base 写成 none",
        )
    found = [
        next_base(
            policy, year, row, last.places.get((row["institution_code"], row["fund"]), {}), (last.weights, weights)
        )
        for row in places.to_pylist()
    ]
    return pa.Table.from_pylist([one._asdict() for one in found], schema=BASE_SCHEMA)


def next_base(
    policy: Policy, year: int, this_year: Mapping[str, Any], last_year: Mapping[str, Any], weights: tuple[str, str]
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
            hint="用本年的权重把上年的病例算一遍，以 --last-year 给出",
        )
    base = this_year["due_fen"]
    cmi, before = _cmi_e8(this_year), _cmi_e8(last_year)
    fee, fee_before = _fee_per_weight(this_year), _fee_per_weight(last_year)
    if base <= 0:
        return _made(this_year, base, 0, "清算额不为正，不上浮")
    if cmi is None or before is None or fee is None or fee_before is None:
        return _made(this_year, base, 0, "没有两年的按病组付费病例，不上浮")
    rose_e4 = round_half_up((cmi - before) * SCALE, before)
    grew_e4 = round_half_up((fee - fee_before) * SCALE, fee_before)
    told = f"CMI {_percent(rose_e4)}，每权重费用 {_percent(grew_e4)}"
    least, most = policy.scaled("uplift.cmi_growth", on, **where), policy.scaled("uplift.fee_growth", on, **where)
    if rose_e4 < least:
        return _made(this_year, base, 0, f"{told}：CMI 提升不到 {_percent(least)}，不上浮")
    if grew_e4 > most:
        return _made(this_year, base, 0, f"{told}：每权重费用增长超过 {_percent(most)}，不上浮")
    uplift = policy.scaled("uplift.ratio", on, **where)
    return _made(this_year, base, uplift, f"{told}：CMI 提升显著且控费达标，上浮 {uplift / 100:.2f} %")


def weights_digest(policy: Policy, scheme_digest: str) -> str:
    """A digest of the weights of an edition: of its table, or of its catalogue of diseases (`scheme_digest`)."""
    if not policy.weights:
        return scheme_digest
    return text_digest([f"{group} {weight.weight_e4}" for group, weight in sorted(policy.weights.items())])


def read_last_year(path: Path, weights: str) -> LastYear:
    """上年各院的数 from a CSV (UTF-8): `institution_code,fund,drg_cases,total_weight,drg_fee` (元).

    The figures are those of the cases paid by group, by the weights of the digest `weights` (this year's). PolicyError
    `clear.last_year` names file and line of what cannot be read. Source: S001-49.
    """

    def refuse(line: int, what: str) -> PolicyError:
        hint = f"表头为 {','.join(LAST_YEAR_COLUMNS)}；权重最多四位小数，费用以元计，一家机构的一项基金一行"
        return PolicyError("clear.last_year", what, where=f"{path} 第 {line} 行", hint=hint)

    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError):
        raise refuse(0, "上年各院的数读不出：文件不存在或不是 UTF-8 编码") from None
    found: dict[tuple[str, str], dict[str, int]] = {}
    for line, row in enumerate(rows, start=2):
        if set(row) != set(LAST_YEAR_COLUMNS):
            raise refuse(1, "表头不对")
        place = (row["institution_code"].strip(), row["fund"].strip())
        if place in found:
            raise refuse(line, f"机构 {place[0]} 基金 {place[1]} 写了两次")
        found[place] = _figures(row, lambda what, line=line: refuse(line, what))
    return LastYear(found, weights, path.name)


def _figures(row: Mapping[str, str], refuse: Any) -> dict[str, int]:
    try:
        cases, weight_e4 = int(row["drg_cases"]), Decimal(row["total_weight"].strip()) * SCALE
        fee, whole = parse_yuan(row["drg_fee"]), int(weight_e4)
    except (ValueError, ArithmeticError):
        raise refuse("例数、权重或费用不是数") from None
    if cases < 0 or whole < 0 or fee < 0 or whole != weight_e4:
        raise refuse("例数、权重与费用不能为负，权重最多四位小数")
    return {"drg_cases": cases, "total_weight_e4": whole, "drg_fee_fen": fee}


def _made(place: Mapping[str, Any], base: int, uplift_e4: int, reason: str) -> NextBase:
    raised = base + round_half_up(base * uplift_e4, SCALE)
    return NextBase(place["institution_code"], place["fund"], base, uplift_e4, raised, reason)


def _cmi_e8(place: Mapping[str, Any]) -> int | None:
    """CMI in hundred-millionths: total weight over DRG cases."""
    if not place.get("drg_cases") or not place.get("total_weight_e4"):
        return None
    return round_half_up(place["total_weight_e4"] * SCALE, place["drg_cases"])


def _fee_per_weight(place: Mapping[str, Any]) -> int | None:
    """Fen per weight: fee of the cases paid by group over their weight."""
    if not place.get("total_weight_e4"):
        return None
    return round_half_up(place["drg_fee_fen"] * SCALE, place["total_weight_e4"])


def _percent(ratio_e4: int) -> str:
    return f"{ratio_e4 / 100:+.2f} %".replace("-", "−")
