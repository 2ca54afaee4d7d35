"""The filing sheet 填报表: every indicator with its figure, last year's, what is missing, who files it; xlsx for A4."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.base.findings import SEVERITY_LABELS
from tongpin.measures.guokao.catalogue import KIND_LABELS, SINGLE_DISEASES, load_items
from tongpin.measures.guokao.tasks import EVENT_LABELS, due_of
from tongpin.report.words import MISSING, number_text, yuan_text
from tongpin.report.xlsx import Column, Sheet, write_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from tongpin.base.findings import Finding
    from tongpin.measures.guokao.catalogue import Indicator
    from tongpin.measures.guokao.checks import Change
    from tongpin.measures.guokao.proposal import Proposed
    from tongpin.measures.guokao.score import Standing
    from tongpin.measures.guokao.tables import Step
    from tongpin.measures.guokao.tasks import Task
    from tongpin.measures.guokao.values import HospitalYear

SIMULATED = "模拟"


def figure_text(value: float | None, unit: str) -> str:
    """A figure as people write it, with two decimals; counts whole; a dash where there is none."""
    if value is None:
        return MISSING
    if value == int(value) and unit not in {"%", "元", "分"}:
        return number_text(value, 0)
    digits = 2 if unit in {"%", "元", "分", "天", "比值", "1:x"} or abs(value) >= 1 else 4
    text = number_text(value, digits)
    return f"{text}%" if unit == "%" else text


def change_text(change: Change | None) -> str:
    """The change since last year in percent, with its sign."""
    if change is None:
        return MISSING
    if change.change is None:
        return "上年为零"
    return f"{'+' * (change.change > 0)}{number_text(change.change, 1)}%"


def write_sheet(
    path: Path,
    known: HospitalYear,
    tables: tuple[pa.Table, pa.Table],
    found: Sequence[Change],
    tasks: Mapping[str, Task],
    steps: Sequence[Step],
    findings: Sequence[Finding],
    notices: Sequence[str],
) -> None:
    """The workbook: figures, items, findings, forms of income shares, account, calendar, formulas.

    `tables` are the figures of the indicators and the extra ones. Source: S909-01.
    """
    title = f"{known.hospital.name} {known.year} 年度绩效考核填报表"
    values, extra = tables
    rows = sheet_rows(values, found, tasks, steps)
    sheets = [
        Sheet("填报表", title, _COLUMNS, _without_parts(rows, known.indicators), notices, freeze_columns=2),
        Sheet("单病种", f"{known.year} 年单病种质量控制", _PART_COLUMNS, _parts(rows), empty="手册没有这一项"),
        Sheet("数据项", f"{known.year} 年数据项", _ITEM_COLUMNS, item_rows(known), freeze_columns=2),
        Sheet("核对", f"{known.year} 年核对", _FINDING_COLUMNS, _finding_rows(findings), empty="没有问题"),
        Sheet("收入结构与展望", "药占比、耗占比的各种口径与展望指标（不评分）", _EXTRA_COLUMNS, _extra_rows(extra)),
        Sheet("台账", f"{known.year} 年填报台账", _EVENT_COLUMNS, _event_rows(tasks), empty="还没有记录"),
        Sheet("日历", f"{known.year} 年度填报日历", _STEP_COLUMNS, _step_rows(steps)),
        Sheet("算式", "指标算式与依据", _FORMULA_COLUMNS, _formula_rows(known.indicators)),
    ]
    write_workbook(sheets, path, title=title, subject="绩效考核填报")


_COLUMNS = (
    Column("sub", "编号", width=7),
    Column("name", "指标", width=26),
    Column("unit", "单位", width=9),
    Column("direction", "导向", width=9),
    Column("monitored", "国家监测", width=6),
    Column("value", "本年", width=13),
    Column("simulated", "模拟", width=6),
    Column("last", "上年（同期）", width=12),
    Column("change", "变化", width=10),
    Column("source", "来源", width=14),
    Column("missing", "缺什么、说明", width=34),
    Column("owner", "责任科室", width=11),
    Column("evidence", "佐证", width=14),
    Column("state", "状态", width=9),
    Column("due", "期限", width=11),
)


def sheet_rows(
    values: pa.Table, found: Sequence[Change], tasks: Mapping[str, Task], steps: Sequence[Step]
) -> list[dict[str, Any]]:
    """The rows of the filing sheet, in the order of the manual (S909-01)."""
    changes = {one.sub: one for one in found}
    rows = []
    for row in values.to_pylist():
        task, change = tasks[row["no"]], changes.get(row["sub"])
        due = due_of(task, steps)
        notes = [row["reason"] or ""]
        if row["months"]:
            notes.append(f"只及 {row['months']}")
        if change is not None and change.months and change.months != row["months"]:
            notes.append(f"变化只比 {change.months}：{figure_text(change.value, row['unit'])}")
        if change is not None and change.is_large:
            notes.append(f"变化原因：{task.reason}" if task.reason else "变化大，须说明原因")
        rows.append(
            {
                **{name: row[name] for name in ("no", "sub", "name", "unit", "direction")},
                "monitored": "是" if row["monitored"] else "",
                "value": figure_text(row["value"], row["unit"]),
                "simulated": SIMULATED if row["assumed"] and row["value"] is not None else "",
                "last": MISSING if change is None else figure_text(change.last, row["unit"]),
                "change": change_text(change),
                "source": row["source"] or "",
                "missing": "；".join(filter(None, notes)),
                "owner": task.owner,
                "evidence": "、".join(one["name"] for one in task.evidence),
                "state": task.state,
                "due": str(due.due) if due else "",
            }
        )
    return rows


_PART_COLUMNS = tuple(
    one for one in _COLUMNS if one.name in {"sub", "name", "unit", "value", "simulated", "last", "change", "missing"}
)


def _parts(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The figures of the single diseases."""
    return [row for row in rows if row["no"] == SINGLE_DISEASES and row["sub"] != SINGLE_DISEASES]


