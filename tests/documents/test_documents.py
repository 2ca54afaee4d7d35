"""A document from draft to approval: four hands, one content, every act in the journal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from tongpin.base.errors import TongpinError
from tongpin.documents.actors import Actor
from tongpin.documents.attachments import attach, read_attachment
from tongpin.documents.document import approved, attachments_of, history, listed, open_document, payload_of
from tongpin.documents.flow import cancel, comment, draft, pass_, return_, revise, submit, withdraw
from tongpin.store import control, journal
from tongpin.store.scope import Scope

WANG = Actor("wang", ("bureau_handler",))
LI = Actor("li", ("bureau_checker",))
ZHAO = Actor("zhao", ("bureau_reviewer",))
QIAN = Actor("qian", ("bureau_approver",))
EVERY = ("bureau_handler", "bureau_checker", "bureau_reviewer", "bureau_approver")
MONTH = {"month": "2025-06", "payable_fen": 1_234_500}
PDF = b"%PDF-1.7 a scan"


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


def drafted(connection: Connection, payload: dict[str, Any] | None = None) -> int:
    return draft(connection, "settlement", "demo-east/2025-06", "六月月结", payload or MONTH, WANG).id


def refused(code: str, act: Any, *arguments: Any, **named: Any) -> TongpinError:
    with pytest.raises(TongpinError) as error:
        act(*arguments, **named)
    assert error.value.code == code
    assert error.value.hint
    return error.value


def test_four_hands_approve(connection: Connection) -> None:
    number = drafted(connection)
    sent = submit(connection, number, WANG)
    assert (sent.state, sent.step) == ("pending", "check")
    for actor, step in ((LI, "review"), (ZHAO, "approve"), (QIAN, "")):
        document = pass_(connection, number, actor, digest=sent.digest, text="同意")
        assert document.step == step
    assert document.state == "approved"
    assert approved(connection, "settlement", "demo-east/2025-06") == document
    assert approved(connection, "settlement", "demo-east/2025-07") is None
    done = history(connection, number)
    assert [(one.act, one.step, one.actor) for one in done] == [
        ("draft", "handle", "wang"),
        ("submit", "handle", "wang"),
        ("pass", "check", "li"),
        ("pass", "review", "zhao"),
        ("pass", "approve", "qian"),
    ]
    assert {one.digest for one in done[1:]} == {sent.digest}
    assert [one.acted_as for one in done[2:]] == ["bureau_checker", "bureau_reviewer", "bureau_approver"]


def test_every_act_stands_in_the_journal(connection: Connection) -> None:
    number = drafted(connection)
    comment(connection, number, LI, "请附对账单")
    attach(connection, number, WANG, "对账单.pdf", PDF)
    submit(connection, number, WANG)
    withdraw(connection, number, WANG, text="写错了")
    revise(connection, number, {"month": "2025-06"}, WANG)
    submit(connection, number, WANG)
    return_(connection, number, LI, text="数不对")
    cancel(connection, number, WANG, text="不办了")
    entries = journal.entries(connection, subject=f"document/{number}")
    acts = history(connection, number)
    assert [one.act for one in entries] == [f"documents.{one.act}" for one in acts]
    assert [one.number for one in entries] == [one.journal_number for one in acts]
    assert [one.details["digest"] for one in entries] == [one.digest for one in acts]
    assert len(acts) == 9


def test_what_is_rolled_back_is_in_neither(engine: Engine) -> None:
    with engine.begin() as connection:
        number = drafted(connection)
    with engine.connect() as connection:
        submit(connection, number, WANG)
        connection.rollback()
    with control.reading(engine) as connection:
        assert open_document(connection, number).state == "draft"
        assert [one.act for one in journal.entries(connection)] == ["documents.draft"]
    assert journal.verify(engine).is_whole


def test_nobody_acts_twice(connection: Connection) -> None:
    number = drafted(connection)
    submit(connection, number, WANG)
    error = refused("documents.same_hand", pass_, connection, number, Actor("wang", EVERY))
    assert "经办" in error.message
    pass_(connection, number, LI)
    refused("documents.same_hand", pass_, connection, number, Actor("li", EVERY))
    refused("documents.same_hand", return_, connection, number, Actor("li", EVERY), text="不对")


def test_who_wrote_a_version_does_not_check_it(connection: Connection) -> None:
    number = drafted(connection)
    revise(connection, number, {"month": "2025-06", "payable_fen": 2}, Actor("sun", ("bureau_handler",)))
    submit(connection, number, WANG)
    refused("documents.same_hand", pass_, connection, number, Actor("sun", EVERY))


def test_who_checked_it_does_not_handle_it_after_a_return(connection: Connection) -> None:
    number = drafted(connection)
    submit(connection, number, WANG)
    return_(connection, number, LI, text="数不对")
    refused("documents.same_hand", revise, connection, number, MONTH, Actor("li", EVERY))
    revise(connection, number, {"month": "2025-06", "payable_fen": 2}, WANG)
    submit(connection, number, WANG)
    assert pass_(connection, number, LI).step == "review"  # the same step again is no second hand


def test_a_step_is_for_its_roles(connection: Connection) -> None:
    number = drafted(connection)
    refused("documents.duty", submit, connection, number, QIAN)
    submit(connection, number, WANG)
    error = refused("documents.duty", pass_, connection, number, QIAN)
    assert "审核" in error.message
    assert "bureau_checker" in error.hint
    refused("documents.duty", draft, connection, "settlement", "s", "t", {}, LI)
    refused("documents.duty", draft, connection, "filing", "s", "t", {}, WANG, institution_code="H1")


def test_a_change_is_a_new_version_and_begins_again(connection: Connection) -> None:
    number = drafted(connection)
    first = submit(connection, number, WANG)
    pass_(connection, number, LI)
    refused("documents.state", revise, connection, number, {}, WANG)
    returned = return_(connection, number, ZHAO, text="数不对")
    assert (returned.state, returned.step) == ("returned", "handle")
    refused("documents.state", submit, connection, number, WANG)
    changed = revise(connection, number, {"month": "2025-06", "payable_fen": 9}, WANG, title="六月月结（改）")
    assert (changed.version, changed.digest, changed.title) == (2, None, "六月月结（改）")
    second = submit(connection, number, WANG)
    assert second.digest != first.digest
    assert second.step == "check"
    assert payload_of(connection, number, 1) == MONTH
    assert payload_of(connection, number, 2)["payable_fen"] == 9
    refused("documents.unknown", payload_of, connection, number, 3)


def test_a_step_is_about_the_content_that_was_seen(connection: Connection) -> None:
    number = drafted(connection)
    seen = submit(connection, number, WANG).digest
    withdraw(connection, number, WANG, text="改数")
    revise(connection, number, {"month": "2025-06", "payable_fen": 9}, WANG)
    now = submit(connection, number, WANG).digest
    refused("documents.digest", pass_, connection, number, LI, digest=seen)
    assert pass_(connection, number, LI, digest=now).step == "review"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE document_versions SET payload = '{}'",
        "UPDATE documents SET title = '别的'",
        "UPDATE document_attachments SET digest = 'x'",
    ],
)
def test_content_changed_behind_the_back_is_not_passed(connection: Connection, statement: str) -> None:
    number = drafted(connection)
    attach(connection, number, WANG, "对账单.pdf", PDF)
    submit(connection, number, WANG)
    connection.execute(text(statement))
    error = refused("documents.changed", pass_, connection, number, LI)
    assert "journal verify" in error.hint


def test_only_who_submitted_withdraws_and_only_in_time(connection: Connection) -> None:
    number = drafted(connection)
    refused("documents.state", withdraw, connection, number, WANG, text="撤回")
    submit(connection, number, WANG)
    refused("documents.owner", withdraw, connection, number, LI, text="撤回")
    refused("documents.reason", withdraw, connection, number, WANG, text=" ")
    assert withdraw(connection, number, WANG, text="撤回").state == "draft"
    submit(connection, number, WANG)
    for actor in (LI, ZHAO, QIAN):
        pass_(connection, number, actor)
    for act in (withdraw, cancel, return_):
        refused("documents.state", act, connection, number, WANG, text="撤回")
    refused("documents.state", pass_, connection, number, QIAN)


def test_reasons_are_asked_for(connection: Connection) -> None:
    number = drafted(connection)
    refused("documents.reason", comment, connection, number, LI, "")
    refused("documents.reason", cancel, connection, number, WANG, text="")
    submit(connection, number, WANG)
    refused("documents.reason", return_, connection, number, LI, text="")


def test_a_cancelled_document_stays_so(connection: Connection) -> None:
    number = drafted(connection)
    assert cancel(connection, number, WANG, text="重复").state == "cancelled"
    refused("documents.state", submit, connection, number, WANG)
    refused("documents.state", revise, connection, number, {}, WANG)


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("documents.kind", ("nonsense", "s", "t", {}, WANG)),
        ("documents.payload", ("settlement", "s", "t", {"value": {1, 2}}, WANG)),
        ("documents.payload", ("settlement", "s", "t", {"value": float("nan")}, WANG)),
        ("documents.payload", ("settlement", " ", "t", {}, WANG)),
        ("documents.payload", ("settlement", "s", "t" * 257, {}, WANG)),
        ("documents.institution", ("filing", "s", "t", {}, Actor("a", ("records_room",)))),
    ],
)
def test_a_faulty_draft_is_refused(connection: Connection, code: str, arguments: tuple[Any, ...]) -> None:
    refused(code, draft, connection, *arguments)


def test_an_unknown_document_is_refused(connection: Connection) -> None:
    for act in (open_document, history, attachments_of):
        refused("documents.unknown", act, connection, 77)


def test_a_hospital_sees_its_own_documents(connection: Connection) -> None:
    bureau = drafted(connection)
    own = Scope(hospitals={"H1"})
    records = Actor("zhou", ("records_room",), own)
    number = draft(connection, "filing", "H1/2024", "国考填报", {}, records, institution_code="H1").id
    assert [one.id for one in listed(connection, own)] == [number]
    assert [one.id for one in listed(connection)] == [number, bureau]
    for scope in (Scope(hospitals={"H2"}), Scope(hospitals={"H1"}, departments={"03"}), Scope(cases={"1"})):
        assert listed(connection, scope) == []
        refused("documents.unknown", open_document, connection, number, scope)
        refused("documents.unknown", submit, connection, number, Actor("x", ("records_room",), scope))
    refused("documents.unknown", comment, connection, bureau, records, "看看")
    refused("documents.institution", draft, connection, "filing", "H2/2024", "t", {}, records, institution_code="H2")
    assert submit(connection, number, records).step == "check"


def test_documents_are_found_by_what_they_wait_for(connection: Connection) -> None:
    first, second = drafted(connection), drafted(connection)
    submit(connection, first, WANG)
    assert [one.id for one in listed(connection, steps=("check",))] == [first]
    assert [one.id for one in listed(connection, states=("draft",))] == [second]
    assert listed(connection, kind="clearing") == []
    assert [one.id for one in listed(connection, subject="demo-east/2025-06")] == [second, first]


def test_two_who_pass_at_once_count_once(engine: Engine) -> None:
    with engine.begin() as connection:
        number = drafted(connection)
        submit(connection, number, WANG)
    outcomes: list[str] = []

    def act(name: str) -> None:
        try:
            with engine.begin() as connection:
                pass_(connection, number, Actor(name, ("bureau_checker",)))
            outcomes.append("passed")
        except TongpinError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=act, args=(f"checker{n}",)) for n in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(outcomes) == ["documents.duty", "documents.duty", "passed"]


def test_attachments_are_kept_by_their_bytes(connection: Connection) -> None:
    number = drafted(connection)
    one = attach(connection, number, WANG, "C:\\scans\\对账单.PDF", PDF)
    again = attach(connection, number, WANG, "同一份.pdf", PDF)
    assert (one.name, one.type, one.size) == ("对账单.PDF", "pdf", len(PDF))
    assert again == one
    assert attachments_of(connection, number) == [one]
    assert read_attachment(connection, number, one.id) == PDF
    path = control.home_of(connection).root / "attachments" / one.digest[:2] / one.digest
    path.write_bytes(b"%PDF another")
    refused("documents.changed", read_attachment, connection, number, one.id)
    path.unlink()
    refused("documents.changed", read_attachment, connection, number, one.id)
    refused("documents.unknown", read_attachment, connection, number, 99)


def test_attachments_belong_to_what_is_submitted(connection: Connection) -> None:
    first, second = drafted(connection), drafted(connection)
    attach(connection, first, WANG, "对账单.pdf", PDF)
    assert submit(connection, first, WANG).digest != submit(connection, second, WANG).digest
    refused("documents.state", attach, connection, first, LI, "迟到.pdf", PDF)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.exe", b"MZ"),
        ("noending", PDF),
        ("scan.pdf", b"MZ not a scan"),
        ("scan.pdf", b""),
        ("table.csv", b"\xff\xfe\x00"),
        ("", PDF),
        ("a\nb.pdf", PDF),
        ("x" * 300 + ".pdf", PDF),
        ("large.pdf", b"%PDF-" + b"0" * (20 * 2**20)),
    ],
)
def test_what_may_not_be_attached_is_refused(connection: Connection, name: str, content: bytes) -> None:
    number = drafted(connection)
    refused("documents.attachment", attach, connection, number, WANG, name, content)
    assert attachments_of(connection, number) == []


def test_there_is_a_most_of_attachments(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tongpin.documents.attachments.limit", lambda name: 2 if name == "attachment_count" else 1000)
    number = drafted(connection)
    for place in range(2):
        attach(connection, number, WANG, f"{place}.csv", f"a,{place}".encode())
    refused("documents.attachment", attach, connection, number, WANG, "3.csv", b"a,3")
