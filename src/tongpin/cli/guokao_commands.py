"""`tongpin guokao`: figures, the filing sheet, its progress, the self-check and the simulation of scores."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from tongpin.cli.output import screen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from tongpin.base.findings import Finding
    from tongpin.measures.guokao.checks import Change
    from tongpin.measures.guokao.hospital import Hospital
    from tongpin.measures.guokao.tasks import Desk, Task
    from tongpin.measures.guokao.values import HospitalYear
    from tongpin.store.home import Home


def sheet(
    home_path: Path | None,
    year: int,
    institution: str | None,
    scheme: str | None,
    risk: Path | None,
    output: Path | None,
) -> None:
    """Write the filing sheet of a hospital-year and say what is still missing."""
    from tongpin.measures.guokao.sheet_xlsx import sheet_rows, write_sheet
    from tongpin.measures.guokao.tables import calendar_of

    home = _home(home_path)
    known, values, found, findings = _known(home, year, institution, scheme, risk)
    tasks, steps = _desk(home, known.hospital, year).tasks(), calendar_of(year, home)
    notices = _notices(home, known)
    path = output or _report(home, f"国考填报表-{known.hospital.name}-{year}.xlsx")
    write_sheet(path, known, (values, known.extra_values()), found, tasks, steps, findings, notices)
    rows = sheet_rows(values, found, tasks, steps)
    screen.give(
        {
            "ok": True,
            "hospital": known.hospital.code,
            "manual": known.hospital.manual.manual,
            "report": str(path),
            "values": values.to_pylist(),
            "extra": known.extra_values().to_pylist(),
            "tasks": [_task(one) for one in tasks.values()],
            "findings": [one.as_dict() for one in findings],
            "notes": notices,
        }
    )
    screen.table(
        f"{known.hospital.name} {year} 年度国家监测指标",
        ["编号", "指标", "导向", "本年", "上年（同期）", "变化", "来源", "状态"],
        [
            [row[name] for name in ("sub", "name", "direction", "value", "last", "change", "source", "state")]
            for row in rows
            if row["monitored"] and known.indicators[row["no"]].kind != "vector"
        ],
    )
    formed = sum(1 for one in known.indicators if _formed(values, one))
    screen.say(f"{len(known.indicators)} 项指标，{formed} 项有数；问题 {len(findings)} 条（tongpin guokao check）")
    for note in notices:
        screen.say(note)
    screen.say(f"填报表：{path}", f"filing sheet: {path}")
    screen.say("下一步：缺的数按“数据项”页的项目代码填报（finance）后装载；tongpin guokao assign 分派责任科室")


def show(
    home_path: Path | None, number: str, year: int, institution: str | None, scheme: str | None, risk: Path | None
) -> None:
    """Everything about one indicator."""
    from tongpin.measures.guokao.catalogue import KIND_LABELS, load_items
    from tongpin.measures.guokao.sheet_xlsx import change_text, figure_text, told
    from tongpin.measures.guokao.tasks import EVENT_LABELS

    home = _home(home_path)
    known, values, found, _ = _known(home, year, institution, scheme, risk)
    one = known.indicators.get(number)
    if one is None:
        raise _unknown(number)
    task = _desk(home, known.hospital, year).tasks()[number]
    rows = [row for row in values.to_pylist() if row["no"] == number]
    changes = {change.sub: change for change in found}
    screen.give(
        {
            "ok": True,
            "hospital": known.hospital.code,
            "indicator": one.model_dump(),
            "values": rows,
            "changes": [changes[row["sub"]]._asdict() for row in rows if row["sub"] in changes],
            "task": _task(task),
        }
    )
    screen.say(f"{number} {one.name}（{one.category}；{one.direction}；{KIND_LABELS[one.kind]}）")
    screen.say(f"算式：{one.formula}{'（假定）' * one.assumed}　依据：{one.reference}")
    if one.note:
        screen.say(f"口径：{one.note}")
    screen.table(
        f"{known.hospital.name} {year}",
        ["编号", "数", "分子", "分母", "来源", "月份", "上年", "变化", "缺什么"],
        [
            [
                f"{row['sub']} {row['name']}" if len(rows) > 1 else row["sub"],
                figure_text(row["value"], row["unit"]),
                figure_text(row["numerator"], ""),
                figure_text(row["denominator"], ""),
                row["source"] or "",
                row["months"] or ("全年" if row["value"] is not None else ""),
                figure_text(changes[row["sub"]].last, row["unit"]) if row["sub"] in changes else "",
                change_text(changes.get(row["sub"])) if row["sub"] in changes else "",
                row["reason"] or "",
            ]
            for row in rows
        ],
    )
    if one.kind != "vector":
        items = dict.fromkeys(item for part in one.parts for item in part.items)
        for item in items:
            screen.say(f"数据项 {item}：{load_items()[item].label}（{load_items()[item].unit}）")
    for event in task.history:
        screen.say(f"{event.on} {EVENT_LABELS[event.event]}：{told(event.event, event.body)}")
    screen.say(f"状态：{task.state}；{_next_step(task, year)}")


def check(home_path: Path | None, year: int, institution: str | None, scheme: str | None, risk: Path | None) -> bool:
    """Show what contradicts itself, what changed, what was filed otherwise; whether there is any."""
    from tongpin.measures.guokao.sheet_xlsx import change_text

    home = _home(home_path)
    known, values, found, findings = _known(home, year, institution, scheme, risk)
    units = {row["sub"]: row["unit"] for row in values.to_pylist()}
    tasks = _desk(home, known.hospital, year).tasks()
    large = [one for one in found if one.is_large]
    notices = _notices(home, known)
    screen.give(
        {
            "ok": not findings,
            "hospital": known.hospital.code,
            "changes": [one._asdict() for one in found],
            "findings": [one.as_dict() for one in findings],
            "notes": notices,
        }
    )
    screen.table(
        f"{known.hospital.name} {year} 年自查：与上年相比变化大的指标（{len(large)} 项）",
        ["编号", "指标", "本年", "上年", "变化", "范围", "原因"],
        [
            [
                one.sub,
                one.name,
                _text(one.value, units[one.sub]),
                _text(one.last, units[one.sub]),
                change_text(one),
                one.months or "全年",
                tasks[one.no].reason or "待说明",
            ]
            for one in large
        ],
    )
    screen.findings(findings)
    for note in notices:
        screen.say(note)
    screen.say("没有问题" if not findings else "下一步：改正后再装载；变化大的用 tongpin guokao reason 说明")
    return bool(findings)


def progress(home_path: Path | None, year: int, institution: str | None, on: datetime | None) -> None:
    """Show how far the filing is: of one hospital with its indicators, or of every hospital."""
    from tongpin.measures.guokao.hospital import hospital_named, hospitals
    from tongpin.measures.guokao.tables import calendar_of

    home, today = _home(home_path), _day(on)
    steps = calendar_of(year, home)
    if institution is None:
        having = [one for one in hospitals(home, year) if one.set_name]
        chosen = having or [hospital_named(home, None, year)]
    else:
        chosen = [hospital_named(home, institution, year)]
    every = [(one, _desk(home, one, year).tasks()) for one in chosen]
    screen.give(
        {
            "ok": True,
            "year": year,
            "calendar": [one._asdict() for one in steps],
            "hospitals": [
                {"hospital": one.code, "name": one.name, "tasks": [_task(task) for task in tasks.values()]}
                for one, tasks in every
            ],
        }
    )
    _states(f"{year} 年度国考填报进度（{today}）", every, steps, today)
    if len(every) == 1:
        _one_progress(every[0][0], every[0][1], steps, today)
    screen.table(
        "日历",
        ["事项", "期限", "说明"],
        [[one.label, str(one.due), "假定，以通知为准" if one.is_assumed else one.reference] for one in steps],
    )
    screen.say(
        "下一步：tongpin guokao progress --institution 机构 看逐项"
        if len(every) > 1
        else _first_step(every[0][1], year)
    )


def assign(
    home_path: Path | None,
    year: int,
    institution: str | None,
    numbers: Sequence[str],
    dept: str,
    table: Path | None,
    on: datetime | None,
    actor: str,
) -> None:
    """Give indicators to departments."""
    home = _home(home_path)
    desk = _desk(home, _hospital(home, institution, year), year)
    owners = _owners(table) if table is not None else dict.fromkeys(numbers, dept)
    _told(desk, desk.assign(owners, _day(on), actor))


def evidence(
    home_path: Path | None,
    year: int,
    institution: str | None,
    number: str,
    files: Sequence[Path],
    on: datetime | None,
    actor: str,
) -> None:
    """Note evidence files."""
    home = _home(home_path)
    desk = _desk(home, _hospital(home, institution, year), year)
    _told(desk, desk.add_evidence(number, files, _day(on), actor))


def reason(
    home_path: Path | None, year: int, institution: str | None, number: str, text: str, on: datetime | None, actor: str
) -> None:
    """Keep the reason of a change."""
    home = _home(home_path)
    desk = _desk(home, _hospital(home, institution, year), year)
    _told(desk, desk.give_reason(number, text, _day(on), actor))


def submit(
    home_path: Path | None,
    year: int,
    institution: str | None,
    numbers: Sequence[str],
    scheme: str | None,
    risk: Path | None,
    on: datetime | None,
    actor: str,
) -> None:
    """Keep a submission with the figures as they stand."""
    from tongpin.measures.guokao.tasks import submitted_figures

    home = _home(home_path)
    known, values, found, _ = _known(home, year, institution, scheme, risk)
    desk = _desk(home, known.hospital, year)
    _told(desk, desk.submit(numbers, submitted_figures(values), found, _day(on), actor))


def take_back(
    home_path: Path | None,
    year: int,
    institution: str | None,
    number: str,
    why: str,
    document: str,
    on: datetime | None,
    actor: str,
) -> None:
    """Keep a return by the province."""
    home = _home(home_path)
    desk = _desk(home, _hospital(home, institution, year), year)
    _told(desk, desk.take_back(number, why, document, _day(on), actor))


def score(
    home_path: Path | None,
    year: int,
    institution: str | None,
    method: str,
    scheme: str | None,
    risk: Path | None,
) -> None:
    """Simulate scores, place and grade, and propose what this year's surplus could go to."""
    from tongpin.measures.guokao.proposal import propose, surplus_of
    from tongpin.measures.guokao.score import METHODS, peer_values, standing
    from tongpin.measures.guokao.score import score as score_of
    from tongpin.measures.guokao.sheet_xlsx import figure_text, proposal_row, write_scores
    from tongpin.measures.guokao.tables import score_tables
    from tongpin.report.words import number_text, wan_text

    home = _home(home_path)
    known, values, _, _ = _known(home, year, institution, scheme, risk)
    hospital = known.hospital
    weighed = score_tables(hospital.set_name, home)
    peers = peer_values(home, year, hospital.manual.manual)
    values = known.scored_values(weighed.weights)
    scored, result = score_of(values, peers, weighed, method), standing(values, peers, weighed, method)
    surplus = surplus_of(home, hospital, year)
    proposed = propose(hospital.set_name, values, peers, weighed.weights, surplus.fen)
    units = {row["sub"]: row["unit"] for row in values.to_pylist()}
    notices = [
        *_notices(home, known),
        f"模拟：权重{weighed.source}，{METHODS[method]}；官方权重与算法没有公开，不是考核结果",
    ]
    if surplus.months:
        notices.append(
            f"已关账 {'、'.join(surplus.months)} 的医保盈亏合计 {wan_text(surplus.fen)} 万元，按费用计，不推算全年"
        )
    path = _report(home, f"国考评分模拟-{hospital.name}-{year}.xlsx")
    write_scores(path, f"{hospital.name} {year} 年度评分模拟", scored, units, result, proposed, notices)
    screen.give(
        {
            "ok": True,
            "hospital": hospital.code,
            "label": "模拟",
            "scores": scored.to_pylist(),
            "standing": result._asdict(),
            "surplus_fen": surplus.fen,
            "proposal": [one._asdict() for one in proposed],
            "report": str(path),
            "notes": notices,
        }
    )
    screen.table(
        f"{hospital.name} {year} 年度评分模拟（{METHODS[method]}）",
        ["编号", "指标", "本院", "同级中位", "家数", "权重", "得分率", "得分"],
        [
            [
                row["sub"],
                row["name"],
                figure_text(row["value"], units[row["sub"]]),
                figure_text(row["median"], units[row["sub"]]),
                str(row["peers"]),
                number_text(row["weight"]),
                number_text(row["score"]),
                number_text(row["points"]),
            ]
            for row in scored.to_pylist()
            if row["score"] is not None
        ],
    )
    _unscored(scored)
    screen.say(
        f"模拟得分 {number_text(result.points)}，可评 {number_text(result.scorable)} 分，"
        f"满分 {number_text(result.total, 0)}"
    )
    if result.place is not None:
        screen.say(f"模拟：在可比的 {result.among} 家（含本院）中列第 {result.place}；等级 {result.grade or '不折算'}")
    screen.table(
        "结余投向建议（模拟）",
        ["编号", "薄弱指标", "本院", "同级中位", "建议投入（元）", "可以投入什么", "提方案的科室"],
        [
            [row[name] for name in ("sub", "name", "value", "median", "amount", "text", "department")]
            for row in (proposal_row(one, units) for one in proposed)
        ],
    )
    for note in (*notices, *result.notes):
        screen.say(note)
    screen.say(f"评分模拟：{path}", f"simulation: {path}")
    screen.say(
        "下一步：同级数据用 peer 布局装载（item_code 写 guokao.编号，manual 写手册）；改权重用 tongpin guokao tables"
    )


