"""Single sign-on 单点登录: OpenID Connect with authorization code, PKCE, state and nonce (OpenID Connect Core 1.0).

A provider proves who somebody is; what they may do stays with the grants of this workbench: an unknown subject is
refused, nothing is granted by it. The provider is written into the home's `workbench.yaml` under `oidc`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry
from pydantic import Field, ValidationError
from sqlalchemy import select

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, first_fault
from tongpin.workbench.sign_in.roles import OWN_SETTINGS, own_block
from tongpin.workbench.sign_in.sessions import open_session
from tongpin.workbench.sign_in.tables import users
from tongpin.workbench.sign_in.who import NotSignedInError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tongpin.store.home import Home
    from tongpin.workbench.sign_in.sessions import Opened

BLOCK = "oidc"
DISCOVERY = "/.well-known/openid-configuration"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key pair only: with `none` or a shared secret anybody could speak for the provider."""
ASKED_SECONDS = 600
"""How long somebody may take at the provider."""
_KEPT_SECONDS, _WAIT_SECONDS, _LEEWAY_SECONDS = 600.0, 5.0, 60
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_BYTES = 32
_LONGEST = 4096


class Provider(Strict):
    """The provider as `workbench.yaml` names it; the secret of the client stands in a file of the home of its own."""

    issuer: str
    client_id: Annotated[str, Field(min_length=1)]
    secret_file: str | None = None
    redirect: str
    label: str = "单点登录"
    scopes: tuple[str, ...] = ("openid",)


class Endpoints(NamedTuple):
    """What a provider's discovery document says."""

    authorization: str
    token: str
    keys: str
    algorithms: tuple[str, ...]


class Asked(NamedTuple):
    """What the browser keeps while its user is at the provider."""

    state: str
    nonce: str
    verifier: str

    def text(self) -> str:
        """As the value of a cookie."""
        return ".".join(self)


_found: dict[str, tuple[float, Endpoints]] = {}
_guard = threading.Lock()


def provider_of(home: Home) -> Provider | None:
    """The provider of a home, None where it has none. TongpinError `workbench.oidc`."""
    written = own_block(home, BLOCK)
    if written is None:
        return None
    try:
        found = Provider.model_validate(written)
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise TongpinError("workbench.oidc", message, where=f"{OWN_SETTINGS} oidc.{place}", hint=hint) from None
    for name in ("issuer", "redirect"):
        _check_address(getattr(found, name), name)
    if "openid" not in found.scopes:
        raise TongpinError("workbench.oidc", "scopes 里要有 openid", where=f"{OWN_SETTINGS} oidc.scopes", hint="补上")
    return found


def is_secure(provider: Provider) -> bool:
    """Whether browsers reach this workbench by https."""
    return urlsplit(provider.redirect).scheme == "https"


def asked_of(cookie: str | None) -> Asked | None:
    """What a cookie kept, None where it is not one of ours."""
    parts = (cookie or "").split(".")
    return Asked(*parts) if len(parts) == len(Asked._fields) and all(parts) else None


def begin(provider: Provider) -> tuple[str, Asked]:
    """The address at the provider to send a browser to, and what the browser keeps until it comes back."""
    asked = Asked(*(secrets.token_urlsafe(_BYTES) for _ in Asked._fields))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(asked.verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect,
        "scope": " ".join(provider.scopes),
        "state": asked.state,
        "nonce": asked.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    address = _endpoints(provider).authorization
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(query)}", asked


def finish(home: Home, provider: Provider, asked: Asked | None, state: str, code: str) -> str:
    """The subject (`issuer|sub`) that the provider vouches for, once the browser is back with a code.

    NotSignedInError: `oidc.state` (another browser, or too late), `oidc.provider` (unreachable, or it refused the
    code), `oidc.token` (what it says does not hold).
    """
    if asked is None or not state or not hmac.compare_digest(asked.state.encode(), state.encode()):
        raise NotSignedInError("oidc.state", "登录已过期，或不是从这个浏览器开始的", hint="从登录页重新开始")
    if not code:
        raise NotSignedInError("oidc.provider", "单点登录的服务拒绝了", hint="从登录页重新开始，或用口令登录")
    endpoints = _endpoints(provider)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": provider.redirect,
        "client_id": provider.client_id,
        "code_verifier": asked.verifier,
    }
    secret = _secret(home, provider)
    answer = _asked("POST", endpoints.token, data=form, auth=(provider.client_id, secret) if secret else None)
    told = answer.get("id_token")
    if not isinstance(told, str):
        raise _not_ours("没有身份令牌")
    return f"{provider.issuer}|{_subject(provider, endpoints, told, asked.nonce)}"


