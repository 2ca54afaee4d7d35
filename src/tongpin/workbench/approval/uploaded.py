"""Uploaded 传来的文件: what was sent as a file for rooms that read one, for as long as they read it."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def as_file(content: bytes, name: str) -> Iterator[Path]:
    """The bytes as a file of that name; a refusal names the file as the sender knows it, not where it lay here."""
    with tempfile.TemporaryDirectory(prefix="tongpin-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            yield path
        except PolicyError as error:
            where = error.where.replace(str(path), name)
            raise PolicyError(error.code, error.message, where=where, hint=error.hint) from None
