"""Personal columns 个人信息列: column names outside the formats that name a patient and therefore never enter."""

from __future__ import annotations

from functools import cache

from tongpin.records.case.schema import PERSON_SCHEMA
from tongpin.records.formats.page_fields import header_key
from tongpin.records.formats.tables import rows


@cache
def _personal() -> frozenset[str]:
    named = {header_key(row["header"]) for row in rows("fields/personal_headers.csv")}
    return frozenset(named | {header_key(name) for name in PERSON_SCHEMA.names})


def is_personal(header: str) -> bool:
    """Whether a further column holds what names a patient."""
    return header_key(header) in _personal()
