"""`tongpin why`: one case of a file, in words, as JSON, as a page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tongpin.cli import main
from tongpin.grouping.explain import replay
from tongpin.grouping.library import open_scheme
from tongpin.store.home import Home

CASES = "case_id,sex,age,dx,px\n1,1,60,I63.900|J96.000,\n2,x,60,I63.900,\n3,1,60,?,\n"


@pytest.fixture
def why(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    path = tmp_path / "cases.csv"
    path.write_text(CASES, encoding="utf-8")

    def run(*arguments: object) -> tuple[int, str, str]:
        given = ["tongpin", "why", path, "--scheme", "demo-drg", "--home", tmp_path / "home", *arguments]
        monkeypatch.setattr(sys, "argv", [str(one) for one in given])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return run


def test_a_case_is_told_in_words(why) -> None:
    code, said, _ = why("--case", "1", "--not", "BR25D", "--not", "nothing")
    assert code == 0
    assert said.startswith("分组成功：BR2")
    assert "计入的 MCC：J96.000" in said
    assert "为什么不是 BR25D" in said
    assert "方案里没有这个组" in said
    assert said.count("编码须以病案记录为准") == 2


def test_the_answer_for_machines_replays(why, tmp_path: Path) -> None:
    code, said, _ = why("--case", "1", "--not", "BR25D", "--json")
    told = json.loads(said)
    assert code == 0
    assert told["why_not"][0]["ways"][0]["drg"] == "BR25D"
    scheme = open_scheme(Home.open(tmp_path / "home"), "demo-drg")
    assert replay(scheme, told).drg == told["drg"]


def test_full_tells_every_rule_that_was_tried(why) -> None:
    _, short, _ = why("--case", "1")
    _, long, _ = why("--case", "1", "--full")
    assert "不是 MDCP" not in short
    assert "不是 MDCP" in long


def test_a_page_is_written(why, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "1.html"
    code, said, _ = why("--case", "1", "--html", page)
    assert code == 0
    assert str(page) in said
    assert "入组说明 · 1" in page.read_text(encoding="utf-8")


def test_a_case_that_was_not_grouped_says_why(why) -> None:
    _, said, _ = why("--case", "3")
    assert "原因：主要诊断编码不在方案的字典与清单里（?）" in said


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--case", "9"], "why.case", "例如 1、"),
        ([], "why.case", "--case"),
        (["--case", "1", "--html", "page.pdf"], "why.page", ".html"),
    ],
)
def test_a_wrong_question_is_refused(why, arguments: list[str], code: str, words: str) -> None:
    ended, _, complained = why(*arguments)
    assert ended == 1
    assert code in complained
    assert words in complained
