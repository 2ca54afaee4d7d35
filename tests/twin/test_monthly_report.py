"""Meeting packs and monthly reports of a home: figures that equal the statement, papers, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docx
import pyarrow.compute as pc
import pytest
from docx.shared import Mm
from monthly_home import BEFORE, LARGE, MONTH, OBSERVED, RETURNED, SMALL, YEAR_BEFORE, make_home
from openpyxl import load_workbook

from tongpin.base.errors import TongpinError
from tongpin.cli import main
from tongpin.measures.guokao.values import hospital_year
from tongpin.measures.populations import settled_cases
from tongpin.payment.month.closed import statements
from tongpin.records.intake.lake_tables import CASES, read_loaded
from tongpin.twin.monthly.catalogue import MonthlyRules, checked_monthly, load_monthly
from tongpin.twin.monthly.meeting import meetings_in_home
from tongpin.twin.monthly.meeting_docx import no_changes, shares_text, write_meeting_docx
from tongpin.twin.monthly.open_lists import open_lists
from tongpin.twin.monthly.report import monthly_in_home, national
from tongpin.twin.monthly.report_docx import write_monthly_docx
from tongpin.twin.monthly.report_xlsx import write_monthly_xlsx
from tongpin.twin.monthly.settled import account, department_rows
from tongpin.twin.monthly.words import reading_of_row, without_base

if TYPE_CHECKING:
    from tongpin.store.home import Home
    from tongpin.twin.monthly.meeting import Meeting
    from tongpin.twin.monthly.report import Monthly

ON = date(2025, 7, 10)
CARDIOLOGY = "03.04"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return make_home(tmp_path_factory.mktemp("monthly"))


@pytest.fixture(scope="module")
def hospital(home: Home) -> Monthly:
    return monthly_in_home(home, MONTH, LARGE, ON)


@pytest.fixture(scope="module")
def department(home: Home) -> Monthly:
    return monthly_in_home(home, MONTH, LARGE, ON, "心血管内科")


@pytest.fixture(scope="module")
def packs(home: Home) -> dict[str, Meeting]:
    return {one.dept: one for one in meetings_in_home(home, MONTH, LARGE, ON)}


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


def of_statement(home: Home, month: str, name: str) -> int:
    rows = [row for row in statements(home, None, [month]).to_pylist() if row["institution_code"] == LARGE]
    return sum(row[name] for row in rows)


def discharges(home: Home, place: str) -> list[dict[str, Any]]:
    """The front pages of a hospital's discharges in the month."""
    cases = read_loaded(home, CASES, ["source", "institution_code", "discharge_time", "surgery_level"])
    of_month = pc.starts_with(pc.strftime(cases["discharge_time"], format="%Y-%m"), MONTH)
    own = pc.and_(pc.equal(cases["source"], "front_page"), pc.equal(cases["institution_code"], place))
    return cases.filter(pc.and_(own, of_month)).to_pylist()


def texts(path: Path) -> str:
    """Every word of a paper."""
    paper = docx.Document(str(path))
    cells = [cell.text for table in paper.tables for row in table.rows for cell in row.cells]
    head = [one.text for one in paper.sections[0].header.paragraphs]
    return "\n".join([*head, *(one.text for one in paper.paragraphs), *cells])


def test_the_account_is_the_statement_to_the_fen(home: Home, hospital) -> None:
    account = {row.column.name: row for row in hospital.account}
    for name in ("cases", "total_fee_fen", "gross_fen", "result_fen", "high_cases", "late_cases", "deposit_fen"):
        assert account[name].value == of_statement(home, MONTH, name)
    assert account["cash_transfer_fen"].value == of_statement(home, MONTH, "cash_transfer_fen")
    assert account["result_fen"].before == {
        "mom": of_statement(home, BEFORE, "result_fen"),
        "yoy": of_statement(home, YEAR_BEFORE, "result_fen"),
    }
    payable, item = (of_statement(home, MONTH, name) for name in ("pool_payable_fen", "item_pool_fen"))
    assert account["settlement_ratio"].value == payable / item
    assert sum(account["result_fen"].by_fund.values()) == account["result_fen"].value


def test_departments_add_up_to_the_statement(home: Home, hospital) -> None:
    rows = department_rows(home, "demo-east", MONTH, LARGE)
    assert sum(row["month_pool_payable_fen"] for row in rows) == of_statement(home, MONTH, "month_pool_payable_fen")
    assert sum(unit.account["result_fen"] for unit in hospital.units) == of_statement(home, MONTH, "result_fen")


def test_a_department_has_its_own_account_and_no_transfer(home: Home, department) -> None:
    lists = settled_cases(home, [MONTH]).to_pylist()
    own = [row for row in lists if (row["institution_code"], row["dept"]) == (LARGE, CARDIOLOGY)]
    regular = [row for row in own if row["line_kind"] == "regular"]
    account = {row.column.name: row.value for row in department.account}
    assert account["cases"] == len(regular)
    assert account["total_fee_fen"] == sum(row["total_fee_fen"] for row in regular)
    assert not {"cash_transfer_fen", "deposit_fen", "audit_deduction_fen"} & set(account)


