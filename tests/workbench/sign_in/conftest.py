"""What the tests of signing in share: a home without a city, where only people matter."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from sqlalchemy import update

from tongpin.store import journal
from tongpin.store.home import Home
from tongpin.workbench.app import create_app
from tongpin.workbench.sign_in import passwords, users
from tongpin.workbench.sign_in.users import Wanted, now

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


def users_of(one: TestClient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = one.post("/api/v1/tables/users/rows", json={}).json()["rows"]
    return rows


def token_of(one: TestClient, *scopes: str, **more: Any) -> str:
    wanted = {"label": "HIS", "scopes": list(scopes) or ["findings.read"], "expires_at": in_days(3), **more}
    answer = one.post("/api/v1/tokens", json=wanted)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def in_days(days: int) -> str:
    return f"{now() + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def machine_of(door: Door, token: str) -> TestClient:
    one = door.visitor()
    one.headers["Authorization"] = f"Bearer {token}"
    return one
