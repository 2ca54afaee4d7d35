"""`tongpin guokao` as a quality officer types it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from guokao_cases import HOSPITAL, make_home, peers_csv, year_of_pages

from tongpin.cli import main

if TYPE_CHECKING:
    from pathlib import Path

TEN = [20, 22, 25, 28, 30, 32, 34, 36, 58, 60]


@pytest.fixture
def guokao(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """One command on a home with two years of pages and ten peers: exit code, output, error."""
    peers = peers_csv({"4": TEN, "6": TEN, "46": TEN})
    make_home(tmp_path, [*year_of_pages(2025, 1_500_000), *year_of_pages(2024)], more={"peer": peers})

    def run(*arguments: object) -> tuple[int, str, str]:
        line = ["tongpin", "guokao", *map(str, arguments), "--year", "2025", "--home", str(tmp_path / "home")]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def test_the_sheet_is_written_and_says_what_comes_next(guokao, tmp_path: Path) -> None:
    code, said, _ = guokao("sheet")
    assert code == 0
    assert "出院患者手术占比" in said
    assert "50.00%" in said
    assert "下一步" in said
    assert (tmp_path / "home" / "reports" / "国考填报表-第一医院-2025.xlsx").exists()


def test_filing_from_assignment_to_return(guokao, tmp_path: Path) -> None:
    owners = tmp_path / "owners.csv"
    owners.write_text("no,dept\n4,病案室\n6,医务科\n", encoding="utf-8")
    assert guokao("assign", "--table", owners, "--on", "2026-01-05")[0] == 0
    code, _, refused = guokao("submit", "4", "8", "--on", "2026-02-01")
    assert code == 1
    assert "8：没有责任科室、数不全、没有佐证" in refused
    assert "已提交" in guokao("submit", "4", "--on", "2026-02-01")[1]
    assert "省级退回" in guokao("return", "4", "--reason", "手术目录不符", "--on", "2026-03-01")[1]
    code, said, _ = guokao("progress", "--institution", HOSPITAL, "--on", "2026-04-02")
    assert code == 0
    assert "手术目录不符" in said
    assert "过期 2 天" in said
    assert "重新提交" in guokao("submit", "4", "--on", "2026-04-03")[1]
    assert "2026-03-01 省级退回" in guokao("show", "4")[1]


def test_an_empty_assignment_is_a_usage_error(guokao) -> None:
    assert guokao("assign")[0] == 2
    assert guokao("assign", "4", "--dept", "病案室", "--table", "x.csv")[0] == 2


def test_the_self_check_asks_for_reasons_and_takes_them(guokao) -> None:
    code, said, _ = guokao("check", "--json")
    found = json.loads(said)
    assert code == 1
    asked = {one["path"] for one in found["findings"] if one["rule_id"] == "GK-S01"}
    assert "10.3.3" in asked
    guokao("reason", "10", "--text", "收治结构变化")
    assert guokao("check")[0] == 0


def test_scores_are_simulated_and_compared_figures_are_left_alone(guokao) -> None:
    code, said, _ = guokao("score", "--json")
    found = json.loads(said)
    scored = {row["sub"]: row for row in found["scores"]}
    assert code == 0
    assert scored["4"]["score"] == 80
    assert scored["46"]["score"] is None
    assert {row["label"] for row in scored.values()} == {"模拟"}
    assert found["standing"]["grade"] == ""
    assert found["surplus_fen"] == 0
    said = guokao("score", "--method", "efficacy")[1]
    assert "模拟得分" in said
    assert "不是考核结果" in said


def test_without_peers_there_is_no_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bare").mkdir()
    home = make_home(tmp_path / "bare", year_of_pages(2025))
    monkeypatch.setattr(sys, "argv", ["tongpin", "guokao", "score", "--year", "2025", "--home", str(home.root)])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().out
    assert "不排位次" in said
    assert "列第" not in said


def test_a_hospital_without_manual_is_refused(guokao) -> None:
    for command in ("sheet", "score", "check"):
        code, _, said = guokao(command, "--institution", "中医院")
        assert code == 1
        assert "适用手册未提供" in said


def test_the_future_indicator_is_scored_only_by_a_weight_of_its_own(guokao, tmp_path: Path) -> None:
    assert "展1" not in guokao("score", "--json")[1]
    assert guokao("tables")[0] == 0
    folder = tmp_path / "home" / "guokao"
    (folder / "weights_tertiary.csv").write_text("no,weight\n4,900\n展1,100\n", encoding="utf-8")
    found = {row["sub"]: row for row in json.loads(guokao("score", "--json")[1])["scores"]}
    assert found["展1"]["weight"] == 100
    assert found["展1"]["score"] is None
