"""What the tests of records share: a folder to write into, and reading in one word."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tongpin.records.intake.read import Loaded, read

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def read_bytes(tmp_path: Path) -> Callable[..., Loaded]:
    """Write bytes under a name and read them."""
    from records_samples import KEY

    def write_and_read(data: bytes, name: str, **options: Any) -> Loaded:
        path = tmp_path / name
        path.write_bytes(data)
        return read(path, key=KEY, **options)

    return write_and_read


@pytest.fixture
def read_lists(read_bytes: Callable[..., Loaded]) -> Callable[..., Loaded]:
    """Read 4101 messages."""
    from records_samples import json_lines

    return lambda *messages, **options: read_bytes(json_lines(*messages), "lists.jsonl", **options)
