"""One case on one screen 病例页: every field under its Chinese name, codes with their words, lists as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.findings import SEVERITY_LABELS
from tongpin.cli.output import screen
from tongpin.records.intake.states import REVIEWED
from tongpin.records.views.shown import (
    ASIDE,
    CODE_LISTS,
    DATES,
    LISTS,
    PERSONS,
    SECTIONS,
    is_filled,
    label_of,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from tongpin.payment.lists.one import OneList
    from tongpin.records.intake.dossier import Dossier
    from tongpin.records.intake.states import Step


def show_dossier(one: Dossier, known: OneList | None = None, on: date | None = None) -> None:
    """The dossier on one screen; of a settlement list with its clock on a day and its eight dates."""
    from tongpin.payment.lists.dates import dates_words
    from tongpin.payment.lists.one import clock_words

    case = one.case
    screen.say(f"\n{case['case_id']}（{case['institution_code'] or '机构未知'}，{text_of('source', case['source'])}）")
    if one.states:
        screen.say("状态：" + " → ".join(map(_state, one.states)))
        screen.say(f"  现在：{one.states[-1].state}（{one.states[-1].why}）")
    if known is not None and on is not None:
        screen.say(f"  {clock_words(known.clock, on)}")
    dates = None if known is None else known.dates
    if dates is not None:
        screen.say(f"日期：{dates_words(dates)}")
    if one.versions:
        _show_case(one, dated=dates is not None)
    _show_versions(one)
    _show_findings(one)


def _state(step: Step) -> str:
    """A state with its day, after a review with the opinion."""
    opinion = f"（{step.why}）" if step.why.startswith(REVIEWED) else ""
    return f"{step.state}{opinion}" if step.at is None else f"{step.state} {step.at:%Y-%m-%d}{opinion}"


def _show_case(one: Dossier, *, dated: bool) -> None:
    """The fields of the case; without the dates where the eight of them stand above."""
    case = one.case
    shown = set(ASIDE | set(LISTS))
    for title, names in SECTIONS.items():
        shown |= set(names)
        if title != DATES or not dated:
            _say_fields(title, case, names, one.persons if title == PERSONS else {})
    shown |= {code for code, nested in CODE_LISTS.items() if case.get(nested)}
    _say_fields("其他", case, [name for name in case if name not in shown], {})
    extra = dict(case.get("extra") or [])
    if extra:
        screen.say("规范外字段：" + "；".join(f"{name} {value}" for name, value in extra.items()))
    if case.get("item_due"):
        screen.say(f"填报：应填 {case['item_due']} 项，已填 {case['item_filled']} 项")
    screen.say(f"来源：{case['file']} 第 {case['record']} 条")
    for name in LISTS:
        entries = case.get(name) or []
        if not entries:
            continue
        parts = list(dict.fromkeys(part for entry in entries for part in entry if is_filled(entry[part])))
        screen.table(
            label_of(name),
            [label_of(f"{name}.{part}") for part in parts],
            [
                [text_of(f"{name}.{part}", entry[part]) if is_filled(entry[part]) else "" for part in parts]
                for entry in entries
            ],
        )


def _say_fields(title: str, case: Mapping[str, Any], names: Iterable[str], persons: Mapping[str, str]) -> None:
    said = [f"{label_of(name)} {text_of(name, case[name])}" for name in names if is_filled(case.get(name))]
    said += [f"{label_of(name)} {value}" for name, value in persons.items()]
    if said:
        screen.say(f"{title}：" + "；".join(said))


def _show_versions(one: Dossier) -> None:
    screen.table(
        "版本",
        ["装载", "时间", "文件", "第几条", "申报时间", "改了什么"],
        [
            [
                str(version.load),
                "" if version.loaded_at is None else f"{version.loaded_at:%Y-%m-%d %H:%M}",
                version.file,
                str(version.record),
                "" if version.upload_time is None else f"{version.upload_time:%Y-%m-%d %H:%M}",
                _changes(version.changes) or ("首个版本" if version is one.versions[0] else "只是又申报了一次"),
            ]
            for version in one.versions
        ],
    )


def _changes(changes: Iterable[tuple[str, Any, Any]]) -> str:
    return "；".join(
        f"{label_of(name)}：{text_of(name, before)} → {text_of(name, now)}" for name, before, now in changes
    )


def _show_findings(one: Dossier) -> None:
    from tongpin.records.intake.finding_history import STATUS_LABELS

    if not one.findings:
        screen.say("问题：没有发现过")
        return
    screen.table(
        "问题",
        ["状态", "规则", "级别", "字段", "值", "说明", "怎么改", "装载"],
        [
            [
                STATUS_LABELS[row["status"]],
                row["rule_id"],
                SEVERITY_LABELS[row["severity"]],
                row["path"],
                row["value"],
                row["message"],
                row["hint"],
                f"{row['first_load']}" if row["status"] == "open" else f"{row['first_load']}，{row['last_load']} 改正",
            ]
            for row in sorted(one.findings, key=lambda row: (row["status"] != "open", row["rule_id"]))
        ],
    )
