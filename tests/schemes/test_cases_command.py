"""`tongpin scheme check` replays the cases beside a scheme; `scheme import` says which of them fail."""

from __future__ import annotations

import json
import shutil
import sys
from importlib import resources
from pathlib import Path

import pytest

from tongpin.cli import main

SHIPPED = Path(str(resources.files("tongpin"))) / "schemes" / "demo-drg"


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def run(*arguments: object):
        monkeypatch.setattr(sys, "argv", ["tongpin", *map(str, arguments), "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), json.loads(capsys.readouterr().out)

    return run


def test_a_changed_leaf_shows_in_import_and_check(tongpin, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(SHIPPED, folder)
    leaves = folder / "drg.csv"
    leaves.write_text(leaves.read_text(encoding="utf-8").replace("los>60", "los>=60"), encoding="utf-8")
    code, said = tongpin("scheme", "import", folder, "--id", "changed", "--home", tmp_path / "home")
    assert code == 0
    assert {(one["rule_id"], one["file"]) for one in said["findings"]} == {("SCH-A001", "cases.csv")}
    code, said = tongpin("scheme", "check", "changed", "--home", tmp_path / "home")
    replayed = [one for one in said["findings"] if one["rule_id"] == "SCH-A001"]
    assert code != 0
    assert {one["value"] for one in replayed} == {"TR19D"}


def test_the_shipped_scheme_passes_its_own_cases(tongpin, tmp_path: Path) -> None:
    _, said = tongpin("scheme", "check", "demo-drg", "--home", tmp_path / "home")
    assert [one for one in said["findings"] if one["rule_id"].startswith("SCH-A")] == []
