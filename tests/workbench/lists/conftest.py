"""What the tests of cases, findings and lists share: a copy of the city that they may write to, and its people."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tongpin.store.control import control_engine
from tongpin.store.home import Home
from tongpin.workbench.app import create_app
from tongpin.workbench.sign_in import users

PASSWORD = "Only-for-this-test-7"

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def own(city: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The city once more in another folder, with the same accounts, for tests that write."""
    folder = tmp_path_factory.mktemp("own") / "home"
    shutil.copytree(city.home.root, folder)
    home = Home.open(folder)
    return replace(city, home=home, app=create_app(home))


@pytest.fixture
def sign_in(own: Any, client: Callable[[str], Any]) -> Callable[[str], Any]:
    """A signed-in client of a role in that copy."""

    def of(role: str) -> Any:
        one = type(client(role))(own.app, base_url="http://testserver", raise_server_exceptions=False)
        return one.sign_in(role, own.passwords[role])

    return of


@pytest.fixture
def office_of(own: Any, client: Callable[[str], Any]) -> Callable[[str], Any]:
    """The insurance office of a hospital in that copy, a new account at each call."""

    def of(hospital: str) -> Any:
        engine = control_engine(own.home)
        name = f"office-{hospital}-{secrets.token_hex(3)}"
        with engine.begin() as connection:
            wanted = [users.Wanted("insurance_office", own.area, hospital)]
            users.create(connection, own.home, name, "医保办", wanted, by=users.SYSTEM, password=PASSWORD)
        one = type(client("bureau_it"))(own.app, base_url="http://testserver", raise_server_exceptions=False)
        return one.sign_in(name, PASSWORD)

    return of


@pytest.fixture
def both_hands(own: Any, client: Callable[[str], Any]) -> Callable[[str], Any]:
    """One person who reviews and checks, in the role named."""
    engine = control_engine(own.home)
    name = f"both-{secrets.token_hex(3)}"
    with engine.begin() as connection:
        wanted = [users.Wanted(role, own.area) for role in ("bureau_handler", "bureau_checker")]
        users.create(connection, own.home, name, "一人两岗", wanted, by=users.SYSTEM, password=PASSWORD)

    def of(role: str) -> Any:
        one = type(client("bureau_it"))(own.app, base_url="http://testserver", raise_server_exceptions=False)
        one.sign_in(name, PASSWORD)
        grant = next(held["grant"] for held in one.me["roles"] if held["id"] == role)
        assert one.put("/api/v1/session/role", json={"grant": grant}).status_code == 200
        return one

    return of
