"""Growth of what closed months paid 异常增长, by hospital and service; the figures of two periods side by side."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import SCALE, check_balance
from tongpin.payment.fund.figures import growth, share
from tongpin.payment.policy.edition import ANY
from tongpin.payment.policy.vocabulary import DIMENSIONS
from tongpin.payment.pricing.schema import SCOPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.payment.fund.quarter import Verdicts

READS = (
    *("period", "institution_code", "institution_name", "fund", "care_type", "mdc", "pay_scope"),
    *("total_fee_fen", "patient_fen", "gross_fen", "pool_payable_fen", "weight_e4", "line_sign"),
)
"""The columns of posted lines that this module reads."""

BY: dict[str, tuple[str, ...]] = {
    "机构": ("institution_code", "fund"),
    "就医类别": ("care_type", "fund"),
    "主要诊断大类": ("mdc", "fund"),
}
"""By what growth is looked at: the hospital, and the services."""

YEAR, QUARTER = "year", "quarter"
_WORDS = DIMENSIONS["care_type"].values
_DRG, _OUT = SCOPES[0], SCOPES[-1]


class Grown(NamedTuple):
    """What the fund paid a hospital or for a service in a quarter, in fen, beside the quarters before.

    `list_count`, `year_before_count`: lists, red lines taken off; `alert`: in words, empty without one.
    """

    kind: str
    code: str
    name: str
    fund: str
    fund_label: str
    list_count: int
    year_before_count: int | None
    pool_fen: int
    quarter_before_fen: int | None
    quarter_growth: Decimal | None
    year_before_fen: int | None
    year_growth: Decimal | None
    alert: str


class _Sum(NamedTuple):
    list_count: int
    pool_fen: int
    name: str


_NOTHING = _Sum(0, 0, "")


class Period(NamedTuple):
    """A period in sums of posted lines, amounts in fen, weights in ten-thousandths; `weights` names their version.

    `fee_fen`, `patient_fen`, `gross_fen`: all lists in the settlement; `drg_*`: those paid by DRG.
    """

    weights: str
    fee_fen: int
    patient_fen: int
    gross_fen: int
    drg_fee_fen: int
    drg_gross_fen: int
    weight_e4: int


class Compared(NamedTuple):
    """A figure before and now: `change` relative for amounts, a difference of ratios for ratios; `note` says why not.

    `kind` is `yuan` (yuan per weight) or `ratio`.
    """

    label: str
    kind: str
    before: Decimal | None
    now: Decimal | None
    change: Decimal | None
    note: str = ""


def grown(
    now: pa.Table, quarter_before: pa.Table | None, year_before: pa.Table | None, verdicts: Verdicts
) -> list[Grown]:
    """What was paid by hospital and service, with growth over both quarters and the edition's alerts (S003-04).

    Tables of posted lines (`READS`); None for a quarter that is not closed as a whole. Lists out of the settlement are
    left aside. An alert needs `fund.growth.against`, `.alert` and `.cases_min`.
    """
    against, limit, least = (verdicts.value(f"fund.growth.{name}") for name in ("against", "alert", "cases_min"))
    rows: list[Grown] = []
    for kind, keys in BY.items():
        sums = _sums(now, keys)
        check_balance("fund.growth", f"按{kind}的统筹与合计", sum(one.pool_fen for one in sums.values()), _total(now))
        bases = {
            which: None if lines is None else _sums(lines, keys)
            for which, lines in ((QUARTER, quarter_before), (YEAR, year_before))
        }
        for key, one in sorted(sums.items(), key=lambda item: -item[1].pool_fen):
            before = {which: None if base is None else base.get(key, _NOTHING) for which, base in bases.items()}
            grew = {
                which: None if base is None else growth(one.pool_fen, base.pool_fen) for which, base in before.items()
            }
            quarter, year = before[QUARTER], before[YEAR]
            rows.append(
                Grown(
                    kind,
                    key[0],
                    one.name or _WORDS.get(key[0], ""),
                    key[1],
                    _fund_label(verdicts, key[1]),
                    one.list_count,
                    None if year is None else year.list_count,
                    one.pool_fen,
                    None if quarter is None else quarter.pool_fen,
                    grew[QUARTER],
                    None if year is None else year.pool_fen,
                    grew[YEAR],
                    _alert(one, before.get(against), grew.get(against), limit, least),
                )
            )
    return rows


def _alert(one: _Sum, base: _Sum | None, grew: Decimal | None, limit: Decimal | None, least: int | None) -> str:
    if base is None or grew is None or limit is None or least is None or grew <= limit:
        return ""
    few = min(one.list_count, base.list_count) < least
    return "" if few else f"增长 {grew * 100:.2f}%，超过 {limit * 100:.2f}%"


def _fund_label(verdicts: Verdicts, fund: str) -> str:
    """The edition's name of a fund, else its code: a name is no verdict that could stay open."""
    parameter = verdicts.policy.edition.parameters.get("fund.label")
    names = list(verdicts.policy.leaves("fund.label", verdicts.on)) if parameter else []
    known = any(name.get("fund", fund) in {fund, ANY} for name in names)
    return str(verdicts.policy.value("fund.label", verdicts.on, fund=fund)) if known else fund


