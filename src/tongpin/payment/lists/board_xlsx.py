"""The board as a workbook 清单情况表: a summary by hospital, and the lists that somebody has to deal with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.payment.lists.board import attention
from tongpin.payment.lists.facts import SOURCE_LABELS
from tongpin.payment.lists.standing import ACTOR_LABELS
from tongpin.report.words import month_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tongpin.payment.lists.board import Board

SUMMARY = (
    ("institution_code", "机构代码", ""),
    ("institution_name", "机构", ""),
    ("should", "应传", "上传"),
    ("sent", "已传", "上传"),
    ("unsent", "未传", "上传"),
    ("without_list", "其中有首页无清单", "上传"),
    ("returned_now", "退回待重传", "已传清单现在的状态"),
    ("uploaded", "已上传待接收", "已传清单现在的状态"),
    ("accepted", "已接收", "已传清单现在的状态"),
    ("grouped", "已分组", "已传清单现在的状态"),
    ("appealed", "申诉中", "已传清单现在的状态"),
    ("final", "终审", "已传清单现在的状态"),
    ("ever_returned", "曾退回", "经过"),
    ("late", "补传入账", "经过"),
    ("withdrawn", "作废", "经过"),
    ("unsent_overdue", "未传已超期", "超期"),
    ("sent_overdue", "迟传", "超期"),
    ("resubmission_overdue", "重传超期", "超期"),
)
DETAIL = (
    ("institution_code", "机构代码", 15.0),
    ("institution_name", "机构", 18.0),
    ("case_id", "结算号或病案号", 24.0),
    ("source_label", "来源", 13.0),
    ("state", "状态", 9.0),
    ("since", "从哪天起", 13.0),
    ("days_in_state", "已在此状态天数", 8.0),
    ("actor", "该谁办", 7.0),
    ("due", "办理期限", 13.0),
    ("over_days", "已超天数", 8.0),
    ("discharge_date", "出院", 13.0),
    ("settlement_date", "结算", 13.0),
    ("first_upload", "首次上传", 13.0),
    ("upload_due", "应传期限", 13.0),
    ("upload_over_days", "上传超期天数", 8.0),
    ("resubmission_over_days", "重传超期天数", 8.0),
    ("late_label", "补传", 7.0),
    ("total_fee_fen", "总费用（元）", 13.0),
)
_COUNTS = frozenset({"days_in_state", "over_days", "upload_over_days", "resubmission_over_days"})


def write_board_xlsx(board: Board, path: Path, notices: Sequence[str]) -> None:
    """The workbook of a board; `notices` stand first on both sheets."""
    head = f"{area_label(board)} {month_text(board.month)}"
    notes = [*notices, f"按出院月份，{board.on} 的情况；{window_words(board)}", *board.notes]
    rows = board.hospitals.to_pylist()
    total = {name: sum(row[name] for row in rows) for name, _, band in SUMMARY if band}
    columns = [
        Column(name, title, "text" if not band else "count", band, 24.0 if name == "institution_name" else None)
        for name, title, band in SUMMARY
    ]
    summary = Sheet(
        "汇总",
        f"清单上传情况　{head}",
        columns,
        rows,
        notes,
        totals=[{"institution_code": "合计", **total}] if rows else (),
        freeze_columns=2,
    )
    names = {row["institution_code"]: row["institution_name"] for row in rows}
    detail = Sheet(
        "待办与超期",
        f"待办与超期的清单　{head}",
        [Column(name, title, _kind(name), width=width) for name, title, width in DETAIL],
        [_shown(row, names) for row in attention(board.units).to_pylist()],
        [*notices, "未传、退回、待接收、申诉中的，以及超期的、补传的；其余清单不列"],
        freeze_columns=3,
        empty="没有待办与超期的清单",
    )
    write_workbook([summary, detail], path, title=f"清单上传情况 {head}", subject=board.month)


def area_label(board: Board) -> str:
    """The name of the area as its edition writes it."""
    return board.policy.edition.area if board.policy is not None else board.area


def window_words(board: Board) -> str:
    """Whether the month is published and until when hospitals may appeal."""
    if board.published is None:
        return "分组结果还没有公布"
    until = f"，申诉至 {board.published.until}" if board.published.until else ""
    return f"分组结果于 {board.published.on} 公布{until}"


def _kind(name: str) -> Any:
    return "yuan" if name == "total_fee_fen" else "count" if name in _COUNTS else "text"


def _shown(row: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """A unit as the sheet shows it: dates as texts, words for codes, zeros left blank."""
    said = {name: str(value) if hasattr(value, "isoformat") else value for name, value in row.items()}
    said |= {name: row[name] or None for name in _COUNTS}
    return said | {
        "institution_name": names.get(row["institution_code"], ""),
        "source_label": SOURCE_LABELS[row["source"]],
        "actor": ACTOR_LABELS[row["act_by"]],
        "late_label": "补传" if row["late"] else "",
    }
