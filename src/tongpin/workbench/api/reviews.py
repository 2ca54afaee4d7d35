"""Reviews 特例单议: from the candidate before its deadline to the vote of a blind panel and the publication (S903)."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, UploadFile
from fastapi import Path as PathPart
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from tongpin.base.errors import StoreError
from tongpin.payment.month.statement_columns import synthetic_notice
from tongpin.payment.review.account import Application, application_of, applications, read_events
from tongpin.payment.review.apply import apply_for, withdraw
from tongpin.payment.review.candidates import candidates
from tongpin.payment.review.criteria import LABELS
from tongpin.payment.review.panel import add_experts, assign, decide, recuse, vote
from tongpin.payment.review.papers import blind_paper, notices_of, write_application, write_minutes
from tongpin.payment.review.publication import publish
from tongpin.report.pdf import write_papers
from tongpin.store import journal
from tongpin.workbench.api.asking import Bench, Workbench, needs
from tongpin.workbench.api.documents import sent
from tongpin.workbench.api.review_sheets import application_sheet, candidate_sheet, publication_sheet
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.api.sheets import Sheet
from tongpin.workbench.api.statements import FILE, Area, Month
from tongpin.workbench.approval import evidence
from tongpin.workbench.approval.evidence import Evidence
from tongpin.workbench.approval.uploaded import as_file
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.today import today

router = APIRouter(tags=["特例单议"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("reviews.read"))]
Applicant = Annotated[Identity, Depends(needs("reviews.apply"))]
Voter = Annotated[Identity, Depends(needs("reviews.vote"))]
Decider = Annotated[Identity, Depends(needs("reviews.decide"))]
Name = Annotated[str, PathPart(pattern=r"^\d{4}-\d{4,6}$")]
Quarter = Annotated[str, PathPart(pattern=r"^20\d{2}Q[1-4]$")]
EXPERT_REACH = "cases"
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReasonWanted(_Asked):
    """Why."""

    reason: str = Field(max_length=2_000)


class PanelWanted(_Asked):
    """The applications of an area that wait for a panel, or only one of them."""

    area: str = Field(min_length=1, max_length=64)
    only: str | None = Field(default=None, max_length=16)


class VoteWanted(_Asked):
    """A vote; a partial agreement names the gross of the case in fen."""

    verdict: Literal["agree", "partial", "refuse"]
    opinion: str = Field(max_length=4_000)
    amount_fen: int | None = Field(default=None, ge=0, le=10**13)


class DecisionWanted(_Asked):
    """The minutes of a review whose panel has voted."""

    minutes: str = Field(max_length=8_000)
    document: str = Field(default="", max_length=128)


class PublicationWanted(_Asked):
    """The quarter that is to be published."""

    area: str = Field(min_length=1, max_length=64)


class ReviewShown(BaseModel):
    """An application with what the asker may do."""

    id: str
    state: str
    sheet: Sheet
    blind: bool
    evidence: list[str]
    low_fen: int
    high_fen: int
    may: list[Literal["withdraw", "assign", "vote", "recuse", "decide"]]


class CandidateShown(BaseModel):
    """A list that could be applied for; `criteria` are those that it meets, by code."""

    sheet: Sheet
    criteria: dict[str, str]
    may_apply: bool
    why_not: str


class Seat(BaseModel):
    """An application on whose panel the asker sits."""

    id: str
    drg: str
    criterion_label: str
    state: str
    voted: bool
    filed: str


class ReviewDone(BaseModel):
    """An act on applications that succeeded: which, and where they stand."""

    ids: list[str]
    state: str


@router.get("/reviews/mine", summary="等我评审的申报")
def my_seats(asker: Voter, bench: Bench) -> list[Seat]:
    """The applications on whose panel the asker sits, by the code under which they signed in."""
    # A panel is drawn over the whole home; an expert gets the seats of their own code, and nothing of whose they are.
    known = applications(read_events(bench.home)).values()
    return [
        Seat(
            id=one.id,
            drg=one.body["drg"],
            criterion_label=LABELS[one.body["criterion"]],
            state=one.state,
            voted=asker.name in one.votes,
            filed=str(one.filed),
        )
        for one in known
        if asker.name in one.panel and not one.withdrawn
    ]


@router.get("/reviews/candidates/{institution}/{list_id}", summary="一份可申报的清单")
def review_candidate(
    institution: str, list_id: str, asker: Reader, bench: Bench, month: Month, area: Area
) -> CandidateShown:
    """The figures, the criteria it meets, the deadline and the quota. Errors: `review.missing`."""
    # A case is judged against its group in the whole area; only a list of a hospital that the asker sees is given.
    on = today(bench.home)
    found = candidates(bench.home, month, on, area) if asker.grant.scope.sees_hospital(institution) else None
    hits = [one for one in found.rows if (one.institution_code, one.list_id) == (institution, list_id)] if found else []
    if found is None or not hits:
        raise StoreError("review.missing", f"{month} 没有可申报的清单 {list_id}", where=list_id, hint="看可申报的清单")
    one = hits[0]
    quota = next((quota for quota in found.quotas if quota.institution_code == institution), None)
    why = "已经申报" if one.application else "已过申报期限" if one.days_left < 0 else ""
    notices = [*synthetic_notice(bench.home), f"按 {on} 计算期限", *(note.partition("：")[0] for note in found.notes)]
    return CandidateShown(
        sheet=candidate_sheet(one, quota, notices, simulated=found.assumed),
        criteria={code: LABELS[code] for code in one.criteria},
        may_apply="reviews.apply" in asker.permissions and not why,
        why_not=why,
    )


@router.post("/reviews", status_code=201, summary="申报特例单议")
def review_apply(
    asker: Applicant,
    bench: Bench,
    area: Annotated[str, Form(min_length=1, max_length=64)],
    institution: Annotated[str, Form(min_length=1, max_length=64)],
    list_id: Annotated[str, Form(min_length=1, max_length=128)],
    criterion: Annotated[str, Form(max_length=64)],
    reason: Annotated[str, Form(max_length=4_000)],
    files: list[UploadFile] | None = None,
) -> ReviewDone:
    """File an application for a list of the asker's hospital, with evidence. Errors: `review.*`."""
    if not asker.grant.scope.sees_hospital(institution):
        raise StoreError("store.scope", "不能为别的机构申报", where=institution, hint="由该机构申报")
    sent_files = [Evidence(one.filename or "", one.file.read()) for one in files or ()]
    with tempfile.TemporaryDirectory(prefix="tongpin-") as folder:
        paths = evidence.written(Path(folder), sent_files)
        one = apply_for(
            bench.home,
            list_id,
            criterion,
            reason,
            paths,
            today(bench.home),
            area=area,
            institution=institution,
            actor=asker.name,
        )
    evidence.keep(bench.home, sent_files)
    return _done(bench, asker, "reviews.apply", [one])


