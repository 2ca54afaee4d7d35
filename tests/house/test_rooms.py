"""The rooms: a room imports only rooms below it, wherever in the code the import stands. See docs/adr/0001."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "tongpin"

FLOORS = {
    # The entrances may call each other (the command line starts them all), never in a circle.
    "cli": 7,
    "demo": 7,
    "bench": 7,
    "coverage": 7,
    "workbench": 6,
    "twin": 4,
    "measures": 3,
    "payment": 2,
    "grouping": 1,
    "documents": 1,
    "report": 1,
    "records": 0,
    "store": -1,
    "base": -2,
}
ENTRANCE = 7


def imported_rooms(tree: ast.Module, package: tuple[str, ...]) -> list[tuple[int, str]]:
    """Line and room of every import of ours, also inside functions, under TYPE_CHECKING and by name.

    `package` is the package the module lies in (`("tongpin", "payment")`), for relative imports. The package's own
    `__init__` (`from tongpin import __version__`) is no room.
    """
    names: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names += [(node.lineno, f"{stem}.{alias.name}") for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names += [(node.lineno, arg.value) for arg in node.args if isinstance(arg, ast.Constant)]
    return [
        (line, parts[1])
        for line, name in names
        if (parts := str(name).split("."))[0] == "tongpin" and len(parts) > 1 and not parts[1].startswith("__")
    ]


def offences(source: Path) -> list[str]:
    """Every import that goes up or sideways, and every circle, as `file:line: room → room`."""
    found: list[str] = []
    graph: dict[str, set[str]] = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).parts
        if len(parts) == 1:
            # `python -m tongpin` and `from tongpin import Scheme` are the front doors.
            room, package = "cli" if path.name in {"__main__.py", "__init__.py"} else "", (source.name,)
        else:
            room, package = parts[0], (source.name, *parts[:-1])
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for line, target in imported_rooms(tree, package):
            place = f"{path.relative_to(source)}:{line}"
            if target == room:
                continue
            graph.setdefault(room, set()).add(target)
            if room not in FLOORS or target not in FLOORS:
                found.append(f"{place}: {room or 'tongpin'} → {target}: not a room of the table")
            elif FLOORS[target] >= FLOORS[room] and not FLOORS[target] == FLOORS[room] == ENTRANCE:
                found.append(f"{place}: {room} (floor {FLOORS[room]}) → {target} (floor {FLOORS[target]}): not below")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        found.append("circle: " + " → ".join(circle.args[1]))
    return found


def test_imports_only_go_down() -> None:
    assert offences(SOURCE) == []


SHELVES = {
    "records": ("formats", "case", "layouts", "files", "readers", "writers", "views", "intake"),
    "grouping": ("tables", "compiled", "explain", "importers", "checks", "trials"),
    "payment": (
        *("policy", "pricing", "dip", "prepay", "month", "lists", "review"),
        *("year", "weights", "fund", "ledger"),
    ),
}
"""The folders of a room, from the ground up: each imports only those before it; files beside them may import all."""


@pytest.mark.parametrize("room", SHELVES)
def test_the_folders_of_a_room_import_only_those_below(room: str) -> None:
    shelves = SHELVES[room]
    for path in (SOURCE / room).glob("*/**/*.py"):
        own = path.relative_to(SOURCE / room).parts[0]
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"tongpin.{room}."):
                other = str(node.module).split(".")[2]
                assert other in shelves, f"{own}/{path.name}:{node.lineno} imports {other}, which lies above"
                assert shelves.index(other) <= shelves.index(own), f"{own}/{path.name}:{node.lineno} imports {other}"


def test_every_folder_of_code_is_a_room() -> None:
    folders = {path.relative_to(SOURCE).parts[0] for path in SOURCE.glob("*/**/*.py")}
    assert folders <= set(FLOORS)
    assert all((SOURCE / room / "__init__.py").is_file() for room in FLOORS)


@pytest.mark.parametrize(
    ("room", "code", "target"),
    [
        ("payment", "from tongpin.twin.mirror import mirror", "twin"),
        ("grouping", "import tongpin.report.html", "report"),
        ("records", "def read():\n    from tongpin import store, payment", "payment"),
        ("records", "def read():\n    from ..payment import price", "payment"),
        ("base", "import importlib\nstore = importlib.import_module('tongpin.store.home')", "store"),
        ("store", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import tongpin.records.write", "records"),
        ("demo", "import tongpin.attic", "attic"),
    ],
)
def test_an_import_that_does_not_go_down_is_found(tmp_path: Path, room: str, code: str, target: str) -> None:
    folder = tmp_path / "tongpin" / room
    folder.mkdir(parents=True)
    (folder / "made.py").write_text(code, encoding="utf-8")
    (found,) = offences(tmp_path / "tongpin")
    assert found.startswith(f"{room}/made.py:")
    assert f"→ {target}" in found


@pytest.mark.parametrize(
    ("room", "code"),
    [
        ("payment", "from tongpin.base.money import yuan\nfrom . import rates\nfrom .policy import Policy"),
        ("cli", "from tongpin import __version__\ndef main():\n    from tongpin.demo import city"),
        ("report", "import numpy\nfrom tongpin.records.case.schema import CASE_SCHEMA"),
    ],
)
def test_an_import_that_goes_down_is_allowed(tmp_path: Path, room: str, code: str) -> None:
    folder = tmp_path / "tongpin" / room
    folder.mkdir(parents=True)
    (folder / "made.py").write_text(code, encoding="utf-8")
    assert offences(tmp_path / "tongpin") == []


def test_a_circle_of_entrances_is_found(tmp_path: Path) -> None:
    for room, target in (("demo", "bench"), ("bench", "demo")):
        folder = tmp_path / "tongpin" / room
        folder.mkdir(parents=True)
        (folder / "made.py").write_text(f"import tongpin.{target}", encoding="utf-8")
    (found,) = offences(tmp_path / "tongpin")
    assert found.startswith("circle: ")
