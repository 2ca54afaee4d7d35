"""`tongpin journal` as a clerk types it: a whole chain, a broken one, and the entries of a document."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
from sqlalchemy import text

from tongpin.cli import main
from tongpin.documents.actors import Actor
from tongpin.documents.flow import draft, submit
from tongpin.store import control
from tongpin.store.home import Home

WANG = Actor("wang", ("bureau_handler",))


@pytest.fixture
def tongpin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["tongpin", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return run


@pytest.fixture
def worked(home: Home) -> Home:
    engine = control.control_engine(home)
    control.upgrade(engine)
    with engine.begin() as connection:
        number = draft(connection, "settlement", "demo-east/2025-06", "六月月结", {"fen": 1}, WANG).id
        submit(connection, number, WANG)
    with engine.begin() as connection:
        draft(connection, "clearing", "demo-east/2025", "年度清算", {}, WANG)
    return home


def test_a_whole_journal(worked: Home, tongpin: Callable[..., tuple[int, str]]) -> None:
    code, said = tongpin("journal", "verify", "--home", worked.root)
    assert code == 0
    assert "日志 3 条，逐条相扣" in said
    code, said = tongpin("journal", "verify", "--json", "--home", worked.root)
    answer = json.loads(said)
    assert (answer["ok"], answer["count"], answer["first_bad"]) == (True, 3, None)


def test_a_changed_entry_ends_with_one(worked: Home, tongpin: Callable[..., tuple[int, str]]) -> None:
    engine = control.control_engine(worked)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE journal DISABLE TRIGGER ALL"))
        else:
            connection.execute(text("DROP TRIGGER journal_no_update"))
        connection.execute(text("UPDATE journal SET actor = 'li' WHERE number = 2"))
    code, said = tongpin("journal", "verify", "--home", worked.root)
    assert code == 1
    assert "第 2 条起" in said
    assert json.loads(tongpin("journal", "verify", "--json", "--home", worked.root)[1])["first_bad"] == 2


def test_the_entries_of_a_document(worked: Home, tongpin: Callable[..., tuple[int, str]]) -> None:
    code, said = tongpin("journal", "show", "--subject", "document/1", "--json", "--home", worked.root)
    assert code == 0
    assert [one["act"] for one in json.loads(said)["entries"]] == ["documents.draft", "documents.submit"]
    code, said = tongpin("journal", "show", "--last", "1", "--home", worked.root)
    assert "document/2" in said
    assert "document/1" not in said
    assert "没有这样的日志" in tongpin("journal", "show", "--subject", "none", "--home", worked.root)[1]


def test_a_home_without_a_control_database(home: Home, tongpin: Callable[..., tuple[int, str]]) -> None:
    code, said = tongpin("journal", "verify", "--home", home.root)
    assert code == 1
    assert "control.none" in said
