"""Uploaded 传来的文件: what was sent as files for rooms that read them, for as long as they read."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tongpin.base.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def as_file(content: bytes, name: str) -> Iterator[Path]:
    """The bytes as a file of that name; a refusal names the file as the sender knows it, not where it lay here."""
    with as_folder({name: content}) as folder:
        yield folder / name


@contextlib.contextmanager
def as_folder(files: Mapping[str, bytes]) -> Iterator[Path]:
    """Files by their plain names in a folder of their own; refusals as of `as_file`."""
    with tempfile.TemporaryDirectory(prefix="tongpin-") as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        try:
            yield Path(folder)
        except PolicyError as error:
            where = error.where.replace(f"{folder}{os.sep}", "")
            raise PolicyError(
                error.code, error.message, where=where, hint=error.hint, findings=error.findings
            ) from None
