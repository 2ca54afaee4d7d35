"""Documents 公文: what is decided by several hands, from the draft to the act, for money to the released transfer."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, UploadFile
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, select
from starlette.background import BackgroundTask

from tongpin.base.errors import TongpinError
from tongpin.documents import attachments, flow
from tongpin.documents.document import (
    ACTS,
    DRAFT,
    OPEN_STATES,
    PENDING,
    STATES,
    Document,
    attachments_of,
    history,
    listed,
    open_document,
    people_of_round,
)
from tongpin.documents.duties import open_duties
from tongpin.documents.kinds import attachment_types, kind_of
from tongpin.store import journal
from tongpin.store.control import reading
from tongpin.workbench.api.asking import Bench, Workbench, needs
from tongpin.workbench.api.duty_sections import duty_sections
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.api.sheets import Sheet, SheetField, SheetSection, without_money
from tongpin.workbench.approval import after as followed
from tongpin.workbench.approval.after import STAGES, UNDER_WAY, After, after_all, after_of
from tongpin.workbench.approval.edition_errand import POLICY_EDITION
from tongpin.workbench.approval.errand_shapes import File, Wanted
from tongpin.workbench.approval.errands import errand_of, errands, wanted_again
from tongpin.workbench.approval.filing_errand import GUOKAO
from tongpin.workbench.approval.money_errands import CLEARING, PREPAYMENT, SETTLEMENT
from tongpin.workbench.approval.papers import Words, write_document_pdf
from tongpin.workbench.approval.possible import possible, waits_for
from tongpin.workbench.assess.filing import seen_hospital
from tongpin.workbench.assess.filing_shapes import HIDDEN, MONEY_UNITS
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.sign_in.tables import users

router = APIRouter(tags=["公文"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("documents.read"))]
Writer = Annotated[Identity, Depends(needs("documents.write"))]
Settler = Annotated[Identity, Depends(needs("settle.run"))]
Clearer = Annotated[Identity, Depends(needs("clearing.run"))]
Planner = Annotated[Identity, Depends(needs("prepay.run"))]
Filer = Annotated[Identity, Depends(needs("guokao.write"))]
Drafter = Annotated[Identity, Depends(needs("policies.write"))]
SealKeeper = Annotated[Identity, Depends(needs("seals.keep"))]
Releaser = Annotated[Identity, Depends(needs("transfers.release"))]
PDF = "application/pdf"
_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}}
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
MONTH = r"^20\d{2}-(0[1-9]|1[0-2])$"
Number = Annotated[int, Field(ge=1, le=2_000_000_000)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SettlementWanted(_Asked):
    """The month that is to be settled."""

    month: str = Field(pattern=MONTH)
    area: str = Field(min_length=1, max_length=64)


class ClearingWanted(_Asked):
    """The year that is to be cleared."""

    year: int = Field(ge=2015, le=2100)
    area: str = Field(min_length=1, max_length=64)


class PrepaymentWanted(_Asked):
    """The year whose prepayments are to be planned; `edition` states the rules where the area's own does not."""

    year: int = Field(ge=2015, le=2100)
    area: str = Field(min_length=1, max_length=64)
    edition: str | None = Field(default=None, max_length=128)
    short: list[str] = Field(default=[], max_length=1_000)
    history: str = Field(default="", max_length=2_000_000, description="历年支出的 CSV，按首次使用时没有关账的年度")


class FilingWanted(_Asked):
    """The hospital-year whose indicators are to be submitted."""

    hospital: str = Field(min_length=1, max_length=64)
    year: int = Field(ge=2015, le=2100)


class ActWanted(_Asked):
    """An act on a document; `digest` is that of the content which was seen, `text` what is said."""

    act: Literal["submit", "pass", "return", "withdraw", "cancel", "comment"]
    text: str = Field(default="", max_length=2_000)
    digest: str | None = Field(default=None, max_length=64)


