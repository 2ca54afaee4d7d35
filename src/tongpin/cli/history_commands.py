"""`tongpin show` and `tongpin findings`: what a home knows of one case, and which findings still wait for someone."""

from __future__ import annotations

import csv
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tongpin.base.errors import StoreError
from tongpin.base.findings import RESULT_LABELS, SEVERITY_LABELS
from tongpin.cli.case_screen import show_dossier
from tongpin.cli.output import EXAMPLES, screen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.payment.lists.one import OneList
    from tongpin.records.intake.dossier import Dossier
    from tongpin.store.home import Home

CSV_HEADS = {
    "status": "状态",
    "rule_id": "规则",
    "severity": "级别",
    "institution_code": "机构",
    "case_id": "病例号",
    "file": "文件",
    "record": "第几条",
    "path": "字段",
    "value": "值",
    "message": "说明",
    "hint": "怎么改",
    "spoils": "影响",
    "first_load": "首次装载",
    "last_load": "最近变动的装载",
}


def show(home_path: Path | None, case_id: str, as_of: int | None) -> None:
    """Everything the home knows of one case; of a settlement list also its clock and its eight dates today."""
    from tongpin.cli.lists_commands import today
    from tongpin.payment.lists.one import one_list
    from tongpin.records.intake.dossier import LIST_SOURCE, dossiers
    from tongpin.store.home import Home

    home = Home.open(home_path)
    if not home.lake.exists():
        raise _unknown(case_id)
    on = today()
    known = one_list(home, case_id, on)
    found = dossiers(home, case_id, as_of=as_of, further={code: one.further(on) for code, one in known.items()})
    if not found:
        raise _unknown(case_id)
    clocks = {} if as_of is not None else known  # the clock is that of today

    def clock_of(one: Dossier) -> OneList | None:
        return clocks.get(one.case["institution_code"]) if one.case["source"] == LIST_SOURCE else None

    cases = [_as_dict(one) | _clock_dict(clock_of(one)) for one in found]
    screen.give({"ok": True, "case_id": case_id, "as_of": as_of, "cases": cases})
    for one in found:
        show_dossier(one, clock_of(one), on)


def _clock_dict(one: OneList | None) -> dict[str, Any]:
    """The clock and the dates as plain data."""
    return {} if one is None else {"clock": _plain(one.clock), "dates": _plain(one.dates)}


def _unknown(case_id: str) -> StoreError:
    return StoreError("show.unknown", f"没有装载过 {case_id}", hint="检查结算号或病例号；先用 tongpin load 装载")


def _as_dict(one: Dossier) -> dict[str, Any]:
    """The dossier as plain data."""
    return {
        "case": {name: _plain(value) for name, value in one.case.items() if value not in (None, [])},
        "persons": one.persons,
        "versions": [{name: _plain(value) for name, value in vars(version).items()} for version in one.versions],
        "findings": [{name: _plain(value) for name, value in row.items()} for row in one.findings],
        "states": [{"at": _plain(step.at), "state": step.state, "why": step.why} for step in one.states],
        "state": one.states[-1].state if one.states else None,
    }


def _plain(value: Any) -> Any:
    """A value for machines: dates as ISO texts, amounts as they are."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return value


def findings(home_path: Path | None, institution: str | None, case_id: str | None, *, everything: bool) -> bool:
    """The findings that wait for someone, by rule; true when there are errors among them."""
    import pyarrow.compute as pc

    from tongpin.records.intake.lake_tables import FINDINGS, read_loaded
    from tongpin.store.home import Home

    home = Home.open(home_path)
    table = read_loaded(home, FINDINGS)
    if not everything:
        table = table.filter(pc.equal(table["status"], "open"))
    for name, wanted in (("institution_code", institution), ("case_id", case_id)):
        if wanted is not None:
            table = table.filter(pc.equal(table[name], wanted))
    rows = table.to_pylist()
    path = _write(home, rows) if rows else None
    ranked = _ranked(rows)
    screen.give(
        {
            "ok": not any(row["severity"] == "error" and row["status"] == "open" for row in rows),
            "rules": [{**_rule(group), "count": len(group)} for group in ranked],
            "findings": [{name: _plain(value) for name, value in row.items()} for row in rows],
            "findings_file": None if path is None else str(path),
        }
    )
    if not rows:
        screen.say("没有待处理的问题" if not everything else "没有发现过问题")
        return False
    screen.table(
        f"{'全部' if everything else '待处理的'}问题 {len(rows):,} 条",
        ["规则", "条数", "级别", "问题", "怎么改", "影响"],
        [
            [
                group[0]["rule_id"],
                f"{len(group):,}",
                SEVERITY_LABELS[group[0]["severity"]],
                group[0]["message"],
                group[0]["hint"],
                "、".join(RESULT_LABELS.get(one, one) for one in group[0]["spoils"] or []),
            ]
            for group in ranked
        ],
    )
    for group in ranked[:EXAMPLES]:
        screen.say(_example(group))
    screen.say(f"全部问题：{path}")
    return any(row["severity"] == "error" and row["status"] == "open" for row in rows)


def _ranked(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The findings by rule, the largest group first."""
    by_rule: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_rule.setdefault(row["rule_id"], []).append(row)
    return sorted(by_rule.values(), key=lambda group: (-len(group), group[0]["rule_id"]))


def _rule(group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: group[0][name] for name in ("rule_id", "severity", "message", "hint", "spoils")}


def _example(group: Sequence[Mapping[str, Any]]) -> str:
    """One of the findings of a rule, and how many more there are of the same cause."""
    one = group[0]
    subject = f"清单 {one['case_id']}（{one['institution_code'] or '机构未知'}）" if one["case_id"] else one["file"]
    value = f" · {one['path']} = “{one['value']}”" if one["path"] else f" · {one['value']}" if one["value"] else ""
    more = f"；同一原因 {len(group):,} 份" if len(group) > 1 else ""
    place = f"，{one['file']} 第 {one['record']} 条" if one["record"] else ""
    return f"例 {one['rule_id']}：{subject}{place}{value}{more}"


def _write(home: Home, rows: Sequence[Mapping[str, Any]]) -> Path:
    """The findings as a CSV that a spreadsheet opens; its path."""
    from tongpin.records.intake.finding_history import STATUS_LABELS

    home.reports.mkdir(parents=True, exist_ok=True)
    path = home.reports / "问题清单.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_HEADS.values())
        for row in rows:
            said = dict(row) | {
                "status": STATUS_LABELS[row["status"]],
                "severity": SEVERITY_LABELS[row["severity"]],
                "record": row["record"] or "",
                "spoils": "、".join(RESULT_LABELS.get(one, one) for one in row["spoils"] or []),
            }
            writer.writerow([said[name] for name in CSV_HEADS])
    return path
