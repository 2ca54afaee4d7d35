"""The journal: chained, append-only, and whatever somebody does to it is found, on both databases."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tongpin.store import control, journal
from tongpin.store.home import Home


def write(engine: Engine, count: int, act: str = "settle.close") -> None:
    for number in range(count):
        with engine.begin() as connection:
            subject, details = f"s/{number}", {"n": number}
            journal.record(
                connection, actor="wang", acted_as="bureau_handler", act=act, subject=subject, details=details
            )


def unlock(engine: Engine) -> None:
    """What somebody with every right on the database would do first."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("DROP TRIGGER journal_append_only ON journal"))
        else:
            connection.execute(text("DROP TRIGGER journal_no_update"))
            connection.execute(text("DROP TRIGGER journal_no_delete"))


def tamper(engine: Engine, *statements: str) -> journal.Verdict:
    unlock(engine)
    with engine.begin() as connection:
        for one in statements:
            connection.execute(text(one))
    return journal.verify(engine)


def found(engine: Engine) -> tuple[int, int | None]:
    """How many entries there are, and the first that is not right."""
    verdict = journal.verify(engine)
    return verdict.count, verdict.first_bad


def head(engine: Engine) -> Path:
    return journal.head_path(engine)


def test_entries_are_chained(engine: Engine) -> None:
    write(engine, 3)
    with control.reading(engine) as connection:
        entries = journal.entries(connection)
    assert [one.number for one in entries] == [1, 2, 3]
    assert [one.previous for one in entries] == ["", entries[0].digest, entries[1].digest]
    assert entries[2].details == {"n": 2}
    assert entries[2].acted_as == "bureau_handler"
    assert journal.verify(engine) == journal.Verdict(3, None, "", entries[2].digest)
    assert journal.read_head(head(engine)) == (3, entries[2].digest)


def test_entries_are_found_by_subject_and_act(engine: Engine) -> None:
    write(engine, 3)
    write(engine, 2, act="clear.close")
    with control.reading(engine) as connection:
        assert [one.number for one in journal.entries(connection, subject="s/1")] == [2, 5]
        assert [one.number for one in journal.entries(connection, act="clear.close")] == [4, 5]
        assert [one.number for one in journal.entries(connection, last=2)] == [4, 5]


def test_an_entry_is_what_record_gave_back(engine: Engine) -> None:
    with engine.begin() as connection:
        given = journal.record(connection, actor="li", act="a", subject="s", details={"文号": "一号", "fen": 12})
    with control.reading(engine) as connection:
        assert journal.entries(connection) == [given]


def test_what_is_rolled_back_leaves_nothing(engine: Engine) -> None:
    write(engine, 1)
    with contextlib.suppress(RuntimeError), engine.begin() as connection:
        journal.record(connection, actor="wang", act="a", subject="s")
        raise RuntimeError
    with engine.connect() as connection:
        journal.record(connection, actor="wang", act="a", subject="s")
    with engine.begin() as connection:
        inner = connection.begin_nested()
        journal.record(connection, actor="wang", act="a", subject="s")
        inner.rollback()
    assert found(engine) == (1, None)
    write(engine, 1)
    assert found(engine) == (2, None)


def test_two_transactions_on_one_connection_both_count(engine: Engine) -> None:
    with engine.connect() as connection:
        for _ in range(2):
            journal.record(connection, actor="wang", act="a", subject="s")
            connection.commit()
        kept = journal.read_head(head(engine))
    assert kept is not None
    assert kept.number == 1  # the second is kept when the connection is given back
    assert journal.read_head(head(engine)) == (2, journal.verify(engine).digest)


def test_many_writers_make_one_chain(engine: Engine) -> None:
    faults: list[BaseException] = []

    def writer() -> None:
        try:
            write(engine, 15)
        except BaseException as error:  # noqa: BLE001  # told below
            faults.append(error)

    threads = [threading.Thread(target=writer) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert faults == []
    verdict = journal.verify(engine)
    assert (verdict.count, verdict.first_bad) == (60, None)
    assert journal.read_head(head(engine)) == (60, verdict.digest)


@pytest.mark.parametrize("statement", ["UPDATE journal SET actor = 'li'", "DELETE FROM journal"])
def test_the_database_refuses_changes(engine: Engine, statement: str) -> None:
    write(engine, 2)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(statement))
    assert found(engine) == (2, None)


