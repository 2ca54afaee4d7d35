"""Guokao 国考: the filing sheet, what is done to an indicator, the self-check, the simulation of score and place."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, UploadFile
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask

from tongpin.base.errors import TongpinError
from tongpin.documents.attachments import keep_file, kept_file, kept_path, type_of_file
from tongpin.documents.kinds import kind_of
from tongpin.measures.guokao.hospital import Hospital
from tongpin.measures.guokao.sheet_xlsx import write_sheet
from tongpin.measures.guokao.tasks import Desk, submitted_figures
from tongpin.store import journal
from tongpin.workbench.analysis.computing import Looked, looked
from tongpin.workbench.api.asking import Bench, Workbench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.api.tables import XLSX
from tongpin.workbench.assess.filing import counted_now, counting, desk_of, filing, seen_hospital
from tongpin.workbench.assess.filing_shapes import GuokaoIndicator, GuokaoSheet, indicator_shown, sheet_shown
from tongpin.workbench.assess.scoring import GuokaoScore, scored, tried_weights
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.today import today

router = APIRouter(tags=["国考"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("guokao.read"))]
Writer = Annotated[Identity, Depends(needs("guokao.write"))]
Year = Annotated[int, Field(ge=2015, le=2100)]
Number = Annotated[str, Field(min_length=1, max_length=16)]
EVIDENCE = kind_of("filing").attachments
"""What may be evidence: the same types as beside a document of filing."""
_XLSX: dict[int | str, dict[str, Any]] = {200: {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}}
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OwnersWanted(_Asked):
    """Indicators given to departments: number → department."""

    owners: dict[Number, Annotated[str, Field(min_length=1, max_length=64)]] = Field(min_length=1, max_length=200)


class ReasonWanted(_Asked):
    """Why an indicator changed so much against the year before."""

    no: Number
    text: str = Field(min_length=1, max_length=1_000)


class SubmissionWanted(_Asked):
    """The indicators that are submitted, with their figures as they stand."""

    numbers: list[Number] = Field(min_length=1, max_length=200)


class ReturnWanted(_Asked):
    """An indicator that the province returned, why, and the number of its notice."""

    no: Number
    reason: str = Field(min_length=1, max_length=1_000)
    document: str = Field(default="", max_length=128)


class ScoreWanted(_Asked):
    """The method, and weights to be tried (number → points, 1000 in all); none: those of the home."""

    method: str = Field(default="percentile", max_length=32)
    weights: dict[Number, Annotated[float, Field(ge=0, le=1_000)]] | None = Field(default=None, max_length=200)


class Told(BaseModel):
    """What an act left: the state of each indicator that it was about."""

    states: dict[str, str]


@router.get("/guokao/{hospital}/{year}", summary="填报表：指标值、责任科室、佐证、状态与自查")
def guokao_sheet(hospital: str, year: Year, asker: Reader, bench: Bench) -> Looked[GuokaoSheet]:
    """The filing sheet of a hospital-year. Errors: `guokao.unknown`, `guokao.manual` (不参加国考)."""
    # Counted over the whole home: risk levels of groups rest on the deaths of every hospital; shown is this one alone.
    one = _seen(hospital, year, asker, bench)
    return looked(
        bench.home, counting(bench.home, one.code, year), lambda found: sheet_shown(filing(bench.home, found), asker)
    )


@router.get("/guokao/{hospital}/{year}/indicators/{number}", summary="一项指标的全部")
def guokao_indicator(hospital: str, year: Year, number: str, asker: Reader, bench: Bench) -> Looked[GuokaoIndicator]:
    """Formula, numerator and denominator, document, year before, history. Errors: `guokao.missing`."""
    one = _seen(hospital, year, asker, bench)
    return looked(
        bench.home,
        counting(bench.home, one.code, year),
        lambda found: indicator_shown(filing(bench.home, found), number, asker),
    )


@router.post("/guokao/{hospital}/{year}/owners", summary="分派责任科室")
def guokao_assign(hospital: str, year: Year, body: OwnersWanted, asker: Writer, bench: Bench) -> Told:
    """Give indicators to departments. Errors: `guokao.number`, `guokao.owner`."""
    desk = _desk(hospital, year, asker, bench)
    return _done(bench, asker, desk, "assign", body.owners, lambda day: desk.assign(body.owners, day, asker.name))


@router.post("/guokao/{hospital}/{year}/evidence", status_code=201, summary="上传佐证")
def guokao_evidence(
    hospital: str,
    year: Year,
    no: Annotated[str, Form(min_length=1, max_length=16)],
    file: UploadFile,
    asker: Writer,
    bench: Bench,
) -> Told:
    """Keep a file as evidence of an indicator, by its digest. Errors: `documents.attachment`, `guokao.owner`."""
    desk = _desk(hospital, year, asker, bench)
    name, content = Path((file.filename or "").replace("\\", "/")).name.strip(), file.file.read()
    type_of_file(name, content, EVIDENCE)
    digest = hashlib.sha256(content).hexdigest()

    def keep(day: Any) -> Any:
        with tempfile.TemporaryDirectory(prefix="tongpin-") as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            tasks = desk.add_evidence(no, [path], day, asker.name)
        keep_file(bench.home, digest, content)
        return tasks

    return _done(bench, asker, desk, "evidence", {"no": no, "name": name, "digest": digest}, keep)


@router.get(
    "/guokao/{hospital}/{year}/evidence/{digest}", summary="取一份佐证", response_class=Response, responses=_BYTES
)
def guokao_evidence_file(hospital: str, year: Year, digest: str, asker: Reader, bench: Bench) -> Response:
    """The bytes of an evidence that was uploaded here. Errors: `guokao.missing`, `documents.changed`."""
    desk = desk_of(bench.home, _seen(hospital, year, asker, bench), year)
    named = {file["sha256"]: file["name"] for task in desk.tasks().values() for file in task.evidence}
    if digest not in named or not kept_path(bench.home, digest).is_file():
        raise TongpinError(
            "guokao.missing", "这里没有这份佐证", where=digest, hint="在命令行登记的佐证留在原处，只记文件名与摘要"
        )
    content = kept_file(bench.home, digest, named[digest])
    return Response(content, media_type="application/octet-stream", headers={"Content-Disposition": "attachment"})


@router.post("/guokao/{hospital}/{year}/reason", summary="说明变化原因")
def guokao_reason(hospital: str, year: Year, body: ReasonWanted, asker: Writer, bench: Bench) -> Told:
    """Say why an indicator changed so much (S909-02). Errors: `guokao.number`, `guokao.reason`."""
    desk = _desk(hospital, year, asker, bench)
    return _done(
        bench,
        asker,
        desk,
        "reason",
        body.model_dump(),
        lambda day: desk.give_reason(body.no, body.text, day, asker.name),
    )


@router.post("/guokao/{hospital}/{year}/submit", summary="登记提交")
def guokao_submit(hospital: str, year: Year, body: SubmissionWanted, asker: Writer, bench: Bench) -> Told:
    """Submit indicators with their figures. Errors: `guokao.submit` names all that is missing at once."""
    desk = _desk(hospital, year, asker, bench)
    found = counted_now(bench.home, desk.institution_code, year)
    figures = submitted_figures(found.values)
    return _done(
        bench,
        asker,
        desk,
        "submit",
        {"numbers": body.numbers},
        lambda day: desk.submit(body.numbers, figures, found.changes, day, asker.name),
    )


@router.post("/guokao/{hospital}/{year}/return", summary="登记省级退回")
def guokao_return(hospital: str, year: Year, body: ReturnWanted, asker: Writer, bench: Bench) -> Told:
    """Note that the province returned an indicator. Errors: `guokao.return`."""
    desk = _desk(hospital, year, asker, bench)
    return _done(
        bench,
        asker,
        desk,
        "return",
        body.model_dump(),
        lambda day: desk.take_back(body.no, body.reason, body.document, day, asker.name),
    )


@router.post("/guokao/{hospital}/{year}/score", summary="评分模拟与结余投向")
def guokao_score(hospital: str, year: Year, body: ScoreWanted, asker: Reader, bench: Bench) -> Looked[GuokaoScore]:
    """Scores against imported peers, place, grade and proposal; all simulated. Errors: `guokao.method | table`."""
    one = _seen(hospital, year, asker, bench)
    return looked(
        bench.home,
        counting(bench.home, one.code, year),
        lambda found: scored(bench.home, found, body.method, tried_weights(body.weights), asker),
    )


@router.get("/guokao/{hospital}/{year}/workbook", summary="填报表 xlsx", response_class=FileResponse, responses=_XLSX)
def guokao_workbook(
    hospital: str, year: Year, asker: Annotated[Identity, Depends(needs("export"))], bench: Bench
) -> FileResponse:
    """The filing sheet as the workbook of `tongpin guokao sheet`; its head names who took it out and when."""
    asker.require("guokao.read")
    if not asker.role.sees_money:
        raise TongpinError("guokao.money", "填报表含金额，本岗位不看金额", hint="由看金额的岗位导出")
    one = _seen(hospital, year, asker, bench)
    found = filing(bench.home, counted_now(bench.home, one.code, year))
    mark = f"{asker.display}（{asker.role.label}）{datetime.now().astimezone():%Y-%m-%d %H:%M} 导出"
    with tempfile.NamedTemporaryFile(prefix="tongpin-", suffix=".xlsx", delete=False) as file:
        path = Path(file.name)
    tables = (found.counted.values, found.counted.extra)
    notices = [mark, *found.notices]
    write_sheet(path, found.known, tables, found.counted.changes, found.tasks, found.steps, found.findings, notices)
    with bench.engine.begin() as connection:
        journal.record(
            connection, actor=asker.name, act="export", subject=_subject(one.code, year), acted_as=asker.role.id
        )
    named = f"国考填报表-{one.name}-{year}.xlsx"
    return FileResponse(path, media_type=XLSX, filename=named, background=BackgroundTask(path.unlink))


def _seen(hospital: str, year: int, asker: Identity, bench: Workbench) -> Hospital:
    return seen_hospital(bench.home, asker.grant.scope, hospital, year)


def _desk(hospital: str, year: int, asker: Identity, bench: Workbench) -> Desk:
    return desk_of(bench.home, _seen(hospital, year, asker, bench), year)


def _subject(code: str, year: int) -> str:
    return f"guokao/{code}/{year}"


def _done(bench: Workbench, asker: Identity, desk: Desk, act: str, details: Any, work: Any) -> Told:
    """Do an act today and write it into the journal; what is refused leaves neither."""
    tasks = work(today(bench.home))
    with bench.engine.begin() as connection:
        journal.record(
            connection,
            actor=asker.name,
            act=f"guokao.{act}",
            subject=_subject(desk.institution_code, desk.year),
            details=details,
            acted_as=asker.role.id,
        )
    return Told(states={one.no: one.state for one in tasks})
