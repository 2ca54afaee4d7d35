"""国考: the filing sheet, every act with its refusal, the simulation, and that another hospital's is never served."""

from __future__ import annotations

import shutil
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tongpin.measures.guokao.hospital import hospitals
from tongpin.measures.guokao.score import peer_values, score, standing
from tongpin.measures.guokao.tables import score_tables
from tongpin.measures.guokao.tasks import read_events
from tongpin.measures.guokao.values import hospital_year
from tongpin.store import journal
from tongpin.store.control import control_engine, reading
from tongpin.store.home import Home
from tongpin.workbench.app import create_app

from .conftest import City, Client

if TYPE_CHECKING:
    from collections.abc import Callable

YEAR = 2025
PDF = b"%PDF-1.4 evidence"


@pytest.fixture(scope="module")
def filing_city(city: City, tmp_path_factory: pytest.TempPathFactory) -> City:
    """A copy of the city, to be written to."""
    root = tmp_path_factory.mktemp("guokao") / "home"
    shutil.copytree(city.home.root, root)
    home = Home.open(root)
    return City(home, city.passwords, create_app(home), city.months)


@pytest.fixture
def writer(filing_city: City) -> Client:
    """The performance office of the copy."""
    one = Client(filing_city.app, base_url="http://testserver", raise_server_exceptions=False)
    return one.sign_in("performance_office", filing_city.passwords["performance_office"])


def own(one: Client) -> str:
    """The hospital of whoever signed in."""
    return str(one.me["scope"]["hospitals"][0]["code"])


def done(one: Client, method: str, path: str, **asked: Any) -> Any:
    """The result of a computation, asked for until it is there."""
    for _ in range(200):
        answer = getattr(one, method)(path, **asked)
        assert answer.status_code == 200, answer.text
        if answer.json()["running"] is None:
            return answer.json()["result"]
    raise AssertionError(path)


def test_the_sheet_shows_the_figures_of_the_room(client: Callable[[str], Client], city: City) -> None:
    one = client("performance_office")
    sheet = done(one, "get", f"/api/v1/guokao/{own(one)}/{YEAR}")
    rows = hospital_year(city.home, YEAR, own(one)).values().to_pylist()
    assert [row["sub"] for row in sheet["rows"]] == [row["sub"] for row in rows]
    missing = [row["sub"] for row in rows if row["value"] is None]
    assert [row["sub"] for row in sheet["rows"] if row["where"] == "missing"] == missing
    assert missing
    surgery = next(row for row in rows if row["name"] == "出院患者手术占比")
    shown = next(row for row in sheet["rows"] if row["sub"] == surgery["sub"])
    assert shown["value"] == f"{surgery['value']:.2f}%"
    assert next(step for step in sheet["calendar"] if step["id"] == "filing")["due"] == f"{YEAR + 1}-02-28"


def test_a_hospital_that_takes_no_part_says_so(client: Callable[[str], Client], city: City) -> None:
    bureau = client("bureau_handler")
    other = next(one for one in hospitals(city.home, YEAR) if one.reason == "不参加国考")
    answer = bureau.get(f"/api/v1/guokao/{other.code}/{YEAR}")
    assert (answer.status_code, answer.json()["code"]) == (422, "guokao.manual")
    assert "不参加国考" in answer.json()["message"]


def test_another_hospital_is_never_served(client: Callable[[str], Client], city: City) -> None:
    one = client("director")
    other = next(each for each in hospitals(city.home, YEAR) if each.set_name and each.code != own(one))
    for path in ("", "/indicators/4", "/workbook"):
        assert one.get(f"/api/v1/guokao/{other.code}/{YEAR}{path}").status_code == 404
    assert one.post(f"/api/v1/guokao/{other.code}/{YEAR}/score", json={}).status_code == 404
    rows = one.rows("guokao_hospitals", parameters={"year": str(YEAR)})["rows"]
    assert [row["code"] for row in rows] == [own(one)]
    every = client("bureau_handler").rows("guokao_hospitals", parameters={"year": str(YEAR)})
    assert every["total"] == len(hospitals(city.home, YEAR))


def test_amounts_are_hidden_from_roles_without_money(client: Callable[[str], Client]) -> None:
    seeing, blind = client("performance_office"), client("records_room")
    path = f"/api/v1/guokao/{own(seeing)}/{YEAR}"
    shown = {row["sub"]: row for row in done(seeing, "get", path)["rows"]}
    hidden = {row["sub"]: row for row in done(blind, "get", path)["rows"]}
    amounts = [sub for sub, row in shown.items() if row["unit"] in {"元", "万元"} and row["where"] != "missing"]
    assert all(hidden[sub]["value"] == "本岗位不看金额" for sub in amounts)
    assert done(blind, "post", f"{path}/score", json={})["surplus_fen"] is None
    assert done(seeing, "post", f"{path}/score", json={})["surplus_fen"] is not None


