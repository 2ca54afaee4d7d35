"""Sheets 单据: what a page of money shows: figures, fields and small tables as the rooms gave them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel

CellKind = Literal["text", "integer", "money", "ratio", "date", "decimal", "flag"]


class SheetColumn(BaseModel):
    """A column of a small table; money in fen, ratios 0–1."""

    id: str
    label: str
    kind: CellKind = "text"
    unit: str = ""
    digits: int = 2


class SheetField(BaseModel):
    """A field with its value; `note` says what it means."""

    id: str
    label: str
    kind: CellKind = "text"
    unit: str = ""
    digits: int = 2
    value: str | int | float | bool | None
    note: str = ""


class SheetSection(BaseModel):
    """A part of a page: fields, or rows under columns; `link` is a page path with columns in braces."""

    id: str
    label: str
    note: str = ""
    fields: list[SheetField] = []
    columns: list[SheetColumn] = []
    rows: list[dict[str, Any]] = []
    link: str | None = None


class Definition(BaseModel):
    """What a figure means: form, population, period, weights, benchmark, reference, and whether it is simulated."""

    form: str = ""
    population: str = ""
    period: str = ""
    weight_edition: str = ""
    benchmark: str = ""
    reference: str = ""
    simulated: bool = False


class SheetFigure(BaseModel):
    """A figure with its definition; `value` in fen for money, 0–1 for ratios; `text` where it is already words."""

    id: str
    label: str
    value: float | int | None
    unit: str | None = None
    text: str | None = None
    change: float | None = None
    change_text: str | None = None
    reading: Literal["better", "worse", "none"] = "none"
    note: str | None = None
    definition: Definition = Definition()
    href: str | None = None


class Sheet(BaseModel):
    """A page: title, figures, sections, notes below, and whether some value is simulated."""

    title: str
    note: str = ""
    simulated: bool = False
    figures: list[SheetFigure] = []
    sections: list[SheetSection] = []
    notes: list[str] = []


def without_money(sheet: Sheet) -> Sheet:
    """The same page for a role that does not see money: such figures, fields and columns are absent."""
    sections = [
        one.model_copy(
            update={
                "fields": [field for field in one.fields if field.kind != "money"],
                "columns": (kept := [column for column in one.columns if column.kind != "money"]),
                "rows": only(one.rows, [column.id for column in kept], one.link),
            }
        )
        for one in sheet.sections
    ]
    figures = [one for one in sheet.figures if one.unit not in MONEY_UNITS]
    return sheet.model_copy(update={"figures": figures, "sections": sections})


MONEY_UNITS = ("元", "万元", "亿元")


def only(rows: Sequence[Mapping[str, Any]], names: Iterable[str], link: str | None) -> list[dict[str, Any]]:
    """The rows with some columns only, and those that the link needs."""
    kept = [*names]
    return [
        {key: value for key, value in row.items() if key in kept or (link and f"{{{key}}}" in link)} for row in rows
    ]
