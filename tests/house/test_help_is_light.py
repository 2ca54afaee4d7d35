"""A person who asks for help waits for no library: the heavy ones load only where they are used."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"numpy", "pyarrow", "numba", "sqlalchemy", "fastapi", "pandas"}

REPORT = """
import json, sys
print()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""

HELP = """
import sys
from tongpin.cli import main
sys.argv = ["tongpin", "--help"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def run(code: str) -> tuple[str, set[str]]:
    """What the code printed, and the top-level modules it left loaded, in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code + REPORT], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    *printed, modules = done.stdout.splitlines()
    return "\n".join(printed), set(json.loads(modules))


def test_help_imports_nothing_heavy() -> None:
    printed, modules = run(HELP)
    assert "demo" in printed
    assert "settle" in printed
    assert modules & HEAVY == set()


@pytest.mark.parametrize(
    "module",
    [
        "tongpin",
        "tongpin.base.errors",
        "tongpin.base.findings",
        "tongpin.base.money",
        "tongpin.coverage.registry",
    ],
)
def test_the_ground_imports_nothing_heavy(module: str) -> None:
    _, modules = run(f"import {module}")
    assert "tongpin" in modules
    assert modules & HEAVY == set()


def test_a_heavy_import_would_be_seen() -> None:
    _, modules = run("import numpy")
    assert "numpy" in modules & HEAVY
