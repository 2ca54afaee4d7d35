"""Tables 列表: what each shows, a page of its rows, its rows as xlsx."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.background import BackgroundTask

from tongpin.base.errors import TongpinError
from tongpin.report.xlsx import Column, Sheet, write_workbook
from tongpin.store import journal
from tongpin.workbench.api.asking import Asker, Bench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.listings.catalogue import ListColumn, Listing, Parameter, listing, listings
from tongpin.workbench.listings.query import Asked
from tongpin.workbench.listings.views import columns_for, rows_of
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.sign_in.roles import settings_of

router = APIRouter(tags=["列表"], responses=REFUSALS)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_KINDS = {"integer": "count", "money": "yuan", "ratio": "ratio", "decimal": "number"}


class TableShape(BaseModel):
    """A list: its columns and what has to be chosen before."""

    id: str
    label: str
    note: str
    columns: list[ListColumn]
    parameters: list[Parameter]
    row_link: str | None
    exports: bool


class Rows(BaseModel):
    """A page of rows: by column id; money in fen, ratios 0–1, dates as ISO text."""

    rows: list[dict[str, Any]]
    total: int
    sums: dict[str, int]
    notes: list[str]
    simulated: bool


@router.get("/tables", summary="我能看的列表")
def tables(asker: Asker) -> list[TableShape]:
    """Every list that the role may see."""
    return [_shape(one, asker) for one in listings().values() if one.permission in asker.permissions]


@router.get("/tables/{name}", summary="一张列表的列与参数")
def table(name: str, asker: Asker) -> TableShape:
    """The columns of a list as the role sees them."""
    return _shape(_allowed(name, asker), asker)


@router.post("/tables/{name}/rows", summary="列表的一页")
def rows(name: str, body: Asked, asker: Asker, bench: Bench) -> Rows:
    """Filtered, sorted and counted on the server, only rows of the asker's scope."""
    one = _allowed(name, asker)
    asker.check_area(body.parameters.get("area"))
    body.limit = min(body.limit, settings_of(bench.home)["table.page"])
    page, loaded = bench.views.page(asker.desk(bench.home), one, body, sees_money=asker.role.sees_money)
    columns = columns_for(one, sees_money=asker.role.sees_money)
    return Rows(
        rows=rows_of(page, columns),
        total=page.total,
        sums=page.sums,
        notes=list(loaded.notes),
        simulated=loaded.simulated,
    )


@router.post(
    "/tables/{name}/export",
    summary="导出为 xlsx（带水印，记日志）",
    response_class=FileResponse,
    responses={200: {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}},
)
def export(name: str, body: Asked, asker: Annotated[Identity, Depends(needs("export"))], bench: Bench) -> FileResponse:
    """All rows of the conditions as xlsx; its head names who took it out and when. Errors: `table.export`."""
    one = _allowed(name, asker)
    asker.check_area(body.parameters.get("area"))
    most = settings_of(bench.home)["export.most_rows"]
    asked = body.model_copy(update={"offset": 0, "limit": most})
    page, loaded = bench.views.page(asker.desk(bench.home), one, asked, sees_money=asker.role.sees_money)
    if page.total > most:
        raise TongpinError("table.export", f"有 {page.total} 行，一次最多导出 {most} 行", hint="先筛选再导出")
    columns = [column for column in columns_for(one, sees_money=asker.role.sees_money) if not column.hidden]
    mark = f"{asker.display}（{asker.role.label}）{datetime.now().astimezone():%Y-%m-%d %H:%M} 导出，共 {page.total} 行"
    simulated = ("含有假定的参数：模拟",) if loaded.simulated else ()
    sheet = Sheet(
        one.label[:31],
        one.label,
        [Column(column.id, _title(column), _kind(column)) for column in columns],
        rows_of(page, columns_for(one, sees_money=asker.role.sees_money)),
        notes=(mark, *loaded.notes, *simulated),
        empty="没有符合条件的行",
    )
    with tempfile.NamedTemporaryFile(prefix="tongpin-", suffix=".xlsx", delete=False) as file:
        path = Path(file.name)
    write_workbook([sheet], path, title=one.label, subject=mark)
    with bench.engine.begin() as connection:
        details = {
            "rows": page.total,
            "parameters": body.parameters,
            "filters": [one.model_dump() for one in body.filters],
        }
        journal.record(
            connection,
            actor=asker.name,
            act="export",
            subject=f"table/{name}",
            details=details,
            acted_as=asker.role.id,
        )
    named = f"{one.label}-{datetime.now().astimezone():%Y%m%d-%H%M}.xlsx"
    return FileResponse(path, media_type=XLSX, filename=named, background=BackgroundTask(path.unlink))


def _allowed(name: str, asker: Identity) -> Listing:
    one = listing(name)
    asker.require(one.permission)
    return one


def _shape(one: Listing, asker: Identity) -> TableShape:
    return TableShape(
        id=one.id,
        label=one.label,
        note=one.note,
        columns=columns_for(one, sees_money=asker.role.sees_money),
        parameters=list(one.parameters),
        row_link=one.row_link,
        exports="export" in asker.permissions,
    )


def _title(column: ListColumn) -> str:
    unit = column.unit or ("元" if column.kind == "money" else "")
    return f"{column.label}（{unit}）" if unit else column.label


def _kind(column: ListColumn) -> Any:
    return _KINDS.get(column.kind, "text")
