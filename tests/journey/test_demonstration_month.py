"""The whole way, as a newcomer walks it: one command, a full-size month, and the figures on its pages."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tongpin.cli import main
from tongpin.demo.faults.registry import kinds
from tongpin.payment.month.run import settle_in_home
from tongpin.payment.month.statement import check_month
from tongpin.records.intake.load import CASES, FINDINGS, INSTITUTIONS, read_loaded
from tongpin.store.home import Home

MONTH = "2025-06"


class Journey(NamedTuple):
    home: Home
    answer: dict[str, Any]
    lists: pa.Table
    lines: pa.Table
    statement: pa.Table


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """June 2025 in full size, through the command line."""
    folder = tmp_path_factory.mktemp("journey")
    output = folder / "answer.json"
    with pytest.MonkeyPatch.context() as patch, output.open("w", encoding="utf-8") as file:
        patch.setattr(
            sys, "argv", ["tongpin", "demo", "--no-serve", "--cases", "31700", "--home", str(folder), "--json"]
        )
        patch.setattr(sys, "stdout", file)
        with pytest.raises(SystemExit) as ended:
            main()
    assert not ended.value.code
    home = Home.open(folder)
    settlement = settle_in_home(home, MONTH).settlement
    cases = read_loaded(home, CASES)
    lists = cases.filter(pc.equal(cases["source"], "settlement_list"))
    answer = json.loads(output.read_text(encoding="utf-8"))
    return Journey(home, answer, lists, settlement.lines, settlement.statement)


def by(journey: Journey, column: str, value: str) -> dict[str, float]:
    """Cases, mean fee (yuan), weight per case and stay of the regular lines where a place has this value.

    Observed hospitals are grouped, not paid by group: their lines take the weight that the group has in paid ones.
    """
    places = read_loaded(journey.home, INSTITUTIONS)
    codes = places.filter(pc.equal(places[column], value))["institution_code"]
    lines = journey.lines.filter(
        pc.and_(
            pc.is_in(journey.lines["institution_code"], codes.combine_chunks()),
            pc.equal(journey.lines["line_kind"], "regular"),
        )
    )
    weight_of = {
        row["drg"]: row["weight_e4"]
        for row in journey.lines.select(["drg", "weight_e4"]).to_pylist()
        if row["weight_e4"]
    }
    weights = [weight_of[drg] for drg in lines["drg"].to_pylist() if drg in weight_of]
    return {
        "cases": lines.num_rows,
        "fee": pc.mean(lines["total_fee_fen"]).as_py() / 100,
        "money": pc.sum(lines["total_fee_fen"]).as_py(),
        "cmi": sum(weights) / len(weights) / 10_000,
        "los": pc.mean(lines["los"]).as_py(),
    }


def inpatient(journey: Journey) -> pa.Table:
    """The lists of stays; those of outpatients with special diseases aside."""
    return journey.lists.filter(pc.is_in(journey.lists["care_type"], pa.array(["inpatient", "day_surgery"])))


def test_the_month_is_full_size(journey: Journey) -> None:
    assert 31_000 <= inpatient(journey).num_rows <= 32_200
    assert len(journey.lists["institution_code"].unique()) == 55


def test_the_month_closes_to_the_fen(journey: Journey) -> None:
    check_month(journey.lines, journey.statement)
    for name in ("pool_payable_fen", "result_fen", "item_pool_fen"):
        assert pc.sum(journey.lines[name]).as_py() == pc.sum(journey.statement[f"month_{name}"]).as_py()
    claims = ("audit_deduction_fen", "penalty_fen", "deposit_fen", "prepay_offset_fen", "direct_drug_fen")
    for row in journey.statement.to_pylist():
        assert row["month_pool_payable_fen"] - sum(row[name] for name in claims) == row["cash_transfer_fen"]


def test_the_difference_falls_on_the_pool_and_the_hospital_alone(journey: Journey) -> None:
    for line in journey.lines.slice(0, 2000).to_pylist():
        assert (
            line["gross_fen"]
            == line["patient_fen"] + line["other_funds_fen"] + line["pool_payable_fen"] - line["floored_fen"]
        )
        assert line["patient_fen"] == line["patient_pay_fen"]
        assert line["other_funds_fen"] == line["other_fund_pay_fen"]
        assert line["result_fen"] == line["pool_payable_fen"] - line["pool_pay_fen"]


@pytest.mark.parametrize(
    ("level", "low", "high"), [("三级", 14_000, 17_000), ("二级", 6_500, 7_500), ("一级", 3_000, 4_000)]
)
def test_mean_fee_by_level(journey: Journey, level: str, low: float, high: float) -> None:
    assert low <= by(journey, "settlement_level", level)["fee"] <= high


@pytest.mark.parametrize(
    ("grade", "low", "high"), [("三甲", 1.20, 1.40), ("三乙", 1.00, 1.10), ("二级", 0.70, 0.85), ("一级", 0.45, 0.60)]
)
def test_case_mix_index_by_grade(journey: Journey, grade: str, low: float, high: float) -> None:
    assert low <= by(journey, "grade", grade)["cmi"] <= high


@pytest.mark.parametrize(("grade", "low", "high"), [("三甲", 7.0, 7.8), ("二级", 8.0, 8.8), ("一级", 8.5, 9.5)])
def test_stay_by_grade(journey: Journey, grade: str, low: float, high: float) -> None:
    assert low <= by(journey, "grade", grade)["los"] <= high


def test_shares_of_cases_and_money_by_level(journey: Journey) -> None:
    levels = {level: by(journey, "settlement_level", level) for level in ("三级", "二级", "一级")}
    for what, wanted in (("cases", (0.52, 0.32, 0.16)), ("money", (0.74, 0.20, 0.06))):
        total = sum(level[what] for level in levels.values())
        for level, share in zip(levels.values(), wanted, strict=True):
            assert abs(level[what] / total - share) <= 0.02


def test_at_least_99_5_percent_are_grouped(journey: Journey) -> None:
    grouped = pc.sum(pc.is_in(journey.lines["status"], pa.array(["grouped"]))).as_py()
    assert grouped / journey.lines.num_rows >= 0.995


def test_planted_faults_became_findings_and_nothing_else_was_lost(journey: Journey) -> None:
    truth = list(csv.DictReader((journey.home.demo / "truth" / "record_faults.csv").read_text("utf-8").splitlines()))
    assert {row["kind"] for row in truth} == set(kinds())
    findings = read_loaded(journey.home, FINDINGS).to_pylist()
    named = {row["case_id"] for row in findings}
    assert {row["setl_id"] for row in truth if row["breaks"].startswith("REC-")} <= named
    kept = set(journey.lists["case_id"].to_pylist())
    assert {row["setl_id"] for row in truth} <= kept, "what was refused came back corrected"
    assert journey.answer["city"]["settlement_lists"] == inpatient(journey).num_rows


def test_returned_lists_came_back_corrected(journey: Journey) -> None:
    truth = list(csv.DictReader((journey.home.demo / "truth" / "record_faults.csv").read_text("utf-8").splitlines()))
    returned = {row["setl_id"] for row in truth if row["corrected_file"]}
    assert len(returned) > 300
    open_cases = {row["case_id"] for row in read_loaded(journey.home, FINDINGS).to_pylist() if row["status"] == "open"}
    assert not returned & open_cases


def test_the_statement_opens_and_shows_the_sums(journey: Journey) -> None:
    path = next(Path(p) for p in journey.answer["reports"] if "月度支付情况表" in p)
    book = openpyxl.load_workbook(path)
    summary = book["全市汇总"]
    rows = [[cell for cell in row if cell is not None] for row in summary.iter_rows(values_only=True)]
    total = next(row for row in rows if row and row[0] == "合计")
    assert journey.statement["cases"].to_pylist()
    assert sum(journey.statement["cases"].to_pylist()) in total
    payable = pc.sum(journey.statement["pool_payable_fen"]).as_py() / 1_000_000
    assert any(isinstance(value, float) and abs(value - payable) < 0.005 for value in total)


def test_the_joint_page_makes_no_request_and_names_its_forms(journey: Journey) -> None:
    page = next(Path(p) for p in journey.answer["reports"] if p.endswith(".html")).read_text(encoding="utf-8")
    outside = [
        part[:40] for part in page.split('src="')[1:] + page.split("url(")[1:] if not part.startswith(("data:", "#"))
    ]
    assert outside == []
    assert "<script" not in page
    for words in ("医保DRG", "全部出院", "组均法", "国考 14", "25.00%", "20.00%", "110%", "模拟", "演示", "超标准"):
        assert words in page
    assert "票子" not in page
    assert "面子" not in page


@pytest.mark.needs("chromium")
def test_the_joint_page_opens_in_a_browser(journey: Journey, browser: Any) -> None:
    page_path = next(Path(p) for p in journey.answer["reports"] if p.endswith(".html"))
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_path.as_uri())
    drawn = page.locator("svg").count()
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert asked == [page_path.as_uri()]
    assert drawn >= 4
    assert wide <= 1280


def test_a_case_explains_its_yuan(
    journey: Journey, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    line = next(row for row in journey.lines.to_pylist() if row["outlier_class"] == "NORMAL")
    page = tmp_path / "why.html"
    asked = ["explain", line["case_id"], "--not", "MDCA", "--html", page, "--home", journey.home.root]
    monkeypatch.setattr(sys, "argv", ["tongpin", *map(str, asked)])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().out
    assert f"{line['pool_payable_fen'] / 100:,.2f}" in said
    assert line["drg"] in said
    assert "模拟" in said
    assert "为什么不是 MDCA" in said
    assert line["drg"] in page.read_text(encoding="utf-8")