@pytest.mark.parametrize(
    ("statements", "first_bad", "reason"),
    [
        (["UPDATE journal SET actor = 'li' WHERE number = 2"], 2, "被改动过"),
        (["UPDATE journal SET details = '{}' WHERE number = 3"], 3, "被改动过"),
        (["UPDATE journal SET at = '2020-01-01 00:00:00.000000' WHERE number = 1"], 1, "被改动过"),
        (["UPDATE journal SET acted_as = NULL WHERE number = 4"], 4, "被改动过"),
        (["DELETE FROM journal WHERE number = 2"], 2, "缺第 2 条"),
        (["DELETE FROM journal WHERE number = 1"], 1, "缺第 1 条"),
        (
            ["DELETE FROM journal WHERE number = 2", "UPDATE journal SET number = number - 1 WHERE number > 2"],
            2,
            "接不上",
        ),
        (["DELETE FROM journal WHERE number >= 3"], 3, "末尾被截去"),
        (["DELETE FROM journal"], 1, "末尾被截去"),
        (
            [
                "UPDATE journal SET number = 99 WHERE number = 2",
                "UPDATE journal SET number = 2 WHERE number = 3",
                "UPDATE journal SET number = 3 WHERE number = 99",
            ],
            2,
            "接不上",
        ),
    ],
)
def test_tampering_is_found(engine: Engine, statements: list[str], first_bad: int, reason: str) -> None:
    write(engine, 4)
    verdict = tamper(engine, *statements)
    assert not verdict.is_whole
    assert verdict.first_bad == first_bad
    assert reason in verdict.reason


def test_an_entry_put_in_between_is_found(engine: Engine) -> None:
    write(engine, 2)
    row = "INSERT INTO journal VALUES (3, '2025-01-01 00:00:00.000000', 'li', NULL, 'a', 's', '{}', :previous, 'x')"
    with engine.begin() as connection:
        connection.execute(text(row), {"previous": journal.entries(connection)[-1].digest})
    assert found(engine) == (3, 3)


def test_a_chain_written_anew_is_found_by_the_head(engine: Engine) -> None:
    write(engine, 3)
    kept = head(engine).read_text(encoding="ascii")
    unlock(engine)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM journal"))
    write(engine, 4)
    head(engine).write_text(kept, encoding="ascii")
    verdict = journal.verify(engine)
    assert verdict.first_bad == 3
    assert "重写" in verdict.reason


@pytest.mark.parametrize("text_", [None, "", "no head"])
def test_a_missing_head_is_a_fault(engine: Engine, text_: str | None) -> None:
    write(engine, 1)
    head(engine).unlink()
    if text_ is not None:
        head(engine).write_text(text_, encoding="ascii")
    verdict = journal.verify(engine)
    assert verdict.first_bad == 1
    assert "journal.head" in verdict.reason


def test_a_cut_journal_is_found_before_its_first_note(engine: Engine) -> None:
    assert journal.read_head(head(engine)) == (0, "")
    assert journal.verify(engine) == journal.Verdict(0, None, "", "")


def test_a_late_note_does_not_turn_the_head_back(engine: Engine) -> None:
    write(engine, 2)
    journal._keep_head(head(engine), journal.Head(1, "x"))
    assert found(engine) == (2, None)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object()])
def test_details_are_plain_data(make_home: Callable[[str], Home], value: object) -> None:
    engine = control.control_engine(make_home("sqlite"))
    control.upgrade(engine)
    with pytest.raises(ValueError, match=r"JSON|serializable"), engine.begin() as connection:
        journal.record(connection, actor="a", act="a", subject="s", details={"value": value})


def test_the_database_itself_lets_no_chain_fork(engine: Engine) -> None:
    write(engine, 1)
    row = "INSERT INTO journal VALUES (2, '2025-01-01 00:00:00.000000', 'li', NULL, 'a', 's', '{}', '', 'x')"
    with pytest.raises(SQLAlchemyError), engine.begin() as connection:
        connection.execute(text(row))
