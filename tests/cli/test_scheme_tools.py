"""`tongpin scheme check | diff | conformance` as they are typed."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import openpyxl
import pytest

from tongpin.cli import main
from tongpin.cli.output import screen

TABLES = {
    "scheme.csv": "key,value\nscheme_id,s\n",
    "mdc.csv": "seq,mdc,name,when,min_sites\n1,MDCE,呼吸,dx_main:E,0\n",
    "adrg.csv": "seq,mdc,kind,adrg,rule,name,when\n1,MDCE,adrg,ES3,ES3,肺炎,dx_main:E\n",
    "drg.csv": "mdc,adrg,rule,seq,drg,name,when\nMDCE,ES3,ES3,1,ES31,重,age<17\nMDCE,ES3,ES3,2,ES35,轻,always\n",
    "drg_name.csv": "drg,name\nES31,重\nES35,轻\n",
    "dx_list.csv": "list,code\nE,J18.900\n",
    "px_list.csv": "list,code\n",
}
CASES = "case_id,sex,age,dx\n1,1,50,J18.900\n2,1,17,J18.900\n3,1,16,J18.900\n"


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(screen, "as_json", False)
        monkeypatch.setattr(sys, "argv", ["tongpin", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().out

    return run


def write(folder: Path, old: str = "", new: str = "") -> Path:
    folder.mkdir()
    for name, text in TABLES.items():
        (folder / name).write_text(text.replace(old, new) if old else text, encoding="utf-8")
    return folder


@pytest.fixture
def home(tongpin, tmp_path: Path) -> Path:
    """Two schemes: `b` calls children up to 17 what `a` calls children below 17."""
    home = tmp_path / "home"
    for name, folder in (("a", write(tmp_path / "a")), ("b", write(tmp_path / "b", "age<17", "age<=17"))):
        assert tongpin("scheme", "import", folder, "--id", name, "--home", home)[0] == 0
    return home


def test_check_tells_what_hurts_from_what_is_worth_knowing(tongpin, home: Path, tmp_path: Path) -> None:
    code, said = tongpin("scheme", "check", "a", "--home", home)
    assert (code, "没有发现问题" in said) == (0, True)
    folder = write(tmp_path / "c", "MDCE,ES3,ES3,2,ES35,轻,always", "MDCE,ES3,ES3,0,ES35,轻,always")
    (folder / "dx_list.csv").write_text("list,code\nE,J18.900\nF,J18.901\n", encoding="utf-8")
    tongpin("scheme", "import", folder, "--id", "c", "--home", home)
    code, said = tongpin("scheme", "check", "c", "--home", home)
    assert code == 1
    assert "SCH-D001" in said
    assert "drg.csv 第 2 行" in said
    assert "方案 c：1 处警告，另有 1 处提示" in said
    code, said = tongpin("scheme", "check", "c", "--home", home, "--json")
    assert [one["rule_id"] for one in json.loads(said)["findings"]] == ["SCH-D001", "SCH-N004"]


def test_diff_tells_what_differs_who_moves_and_what_it_weighs(tongpin, home: Path, tmp_path: Path) -> None:
    cases, weights, output = tmp_path / "cases.csv", tmp_path / "w.csv", tmp_path / "out" / "diff.xlsx"
    cases.write_text(CASES, encoding="utf-8")
    weights.write_text("drg,weight\nES31,1.2\nES35,0.7\n", encoding="utf-8")
    wanted = ("scheme", "diff", "a", "b", "--home", home, "--cases", cases, "--weights-a", weights)
    code, said = tongpin(*wanted, "-o", output)
    assert code == 0
    assert "3 例中 1 例换了组或状态（33.33%）" in said
    assert "总权重变化 +0.5000" in said
    data = json.loads(tongpin(*wanted, "--json")[1])
    assert [(one["topic"], one["before"], one["after"]) for one in data["changes"]] == [
        ("leaf", ["age<17"], ["age<=17"])
    ]
    assert data["weights"]["before"]["weight"] == "2.6"
    assert data["moves"][0]["case_count"] == 1
    book = openpyxl.load_workbook(output)
    assert book.sheetnames == ["差别", "病例移动"]
    assert "age<=17" in {cell.value for row in book["差别"] for cell in row}


def test_diff_without_cases_and_as_csv(tongpin, home: Path, tmp_path: Path) -> None:
    output = tmp_path / "diff.csv"
    assert "a 与 a 没有不同" in tongpin("scheme", "diff", "a", "a", "--home", home)[1]
    assert tongpin("scheme", "diff", "a", "b", "--home", home, "-o", output)[0] == 0
    with output.open(encoding="utf-8-sig", newline="") as handle:
        assert [row["新"] for row in csv.DictReader(handle)] == ["age<=17"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-o", "diff.txt"), "diff.output"),
        (("--loaded",), "diff.cases"),
        (("--weights-a", "w.csv"), "diff.weights"),
        (("--cases", "w.csv"), "diff.cases"),
    ],
)
def test_diff_refuses_what_it_cannot_do(
    tongpin, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.csv").write_text("drg,weight\nES31,1.2\n", encoding="utf-8")
    ended, said = tongpin("scheme", "diff", "a", "b", "--home", home, *arguments, "--json")
    assert ended == 1
    assert json.loads(said)["code"] == code


def test_diff_takes_the_cases_of_the_home(tongpin, home: Path, tmp_path: Path) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_text(
        "case_id,institution_code,sex,age,dx,upload_time\n1,H1,1,17,J18.900,2025-06-12 10:00:00\n", encoding="utf-8"
    )
    assert tongpin("load", cases, "--home", home)[0] == 0
    assert "1 例中 1 例换了组或状态" in tongpin("scheme", "diff", "a", "b", "--home", home, "--loaded")[1]


def test_diff_reads_the_fields_that_a_scheme_declares(tongpin, home: Path, tmp_path: Path) -> None:
    folder = write(tmp_path / "c", "age<17", "new_technology==1")
    (folder / "field.csv").write_text("field,kind,label\nnew_technology,number,新技术\n", encoding="utf-8")
    assert tongpin("scheme", "import", folder, "--id", "c", "--home", home)[0] == 0
    cases = tmp_path / "cases.csv"
    cases.write_text("case_id,sex,age,dx,new_technology\n1,1,50,J18.900,1\n2,1,50,J18.900,0\n", encoding="utf-8")
    assert "2 例中 1 例换了组或状态" in tongpin("scheme", "diff", "a", "c", "--home", home, "--cases", cases)[1]


def test_conformance_runs_exports_and_compares(tongpin, tmp_path: Path) -> None:
    code, said = tongpin("scheme", "conformance", "--json")
    data = json.loads(said)
    assert (code, data["ok"], data["differences"]) == (0, True, [])
    assert {one["failed"]["kernel"] for one in data["scenarios"]} == {0}
    assert tongpin("scheme", "conformance", "--export", tmp_path)[0] == 0
    answers = tmp_path / "answers.csv"
    with (tmp_path / "sex" / "conformance.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    lines = [",".join((r["case_id"], *(r[f"expected_{n}"] for n in ("status", "mdc", "adrg", "drg")))) for r in rows]
    answers.write_text("\n".join(["case_id,status,mdc,adrg,drg", *lines]), encoding="utf-8")
    code, said = tongpin("scheme", "conformance", "--answers", answers)
    assert code == 1
    assert "没有答案" in said
    assert f"通过 {len(rows)} / " in said