class StampWanted(_Asked):
    """The stamp that was set: which seal, under which number of the register."""

    seal: str = Field(max_length=64)
    stamp_number: str = Field(max_length=64)


class ReleaseWanted(_Asked):
    """The release of a transfer."""

    text: str = Field(default="", max_length=2_000)


class DocumentLine(BaseModel):
    """A document in a list; `waits` says what it waits for."""

    id: int
    kind: str
    kind_label: str
    title: str
    state: str
    state_label: str
    stage: str
    waits: str
    version: int
    amount_fen: int | None
    changed_at: str


class PossibleAct(BaseModel):
    """An act that the asker may do now."""

    act: str
    label: str
    comment: Literal["none", "optional", "required"]
    consequence: str


class StepShown(BaseModel):
    """A step of the way: who acted, or whose turn it is."""

    id: str
    label: str
    actor: str | None
    state: Literal["done", "now", "later"]


class ActShown(BaseModel):
    """What was done to a document; `journal_number` finds it in the journal."""

    label: str
    step_label: str
    actor: str
    role_label: str
    at: str
    text: str
    digest: str | None
    journal_number: int


class AttachmentShown(BaseModel):
    """A file beside a document."""

    id: int
    name: str
    size: int
    added_by: str
    added_at: str


class DocumentShown(BaseModel):
    """A document with its sheet, its way, its history, and what the asker may do."""

    line: DocumentLine
    subject: str
    institution_code: str | None
    digest: str | None
    matrix_label: str
    sheet: Sheet
    steps: list[StepShown]
    acts: list[ActShown]
    attachments: list[AttachmentShown]
    accept: str
    can: list[PossibleAct]
    has_paper: bool


class DutyMatrix(BaseModel):
    """The duty matrices of the home, whose hands each step needs, and the duties that nobody joins (S911-02)."""

    matrices: list[SheetSection]
    hands: SheetSection
    incompatible: SheetSection


@router.get("/documents/waiting", summary="等我办的公文")
def documents_waiting(asker: Reader, bench: Bench) -> list[DocumentLine]:
    """The documents that wait for the asker, the longest waiting first."""
    with reading(bench.engine) as connection:
        every = after_all(connection)
        documents = [one for one in listed(connection, asker.grant.scope) if one.state != "cancelled"]
        mine = [
            (one, now)
            for one in documents
            if waits_for(connection, bench.home, one, now := every.get(flow.SUBJECT.format(one.id), After()), asker)
        ]
    lines = [_line(one, now, asker, bench) for one, now in mine]
    return sorted(lines, key=lambda one: one.changed_at)


@router.get("/documents/duties", summary="职责矩阵与不相容职责")
def documents_duties(_: Reader, bench: Bench) -> DutyMatrix:
    """Who may act at which step, how many people are needed, and which duties exclude each other."""
    matrices, hands, incompatible = duty_sections(open_duties(bench.home))
    return DutyMatrix(matrices=matrices, hands=hands, incompatible=incompatible)


@router.post("/documents/settlement", status_code=201, summary="起草月度结算")
def draft_settlement(body: SettlementWanted, asker: Settler, bench: Bench) -> DocumentLine:
    """A draft run of the month becomes a document with its digests. Errors: `documents.exists`, `settle.*`."""
    return _drafted(SETTLEMENT, Wanted(body.area, month=body.month), asker, bench)


@router.post("/documents/clearing", status_code=201, summary="起草年度清算")
def draft_clearing(body: ClearingWanted, asker: Clearer, bench: Bench) -> DocumentLine:
    """A draft clearing of the year becomes a document. Errors: `documents.exists`, `clear.*`."""
    return _drafted(CLEARING, Wanted(body.area, year=body.year), asker, bench)