def test_an_indicator_is_filed_returned_and_filed_again(writer: Client, filing_city: City) -> None:
    base = f"/api/v1/guokao/{own(writer)}/{YEAR}"
    refused = writer.post(f"{base}/evidence", data={"no": "14"}, files={"file": ("年报.pdf", PDF)})
    assert refused.json()["code"] == "guokao.owner"
    owned = writer.post(f"{base}/owners", json={"owners": {"14": "财务科"}})
    assert owned.json()["states"] == {"14": "已分派"}
    fake = writer.post(f"{base}/evidence", data={"no": "14"}, files={"file": ("年报.pdf", b"no pdf")})
    assert (fake.status_code, fake.json()["code"]) == (422, "documents.attachment")
    kept = writer.post(f"{base}/evidence", data={"no": "14"}, files={"file": ("年报.pdf", PDF)})
    assert kept.json()["states"] == {"14": "佐证齐备"}
    assert writer.post(f"{base}/reason", json={"no": "14", "text": "新院区启用"}).status_code == 200
    assert writer.post(f"{base}/reason", json={"no": "999", "text": "?"}).json()["code"] == "guokao.number"
    early = writer.post(f"{base}/return", json={"no": "14", "reason": "口径不符"})
    assert early.json()["code"] == "guokao.return"
    late = writer.post(f"{base}/submit", json={"numbers": ["14", "7"]})
    assert late.json()["code"] == "guokao.submit"
    assert "7：" in late.json()["message"]

    shown = done(writer, "get", f"{base}/indicators/14")
    assert [event["event"] for event in shown["history"]] == ["分派", "佐证", "说明"]
    digest = shown["evidence"][0]["digest"]
    assert writer.get(f"{base}/evidence/{digest}").content == PDF
    assert writer.get(f"{base}/evidence/{'0' * 64}").status_code == 404
    events = read_events(filing_city.home, own(writer), YEAR)
    assert {(one.event, one.actor) for one in events} == {
        (event, "performance_office") for event in ("assigned", "evidence", "reason")
    }
    with reading(control_engine(filing_city.home)) as connection:
        acts = [one.act for one in journal.entries(connection, subject=f"guokao/{own(writer)}/{YEAR}")]
    assert acts == ["guokao.assign", "guokao.evidence", "guokao.reason"]


def test_what_is_filed_can_be_submitted_and_returned(writer: Client, filing_city: City) -> None:
    base = f"/api/v1/guokao/{own(writer)}/{YEAR}"
    rows = hospital_year(filing_city.home, YEAR, own(writer)).values().to_pylist()
    by_number: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_number.setdefault(row["no"], []).append(row)
    whole = [
        no for no, some in by_number.items() if all(one["value"] is not None and not one["months"] for one in some)
    ]
    number = whole[0]
    writer.post(f"{base}/owners", json={"owners": {number: "医务科"}})
    writer.post(f"{base}/evidence", data={"no": number}, files={"file": ("证明.pdf", PDF)})
    writer.post(f"{base}/reason", json={"no": number, "text": "如实"})
    assert writer.post(f"{base}/submit", json={"numbers": [number]}).json()["states"] == {number: "已提交"}
    again = writer.post(f"{base}/submit", json={"numbers": [number]})
    assert "已经提交" in again.json()["message"]
    back = writer.post(f"{base}/return", json={"no": number, "reason": "口径不符", "document": "省卫函1号"})
    assert back.json()["states"] == {number: "省级退回"}
    assert writer.post(f"{base}/submit", json={"numbers": [number]}).json()["states"] == {number: "重新提交"}


def test_who_may_not_file_is_refused(client: Callable[[str], Client]) -> None:
    for role in ("director", "bureau_handler"):
        one = client(role)
        code = own(one) if role == "director" else "H99010000001"
        answer = one.post(f"/api/v1/guokao/{code}/{YEAR}/owners", json={"owners": {"4": "医务科"}})
        assert answer.status_code == 403


def test_the_simulation_is_the_rooms_and_takes_other_weights(client: Callable[[str], Client], city: City) -> None:
    one = client("performance_office")
    path = f"/api/v1/guokao/{own(one)}/{YEAR}/score"
    found = done(one, "post", path, json={"method": "percentile"})
    known = hospital_year(city.home, YEAR, own(one))
    tables = score_tables(known.hospital.set_name, city.home)
    values, peers = known.scored_values(tables.weights), peer_values(city.home, YEAR, known.hospital.manual.manual)
    expected = standing(values, peers, tables)
    assert found["label"] == "模拟"
    assert found["points"] == pytest.approx(expected.points)
    assert [row["score"] for row in found["rows"]] == score(values, peers, tables).column("score").to_pylist()
    assert (found["percent_to"] is None) == (expected.place is None)

    first, second = list(tables.weights)[:2]
    moved = dict(tables.weights) | {first: 0.0}
    moved[second] = float(Decimal(str(tables.weights[first])) + Decimal(str(tables.weights[second])))
    tried = done(one, "post", path, json={"weights": moved})
    assert tried["weights"][first] == 0
    assert tried["weights_source"] == "试改（不保存）"
    wrong = one.post(path, json={"weights": dict(tables.weights) | {first: 999.0}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "guokao.table")
    assert one.post(path, json={"method": "guess"}).json()["code"] == "guokao.method"
