"""Users and journal 用户与日志: who may do what, and what was done, as the control database has them."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from datetime import UTC
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlalchemy import func, select

from tongpin.base.strict_yaml import load_strict_yaml
from tongpin.store import journal
from tongpin.store.control import control_engine, reading
from tongpin.workbench.listings.catalogue import Loaded
from tongpin.workbench.listings.places import institution_names
from tongpin.workbench.sign_in.roles import roles
from tongpin.workbench.sign_in.tables import sessions, users
from tongpin.workbench.sign_in.users import grants_of, now

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import RowMapping

    from tongpin.store.home import Home
    from tongpin.workbench.sign_in.identity import Grant

SUBJECTS = {"user": "用户", "token": "令牌", "table": "列表", "document": "公文", "load": "装载", "journal": "日志"}
MOST_ENTRIES = 50_000
"""How many entries of the journal the list shows; `tongpin journal show` has all."""
_SHOWN_DIGEST = 16
_USERS = pa.schema(
    [
        ("id", pa.int64()),
        *((name, pa.string()) for name in ("name", "display", "state", "roles", "reach", "way")),
        ("until", pa.date32()),
        ("last_seen", pa.date32()),
    ]
)
_JOURNAL = pa.schema(
    [
        ("number", pa.int64()),
        ("day", pa.date32()),
        *((name, pa.string()) for name in ("at", "actor", "acted_as", "act", "code", "subject", "details", "digest")),
    ]
)
_read: OrderedDict[tuple[str, str], Loaded] = OrderedDict()
_guard = threading.Lock()


@cache
def acts() -> dict[str, str]:
    """The acts of the journal with what people call them."""
    return dict(load_strict_yaml(files("tongpin") / "catalogue" / "workbench" / "acts.yaml", "workbench")["acts"])


def load_users(home: Home, _: Mapping[str, str]) -> Loaded:
    """Everybody, with the roles that hold now."""
    last = select(sessions.c.user_id, func.max(sessions.c.created_at).label("last")).group_by(sessions.c.user_id)
    with reading(control_engine(home)) as connection:
        seen = {row.user_id: row.last for row in connection.execute(last)}
        names = institution_names(home)
        rows = [
            _user(row, grants_of(connection, row["id"]), seen.get(row["id"]), names)
            for row in connection.execute(select(users)).mappings().all()
        ]
    return Loaded(pa.Table.from_pylist(rows, schema=_USERS))


def _user(row: RowMapping, held: tuple[Grant, ...], last: datetime | None, names: Mapping[str, str]) -> dict[str, Any]:
    ends = [one.until for one in held if one.until is not None]
    locked = row["locked_until"] is not None and row["locked_until"] > now()
    state = "停用" if row["disabled_at"] else "锁定" if locked else "待改口令" if row["must_change"] else "在用"
    return {
        "id": row["id"],
        "name": row["name"],
        "display": row["display"],
        "state": state if held or row["disabled_at"] else "没有岗位",
        "roles": "、".join(one.role.label for one in held),
        "reach": "；".join(reach_words(one, names) for one in held),
        "way": "单点登录" if row["single_sign_on"] and not row["password_hash"] else "口令",
        "until": min(ends).date() if ends else None,
        "last_seen": last.date() if last else None,
    }


def reach_words(grant: Grant, names: Mapping[str, str]) -> str:
    """How far a grant sees, in words; `names` are those of the institutions."""
    if grant.role.scope == "cases":
        return f"指定病例 {len(grant.cases)} 份"
    if grant.hospital is None:
        return f"统筹区 {grant.area}" if grant.area else "全统筹区"
    parts = {"科室": grant.department, "医师": grant.doctor}
    return "，".join(
        [names.get(grant.hospital, grant.hospital), *(f"{word} {code}" for word, code in parts.items() if code)]
    )


def load_journal(home: Home, _: Mapping[str, str]) -> Loaded:
    """The newest entries of the journal; read once for each newest entry."""
    with reading(control_engine(home)) as connection:
        newest = journal.entries(connection, last=1)
        key = (str(home.root), newest[0].digest if newest else "")
        with _guard:
            if key in _read:
                return _read[key]
        found = journal.entries(connection, last=MOST_ENTRIES)
    loaded = Loaded(pa.Table.from_pylist([_entry(one) for one in found], schema=_JOURNAL), _note(found))
    with _guard:
        _read[key] = loaded
        while len(_read) > 1:
            _read.popitem(last=False)
    return loaded


def _note(found: list[journal.Entry]) -> tuple[str, ...]:
    if not found or found[0].number == 1:
        return ()
    return (f"只列最近 {len(found)} 条；更早的用 tongpin journal show",)


def _entry(one: journal.Entry) -> dict[str, Any]:
    here = one.at.replace(tzinfo=UTC).astimezone()
    role = roles().get(one.acted_as or "")
    return {
        "number": one.number,
        "at": f"{here:%Y-%m-%d %H:%M:%S}",
        "day": here.date(),
        "actor": one.actor,
        "acted_as": role.label if role else one.acted_as or "",
        "act": acts().get(one.act, one.act),
        "code": one.act,
        "subject": _subject(one.subject),
        "details": _words(one.details),
        "digest": one.digest[:_SHOWN_DIGEST],
    }


def _subject(subject: str) -> str:
    kind, slash, name = subject.partition("/")
    return f"{SUBJECTS[kind]}{' ' if name else ''}{name}" if kind in SUBJECTS and (slash or not name) else subject


def _words(details: dict[str, Any]) -> str:
    return "；".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in details.items()
        if value not in (None, "", [], {})
    )