@router.post("/documents/prepayment", status_code=201, summary="起草预付金计划")
def draft_prepayment(body: PrepaymentWanted, asker: Planner, bench: Bench) -> DocumentLine:
    """A plan of the year's prepayments becomes a document. Errors: `documents.exists`, `prepay.*`."""
    wanted = Wanted(body.area, year=body.year, edition=body.edition, short=tuple(body.short), history=body.history)
    return _drafted(PREPAYMENT, wanted, asker, bench)


@router.post("/documents/filing", status_code=201, summary="起草国考填报")
def draft_filing(body: FilingWanted, asker: Filer, bench: Bench) -> DocumentLine:
    """The indicators that are ready become a document. Errors: `documents.exists`, `guokao.nothing | unknown`."""
    one = seen_hospital(bench.home, asker.grant.scope, body.hospital, body.year)
    return _drafted(GUOKAO, Wanted(hospital=one.code, year=body.year), asker, bench)


@router.post("/documents/policy-edition", status_code=201, summary="起草付费办法新版本")
def draft_policy_edition(file: UploadFile, asker: Drafter, bench: Bench) -> DocumentLine:
    """A zip of an edition becomes a document when it is sound; nothing is kept of one that is not.

    Errors: `policy.package`, `policy.faults` with every finding, `policy.*` of an edition that cannot be read,
    `documents.attachment`, `documents.exists`.
    """
    name = Path((file.filename or "").replace("\\", "/")).name.strip()
    content = file.file.read()
    attachments.type_of_file(name, content, ("package",))
    return _drafted(POLICY_EDITION, Wanted(file=File(name, content)), asker, bench)


@router.get("/documents/{number}", summary="一份公文")
def document_shown(number: Number, asker: Reader, bench: Bench) -> DocumentShown:
    """The sheet that is signed, the way, the history, the attachments, and what the asker may do."""
    with reading(bench.engine) as connection:
        one = open_document(connection, number, asker.grant.scope)
        now = after_of(connection, number)
        acts = history(connection, number)
        files = attachments_of(connection, number)
        people = people_of_round(connection, one)
        can = possible(connection, bench.home, one, now, asker)
        entries = journal.entries(connection, subject=flow.SUBJECT.format(number))
        names = _names(connection)
    rules = open_duties(bench.home)
    kind = kind_of(one.kind)
    matrix = one.matrix or rules.matrix(kind.matrix)
    types = attachment_types()
    sheet = _sheet(one, sees_money=asker.role.sees_money)
    return DocumentShown(
        line=_line(one, now, asker, bench),
        subject=one.subject,
        institution_code=one.institution_code,
        digest=one.digest,
        matrix_label=f"{matrix.label}，{matrix.people} 人",
        sheet=sheet,
        steps=[*_steps(one, people, rules, names), *_later_steps(one, now, names)],
        acts=[_act(entry, names) for entry in entries],
        attachments=[
            AttachmentShown(
                id=file.id,
                name=file.name,
                size=file.size,
                added_by=names.get(file.added_by, file.added_by),
                added_at=_local(file.added_at),
            )
            for file in files
        ],
        accept=",".join(f".{ending}" for name in kind.attachments for ending in types[name].endings),
        can=[PossibleAct(**act._asdict()) for act in can],
        has_paper=one.kind in errands() and asker.role.sees_money and bool(acts),
    )


@router.post("/documents/{number}/revise", summary="重新试算，成为新的一稿")
def document_revise(number: Number, asker: Writer, bench: Bench) -> DocumentLine:
    """The draft run is made again with what the home holds now; all steps begin again."""
    with reading(bench.engine) as connection:
        before = open_document(connection, number, asker.grant.scope)
    errand = errand_of(before.kind)
    asker.require(errand.permission)
    proposal = errand.propose(bench.home, wanted_again(bench.home, before.payload))
    with bench.engine.begin() as connection:
        one = flow.revise(connection, number, proposal.payload, asker.actor, title=proposal.title)
    return _line(one, After(), asker, bench)


