"""月度支付情况表 as a workbook: 全市汇总, each hospital and fund, deductions and transfer, adjusting lines, 口径."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw

from tongpin.payment.posting import LINE_KINDS, REGULAR
from tongpin.payment.statement_columns import LEVELS, statement_columns
from tongpin.report.words import capital_amount, month_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from tongpin.report.xlsx import Kind

RATIOS: Mapping[str, tuple[str, str, int]] = {
    "settlement_ratio": ("pool_payable_fen", "item_pool_fen", 1),
    "cmi_e4": ("total_weight_e4", "drg_cases", 10_000),
}
"""Columns that are no sums: numerator, denominator, and what the numerator is divided by in a total."""

_RESULT = "结算"
_BANDS: Mapping[str, tuple[str, ...]] = {
    "病例": ("cases", "drg_cases", "ungrouped_cases", "high_cases", "low_cases", "total_weight_e4", "cmi_e4"),
    "应付如何得出": ("total_fee_fen", "gross_fen", "patient_fen", "other_funds_fen", "floored_fen"),
    _RESULT: ("pool_payable_fen", "item_pool_fen", "settlement_ratio", "result_fen"),
}
_PLACE = ("institution_code", "institution_name", "hospital_level", "fund_label")
_SUMMARY = (
    "cases",
    "drg_cases",
    "total_weight_e4",
    "cmi_e4",
    "total_fee_fen",
    "item_pool_fen",
    "pool_payable_fen",
    "settlement_ratio",
    "result_fen",
    "month_pool_payable_fen",
    "month_result_fen",
    "cash_transfer_fen",
)
_TRANSFER: Mapping[str, tuple[str, ...]] = {
    "应付": (
        "pool_payable_fen",
        "late_pool_payable_fen",
        "reversal_pool_payable_fen",
        "replacement_pool_payable_fen",
        "month_pool_payable_fen",
    ),
    "扣减": ("audit_deduction_fen", "penalty_fen", "prepay_offset_fen", "direct_drug_fen", "deposit_fen"),
    "拨付": ("cash_transfer_fen",),
}
_ADJUSTED: Mapping[str, tuple[str, ...]] = {
    label: tuple(f"{kind}_{name}" for name in ("cases", "item_pool_fen", "pool_payable_fen", "result_fen"))
    for kind, label in LINE_KINDS.items()
    if kind != REGULAR
}
SPACE = "　" * 8
"""Room to sign by hand."""
_KIND_LABELS = {kind: label for kind, label in LINE_KINDS.items() if kind != REGULAR}
_LINE_COLUMNS = (
    Column("institution_name", "机构名称"),
    Column("fund", "基金代码"),
    Column("case_id", "清单号"),
    Column("kind_label", "类型"),
    Column("original_period", "原属月份"),
    Column("period", "入账月份"),
    Column("drg", "病组"),
    Column("item_pool_fen", "按项目应付统筹\n（元）", "yuan"),
    Column("pool_payable_fen", "DRG应付统筹\n（元）", "yuan"),
    Column("result_fen", "盈亏\n（元）", "yuan"),
)
_SIGNATURES = f"经办：{SPACE}审核：{SPACE}复审：{SPACE}审批：{SPACE}日期：{SPACE}（盖章）"


def write_statement_xlsx(
    statement: pa.Table,
    path: Path,
    *,
    month: str,
    area_label: str,
    basis_lines: Sequence[str] = (),
    notices: Sequence[str] = (),
    lines: pa.Table | None = None,
) -> None:
    """Write the statement of `month` to `path`: 万元 with two decimals, 结付率 as percent, totals, 大写金额. S004-12.

    `basis_lines`: policy, weights and what is
    assumed, printed under 口径与依据; `notices` stand under every title; `lines`: the posted lines of the month, of
    which the late, red and blue ones are listed case by case (yuan).
    """
    titles: dict[str, tuple[str, Kind]] = {name: (title, kind) for name, title, kind in statement_columns()}
    rows = _ordered(statement.to_pylist())
    title = f"{area_label}{month_text(month)}月度支付情况表"
    notes = [*notices, "单位：万元；结付率 = DRG应付统筹 ÷ 按项目应付统筹；盈亏为正归医院，为负由医院承担"]
    total = _total(rows, titles) | {"institution_name": "合计", "hospital_level": "合计"}
    hospital_columns = [_column(name, titles) for name in _PLACE]
    sheets = [
        Sheet(
            "全市汇总",
            f"{title} · 全市汇总",
            [_column(name, titles) for name in ("hospital_level", "fund_label", *_SUMMARY)],
            _by_level_and_fund(rows, titles),
            notes,
            total,
            closing=_closing(total),
            freeze_columns=2,
        ),
        Sheet(
            "各医院",
            f"{title} · 各医院",
            [*hospital_columns, *_banded(_BANDS, titles)],
            rows,
            [*notes, "本表为本月清单；补传、红冲、蓝补另列"],
            total,
            freeze_columns=2,
        ),
        Sheet(
            "扣减与拨付",
            f"{title} · 扣减与拨付",
            [*hospital_columns, *_banded(_TRANSFER, titles)],
            rows,
            [*notices, "单位：万元；本月合计 = 本月 + 补传 + 红冲 + 蓝补；拨付 = 本月合计 − 各项扣减"],
            total,
            closing=_closing(total),
            freeze_columns=2,
        ),
        _adjustments(title, rows, total, titles, hospital_columns, notices),
    ]
    if lines is not None:
        sheets.append(_line_sheet(title, lines, notices))
    sheets.append(_basis_sheet(title, titles, [*notices, *basis_lines]))
    write_workbook(sheets, path, title=title, subject="月度支付情况表")


def _column(name: str, titles: Mapping[str, tuple[str, Kind]], band: str = "") -> Column:
    title, kind = titles[name]
    return Column(name, title, kind, band)


def _banded(bands: Mapping[str, Sequence[str]], titles: Mapping[str, tuple[str, Kind]]) -> list[Column]:
    return [_column(name, titles, band) for band, names in bands.items() for name in names if name in titles]


def _ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ranks = {level: rank for rank, level in enumerate(LEVELS)}
    return sorted(
        rows,
        key=lambda row: (ranks.get(row["hospital_level"], len(ranks)), row["institution_code"], row["fund"]),
    )


def _total(rows: Sequence[Mapping[str, Any]], titles: Mapping[str, tuple[str, Kind]]) -> dict[str, Any]:
    """Exact sums of the amounts and counts, and the ratios formed anew from them."""
    sums: dict[str, Any] = {
        name: sum(row[name] or 0 for row in rows)
        for name, (_, kind) in titles.items()
        if kind != "text" and name not in RATIOS
    }
    for name, (numerator, denominator, scale) in RATIOS.items():
        sums[name] = sums[numerator] / sums[denominator] / scale if sums[denominator] else None
    return sums


def _by_level_and_fund(
    rows: Sequence[Mapping[str, Any]], titles: Mapping[str, tuple[str, Kind]]
) -> list[dict[str, Any]]:
    slices: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        slices.setdefault((row["hospital_level"], row["fund_label"]), []).append(row)
    return [
        {"hospital_level": level, "fund_label": fund, **_total(part, titles)} for (level, fund), part in slices.items()
    ]


def _closing(total: Mapping[str, Any]) -> list[str]:
    """What a county desk signs: the transfer in capitals, the four hands, the seal."""
    return [
        f"本月拨付合计（大写）：{capital_amount(total['cash_transfer_fen'])}",
        "",
        _SIGNATURES,
    ]


def _adjustments(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    total: Mapping[str, Any],
    titles: Mapping[str, tuple[str, Kind]],
    place: Sequence[Column],
    notices: Sequence[str],
) -> Sheet:
    counts = [f"{kind}_cases" for kind in _KIND_LABELS]
    return Sheet(
        "补传与红冲蓝补",
        f"{title} · 补传与红冲蓝补",
        [*place, *_banded(_ADJUSTED, titles)],
        [row for row in rows if any(row[name] for name in counts)],
        [*notices, "单位：万元；已关账月份不重开，撤回的清单在本月红冲，重新上传的在本月蓝补"],
        total,
        freeze_columns=2,
    )


def _line_sheet(title: str, lines: pa.Table, notices: Sequence[str]) -> Sheet:
    frame = nw.from_native(lines, eager_only=True)
    chosen = frame.filter(nw.col("line_kind").is_in(list(_KIND_LABELS))).sort(
        "institution_code", "line_kind", "case_id"
    )
    names = [column.name for column in _LINE_COLUMNS if column.name != "kind_label"]
    rows = chosen.select(*dict.fromkeys(["line_kind", *names])).to_native().to_pylist()
    return Sheet(
        "逐例明细",
        f"{title} · 补传、红冲、蓝补逐例",
        _LINE_COLUMNS,
        [row | {"kind_label": _KIND_LABELS[row["line_kind"]]} for row in rows],
        [*notices, "单位：元"],
        freeze_columns=3,
    )


def _basis_sheet(title: str, titles: Mapping[str, tuple[str, Kind]], basis_lines: Sequence[str]) -> Sheet:
    units = {"wan": "万元", "yuan": "元", "ratio": "百分比", "count": "例（份）", "weight": "权重", "text": ""}
    rows = [{"what": "依据", "text": line} for line in basis_lines]
    rows += [
        {"what": "口径", "text": "人群：按 DRG 付费与按项目付费的住院清单；归期：付费办法规定的结算归期"},
        {"what": "口径", "text": "CMI（医保DRG）= 总权重 ÷ DRG 病例数；合计行由合计数重新计算，不是各行平均"},
        {"what": "口径", "text": "个人负担与其他基金取自结算结果，不重算；DRG 差额只落在统筹基金与医院之间"},
    ]
    rows += [{"what": "栏目", "text": heading, "unit": units.get(kind, "")} for heading, kind in titles.values()]
    return Sheet(
        "口径与依据",
        f"{title} · 口径与依据",
        [Column("what", "类别", width=10), Column("text", "内容", width=90), Column("unit", "单位", width=10)],
        rows,
    )
