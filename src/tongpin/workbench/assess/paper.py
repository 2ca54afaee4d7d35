"""Paper 纸面: a sheet of a workbook as a page shows it, with the same columns, numbers and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from tongpin.report.xlsx import Kind  # Pydantic reads it

if TYPE_CHECKING:
    from tongpin.report.xlsx import Sheet

MONEY: frozenset[str] = frozenset({"yuan", "wan"})


class PaperColumn(BaseModel):
    """A column: `kind` of its cells, or the key of a row that holds its own kind; `band` is the heading above."""

    id: str
    label: str
    kind: Kind
    kind_key: str
    band: str


class Paper(BaseModel):
    """A sheet: `yuan` and `wan` in fen, `ratio` and `pp` 0–1, `weight` in ten-thousandths when it is an integer.

    A cell is a number, or text where there is none (a dash, 不评); `totals` follow the rows, `closing` the table.
    """

    id: str
    title: str
    columns: list[PaperColumn]
    rows: list[dict[str, Any]]
    totals: list[dict[str, Any]]
    notes: list[str]
    closing: list[str]
    empty: str


def paper(sheet: Sheet, *, sees_money: bool = True) -> Paper:
    """A sheet as a page shows it; without money its columns are absent and cells of money kinds are null."""
    columns = [one for one in sheet.columns if sees_money or one.kind not in MONEY]
    keys = {one.name for one in columns} | {one.kind_key for one in columns if one.kind_key}

    def row(given: Any) -> dict[str, Any]:
        kept = {key: value for key, value in given.items() if key in keys}
        if not sees_money:
            kept |= {one.name: None for one in columns if one.kind_key and given.get(one.kind_key) in MONEY}
        return kept

    return Paper(
        id=sheet.name,
        title=sheet.title,
        columns=[
            PaperColumn(
                id=one.name,
                label=one.title.replace("\n（", "（").replace("\n", " "),
                kind=one.kind,
                kind_key=one.kind_key,
                band=one.band,
            )
            for one in columns
        ],
        rows=[row(one) for one in sheet.rows],
        totals=[row(one) for one in sheet.totals],
        notes=list(dict.fromkeys(sheet.notes)),
        closing=list(sheet.closing),
        empty=sheet.empty,
    )
