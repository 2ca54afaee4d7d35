"""Measures 指标: what can be asked, tables of figures by free slicing, peers, export, kept views."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from tongpin.measures.compare import KINDS, PEERS
from tongpin.measures.figures import SLICES, load_sets, span_text
from tongpin.measures.papers import by_words, write_table_xlsx
from tongpin.measures.table import chosen_measures, known_measures
from tongpin.workbench.analysis import kept_views
from tongpin.workbench.analysis.choices import PlaceChoices, place_choices
from tongpin.workbench.analysis.computing import Looked, looked, shared
from tongpin.workbench.analysis.files import FILE_ANSWERS, mark_of, send
from tongpin.workbench.analysis.measure_shapes import (
    HOSPITAL_WORD,
    Meaning,
    MeasuresAsked,
    MeasureTable,
    is_money,
    meaning,
)
from tongpin.workbench.analysis.measure_table import as_page, figures_job, seen
from tongpin.workbench.analysis.peers import PeerSheet, peer_sheet
from tongpin.workbench.analysis.whose import Whose, needs_money, whole_hospital, whose
from tongpin.workbench.api.asking import Bench, needs
from tongpin.workbench.api.shapes import REFUSALS, Number
from tongpin.workbench.sign_in.identity import Identity

if TYPE_CHECKING:
    from pathlib import Path as File

    from tongpin.measures.figures import FigureTable

router = APIRouter(tags=["指标"], responses=REFUSALS)
Reader = Annotated[Identity, Depends(needs("measures.read"))]
Exporter = Annotated[Identity, Depends(needs("export"))]
PageName = Annotated[str, Path(pattern="^(measures|benchmarks|portfolio|forecast)$")]


class SetShown(BaseModel):
    """Measures that are looked at together; `id` with `@` asks for them."""

    id: str
    label: str
    measures: list[str]


class WordShown(BaseModel):
    """A word that may be asked for, and what it means."""

    id: str
    label: str


class MeasureChoices(BaseModel):
    """Everything that a table of figures may be asked for by this role."""

    measures: list[Meaning]
    sets: list[SetShown]
    slices: list[WordShown]
    comparisons: list[WordShown]
    places: PlaceChoices
    exports: bool


class PeersAsked(BaseModel):
    """One measure of the hospitals of a level; `hospital`: whose level (all where names may be seen)."""

    model_config = ConfigDict(extra="forbid")
    months: str = Field(max_length=20)
    measure: str = Field(pattern="^[^@]", max_length=100)
    hospital: str | None = Field(default=None, max_length=64)
    area: str | None = Field(default=None, max_length=64)


class ViewWanted(BaseModel):
    """A view to keep: its name and what it asks of the page."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=64)
    asked: dict[str, Any]


class ViewShown(BaseModel):
    """A kept view; `link` opens it for others, with their own scope."""

    id: int
    page: str
    name: str
    asked: dict[str, Any]
    link: str
    by: str
    is_own: bool


@router.get("/measures", summary="可以问哪些指标、怎样切分、与什么比")
def measure_choices(asker: Reader, bench: Bench) -> MeasureChoices:
    """Measures, sets, slices, comparisons and places of the asker's scope; without money for who sees none."""
    known = {
        name: one for name, one in known_measures(bench.home).items() if asker.role.sees_money or not is_money(one)
    }
    return MeasureChoices(
        measures=[meaning(one) for one in known.values()],
        sets=[
            SetShown(id=one.id, label=one.label, measures=[name for name in one.measures if name in known])
            for one in load_sets().values()
            if any(name in known for name in one.measures)
        ],
        slices=[WordShown(id=word, label=one.label) for word, one in SLICES.items()],
        comparisons=[WordShown(id=word, label=label) for word, label in KINDS.items()],
        places=place_choices(bench.home, asker),
        exports="export" in asker.permissions,
    )


