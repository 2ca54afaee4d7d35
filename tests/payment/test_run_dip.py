"""A month paid by scores: a city builds its catalogue, settles by it, the statement balances, every yuan is told."""

from __future__ import annotations

import csv
import json
import re
import shutil
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from dip_cases import stay, usual

from tongpin.base.errors import PolicyError, SchemeError, StoreError
from tongpin.base.money import round_half_up
from tongpin.cli import main
from tongpin.demo.city import build_city
from tongpin.grouping.library import DEMO_SCHEME, scheme_folders
from tongpin.payment.dip.library import catalogue_folders, open_catalogue, own_folder
from tongpin.payment.explain import explain_line
from tongpin.payment.month.closed import closed_months
from tongpin.payment.month.posting import LINE_SCHEMA
from tongpin.payment.month.run import closed_run, posted_lines, settle_in_home
from tongpin.payment.month.statement import STATEMENT_SCHEMA, check_month
from tongpin.payment.month.statement_columns import statement_basis
from tongpin.payment.policy.library import policy_folders
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, DECISIONS, INSTITUTIONS, KEYS, WITHDRAWALS, load_files
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home
from tongpin.twin.run import joint_in_home

AREA = "my-city"


def own_edition(home: Home, source: str, name: str, *changes: tuple[str, str]) -> None:
    """A shipped edition under another name in the home, with words changed."""
    folder = home.policies / name
    shutil.copytree(policy_folders(home)[source], folder)
    text = (folder / "policy.yaml").read_text(encoding="utf-8")
    for old, new in ((f"id: {source}", f"id: {name}"), *changes):
        assert old in text
        text = text.replace(old, new)
    (folder / "policy.yaml").write_text(text, encoding="utf-8")


def scored_edition(home: Home, *changes: tuple[str, str]) -> None:
    own_edition(home, "dip-national/2025", f"{AREA}/2025", ("value: demo-dip", "value: city-dip"), *changes)


