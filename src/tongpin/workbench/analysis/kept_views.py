"""Kept views 保存的视图: what a person asked of a page, under a name; a link opens it with the reader's own scope."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
)

from tongpin.base.errors import TongpinError
from tongpin.store import journal
from tongpin.store.control import metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from tongpin.workbench.sign_in.identity import Identity

MOST_VIEWS = 100
"""So many views one person keeps of a page."""
_LONGEST = 20_000
_LINK_BYTES = 16

views = Table(
    "kept_views",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("page", String(32), nullable=False, comment="哪一页的视图"),
    Column("name", String(64), nullable=False),
    Column("asked", JSON, nullable=False, comment="问了什么；不含数"),
    Column("link", String(64), nullable=False, unique=True, comment="分享用"),
    Column("at", DateTime, nullable=False, comment="世界时"),
    UniqueConstraint("user_id", "page", "name"),
)


class KeptView(NamedTuple):
    """A view: its name, what it asks, the link by which others open it, and whether it is one's own."""

    id: int
    page: str
    name: str
    asked: dict[str, Any]
    link: str
    by: str
    is_own: bool


def views_of(connection: Connection, asker: Identity, page: str) -> list[KeptView]:
    """One's own views of a page, by name."""
    wanted = select(views).where(views.c.user_id == asker.user_id, views.c.page == page).order_by(views.c.name)
    rows = connection.execute(wanted).mappings().all()
    return [
        KeptView(row["id"], page, row["name"], row["asked"], row["link"], asker.display, is_own=True) for row in rows
    ]


def view_by_link(connection: Connection, asker: Identity, page: str, link: str) -> KeptView:
    """A view that somebody shared; it holds no figures. TongpinError `views.missing`."""
    from tongpin.workbench.sign_in.tables import users

    wanted = (
        select(views, users.c.display)
        .join(users, users.c.id == views.c.user_id)
        .where(views.c.link == link, views.c.page == page)
    )
    row = connection.execute(wanted).mappings().first()
    if row is None:
        raise TongpinError("views.missing", "没有这个视图", where=link, hint="可能已被删除，请分享的人再发一次")
    is_own = row["user_id"] == asker.user_id
    return KeptView(row["id"], page, row["name"], row["asked"], row["link"], row["display"], is_own)


def keep_view(connection: Connection, asker: Identity, page: str, name: str, asked: Mapping[str, Any]) -> KeptView:
    """Keep a view; one of the same name is replaced and keeps its link. TongpinError `views.many`, `views.size`."""
    if len(journal.canonical_json(asked)) > _LONGEST:
        raise TongpinError("views.size", "视图的内容太多", where=name, hint="少选几项")
    mine = (views.c.user_id == asker.user_id) & (views.c.page == page)
    old = connection.execute(select(views.c.link).where(mine, views.c.name == name)).scalar_one_or_none()
    count = connection.execute(select(func.count()).select_from(views).where(mine)).scalar_one()
    if old is None and count >= MOST_VIEWS:
        raise TongpinError("views.many", f"一页最多保存 {MOST_VIEWS} 个视图", where=page, hint="先删去不用的")
    connection.execute(delete(views).where(mine, views.c.name == name))
    link = old or secrets.token_urlsafe(_LINK_BYTES)
    row = {"page": page, "name": name, "asked": dict(asked), "link": link, "at": datetime.now(UTC).replace(tzinfo=None)}
    made = connection.execute(insert(views).values(user_id=asker.user_id, **row)).inserted_primary_key
    assert made is not None
    journal.record(connection, actor=asker.name, acted_as=asker.role.id, act="view.keep", subject=f"{page}/{name}")
    return KeptView(made[0], page, name, dict(asked), link, asker.display, is_own=True)


def drop_view(connection: Connection, asker: Identity, view_id: int) -> None:
    """Delete one of one's own views. TongpinError `views.missing` for another's."""
    wanted = (views.c.id == view_id) & (views.c.user_id == asker.user_id)
    row = connection.execute(select(views.c.page, views.c.name).where(wanted)).first()
    if row is None:
        raise TongpinError("views.missing", "没有这个视图", where=str(view_id), hint="只能删除自己的视图")
    connection.execute(delete(views).where(wanted))
    journal.record(
        connection, actor=asker.name, acted_as=asker.role.id, act="view.drop", subject=f"{row.page}/{row.name}"
    )
