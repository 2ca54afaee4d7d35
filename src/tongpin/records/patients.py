"""Patients 患者标识: a keyed digest in place of the certificate or person number, the same for the same person."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DIGEST_CHARACTERS = 32


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
