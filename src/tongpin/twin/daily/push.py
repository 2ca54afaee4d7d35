"""Push 推送: the short text and the figures of a page as JSON to an address of the intranet, only when asked."""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from tongpin.base.errors import TongpinError
from tongpin.twin.daily.catalogue import setting
from tongpin.twin.daily.words import short_text

if TYPE_CHECKING:
    from tongpin.twin.daily.run import Daily


class _Stay(HTTPRedirectHandler):
    """Follows no redirect: what is pushed goes where it was told to, or nowhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Refuse; the answer then counts as an error."""


def message_of(daily: Daily) -> dict[str, Any]:
    """What is pushed: hospital, day, text, sums; nothing of a patient."""
    return {
        "hospital": daily.hospital,
        "hospital_name": daily.hospital_name,
        "on": str(daily.on),
        "text": short_text(daily),
        "figures": daily.figures(),
        "notices": list(daily.notices),
    }


def check_address(address: str) -> None:
    """TongpinError `daily.push` for what is no http(s) address."""
    try:
        parts = urlsplit(address)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good:
        raise TongpinError("daily.push", f"推送地址“{address}”不对", hint="写成 http://或 https:// 开头的内网地址")


def push(daily: Daily, address: str) -> int:
    """POST the message to `address` without proxy or redirect; the status of the answer.

    Errors: TongpinError `daily.push` (no address, not reached in time, refused).
    """
    check_address(address)
    body = json.dumps(message_of(daily), ensure_ascii=False, default=str).encode()
    request = Request(address, body, {"Content-Type": "application/json; charset=utf-8"}, method="POST")  # noqa: S310
    opener = build_opener(ProxyHandler({}), _Stay())
    try:
        with opener.open(request, timeout=setting("push.seconds")) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        raise _failed(address, f"对方答复 {error.code}") from error
    except TimeoutError as error:
        raise _failed(address, f"等了 {setting('push.seconds')} 秒没有答复") from error
    except (URLError, HTTPException, OSError) as error:
        raise _failed(address, "连不上，或对方的答复不是 HTTP") from error


def _failed(address: str, why: str) -> TongpinError:
    return TongpinError("daily.push", f"没有推送成功：{why}", where=address, hint="日报已写好；核对地址后再运行一次")