def _unscored(scored: pa.Table) -> None:
    """The indicators without a score, by why: no figure, too few peers, no better side."""
    why: dict[str, list[str]] = {}
    for row in scored.to_pylist():
        if row["score"] is None:
            told = "缺数" if row["value"] is None else row["reason"]
            why.setdefault(told, []).append(row["no"])
    for told, numbers in why.items():
        screen.say(f"没有评分：{'、'.join(dict.fromkeys(numbers))}（{told}）")


def tables(home_path: Path | None, year: int, institution: str | None) -> None:
    """Write the editable tables into the home."""
    from tongpin.measures.guokao.hospital import require_set
    from tongpin.measures.guokao.tables import score_tables, write_tables

    home = _home(home_path)
    set_name = require_set(_hospital(home, institution, year))
    paths = write_tables(home, set_name)
    score_tables(set_name, home)
    screen.give({"ok": True, "tables": [str(path) for path in paths]})
    for path in paths:
        screen.say(str(path))
    screen.say("下一步：改这些表（权重之和 1000），再 tongpin guokao score")


def _known(
    home: Home, year: int, institution: str | None, scheme: str | None, risk: Path | None
) -> tuple[HospitalYear, pa.Table, list[Change], list[Finding]]:
    """A hospital-year with its figures, its changes and everything a check finds."""
    from tongpin.measures.guokao.checks import all_findings, changes
    from tongpin.measures.guokao.values import hospital_year, read_risk

    known = hospital_year(home, year, institution, scheme=scheme, risk=None if risk is None else read_risk(risk))
    values = known.values()
    found = changes(*known.compared())
    tasks = _desk(home, known.hospital, year).tasks()
    reasons = {number: one.reason for number, one in tasks.items() if one.reason}
    findings = all_findings(year, known.this, list(known.indicators.values()), values, found, reasons)
    return known, values, found, findings


