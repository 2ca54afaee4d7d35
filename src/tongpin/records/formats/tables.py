"""Field tables 字段表: the format facts of this room, read from its own data files and refused when malformed."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from tongpin.base.errors import RecordsError

ROOM = Path(__file__).parent.parent


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
def checked_codes(name: str) -> frozenset[str] | None:
    """The codes of a dictionary that is confirmed as a whole; None where a part of it is assumed or it is unknown."""
    found = [row for row in rows("fields/dictionaries.csv") if row["dictionary"] == name]
    if not found or any(row["assumed"] for row in found):
        return None
    return frozenset(row["code"] for row in found)


@cache
def code_words(name: str) -> dict[str, str]:
    """Code -> Chinese name of a dictionary; nothing where there is no such dictionary."""
    return {row["code"]: row["name_zh"] for row in rows("fields/dictionaries.csv") if row["dictionary"] == name}


@cache
def list_aliases() -> dict[str, str]:
    """Alias -> canonical field name; several aliases joined by `+` stand for `days/hours/minutes`."""
    return {row["alias"]: row["canonical"] for row in rows("fields/aliases.csv")}