def test_both_desks_stand_side_by_side(hospital) -> None:
    figures = {one.figure.measure.id: one for one in hospital.figures}
    stay = figures["discharge.mean_stay"]
    assert set(stay.beside) == {"mom", "yoy", "peers"}
    assert stay.beside["mom"].reference is not None
    assert figures["discharge.complication_rate"].figure.value is None
    assert "没有可用的数" in figures["discharge.complication_rate"].figure.note


def test_a_section_that_cannot_be_formed_says_why_and_the_others_stand(home: Home, hospital) -> None:
    assert set(hospital.missing) == {"guokao"}
    assert "适用手册" in hospital.missing["guokao"]
    assert hospital.figures
    assert hospital.units


def test_an_indicator_of_the_assessment_stands_for_its_month_or_says_what_is_missing(home: Home) -> None:
    rows = national(hospital_year(home, 2025, SMALL), MONTH, ("4", "5"))
    surgery, invasive = rows
    lists = discharges(home, SMALL)
    operated = sum(row["surgery_level"] is not None for row in lists)
    assert surgery.value == pytest.approx(100 * operated / len(lists))
    assert surgery.before["yoy"] is not None
    assert invasive.value is None
    assert "微创手术患者人数" in invasive.reason


def test_without_a_month_before_there_is_no_comparison_and_why(home: Home, hospital: Monthly) -> None:
    section = hospital.sections[0]
    rows = account(home, "demo-east", BEFORE, LARGE, None, section)
    assert all(row.before == {"mom": None, "yoy": None} for row in rows)
    told = without_base(replace(hospital, month=BEFORE, account=tuple(rows)), "mom")
    assert told.startswith("2025-04 没有关账")
    assert without_base(hospital, "mom") == ""


def test_doctors_stand_without_any_money(department) -> None:
    assert [unit.account for unit in department.units] == [None] * len(department.units)
    assert {one.measure.unit for unit in department.units for one in unit.figures.values()} <= {
        *("count", "weight", "days", "index", "ratio"),
    }


def test_a_doctor_section_with_money_is_refused() -> None:
    rules = load_monthly()
    doctors = next(one for one in rules.sections if one.kind == "doctors")
    broken = doctors.model_copy(update={"measures": ("settlement.mean_result",)})
    with pytest.raises(TongpinError, match="不列金额"):
        checked_monthly(MonthlyRules(sections=(broken,), settings=rules.settings))


def test_the_returned_list_is_open_in_its_department_alone(hospital: Monthly, department: Monthly) -> None:
    (one,) = [one for one in hospital.lists if one.is_returned]
    assert (one.number, one.dept, one.message, one.since) == ("BA0001", CARDIOLOGY, RETURNED, date(2025, 6, 21))
    assert [one for one in department.lists if one.is_returned] == [one]
    assert {one.dept for one in department.lists} == {CARDIOLOGY}


def test_a_returned_list_has_not_come_back_yet_on_an_earlier_day(home: Home) -> None:
    found = open_lists(home, "demo-east", LARGE, MONTH, date(2025, 6, 20))
    assert [one for one in found if one.is_returned] == []


def test_the_pack_of_a_department(packs: dict[str, Meeting]) -> None:
    pack = packs[CARDIOLOGY]
    assert (len(pack.changes), len(pack.chosen.cases)) == (3, 5)
    shown = [*pack.best, *pack.worst, *([pack.rest] if pack.rest else [])]
    assert sum(row["result_fen"] for row in shown) == pack.money["result_fen"]
    assert all(row["case_count"] >= 10 for row in (*pack.best, *pack.worst))
    assert any("returned" in one.reasons and RETURNED in one.why[0] for one in pack.chosen.cases)


def test_every_department_has_a_pack_and_small_ones_no_changes(home: Home, packs: dict[str, Meeting]) -> None:
    lists = settled_cases(home, [MONTH]).to_pylist()
    assert sorted(packs) == sorted({row["dept"] for row in lists if row["institution_code"] == LARGE})
    small = [pack for pack in packs.values() if pack.money["case_count"] < 20]
    assert small
    assert all(pack.changes == () for pack in small)
    assert all("例数少" in no_changes(pack) for pack in small)


@pytest.mark.parametrize(
    ("month", "place", "code"),
    [("2025-04", LARGE, "settle.open"), (MONTH, "没有的医院", "causes.scope"), (MONTH, OBSERVED, "monthly.empty")],
)
def test_what_is_not_there_is_refused(home: Home, month: str, place: str, code: str) -> None:
    for form in (meetings_in_home, monthly_in_home):
        with pytest.raises(TongpinError) as refused:
            form(home, month, place, ON)
        assert refused.value.code == code


