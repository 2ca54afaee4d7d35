"""Patients 患者标识: a keyed digest in place of the certificate or person number, the same for the same person."""

from __future__ import annotations

import hmac
import re
from functools import cache
from typing import TYPE_CHECKING

from tongpin.records.case.schema import PERSON_SCHEMA
from tongpin.records.formats.tables import rows

if TYPE_CHECKING:
    from collections.abc import Sequence

DIGEST_CHARACTERS = 32
HIDDEN = "***"
"""Stands for a value that names a person."""
SHOWN_END = 4
"""How many characters of a number stay readable, at its end."""
LONG_NUMBER = 8
PLACE = re.compile(r"\[\d+\]|#\d+$")
"""What a path says about the place of an entry or of a column that stands twice."""


@cache
def _person_fields() -> frozenset[str]:
    """The fields of both national formats, and the columns, that name a person."""
    tables = (("fields/settlement_list.csv", ("field",)), ("fields/front_page.csv", ("code", "name_zh")))
    named = {
        row[name]
        for table, names in tables
        for row in rows(table)
        if row["column"] in PERSON_SCHEMA.names
        for name in names
    }
    return frozenset(named | set(PERSON_SCHEMA.names))


def names_a_person(path: str) -> bool:
    """Whether the field that a finding points to (`setlinfo.psn_name`, `A11`) names a person."""
    return PLACE.sub("", path).rpartition(".")[2] in _person_fields()


def hash_patients(ids: Sequence[str | None], key: bytes) -> list[str | None]:
    """The keyed digest of each identifier: HMAC-SHA256, hex, first 32 characters; None stays None.

    Blanks around an identifier and the case of its letters do not matter, so that both formats meet.
    """
    known: dict[str | None, str | None] = {None: None}
    for one in ids:
        if one not in known and one is not None:
            plain = one.strip().upper()
            known[one] = hmac.digest(key, plain.encode(), "sha256").hex()[:DIGEST_CHARACTERS] if plain else None
    return [known[one] for one in ids]


def masked(column: str, value: str) -> str:
    """What a screen shows of a person: the family name, the end of a long number, the year of birth, else nothing."""
    if column.endswith("_name"):
        return value[:1] + "*" * (len(value) - 1)
    if column == "birth_date":
        return f"{value[:SHOWN_END]}-**-**"
    if column.endswith("no") and len(value) > LONG_NUMBER:
        return "*" * (len(value) - SHOWN_END) + value[-SHOWN_END:]
    return HIDDEN
