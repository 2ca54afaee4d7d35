"""The journal 日志: who did what when, each entry chained to the one before by its digest; nothing is ever changed.

The digest of the newest entry also stands in `HOME/journal.head`, outside the database: whoever can write to the
database alone cannot cut the end off, or write the whole chain anew, without being found.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Column, DateTime, Integer, String, Table, Text, event, func, insert, select, text

from tongpin.base.digest import text_digest
from tongpin.store.control import home_of, metadata, reading

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Row

HEAD_FILE = "journal.head"
_LOCK_KEY = 7_305_002
"""The advisory lock of PostgreSQL that a writer holds to the end of its transaction."""
_WRITTEN, _COMMITTED = "tongpin_journal_written", "tongpin_journal_committed"

journal = Table(
    "journal",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False, comment="从 1 起，不空号"),
    Column("at", DateTime, nullable=False, comment="世界时"),
    Column("actor", String(64), nullable=False, comment="登录名"),
    Column("acted_as", String(64), comment="以哪个岗位"),
    Column("act", String(64), nullable=False, index=True),
    Column("subject", String(256), nullable=False, index=True),
    Column("details", Text, nullable=False, comment="JSON，键按序"),
    Column("previous", String(64), nullable=False, unique=True, comment="前一条的摘要；第一条为空"),
    Column("digest", String(64), nullable=False, unique=True),
)


class Entry(NamedTuple):
    """An entry of the journal; `at` is in UTC, without a zone."""

    number: int
    at: datetime
    actor: str
    acted_as: str | None
    act: str
    subject: str
    details: dict[str, Any]
    previous: str
    digest: str


class Head(NamedTuple):
    """The newest entry: its number (0 for none) and its digest."""

    number: int
    digest: str


@dataclass(frozen=True)
class Verdict:
    """What `verify` found: how many entries there are, the first that is not right, why, and the newest digest."""

    count: int
    first_bad: int | None
    reason: str
    digest: str

    @property
    def is_whole(self) -> bool:
        """Whether nothing was changed, removed or exchanged."""
        return self.first_bad is None


def canonical_json(value: Any) -> str:
    """A value as JSON that is the same for equal values; ValueError for what JSON does not know (NaN, objects)."""
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except TypeError as error:
        raise ValueError(str(error)) from error


def record(
    connection: Connection,
    *,
    actor: str,
    act: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
    acted_as: str | None = None,
) -> Entry:
    """Add an entry within the transaction of the connection; it counts once that commits.

    Writers wait for each other until the end of their transactions, so record last. Source: issue 7, item 2; S003-17.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    last = _last(connection)
    row = {
        "number": last.number + 1,
        "at": datetime.now(UTC).replace(tzinfo=None),
        "actor": actor,
        "acted_as": acted_as,
        "act": act,
        "subject": subject,
        "details": canonical_json(dict(details or {})),
        "previous": last.digest,
    }
    row["digest"] = _digest(row)
    connection.execute(insert(journal).values(row))
    connection.info[_WRITTEN] = True
    return Entry(**{**row, "details": dict(details or {})})  # type: ignore[arg-type]


def _last(connection: Connection) -> Head:
    """The newest entry that the connection sees."""
    newest = select(journal.c.number, journal.c.digest).order_by(journal.c.number.desc()).limit(1)
    found = connection.execute(newest).first()
    return Head(0, "") if found is None else Head(found.number, found.digest)


def entries(
    connection: Connection, *, subject: str | None = None, act: str | None = None, last: int | None = None
) -> list[Entry]:
    """The entries, oldest first, of a subject or an act where named; only the `last` ones where given."""
    wanted = select(journal).order_by(journal.c.number.desc())
    if subject is not None:
        wanted = wanted.where(journal.c.subject == subject)
    if act is not None:
        wanted = wanted.where(journal.c.act == act)
    if last is not None:
        wanted = wanted.limit(last)
    rows = connection.execute(wanted).mappings().all()
    return [Entry(**{**row, "details": json.loads(row["details"])}) for row in reversed(rows)]