def test_the_pack_is_a_paper_with_room_for_decisions(packs: dict[str, Meeting], tmp_path: Path) -> None:
    path = tmp_path / "pack.docx"
    write_meeting_docx(packs[CARDIOLOGY], path)
    words = texts(path)
    for said in ("心血管内科", "2025年6月科室例会", "变化最大的指标", "请看这几例", "本次议定", "演示方案", RETURNED):
        assert said in words
    assert "淘汰" not in words
    assert "成本" not in words


def test_shares_are_told_where_they_leave_the_tolerance_of_enough_cases(packs: dict[str, Meeting]) -> None:
    pack = packs[CARDIOLOGY]
    assert pack.shares is not None
    high = dict(pack.shares) | {"comparable": True, "drug_high": True, "consumable_high": False}
    assert "药占比" in shares_text(replace(pack, shares=high))
    assert "超出容差（模拟）" in shares_text(replace(pack, shares=high))
    assert shares_text(replace(pack, shares=high | {"comparable": False})) == ""


def test_the_meeting_command_makes_a_folder_of_papers_or_one(
    tongpin, home: Home, packs: dict[str, Meeting], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def form(_home: Home, month: str, place: str, on: date, dept: str | None, area: str | None) -> tuple[Meeting, ...]:
        asked.append((month, place, on, dept, area))
        return tuple(packs.values())[:3] if dept is None else (packs[dept],)

    monkeypatch.setattr("tongpin.twin.monthly.meeting.meetings_in_home", form)
    shared = ("report", "meeting", "--month", MONTH, "--hospital", LARGE, "--on", "2025-07-10")
    code, out, err = tongpin(*shared)
    assert code == 0, err
    folder = home.reports / "科室例会-示例市中医院-2025-06"
    assert str(folder) in out
    assert len(list(folder.glob("*.docx"))) == 3
    code, out, err = tongpin(*shared, "--department", CARDIOLOGY, "--json")
    assert code == 0, err
    (one,) = json.loads(out)["departments"]
    assert Path(one["report"]).parent == home.reports
    assert one["cases"][0]["why"]
    assert asked == [(MONTH, LARGE, ON, None, None), (MONTH, LARGE, ON, CARDIOLOGY, None)]


def test_the_monthly_command_writes_paper_and_workbook(
    tongpin, home: Home, hospital: Monthly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tongpin.twin.monthly.report.monthly_in_home", lambda *_: hospital)
    code, out, err = tongpin("report", "monthly", "--month", MONTH, "--hospital", LARGE, "--on", "2025-07-10", "--json")
    assert code == 0, err
    data = json.loads(out)
    words = texts(Path(data["paper"]))
    for said in ("医保结算", "绩效考核", "各科室", "未了清单", "没有列：", "（盖章）", "模拟"):
        assert said in words
    book = load_workbook(data["report"])
    assert book.sheetnames[:2] == ["医保结算", "绩效考核"]
    rows = {row[0]: row[1] for row in book["医保结算"].iter_rows(values_only=True)}
    assert round(rows["总费用（万元）"] * 1_000_000) == of_statement(home, MONTH, "total_fee_fen")
    code, out, err = tongpin("report", "monthly", "--month", MONTH, "--hospital", LARGE, "--on", "2025-07-10")
    assert code == 0, err
    assert "绩效考核" in out
    assert "国考指标（当月）没有列" in out


def test_the_department_report_has_its_doctors_and_says_where_the_transfer_is(
    department: Monthly, tmp_path: Path
) -> None:
    path, book = tmp_path / "dept.docx", tmp_path / "dept.xlsx"
    write_monthly_docx(department, path)
    write_monthly_xlsx(department, book)
    words = texts(path)
    assert "各主诊医师" in words
    assert "拨付只到医院" in words
    heads = [cell.value for row in load_workbook(book)["各主诊医师"].iter_rows() for cell in row if cell.value]
    assert not [one for one in heads if "元" in str(one) and "病组" not in str(one)]


def test_plain_means_are_not_judged_beside_peers(hospital: Monthly) -> None:
    fee = next(one for one in hospital.figures if one.figure.measure.id == "discharge.mean_fee")
    worse = replace(fee.beside["peers"], reading="更差")
    one = fee._replace(beside={"peers": worse})
    assert reading_of_row(one) == "与同级比更差"
    assert "差" not in reading_of_row(one, ("discharge.mean_fee",))


def test_papers_are_a4_with_fonts_repeated_titles_and_page_numbers(hospital: Monthly, tmp_path: Path) -> None:
    path = tmp_path / "paper.docx"
    write_monthly_docx(hospital, path)
    paper = docx.Document(str(path))
    section = paper.sections[0]
    assert abs(section.page_width - Mm(210)) < Mm(1)
    assert abs(section.page_height - Mm(297)) < Mm(1)
    assert 'w:eastAsia="宋体"' in paper.styles["Normal"].element.xml
    assert 'w:eastAsia="黑体"' in paper.paragraphs[0]._p.xml
    assert all("w:tblHeader" in table.rows[0]._tr.xml for table in paper.tables)
    assert "NUMPAGES" in section.footer.paragraphs[0]._p.xml
    assert "演示方案" in section.header.paragraphs[0].text