def _settled(lines: pa.Table) -> pa.Table:
    return lines.filter(pc.not_equal(lines["pay_scope"], _OUT))


def _total(lines: pa.Table) -> int:
    return int(pc.sum(_settled(lines)["pool_payable_fen"]).as_py() or 0)


def _sums(lines: pa.Table, keys: Sequence[str]) -> dict[tuple[str, str], _Sum]:
    """Lists (red lines take one off), pool in fen, and name, by the first key and the fund."""
    chosen = _settled(lines)
    for name in keys:
        chosen = chosen.set_column(chosen.column_names.index(name), name, pc.fill_null(chosen[name], ""))
    found = chosen.group_by(list(keys)).aggregate(
        [("line_sign", "sum"), ("pool_payable_fen", "sum"), ("institution_name", "max")]
    )
    named = keys[0] == "institution_code"
    return {
        (row[keys[0]], row[keys[1]]): _Sum(
            row["line_sign_sum"],
            row["pool_payable_fen_sum"] or 0,
            (row["institution_name_max"] or "") if named else "",
        )
        for row in found.to_pylist()
    }


def period_of(lines: pa.Table, weights: str) -> Period:
    """The sums of posted lines (`READS`) for `compared`; `weights` names the edition of their weights."""
    settled = _settled(lines)
    drg = settled.filter(pc.equal(settled["pay_scope"], _DRG))

    def total(column: Any) -> int:
        return int(pc.sum(column).as_py() or 0)

    return Period(
        weights,
        fee_fen=total(settled["total_fee_fen"]),
        patient_fen=total(settled["patient_fen"]),
        gross_fen=total(settled["gross_fen"]),
        drg_fee_fen=total(drg["total_fee_fen"]),
        drg_gross_fen=total(drg["gross_fen"]),
        weight_e4=total(pc.multiply(drg["weight_e4"], drg["line_sign"])),
    )


def fee_per_weight(fee_fen: int, weight_e4: int) -> Decimal | None:
    """The fee of one weight 单位权重医疗费用, in yuan; None without weight (S004-17)."""
    return Decimal(fee_fen) * SCALE / weight_e4 / 100 if weight_e4 > 0 else None


def compared(before: Period, now: Period) -> list[Compared]:
    """Fee per weight, personal share and DRG share of two periods (S004-17, S004-18, S004-19).

    Fees per weight of two versions of weights are shown but not compared.
    """
    old, new = (fee_per_weight(one.drg_fee_fen, one.weight_e4) for one in (before, now))
    same = before.weights == now.weights
    change = growth(new, old) if same and old is not None and new is not None else None
    note = "" if same else f"两期权重版本不同（{before.weights}；{now.weights}），不比较"
    return [
        Compared("单位权重医疗费用（元）", "yuan", old, new, change, note),
        _shares("参保个人负担率", share(before.patient_fen, before.fee_fen), share(now.patient_fen, now.fee_fen)),
        _shares("DRG 付费占比", share(before.drg_gross_fen, before.gross_fen), share(now.drg_gross_fen, now.gross_fen)),
    ]


def _shares(label: str, old: Decimal | None, new: Decimal | None) -> Compared:
    return Compared(label, "ratio", old, new, None if old is None or new is None else new - old)