def _without_parts(rows: Sequence[Mapping[str, Any]], indicators: Mapping[str, Indicator]) -> list[Mapping[str, Any]]:
    """The sheet with one line for the single diseases, whose figures stand on a sheet of their own."""
    parts = _parts(rows)
    kept: list[Mapping[str, Any]] = []
    for row in rows:
        if row not in parts:
            kept.append(row)
        elif row is parts[0]:
            large = sum("须说明" in part["missing"] for part in parts)
            told = f"见“单病种”页；{large} 个数变化大，须说明原因" if large else "见“单病种”页"
            whole = {"sub": row["no"], "name": indicators[row["no"]].name, "unit": "各项", "missing": told}
            kept.append({**row, **whole, "value": "", "simulated": "", "last": "", "change": ""})
    return kept


_ITEM_COLUMNS = (
    Column("id", "项目代码", width=30),
    Column("label", "数据项", width=34),
    Column("unit", "单位", width=8),
    Column("recorded", "由记录算得", width=16),
    Column("months", "月份", width=22),
    Column("filed", "填报（全年）", width=18),
    Column("document", "来源文件", width=28),
    Column("owner", "责任科室", width=12),
)


def item_rows(known: HospitalYear) -> list[dict[str, Any]]:
    """Every item that the indicators use: what records give, what was filed and by which document."""
    used = {item for one in known.indicators.values() for part in one.parts for item in part.items}
    rows = []
    for item in load_items().values():
        if item.id not in used or item.id.startswith("disease."):
            continue
        by_month = known.this.recorded.flows.get(item.id, {})
        stock = known.this.recorded.stocks.get(item.id)
        total = sum(by_month.values()) if by_month else stock
        filed = known.this.filed.yearly.get(item.id)
        rows.append(
            {
                "id": item.id,
                "label": item.label,
                "unit": item.unit,
                "recorded": "" if total is None else figure_text(float(total), item.unit),
                "months": "、".join(sorted(by_month)),
                "filed": "" if filed is None else figure_text(float(filed.value), item.unit),
                "document": "" if filed is None else filed.document,
                "owner": "" if filed is None else filed.owner,
            }
        )
    return rows


_FINDING_COLUMNS = (
    Column("rule", "规则", width=9),
    Column("severity", "级别", width=7),
    Column("path", "指标或数据项", width=28),
    Column("value", "数", width=44),
    Column("message", "问题", width=48),
    Column("hint", "怎么改", width=40),
)


def _finding_rows(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {
            "rule": one.rule_id,
            "severity": SEVERITY_LABELS[one.severity],
            **{name: getattr(one, name) for name in ("path", "value", "message", "hint")},
        }
        for one in findings
    ]


_EXTRA_COLUMNS = (
    Column("sub", "编号", width=9),
    Column("name", "口径", width=42),
    Column("value", "数", width=14),
    Column("note", "缺什么、范围", width=60),
)


def _extra_rows(extra: pa.Table) -> list[dict[str, Any]]:
    return [
        {
            "sub": row["sub"],
            "name": row["name"],
            "value": figure_text(row["value"], row["unit"])
            + (f"（{SIMULATED}）" if row["assumed"] and row["value"] is not None else ""),
            "note": row["reason"] or (f"只及 {row['months']}" if row["months"] else "全年"),
        }
        for row in extra.to_pylist()
    ]


_EVENT_COLUMNS = (
    Column("no", "编号", width=7),
    Column("on", "日期", width=12),
    Column("event", "事项", width=10),
    Column("told", "内容", width=80),
    Column("actor", "经手人", width=12),
)


def _event_rows(tasks: Mapping[str, Task]) -> list[dict[str, Any]]:
    happened = sorted((event for task in tasks.values() for event in task.history), key=lambda one: one.number)
    return [
        {
            "no": one.no,
            "on": str(one.on),
            "event": EVENT_LABELS[one.event],
            "told": told(one.event, one.body),
            "actor": one.actor,
        }
        for one in happened
    ]


