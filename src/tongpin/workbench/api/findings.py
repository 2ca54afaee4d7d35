"""Findings by cause 退回与问题: what came back and why, whose it is; corrected together or explained (S901-03)."""

from __future__ import annotations

import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
from fastapi import APIRouter, Depends, File, Query, UploadFile
from fastapi import Path as PathPart
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask

from tongpin.base.errors import TongpinError
from tongpin.grouping.library import open_scheme
from tongpin.payment.lists.editions import area_in
from tongpin.payment.lists.returns import (
    BY_READING,
    KIND_LABELS,
    Cause,
    ages_of,
    causes_of,
    headline,
    open_findings,
    returns_in_home,
)
from tongpin.payment.policy.library import open_policy
from tongpin.records.case.patients import HIDDEN, names_a_person
from tongpin.records.intake.correct import corrected_lines, is_correctable, messages_of, value_at
from tongpin.records.views.returns import column_of_path
from tongpin.records.writers.shared import Names
from tongpin.store import journal
from tongpin.store.home import Home
from tongpin.workbench import uploads
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.files import UploadShown, shown
from tongpin.workbench.api.shapes import REFUSALS, Done
from tongpin.workbench.api.tables import XLSX
from tongpin.workbench.correction_sheet import read_sheet, write_sheet
from tongpin.workbench.listings.places import department_labels, institution_names
from tongpin.workbench.listings.returns import ASSUMED_NOTE
from tongpin.workbench.sign_in.identity import DeniedError, Identity
from tongpin.workbench.today import today

router = APIRouter(prefix="/findings", tags=["问题"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("findings.read"))]
Sender = Annotated[Identity, Depends(needs("files.upload"))]
Month = Annotated[str, Query(pattern=r"^\d{4}-(0[1-9]|1[0-2])$", description="出院月份")]
Area = Annotated[str | None, Query(max_length=64)]
CauseId = Annotated[str, PathPart(pattern=r"^[0-9a-f]{12}$")]
EXPLAINED = "findings.explained"


class Explained(BaseModel):
    """Why returns of a cause stay as they are."""

    hospital: str
    reason: str
    by: str
    at: datetime


class CauseShown(BaseModel):
    """Returns or findings of one cause: how many wait, where they point, who mends them, how."""

    id: str
    kind: str
    kind_label: str
    code: str
    message: str
    path: str
    field: str
    office: str
    office_label: str
    hint: str
    open: int
    total: int
    overdue: int
    hospitals: int
    correctable: bool
    simulated: bool
    explained: list[Explained]


class Task(BaseModel):
    """What one office has to mend for one department."""

    office: str
    office_label: str
    dept_name: str
    open: int
    overdue: int


class Age(BaseModel):
    """How many lists have been back for so long."""

    label: str
    count: int


class CauseBoard(BaseModel):
    """Returns of a month and open findings, by cause and by who mends them."""

    headline: str
    on: date
    open: int
    returned: int
    ages: list[Age]
    causes: list[CauseShown]
    checks: list[CauseShown]
    tasks: list[Task]
    may_correct: bool
    notes: list[str]