@router.post("/documents/{number}/acts", summary="办理一步")
def document_act(number: Number, body: ActWanted, asker: Writer, bench: Bench) -> DocumentLine:
    """Submit, pass, return, withdraw, cancel or comment; each is an entry of the journal.

    Errors: `documents.state`, `documents.duty`, `documents.same_hand`, `documents.hands`, `documents.digest`.
    """
    actor = asker.actor
    with bench.engine.begin() as connection:
        match body.act:
            case "submit":
                one = flow.submit(connection, number, actor, text=body.text)
            case "pass":
                one = flow.pass_(connection, number, actor, digest=body.digest, text=body.text)
            case "return":
                one = flow.return_(connection, number, actor, text=body.text, digest=body.digest)
            case "withdraw":
                one = flow.withdraw(connection, number, actor, text=body.text)
            case "cancel":
                one = flow.cancel(connection, number, actor, text=body.text)
            case "comment":
                one = flow.comment(connection, number, actor, body.text)
        now = after_of(connection, number)
    return _line(one, now, asker, bench)


@router.post("/documents/{number}/carry-out", summary="按批准的结果执行")
def document_carry_out(number: Number, asker: Writer, bench: Bench) -> DocumentLine:
    """Do what was approved, with its digests; refused (`approval.stale`) when the result is another one by now."""
    now = followed.carry_out(bench.engine, bench.home, number, asker)
    return _reopened(number, now, asker, bench)


@router.post("/documents/{number}/stamp", summary="登记用印")
def document_stamp(number: Number, body: StampWanted, asker: SealKeeper, bench: Bench) -> DocumentLine:
    """The keeper of seals registers the stamp; each number once (`seals.exists`)."""
    with bench.engine.begin() as connection:
        now = followed.stamp(connection, number, asker, body.seal, body.stamp_number)
    return _reopened(number, now, asker, bench)


@router.post("/documents/{number}/release", summary="放行拨付")
def document_release(number: Number, body: ReleaseWanted, asker: Releaser, bench: Bench) -> DocumentLine:
    """Finance releases the transfer of a stamped document; before the stamp it is refused (`documents.state`)."""
    with bench.engine.begin() as connection:
        now = followed.release(connection, number, asker, body.text)
    return _reopened(number, now, asker, bench)


@router.post("/documents/{number}/attachments", status_code=201, summary="附一个文件")
def document_attach(number: Number, file: UploadFile, asker: Writer, bench: Bench) -> AttachmentShown:
    """A file beside a draft; its type, size and bytes are checked (`documents.attachment`)."""
    content = file.file.read()
    with bench.engine.begin() as connection:
        one = attachments.attach(connection, number, asker.actor, file.filename or "", content)
    return AttachmentShown(
        id=one.id, name=one.name, size=one.size, added_by=one.added_by, added_at=_local(one.added_at)
    )


@router.get(
    "/documents/{number}/attachments/{attachment}",
    summary="取一个附件",
    response_class=Response,
    responses=_BYTES,
)
def document_attachment(number: Number, attachment: Number, asker: Reader, bench: Bench) -> Response:
    """The bytes of an attachment, always as a download."""
    from urllib.parse import quote

    with reading(bench.engine) as connection:
        scope = asker.grant.scope
        content = attachments.read_attachment(connection, number, attachment, scope)
        name = next(one.name for one in attachments_of(connection, number, scope) if one.id == attachment)
    told = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type="application/octet-stream", headers={"Content-Disposition": told})


@router.get("/documents/{number}/paper", summary="审批件（A4）", response_class=FileResponse, responses=_FILE)
def document_paper(number: Number, asker: Reader, bench: Bench) -> FileResponse:
    """The document on A4 with capitals, seams and digests; taking it out is an entry of the journal."""
    if not asker.role.sees_money:
        asker.require("statements.read")
    with reading(bench.engine) as connection:
        one = open_document(connection, number, asker.grant.scope)
        acts, now = history(connection, number), after_of(connection, number)
        names = _names(connection)
    errand_of(one.kind)
    words = Words({step.id: step.label for step in open_duties(bench.home).steps}, names)
    with tempfile.NamedTemporaryFile(prefix="tongpin-", suffix=".pdf", delete=False) as file:
        path = Path(file.name)
    write_document_pdf(one, acts, now, words, path)
    return sent(path, f"{one.title}-公文{number}.pdf", bench, asker, flow.SUBJECT.format(number))


