"""Guard 关口: what every answer carries so that a browser stays within this host, and how much a request may hold."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from tongpin.base.errors import TongpinError
from tongpin.workbench.api.errors import answer, unexpected
from tongpin.workbench.sign_in.roles import settings_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SECURE_ONLY = {"Strict-Transport-Security": "max-age=31536000"}
API = "/api/"
_MEGABYTE = 2**20
_FILES = b"multipart/form-data"


class Guard:
    """Headers on every answer, also on that to an error nobody expected; bodies that are too large are not read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, its body counted, its answer marked."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        marks = _marks(is_secure=scope["scheme"] == "https", is_api=scope["path"].startswith(API))
        begun = False

        async def marked(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                said = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(mark for mark in marks if mark[0] not in said)]
            await send(message)

        most = _most_bytes(scope)
        if _said(scope) > most:
            await answer(_too_large(most))(scope, receive, marked)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(413)
            return message

        try:
            await self.app(scope, counted, marked)
        except Exception as error:
            if begun:
                raise
            await unexpected(error)(scope, receive, marked)


@cache
def _marks(*, is_secure: bool, is_api: bool) -> tuple[tuple[bytes, bytes], ...]:
    """The headers as they go over the wire."""
    marks = HEADERS | (SECURE_ONLY if is_secure else {}) | ({"Cache-Control": "no-store"} if is_api else {})
    return tuple((name.lower().encode(), value.encode()) for name, value in marks.items())


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")


def _said(scope: Scope) -> int:
    """How long a request says that its body is."""
    length = _header(scope, b"content-length")
    return int(length) if length.isdigit() else 0


def _most_bytes(scope: Scope) -> int:
    """What a request may hold: files more than the rest."""
    bench = getattr(scope["app"].state, "workbench", None)
    if bench is None:
        return _MEGABYTE
    name = "upload.most_mb" if _header(scope, b"content-type").lower().startswith(_FILES) else "request.most_mb"
    return settings_of(bench.home)[name] * _MEGABYTE


def _too_large(most: int) -> TongpinError:
    return TongpinError("upload.size", f"请求的内容超过 {most // _MEGABYTE} MB", hint="分几次送，或请信息科改上限")
