"""Shapes 公共形状: the one error shape and the answers that several routes share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel
from pydantic.functional_validators import AfterValidator

WorldTime = Annotated[datetime, AfterValidator(lambda moment: moment if moment.tzinfo else moment.replace(tzinfo=UTC))]
"""A moment of the control database (world time without a zone) as an answer shows it: with its zone."""


Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
"""The number of a row of the control database, as a part of a path: no larger than it counts."""


class Fault(BaseModel):
    """One fault of several."""

    rule_id: str = ""
    severity: str = ""
    path: str = ""
    message: str = ""
    hint: str = ""


class ErrorShape(BaseModel):
    """Every refusal 拒绝: what, why, how to mend it; `code` is stable for machines."""

    ok: bool = False
    status: int
    code: str
    message: str
    hint: str = ""
    path: str = ""
    errors: list[dict[str, Any]] = []


_WORDS = {
    400: "请求的内容读不懂",
    401: "没有登录，或登录已过期",
    403: "这个岗位不能做",
    404: "没有这一项",
    405: "这个地址不接受这种请求",
    409: "与现在的状态冲突",
    413: "文件太大",
    422: "请求的内容不对",
    429: "请求太频繁",
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorShape, "description": words} for status, words in _WORDS.items()
}
"""What every route may answer besides its own."""


class Done(BaseModel):
    """An act that succeeded."""

    ok: bool = True
