"""Roles, duties that exclude each other, and grants that end (S003-17, S911-02)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.workbench.sign_in.conftest import HOSPITAL, PASSWORD, Door, machine_of, refused, token_of, users_of

from tongpin.base.errors import TongpinError
from tongpin.store import journal
from tongpin.workbench.sign_in import users
from tongpin.workbench.sign_in.identity import Grant
from tongpin.workbench.sign_in.roles import role_of
from tongpin.workbench.sign_in.users import By, Wanted, now

if TYPE_CHECKING:
    pass


def test_somebody_acts_in_one_role_at_a_time(door: Door) -> None:
    door.person("both", Wanted("insurance_office", hospital=HOSPITAL), Wanted("performance_office", hospital=HOSPITAL))
    one = door.sign_in("both")
    me = one.get("/api/v1/me").json()
    assert [role["id"] for role in me["roles"]] == ["insurance_office", "performance_office"]
    assert "appeals.write" in me["permissions"]
    other = one.put("/api/v1/session/role", json={"grant": me["roles"][1]["grant"]}).json()
    assert other["acting"]["id"] == "performance_office"
    assert "appeals.write" not in other["permissions"]
    foreign = door.sign_in("it").get("/api/v1/me").json()["acting"]["grant"]
    refused(one.put("/api/v1/session/role", json={"grant": foreign}), 422, "sign_in.role")


@pytest.mark.parametrize(
    ("held", "wanted", "rule"),
    [
        ("bureau_handler", "bureau_approver", "DUTY-01"),
        ("bureau_auditor", "bureau_approver", "DUTY-02"),
        ("bureau_finance", "bureau_handler", "DUTY-05"),
        ("bureau_it", "bureau_handler", "DUTY-07"),
        ("bureau_it", "bureau_finance", "DUTY-08"),
        ("bureau_seals", "bureau_approver", "DUTY-10"),
    ],
)
def test_duties_exclude_each_other(door: Door, held: str, wanted: str, rule: str) -> None:
    """S003-17, S003-19, S911-02."""
    number = door.person("one", Wanted(held))
    with door.engine.begin() as connection, pytest.raises(TongpinError) as caught:
        users.grant(connection, number, Wanted(wanted), by=By("it", "bureau_it"))
    assert caught.value.code == "users.duties"
    assert rule in [one.rule_id for one in caught.value.findings]


def test_duties_that_go_together_are_granted_and_one_that_was_taken_back_no_longer_excludes(door: Door) -> None:
    administrator = door.sign_in("it")
    number = door.person("one", Wanted("bureau_handler"))
    assert administrator.post(f"/api/v1/users/{number}/grants", json={"role": "bureau_checker"}).status_code == 201
    refused(administrator.post(f"/api/v1/users/{number}/grants", json={"role": "bureau_seals"}), 422, "users.duties")
    for held in administrator.get(f"/api/v1/users/{number}").json()["grants"]:
        assert administrator.delete(f"/api/v1/grants/{held['id']}").status_code == 204
    assert administrator.post(f"/api/v1/users/{number}/grants", json={"role": "bureau_seals"}).status_code == 201


def test_a_home_may_write_its_own_excluded_duties(door: Door) -> None:
    """S911-02: the table is data."""
    pair = "  - {id: OWN-1, first: information, second: supervision, reason: 本单位规定, reference: 本单位}\n"
    (door.home.root / "duties.yaml").write_text("incompatible:\n" + pair, encoding="utf-8")
    number = door.person("one", Wanted("bureau_auditor"))
    administrator = door.sign_in("it")
    said = refused(
        administrator.post(f"/api/v1/users/{number}/grants", json={"role": "bureau_it"}), 422, "users.duties"
    )
    assert "本单位规定" in said["message"]
    assert [one["id"] for one in administrator.get("/api/v1/roles").json()["excluded"]] == ["OWN-1"]


def test_nobody_changes_their_own_roles_or_account(door: Door) -> None:
    administrator = door.sign_in("it")
    me = administrator.get("/api/v1/me").json()
    mine = next(row["id"] for row in users_of(administrator) if row["name"] == "it")
    refused(administrator.post(f"/api/v1/users/{mine}/grants", json={"role": "bureau_auditor"}), 422, "users.self")
    refused(administrator.delete(f"/api/v1/grants/{me['acting']['grant']}"), 422, "users.self")
    refused(administrator.delete(f"/api/v1/users/{mine}"), 422, "users.self")
    refused(administrator.post(f"/api/v1/users/{mine}/password"), 422, "users.self")


def test_only_who_manages_users_manages_users(door: Door) -> None:
    office = door.sign_in("office")
    for method, path in (
        ("post", "/users"),
        ("get", "/users/1"),
        ("delete", "/users/1"),
        ("post", "/users/1/password"),
        ("post", "/users/1/grants"),
        ("delete", "/grants/1"),
        ("get", "/roles"),
        ("post", "/journal/check"),
    ):
        body = {"json": {"name": "x", "role": "bureau_it"}} if method == "post" else {}
        answer = office.request(method, f"/api/v1{path}", **body)
        assert answer.status_code in {403, 422}, (path, answer.text)
        if answer.status_code == 403:
            refused(answer, 403, "sign_in.denied")
    refused(office.post("/api/v1/tables/users/rows", json={}), 403, "sign_in.denied")
    refused(office.post("/api/v1/tables/journal/rows", json={}), 403, "sign_in.denied")


def test_a_role_taken_back_or_ended_opens_nothing(door: Door) -> None:
    administrator, office = door.sign_in("it"), door.sign_in("office")
    held = office.get("/api/v1/me").json()["acting"]["grant"]
    assert administrator.delete(f"/api/v1/grants/{held}").status_code == 204
    refused(office.get("/api/v1/me"), 401, "sign_in.needed")
    again = door.visitor().post("/api/v1/session", json={"name": "office", "password": PASSWORD})
    refused(again, 401, "sign_in.no_role")
    refused(administrator.delete(f"/api/v1/grants/{held}"), 404, "users.missing")


def test_a_disabled_user_is_out_at_once_and_stays_out(door: Door) -> None:
    administrator, office = door.sign_in("it"), door.sign_in("office")
    token = token_of(office)
    number = next(row["id"] for row in users_of(administrator) if row["name"] == "office")
    assert administrator.delete(f"/api/v1/users/{number}").status_code == 204
    refused(office.get("/api/v1/me"), 401, "sign_in.needed")
    refused(machine_of(door, token).get("/api/v1/tables"), 401, "tokens.refused")
    again = door.visitor().post("/api/v1/session", json={"name": "office", "password": PASSWORD})
    refused(again, 401, "sign_in.wrong")
    shown = administrator.get(f"/api/v1/users/{number}").json()
    assert (shown["disabled"], shown["sessions"], shown["tokens"]) == (True, 0, 0)


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (Wanted("director"), "users.reach"),
        (Wanted("dept_head", hospital=HOSPITAL), "users.reach"),
        (Wanted("bureau_handler", hospital=HOSPITAL), "users.reach"),
        (Wanted("outside_expert", until=now() + timedelta(days=3)), "users.reach"),
        (Wanted("outside_expert", cases=("S1",), until=now() + timedelta(days=3)), "users.reach"),
        (Wanted("director", hospital=HOSPITAL, until=now() - timedelta(days=1)), "users.until"),
        (Wanted("nobody"), "workbench.role"),
    ],
)
def test_a_grant_without_a_whole_reach_is_refused(door: Door, wanted: Wanted, code: str) -> None:
    number = door.person("one")
    with door.engine.begin() as connection, pytest.raises(TongpinError) as caught:
        users.grant(connection, number, wanted, by=users.SYSTEM)
    assert caught.value.code == code


def test_a_reach_that_lacks_its_name_shows_nothing() -> None:
    for role in ("director", "dept_head", "doctor", "outside_expert"):
        assert not Grant(1, role_of(role)).scope.is_whole
    assert Grant(1, role_of("director")).scope.hospitals == frozenset()
    assert Grant(1, role_of("dept_head"), hospital=HOSPITAL).scope.departments == frozenset()


def test_every_change_of_a_user_is_journalled_with_the_role_it_was_made_in(door: Door) -> None:
    administrator = door.sign_in("it")
    number = administrator.post("/api/v1/users", json={"name": "new", "display": "新"}).json()["id"]
    administrator.post(f"/api/v1/users/{number}/grants", json={"role": "bureau_handler"})
    held = administrator.get(f"/api/v1/users/{number}").json()["grants"][0]["id"]
    administrator.post(f"/api/v1/users/{number}/password")
    administrator.delete(f"/api/v1/grants/{held}")
    administrator.delete(f"/api/v1/users/{number}")
    with door.engine.connect() as connection:
        found = [one for one in journal.entries(connection) if one.subject == "user/new"]
    acts = ["users.create", "users.grant", "users.reset", "users.revoke", "users.disable"]
    assert [one.act for one in found] == acts
    assert {(one.actor, one.acted_as) for one in found} == {("it", "bureau_it")}
    said = administrator.post("/api/v1/journal/check").json()
    assert said["is_whole"]
    assert said["count"] == len(door.acts()) - 1, "the check is an entry made after it"


def test_two_users_have_neither_one_name_nor_one_subject(door: Door) -> None:
    administrator = door.sign_in("it")
    refused(administrator.post("/api/v1/users", json={"name": "office"}), 409, "users.exists")
    assert administrator.post("/api/v1/users", json={"name": "a", "single_sign_on": "i|1"}).status_code == 201
    refused(administrator.post("/api/v1/users", json={"name": "b", "single_sign_on": "i|1"}), 409, "users.exists")
    refused(administrator.post("/api/v1/users", json={"name": "a b"}), 422, "users.name")
