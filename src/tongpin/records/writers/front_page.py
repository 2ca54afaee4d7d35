"""Front pages as HQMS CSV or xlsx with code headers: the columns in use or all 811, `-` for what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.formats.page_fields import official_places, page_fields, place_of
from tongpin.records.readers.front_page import REQUIRED, USEFUL
from tongpin.records.writers.further import further
from tongpin.records.writers.page_columns import column_texts
from tongpin.records.writers.page_groups import group_texts
from tongpin.records.writers.shared import NEUTRAL, write_csv

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.records.writers.shared import Names

ALWAYS = frozenset({*REQUIRED, *USEFUL, "C14x01C"})
"""Columns that a file has even where no case fills them."""


def write_front_page(
    cases: pa.Table, path: Path, *, names: Names, persons: pa.Table | None = None, full: bool = False
) -> None:
    """Cases as a front page file: `.csv`, `.csv.gz` or `.xlsx`; the columns in use, with `full` all of the standard.

    Detail columns are written as they are, `extra` under its headers; what a case has no details for is made from its
    core columns, names of codes from `names`. Persons come from `persons` (row by row beside `cases`) or from columns
    of their names in `cases`. The ventilator is written in hours begun, as the format wants it.
    Errors: `RecordsError("records.xlsx")`. Source: S900-05, issue 3.
    """
    texts = column_texts(cases, persons) | group_texts(cases, names)
    filled = {code for code, values in texts.items() if values.null_count < cases.num_rows}
    order = [code for code in official_places() if full or code in ALWAYS or code in filled]
    order += sorted(filled.difference(official_places()), key=_beyond)
    nothing = pa.nulls(cases.num_rows, pa.string())
    made = {code: texts.get(code, nothing) for code in order}
    made |= further(cases, made)
    written = {header: pc.fill_null(values, NEUTRAL) for header, values in made.items()}
    if path.suffix == ".xlsx":
        from tongpin.records.writers.sheet_xlsx import write_sheet

        write_sheet(path, written)
    else:
        write_csv(path, written)


def _beyond(code: str) -> tuple[int, int]:
    """Columns beyond the numbers of the standard: by number, then in the order of the standard."""
    found = place_of(code)
    return (0, 0) if found is None else (found.number, page_fields().index(found.field))