def sent(path: Path, name: str, bench: Workbench, asker: Identity, subject: str) -> FileResponse:
    """A paper that was just written, to be taken out under a name and deleted then; the journal keeps who took it."""
    with bench.engine.begin() as connection:
        journal.record(
            connection, actor=asker.name, acted_as=asker.role.id, act="paper", subject=subject, details={"name": name}
        )
    return FileResponse(path, media_type=PDF, filename=name, background=BackgroundTask(path.unlink))


def _names(connection: Connection) -> dict[str, str]:
    """What people are called, by login name."""
    return {row.name: row.display for row in connection.execute(select(users.c.name, users.c.display))}


def _drafted(kind: str, wanted: Wanted, asker: Identity, bench: Workbench) -> DocumentLine:
    """A new document of a draft run; one that is still on its way for the same subject is refused."""
    asker.require("documents.write")
    proposal = errand_of(kind).propose(bench.home, wanted)
    asker.check_area(proposal.payload.get("area"))
    with bench.engine.begin() as connection:
        every = after_all(connection)
        for one in listed(connection, kind=kind, subject=proposal.subject):
            now = every.get(flow.SUBJECT.format(one.id), After())
            if one.state in {*OPEN_STATES, PENDING} or now.stage(one) in UNDER_WAY:
                raise TongpinError(
                    "documents.exists",
                    f"{proposal.title}已有公文在办（第 {one.id} 号，{_waits(one, now, bench)}）",
                    where=proposal.subject,
                    hint="办完或作废那一份，再起草",
                )
        made = flow.draft(
            connection,
            kind,
            proposal.subject,
            proposal.title,
            proposal.payload,
            asker.actor,
            institution_code=proposal.institution_code,
        )
        if proposal.file is not None:
            attachments.attach(connection, made.id, asker.actor, *proposal.file)
    return _line(made, After(), asker, bench)


def _reopened(number: int, now: After, asker: Identity, bench: Workbench) -> DocumentLine:
    with reading(bench.engine) as connection:
        return _line(open_document(connection, number, asker.grant.scope), now, asker, bench)


def _line(one: Document, now: After, asker: Identity, bench: Workbench) -> DocumentLine:
    amount = one.payload.get("amount_fen")
    return DocumentLine(
        id=one.id,
        kind=one.kind,
        kind_label=kind_of(one.kind).label,
        title=one.title,
        state=one.state,
        state_label=STATES[one.state],
        stage=now.stage(one),
        waits=_waits(one, now, bench),
        version=one.version,
        amount_fen=amount if isinstance(amount, int) and asker.role.sees_money else None,
        changed_at=_local(max([one.changed_at, *(entry.at for entry in now if entry)])),
    )


def _waits(one: Document, now: After, bench: Workbench) -> str:
    """What a document waits for, in words."""
    if one.state == PENDING:
        return f"待{open_duties(bench.home).step_label(one.step)}"
    if one.state == DRAFT:
        return "待送审"
    return STAGES.get(now.stage(one), STATES[one.state])


