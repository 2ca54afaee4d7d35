"""The control database 控制库: users, documents and the journal; SQLite in the home, or the PostgreSQL that it names.

Every room declares its tables on `metadata`; `store/migrations` makes them. What is counted and paid stays in the lake.
"""

from __future__ import annotations

import contextlib
import os
import threading
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import Field, StrictStr, ValidationError
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError

from tongpin.base.errors import StoreError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL

VARIABLE = "TONGPIN_DATABASE"
SETTINGS_FILE = "control.yaml"
DATABASE_FILE = "control.db"
BUSY_SECONDS = 30
"""How long a writer waits for another before it gives up."""
_ROOT, _READS = "tongpin_home", "tongpin_reads"
_UPGRADE_LOCK = 7_305_001
"""The advisory lock of PostgreSQL under which a database is upgraded."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""What all rooms declare their tables on."""

_engines: dict[tuple[str, str], Engine] = {}
_guard = threading.Lock()


class _Settings(Strict):
    """The file `control.yaml` of a home."""

    database: StrictStr = Field(min_length=1)


def database_url(home: Home) -> URL:
    """Where the control database of a home is: `$TONGPIN_DATABASE`, else `HOME/control.yaml`, else `HOME/control.db`.

    Raises StoreError `control.url` for an address that is neither PostgreSQL nor SQLite, `control.settings` for a
    faulty file.
    """
    own = home.root / SETTINGS_FILE
    given = os.environ.get(VARIABLE) or (_read_settings(own).database if own.exists() else "")
    if not given:
        return make_url(f"sqlite:///{(home.root / DATABASE_FILE).absolute()}")
    where = VARIABLE if os.environ.get(VARIABLE) else str(own)
    try:
        url = make_url(given)
    except ArgumentError:
        raise _bad_url(where) from None
    kind = url.get_backend_name()
    if kind not in {"postgresql", "sqlite"}:
        raise _bad_url(where)
    return url.set(drivername="postgresql+psycopg") if kind == "postgresql" else url


def _bad_url(where: str) -> StoreError:
    return StoreError(
        "control.url",
        "控制库的地址不对",
        where=where,
        hint="写 postgresql://用户:口令@主机/库名；不写就用工作目录里的 SQLite",
    )


def _read_settings(path: Path) -> _Settings:
    try:
        return _Settings.model_validate(load_strict_yaml(path, "control", StoreError))
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise StoreError("control.settings", message, where=f"{path} {place}", hint=hint) from None


def control_engine(home: Home) -> Engine:
    """The engine of the home's control database, one per database and home in this process.

    Transactions of SQLite take the right to write when they begin (`reading` those that only read do not), so that two
    writers wait for each other instead of failing; PostgreSQL reads what is committed.
    """
    url = database_url(home)
    key = (url.render_as_string(hide_password=False), str(home.root.absolute()))
    with _guard:
        if key not in _engines:
            home.root.mkdir(parents=True, exist_ok=True)
            _engines[key] = _made(url, key[1])
        return _engines[key]


def _made(url: URL, root: str) -> Engine:
    from tongpin.store import journal  # the journal declares its table on `metadata` above

    options = {_ROOT: root}
    if url.get_backend_name() == "postgresql":
        engine = create_engine(url, execution_options=options, isolation_level="READ COMMITTED", pool_pre_ping=True)
    else:
        engine = create_engine(url, execution_options=options, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    journal.watch(engine)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: see _begin_sqlite
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get(_READS)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads; it waits for no writer."""
    with engine.execution_options(**{_READS: True}).connect() as connection:
        yield connection


def close_engines() -> None:
    """Close every connection; engines are made again when asked for."""
    with _guard:
        for engine in _engines.values():
            engine.dispose()
        _engines.clear()


def home_of(connection: Connection | Engine) -> Home:
    """The home whose control database this is."""
    root: str = connection.get_execution_options()[_ROOT]
    return Home(Path(root))


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest revision; nothing where it is there already, one process at a time.

    Raises StoreError `control.newer` when the database is newer than the program.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        _check_known(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    from tongpin.store import journal  # the journal declares its table on `metadata` above

    journal.begin_head(engine)


def check_current(engine: Engine) -> None:
    """Nothing, or StoreError `control.none` (no database), `control.old`, `control.newer`, `control.unreachable`."""
    mend = "先运行 tongpin serve，它在启动时把控制库升级到最新；升级前备份"
    where = engine.url.render_as_string(hide_password=True)
    database = engine.url.database
    if engine.dialect.name == "sqlite" and database and not Path(database).exists():
        raise StoreError("control.none", "这个工作目录还没有控制库", where=where, hint=mend)
    try:
        with reading(engine) as connection:
            current = _check_known(connection)
    except OperationalError as error:
        raise StoreError(
            "control.unreachable", f"连不上控制库：{str(error.orig).strip()}", where=where, hint="核对地址、口令与网络"
        ) from error
    if current is None:
        raise StoreError("control.none", "控制库里还没有表", where=where, hint=mend)
    if current != newest_revision():
        message = f"控制库是旧的（{current}），程序要 {newest_revision()}"
        raise StoreError("control.old", message, where=where, hint=mend)


def newest_revision() -> str:
    """The revision that the program needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise StoreError("control.migrations", "程序里没有控制库的升级脚本", hint="重新安装")
    return head


def _check_known(connection: Connection) -> str | None:
    """The revision of the database, None where it has none; StoreError `control.newer` when the program lacks it."""
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if current is not None and current not in known:
        raise StoreError(
            "control.newer",
            f"控制库是 {current}，比程序新",
            where=connection.engine.url.render_as_string(hide_password=True),
            hint="安装写下它的那个版本或更新的版本；控制库不能退回",
        )
    return current


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("tongpin.store") / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
