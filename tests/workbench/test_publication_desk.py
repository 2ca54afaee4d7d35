"""数据公布: released by the bureau, seen by each hospital as its own sheet; no peer can be recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openpyxl

from tongpin.measures.guokao.hospital import hospitals
from tongpin.payment.month.closed import closed_months
from tongpin.store import journal
from tongpin.store.control import control_engine, reading
from tongpin.workbench.assess.issues import RELEASE, issues, publication_now

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import City, Client


def done(one: Client, path: str) -> Any:
    """The result of a computation, asked for until it is there."""
    for _ in range(200):
        answer = one.get(path)
        assert answer.status_code == 200, answer.text
        if answer.json()["running"] is None:
            return answer.json()["result"]
    raise AssertionError(path)


def release(one: Client, city: City) -> Any:
    return one.post(f"/api/v1/publication/{city.month}/release", json={"area": city.area})


def test_a_month_is_released_once_and_then_seen_by_its_hospitals(
    client: Callable[[str], Client], city: City, tmp_path: Path
) -> None:
    bureau, director = client("bureau_handler"), client("director")
    own = director.me["scope"]["hospitals"][0]
    path = f"/api/v1/publication/{city.month}?area={city.area}"
    assert bureau.get(f"/api/v1/publication?area={city.area}").json()["may_release"]
    assert release(client("bureau_checker"), city).status_code == 403
    if not issues(city.home, control_engine(city.home), city.area)[0].is_released:
        assert director.get(f"/api/v1/publication?area={city.area}").json()["issues"] == []
        assert director.get(path).status_code == 404
        assert release(bureau, city).json()["is_released"]
    again = release(bureau, city)
    assert (again.status_code, again.json()["code"]) == (409, "publication.exists")
    with reading(control_engine(city.home)) as connection:
        (entry,) = journal.entries(connection, act=RELEASE)
    assert entry.details["results"] == [closed_months(city.home, city.area)[city.month]["result_digest"]]

    shown = done(director, path)
    assert (shown["receiver"], shown["receivers"]) == (own["code"], [])
    text = director.get(path).text
    others = [one for one in hospitals(city.home, int(city.month[:4])) if one.code != own["code"]]
    assert not [one.name for one in others if one.name in text or one.code in text]

    issue = issues(city.home, control_engine(city.home), city.area)[0]
    found = publication_now(city.home, issue, city.area)
    place = next(one for one in found.places if one.code == own["code"])
    rows = {row["label"]: row["value"] for row in shown["papers"][0]["rows"]}
    assert place.money is not None
    assert rows["应付统筹（万元）"] == place.money.pool_payable_fen
    assert rows["清单数"] == place.money.cases

    whole = done(bureau, path)
    names = {row["name"] for row in whole["papers"][0]["rows"]}
    assert own["name"] in names
    assert len(names) > 1
    assert done(bureau, f"{path}&to={own['code']}")["papers"] == shown["papers"]
    assert director.get(f"{path}&to={others[0].code}").status_code == 403
    assert bureau.get(f"{path}&to=nobody").json()["code"] == "publication.for"

    book = director.get(f"/api/v1/publication/{city.month}/workbook?area={city.area}")
    file = tmp_path / "own.xlsx"
    file.write_bytes(book.content)
    sheets = openpyxl.load_workbook(file)
    cells = [str(cell.value) for sheet in sheets for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert any("导出" in cell and "院长" in cell for cell in cells)
    assert not [one.name for one in others for cell in cells if one.name in cell]
    bulletin = director.get(f"/api/v1/publication/{city.month}/bulletin?area={city.area}")
    assert bulletin.json()["code"] == "publication.quarter"


def test_a_period_that_is_not_closed_is_not_there(client: Callable[[str], Client], city: City) -> None:
    bureau = client("bureau_handler")
    assert bureau.get(f"/api/v1/publication/2019-01?area={city.area}").status_code == 404
    answer = bureau.post("/api/v1/publication/2019-01/release", json={"area": city.area})
    assert (answer.status_code, answer.json()["code"]) == (404, "publication.missing")


def test_who_sees_no_money_or_a_part_of_a_hospital_gets_none(client: Callable[[str], Client], city: City) -> None:
    for role in ("records_room", "dept_head", "doctor", "bureau_it"):
        assert client(role).get(f"/api/v1/publication?area={city.area}").status_code == 403


def test_a_hospital_sees_its_own_evaluation_alone(client: Callable[[str], Client], city: City) -> None:
    director, bureau = client("director"), client("bureau_handler")
    path = f"/api/v1/evaluation?area={city.area}&months={city.month}"
    own = director.me["scope"]["hospitals"][0]
    shown = done(director, path)
    assert [one["code"] for one in shown["hospitals"]] == [own["code"]]
    assert shown["simulated"]
    assert shown["hospitals"][0]["lines"]
    whole = {one["code"]: one for one in done(bureau, path)["hospitals"]}
    assert {**whole[own["code"]], "lines": shown["hospitals"][0]["lines"]} == shown["hospitals"][0]
    other = next(code for code in whole if code != own["code"])
    assert director.get(f"{path}&hospital={other}").status_code == 403
    assert client("records_room").get(path).status_code == 403
