"""Filing in a home: hospitals and manuals, figures, the account of tasks, the sheet; nothing is ever edited."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from guokao_cases import HOSPITAL, OTHER, make_home, page, peers_csv, year_of_pages
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.errors import TongpinError
from tongpin.measures.guokao.catalogue import TERTIARY, load_set
from tongpin.measures.guokao.checks import Change, changes
from tongpin.measures.guokao.hospital import hospital_named, hospitals
from tongpin.measures.guokao.score import peer_values
from tongpin.measures.guokao.sheet_xlsx import change_text, figure_text, write_sheet
from tongpin.measures.guokao.tables import calendar_of
from tongpin.measures.guokao.tasks import AGAIN, BACK, OPEN, OWNED, READY, SENT, Desk, Event, due_of, tasks_of
from tongpin.measures.guokao.values import hospital_year, indicator_values, read_risk

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home

DAY = date(2026, 1, 5)


def by_sub(home: Home, year: int = 2025, **more: Any) -> dict[str, dict[str, Any]]:
    return {row["sub"]: row for row in indicator_values(home, year, HOSPITAL, **more).to_pylist()}


def test_a_year_of_pages_and_filed_figures_becomes_values(tmp_path: Path) -> None:
    pages = [*year_of_pages(2025, 1_100_000), *year_of_pages(2024)]
    filed = [
        (2025, "outpatient_visits", "240", "人次"),
        (2025, "medical_income", "3", "万元"),
        (2025, "guokao.24", "5", "级"),
    ]
    home = make_home(tmp_path, pages, [*filed, (2024, "medical_income", "25000", "元")])
    found = by_sub(home)
    assert (found["4"]["value"], found["4"]["months"]) == (50, None)
    assert found["6"]["value"] == 100
    assert found["1"]["value"] == 10
    assert found["37"]["value"] == pytest.approx(20)
    assert found["40"]["value"] == pytest.approx(10)
    assert (found["24"]["value"], found["24"]["source"]) == (5, "填报数据")
    assert found["8"]["value"] is None
    assert len({row["no"] for row in found.values()}) == 56


def test_a_campus_counts_for_its_hospital(tmp_path: Path) -> None:
    home = make_home(tmp_path, [page(1, "2025-06-01"), page(2, "2025-06-01", institution_code="H11000000009")])
    assert hospital_named(home, "第一医院", 2025).codes == (HOSPITAL, "H11000000009")
    assert "H11000000009" not in [one.code for one in hospitals(home, 2025)]
    assert by_sub(home)["10.3.1"]["value"] == 2


def test_another_hospitals_pages_do_not_count(tmp_path: Path) -> None:
    home = make_home(tmp_path, [page(1, "2025-06-01"), page(2, "2025-06-01", institution_code=OTHER)])
    assert by_sub(home)["10.3.1"]["value"] == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [("中医院", "适用手册未提供"), ("眼科医院", "适用手册未提供"), ("社区", "不参加国考")],
)
def test_a_hospital_outside_the_manuals_gets_no_figures_and_no_score(tmp_path: Path, name: str, reason: str) -> None:
    home = make_home(tmp_path)
    with pytest.raises(TongpinError, match=reason) as caught:
        indicator_values(home, 2025, name)
    assert caught.value.code == "guokao.manual"


def test_an_unknown_hospital_is_refused_and_the_only_one_is_meant(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    assert hospital_named(home, None, 2025).code == HOSPITAL
    for name, year in (("H999", 2025), (HOSPITAL, 2019)):
        with pytest.raises(TongpinError) as caught:
            hospital_named(home, name, year)
        assert caught.value.code == "guokao.hospital"


def test_a_filed_unit_that_does_not_fit_leaves_the_figure_out(tmp_path: Path) -> None:
    home = make_home(tmp_path, filed=[(2025, "assets", "5", "人"), (2025, "liabilities", "2", "亿元")])
    known = hospital_year(home, 2025, HOSPITAL)
    assert [one.rule_id for one in known.this.filed.findings] == ["GK-U01"]
    assert "assets" not in known.this.filed.yearly
    assert known.this.filed.yearly["liabilities"].value == 200_000_000


def test_a_filed_figure_without_document_is_a_finding(tmp_path: Path) -> None:
    text = f"institution_code,year,item_code,value,unit\n{HOSPITAL},2025,assets,5,元\n"
    home = make_home(tmp_path, more={"finance": text})
    (found,) = hospital_year(home, 2025, HOSPITAL).this.filed.findings
    assert (found.rule_id, found.severity) == ("GK-D01", "warning")


def test_staff_and_beds_give_their_indicators_where_they_are_told(tmp_path: Path) -> None:
    rows = [
        ("D1", "医师", "正高", "麻醉"),
        ("D2", "医师", "中级", "儿科"),
        ("N1", "护士", "初级", ""),
        ("P1", "药师", "副高", ""),
    ]
    staff = "institution_code,staff_code,dept_code,role,title,specialty,valid_from\n" + "".join(
        f"{HOSPITAL},{code},K1,{role},{title},{specialty},2020-01-01\n" for code, role, title, specialty in rows
    )
    found = by_sub(make_home(tmp_path, more={"staff": staff}))
    assert found["45.1"]["value"] == 50
    assert found["45.4"]["value"] == 0
    assert found["46"]["value"] == 0.5
    assert found["26"]["value"] == pytest.approx(0.2)
    assert found["44"]["value"] is None


def test_visits_give_the_figures_of_outpatients(tmp_path: Path) -> None:
    visits = "institution_code,visit_id,visit_time,total_fee,drug_fee,is_appointed,waiting_minutes\n" + "".join(
        f"{HOSPITAL},{year}{month}{place},{year}-{month:02d}-03,{fee},50,{'Y' if place else 'N'},{20 * place}\n"
        for year, fee in ((2024, 100), (2025, 105))
        for month in range(1, 13)
        for place in (0, 1)
    )
    found = by_sub(make_home(tmp_path, year_of_pages(2025), more={"outpatient-visit": visits}))
    assert found["1"]["value"] == 1
    assert found["22"]["value"] == 50
    assert found["23"]["value"] == 20
    assert found["38"]["value"] == pytest.approx(5)
    assert found["39"]["value"] == 0


def test_an_imported_list_of_risk_levels_comes_before_the_own_one(tmp_path: Path) -> None:
    pages = [page(place, "2025-06-01", discharge_way="5" if place == 1 else "1") for place in range(4)]
    home = make_home(tmp_path, pages)
    assert by_sub(home)["14"]["value"] is None
    listed = tmp_path / "risk.csv"
    listed.write_text("drg,risk_level\n" + "".join(f"{drg},1\n" for drg in _groups(home)), encoding="utf-8")
    assert by_sub(home, risk=read_risk(listed))["14"]["value"] == 25
    listed.write_text("group,level\n", encoding="utf-8")
    with pytest.raises(TongpinError) as caught:
        read_risk(listed)
    assert caught.value.code == "guokao.risk"


def _groups(home: Home) -> list[str]:
    from tongpin.grouping.compiled.stage import group
    from tongpin.grouping.library import open_scheme
    from tongpin.measures.guokao.records import front_pages

    grouped = group(front_pages(home, None, (2025,)), open_scheme(home, "demo-drg"))
    return sorted(set(grouped["drg"].cast("string").to_pylist()))


def test_a_home_without_the_named_scheme_says_what_it_could_not_do(tmp_path: Path) -> None:
    home = make_home(tmp_path, [page(1, "2025-06-01")])
    with pytest.raises(TongpinError):
        indicator_values(home, 2025, HOSPITAL, scheme="no-such")


def test_years_are_compared_over_the_months_of_both(tmp_path: Path) -> None:
    pages = [page(place, f"2025-{month}-01", surgery_level=1) for place, month in enumerate(("05", "06", "06"))]
    pages += [page(10 + place, "2024-06-01", surgery_level=1 if place else None) for place in range(2)]
    known = hospital_year(make_home(tmp_path, pages), 2025, HOSPITAL)
    found = {one.sub: one for one in changes(*known.compared())}
    assert (found["4"].value, found["4"].last, found["4"].months) == (100, 50, "2025-06")
    assert (found["10.3.1"].value, found["10.3.1"].last) == (2, 2)


def test_peers_are_of_the_year_and_the_manual(tmp_path: Path) -> None:
    text = (
        peers_csv({"4": [30, 31]})
        + "X,综合二级,2025,guokao.4,90\nX,综合三级,2024,guokao.4,90\nX,综合三级,2025,mean_fee,9\n"
    )
    home = make_home(tmp_path, more={"peer": text})
    assert peer_values(home, 2025, "综合三级").to_pylist() == [
        {"peer_code": "P0", "sub": "4", "value": 30.0},
        {"peer_code": "P1", "sub": "4", "value": 31.0},
    ]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    home = make_home(tmp_path)
    return Desk(home, HOSPITAL, 2025, load_set(TERTIARY))


def figure(value: float | None = 31.0, months: str | None = None) -> list[dict[str, Any]]:
    return [{"sub": "5", "value": value, "source": "填报数据", "months": months}]


def test_an_indicator_goes_from_owner_to_evidence_submission_return_and_again(desk: Desk, tmp_path: Path) -> None:
    paper = tmp_path / "统计年报.pdf"
    paper.write_bytes(b"paper")
    states = [desk.tasks()["5"].state]
    for step in (
        lambda on: desk.assign({"5": "医务科"}, on, "1001"),
        lambda on: desk.add_evidence("5", [paper], on, "1001"),
        lambda on: desk.submit(["5"], {"5": figure()}, [], on, "1001"),
        lambda on: desk.take_back("5", "目录不符", "省审1号", on, ""),
        lambda on: desk.submit(["5"], {"5": figure(30.5)}, [], on, "1001"),
    ):
        (task,) = step(DAY + timedelta(days=len(states)))
        states.append(task.state)
    assert states == [OPEN, OWNED, READY, SENT, BACK, AGAIN]
    assert [one.body["figures"][0]["value"] for one in task.submissions] == [31.0, 30.5]
    assert task.evidence[0]["bytes"] == 5
    assert [one.number for one in task.history] == [1, 2, 3, 4, 5]


def refusal(call: Any) -> TongpinError:
    with pytest.raises(TongpinError) as caught:
        call()
    return caught.value


def test_a_submission_is_refused_with_all_that_stands_in_its_way(desk: Desk) -> None:
    change = Change("5", "5", "微创", 31.0, 20.0, 55.0, "", True)
    found = refusal(lambda: desk.submit(["5"], {"5": figure(None)}, [change], DAY, ""))
    assert found.code == "guokao.submit"
    assert all(word in found.message for word in ("没有责任科室", "数不全", "没有佐证", "没有说明原因"))
    assert desk.tasks()["5"].history == ()


def test_a_figure_of_some_months_is_not_submitted(desk: Desk) -> None:
    desk.assign({"4": "病案室"}, DAY, "")
    found = refusal(lambda: desk.submit(["4"], {"4": figure(months="2025-06")}, [], DAY, ""))
    assert "不是全年的数" in found.message
    (task,) = desk.submit(["4"], {"4": figure()}, [], DAY, "")
    assert task.state == SENT


def test_a_reason_lets_a_large_change_through(desk: Desk) -> None:
    desk.assign({"4": "病案室"}, DAY, "")
    large = [Change("4", "4", "手术占比", 31.0, 20.0, 55.0, "", True)]
    assert refusal(lambda: desk.submit(["4"], {"4": figure()}, large, DAY, "")).code == "guokao.submit"
    desk.give_reason("4", "新增手术间", DAY, "")
    (task,) = desk.submit(["4"], {"4": figure()}, large, DAY, "")
    assert (task.state, task.reason) == (SENT, "新增手术间")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda desk: desk.assign({"99": "科室"}, DAY, ""), "guokao.number"),
        (lambda desk: desk.assign({"4": " "}, DAY, ""), "guokao.owner"),
        (lambda desk: desk.give_reason("4", " ", DAY, ""), "guokao.reason"),
        (lambda desk: desk.add_evidence("4", [], DAY, ""), "guokao.owner"),
        (lambda desk: desk.take_back("4", "退", "", DAY, ""), "guokao.return"),
    ],
)
def test_steps_out_of_turn_are_refused(desk: Desk, call: Any, code: str) -> None:
    assert refusal(lambda: call(desk)).code == code


def test_evidence_that_is_not_there_is_refused_and_nothing_is_noted(desk: Desk, tmp_path: Path) -> None:
    desk.assign({"4": "病案室"}, DAY, "")
    assert refusal(lambda: desk.add_evidence("4", [tmp_path / "没有.pdf"], DAY, "")).code == "guokao.file"
    assert len(desk.tasks()["4"].history) == 1


def test_the_account_only_goes_forward(desk: Desk) -> None:
    desk.assign({"4": "病案室"}, DAY, "")
    assert refusal(lambda: desk.assign({"4": "医务科"}, DAY - timedelta(days=1), "")).code == "guokao.day"


def test_hospitals_and_years_have_accounts_of_their_own(desk: Desk) -> None:
    desk.assign({"4": "病案室"}, DAY, "")
    assert Desk(desk.home, HOSPITAL, 2024, desk.indicators).tasks()["4"].state == OPEN
    assert Desk(desk.home, OTHER, 2025, desk.indicators).tasks()["4"].state == OPEN
    Desk(desk.home, OTHER, 2025, desk.indicators).assign({"4": "统计室"}, DAY, "")
    assert desk.tasks()["4"].owner == "病案室"


@given(st.lists(st.sampled_from(["assigned", "evidence", "reason", "submitted", "returned"]), max_size=12))
def test_a_task_is_what_its_events_say(names: list[str]) -> None:
    bodies = {"assigned": {"dept": "A"}, "evidence": {"name": "f"}, "reason": {"text": "t"}}
    events = [
        Event(place, HOSPITAL, 2025, "4", name, "", DAY, bodies.get(name, {"figures": []}))
        for place, name in enumerate(names, start=1)
    ]
    task = tasks_of(events, ["4", "5"])["4"]
    assert [one.event for one in task.history] == names
    assert len(task.evidence) == names.count("evidence")
    assert task.is_sent == (names.count("submitted") > names.count("returned"))


def test_a_state_waits_for_its_day_in_the_calendar(desk: Desk) -> None:
    steps = calendar_of(2025)
    due = due_of(desk.tasks()["4"], steps)
    assert due is not None
    assert due.step == "owners"
    desk.assign({"4": "病案室"}, DAY, "")
    (task,) = desk.submit(["4"], {"4": figure()}, [], DAY, "")
    assert due_of(task, steps) is None


def test_the_sheet_tells_figure_gap_owner_and_state(tmp_path: Path) -> None:
    home = make_home(tmp_path, year_of_pages(2025), [(2025, "medical_income", "3", "万元")])
    known = hospital_year(home, 2025, HOSPITAL)
    desk = Desk(home, HOSPITAL, 2025, known.indicators)
    desk.assign({"4": "病案室"}, DAY, "")
    path = tmp_path / "sheet.xlsx"
    tables = (known.values(), known.extra_values())
    write_sheet(path, known, tables, changes(*known.compared()), desk.tasks(), calendar_of(2025), [], ["口径"])
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["填报表", "单病种", "数据项", "核对", "收入结构与展望", "台账", "日历", "算式"]
    rows = {row[0]: row for row in book["填报表"].iter_rows(values_only=True) if row[0]}
    assert rows["4"][5] == "50.00%"
    assert "病案室" in rows["4"]
    assert "已分派" in rows["4"]
    assert "缺 能耗支出（energy_expense）；缺 年总收入（total_income）" in rows["34"]
    assert "见“单病种”页" in rows["10"][10]
    assert "10.1.1" not in rows
    assert any(row[0] == "10.1.1" for row in book["单病种"].iter_rows(values_only=True))


def test_figures_and_changes_are_told_as_people_write_them() -> None:
    assert figure_text(31.171, "%") == "31.17%"
    assert figure_text(55, "项") == "55"
    assert figure_text(0.0213, "人/百床") == "0.0213"
    assert figure_text(None, "%") == "—"
    assert change_text(Change("4", "4", "", 1, 2, -50.0, "", True)) == "−50.0%"
    assert change_text(Change("4", "4", "", 1, 0, None, "", True)) == "上年为零"
