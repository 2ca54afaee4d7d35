"""Tokens of machines: narrowed, dated, limited."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from tests.workbench.sign_in.conftest import PASSWORD, Door, in_days, machine_of, refused, token_of

from tongpin.workbench.sign_in.roles import settings_of
from tongpin.workbench.sign_in.tables import tokens
from tongpin.workbench.sign_in.users import now

if TYPE_CHECKING:
    pass


def test_a_token_acts_in_its_makers_role_narrowed_to_its_scopes(door: Door) -> None:
    office = door.sign_in("office")
    machine = machine_of(door, token_of(office, "findings.read"))
    assert machine.post("/api/v1/tables/findings/rows", json={}).status_code == 200
    refused(machine.post("/api/v1/group", json={"cases": [{"dx": ["I10.x00"]}]}), 403, "sign_in.denied")
    wanted = {"label": "x", "scopes": ["users.manage"], "expires_at": in_days(3)}
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
        wanted = {"label": "x", "scopes": ["findings.read"], "expires_at": in_days(days)}
        refused(office.post("/api/v1/tokens", json=wanted), 422, "tokens.expiry")
    machine = machine_of(door, token_of(office))
    door.set(tokens, expires_at=now() - timedelta(seconds=1))
    refused(machine.get("/api/v1/tables"), 401, "tokens.refused")


def test_a_token_makes_no_tokens_and_changes_no_people(door: Door) -> None:
    machine = machine_of(door, token_of(door.sign_in("it"), "tokens.manage", "users.manage"))
    wanted = {"label": "x", "scopes": ["users.manage"], "expires_at": in_days(3)}
    refused(machine.post("/api/v1/tokens", json=wanted), 403, "sign_in.person")
    refused(machine.get("/api/v1/users/1"), 403, "sign_in.person")
    refused(machine.put("/api/v1/session/password", json={"old": PASSWORD, "new": "x" * 12}), 403, "sign_in.person")
    refused(machine.delete("/api/v1/session"), 403, "sign_in.person")


def test_a_token_stops_at_its_limit_and_is_told_when_to_come_back(door: Door) -> None:
    machine = machine_of(door, token_of(door.sign_in("office"), per_minute=3))
    assert [machine.get("/api/v1/tables").status_code for _ in range(3)] == [200, 200, 200]
    answer = machine.get("/api/v1/tables")
    refused(answer, 429, "tokens.pace")
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_nobody_ends_the_token_of_another(door: Door) -> None:
    token_of(door.sign_in("office"))
    with door.engine.connect() as connection:
        digest = connection.execute(select(tokens.c.digest)).scalar_one()
    refused(door.sign_in("it").delete(f"/api/v1/tokens/{digest}"), 404, "tokens.missing")
