"""Users and grants 用户与授权: who exists, which role each has, until when; every change is journalled."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
from sqlalchemy import insert, select, update

from tongpin.base.errors import TongpinError
from tongpin.documents.duties import check_duties, open_duties
from tongpin.records.intake.load import CASES, INSTITUTIONS, read_loaded
from tongpin.store import journal
from tongpin.store.control import home_of
from tongpin.workbench.sign_in.identity import Grant
from tongpin.workbench.sign_in.passwords import hashed, is_right, random_password
from tongpin.workbench.sign_in.roles import role_of, settings_of
from tongpin.workbench.sign_in.tables import grants, sessions, tokens, users

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from tongpin.store.home import Home
    from tongpin.workbench.sign_in.roles import Role

_NAME = re.compile(r"[\w.@-]{1,64}")
_PARTS = {"hospital": "机构代码", "department": "科室", "doctor": "医师", "cases": "病例清单"}


class By(NamedTuple):
    """Who changes users: the name, and the role that the journal names."""

    name: str
    acted_as: str | None = None


SYSTEM = By("系统")
"""Who acts when nobody is signed in yet."""


def now() -> datetime:
    """This moment in UTC, without a zone: what the control database keeps."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


class Wanted(NamedTuple):
    """A grant to be made: the role's id and its reach."""

    role: str
    area: str | None = None
    hospital: str | None = None
    department: str | None = None
    doctor: str | None = None
    cases: tuple[str, ...] = ()
    until: datetime | None = None


def has_users(connection: Connection) -> bool:
    """Whether anybody exists."""
    return connection.execute(select(users.c.id).limit(1)).first() is not None


def create(
    connection: Connection,
    home: Home,
    name: str,
    display: str,
    wanted: Sequence[Wanted],
    *,
    by: By,
    password: str | None = None,
    single_sign_on: str | None = None,
) -> tuple[int, str | None]:
    """A new user with grants; without a password one is made, shown once and to be changed. Returns id and password.

    Errors: `users.exists`, `users.name`, `sign_in.weak`, and those of `grant`.
    """
    if not _NAME.fullmatch(name):
        hint = "只用字母、数字、汉字、点、横线和下划线，至多 64 个，例如 zhangsan"
        raise TongpinError("users.name", "登录名不能用", where="name", hint=hint)
    if (
        single_sign_on
        and connection.execute(select(users.c.id).where(users.c.single_sign_on == single_sign_on)).first()
    ):
        raise TongpinError("users.exists", "这个单点登录主体已属于别的用户", where="single_sign_on", hint="核对主体")
    if connection.execute(select(users.c.id).where(users.c.name == name)).first():
        raise TongpinError("users.exists", f"已有登录名 {name}", where=name, hint="换一个登录名，或给原来的人加岗位")
    shown = None
    if password is None and single_sign_on is None:
        shown = password = random_password()
    kept = hashed(password, name, settings_of(home)["password.least_length"]) if password else None
    row = {
        "name": name,
        "display": display or name,
        "password_hash": kept,
        "must_change": shown is not None,
        "single_sign_on": single_sign_on,
        "failures": 0,
        "created_at": now(),
    }
    user_id = int(connection.execute(insert(users).values(row)).inserted_primary_key[0])  # type: ignore[index]
    _note(connection, by, "users.create", name, {"display": display, "single_sign_on": single_sign_on or ""})
    for one in wanted:
        grant(connection, user_id, one, by=by)
    return user_id, shown


