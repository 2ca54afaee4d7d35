"""Users 用户: who exists, their roles, new ones, revocations, passwords; tokens for machines; for people only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import pyarrow.compute as pc
from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from tongpin.documents.duties import open_duties
from tongpin.records.intake.load import CASES, read_loaded
from tongpin.store.control import reading
from tongpin.store.scope import Scope
from tongpin.workbench.api.asking import Bench, needs, session_only
from tongpin.workbench.api.shapes import REFUSALS, Done, Number, WorldTime
from tongpin.workbench.listings.people import reach_words
from tongpin.workbench.listings.places import department_names, institution_names
from tongpin.workbench.sign_in import sessions, users
from tongpin.workbench.sign_in.identity import Identity
from tongpin.workbench.sign_in.roles import permissions, roles
from tongpin.workbench.sign_in.tables import tokens

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tongpin.store.home import Home

router = APIRouter(tags=["用户"], responses=REFUSALS, dependencies=[Depends(session_only)])
Manager = Annotated[Identity, Depends(needs("users.manage"))]
TokenMaker = Annotated[Identity, Depends(needs("tokens.manage"))]
Code = Annotated[str, Field(min_length=1, max_length=64)]


class GrantWanted(BaseModel):
    """A role and its reach; `until` without a zone is world time."""

    model_config = ConfigDict(extra="forbid")
    role: Code
    area: Code | None = None
    hospital: Code | None = None
    department: Code | None = None
    doctor: Code | None = None
    cases: list[Code] = Field(default=[], max_length=10_000)
    until: datetime | None = None


class UserWanted(BaseModel):
    """A new user; one with a subject of single sign-on (`issuer|sub`) needs no password."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=64)
    display: str = Field(default="", max_length=64)
    grants: list[GrantWanted] = Field(default=[], max_length=20)
    single_sign_on: str | None = Field(default=None, min_length=1, max_length=256)


class UserMade(BaseModel):
    """The user and the password that is shown this once."""

    id: int
    password: str | None


class GrantShown(BaseModel):
    """A role of a user, its reach, and who gave it."""

    id: int
    role: str
    label: str
    area: str | None
    hospital: str | None
    department: str | None
    doctor: str | None
    cases: int
    reach: str
    until: WorldTime | None
    granted_by: str
    granted_at: WorldTime | None


class UserShown(BaseModel):
    """A user with the roles that hold now."""

    id: int
    name: str
    display: str
    disabled: bool
    locked_until: WorldTime | None
    must_change: bool
    single_sign_on: str | None
    created_at: WorldTime
    sessions: int
    tokens: int
    grants: list[GrantShown]


class RoleShown(BaseModel):
    """A role as the matrix shows it."""

    id: str
    label: str
    desk: str
    scope: str
    duty: str
    sees_money: bool
    needs_until: bool
    permissions: list[str]


class Excluded(BaseModel):
    """Two duties that one person may not have, and why."""

    id: str
    first: str
    second: str
    reason: str
    reference: str


class Matrix(BaseModel):
    """All roles with what each may do, the duties, and which of them exclude each other in this home."""

    permissions: dict[str, str]
    duties: dict[str, str]
    excluded: list[Excluded]
    roles: list[RoleShown]


class Place(BaseModel):
    """A code with its name."""

    code: str
    name: str


class Places(BaseModel):
    """What a reach may name: the hospitals of the register, and of one of them the departments and doctors."""

    hospitals: list[Place]
    departments: list[Place]
    doctors: list[Place]


class TokenWanted(BaseModel):
    """A token for a machine."""

    model_config = ConfigDict(extra="forbid")
    label: str = Field(min_length=1, max_length=128)
    scopes: list[Code] = Field(min_length=1, max_length=50)
    expires_at: datetime
    per_minute: int | None = Field(default=None, ge=1, le=1_000_000)


class TokenMade(BaseModel):
    """The token, shown this once."""

    token: str


