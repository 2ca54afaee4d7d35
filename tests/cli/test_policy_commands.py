"""`tongpin policy …`: what a clerk types and reads."""

from __future__ import annotations

import json

import pytest

from tongpin.base.errors import PolicyError
from tongpin.cli import EXIT_FINDINGS, main


@pytest.fixture
def tongpin(tmp_path, monkeypatch, capsys):
    """Runs the command line on an empty home: what it printed, or its JSON."""

    def run(*words: str, as_json: bool = False, code: int | None = None):
        home = [] if words[1] == "schema" else ["--home", str(tmp_path / "home")]
        monkeypatch.setattr("sys.argv", ["tongpin", *words, *home, *["--json"] * as_json])
        try:
            main()
            ended: int | str | None = 0
        except SystemExit as stop:
            ended = stop.code or 0
        if code is not None:
            assert ended == code
        printed = capsys.readouterr()
        return json.loads(printed.out) if as_json else printed.out + printed.err

    return run


def test_the_editions_at_hand_are_listed(tongpin):
    listed = tongpin("policy", "list", as_json=True, code=0)
    names = [one["id"] for one in listed["policies"]]
    assert names == sorted(names)
    assert {"demo-east/2025", "qingyang/2025", "points-demo/2025"} <= set(names)
    assert "demo-east/2025" in tongpin("policy", "list")


def test_an_edition_is_shown_at_a_glance(tongpin):
    shown = tongpin("policy", "show", "demo-east/2025", as_json=True)["policy"]
    assert shown["scheme"] == "demo-drg"
    assert shown["edition_by"] == "结算日期"
    assert len(shown["digest"]) == 64


def test_an_edition_is_explained_as_prose(tongpin):
    text = tongpin("policy", "explain", "qingyang/2025", "--on", "2025-06-01", code=0)
    assert "2. 住院天数（病例）" in text
    assert "依据：庆医保发〔2025〕45号及其解读（" in text
    assert "[模拟]" in text
    assert "没有写的选择（用到时拒绝，不按任何缺省付钱）" in text
    told = tongpin("policy", "explain", "qingyang/2025", as_json=True)
    assert [family["number"] for family in told["families"]] == list(range(1, 29))


def test_a_draft_is_made_checked_and_listed_in_seconds(tongpin):
    assert "policy check my-city/2026" in tongpin("policy", "new", "my-city/2026", "--from", "demo-east/2025", code=0)
    assert tongpin("policy", "check", "my-city/2026", as_json=True, code=0)["ok"]
    (draft,) = [one for one in tongpin("policy", "list", as_json=True)["policies"] if one["id"] == "my-city/2026"]
    assert draft["span"].startswith("草案")
    refused = tongpin("policy", "new", "my-city/2026", "--from", "demo-east/2025", as_json=True, code=EXIT_FINDINGS)
    assert refused["code"] == "policy.exists"


def test_a_check_that_finds_faults_says_so_with_its_exit_code(tongpin, tmp_path):
    tongpin("policy", "new", "my-city/2026", "--from", "demo-east/2025")
    path = tmp_path / "home" / "policies" / "my-city" / "2026" / "policy.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "colour: red\n", encoding="utf-8")
    text = tongpin("policy", "check", code=EXIT_FINDINGS)
    assert "policy.unreadable" in text
    assert "colour" in text
    assert "读不了" in tongpin("policy", "list", code=EXIT_FINDINGS)


def test_the_schema_goes_to_a_file_that_is_not_overwritten(tongpin, tmp_path):
    path = tmp_path / "policy.schema.json"
    tongpin("policy", "schema", "-o", str(path), code=0)
    assert json.loads(path.read_text(encoding="utf-8"))["properties"]["parameters"]
    assert "已经有了" in tongpin("policy", "schema", "-o", str(path), code=EXIT_FINDINGS)
    tongpin("policy", "schema", "-o", str(path), "--force", code=0)


def test_the_routes_are_shown_and_a_faulty_table_is_refused(tongpin, tmp_path):
    assert "demo-east/2025" in tongpin("policy", "routes", code=0)
    own = tmp_path / "home" / "policies" / "routes.csv"
    own.parent.mkdir(parents=True)
    own.write_text("edition\nx\n", encoding="utf-8")
    assert "表头不对" in tongpin("policy", "routes", code=EXIT_FINDINGS)
    assert PolicyError.__name__ not in tongpin("policy", "check", code=EXIT_FINDINGS)
