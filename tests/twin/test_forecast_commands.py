"""`tongpin forecast` and `tongpin negotiate`: from closed months to screen, workbook and A4 paper."""

from __future__ import annotations

import csv
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc
import pytest
from forecast_home import CLOSED, OWN, PEER, keep, make_home, peers
from openpyxl import load_workbook

from tongpin.cli import main
from tongpin.measures.populations import settled_cases
from tongpin.payment.weights.rounds import open_round
from tongpin.payment.year.run import clear_in_home
from tongpin.store.home import Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = make_home(tmp_path_factory.mktemp("forecast"))
    keep(made, "peer", peers({"1": [22, 25, 27, 29, 33], "3": [40, 45, 50, 55, 60], "21.2": [1, 2, 3, 4, 5]}))
    folder = open_round(made, "2026-1", "demo-east/2025", "明年草案", date(2025, 7, 1))
    path = folder / "weights.csv"
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [head, *([drg, f"{float(weight) * 1.1:.4f}", *rest] for drg, weight, *rest in rows)]
        )
    return made


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Home):
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tongpin", *map(str, arguments), "--home", str(home.root)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def as_data(tongpin, *arguments: object) -> dict:
    code, out, err = tongpin(*arguments, "--json")
    assert code == 0, out + err
    return json.loads(out)


def test_the_year_of_an_area(tongpin, home: Home) -> None:
    found = as_data(tongpin, "forecast", "year", "--year", 2025)
    assert found["until"] == CLOSED[-1]
    draft = clear_in_home(home, 2025, draft=True).clearing.places.to_pylist()
    known = {(row["institution_code"], row["fund"]): row["item_pool_fen"] for row in draft}
    for place in found["places"]:
        own = known[place["institution_code"], place["fund"]]
        assert place["known_item_pool_fen"] == own, "what is known is what a clearing of the closed months counts"
        assert place["item_pool_fen"] > own
    assert found["paper"] is None
    sheet = load_workbook(found["report"])["年末结算"]
    assert "年末结算预测" in sheet["A1"].value
    assert any("模拟" in str(cell.value) for row in sheet.iter_rows(max_row=10) for cell in row)


def test_a_hospital_with_its_indicators_and_simulated_score(tongpin) -> None:
    found = as_data(tongpin, "forecast", "year", "--year", 2025, "--hospital", OWN)
    assert {place["institution_code"] for place in found["places"]} == {OWN}
    figures = {row["sub"]: row for row in found["indicators"]}
    assert figures["1"]["low_95"] < figures["1"]["value"] < figures["1"]["high_95"]
    assert figures["展1"]["value"] is not None
    scored = {row["sub"]: row for row in found["scores"]}
    assert scored["1"]["label"] == "模拟"
    assert scored["1"]["value"] == figures["1"]["value"]
    assert found["standing"]["among"] == 6
    assert any(note.startswith("模拟：在 6 家中预计第") for note in found["notes"])
    assert any("不附区间" in note for note in found["notes"])
    assert Path(found["paper"]).read_bytes().startswith(b"%PDF")
    assert load_workbook(found["report"]).sheetnames == ["年末结算", "国考指标", "评分模拟"]


def test_without_peers_there_is_no_score(tongpin) -> None:
    code, out, _ = tongpin("forecast", "year", "--year", 2025, "--hospital", PEER, "--method", "interval")
    assert code == 0
    assert "模拟" in out
    assert "成本" not in out


