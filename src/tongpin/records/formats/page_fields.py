"""Page fields 首页字段: which header of a front page means which column, and the official order of all columns.

A header may be the code in any case (`C06X01C`), with C for N at its end, or the Chinese name, with or without the
ordinal of a fee, with brackets of any width; numbered columns may go beyond the forty of the standard.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from tongpin.records.formats.tables import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NUMBER = "{n}"
NUMBERED = re.compile(r"(.*?\D)0{0,2}([1-9]\d{0,2})(\D*)")
ONE_DIGIT = re.compile(r"([A-Z]\d{2}X)(\d[A-Z]?)")
ORDINAL = re.compile(r"\d{1,2}[.、]")
PART_OF = "其中:"


class PageField(NamedTuple):
    """A column of the standard: code and label (with `{n}` where numbered), case column, dictionary, fee part.

    `repeat` says how many of it the standard has.
    """

    code: str
    label: str
    column: str
    dictionary: str
    fee: str
    repeat: int

    @property
    def group(self) -> str:
        """The nested column that the field belongs to, empty for a plain column."""
        owner, dot, _ = self.column.partition(".")
        return owner if dot else ""

    @property
    def part(self) -> str:
        """The name of the field within its nested column."""
        return self.column.partition(".")[2]


class Place(NamedTuple):
    """A column of a file: its code written out, its field, and its number (0 where the field is not numbered)."""

    code: str
    field: PageField
    number: int


def place(field: PageField, number: int = 0) -> Place:
    """The column of a field under a number."""
    return Place(field.code.replace(NUMBER, f"{number:02d}"), field, number)


@cache
def page_fields() -> tuple[PageField, ...]:
    """Every field of the standard, numbered ones once, in official order."""
    return tuple(
        PageField(row["code"], row["name_zh"], row["column"], row["dictionary"], row["fee"], int(row["repeat"]))
        for row in rows("fields/front_page.csv")
    )


@cache
def official_places() -> dict[str, Place]:
    """All columns of the standard by code, in official order: numbered fields of a group take turns."""
    found: dict[str, Place] = {}
    for block in _blocks(page_fields()):
        for number in range(1, block[0].repeat + 1):
            for field in block:
                made = place(field, number if NUMBER in field.code else 0)
                found[made.code] = made
    return found


def _blocks(fields: Iterable[PageField]) -> Iterator[list[PageField]]:
    """Neighbours that are numbered together; every other field alone."""
    block: list[PageField] = []
    for field in fields:
        if block and (field.repeat == 1 or field.repeat != block[0].repeat):
            yield block
            block = []
        block.append(field)
    if block:
        yield block


@lru_cache(maxsize=1 << 14)
def header_key(header: str) -> str:
    """A header reduced to what decides: no blanks or quotes, upper case, brackets and signs of one width."""
    text = unicodedata.normalize("NFKC", header.replace("\ufeff", ""))
    return "".join(text.split()).strip('"').upper()


@cache
def _spellings() -> dict[str, PageField]:
    """Header key (with `{N}` where numbered) -> field."""
    codes = {field.code: field for field in page_fields()}
    found = {header_key(code): field for code, field in codes.items()}
    for field in page_fields():
        label = header_key(field.label)
        plain = ORDINAL.sub("", label, count=1)
        for spelling in (f"{field.code[:-1]}C" if field.code.endswith("N") else "", label, plain):
            found.setdefault(header_key(spelling), field)
        if plain.startswith(PART_OF):
            found.setdefault(plain.removeprefix(PART_OF), field)
    found.pop("", None)
    return found


@cache
def _aliases() -> dict[str, Place]:
    """Header key -> column, for names in use beside those of the standard."""
    return {header_key(row["alias"]): official_places()[row["code"]] for row in rows("fields/page_aliases.csv")}


@lru_cache(maxsize=1 << 14)
def place_of(header: str) -> Place | None:
    """The column that a header cell means; None where the standard knows no such column."""
    key = header_key(header)
    if (short := ONE_DIGIT.fullmatch(key)) is not None:
        key = f"{short.group(1)}0{short.group(2)}"
    known = _spellings()
    for candidate in (key, ORDINAL.sub("", key, count=1)):
        if candidate in known and "{N}" not in candidate:
            return place(known[candidate])
    if key in _aliases():
        return _aliases()[key]
    split = NUMBERED.fullmatch(key)
    if split is None:
        return None
    head, number, tail = split.groups()
    field = known.get(f"{head}{{N}}{tail}")
    return None if field is None else place(field, int(number))
