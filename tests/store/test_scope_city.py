"""Scope on the demonstration city: every table that the city and the rooms write, seen by every kind of reader."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow.compute as pc
import pytest

from tongpin.base.errors import StoreError
from tongpin.demo.city import build_city
from tongpin.grouping.library import DEMO_SCHEME, scheme_folders
from tongpin.measures.evaluation.reviews import read_reviews
from tongpin.measures.guokao.tasks import EVENTS as GUOKAO
from tongpin.payment.ledger.journal import POSTINGS
from tongpin.payment.ledger.journal import RUNS as LEDGER_RUNS
from tongpin.payment.lists.feedback import APPEALS_DECIDED, APPEALS_FILED, APPEALS_REVIEWED, PUBLICATIONS
from tongpin.payment.month.closed import LINES, RUNS, STATEMENTS, posted
from tongpin.payment.month.run import closed_run, settle_in_home
from tongpin.payment.prepay.account import ACCOUNT
from tongpin.payment.prepay.adopted import PLANS
from tongpin.payment.review.account import APPLIED, VOTED, Event, add_events, read_events
from tongpin.payment.review.account import EVENTS as REVIEW
from tongpin.payment.weights.catalogue import PROPOSALS, VOTES
from tongpin.payment.weights.rounds import OPINIONS, ROUNDS
from tongpin.payment.year.run import _KEPT
from tongpin.payment.year.run import RUNS as CLEARINGS
from tongpin.records.intake.lake_tables import CASES, KEYS, ORDERS, read_loaded
from tongpin.records.intake.load import load_files
from tongpin.store import lake
from tongpin.store.home import Home
from tongpin.store.scope import DIMENSIONS, OPEN, Declared, Scope, declared_tables

MONTH = "2025-06"
OF_ROOMS = (
    *(GUOKAO, POSTINGS, LEDGER_RUNS, APPEALS_DECIDED, APPEALS_FILED, APPEALS_REVIEWED, PUBLICATIONS, LINES, RUNS),
    *(STATEMENTS, ACCOUNT, PLANS, REVIEW, PROPOSALS, VOTES, OPINIONS, ROUNDS, CLEARINGS, *(one.name for one in _KEPT)),
)
"""The tables that rooms write besides loads; a table that is missing here is refused to whoever has a scope."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.open(tmp_path_factory.mktemp("city"))
    build_city(home.demo, cases=300, scheme_folder=scheme_folders(home)[DEMO_SCHEME], workers=1)
    load_files(home, [home.demo / "files"])
    settle_in_home(home, MONTH)
    return home


@pytest.fixture(scope="module")
def readers(city: Home) -> dict[str, Scope]:
    """A hospital with receipts, a department and a doctor of it, an expert with three of its cases."""
    rows = posted(city, None)
    first = rows.filter(pc.is_valid(rows["doctor_code"])).slice(0, 1).to_pylist()[0]
    hospital = frozenset([first["institution_code"]])
    return {
        "hospital": Scope(hospitals=hospital),
        "department": Scope(hospitals=hospital, departments={first["dept"]}),
        "doctor": Scope(hospitals=hospital, doctors={first["doctor_code"]}),
        "expert": Scope(cases={first["case_id"]}),
    }


def test_every_table_is_declared(city: Home) -> None:
    written = {path.name for path in city.lake.iterdir() if not path.name.startswith(".")}
    assert len(written) > 20
    assert written | set(KEYS) | set(OF_ROOMS) == set(declared_tables())


def test_cases_are_judged_by_the_key_that_loads_use() -> None:
    declared = declared_tables()[CASES]
    assert (declared.key, declared.order) == (KEYS[CASES], ORDERS[CASES])


def asked_of(one: Declared) -> list[tuple[str, str]]:
    """What a scope may name, and the column of the table for it."""
    return list(zip(DIMENSIONS, (one.institution, one.department, one.doctor, one.case), strict=True))


