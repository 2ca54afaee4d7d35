"""`tongpin report meeting`, `tongpin report monthly`: the pack of a department's meeting, the reports of a month."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tongpin.twin.monthly.meeting import Meeting
    from tongpin.twin.monthly.report import Monthly

SHOWN = 30
"""How many departments a screen shows; all of them are in the folder."""


def _day(on: datetime | None) -> date:
    return date.today() if on is None else on.date()  # noqa: DTZ011 - the day of the person at the desk


def meeting(
    home_path: Path | None, month: str, hospital: str, dept: str | None, on: datetime | None, area: str | None
) -> None:
    """Write the pack of a department, or of every department of a hospital into a folder of its own."""
    from tongpin.report.words import count_text, wan_text
    from tongpin.store.home import Home
    from tongpin.twin.monthly.meeting import meetings_in_home
    from tongpin.twin.monthly.meeting_docx import write_meeting_docx
    from tongpin.twin.monthly.papers import file_stem

    home = Home.open(home_path)
    packs = meetings_in_home(home, month, hospital, _day(on), dept, area)
    folder = home.reports
    if dept is None:
        folder = folder / file_stem("科室例会", packs[0].hospital_name, month)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for one in packs:
        path = folder / f"{file_stem('科室例会', one.hospital_name, one.dept_label, month)}.docx"
        write_meeting_docx(one, path)
        paths.append(path)
    screen.give(
        {
            "ok": True,
            "month": month,
            "hospital": packs[0].hospital,
            "departments": [_meeting_data(one) | {"report": str(path)} for one, path in zip(packs, paths, strict=True)],
            "notices": packs[0].notices,
            "notes": packs[0].notes,
        }
    )
    screen.table(
        f"{packs[0].hospital_name} {month} 科室例会（列 {min(len(packs), SHOWN)} 个科室，共 {len(packs)} 个）",
        ["科室", "结算例数", "盈亏（万元）", "超出区间的变化", "请看的病例"],
        [
            [
                one.dept_label,
                count_text(one.money["case_count"]),
                wan_text(one.money["result_fen"]),
                "；".join(changed.figure.measure.label for changed in one.changes if changed.times > 1),
                count_text(len(one.chosen.cases)),
            ]
            for one in packs[:SHOWN]
        ],
    )
    for note in (*packs[0].notices, *packs[0].notes):
        screen.say(f"· {note}")
    screen.findings([finding for one in packs for finding in one.chosen.refused])
    where = paths[0] if len(paths) == 1 else folder
    screen.say(f"科室例会（A4 一页）：{where}", f"meeting packs (A4): {where}")
    screen.say(f"接着做：tongpin report monthly --month {month} --hospital {hospital}（月报）；tongpin explain 结算号")


def _meeting_data(one: Meeting) -> dict[str, Any]:
    return {
        "dept": one.dept,
        "label": one.dept_label,
        "money": dict(one.money),
        "changes": [
            {
                "measure": changed.figure.measure.id,
                "label": changed.figure.measure.label,
                "value": changed.figure.value,
                "low": changed.figure.low,
                "high": changed.figure.high,
                "kind": changed.kind,
                "times": changed.times,
                "reading": changed.reading,
                "references": {kind: compared.reference for kind, compared in changed.comparisons.items()},
            }
            for changed in one.changes
        ],
        "best": [dict(row) for row in one.best],
        "worst": [dict(row) for row in one.worst],
        "rest": None if one.rest is None else dict(one.rest),
        "cases": [case._asdict() for case in one.chosen.cases],
        "found": one.chosen.found,
        "refused": [finding.as_dict() for finding in one.chosen.refused],
    }


def monthly(
    home_path: Path | None, month: str, hospital: str, dept: str | None, on: datetime | None, area: str | None
) -> None:
    """Show both desks of a month and write the report of a hospital or department, on paper and as a workbook."""
    from tongpin.measures.compare import MONTH, PEERS, YEAR
    from tongpin.measures.papers import value_text
    from tongpin.store.home import Home
    from tongpin.twin.monthly.papers import change_text, file_stem, reference_text
    from tongpin.twin.monthly.report import monthly_in_home
    from tongpin.twin.monthly.report_docx import write_monthly_docx
    from tongpin.twin.monthly.report_xlsx import write_monthly_xlsx
    from tongpin.twin.monthly.words import (
        account_change,
        account_text,
        account_title,
        lists_line,
        reading_of_row,
        title_of,
    )

    home = Home.open(home_path)
    report = monthly_in_home(home, month, hospital, _day(on), dept, area)
    what = "医院月报" if report.dept is None else "科室月报"
    stem = file_stem(what, report.hospital_name, report.dept_label, month)
    home.reports.mkdir(parents=True, exist_ok=True)
    paper, path = home.reports / f"{stem}.docx", home.reports / f"{stem}.xlsx"
    write_monthly_docx(report, paper)
    write_monthly_xlsx(report, path)
    screen.give(_monthly_data(report) | {"paper": str(paper), "report": str(path)})
    screen.table(
        f"{title_of(report)} · 医保结算",
        ["项目", "本月", "上月", "环比", "上年同月", "同比"],
        [
            [
                account_title(one),
                account_text(one, one.value),
                account_text(one, one.before[MONTH]),
                account_change(one, MONTH),
                account_text(one, one.before[YEAR]),
                account_change(one, YEAR),
            ]
            for one in report.account
        ],
    )
    raw = next((section.raw for section in report.sections if section.kind == "figures"), ())
    screen.table(
        "绩效考核",
        ["指标", "本月", "环比", "同比", "同级", "怎么看"],
        [
            [
                one.figure.measure.label,
                value_text(one.figure.value, one.figure.measure.unit),
                change_text(one.beside.get(MONTH), one.figure.measure.unit),
                change_text(one.beside.get(YEAR), one.figure.measure.unit),
                reference_text(one.beside.get(PEERS), one.figure.measure.unit),
                reading_of_row(one, raw),
            ]
            for one in report.figures
        ],
    )
    for section in report.sections:
        if section.id in report.missing:
            screen.say(f"· {section.label}没有列：{report.missing[section.id]}")
    screen.say(f"未了清单（截至 {report.on}）：{lists_line(report.lists)}")
    for note in (*report.notices, *report.notes):
        screen.say(f"· {note}")
    screen.say(f"{what}（A4）：{paper}", f"report (A4): {paper}")
    screen.say(f"{what}（表格）：{path}", f"workbook: {path}")
    screen.say(
        f"接着做：tongpin causes --month {month} --hospital {hospital}（为什么）；tongpin report meeting（例会）"
    )


def _monthly_data(report: Monthly) -> dict[str, Any]:
    return {
        "ok": True,
        "month": report.month,
        "hospital": report.hospital,
        "dept": report.dept,
        "account": {
            one.column.name: {"value": one.value, **one.before, "by_fund": dict(one.by_fund), "note": one.note}
            for one in report.account
        },
        "figures": {
            one.figure.measure.id: {
                "value": one.figure.value,
                "note": one.figure.note,
                **{
                    kind: {"reference": beside.reference, "reading": beside.reading}
                    for kind, beside in one.beside.items()
                },
            }
            for one in report.figures
        },
        "national": [one._asdict() for one in report.national],
        "gains": [dict(row) for row in report.gains],
        "losses": [dict(row) for row in report.losses],
        "units": [{"code": one.code, "label": one.label, "account": one.account} for one in report.units],
        "causes": [] if report.causes is None else [one.cause.label for one in report.causes.causes],
        "lists": [one._asdict() for one in report.lists],
        "missing": dict(report.missing),
        "notices": report.notices,
        "notes": report.notes,
    }
