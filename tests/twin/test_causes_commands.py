"""`tongpin causes`: from closed months to screen, workbook and one page A4."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from causes_cases import close_months, fen, group, lines
from openpyxl import load_workbook

from tongpin.cli import main
from tongpin.payment.policy.library import policy_named
from tongpin.store.home import Home
from tongpin.twin.causes.papers import PAPER_CAUSES, PAPER_GROUPS, PAPER_PIECES


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hospitals of one level and one of another, in two months a year apart."""
    root = tmp_path_factory.mktemp("home")
    rows = [
        *group(20, "LC19D", drug=3_500, doctor_code="D1"),
        *group(15, "LC19D", prefix="e", drug=3_000, doctor_code="D2"),
        *group(3, "LC19D", prefix="f", drug=20_000, doctor_code="D3"),
        *group(30, "ES35D", dept="03.01"),
        *group(4, "HC29D", dept="04.01"),
        *group(60, "LC19D", prefix="g", hospital="H2"),
        *group(40, "ES35D", prefix="g", hospital="H2", dept="03.01"),
        *group(30, "LC19D", prefix="k", hospital="H9", level="二级", rate=8_000),
        *group(20, "LC19D", prefix="o", month="2024-06"),
        *group(20, "ES35D", prefix="o", month="2024-06", dept="03.01", rate=9_000),
    ]
    close_months(Home.open(root), lines(rows))
    return root


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path):
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tongpin", *map(str, arguments), "--home", str(home)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def as_data(tongpin, *arguments: object) -> dict:
    code, out, err = tongpin("causes", *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_hospital_against_its_year_before(tongpin) -> None:
    data = as_data(tongpin, "--month", "2025-06", "--hospital", "医院H1")
    total = data["total"]
    assert (data["base"], total["case_count"], total["base_count"]) == ("year", 72, 40)
    parts = sum(total[name] for name in total if name not in {"case_count", "base_count", "base_fen", "result_fen"})
    assert total["base_fen"] + parts == total["result_fen"]
    assert total["drug"] == -fen(20 * 1_500 + 15 * 1_000 + 3 * 18_000)
    assert total["rate"] == fen(30 * 1_000)
    assert total["uncompared"] == fen(4 * 2_000)
    assert {row["dept"] for row in data["slices"]} == {"03.01", "04.01", "04.04"}
    assert any("编码" in note for note in data["notes"])


def test_doctors_of_a_group_are_not_ranked_on_few_cases(tongpin) -> None:
    data = as_data(tongpin, "--month", "2025-06", "--hospital", "H1", "--group", "LC19D")
    doctors = data["doctors"]["LC19D"]
    assert [one["name"] for one in doctors] == ["D1", "D2", "D3"]
    assert doctors[2]["verdict"] == "例数少，不比较"
    whole = data["total"]["result_fen"] - fen(2_000) * 38
    assert sum(one["difference_fen"] for one in doctors) == whole
    assert sum(one["share_e4"] for one in data["diagnoses"]["LC19D"]) == 10_000


@pytest.mark.parametrize(("base", "label"), [("level", "其他三级机构"), ("region", "全区域其他机构")])
def test_a_hospital_against_others(tongpin, base: str, label: str) -> None:
    data = as_data(tongpin, "--month", "2025-06", "--hospital", "H1", "--base", base, "--dept", "04.04")
    assert label in data["base_label"]
    assert data["total"]["volume"] == 0
    assert (data["total"]["rate"] > 0) == (base == "region")  # the lower rate of the other level is price


def test_a_review_gives_the_part_of_coding(tongpin, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "review.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["case_id", "drg"], ["cLC19D0", "ES35D"], ["cLC19D1", "LC19D"]])
    arguments = ("--month", "2025-06", "--hospital", "H1", "--regrouped", path)
    data = as_data(tongpin, *arguments)
    weight = policy_named(Home.open(home), "demo-east/2025").weights["ES35D"].weight_e4
    assert data["total"]["coding"] == fen(10_000) - weight * fen(10_000) // 10_000
    assert any("1 份改了病组" in note for note in data["notes"])
    path.write_text("case_id,drg\ncLC19D0,\n", encoding="utf-8")
    code, _, err = tongpin("causes", *arguments)
    assert (code, "causes.regrouped" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--month", "2025-06", "--hospital", "H7"), "causes.scope"),
        (("--month", "2025-06", "--hospital", "H1", "--dept", "99"), "causes.scope"),
        (("--month", "2025-06", "--hospital", "H1", "--group", "ZZ99D"), "causes.scope"),
        (("--month", "2025-06", "--base", "beauty"), "causes.base"),
        (("--month", "2025-06", "--base", "region"), "causes.base"),
        (("--month", "2024-06"), "causes.base"),
        (("--month", "2025-06", "--hospital", "H9", "--base", "level"), "causes.base"),
        (
            (
                "--month",
                "2025-07",
            ),
            "settle.open",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(tongpin, arguments: tuple[str, ...], code: str) -> None:
    status, _, err = tongpin("causes", *arguments)
    assert status == 1
    assert f"[{code}]" in err
    assert "怎么改" in err


def test_without_a_month_the_usage_is_told(tongpin) -> None:
    status, _, err = tongpin("causes")
    assert status == 2
    assert "--month" in err


def test_workbook_and_page(tongpin, home: Path) -> None:
    code, out, _ = tongpin("causes", "--month", "2025-06", "--hospital", "H1")
    assert code == 0
    assert "接着做" in out
    book = load_workbook(home / "reports" / "盈亏原因-H1-2025-06.xlsx")
    assert book.sheetnames == ["盈亏原因", "各科室", "各病组", "诊断构成", "医师", "可能的原因", "口径"]
    heads = [cell.value for cell in next(row for row in book["各病组"].iter_rows() if row[0].value == "病组")]
    for row in book["各病组"].iter_rows(values_only=True):
        if row[0] in {"LC19D", "ES35D", "HC29D", "合计"}:
            told = dict(zip(heads, row, strict=True))
            summed = sum(value for name, value in told.items() if name not in {"病组", "名称", "例数", "对照例数"})
            assert round(summed - 2 * told["本期盈亏\n（元）"], 2) == 0
    page = (home / "reports" / "盈亏原因-H1-2025-06.pdf").read_bytes()
    assert len(re.findall(rb"/Type /Page\b", page)) == 1


def test_the_fullest_page_is_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More groups, doctors, diagnoses and causes than the page has room for, every factor at work."""
    from tongpin.twin.causes.papers import write_causes_pdf
    from tongpin.twin.causes.run import Wanted, causes_in_home

    home = Home.open(tmp_path / "home")
    rows = []
    for number in range(PAPER_GROUPS + PAPER_CAUSES + 6):
        drg = f"LC{number:02d}D"
        for doctor in range(PAPER_PIECES + 4):
            changed = {"drug": 2_000 + 10 * number, "exam": 2_000, "stay": 1 + doctor}
            rows += group(12, drg, prefix=f"n{doctor}", doctor_code=f"D{doctor}", **changed)
        rows += group(2, drg, prefix="h", outlier="HIGH", drug=90_000)
        rows += group(40, drg, prefix="y", month="2024-06", rate=9_500, consumable=900 + number)
        rows += group(40, drg, prefix="z", hospital="H2")
    rows += group(3, "ZZ11D")
    close_months(home, lines(rows))
    for wanted in (Wanted("2025-06", hospital="H1"), Wanted("2025-06", hospital="H1", group="LC05D")):
        report = causes_in_home(home, wanted)
        assert report.causes
        path = tmp_path / "page.pdf"
        write_causes_pdf(report, path)
        assert len(re.findall(rb"/Type /Page\b", path.read_bytes())) == 1


def test_top_groups_sum_to_their_department(tongpin, home: Path) -> None:
    data = as_data(tongpin, "top", "--month", "2025-06", "--hospital", "H1", "--limit", 1)
    (urology,) = [one for one in data["departments"] if one["dept"] == "04.04"]
    rows = [one for one in data["groups"] if one["dept"] == "04.04"]
    assert urology["case_count"] == 38
    assert sum(one["result_fen"] for one in rows) == urology["result_fen"]
    assert rows[0]["drg"] == "LC19D"
    assert rows[0]["peer_per_case_fen"] == fen(2_000)
    assert rows[0]["verdict"] == "低于对照"
    assert urology["first_look"]
    book = load_workbook(home / "reports" / "前列病组-H1-2025-06.xlsx")
    assert book.sheetnames == ["各科室", "前列病组"]
    code, out, _ = tongpin("causes", "top", "--month", "2025-06")
    assert code == 0
    assert "前 50 病组" in out


def test_groups_beyond_the_limit_stand_in_one_row() -> None:
    from tongpin.twin.causes.top import REST, department_rows, top_rows

    rows = lines([*group(5), *group(3, "BB11D"), *group(1, "CC11D", drug=30_000)])
    found = top_rows(rows, rows, 1)
    assert [(one["drg"], one["case_count"]) for one in found] == [("AA11D", 5), (REST, 4)]
    assert found[1]["group_count"] == 2
    assert sum(one["result_fen"] for one in found) == sum(rows["result_fen"].to_pylist())
    (department,) = department_rows(found)
    assert department["group_count"] == 3
