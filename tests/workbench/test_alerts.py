"""Alerts: raised once, told to both desks at once, answered by each desk for itself, kept from everybody else."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select

from tongpin.store import journal
from tongpin.store.control import reading
from tongpin.store.home import Home
from tongpin.store.scope import Scope
from tongpin.twin.run import joint_in_home
from tongpin.workbench.app import create_app
from tongpin.workbench.cockpit.alerts import Alert, _beyond, alerts_of, found_in, raise_alerts
from tongpin.workbench.cockpit.catalogue import alert_rules
from tongpin.workbench.cockpit.sight import month_of
from tongpin.workbench.cockpit.tables import alert_answers, alerts
from tongpin.workbench.cockpit.watch import watch_of, watching
from tongpin.workbench.live import Event
from tongpin.workbench.serve import prepare
from tongpin.workbench.sign_in import users

if TYPE_CHECKING:
    from tongpin.measures.figures import FigureTable
    from tongpin.workbench.cockpit.sight import Month

INDEX = "discharge.fee_index.mean_form"


@dataclass
class Own:
    """The city's lake with a control database of its own."""

    home: Home
    app: Any
    passwords: dict[str, str]
    area: str
    month: str

    @property
    def bench(self) -> Any:
        return self.app.state.workbench

    def client(self, name: str, password: str = "") -> TestClient:
        """A signed-in client."""
        one = TestClient(self.app, base_url="http://testserver")
        answer = one.post("/api/v1/session", json={"name": name, "password": password or self.passwords[name]})
        assert answer.status_code == 200, answer.text
        one.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return one

    def open(self, client: TestClient) -> None:
        """Open the cockpit: the rules judge the month."""
        assert client.get("/api/v1/cockpit").status_code == 200

    def rows(self, client: TestClient) -> list[dict[str, Any]]:
        asked = {"area": self.area, "month": self.month}
        answer = client.post("/api/v1/tables/alerts/rows", json={"parameters": asked, "limit": 200})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["rows"])


@pytest.fixture(scope="module")
def beside(city: Any, tmp_path_factory: pytest.TempPathFactory) -> Own:
    """A home beside the city's: the same lake, accounts of its own."""
    root = tmp_path_factory.mktemp("alerts") / "home"
    (root / "demo").mkdir(parents=True)
    (root / "lake").symlink_to(city.home.lake)
    for name in ("patient.key", "demo/city.json"):
        shutil.copy(city.home.root / name, root / name)
    home = Home.open(root)
    passwords = {one.name: one.password for one in prepare(home)}
    return Own(home, create_app(home), passwords, city.area, city.month)


@pytest.fixture
def own(beside: Own) -> Own:
    """The home beside the city's with nobody's alerts yet, in a process that has looked at nothing."""
    with beside.bench.engine.begin() as connection:
        connection.execute(delete(alert_answers))
        connection.execute(delete(alerts))
    return replace(beside, app=create_app(beside.home))


def test_a_month_that_is_opened_is_judged_once(own: Own) -> None:
    bureau = own.client("bureau_handler")
    assert own.rows(bureau) == []
    own.open(bureau)
    raised = own.rows(bureau)
    joint = joint_in_home(own.home, own.month)
    crossed = {f"{row['institution_code']}" for result in joint.red_lines for row in result.hospitals.to_pylist()}
    assert {row["institution_code"] for row in raised if row["rule"] == "red_line"} >= crossed
    own.open(bureau)
    own.open(own.client("director"))
    assert own.rows(bureau) == raised
    month = month_of(own.home, own.area, own.month)
    assert len(found_in(month)) == len(raised)
    assert raise_alerts(own.bench.engine, month) == []


def test_both_desks_have_the_alert_and_answer_for_themselves(own: Own) -> None:
    director, bureau = own.client("director"), own.client("bureau_handler")
    own.open(director)
    mine = own.rows(director)
    assert mine
    assert {row["id"] for row in mine} <= {row["id"] for row in own.rows(bureau)}
    number = mine[0]["id"]
    answered = director.post(f"/api/v1/alerts/{number}/answer", json={"comment": "已逐例复核"})
    assert answered.status_code == 200, answered.text
    (row,) = [one for one in own.rows(bureau) if one["id"] == number]
    assert (row["hospital_state"], row["bureau_state"]) == ("已回复", "待回复")
    assert row["hospital_answer"] == "已逐例复核"
    again = director.post(f"/api/v1/alerts/{number}/answer", json={"comment": "再说一次"}).json()
    assert (again["code"], again["status"]) == ("alerts.closed", 409)
    assert bureau.post(f"/api/v1/alerts/{number}/answer", json={"comment": "下月复看"}).status_code == 200
    with reading(own.bench.engine) as connection:
        entries = journal.entries(connection, act="alert.answer", last=2)
    assert [(one.actor, one.details["desk"]) for one in entries] == [
        ("director", "hospital"),
        ("bureau_handler", "bureau"),
    ]
    assert journal.verify(own.bench.engine).is_whole


def test_an_answer_needs_words_and_the_permission(own: Own) -> None:
    director = own.client("director")
    own.open(director)
    number = own.rows(director)[0]["id"]
    assert director.post(f"/api/v1/alerts/{number}/answer", json={"comment": "  "}).status_code == 422
    head = own.client("dept_head").post(f"/api/v1/alerts/{number}/answer", json={"comment": "好"}).json()
    assert (head["code"], head["status"]) == ("sign_in.denied", 403)
    finance = own.client("bureau_finance").post(f"/api/v1/alerts/{number}/answer", json={"comment": "好"}).json()
    assert finance["status"] == 403


