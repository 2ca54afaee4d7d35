"""The code's own form: what every file of the project owes its reader."""

from __future__ import annotations

import ast
import csv
import os
import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src" / "tongpin"
TEXT_SUFFIXES = {"", ".cfg", ".csv", ".html", ".ini", ".j2", ".json", ".md", ".py", ".sh", ".toml", ".txt", ".yaml"}
PASSING_FOLDERS = {".git", ".venv", "build", "dist", "node_modules", "tongpin-home", "__pycache__"}
LINES_MAX = 600

# Written in pieces so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|Users)/|(?<![\w.~-])/home/[a-z]|\b[A-Z]:\\\\?Users")
UNFINISHED = re.compile("\\b(?:TO" + "DO|FIX" + "ME|XX" + "X|HA" + "CK)\\b")
LOCKED_LINE = re.compile(r"[a-z0-9][a-z0-9.-]*==[^\s;]+( ; [^\\]+?)?( \\)?|    --hash=sha256:[0-9a-f]{64}( \\)?")


def project_files() -> list[Path]:
    """Every text file of the project: what is committed, without caches, environments and data of a home."""
    found: list[Path] = []
    for folder, folders, files in os.walk(REPOSITORY):
        folders[:] = [
            name for name in folders if name not in PASSING_FOLDERS and not name.endswith((".egg-info", "_cache"))
        ]
        paths = [Path(folder, name) for name in files if name != ".git"]
        found += [path for path in paths if path.suffix in TEXT_SUFFIXES and ".hypothesis" not in path.parts]
    return sorted(found)


FILES = project_files()
MODULES = sorted(SOURCE.rglob("*.py"))
LOCKS = sorted((REPOSITORY / "requirements").glob("*.txt"))


def short(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def matches(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    """`file:line: text` of every match."""
    return [
        f"{short(path)}:{number}: {line.strip()[:120]}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]


def has_future_annotations(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(alias.name == "annotations" for alias in node.names)
        for node in tree.body
    )


def is_only_a_docstring(tree: ast.Module) -> bool:
    return len(tree.body) == 1 and ast.get_docstring(tree) is not None


def print_calls(tree: ast.Module) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def test_the_project_is_seen() -> None:
    names = {short(path) for path in FILES}
    assert {"Makefile", "pyproject.toml", "src/tongpin/coverage/registry.csv", ".ci/run"} <= names
    assert not any(name.startswith(".venv") for name in names)


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_module_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module has no docstring"
    assert is_only_a_docstring(tree) or has_future_annotations(tree), "from __future__ import annotations is missing"


@pytest.mark.parametrize("path", sorted(SOURCE.glob("*/__init__.py")), ids=short)
def test_a_room_opens_with_three_sentences(path: Path) -> None:
    # What lives here stands first, then what comes in and what goes out.
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert "Comes in" in docstring
    assert "Goes out" in docstring


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("[st]*/**/*.py")), ids=short)
def test_a_module_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_MAX


def test_only_the_command_line_prints() -> None:
    found = [
        f"{short(path)}:{line}"
        for path in MODULES
        if path.relative_to(SOURCE).parts[0] != "cli"
        for line in print_calls(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_a_print_would_be_seen() -> None:
    assert print_calls(ast.parse("def show():\n    print(1)\nblueprint(2)")) == [2]


def test_nothing_is_left_unfinished() -> None:
    assert matches(UNFINISHED, FILES) == []


def test_no_file_knows_a_machine() -> None:
    assert matches(MACHINE_PATH, FILES) == []


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("/" + "root/x", True),
        ('"/' + "work/x", True),
        ("/" + "home/anna", True),
        ("C:\\" + "Users\\anna", True),
        ("/usr/bin/chromium", False),
        ("tongpin-home/reports", False),
        ("src/" + "work/x", False),
    ],
)
def test_a_machine_path_would_be_seen(text: str, is_found: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is is_found


def test_there_are_locks() -> None:
    assert [path.name for path in LOCKS] == ["lock.txt", "run.txt", "spark.txt", "test.txt"]


@pytest.mark.parametrize("path", LOCKS, ids=short)
def test_a_lock_holds_versions_and_hashes_only(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not LOCKED_LINE.fullmatch(line)] == []
    versions = [index for index, line in enumerate(lines) if not line.startswith(" ")]
    assert all(lines[index + 1].startswith("    --hash=") for index in versions)


def test_the_test_lock_keeps_the_versions_of_the_run_lock() -> None:
    run, test = (
        {line.removesuffix(" \\") for line in path.read_text(encoding="utf-8").splitlines() if "==" in line}
        for path in (REPOSITORY / "requirements" / "run.txt", REPOSITORY / "requirements" / "test.txt")
    )
    assert run < test


@pytest.mark.parametrize(
    "line",
    ["--index-url https:" + "//example.org/simple", "numpy", "numpy @ file:" + "///wheels/numpy.whl", "-e ."],
)
def test_a_lock_with_an_address_would_be_seen(line: str) -> None:
    assert not LOCKED_LINE.fullmatch(line)


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.yaml")), ids=short)
def test_a_yaml_file_can_be_read(path: Path) -> None:
    assert yaml.safe_load(path.read_text(encoding="utf-8")) is not None


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.csv")), ids=short)
def test_a_csv_file_is_rectangular(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not text.startswith("\ufeff")
    header, *rows = csv.reader(text.splitlines(), strict=True)
    assert len(set(header)) == len(header)
    assert [number for number, row in enumerate(rows, start=2) if len(row) != len(header)] == []
