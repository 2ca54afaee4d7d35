"""The portfolio of a home through the command line: two closed months, two hospitals, papers written."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest

from tongpin.base.errors import StoreError, TongpinError
from tongpin.cli import main
from tongpin.cli.output import screen
from tongpin.cli.portfolio_commands import changes_of, months_in
from tongpin.payment.month.run import settle_in_home
from tongpin.records.case.schema import CASE_SCHEMA
from tongpin.records.intake.load import CASES, INSTITUTIONS, KEYS
from tongpin.records.readers.own_layouts import layout_schema
from tongpin.store import lake
from tongpin.store.home import Home
from tongpin.twin.portfolio.plan import plan_of
from tongpin.twin.portfolio.run import hospital_in_home, months_between, pyramid_in_home
from tongpin.twin.run import joint_in_home

BIG, SMALL = "H32000000001", "H32000000002"
MONTHS = ("2025-05", "2025-06")


def a_stay(code: str, number: int, month: int, fee: int, **more: Any) -> list[dict[str, Any]]:
    """A settlement list of a pneumonia of a man of 60 and the front page of the same stay; fee in yuan."""
    day = date(2025, month, 3 + number % 20)
    name = f"{code[-1]}{month}{number:03d}"
    shared = {
        "institution_code": code,
        "record_no": f"B{name}",
        "sex": 1,
        "age": 60,
        "discharge_time": datetime(day.year, day.month, day.day, 10),  # noqa: DTZ001
        "los": 8,
        "dx": ["J18.900"],
        "px": [],
        "care_type": "inpatient",
        "discharge_way": "1",
        "total_fee_fen": fee * 100,
        "drug_fee_fen": fee * 30,
        "consumable_fee_fen": fee * 10,
        **more,
    }
    paid = {"patient_pay_fen": fee * 50, "pool_pay_fen": fee * 50, "other_fund_pay_fen": 0, "insurance": "310"}
    dates = {"settlement_date": day, "accepted_date": day}
    return [
        {**shared, **paid, **dates, "source": "settlement_list", "case_id": f"S{name}"},
        {**shared, "source": "front_page", "case_id": f"P{name}", "admission_route": more.get("admission_route", "2")},
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.open(tmp_path_factory.mktemp("portfolio") / "home")
    fixed = {"valid_from": date(2020, 1, 1), "region": "R1", "beds": 40}
    places = [
        {
            "institution_code": BIG,
            "institution_name": "示例市医院",
            "settlement_level": "三级",
            "manual": "综合三级",
            **fixed,
        },
        {"institution_code": SMALL, "institution_name": "示例区医院", "settlement_level": "二级", **fixed},
    ]
    lake.upsert(
        home, INSTITUTIONS, pa.Table.from_pylist(places, schema=layout_schema("institution")), KEYS[INSTITUTIONS]
    )
    rows: list[dict[str, Any]] = []
    for month in (5, 6):
        for number in range(22):
            rows += a_stay(BIG, number, month, 12_000, admission_route="1" if number < 6 else "2")
        for number in range(40):
            rows += a_stay(SMALL, number, month, 3_000)
    plain = pa.schema([f if not pa.types.is_list(f.type) else f.with_type(pa.list_(pa.string())) for f in CASE_SCHEMA])
    schema = plain.append(pa.field("admission_route", pa.string()))
    lake.upsert(home, CASES, pa.Table.from_pylist(rows, schema=schema), KEYS[CASES])
    for month in MONTHS:
        settle_in_home(home, month)
    return home


@pytest.fixture
def run(home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Exit code and answer of a command."""

    def told(*words: str) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr(screen, "as_json", False)
        monkeypatch.setattr("sys.argv", ["tongpin", "portfolio", *words, "--home", str(home.root), "--json"])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, json.loads(capsys.readouterr().out)

    return told


def test_two_losing_months_make_a_guided_group_and_one_does_not(home: Home) -> None:
    _, name, first = pyramid_in_home(home, ["2025-05"], None, BIG)
    _, _, second = pyramid_in_home(home, ["2025-06"], None, BIG)
    assert name == "示例市医院"
    assert first.groups["class"].to_pylist() == ["watched"]
    assert second.groups["class"].to_pylist() == ["guided"]
    assert second.groups["losing_run"].to_pylist() == [2]
    _, _, area = pyramid_in_home(home, MONTHS, None, None)
    assert sum(area.classes["case_count"].to_pylist()) == 2 * 62


def test_the_joint_report_counts_the_month_before_as_well(home: Home) -> None:
    groups = joint_in_home(home, "2025-06").groups
    (losing,) = [row for row in groups.to_pylist() if row["result_fen"] < 0]
    assert (losing["losing_run"], losing["class"]) == (2, "guided")