def sign_in(connection: Connection, subject: str) -> Opened:
    """A session for the user who has this subject; NotSignedInError `oidc.unknown`, and those of `open_session`."""
    found = connection.execute(select(users.c.id).where(users.c.single_sign_on == subject)).first()
    if found is None:
        raise NotSignedInError("oidc.unknown", "单点登录的这个人还不是工作台的用户", hint="请信息科建用户并授权")
    return open_session(connection, int(found.id), "single sign-on")


def _subject(provider: Provider, endpoints: Endpoints, told: str, nonce: str) -> str:
    """Who an identity token is about, once signature, issuer, audience, times and nonce are right."""
    allowed = [name for name in ALGORITHMS if name in endpoints.algorithms]
    try:
        keys = KeySet.import_key_set(_asked("GET", endpoints.keys))  # type: ignore[arg-type]
        claims: dict[str, Any] = jwt.decode(told, keys, algorithms=allowed).claims
        JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": provider.issuer},
            sub={"essential": True},
            aud={"essential": True, "value": provider.client_id},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise _not_ours(type(error).__name__) from None
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if (len(audiences) > 1 or "azp" in claims) and claims.get("azp") != provider.client_id:
        raise _not_ours("azp")
    if not isinstance(claims.get("nonce"), str) or not hmac.compare_digest(claims["nonce"].encode(), nonce.encode()):
        raise _not_ours("nonce")
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject or len(subject) > _LONGEST:
        raise _not_ours("sub")
    return subject


def _endpoints(provider: Provider) -> Endpoints:
    """The provider's discovery document, asked for again after some minutes."""
    with _guard:
        kept = _found.get(provider.issuer)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    said = _asked("GET", provider.issuer.rstrip("/") + DISCOVERY)
    if said.get("issuer") != provider.issuer:
        raise _not_ours("issuer")
    announced = said.get("id_token_signing_alg_values_supported")
    made = Endpoints(
        str(said.get("authorization_endpoint")),
        str(said.get("token_endpoint")),
        str(said.get("jwks_uri")),
        tuple(announced) if isinstance(announced, list) else (),
    )
    for address in made[:3]:
        _check_address(address, "discovery")
    with _guard:
        _found[provider.issuer] = (time.monotonic() + _KEPT_SECONDS, made)
    return made


def _asked(method: str, address: str, **body: Any) -> dict[str, Any]:
    """What the provider answers as JSON; it is asked directly, follows nothing, waits some seconds."""
    import httpx2  # takes long to import, and most homes have no provider

    try:
        with httpx2.Client(timeout=_WAIT_SECONDS, follow_redirects=False, trust_env=False) as client:
            answer = client.request(method, address, headers={"Accept": "application/json"}, **body)
            said = json.loads(answer.content) if answer.status_code == httpx2.codes.OK else None
    except (httpx2.HTTPError, ValueError) as error:
        raise NotSignedInError(
            "oidc.provider", f"单点登录的服务没有应答（{type(error).__name__}）", hint="稍后再试，或用口令登录"
        ) from None
    if not isinstance(said, dict):
        raise NotSignedInError("oidc.provider", "单点登录的服务拒绝了", hint="从登录页重新开始，或用口令登录")
    return said


def _secret(home: Home, provider: Provider) -> str | None:
    """The secret of the client, None for a public one (PKCE alone). TongpinError `workbench.oidc`."""
    if provider.secret_file is None:
        return None
    path = home.root / provider.secret_file
    if path.parent != home.root or not path.is_file():
        raise TongpinError("workbench.oidc", "没有客户端密钥的文件", where=OWN_SETTINGS, hint="放在工作目录里")
    return path.read_text(encoding="utf-8").strip()


def _check_address(address: Any, name: str) -> None:
    """An address is https, or of this very host."""
    parts = urlsplit(address) if isinstance(address, str) else None
    if parts is None or not parts.hostname or parts.fragment or parts.username:
        raise TongpinError("workbench.oidc", "不是一个地址", where=f"{OWN_SETTINGS} oidc.{name}", hint="https://…")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise TongpinError("workbench.oidc", "地址须是 https", where=f"{OWN_SETTINGS} oidc.{name}", hint="https://…")


def _not_ours(what: str) -> NotSignedInError:
    return NotSignedInError("oidc.token", f"单点登录的应答不能相信（{what}）", hint="从登录页重新开始；再不行找信息科")
