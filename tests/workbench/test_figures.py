"""Measures, causes, portfolio, forecast, negotiation and papers: figures of the rooms, own rows only, others masked."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from tongpin.base.errors import TongpinError
from tongpin.measures.table import Wish, figures_in_home
from tongpin.store import journal
from tongpin.store.control import reading
from tongpin.twin.causes.run import Wanted, causes_in_home
from tongpin.twin.forecast.run import forecast_in_home
from tongpin.twin.negotiation.run import pack_in_home
from tongpin.twin.portfolio.effect import stop
from tongpin.twin.portfolio.plan import plan_of, tried
from tongpin.twin.portfolio.run import hospital_in_home, pyramid_in_home
from tongpin.twin.portfolio.words import value_text
from tongpin.workbench.analysis.computing import Computing, Job
from tongpin.workbench.analysis.forecast import measured_coverage
from tongpin.workbench.analysis.papers import PAPERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.workbench.conftest import City, Client

API = "/api/v1"


def asked(client: Client, method: str, path: str, **given: Any) -> Any:
    """The result behind an answer that may still be running."""
    for _ in range(60):
        answer = client.request(method, API + path, **given)
        assert answer.status_code == 200, answer.text
        if answer.json()["running"] is None:
            return answer.json()["result"]
    raise AssertionError(f"{path} never ended")


def refused(client: Client, method: str, path: str, **given: Any) -> tuple[int, str]:
    answer = client.request(method, API + path, **given)
    assert answer.status_code >= 400, answer.text
    return answer.status_code, answer.json()["code"]


def first_sheet(content: bytes) -> str:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    return "\n".join(str(cell) for row in book.worksheets[0].iter_rows(values_only=True) for cell in row if cell)


def own_hospital(client: Client) -> str:
    return str(client.me["scope"]["hospitals"][0]["code"])


def other_hospitals(city: City, own: str) -> list[str]:
    found = figures_in_home(city.home, Wish((city.month,), measures=("settlement.cases",), intervals=False))
    return [one.place["institution_code"] for one in found.figures if one.place["institution_code"] != own]


def test_a_table_of_measures_holds_the_figures_of_the_room(city: City, client: Callable[[str], Client]) -> None:
    director = client("director")
    body = {"months": city.month, "by": ["dept"], "measures": ["discharge.cmi", "settlement.result"]}
    table = asked(director, "post", "/measures/table", json=body)
    wish = Wish(
        (city.month,),
        ("institution_code", "dept"),
        ("discharge.cmi", "settlement.result"),
        hospital=own_hospital(director),
    )
    room = {(one.place["dept"], one.measure.id): one.value for one in figures_in_home(city.home, wish).figures}
    shown = {(row["key"]["dept"], cell["measure"]): cell["value"] for row in table["rows"] for cell in row["cells"]}
    assert shown == room
    assert {one["kind"] for one in table["measures"]} == {"decimal", "money"}
    assert all(one["simulated"] for one in table["measures"])
    assert all(one["form"] and one["population"] for one in table["measures"])
    assert any("f=dept~is~" in row["cases"].replace("%7E", "~") for row in table["rows"])


def test_another_hospitals_rows_are_never_served(city: City, client: Callable[[str], Client]) -> None:
    director = client("director")
    own = own_hospital(director)
    others = other_hospitals(city, own)
    month = city.month
    for by, compare in ((["hospital"], "peers"), (["dept"], "region"), (["doctor"], ""), (["level"], ""), ([], "")):
        body = {"months": month, "by": by, "measures": ["discharge.cmi"], "compare": compare}
        table = asked(director, "post", "/measures/table", json=body)
        assert {row["key"]["institution_code"] for row in table["rows"]} == {own}
    wanted = {"months": month, "hospital": others[0]}
    assert refused(director, "post", "/measures/table", json=wanted) == (403, "sign_in.scope")
    assert refused(director, "get", "/causes", params={"month": month, "hospital": others[0]}) == (403, "sign_in.scope")
    assert refused(director, "get", "/portfolio", params=wanted) == (403, "sign_in.scope")
    assert refused(director, "get", "/portfolio/frontier", params=wanted) == (403, "sign_in.scope")
    trial = wanted | {"stops": {"A": 1}}
    assert refused(director, "post", "/portfolio/trial", json=trial) == (403, "sign_in.scope")
    year = {"year": int(month[:4]), "hospital": others[0]}
    assert refused(director, "post", "/forecast", json=year) == (403, "sign_in.scope")
    pack = {"groups": ["A"], "hospital": others[0]}
    assert refused(director, "post", "/negotiation", json=pack) == (403, "sign_in.scope")
    for name in PAPERS:
        body = {"month": month, "hospital": others[0]}
        assert refused(director, "post", f"/reports/{name}", json=body) == (403, "sign_in.scope"), name
    places = {"month": month, "area": city.area, "hospital": others[0]}
    for table_id in ("causes_groups", "top_groups", "double_problems", "complications"):
        path = f"/tables/{table_id}/rows"
        assert refused(director, "post", path, json={"parameters": places}) == (403, "sign_in.scope")
    answers = [
        asked(director, "get", "/causes", params={"month": month}),
        asked(director, "get", "/portfolio", params={"months": month}),
        asked(director, "post", "/forecast", json={"year": int(month[:4])}),
        asked(director, "post", "/measures/peers", json={"months": month, "measure": "discharge.cmi"}),
        director.get(f"{API}/measures").json(),
        *(
            director.rows(table_id, parameters={"month": month, "area": city.area})
            for table_id in ("causes_groups", "top_groups", "double_problems", "complications")
        ),
        *(
            director.rows(table_id, parameters={"months": month, "area": city.area})
            for table_id in ("portfolio_groups", "benchmark_groups")
        ),
    ]
    told = json.dumps(answers, ensure_ascii=False)
    assert own in told
    assert not [code for code in others if code in told]


def test_a_department_head_sees_the_own_department(city: City, client: Callable[[str], Client]) -> None:
    head = client("dept_head")
    dept = head.me["scope"]["departments"][0]["code"]
    table = asked(head, "post", "/measures/table", json={"months": city.month, "by": ["dept", "doctor"]})
    assert {row["key"]["dept"] for row in table["rows"]} == {dept}
    assert refused(head, "post", "/measures/table", json={"months": city.month, "dept": "99"}) == (403, "sign_in.scope")
    peers = {"months": city.month, "measure": "discharge.cmi"}
    assert refused(head, "post", "/measures/peers", json=peers) == (403, "sign_in.scope")
    assert dept in asked(head, "get", "/causes", params={"month": city.month})["scope"]
    rows = head.rows("top_groups", parameters={"month": city.month, "area": city.area})["rows"]
    assert rows
    assert {row["dept"] for row in rows} == {dept}


def test_a_role_without_money_gets_no_amounts(city: City, client: Callable[[str], Client]) -> None:
    records = client("records_room")
    offered = records.get(f"{API}/measures").json()["measures"]
    assert offered
    assert not [one["id"] for one in offered if one["kind"] == "money" or one["unit"] == "元"]
    assert "settlement.pay_ratio" not in {one["id"] for one in offered}
    table = asked(records, "post", "/measures/table", json={"months": city.month, "measures": ["@six"]})
    assert {one["id"] for one in table["measures"]} == {"discharge.mean_stay", "discharge.cmi"}
    peers = {"months": city.month, "measure": "settlement.pay_ratio"}
    assert refused(records, "post", "/measures/peers", json=peers) == (403, "sign_in.money")
    shown = {one["id"] for one in records.get(f"{API}/tables/benchmark_groups").json()["columns"]}
    assert "mean_stay" in shown
    assert "mean_fee_fen" not in shown
    assert refused(records, "get", "/causes", params={"month": city.month})[0] == 403


def test_peers_stand_under_code_names_without_their_size(city: City, client: Callable[[str], Client]) -> None:
    body = {"months": city.month, "measure": "discharge.cmi"}
    sheet = asked(client("director"), "post", "/measures/peers", json=body)
    own = [line for line in sheet["lines"] if line["is_own"]]
    assert [line["name"] for line in own] == ["本机构"]
    assert all(
        line["figure"]["count"] == 0 and line["figure"]["low"] is None for line in sheet["lines"] if line not in own
    )
    assert not [line for line in sheet["lines"] if "医院" in line["name"]]
    whole = asked(client("bureau_handler"), "post", "/measures/peers", json=body)
    assert any("医院" in line["name"] for line in whole["lines"])
    unknown = {"months": city.month, "measure": "no.such"}
    assert refused(client("director"), "post", "/measures/peers", json=unknown) == (404, "measures.unknown")


def test_a_mean_of_few_hospitals_is_withheld_from_hospitals(city: City, client: Callable[[str], Client]) -> None:
    body = {"months": city.month, "by": ["dept"], "measures": ["discharge.mean_stay"], "compare": "region"}
    wish = Wish((city.month,), ("institution_code", "dept"), ("discharge.mean_stay",), intervals=False)
    treating: dict[str, set[str]] = {}
    for one in figures_in_home(city.home, wish).figures:
        if one.value is not None:
            treating.setdefault(one.place["dept"], set()).add(one.place["institution_code"])
    few = {dept for dept, hospitals in treating.items() if len(hospitals) < 5}
    rows = asked(client("director"), "post", "/measures/table", json=body)["rows"]
    shown = {row["key"]["dept"]: row["cells"][0]["compared"]["reference"] for row in rows}
    assert few & set(shown)
    assert {dept for dept, reference in shown.items() if reference is None} == few & set(shown)
    bureau = asked(client("bureau_handler"), "post", "/measures/table", json=body | {"by": ["hospital", "dept"]})
    assert all(row["cells"][0]["compared"]["reference"] is not None for row in bureau["rows"])


def test_an_export_is_the_paper_of_the_room_with_a_mark_and_an_entry(
    city: City, client: Callable[[str], Client]
) -> None:
    director = client("director")
    answer = director.post(f"{API}/measures/export", json={"months": city.month, "by": ["dept"], "measures": ["@six"]})
    assert answer.status_code == 200, answer.text
    text = first_sheet(answer.content)
    assert "director" in text
    assert "导出" in text
    with reading(city.app.state.workbench.engine) as connection:
        last = journal.entries(connection, act="export", last=1)[0]
    assert (last.actor, last.subject) == ("director", "measures/table")
    assert refused(client("dept_head"), "post", "/measures/export", json={"months": city.month})[0] == 403


def test_views_are_kept_shared_and_dropped(client: Callable[[str], Client]) -> None:
    director, handler = client("director"), client("bureau_handler")
    path = f"{API}/pages/measures/views"
    made = director.post(path, json={"name": "科室六指标", "asked": {"by": "dept"}})
    assert made.status_code == 201, made.text
    assert [one["name"] for one in director.get(path).json()] == ["科室六指标"]
    assert handler.get(path).json() == []
    opened = handler.get(f"{path}/{made.json()['link']}").json()
    assert (opened["asked"], opened["is_own"]) == ({"by": "dept"}, False)
    again = director.post(path, json={"name": "科室六指标", "asked": {"by": "doctor"}}).json()
    assert again["link"] == made.json()["link"]
    assert refused(handler, "delete", f"/views/{again['id']}") == (404, "views.missing")
    assert director.delete(f"{API}/views/{again['id']}").status_code == 204
    assert director.get(path).json() == []


def test_causes_are_those_of_the_room_and_sum_to_the_result(city: City, client: Callable[[str], Client]) -> None:
    director = client("director")
    sheet = asked(director, "get", "/causes", params={"month": city.month})
    room = causes_in_home(city.home, Wanted(city.month, hospital=own_hospital(director)))
    assert sheet["steps"][0]["amount_fen"] == room.total["base_fen"]
    assert sum(step["amount_fen"] for step in sheet["steps"][:-1]) == sheet["steps"][-1]["amount_fen"]
    assert [one["id"] for one in sheet["causes"]] == [one.cause.id for one in room.causes]
    groups = director.rows("causes_groups", parameters={"month": city.month, "area": city.area})
    assert groups["sums"]["result_fen"] == room.total["result_fen"]
    top = director.rows("top_groups", parameters={"month": city.month, "area": city.area})
    assert top["sums"]["result_fen"] == room.total["result_fen"]
    drg = max(groups["rows"], key=lambda row: row["case_count"])["drg"]
    one = asked(director, "get", "/causes", params={"month": city.month, "group": drg})
    assert sum(piece["case_count"] for piece in one["diagnoses"]) == one["case_count"]
    assert refused(director, "get", "/causes", params={"month": "1999-01"})[1] == "settle.open"


def test_the_pyramid_and_a_trial_are_those_of_the_room(city: City, client: Callable[[str], Client]) -> None:
    director = client("director")
    own, months = own_hospital(director), (city.month,)
    sheet = asked(director, "get", "/portfolio", params={"months": city.month})
    _, _, pyramid = pyramid_in_home(city.home, months, None, own)
    assert [one["result_fen"] for one in sheet["classes"]] == pyramid.classes["result_fen"].to_pylist()
    listed = director.rows("portfolio_groups", parameters={"months": city.month, "area": city.area})
    assert listed["sums"]["result_fen"] == sum(one["result_fen"] for one in sheet["classes"])
    ground = asked(director, "get", "/portfolio/ground", params={"months": city.month})
    group = ground["groups"][0]
    trial = asked(director, "post", "/portfolio/trial", json={"months": city.month, "stops": {group["drg"]: 2}})
    found = hospital_in_home(city.home, months, None, own)
    room = {
        one.id: value_text(one.kind, one.after) for one in tried(found, [stop(found.stays, group["drg"], 2)]).figures
    }
    assert {one["id"]: one["after"] for one in trial["figures"]} == room
    nothing = {"months": city.month, "stops": {}}
    assert refused(director, "post", "/portfolio/trial", json=nothing) == (422, "portfolio.change")
    all_and_more = {"months": city.month, "stops": {group["drg"]: group["case_count"] + 1}}
    assert refused(director, "post", "/portfolio/trial", json=all_and_more) == (422, "portfolio.count")
    plan = asked(director, "get", "/portfolio/frontier", params={"months": city.month})
    told = plan_of(found)
    assert [one["result_fen"] for one in plan["points"]] == [one.result_fen for one in told.points]
    moves = told.proposed[told.chosen].proposals
    assert [(one["drg"], one["moved_count"]) for one in plan["moves"]] == [(one.drg, one.moved_count) for one in moves]
    assert "淘汰" not in json.dumps(plan, ensure_ascii=False)


def test_the_forecast_is_that_of_the_room_and_says_what_its_intervals_held(
    city: City, client: Callable[[str], Client]
) -> None:
    director = client("director")
    year, own = int(city.month[:4]), own_hospital(director)
    sheet = asked(director, "post", "/forecast", json={"year": year})
    room = forecast_in_home(city.home, year, hospital=own)
    mine = [row for row in room.settlement.places.to_pylist() if row["institution_code"] == own]
    assert [one["known_payable_fen"] for one in sheet["places"]] == [row["known_payable_fen"] for row in mine]
    assert [one["reason"] for one in sheet["places"]] == [row["reason"] or "" for row in mine]
    assert sheet["coverage"]["lines"]
    below = {"year": year, "scenario": {"growth": {"*": "-1.5"}}}
    assert refused(director, "post", "/forecast", json=below) == (422, "scenario.range")
    stay = {"year": year, "scenario": {"los": {"*": "-0.1"}}}
    assert refused(director, "post", "/forecast", json=stay) == (422, "scenario.stay")
    choices = director.get(f"{API}/forecast/choices").json()
    edition = choices["editions"][0]["id"]
    body = {"draft": edition, "months": city.month, "on": f"{city.month}-01"}
    draft = asked(director, "post", "/forecast/draft", json=body)
    assert {row["institution_code"] for row in draft["rows"]} == {own}
    assert all(row["due_difference_fen"] == 0 for row in draft["rows"])  # the edition against itself


def test_the_measured_coverage_is_the_table_of_the_guide(request: pytest.FixtureRequest) -> None:
    guide = (request.config.rootpath / "docs" / "forecast.md").read_text(encoding="utf-8")
    for what in dict.fromkeys(line.what for line in measured_coverage().lines):
        row = next(line for line in guide.splitlines() if line.startswith(f"| {what}"))
        told = [cell.strip() for cell in row.split("|")[2:5]]
        lines = [one for one in measured_coverage().lines if one.what == what]
        assert told == [f"{one.at_80:.0%} / {one.at_95:.0%}" for one in lines]


def test_a_negotiation_pack_is_that_of_the_room(city: City, client: Callable[[str], Client]) -> None:
    director = client("director")
    own = own_hospital(director)
    groups = director.get(f"{API}/negotiation/groups", params={"month": city.month}).json()
    drgs = [one["drg"] for one in groups[:2]]
    sheet = asked(director, "post", "/negotiation", json={"groups": drgs})
    room = pack_in_home(city.home, drgs, own)
    section = next(one for one in sheet["sections"] if one["id"] == "groups")
    mine = [row["result_fen"] for row in section["rows"] if row["who"] == "本院"]
    assert mine == [one.own.result_fen for one in room.groups]
    assert refused(director, "post", "/negotiation", json={"groups": ["ZZ99Z"]}) == (422, "negotiate.group")


@pytest.mark.parametrize(
    ("name", "body", "endings"),
    [
        ("joint", {}, {".html", ".xlsx"}),
        ("daily", {}, {".html", ".txt"}),
        ("causes", {"kinds": ["xlsx"]}, {".xlsx"}),
        ("frontier", {"kinds": ["xlsx"]}, {".xlsx"}),
    ],
)
def test_papers_carry_a_mark_and_leave_an_entry(
    city: City, client: Callable[[str], Client], name: str, body: dict[str, Any], endings: set[str]
) -> None:
    director = client("director")
    given = body if name == "daily" else body | {"month": city.month}
    answer = director.post(f"{API}/reports/{name}", json=given)
    assert answer.status_code == 200, answer.text
    files = {"paper" + next(iter(endings)): answer.content}
    if len(endings) > 1:
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            files = {one: archive.read(one) for one in archive.namelist()}
    assert {f".{one.rsplit('.', 1)[-1]}" for one in files} == endings
    for one, content in files.items():
        if one.endswith(".xlsx"):
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
            text = "\n".join(
                str(cell) for row in book.worksheets[0].iter_rows(values_only=True) for cell in row if cell
            )
        else:
            text = content.decode("utf-8")
        assert "（院长，director）" in text, one
    with reading(city.app.state.workbench.engine) as connection:
        assert journal.entries(connection, act="export", last=1)[0].subject == f"report/{name}"


def test_papers_of_every_hospital_are_the_bureaus(city: City, client: Callable[[str], Client]) -> None:
    director, handler = client("director"), client("bureau_handler")
    listed = {one["id"] for one in handler.get(f"{API}/reports").json()["papers"]}
    assert listed - {one["id"] for one in director.get(f"{API}/reports").json()["papers"]} == {"evaluation"}
    body = {"month": city.month}
    assert refused(director, "post", "/reports/evaluation", json=body) == (403, "sign_in.scope")
    assert refused(handler, "post", "/reports/monthly", json=body) == (422, "analysis.hospital")
    assert refused(handler, "post", "/reports/none", json=body) == (404, "reports.missing")
    wrong = body | {"kinds": ["pdf"]}
    assert refused(director, "post", "/reports/joint", json=wrong) == (422, "reports.kind")
    assert client("records_room").get(f"{API}/reports").json()["papers"] == []


def test_a_long_computation_is_done_once_and_tells_how_far_it_is(city: City) -> None:
    computing, go, began = Computing(), threading.Event(), threading.Event()
    runs = []

    def work(tell: Any) -> int:
        runs.append(1)
        tell("半程", 1, 2)
        began.set()
        go.wait(10)
        return 42

    job = Job(("test", city.month), work)
    assert computing.look(city.home, job, patience=0).running is not None
    assert began.wait(10)
    far = computing.look(city.home, job, patience=0).running
    assert far is not None
    assert (far.words, far.done, far.total) == ("半程", 1, 2)
    go.set()
    assert computing.get(city.home, job) == 42
    assert computing.look(city.home, job, patience=0).found == 42
    assert len(runs) == 1


def test_what_a_computation_raises_is_told_and_the_next_look_begins_anew(city: City) -> None:
    computing, runs = Computing(), []

    def work(_: Any) -> int:
        runs.append(1)
        raise TongpinError("test.never", "不行")

    job = Job("fails", work)
    for _ in range(2):
        with pytest.raises(TongpinError, match="不行"):
            computing.get(city.home, job)
    assert len(runs) == 2


def test_a_changed_home_is_computed_again(city: City, tmp_path: Path) -> None:
    from tongpin.store.home import Home

    home, computing, runs = Home(tmp_path), Computing(), []
    job = Job("counts", lambda _: runs.append(1) or len(runs))
    assert (computing.get(home, job), computing.get(home, job)) == (1, 1)
    (home.policies / "own").mkdir(parents=True)
    (home.policies / "own" / "policy.yaml").write_text("a: 1\n", encoding="utf-8")
    assert computing.get(home, job) == 2