class Explanation(BaseModel):
    """Why returns of a cause stay as they are."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=2, max_length=500)


@router.get("/causes", summary="退回与问题，按原因")
def finding_causes(asker: Reader, bench: Bench, month: Month, area: Area = None) -> CauseBoard:
    """The returns of a month and the open findings by cause, by age, and by who mends them."""
    desk, on = asker.desk(bench.home), today(bench.home)
    returns, checks = _returns(desk, month, area, on), open_findings(desk)
    explained = _explained(asker, bench)
    waiting = pa.concat_tables([returns.filter(returns["open"]), checks])
    return CauseBoard(
        headline=headline(returns),
        on=on,
        open=pc.sum(returns["open"]).as_py() or 0,
        returned=returns.num_rows,
        ages=[Age(label=label, count=count) for label, count in ages_of(returns).items()],
        causes=[_shown(one, explained) for one in causes_of(returns)],
        checks=[_shown(one, explained) for one in causes_of(checks)],
        tasks=_tasks(desk, waiting),
        may_correct=asker.role.desk == "hospital" and "files.upload" in asker.permissions,
        notes=[f"按 {on} 的情况", ASSUMED_NOTE],
    )


@router.get(
    "/causes/{cause}/sheet",
    summary="一个原因的改正表（xlsx，填好“改为”再传回）",
    response_class=FileResponse,
    responses={200: {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}},
)
def cause_sheet(cause: CauseId, asker: Reader, bench: Bench, month: Month, area: Area = None) -> FileResponse:
    """Every open return of a cause with the field and what stands in it; its head names who took it out."""
    asker.require("export")
    desk = asker.desk(bench.home)
    rows = _rows(desk, cause, month, area, today(bench.home))
    messages = messages_of(desk, [(row["institution_code"], row["case_id"]) for row in rows])
    labels = department_labels(desk, [(row["institution_code"], row["dept"]) for row in rows])
    for row, label in zip(rows, labels, strict=True):
        message = messages.get((row["institution_code"], row["case_id"]))
        found = value_at(message, row["path"]) if message and is_correctable(row["path"]) else None
        row |= {"dept_name": label, "wanted": "", "value": _value(row["path"], found, asker)}
    mark = f"{asker.display}（{asker.role.label}）{datetime.now().astimezone():%Y-%m-%d %H:%M} 导出，共 {len(rows)} 行"
    with tempfile.NamedTemporaryFile(prefix="tongpin-", suffix=".xlsx", delete=False) as file:
        path = Path(file.name)
    write_sheet(path, rows, mark)
    with bench.engine.begin() as connection:
        journal.record(
            connection,
            actor=asker.name,
            acted_as=asker.role.id,
            act="export",
            subject=f"findings/{cause}",
            details={"rows": len(rows), "month": month},
        )
    named = f"改正表-{rows[0]['message'][:20]}-{month}.xlsx".replace("/", "-")
    return FileResponse(path, media_type=XLSX, filename=named, background=BackgroundTask(path.unlink))


@router.post("/causes/{cause}/corrections", status_code=202, summary="传回填好的改正表：逐份改好重传")
def send_corrections(
    cause: CauseId,
    asker: Sender,
    bench: Bench,
    month: Month,
    file: Annotated[UploadFile, File(description="填好“改为”的改正表")],
    area: Area = None,
) -> UploadShown:
    """The rows with a value under 改为 become newer versions of their lists, checked and loaded like any upload.

    Only lists of the cause that wait in the asker's own hospital. Errors: `findings.bureau`, `findings.sheet`,
    `findings.row`, `correct.path`, `correct.unread`, `correct.place`.
    """
    if asker.role.desk != "hospital":
        raise DeniedError("findings.bureau", "经办不替医院改清单", where="cause", hint="退回医院，由医院改正重传")
    desk, on = asker.desk(bench.home), today(bench.home)
    waiting = {(row["institution_code"], row["case_id"], row["path"]) for row in _rows(desk, cause, month, area, on)}
    corrections = read_sheet(file.file, file.filename or "改正表")
    for one in corrections:
        if one[:3] not in waiting:
            raise TongpinError(
                "findings.row",
                f"改正表里的 {one.case_id} {one.path} 不是这个原因下待改的",
                where=one.case_id,
                hint="只改“改为”一列，别的列照下载时的样子",
            )
    sent = datetime.combine(on, datetime.now().time())  # noqa: DTZ005  # the clock of the place, as lists have it
    lines = corrected_lines(desk, corrections, sent.replace(microsecond=0), _names(desk, month, area))
    name = f"改正-{cause}-{len(lines)}份.jsonl"
    upload = uploads.begin(bench.home, asker, name, lambda path: _put(path, lines), "settlement-list")
    with bench.engine.begin() as connection:
        journal.record(
            connection,
            actor=asker.name,
            acted_as=asker.role.id,
            act="findings.corrected",
            subject=f"cause/{cause}",
            details={
                "upload": upload.id,
                "lists": [{"case_id": one.case_id, "path": one.path} for one in corrections],
            },
        )
    return shown(upload)


@router.post("/causes/{cause}/explained", summary="说明为什么不改")
def explain_cause(
    cause: CauseId, body: Explanation, asker: Sender, bench: Bench, month: Month, area: Area = None
) -> Done:
    """Note why the open returns of a cause in the asker's hospital stay as they are."""
    desk = asker.desk(bench.home)
    rows = _rows(desk, cause, month, area, today(bench.home))
    hospitals = sorted({row["institution_code"] or "" for row in rows})
    if any(not asker.grant.scope.sees_hospital(code) for code in hospitals):
        raise DeniedError("findings.scope", "只能说明本机构的", where="cause", hint="由本机构的医保办或病案室说明")
    with bench.engine.begin() as connection:
        journal.record(
            connection,
            actor=asker.name,
            acted_as=asker.role.id,
            act=EXPLAINED,
            subject=f"cause/{cause}",
            details={
                "reason": body.reason.strip(),
                "month": month,
                "hospitals": hospitals,
                "cases": sorted({row["case_id"] for row in rows}),
            },
        )
    return Done()


