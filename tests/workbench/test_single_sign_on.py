"""Single sign-on against a real provider on this host: its keys sign, its endpoints check, and each lie is found."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from tongpin.base.errors import TongpinError
from tongpin.store import journal
from tongpin.store.home import Home
from tongpin.workbench.app import create_app
from tongpin.workbench.sign_in import oidc, users
from tongpin.workbench.sign_in.users import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

CLIENT, SECRET, REDIRECT = "tongpin", "a-secret-of-the-client", "http://127.0.0.1:9/api/v1/session/oidc/back"


@dataclass
class Provider:
    """A provider: what it knows of codes it gave, and what a test lets it say wrongly."""

    key: RSAKey
    issuer: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    signed_with: Any = None
    announced: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def authorize(self, address: str, subject: str) -> str:
        """What somebody does at the provider: sign in there and come back with a code; the state."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert (query["client_id"], query["redirect_uri"], query["scope"]) == (CLIENT, REDIRECT, "openid profile")
        code = secrets.token_urlsafe()
        self.codes[code] = {**query, "sub": subject}
        return f"{REDIRECT}?{urlencode({'code': code, 'state': query['state']})}"

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
            **self.announced,
        }

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """An identity token for a code, once; only for the client that asked, with the verifier it kept."""
        given = self.codes.pop(form.get("code", ""), None)
        right = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if given is None or authorization != f"Basic {right}" or challenge != given["code_challenge"]:
            return None
        if (form["grant_type"], form["redirect_uri"]) != ("authorization_code", given["redirect_uri"]):
            return None
        moment = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": given["sub"],
            "aud": CLIENT,
            "iat": moment,
            "exp": moment + 300,
            "nonce": given["nonce"],
            **self.claims,
        }
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        text = jwt.encode(header, claims, self.signed_with or self.key, algorithms=[header["alg"]])
        return {"access_token": "x", "token_type": "Bearer", "id_token": text}


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that the server calls
            provider.asked.append(self.path)
            keys = KeySet([provider.key]).as_dict(private=False)
            said = {"/.well-known/openid-configuration": provider.discovery(), "/keys": keys}.get(self.path)
            self.say(said)

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.say(provider.token(form, self.headers.get("Authorization", "")))

        def say(self, said: Any) -> None:
            data = json.dumps(said or {"error": "invalid_grant"}).encode()
            self.send_response(200 if said else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Nothing on the screen."""

    return Handler


@pytest.fixture(scope="module")
def key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


@pytest.fixture
def provider(key: RSAKey) -> Iterator[Provider]:
    """A provider on a free port."""
    made = Provider(key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(made))
    made.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Side:
    """The workbench, set up for the provider."""

    home: Home
    app: FastAPI
    provider: Provider

    def browser(self) -> TestClient:
        return TestClient(
            self.app, base_url="http://127.0.0.1:9", raise_server_exceptions=False, follow_redirects=False
        )

    def go(self, browser: TestClient) -> str:
        """Where the workbench sends a browser."""
        answer = browser.get("/api/v1/session/oidc")
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def come_back(self, browser: TestClient, address: str) -> Any:
        parts = urlsplit(address)
        return browser.get(f"{parts.path}?{parts.query}")

    def person(self, subject: str) -> int:
        engine = self.app.state.workbench.engine
        with engine.begin() as connection:
            wanted = [Wanted("bureau_handler")]
            named = f"{self.provider.issuer}|{subject}"
            return users.create(
                connection, self.home, f"u-{subject}", "", wanted, by=users.SYSTEM, single_sign_on=named
            )[0]


@pytest.fixture
def side(tmp_path: Path, provider: Provider) -> Side:
    home = Home.open(tmp_path / "home")
    home.root.mkdir()
    (home.root / "oidc.secret").write_text(f"{SECRET}\n", encoding="utf-8")
    (home.root / "workbench.yaml").write_text(
        f"session.idle_minutes: 20\noidc:\n  issuer: {provider.issuer}\n  client_id: {CLIENT}\n"
        f"  secret_file: oidc.secret\n  redirect: {REDIRECT}\n  label: 医院统一认证\n  scopes: [openid, profile]\n",
        encoding="utf-8",
    )
    return Side(home, create_app(home), provider)


def test_a_known_subject_signs_in_and_gets_the_grants_it_has_here(side: Side) -> None:
    side.person("17")
    browser = side.browser()
    assert browser.get("/api/v1/session/ways").json() == {"password": True, "single_sign_on": "医院统一认证"}
    answer = side.come_back(browser, side.provider.authorize(side.go(browser), "17"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    me = browser.get("/api/v1/me").json()
    assert (me["name"], me["acting"]["id"], me["must_change"]) == ("u-17", "bureau_handler", False)
    with side.app.state.workbench.engine.connect() as connection:
        last = journal.entries(connection)[-1]
    assert (last.act, last.details) == ("sign_in", {"by": "single sign-on"})
    assert side.provider.asked == ["/.well-known/openid-configuration", "/token", "/keys"]


def test_the_cookies_of_the_way_there_and_back(side: Side) -> None:
    side.person("17")
    browser = side.browser()
    there = browser.get("/api/v1/session/oidc")
    kept = there.headers["set-cookie"].lower()
    assert all(mark in kept for mark in ("httponly", "samesite=lax", "path=/api/v1/session/oidc", "max-age=600"))
    back = side.come_back(browser, side.provider.authorize(there.headers["location"], "17"))
    cookies = [one.lower() for one in back.headers.get_list("set-cookie")]
    session = next(one for one in cookies if one.startswith("tongpin_session="))
    assert "samesite=strict" in session
    assert "httponly" in session
    assert any(one.startswith("tongpin_oidc=") and "max-age=0" in one for one in cookies), "used once"


def test_an_unknown_subject_is_refused_and_nothing_is_granted(side: Side) -> None:
    browser = side.browser()
    answer = side.come_back(browser, side.provider.authorize(side.go(browser), "18"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?refused=oidc.unknown")
    assert browser.get("/api/v1/me").status_code == 401
    with side.app.state.workbench.engine.connect() as connection:
        assert not users.has_users(connection)


def test_a_disabled_user_does_not_come_in_by_single_sign_on(side: Side) -> None:
    number = side.person("17")
    with side.app.state.workbench.engine.begin() as connection:
        users.disable(connection, number, by=users.SYSTEM)
    browser = side.browser()
    answer = side.come_back(browser, side.provider.authorize(side.go(browser), "17"))
    assert answer.headers["location"] == "/sign-in?refused=sign_in.disabled"


def test_a_user_of_single_sign_on_has_no_password(side: Side) -> None:
    side.person("17")
    answer = side.browser().post("/api/v1/session", json={"name": "u-17", "password": ""})
    assert answer.json()["code"] == "sign_in.wrong"


def test_a_way_back_that_another_browser_began_is_refused(side: Side) -> None:
    """Nobody is signed in as somebody else by a link, and a code is used once."""
    side.person("17")
    mine, other = side.browser(), side.browser()
    address = side.provider.authorize(side.go(mine), "17")
    side.go(other)
    assert side.come_back(other, address).headers["location"] == "/sign-in?refused=oidc.state"
    assert side.come_back(side.browser(), address).headers["location"] == "/sign-in?refused=oidc.state"
    assert side.come_back(mine, address).headers["location"] == "/"
    assert side.come_back(mine, address).headers["location"] == "/sign-in?refused=oidc.state"


def test_a_code_without_its_verifier_buys_nothing(side: Side) -> None:
    side.person("17")
    browser = side.browser()
    address = side.provider.authorize(side.go(browser), "17")
    state, nonce, _ = next(c.value for c in browser.cookies.jar if c.name == "tongpin_oidc").split(".")
    thief = side.browser()
    thief.cookies.set("tongpin_oidc", f"{state}.{nonce}.another-verifier", path="/api/v1/session/oidc")
    assert side.come_back(thief, address).headers["location"] == "/sign-in?refused=oidc.provider"


@pytest.mark.parametrize(
    "said",
    [
        {"claims": {"iss": "http://127.0.0.1:1"}},
        {"claims": {"aud": "another-client"}},
        {"claims": {"aud": [CLIENT, "another-client"]}},
        {"claims": {"azp": "another-client"}},
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"claims": {"exp": 1_000_000_000}},
        {"claims": {"iat": 4_000_000_000, "exp": 4_100_000_000}},
        {"claims": {"sub": ""}},
        {"claims": {"sub": 17}},
        {"signed_with": RSAKey.generate_key(2048, {"kid": "one"})},
        {"signed_with": OctKey.import_key("x" * 32), "header": {"alg": "HS256"}},
    ],
    ids=lambda said: json.dumps(said, default=lambda _: "key"),
)
def test_what_a_token_says_wrongly_is_found(side: Side, said: dict[str, Any]) -> None:
    side.person("17")
    for name, value in said.items():
        setattr(side.provider, name, value)
    browser = side.browser()
    answer = side.come_back(browser, side.provider.authorize(side.go(browser), "17"))
    assert answer.headers["location"] == "/sign-in?refused=oidc.token"
    assert browser.get("/api/v1/me").status_code == 401


def test_a_token_without_a_signature_is_found_even_where_the_provider_announces_that(side: Side) -> None:
    side.person("17")
    side.provider.announced = {"id_token_signing_alg_values_supported": ["none", "HS256", "RS256"]}

    def unsigned(form: dict[str, str], _: str) -> dict[str, Any]:
        given = side.provider.codes.pop(form["code"])
        moment = int(time.time())
        claims = {"iss": side.provider.issuer, "sub": "17", "aud": CLIENT, "iat": moment, "exp": moment + 300}
        parts = [{"alg": "none"}, claims | {"nonce": given["nonce"]}]
        text = ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode() for one in parts)
        return {"id_token": f"{text}."}

    side.provider.token = unsigned  # type: ignore[method-assign]
    browser = side.browser()
    answer = side.come_back(browser, side.provider.authorize(side.go(browser), "17"))
    assert answer.headers["location"] == "/sign-in?refused=oidc.token"


def test_a_provider_that_refuses_or_is_away_leads_back_to_the_page(side: Side) -> None:
    browser = side.browser()
    address = side.go(browser)
    state = parse_qs(urlsplit(address).query)["state"][0]
    denied = side.come_back(browser, f"{REDIRECT}?{urlencode({'error': 'access_denied', 'state': state})}")
    assert denied.headers["location"] == "/sign-in?refused=oidc.provider"
    oidc._found.clear()
    side.provider.announced = {"issuer": "http://127.0.0.1:1"}
    assert browser.get("/api/v1/session/oidc").headers["location"] == "/sign-in?refused=oidc.token"
    text = (side.home.root / "workbench.yaml").read_text(encoding="utf-8")
    text = text.replace(side.provider.issuer, "http://127.0.0.1:1")
    (side.home.root / "workbench.yaml").write_text(text, encoding="utf-8")
    assert browser.get("/api/v1/session/oidc").headers["location"] == "/sign-in?refused=oidc.provider"


def test_a_home_without_a_provider_says_so(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    browser = TestClient(create_app(home), raise_server_exceptions=False, follow_redirects=False)
    assert browser.get("/api/v1/session/ways").json() == {"password": True, "single_sign_on": None}
    answer = browser.get("/api/v1/session/oidc")
    assert (answer.status_code, answer.json()["code"]) == (404, "oidc.none")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("issuer: http://sso.example.cn", "workbench.oidc"),
        ("issuer: nothing", "workbench.oidc"),
        ("redirect: http://tongpin.example.cn/back", "workbench.oidc"),
        ("scopes: [profile]", "workbench.oidc"),
        ("secret: in-this-file", "workbench.oidc"),
    ],
)
def test_settings_that_would_be_unsafe_are_refused(tmp_path: Path, line: str, code: str) -> None:
    home = Home.open(tmp_path)
    good = {"issuer": "https://sso.example.cn", "client_id": "x", "redirect": "https://t.example.cn/back"}
    name, _, value = line.partition(": ")
    text = "".join(f"  {key}: {one}\n" for key, one in {**good, name: value}.items())
    (home.root / "workbench.yaml").write_text(f"oidc:\n{text}", encoding="utf-8")
    with pytest.raises(TongpinError) as caught:
        oidc.provider_of(home)
    assert caught.value.code == code
    (home.root / "workbench.yaml").write_text("nothing: 1\n", encoding="utf-8")
    assert oidc.provider_of(home) is None