@router.post("/reviews/experts", status_code=201, summary="载入专家表")
def review_experts(file: UploadFile, asker: Decider, bench: Bench) -> ReviewDone:
    """The experts of a CSV by code (the login name of their account). Errors: `review.experts`."""
    with as_file(file.file.read(), "专家表.csv") as path:
        found = add_experts(bench.home, path, today(bench.home), asker.name)
    codes = [one.code for one in found]
    _note(bench, asker, "reviews.experts", "review/experts", {"experts": codes})
    return ReviewDone(ids=codes, state="已载入")


@router.post("/reviews/panels", status_code=201, summary="派专家盲审")
def review_panels(body: PanelWanted, asker: Decider, bench: Bench) -> ReviewDone:
    """Draw a panel for every application that waits for one; the draw's seed is kept. Errors: `review.panel`."""
    made = assign(bench.home, body.area, today(bench.home), only=body.only, seed=secrets.token_hex(8), actor=asker.name)
    return _done(bench, asker, "reviews.assign", made)


@router.get("/reviews/publications/{quarter}", summary="季度公示（未公示时为草稿）")
def review_publication(quarter: Quarter, asker: Reader, bench: Bench, area: Area) -> Sheet:
    """A published quarter as it was; before that a draft, for whoever publishes. Errors: `review.quarter`."""
    published = any(one.event == "published" and one.subject == quarter for one in read_events(bench.home, area))
    if not published:
        asker.require("reviews.decide")
    # What is published is the same for everybody, with every hospital in it.
    found = publish(bench.home, quarter, today(bench.home), area, draft=True)
    return publication_sheet(found, synthetic_notice(bench.home))


@router.post("/reviews/publications/{quarter}", status_code=201, summary="公示一个季度")
def review_publish(quarter: Quarter, body: PublicationWanted, asker: Decider, bench: Bench) -> Sheet:
    """Publish a quarter that is over, once. Errors: `review.quarter`."""
    found = publish(bench.home, quarter, today(bench.home), body.area, actor=asker.name)
    _note(bench, asker, "reviews.publish", f"review/{body.area}/{quarter}", {"digest": found.digest})
    return publication_sheet(found, synthetic_notice(bench.home))


@router.get("/reviews/{name}", summary="一份申报")
def review_shown(name: Name, asker: Reader, bench: Bench) -> ReviewShown:
    """An application; to an expert of its panel blind. Errors: `review.unknown`."""
    one = _opened(bench, asker, name)
    is_blind = _is_expert(asker)
    files = [
        f"附件 {place}" if is_blind else file["name"] for place, file in enumerate(one.body["attachments"], start=1)
    ]
    return ReviewShown(
        id=one.id,
        state=one.state,
        sheet=application_sheet(one, synthetic_notice(bench.home), is_blind=is_blind),
        blind=is_blind,
        evidence=files,
        low_fen=one.body["figures"]["gross_fen"],
        high_fen=one.body["pay"]["amount_fen"],
        may=_may(one, asker),
    )


