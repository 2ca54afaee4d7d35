"""Appeals 申诉: evidence and letter of hospitals, reviewed and decided by the agency (S902-01, S902-03)."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi import Path as PathPart
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask

from tongpin.payment.appeal_letter import Evidence, alike_words, evidence_of, write_appeal_letter
from tongpin.payment.lists.feedback import RESULTS, Appeal, appeals, decide_appeal, file_appeal, review_appeal
from tongpin.payment.policy.library import policy_named
from tongpin.store.home import Home
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.case_shapes import ParameterShown
from tongpin.workbench.api.lists import check_whole_region, noted
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.api.sheets import SheetField
from tongpin.workbench.sign_in.identity import DeniedError, Identity
from tongpin.workbench.today import today

router = APIRouter(prefix="/lists/{institution}/{setl_id}", tags=["清单与申诉"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("lists.read"))]
Appellant = Annotated[Identity, Depends(needs("appeals.write"))]
Reviewer = Annotated[Identity, Depends(needs("appeals.review"))]
Decider = Annotated[Identity, Depends(needs("appeals.decide"))]
Place = Annotated[str, PathPart(max_length=64)]
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class AppealWanted(BaseModel):
    """An appeal: the list, why, further evidence in words; the letter is attached by itself."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=2, max_length=4_000)
    texts: list[Annotated[str, Field(max_length=1_000)]] = Field(default=[], max_length=20)


class AppealReviewWanted(BaseModel):
    """A review of an appeal: what is proposed, and why."""

    model_config = ConfigDict(extra="forbid")
    opinion: str = Field(max_length=16)
    reason: str = Field(min_length=2, max_length=4_000)


class DecisionWanted(BaseModel):
    """A decision about an appeal; `amount_fen` where the edition pays upheld appeals at an amount decided."""

    model_config = ConfigDict(extra="forbid")
    result: str = Field(max_length=16)
    reason: str = Field(min_length=2, max_length=4_000)
    document: str = Field(default="", max_length=200)
    amount_fen: int | None = Field(default=None, ge=0, le=10**13)


class EvidenceStep(BaseModel):
    """A step of the price."""

    label: str
    text: str
    source: str


class AppealReview(BaseModel):
    """A review; `by` for the agency only."""

    opinion: str
    reason: str
    on: date
    by: str | None


class AppealShown(BaseModel):
    """An appeal as it was filed, its reviews (the last one counts), its result; `decided_by` for the agency only."""

    institution_code: str
    setl_id: str
    month: str
    filed_on: date
    reason: str
    evidence: list[str]
    window_end: date | None
    stage: str
    reviews: list[AppealReview]
    result: str | None
    decided_on: date | None
    decided_by: str | None
    decision_reason: str | None
    document: str | None


class EvidenceShown(BaseModel):
    """What an appeal about a list can rest on, and the appeal where there is one."""

    institution_code: str
    institution_name: str
    setl_id: str
    month: str
    published_on: date | None
    window_end: date | None
    window_open: bool
    facts: list[SheetField]
    group: list[str]
    steps: list[EvidenceStep]
    clauses: list[ParameterShown]
    alike: str
    own_alike: list[AppealShown]
    appeal: AppealShown | None
    may_file: bool
    may_review: bool
    may_decide: bool
    pays_decided: bool
    results: list[str]
    policy: str
    simulated: bool


@router.get("/evidence", summary="申诉的证据：事实、价格、条款、同类结论")
def appeal_evidence(institution: Place, setl_id: Place, asker: Reader, bench: Bench) -> EvidenceShown:
    """What an appeal about a list can rest on; of other hospitals' decisions only how many there were."""
    _sees_money(asker)
    desk = asker.desk(bench.home)
    found = evidence_of(desk, bench.home, institution, setl_id)
    return _evidence(desk, found, asker, today(bench.home))


@router.get(
    "/letter",
    summary="申诉书（docx，证据已填好）",
    response_class=FileResponse,
    responses={200: {"content": {DOCX: {"schema": {"type": "string", "format": "binary"}}}}},
)
def appeal_letter(
    institution: Place,
    setl_id: Place,
    asker: Reader,
    bench: Bench,
    reason: Annotated[str, Query(max_length=4_000)] = "",
) -> FileResponse:
    """The letter as it was filed; before that, its evidence filled in and ready for the seal. The journal notes it."""
    _sees_money(asker)
    asker.require("export")
    found = evidence_of(asker.desk(bench.home), bench.home, institution, setl_id)
    noted(bench, asker, "export", f"appeal/{institution}/{setl_id}", {"paper": "申诉书"})
    kept = _kept(bench.home, found)
    if kept.is_file():
        return FileResponse(kept, media_type=DOCX, filename=kept.name)
    folder = Path(tempfile.mkdtemp(prefix="tongpin-"))
    write_appeal_letter(found, reason, today(bench.home), folder / kept.name)
    after = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    return FileResponse(folder / kept.name, media_type=DOCX, filename=kept.name, background=after)


@router.post("/appeal", status_code=201, summary="提出申诉")
def file_list_appeal(
    institution: Place, setl_id: Place, body: AppealWanted, asker: Appellant, bench: Bench
) -> AppealShown:
    """File the appeal of the asker's own hospital about a list, its letter attached by name and digest (S902-01)."""
    if not asker.grant.scope.sees_hospital(institution):
        raise DeniedError("appeals.scope", "只能就本机构的清单申诉", where="institution", hint="由那家医院的医保办提出")
    on = today(bench.home)
    found = evidence_of(asker.desk(bench.home), bench.home, institution, setl_id)
    with tempfile.TemporaryDirectory(prefix="tongpin-") as folder:
        kept = _kept(bench.home, found)
        letter = Path(folder) / kept.name
        write_appeal_letter(found, body.reason, on, letter)
        filed = file_appeal(
            bench.home,
            found.area,
            setl_id,
            on,
            body.reason,
            institution_code=institution,
            texts=body.texts,
            attachments=[letter],
        )
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(letter, kept)
    details = {"reason": body.reason, "month": filed.month}
    noted(bench, asker, "appeals.file", f"appeal/{institution}/{setl_id}", details)
    return _appeal(filed, asker)


