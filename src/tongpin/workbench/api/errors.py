"""Errors 拒绝: every exception becomes the one error shape; what is not ours says nothing of the inside."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from tongpin.base.errors import BalanceError, TongpinError
from tongpin.base.strict_yaml import fault_words
from tongpin.workbench.api.hints import page_hint
from tongpin.workbench.sign_in.identity import DeniedError
from tongpin.workbench.sign_in.who import NotSignedInError

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

log = logging.getLogger("tongpin.workbench")
_MISSING = ("missing", "unknown", "open", "none", "absent", "place")
"""Last parts of codes that say: there is no such thing."""
_CONFLICTS = ("closed", "busy", "exists", "same_hand", "repeat", "step", "state", "stale")


_HTTP = {
    400: ("request.unreadable", "请求的内容读不懂"),
    404: ("request.missing", "没有这个地址"),
    405: ("request.method", "这个地址不接受这种请求"),
    413: ("upload.size", "请求的内容太大"),
}
"""What the framework refuses before a route is reached."""


class TooManyError(TongpinError):
    """More requests than is allowed; `seconds` is when to try again."""

    def __init__(self, code: str, message: str, *, hint: str, seconds: int) -> None:
        super().__init__(code, message, hint=hint)
        self.seconds = seconds


def status_of(error: TongpinError) -> int:
    """The HTTP status of a refusal."""
    last = error.code.rsplit(".", 1)[-1]
    if isinstance(error, NotSignedInError):
        return 401
    if isinstance(error, DeniedError) or error.code in {"store.scope", "documents.duty"}:
        return 403
    if isinstance(error, TooManyError):
        return 429
    if error.code == "upload.size":
        return 413
    if last in _CONFLICTS:
        return 409
    if last in _MISSING:
        return 404
    return 422


def answer(error: TongpinError) -> JSONResponse:
    """A refusal as the one error shape."""
    status = status_of(error)
    if isinstance(error, BalanceError):
        log.error("balance: %s", error)
    path = "" if error.where.startswith("/") else error.where  # where the server keeps its files is nobody's business
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooManyError) else {}
    shape = error.as_dict() | {"status": status, "path": path, "hint": page_hint(error.code, error.hint)}
    return JSONResponse(shape, status, headers)


def install(app: FastAPI) -> None:
    """Make every exception of an app an answer in the one shape."""

    async def of_ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, TongpinError)
        return answer(error)

    async def of_request(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        faults = [_fault(one) for one in error.errors()]
        first = faults[0] if faults else {"path": "", "message": "", "hint": ""}
        what = f"{first['path'] or '内容'}：{first['message']}"
        return _shaped(422, "request.invalid", f"请求的内容不对，{what}", first["hint"], first["path"], faults)

    async def of_http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code, message = _HTTP.get(error.status_code, ("request.refused", "请求被拒绝"))
        answered = _shaped(error.status_code, code, message, "看 /api/v1/docs 里的接口说明", "", [])
        answered.headers.update(error.headers or {})
        return answered

    app.add_exception_handler(TongpinError, of_ours)
    app.add_exception_handler(RequestValidationError, of_request)
    app.add_exception_handler(HTTPException, of_http)


def unexpected(error: Exception) -> JSONResponse:
    """An error that nobody foresaw: a number for the log, nothing of the inside."""
    number = secrets.token_hex(4)
    log.error("%s", number, exc_info=error)
    return _shaped(500, "internal", f"程序出错，编号 {number}", "把编号告诉信息科，日志里有详情", "", [])


def _fault(one: Any) -> dict[str, Any]:
    place = ".".join(str(part) for part in one["loc"] if part not in {"body", "query", "path"})
    message, hint = fault_words(one)
    return {"path": place, "message": message, "hint": hint, "rule_id": str(one["type"])}


def _shaped(status: int, code: str, message: str, hint: str, path: str, errors: list[dict[str, Any]]) -> JSONResponse:
    shape = {"ok": False, "status": status, "code": code, "message": message, "hint": hint, "path": path}
    return JSONResponse(shape | {"errors": errors}, status)
