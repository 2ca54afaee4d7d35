"""What the tests of money share: a copy of the city whose months are open, and its people."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from tongpin.store.control import control_engine
from tongpin.store.home import Home
from tongpin.workbench.api.asking import Workbench
from tongpin.workbench.app import create_app
from tongpin.workbench.live import Events
from tongpin.workbench.sign_in import users

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_OF_RUNS = ("settlement_runs", "posted_lines", "statements")


class Person(TestClient):
    """Somebody who signed in."""

    def sign_in(self, name: str, password: str) -> Person:
        answer = self.post("/api/v1/session", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        self.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return self

    def rows(self, table: str, **asked: Any) -> dict[str, Any]:
        answer = self.post(f"/api/v1/tables/{table}/rows", json=asked)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def got(self, path: str) -> Any:
        answer = self.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and code of a refusal."""
        answer = self.request(method, f"/api/v1{path}", json=body)
        return answer.status_code, str(answer.json().get("code"))


ROLES = (
    *("bureau_handler", "bureau_checker", "bureau_reviewer", "bureau_approver", "bureau_finance", "bureau_seals"),
    *("bureau_auditor", "director", "insurance_office", "hospital_finance", "outside_expert", "doctor"),
)


def client_of(city: Any) -> Person:
    """Somebody in front of a city, not signed in."""
    return Person(city.app, base_url="http://testserver", raise_server_exceptions=False)


def people(city: Any) -> dict[str, Person]:
    """Everybody of a city by role, signed in."""
    return {role: client_of(city).sign_in(role, city.passwords[role]) for role in ROLES}


def somebody(city: Any, role: str, hospital: str) -> Person:
    """A new account of a role at a hospital, signed in."""
    name, password = f"{role}-{hospital}", "Kl7-wbq2-zz91-Xp"
    with control_engine(city.home).begin() as connection:
        wanted = [users.Wanted(role, city.area, hospital)]
        users.create(connection, city.home, name, name, wanted, by=users.SYSTEM, password=password)
    return client_of(city).sign_in(name, password)


@pytest.fixture
def account(open_city: Any) -> Callable[[str, str], Person]:
    """Somebody of the open city by role and hospital."""
    return lambda role, hospital: somebody(open_city, role, hospital)


def copied(city: Any, root: Path) -> Any:
    """A city in a copy of its home."""
    shutil.copytree(city.home.root, root)
    return replace(city, home=Home.open(root))


@pytest.fixture(scope="session")
def unsettled(city: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Person]]:
    """A copy of the city whose months are all still open, in which everybody is signed in, to be copied again."""
    made = copied(city, tmp_path_factory.mktemp("unsettled") / "home")
    for name in _OF_RUNS:
        shutil.rmtree(made.home.lake / name)
    made = replace(made, app=create_app(made.home))
    found = people(made)
    control_engine(made.home).dispose()
    return made, found


@pytest.fixture
def open_city(unsettled: tuple[Any, dict[str, Person]], tmp_path: Path) -> Any:
    """A city of one's own whose months are all still open; the app is the same, before another home."""
    made = copied(unsettled[0], tmp_path / "home")
    made.app.state.workbench = Workbench(made.home, control_engine(made.home), Events())
    return made


@pytest.fixture
def person(open_city: Any, unsettled: tuple[Any, dict[str, Person]]) -> Callable[[str], Person]:
    """Somebody of the open city by role; their session was copied with it."""

    def of(role: str) -> Person:
        one, known = client_of(open_city), unsettled[1][role]
        one.cookies.update(known.cookies)
        one.headers["X-CSRF-Token"] = known.headers["X-CSRF-Token"]
        return one

    return of


@pytest.fixture(scope="session")
def who(city: Any) -> Callable[[str], Person]:
    """Somebody of the closed city by role."""
    return people(city).__getitem__
