"""Signing in and out 登录与退出, and who I am: roles, permissions, scope, months."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from tongpin.base.errors import TongpinError
from tongpin.payment.month.closed import every_run
from tongpin.workbench.api.asking import COOKIE, Asker, Bench, Person, Workbench, workbench_of
from tongpin.workbench.api.shapes import REFUSALS, Done
from tongpin.workbench.listings.places import department_names
from tongpin.workbench.sign_in import oidc, sessions
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.sign_in.roles import settings_of
from tongpin.workbench.sign_in.who import NotSignedInError

router = APIRouter(tags=["登录"], responses=REFUSALS)
OIDC_COOKIE, OIDC_PATH = "tongpin_oidc", "/api/v1/session/oidc"


class Named(BaseModel):
    """A code with its name."""

    id: str
    label: str


class Place(BaseModel):
    """A hospital or department."""

    code: str
    name: str


class RoleHeld(BaseModel):
    """A role of the user; `grant` chooses it."""

    grant: int
    id: str
    label: str
    desk: str
    reach: str


class ScopeShown(BaseModel):
    """Whose rows are shown: null for all."""

    area: str | None
    hospitals: list[Place] | None
    departments: list[Place] | None
    doctor: str | None
    cases: int | None


class Me(BaseModel):
    """The signed-in user in the role of the moment."""

    name: str
    display: str
    acting: RoleHeld
    roles: list[RoleHeld]
    permissions: list[str]
    sees_money: bool
    scope: ScopeShown
    months: list[str]
    areas: list[Named]
    csrf: str
    demo: bool
    must_change: bool


class Credentials(BaseModel):
    """A name and its password."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=64)
    password: str = Field(max_length=256)


class PasswordChange(BaseModel):
    """The old password and the new one."""

    model_config = ConfigDict(extra="forbid")
    old: str = Field(max_length=256)
    new: str = Field(max_length=256)


class Ways(BaseModel):
    """The ways to sign in: always by password, and by single sign-on under a label."""

    password: bool = True
    single_sign_on: str | None


class Acting(BaseModel):
    """The role to act in."""

    model_config = ConfigDict(extra="forbid")
    grant: int = Field(ge=1, le=2**31 - 1)


@router.post("/session", summary="登录")
def sign_in(body: Credentials, request: Request, response: Response) -> Me:
    """Open a session; the cookie is for the browser only, unsafe requests carry `csrf` in `X-CSRF-Token`."""
    bench = workbench_of(request)
    address = request.client.host if request.client else ""
    bench.pace.check(f"sign-in {address}", settings_of(bench.home)["sign_in.per_minute"], "sign_in.pace")
    proof = sessions.prove(bench.engine, body.name, body.password)
    with bench.engine.connect() as connection:
        try:
            opened = sessions.sign_in(connection, bench.home, body.name, proof)
            sessions.sign_out(connection, request.cookies.get(COOKIE, ""))  # this browser's old session ends
        finally:
            connection.commit()  # failures are counted also when it is refused
    set_cookie(request, response, opened.token)
    return me_of(bench, opened.identity)


def set_cookie(request: Request, response: Response, token: str) -> None:
    """Hand the browser a session that no script reads and no other site sends."""
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure, path="/")


@router.get("/session/ways", summary="可以怎样登录")
def ways(bench: Bench) -> Ways:
    """Whether a provider of single sign-on is set up, for the sign-in page."""
    provider = oidc.provider_of(bench.home)
    return Ways(single_sign_on=provider.label if provider else None)


@router.get("/session/oidc", status_code=303, response_class=RedirectResponse, summary="去单点登录")
def to_provider(bench: Bench) -> RedirectResponse:
    """Send the browser to the provider; it keeps state, nonce and PKCE verifier for its way back."""
    provider = _provider(bench)
    try:
        address, asked = oidc.begin(provider)
    except NotSignedInError as error:
        return _refused(error)
    answer = RedirectResponse(address, 303)
    # Lax, not strict: the browser comes back by a link of the provider.
    answer.set_cookie(
        OIDC_COOKIE,
        asked.text(),
        max_age=oidc.ASKED_SECONDS,
        httponly=True,
        samesite="lax",
        secure=oidc.is_secure(provider),
        path=OIDC_PATH,
    )
    return answer


