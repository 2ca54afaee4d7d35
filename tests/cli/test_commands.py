"""The command line as its users type it: answers, refusals, exit codes."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from tongpin.cli import main


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: object
) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of one command."""
    monkeypatch.setattr(sys, "argv", ["tongpin", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    captured = capsys.readouterr()
    return (0 if code is None else int(code)), captured.out, captured.err


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    return lambda *arguments: run(capsys, monkeypatch, *arguments)


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


CASES = "case_id,sex,age,dx,px\n1,1,60,I63.900,\n2,x,60,I63.900,\n3,1,60,?,\n"


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.csv"
    path.write_text(CASES, encoding="utf-8")
    return path


def test_group_writes_the_published_columns(tongpin, cases: Path, tmp_path: Path) -> None:
    output = tmp_path / "groups.csv"
    code, said, _ = tongpin("group", cases, "--scheme", "demo-drg", "-o", output, "--home", tmp_path / "home")
    rows = rows_of(output)
    assert code == 0
    assert list(rows[0]) == ["case_id", "status", "mdc", "adrg", "drg"]
    assert [row["status"] for row in rows] == ["grouped", "check_failed", "ungrouped"]
    assert rows[0]["drg"].startswith("BR2")
    assert "分组成功" in said


def test_explained_groups_equal_plain_ones(tongpin, cases: Path, tmp_path: Path) -> None:
    plain, explained = tmp_path / "plain.csv", tmp_path / "explained.csv"
    home = tmp_path / "home"
    tongpin("group", cases, "--scheme", "demo-drg", "-o", plain, "--home", home)
    tongpin("group", cases, "--scheme", "demo-drg", "-o", explained, "--explain", "--home", home)
    first = rows_of(plain)
    second = rows_of(explained)
    paths = [json.loads(row.pop("explain"))["path"] for row in second]
    assert first == second
    assert paths[0][-1]["code"] == first[0]["drg"]
    assert paths[2] == []


def test_json_is_one_object(tongpin, cases: Path, tmp_path: Path) -> None:
    code, said, _ = tongpin(
        "group", cases, "--scheme", "demo-drg", "-o", tmp_path / "o.parquet", "--json", "--home", tmp_path / "home"
    )
    data = json.loads(said)
    assert code == 0
    assert data["status"] == {"grouped": 1, "check_failed": 1, "ungrouped": 1}


def test_an_unknown_scheme_is_refused_with_what_there_is(tongpin, cases: Path, tmp_path: Path) -> None:
    code, _, complained = tongpin("group", cases, "--scheme", "nope", "-o", tmp_path / "o.csv", "--home", tmp_path)
    assert code == 1
    assert "scheme.unknown" in complained
    assert "demo-drg" in complained


def test_a_wrong_output_name_is_refused(tongpin, cases: Path, tmp_path: Path) -> None:
    code, _, complained = tongpin("group", cases, "--scheme", "demo-drg", "-o", tmp_path / "o.txt", "--home", tmp_path)
    assert code == 1
    assert "group.output" in complained


def test_usage_errors_exit_with_two(tongpin) -> None:
    code, _, complained = tongpin("group")
    assert code == 2
    assert "INPUT" in complained


def test_a_broken_scheme_lists_every_fault(tongpin, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    shipped = Path(sys.modules["tongpin"].__file__ or "").parent / "schemes" / "demo-drg"
    for file in shipped.glob("*.csv"):
        text = file.read_text(encoding="utf-8")
        if file.name == "drg.csv":
            text = text.replace("always", "alwayz")
        (folder / file.name).write_text(text, encoding="utf-8")
    code, said, complained = tongpin("scheme", "import", folder, "--id", "broken", "--home", tmp_path / "home")
    assert code == 1
    assert "scheme.tables" in complained
    assert "SCH-W001" in said
    assert not (tmp_path / "home" / "schemes" / "broken").exists()


def test_coverage_lists_all_requirements(tongpin) -> None:
    code, said, _ = tongpin("coverage", "--json")
    rows = json.loads(said)["requirements"]
    assert code == 0
    assert len(rows) == 254
    assert set(rows[0]) == {"id", "issue", "status", "where", "test"}


def test_settling_an_empty_home_is_refused(tongpin, tmp_path: Path) -> None:
    code, _, complained = tongpin("settle", "--month", "2025-06", "--home", tmp_path / "home")
    assert code == 1
    assert "settle.empty" in complained


def test_a_missing_file_is_refused_and_a_bad_one_is_a_finding(tongpin, tmp_path: Path) -> None:
    home = tmp_path / "home"
    code, _, complained = tongpin("load", tmp_path / "nothing.json", "--home", home)
    assert (code, "records.file" in complained) == (1, True)
    bad = tmp_path / "bad.json"
    bad.write_text('[{"setlinfo": {"setl_id": "1"', encoding="utf-8")
    code, said, _ = tongpin("load", bad, "--home", home)
    assert code == 1
    assert "REC-J" in said


def test_wrong_usage_is_json_for_machines(tongpin) -> None:
    code, said, _ = tongpin("settle", "--json")
    assert code == 2
    assert json.loads(said)["code"] == "usage"


def test_the_system_s_refusal_is_said_like_ours(tongpin, cases: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    code, said, _ = tongpin("group", cases, "--scheme", "demo-drg", "-o", tmp_path / "file" / "o.csv", "--json")
    assert code == 1
    assert json.loads(said)["code"] == "os.error"
    code, _, complained = tongpin("settle", "--month", "2025-06", "--home", tmp_path / "file")
    assert code == 1
    assert "home.folder" in complained


def test_group_takes_cases_only(tongpin, tmp_path: Path) -> None:
    other = tmp_path / "withdrawal.csv"
    other.write_text("institution_code,setl_id,withdrawn_date,successor_setl_id\n", encoding="utf-8")
    code, _, complained = tongpin("group", other, "--scheme", "demo-drg", "-o", tmp_path / "o.csv")
    assert code == 1
    assert "group.kind" in complained
    assert not (tmp_path / "o.csv").exists()


def test_group_needs_no_home(tongpin, cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TONGPIN_HOME", raising=False)
    code, said, _ = tongpin("group", cases, "--scheme", "demo-drg", "-o", tmp_path / "o.csv")
    assert code == 0
    assert "REC-U002" in said  # the code "?" stands in no dictionary
    assert not (tmp_path / "tongpin-home").exists()


def test_the_demonstration_city_stays_out_of_a_home_with_data(tongpin, cases: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    tongpin("load", cases, "--home", home)
    code, _, complained = tongpin("demo", "--no-serve", "--cases", "10", "--home", home)
    assert code == 1
    assert "已有自己的数据" in complained


def test_one_broken_scheme_does_not_hide_the_others(tongpin, tmp_path: Path) -> None:
    broken = tmp_path / "home" / "schemes" / "mine"
    broken.mkdir(parents=True)
    (broken / "mdc.csv").write_text("x", encoding="utf-8")
    code, said, _ = tongpin("scheme", "list", "--home", tmp_path / "home")
    assert code == 1
    assert "demo-drg" in said
    assert "读不了" in said
