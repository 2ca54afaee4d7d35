"""Papers 审批件: a document on A4 with its sheets, the hands that acted, capitals, seams and digests (S919-01)."""

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
_NAME_WIDTH, _LONG_WIDTH, _SHORT_WIDTH = 4.0, 5.0, 1.4
_LONG = frozenset({"refused", "before", "after", "message", "hint", "lacking", "labels"})
_NAMES = frozenset({"institution_name", "name", "family", "label", "path", "source"})
_NARROW = frozenset({"hospital_level", "fund_label", "cases", "sub", "change", "owner", "state"})
_SHORT = frozenset({"no", "unit", "simulated", "how", "kind_label", "severity_label"})
_ELSEWHERE = frozenset({"amount", "result"})
"""Facts that stand in the closing line and at the foot."""


class Words(NamedTuple):
    """What papers call steps by id, and people by login name."""

    steps: Mapping[str, str]
    people: Mapping[str, str]

    def person(self, name: str) -> str:
        """Display and login name: the first for readers, the second for the journal."""
        display = self.people.get(name, name)
        return name if display == name else f"{display}（{name}）"


def write_document_pdf(document: Document, acts: Sequence[Act], after: After, words: Words, path: Path) -> None:
    """Write the 审批件 of a document; before its approval the paper says that it is none yet.

    The foot names document, version and digests.
    """
    payload = document.payload
    heading = [f"{paper_number(document.id)}　第 {document.version} 稿　{STATES[document.state]}"]
    if document.state != APPROVED:
        heading.append("未办结：只供审阅，不作依据")
    facts = [one for one in payload["basis"] if one["id"] not in _ELSEWHERE]
    heading += [f"{one['label']}：{one['value']} {one['unit']}".rstrip() for one in facts]
    heading += [*payload["notes"], *filter(None, [payload["simulated"]])]
    parts: list[str | Ruled] = []
    for table in payload["tables"]:
        if table["rows"]:
            parts += [table["label"], _ruled(table)]
    parts += [_hands(acts, words), *_followed(after, words)]
    closing = [
        *_amount(payload),
        "经办：　　　　　　审核：　　　　　　复审：　　　　　　审批：",
        "（盖章）　　　　　　日期：",
    ]
    digest = document.digest or "尚未送审"
    foot = f"公文摘要 {digest[:16]}　结果摘要 {payload['approved']['result_digest'][:16]}"
    write_papers([Paper(document.title, heading, parts, closing, foot)], path, title=document.title)


def _amount(payload: Mapping[str, Any]) -> list[str]:
    """The amount in capitals and figures, where a document is about money."""
    if "amount_fen" not in payload:
        return []
    amount, what = payload["amount_fen"], payload["amount_label"].partition("（")[0]
    return [f"{what}合计（大写）：{capital_amount(amount)}　（小写）：{yuan_text(amount)} 元"]


def _ruled(table: Mapping[str, Any]) -> Ruled:
    columns = table["columns"]
    titles = [f"{one['label']}（{one['unit']}）" if one["unit"] else one["label"] for one in columns]
    rows = [[_cell(row[one["id"]], one) for one in columns] for row in table["rows"]]
    if table["total"]:
        sums = [
            _cell(sum(row[one["id"]] or 0 for row in table["rows"]), one) if one["kind"] != "text" else ""
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
    for names, width in ((_NAMES, _NAME_WIDTH), (_LONG, _LONG_WIDTH), (_SHORT, _SHORT_WIDTH), (_NARROW, _AMOUNT_WIDTH)):
        if column["id"] in names:
            return width
    return _AMOUNT_WIDTH if column["kind"] != "text" else _TEXT_WIDTH


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