@router.post("/review", summary="复核申诉")
def review_list_appeal(
    institution: Place, setl_id: Place, body: AppealReviewWanted, asker: Reviewer, bench: Bench
) -> AppealShown:
    """Review a filed appeal for the decision by somebody else; a later review replaces an earlier one (S902-01)."""
    check_whole_region(asker)
    found = evidence_of(bench.home, bench.home, institution, setl_id)
    reviewed = review_appeal(
        bench.home,
        found.area,
        institution,
        setl_id,
        body.opinion,
        body.reason,
        today(bench.home),
        asker.name,
    )
    details = {"opinion": body.opinion, "reason": body.reason}
    noted(bench, asker, "appeals.review", f"appeal/{institution}/{setl_id}", details)
    return _appeal(reviewed, asker)


@router.post("/decision", summary="决定申诉")
def decide_list_appeal(
    institution: Place, setl_id: Place, body: DecisionWanted, asker: Decider, bench: Bench
) -> AppealShown:
    """Decide an appeal that somebody else reviewed; step 8 of the clearing pays an upheld one anew."""
    check_whole_region(asker)
    found = evidence_of(bench.home, bench.home, institution, setl_id)
    decided = decide_appeal(
        bench.home,
        found.area,
        setl_id,
        today(bench.home),
        body.result,
        by=asker.name,
        institution_code=institution,
        amount_fen=body.amount_fen,
        reason=body.reason,
        document=body.document,
    )
    details: dict[str, Any] = {"result": body.result, "reason": body.reason, "document": body.document}
    noted(bench, asker, "appeals.decide", f"appeal/{institution}/{setl_id}", details)
    return _appeal(decided, asker)


def _sees_money(asker: Identity) -> None:
    if not asker.role.sees_money:
        raise DeniedError("lists.money", "申诉材料含支付金额，这个岗位不看金额", where="scope", hint="由医保办办理")


def _kept(home: Home, found: Evidence) -> Path:
    """Where the letter of a filed appeal is kept, so that its digest can be checked; named by the list."""
    digest = hashlib.sha256(f"{found.institution_code}/{found.setl_id}".encode()).hexdigest()
    name = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in found.setl_id)
    return home.root / "appeals" / digest[:16] / f"申诉书-{name[:80]}.docx"


def _filed(desk: Home, found: Evidence) -> Appeal | None:
    """The appeal about the list, where there is one."""
    wanted = (found.institution_code, found.setl_id)
    return next((one for one in appeals(desk, found.area) if (one.institution_code, one.setl_id) == wanted), None)


def _evidence(desk: Home, found: Evidence, asker: Identity, on: date) -> EvidenceShown:
    published = found.published
    filed = _filed(desk, found)
    policy = policy_named(desk, found.policy)
    waits = filed is not None and filed.result is None
    is_open = published is not None and published.on <= on and (published.until is None or on <= published.until)
    return EvidenceShown(
        **{name: getattr(found, name) for name in ("institution_code", "institution_name", "setl_id", "month")},
        published_on=published.on if published else None,
        window_end=published.until if published else None,
        window_open=is_open,
        facts=[
            SheetField(id=f"fact{place}", label=label, value=text) for place, (label, text) in enumerate(found.facts)
        ],
        group=list(found.group),
        steps=[EvidenceStep(label=step.label, text=step.text.strip(), source=step.source) for step in found.steps],
        clauses=[
            ParameterShown(key=one.key, label=one.label, words=one.words, since=one.since, source=one.source)
            for one in found.clauses
        ],
        alike=alike_words(found.alike),
        own_alike=[_appeal(one, asker) for one in found.alike.own],
        appeal=_appeal(filed, asker) if filed else None,
        may_file=is_open
        and filed is None
        and "appeals.write" in asker.permissions
        and asker.grant.scope.sees_hospital(found.institution_code),
        may_review=waits and "appeals.review" in asker.permissions,
        may_decide=waits and "appeals.decide" in asker.permissions and _is_reviewed_by_another(filed, asker),
        pays_decided="appeal.pay" in policy.edition.parameters and policy.value("appeal.pay", on) == "decided",
        results=list(RESULTS),
        policy=found.policy_label,
        simulated=found.simulated,
    )


def _is_reviewed_by_another(filed: Appeal | None, asker: Identity) -> bool:
    return filed is not None and bool(filed.reviews) and filed.reviews[-1].by != asker.name


def _appeal(one: Appeal, asker: Identity) -> AppealShown:
    is_agency = asker.role.desk == "bureau"
    return AppealShown(
        **{
            name: getattr(one, name)
            for name in (
                *("institution_code", "setl_id", "month", "filed_on", "reason", "window_end", "stage"),
                *("result", "decided_on", "decision_reason", "document"),
            )
        },
        evidence=list(one.evidence),
        reviews=[
            AppealReview(
                opinion=review.opinion, reason=review.reason, on=review.on, by=review.by if is_agency else None
            )
            for review in one.reviews
        ],
        decided_by=one.decided_by if is_agency else None,
    )