def test_a_hospital_moves_only_what_no_limit_protects(home: Home) -> None:
    held = hospital_in_home(home, ["2025-06"], None, BIG)
    (drg,) = [one for one in held.stays.groups["drg"].to_pylist() if one]
    assert held.stays.protected == {drg: {"emergency": 6}}
    assert held.stays.receivers == {drg: 8}
    assert sum(held.stays.cells["page.case_count"].to_pylist()) == 16
    assert held.assessed.last_year is None
    plan = plan_of(held)
    assert plan.points[plan.chosen].cmi >= plan.today.cmi
    assert all(
        one.move_label in {"下转", "改日间手术", "改门诊", "增收"} for part in plan.proposed for one in part.proposals
    )
    assert not plan.refused


def test_the_pyramid_as_a_command(run: Any) -> None:
    code, answer = run("--from-months", "2025-05..2025-06")
    assert code == 0
    assert answer["months"] == list(MONTHS)
    assert answer["classes"][0]["label"] == "战略病组"
    workbook = openpyxl.load_workbook(answer["reports"][0])
    assert workbook.sheetnames == ["金字塔", "病组", "逐月病组", "逐月各类", "口径"]
    texts = [str(cell.value) for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value]
    assert any("模拟" in text for text in texts)
    assert not any("淘汰" in text for text in texts)
    assert _page_count(answer["reports"][1]) == 1


def test_the_what_if_as_a_command_and_what_has_no_place_is_refused(home: Home, run: Any) -> None:
    drg = hospital_in_home(home, ["2025-06"], None, BIG).stays.groups["drg"].to_pylist()[-1]
    code, answer = run("what-if", "--hospital", BIG, "--month", "2025-06", "--stop", f"{drg}=3")
    assert (code, answer["findings"]) == (0, [])
    figures = {one["id"]: one for one in answer["figures"]}
    assert (figures["page.case_count"]["before"], figures["page.case_count"]["after"]) == (22, 19)
    assert figures["list.result_fen"]["after"] > figures["list.result_fen"]["before"]
    assert {"guokao.4", "guokao.6", "guokao.14", "guokao.40", "guokao.41"} <= set(figures)
    code, answer = run("what-if", "--hospital", BIG, "--month", "2025-06", "--stop", f"{drg}=all")
    assert code == 1
    assert [one["rule_id"] for one in answer["findings"]] == ["ADV-01"]
    assert "急诊入院 6 例" in answer["placed"][0]
    assert openpyxl.load_workbook(answer["report"]).sheetnames == ["试算", "口径"]


def test_the_frontier_as_a_command(run: Any) -> None:
    code, answer = run("frontier", "--hospital", BIG)
    assert code == 0
    assert answer["months"] == ["2025-06"]
    assert answer["points"][answer["chosen"] - 1]["chosen"] == "选定"
    workbook = openpyxl.load_workbook(answer["reports"][0])
    assert workbook.sheetnames == ["前沿", "各点指标", "安排", "指标", "能力", "口径"]
    assert _page_count(answer["reports"][1]) == 1


def _page_count(path: str) -> int:
    return len(re.findall(rb"/Type /Page\b", Path(path).read_bytes()))


def test_what_a_command_does_not_understand_is_refused(home: Home, tmp_path: Path) -> None:
    assert changes_of(["A=3", "B=all"], "--stop") == {"A": 3, "B": None}
    for texts, flag in ((["A=3", "A=4"], "--stop"), (["A=all"], "--grow"), (["=3"], "--stop"), (["A"], "--grow")):
        with pytest.raises(TongpinError) as caught:
            changes_of(texts, flag)
        assert caught.value.code == "portfolio.change"
    with pytest.raises(TongpinError) as caught:
        months_in(home, "2025-06", "2025-05..2025-06", None)
    assert caught.value.code == "portfolio.months"
    assert months_in(home, None, None, None) == ("2025-06",)
    assert months_between("2024-11", "2025-02") == ("2024-11", "2024-12", "2025-01", "2025-02")
    with pytest.raises(StoreError) as open_month:
        pyramid_in_home(home, ["2025-07"], None, None)
    assert open_month.value.code == "settle.open"
    with pytest.raises(TongpinError) as unknown:
        hospital_in_home(home, ["2025-06"], None, "示例市医院")
    assert unknown.value.code == "portfolio.hospital"
    assert BIG in unknown.value.hint
    with pytest.raises(TongpinError) as beyond:
        plan_of(hospital_in_home(home, ["2025-06"], None, BIG), 99)
    assert beyond.value.code == "portfolio.point"
    with pytest.raises(StoreError):
        months_in(Home.open(tmp_path / "empty"), None, None, None)
