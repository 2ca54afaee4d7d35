"""Impact and version day as workbooks 影响测算表、版本切换对照表: per hospital, per group, and what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.payment.weights.repricing import steps
from tongpin.payment.weights.rounds import DECISIONS
from tongpin.payment.weights.stability import CHANGE_SCHEMA
from tongpin.payment.weights.version_day import MONEY
from tongpin.report.words import wan_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from tongpin.payment.weights.impact import Impact
    from tongpin.payment.weights.version_day import VersionDay

_IMPACT_COLUMNS = (
    Column("institution_code", "机构代码"),
    Column("institution_name", "机构", width=36),
    Column("case_count", "例数", "count"),
    Column("item_pool_fen", "按项目应付（万元）", "wan"),
    Column("old_fen", "现行应付（万元）", "wan"),
    Column("new_fen", "草案应付（万元）", "wan"),
    Column("difference_fen", "草案 − 现行（万元）", "wan"),
    Column("old_ratio", "现行结付率", "ratio"),
    Column("new_ratio", "草案结付率", "ratio"),
    Column("ratio_change", "变化（百分点）", "pp"),
    Column("explained", "主要由哪些病组（万元）", width=46),
)
_GROUP_COLUMNS = (
    Column("drg", "病组", width=11),
    Column("name", "名称", width=40),
    Column("case_count", "例数", "count"),
    Column("old_fen", "现行应付（万元）", "wan"),
    Column("new_fen", "草案应付（万元）", "wan"),
    Column("difference_fen", "草案 − 现行（万元）", "wan"),
)
_VALUE_COLUMNS = (
    Column("parameter", "参数", width=26),
    Column("label", "名称", width=30),
    Column("old", "现行", width=50),
    Column("new", "草案", width=50),
)
_WEIGHT_COLUMNS = (
    Column("drg", "病组", width=11),
    Column("name", "名称", width=40),
    Column("old_e4", "现行权重", "weight"),
    Column("new_e4", "草案权重", "weight"),
    Column("change", "变化", "ratio"),
    Column("flag", "提示", width=11),
)
_OPINION_COLUMNS = (
    Column("opinion_no", "序号", "count"),
    Column("given_on", "日期", width=12),
    Column("who", "谁提出", width=22),
    Column("drg", "病组", width=11),
    Column("parameter", "参数", width=24),
    Column("proposal", "意见", width=46),
    Column("decision_label", "结果", width=10),
    Column("reason", "理由", width=46),
)


def write_impact(
    impact: Impact,
    path: Path,
    *,
    title: str,
    basis: Sequence[str],
    names: Mapping[str, str],
    values: Sequence[Mapping[str, str]],
    weights: pa.Table,
    opinions: Sequence[Mapping[str, Any]] = (),
) -> None:
    """The workbook of a comparison at `path`: hospitals, groups, changed values and weights, opinions of the round.

    `values` as `changed_values`, `weights` as `CHANGE_SCHEMA`, `opinions` as `OPINION_SCHEMA` rows.
    """
    hospitals = [
        row
        | {
            "explained": "，".join(
                f"{one['drg']} {'+' if one['difference_fen'] > 0 else ''}{wan_text(one['difference_fen'])}"
                for one in row["explained_by"]
            ),
            "ratio_change": None if row["old_ratio"] is None else row["new_ratio"] - row["old_ratio"],
        }
        for row in impact.hospitals.to_pylist()
    ]
    names_of_groups = [row | {"name": names.get(row["drg"], "")} for row in impact.groups.to_pylist()]
    moved = [row | {"name": names.get(row["drg"], "")} for row in _changed(weights)]
    answered = [
        {**row, "given_on": f"{row['given_on']}", "decision_label": DECISIONS[row["decision"]]} for row in opinions
    ]
    sheets = [
        Sheet(
            "各院影响", title, _IMPACT_COLUMNS, hospitals, notes=basis, totals=[_impact_total(impact)], freeze_columns=2
        ),
        Sheet("病组影响", f"{title}：病组", _GROUP_COLUMNS, names_of_groups, notes=basis[-1:]),
        Sheet("参数改动", f"{title}：改动的参数", _VALUE_COLUMNS, values, empty="参数没有改动"),
        Sheet("权重改动", f"{title}：改动的权重", _WEIGHT_COLUMNS, moved, empty="权重没有改动"),
    ]
    if answered:
        sheets.append(Sheet("意见", f"{title}：意见与答复", _OPINION_COLUMNS, answered))
    write_workbook(sheets, path, title=title)


def _changed(weights: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = weights.select(CHANGE_SCHEMA.names).to_pylist()
    return [row for row in rows if row["old_e4"] != row["new_e4"]]


def _impact_total(impact: Impact) -> dict[str, Any]:
    item, old, new = (impact.total(name) for name in ("item_pool_fen", "old_fen", "new_fen"))
    ratios = (old / item, new / item) if item else (None, None)
    return {
        "institution_code": "合计",
        "case_count": impact.total("case_count"),
        "item_pool_fen": item,
        "old_fen": old,
        "new_fen": new,
        "difference_fen": new - old,
        "old_ratio": ratios[0],
        "new_ratio": ratios[1],
        "ratio_change": None if ratios[0] is None or ratios[1] is None else ratios[1] - ratios[0],
    }


def write_version_day(found: VersionDay, path: Path, *, title: str, basis: Sequence[str], moves_shown: int) -> None:
    """The workbook of a version day at `path`: per hospital and per move, the difference split into its steps.

    The `moves_shown` moves with the largest difference are listed, the others stand in one row.
    """
    hospitals = found.hospitals.to_pylist()
    moves = found.moves.to_pylist()
    sums = ("case_count", *MONEY)
    total = {name: sum(row[name] for row in hospitals) for name in ("moved_count", *sums)}
    listed, others = moves[:moves_shown], moves[moves_shown:]
    if others:
        listed.append(
            {"drg_before": f"其余 {len(others):,} 种", **{name: sum(row[name] for row in others) for name in sums}}
        )
    money = (
        Column("old_fen", "旧版应付", "wan", "万元"),
        *(Column(f"{step.name}_fen", step.label, "wan", "差额由哪一步来（万元）") for step in steps()),
        Column("difference_fen", "差额", "wan", "万元 "),
        Column("new_fen", "新版应付", "wan", "万元 "),
    )
    heads = (
        Column("institution_code", "机构代码"),
        Column("institution_name", "机构", width=36),
        Column("case_count", "例数", "count"),
        Column("moved_count", "换组例数", "count"),
    )
    groups = (
        Column("drg_before", "旧版病组", width=13),
        Column("drg_after", "新版病组", width=13),
        Column("case_count", "例数", "count"),
    )
    sheets = [
        Sheet(
            "各院影响",
            title,
            (*heads, *money),
            hospitals,
            notes=basis,
            totals=[{"institution_code": "合计"} | total],
            freeze_columns=2,
        ),
        Sheet(
            "病组移动",
            f"{title}：病组",
            (*groups, *money),
            listed,
            notes=basis[-1:],
            totals=[{"drg_before": "合计"} | total],
        ),
    ]
    write_workbook(sheets, path, title=title)
