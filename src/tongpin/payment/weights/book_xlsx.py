"""The weight book as a workbook 权重测算表: how every weight came about, what was cut, changes, coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from tongpin.base.money import SCALE
from tongpin.payment.weights.rules import SEVERITY_LABELS
from tongpin.payment.weights.trim import REASONS
from tongpin.report.words import number_text, percent_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from tongpin.payment.weights.book import WeightBook

UNIT_LABELS: dict[str, str] = {"level": "级别", "institution": "机构", "dept": "科室"}

_WEIGHT_COLUMNS = (
    Column("drg", "病组", width=11),
    Column("name", "名称", width=34),
    Column("adrg", "ADRG"),
    Column("severity_label", "并发症程度", width=12),
    Column("case_count", "例数", "count", "病例"),
    Column("mean_fee_fen", "均费（元）", "yuan", "病例"),
    Column("cv", "变异系数", "number", "病例"),
    Column("own_e4", "自身权重", "weight", "算法各步"),
    Column("like_e4", "同类推算", "weight", "算法各步"),
    Column("credibility", "自身所占", "ratio", "算法各步"),
    Column("drawn_e4", "靠拢以后", "weight", "算法各步"),
    Column("ordered_e4", "排序以后", "weight", "算法各步"),
    Column("weight_e4", "权重", "weight", "结果"),
    Column("old_e4", "现行权重", "weight", "结果"),
    Column("change", "变化", "ratio", "结果"),
    Column("flag", "提示", band="结果", width=11),
    Column("merged_with", "一起取值的病组", width=20),
)
_YEAR_COLUMNS = (
    Column("drg", "病组", width=11),
    Column("name", "名称", width=40),
    Column("year", "年度", width=8),
    Column("case_count", "例数", "count"),
    Column("weight_e4", "当年权重", "weight"),
    Column("change", "比上一年", "ratio"),
    Column("flag", "提示", width=11),
)
_CUT_COLUMNS = (
    Column("label", "为什么剔除", width=22),
    Column("case_count", "例数", "count"),
    Column("share", "占全部病例", "ratio"),
)
_COEFFICIENT_COLUMNS = (
    Column("unit", "单位", width=24),
    Column("above", "上级", width=16),
    Column("case_count", "例数", "count"),
    Column("fee_fen", "实际费用（万元）", "wan"),
    Column("expected_fen", "按组均费应有（万元）", "wan"),
    Column("own_e4", "自身系数", "weight"),
    Column("like_e4", "上级系数", "weight"),
    Column("credibility", "自身所占", "ratio"),
    Column("grade", "依据", width=11),
    Column("coefficient_e4", "历史系数", "weight"),
)


def write_weight_book(
    book: WeightBook,
    path: Path,
    *,
    title: str,
    basis: Sequence[str],
    coefficients: Mapping[str, pa.Table],
    names: Mapping[str, str],
) -> None:
    """The workbook of a weight book at `path`.

    `basis` says which cases, scheme and rules; `coefficients` by kind of unit (`UNIT_LABELS`), `names` of institutions.
    """
    total = book.trimmed.kept.num_rows + book.trimmed.cut.num_rows
    counts = book.trimmed.counts()
    cut = [
        {"label": REASONS[reason], "case_count": count, "share": count / total if total else None}
        for reason, count in counts.items()
    ]
    whole = {"label": "剔除合计", "case_count": sum(counts.values()), "share": sum(counts.values()) / total}
    sheets = [
        Sheet(
            "权重", title, _WEIGHT_COLUMNS, _weight_rows(book), notes=[*basis, *_spread_notes(book)], freeze_columns=2
        ),
        Sheet(
            "各年",
            f"{title}：各年的权重",
            _YEAR_COLUMNS,
            [
                row | {"name": book.names.get(row["drg"], ""), "year": str(row["year"])}
                for row in book.years.to_pylist()
            ],
            notes=["当年权重 = 当年组均费用 ÷ 当年全部病例均费；两年例数都够才提示"],
        ),
        Sheet("剔除", f"{title}：剔除的病例", _CUT_COLUMNS, cut, notes=basis[-1:], totals=[whole]),
        *(
            Sheet(
                f"{UNIT_LABELS[kind]}系数",
                f"{title}：{UNIT_LABELS[kind]}历史系数",
                _COEFFICIENT_COLUMNS,
                [
                    row | {"unit": names.get(row["unit"], row["unit"]), "above": names.get(row["above"], row["above"])}
                    for row in table.to_pylist()
                ],
                notes=[
                    "历史系数 = 实际费用 ÷ 按全部病例的组均费应有的费用；例数不足的向上级靠拢，再同比缩放使总额不变"
                ],
            )
            for kind, table in coefficients.items()
        ),
    ]
    write_workbook(sheets, path, title=title)


def _weight_rows(book: WeightBook) -> list[dict[str, Any]]:
    changes = {row["drg"]: row for row in book.changes.to_pylist()}
    rows = []
    for row in book.made.weights.to_pylist():
        more = {
            "name": book.names.get(row["drg"], ""),
            "severity_label": SEVERITY_LABELS.get(row["severity"] or "", ""),
        }
        if row["weight_e4"] is None:
            more["flag"] = "没有权重"
        rows.append({**(changes.get(row["drg"]) or {}), **row, **more})
    return rows


def _spread_notes(book: WeightBook) -> list[str]:
    before, after = book.spread_all, book.spread_kept
    count = pc.sum(book.made.weights["case_count"]).as_py()
    open_groups = book.made.open_groups()
    old, new = book.total_weights()
    shown = "、".join(open_groups[:12]) + (" 等" if len(open_groups) > 12 else "")  # noqa: PLR2004 - a line's worth
    notes = [
        (
            f"测算 {count:,} 例；RIV 剔除前 {percent_text(before.riv)}，剔除后 {percent_text(after.riv)}；"
            f"组内变异系数 {number_text(before.mean_cv)} → {number_text(after.mean_cv)}"
        ),
        (
            f"四位小数以后总权重相差 {number_text(book.made.residue_e4 / SCALE, 4)}；按现行权重表总权重 "
            f"{number_text(old / SCALE)}，按测算权重 {number_text(new / SCALE)}"
        ),
    ]
    if open_groups:
        notes.append(
            f"{len(open_groups)} 个病组没有病例、同一 ADRG 也没有，未给权重：{shown}；出现这些病组的病例时结算会停下"
        )
    return notes