def _home(path: Path | None) -> Home:
    from tongpin.store.home import Home

    return Home.open(path)


def _hospital(home: Home, institution: str | None, year: int) -> Hospital:
    from tongpin.measures.guokao.hospital import hospital_named

    return hospital_named(home, institution, year)


def _desk(home: Home, hospital: Hospital, year: int) -> Desk:
    from tongpin.measures.guokao.catalogue import load_set
    from tongpin.measures.guokao.hospital import require_set
    from tongpin.measures.guokao.tasks import Desk

    return Desk(home, hospital.code, year, load_set(require_set(hospital)))


def _day(on: datetime | None) -> date:
    return date.today() if on is None else on.date()  # noqa: DTZ011 - the clerk's own day


def _report(home: Home, name: str) -> Path:
    home.reports.mkdir(parents=True, exist_ok=True)
    return home.reports / name


def _notices(home: Home, known: HospitalYear) -> list[str]:
    from tongpin.payment.month.statement_columns import synthetic_notice

    assumed = sum(1 for one in known.indicators.values() if one.assumed)
    return [
        *synthetic_notice(home),
        f"{known.hospital.manual.label}：{assumed} 项指标的算式未经公开材料确认，标“模拟”，上报前须与当年手册核对",
        *known.notes,
    ]


