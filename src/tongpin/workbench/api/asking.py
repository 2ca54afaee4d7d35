"""Who is asking 谁在问: the identity behind a request, and the permission that a route needs."""

from __future__ import annotations

import hmac
import math
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from tongpin.store.control import reading
from tongpin.workbench.api.errors import TooManyError
from tongpin.workbench.listings.views import Views
from tongpin.workbench.machines.ready import Ready
from tongpin.workbench.sign_in.identity import DeniedError, Identity
from tongpin.workbench.sign_in.sessions import still_here
from tongpin.workbench.sign_in.who import NotSignedInError, identify, identify_token

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy import Engine

    from tongpin.store.home import Home
    from tongpin.workbench.live import Events

COOKIE, CSRF_HEADER = "tongpin_session", "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_MINUTE, _MOST_WATCHED = 60.0, 10_000
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="登录后的会话")
_bearer = HTTPBearer(auto_error=False, description="接口令牌")


class Pace:
    """How many requests each token, or address at the door, made in the last minute, in this process."""

    def __init__(self) -> None:
        self._made: dict[str, deque[float]] = defaultdict(deque)
        self._guard = threading.Lock()

    def check(self, who: str, most: int, code: str = "tokens.pace") -> None:
        """Nothing, or TooManyError that says when to try again."""
        moment = time.monotonic()
        with self._guard:
            made = self._made[who]
            while made and made[0] < moment - _MINUTE:
                made.popleft()
            if len(made) >= most:
                wait = math.ceil(made[0] + _MINUTE - moment)
                raise TooManyError(code, f"每分钟最多 {most} 次请求", hint=f"{wait} 秒后再试", seconds=wait)
            made.append(moment)
            if len(self._made) > _MOST_WATCHED:
                self._made = defaultdict(deque, {one: kept for one, kept in self._made.items() if kept})


@dataclass
class Workbench:
    """What a running workbench holds: the home, the control database, the loaded lists, the live events."""

    home: Home
    engine: Engine
    events: Events
    views: Views = field(default_factory=Views)
    ready: Ready = field(default_factory=Ready)
    pace: Pace = field(default_factory=Pace)


def workbench_of(request: Request) -> Workbench:
    """The workbench that serves a request."""
    found: Workbench = request.app.state.workbench
    return found


def signed_in(
    request: Request,
    session: Annotated[str | None, Security(_cookie)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Identity:
    """Who asks: a session's cookie (unsafe requests with its CSRF token), or a machine's token.

    Errors: `sign_in.needed`, `sign_in.csrf`, `tokens.refused`, `tokens.pace`.
    """
    bench = workbench_of(request)
    with reading(bench.engine) as connection:
        if bearer is not None:
            machine = identify_token(connection, bearer.credentials)
            bench.pace.check(machine.token, machine.per_minute)
            return machine
        if not session:
            raise NotSignedInError("sign_in.needed", "请先登录", hint="打开登录页")
        identity, is_stale = identify(connection, bench.home, session)
    if is_stale:
        with bench.engine.begin() as connection:
            still_here(connection, session)
    sent = request.headers.get(CSRF_HEADER, "")
    if request.method not in _SAFE and not hmac.compare_digest(sent.encode(), identity.csrf.encode()):
        raise DeniedError("sign_in.csrf", "页面已过期，请刷新后再试", where=CSRF_HEADER, hint="刷新页面")
    return identity


def is_still(request: Request, asker: Identity) -> bool:
    """Whether whoever opened a stream is still signed in, in the same role: sessions end, grants are taken back."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    bench = workbench_of(request)
    try:
        with reading(bench.engine) as connection:
            if asker.token:
                return scheme.lower() == "bearer" and identify_token(connection, given).grant == asker.grant
            return identify(connection, bench.home, request.cookies.get(COOKIE, ""))[0].grant == asker.grant
    except NotSignedInError:
        return False


# What only looks something up is asynchronous: it runs at once, without waiting for a thread.
async def _bench(request: Request) -> Workbench:
    return workbench_of(request)


Bench = Annotated["Workbench", Depends(_bench)]
Asker = Annotated[Identity, Depends(signed_in)]


async def session_only(asker: Asker) -> Identity:
    """A dependency: a person with a session; a machine's token is refused. Errors: `sign_in.person`."""
    if asker.token:
        raise DeniedError("sign_in.person", "接口令牌不能做这件事", hint="登录后在页面上做")
    return asker


Person = Annotated[Identity, Depends(session_only)]


def needs(permission: str) -> Callable[[Identity], Awaitable[Identity]]:
    """A dependency: the identity, once it has a permission."""

    async def allowed(asker: Asker) -> Identity:
        asker.require(permission)
        return asker

    allowed.__name__ = f"needs_{permission.replace('.', '_')}"
    allowed.permission = permission  # type: ignore[attr-defined]  # read by the walk over roles and routes
    return allowed
