"""Causes 偏差的原因: why spending differs from the year before, in parts that sum to the difference (S003-03)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.compute as pc

from tongpin.base.money import check_balance, round_half_up
from tongpin.payment.fund.series import a_year_before, short_code
from tongpin.payment.pricing.schema import SCOPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from tongpin.payment.fund.series import Fund

_OUT = SCOPES[-1]
_MOST = 3
"""How many hospitals a cause names."""


class Cause(NamedTuple):
    """A part of the difference to the same months of the year before, in fen; `of` is what it is a part of."""

    fund: str
    fund_label: str
    span: str
    of: str
    label: str
    amount_fen: int
    formula: str


def series_causes(fund: Fund, span: str, months: Sequence[str]) -> list[Cause]:
    """Spending against the same months of the year before: insured, stays per head, the rest per head.

    Empty where the year before or the insured are not known. The parts sum to the difference.
    """
    before = a_year_before(months)
    now_fen, before_fen = fund.total("spending_fen", months), fund.total("spending_fen", before)
    heads, heads_before = fund.total("enrolled_count", months), fund.total("enrolled_count", before)
    if now_fen is None or before_fen is None or not heads or not heads_before:
        return []
    of = "支出比上年同期"

    def cause(label: str, amount: int, formula: str) -> Cause:
        return Cause(fund.fund, fund.label, span, of, label, amount, formula)

    by_heads = _rounded(Fraction(before_fen * (heads - heads_before), heads_before))
    rest = now_fen - before_fen - by_heads
    found = [cause("参保人数", by_heads, f"平均参保人数变化 {_percent(heads, heads_before)}")]
    stays, stays_before = (fund.total("inpatient_spending_fen", span_) for span_ in (months, before))
    if stays is None or stays_before is None:
        found.append(cause("人均支出", rest, "收支表没有分住院，不再细分"))
    else:
        inpatient = stays - _rounded(Fraction(stays_before * heads, heads_before))
        found += [
            cause("人均住院支出", inpatient, f"住院支出变化 {_percent(stays, stays_before)}，扣去参保人数变化"),
            cause("人均其他支出", rest - inpatient, "门诊、慢特病等住院以外的支出，扣去参保人数变化"),
        ]
    check_balance("fund.causes", "各原因之和与支出变化", sum(one.amount_fen for one in found), now_fen - before_fen)
    return found


def line_causes(fund: Fund, span: str, now: pa.Table, before: pa.Table) -> list[Cause]:
    """What closed months paid, against the same quarter of the year before: stays, weight per stay, pay per weight.

    Tables of posted lines (`lines.READS`); the parts sum to the difference. The hospitals that grew most are named.
    """
    lists, lists_before = (_sums(table, fund.fund) for table in (now, before))
    if not lists.stays or not lists_before.stays:
        return []
    total = lists.pool_fen - lists_before.pool_fen
    of = "住院统筹支付比上年同期"
    most = sorted(
        ((pool - lists_before.hospitals.get(code, 0), names) for code, (pool, names) in _named(now, fund.fund).items()),
        reverse=True,
    )[:_MOST]
    who = "；增加最多：" + "、".join(f"{name} {amount / 1_000_000:+,.2f} 万元" for amount, name in most)

    def cause(label: str, amount: int, formula: str) -> Cause:
        return Cause(fund.fund, fund.label, span, of, label, amount, formula)

    by_stays = _rounded(Fraction(lists_before.pool_fen * (lists.stays - lists_before.stays), lists_before.stays))
    found = [
        cause(
            "住院人次",
            by_stays,
            f"{lists_before.stays:,} → {lists.stays:,}（{_percent(lists.stays, lists_before.stays)}）",
        )
    ]
    rest = total - by_stays
    if lists.weight_e4 > 0 and lists_before.weight_e4 > 0:
        mean, mean_before = Fraction(lists.weight_e4, lists.stays), Fraction(lists_before.weight_e4, lists_before.stays)
        by_weight = _rounded(
            Fraction(lists_before.pool_fen * lists.stays, lists_before.stays) * (mean / mean_before - 1)
        )
        found.append(cause("例均权重", by_weight, f"例均权重变化 {float(mean / mean_before - 1) * 100:+.2f}%"))
        found.append(cause("单位权重支付", rest - by_weight, f"付费标准、按项目付费与扣减的变化{who}"))
    else:
        found.append(cause("例均支付", rest, f"没有权重，不再细分{who}"))
    check_balance("fund.causes", "各原因之和与统筹支付变化", sum(one.amount_fen for one in found), total)
    return found


class _Sums(NamedTuple):
    stays: int
    pool_fen: int
    weight_e4: int
    hospitals: dict[str, int]


def _of_fund(lines: pa.Table, fund: str) -> pa.Table:
    return lines.filter(pc.and_(pc.equal(lines["fund"], short_code(fund)), pc.not_equal(lines["pay_scope"], _OUT)))


def _sums(lines: pa.Table, fund: str) -> _Sums:
    chosen = _of_fund(lines, fund)
    weight = pc.sum(pc.multiply(chosen["weight_e4"], chosen["line_sign"])).as_py() or 0
    hospitals = {code: pool for code, (pool, _) in _named(lines, fund).items()}
    return _Sums(pc.sum(chosen["line_sign"]).as_py() or 0, sum(hospitals.values()), weight, hospitals)


def _named(lines: pa.Table, fund: str) -> dict[str, tuple[int, str]]:
    grouped = (
        _of_fund(lines, fund)
        .group_by("institution_code")
        .aggregate([("pool_payable_fen", "sum"), ("institution_name", "max")])
    )
    return {
        row["institution_code"]: (
            row["pool_payable_fen_sum"] or 0,
            row["institution_name_max"] or row["institution_code"],
        )
        for row in grouped.to_pylist()
    }


def _rounded(exact: Fraction) -> int:
    return round_half_up(exact.numerator, exact.denominator)


def _percent(now: int, before: int) -> str:
    return f"{(now / before - 1) * 100:+.2f}%" if before else "上年为零"
