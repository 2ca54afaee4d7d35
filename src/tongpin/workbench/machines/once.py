"""Once 只做一次: a request with an `Idempotency-Key` is done once; the same again gets the same answer.

A key belongs to one token (or user) and one body: another body under it is refused. A refused request frees its key, so
that it can be sent again once its cause is mended.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydantic import BaseModel
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from tongpin.base.errors import TongpinError
from tongpin.store.control import reading
from tongpin.workbench.sign_in.roles import settings_of
from tongpin.workbench.sign_in.tables import repeats
from tongpin.workbench.sign_in.users import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from tongpin.store.home import Home
    from tongpin.workbench.sign_in.identity import Identity

REPLAYED = "Idempotency-Replayed"
_ABANDONED = timedelta(minutes=15)
"""After this a request that never ended is taken to have died with its process."""
Answer = TypeVar("Answer", bound=BaseModel)


class Key(NamedTuple):
    """A key with what it stands for."""

    key: str
    token: str
    path: str
    digest: str


def key_of(asker: Identity, key: str, path: str, body: BaseModel) -> Key:
    """The key of a request: who asks, where, and for what."""
    digest = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
    return Key(key, asker.token or f"user/{asker.user_id}", path, digest)


def once(engine: Engine, home: Home, key: Key, act: Callable[[], Answer]) -> tuple[Answer | dict[str, Any], bool]:
    """The answer of an act, done now or earlier; and whether it is an earlier one, as plain data.

    Errors: `requests.repeat` (the key stands for another body), `requests.busy` (the same request is under way), and
    those of the act.
    """
    earlier = _claim(engine, home, key)
    if earlier is not None:
        return earlier, True
    try:
        made = act()
    except BaseException:
        with engine.begin() as connection:
            connection.execute(delete(repeats).where(*_of(key)))
        raise
    with engine.begin() as connection:
        done = {"status": 200, "answer": made.model_dump(mode="json")}
        connection.execute(update(repeats).where(*_of(key)).values(done))
    return made, False


def _claim(engine: Engine, home: Home, key: Key) -> dict[str, Any] | None:
    """None when the act is ours to do, else the answer given before."""
    moment = now()
    row = {"key": key.key, "token": key.token, "path": key.path, "body_digest": key.digest, "at": moment}
    forgotten = moment - timedelta(hours=settings_of(home)["request.repeat_hours"])
    try:
        with engine.begin() as connection:
            connection.execute(delete(repeats).where(repeats.c.at < forgotten))
            connection.execute(insert(repeats).values(row))
    except IntegrityError:
        pass
    else:
        return None
    with reading(engine) as connection:
        found = connection.execute(select(repeats).where(*_of(key))).mappings().first()
    if found is None:
        raise _busy()
    if (found["path"], found["body_digest"]) != (key.path, key.digest):
        hint = "换一个 Idempotency-Key，或送原来的内容"
        raise TongpinError("requests.repeat", "这个键已用于别的请求", where="Idempotency-Key", hint=hint)
    if found["status"] is not None:
        earlier: dict[str, Any] = found["answer"]
        return earlier
    taken_over = update(repeats).where(*_of(key), repeats.c.at == found["at"], repeats.c.at < moment - _ABANDONED)
    with engine.begin() as connection:
        if connection.execute(taken_over.values(at=moment)).rowcount:
            return None
    raise _busy()


def _of(key: Key) -> tuple[Any, Any]:
    return repeats.c.key == key.key, repeats.c.token == key.token


def _busy() -> TongpinError:
    return TongpinError("requests.busy", "同一个请求正在处理", where="Idempotency-Key", hint="过几秒再送一次")
