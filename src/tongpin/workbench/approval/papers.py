"""Papers 审批件: a money document on A4 with its sheet, the hands that acted, capitals, seams and digests (S919-01)."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.documents.document import ACTS, APPROVED, STATES
from tongpin.report.pdf import Paper, Ruled, write_papers
from tongpin.report.words import MISSING, capital_amount, count_text, wan_text, yuan_text
from tongpin.workbench.approval.after import paper_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from tongpin.documents.document import Act, Document
    from tongpin.workbench.approval.after import After

_TEXT_WIDTH, _AMOUNT_WIDTH = 2.6, 2.0
_NAME_WIDTH, _LONG_WIDTH = 4.0, 5.0
_NARROW = frozenset({"hospital_level", "fund_label", "cases"})


class Words(NamedTuple):
    """What papers call steps by id, and people by login name."""

    steps: Mapping[str, str]
    people: Mapping[str, str]

    def person(self, name: str) -> str:
        """Display and login name: the first for readers, the second for the journal."""
        display = self.people.get(name, name)
        return name if display == name else f"{display}（{name}）"


def write_document_pdf(document: Document, acts: Sequence[Act], after: After, words: Words, path: Path) -> None:
    """Write the 审批件 of a money document; before its approval the paper says that it is none yet.

    The foot names document, version and digests.
    """
    payload = document.payload
    heading = [f"{paper_number(document.id)}　第 {document.version} 稿　{STATES[document.state]}"]
    if document.state != APPROVED:
        heading.append("未办结：只供审阅，不作拨付依据")
    heading += [f"付费办法：{payload['policy_label']}（{payload['policy']}）", *payload["notes"]]
    if payload["assumed"]:
        heading.append(f"模拟：付费办法有 {len(payload['assumed'])} 项取值没有文件确认")
    parts: list[str | Ruled] = [_sheet(payload), _hands(acts, words), *_followed(after, words)]
    amount = payload["amount_fen"]
    what = f"{payload['amount_label'].partition('（')[0]}合计"
    capitals = f"{what}（大写）：{capital_amount(amount)}　（小写）：{yuan_text(amount)} 元"
    closing = (capitals, "经办：　　　　　　审核：　　　　　　复审：　　　　　　审批：", "（盖章）　　　　　　日期：")
    digest = document.digest or "尚未送审"
    foot = f"公文摘要 {digest[:16]}　结果摘要 {payload['approved']['result_digest'][:16]}"
    write_papers([Paper(document.title, heading, parts, closing, foot)], path, title=document.title)


def _sheet(payload: Mapping[str, Any]) -> Ruled:
    columns = payload["columns"]
    titles = [f"{one['label']}（{one['unit']}）" if one["unit"] else one["label"] for one in columns]
    rows = [[_cell(row[one["id"]], one) for one in columns] for row in payload["rows"]]
    sums = [
        _cell(sum(row[one["id"]] or 0 for row in payload["rows"]), one) if one["kind"] != "text" else ""
        for one in columns
    ]
    rows.append(["合计", *sums[1:]])
    return Ruled(
        titles,
        [_width(one) for one in columns],
        rows,
        frozenset(place for place, one in enumerate(columns) if one["kind"] != "text"),
    )


def _width(column: Mapping[str, str]) -> float:
    if column["id"] == "institution_name":
        return _NAME_WIDTH
    if column["id"] == "refused":
        return _LONG_WIDTH
    return _AMOUNT_WIDTH if column["kind"] != "text" or column["id"] in _NARROW else _TEXT_WIDTH


def _cell(value: Any, column: Mapping[str, str]) -> str:
    if value is None:
        return MISSING
    if column["kind"] == "money":
        return wan_text(value) if column["unit"] == "万元" else yuan_text(value)
    return count_text(value) if column["kind"] == "integer" else str(value)


def _hands(acts: Sequence[Act], words: Words) -> Ruled:
    """Who did what when, in local time, with what was said."""
    rows = [
        (
            f"{words.steps.get(one.step, one.step)} · {ACTS[one.act]}",
            words.person(one.actor),
            _local(one.at),
            one.text or MISSING,
            str(one.journal_number),
        )
        for one in acts
        if one.act != "draft"
    ]
    return Ruled(("事项", "办理人", "时间", "意见", "日志序号"), (2.6, 4.4, 3, 5, 1.6), rows or [("", "", "", "", "")])


def _followed(after: After, words: Words) -> list[str]:
    told = (
        ("执行", after.ran, "，结果摘要 {result_digest}"),
        ("用印", after.stamped, "，{seal}，编号 {stamp_number}"),
        ("放行拨付", after.released, ""),
    )
    lines = []
    for label, entry, more in told:
        if entry is not None:
            lines.append(f"{label}：{words.person(entry.actor)}，{_local(entry.at)}{more.format(**entry.details)}")
    return lines


def _local(at: datetime) -> str:
    return f"{at.replace(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M}"
