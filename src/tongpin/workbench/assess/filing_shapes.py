"""Filing shapes 填报表的形状: the sheet and one indicator as answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel

from tongpin.base.errors import TongpinError
from tongpin.base.findings import SEVERITY_LABELS
from tongpin.measures.guokao.catalogue import KIND_LABELS, load_items, load_settings
from tongpin.measures.guokao.compute import FILED_LABEL
from tongpin.measures.guokao.sheet_xlsx import change_text, figure_text, sheet_rows, told
from tongpin.measures.guokao.tasks import EVENT_LABELS, SUBMITTED, due_of

if TYPE_CHECKING:
    from tongpin.measures.guokao.tasks import Event
    from tongpin.workbench.assess.filing import Filing
    from tongpin.workbench.sign_in.identity import Identity

MONEY_UNITS = frozenset({"元", "万元", "亿元"})
HIDDEN = "本岗位不看金额"
Where = Literal["records", "filed", "missing"]


class GuokaoHospital(BaseModel):
    """A hospital and the manual that it is assessed by."""

    code: str
    name: str
    manual: str
    manual_label: str


class GuokaoRow(BaseModel):
    """A figure of the sheet: as text with its unit, where it comes from, why it is missing, who files it, how far."""

    no: str
    sub: str
    name: str
    category: str
    unit: str
    direction: str
    monitored: bool
    kind_label: str
    value: str
    where: Where
    source: str
    simulated: bool
    last: str
    change: str
    is_large: bool
    notes: str
    owner: str
    evidence: int
    reason: str
    state: str
    due: str
    is_late: bool


class GuokaoStep(BaseModel):
    """A step of the calendar; `is_past` today."""

    id: str
    label: str
    due: str
    is_past: bool
    note: str


class GuokaoFinding(BaseModel):
    """What a check found."""

    rule_id: str
    severity: str
    severity_label: str
    path: str
    value: str
    message: str
    hint: str


class GuokaoSheet(BaseModel):
    """The filing sheet of a hospital-year: figures, calendar, progress by state, findings, and what may be done."""

    hospital: GuokaoHospital
    year: int
    today: str
    rows: list[GuokaoRow]
    calendar: list[GuokaoStep]
    states: dict[str, int]
    owners: dict[str, int]
    late: int
    formed: int
    indicators: int
    large_limit: str
    findings: list[GuokaoFinding]
    notes: list[str]
    may_write: bool


class GuokaoPart(BaseModel):
    """A figure of an indicator with what it is made of."""

    sub: str
    name: str
    unit: str
    value: str
    numerator: str
    denominator: str
    source: str
    months: str
    document: str
    filed: str
    last: str
    change: str
    missing: str


class GuokaoEvent(BaseModel):
    """What was done to an indicator."""

    on: str
    event: str
    actor: str
    text: str


class GuokaoFile(BaseModel):
    """An evidence: name, size, digest."""

    name: str
    size: int
    digest: str


class GuokaoIndicator(BaseModel):
    """Everything about one indicator."""

    no: str
    name: str
    category: str
    direction: str
    monitored: bool
    kind_label: str
    formula: str
    assumed: bool
    reference: str
    note: str
    parts: list[GuokaoPart]
    items: list[str]
    owner: str
    reason: str
    state: str
    due: str
    needs_reason: bool
    evidence: list[GuokaoFile]
    history: list[GuokaoEvent]
    may_write: bool


def sheet_shown(found: Filing, asker: Identity) -> GuokaoSheet:
    """The sheet as an identity sees it; figures of money units are hidden from roles without money."""
    known, sees_money = found.known, asker.role.sees_money
    texts = sheet_rows(found.counted.values, found.counted.changes, found.tasks, found.steps)
    changes = {one.sub: one for one in found.counted.changes}
    rows = []
    for row, text in zip(found.counted.values.to_pylist(), texts, strict=True):
        task, change = found.tasks[row["no"]], changes.get(row["sub"])
        due = due_of(task, found.steps)
        hidden = row["unit"] in MONEY_UNITS and not sees_money
        shown: dict[str, Any] = {
            name: HIDDEN if hidden and row["value"] is not None else text[name] for name in ("value", "last")
        }
        rows.append(
            GuokaoRow(
                **{name: row[name] for name in ("no", "sub", "name", "category", "unit", "direction", "monitored")},
                **shown,
                kind_label=KIND_LABELS[known.indicators[row["no"]].kind],
                where=_where(row),
                source=text["source"],
                simulated=bool(text["simulated"]),
                change=text["change"],
                is_large=change is not None and change.is_large,
                notes=HIDDEN if hidden else text["missing"],
                owner=task.owner,
                evidence=len(task.evidence),
                reason=task.reason,
                state=task.state,
                due=text["due"],
                is_late=due is not None and found.today > due.due,
            )
        )
    limit = load_settings()["check.change"]
    formed = {row["no"] for row in found.counted.values.select(["no", "value"]).to_pylist() if row["value"] is not None}
    owners: dict[str, int] = {}
    for task in found.tasks.values():
        if task.owner and not task.is_sent:
            owners[task.owner] = owners.get(task.owner, 0) + 1
    return GuokaoSheet(
        hospital=GuokaoHospital(
            code=known.hospital.code,
            name=known.hospital.name,
            manual=known.hospital.manual.manual,
            manual_label=known.hospital.manual.label,
        ),
        year=known.year,
        today=str(found.today),
        rows=rows,
        calendar=[
            GuokaoStep(
                id=one.step,
                label=one.label,
                due=str(one.due),
                is_past=found.today > one.due,
                note="假定，以通知为准" if one.is_assumed else one.reference,
            )
            for one in found.steps
        ],
        states=found.states(),
        owners=owners,
        late=found.late(),
        formed=len(formed),
        indicators=len(known.indicators),
        large_limit=f"{limit.value:g}{limit.unit}",
        findings=_findings(found, sees_money=sees_money),
        notes=list(found.notices),
        may_write="guokao.write" in asker.permissions,
    )


def _findings(found: Filing, *, sees_money: bool) -> list[GuokaoFinding]:
    """The findings; their values and sentences hold amounts, which roles without money do not see."""
    return [
        GuokaoFinding(
            rule_id=one.rule_id,
            severity=one.severity,
            severity_label=SEVERITY_LABELS[one.severity],
            path=one.path,
            value=one.value if sees_money or not _tells_money(one.path, found) else HIDDEN,
            message=one.message,
            hint=one.hint,
        )
        for one in found.findings
    ]


def _tells_money(path: str, found: Filing) -> bool:
    """Whether one of the items or figures of a finding is an amount."""
    rows = found.counted.values.select(["no", "sub", "unit"]).to_pylist()
    units = {row[name]: row["unit"] for name in ("no", "sub") for row in rows}
    units |= {name: one.unit for name, one in load_items().items()}
    names = [name.removeprefix("guokao.") for name in path.replace("-", "").split("、")]
    return any(units.get(name, "") in MONEY_UNITS for name in names)


def _where(row: dict[str, Any]) -> Where:
    if row["value"] is None:
        return "missing"
    return "filed" if row["source"] == FILED_LABEL or row["numerator"] is None else "records"


def indicator_shown(found: Filing, number: str, asker: Identity) -> GuokaoIndicator:
    """One indicator as an identity sees it; TongpinError `guokao.missing` for a number that the manual lacks."""
    one = found.known.indicators.get(number)
    if one is None:
        raise TongpinError("guokao.missing", f"手册里没有指标 {number}", where=number, hint="从填报表里选")
    task = found.tasks[number]
    due = due_of(task, found.steps)
    rows = [row for row in found.counted.values.to_pylist() if row["no"] == number]
    large = any(change.is_large for change in found.counted.changes if change.no == number)
    items = dict.fromkeys(item for part in one.parts for item in part.items) if one.kind != "vector" else {}
    return GuokaoIndicator(
        no=number,
        name=one.name,
        category=one.category,
        direction=one.direction,
        monitored=one.monitored,
        kind_label=KIND_LABELS[one.kind],
        formula=one.formula,
        assumed=one.assumed,
        reference=one.reference,
        note=one.note,
        parts=[_part(row, found, sees_money=asker.role.sees_money) for row in rows],
        items=[f"{load_items()[item].label}（{load_items()[item].unit}；项目代码 {item}）" for item in items],
        owner=task.owner,
        reason=task.reason,
        state=task.state,
        due=str(due.due) if due else "",
        needs_reason=large and not task.reason,
        evidence=[_file(file) for file in task.evidence],
        history=[_event(event, found, sees_money=asker.role.sees_money) for event in task.history],
        may_write="guokao.write" in asker.permissions,
    )


def _part(row: dict[str, Any], found: Filing, *, sees_money: bool) -> GuokaoPart:
    change = next((one for one in found.counted.changes if one.sub == row["sub"]), None)
    unit = row["unit"]
    amounts = {
        "value": figure_text(row["value"], unit),
        "numerator": figure_text(row["numerator"], ""),
        "denominator": figure_text(row["denominator"], ""),
        "filed": figure_text(row["filed_value"], unit),
        "last": figure_text(change.last if change else None, unit),
    }
    if not sees_money and (unit in MONEY_UNITS or _tells_items(row["sub"], found)):
        kept = {} if unit in MONEY_UNITS else {name: amounts[name] for name in ("value", "filed", "last")}
        amounts = dict.fromkeys(amounts, HIDDEN) | kept
    return GuokaoPart(
        sub=row["sub"],
        name=row["name"],
        unit=unit,
        **amounts,
        source=row["source"] or "",
        months=row["months"] or ("" if row["value"] is None else "全年"),
        document=row["document"] or "",
        change=change_text(change),
        missing=row["reason"] or "",
    )


def _tells_items(sub: str, found: Filing) -> bool:
    """Whether numerator or denominator of a part are amounts."""
    parts = (part for one in found.known.indicators.values() for part in one.parts if part.sub == sub)
    return any(load_items()[item].unit in MONEY_UNITS for part in parts for item in part.items)


def _file(body: dict[str, Any]) -> GuokaoFile:
    return GuokaoFile(name=body["name"], size=body["bytes"], digest=body["sha256"])


def _event(event: Event, found: Filing, *, sees_money: bool) -> GuokaoEvent:
    hidden = event.event == SUBMITTED and not sees_money and _tells_money(event.no, found)
    text = HIDDEN if hidden else told(event.event, event.body)
    return GuokaoEvent(on=str(event.on), event=EVENT_LABELS[event.event], actor=event.actor, text=text)
