"""Passwords and sessions: who gets in, for how long, and what locks an account."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from argon2 import extract_parameters
from fastapi.testclient import TestClient
from sqlalchemy import select
from tests.workbench.sign_in.conftest import PASSWORD, REAL_HASHER, Door, refused, users_of

from tongpin.base.errors import TongpinError
from tongpin.workbench.api import events
from tongpin.workbench.sign_in import users
from tongpin.workbench.sign_in.roles import settings_of
from tongpin.workbench.sign_in.tables import sessions
from tongpin.workbench.sign_in.tables import users as users_table
from tongpin.workbench.sign_in.users import Wanted, now

if TYPE_CHECKING:
    pass


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
    number = next(row["id"] for row in users_of(administrator) if row["name"] == "office")
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
