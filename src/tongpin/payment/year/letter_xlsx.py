"""The 清算书 as a workbook: the whole area, every step with its reason, lines paid otherwise, 口径与依据."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.payment.year.letter import SIGNATURES, SUMMARY, basis_lines, capital_line, rate_lines
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tongpin.payment.year.clear import Clearing
    from tongpin.payment.year.letter import Apart

_PLACE = (
    Column("institution_code", "机构代码"),
    Column("institution_name", "机构名称"),
    Column("hospital_level", "结算级别"),
    Column("pay_mode_label", "付费方式"),
    Column("fund_label", "基金"),
)
_AMOUNTS = tuple(Column(name, label, "wan") for name, label in SUMMARY)
_RATIOS = (
    Column("item_pool_fen", "按项目应付统筹", "wan"),
    Column("band_ratio", "按项目应付占应付", "ratio"),
    Column("near_edge", "临近的分档界限"),
    Column("scale", "层级总额调节系数", "number"),
    Column("coefficient_e4", "考核系数", "weight"),
    Column("score_e4", "考核得分", "weight"),
    Column("grade", "国考等级"),
    Column("grade_year", "等级所属年度"),
    Column("credit_rating", "信用评级"),
    Column("surplus_fen", "结余（负数为超支）", "wan"),
)
_REASONS = (
    Column("institution_name", "机构名称"),
    Column("fund_label", "基金"),
    Column("step", "步骤", "count"),
    Column("label", "事项"),
    Column("formula", "怎样得出", width=60),
    Column("amount_fen", "金额（元）", "yuan"),
    Column("parameter", "参数"),
    Column("source", "依据"),
)
_CHANGED = (
    Column("institution_name", "机构名称"),
    Column("fund_label", "基金"),
    Column("case_id", "清单号"),
    Column("period", "入账月份"),
    Column("reason", "原因"),
    Column("posted_fen", "月结统筹\n（元）", "yuan"),
    Column("cleared_fen", "清算统筹\n（元）", "yuan"),
    Column("change_fen", "差额\n（元）", "yuan"),
)
_RATES = (
    Column("fund_label", "基金"),
    Column("hospital_level", "结算级别"),
    Column("unit_label", "单位"),
    Column("cases", "病例数", "count"),
    Column("budget_fen", "最终预算\n（元）", "yuan"),
    Column("kept_fen", "先扣：另付病例、调节金\n（元）", "yuan"),
    Column("units_e4", "权重、点数或分值合计", "weight"),
    Column("value", "每单位（元）", "number"),
    Column("paid_fen", "付出\n（元）", "yuan"),
    Column("residue_fen", "取整尾差\n（元）", "yuan"),
    Column("formula", "怎样得出", width=40),
)
_BASES = (
    Column("institution_code", "机构代码"),
    Column("institution_name", "机构名称"),
    Column("fund_label", "基金"),
    Column("base_fen", "本年清算额（元）", "yuan"),
    Column("uplift", "上浮", "ratio"),
    Column("next_fen", "下年基数（元）", "yuan"),
    Column("reason", "为什么", width=60),
)
_APART = (
    Column("institution_code", "机构代码"),
    Column("label", "项目"),
    Column("formula", "怎样得出", width=60),
    Column("amount_fen", "金额（元）", "yuan"),
    Column("source", "依据"),
)
_MANY = 50_000
"""More lines than this are not listed case by case on paper; they stay in the lake."""
_FORMS = (
    "清算额 = 月结应付统筹 − 审核扣款 + 第 8 至 13 步各项；补付 = 清算额 − 违约金 − 已拨付，负数为收回",
    "已拨付 = 月度拨付 + 预付金与即时结算冲抵 + 代付货款；质量保证金不在其中，随清算返还",
    "层级总额调节：各院之和超过最终总额时同比调节，按最大余数分到分，合计等于总额",
    "分档比较的是按项目应付统筹与应付统筹；临近界限的机构金额会跳变，单独标出",
    "金额单位为万元，保留两位小数；各步理由与逐例为元",
)


def write_clearing_xlsx(
    clearing: Clearing,
    manifest: Mapping[str, Any],
    path: Path,
    *,
    notices: Sequence[str] = (),
    apart: Sequence[Apart] = (),
) -> None:
    """Write the clearing of a year to `path`: sums, ratios, reasons, lines paid otherwise, 大写金额 (S900-01)."""
    title = f"{manifest['area_label']}{clearing.year}年度医保清算"
    rows = [_shown(row) for row in clearing.places.to_pylist()]
    named = {(row["institution_code"], row["fund"]): row for row in rows}
    total = {"institution_name": "合计"} | {name: sum(row[name] for row in rows) for name, _ in SUMMARY}
    totals = [*_by_fund(rows), total]
    sheets = [
        Sheet(
            "清算汇总",
            f"{title} · 清算汇总",
            (*_PLACE, *_AMOUNTS),
            rows,
            [*notices, "单位：万元"],
            totals,
            [capital_line(total["balance_fen"]), "", *SIGNATURES],
            freeze_columns=2,
            empty="没有",
        ),
        Sheet(
            "比例与系数", f"{title} · 比例与系数", (*_PLACE, *_RATIOS), rows, notices, freeze_columns=2, empty="没有"
        ),
        Sheet(
            "各步理由",
            f"{title} · 各步理由",
            _REASONS,
            [named[row["institution_code"], row["fund"]] | row for row in clearing.reasons.to_pylist()],
            [*notices, "单位：元"],
            freeze_columns=2,
            empty="没有",
        ),
        _changed_sheet(title, clearing, named, notices),
        *_further_sheets(title, clearing, named, notices, apart),
        Sheet(
            "口径与依据",
            f"{title} · 口径与依据",
            (Column("what", "类别", width=10), Column("text", "内容", width=120)),
            [
                *({"what": "依据", "text": line} for line in _basis(clearing, manifest, notices)),
                *({"what": "口径", "text": line} for line in _FORMS),
            ],
        ),
    ]
    write_workbook(sheets, path, title=title, subject="年度清算书")


def _basis(clearing: Clearing, manifest: Mapping[str, Any], notices: Sequence[str]) -> list[str]:
    return [*notices, *rate_lines(clearing.rates.to_pylist()), *basis_lines(manifest)]


def _further_sheets(
    title: str,
    clearing: Clearing,
    named: Mapping[tuple[str, str], Mapping[str, Any]],
    notices: Sequence[str],
    apart: Sequence[Apart],
) -> list[Sheet]:
    """Rates that step 10 recomputed, next year's bases, what is settled apart: a sheet each where there are any."""
    rates = [row | {"value": f"{row['value_e4'] / 1_000_000:,.4f}"} for row in clearing.rates.to_pylist()]
    bases = [
        {**named[row["institution_code"], row["fund"]], **row, "uplift": row["uplift_e4"] / 10_000}
        for row in clearing.bases.to_pylist()
    ]
    year = f"{clearing.year + 1} 年度基数"
    made = (
        ("费率与点值", "第 10 步重算的费率与点值", _RATES, rates, 1),
        ("下年基数", year, _BASES, bases, 2),
        ("另行结算", "另行结算（不在清算额之内）", _APART, [one._asdict() for one in apart], 1),
    )
    return [
        Sheet(name, f"{title} · {heading}", columns, rows, [*notices, "单位：元"], freeze_columns=freeze)
        for name, heading, columns, rows, freeze in made
        if rows
    ]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    ratio, scale = row["band_ratio_e4"], row["scale_e6"]
    return row | {
        "band_ratio": None if ratio is None else ratio / 10_000,
        "scale": None if scale is None else f"{scale / 1_000_000:.6f}",
    }


def _by_fund(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    sums: dict[str, dict[str, Any]] = {}
    for row in rows:
        part = sums.setdefault(row["fund_label"], dict.fromkeys((name for name, _ in SUMMARY), 0))
        for name, _ in SUMMARY:
            part[name] += row[name]
    return [{"institution_name": "小计", "fund_label": fund, **part} for fund, part in sums.items()]


def _changed_sheet(
    title: str, clearing: Clearing, named: Mapping[tuple[str, str], Mapping[str, Any]], notices: Sequence[str]
) -> Sheet:
    count = clearing.changed.num_rows
    listed = clearing.changed.slice(0, _MANY).to_pylist()
    rows = [
        {**named[row["institution_code"], row["fund"]], **row, "change_fen": row["cleared_fen"] - row["posted_fen"]}
        for row in listed
    ]
    cut = [f"共 {count} 份，这里列出前 {_MANY} 份"] if count > _MANY else []
    return Sheet(
        "逐例改付",
        f"{title} · 与月结不同的清单",
        _CHANGED,
        rows,
        [*notices, "单位：元", *cut],
        freeze_columns=2,
        empty="没有",
    )