def test_another_hospital_neither_sees_nor_answers_it(own: Own) -> None:
    director = own.client("director")
    own.open(director)
    hospital = director.get("/api/v1/me").json()["scope"]["hospitals"][0]["code"]
    others = [row for row in own.rows(own.client("bureau_handler")) if row["institution_code"] != hospital]
    assert others
    other = others[0]["institution_code"]
    assert hospital not in {row["institution_code"] for row in others}
    assert other not in {row["institution_code"] for row in own.rows(director)}
    refused = director.post(f"/api/v1/alerts/{others[0]['id']}/answer", json={"comment": "不是我院"}).json()
    assert (refused["code"], refused["status"]) == ("alerts.missing", 404)
    wanted = [users.Wanted("director", area=own.area, hospital=other)]
    with own.bench.engine.begin() as connection:
        by = users.By("admin", None)
        users.create(connection, own.home, "neighbour", "邻院院长", wanted, by=by, password="a-long-password-1")
    neighbour = own.client("neighbour", "a-long-password-1")
    assert {row["institution_code"] for row in own.rows(neighbour)} == {other}
    answered = neighbour.post(f"/api/v1/alerts/{others[0]['id']}/answer", json={"comment": "核实中"})
    assert answered.status_code == 200, answered.text


class Judged:
    """A month whose every place has the same index, interval and cases."""

    def __init__(self, month: Month, value: float, low: float, count: int) -> None:
        self.month, self.changed = month, {"value": value, "low": low, "high": 2 * value - low, "count": count}

    def every_place(self, by: tuple[str, ...], name: str) -> FigureTable:
        table = self.month.every_place(by, name)
        return replace(table, figures=tuple(replace(one, **self.changed) for one in table.figures))


def index_alerts(own: Own, value: float, low: float, count: int) -> list[Alert]:
    month = month_of(own.home, own.area, own.month)
    return list(_beyond(Judged(month, value, low, count), alert_rules()["fee_index"]))  # type: ignore[arg-type]


def test_a_fee_index_beyond_its_limit_is_an_alert(own: Own) -> None:
    month = month_of(own.home, own.area, own.month)
    codes = {one.place["institution_code"] for one in month.every_place(("institution_code",), INDEX).figures}
    found = index_alerts(own, 1.15, 1.05, 30)
    assert {(one.hospital, one.department, one.subject) for one in found} == {(code, None, code) for code in codes}
    assert all(one.details["text"].startswith("费用消耗指数（组均法） 1.150，界限 1.10") for one in found)
    departments = [one for one in index_alerts(own, 1.25, 1.05, 30) if one.department is not None]
    assert departments, "departments have a limit of their own"
    assert {one.subject for one in departments} == {f"{one.hospital}/{one.department}" for one in departments}


@pytest.mark.parametrize(
    ("value", "low", "count"), [(1.10, 1.05, 100), (1.5, 1.0, 100), (1.5, 0.9, 100), (1.5, 1.2, 29)]
)
def test_within_the_limit_by_chance_or_on_few_cases_is_no_alert(own: Own, value: float, low: float, count: int) -> None:
    assert index_alerts(own, value, low, count) == []


def test_an_alert_of_a_department_is_seen_by_that_department(own: Own) -> None:
    one = next(one for one in index_alerts(own, 1.3, 1.2, 50) if one.department is not None)
    row = one._asdict() | {"area": own.area, "month": own.month, "raised_at": users.now()}
    with own.bench.engine.begin() as connection:
        connection.execute(alerts.insert().values(row))
    hospitals = frozenset({one.hospital})
    scopes = {
        Scope(hospitals=hospitals): 1,
        Scope(hospitals=hospitals, departments=frozenset({str(one.department)})): 1,
        Scope(hospitals=hospitals, departments=frozenset({"99"})): 0,
        Scope(hospitals=hospitals, doctors=frozenset({"x"})): 0,
        Scope(hospitals=frozenset({"other"})): 0,
    }
    with reading(own.bench.engine) as connection:
        for scope, count in scopes.items():
            assert len(alerts_of(connection, own.area, own.month, scope)) == count, scope
    event = Event("alert", {}, one.hospital, 1, one.department, own.area)
    assert [event.concerns(scope, None) for scope in scopes] == [bool(count) for count in scopes.values()]
    assert not event.concerns(Scope(), "elsewhere")


def test_alerts_are_told_as_they_are_raised(own: Own) -> None:
    async def heard() -> list[Event]:
        one = own.bench.events.listen()
        await asyncio.to_thread(watch_of(own.bench).judge, own.bench, own.area, own.month)
        found = [await asyncio.wait_for(one[1].get(), 10)]
        await asyncio.sleep(0)
        while not one[1].empty():
            found.append(one[1].get_nowait())
        await asyncio.to_thread(watch_of(own.bench).look, own.bench)
        assert one[1].empty(), "told once"
        return found

    told = asyncio.run(heard())
    with reading(own.bench.engine) as connection:
        numbers = list(connection.execute(select(alerts.c.id).order_by(alerts.c.id)).scalars())
    assert [one.number for one in told] == numbers
    assert {one.kind for one in told} == {"alert"}
    assert all(
        one.data["hospital"].startswith("绩效预警") and one.data["bureau"].startswith("医保干预") for one in told
    )


def test_the_watch_looks_by_itself(own: Own) -> None:
    async def watched() -> int:
        one = own.bench.events.listen()
        async with watching(own.bench):
            return (await asyncio.wait_for(one[1].get(), 60)).number

    assert asyncio.run(watched()) == 1