def _returns(desk: Home, month: str, area: str | None, on: date) -> pa.Table:
    return returns_in_home(desk, area_in(desk, area, month), month, on)


def _rows(desk: Home, cause: str, month: str, area: str | None, on: date) -> list[dict[str, Any]]:
    """What waits under a cause; `findings.unknown` where nothing does."""
    returns = _returns(desk, month, area, on)
    both = pa.concat_tables([returns.filter(returns["open"]), open_findings(desk)])
    rows = both.filter(pc.equal(both["cause"], cause)).to_pylist()
    if not rows:
        raise TongpinError("findings.unknown", "这个原因下没有待改的", where=cause, hint="刷新页面")
    return list(rows)


def _shown(one: Cause, explained: dict[str, list[Explained]]) -> CauseShown:
    return CauseShown(
        id=one.cause,
        **{name: getattr(one, name) for name in ("kind", "code", "message", "path", "field", "office", "office_label")},
        kind_label=KIND_LABELS[one.kind],
        hint=one.hint,
        open=one.open_count,
        total=one.total_count,
        overdue=one.overdue_count,
        hospitals=one.hospitals,
        correctable=one.kind != BY_READING and is_correctable(one.path),
        simulated=one.assumed,
        explained=explained.get(one.cause, []),
    )


def _tasks(desk: Home, waiting: pa.Table) -> list[Task]:
    """The waiting returns and findings by office and department, the most first."""
    found: dict[tuple[str, str, str], list[int]] = {}
    rows = waiting.to_pylist()
    labels = department_labels(desk, [(row["institution_code"], row["dept"]) for row in rows])
    for row, label in zip(rows, labels, strict=True):
        counts = found.setdefault((row["office"], row["office_label"], label), [0, 0])
        counts[0] += 1
        counts[1] += bool(row["over_days"])
    made = [
        Task(office=office, office_label=office_label, dept_name=dept, open=counts[0], overdue=counts[1])
        for (office, office_label, dept), counts in found.items()
    ]
    return sorted(made, key=lambda one: (-one.open, one.office, one.dept_name))


def _explained(asker: Identity, bench: Any) -> dict[str, list[Explained]]:
    """The latest explanation of each cause and hospital that the asker sees."""
    names = institution_names(bench.home)
    hospitals = asker.grant.scope.hospitals
    latest: dict[tuple[str, str], Explained] = {}
    with bench.engine.connect() as connection:
        for entry in journal.entries(connection, act=EXPLAINED):
            for code in entry.details["hospitals"]:
                if hospitals is None or code in hospitals:
                    latest[entry.subject.removeprefix("cause/"), code] = Explained(
                        hospital=names.get(code, code), reason=entry.details["reason"], by=entry.actor, at=entry.at
                    )
    made: dict[str, list[Explained]] = {}
    for (cause, _), one in latest.items():
        made.setdefault(cause, []).append(one)
    return made


def _value(path: str, found: str | None, asker: Identity) -> str:
    """What stands in a field, as far as the asker may see it."""
    if found is None:
        return ""
    if names_a_person(path):
        return HIDDEN
    return "" if (column_of_path(path) or "").endswith("_fen") and not asker.role.sees_money else found


def _names(desk: Home, month: str, area: str | None) -> Names:
    """The names of codes, by the scheme of the month."""
    scheme = open_scheme(desk, open_policy(desk, area_in(desk, area, month), month).scheme_id)
    return Names(dx=dict(scheme.dx_names), px=dict(scheme.px_names))


def _put(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"\n".join([*lines, b""]))
