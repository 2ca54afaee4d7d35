"""What the tests of money share: a copy of the city whose months are open, and its people."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from tongpin.store.home import Home
from tongpin.workbench.app import create_app

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


def people(city: Any) -> Callable[[str], Person]:
    """The people of a city by role, each signed in once."""
    held: dict[str, Person] = {}

    def of(role: str) -> Person:
        if role not in held:
            one = Person(city.app, base_url="http://testserver", raise_server_exceptions=False)
            held[role] = one.sign_in(role, city.passwords[role])
        return held[role]

    return of


@pytest.fixture
def open_city(city: Any, tmp_path: Path) -> Any:
    """A copy of the city whose months are all still open."""
    root = tmp_path / "home"
    shutil.copytree(city.home.root, root)
    for name in _OF_RUNS:
        shutil.rmtree(root / "lake" / name)
    home = Home.open(root)
    return replace(city, home=home, app=create_app(home))


@pytest.fixture
def person(open_city: Any) -> Callable[[str], Person]:
    """Somebody of the open city by role."""
    return people(open_city)


@pytest.fixture(scope="session")
def who(city: Any) -> Callable[[str], Person]:
    """Somebody of the closed city by role."""
    return people(city)
