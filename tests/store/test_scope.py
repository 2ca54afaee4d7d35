"""Scope: whose rows a reader sees, below every query; what is not declared is closed."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpin.base.errors import StoreError
from tongpin.store import lake
from tongpin.store.home import Home
from tongpin.store.scope import DIMENSIONS, Scope, declared_tables

KEY = ("source", "institution_code", "case_id")
AT = datetime(2025, 6, 1, tzinfo=UTC).replace(tzinfo=None)


def cases(*rows: tuple[str, str, str, str]) -> pa.Table:
    """Rows (hospital, case, department, doctor) of the table of cases."""
    names = ("institution_code", "case_id", "dept", "doctor_code")
    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return pa.table({"source": ["settlement_list"] * len(rows), **columns, "upload_time": [AT] * len(rows)})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.open(tmp_path / "home")
    rows = [("H1", "1", "03", "a"), ("H1", "2", "04", "b"), ("H1", "3", "03", "b"), ("H2", "1", "03", "a")]
    lake.upsert(home, "cases", cases(*rows), KEY, order="upload_time")
    receipts = pa.table({"institution_code": ["H1", "H1", "H2", None], "setl_id": ["1", "2", "1", "1"]})
    lake.append(home, "receipt", receipts)
    lake.append(home, "statements", pa.table({"institution_code": ["H1", "H2"], "gross_fen": [1, 2]}))
    lake.append(home, "loads", pa.table({"load": [1, 1], "file": ["H1.csv", "H2.csv"], "records": [4, 5]}))
    lake.append(home, "ledger_postings", pa.table({"institution_code": ["H1"], "debit_fen": [1]}))
    lake.append(home, "new_table", pa.table({"institution_code": ["H1"]}))
    return home


def seen(home: Home, name: str, column: str = "case_id") -> list[tuple[str, str]]:
    table = lake.read(home, name)
    assert table is not None
    return sorted(zip(table["institution_code"].to_pylist(), table[column].to_pylist(), strict=True))


def test_a_hospital_sees_its_own_rows(home: Home) -> None:
    desk = home.within(Scope(hospitals={"H1"}))
    assert seen(desk, "cases") == [("H1", "1"), ("H1", "2"), ("H1", "3")]
    assert seen(desk, "receipt", "setl_id") == [("H1", "1"), ("H1", "2")]
    assert seen(desk, "statements", "gross_fen") == [("H1", 1)]


def test_a_row_without_an_institution_is_nobodys(home: Home) -> None:
    assert lake.read(home, "receipt").num_rows == 4
    assert lake.read(home.within(Scope(hospitals={"H1", "H2"})), "receipt").num_rows == 3


def test_a_department_sees_its_cases_and_what_is_about_them(home: Home) -> None:
    desk = home.within(Scope(hospitals={"H1"}, departments={"03"}))
    assert seen(desk, "cases") == [("H1", "1"), ("H1", "3")]
    assert seen(desk, "receipt", "setl_id") == [("H1", "1")]


def test_a_doctor_sees_his_cases(home: Home) -> None:
    assert seen(home.within(Scope(hospitals={"H1"}, doctors={"b"})), "cases") == [("H1", "2"), ("H1", "3")]


def test_both_must_hold(home: Home) -> None:
    assert seen(home.within(Scope(hospitals={"H1"}, departments={"03"}, doctors={"b"})), "cases") == [("H1", "3")]


def test_an_expert_sees_the_cases_named(home: Home) -> None:
    desk = home.within(Scope(hospitals={"H1"}, cases={"1"}))
    assert seen(desk, "cases") == [("H1", "1")]
    assert seen(desk, "receipt", "setl_id") == [("H1", "1")]


@pytest.mark.parametrize("scope", [Scope(hospitals=set()), Scope(cases=set()), Scope(hospitals={"H1"}, doctors=set())])
def test_an_empty_set_sees_nothing(home: Home, scope: Scope) -> None:
    assert seen(home.within(scope), "cases") == []


@pytest.mark.parametrize(
    ("scope", "table"),
    [
        (Scope(hospitals={"H1"}), "new_table"),
        (Scope(hospitals={"H1"}), "ledger_postings"),
        (Scope(hospitals={"H1"}), "not_even_there"),
        (Scope(hospitals={"H1"}, departments={"03"}), "statements"),
        (Scope(hospitals={"H1"}, doctors={"a"}), "statements"),
        (Scope(cases={"1"}), "statements"),
    ],
)
def test_what_is_not_declared_is_refused(home: Home, scope: Scope, table: str) -> None:
    for act in (lambda: lake.read(home.within(scope), table), lambda: lake.read_current(home.within(scope), table, ())):
        with pytest.raises(StoreError) as refused:
            act()
        assert refused.value.code == "store.scope"
        assert refused.value.where == table


def test_a_public_table_shows_declared_columns_only(home: Home) -> None:
    loads = lake.read(home.within(Scope(hospitals={"H1"})), "loads")
    assert loads.to_pylist() == [{"load": 1, "file": None, "records": None}] * 2
    assert lake.read(home.within(Scope(hospitals={"H1"})), "loads", ["file"])["file"].to_pylist() == [None, None]


def test_a_case_that_moved_is_seen_where_it_is_now(home: Home) -> None:
    moved = cases(("H1", "1", "04", "b"))
    lake.upsert(home, "cases", moved.set_column(5, "upload_time", pa.array([AT + timedelta(days=1)])), KEY)
    before, after = (home.within(Scope(hospitals={"H1"}, departments={code})) for code in ("03", "04"))
    assert seen(before, "cases") == [("H1", "3")]
    assert lake.read_current(before, "cases", KEY, order="upload_time")["case_id"].to_pylist() == ["3"]
    assert seen(after, "cases") == [("H1", "1"), ("H1", "1"), ("H1", "2")]  # both versions: the history goes along
    assert seen(before, "receipt", "setl_id") == []
    assert seen(after, "receipt", "setl_id") == [("H1", "1"), ("H1", "2")]


def test_columns_that_were_not_asked_for_do_not_come_along(home: Home) -> None:
    desk = home.within(Scope(hospitals={"H1"}, departments={"03"}))
    assert lake.read(desk, "cases", ["case_id"]).column_names == ["case_id"]
    assert lake.read_current(desk, "cases", KEY, columns=["case_id"]).column_names == ["case_id"]
    asked = lake.read(desk, "cases", ["case_id"], where=("case_id", pa.array(["1", "2"])))
    assert asked["case_id"].to_pylist() == ["1"]


def test_a_table_that_lacks_the_column_shows_nothing(home: Home) -> None:
    lake.append(home, "decisions", pa.table({"setl_id": ["1"]}))
    assert lake.read(home.within(Scope(hospitals={"H1"})), "decisions").num_rows == 0


@pytest.mark.parametrize(
    "act",
    [
        lambda home: lake.append(home, "statements", pa.table({"institution_code": ["H1"]})),
        lambda home: lake.replace(home, "statements", pa.table({"institution_code": ["H1"]}), "institution_code", "H1"),
        lambda home: lake.upsert(home, "cases", cases(("H1", "9", "03", "a")), KEY),
        lambda home: lake.begin(home, ["cases"]),
        lambda home: lake.finish(home, 1),
        lambda home: lake.tidy(home, "cases"),
        lambda home: lake.commit(home, "cases", cases().schema, []),
        lambda home: home.reports,
        lambda home: home.demo,
        lambda home: home.locked().__enter__(),
    ],
)
def test_a_home_within_a_scope_is_not_written(home: Home, act: object) -> None:
    with pytest.raises(StoreError) as refused:
        act(home.within(Scope(hospitals={"H1"})))  # type: ignore[operator]
    assert refused.value.code == "store.scope_write"


def test_a_scope_of_everything_is_the_home_itself(home: Home) -> None:
    assert home.within(Scope()) == home
    with contextlib.suppress(StoreError), home.within(Scope()).locked():
        lake.append(home.within(Scope()), "new_table", pa.table({"institution_code": ["H2"]}))
    assert lake.read(home, "new_table").num_rows == 2


def test_a_home_within_a_scope_only_becomes_narrower(home: Home) -> None:
    desk = home.within(Scope(hospitals={"H1"}))
    assert desk.within(Scope()) == desk
    assert seen(desk.within(Scope(hospitals={"H1", "H2"})), "receipt", "setl_id") == [("H1", "1"), ("H1", "2")]
    assert seen(desk.within(Scope(hospitals={"H2"})), "cases") == []


def test_departments_need_their_hospitals() -> None:
    with pytest.raises(ValueError, match="named hospitals"):
        Scope(departments={"03"})
    with pytest.raises(TypeError):
        Scope(hospitals="H1")  # type: ignore[arg-type]


def test_what_concerns_a_whole_hospital_is_for_the_whole_hospital() -> None:
    assert Scope(hospitals={"H1"}).sees_hospital("H1")
    assert not Scope(hospitals={"H1"}).sees_hospital("H2")
    assert not Scope(hospitals={"H1"}, departments={"03"}).sees_hospital("H1")


codes = st.none() | st.frozensets(st.sampled_from(["1", "2", "3"]))
scopes = st.builds(
    Scope, hospitals=st.frozensets(st.sampled_from(["1", "2"])), departments=codes, doctors=codes, cases=codes
)


@given(scopes, scopes)
def test_a_narrowed_scope_lies_in_both(first: Scope, second: Scope) -> None:
    both = first.narrowed(second)
    assert both == second.narrowed(first)
    for name in DIMENSIONS:
        for one in (first, second):
            wide = getattr(one, name)
            assert wide is None or getattr(both, name) <= wide


def test_the_declarations_are_well_formed() -> None:
    for name, one in declared_tables().items():
        assert one.label, name
        assert one.institution != "@case", name
        if "@case" in (one.department, one.doctor):
            assert one.case not in ("", "*", "@case"), name
            assert one.institution not in ("", "*"), name
    assert [one.table for one in declared_tables().values() if one.key] == ["cases"]
