"""After approval 办结之后: carried out by the handler; money is then stamped and released to the bank.

Three hands that took no part in the approval (S003-17, S003-19). Each act is an entry of the hash-chained journal about
the document; what stands in the journal is the register.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.documents.document import APPROVED, STATES, open_document, steps_acted
from tongpin.documents.flow import SUBJECT
from tongpin.store import journal
from tongpin.workbench.approval.errand_shapes import Task
from tongpin.workbench.approval.errands import errand_of, errands

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection, Engine

    from tongpin.documents.document import Document
    from tongpin.store.home import Home
    from tongpin.store.journal import Entry
    from tongpin.workbench.sign_in.identity import Identity

RAN, STAMPED, RELEASED = "documents.carry_out", "documents.stamp", "documents.release"
SEALS, RELEASE = "seals.keep", "transfers.release"
RUN, STAMP, PAY, PAID, DONE = "run", "stamp", "pay", "paid", "done"
STAGES: dict[str, str] = {RUN: "待执行", STAMP: "待用印", PAY: "待放行拨付", PAID: "已放行", DONE: "已执行"}
UNDER_WAY = (RUN, STAMP, PAY)
"""The stages in which something is still to be done."""
_LONGEST = 64


class After(NamedTuple):
    """What followed an approval, as the journal has it."""

    ran: Entry | None = None
    stamped: Entry | None = None
    released: Entry | None = None

    def stage(self, document: Document) -> str:
        """What the document waits for after its approval; empty before, and for kinds that nothing follows."""
        if document.state != APPROVED or document.kind not in errands():
            return ""
        if self.ran is None or not errand_of(document.kind).pays:
            return RUN if self.ran is None else DONE
        return STAMP if self.stamped is None else PAY if self.released is None else PAID


def after_of(connection: Connection, number: int) -> After:
    """What followed the approval of a document."""
    found = {one.act: one for one in journal.entries(connection, subject=SUBJECT.format(number))}
    return After(found.get(RAN), found.get(STAMPED), found.get(RELEASED))


def after_all(connection: Connection) -> dict[str, After]:
    """What followed every approval, by the subject of the document in the journal."""
    found: dict[str, dict[str, Entry]] = {}
    for act in (RAN, STAMPED, RELEASED):
        for one in journal.entries(connection, act=act):
            found.setdefault(one.subject, {})[act] = one
    return {subject: After(held.get(RAN), held.get(STAMPED), held.get(RELEASED)) for subject, held in found.items()}


def carry_out(engine: Engine, home: Home, number: int, asker: Identity) -> After:
    """Run what was approved, with its digests; nothing is closed when the result is another one by now.

    Refuses with `documents.state` (not approved, or not its turn), `documents.same_hand` (whoever authorised does not
    execute), `approval.stale`, and what the run itself refuses. A run that was cut off is taken up again.
    """
    with engine.begin() as connection:
        document = _turn(connection, number, asker, RUN)
    errand = errand_of(document.kind)
    asker.require(errand.permission)
    details = errand.carry_out(home, Task(document.payload, paper_number(number), asker.name))
    with engine.begin() as connection:
        _turn(connection, number, asker, RUN)
        _note(connection, document, RAN, asker, details)
        return after_of(connection, number)


def stamp(connection: Connection, number: int, asker: Identity, seal: str, stamp_number: str) -> After:
    """Register the stamp that the keeper of seals set: which seal, under which number (each number once).

    Refuses with `documents.state`, `documents.same_hand`, `seals.number`, `seals.exists`. Source: S003-19.
    """
    asker.require(SEALS)
    document = _turn(connection, number, asker, STAMP)
    for name, text in (("seal", seal), ("stamp_number", stamp_number)):
        if not text.strip() or len(text) > _LONGEST:
            message = f"印章名称与用印编号要填，不超过 {_LONGEST} 个字"
            raise TongpinError("seals.number", message, where=name, hint="按用印登记簿填")
    details = {"seal": seal.strip(), "stamp_number": stamp_number.strip()}
    # Writers of the journal wait for each other from here on, so that nobody else registers the same number meanwhile.
    mine = _note(connection, document, STAMPED, asker, details)
    for one in journal.entries(connection, act=STAMPED):
        if one.number != mine.number and one.details["stamp_number"] == details["stamp_number"]:
            raise TongpinError(
                "seals.exists",
                f"用印编号 {stamp_number.strip()} 已用于{one.details['title']}",
                where="stamp_number",
                hint="一次用印一个编号：查用印登记簿",
            )
    return after_of(connection, number)


def release(connection: Connection, number: int, asker: Identity, text: str) -> After:
    """Release the transfer of a stamped document to the bank.

    Refuses with `documents.state` (not stamped, or released already), `documents.same_hand`. Source: S003-19.
    """
    asker.require(RELEASE)
    document = _turn(connection, number, asker, PAY)
    details = {"amount_fen": document.payload["amount_fen"], "text": text.strip()}
    _note(connection, document, RELEASED, asker, details)
    return after_of(connection, number)


def released(connection: Connection, kind: str, subject: str, documents: Iterable[Document]) -> bool:
    """Whether the transfer of a subject was released by one of these documents."""
    every = after_all(connection)
    return any(
        every.get(SUBJECT.format(one.id), After()).released is not None
        for one in documents
        if (one.kind, one.subject) == (kind, subject)
    )


def paper_number(number: int) -> str:
    """How a document is cited as 文号."""
    return f"公文第 {number} 号"


def _turn(connection: Connection, number: int, asker: Identity, stage: str) -> Document:
    """The document, held, when it is the turn of a stage and the asker took no part in its approval."""
    document = open_document(connection, number, asker.grant.scope, for_change=True)
    errand_of(document.kind)
    now = after_of(connection, number).stage(document)
    if now != stage:
        raise TongpinError(
            "documents.state",
            f"公文现在{STAGES.get(now, STATES[document.state])}，不能{_ACTS[stage]}",
            where=str(number),
            hint="先执行，再用印，再放行；重新打开公文",
        )
    mine = steps_acted(connection, number).get(asker.name, set()) - ({"handle"} if stage == RUN else set())
    if mine:
        raise TongpinError(
            "documents.same_hand",
            f"{asker.name} 参与过这份公文的审批，不能再{_ACTS[stage]}",
            where=str(number),
            hint="授权、执行、用印、拨付由不同的人办",
        )
    return document


_ACTS = {RUN: "执行", STAMP: "用印", PAY: "放行拨付"}


def _note(
    connection: Connection, document: Document, act: str, asker: Identity, details: Mapping[str, Any]
) -> journal.Entry:
    said = {"kind": document.kind, "about": document.subject, "title": document.title, "digest": document.digest}
    return journal.record(
        connection,
        actor=asker.name,
        acted_as=asker.role.id,
        act=act,
        subject=SUBJECT.format(document.id),
        details={**said, **details},
    )