def test_a_scenario_stands_beside_the_plain_year(tongpin, tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("label: 增长并换权重\ngrowth: {'*': 0.1}\nedition: '2026-1'\nday: 2025-06-30\n", encoding="utf-8")
    found = as_data(tongpin, "forecast", "year", "--year", 2025, "--hospital", OWN, "--scenario", path)
    for place in found["places"]:
        rest = place["plain_due_fen"] - place["known_payable_fen"]
        assert place["changed_fen"] > 0.1 * rest, "a tenth more cases at a tenth more weight"
    neutral = tmp_path / "neutral.yaml"
    neutral.write_text("label: 不变\n", encoding="utf-8")
    same = as_data(tongpin, "forecast", "year", "--year", 2025, "--scenario", neutral)
    assert {place["changed_fen"] for place in same["places"]} == {0}


def test_a_year_without_closed_months_is_refused(tongpin) -> None:
    code, out, err = tongpin("forecast", "year", "--year", 2026)
    assert code == 1
    assert "forecast.closed" in out + err


def test_a_draft_on_past_cases(tongpin) -> None:
    found = as_data(tongpin, "forecast", "policy", "2026-1", "--from-months", f"{CLOSED[0]}..{CLOSED[-1]}")
    impact = {row["institution_code"]: row for row in found["hospitals"]}
    cleared = [row for row in found["cleared"] if row["institution_code"] == OWN]
    assert sum(row["new_payable_fen"] for row in cleared) == impact[OWN]["new_fen"]
    assert sum(row["old_payable_fen"] for row in cleared) == impact[OWN]["old_fen"]
    assert impact[OWN]["new_fen"] > impact[OWN]["old_fen"]
    assert all(row["due_difference_fen"] == row["new_due_fen"] - row["old_due_fen"] for row in cleared)
    effects = found["indicators"]
    assert effects["4 出院患者手术占比"] == "不变"
    assert effects["展1 医保结算率（医院视角）"] == "随应付统筹变"
    assert any("不满一年" in note for note in found["notes"])
    assert load_workbook(found["report"]).sheetnames == ["年末分档", "各院影响", "国考指标"]


def test_a_pack_for_two_groups(tongpin) -> None:
    found = as_data(tongpin, "negotiate", "--group", "ES35D,GK39D", "--hospital", OWN)
    first = found["groups"][0]
    assert first["own"]["cases"] > 0
    assert first["peers"]["low_fen"] < first["peers"]["mean_fee_fen"] < first["peers"]["high_fen"]
    assert first["own"]["mean_cost_fen"] is None
    assert {peer["name"] for peer in first["hospitals"]} <= {"本院", "同级1"}
    assert sum(one["own"]["cases"] for one in first["periods"]) == first["own"]["cases"]
    small, _, large = found["effects"]
    assert 0 < small["fund_fen"] < large["fund_fen"]
    assert sum(small["by_group"].values()) == small["fund_fen"], "only these groups are paid otherwise"
    assert found["indicators"]
    assert Path(found["paper"]).read_bytes().startswith(b"%PDF")
    book = load_workbook(found["report"])
    assert book.sheetnames == ["病组", "走势", "同级各院", "基金影响", "医院各月", "国考指标"]
    words = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value]
    assert any("医保DRG" in word for word in words)
    assert not [word for word in words if "成本" in word], "without imported cost the word stands nowhere"
    assert not [word for word in words if PEER in word], "peers are not named"


def test_cost_stands_in_the_pack_once_it_is_imported(tongpin, home: Home) -> None:
    plain = as_data(tongpin, "negotiate", "--group", "GK39D", "--hospital", OWN)["groups"][0]
    lists = settled_cases(home)
    dept = lists.filter(pc.and_(pc.equal(lists["institution_code"], OWN), pc.equal(lists["drg"], "GK39D")))["dept"]
    one = {"institution_code": OWN, "cost_kind": "成本费用比", "cost_to_fee_ratio": Decimal("1.2")}
    keep(
        home, "cost", [{**one, "month": month, "dept_code": code} for month in CLOSED for code in set(dept.to_pylist())]
    )
    found = as_data(tongpin, "negotiate", "--group", "GK39D", "--hospital", OWN)
    costed = found["groups"][0]
    assert found["has_cost"]
    assert costed["own"]["mean_cost_fen"] == pytest.approx(1.2 * costed["own"]["mean_fee_fen"], rel=1e-4)
    assert costed["even_weight"] == pytest.approx(1.2 * plain["even_weight"], rel=1e-4)
    sheet = load_workbook(found["report"])["病组"]
    assert any(cell.value == "次均成本" for row in sheet.iter_rows(max_row=12) for cell in row)


def test_a_group_that_is_not_there_is_refused_with_those_that_are(tongpin) -> None:
    code, out, err = tongpin("negotiate", "--group", "ZZ99D", "--hospital", OWN)
    assert code == 1
    assert "negotiate.group" in out + err
    assert "例数最多的病组" in out + err
    code, out, err = tongpin("negotiate", "--group", "ES35D", "--hospital", OWN, "--raise", "五成")
    assert code == 1
    assert "negotiate.raise" in out + err