@pytest.mark.parametrize("reader", ["hospital", "department", "doctor", "expert"])
def test_no_reader_meets_a_row_of_another(city: Home, readers: dict[str, Scope], reader: str) -> None:
    scope = readers[reader]
    own = read_loaded(city.within(scope), CASES, ["institution_code", "case_id"]).to_pylist()
    own_keys = {(row["institution_code"], row["case_id"]) for row in own}
    hospitals = {row["institution_code"] for row in own}
    read = refused = 0
    for path in sorted(city.lake.iterdir()):
        if path.name.startswith("."):
            continue
        one = declared_tables()[path.name]
        if "" in [column for name, column in asked_of(one) if getattr(scope, name) is not None]:
            with pytest.raises(StoreError) as closed:
                lake.read(city.within(scope), path.name)
            assert closed.value.code == "store.scope"
            refused += 1
            continue
        table = lake.read(city.within(scope), path.name)
        read += 1
        if one.institution != OPEN and (one.case, scope.hospitals) != (OPEN, None):
            assert set(table[one.institution].to_pylist()) <= hospitals, path.name
        if reader != "hospital" and one.case not in ("", OPEN) and one.department == "@case":
            found = set(zip(table[one.institution].to_pylist(), table[one.case].to_pylist(), strict=True))
            assert found <= own_keys, path.name
        for column, values in ((one.department, scope.departments), (one.doctor, scope.doctors)):
            if values is not None and column not in ("", OPEN, "@case"):
                assert set(table[column].to_pylist()) <= values, path.name
    assert read >= 9
    assert own
    assert refused == 0 or reader != "hospital"


def test_the_rooms_above_work_at_the_desk_of_a_hospital(city: Home, readers: dict[str, Scope]) -> None:
    desk = city.within(readers["hospital"])
    (hospital,) = readers["hospital"].hospitals or ()
    whole, own = closed_run(city, MONTH).settlement, closed_run(desk, MONTH).settlement
    assert own.lines.num_rows > 0
    assert own.lines.num_rows == whole.lines.filter(pc.equal(whole.lines["institution_code"], hospital)).num_rows
    assert set(own.statement["institution_code"].to_pylist()) == {hospital}


def test_a_department_reads_lines_but_no_statement(city: Home, readers: dict[str, Scope]) -> None:
    desk = city.within(readers["department"])
    assert set(posted(desk, None)["dept"].to_pylist()) == readers["department"].departments
    with pytest.raises(StoreError, match="不向限于科室的人开放"):
        closed_run(desk, MONTH)


def test_an_application_is_seen_by_its_hospital_and_by_whom_its_case_is_given(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    day = date(2025, 7, 1)
    for number, (code, case) in enumerate((("H1", "1"), ("H2", "2")), start=1):
        body = {"institution_code": code, "list_id": case}
        add_events(home, [Event(2 * number - 1, "a", APPLIED, f"2025-{number}", "hospital", code, day, body)])
        add_events(home, [Event(2 * number, "a", VOTED, f"2025-{number}", "expert", "E1", day, {})])
    assert [one.number for one in read_events(home)] == [1, 2, 3, 4]
    assert [one.number for one in read_events(home.within(Scope(hospitals={"H2"})))] == [3, 4]
    assert [one.number for one in read_events(home.within(Scope(cases={"1"})))] == [1, 2]


def test_reviews_of_a_hospital_are_for_that_hospital(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "evaluation"
    folder.mkdir(parents=True)
    rows = "institution_code,measure,months,finding,document\nH1,m,2025,属实,一号\nH2,m,2025,不属实,二号\n"
    (folder / "reviews.csv").write_text(rows, encoding="utf-8")
    home = Home.open(tmp_path / "home")
    assert {key[0] for key in read_reviews(home)} == {"H1", "H2"}
    assert {key[0] for key in read_reviews(home.within(Scope(hospitals={"H1"})))} == {"H1"}
    assert read_reviews(home.within(Scope(hospitals={"H1"}, departments={"03"}))) == {}