def verify(engine: Engine) -> Verdict:
    """Go through the whole chain, and compare its end with `HOME/journal.head`."""
    path = head_path(engine)
    count, previous, kept = 0, "", read_head(path)
    bad: tuple[int, str] | None = None
    with reading(engine) as connection:
        rows = connection.execution_options(yield_per=1000).execute(select(journal).order_by(journal.c.number))
        for row in rows:
            count += 1
            bad = bad or _fault(row, count, previous, kept)
            previous = row.digest
    if bad is None and kept is None:
        bad = (1, f"{HEAD_FILE} 不见了或读不出，无从知道末尾有没有被截去") if count else None
    elif bad is None and kept is not None and kept.number > count:
        bad = (count + 1, f"末尾被截去：{HEAD_FILE} 记到第 {kept.number} 条，库中只有 {count} 条")
    return Verdict(count, bad[0] if bad else None, bad[1] if bad else "", previous)


def _fault(row: Row[Any], place: int, previous: str, kept: Head | None) -> tuple[int, str] | None:
    """The first thing that is wrong with an entry at its place, if any."""
    if row.number != place:
        return place, f"缺第 {place} 条：后面接着第 {row.number} 条"
    if row.previous != previous:
        return place, "与前一条接不上：前一条被改动、调换或删去过"
    if row.digest != _digest(dict(row._mapping)):  # noqa: SLF001  # SQLAlchemy's public name of it
        return place, "内容与摘要不符：这一条被改动过"
    if kept is not None and kept.number == place and kept.digest != row.digest:
        return place, f"与 {HEAD_FILE} 记的摘要不同：整条链被重写过"
    return None


def _digest(row: Mapping[str, Any]) -> str:
    at: datetime = row["at"]
    said = [str(row["number"]), at.isoformat(timespec="microseconds"), row["actor"], canonical_json(row["acted_as"])]
    return text_digest([*said, row["act"], row["subject"], row["details"], row["previous"]])


def head_path(connection: Connection | Engine) -> Path:
    """Where the home keeps the head of its journal."""
    return home_of(connection).root / HEAD_FILE


def read_head(path: Path) -> Head | None:
    """The head as the home keeps it, None where it is missing or unreadable."""
    try:
        number, _, digest = path.read_text(encoding="ascii").strip().partition(" ")
        return Head(int(number), digest)
    except (OSError, ValueError):
        return None


def begin_head(engine: Engine) -> None:
    """Note that the journal is empty, when it is and nothing is noted: from then on a missing note is a fault."""
    with reading(engine) as connection:
        is_empty = connection.execute(select(func.count()).select_from(journal)).scalar_one() == 0
    if is_empty and not head_path(engine).exists():
        _keep_head(head_path(engine), Head(0, ""))


def watch(engine: Engine) -> None:
    """Let the head be kept after every transaction of an engine that wrote entries; what is rolled back leaves none."""
    event.listen(engine, "commit", _on_commit)
    event.listen(engine, "rollback", _on_rollback)
    event.listen(engine, "begin", _on_begin)
    event.listen(engine.pool, "checkin", _on_checkin)


def _on_commit(connection: Connection) -> None:
    # Called before the database commits: the head is kept when the connection is next heard of.
    if connection.info.pop(_WRITTEN, False):
        last = _last(connection)
        connection.info[_COMMITTED] = (head_path(connection), last)


def _on_rollback(connection: Connection) -> None:
    connection.info.pop(_WRITTEN, None)
    connection.info.pop(_COMMITTED, None)


def _on_begin(connection: Connection) -> None:
    _keep_committed(connection.info)


def _on_checkin(_: Any, record: Any) -> None:
    _keep_committed(record.info)


def _keep_committed(info: dict[str, Any]) -> None:
    if _COMMITTED in info:
        _keep_head(*info.pop(_COMMITTED))


def _keep_head(path: Path, head: Head) -> None:
    """Put a head in the file unless a later one stands there."""
    with _only_writer(path):
        kept = read_head(path)
        if kept is not None and kept.number >= head.number:
            return
        beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        beside.write_text(f"{head.number} {head.digest}\n", encoding="ascii")
        os.replace(beside, path)  # noqa: PTH105  # the one call that replaces on every system


@contextlib.contextmanager
def _only_writer(path: Path) -> Iterator[None]:
    with path.with_name(f"{path.name}.lock").open("w") as file:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