def _owners(path: Path) -> dict[str, str]:
    import csv

    from tongpin.base.errors import TongpinError, os_words

    try:
        reader = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
        rows = list(reader)
    except OSError as error:
        raise TongpinError("guokao.owners", os_words(error), where=str(path), hint="核对文件名") from None
    except UnicodeDecodeError:
        raise TongpinError("guokao.owners", "文件不是 UTF-8 编码", where=str(path), hint="用 UTF-8 另存") from None
    if list(reader.fieldnames or []) != ["no", "dept"]:
        raise TongpinError("guokao.owners", "分工表的列应为 no,dept", where=str(path), hint="第一行写 no,dept")
    return {row["no"]: row["dept"] or "" for row in rows}


def _task(one: Task) -> dict[str, Any]:
    return {
        "no": one.no,
        "owner": one.owner,
        "evidence": list(one.evidence),
        "reason": one.reason,
        "state": one.state,
        "submitted": [str(event.on) for event in one.submissions],
        "returned": [{"on": str(event.on), **event.body} for event in one.returns],
    }


def _told(desk: Desk, tasks: Sequence[Task]) -> None:
    screen.give({"ok": True, "hospital": desk.institution_code, "tasks": [_task(one) for one in tasks]})
    for one in tasks:
        owner = f"，责任科室 {one.owner}" if one.owner else ""
        screen.say(f"{one.no} {desk.indicators[one.no].name}：{one.state}{owner}，佐证 {len(one.evidence)} 份")
    if tasks:
        screen.say(_next_step(tasks[0], desk.year))


