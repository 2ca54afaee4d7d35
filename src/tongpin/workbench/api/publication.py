"""Publication 数据公布: the same sheet for every hospital and county; peers under code names (S910-01)."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.background import BackgroundTask

from tongpin.base.errors import TongpinError
from tongpin.report.xlsx import Sheet
from tongpin.store import journal
from tongpin.twin.publication.bulletin import write_bulletin_pdf
from tongpin.twin.publication.directed import Directed
from tongpin.twin.publication.money import COUNTY, HOSPITAL
from tongpin.twin.publication.run import Publication
from tongpin.twin.publication.sheets import all_sheet, forms_sheet, heading_lines, section_sheet, title_of
from tongpin.twin.publication.workbook import own_sheet, peers_sheet, write_publication_xlsx
from tongpin.workbench.analysis.computing import Looked, looked
from tongpin.workbench.analysis.whose import needs_money
from tongpin.workbench.api.asking import Bench, Workbench, needs
from tongpin.workbench.api.shapes import REFUSALS, WorldTime
from tongpin.workbench.api.tables import XLSX
from tongpin.workbench.assess.issues import (
    Issue,
    edition_for,
    issues,
    marked,
    publication_now,
    publishing,
    release,
    released_issue,
    subject_of,
)
from tongpin.workbench.assess.paper import Paper, paper
from tongpin.workbench.live import Event
from tongpin.workbench.sign_in.identity import DeniedError, Identity

router = APIRouter(tags=["数据公布"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("publication.read"))]
Writer = Annotated[Identity, Depends(needs("publication.write"))]
Exporter = Annotated[Identity, Depends(needs("export"))]
Area = Annotated[str, Query(min_length=1, max_length=64)]
To = Annotated[str, Query(max_length=64)]
PDF = "application/pdf"


def _file(kind: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}}}}}


class IssueShown(BaseModel):
    """A period: whether it was published, when and by whom; `is_stale`: closed anew since, to be published again."""

    period: str
    label: str
    is_quarter: bool
    months: list[str]
    is_released: bool
    is_stale: bool
    released_at: WorldTime | None
    released_by: str


class IssuesShown(BaseModel):
    """The published periods, and for whoever publishes those that wait."""

    issues: list[IssueShown]
    may_release: bool


class PublicationShown(BaseModel):
    """An issue as one receiver sees it: `papers` are the sheets of the workbook; `receivers` for the bureau's look."""

    issue: IssueShown
    title: str
    receiver: str
    peers: int
    peers_label: str
    is_small: bool
    papers: list[Paper]
    notes: list[str]
    receivers: list[Receiver]
    exports: bool


class Receiver(BaseModel):
    """Somebody who gets an edition of their own."""

    code: str
    label: str


class ReleaseWanted(BaseModel):
    """The area whose issue is published."""

    model_config = ConfigDict(extra="forbid")
    area: str = Field(min_length=1, max_length=64)


@router.get("/publication", summary="公布的期次")
def publication_issues(area: Area, asker: Reader, bench: Bench) -> IssuesShown:
    """Published periods; who publishes also sees the closed months and quarters that wait."""
    needs_money(asker)
    asker.check_area(area)
    may = "publication.write" in asker.permissions
    found = [one for one in issues(bench.home, bench.engine, area) if may or one.is_released]
    return IssuesShown(issues=[_issue(one) for one in found], may_release=may)


@router.get("/publication/{period}", summary="一期公布")
def publication_shown(period: str, area: Area, asker: Reader, bench: Bench, to: To = "") -> Looked[PublicationShown]:
    """The sheet of all for the bureau, or the edition of `to`; for a hospital always its own.

    Errors: `publication.missing` (not closed, or not published yet), `publication.for`, `sign_in.scope`.
    """
    # Counted over the whole home; `directed` leaves one's own rows, sums and code names, and only those are answered.
    one = _issue_for(period, area, asker, bench, to)
    job = publishing(bench.home, one, area)
    return looked(bench.home, job, lambda found: _shown(found, one, edition_for(bench.home, found, asker, to), asker))


@router.post("/publication/{period}/release", status_code=201, summary="公布一期")
def publication_release(period: str, body: ReleaseWanted, asker: Writer, bench: Bench) -> IssueShown:
    """Publish an issue; the journal holds by whom, when and on which results.

    Errors: `publication.missing`, `publication.exists`.
    """
    asker.check_area(body.area)
    one = release(bench.home, bench.engine, body.area, period, asker)
    bench.events.tell(Event("publication", {"period": period}, area=body.area))
    return _issue(one)


@router.get(
    "/publication/{period}/workbook", summary="一期公布 xlsx", response_class=FileResponse, responses=_file(XLSX)
)
def publication_workbook(period: str, area: Area, asker: Exporter, bench: Bench, to: To = "") -> FileResponse:
    """The same as a workbook, marked with who took it out. Errors as of the page."""
    return _taken_out(period, area, asker, bench, to, ".xlsx")


