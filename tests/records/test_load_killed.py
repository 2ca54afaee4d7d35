"""A load that is killed at any moment: nothing of it is in force, and the next load works as if it had never been."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tongpin.records.intake.load import CASES, FINDINGS, LOADS, RESULTS, load_files, read_loaded
from tongpin.store import lake
from tongpin.store.home import Home

PLAIN = "case_id,sex,age,dx\n"
RESULT = "setl_id,medfee_sumamt\n"
TABLES = (CASES, RESULTS, FINDINGS, LOADS)
MOMENTS = [
    ("loading._Load", "_read", 1),
    ("loading._Load", "_commit", 1),
    ("lake", "_transact", 1),
    ("lake", "_transact", 2),
    ("loading._Load", "_complete", 1),
    ("loading._Load", "_write_loads", 1),
    ("lake", "finish", 1),
]
"""The step, and in which call of it the process dies: before reading, keeping, within the transactions of two tables,
and after each of the later steps."""
SCRIPT = """
import os, signal, sys
from pathlib import Path
from tongpin.records.intake import load as loading
from tongpin.store import lake
from tongpin.store.home import Home

home, place, name, calls, *files = sys.argv[1:]
owner = lake if place == "lake" else loading._Load
real, left = getattr(owner, name), int(calls)

def die_at_last(*args, **options):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **options)

setattr(owner, name, die_at_last)
loading.load_files(Home.open(home), [Path(file) for file in files])
"""
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")


def write_files(folder: Path) -> list[Path]:
    folder.mkdir()
    first, second, results = folder / "1.csv", folder / "2.csv", folder / "r.csv"
    first.write_text(PLAIN + "C1,1,30,A01\nC2,9,30,A01\n", encoding="utf-8")
    second.write_text(PLAIN + "C1,1,31,A01\nC3,1,30,A01\n,1,30,A01\n", encoding="utf-8")
    results.write_text(RESULT + "S1,100\n", encoding="utf-8")
    return [first, second, results]


def state(home: Home) -> dict[str, Any]:
    """What is in force, whatever load it came by and when."""
    tables = {name: read_loaded(home, name).to_pylist() for name in TABLES}
    for rows in tables.values():
        for row in rows:
            for name in ("loaded_at", "load", "first_load", "last_load"):
                row.pop(name, None)
    return {name: sorted(rows, key=str) for name, rows in tables.items()}


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment[1]}-{moment[2]}")
def test_a_killed_load_leaves_nothing_and_the_next_one_works(tmp_path: Path, moment: tuple[str, str, int]) -> None:
    files = write_files(tmp_path / "in")
    whole, home = Home.open(tmp_path / "whole"), Home.open(tmp_path / "home")
    for one in (whole, home):
        one.root.mkdir()
        (one.root / "patient.key").write_text("ab" * 32, encoding="utf-8")
        load_files(one, files[:1])
    before = state(home)
    words = [str(home.root), *map(str, moment), *map(str, files[1:])]
    killed = subprocess.run([sys.executable, "-c", SCRIPT, *words], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert state(home) == before
    report = load_files(home, files[1:])
    load_files(whole, files[1:])
    assert (report.new["plain"], report.changed["plain"], report.new["settlement-result"]) == (1, 1, 1)
    assert state(home) == state(whole)
    assert not list(home.root.glob("loading-*"))
    counted = {str(uri).split("/")[-1] for uri in lake.DeltaTable(str(home.lake / CASES)).file_uris()}
    assert {path.name for path in (home.lake / CASES).glob("*.parquet")} == counted