def _sheet(one: Document, *, sees_money: bool) -> Sheet:
    """What is signed, as a page; amounts are absent for a role that does not see money."""
    payload = one.payload
    if "tables" not in payload:
        plain = [(name, value) for name, value in payload.items() if isinstance(value, (str, int, float, bool))]
        fields = [SheetField(id=name, label=name, value=value) for name, value in plain]
        return Sheet(title=one.title, sections=[SheetSection(id="content", label="内容", fields=fields)])
    link = _LINKS.get(one.kind, "").format(**{name: payload.get(name, "") for name in ("month", "year")}) or None
    basis = SheetSection(id="basis", label="依据", fields=[SheetField(**fact) for fact in payload["basis"]])
    parts = [_part(table, link if place == 0 else None, sees_money) for place, table in enumerate(payload["tables"])]
    sheet = Sheet(
        title=one.title,
        simulated=bool(payload["simulated"]),
        sections=[basis, *parts],
        notes=[*filter(None, [payload["simulated"]]), *payload["notes"]],
    )
    return sheet if sees_money else without_money(sheet)


def _part(table: dict[str, Any], link: str | None, sees_money: bool) -> SheetSection:
    """A signed table with its sums."""
    rows = table["rows"]
    if not sees_money:
        hidden = dict.fromkeys(table["amounts"], HIDDEN)
        rows = [row | hidden if row.get("unit") in MONEY_UNITS else row for row in rows]
    if table["total"]:
        sums = {
            column["id"]: sum(row[column["id"]] or 0 for row in rows)
            for column in table["columns"]
            if column["kind"] != "text"
        }
        rows = [*rows, {table["columns"][0]["id"]: "合计"} | sums]
    return SheetSection(id=table["id"], label=table["label"], columns=table["columns"], rows=rows, link=link)


_LINKS = {
    SETTLEMENT: "/statements/{{institution_code}}/{{fund}}?month={month}",
    CLEARING: "/clearing/{year}/{{institution_code}}/{{fund}}",
}
"""Where a row of the sheet leads to, once what was approved is closed."""


def _steps(one: Document, people: dict[str, str], rules: Any, names: dict[str, str]) -> list[StepShown]:
    matrix = one.matrix or rules.matrix(kind_of(one.kind).matrix)
    shown = []
    for step in matrix.steps:
        actor = people.get(step) if one.state in {PENDING, "approved"} else None
        turn = step == one.step and one.state != "cancelled"
        state: Literal["done", "now", "later"] = "done" if actor and not turn else "now" if turn else "later"
        who = names.get(actor, actor) if actor else None
        shown.append(StepShown(id=step, label=rules.step_label(step), actor=who, state=state))
    return shown


def _later_steps(one: Document, now: After, names: dict[str, str]) -> list[StepShown]:
    if one.kind not in errands():
        return []
    stage = now.stage(one)
    steps = (
        (followed.RUN, "执行", now.ran),
        (followed.STAMP, "用印", now.stamped),
        (followed.PAY, "放行拨付", now.released),
    )
    return [
        StepShown(
            id=name,
            label=label,
            actor=names.get(entry.actor, entry.actor) if entry else None,
            state="done" if entry else "now" if stage == name else "later",
        )
        for name, label, entry in (steps if errand_of(one.kind).pays else steps[:1])
    ]


_FURTHER = {followed.RAN: "执行", followed.STAMPED: "用印", followed.RELEASED: "放行拨付", "paper": "取审批件"}


def _act(entry: journal.Entry, names: dict[str, str]) -> ActShown:
    from tongpin.workbench.sign_in.roles import roles

    name = entry.act.removeprefix("documents.")
    held = roles().get(entry.acted_as or "")
    text = str(entry.details.get("text") or "")
    if entry.act == followed.STAMPED:
        text = f"{entry.details['seal']}，编号 {entry.details['stamp_number']}"
    return ActShown(
        label=_FURTHER.get(entry.act) or ACTS.get(name, name),
        step_label=str(entry.details.get("step") or ""),
        actor=names.get(entry.actor, entry.actor),
        role_label=held.label if held else "",
        at=_local(entry.at),
        text=text,
        digest=entry.details.get("digest"),
        journal_number=entry.number,
    )


def _local(at: datetime) -> str:
    """A moment of the control database (UTC) as people here read it."""
    return f"{at.replace(tzinfo=UTC).astimezone():%Y-%m-%d %H:%M}"
