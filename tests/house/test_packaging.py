"""What users install: the wheel carries every data file, and the build needs nothing that is not locked."""

from __future__ import annotations

import re
import tomllib
import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_wheel_carries_every_file_of_the_package(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(REPOSITORY)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    expected = {
        path.relative_to(SOURCE).as_posix(): path.stat().st_size
        for path in SOURCE.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert "tongpin/coverage/registry.csv" in expected
    assert {name: size for name, size in sizes.items() if name.startswith("tongpin/")} == expected
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in sizes)


def test_the_lock_holds_what_the_build_requires() -> None:
    assert set(PROJECT["build-system"]["requires"]) <= set(PROJECT["dependency-groups"]["build"])
    locked = (REPOSITORY / "requirements" / "run.txt").read_text(encoding="utf-8")
    assert all(f"\n{name}==" in locked for name in ("hatchling", "editables"))


def test_every_dependency_has_an_upper_bound() -> None:
    # Users install without the lock.
    assert [name for name in PROJECT["project"]["dependencies"] if not re.search(r"<\d", name)] == []
