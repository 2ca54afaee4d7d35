"""The meeting pack on one page A4 例会包一页: changes, groups, cases, and room for decisions by hand (S904-01)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.measures.compare import KINDS, MONTH, YEAR
from tongpin.measures.papers import interval_text, value_text
from tongpin.report.docx import Blank, Document, DocxPart, Heading, write_docx
from tongpin.report.pdf import Ruled
from tongpin.report.words import MISSING, count_text, month_text, percent_text, points_text, wan_text, yuan_text
from tongpin.twin.causes.catalogue import setting as cause_setting
from tongpin.twin.monthly.catalogue import load_meeting
from tongpin.twin.monthly.papers import change_text, measure_name, reference_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tongpin.twin.monthly.cases import LookedAt
    from tongpin.twin.monthly.changes import Changed
    from tongpin.twin.monthly.meeting import Meeting

_POINTS = 10.0
_SPACE = "＿" * 7
_SIGN = f"主持：{_SPACE}　　记录：{_SPACE}　　医保办：{_SPACE}　　日期：{_SPACE}"
_PART_LABELS = {"drug": "药占比", "consumable": "耗占比"}


def write_meeting_docx(meeting: Meeting, path: Path) -> None:
    """The pack at `path`: one page of A4."""
    write_docx(document_of(meeting), path)


def document_of(meeting: Meeting) -> Document:
    """The pack as a paper."""
    title = f"{meeting.hospital_name} {meeting.dept_label} {month_text(meeting.month)}科室例会"
    parts: list[DocxPart] = [headline(meeting), Heading("一、变化最大的指标"), *_changes(meeting)]
    parts += [Heading("二、病组盈亏"), *_groups(meeting)]
    parts += [Heading("三、请看这几例"), *_cases(meeting)]
    parts += [Heading("四、议定事项"), Blank("上次议定\n的落实", 2), Blank("本次议定", 3)]
    foot = "口径：盈亏 = DRG 应付 − 按项目应付，正数归机构，按结算月（医保DRG）；其余指标按出院月（全部出院）"
    return Document(title, meeting.notices, parts, [_SIGN], foot, meeting.marks, _POINTS)


def headline(meeting: Meeting) -> str:
    """The month of the department in one line."""
    money = meeting.money
    discharged = meeting.figures[MONTH].get("discharge.cases")
    text = (
        f"医保DRG 结算 {count_text(money['case_count'])} 例，费用 {wan_text(money['total_fee_fen'])} 万元，"
        f"盈亏 {wan_text(money['result_fen'])} 万元"
    )
    if discharged is None or discharged.value is None:
        return f"{text}；没有装载本月出院的病案首页。"
    before = [
        f"{words} {value_text(figure.compared.reference, 'count')}"
        for kind, words in ((MONTH, "上月"), (YEAR, "上年同月"))
        if (figure := meeting.figures[kind].get("discharge.cases")) is not None
        and figure.compared is not None
        and figure.compared.reference is not None
    ]
    beside = f"（{'，'.join(before)}）" if before else ""
    return f"{text}；全部出院 {value_text(discharged.value, 'count')} 例{beside}。"


def _changes(meeting: Meeting) -> list[DocxPart]:
    if not meeting.changes:
        return [no_changes(meeting)]
    table = Ruled(
        ("指标", "本月", "95% 区间", "上月", "环比", "上年同月", "同比", "怎么看"),
        (32, 16, 30, 16, 16, 16, 16, 38),
        [_changed_row(meeting, one) for one in meeting.changes],
        frozenset({1, 2, 3, 4, 5, 6}),
    )
    return [table, "按变化超出区间的程度挑选，同一话题只列一项；率的环比、同比是百分点。"]


def no_changes(meeting: Meeting) -> str:
    """Why no change is shown."""
    figures = [one for by_measure in meeting.figures.values() for one in by_measure.values()]
    counts = [one.count for one in figures]
    if not counts or max(counts) < meeting.least_cases:
        return f"本月例数少（不足 {meeting.least_cases} 例），变化多半是偶然，不列。"
    if all(one.compared is None or one.compared.reference is None for one in figures):
        return "上月与上年同月都没有可比的数（没有装载或没有关账），不列变化。"
    return f"本月或比较期的例数不足 {meeting.least_cases} 例，变化多半是偶然，不列。"


def _changed_row(meeting: Meeting, one: Changed) -> list[str]:
    measure, unit = one.figure.measure, one.figure.measure.unit
    beside = {kind: one.comparisons.get(kind) for kind in (MONTH, YEAR)}
    times = "" if one.times <= 1 else f"（按{KINDS[one.kind]}）"
    return [
        measure_name(measure, meeting.basis),
        value_text(one.figure.value, unit),
        interval_text(one.figure),
        reference_text(beside[MONTH], unit),
        change_text(beside[MONTH], unit),
        reference_text(beside[YEAR], unit),
        change_text(beside[YEAR], unit),
        f"{one.reading}{times}",
    ]


def _groups(meeting: Meeting) -> list[DocxPart]:
    rows = [_group_row(meeting, "结余", row) for row in meeting.best]
    rows += [_group_row(meeting, "超支", row) for row in meeting.worst]
    if meeting.rest is not None:
        rest = meeting.rest
        rows.append(
            [
                "其余",
                f"其余 {rest['group_count']} 个病组",
                count_text(rest["case_count"]),
                wan_text(rest["result_fen"]),
                *[MISSING] * 4,
            ]
        )
    table = Ruled(
        (
            "结果",
            "病组",
            "例数",
            "盈亏\n（万元）",
            "每例盈亏\n（元）",
            "95% 区间（元）",
            "同级每例\n（元）",
            "与同级比",
        ),
        (10, 54, 10, 15, 18, 34, 18, 21),
        rows,
        frozenset({2, 3, 4, 5, 6}),
    )
    few = cause_setting("compare.minimum_cases")
    return [table, f"不足 {few} 例的病组不排列，合在“其余”里；各行相加等于本科。{shares_text(meeting)}"]


def _group_row(meeting: Meeting, kind: str, row: Mapping[str, Any]) -> list[str]:
    low, high = row["low_fen"], row["high_fen"]
    return [
        kind,
        f"{row['drg']} {meeting.group_labels.get(row['drg'], '')}",
        count_text(row["case_count"]),
        wan_text(row["result_fen"]),
        yuan_text(row["per_case_fen"]),
        MISSING if low is None else f"{yuan_text(low)} 至 {yuan_text(high)}",
        yuan_text(row["peer_per_case_fen"]),
        row["verdict"] if row["peer_per_case_fen"] is not None else "同级例数少",
    ]


def shares_text(meeting: Meeting) -> str:
    """Drug and consumable shares against what the case mix leads one to expect, where it matters (S000-26)."""
    row = meeting.shares
    if row is None or not row["comparable"]:
        return ""
    texts = []
    for part, actual, expected in _shares(row):
        label = _PART_LABELS[part]
        if row[f"{part}_high"]:
            gap = points_text(actual - expected)
            texts.append(
                f"{label} {percent_text(actual)}，按本科病例组合期望 {percent_text(expected)}，"
                f"高 {gap} 个百分点，超出容差（模拟）"
            )
    return f"{'；'.join(texts)}。" if texts else "药占比、耗占比都没有超出按病例组合期望的容差（模拟）。"


def _shares(row: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    from tongpin.twin.crossing import PARTS

    found = [(part, row[actual], row[expected]) for part, actual, expected in PARTS]
    return [one for one in found if one[1] is not None and one[2] is not None]


def _cases(meeting: Meeting) -> list[DocxPart]:
    chosen = meeting.chosen
    if not chosen.cases:
        return ["本月没有达到列出条件的病例。"]
    table = Ruled(
        ("病案号", "出院日期", "住院日", "病组", "为什么看"),
        (26, 20, 12, 42, 84),
        [_case_row(meeting, one) for one in chosen.cases],
        frozenset({2}),
    )
    assumed = [one.label for one in load_meeting().reasons if one.assumed]
    more = f"有理由可看的共 {chosen.found} 例，列 {len(chosen.cases)} 例，每条理由轮流取最突出的。"
    return [table, f"{more}{'、'.join(assumed)}的界值没有文件确认（模拟）；列出不是结论，请从病历说起。"]


def _case_row(meeting: Meeting, one: LookedAt) -> Sequence[str]:
    name = meeting.group_labels.get(one.drg, "")
    return [
        one.number,
        f"{one.discharged}" if one.discharged else MISSING,
        count_text(one.stay_days),
        f"{one.drg} {name}".strip() or MISSING,
        "；".join(one.why),
    ]