@router.get(
    "/publication/{period}/bulletin", summary="季分析通报 PDF", response_class=FileResponse, responses=_file(PDF)
)
def publication_bulletin(period: str, area: Area, asker: Exporter, bench: Bench, to: To = "") -> FileResponse:
    """The bulletin of a quarter on A4, to be stamped. Errors as of the page, `publication.quarter`."""
    return _taken_out(period, area, asker, bench, to, ".pdf")


def _issue_for(period: str, area: str, asker: Identity, bench: Workbench, to: str) -> Issue:
    needs_money(asker)
    asker.check_area(area)
    scope = asker.grant.scope
    own = scope.hospitals
    if own is not None and (len(own) != 1 or not scope.sees_hospital(min(own))):
        raise DeniedError("sign_in.scope", "公布的数按整个机构给出", where="hospital", hint="由看全院的岗位查看")
    if own is not None and to not in {"", *own}:
        raise DeniedError("sign_in.scope", "只能看本机构的一份", where=to, hint="不写 to")
    return released_issue(bench.home, bench.engine, area, period, asker)


def _taken_out(period: str, area: str, asker: Identity, bench: Workbench, to: str, ending: str) -> FileResponse:
    asker.require("publication.read")
    one = _issue_for(period, area, asker, bench, to)
    if ending == ".pdf" and not one.is_quarter:
        raise TongpinError("publication.quarter", "只有季分析通报有 A4 版", where=period, hint="月统计公布导出表格")
    found = publication_now(bench.home, one, area)
    edition = edition_for(bench.home, found, asker, to)
    mark = f"{asker.display}（{asker.role.label}）{datetime.now().astimezone():%Y-%m-%d %H:%M} 导出"
    state = "" if one.is_released else "（草稿，未公布）"
    with tempfile.NamedTemporaryFile(prefix="tongpin-", suffix=ending, delete=False) as file:
        path = Path(file.name)
    write = write_publication_xlsx if ending == ".xlsx" else write_bulletin_pdf
    write(marked(found, f"{mark}{state}"), path, edition)
    details = {"to": edition.code if edition else "", "file": ending}
    with bench.engine.begin() as connection:
        journal.record(
            connection,
            actor=asker.name,
            act="export",
            subject=subject_of(area, period),
            details=details,
            acted_as=asker.role.id,
        )
    named = f"{title_of(found, edition)}{state}{ending}"
    kind = XLSX if ending == ".xlsx" else PDF
    return FileResponse(path, media_type=kind, filename=named, background=BackgroundTask(path.unlink))


def _shown(found: Publication, issue: Issue, edition: Directed | None, asker: Identity) -> PublicationShown:
    is_bureau = asker.grant.scope.hospitals is None
    receivers = [
        Receiver(code=one.code, label=f"{'区县 ' if one.kind == COUNTY else ''}{one.name}")
        for one in (*found.of(COUNTY), *found.of(HOSPITAL))
        if one.code
    ]
    return PublicationShown(
        issue=_issue(issue),
        title=title_of(found, edition),
        receiver="" if edition is None else edition.code,
        peers=0 if edition is None else edition.peers,
        peers_label="" if edition is None else edition.peers_label,
        is_small=edition is not None and edition.is_small,
        papers=[paper(one) for one in _sheets(found, edition)],
        notes=heading_lines(found, edition),
        receivers=receivers if is_bureau else [],
        exports="export" in asker.permissions,
    )


def _sheets(found: Publication, edition: Directed | None) -> list[Sheet]:
    """The sheets of the workbook in its order: a hospital's own one below the other, else the sheet of all."""
    title = title_of(found, edition)
    if edition is not None and edition.kind == HOSPITAL:
        sheets = [own_sheet(found, edition, title)]
    else:
        places = found.places if edition is None else (*edition.own, *edition.sums)
        sections = [section_sheet(found, one, places, title, edition) for one in found.plan.sections]
        sheets = [all_sheet(found, places, title, edition), *sections]
    if edition is not None:
        sheets.append(peers_sheet(found, edition, title))
    return [*sheets, forms_sheet(found, title)]


def _issue(one: Issue) -> IssueShown:
    year, _, rest = one.period.partition("Q") if one.is_quarter else one.period.partition("-")
    label = f"{year}年第{rest}季度分析通报" if one.is_quarter else f"{year}年{int(rest)}月统计公布"
    return IssueShown(
        period=one.period,
        label=label,
        is_quarter=one.is_quarter,
        months=list(one.months),
        is_released=one.is_released,
        is_stale=one.is_stale,
        released_at=one.released_at,
        released_by=one.released_by,
    )


PublicationShown.model_rebuild()
