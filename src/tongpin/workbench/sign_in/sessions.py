"""Sessions 会话: signing in and out, lock-out, revocation, tokens for machines; a token is kept as its digest only."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, insert, select, update

from tongpin.base.errors import TongpinError
from tongpin.store import journal
from tongpin.store.control import reading
from tongpin.workbench.sign_in import users as people
from tongpin.workbench.sign_in.passwords import is_right
from tongpin.workbench.sign_in.roles import settings_of
from tongpin.workbench.sign_in.tables import sessions, tokens, users
from tongpin.workbench.sign_in.users import grants_of, now, user_row
from tongpin.workbench.sign_in.who import OPEN, NotSignedInError, digest_of, identity_of, oldest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from tongpin.store.home import Home
    from tongpin.workbench.sign_in.identity import Identity

_BYTES = 32


class Proof(NamedTuple):
    """Whether a password is the one of a kept hash; worth nothing once another hash is kept."""

    kept: str | None
    is_right: bool


class Opened(NamedTuple):
    """A new session: the token for the browser's cookie, and who it is."""

    token: str
    identity: Identity


def prove(engine: Engine, name: str, password: str) -> Proof:
    """Whether a password is right. It takes its time, and no transaction is open meanwhile: others write."""
    with reading(engine) as connection:
        kept = connection.execute(select(users.c.password_hash).where(users.c.name == name)).scalar()
    return Proof(kept, is_right(kept, password))


def sign_in(connection: Connection, home: Home, name: str, proof: Proof) -> Opened:
    """A session for a name and the proof of its password (`prove`).

    Errors: `sign_in.locked` after too many failures, `sign_in.wrong` (the same words for a name that does not exist),
    `sign_in.no_role`. The caller commits also when it is refused: failures are counted.
    """
    limits = settings_of(home)
    found = connection.execute(select(users).where(users.c.name == name)).mappings().first()
    moment = now()
    if found and found["locked_until"] and found["locked_until"] > moment:
        raise NotSignedInError(
            "sign_in.locked", "口令连续不对，账户暂时锁定", where="name", hint=f"{limits['lock.minutes']} 分钟后再试"
        )
    if not proof.is_right or found is None or found["password_hash"] != proof.kept or found["disabled_at"]:
        if found is not None:
            _count_failure(connection, dict(found), limits)
        raise NotSignedInError(
            "sign_in.wrong", "登录名或口令不对", where="password", hint="检查大小写；忘了口令找信息科"
        )
    connection.execute(update(users).where(users.c.id == found["id"]).values(failures=0, locked_until=None))
    return open_session(connection, int(found["id"]), "password")


def open_session(connection: Connection, user_id: int, way: str) -> Opened:
    """A session for a user whose identity is proven. Errors: `sign_in.disabled`, `sign_in.no_role`."""
    held = grants_of(connection, user_id)
    user = user_row(connection, user_id)
    if user["disabled_at"]:
        raise NotSignedInError("sign_in.disabled", "这个账户已停用", where=user["name"], hint="找信息科")
    if not held:
        raise NotSignedInError("sign_in.no_role", "这个账户没有生效的岗位", where=user["name"], hint="请信息科授权")
    token, csrf, moment = secrets.token_urlsafe(_BYTES), secrets.token_urlsafe(_BYTES), now()
    row = {"digest": digest_of(token), "user_id": user_id, "grant_id": held[0].id, "csrf": csrf}
    connection.execute(insert(sessions).values(row | {"created_at": moment, "seen_at": moment}))
    journal.record(
        connection,
        actor=user["name"],
        act="sign_in",
        subject=f"user/{user['name']}",
        details={"by": way},
        acted_as=held[0].role.id,
    )
    return Opened(token, identity_of(user, held[0], held, csrf=csrf))


def _count_failure(connection: Connection, user: dict[str, Any], limits: dict[str, int]) -> bool:
    """Count a wrong password; whether the account is locked now."""
    failures = user["failures"] + 1
    values: dict[str, Any] = {"failures": failures}
    is_locked = bool(failures >= limits["lock.after_failures"])
    if is_locked:
        values = {"failures": 0, "locked_until": now() + timedelta(minutes=limits["lock.minutes"])}
        journal.record(connection, actor=user["name"], act="sign_in.locked", subject=f"user/{user['name']}", details={})
    connection.execute(update(users).where(users.c.id == user["id"]).values(values))
    return is_locked


def count_open(connection: Connection, home: Home, user_id: int) -> int:
    """How many sessions of a user are open."""
    wanted = select(func.count()).where(sessions.c.user_id == user_id, *OPEN)
    return int(connection.execute(wanted, oldest(settings_of(home), now())).scalar_one())