@router.post("/measures/table", summary="指标表：自由切分、比较、收缩")
def measure_table(body: MeasuresAsked, asker: Reader, bench: Bench) -> Looked[MeasureTable]:
    """A page of a table of figures; own rows by name, others only as the references they are compared with.

    Errors: `measures.*`, `sign_in.scope`.
    """
    # Counted over the whole home, for references and benchmarks are of all; only rows of the scope are formed.
    own = whose(asker, body.hospital, body.dept, body.area)
    job = figures_job(bench.home, body.wish(own))
    return looked(bench.home, job, lambda found: as_page(seen(found, asker, own), body, asker))


@router.post(
    "/measures/export", summary="指标表 xlsx（带水印，记日志）", response_class=FileResponse, responses=FILE_ANSWERS
)
def measure_export(body: MeasuresAsked, asker: Exporter, bench: Bench) -> FileResponse:
    """The same table whole, as the workbook of `tongpin measures table`, with comparison and meanings."""
    asker.require("measures.read")
    own = whose(asker, body.hospital, body.dept, body.area)
    found = seen(shared.get(bench.home, figures_job(bench.home, body.wish(own))), asker, own)

    def write(folder: File) -> list[File]:
        path = folder / _file_name(found)
        write_table_xlsx(replace(found, notes=(mark_of(asker), *found.notes)), path)
        return [path]

    return send(bench, asker, "measures/table", body.model_dump(exclude={"offset", "limit"}), write)


@router.post("/measures/peers", summary="同级机构的一个指标：院端只见本院与代号")
def measure_peers(body: PeersAsked, asker: Reader, bench: Bench) -> Looked[PeerSheet]:
    """The hospitals of a level by one measure; for hospitals others stand under code names without their size."""
    own = whose(asker, body.hospital, None, body.area)
    if own.is_masked:
        whole_hospital(asker, body.hospital, body.area)
    (measure,) = chosen_measures(bench.home, [body.measure])
    if is_money(measure):
        needs_money(asker)
    asked = MeasuresAsked(
        months=body.months, by=[HOSPITAL_WORD], measures=[body.measure], compare=PEERS, area=body.area
    )
    # Every hospital's figure is computed here; `peer_sheet` cuts it to the own one and masked peers.
    job = figures_job(bench.home, asked.wish(Whose(None, None, own.is_masked)))
    return looked(bench.home, job, lambda found: peer_sheet(bench.home, found, own.hospital, is_masked=own.is_masked))


@router.get("/pages/{page}/views", summary="我保存的视图")
def kept_views_of(page: PageName, asker: Reader, bench: Bench) -> list[ViewShown]:
    """One's own views of a page."""
    with bench.engine.connect() as connection:
        return [_shown(one) for one in kept_views.views_of(connection, asker, page)]


@router.post("/pages/{page}/views", status_code=201, summary="保存视图")
def keep_view(page: PageName, body: ViewWanted, asker: Reader, bench: Bench) -> ViewShown:
    """Keep what was asked under a name; a view of that name is replaced."""
    with bench.engine.begin() as connection:
        return _shown(kept_views.keep_view(connection, asker, page, body.name, body.asked))


@router.get("/pages/{page}/views/{link}", summary="打开分享的视图")
def kept_view(page: PageName, link: str, asker: Reader, bench: Bench) -> ViewShown:
    """What somebody asked; the figures are those of the reader's own scope."""
    with bench.engine.connect() as connection:
        return _shown(kept_views.view_by_link(connection, asker, page, link))


@router.delete("/views/{view_id}", status_code=204, summary="删除视图")
def drop_view(view_id: Number, asker: Reader, bench: Bench) -> None:
    """Delete one of one's own views."""
    with bench.engine.begin() as connection:
        kept_views.drop_view(connection, asker, view_id)


def _shown(one: kept_views.KeptView) -> ViewShown:
    return ViewShown.model_validate(one._asdict())


def _file_name(found: FigureTable) -> str:
    kind = f"-{KINDS[found.compare]}" if found.compare else ""
    return f"指标表-{span_text(found.months)}-{by_words(found).replace('、', '')}{kind}.xlsx"
