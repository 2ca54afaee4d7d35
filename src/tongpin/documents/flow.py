"""The way of a document 公文流转: 起草 → 经办 → 审核 → 复审 → 审批, each step by another hand, each in the journal.

Every act is one transaction with its entry in the journal. What is submitted is fixed by a digest: later steps are
about that digest, and a change makes a new version that begins again at the first step. Sources: S003-17, S911-02.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, update

from tongpin.base.errors import TongpinError
from tongpin.documents.document import (
    ACTS,
    APPROVED,
    CANCELLED,
    DRAFT,
    OPEN_STATES,
    PENDING,
    RETURNED,
    STATES,
    Document,
    content_digest,
    open_document,
    people_of_round,
    steps_acted,
)
from tongpin.documents.duties import HANDLE, open_duties
from tongpin.documents.kinds import kind_of
from tongpin.documents.tables import acts, documents, versions
from tongpin.store import journal
from tongpin.store.control import home_of
from tongpin.store.journal import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from tongpin.documents.actors import Actor
    from tongpin.documents.duties import Duties

SUBJECT = "document/{}"
"""The subject of a document in the journal."""


def draft(
    connection: Connection,
    kind: str,
    subject: str,
    title: str,
    payload: Mapping[str, Any],
    actor: Actor,
    *,
    institution_code: str | None = None,
) -> Document:
    """A new document in its first version, for others to see once it is submitted.

    Refuses with TongpinError `documents.kind`, `documents.duty` (no role for the first step), `documents.institution`
    (a hospital's document without its hospital, or of a hospital that the actor does not see), `documents.payload`.
    """
    wanted = kind_of(kind)
    acted_as = _role_for(open_duties(home_of(connection)), wanted.desk, HANDLE, actor)
    if wanted.desk == "hospital" and institution_code is None:
        raise TongpinError("documents.institution", f"“{wanted.label}”须写明哪家机构", where=kind, hint="写机构代码")
    scope = actor.scope
    if scope is not None and not scope.is_whole and not scope.sees_hospital(institution_code or ""):
        message = "不能为看不到的机构起草公文"
        raise TongpinError(
            "documents.institution", message, where=institution_code or "", hint="由该机构或经办机构起草"
        )
    _check_texts(subject, title)
    now = _now()
    row = {
        "kind": kind,
        "subject": subject,
        "title": title,
        "institution_code": institution_code,
        "state": DRAFT,
        "step": HANDLE,
        "version": 1,
        "created_at": now,
        "changed_at": now,
    }
    number = int(connection.execute(insert(documents).values(row).returning(documents.c.id)).scalar_one())
    _add_version(connection, number, 1, title, payload, actor, now)
    document = open_document(connection, number)
    _note(connection, document, "draft", actor, acted_as)
    return document


def revise(
    connection: Connection, number: int, payload: Mapping[str, Any], actor: Actor, *, title: str | None = None
) -> Document:
    """A new version of a draft or of a returned document; the digest falls, and all steps begin again.

    Refuses with `documents.state`, `documents.duty`, `documents.same_hand`, `documents.payload`.
    """
    document = open_document(connection, number, actor.scope, for_change=True)
    check_state(document, OPEN_STATES, "revise")
    acted_as = check_first_hand(connection, document, actor)
    _check_texts(document.subject, title or document.title)
    version = document.version + 1
    _add_version(connection, number, version, title or document.title, payload, actor, _now())
    return changed(
        connection,
        document,
        "revise",
        actor,
        acted_as,
        values={"version": version, "title": title or document.title, "state": DRAFT, "digest": None, "matrix": None},
    )


def submit(connection: Connection, number: int, actor: Actor, *, text: str = "") -> Document:
    """Send a draft on: the 经办 step. The content and the duty matrix are fixed from here on.

    Refuses with `documents.state` (a returned document is revised first), `documents.duty`, `documents.same_hand`.
    """
    document = open_document(connection, number, actor.scope, for_change=True)
    check_state(document, (DRAFT,), "submit")
    acted_as = check_first_hand(connection, document, actor)
    matrix = open_duties(home_of(connection)).matrix(kind_of(document.kind).matrix)
    digest = content_digest(connection, document)
    values = {"state": PENDING, "step": matrix.after(HANDLE), "matrix": matrix.model_dump_json(), "digest": digest}
    return changed(connection, document, "submit", actor, acted_as, text=text, digest=digest, values=values)


def pass_(connection: Connection, number: int, actor: Actor, *, digest: str | None = None, text: str = "") -> Document:
    """Pass the step that the document waits for; after the last one it is approved.

    `digest`: that of the content which the actor saw. Refuses with `documents.state`, `documents.duty`,
    `documents.same_hand`, `documents.hands` (too few people would be left), `documents.digest` (another content was
    seen), `documents.changed` (the stored content is not what was submitted).
    """
    document, acted_as = _at_step(connection, number, actor, "pass", digest)
    matrix = document.matrix
    assert matrix is not None
    people = people_of_round(connection, document) | {document.step: actor.name}
    left = len(matrix.steps) - 1 - matrix.steps.index(document.step)
    if len(set(people.values())) + left < matrix.people:
        raise TongpinError(
            "documents.hands",
            f"“{matrix.label}”要 {matrix.people} 个人；这一步再由 {actor.name} 办就不够了",
            where=document.step,
            hint="由没有办过这份公文的人办",
        )
    after = matrix.after(document.step)
    values = {"state": PENDING if after else APPROVED, "step": after}
    return changed(connection, document, "pass", actor, acted_as, text=text, digest=document.digest, values=values)


def return_(connection: Connection, number: int, actor: Actor, *, text: str, digest: str | None = None) -> Document:
    """Return a document to its first hand, with a reason; it is revised and begins again.

    Refuses as `pass_`, and with `documents.reason` without a reason.
    """
    _check_reason(text, "return")
    document, acted_as = _at_step(connection, number, actor, "return", digest)
    values = {"state": RETURNED, "step": HANDLE}
    return changed(connection, document, "return", actor, acted_as, text=text, digest=document.digest, values=values)


def withdraw(connection: Connection, number: int, actor: Actor, *, text: str) -> Document:
    """Take back what one submitted, with a reason, as long as it is not approved; it is a draft again.

    Refuses with `documents.state`, `documents.owner` (somebody else submitted it), `documents.reason`.
    """
    _check_reason(text, "withdraw")
    document = open_document(connection, number, actor.scope, for_change=True)
    check_state(document, (PENDING,), "withdraw")
    owner = people_of_round(connection, document)[HANDLE]
    if owner != actor.name:
        raise TongpinError(
            "documents.owner",
            f"这份公文是 {owner} 送审的，只有他能撤回",
            where=str(number),
            hint="要改内容时由本步退回",
        )
    values = {"state": DRAFT, "step": HANDLE, "digest": None, "matrix": None}
    return changed(connection, document, "withdraw", actor, None, text=text, digest=document.digest, values=values)


def cancel(connection: Connection, number: int, actor: Actor, *, text: str) -> Document:
    """Give up a draft or a returned document, with a reason; nothing more happens to it.

    Refuses with `documents.state`, `documents.duty`, `documents.same_hand`, `documents.reason`.
    """
    _check_reason(text, "cancel")
    document = open_document(connection, number, actor.scope, for_change=True)
    check_state(document, OPEN_STATES, "cancel")
    acted_as = check_first_hand(connection, document, actor)
    values = {"state": CANCELLED, "step": "", "digest": None, "matrix": None}
    return changed(connection, document, "cancel", actor, acted_as, text=text, values=values)


def comment(connection: Connection, number: int, actor: Actor, text: str) -> Document:
    """Say something on a document without acting on it; `documents.reason` when nothing is said."""
    _check_reason(text, "comment")
    document = open_document(connection, number, actor.scope, for_change=True)
    return changed(connection, document, "comment", actor, None, text=text, digest=document.digest, values={})


def _at_step(connection: Connection, number: int, actor: Actor, act: str, digest: str | None) -> tuple[Document, str]:
    """The document that waits for a step, and the role in which the actor may act at it."""
    document = open_document(connection, number, actor.scope, for_change=True)
    check_state(document, (PENDING,), act)
    duties = open_duties(home_of(connection))
    acted_as = _role_for(duties, kind_of(document.kind).desk, document.step, actor)
    _check_other_hand(connection, document, document.step, actor, duties)
    if digest is not None and digest != document.digest:
        raise TongpinError(
            "documents.digest", "看到的内容与送审的不是同一稿", where=str(number), hint="重新打开公文，看过再办"
        )
    if content_digest(connection, document) != document.digest:
        raise TongpinError(
            "documents.changed",
            "库中的内容与送审时的摘要不符：送审之后被改动过",
            where=str(number),
            hint="不要办；运行 tongpin journal verify，从备份恢复",
        )
    return document, acted_as


def check_first_hand(connection: Connection, document: Document, actor: Actor) -> str:
    """The role in which an actor may work on the content; refuses with `documents.duty`, `documents.same_hand`."""
    duties = open_duties(home_of(connection))
    acted_as = _role_for(duties, kind_of(document.kind).desk, HANDLE, actor)
    _check_other_hand(connection, document, HANDLE, actor, duties)
    return acted_as


def _role_for(duties: Duties, desk: str, step: str, actor: Actor) -> str:
    """The role in which an actor may act at a step."""
    allowed: Sequence[str] = duties.hands[desk][step]  # type: ignore[index]
    for role in actor.roles:
        if role in allowed:
            return role
    raise TongpinError(
        "documents.duty",
        f"“{duties.step_label(step)}”不归 {actor.name} 现在的岗位办",
        where=step,
        hint=f"能办的岗位：{'、'.join(allowed)}",
    )


def _check_other_hand(connection: Connection, document: Document, step: str, actor: Actor, duties: Duties) -> None:
    """Refuse whoever acted, in the whole life of the document, at a step that is kept apart from this one."""
    matrix = document.matrix or duties.matrix(kind_of(document.kind).matrix)
    for other in sorted(steps_acted(connection, document.id).get(actor.name, ())):
        if matrix.are_apart(other, step):
            raise TongpinError(
                "documents.same_hand",
                f"{actor.name} 已办过这份公文的“{duties.step_label(other)}”，不能再办“{duties.step_label(step)}”",
                where=str(document.id),
                hint=f"由另一位办（{matrix.label}）",
            )


def check_state(document: Document, wanted: Sequence[str], act: str) -> None:
    """Refuse an act (`documents.state`) in a state that does not know it."""
    if document.state not in wanted:
        hint = "先修改，再送审" if document.state == RETURNED and act == "submit" else "重新打开公文看它到了哪一步"
        raise TongpinError(
            "documents.state",
            f"公文现在是“{STATES[document.state]}”，不能{ACTS[act]}",
            where=str(document.id),
            hint=hint,
        )


def _check_reason(text: str, act: str) -> None:
    if not text.strip():
        raise TongpinError("documents.reason", f"{ACTS[act]}须写理由或意见", where="text", hint="写一句话")


def _check_texts(subject: str, title: str) -> None:
    for name, value in (("subject", subject), ("title", title)):
        length = documents.c[name].type.length  # type: ignore[attr-defined]
        if not value.strip() or len(value) > length:
            message = f"事项与标题不能空，不能超过 {length} 个字"
            raise TongpinError("documents.payload", message, where=name, hint="改短或补上")


def _add_version(
    connection: Connection,
    number: int,
    version: int,
    title: str,
    payload: Mapping[str, Any],
    actor: Actor,
    now: datetime,
) -> None:
    try:
        content = canonical_json(dict(payload))
    except ValueError as error:
        message = "内容里有不能保存的值（只能是文字、数、真假、列表和字典）"
        raise TongpinError("documents.payload", message, where="payload", hint=str(error)) from None
    row = {"document_id": number, "version": version, "title": title, "payload": content}
    connection.execute(insert(versions).values(row | {"made_by": actor.name, "made_at": now}))


def changed(
    connection: Connection,
    document: Document,
    act: str,
    actor: Actor,
    acted_as: str | None,
    *,
    values: Mapping[str, Any],
    text: str = "",
    digest: str | None = None,
) -> Document:
    """Change a document and note the act at the step at which it happened; the document as it then stands."""
    step = document.step
    connection.execute(update(documents).where(documents.c.id == document.id).values({**values, "changed_at": _now()}))
    after = open_document(connection, document.id)
    _note(connection, after, act, actor, acted_as, step=step, text=text, digest=digest)
    return after


def _note(
    connection: Connection,
    document: Document,
    act: str,
    actor: Actor,
    acted_as: str | None,
    *,
    step: str = HANDLE,
    text: str = "",
    digest: str | None = None,
) -> None:
    """Write an act down, with its entry in the journal."""
    details = {"kind": document.kind, "about": document.subject, "version": document.version, "step": step}
    entry = journal.record(
        connection,
        actor=actor.name,
        acted_as=acted_as,
        act=f"documents.{act}",
        subject=SUBJECT.format(document.id),
        details={**details, "state": document.state, "text": text, "digest": digest},
    )
    row = {
        "document_id": document.id,
        "version": document.version,
        "act": act,
        "step": step,
        "actor": actor.name,
        "acted_as": acted_as,
        "at": entry.at,
        "text": text,
        "digest": digest,
        "journal_number": entry.number,
    }
    connection.execute(insert(acts).values(row))


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
