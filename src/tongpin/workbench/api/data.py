"""Data 取数: findings, statements and measures for programs, page by page; the same rows as on the pages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from tongpin.measures.figures import SLICES
from tongpin.measures.table import Wish, figures_in_home
from tongpin.payment.month.closed import area_of
from tongpin.workbench.api.asking import Bench, Workbench, needs
from tongpin.workbench.api.shapes import REFUSALS
from tongpin.workbench.listings.catalogue import listing
from tongpin.workbench.listings.query import Asked, Filter
from tongpin.workbench.listings.views import columns_for, rows_of
from tongpin.workbench.sign_in.identity import DeniedError, Identity

router = APIRouter(tags=["取数"], responses=REFUSALS)
MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
Month = Annotated[str, Query(pattern=MONTH)]
Word = Annotated[str | None, Query(min_length=1, max_length=64)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
Limit = Annotated[int, Query(ge=1, le=1_000)]
By = Literal["dept", "doctor", "mdc", "group", "insurance", "month"]
"""What figures may be sliced by besides the institution."""
MONEY_UNITS = frozenset({"fen", "yuan"})


class Data(BaseModel):
    """A page of rows: money in fen, ratios 0–1, dates as ISO text; `next` is the offset of the next page, if any."""

    rows: list[dict[str, Any]]
    total: int
    next: int | None
    notes: list[str]
    simulated: bool


class Figures(BaseModel):
    """Figures, each with population, form, weight edition and benchmark period; what a reader has to know."""

    rows: list[dict[str, Any]]
    total: int
    next: int | None
    notes: list[str]
    basis: dict[str, Any]


@router.get("/data/findings", summary="还没有改正的问题")
def findings(
    asker: Annotated[Identity, Depends(needs("findings.read"))],
    bench: Bench,
    case_id: Word = None,
    rule_id: Word = None,
    offset: Offset = 0,
    limit: Limit = 500,
) -> Data:
    """Open findings of the asker's scope, of one case or one rule where named."""
    wanted = {"case_id": case_id, "rule_id": rule_id}
    filters = [Filter(column=name, op="is", value=value) for name, value in wanted.items() if value is not None]
    return _page(bench, asker, "findings", {}, filters, offset, limit)


@router.get("/data/statements", summary="月度支付情况")
def month_statements(
    asker: Annotated[Identity, Depends(needs("statements.read"))],
    bench: Bench,
    month: Month,
    area: Word = None,
    offset: Offset = 0,
    limit: Limit = 500,
) -> Data:
    """The statement of a closed month, a row a hospital and fund of the asker's scope. Errors: `settle.open`."""
    asker.check_area(area)
    chosen = {"month": month, "area": area or asker.grant.area or _only_area(bench)}
    return _page(bench, asker, "statements", chosen, [], offset, limit)


@router.get("/data/measures", summary="指标")
def measures(
    asker: Annotated[Identity, Depends(needs("measures.read"))],
    bench: Bench,
    month: Annotated[list[Annotated[str, Query(pattern=MONTH)]], Query(min_length=1, max_length=36)],
    measure: Annotated[list[Annotated[str, Query(max_length=64)]], Query(min_length=1, max_length=100)],
    by: Annotated[list[By] | None, Query(max_length=2)] = None,
    area: Word = None,
    offset: Offset = 0,
    limit: Limit = 500,
) -> Figures:
    """Measures (ids, or sets such as `@performance`) by institution, and by department or more where asked.

    Indices of a hospital compare it with the region, so everything is counted over all hospitals and only the rows of
    the asker's own are given; a role of a department sees its rows, roles below that none. Errors: those of measures.
    """
    asker.check_area(area)
    scope = asker.grant.scope
    if scope.doctors is not None or scope.cases is not None:
        raise DeniedError("store.scope", "限于医师或病例的人看不到整体的指标", where="measures", hint="看自己的病例")
    hospital = None if scope.hospitals is None else next(iter(scope.hospitals), "")
    dept = None if scope.departments is None else next(iter(scope.departments), "")
    words = [*(by or []), *(["dept"] if dept is not None else [])]
    slices = ("institution_code", *dict.fromkeys(SLICES[word].column for word in words))
    wish = Wish(
        months=tuple(dict.fromkeys(month)),
        by=slices,
        measures=tuple(dict.fromkeys(measure)),
        area=area or asker.grant.area,
        hospital=hospital,
        dept=dept,
    )
    table = figures_in_home(bench.home, wish)  # whole: the region's means are under a hospital's indices
    rows = [row for row in table.as_rows() if _is_own(row, hospital, dept)]
    if not asker.role.sees_money:
        rows = [row for row in rows if row["unit"] not in MONEY_UNITS]
    return Figures(
        rows=rows[offset : offset + limit],
        total=len(rows),
        next=_next(offset, limit, len(rows)),
        notes=list(table.notes),
        basis={"months": list(table.months), "by": list(table.by)},
    )


def _is_own(row: dict[str, Any], hospital: str | None, dept: str | None) -> bool:
    return (hospital is None or row["institution_code"] == hospital) and (dept is None or row["dept"] == dept)


def _page(
    bench: Workbench,
    asker: Identity,
    name: str,
    parameters: dict[str, str],
    filters: list[Filter],
    offset: int,
    limit: int,
) -> Data:
    one = listing(name)
    asked = Asked(parameters=parameters, filters=filters, offset=offset, limit=limit)
    sees_money = asker.role.sees_money
    page, loaded = bench.views.page(asker.desk(bench.home), one, asked, sees_money=sees_money)
    return Data(
        rows=rows_of(page, columns_for(one, sees_money=sees_money)),
        total=page.total,
        next=_next(offset, limit, page.total),
        notes=list(loaded.notes),
        simulated=loaded.simulated,
    )


def _next(offset: int, limit: int, total: int) -> int | None:
    return offset + limit if offset + limit < total else None


def _only_area(bench: Workbench) -> str:
    """The only area with closed months; empty where none is closed, which the list then says."""
    return area_of(bench.home, None) or ""