@router.get("/reviews/{name}/evidence/{place}", summary="申报的附件", response_class=Response, responses=_BYTES)
def review_evidence(name: Name, place: Annotated[int, PathPart(ge=1, le=100)], asker: Reader, bench: Bench) -> Response:
    """The bytes of an attachment, always as a download under a neutral name. Errors: `review.missing`."""
    one = _opened(bench, asker, name)
    held = one.body["attachments"]
    if place > len(held):
        raise StoreError("review.missing", f"没有第 {place} 个附件", where=name, hint="重新打开申报")
    content = evidence.read(bench.home, held[place - 1]["sha256"])
    ending = Path(held[place - 1]["name"]).suffix.lower()
    told = f'attachment; filename="{name}-{place}{ending}"'
    return Response(content, media_type="application/octet-stream", headers={"Content-Disposition": told})


@router.get("/reviews/{name}/paper", summary="申报单、盲审单或纪要（A4）", response_class=FileResponse, responses=FILE)
def review_paper(name: Name, asker: Reader, bench: Bench) -> FileResponse:
    """The form of an application, its minutes once decided; to an expert the blind sheet."""
    one = _opened(bench, asker, name)
    notices = notices_of(one.body["assumed"], synthetic_notice(bench.home))
    with tempfile.NamedTemporaryFile(prefix="tongpin-", suffix=".pdf", delete=False) as file:
        path = Path(file.name)
    if _is_expert(asker):
        write_papers([blind_paper(one, asker.name, notices)], path, title="特例单议专家盲审单")
        title = "盲审单"
    elif one.decided:
        write_minutes(one, path, notices)
        title = "评审纪要"
    else:
        write_application(one, path, notices)
        title = "申报单"
    return sent(path, f"特例单议{title}-{name}.pdf", bench, asker, f"review/{name}")


@router.post("/reviews/{name}/withdrawal", summary="撤回申报")
def review_withdraw(name: Name, body: ReasonWanted, asker: Applicant, bench: Bench) -> ReviewDone:
    """Take an application of the asker's hospital back; it uses up no quota. Errors: `review.closed`."""
    _opened(bench, asker, name)
    return _done(
        bench, asker, "reviews.withdraw", [withdraw(bench.home, name, body.reason, today(bench.home), asker.name)]
    )


@router.post("/reviews/{name}/recusal", summary="专家回避")
def review_recuse(name: Name, body: ReasonWanted, asker: Voter, bench: Bench) -> ReviewDone:
    """The asker gives up their seat before voting; the next expert is drawn. Errors: `review.seat`."""
    _opened(bench, asker, name)
    one = recuse(bench.home, name, asker.name, body.reason, today(bench.home), asker.name)
    return _done(bench, asker, "reviews.recuse", [one])


@router.post("/reviews/{name}/votes", status_code=201, summary="专家投票")
def review_vote(name: Name, body: VoteWanted, asker: Voter, bench: Bench) -> ReviewDone:
    """The vote of the asker's own seat, once. Errors: `review.seat`, `review.amount`, `review.opinion`."""
    _opened(bench, asker, name)
    one = vote(
        bench.home,
        name,
        asker.name,
        body.verdict,
        body.opinion,
        today(bench.home),
        amount_fen=body.amount_fen,
    )
    return _done(bench, asker, "reviews.vote", [one])


@router.post("/reviews/{name}/decision", status_code=201, summary="作出结论")
def review_decide(name: Name, body: DecisionWanted, asker: Decider, bench: Bench) -> ReviewDone:
    """Close a review whose panel has voted; the result enters the clearing. Errors: `review.votes`."""
    one = decide(bench.home, name, body.minutes, today(bench.home), document=body.document, actor=asker.name)
    return _done(bench, asker, "reviews.decide", [one])


def _is_expert(asker: Identity) -> bool:
    return asker.role.scope == EXPERT_REACH


def _opened(bench: Workbench, asker: Identity, name: str) -> Application:
    """An application that the asker may see: of their hospitals, or with a seat of theirs on its panel."""
    if _is_expert(asker):
        # Seats are drawn over the whole home; whoever has none is told what whoever knows no such name is told.
        known = {key: one for key, one in applications(read_events(bench.home)).items() if asker.name in one.panel}
    else:
        known = applications(read_events(asker.desk(bench.home)))
    return application_of(known, name)


def _may(one: Application, asker: Identity) -> list[Any]:
    if not one.is_open:
        return []
    held = asker.permissions
    waits = asker.name in one.panel and asker.name not in one.votes
    acts = {
        "withdraw": "reviews.apply" in held,
        "assign": "reviews.decide" in held and not one.assigned,
        "vote": "reviews.vote" in held and waits,
        "recuse": "reviews.vote" in held and waits,
        "decide": "reviews.decide" in held and one.state == "待结论",
    }
    return [name for name, open_ in acts.items() if open_]


def _done(bench: Workbench, asker: Identity, act: str, made: list[Application]) -> ReviewDone:
    for one in made:
        _note(bench, asker, act, f"review/{one.id}", {"state": one.state})
    return ReviewDone(ids=[one.id for one in made], state=made[0].state if made else "没有等着派专家的申报")


def _note(bench: Workbench, asker: Identity, act: str, subject: str, details: dict[str, Any]) -> None:
    with bench.engine.begin() as connection:
        journal.record(connection, actor=asker.name, acted_as=asker.role.id, act=act, subject=subject, details=details)
