"""Reports 报告: the papers that a role may have; made once, handed out with a mark and an entry in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse
from pydantic import BaseModel

from tongpin.workbench.analysis.choices import PlaceChoices, place_choices
from tongpin.workbench.analysis.computing import Looked, looked, shared
from tongpin.workbench.analysis.files import FILE_ANSWERS, mark_of, send
from tongpin.workbench.analysis.paper_kinds import Context, PaperAsked, PaperKind
from tongpin.workbench.analysis.papers import PAPERS, paper
from tongpin.workbench.analysis.whose import Whose, needs_money, whole_hospital, whose
from tongpin.workbench.api.asking import Bench, Workbench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.sign_in.identity import DeniedError, Identity

if TYPE_CHECKING:
    from pathlib import Path

router = APIRouter(tags=["报告"], responses=REFUSALS)
Exporter = Annotated[Identity, Depends(needs("export"))]


class FieldAsked(BaseModel):
    """What a paper asks for, and whether it is needed."""

    id: str
    needed: bool


class PaperShown(BaseModel):
    """A paper that the role may have: what it asks for, the kinds of its files."""

    id: str
    label: str
    note: str
    fields: list[FieldAsked]
    kinds: list[str]


class ReportChoices(BaseModel):
    """The papers, and the places and months they may be of."""

    papers: list[PaperShown]
    places: PlaceChoices


class Ready(BaseModel):
    """A paper that can be taken now."""

    label: str


@router.get("/reports", summary="我能下载的报告")
def reports(asker: Exporter, bench: Bench) -> ReportChoices:
    """The papers of the page of reports; those of other pages are offered there."""
    found = [one for one in PAPERS.values() if one.listed and _may(one, asker)]
    return ReportChoices(
        papers=[
            PaperShown(
                id=one.id,
                label=one.label,
                note=one.note,
                fields=[FieldAsked(id=name.rstrip("!"), needed=name.endswith("!")) for name in one.fields],
                kinds=[ending[1:] for ending in one.endings],
            )
            for one in found
        ],
        places=place_choices(bench.home, asker),
    )


@router.post("/reports/{name}/prepare", summary="先算好一份报告（可看进度）")
def prepare_report(name: str, body: PaperAsked, asker: Exporter, bench: Bench) -> Looked[Ready]:
    """Compute what a paper says, or how far that is; ask again until it is ready. Nothing is written."""
    kind, context = _allowed(name, body, asker, bench)
    return looked(bench.home, kind.job(context), lambda _: Ready(label=kind.label))


@router.post(
    "/reports/{name}", summary="下载一份报告（带水印，记日志）", response_class=FileResponse, responses=FILE_ANSWERS
)
def report(name: str, body: PaperAsked, asker: Exporter, bench: Bench) -> FileResponse:
    """The paper that `tongpin report …` and its like make, with who took it and when; several files as a zip.

    Errors: `reports.missing`, `reports.kind`, `sign_in.scope`, and those of the paper.
    """
    kind, context = _allowed(name, body, asker, bench)
    found = shared.get(bench.home, kind.job(context))

    def write(folder: Path) -> list[Path]:
        return list(kind.write(context, found, folder))

    return send(bench, asker, f"report/{name}", body.model_dump(mode="json", exclude_defaults=True), write)


def _may(one: PaperKind, asker: Identity) -> bool:
    scope = asker.grant.scope
    if one.permission not in asker.permissions or not asker.role.sees_money:
        return False
    return scope.is_whole or (one.desk != "bureau" and scope.doctors is None and scope.cases is None)


def _allowed(name: str, body: PaperAsked, asker: Identity, bench: Workbench) -> tuple[PaperKind, Context]:
    """The paper, made for the asker's own hospital or department; every paper tells of money."""
    kind = paper(name)
    asker.require(kind.permission)
    needs_money(asker)
    own: Whose = whose(asker, body.hospital, body.dept, body.area)
    if kind.desk == "bureau" and own.is_masked:
        raise DeniedError("sign_in.scope", f"“{kind.label}”列出各家机构，只给局端", where=name, hint="看定向公布的一份")
    if kind.whole and own.is_masked:
        whole_hospital(asker, body.hospital, body.area)
    # Computed over the whole home, as the command does; each writer gives own rows, or masks the others.
    return kind, Context(bench.home, own, body, mark_of(asker))
