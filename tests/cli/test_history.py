"""`tongpin show` and `tongpin findings` as a clerk types them: what waits, what is mended, what a list went through."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from tongpin.cli import main
from tongpin.cli.output import screen

HEAD = "case_id,institution_code,sex,age,dx,upload_time,total_fee_fen\n"


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(screen, "as_json", False)
        monkeypatch.setattr(sys, "argv", ["tongpin", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().out

    return run


@pytest.fixture
def home(tongpin, tmp_path: Path) -> Path:
    """Three cases without a sex, one of them corrected later, and a fee that is none."""
    home = tmp_path / "home"
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    bad = "".join(f"C{n},H{n % 2},9,30,A01,2025-06-12 10:00:00,100\n" for n in range(3))
    first.write_text(HEAD + bad + "C9,H1,1,30,A01,2025-06-12 10:00:00,-5\n", encoding="utf-8")
    second.write_text(HEAD + "C0,H0,1,31,A01,2025-06-15 10:00:00,250\n", encoding="utf-8")
    assert tongpin("load", first, "--home", home)[0] == 1
    assert tongpin("load", second, "--home", home)[0] == 0
    return home


def answer(tongpin, *arguments: object) -> dict:
    return json.loads(tongpin(*arguments, "--json")[1])


def rules(said: dict) -> dict[str, int]:
    return {rule["rule_id"]: rule["count"] for rule in said["rules"] if rule["rule_id"] != "REC-C002"}


def test_the_load_says_what_became_of_every_record_and_why(tongpin, home: Path, tmp_path: Path) -> None:
    _, said = tongpin("load", tmp_path / "a.csv", "--home", home)
    assert "认作通用格式：表头有 case_id 列" in said
    kind = answer(tongpin, "load", tmp_path / "a.csv", "--home", home)["kinds"]["plain"]
    assert {name: kind[name] for name in ("records", "unchanged", "rejected", "repeated")} == {
        "records": 4,
        "unchanged": 3,
        "rejected": 1,
        "repeated": 0,
    }
    assert "case_id" in kind["reason"]


def test_findings_that_wait_are_counted_by_cause(tongpin, home: Path) -> None:
    code, said = tongpin("findings", "--home", home)
    assert code == 1
    assert "同一原因 2 份" in said
    assert "请补上性别" in said
    assert rules(answer(tongpin, "findings", "--home", home)) == {"REC-F001": 1, "REC-X001": 2}
    path = home / "reports" / "问题清单.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert {row["状态"] for row in rows} == {"待处理"}
    assert [row["机构"] for row in rows if row["规则"] == "REC-F001"] == ["H1"]


def test_findings_may_be_asked_for_by_hospital_case_and_with_those_mended(tongpin, home: Path) -> None:
    assert rules(answer(tongpin, "findings", "--institution", "H1", "--home", home)) == {"REC-F001": 1, "REC-X001": 1}
    assert rules(answer(tongpin, "findings", "--case", "C2", "--home", home)) == {"REC-X001": 1}
    assert rules(answer(tongpin, "findings", "--case", "C0", "--home", home)) == {}
    every = answer(tongpin, "findings", "--case", "C0", "--all", "--home", home)
    assert [row["status"] for row in every["findings"]] == ["mended"]
    code, said = tongpin("findings", "--case", "C0", "--home", home)
    assert (code, said) == (0, "没有待处理的问题\n")


def test_a_case_is_shown_with_its_versions_and_findings(tongpin, home: Path) -> None:
    code, said = tongpin("show", "C0", "--home", home)
    assert code == 0
    assert "总费用 2.50 元" in said
    assert "已改正" in said
    (one,) = answer(tongpin, "show", "C0", "--home", home)["cases"]
    assert [version["load"] for version in one["versions"]] == [1, 2]
    assert ["total_fee_fen", 100, 250] in one["versions"][1]["changes"]
    (before,) = answer(tongpin, "show", "C0", "--as-of", "1", "--home", home)["cases"]
    assert before["case"]["total_fee_fen"] == 100


def test_a_case_nobody_loaded_is_refused(tongpin, home: Path, tmp_path: Path) -> None:
    assert answer(tongpin, "show", "C404", "--home", home)["code"] == "show.unknown"
    assert answer(tongpin, "show", "C0", "--home", tmp_path / "nowhere")["code"] == "show.unknown"