@router.get("/session/oidc/back", status_code=303, response_class=RedirectResponse, summary="从单点登录回来")
def from_provider(
    request: Request,
    bench: Bench,
    code: Annotated[str, Query(max_length=4096)] = "",
    state: Annotated[str, Query(max_length=256)] = "",
) -> RedirectResponse:
    """A session for the subject that the provider vouches for; a refusal leads back to the sign-in page, which says it.

    Where to go then is never part of the request: always the start page of this workbench.
    """
    try:
        subject = oidc.finish(
            bench.home, _provider(bench), oidc.asked_of(request.cookies.get(OIDC_COOKIE)), state, code
        )
        with bench.engine.begin() as connection:
            opened = oidc.sign_in(connection, subject)
            sessions.sign_out(connection, request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/", 303)
        set_cookie(request, answer, opened.token)
    except NotSignedInError as error:
        answer = _refused(error)
    answer.delete_cookie(OIDC_COOKIE, path=OIDC_PATH)
    return answer


def _refused(error: NotSignedInError) -> RedirectResponse:
    return RedirectResponse(f"/sign-in?{urlencode({'refused': error.code})}", 303)


def _provider(bench: Workbench) -> oidc.Provider:
    found = oidc.provider_of(bench.home)
    if found is None:
        raise TongpinError("oidc.none", "没有设置单点登录", where="oidc", hint="用口令登录")
    return found


@router.get("/me", summary="我是谁、能做什么、看多大范围")
def me(asker: Asker, bench: Bench) -> Me:
    """The role of the moment, its permissions, scope, the closed months and areas that it may choose."""
    return me_of(bench, asker)


@router.delete("/session", status_code=204, summary="退出")
def sign_out(request: Request, response: Response, _: Person, bench: Bench) -> None:
    """End the session."""
    with bench.engine.begin() as connection:
        sessions.sign_out(connection, request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE, path="/")


@router.put("/session/role", summary="换一个岗位行事")
def act_as(body: Acting, request: Request, asker: Person, bench: Bench) -> Me:
    """Act in another of one's roles; documents and the journal name it."""
    with bench.engine.begin() as connection:
        identity = sessions.act_as(connection, request.cookies.get(COOKIE, ""), asker, body.grant)
    return me_of(bench, identity)


@router.put("/session/password", summary="修改自己的口令")
def change_password(body: PasswordChange, request: Request, asker: Person, bench: Bench) -> Done:
    """Change one's own password, which ends one's other sessions; a first one is changed before anything else."""
    token = request.cookies.get(COOKIE, "")
    with bench.engine.connect() as connection:
        try:
            sessions.change_password(connection, bench.home, asker, token, body.old, body.new)
        finally:
            connection.commit()  # failures are counted also when it is refused
    return Done()


def me_of(bench: Workbench, identity: Identity) -> Me:
    """What a page needs to know of its user."""
    grant = identity.grant
    scope = grant.scope
    names: dict[str, str] = {}
    months: list[str] = []
    areas: list[Named] = []
    if not identity.must_change:
        if scope.hospitals is not None:
            names = bench.ready.hospital_names(identity.desk(bench.home))
        runs = [run for run in every_run(bench.home).values() if grant.area in {None, run["area"]}]
        months = sorted({run["month"] for run in runs})
        areas = [
            Named(id=code, label=label) for code, label in sorted({(one["area"], one["area_label"]) for one in runs})
        ]
    hospitals = None
    if scope.hospitals is not None:
        hospitals = [Place(code=code, name=names.get(code, code)) for code in sorted(scope.hospitals)]
    departments = None
    if scope.departments is not None:
        known = {} if identity.must_change else department_names(identity.desk(bench.home), grant.hospital)
        departments = [Place(code=code, name=known.get(code, code)) for code in sorted(scope.departments)]
    return Me(
        name=identity.name,
        display=identity.display,
        acting=_held(grant),
        roles=[_held(one) for one in identity.grants],
        permissions=sorted(identity.permissions),
        sees_money=identity.role.sees_money,
        scope=ScopeShown(
            area=grant.area,
            hospitals=hospitals,
            departments=departments,
            doctor=grant.doctor,
            cases=None if scope.cases is None else len(scope.cases),
        ),
        months=months,
        areas=areas,
        csrf=identity.csrf,
        demo=bench.home.demo_city.exists(),
        must_change=identity.must_change,
    )


def _held(grant: Any) -> RoleHeld:
    role = grant.role
    return RoleHeld(grant=grant.id, id=role.id, label=role.label, desk=role.desk, reach=role.scope)
