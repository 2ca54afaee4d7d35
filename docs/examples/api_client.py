"""A client of the Tongpin API 接口客户端示例: tokens, keys that make a request happen once, waiting, pages.

    from api_client import Tongpin
    with Tongpin("http://127.0.0.1:8000", "tp_…") as tongpin:
        print(tongpin.group([{"case_id": "1", "sex": 1, "age": 59, "dx": ["C34.100"], "px": ["32.2000"]}]))

Needs: httpx2. The routes, shapes and limits are told in docs/api.md.
"""

# ruff: noqa: INP001  # a script by itself, in no package
from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, Self

import httpx2

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY, TOO_MANY = 409, 429
TRIES = 5


class Refused(Exception):  # noqa: N818  # the API refuses; nothing went wrong on the way
    """What the API refused, in its one shape: `code` for programs, `message` and `hint` for people."""

    def __init__(self, fault: dict[str, Any]) -> None:
        super().__init__(f"{fault['message']}（{fault['hint']}）[{fault['code']}]")
        self.code: str = fault["code"]
        self.status: int = fault["status"]
        self.fault = fault


class Tongpin:
    """The API of one workbench, with one token."""

    def __init__(self, url: str, token: str, *, timeout: float = 60.0) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx2.Client(base_url=f"{url}/api/v1", headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        """Open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._http.close()

    def send_cases(self, kind: str, cases: list[dict[str, Any]]) -> dict[str, Any]:
        """Load cases (`settlement-list` or `plain`): what became of them, and the findings."""
        return self._once("/cases", {"kind": kind, "cases": cases})

    def group(self, cases: list[dict[str, Any]], *, explain: bool = False) -> list[dict[str, Any]]:
        """The group of each case."""
        found: list[dict[str, Any]] = self._once("/group", {"cases": cases, "explain": explain})["cases"]
        return found

    def price(self, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What each case would be paid, step by step."""
        found: list[dict[str, Any]] = self._once("/price", {"cases": cases})["cases"]
        return found

    def rows(self, what: str, **asked: Any) -> Iterator[dict[str, Any]]:
        """Every row of `findings`, `statements` or `measures`, page after page."""
        offset: int | None = 0
        while offset is not None:
            page = self._asked("GET", f"/data/{what}", params=asked | {"offset": offset})
            yield from page["rows"]
            offset = page["next"]

    def _once(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post under a key: sent again after a cut line or a wait, it is still done once."""
        return self._asked("POST", path, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})

    def _asked(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        for tried in range(1, TRIES + 1):
            try:
                answer = self._http.request(method, path, **more)
            except httpx2.TransportError:
                if tried == TRIES:
                    raise
                time.sleep(tried)
                continue
            if answer.is_success:
                found: dict[str, Any] = answer.json()
                return found
            fault = Refused(answer.json())
            may_wait = answer.status_code == TOO_MANY or fault.code in {"home.busy", "requests.busy"}
            if not may_wait or tried == TRIES:
                raise fault
            time.sleep(float(answer.headers.get("Retry-After", tried)))
        raise AssertionError
