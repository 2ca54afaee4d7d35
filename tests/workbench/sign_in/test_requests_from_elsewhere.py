"""What other sites, forged requests and bodies too large come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi.testclient import TestClient
from tests.workbench.sign_in.conftest import PASSWORD, Door, refused

from tongpin.workbench.guard import HEADERS

if TYPE_CHECKING:
    pass


def test_an_unsafe_request_needs_the_csrf_token_of_its_own_session(door: Door) -> None:
    one, other = door.sign_in("office"), door.sign_in("it")
    role = {"grant": one.get("/api/v1/me").json()["acting"]["grant"]}
    for sent in ("", "wrong", other.headers["X-CSRF-Token"], "汉字".encode()):
        answer = one.put("/api/v1/session/role", json=role, headers={"X-CSRF-Token": sent})
        refused(answer, 403, "sign_in.csrf")
    assert one.put("/api/v1/session/role", json=role).status_code == 200


def test_a_form_of_another_site_signs_nobody_in(door: Door) -> None:
    text = '{"name": "office", "password": "' + PASSWORD + '"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = door.visitor().post("/api/v1/session", content=text, headers={"Content-Type": kind})
        assert answer.status_code == 422, kind
        assert "set-cookie" not in answer.headers


def test_every_answer_carries_the_headers_that_keep_a_browser_here(door: Door) -> None:
    one = door.visitor()
    for path in ("/", "/api/v1/me", "/api/v1/nothing", "/anything"):
        answer = one.get(path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS, path
        assert "strict-transport-security" in answer.headers
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe-eval" not in policy
    assert "script-src 'self';" in policy
    assert one.get("/api/v1/me").headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in TestClient(door.app, base_url="http://testserver").get("/").headers


def test_an_error_that_nobody_expected_says_nothing_of_the_inside(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("/secret/path and a table name")

    monkeypatch.setattr("tongpin.workbench.sign_in.sessions.sign_in", fails)
    answer = door.visitor().post("/api/v1/session", json={"name": "office", "password": PASSWORD})
    said = refused(answer, 500, "internal")
    assert "secret" not in answer.text
    assert "编号" in said["message"]
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_nothing_leads_to_another_site(door: Door) -> None:
    one = door.visitor()
    for path in ("//evil.example/x", "/\\evil.example", "/sign-in?to=//evil.example", "/api/v1//evil.example/"):
        answer = one.get(path, follow_redirects=False)
        assert "location" not in answer.headers, path


def test_no_file_beside_the_pages_is_served(door: Door) -> None:
    one = door.visitor()
    for path in ("/../app.py", "/..%2fapp.py", "/%2e%2e/app.py", "/assets/../../app.py", "//etc/passwd", "/%00"):
        answer = one.get(path)
        assert "create_app" not in answer.text
        assert "root:" not in answer.text


def test_a_body_too_large_is_refused_unread(door: Door) -> None:
    (door.home.root / "workbench.yaml").write_text("request.most_mb: 1\n", encoding="utf-8")
    large = b'{"name": "' + b"x" * 2**20 + b'"}'
    said = door.visitor().post("/api/v1/session", content=large, headers={"Content-Type": "application/json"})
    refused(said, 413, "upload.size")

    def pieces() -> Any:
        yield from (large[place : place + 2**16] for place in range(0, len(large), 2**16))

    streamed = door.visitor().post("/api/v1/session", content=pieces(), headers={"Content-Type": "application/json"})
    refused(streamed, 413, "upload.size")
