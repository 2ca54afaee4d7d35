"""The disease ledger as a workbook 病种台账: the area and every hospital by kind, every hospital by disease."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.money import SCALE
from tongpin.payment.dip.catalogue import KIND_LABELS, TYPE_LABELS
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_KINDS = (
    Column("institution_name", "机构"),
    Column("label", "类别"),
    Column("cases", "例数", "count"),
    Column("case_share", "占入病种\n例数", "ratio"),
    Column("total_fee_fen", "总费用\n（万元）", "wan"),
    Column("gross_fen", "DIP应付\n（万元）", "wan"),
    Column("result_fen", "盈亏\n（万元）", "wan"),
    Column("points_e4", "结算分值", "weight"),
)
_DISEASES = (
    Column("institution_name", "机构"),
    Column("disease", "病种"),
    Column("name", "名称", width=36),
    Column("kind_label", "类别"),
    Column("type_label", "类型"),
    Column("cases", "例数", "count"),
    Column("mean_fee_fen", "次均费用\n（元）", "yuan"),
    Column("benchmark_fee_fen", "目录均费\n（元）", "yuan"),
    Column("gap_fen", "次均与目录\n之差（元）", "yuan"),
    Column("gross_fen", "DIP应付\n（元）", "yuan"),
    Column("result_fen", "盈亏（元）", "yuan"),
    Column("score_e4", "例均结算\n分值", "weight"),
)
_FORMS = (
    "盈亏 = 应付统筹 − 按项目统筹，正数为有余",
    "占入病种例数：占本机构按病种付费的例数；目录均费：病种目录的加权次均费用，供院内与之比较",
)


def write_ledger_xlsx(
    path: Path,
    title: str,
    whole: Sequence[dict[str, Any]],
    kinds: Sequence[dict[str, Any]],
    diseases: Sequence[dict[str, Any]],
    notices: Sequence[str],
) -> None:
    """Write the ledger: rows of `kind_ledger` (the whole, the hospitals) and of `disease_ledger` (S002-01, S002-02)."""
    notes = [*notices, *_FORMS]
    sheets = [
        Sheet("合计", title, _KINDS, [_kind(row) for row in whole], notes, empty="没有病例"),
        Sheet("机构与类别", f"{title} · 机构与类别", _KINDS, [_kind(row) for row in kinds], notices, empty="没有病例"),
        Sheet(
            "机构与病种",
            f"{title} · 机构与病种（亏损多的在前）",
            _DISEASES,
            [_disease(row) for row in diseases],
            notices,
            freeze_columns=3,
            empty="没有病例",
        ),
    ]
    write_workbook(sheets, path, title=title, subject="病种台账")


def _kind(row: dict[str, Any]) -> dict[str, Any]:
    share = row["case_share_e4"]
    label = f"{'　' * bool(row['type'])}{row['label']}"
    return {**row, "label": label, "case_share": None if share is None else share / SCALE}


def _disease(row: dict[str, Any]) -> dict[str, Any]:
    known = row["benchmark_fee_fen"] is not None and row["mean_fee_fen"] is not None
    return {
        **row,
        "kind_label": KIND_LABELS.get(row["kind"], ""),
        "type_label": TYPE_LABELS.get(row["type"], ""),
        "gap_fen": row["mean_fee_fen"] - row["benchmark_fee_fen"] if known else None,
    }