class TokenShown(BaseModel):
    """A token without its secret; `digest` names it."""

    digest: str
    label: str
    role: str
    scopes: list[str]
    per_minute: int
    created_at: WorldTime
    expires_at: WorldTime
    revoked: bool


@router.get("/users/{user_id}", summary="一个用户")
def one_user(user_id: Number, _: Manager, bench: Bench) -> UserShown:
    """A user with roles, open sessions and tokens; the list of all is the table `users`."""
    with reading(bench.engine) as connection:
        return _shown(connection, bench.home, user_id)


@router.post("/users", status_code=201, summary="新建用户")
def new_user(body: UserWanted, asker: Manager, bench: Bench) -> UserMade:
    """A user with roles; the password is made at random, shown once, and has to be changed at the first sign-in."""
    with bench.engine.begin() as connection:
        wanted = [_wanted(one) for one in body.grants]
        made, shown = users.create(
            connection, bench.home, body.name, body.display, wanted, by=_by(asker), single_sign_on=body.single_sign_on
        )
    return UserMade(id=made, password=shown)


@router.post("/users/{user_id}/grants", status_code=201, summary="授予岗位")
def new_grant(user_id: Number, body: GrantWanted, asker: Manager, bench: Bench) -> Done:
    """Give a role; refused where duties exclude each other."""
    with bench.engine.begin() as connection:
        users.grant(connection, user_id, _wanted(body), by=_by(asker))
    return Done()


@router.delete("/grants/{grant_id}", status_code=204, summary="收回岗位")
def end_grant(grant_id: Number, asker: Manager, bench: Bench) -> None:
    """Take a role back; its sessions end."""
    with bench.engine.begin() as connection:
        users.revoke(connection, grant_id, by=_by(asker))


@router.post("/users/{user_id}/password", summary="重置口令")
def reset_password(user_id: Number, asker: Manager, bench: Bench) -> UserMade:
    """A new random password, shown once; the user's sessions end, and a lock is lifted."""
    with bench.engine.begin() as connection:
        return UserMade(id=user_id, password=users.reset_password(connection, bench.home, user_id, by=_by(asker)))


@router.delete("/users/{user_id}/sessions", status_code=204, summary="让用户退出所有登录")
def end_sessions(user_id: Number, asker: Manager, bench: Bench) -> None:
    """End every session of a user, for example when a browser was left open."""
    with bench.engine.begin() as connection:
        users.end_sessions(connection, user_id, by=_by(asker))


@router.delete("/users/{user_id}", status_code=204, summary="停用用户")
def disable_user(user_id: Number, asker: Manager, bench: Bench) -> None:
    """Nobody signs in under this name again; the journal keeps it."""
    with bench.engine.begin() as connection:
        users.disable(connection, user_id, by=_by(asker))


@router.get("/roles", summary="岗位、权限与不相容的职责")
def matrix(_: Manager, bench: Bench) -> Matrix:
    """What each role may do, how far it sees, and what it must not be joined with."""
    duties = open_duties(bench.home)
    return Matrix(
        permissions=permissions(),
        duties={one.id: one.label for one in duties.duties},
        excluded=[Excluded.model_validate(one.model_dump()) for one in duties.incompatible],
        roles=[RoleShown.model_validate(role.model_dump()) for role in roles().values()],
    )


@router.get("/places", summary="授权时可写的机构、科室、医师")
def places(
    _: Manager, bench: Bench, hospital: Annotated[str | None, Query(min_length=1, max_length=64)] = None
) -> Places:
    """The hospitals, and of the named one its departments and the doctors of its cases."""
    hospitals = [Place(code=code, name=name) for code, name in sorted(institution_names(bench.home).items())]
    if hospital is None:
        return Places(hospitals=hospitals, departments=[], doctors=[])
    departments = [Place(code=code, name=name) for code, name in sorted(department_names(bench.home, hospital).items())]
    cases = read_loaded(bench.home.within(Scope(hospitals=frozenset([hospital]))), CASES, ["doctor_code"])
    codes = sorted(code for code in pc.unique(cases["doctor_code"]).to_pylist() if code)
    return Places(hospitals=hospitals, departments=departments, doctors=[Place(code=one, name=one) for one in codes])


