"""Who 谁: the person and the role behind a session or a machine's token, asked of the database at every request.

One statement each, made once: this is on the way of every answer, and what was revoked must open nothing at once.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, or_, select

from tongpin.base.errors import TongpinError
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.sign_in.roles import settings_of
from tongpin.workbench.sign_in.tables import grants, sessions, tokens, users
from tongpin.workbench.sign_in.users import grant_of, now

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Select, Table

    from tongpin.store.home import Home
    from tongpin.workbench.sign_in.identity import Grant

_SEEN_STEP = timedelta(seconds=60)
"""How often the last sign of life is written: not at every request."""
_USER, _GRANT = "person_", "held_"
"""What stands before the names of the columns of a user and of a grant."""


class NotSignedInError(TongpinError):
    """Nobody is signed in, or no longer."""


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def oldest(limits: Mapping[str, int], moment: datetime) -> dict[str, datetime]:
    """The values for `OPEN`."""
    return {
        "oldest_seen": moment - timedelta(minutes=limits["session.idle_minutes"]),
        "oldest_made": moment - timedelta(hours=limits["session.longest_hours"]),
    }


OPEN = (
    sessions.c.revoked_at.is_(None),
    sessions.c.seen_at >= bindparam("oldest_seen"),
    sessions.c.created_at >= bindparam("oldest_made"),
)
"""What a session is that has neither ended nor grown old."""


def _asked(proofs: Table, *wanted: Any) -> Select[Any]:
    """What proves somebody by its digest, with the user and a row for each grant that holds (none: one row without)."""
    holds = and_(
        grants.c.user_id == users.c.id,
        grants.c.revoked_at.is_(None),
        or_(grants.c.until.is_(None), grants.c.until > bindparam("moment")),
    )
    user = [users.c[name].label(f"{_USER}{name}") for name in ("id", "name", "display", "must_change", "disabled_at")]
    grant = [column.label(f"{_GRANT}{column.name}") for column in grants.c]
    return (
        select(*proofs.c, *user, *grant)
        .join(users, users.c.id == proofs.c.user_id)
        .outerjoin(grants, holds)
        .where(proofs.c.digest == bindparam("digest"), *wanted)
        .order_by(grants.c.id)
    )


_BY_SESSION = _asked(sessions, *OPEN)
_BY_TOKEN = _asked(tokens)


def identify(connection: Connection, home: Home, token: str) -> tuple[Identity, bool]:
    """Who a session's token is, and whether its last sign of life is due to be written (`still_here`).

    NotSignedInError `sign_in.needed` when the token is unknown, old or revoked.
    """
    moment = now()
    values = {"digest": digest_of(token), "moment": moment} | oldest(settings_of(home), moment)
    rows = connection.execute(_BY_SESSION, values).mappings().all()
    if not rows:
        raise NotSignedInError("sign_in.needed", "请先登录", hint="登录已过期或已退出，重新登录")
    first, held = rows[0], _held(rows)
    if not held:
        raise NotSignedInError("sign_in.needed", "岗位已到期或被收回", hint="请信息科授权后重新登录")
    acting = next((one for one in held if one.id == first["grant_id"]), held[0])
    return identity_of(first, acting, held, csrf=first["csrf"], named=_USER), first["seen_at"] < moment - _SEEN_STEP


def identify_token(connection: Connection, token: str) -> Identity:
    """Who a machine's token is; NotSignedInError `tokens.refused` when it is unknown, expired or revoked."""
    moment = now()
    rows = connection.execute(_BY_TOKEN, {"digest": digest_of(token), "moment": moment}).mappings().all()
    held = _held(rows)
    acting = next((one for one in held if one.id == rows[0]["grant_id"]), None)
    if acting is None or rows[0]["revoked_at"] or rows[0]["expires_at"] <= moment:
        raise NotSignedInError("tokens.refused", "令牌无效或已到期", hint="请有权的人重新做一个令牌")
    first = rows[0]
    if first[f"{_USER}disabled_at"]:
        raise NotSignedInError("tokens.refused", "令牌所属的账户已停用", hint="请有权的人重新做一个令牌")
    return Identity(
        first[f"{_USER}id"],
        first[f"{_USER}name"],
        f"{first[f'{_USER}display']}（接口 {first['label']}）",
        acting,
        (acting,),
        token_scopes=frozenset(first["scopes"]),
        must_change=bool(first[f"{_USER}must_change"]),
        per_minute=first["per_minute"],
        token=first["digest"],
    )


def identity_of(
    user: Mapping[Any, Any], acting: Grant, held: tuple[Grant, ...], *, csrf: str, named: str = ""
) -> Identity:
    """A person in a role, of a row of `users` whose columns may be `named` with something before their own names."""
    return Identity(
        user[f"{named}id"],
        user[f"{named}name"],
        user[f"{named}display"],
        acting,
        held,
        must_change=bool(user[f"{named}must_change"]),
        csrf=csrf,
    )


def _held(rows: Sequence[Mapping[Any, Any]]) -> tuple[Grant, ...]:
    return tuple(grant_of(row, _GRANT) for row in rows if row[f"{_GRANT}id"] is not None)
