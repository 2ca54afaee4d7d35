"""Documents 公文: a document as it stands, what was done to it, and which are waiting for whom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, and_, select

from tongpin.base.digest import text_digest
from tongpin.base.errors import TongpinError
from tongpin.documents.duties import Matrix
from tongpin.documents.tables import acts, attachments, documents, versions
from tongpin.store.journal import canonical_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from tongpin.store.scope import Scope

DRAFT, PENDING, RETURNED, APPROVED, CANCELLED = "draft", "pending", "returned", "approved", "cancelled"
STATES: dict[str, str] = {
    DRAFT: "草稿",
    PENDING: "办理中",
    RETURNED: "已退回",
    APPROVED: "已办结",
    CANCELLED: "已作废",
}
OPEN_STATES = (DRAFT, RETURNED)
"""The states in which the content may be changed."""
ACTS: dict[str, str] = {
    "draft": "起草",
    "revise": "修改",
    "submit": "送审",
    "pass": "通过",
    "return": "退回",
    "withdraw": "撤回",
    "cancel": "作废",
    "comment": "意见",
    "attach": "附件",
}


class Document(NamedTuple):
    """A document as it stands; `step` is the one that it waits for, `digest` that of the content once submitted."""

    id: int
    kind: str
    subject: str
    title: str
    institution_code: str | None
    state: str
    step: str
    version: int
    matrix: Matrix | None
    digest: str | None
    created_at: datetime
    changed_at: datetime
    payload: dict[str, Any]


class Act(NamedTuple):
    """What somebody did to a document; `digest` is that of the content the act was about, `text` what was said."""

    id: int
    document_id: int
    version: int
    act: str
    step: str
    actor: str
    acted_as: str | None
    at: datetime
    text: str
    digest: str | None
    journal_number: int


class Attachment(NamedTuple):
    """A file attached to a document; its bytes lie in the home under its digest."""

    id: int
    document_id: int
    version: int
    name: str
    type: str
    size: int
    digest: str
    added_by: str
    added_at: datetime


_SELECTED = select(documents, versions.c.payload).join(
    versions, and_(versions.c.document_id == documents.c.id, versions.c.version == documents.c.version)
)


def open_document(
    connection: Connection, number: int, scope: Scope | None = None, *, for_change: bool = False
) -> Document:
    """A document; TongpinError `documents.unknown` when there is none, or none that the scope sees.

    `for_change` holds it against others until the transaction ends.
    """
    wanted = _SELECTED.where(documents.c.id == number, *_seen(scope))
    found = connection.execute(wanted.with_for_update(of=documents) if for_change else wanted).first()
    if found is None:
        raise TongpinError("documents.unknown", f"没有第 {number} 号公文", where=str(number), hint="核对公文号")
    return _document(found)


def listed(
    connection: Connection,
    scope: Scope | None = None,
    *,
    kind: str | None = None,
    subject: str | None = None,
    states: Sequence[str] = (),
    steps: Sequence[str] = (),
) -> list[Document]:
    """The documents that a scope sees, newest first: of a kind, a subject, in states, waiting for steps where named."""
    wanted = _SELECTED.where(*_seen(scope)).order_by(documents.c.id.desc())
    if kind is not None:
        wanted = wanted.where(documents.c.kind == kind)
    if subject is not None:
        wanted = wanted.where(documents.c.subject == subject)
    if states:
        wanted = wanted.where(documents.c.state.in_(states))
    if steps:
        wanted = wanted.where(documents.c.step.in_(steps))
    return [_document(row) for row in connection.execute(wanted)]


def approved(connection: Connection, kind: str, subject: str) -> Document | None:
    """The latest approved document of a kind about a subject: what an act that needs approval asks for."""
    found = listed(connection, kind=kind, subject=subject, states=(APPROVED,))
    return found[0] if found else None


def history(connection: Connection, number: int, scope: Scope | None = None) -> list[Act]:
    """Everything that was done to a document, oldest first; `documents.unknown` as `open_document`."""
    open_document(connection, number, scope)
    rows = connection.execute(select(acts).where(acts.c.document_id == number).order_by(acts.c.id))
    return [Act(*row) for row in rows]


def payload_of(connection: Connection, number: int, version: int, scope: Scope | None = None) -> dict[str, Any]:
    """The content of a version, also of an earlier one."""
    open_document(connection, number, scope)
    wanted = select(versions.c.payload).where(versions.c.document_id == number, versions.c.version == version)
    found = connection.execute(wanted).scalar_one_or_none()
    if found is None:
        message = f"第 {number} 号公文没有第 {version} 稿"
        raise TongpinError("documents.unknown", message, where=f"{number}/{version}", hint="核对稿次")
    payload: dict[str, Any] = json.loads(found)
    return payload


def attachments_of(connection: Connection, number: int, scope: Scope | None = None) -> list[Attachment]:
    """What is attached to a document, in the order in which it was added."""
    open_document(connection, number, scope)
    rows = connection.execute(select(attachments).where(attachments.c.document_id == number).order_by(attachments.c.id))
    return [Attachment(*row) for row in rows]


def content_digest(connection: Connection, document: Document) -> str:
    """The digest over what is signed: kind, subject, title, content, and what was attached up to this version."""
    held = select(attachments.c.digest).where(
        attachments.c.document_id == document.id, attachments.c.version <= document.version
    )
    files = sorted(connection.execute(held).scalars())
    said = [document.kind, document.subject, document.title, document.institution_code or ""]
    return text_digest([*said, canonical_json(document.payload), *files])


def _seen(scope: Scope | None) -> list[Any]:
    """Whoever sees whole hospitals sees the documents of these; who sees part of one sees none."""
    if scope is None or scope.is_whole:
        return []
    hospitals = [code for code in scope.hospitals or () if scope.sees_hospital(code)]
    return [documents.c.institution_code.in_(hospitals)]


def _document(row: Row[Any]) -> Document:
    values = dict(row._mapping)  # noqa: SLF001  # the public name of SQLAlchemy for a row by columns
    matrix = values.pop("matrix")
    payload = json.loads(values.pop("payload"))
    return Document(**values, matrix=Matrix.model_validate_json(matrix) if matrix else None, payload=payload)


def steps_acted(connection: Connection, number: int) -> dict[str, set[str]]:
    """At which steps each person acted in the whole life of a document; whoever wrote it acted at the first one."""
    working = ("draft", "revise", "submit", "pass", "return")
    rows = connection.execute(
        select(acts.c.actor, acts.c.step).where(acts.c.document_id == number, acts.c.act.in_(working))
    )
    found: dict[str, set[str]] = {}
    for actor, step in rows:
        found.setdefault(actor, set()).add(step)
    return found


def people_of_round(connection: Connection, document: Document) -> dict[str, str]:
    """Who acted at each step since the document was last submitted."""
    rows = connection.execute(
        select(acts.c.act, acts.c.step, acts.c.actor).where(acts.c.document_id == document.id).order_by(acts.c.id)
    )
    found: dict[str, str] = {}
    for act, step, actor in rows:
        if act == "submit":
            found = {step: actor}
        elif act == "pass":
            found[step] = actor
    return found
