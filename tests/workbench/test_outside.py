"""People for a time, and what leaves the house: outside experts, exports, areas."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from tongpin.base.errors import TongpinError
from tongpin.store import journal
from tongpin.workbench.sign_in import users
from tongpin.workbench.sign_in.identity import DeniedError, Grant
from tongpin.workbench.sign_in.roles import role_of, settings_of
from tongpin.workbench.sign_in.tables import grants
from tongpin.workbench.sign_in.tables import users as users_table
from tongpin.workbench.sign_in.users import Wanted, now

if TYPE_CHECKING:
    from .conftest import City


PASSWORD = "a-long-enough-password"


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The answer is a refusal in the one shape."""
    said: dict[str, Any] = answer.json()
    assert (answer.status_code, said["code"]) == (status, code), answer.text
    assert said.keys() == {"ok", "status", "code", "message", "hint", "path", "errors"}
    assert said["ok"] is False
    assert said["status"] == status
    assert said["message"]
    return said


def test_an_outside_expert_sees_the_named_cases_until_a_date(city: City, client: Any) -> None:
    """S911-01."""
    expert = client("outside_expert")
    asked = {"parameters": {"month": city.month, "area": city.area}}
    seen = expert.rows("cases", **asked)
    with city.app.state.workbench.engine.connect() as connection:
        row = (
            connection.execute(select(grants).join(users_table).where(users_table.c.name == "outside_expert"))
            .mappings()
            .one()
        )
    assert seen["total"] == len(row["cases"]) == 3
    assert {one["case_id"] for one in seen["rows"]} == set(row["cases"])
    assert client("bureau_handler").rows("cases", **asked)["total"] > 700
    assert now() < row["until"] <= now() + timedelta(days=31)
    refused(expert.post("/api/v1/tables/statements/rows", json=asked), 403, "sign_in.denied")
    refused(expert.post("/api/v1/tables/cases/export", json=asked), 403, "sign_in.denied")


def test_an_experts_grant_without_an_end_or_too_long_is_refused_and_ends_by_itself(city: City) -> None:
    """S911-01."""
    engine, case = city.app.state.workbench.engine, _some_case(city)
    longest = settings_of(city.home)["grant.longest_days"]
    with engine.connect() as connection:
        number, _ = users.create(connection, city.home, "expert-2", "", [], by=users.SYSTEM, password=PASSWORD)
        for until in (None, now() + timedelta(days=longest + 1)):
            with pytest.raises(TongpinError) as caught:
                users.grant(connection, number, Wanted("outside_expert", cases=(case,), until=until), by=users.SYSTEM)
            assert caught.value.code == "users.until"
        users.grant(
            connection,
            number,
            Wanted("outside_expert", cases=(case,), until=now() + timedelta(days=1)),
            by=users.SYSTEM,
        )
        assert [one.role.id for one in users.grants_of(connection, number)] == ["outside_expert"]
        connection.execute(update(grants).where(grants.c.user_id == number).values(until=now() - timedelta(seconds=1)))
        assert users.grants_of(connection, number) == ()
        connection.rollback()


def test_an_export_names_who_took_it_and_stands_in_the_journal(city: City, client: Any) -> None:
    """S911-01."""
    import io

    from openpyxl import load_workbook

    director = client("director")
    asked = {"parameters": {"month": city.month, "area": city.area}, "filters": [], "sort": []}
    total = director.rows("cases", **asked)["total"]
    answer = director.post("/api/v1/tables/cases/export", json=asked)
    assert answer.status_code == 200
    sheet = load_workbook(io.BytesIO(answer.content)).active
    head = "\n".join(str(cell.value) for row in sheet.iter_rows(max_row=8) for cell in row if cell.value)
    assert "演示·院长（院长）" in head
    assert f"共 {total} 行" in head
    with city.app.state.workbench.engine.connect() as connection:
        last = journal.entries(connection, act="export")[-1]
    assert (last.actor, last.acted_as, last.subject) == ("director", "director", "table/cases")
    assert last.details["rows"] == total


def test_a_grant_for_one_area_does_not_show_another(client: Any) -> None:
    handler = client("bureau_handler")
    asked = {"parameters": {"month": "2025-06", "area": "elsewhere"}}
    refused(handler.post("/api/v1/tables/cases/rows", json=asked), 403, "sign_in.area")
    with pytest.raises(DeniedError):
        _identity_of("demo-east").check_area("elsewhere")
    _identity_of(None).check_area("elsewhere")


def _identity_of(area: str | None) -> Any:
    from tongpin.workbench.sign_in.identity import Identity

    grant = Grant(1, role_of("bureau_handler"), area=area)
    return Identity(1, "one", "one", grant, (grant,))


def _some_case(city: City) -> str:
    from tongpin.records.intake.load import CASES, read_loaded

    return str(read_loaded(city.home, CASES, ["case_id"])["case_id"][0].as_py())
