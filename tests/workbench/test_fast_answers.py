"""What makes the workbench fast changes nothing of what it says: kept lists, a year, who I am, signing in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tongpin.payment.month.closed import posted
from tongpin.store import journal, lake
from tongpin.store.control import BUSY_SECONDS
from tongpin.store.home import Home
from tongpin.store.scope import Scope
from tongpin.workbench.listings import cases
from tongpin.workbench.listings.cases import load_cases
from tongpin.workbench.listings.catalogue import Loaded, listing
from tongpin.workbench.listings.query import Asked, Filter, Sort
from tongpin.workbench.listings.views import Views, columns_for, rows_of, state_of
from tongpin.workbench.machines.ready import Ready
from tongpin.workbench.sign_in import sessions
from tongpin.workbench.sign_in.who import NotSignedInError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workbench.conftest import City, Client


def test_filtered_sorted_pages_hold_the_same_rows_as_the_lines_themselves(city: City) -> None:
    one = listing("cases")
    parameters = {"area": city.area, "month": city.month}
    lines = load_cases(city.home, parameters).table.to_pylist()
    wanted = sorted(
        (
            line
            for line in lines
            if line["result_fen"] is not None and line["result_fen"] <= 0 and "病" in line["drg_name"]
        ),
        key=lambda line: (-line["total_fee_fen"], line["case_id"]),
    )
    assert len(wanted) > 10
    asked = Asked(
        parameters=parameters,
        filters=[Filter(column="result_fen", op="to", value=0), Filter(column="drg_name", op="contains", value="病")],
        sort=[Sort(column="total_fee_fen", descending=True), Sort(column="case_id")],
        offset=3,
        limit=7,
    )
    page, _ = Views().page(city.home, one, asked, sees_money=True)
    assert page.total == len(wanted)
    assert page.sums["result_fen"] == sum(line["result_fen"] for line in wanted)
    rows = rows_of(page, columns_for(one, sees_money=True))
    assert [row["case_id"] for row in rows] == [line["case_id"] for line in wanted[3:10]]
    assert rows[0]["settlement_date"] == wanted[3]["settlement_date"].isoformat()


def test_a_year_asks_for_every_closed_month_of_it_and_for_no_other(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = {month: {} for month in ("2024-12", "2025-05", "2025-06")}
    asked: list[list[str]] = []
    monkeypatch.setattr(cases, "closed_months", lambda *_: closed)
    monkeypatch.setattr(
        cases, "posted", lambda _, area, months: asked.append(months) or posted(city.home, area, months)
    )
    shown = load_cases(city.home, {"area": city.area, "month": "2025"})
    load_cases(city.home, {"area": city.area, "month": "2025-06"})
    assert asked == [["2025-05", "2025-06"], ["2025-06"]]
    assert shown.table.num_rows == posted(city.home, city.area, ["2025-06"]).num_rows > 0


def test_a_hospital_sees_its_own_rows_only_whoever_looked_before(city: City) -> None:
    lines = posted(city.home, city.area, city.months)
    codes = sorted(set(lines["institution_code"].to_pylist()))[:2]
    views, one = Views(), listing("cases")
    asked = Asked(parameters={"area": city.area, "month": city.month}, limit=5_000)
    whole = views.page(city.home, one, asked, sees_money=True)[0]
    assert whole.total == lines.num_rows
    for code in codes:
        desk = city.home.within(Scope(hospitals=frozenset([code])))
        own = views.page(desk, one, asked, sees_money=True)[0]
        assert own.total == pc.sum(pc.equal(lines["institution_code"], code)).as_py() < whole.total
        shown = rows_of(own, columns_for(one, sees_money=True))
        assert {row["institution_code"] for row in shown} == {code}


def test_a_month_that_is_not_closed_is_refused(client: Callable[[str], Client], city: City) -> None:
    for month in ("1999-01", "1999", city.month[:-1]):
        body = {"parameters": {"area": city.area, "month": month}}
        answer = client("bureau_handler").post("/api/v1/tables/cases/rows", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "settle.open"), month


def test_a_load_that_ends_shows_its_rows_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home.open(tmp_path)
    names = [column.id for column in listing("findings").columns]

    def load(home: Home, _: object) -> Loaded:
        found = lake.read(home, "findings")
        texts = found["case_id"] if found is not None else pa.array([], pa.string())
        filled = {name: texts if name == "case_id" else pa.nulls(len(texts), pa.string()) for name in names}
        return Loaded(pa.table(filled))

    monkeypatch.setattr("tongpin.workbench.listings.findings.load_findings", load)
    number = lake.begin(home, ["findings"])
    lake.upsert(home, "findings", pa.table({"case_id": ["one"]}), ["case_id"], load=number)
    views, one = Views(), listing("findings")
    assert views.page(home, one, Asked(), sees_money=True)[0].total == 0
    before = state_of(home)
    lake.finish(home, number)
    assert state_of(home) != before
    assert views.page(home, one, Asked(), sees_money=True)[0].total == 1


def test_me_names_the_hospital_and_its_months_and_follows_what_changes(
    client: Callable[[str], Client], city: City
) -> None:
    director = client("director")
    (place,) = director.me["scope"]["hospitals"]
    lines = posted(city.home, city.area, city.months)
    own = lines.filter(pc.equal(lines["institution_code"], place["code"]))
    assert set(own["institution_name"].to_pylist()) == {place["name"]}
    assert director.get("/api/v1/me").json()["months"] == city.months
    assert client("bureau_handler").me["months"] == city.months


def test_names_are_read_again_only_after_the_register_changed(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = Ready()
    read: list[str] = []
    real = lake.read_current
    monkeypatch.setattr(
        lake, "read_current", lambda home, name, *a, **k: read.append(name) or real(home, name, *a, **k)
    )
    first = ready.hospital_names(city.home)
    assert ready.hospital_names(city.home) == first
    assert len(read) == 1
    monkeypatch.setattr(lake, "log_state", lambda _: (1, 1))
    assert ready.hospital_names(city.home) == first
    assert len(read) == 2


def test_while_a_password_is_checked_others_write(
    city: City, client: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = city.app.state.workbench.engine
    written: list[int] = []

    def is_right(kept: str | None, password: str) -> bool:
        with engine.begin() as connection:  # waits, and in the end fails, where the sign-in holds the right to write
            connection.exec_driver_sql("PRAGMA busy_timeout = 100")
            journal.record(connection, actor="other", act="test", subject="user/other", details={})
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        written.append(1)
        return real(kept, password)

    real = sessions.is_right
    monkeypatch.setattr(sessions, "is_right", is_right)
    assert client("director").me["name"] == "director"
    assert written == [1]


def test_a_password_changed_since_it_was_proven_opens_nothing(city: City) -> None:
    engine = city.app.state.workbench.engine
    proof = sessions.prove(engine, "director", city.passwords["director"])
    assert proof.is_right
    assert not sessions.prove(engine, "director", "another password").is_right
    assert not sessions.prove(engine, "nobody", city.passwords["director"]).is_right
    with engine.connect() as connection, pytest.raises(NotSignedInError, match="口令不对"):
        sessions.sign_in(connection, city.home, "director", proof._replace(kept="an older hash"))
