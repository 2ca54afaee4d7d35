"""The control database: upgraded from nothing on SQLite and PostgreSQL, as the rooms declare it, and never used old."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from tongpin.base.errors import StoreError
from tongpin.store import control
from tongpin.store.home import Home

SOURCE = Path(__file__).resolve().parents[2] / "src"
DECLARES = "store.control import metadata"


def declare_every_table() -> None:
    """Import every module that declares tables."""
    for path in sorted((SOURCE / "tongpin").rglob("*.py")):
        if "migrations" not in path.parts and DECLARES in path.read_text(encoding="utf-8"):
            importlib.import_module(".".join(path.relative_to(SOURCE).with_suffix("").parts))


def differences(engine: Engine) -> list[Any]:
    """What the database has otherwise than the rooms declare; comments are for readers of the code."""
    declare_every_table()
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        found = compare_metadata(context, control.metadata)
    flat = [one for part in found for one in (part if isinstance(part, list) else [part])]
    return [one for one in flat if "comment" not in one[0]]


def test_the_steps_make_what_the_rooms_declare(engine: Engine) -> None:
    assert differences(engine) == []
    assert {"journal", "documents"} <= set(inspect(engine).get_table_names())


def test_a_column_that_no_step_makes_would_be_seen(engine: Engine) -> None:
    before = differences(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE documents ADD COLUMN further INTEGER"))
    assert [one[0] for one in differences(engine) if one not in before] == ["remove_column"]


def test_an_upgraded_database_is_current_and_stays_so(engine: Engine) -> None:
    control.check_current(engine)
    control.upgrade(engine)
    control.check_current(engine)


def test_two_who_upgrade_at_once_wait_for_each_other(home: Home) -> None:
    faults: list[BaseException] = []

    def upgrade() -> None:
        try:
            control.upgrade(control.control_engine(home))
        except BaseException as error:  # noqa: BLE001  # told below
            faults.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert faults == []
    control.check_current(control.control_engine(home))


def test_a_database_that_is_not_there_is_refused(home: Home) -> None:
    with pytest.raises(StoreError, match="tongpin serve") as refused:
        control.check_current(control.control_engine(home))
    assert refused.value.code == "control.none"


@pytest.mark.parametrize("revision", ["0000", "9999"])
def test_a_revision_that_the_program_does_not_know_is_refused(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    for act in (control.check_current, control.upgrade):
        with pytest.raises(StoreError) as refused:
            act(engine)
        assert refused.value.code == "control.newer"


def test_an_old_database_is_refused(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "newest_revision", lambda: "0999")
    with pytest.raises(StoreError, match="0999") as refused:
        control.check_current(engine)
    assert refused.value.code == "control.old"


def test_there_is_no_way_back() -> None:
    steps = sorted((SOURCE / "tongpin/store/migrations/versions").glob("v*.py"))
    assert steps
    assert [one.name for one in steps if "def downgrade" in one.read_text(encoding="utf-8")] == []


def test_sqlite_keeps_foreign_keys_and_a_write_ahead_log(make_home: Callable[[str], Home]) -> None:
    engine = control.control_engine(make_home("sqlite"))
    control.upgrade(engine)
    with control.reading(engine) as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar_one() == 1
    row = "INSERT INTO document_versions VALUES (77, 1, 't', '{}', 'a', '2025-01-01')"
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(row))


def test_a_reader_waits_for_no_writer(make_home: Callable[[str], Home]) -> None:
    engine = control.control_engine(make_home("sqlite"))
    control.upgrade(engine)
    with engine.begin() as writer:
        writer.execute(text("INSERT INTO alembic_version VALUES ('x')"))
        with control.reading(engine) as reader:
            assert reader.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1
        writer.execute(text("DELETE FROM alembic_version WHERE version_num = 'x'"))


def test_an_engine_is_made_once(make_home: Callable[[str], Home]) -> None:
    home = make_home("sqlite")
    assert control.control_engine(home) is control.control_engine(Home.open(home.root))
    assert control.control_engine(home) is not control.control_engine(make_home("sqlite"))
    assert control.home_of(control.control_engine(home)).root == home.root


def test_a_home_names_its_database(make_home: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home("sqlite")
    home.root.mkdir()
    assert str(control.database_url(home)).endswith("control.db")
    (home.root / "control.yaml").write_text("database: postgresql://reader@db.example/tongpin\n", encoding="utf-8")
    assert str(control.database_url(home)) == "postgresql+psycopg://reader@db.example/tongpin"
    monkeypatch.setenv(control.VARIABLE, "sqlite:///elsewhere.db")
    assert str(control.database_url(home)) == "sqlite:///elsewhere.db"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("database: mysql://x/y\n", "control.url"),
        ("database: nonsense\n", "control.url"),
        ("databse: x\n", "control.settings"),
        ("database: ''\n", "control.settings"),
    ],
)
def test_a_faulty_address_is_refused(make_home: Callable[[str], Home], written: str, code: str) -> None:
    home = make_home("sqlite")
    home.root.mkdir()
    (home.root / "control.yaml").write_text(written, encoding="utf-8")
    with pytest.raises(StoreError) as refused:
        control.control_engine(home)
    assert refused.value.code == code


def test_a_server_that_is_silent_is_told(make_home: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home("sqlite")
    monkeypatch.setenv(control.VARIABLE, "postgresql://someone:secret@127.0.0.1:1/nothing")
    with pytest.raises(StoreError) as refused:
        control.check_current(control.control_engine(home))
    assert refused.value.code == "control.unreachable"
    assert "secret" not in str(refused.value)