@router.get("/tokens/scopes", summary="我的令牌可以有哪些范围")
def token_scopes(asker: TokenMaker) -> dict[str, str]:
    """The permissions of the asker's role, with their labels."""
    return {name: label for name, label in permissions().items() if name in asker.permissions}


@router.get("/tokens", summary="我的接口令牌")
def all_tokens(asker: TokenMaker, bench: Bench) -> list[TokenShown]:
    """The tokens that the asker made, newest first."""
    wanted = select(tokens).where(tokens.c.user_id == asker.user_id).order_by(tokens.c.created_at.desc())
    with reading(bench.engine) as connection:
        rows = connection.execute(wanted).mappings().all()
        held = {one.id: one.role.label for one in users.grants_of(connection, asker.user_id)}
    return [
        TokenShown(
            digest=row["digest"],
            label=row["label"],
            role=held.get(row["grant_id"], "已收回的岗位"),
            scopes=row["scopes"],
            per_minute=row["per_minute"],
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            revoked=row["revoked_at"] is not None,
        )
        for row in rows
    ]


@router.post("/tokens", status_code=201, summary="新建接口令牌")
def new_token(body: TokenWanted, asker: TokenMaker, bench: Bench) -> TokenMade:
    """A token that acts in the asker's role, narrowed to some permissions; shown once."""
    with bench.engine.begin() as connection:
        expires = _utc(body.expires_at)
        made = sessions.make_token(connection, bench.home, asker, body.label, body.scopes, expires, body.per_minute)
    return TokenMade(token=made)


@router.delete("/tokens/{digest}", status_code=204, summary="作废接口令牌")
def end_token(digest: Annotated[str, Path(max_length=64)], asker: TokenMaker, bench: Bench) -> None:
    """End a token."""
    with bench.engine.begin() as connection:
        sessions.revoke_token(connection, asker, digest)


def _shown(connection: Connection, home: Home, user_id: int) -> UserShown:
    row = users.user_row(connection, user_id)
    names = institution_names(home)
    open_tokens = select(func.count()).where(
        tokens.c.user_id == user_id, tokens.c.revoked_at.is_(None), tokens.c.expires_at > users.now()
    )
    return UserShown(
        id=row["id"],
        name=row["name"],
        display=row["display"],
        disabled=row["disabled_at"] is not None,
        locked_until=row["locked_until"] if row["locked_until"] and row["locked_until"] > users.now() else None,
        must_change=bool(row["must_change"]),
        single_sign_on=row["single_sign_on"],
        created_at=row["created_at"],
        sessions=sessions.count_open(connection, home, user_id),
        tokens=connection.execute(open_tokens).scalar_one(),
        grants=[
            GrantShown(
                id=one.id,
                role=one.role.id,
                label=one.role.label,
                area=one.area,
                hospital=one.hospital,
                department=one.department,
                doctor=one.doctor,
                cases=len(one.cases),
                reach=reach_words(one, names),
                until=one.until,
                granted_by=one.granted_by,
                granted_at=one.granted_at,
            )
            for one in users.grants_of(connection, user_id)
        ],
    )


def _by(asker: Identity) -> users.By:
    return users.By(asker.name, asker.role.id)


def _utc(moment: datetime) -> datetime:
    """A moment in world time without a zone, as the control database keeps it."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _wanted(one: GrantWanted) -> users.Wanted:
    until = _utc(one.until) if one.until else None
    return users.Wanted(one.role, one.area, one.hospital, one.department, one.doctor, tuple(one.cases), until)
