"""The workbench of a small demonstration city for all tests of one process: a client for each role, a real browser."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from tongpin.demo.city import build_city
from tongpin.grouping.library import DEMO_SCHEME, open_scheme, scheme_folders
from tongpin.payment.month.run import settle_in_home
from tongpin.records.intake.load import load_files
from tongpin.store.home import Home
from tongpin.workbench.app import ROUTERS, create_app
from tongpin.workbench.serve import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI

CASES = 1_500
"""Lists of the city: three months of it, about 750 paid by group."""


@dataclass
class City:
    """A home with closed months, its accounts' passwords by role, its app."""

    home: Home
    passwords: dict[str, str]
    app: FastAPI
    months: list[str] = field(default_factory=list)
    area: str = "demo-east"

    @property
    def month(self) -> str:
        """The last closed month."""
        return self.months[-1]


class Client(TestClient):
    """A client that signed in: unsafe requests carry the CSRF token."""

    me: dict[str, Any]

    def sign_in(self, name: str, password: str) -> Client:
        answer = self.post("/api/v1/session", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        self.me = answer.json()
        self.headers["X-CSRF-Token"] = self.me["csrf"]
        return self

    def rows(self, table: str, **asked: Any) -> dict[str, Any]:
        """A page of a list; the answer must be a success."""
        answer = self.post(f"/api/v1/tables/{table}/rows", json=asked)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def make_city(folder: Path, cases: int = CASES) -> City:
    """A new home with the demonstration city, closed month by month, and its accounts."""
    home = Home.open(folder)
    city = build_city(home.demo, cases=cases, scheme_folder=scheme_folders(home)[DEMO_SCHEME], replace=True)
    home.demo_city.write_text(json.dumps({"cases": cases}), encoding="utf-8")
    load_files(home, [home.demo / "files"], None)
    assert open_scheme(home, DEMO_SCHEME)
    months = sorted(month.month for month in city.months)
    for month in months:
        settle_in_home(home, month)
    passwords = {one.name: one.password for one in prepare(home)}
    return City(home, passwords, create_app(home), months)


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """The city that tests read; a test that writes to the home makes its own (`fresh_city`)."""
    return make_city(tmp_path_factory.mktemp("workbench") / "home")


@pytest.fixture
def client(city: City) -> Callable[[str], Client]:
    """A signed-in client of a role: `client("director")`."""
    opened: list[Client] = []

    def of(role: str) -> Client:
        one = Client(city.app, base_url="http://testserver", raise_server_exceptions=False)
        opened.append(one)
        return one.sign_in(role, city.passwords[role])

    return of


@dataclass
class Served:
    """A city answered by uvicorn on a port of this host."""

    city: City
    url: str


@pytest.fixture(scope="session")
def served(city: City) -> Iterator[Served]:
    """The city's workbench on a real port."""
    with serving(city) as found:
        yield found


@contextmanager
def serving(city: City) -> Iterator[Served]:
    """The workbench of a city on a real port, for pages that write to a city of their own."""
    import uvicorn

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(city.app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    yield Served(city, f"http://127.0.0.1:{port}")
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def page_as(browser: Any, served: Served) -> Iterator[Callable[..., Any]]:
    """A browser page signed in as a role, every request to another host refused: `page_as("director")`.

    `page.outside` lists what a page asked of other hosts, `page.faults` what failed in it and what its console
    complained of; both must stay empty (`sound`).
    """
    contexts: list[Any] = []

    def of(role: str, width: int = 1440, height: int = 900) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN", reduced_motion="reduce"
        )
        contexts.append(context)
        page = context.new_page()
        page.outside = []
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda said: page.faults.append(_complaint(said)) if said.type == "error" else None)

        def guard(route: Any) -> None:
            if route.request.url.startswith((served.url, "data:", "blob:")):
                route.continue_()
            else:
                page.outside.append(route.request.url)
                route.abort()

        context.route("**/*", guard)
        page.goto(served.url)
        page.get_by_label("登录名").fill(role)
        page.get_by_label("口令", exact=True).fill(served.city.passwords[role])
        page.get_by_role("button", name="登录").click()
        page.wait_for_selector("nav")
        page.faults.clear()  # that nobody had signed in yet is no fault
        return page

    yield of
    for context in contexts:
        context.close()


def _complaint(said: Any) -> str:
    return f"{said.text} {said.location['url']}"


PATIENCE = 60_000
"""Milliseconds until a page shows what is awaited: other tests share the machine."""


def opened(page: Any, served: Served, path: str, awaited: str) -> Any:
    """The page of a path once it shows what is awaited: a selector."""
    page.goto(f"{served.url}{path}")
    page.locator(awaited).locator("visible=true").first.wait_for(timeout=PATIENCE)
    return page


def sound(page: Any) -> None:
    """Nothing was asked of other hosts, nothing failed, axe finds nothing serious, nothing is wider than the page."""
    from axe_playwright_python.sync_playwright import Axe

    assert page.outside == []
    assert page.faults == []
    page.mouse.move(0, 0)  # what the mouse rests on, or just left, has colours of its own for a moment
    found = [one for one in Axe().run(page).response["violations"] if one["impact"] in {"serious", "critical"}]
    assert [f"{one['id']}: {one['help']} ({one['nodes'][0]['html'][:120]})" for one in found] == []
    assert page.evaluate("() => { const m = document.querySelector('main'); return m.scrollWidth <= m.clientWidth }")


@cache
def permissions_of_operations() -> dict[str, set[str]]:
    """The permissions that each operation names."""
    return {
        route.name: {one.call.permission for one in _all(route.dependant) if hasattr(one.call, "permission")}
        for name in ROUTERS
        for route in import_module(f"tongpin.workbench.api.{name}").router.routes
    }


def _all(dependant: Any) -> Iterator[Any]:
    for one in dependant.dependencies:
        yield one
        yield from _all(one)