def told(event: str, body: Mapping[str, Any]) -> str:
    """What an event of the account says, in one line."""
    match event:
        case "assigned":
            return f"责任科室：{body['dept']}"
        case "evidence":
            return f"{body['name']}（{body['bytes']:,} 字节，摘要 {body['sha256'][:16]}）"
        case "reason":
            return str(body["text"])
        case "returned":
            document = f"（{body['document']}）" if body["document"] else ""
            return f"{body['reason']}{document}"
        case _:
            paper = f"{body['document']}：" if body.get("document") else ""
            return paper + "；".join(
                f"{one['sub']} = {MISSING if one['value'] is None else number_text(one['value'], 2)}（{one['source']}）"
                for one in body["figures"]
            )


_STEP_COLUMNS = (
    Column("label", "事项", width=34),
    Column("due", "期限", width=14),
    Column("basis", "依据", width=18),
    Column("assumed", "说明", width=24),
)


def _step_rows(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [
        {
            "label": one.label,
            "due": str(one.due),
            "basis": one.reference,
            "assumed": "日期为假定，以通知为准" if one.is_assumed else "",
        }
        for one in steps
    ]


_FORMULA_COLUMNS = (
    Column("number", "编号", width=7),
    Column("name", "指标", width=32),
    Column("category", "类别", width=20),
    Column("kind", "怎样得出", width=12),
    Column("formula", "算式", width=60),
    Column("note", "口径说明", width=44),
    Column("reference", "依据", width=26),
)


def _formula_rows(indicators: Mapping[str, Indicator]) -> list[dict[str, Any]]:
    return [
        {
            **{name: getattr(one, name) for name in ("number", "name", "category", "formula", "note")},
            "kind": KIND_LABELS[one.kind],
            "reference": one.reference + ("（假定）" if one.assumed else ""),
        }
        for one in indicators.values()
    ]


_SCORE_COLUMNS = (
    Column("sub", "编号", width=8),
    Column("name", "指标", width=30),
    Column("direction", "导向", width=10),
    Column("value", "本院", width=12),
    Column("low", "同级最低", width=12),
    Column("median", "同级中位", width=12),
    Column("high", "同级最高", width=12),
    Column("peers", "同级家数", kind="count", width=8),
    Column("weight", "权重", kind="number", width=9),
    Column("score", "得分率（模拟）", kind="number", width=10),
    Column("points", "得分（模拟）", kind="number", width=10),
    Column("method", "办法", width=12),
    Column("reason", "不评的原因", width=36),
)
_PROPOSAL_COLUMNS = (
    Column("sub", "编号", width=8),
    Column("name", "薄弱指标", width=28),
    Column("value", "本院", width=12),
    Column("median", "同级中位", width=12),
    Column("weight", "权重", kind="number", width=9),
    Column("amount", "建议投入（元，模拟）", width=20),
    Column("text", "可以投入什么", width=56),
    Column("department", "提方案的科室", width=14),
)


def write_scores(
    path: Path,
    title: str,
    scores: pa.Table,
    units: Mapping[str, str],
    result: Standing,
    proposed: Sequence[Proposed],
    notices: Sequence[str],
) -> None:
    """The workbook of a simulation: 评分模拟 and 结余投向建议; every figure says 模拟."""
    rows = [
        {
            **row,
            **{name: figure_text(row[name], units.get(row["sub"], "")) for name in ("value", "low", "median", "high")},
        }
        for row in _merged(scores.to_pylist())
    ]
    total = {"name": "合计（可评部分，模拟）", "weight": result.scorable, "points": result.points}
    offers = [proposal_row(one, units) for one in proposed]
    write_workbook(
        [
            Sheet("评分模拟", title, _SCORE_COLUMNS, rows, (*notices, *result.notes), totals=[total], freeze_columns=2),
            Sheet(
                "结余投向建议", f"{title}：结余投向建议", _PROPOSAL_COLUMNS, offers, notices, empty="没有可列的薄弱指标"
            ),
        ],
        path,
        title=title,
        subject="绩效考核评分模拟",
    )


def _merged(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """One line for the single diseases where none of their figures is scored."""
    many = [row for row in rows if row["no"] == SINGLE_DISEASES]
    if len(many) <= 1 or any(row["score"] is not None for row in many):
        return list(rows)
    whole = {"sub": SINGLE_DISEASES, "name": "单病种质量控制（各项）", "weight": sum(row["weight"] for row in many)}
    one = {**many[0], **whole, **dict.fromkeys(("value", "low", "median", "high"))}
    return [one if row is many[0] else row for row in rows if row is many[0] or row["no"] != SINGLE_DISEASES]


def proposal_row(one: Proposed, units: Mapping[str, str]) -> dict[str, Any]:
    """A weak indicator as a row of texts."""
    return {
        **{name: getattr(one, name) for name in ("sub", "name", "weight", "text", "department")},
        **{name: figure_text(getattr(one, name), units[one.sub]) for name in ("value", "median")},
        "amount": yuan_text(one.amount_fen) if one.amount_fen else MISSING,
    }
