"""Papers of a trial 草案回测表: places cleared by both editions, the impact on cases, what it does to indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from tongpin.report.words import count_text, percent_text
from tongpin.report.xlsx import Column, Kind, Sheet, write_workbook
from tongpin.twin.forecast.catalogue import UNMOVED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.twin.forecast.draft import DraftTrial

_E4 = 10_000
_SIDE: tuple[tuple[str, str, Kind], ...] = (
    ("payable_fen", "各月应付", "wan"),
    ("capped_fen", "极高上限", "wan"),
    ("scaled_fen", "层级总额", "wan"),
    ("banded_fen", "留用与分担", "wan"),
    ("due_fen", "清算额", "wan"),
    ("surplus_fen", "结余", "wan"),
    ("band_ratio", "按项目占应付", "ratio"),
    ("near_edge", "临界提示", "text"),
)
_TRIED_COLUMNS = (
    Column("year", "年度"),
    Column("institution_name", "医疗机构"),
    Column("hospital_level", "结算级别"),
    Column("fund_label", "基金"),
    *(
        Column(f"{side}_{name}", title, kind, band)
        for side, band in (("old", "现行"), ("new", "草案"))
        for name, title, kind in _SIDE
    ),
    Column("due_difference_fen", "清算额之差", "wan"),
)
_IMPACT_COLUMNS = (
    Column("institution_name", "医疗机构"),
    Column("case_count", "例数", "count"),
    Column("item_pool_fen", "按项目统筹", "wan"),
    Column("old_fen", "现行应付", "wan"),
    Column("new_fen", "草案应付", "wan"),
    Column("difference_fen", "差额", "wan"),
    Column("old_ratio", "现行结付率", "ratio"),
    Column("new_ratio", "草案结付率", "ratio"),
    Column("groups", "主要病组", "text", "", 30),
)


def tried_rows(trial: DraftTrial) -> list[dict[str, Any]]:
    """The places of a trial as rows, the largest difference first."""
    rows = []
    for row in trial.cleared.to_pylist():
        for side in ("old", "new"):
            ratio = row[f"{side}_band_ratio_e4"]
            row[f"{side}_band_ratio"] = None if ratio is None else ratio / _E4
        rows.append(row | {"due_difference_fen": (row["new_due_fen"] or 0) - (row["old_due_fen"] or 0)})
    return sorted(rows, key=lambda row: (-abs(row["due_difference_fen"]), row["year"], row["institution_code"]))


def trial_basis(trial: DraftTrial) -> list[str]:
    """What a trial rests on."""
    item, old, new = (trial.impact.total(name) for name in ("item_pool_fen", "old_fen", "new_fen"))
    same = sum(effect == UNMOVED for _, effect in trial.indicators)
    ratios = [percent_text(one / item if item else None) for one in (old, new)]
    return [
        (
            f"病例 {trial.months[0]} 至 {trial.months[1]}，{count_text(trial.cases)} 例；"
            f"现行 {trial.old.id}，草案 {trial.new.id}，都按 {trial.on} 的取值（模拟）"
        ),
        (
            "逐例应付的差别用影响测算（与 tongpin round compare 同一个算法），年末数由年度清算的同一步骤得出，"
            "不含单议、申诉与扣款"
        ),
        (
            f"国考指标：付费办法不改病案与费用，{same} 项预测指标两版相同；"
            f"{'、'.join(name for name, effect in trial.indicators if effect != UNMOVED)} 随钱变，"
            f"其中医保结算率 {ratios[0]} → {ratios[1]}"
        ),
        *trial.notes,
    ]


def write_trial_xlsx(trial: DraftTrial, path: Path, notices: Sequence[str]) -> None:
    """The workbook of a trial: places cleared by both editions, the impact on cases, the indicators untouched."""
    notes = [*notices, *trial_basis(trial)]
    rows = tried_rows(trial)
    money = [column.name for column in _TRIED_COLUMNS if column.kind == "wan"]
    whole = {"institution_name": "合计"} | {name: sum(row[name] or 0 for row in rows) for name in money}
    hospitals = [
        row | {"groups": "、".join(one["drg"] for one in row["explained_by"])}
        for row in trial.impact.hospitals.to_pylist()
    ]
    shares = ("case_count", "item_pool_fen", "old_fen", "new_fen", "difference_fen")
    total = {"institution_name": "合计"} | {
        name: int(pc.sum(trial.impact.hospitals[name]).as_py() or 0) for name in shares
    }
    write_workbook(
        [
            Sheet("年末分档", "草案回测：年末清算（万元）", _TRIED_COLUMNS, rows, notes, [whole], freeze_columns=4),
            Sheet(
                "各院影响", "草案回测：逐例应付（万元）", _IMPACT_COLUMNS, hospitals, notes, [total], freeze_columns=1
            ),
            Sheet(
                "国考指标",
                "草案回测：国考指标",
                (Column("name", "指标", "text", "", 50), Column("effect", "草案的影响")),
                [{"name": name, "effect": effect} for name, effect in trial.indicators],
                notes,
            ),
        ],
        path,
        title=f"草案回测 {trial.new.id}",
    )
