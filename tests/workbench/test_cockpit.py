"""The double cockpit: its figures are the rooms' own, every desk sees its own place, and money stays with its roles."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pytest

from tongpin.measures.guokao.tables import calendar_of
from tongpin.measures.guokao.tasks import Event, Task
from tongpin.measures.populations import paid_by_group, settled_cases
from tongpin.measures.table import Wish, figures_in_home
from tongpin.payment.lists.dates import paths_in_home
from tongpin.payment.month.closed import posted, statements
from tongpin.records.intake.lake_tables import INSTITUTIONS, read_loaded
from tongpin.report.words import count_text, wan_text
from tongpin.twin.causes.run import Wanted, causes_in_home
from tongpin.twin.joint import JointReport
from tongpin.twin.run import joint_in_home
from tongpin.workbench.cockpit.catalogue import alert_rules, cockpit_data
from tongpin.workbench.cockpit.progress import _filing_mismatches
from tongpin.workbench.cockpit.sight import place_of

if TYPE_CHECKING:
    from tongpin.store.scope import Scope

SECTIONS = ("figures", "pairs", "double", "red-lines", "payments", "portfolio", "waterfall", "causes", "funnel")
SECTIONS += ("prepay", "bridge", "progress", "loop", "core")
ROLES = ("bureau_handler", "director", "dept_head", "doctor")


@pytest.fixture(scope="module")
def joint(city: Any) -> JointReport:
    """The joint report of the room, made once for all tests."""
    return joint_in_home(city.home, city.month)


def get(client: Any, section: str = "", status: int = 200) -> Any:
    answer = client.get(f"/api/v1/cockpit{section and '/' + section}")
    assert answer.status_code == status, answer.text
    return answer.json()


def scope_of(client: Any) -> dict[str, Any]:
    return dict(client.me["scope"])


def hospital_of(client: Any) -> str:
    return str(scope_of(client)["hospitals"][0]["code"])


def own_lines(city: Any, client: Any) -> Any:
    """What the month paid by group in the hospital of a client, counted by hand."""
    lines = paid_by_group(settled_cases(city.home, [city.month], city.area))
    return lines.filter(pc.equal(lines["institution_code"], hospital_of(client)))


def by_id(figures: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in figures}


def test_the_sections_of_a_desk_are_those_of_its_reach(client: Callable[[str], Any]) -> None:
    shown = {role: {one["id"] for one in get(client(role))["sections"]} for role in ROLES}
    assert {"prepay", "bridge", "progress", "funnel", "waterfall"} <= shown["bureau_handler"]
    assert {"core", "payments", "loop"} <= shown["dept_head"]
    assert not {"red_lines", "prepay", "funnel"} & shown["dept_head"]
    assert shown["doctor"] == {"figures", "pairs", "double", "core"}


def test_a_section_of_another_reach_is_refused(client: Callable[[str], Any]) -> None:
    refused = get(client("dept_head"), "red-lines", 403)
    assert refused["code"] == "cockpit.section"
    assert "科主任" in refused["message"]
    assert get(client("doctor"), "waterfall", 403)["code"] == "cockpit.section"


def test_without_the_permission_there_is_no_cockpit(client: Callable[[str], Any]) -> None:
    for section in ("", "figures", "loop"):
        assert get(client("records_room"), section, 403)["code"] == "sign_in.denied"


def test_a_month_that_is_not_closed_and_another_area_are_refused(client: Callable[[str], Any]) -> None:
    one = client("director")
    open_month = one.get("/api/v1/cockpit/figures?month=2031-01").json()
    assert (open_month["code"], open_month["status"]) == ("settle.open", 404)
    assert one.get("/api/v1/cockpit?area=elsewhere").json()["code"] == "cockpit.area"
    assert one.get("/api/v1/cockpit?month=2025-13").json()["code"] == "request.invalid"


def test_the_cards_of_a_hospital_are_counted_by_hand(city: Any, client: Callable[[str], Any]) -> None:
    director = client("director")
    lines = own_lines(city, director)
    answer = get(director, "figures")
    settled = by_id(answer["settlement"])
    assert settled["settlement.cases"]["value"] == lines.num_rows
    assert settled["settlement.cases"]["text"] == f"{count_text(lines.num_rows)}\u00a0例"
    result = pc.sum(lines["result_fen"]).as_py()
    assert settled["settlement.result"]["value"] == result
    assert settled["settlement.result"]["text"] == f"{wan_text(result)}\u00a0万元"
    mean = pc.sum(lines["total_fee_fen"]).as_py() / lines.num_rows
    assert settled["settlement.mean_fee"]["value"] == pytest.approx(mean, abs=1)
    assert settled["settlement.mean_fee"]["unit"] == "元"
    assert re.fullmatch(r"\d+\.\d\d\u00a0%", settled["settlement.pay_ratio"]["text"])


def test_a_card_names_form_population_period_and_edition(client: Callable[[str], Any]) -> None:
    cmi = by_id(get(client("director"), "figures")["assessment"])["discharge.cmi"]
    definition = cmi["definition"]
    assert definition["population"] == "全部出院"
    assert definition["period"] == "按出院月，2025年6月"
    assert definition["weight_edition"]
    assert definition["simulated"] is True
    assert definition["reference"] == "S000-01"
    assert cmi["href"] == "/cockpit/discharges?s=-weight"


@pytest.mark.parametrize("role", ["director", "dept_head", "doctor"])
def test_the_figures_of_a_place_are_those_of_the_room(city: Any, client: Callable[[str], Any], role: str) -> None:
    one = client(role)
    scope = scope_of(one)
    by = {"director": (), "dept_head": ("dept",), "doctor": ("doctor_code",)}[role]
    wish = Wish(
        (city.month,), ("institution_code", *by), ("discharge.cmi", "discharge.time_index.mean_form"), "", city.area
    )
    table = figures_in_home(city.home, wish)
    wanted = {"institution_code": hospital_of(one)}
    if role == "dept_head":
        wanted["dept"] = scope["departments"][0]["code"]
    if role == "doctor":
        wanted["doctor_code"] = scope["doctor"]
    room = {figure.measure.id: figure.value for figure in table.figures if dict(figure.place) == wanted}
    shown = by_id(get(one, "figures")["assessment"])
    assert room
    for name, value in room.items():
        assert shown[name]["value"] == pytest.approx(value)


def test_a_month_that_nobody_loaded_is_no_reference(city: Any, client: Callable[[str], Any]) -> None:
    """Sums over months without cases are zero; a change against them would be nonsense."""
    if len(city.months) == 1:
        cards = get(client("bureau_handler"), "figures")
        assert [
            one["id"] for side in cards.values() if side for one in side if isinstance(one, dict) and one["change_text"]
        ] == []
    else:
        cards = get(client("bureau_handler"), "figures")["settlement"]
        assert any("较上" in one["change_text"] for one in cards)


def test_who_sees_no_money_gets_no_amount(client: Callable[[str], Any]) -> None:
    doctor = client("doctor")
    assert doctor.me["sees_money"] is False
    for section in ("figures", "pairs", "double", "core"):
        text = doctor.get(f"/api/v1/cockpit/{section}").text
        assert "元" not in text.replace("单元", ""), section
        assert "超标准" not in text
    pairs = get(doctor, "pairs")
    assert [one["settlement"]["hidden"] for one in pairs] == [True, True, False, True]
    groups = doctor.rows("cockpit_groups", parameters=parameters_of(doctor))["rows"]
    assert groups
    assert not {"total_fee_fen", "standard_fen", "fee_deviation", "result_fen"} & groups[0].keys()


def parameters_of(client: Any) -> dict[str, str]:
    return {"area": client.me["areas"][0]["id"], "month": client.me["months"][-1]}


def test_without_a_base_nothing_is_compared(city: Any, client: Callable[[str], Any]) -> None:
    found = get(client("bureau_handler"), "causes")
    year_before = f"{int(city.month[:4]) - 1}{city.month[4:]}"
    assert (found["found"] is None) is (year_before not in city.months)
    assert bool(found["lacks"]) is (found["found"] is None)


@pytest.mark.parametrize("role", ["director", "dept_head", "doctor", "hospital_finance", "operations"])
def test_no_other_hospital_is_served(city: Any, client: Callable[[str], Any], role: str) -> None:
    one = client(role)
    own = hospital_of(one)
    register = read_loaded(city.home, INSTITUTIONS).to_pylist()
    named = {
        word
        for row in register
        if row["institution_code"] != own
        for word in (row["institution_code"], row["institution_name"])
    }
    get(one)
    texts = {section: one.get(f"/api/v1/cockpit/{section}").text for section in ("", *SECTIONS)}
    for table in ("alerts", "cockpit_groups", "discharges"):
        asked = {"parameters": parameters_of(one), "limit": 500}
        texts[table] = one.post(f"/api/v1/tables/{table}/rows", json=asked).text
    for section, text in texts.items():
        assert not [word for word in named if word in text], section


def test_the_lists_hold_rows_of_the_scope_only(client: Callable[[str], Any]) -> None:
    one = client("dept_head")
    rows = one.rows("discharges", parameters=parameters_of(one), limit=500)["rows"]
    assert {row["dept"] for row in rows} == {scope_of(one)["departments"][0]["code"]}
    assert {row["institution_code"] for row in rows} == {hospital_of(one)}
    doctor = client("doctor")
    own = doctor.rows("discharges", parameters=parameters_of(doctor), limit=500)["rows"]
    assert {row["doctor_code"] for row in own} == {scope_of(doctor)["doctor"]}


def test_the_double_indicators_are_counted_by_hand(city: Any, joint: JointReport, client: Callable[[str], Any]) -> None:
    director = client("director")
    lines = own_lines(city, director)
    fee, standard = (pc.sum(lines[name]).as_py() for name in ("total_fee_fen", "standard_fen"))
    found = {one["id"]: one for one in get(director, "double")["indicators"]}
    assert found["fee"]["deviation"] == pytest.approx(fee / standard - 1)
    assert found["fee"]["text"] == f"超标准\u00a0+{(fee / standard - 1) * 100:.2f}\u00a0%"
    own = next(row for row in joint.hospitals.to_pylist() if row["institution_code"] == hospital_of(director))
    share = own["discharge.compared_drug_share"] + own["discharge.compared_consumable_share"]
    expected = sum(own[f"discharge.expected_{part}_share.fee_weighted"] for part in ("drug", "consumable"))
    assert found["share"]["deviation"] == pytest.approx(share / expected - 1)
    assert found["share"]["over"] is (share - expected > 0.03)


def test_the_groups_that_are_warned_of_are_those_of_the_red_line(
    joint: JointReport, client: Callable[[str], Any]
) -> None:
    bureau = client("bureau_handler")
    over = {(row["institution_code"], row["drg"]): row["excess_fen"] for row in joint.warnings.to_pylist()}
    assert over
    filters = [{"column": "fee_over", "op": "is", "value": True}]
    rows = bureau.rows("cockpit_groups", parameters=parameters_of(bureau), filters=filters, limit=500)["rows"]
    assert {(row["institution_code"], row["drg"]) for row in rows} == set(over)
    spent = {one["id"]: one for one in get(bureau, "double")["indicators"]}["fee"]
    assert spent["groups_over"] == len(over)


def test_a_group_of_few_cases_is_never_over(client: Callable[[str], Any]) -> None:
    bureau = client("bureau_handler")
    rows = bureau.rows("cockpit_groups", parameters=parameters_of(bureau), limit=500)["rows"]
    few = [row for row in rows if row["cases"] < 20]
    assert any((row["fee_deviation"] or 0) > 0.1 for row in few)
    assert not any(row["fee_over"] for row in few)


def test_cost_is_for_the_eyes_of_its_hospital(client: Callable[[str], Any]) -> None:
    assert "cost" in {one["id"] for one in get(client("director"), "double")["indicators"]}
    bureau = get(client("bureau_handler"), "double")
    assert "cost" not in {one["id"] for one in bureau["indicators"]}
    assert {one["cost_deviation"] for one in bureau["groups"]} == {None}


def test_the_red_lines_are_drawn_where_they_are_crossed(joint: JointReport, client: Callable[[str], Any]) -> None:
    shown = {one["id"]: one for one in get(client("bureau_handler"), "red-lines")["lines"]}
    for result in joint.red_lines:
        line = shown[result.line.id]
        assert line["limit"] == result.line.limit_e4 / 10_000
        assert line["over"] == result.hospitals.num_rows
        assert {one["name"] for one in line["points"] if one["excess"]} == set(
            result.hospitals["institution_name"].to_pylist()
        )
    own = {one["id"]: one for one in get(client("director"), "red-lines")["lines"]}
    assert all(len(own[result.line.id]["points"]) <= 1 for result in joint.red_lines)


def test_the_waterfalls_close_to_the_fen(city: Any, client: Callable[[str], Any]) -> None:
    answer = get(client("bureau_handler"), "waterfall")
    table = statements(city.home, city.area, [city.month])
    whole = pc.sum(table["month_result_fen"]).as_py()
    statement = answer["statement"]["steps"]
    assert statement[-1]["amount_fen"] == whole == sum(one["amount_fen"] for one in statement[:-1])
    director = client("director")
    own = get(director, "waterfall")
    assert own["statement"] is None
    steps = own["places"]["steps"]
    assert steps[-1]["amount_fen"] == pc.sum(own_lines(city, director)["result_fen"]).as_py()
    assert sum(one["amount_fen"] for one in steps[:-1]) == steps[-1]["amount_fen"]


def test_the_causes_lead_from_the_base_to_the_result(city: Any, client: Callable[[str], Any]) -> None:
    director = client("director")
    report = causes_in_home(city.home, Wanted(city.month, city.area, hospital=hospital_of(director)))
    steps = get(director, "causes")["found"]["steps"]
    assert steps[0]["amount_fen"] == report.total["base_fen"]
    assert steps[-1]["amount_fen"] == report.total["result_fen"] == sum(one["amount_fen"] for one in steps[:-1])


def test_the_funnel_of_a_hospital_shows_no_peer(joint: JointReport, client: Callable[[str], Any]) -> None:
    whole = get(client("bureau_handler"), "funnel")["points"]
    large = [row for row in joint.hospitals.to_pylist() if (row["settlement.cases"] or 0) >= 30]
    assert len(whole) == len(large)
    director = client("director")
    own = get(director, "funnel")
    assert [one["own"] for one in own["points"]] == [True]
    assert own["peers"] == len([row for row in large if row["level"] == "三级"]) - 1


def test_every_stage_of_the_bridge_has_all_lists(city: Any, client: Callable[[str], Any]) -> None:
    director = client("director")
    found = get(director, "bridge")
    paths = paths_in_home(city.home, city.area, hospital_of(director))
    count = pc.sum(paths.filter(pc.fill_null(pc.equal(paths["discharged"], city.month), False))["count"]).as_py()
    assert found["lists"] == count > 0
    for stage in found["stages"]:
        assert sum(one["count"] for one in found["nodes"] if one["stage"] == stage) == count
    for left in list(found["stages"])[:-1]:
        assert sum(one["count"] for one in found["links"] if one["stage"] == left) == count


def test_prepayments_say_when_there_are_none(client: Callable[[str], Any]) -> None:
    found = get(client("director"), "prepay")
    assert found["months"] == []
    assert found["notes"]


def test_the_progress_shows_both_sides(city: Any, client: Callable[[str], Any]) -> None:
    found = get(client("bureau_handler"), "progress")
    closed = {one["month"] for one in found["months"] if one["closed"]}
    assert closed == {month for month in city.months if month.startswith(str(found["year"]))}
    assert all(one["sent"] + one["unsent"] == one["should"] for one in found["months"])
    assert {one["total"] for one in found["filings"] if one["total"]}
    assert any(one["label"] == "完成填报" for one in found["calendar"])
    known = {one.id for one in cockpit_data().mismatches}
    assert {one["id"] for one in found["mismatches"]} <= known


class _Hospital:
    code, name, set_name = "H1", "甲医院", "tertiary"


def _sent(number: str) -> Task:
    event = Event(1, "H1", 2025, number, "submitted", "x", date(2026, 2, 1), {})
    return Task(number, owner="医务科", submissions=(event,))


@pytest.mark.parametrize(
    ("tasks", "open_months", "on", "found"),
    [
        ({"1": _sent("1"), "2": Task("2")}, ["2025-12"], date(2026, 2, 10), ["filed_early"]),
        ({"1": _sent("1"), "2": Task("2")}, [], date(2026, 3, 1), ["filed_late"]),
        ({"1": _sent("1"), "2": Task("2")}, [], date(2026, 2, 28), []),
        ({"1": _sent("1")}, [], date(2026, 3, 1), []),
        ({"1": Task("1")}, ["2025-12"], date(2026, 2, 10), []),
    ],
)
def test_filing_and_settlement_are_matched(
    tasks: dict[str, Task], open_months: list[str], on: date, found: list[str]
) -> None:
    steps = calendar_of(2025)
    rows = _filing_mismatches([_Hospital()], {"H1": tasks}, steps, open_months, on)  # type: ignore[list-item]
    assert [one.id for one in rows] == found


def test_the_loop_counts_what_the_rooms_count(city: Any, client: Callable[[str], Any]) -> None:
    director = client("director")
    stages = {one["id"]: one for one in get(director, "loop")["stages"]}
    assert list(stages) == ["upload", "quality", "settlement", "audit", "assessment"]
    lines = posted(city.home, city.area, [city.month])
    own = lines.filter(pc.equal(lines["institution_code"], hospital_of(director)))
    assert stages["settlement"]["lines"][0] == f"入账 {count_text(own.num_rows)} 笔"
    assert f"统筹应付 {wan_text(pc.sum(own['pool_payable_fen']).as_py())} 万元" in stages["settlement"]["lines"]
    assert stages["settlement"]["href"] == "/statements"
    assert stages["quality"]["href"] is None, "a director reads no findings"


def test_a_choice_of_indicators_is_kept_for_its_user(client: Callable[[str], Any]) -> None:
    head = client("dept_head")
    assert len(cockpit_data().core.measures) == 30
    assert get(head, "core")["chosen"] == list(cockpit_data().core.first)
    wanted = ["discharge.cmi", "settlement.pay_ratio"]
    put = head.put("/api/v1/cockpit/core", json={"measures": wanted})
    assert put.status_code == 200, put.text
    assert [one["id"] for one in put.json()["figures"]] == wanted
    assert get(client("dept_head"), "core")["chosen"] == wanted
    assert get(client("director"), "core")["chosen"] != wanted


def test_an_indicator_outside_the_set_or_the_role_is_refused(client: Callable[[str], Any]) -> None:
    head = client("dept_head").put("/api/v1/cockpit/core", json={"measures": ["discharge.mean_cost"]}).json()
    assert (head["code"], head["status"]) == ("cockpit.core", 422)
    doctor = client("doctor").put("/api/v1/cockpit/core", json={"measures": ["settlement.result"]}).json()
    assert doctor["code"] == "cockpit.core", "a doctor sees no money"


def test_a_list_of_cases_is_no_place() -> None:
    from tongpin.base.errors import TongpinError
    from tongpin.store.scope import Scope

    scope: Scope = Scope(cases=frozenset({"A"}))
    with pytest.raises(TongpinError) as refused:
        place_of(scope)
    assert refused.value.code == "cockpit.scope"


def test_the_catalogue_is_whole() -> None:
    sections = {one.id for one in cockpit_data().sections}
    assert sections - {"alerts"} == {name.replace("-", "_") for name in SECTIONS}
    assert {"red_line", "fee_index"} == set(alert_rules())
