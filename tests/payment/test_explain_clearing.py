"""An amount of a cleared year is told by the steps that were kept and the lists that were paid otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from clearing_cases import line, lines_of
from test_clearing_run import MONTHS, close_months, decide, edition

from tongpin.base.errors import StoreError
from tongpin.cli import main
from tongpin.payment.explain_amount import explain_clearing
from tongpin.payment.year.run import clear_in_home
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path


def a_home(folder: Path) -> Home:
    """A year of one case a month, an overdue list among them, cleared."""
    home = Home.open(folder / "home")
    edition(home.policies / "test" / "2025", {})
    close_months(home, MONTHS, lines_of(*(line(month, 1_000, month=month) for month in MONTHS)))
    decide(home, kind="overdue", setl_id=MONTHS[0])
    clear_in_home(home, 2025)
    return home


def test_the_steps_of_a_place_and_the_lists_paid_otherwise(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    found = explain_clearing(home, 2025, "H3", "310")
    titles = [one.title for one in found.told]
    assert titles[0].startswith("第 7 步")
    assert titles[-1].startswith("第 14 步")
    assert [row["case_id"] for row in found.lines.to_pylist()] == [MONTHS[0]]
    assert found.lines_fen == sum(found.lines["amount_fen"].to_pylist()) < 0
    with_parameters = [line_of for one in found.told for line_of in one.parameters]
    assert with_parameters
    assert all(one.source for one in with_parameters)


def test_a_place_or_a_year_that_was_not_cleared_is_refused(tmp_path: Path) -> None:
    home = a_home(tmp_path)
    with pytest.raises(StoreError) as refused:
        explain_clearing(home, 2025, "H9", "310")
    assert refused.value.code == "explain.place"
    with pytest.raises(StoreError) as refused:
        explain_clearing(home, 2024, "H3", "310")
    assert refused.value.code == "clear.open"


def test_the_command_tells_a_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    home = a_home(tmp_path)
    words = ["explain", "--institution", "H3", "--year", "2025", "--home", str(home.root), "--json"]
    monkeypatch.setattr("sys.argv", ["tongpin", *words])
    with pytest.raises(SystemExit):
        main()
    said = json.loads(capsys.readouterr().out)
    assert said["ok"]
    assert said["lines_fen"] == sum(one["amount_fen"] for one in said["lines"])
