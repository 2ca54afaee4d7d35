"""The registry of requirements: complete, read strictly, counted honestly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tongpin.coverage.registry import (
    COLUMNS,
    STATUS_LABELS,
    RegistryError,
    coverage_document,
    load_registry,
    summary,
)

if TYPE_CHECKING:
    from pathlib import Path


def row(identifier: str, status: str, where: str = "", test: str = "") -> str:
    return f"{identifier},spine,名称,,,,,both,{status},{where},{test}"


def write(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "registry.csv"
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    return path


def test_all_254_requirements_are_registered_once() -> None:
    rows = load_registry()
    assert len(rows) == 254
    assert len({row.id for row in rows}) == 254
    # 196 from the documents, 58 from practice.
    assert sum(row.id < "S900" for row in rows) == 196
    assert {row.user for row in rows} == {"both", "hospital", "bureau"}
    assert all(row.issue and row.name and row.formula for row in rows)


def test_context_stays_context() -> None:
    assert {row.status for row in load_registry() if row.issue == "context"} == {"context"}
    assert {row.issue for row in load_registry() if row.status == "context"} == {"context"}


def test_a_quoted_figure_says_what_is_missing() -> None:
    quoted = [row for row in load_registry() if row.status == "quoted"]
    assert quoted
    assert all(row.figures and row.where.startswith("未公布：") for row in quoted)


def test_the_summary_names_every_status_and_adds_up(tmp_path: Path) -> None:
    rows = load_registry(
        write(tmp_path, row("S1", "works", "payment", "tests/a.py"), row("S2", "planned"), row("S3", "planned"))
    )
    assert summary(rows) == {"works": 1, "partial": 0, "planned": 2, "quoted": 0, "context": 0}
    assert sum(summary(load_registry()).values()) == 254
    assert list(summary([])) == list(STATUS_LABELS)


def test_the_document_has_the_five_keys_of_the_contract(tmp_path: Path) -> None:
    rows = load_registry(write(tmp_path, row("S1", "works", "payment", "tests/a.py::test_x")))
    assert coverage_document(rows) == {
        "requirements": [
            {
                "id": "S1",
                "issue": "spine",
                "status": "works",
                "where": "payment",
                "test": "tests/a.py::test_x",
            }
        ]
    }


def test_several_tests_are_separated_by_semicolons(tmp_path: Path) -> None:
    (only,) = load_registry(write(tmp_path, row("S1", "works", "payment", "tests/a.py; tests/b.py::test_x")))
    assert only.tests == ("tests/a.py", "tests/b.py::test_x")


@pytest.mark.parametrize(
    ("rows", "code", "line"),
    [
        ([row("S1", "done")], "coverage.status", 2),
        ([row("S1", "planned"), row("S1", "planned")], "coverage.duplicate", 3),
        ([row("S1", "works", "payment")], "coverage.test", 2),
        ([row("S1", "works", "payment", " ; ")], "coverage.test", 2),
        ([row("S1", "works", "", "tests/a.py")], "coverage.where", 2),
        ([row("S1", "partial")], "coverage.where", 2),
        ([row("S1", "quoted")], "coverage.where", 2),
        ([row("S1", "planned") + ",more"], "coverage.cells", 2),
        (["S1,spine"], "coverage.cells", 2),
    ],
)
def test_a_row_that_cannot_be_believed_is_refused(tmp_path: Path, rows: list[str], code: str, line: int) -> None:
    with pytest.raises(RegistryError) as caught:
        load_registry(write(tmp_path, *rows))
    assert caught.value.code == code
    assert caught.value.where == f"registry.csv 第 {line} 行"
    assert caught.value.hint


@pytest.mark.parametrize("header", ["", "id,status", ",".join(reversed(COLUMNS)), ",".join([*COLUMNS, "source"])])
def test_unknown_or_missing_columns_are_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "registry.csv"
    path.write_text(f"{header}\n", encoding="utf-8")
    with pytest.raises(RegistryError) as caught:
        load_registry(path)
    assert caught.value.code == "coverage.columns"