def grant(connection: Connection, user_id: int, wanted: Wanted, *, by: By) -> int:
    """Give a user a role; refused where its duty excludes one the user has, or where its reach is not whole.

    Errors: `users.reach`, `users.until`, `users.duties`, `users.self`. Source: S003-17, S003-19, S911-01, S911-02.
    """
    role = role_of(wanted.role)
    user = user_row(connection, user_id)
    _not_oneself(user, by, "给自己授权")
    needed = {
        "hospital": ("hospital",),
        "department": ("hospital", "department"),
        "doctor": ("hospital", "doctor"),
        "cases": ("cases",),
        "region": (),
    }[role.scope]
    for part in needed:
        if not getattr(wanted, part):
            raise _reach(part, f"岗位“{role.label}”须写{_PARTS[part]}", f"补上{_PARTS[part]}")
    for part, words in _PARTS.items():
        if part not in needed and getattr(wanted, part):
            raise _reach(part, f"岗位“{role.label}”不限于{words}，写了也不起作用", "删去它，或换一个岗位")
    home = home_of(connection)
    _check_until(home, role, wanted.until)
    _check_exists(home, wanted)
    held = [one.role for one in grants_of(connection, user_id)]
    faults = check_duties({user["name"]: sorted({role.duty, *(one.duty for one in held)})}, open_duties(home))
    if faults:
        raise TongpinError(
            "users.duties",
            f"{user['display']}：{faults[0].message}",
            where=role.id,
            hint=faults[0].hint,
            findings=faults,
        )
    row: dict[str, Any] = wanted._asdict() | {
        "user_id": user_id,
        "cases": list(wanted.cases) or None,
        "granted_by": by.name,
        "granted_at": now(),
    }
    made = connection.execute(insert(grants).values(row)).inserted_primary_key[0]  # type: ignore[index]
    reach = {name: value for name, value in wanted._asdict().items() if value and name != "role"}
    details = {"role": role.id} | {name: str(value) for name, value in reach.items()}
    _note(connection, by, "users.grant", user["name"], details)
    return int(made)


def _reach(part: str, message: str, hint: str) -> TongpinError:
    return TongpinError("users.reach", message, where=part, hint=hint)


def _check_until(home: Home, role: Role, until: datetime | None) -> None:
    """A role for a time names its last day, not too far away; no grant begins when it has ended."""
    longest = now() + timedelta(days=settings_of(home)["grant.longest_days"])
    if role.needs_until and (until is None or until > longest):
        hint = f"写日期，最迟 {longest:%Y-%m-%d}"
        raise TongpinError("users.until", f"岗位“{role.label}”须写到哪一天为止", where="until", hint=hint)
    if until is not None and until <= now():
        raise TongpinError("users.until", "到期的日子已经过了", where="until", hint="写以后的日期")


def _check_exists(home: Home, wanted: Wanted) -> None:
    """What a reach names is loaded; a home without a register of institutions cannot tell, and takes the name."""
    if wanted.hospital:
        known = set(read_loaded(home, INSTITUTIONS, ["institution_code"])["institution_code"].to_pylist())
        if known and wanted.hospital not in known:
            raise _reach("hospital", f"机构登记里没有 {wanted.hospital}", "核对机构代码")
    if wanted.cases:
        table = read_loaded(home, CASES, ["case_id"], where=("case_id", pa.array(wanted.cases)))
        if missing := sorted(set(wanted.cases) - set(table["case_id"].to_pylist())):
            raise _reach("cases", f"没有病例 {missing[0]}（共 {len(missing)} 个找不到）", "核对结算号")


def _not_oneself(user: dict[str, Any], by: By, act: str) -> None:
    if user["name"] == by.name:
        raise TongpinError("users.self", f"不能{act}", where=user["name"], hint="由另一位信息岗位的人办")


def _note(connection: Connection, by: By, act: str, name: str, details: dict[str, Any] | None = None) -> None:
    journal.record(
        connection, actor=by.name, act=act, subject=f"user/{name}", details=details or {}, acted_as=by.acted_as
    )


def revoke(connection: Connection, grant_id: int, *, by: By) -> None:
    """Take a role back; sessions that act in it end."""
    found = connection.execute(select(grants).where(grants.c.id == grant_id)).mappings().first()
    if found is None or found["revoked_at"]:
        raise TongpinError("users.missing", f"没有这项授权：{grant_id}", where=str(grant_id), hint="看用户列表")
    user = user_row(connection, found["user_id"])
    _not_oneself(user, by, "收回自己的岗位")
    moment = now()
    connection.execute(update(grants).where(grants.c.id == grant_id).values(revoked_at=moment))
    connection.execute(update(sessions).where(sessions.c.grant_id == grant_id).values(revoked_at=moment))
    _note(connection, by, "users.revoke", user["name"], {"role": found["role"]})


