"""The evidence sheet as a workbook 病组目录提议证据单: one page that experts vote on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.payment.weights.catalogue import BALLOTS, STATE_LABELS
from tongpin.payment.weights.evidence import SIDES
from tongpin.payment.weights.scheme_draft import KIND_LABELS
from tongpin.report.words import number_text, percent_text, points_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tongpin.payment.weights.evidence import Evidence

_GROUP_COLUMNS = (
    Column("side_label", "目录", width=10),
    Column("drg", "病组", width=12),
    Column("name", "名称", width=44),
    Column("case_count", "例数", "count"),
    Column("hospital_count", "医院数", "count"),
    Column("mean_fee_fen", "均费（元）", "yuan"),
    Column("cv", "变异系数", "number"),
)
_CHECK_COLUMNS = (
    Column("label", "要求", width=44),
    Column("found", "结果", width=20),
    Column("verdict", "是否达到", width=12),
)
_HOSPITAL_COLUMNS = (
    Column("institution_code", "机构代码", width=14),
    Column("institution_name", "机构", width=34),
    Column("case_count", "换组例数", "count"),
)
_STEP_COLUMNS = (
    Column("on", "日期", width=12),
    Column("state_label", "状态", width=14),
    Column("who", "经手", width=20),
    Column("outcome", "依据", width=80),
)
_VOTE_COLUMNS = (
    Column("voted_on", "日期", width=12),
    Column("expert", "专家", width=20),
    Column("ballot_label", "表决", width=10),
    Column("opinion", "意见", width=80),
)


def write_evidence(
    evidence: Evidence,
    path: Path,
    *,
    proposal: Mapping[str, Any],
    basis: Sequence[str],
    names: Mapping[str, str],
    history: Sequence[Mapping[str, Any]],
    votes: Sequence[Mapping[str, Any]],
) -> None:
    """The evidence sheet of a proposal (a row of `proposals`) at `path`; `names` are those of groups in force."""
    groups = [
        row | {"side_label": SIDES[row["side"]], "name": row["name"] or names.get(row["drg"], "")}
        for row in evidence.groups.to_pylist()
    ]
    checks = [
        {"label": one.label, "found": one.found, "verdict": "达到" if one.holds else "没有达到"}
        for one in evidence.checks
    ]
    title = f"病组目录提议 {proposal['proposal_no']} 号证据单：{KIND_LABELS[proposal['kind']]}"
    sheets = [
        Sheet("病组", title, _GROUP_COLUMNS, groups, notes=[*_words(evidence, proposal), *basis]),
        Sheet("要求", f"{title}（要求）", _CHECK_COLUMNS, checks),
        Sheet(
            "涉及医院", f"{title}（涉及医院）", _HOSPITAL_COLUMNS, evidence.hospitals.to_pylist(), empty="没有病例换组"
        ),
        Sheet(
            "经过",
            f"{title}（经过）",
            _STEP_COLUMNS,
            [{**row, "on": f"{row['on']}", "state_label": STATE_LABELS[row["state"]]} for row in history],
        ),
        Sheet(
            "表决",
            f"{title}（表决）",
            _VOTE_COLUMNS,
            [{**row, "voted_on": f"{row['voted_on']}", "ballot_label": BALLOTS[row["ballot"]]} for row in votes],
            empty="还没有表决",
        ),
    ]
    write_workbook(sheets, path, title=title)


def _words(evidence: Evidence, proposal: Mapping[str, Any]) -> list[str]:
    """The proposal and its effect in sentences."""
    targets = "、".join(f"{drg} {name}" for drg, name in zip(proposal["targets"], proposal["names"], strict=True))
    asked = {
        "merge": f"把 {'、'.join(proposal['groups'])} 合并为 {targets}",
        "split": f"把 {'、'.join(proposal['groups'])} 拆分为 {targets}；前者的条件：{proposal['when']}",
        "new": f"新增 {targets}，在 {'、'.join(proposal['groups'])} 之前判断；条件：{proposal['when']}",
    }
    return [
        f"提议：{asked[proposal['kind']]}",
        f"理由：{proposal['reason']}",
        (
            f"换组 {evidence.moved_count:,} 例，涉及 {evidence.hospitals.num_rows:,} 家医院；全部病例 RIV "
            f"{percent_text(evidence.before.riv)} → {percent_text(evidence.after.riv)}"
            f"（{points_text(evidence.riv_gain)} 个百分点），组内变异系数 {number_text(evidence.before.mean_cv)} → "
            f"{number_text(evidence.after.mean_cv)}"
        ),
    ]