# A generated city, from its files to the explained yuan.


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The smallest demonstration city, loaded, with a catalogue of its own lists and an edition that names it."""
    home = Home.open(tmp_path_factory.mktemp("dip") / "home")
    build_city(home.demo, cases=600, scheme_folder=scheme_folders(home)[DEMO_SCHEME], workers=1)
    load_files(home, [home.demo / "files"])
    scored_edition(home, ('"310": 11.5', '"310": 14.2'))
    command(home, "dip", "build", "--from-months", "2024-07..2025-06", "--id", "city-dip", "--policy", f"{AREA}/2025")
    command(home, "settle", "--month", "2025-06")
    return home


def command(home: Home, *arguments: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["tongpin", *arguments, "--home", str(home.root)])
        with pytest.raises(SystemExit) as ended:
            main()
    assert not ended.value.code


def by_disease(lines: pa.Table) -> list[dict[str, Any]]:
    return lines.filter(pc.equal(lines["pay_scope"], "DRG")).to_pylist()


def test_the_month_is_closed_by_the_catalogue_of_the_edition(city: Home) -> None:
    run, catalogue = closed_run(city, "2025-06"), open_catalogue(city, "city-dip")
    assert run.manifest["method"] == "dip"
    assert (run.manifest["area"], run.manifest["policy"]) == (AREA, f"{AREA}/2025")
    assert (run.manifest["scheme"], run.manifest["scheme_digest"]) == ("city-dip", catalogue.digest)
    assert any(label.startswith("病种目录（") for label in run.manifest["assumed"])
    rows = by_disease(run.settlement.lines)
    assert len(rows) > 1000
    assert {row["drg"] for row in rows} <= set(catalogue.by_code)
    assert {row["mdc"] for row in rows} >= {"core_conservative", "composite"}
    assert all(row["weight_e4"] == catalogue.by_code[row["drg"]].rw_e4 for row in rows)


def test_lines_and_statement_are_those_of_every_month_and_balance(city: Home) -> None:
    settlement = closed_run(city, "2025-06").settlement
    assert settlement.lines.schema.equals(LINE_SCHEMA)
    assert settlement.statement.schema.equals(STATEMENT_SCHEMA)
    check_month(settlement.lines, settlement.statement)
    rows = settlement.statement.to_pylist()
    assert sum(row["cases"] for row in rows) == settlement.lines.num_rows
    assert sum(row["drg_cases"] for row in rows) == len(by_disease(settlement.lines))
    assert any(row["deposit_fen"] for row in rows)


def test_the_factors_posted_with_a_line_give_its_points_and_its_pay(city: Home) -> None:
    lines = closed_run(city, "2025-06").settlement.lines
    assert pc.all(pc.equal(pc.is_valid(lines["coefficient_parts"]), pc.equal(lines["pay_scope"], "DRG"))).as_py()
    for row in by_disease(lines):
        parts = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)(?= |$)", row["coefficient_parts"])}
        points = parts["score"]
        for name in ("deviation", "auxiliary", "institution"):  # dip.order of the edition
            points = round_half_up(points * parts[name], 10_000)
        assert points == row["points_e4"]
        assert round_half_up(points * parts["point_value"], 1_000_000) == row["gross_fen"]


def test_a_reprint_shows_the_frozen_month(city: Home) -> None:
    again = settle_in_home(city, "2025-06")
    assert again.was_closed
    assert again.manifest == closed_months(city)["2025-06"]


def test_the_paper_speaks_of_diseases(city: Home) -> None:
    book = openpyxl.load_workbook(next(city.reports.glob("月度支付情况表-2025-06.xlsx")))
    texts = {str(cell) for sheet in book for line in sheet.iter_rows(values_only=True) for cell in line if cell}
    assert not [text for text in texts if "DRG" in text or "病组" in text]
    assert any("DIP应付统筹" in text for text in texts)
    assert "按病种付费" in texts
    assert any(line.startswith("病种目录：city-dip，摘要") for line in statement_basis(closed_months(city)["2025-06"]))


def test_every_line_is_explained_to_its_yuan(city: Home) -> None:
    run = closed_run(city, "2025-06")
    rows = {(row["outlier_class"], row["pay_mode"]): row for row in run.settlement.lines.to_pylist()}
    assert {kind for kind, _ in rows} == {"LOW", "NORMAL", "HIGH", None}
    for row in rows.values():
        told = {step.label: step for step in explain_line(city, row, run.manifest)}
        assert told["统筹应付"].amount_fen == row["pool_payable_fen"]
        assert told["盈亏"].amount_fen == row["result_fen"]
        if row["pay_scope"] == "DRG":
            assert told["应付总额"].amount_fen == row["gross_fen"]
            assert told["应付总额"].keys == ("dip.point_value",)
            assert "点值 14.2000" in told["应付总额"].text or row["fund"] != "310"
            assert told["病种"].text.startswith(row["drg"])
        else:
            assert "不按病种付费" in told["范围"].text


def test_explain_tells_the_way_into_the_disease(city: Home, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    row = by_disease(closed_run(city, "2025-06").settlement.lines)[0]
    capsys.readouterr()
    other = next(code for code in open_catalogue(city, "city-dip").by_code if code != row["drg"])
    command(city, "explain", row["case_id"], "--not", other, "--html", str(tmp_path / "page.html"))
    said = capsys.readouterr().out
    assert f"结果：{row['drg']}" in said
    assert "结算分值" in said
    assert f"为什么不是 {other}" in said
    assert row["drg"] in (tmp_path / "page.html").read_text(encoding="utf-8")
    command(city, "explain", row["case_id"], "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["group"][0]["disease"] == row["drg"]
    assert [step["label"] for step in told["steps"][0]][:3] == ["统筹应付", "应付总额", "病种"]


def answer(home: Home, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, Any]:
    """What a command says to machines."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["tongpin", "dip", *arguments, "--home", str(home.root), "--json"])
        with pytest.raises(SystemExit) as ended:
            main()
    assert int(ended.value.code or 0) == code
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_point_values_of_the_city_rest_on_its_own_cases(city: Home, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(city, capsys, "value", "--year", "2025", "--budget", "310=9000000", "--budget", "390=9000000")
    whole, *funds = told["budget"]
    catalogue = open_catalogue(city, "city-dip")
    assert whole["money_fen"] == sum(one["money_fen"] for one in funds)
    # One year of history: the value of a point is the mean fee over the scale of the scores.
    assert abs(whole["value_e4"] - int(catalogue.facts["mean_fen"]) // 10) <= 5
    lines = by_disease(closed_run(city, "2025-06").settlement.lines)
    for one in told["settlement"]:
        assert one["points_e4"] == sum(row["points_e4"] for row in lines if row["fund"] == one["fund"])
    assert answer(city, capsys, "value", "--year", "2025")["settlement_missing"].startswith("付费办法 my-city/2025")
    assert answer(city, capsys, "value", "--year", "2025", "--budget", "310", code=1)["code"] == "dip.budget"


def test_hospital_coefficients_of_the_city_become_a_part_of_an_edition(
    city: Home, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = tmp_path / "k.yaml"
    told = answer(city, capsys, "coefficient", "--from-months", "2025-06..2025-06", "-o", str(made))
    for one in told["hospitals"]:
        own = one["coefficient"]
        assert own["total_e4"] == own["base_e4"] + sum(part["capped_e4"] for part in own["additions"])
        assert one["figures"]["tcm"]["value_e4"] < 10_000
    assert any(one["figures"]["tcm"]["value_e4"] > 0 for one in told["hospitals"])
    written = yaml.safe_load(made.read_text(encoding="utf-8"))["dip.institution.coefficient"]["values"]
    (values,) = written.values()
    assert values == {one["institution_code"]: one["coefficient"]["total_e4"] / 1e4 for one in told["hospitals"]}


def test_the_ledger_of_a_closed_month_sums_to_its_lines(city: Home, capsys: pytest.CaptureFixture[str]) -> None:
    lines = closed_run(city, "2025-06").settlement.lines.to_pylist()
    for span in (("--month", "2025-06"), ("--year", "2025")):
        told = answer(city, capsys, "ledger", *span)
        assert sum(row["cases"] for row in told["diseases"]) == len(lines)
        for name in ("diseases", "kinds", "whole"):
            rows = [row for row in told[name] if name == "diseases" or not row["type"]]
            assert sum(row["result_fen"] for row in rows) == sum(row["result_fen"] for row in lines)
        assert Path(told["ledger"]).exists()
    whole = [row for row in told["whole"] if not row["type"] and row["kind"] != "none"]
    assert sum(row["case_share_e4"] for row in whole) in {9_999, 10_000, 10_001}
    assert answer(city, capsys, "ledger", "--month", "2025-06", "--year", "2025", code=1)["code"] == "dip.span"
    assert answer(city, capsys, "ledger", "--month", "2024-06", code=1)["code"] == "settle.open"


def test_leads_name_posted_cases_and_what_they_take(city: Home, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(city, capsys, "violations", "--month", "2025-06", code=1)
    lines = {row["case_id"]: row for row in by_disease(closed_run(city, "2025-06").settlement.lines)}
    taken: dict[str, int] = {}
    for one in told["leads"]:
        taken[one["case_id"]] = taken.get(one["case_id"], 0) + one["lost_points_e4"]
    assert taken
    assert all(lost <= lines[case]["points_e4"] for case, lost in taken.items())
    with Path(told["decisions"]).open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert sum(round(float(row["amount"]) * 100) for row in rows) == sum(one["lost_fen"] for one in told["leads"])
    assert {(row["month"], row["decided_date"], row["area"]) for row in rows} == {("2025-07", "", AREA)}


def test_explain_shows_the_auxiliary_levels_of_a_case(city: Home, capsys: pytest.CaptureFixture[str]) -> None:
    row = by_disease(closed_run(city, "2025-06").settlement.lines)[0]
    capsys.readouterr()
    command(city, "explain", row["case_id"])
    said = capsys.readouterr().out
    assert "辅助目录（模拟）：" in said
    assert "  年龄：" in said


def test_the_home_settles_no_other_area_and_has_no_joint_report(city: Home) -> None:
    with pytest.raises(PolicyError, match=r"settle\.area"):
        settle_in_home(city, "2025-06", "demo-east")
    with pytest.raises(StoreError, match=r"joint\.method"):
        joint_in_home(city, "2025-06")


# A few lists by hand: red lines, switches, refusals.


def keep(home: Home, *cases: dict[str, Any]) -> None:
    plain = pa.schema([f if not pa.types.is_list(f.type) else f.with_type(pa.list_(pa.string())) for f in CASE_SCHEMA])
    rows = [{name: case.get(name) for name in plain.names} for case in cases]
    lake.upsert(home, CASES, pa.Table.from_pylist(rows, schema=plain), KEYS[CASES])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.open(tmp_path / "home")
    row = {
        "institution_code": "H3",
        "institution_name": "第三医院",
        "settlement_level": "三级",
        "grade": "三甲",
        "valid_from": date(2020, 1, 1),
    }
    table = pa.Table.from_pylist([row], schema=layout_schema("institution"))
    lake.upsert(home, INSTITUTIONS, table, KEYS[INSTITUTIONS])
    keep(
        home,
        stay(1, "I20.000", (), 6_000, 2025),
        stay(2, "I20.000x001", ("36.0700", "88.5500"), 90_000, 2025),
        stay(3, "Z99.900", (), 800, 2025),
    )
    usual().catalogue.write(own_folder(home, "demo-dip"))
    return home


def settled(home: Home, area: str = "dip-national", month: str = "2025-06") -> dict[str, dict[str, Any]]:
    lines = settle_in_home(home, month, area).settlement.lines
    return {row["case_id"]: row for row in lines.to_pylist()}


def test_the_shipped_edition_settles_by_the_catalogue_of_the_home(home: Home) -> None:
    lines = settled(home)
    assert {name: (row["drg"], row["pay_mode"]) for name, row in lines.items()} == {
        "S00001": ("I20.0:BSZL", "standard"),
        "S00002": ("I20.0:36.0700+88.5500", "points"),
        "S00003": ("", "by_item"),
    }
    steps = explain_line(home, lines["S00003"], closed_months(home)["2025-06"])
    assert "未入组" in next(step.text for step in steps if step.label == "范围")


def test_one_city_is_tried_by_groups_and_by_diseases(home: Home) -> None:
    keep(home, *({**stay(10 + n, "J18.900", (), 6_000, 2025)} for n in range(3)))
    tried = {area: settle_in_home(home, "2025-06", area, draft=True) for area in ("demo-east", "dip-national")}
    assert {area: run.manifest["method"] for area, run in tried.items()} == {"demo-east": "drg", "dip-national": "dip"}
    for run in tried.values():
        check_month(run.settlement.lines, run.settlement.statement)
        assert run.settlement.lines.num_rows == 6


def test_a_red_line_is_explained_by_what_was_paid(home: Home) -> None:
    paid = settled(home)["S00002"]
    keep(home, {**stay(9, "I20.000", (), 6_100, 2025), "settlement_date": date(2025, 7, 3)})
    row = {"institution_code": "H3", "setl_id": "S00002", "withdrawn_date": date(2025, 7, 2)}
    table = pa.Table.from_pylist([{**row, "successor_setl_id": "S00009"}], schema=layout_schema("withdrawal"))
    lake.upsert(home, WITHDRAWALS, table, KEYS[WITHDRAWALS])
    july = settled(home, month="2025-07")
    assert {name: row["line_kind"] for name, row in july.items()} == {"S00002": "reversal", "S00009": "replacement"}
    assert july["S00002"]["pool_payable_fen"] == -paid["pool_payable_fen"]
    manifest = closed_months(home)["2025-07"]
    red, paid_steps = (explain_line(home, line, manifest) for line in (july["S00002"], paid))
    assert red[0].label == "红冲"
    assert red[1:] == paid_steps
    assert "高于上限" in next(step.text for step in red if step.label == "偏差")
    assert posted_lines(home, "S00002").num_rows == 2


def test_a_case_before_the_experts_is_told_so_also_when_posted(home: Home) -> None:
    keep(home, stay(5, "I20.000", (), 600_000, 2025))
    line = settled(home)["S00005"]
    steps = explain_line(home, line, closed_months(home)["2025-06"])
    assert "待专家评议" in next(step.text for step in steps if step.label == "偏差")
    assert "review=1" in line["coefficient_parts"]


def test_experts_decide_before_the_month_closes_or_after(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    keep(home, stay(5, "I20.000", (), 600_000, 2025), stay(7, "I20.000", (), 650_000, 2025))

    def decide(case: str, coefficient: str) -> None:
        row = {"institution_code": "H3", "area": "dip-national", "kind": "special_case", "result": "偏差系数"}
        row |= {
            "setl_id": case,
            "decided_date": date(2025, 7, 1),
            "document": "评议〔2025〕1号",
            "value": Decimal(coefficient),
        }
        table = pa.Table.from_pylist([row], schema=layout_schema("decision"))
        lake.upsert(home, DECISIONS, table, KEYS[DECISIONS])

    decide("S00005", "3.5")
    lines = settled(home)
    assert "deviation=35000" in lines["S00005"]["coefficient_parts"]
    assert "review=1" not in lines["S00005"]["coefficient_parts"]
    assert "review=1" in lines["S00007"]["coefficient_parts"]
    told = answer(home, capsys, "review", "--month", "2025-06")
    assert {row["case_id"]: row["state"] for row in told["cases"]} == {"S00005": "decided", "S00007": "waiting"}
    with Path(told["decisions"]).open(encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    assert (row["setl_id"], row["value"], row["decided_date"]) == ("S00007", "", "")
    decide("S00007", "4")
    told = answer(home, capsys, "review", "--year", "2025")
    assert {row["case_id"]: row["state"] for row in told["cases"]} == {"S00005": "decided", "S00007": "pending"}
    assert told["decisions"] is None


def test_an_auxiliary_level_is_told_also_when_posted(home: Home) -> None:
    scored_edition(home, ("values: {2024-01-01: fitted}", "values: {2024-01-01: stated}"))
    usual_city = usual().catalogue
    replace(usual_city, facts={**usual_city.facts, "id": "city-dip"}).write(own_folder(home, "city-dip"))
    keep(home, stay(6, "I20.000", (), 6_000, 2025, age=85))
    line = settled(home, AREA)["S00006"]
    steps = {step.label: step for step in explain_line(home, line, closed_months(home)["2025-06"])}
    assert "年龄 80 岁以上" in steps["辅助"].text


def test_the_switch_decides_whether_a_deposit_is_kept(home: Home) -> None:
    with_deposit = settle_in_home(home, "2025-06", "dip-national", draft=True).settlement.statement
    shipped = (policy_folders(home)["dip-national/2025"] / "policy.yaml").read_text(encoding="utf-8")
    place = shipped.index("dip.applies.deposit:")
    switch = shipped[place : shipped.index("true}", place) + 5]
    own_edition(home, "dip-national/2025", f"{AREA}/2025", (switch, switch.replace("true}", "false}")))
    without = settle_in_home(home, "2025-06", AREA, draft=True).settlement.statement
    assert pc.sum(with_deposit["deposit_fen"]).as_py() > 0
    assert pc.sum(without["deposit_fen"]).as_py() == 0


def test_an_edition_whose_catalogue_is_not_at_hand_is_refused(home: Home) -> None:
    scored_edition(home)
    with pytest.raises(PolicyError, match=r"dip\.absent"):
        settle_in_home(home, "2025-06", AREA)
    own_edition(home, "demo-east/2025", "other/2025", ("value: demo-drg", "value: nowhere"))
    with pytest.raises(SchemeError, match=r"scheme\.unknown"):
        settle_in_home(home, "2025-06", "other")
    assert closed_months(home) == {}


def test_a_catalogue_is_kept_under_its_own_id(home: Home) -> None:
    assert set(catalogue_folders(home)) == {"demo-dip"}
    assert open_catalogue(home, "demo-dip").digest == usual().catalogue.digest
    usual().catalogue.write(own_folder(home, "renamed"))
    with pytest.raises(PolicyError, match=r"dip\.id"):
        open_catalogue(home, "renamed")


@pytest.mark.parametrize("name", ["demo-drg", "", "../up", ".hidden", "a b"])
def test_an_id_that_cannot_be_one_is_refused(home: Home, name: str) -> None:
    with pytest.raises(PolicyError, match=r"dip\.id"):
        own_folder(home, name)
