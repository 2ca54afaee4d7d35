"""Signing in: who gets in, for how long, and what stops it; on a home without a city, where only people matter."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from tongpin.base.errors import TongpinError
from tongpin.store import journal
from tongpin.store.home import Home
from tongpin.workbench.api import events
from tongpin.workbench.app import create_app
from tongpin.workbench.guard import HEADERS
from tongpin.workbench.sign_in import passwords, users
from tongpin.workbench.sign_in.identity import Grant
from tongpin.workbench.sign_in.roles import role_of, settings_of
from tongpin.workbench.sign_in.tables import sessions, tokens
from tongpin.workbench.sign_in.tables import users as users_table
from tongpin.workbench.sign_in.users import By, Wanted, now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI
    from sqlalchemy import Engine


PASSWORD = "a-long-enough-password"
HOSPITAL = "H99010000001"
REAL_HASHER = passwords._hasher  # what the tests below put a quick one in place of


@dataclass
class Door:
    """A home with some people, all with the same password, and its app."""

    home: Home
    app: FastAPI

    @property
    def engine(self) -> Engine:
        found: Engine = self.app.state.workbench.engine
        return found

    def person(self, name: str, *wanted: Wanted, **more: Any) -> int:
        """A new person with roles."""
        with self.engine.begin() as connection:
            return users.create(
                connection, self.home, name, name, list(wanted), by=users.SYSTEM, password=PASSWORD, **more
            )[0]

    def visitor(self) -> TestClient:
        """A browser that nobody has signed in with."""
        return TestClient(self.app, base_url="https://testserver", raise_server_exceptions=False)

    def sign_in(self, name: str, password: str = PASSWORD) -> TestClient:
        """A browser of somebody signed in, with the CSRF token of its session."""
        one = self.visitor()
        answer = one.post("/api/v1/session", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        one.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return one

    def set(self, table: Any, **values: Any) -> None:
        """Change every row of a table: how time passes here."""
        with self.engine.begin() as connection:
            connection.execute(update(table).values(values))

    def acts(self) -> list[str]:
        """What the journal has, in order."""
        with self.engine.connect() as connection:
            return [one.act for one in journal.entries(connection)]


@pytest.fixture(scope="module", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """Hashes that cost little: what real ones cost is a test of its own."""
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", lambda: quick)
        yield


@pytest.fixture(scope="module")
def first_home(_quick_hashes: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with somebody of the bureau who manages users, and an office of a hospital."""
    home = Home.open(tmp_path_factory.mktemp("door") / "home")
    made = Door(home, create_app(home))
    made.person("it", Wanted("bureau_it"))
    made.person("office", Wanted("insurance_office", hospital=HOSPITAL))
    made.engine.dispose()
    return home.root


