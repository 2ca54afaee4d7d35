"""Possible acts 可办的事: what somebody may do to a document now, by role, step and what they did before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from tongpin.documents.document import DRAFT, PENDING, RETURNED, steps_acted
from tongpin.documents.duties import HANDLE, open_duties
from tongpin.documents.kinds import kind_of
from tongpin.workbench.approval.after import PAY, RELEASE, RUN, SEALS, STAMP
from tongpin.workbench.approval.errands import errand_of, errands

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from tongpin.documents.document import Document
    from tongpin.store.home import Home
    from tongpin.workbench.approval.after import After
    from tongpin.workbench.sign_in.identity import Identity

Said = Literal["none", "optional", "required"]


class Possible(NamedTuple):
    """An act that is open to somebody: its id, what its button says, whether words go with it, what will follow."""

    act: str
    label: str
    comment: Said
    consequence: str


SUBMIT = Possible("submit", "送审", "optional", "内容固定下来，交给下一步；之后要改须先撤回或退回。")
CANCEL = Possible("cancel", "作废", "required", "这份公文作废，不能恢复。")
PASS = Possible("pass", "通过", "optional", "通过这一步，交给下一步；最后一步通过后办结。")
RETURN = Possible("return", "退回", "required", "退回经办修改，各步重新办。")
WITHDRAW = Possible("withdraw", "撤回", "required", "撤回送审，成为草稿。")
COMMENT = Possible("comment", "意见", "required", "写一条意见，不改变公文。")
STAMPING = Possible("stamp", "登记用印", "none", "登记印章与用印编号；登记后财务才能放行拨付。")
RELEASING = Possible("release", "放行拨付", "optional", "通知银行拨付，记入日志。")


def possible(connection: Connection, home: Home, document: Document, after: After, asker: Identity) -> list[Possible]:
    """What the asker may do to a document now; the act itself is checked again when it is done."""
    steps = steps_acted(connection, document.id).get(asker.name, set())
    found: list[Possible] = []
    if "documents.write" in asker.permissions:
        if document.state in {DRAFT, RETURNED} and _may(home, document, asker, HANDLE, steps):
            revisable = document.kind in errands() and errands()[document.kind].permission in asker.permissions
            found += [SUBMIT] * (document.state == DRAFT)
            found += [_revise(document)] if revisable else []
            found.append(CANCEL)
        if document.state == PENDING and _may(home, document, asker, document.step, steps):
            found += [PASS, RETURN]
        if document.state == PENDING and HANDLE in steps:
            found.append(WITHDRAW)
        found.append(COMMENT)
    return found + _after(document, after, asker, steps)


def waits_for(connection: Connection, home: Home, document: Document, after: After, asker: Identity) -> bool:
    """Whether a document waits for the asker: a draft or a return of their own, a step of theirs, an act after it."""
    acts = {one.act for one in possible(connection, home, document, after, asker)}
    own = HANDLE in steps_acted(connection, document.id).get(asker.name, set())
    return bool(acts & {"pass", "carry_out", "stamp", "release"}) or (
        own and document.state in {DRAFT, RETURNED} and bool(acts & {"submit", "revise"})
    )


def _revise(document: Document) -> Possible:
    label = errand_of(document.kind).again
    return Possible("revise", label, "none", f"按现在的数据{label}，成为新的一稿；各步从头办。")


def _may(home: Home, document: Document, asker: Identity, step: str, steps: set[str]) -> bool:
    duties = open_duties(home)
    kind = kind_of(document.kind)
    matrix = document.matrix or duties.matrix(kind.matrix)
    return asker.role.id in duties.hands[kind.desk][step] and not any(matrix.are_apart(one, step) for one in steps)


def _after(document: Document, after: After, asker: Identity, steps: set[str]) -> list[Possible]:
    stage = after.stage(document)
    if stage == RUN and not steps - {HANDLE}:
        errand = errands()[document.kind]
        if errand.permission in asker.permissions:
            return [Possible("carry_out", errand.act_label, "none", errand.consequence)]
    if stage == STAMP and not steps and SEALS in asker.permissions:
        return [STAMPING]
    if stage == PAY and not steps and RELEASE in asker.permissions:
        return [RELEASING]
    return []