def still_here(connection: Connection, token: str) -> None:
    """Write that a session is in use: it expires after a time without that."""
    connection.execute(update(sessions).where(sessions.c.digest == digest_of(token)).values(seen_at=now()))


def act_as(connection: Connection, token: str, identity: Identity, grant_id: int) -> Identity:
    """The same session in another of the user's roles."""
    chosen = next((one for one in identity.grants if one.id == grant_id), None)
    if chosen is None:
        raise TongpinError("sign_in.role", "没有这个岗位", where=str(grant_id), hint="从自己的岗位里选")
    connection.execute(update(sessions).where(sessions.c.digest == digest_of(token)).values(grant_id=grant_id))
    journal.record(
        connection,
        actor=identity.name,
        act="sign_in.act_as",
        subject=f"user/{identity.name}",
        details={"role": chosen.role.id},
    )
    return identity_of(user_row(connection, identity.user_id), chosen, identity.grants, csrf=identity.csrf)


def sign_out(connection: Connection, token: str) -> None:
    """End a session; nothing where there is none, or it has ended."""
    found = connection.execute(
        select(users.c.name)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.digest == digest_of(token), sessions.c.revoked_at.is_(None))
    ).first()
    if found is None:
        return
    connection.execute(update(sessions).where(sessions.c.digest == digest_of(token)).values(revoked_at=now()))
    journal.record(connection, actor=found.name, act="sign_in.out", subject=f"user/{found.name}", details={})


def change_password(connection: Connection, home: Home, identity: Identity, token: str, old: str, new: str) -> None:
    """A user's own change of password; the user's other sessions end.

    Errors: `sign_in.wrong`, which counts like a failed sign-in and in the end locks the account and ends this session
    too, and `sign_in.weak`. The caller commits also when it is refused.
    """
    try:
        people.change_password(connection, home, identity.user_id, old, new)
    except TongpinError as error:
        if error.code == "sign_in.wrong" and _count_failure(
            connection, user_row(connection, identity.user_id), settings_of(home)
        ):
            sign_out_others(connection, identity.user_id, "")
        raise
    sign_out_others(connection, identity.user_id, token)


def sign_out_others(connection: Connection, user_id: int, token: str) -> None:
    """End every other session of a user: whoever knew the old password is out."""
    others = (sessions.c.user_id == user_id, sessions.c.digest != digest_of(token), sessions.c.revoked_at.is_(None))
    connection.execute(update(sessions).where(*others).values(revoked_at=now()))


def make_token(
    connection: Connection,
    home: Home,
    identity: Identity,
    label: str,
    scopes: Sequence[str],
    expires_at: datetime,
    per_minute: int | None = None,
) -> str:
    """A token for a machine that acts in the maker's role, narrowed to `scopes`; it is shown once.

    A token that may make tokens hands on no more than it has. Errors: `tokens.scopes` for a permission that the maker
    lacks, `tokens.expiry` for a date past the longest.
    """
    limits = settings_of(home)
    if not scopes or set(scopes) - identity.permissions:
        raise TongpinError("tokens.scopes", "令牌的范围须是本岗位权限的一部分", where="scopes", hint="少写几项")
    longest = now() + timedelta(days=limits["token.longest_days"])
    if not now() < expires_at <= longest:
        raise TongpinError("tokens.expiry", f"令牌最长用到 {longest:%Y-%m-%d}", where="expires_at", hint="写早一点")
    token = f"tp_{secrets.token_urlsafe(_BYTES)}"
    row = {
        "digest": digest_of(token),
        "label": label,
        "user_id": identity.user_id,
        "grant_id": identity.grant.id,
        "scopes": sorted(scopes),
        "per_minute": min(per_minute or limits["token.per_minute"], limits["token.per_minute"]),
        "created_at": now(),
        "expires_at": expires_at,
    }
    connection.execute(insert(tokens).values(row))
    journal.record(
        connection,
        actor=identity.name,
        act="tokens.make",
        subject=f"token/{label}",
        details={"scopes": sorted(scopes), "until": expires_at.isoformat()},
        acted_as=identity.role.id,
    )
    return token


def revoke_token(connection: Connection, identity: Identity, digest: str) -> None:
    """End a token of the user's own; TongpinError `tokens.missing` when there is none."""
    found = connection.execute(select(tokens).where(tokens.c.digest == digest)).mappings().first()
    if found is None or found["user_id"] != identity.user_id:
        raise TongpinError("tokens.missing", "没有这个令牌", where=digest[:8], hint="看令牌列表")
    connection.execute(update(tokens).where(tokens.c.digest == digest).values(revoked_at=now()))
    journal.record(
        connection,
        actor=identity.name,
        act="tokens.revoke",
        subject=f"token/{found['label']}",
        details={},
        acted_as=identity.role.id,
    )
