"""月度支付情况表 as a workbook: 全市汇总, each hospital and fund, deductions and transfer, adjusting lines, 口径."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import narwhals as nw

from tongpin.payment.month.posting import LINE_KINDS, REGULAR
from tongpin.payment.month.statement_columns import DRG, LEVELS, in_method_words, statement_columns
from tongpin.report.words import capital_amount, month_text, yuan_text
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

_RESULT: Mapping[str, tuple[str, ...]] = {
    "病例": ("cases", "drg_cases", "ungrouped_cases", "high_cases", "low_cases", "total_weight_e4", "cmi_e4"),
    "结算": ("pool_payable_fen", "item_pool_fen", "settlement_ratio", "result_fen"),
}
_DERIVED: Mapping[str, tuple[str, ...]] = {
    "DRG应付": ("gross_fen", "patient_fen", "other_funds_fen", "floored_fen", "pool_payable_fen"),
    "与按项目比": ("total_fee_fen", "item_pool_fen", "result_fen"),
}
_PLACE = ("institution_code", "institution_name", "hospital_level", "pay_mode_label", "fund_label")
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
        "month_floored_fen",
        "floor_recovered_fen",
    ),
    "扣减": (
        "audit_deduction_fen",
        "penalty_fen",
        "carried_debt_fen",
        "instant_advance_fen",
        "prepay_offset_fen",
        "direct_drug_fen",
        "deposit_fen",
    ),
    "拨付": ("debt_fen", "waiting_fen", "cash_transfer_fen"),
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
    Column("fund_label", "基金"),
    Column("case_id", "清单号"),
    Column("kind_label", "类型"),
    Column("original_period", "原属月份"),
    Column("period", "入账月份"),
    Column("drg", "病组"),
    Column("item_pool_fen", "按项目应付统筹\n（元）", "yuan"),
    Column("pool_payable_fen", "DRG应付统筹\n（元）", "yuan"),
    Column("result_fen", "盈亏\n（元）", "yuan"),
)
_FORMS = (
    "人群：按 DRG 付费与按项目付费的住院清单；归期：付费办法规定的结算归期",
    "CMI（医保DRG）= 总权重 ÷ DRG 病例数；合计行由合计数重新计算，不是各行平均",
    "费用极高、费用极低：总费用与支付标准之比超出付费办法规定的倍数，关账时判定",
    "DRG应付统筹 = DRG应付总额 − 个人负担 − 其他基金 + 负统筹补零；个人负担与其他基金按清单与结算结果所载，不重算",
    "盈亏 = DRG应付统筹 − 按项目应付统筹，只落在统筹基金与医院之间；正数对医院为结余，对基金为多付",
    "结付率 = DRG应付统筹 ÷ 按项目应付统筹；观察点只分组、按项目支付，不列结付率",
    "本月合计 = 本月 + 补传 + 红冲 + 蓝补",
    "本月拨付 = 本月合计 + 按月补零 − 扣回以前补零 − 扣减各项 + 结转下月的欠款 + 留在原账的部分；负数为托收",
    "金额单位为万元，保留两位小数；逐例明细为元。权重四位小数",
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
    method: str = DRG,
) -> None:
    """Write the statement of `month` to `path`: 万元 with two decimals, 结付率 as percent, totals, 大写金额. S004-12.

    `basis_lines`: policy, weights and what is assumed, printed under 口径与依据; `notices` stand under every title;
    `lines`: the posted lines of the month, of which the late, red and blue ones are listed case by case (yuan).
    `method`: `drg` or `dip`, in whose words headings and notes speak.
    """
    titles: dict[str, tuple[str, Kind]] = {name: (title, kind) for name, title, kind in statement_columns()}
    rows = _ordered(statement.to_pylist())
    for row in rows:
        row["pay_mode_label"] = in_method_words(row["pay_mode_label"] or "", method) or None
    title = f"{area_label}{month_text(month)}月度支付情况表"
    total = _total(rows, titles)
    by_fund = _slices(rows, ("fund_label",), titles)

    def by_hospital(
        name: str,
        bands: Mapping[str, Sequence[str]],
        note: str,
        shown: Sequence[Mapping[str, Any]] = rows,
        closing: Sequence[str] = (),
    ) -> Sheet:
        columns = [_column(key, titles) for key in _PLACE] + _banded(bands, titles)
        totals = [{"institution_name": "合计"} | part for part in (*by_fund, total)]
        notes = [*notices, f"单位：万元；{note}"]
        return Sheet(name, f"{title} · {name}", columns, shown, notes, totals, closing, freeze_columns=2)

    sheets = [
        Sheet(
            "全市汇总",
            f"{title} · 全市汇总",
            [_column(name, titles) for name in ("hospital_level", "fund_label", *_SUMMARY)],
            _slices(rows, ("hospital_level", "fund_label"), titles),
            [*notices, "单位：万元；结付率 = DRG应付统筹 ÷ 按项目应付统筹；盈亏为正归医院，为负由医院承担"],
            [
                *[part | {"fund_label": "小计"} for part in _slices(rows, ("hospital_level",), titles)],
                *[{"hospital_level": "全市"} | part for part in by_fund],
                {"hospital_level": "合计"} | total,
            ],
            closing=_closing(total),
            freeze_columns=2,
        ),
        by_hospital("各医院", _RESULT, "本表为本月清单，补传、红冲、蓝补另列；盈亏为正归医院，为负由医院承担"),
        by_hospital(
            "应付如何得出", _DERIVED, "DRG应付统筹 = 应付总额 − 个人负担 − 其他基金 + 负统筹补零；个人负担不重算"
        ),
        by_hospital(
            "扣减与拨付",
            _TRANSFER,
            "本月合计 = 本月 + 补传 + 红冲 + 蓝补；拨付 = 本月合计 − 各项扣减",
            closing=_closing(total),
        ),
        by_hospital(
            "补传与红冲蓝补",
            _ADJUSTED,
            "已关账月份不重开，撤回的清单在本月红冲，重新上传的在本月蓝补",
            [row for row in rows if any(row[f"{kind}_cases"] for kind in _KIND_LABELS)],
        ),
    ]
    if lines is not None:
        sheets.append(_line_sheet(title, lines, {row["fund"]: row["fund_label"] for row in rows}, notices))
    sheets.append(_basis_sheet(title, [*notices, *basis_lines], [in_method_words(form, method) for form in _FORMS]))
    worded = [_in_method_words(sheet, method) for sheet in sheets]
    write_workbook(worded, path, title=title, subject="月度支付情况表")


def _in_method_words(sheet: Sheet, method: str) -> Sheet:
    """The sheet with headings and notes in the words of the method."""
    return replace(
        sheet,
        columns=[
            replace(one, title=in_method_words(one.title, method), band=in_method_words(one.band, method))
            for one in sheet.columns
        ],
        notes=[in_method_words(note, method) for note in sheet.notes],
    )


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


def _slices(
    rows: Sequence[Mapping[str, Any]], keys: Sequence[str], titles: Mapping[str, tuple[str, Kind]]
) -> list[dict[str, Any]]:
    """The totals of every slice by `keys`, in the order of the rows."""
    slices: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        slices.setdefault(tuple(row[key] for key in keys), []).append(row)
    return [dict(zip(keys, place, strict=True)) | _total(part, titles) for place, part in slices.items()]


def _closing(total: Mapping[str, Any]) -> list[str]:
    """What a county desk signs: the transfer in capitals, the four hands, the seal."""
    transfer = total["cash_transfer_fen"]
    return [
        f"本月拨付合计（大写）：{capital_amount(transfer)}　（小写）：{yuan_text(transfer)} 元",
        "",
        _SIGNATURES,
    ]


def _line_sheet(title: str, lines: pa.Table, funds: Mapping[str, str], notices: Sequence[str]) -> Sheet:
    frame = nw.from_native(lines, eager_only=True)
    chosen = frame.filter(nw.col("line_kind").is_in(list(_KIND_LABELS))).sort(
        "institution_code", "line_kind", "case_id"
    )
    names = [column.name for column in _LINE_COLUMNS if column.name not in {"kind_label", "fund_label"}]
    rows = chosen.select("line_kind", "fund", *names).to_native().to_pylist()
    return Sheet(
        "逐例明细",
        f"{title} · 补传、红冲、蓝补逐例",
        _LINE_COLUMNS,
        [row | {"kind_label": _KIND_LABELS[row["line_kind"]], "fund_label": funds[row["fund"]]} for row in rows],
        [*notices, "单位：元"],
        freeze_columns=3,
    )


def _basis_sheet(title: str, basis_lines: Sequence[str], forms: Sequence[str]) -> Sheet:
    rows = [{"what": "依据", "text": line} for line in basis_lines]
    rows += [{"what": "口径", "text": line} for line in forms]
    return Sheet(
        "口径与依据",
        f"{title} · 口径与依据",
        [Column("what", "类别", width=10), Column("text", "内容", width=120)],
        rows,
    )