def disable(connection: Connection, user_id: int, *, by: By) -> None:
    """End a user's sessions and tokens and let nobody sign in under that name again. Errors: `users.self`."""
    user = user_row(connection, user_id)
    _not_oneself(user, by, "停用自己")
    moment = now()
    connection.execute(update(users).where(users.c.id == user_id).values(disabled_at=moment))
    for table in (sessions, tokens):
        mine = (table.c.user_id == user_id, table.c.revoked_at.is_(None))
        connection.execute(update(table).where(*mine).values(revoked_at=moment))
    _note(connection, by, "users.disable", user["name"])


def end_sessions(connection: Connection, user_id: int, *, by: By) -> None:
    """End every session of a user."""
    user = user_row(connection, user_id)
    mine = (sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
    connection.execute(update(sessions).where(*mine).values(revoked_at=now()))
    _note(connection, by, "users.sign_out", user["name"])


def reset_password(connection: Connection, home: Home, user_id: int, *, by: By) -> str:
    """A new random password, to be changed at the next sign-in; open sessions end. Errors: `users.self`."""
    user = user_row(connection, user_id)
    _not_oneself(user, by, "重置自己的口令：在“修改密码”里改")
    shown = random_password()
    kept = hashed(shown, user["name"], settings_of(home)["password.least_length"])
    values = {"password_hash": kept, "must_change": True, "failures": 0, "locked_until": None}
    connection.execute(update(users).where(users.c.id == user_id).values(values))
    connection.execute(update(sessions).where(sessions.c.user_id == user_id).values(revoked_at=now()))
    _note(connection, by, "users.reset", user["name"])
    return shown


def change_password(connection: Connection, home: Home, user_id: int, old: str, new: str) -> None:
    """The user's own change; TongpinError `sign_in.wrong` when the old one is not right."""
    user = user_row(connection, user_id)
    if not is_right(user["password_hash"], old):
        raise TongpinError("sign_in.wrong", "原口令不对", where="old", hint="再输一次")
    if old == new:
        raise TongpinError("sign_in.weak", "新口令与原口令相同", where="new", hint="换一个")
    kept = hashed(new, user["name"], settings_of(home)["password.least_length"])
    connection.execute(update(users).where(users.c.id == user_id).values(password_hash=kept, must_change=False))
    journal.record(connection, actor=user["name"], act="sign_in.password", subject=f"user/{user['name']}", details={})


def user_row(connection: Connection, user_id: int) -> dict[str, Any]:
    """A user; TongpinError `users.missing` when there is none."""
    found = connection.execute(select(users).where(users.c.id == user_id)).mappings().first()
    if found is None:
        raise TongpinError("users.missing", "没有这个用户", where=str(user_id), hint="看用户列表")
    return dict(found)


def grants_of(connection: Connection, user_id: int) -> tuple[Grant, ...]:
    """The grants of a user that hold at this moment."""
    rows = connection.execute(
        select(grants)
        .where(grants.c.user_id == user_id, grants.c.revoked_at.is_(None))
        .where((grants.c.until.is_(None)) | (grants.c.until > now()))
        .order_by(grants.c.id)
    ).mappings()
    return tuple(grant_of(row) for row in rows)


def grant_of(row: Mapping[Any, Any], named: str = "") -> Grant:
    """A grant of a row of `grants`, whose columns may be `named` with something before their own names."""
    return Grant(
        row[f"{named}id"],
        role_of(row[f"{named}role"]),
        row[f"{named}area"],
        row[f"{named}hospital"],
        row[f"{named}department"],
        row[f"{named}doctor"],
        tuple(row[f"{named}cases"] or ()),
        row[f"{named}until"],
        row[f"{named}granted_by"],
        row[f"{named}granted_at"],
    )