@pytest.fixture
def door(first_home: Path, tmp_path: Path) -> Door:
    """A home of a test's own, as the first one was."""
    shutil.copytree(first_home, tmp_path / "home")
    home = Home.open(tmp_path / "home")
    return Door(home, create_app(home))


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The answer is a refusal in the one shape."""
    said: dict[str, Any] = answer.json()
    assert (answer.status_code, said["code"]) == (status, code), answer.text
    assert said.keys() == {"ok", "status", "code", "message", "hint", "path", "errors"}
    assert said["ok"] is False
    assert said["status"] == status
    assert said["message"]
    return said


# -- passwords -------------------------------------------------------------------------------------------------------


def test_passwords_are_kept_as_argon2_hashes_only(door: Door) -> None:
    with door.engine.connect() as connection:
        kept = connection.execute(select(users_table.c.password_hash)).scalars().all()
    assert all(one.startswith("$argon2id$") for one in kept)
    assert len(set(kept)) == len(kept), "equal passwords have different hashes: each has its salt"


def test_a_hash_costs_what_it_should() -> None:
    """At least the 19 MiB and two passes that are advised for argon2id."""
    found = extract_parameters(REAL_HASHER().hash(PASSWORD))
    assert found.memory_cost >= 19 * 1024
    assert found.time_cost >= 2


def test_a_password_too_short_or_equal_to_the_name_is_refused(door: Door) -> None:
    for weak in ("short", "OFFICE-OFFICE"):
        with door.engine.begin() as connection, pytest.raises(TongpinError) as caught:
            users.create(connection, door.home, "office-office", "", [], by=users.SYSTEM, password=weak)
        assert caught.value.code == "sign_in.weak"


def test_a_new_password_is_shown_once_and_changed_before_anything_else(door: Door) -> None:
    administrator = door.sign_in("it")
    made = administrator.post("/api/v1/users", json={"name": "new", "grants": [{"role": "bureau_handler"}]})
    assert made.status_code == 201
    first = made.json()["password"]
    one = door.sign_in("new", first)
    assert one.get("/api/v1/me").json()["permissions"] == []
    refused(one.post("/api/v1/tables/findings/rows", json={}), 403, "sign_in.must_change")
    refused(one.put("/api/v1/session/password", json={"old": first, "new": first}), 422, "sign_in.weak")
    assert one.put("/api/v1/session/password", json={"old": first, "new": PASSWORD}).status_code == 200
    assert "findings.read" in one.get("/api/v1/me").json()["permissions"]
    refused(door.visitor().post("/api/v1/session", json={"name": "new", "password": first}), 401, "sign_in.wrong")


def test_a_change_of_password_ends_the_other_sessions(door: Door) -> None:
    here, elsewhere = door.sign_in("office"), door.sign_in("office")
    assert here.put("/api/v1/session/password", json={"old": PASSWORD, "new": "another-long-one"}).status_code == 200
    assert here.get("/api/v1/me").status_code == 200
    refused(elsewhere.get("/api/v1/me"), 401, "sign_in.needed")


def test_whoever_guesses_the_old_password_in_an_open_session_is_locked_out(door: Door) -> None:
    guesser = door.sign_in("office")
    for _ in range(settings_of(door.home)["lock.after_failures"]):
        answer = guesser.put("/api/v1/session/password", json={"old": "guess", "new": "another-long-one"})
        refused(answer, 422, "sign_in.wrong")
    refused(guesser.get("/api/v1/me"), 401, "sign_in.needed")
    again = door.visitor().post("/api/v1/session", json={"name": "office", "password": PASSWORD})
    refused(again, 401, "sign_in.locked")


# -- sessions --------------------------------------------------------------------------------------------------------


def test_the_cookie_is_for_the_browser_of_this_site_only(door: Door) -> None:
    answer = door.visitor().post("/api/v1/session", json={"name": "office", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert all(mark in cookie for mark in ("httponly", "samesite=strict", "secure", "path=/"))
    assert "domain" not in cookie
    plain = TestClient(door.app, base_url="http://testserver")
    answer = plain.post("/api/v1/session", json={"name": "office", "password": PASSWORD})
    assert "secure" not in answer.headers["set-cookie"].lower(), "by http a browser would not send it back"


def test_a_session_is_new_at_each_sign_in_and_the_old_one_of_the_browser_ends(door: Door) -> None:
    one = door.visitor()
    one.cookies.set("tongpin_session", "chosen-by-somebody-else")
    one.post("/api/v1/session", json={"name": "office", "password": PASSWORD})
    first = next(cookie.value for cookie in one.cookies.jar if cookie.value != "chosen-by-somebody-else")
    other = door.visitor()
    other.cookies.set("tongpin_session", str(first))
    assert other.get("/api/v1/me").status_code == 200
    other.post("/api/v1/session", json={"name": "office", "password": PASSWORD})
    stale = door.visitor()
    stale.cookies.set("tongpin_session", str(first))
    refused(stale.get("/api/v1/me"), 401, "sign_in.needed")
    chosen = door.visitor()
    chosen.cookies.set("tongpin_session", "chosen-by-somebody-else")
    refused(chosen.get("/api/v1/me"), 401, "sign_in.needed")


def test_only_the_digest_of_a_session_is_kept(door: Door) -> None:
    one = door.sign_in("office")
    token = next(cookie.value for cookie in one.cookies.jar)
    with door.engine.connect() as connection:
        kept = connection.execute(select(sessions.c.digest)).scalars().all()
    assert token not in kept
    assert all(len(digest) == 64 for digest in kept)


def test_a_session_ends_without_use_and_after_its_longest_time(door: Door) -> None:
    limits = settings_of(door.home)
    idle = door.sign_in("office")
    door.set(sessions, seen_at=now() - timedelta(minutes=limits["session.idle_minutes"] - 1))
    assert idle.get("/api/v1/me").status_code == 200, "a minute before"
    door.set(sessions, seen_at=now() - timedelta(minutes=limits["session.idle_minutes"] + 1))
    refused(idle.get("/api/v1/me"), 401, "sign_in.needed")
    old = door.sign_in("office")
    door.set(sessions, created_at=now() - timedelta(hours=limits["session.longest_hours"], minutes=1), seen_at=now())
    refused(old.get("/api/v1/me"), 401, "sign_in.needed")


def test_use_keeps_a_session_alive(door: Door) -> None:
    one = door.sign_in("office")
    door.set(sessions, seen_at=now() - timedelta(minutes=20))
    assert one.get("/api/v1/me").status_code == 200
    with door.engine.connect() as connection:
        seen = connection.execute(select(sessions.c.seen_at)).scalar_one()
    assert now() - seen < timedelta(minutes=1)


def test_signing_out_and_being_signed_out_end_a_session(door: Door) -> None:
    one, other, administrator = door.sign_in("office"), door.sign_in("office"), door.sign_in("it")
    token = next(cookie.value for cookie in one.cookies.jar)
    assert one.delete("/api/v1/session").status_code == 204
    back = door.visitor()
    back.cookies.set("tongpin_session", str(token))
    refused(back.get("/api/v1/me"), 401, "sign_in.needed")
    assert other.get("/api/v1/me").status_code == 200
    number = next(row["id"] for row in _users(administrator) if row["name"] == "office")
    assert administrator.delete(f"/api/v1/users/{number}/sessions").status_code == 204
    refused(other.get("/api/v1/me"), 401, "sign_in.needed")
    assert door.acts()[-2:] == ["sign_in.out", "users.sign_out"]


def test_an_account_is_locked_after_wrong_passwords_and_opens_again(door: Door) -> None:
    most = settings_of(door.home)["lock.after_failures"]
    for _ in range(most):
        answer = door.visitor().post("/api/v1/session", json={"name": "office", "password": "wrong"})
        refused(answer, 401, "sign_in.wrong")
    right = {"name": "office", "password": PASSWORD}
    refused(door.visitor().post("/api/v1/session", json=right), 401, "sign_in.locked")
    assert "sign_in.locked" in door.acts()
    door.set(users_table, locked_until=now() - timedelta(seconds=1))
    assert door.visitor().post("/api/v1/session", json=right).status_code == 200


def test_a_right_password_forgets_the_wrong_ones(door: Door) -> None:
    most = settings_of(door.home)["lock.after_failures"]
    for _ in range(2):
        for _ in range(most - 1):
            door.visitor().post("/api/v1/session", json={"name": "office", "password": "wrong"})
        assert door.visitor().post("/api/v1/session", json={"name": "office", "password": PASSWORD}).status_code == 200


def test_a_name_that_does_not_exist_is_refused_in_the_same_words(door: Door) -> None:
    nobody = door.visitor().post("/api/v1/session", json={"name": "nobody", "password": "wrong"})
    somebody = door.visitor().post("/api/v1/session", json={"name": "office", "password": "wrong"})
    assert nobody.json() == somebody.json()


def test_attempts_from_one_address_are_limited(door: Door) -> None:
    (door.home.root / "workbench.yaml").write_text("sign_in.per_minute: 2\n", encoding="utf-8")
    one = door.visitor()
    for _ in range(2):
        refused(one.post("/api/v1/session", json={"name": "nobody", "password": "wrong"}), 401, "sign_in.wrong")
    answer = one.post("/api/v1/session", json={"name": "nobody", "password": "wrong"})
    refused(answer, 429, "sign_in.pace")
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_a_stream_ends_with_its_session(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_WAIT_SECONDS", 0.05)
    door.person("head", Wanted("bureau_handler"))
    one = door.sign_in("head")

    def ends() -> None:
        door.set(sessions, revoked_at=now())

    timer = threading.Timer(1.0, ends)
    timer.start()
    with one.stream("GET", "/api/v1/events") as answer:
        said = "".join(answer.iter_text())
    timer.join()
    assert said.startswith("retry:")
    assert said.count(": here") >= 1
    refused(one.get("/api/v1/me"), 401, "sign_in.needed")


# -- requests from elsewhere -----------------------------------------------------------------------------------------


def test_an_unsafe_request_needs_the_csrf_token_of_its_own_session(door: Door) -> None:
    one, other = door.sign_in("office"), door.sign_in("it")
    role = {"grant": one.get("/api/v1/me").json()["acting"]["grant"]}
    for sent in ("", "wrong", other.headers["X-CSRF-Token"], "汉字".encode()):
        answer = one.put("/api/v1/session/role", json=role, headers={"X-CSRF-Token": sent})
        refused(answer, 403, "sign_in.csrf")
    assert one.put("/api/v1/session/role", json=role).status_code == 200


def test_a_form_of_another_site_signs_nobody_in(door: Door) -> None:
    text = '{"name": "office", "password": "' + PASSWORD + '"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = door.visitor().post("/api/v1/session", content=text, headers={"Content-Type": kind})
        assert answer.status_code == 422, kind
        assert "set-cookie" not in answer.headers


def test_every_answer_carries_the_headers_that_keep_a_browser_here(door: Door) -> None:
    one = door.visitor()
    for path in ("/", "/api/v1/me", "/api/v1/nothing", "/anything"):
        answer = one.get(path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
        assert "strict-transport-security" in answer.headers
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe-eval" not in policy
    assert "script-src 'self';" in policy
    assert one.get("/api/v1/me").headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in TestClient(door.app, base_url="http://testserver").get("/").headers


def test_an_error_that_nobody_expected_says_nothing_of_the_inside(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("/secret/path and a table name")

    monkeypatch.setattr("tongpin.workbench.sign_in.sessions.sign_in", fails)
    answer = door.visitor().post("/api/v1/session", json={"name": "office", "password": PASSWORD})
    said = refused(answer, 500, "internal")
    assert "secret" not in answer.text
    assert "编号" in said["message"]
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_nothing_leads_to_another_site(door: Door) -> None:
    one = door.visitor()
    for path in ("//evil.example/x", "/\\evil.example", "/sign-in?to=//evil.example", "/api/v1//evil.example/"):
        answer = one.get(path, follow_redirects=False)
        assert "location" not in answer.headers, path


def test_no_file_beside_the_pages_is_served(door: Door) -> None:
    one = door.visitor()
    for path in ("/../app.py", "/..%2fapp.py", "/%2e%2e/app.py", "/assets/../../app.py", "//etc/passwd", "/%00"):
        answer = one.get(path)
        assert "create_app" not in answer.text
        assert "root:" not in answer.text


def test_a_body_too_large_is_refused_unread(door: Door) -> None:
    (door.home.root / "workbench.yaml").write_text("request.most_mb: 1\n", encoding="utf-8")
    large = b'{"name": "' + b"x" * 2**20 + b'"}'
    said = door.visitor().post("/api/v1/session", content=large, headers={"Content-Type": "application/json"})
    refused(said, 413, "upload.size")

    def pieces() -> Any:
        yield from (large[place : place + 2**16] for place in range(0, len(large), 2**16))

    streamed = door.visitor().post("/api/v1/session", content=pieces(), headers={"Content-Type": "application/json"})
    refused(streamed, 413, "upload.size")


# -- roles and duties ------------------------------------------------------------------------------------------------


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
    mine = next(row["id"] for row in _users(administrator) if row["name"] == "it")
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
    token = _token(office)
    number = next(row["id"] for row in _users(administrator) if row["name"] == "office")
    assert administrator.delete(f"/api/v1/users/{number}").status_code == 204
    refused(office.get("/api/v1/me"), 401, "sign_in.needed")
    refused(_machine(door, token).get("/api/v1/tables"), 401, "tokens.refused")
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


# -- tokens ----------------------------------------------------------------------------------------------------------


def _users(one: TestClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = one.post("/api/v1/tables/users/rows", json={}).json()["rows"]
    return rows


def _token(one: TestClient, *scopes: str, **more: Any) -> str:
    wanted = {"label": "HIS", "scopes": list(scopes) or ["findings.read"], "expires_at": _in_days(3), **more}
    answer = one.post("/api/v1/tokens", json=wanted)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def _in_days(days: int) -> str:
    return f"{now() + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def _machine(door: Door, token: str) -> TestClient:
    one = door.visitor()
    one.headers["Authorization"] = f"Bearer {token}"
    return one


def test_a_token_acts_in_its_makers_role_narrowed_to_its_scopes(door: Door) -> None:
    office = door.sign_in("office")
    machine = _machine(door, _token(office, "findings.read"))
    assert machine.post("/api/v1/tables/findings/rows", json={}).status_code == 200
    refused(machine.post("/api/v1/group", json={"cases": [{"dx": ["I10.x00"]}]}), 403, "sign_in.denied")
    wanted = {"label": "x", "scopes": ["users.manage"], "expires_at": _in_days(3)}
    refused(office.post("/api/v1/tokens", json=wanted), 422, "tokens.scopes")
    with door.engine.connect() as connection:
        digest = connection.execute(select(tokens.c.digest)).scalar_one()
    assert office.get("/api/v1/tokens").json()[0]["digest"] == digest
    assert office.delete(f"/api/v1/tokens/{digest}").status_code == 204
    refused(machine.get("/api/v1/tables"), 401, "tokens.refused")


def test_a_token_ends_at_its_date_and_lives_no_longer_than_allowed(door: Door) -> None:
    office = door.sign_in("office")
    longest = settings_of(door.home)["token.longest_days"]
    for days in (-1, longest + 1):
        wanted = {"label": "x", "scopes": ["findings.read"], "expires_at": _in_days(days)}
        refused(office.post("/api/v1/tokens", json=wanted), 422, "tokens.expiry")
    machine = _machine(door, _token(office))
    door.set(tokens, expires_at=now() - timedelta(seconds=1))
    refused(machine.get("/api/v1/tables"), 401, "tokens.refused")


def test_a_token_makes_no_tokens_and_changes_no_people(door: Door) -> None:
    machine = _machine(door, _token(door.sign_in("it"), "tokens.manage", "users.manage"))
    wanted = {"label": "x", "scopes": ["users.manage"], "expires_at": _in_days(3)}
    refused(machine.post("/api/v1/tokens", json=wanted), 403, "sign_in.person")
    refused(machine.get("/api/v1/users/1"), 403, "sign_in.person")
    refused(machine.put("/api/v1/session/password", json={"old": PASSWORD, "new": "x" * 12}), 403, "sign_in.person")
    refused(machine.delete("/api/v1/session"), 403, "sign_in.person")


def test_a_token_stops_at_its_limit_and_is_told_when_to_come_back(door: Door) -> None:
    machine = _machine(door, _token(door.sign_in("office"), per_minute=3))
    assert [machine.get("/api/v1/tables").status_code for _ in range(3)] == [200, 200, 200]
    answer = machine.get("/api/v1/tables")
    refused(answer, 429, "tokens.pace")
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_nobody_ends_the_token_of_another(door: Door) -> None:
    _token(door.sign_in("office"))
    with door.engine.connect() as connection:
        digest = connection.execute(select(tokens.c.digest)).scalar_one()
    refused(door.sign_in("it").delete(f"/api/v1/tokens/{digest}"), 404, "tokens.missing")
