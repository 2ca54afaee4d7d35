"""Field tables 字段表: the format facts of this room, read from its own data files and refused when malformed."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from tongpin.base.errors import RecordsError

ROOM = Path(__file__).parent


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a data file of this room (`fields/aliases.csv`), every cell as text; a ragged row is refused."""
    path = ROOM / name
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        found: list[dict[str, str]] = []
        for number, row in enumerate(reader, start=2):
            if None in row or None in row.values():
                raise RecordsError("records.table", "列数与表头不符", where=f"{name}:{number}", hint="改正该行")
            found.append(row)
    return tuple(found)


@cache
def dictionary(name: str) -> dict[str, str | None]:
    """Code -> normalised value of a dictionary; a known code without a usable value maps to None."""
    return {row["code"]: row["value"] or None for row in rows("fields/dictionaries.csv") if row["dictionary"] == name}


@cache
def list_fields() -> dict[str, str]:
    """Case or working column -> field name in `setlinfo` of the settlement list."""
    return {row["column"]: row["field"] for row in rows("fields/settlement_list.csv")}


@cache
def list_aliases() -> dict[str, str]:
    """Alias -> canonical field name; several aliases joined by `+` stand for `days/hours/minutes`."""
    return {row["alias"]: row["canonical"] for row in rows("fields/aliases.csv")}


@cache
def front_page_codes() -> dict[str, tuple[str, ...]]:
    """Working column -> HQMS column codes in order (`dx_other` -> `C06x01C` ... `C06x40C`)."""
    found: dict[str, tuple[str, ...]] = {}
    for row in rows("fields/front_page.csv"):
        codes = tuple(row["code"].replace("{n}", f"{n:02d}") for n in range(1, int(row["repeat"]) + 1))
        found[row["column"]] = found.get(row["column"], ()) + codes
    return found


@cache
def front_page_names() -> dict[str, str]:
    """Normalised header (upper-case code or Chinese name) -> HQMS column code."""
    found: dict[str, str] = {"身份证号": "A20"}
    for row in rows("fields/front_page.csv"):
        for n in range(1, int(row["repeat"]) + 1):
            code = row["code"].replace("{n}", f"{n:02d}")
            found[header_key(code)] = code
            found[header_key(row["name_zh"].replace("{n}", str(n)))] = code
            # Fee names are exported with and without their ordinal.
            found[header_key(row["name_zh"].replace("{n}", str(n)).partition(".")[2] or code)] = code
    return found


def header_key(header: str) -> str:
    """A header reduced to what decides: no blanks, upper case, ASCII brackets."""
    text = header.replace("\ufeff", "").strip().strip('"').strip().upper()
    return text.replace("（", "(").replace("）", ")").replace(" ", "")
