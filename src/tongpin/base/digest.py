"""Digests 摘要: the same content gives the same name, today and in three years."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def text_digest(parts: Iterable[str]) -> str:
    """SHA-256 over texts, each framed by its length so that no two lists collide."""
    hasher = hashlib.sha256()
    for part in parts:
        data = part.encode()
        hasher.update(f"{len(data)}:".encode())
        hasher.update(data)
    return hasher.hexdigest()


def folder_digest(folder: Path, names: Iterable[str]) -> str:
    """SHA-256 over the named files of a folder: names and bytes, in sorted order of the names."""
    hasher = hashlib.sha256()
    for name in sorted(names):
        data = (folder / name).read_bytes()
        hasher.update(f"{name}:{len(data)}:".encode())
        hasher.update(data)
    return hasher.hexdigest()
