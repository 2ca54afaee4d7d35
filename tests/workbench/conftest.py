"""The workbench of a small demonstration city for all tests of one process: a client for each role, a real browser."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient

from tongpin.demo.city import build_city
from tongpin.grouping.library import DEMO_SCHEME, open_scheme, scheme_folders
from tongpin.payment.month.run import settle_in_home
from tongpin.records.intake.load import load_files
from tongpin.store.home import Home
from tongpin.workbench.app import create_app
from tongpin.workbench.serve import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI

CASES = 1_500
"""Lists of the city: three months of it, about 750 paid by group."""
CHROMIUM = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
)


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


@pytest.fixture(scope="session")
def browser(chromium_path: Path | None) -> Iterator[Any]:
    """A headless Chromium; tests that use it carry `needs("chromium")`."""
    if chromium_path is None:
        pytest.skip("no Chromium")
    from playwright.sync_api import sync_playwright

    os.environ.setdefault("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=str(chromium_path), args=list(CHROMIUM))
        yield one
        one.close()


@pytest.fixture
def page_as(browser: Any, served: Served) -> Iterator[Callable[..., Any]]:
    """A browser page signed in as a role, every request to another host refused and counted: `page_as("director")`.

    `page.outside` lists what a page asked of other hosts; it must stay empty.
    """
    contexts: list[Any] = []

    def of(role: str, width: int = 1440, height: int = 900) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
        contexts.append(context)
        page = context.new_page()
        page.outside = []

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
        return page

    yield of
    for context in contexts:
        context.close()


def serious_faults(page: Any) -> list[str]:
    """What axe finds that is serious or critical on a page."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']} ({one['nodes'][0]['html'][:120]})"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