def _next_step(task: Task, year: int) -> str:
    from tongpin.measures.guokao.tasks import AGAIN, OPEN, OWNED, SENT

    match task.state:
        case state if state == OPEN:
            return f"下一步：tongpin guokao assign {task.no} --dept 科室 --year {year}"
        case state if state == OWNED:
            return f"下一步：tongpin guokao evidence {task.no} 文件 --year {year}"
        case state if state in {SENT, AGAIN}:
            return f"下一步：等省级审核；退回的用 tongpin guokao return {task.no} --reason 原因 --year {year}"
        case _:
            return f"下一步：tongpin guokao submit {task.no} --year {year}"


def _first_step(tasks: Mapping[str, Task], year: int) -> str:
    from tongpin.measures.guokao.tasks import STATES

    ranked = sorted(tasks.values(), key=lambda one: STATES.index(one.state))
    return _next_step(ranked[0], year)


def _states(
    title: str, every: Sequence[tuple[Hospital, Mapping[str, Task]]], steps: Sequence[Any], today: date
) -> None:
    from tongpin.measures.guokao.tasks import STATES

    screen.table(
        title,
        ["医院", "手册", *STATES, "过期"],
        [
            [
                one.name,
                one.manual.manual,
                *(str(sum(task.state == state for task in tasks.values())) for state in STATES),
                str(sum(_is_late(task, steps, today) for task in tasks.values())),
            ]
            for one, tasks in every
        ],
    )


def _is_late(task: Task, steps: Sequence[Any], today: date) -> bool:
    from tongpin.measures.guokao.tasks import due_of

    due = due_of(task, steps)
    return due is not None and today > due.due


def _one_progress(hospital: Hospital, tasks: Mapping[str, Task], steps: Sequence[Any], today: date) -> None:
    from tongpin.measures.guokao.catalogue import load_set
    from tongpin.measures.guokao.tasks import due_of

    names = load_set(hospital.set_name)
    rows = []
    for task in tasks.values():
        due = due_of(task, steps)
        late = (
            f"{due.due}（过期 {(today - due.due).days} 天）" if due and today > due.due else str(due.due) if due else ""
        )
        back = task.returns[-1].body["reason"] if task.returns and not task.is_sent else ""
        rows.append([task.no, names[task.no].name, task.owner, str(len(task.evidence)), task.state, late, back])
    screen.table(f"{hospital.name}：逐项", ["编号", "指标", "责任科室", "佐证", "状态", "期限", "退回原因"], rows)
    owners = sorted({task.owner for task in tasks.values() if task.owner})
    for owner in owners:
        mine = [task for task in tasks.values() if task.owner == owner]
        screen.say(f"{owner}：{len(mine)} 项，已提交 {sum(task.is_sent for task in mine)} 项")


def _formed(values: pa.Table, number: str) -> bool:
    mine = [row for row in values.select(["no", "value"]).to_pylist() if row["no"] == number]
    return any(row["value"] is not None for row in mine)


def _text(value: float, unit: str) -> str:
    from tongpin.measures.guokao.sheet_xlsx import figure_text

    return figure_text(value, unit)


def _unknown(number: str) -> Exception:
    from tongpin.base.errors import TongpinError

    return TongpinError("guokao.number", f"手册里没有指标 {number}", hint="用 tongpin guokao progress 看编号")
