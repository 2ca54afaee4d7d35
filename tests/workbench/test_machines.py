"""What programs do: send cases, group, price before settlement, read; each request done once, each within its scope."""

from __future__ import annotations

import copy
import json
import shutil
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from tongpin.grouping.library import DEMO_SCHEME, scheme_folders
from tongpin.grouping.scheme import Scheme
from tongpin.measures.table import Wish, figures_in_home
from tongpin.payment.explain import explain_line
from tongpin.payment.month.closed import closed_manifest, posted, statements
from tongpin.payment.month.posting import REGULAR
from tongpin.records.intake.load import CASES, read_loaded
from tongpin.store import journal
from tongpin.store.home import Home
from tongpin.workbench.app import create_app
from tongpin.workbench.machines import once as once_module
from tongpin.workbench.sign_in.tables import repeats, tokens
from tongpin.workbench.sign_in.users import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import City, Client

LISTS = json.loads((Path(__file__).parents[2] / "docs" / "examples" / "4101.json").read_text(encoding="utf-8"))
GROUPED_BY = ("sex", "age", "age_days", "birth_weight", "dept", "los", "discharge_way", "dx", "px", "icu_hours")
PRICED_BY = (*GROUPED_BY, "case_id", "institution_code", "insurance", "care_type", "admission_time", "discharge_time")
FEES = ("total_fee_fen", "drug_fee_fen", "consumable_fee_fen", "exam_fee_fen", "service_fee_fen")
PAYERS = ("patient_pay_fen", "pool_pay_fen", "other_fund_pay_fen")


@pytest.fixture(scope="module")
def city(city: City, tmp_path_factory: pytest.TempPathFactory) -> City:
    """A copy of the city: what programs send is written there, where nobody else reads."""
    root = tmp_path_factory.mktemp("machines") / "home"
    city.app.state.workbench.engine.dispose()
    shutil.copytree(city.home.root, root)
    home = Home.open(root)
    return replace(city, home=home, app=create_app(home))


@pytest.fixture
def machine(city: City, client: Callable[[str], Client]) -> Callable[..., TestClient]:
    """A program with a token of a role: `machine("insurance_office", "cases.group")`."""

    def of(role: str, *scopes: str, **more: Any) -> TestClient:
        person = client(role)
        wanted = {"label": "HIS", "scopes": scopes, "expires_at": f"{now() + timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}"}
        answer = person.post("/api/v1/tokens", json=wanted | more)
        assert answer.status_code == 201, answer.text
        one = TestClient(city.app, raise_server_exceptions=False)
        one.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        return one

    return of


@pytest.fixture(scope="module")
def own(city: City) -> str:
    """The hospital whose office the demonstration account is of."""
    from tongpin.workbench.sign_in import users
    from tongpin.workbench.sign_in.tables import users as users_table

    with city.app.state.workbench.engine.connect() as connection:
        number = connection.execute(
            select(users_table.c.id).where(users_table.c.name == "insurance_office")
        ).scalar_one()
        return str(users.grants_of(connection, number)[0].hospital)


@pytest.fixture(scope="module")
def lines(city: City, own: str) -> list[dict[str, Any]]:
    """The posted lines of the hospital in the last month, each list alone."""
    table = posted(city.home, city.area, (city.month,))
    kept = table.filter(pc.and_(pc.equal(table["institution_code"], own), pc.is_null(table["merged_case_ids"])))
    rows: list[dict[str, Any]] = kept.to_pylist()
    return rows


@pytest.fixture(scope="module")
def case_of(city: City) -> Callable[[str], dict[str, Any]]:
    """A case of the lake by id."""
    table = read_loaded(city.home, CASES)
    rows = {one["case_id"]: one for one in table.to_pylist() if one["source"] == "settlement_list"}
    return lambda case_id: rows[case_id]


def to_group(case: dict[str, Any]) -> dict[str, Any]:
    return {name: case[name] for name in (*GROUPED_BY, "case_id")}


def to_price(case: dict[str, Any], *, payers: bool = True) -> dict[str, Any]:
    names = (*PRICED_BY, *FEES, *(PAYERS if payers else ()))
    sent = {name: case[name] for name in names} | {"on": case["settlement_date"].isoformat()}
    for name in ("admission_time", "discharge_time"):
        sent[name] = sent[name].isoformat()
    return sent


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    said: dict[str, Any] = answer.json()
    assert (answer.status_code, said["code"]) == (status, code), answer.text
    assert said.keys() == {"ok", "status", "code", "message", "hint", "path", "errors"}
    return said


# -- groups ----------------------------------------------------------------------------------------------------------


def test_many_cases_are_grouped_as_the_library_groups_them(
    machine: Callable[..., TestClient], lines: list[dict[str, Any]], case_of: Callable[[str], dict[str, Any]]
) -> None:
    cases = [case_of(line["case_id"]) for line in lines[:200]]
    answer = machine("insurance_office", "cases.group").post(
        "/api/v1/group", json={"cases": [to_group(case) for case in cases]}
    )
    assert answer.status_code == 200
    scheme = Scheme.load(DEMO_SCHEME)
    said = answer.json()
    assert said["scheme"] == {"id": DEMO_SCHEME, "title": scheme.title, "digest": scheme.digest}
    assert [one["case_id"] for one in said["cases"]] == [case["case_id"] for case in cases]
    expected = [scheme.group_one(to_group(case)) for case in cases]
    assert [(one["status"], one["mdc"], one["adrg"], one["drg"]) for one in said["cases"]] == [
        (str(one.status), one.mdc, one.adrg, one.drg) for one in expected
    ]
    assert {one["drg"] for one in said["cases"]} == {line["drg"] for line in lines[:200]}


def test_the_explanation_is_the_rooms_own(
    machine: Callable[..., TestClient], lines: list[dict[str, Any]], case_of: Callable[[str], dict[str, Any]]
) -> None:
    sent = to_group(case_of(lines[0]["case_id"]))
    lost = {"case_id": "lost", "sex": 1, "age": 40, "dx": ["X99.999"]}
    one = machine("insurance_office", "cases.group")
    said = one.post("/api/v1/group", json={"cases": [sent, lost], "explain": True}).json()["cases"]
    scheme = Scheme.load(DEMO_SCHEME)
    assert said[0]["explanation"] == json.loads(json.dumps(scheme.explain(sent).as_dict()))
    assert said[0]["reason"] is None
    reason = scheme.reason(lost)
    assert said[1]["reason"] == {"code": reason.code, "label": reason.label, "hint": reason.hint}


@pytest.mark.parametrize(
    ("case", "where"),
    [
        ({"sex": 1, "age": 40}, "cases.0.dx"),
        ({"dx": []}, "cases.0.dx"),
        ({"dx": ["I10.x00"], "age": "old"}, "cases.0.age"),
        ({"dx": ["I10.x00"], "nested": {"a": 1}}, "cases.0.nested"),
        ({"dx": [1]}, "cases.0.dx.0"),
    ],
)
def test_a_case_that_cannot_be_read_is_refused_with_its_place(
    machine: Callable[..., TestClient], case: dict[str, Any], where: str
) -> None:
    said = refused(
        machine("insurance_office", "cases.group").post("/api/v1/group", json={"cases": [case]}),
        422,
        "request.invalid",
    )
    assert said["path"].startswith(where)


def test_numbers_that_json_does_not_know_are_refused(machine: Callable[..., TestClient]) -> None:
    one = machine("insurance_office", "cases.group")
    for number in ("NaN", "Infinity", "1e400"):
        body = '{"cases": [{"dx": ["I10.x00"], "age": ' + number + "}]}"
        answer = one.post("/api/v1/group", content=body, headers={"Content-Type": "application/json"})
        refused(answer, 422, "request.invalid")


def test_a_scheme_that_is_not_there_and_too_many_cases_are_refused(machine: Callable[..., TestClient]) -> None:
    one = machine("insurance_office", "cases.group")
    case = {"dx": ["I10.x00"]}
    refused(one.post("/api/v1/group", json={"scheme": "nothing", "cases": [case]}), 404, "scheme.unknown")
    refused(one.post("/api/v1/group", json={"scheme": "../x", "cases": [case]}), 404, "scheme.unknown")
    refused(one.post("/api/v1/group", json={"cases": [case] * 2001}), 422, "request.cases")
    refused(one.post("/api/v1/group", json={"cases": [case] * 101, "explain": True}), 422, "request.cases")


def test_a_scheme_is_made_ready_once_and_again_when_its_files_change(
    city: City, machine: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What makes one call quick: `tongpin bench web` measures it on an idle server, p99 at most 5 ms."""
    one = machine("insurance_office", "cases.group")
    folder = city.home.schemes / "own"
    shutil.copytree(scheme_folders(city.home)[DEMO_SCHEME], folder)
    made: list[str] = []
    real = Scheme.load
    monkeypatch.setattr(Scheme, "load", lambda name, **more: (made.append(name), real(name, **more))[1])
    sent = {"scheme": "own", "cases": [{"sex": 1, "age": 59, "dx": ["C34.100"], "px": ["32.2000"]}]}
    first = [one.post("/api/v1/group", json=sent).json() for _ in range(3)]
    assert made == ["own"]
    assert first[0] == first[2]
    facts = folder / "scheme.csv"
    facts.write_text(facts.read_text(encoding="utf-8").replace("演示分组方案", "本院试用方案"), encoding="utf-8")
    again = one.post("/api/v1/group", json=sent).json()
    assert made == ["own", "own"]
    assert "本院试用方案" in again["scheme"]["title"]


# -- prices ----------------------------------------------------------------------------------------------------------


def test_prices_are_those_that_the_month_was_closed_with(
    city: City,
    machine: Callable[..., TestClient],
    lines: list[dict[str, Any]],
    case_of: Callable[[str], dict[str, Any]],
) -> None:
    chosen = [line for line in lines if line["line_kind"] == REGULAR][:60]
    assert len(chosen) == 60
    answer = machine("insurance_office", "cases.price").post(
        "/api/v1/price", json={"cases": [to_price(case_of(line["case_id"])) for line in chosen]}
    )
    assert answer.status_code == 200, answer.text
    manifest = closed_manifest(city.home, city.month, city.area)
    for said, line in zip(answer.json()["cases"], chosen, strict=True):
        for name in ("drg", "standard_fen", "gross_fen", "pool_payable_fen", "item_pool_fen", "result_fen"):
            assert said[name] == line[name], (line["case_id"], name)
        assert said["outlier_class"] == line["outlier_class"]
        assert said["edition"]["digest"] == manifest["policy_digest"]
        assert said["simulated"] is True
        told = explain_line(city.home, line, manifest)
        assert [one["text"] for one in said["steps"]] == [one.text for one in told]


def test_before_settlement_what_rests_on_payers_is_left_open(
    machine: Callable[..., TestClient], lines: list[dict[str, Any]], case_of: Callable[[str], dict[str, Any]]
) -> None:
    line = next(one for one in lines if one["pay_scope"] == "DRG" and one["pool_payable_fen"] > 0)
    one = machine("insurance_office", "cases.price")
    (said,) = one.post("/api/v1/price", json={"cases": [to_price(case_of(line["case_id"]), payers=False)]}).json()[
        "cases"
    ]
    assert said["gross_fen"] == line["gross_fen"]
    assert said["result_fen"] == line["gross_fen"] - line["total_fee_fen"]
    assert said["patient_fen"] is said["pool_payable_fen"] is said["item_pool_fen"] is None
    assert "各付费方还不知道" in said["notes"][0]
    assert not any("个人负担" in step["text"] for step in said["steps"])


def test_a_price_is_for_ones_own_hospital_and_for_those_who_see_money(
    machine: Callable[..., TestClient],
    client: Callable[[str], Client],
    lines: list[dict[str, Any]],
    case_of: Callable[[str], dict[str, Any]],
) -> None:
    sent = to_price(case_of(lines[0]["case_id"]))
    one = machine("insurance_office", "cases.price")
    foreign = {**sent, "institution_code": _other(sent["institution_code"])}
    refused(one.post("/api/v1/price", json={"cases": [sent, foreign]}), 403, "cases.scope")
    refused(client("records_room").post("/api/v1/price", json={"cases": [sent]}), 403, "sign_in.denied")
    part = {name: value for name, value in sent.items() if name != "pool_pay_fen"}
    refused(one.post("/api/v1/price", json={"cases": [part]}), 422, "price.payers")
    wrong = {**sent, "patient_pay_fen": sent["patient_pay_fen"] + 1}
    refused(one.post("/api/v1/price", json={"cases": [wrong]}), 422, "price.payers")
    refused(one.post("/api/v1/price", json={"cases": [{**sent, "on": "1999-01-01"}]}), 422, "request.invalid")
    refused(one.post("/api/v1/price", json={"cases": [{**sent, "on": "2001-01-01"}]}), 422, "policy.gap")
    refused(one.post("/api/v1/price", json={"area": "elsewhere", "cases": [sent]}), 403, "sign_in.area")


def _other(code: str) -> str:
    return "H99010000001" if code != "H99010000001" else "H99010000002"


# -- cases -----------------------------------------------------------------------------------------------------------


def _lists(hospital: str, mark: str) -> list[dict[str, Any]]:
    """The example lists as those of a hospital, with ids of their own."""
    found = copy.deepcopy(LISTS)
    for number, one in enumerate(found):
        one["setlinfo"] |= {"fixmedins_code": hospital, "setl_id": f"{mark}{number}", "mdtrt_id": f"M{mark}{number}"}
    return found


def test_lists_are_loaded_once_and_a_newer_version_stands_beside_the_old(
    city: City, machine: Callable[..., TestClient], own: str
) -> None:
    one = machine("insurance_office", "files.upload", "findings.read")
    sent = {"kind": "settlement-list", "cases": _lists(own, "SA")}
    said = one.post("/api/v1/cases", json=sent).json()
    assert (said["records"], said["new"], said["finding_count"]) == (3, 3, 0)
    again = one.post("/api/v1/cases", json=sent).json()
    assert (again["new"], again["unchanged"]) == (0, 3)
    sent["cases"][0]["setlinfo"] |= {"dcla_time": "2025-07-01 10:00:00", "act_ipt_days": "99"}
    newer = one.post("/api/v1/cases", json=sent).json()
    assert (newer["changed"], newer["unchanged"]) == (1, 2)
    assert {(found["record"], found["rule_id"]) for found in newer["findings"]} == {(1, "REC-L001")}
    table = read_loaded(city.home, CASES, ["case_id", "institution_code"])
    assert table.filter(pc.is_in(table["case_id"], pa.array(["SA0", "SA1", "SA2"]))).num_rows == 3
    page = one.get("/api/v1/data/findings", params={"case_id": "SA0"}).json()
    assert [row["rule_id"] for row in page["rows"]] == ["REC-L001"]
    with city.app.state.workbench.engine.connect() as connection:
        entry = journal.entries(connection, act="cases.send")[-1]
    assert (entry.actor, entry.acted_as, entry.subject) == (
        "insurance_office",
        "insurance_office",
        f"load/{newer['load']}",
    )
    assert "HIS" in entry.details["by"]


def test_plain_cases_are_loaded_too(city: City, machine: Callable[..., TestClient], own: str) -> None:
    case = {"case_id": "P1", "sex": 1, "age": 52, "dx": ["S06.400", "I10.x00x002"], "px": "01.2400|96.7101"}
    case |= {"institution_code": own, "discharge_time": "2025-06-16 09:00:00"}
    said = machine("insurance_office", "files.upload").post("/api/v1/cases", json={"kind": "plain", "cases": [case]})
    assert said.json()["new"] == 1, said.text
    table = read_loaded(city.home, CASES, ["case_id", "dx", "px", "source"])
    (row,) = table.filter(pc.equal(table["case_id"], "P1")).to_pylist()
    assert (row["source"], row["dx"], row["px"]) == ("plain", case["dx"], ["01.2400", "96.7101"])


def test_nothing_is_loaded_where_one_case_is_of_another_hospital(
    city: City, machine: Callable[..., TestClient], own: str
) -> None:
    one = machine("insurance_office", "files.upload")
    mixed = [*_lists(own, "SB")[:2], *_lists(_other(own), "SC")[:1]]
    said = refused(one.post("/api/v1/cases", json={"kind": "settlement-list", "cases": mixed}), 403, "cases.scope")
    assert "第 3 份" in said["message"]
    nowhere = {"case_id": "P2", "dx": ["I10.x00"]}
    refused(one.post("/api/v1/cases", json={"kind": "plain", "cases": [nowhere]}), 403, "cases.scope")
    known = set(read_loaded(city.home, CASES, ["case_id"])["case_id"].to_pylist())
    assert not known & {"SB0", "SB1", "SC0", "P2"}


def test_what_is_no_list_is_a_finding_or_a_refusal_never_a_fault(machine: Callable[..., TestClient], own: str) -> None:
    one = machine("bureau_it", "files.upload")
    broken = {"setlinfo": {"fixmedins_code": own, "setl_id": "SD0", "adm_time": "not a time"}}
    said = one.post("/api/v1/cases", json={"kind": "settlement-list", "cases": [broken]})
    assert said.status_code == 200
    assert said.json()["finding_count"] > 0
    for cases in ([{}], [{"setlinfo": None}], [{"setlinfo": []}], [{"x": {"y": []}}]):
        for kind in ("settlement-list", "plain"):
            answer = one.post("/api/v1/cases", json={"kind": kind, "cases": cases})
            assert answer.status_code in {200, 422}, (kind, cases, answer.text)
    refused(one.post("/api/v1/cases", json={"kind": "plain", "cases": []}), 422, "request.invalid")
    refused(one.post("/api/v1/cases", json={"kind": "zip", "cases": [{}]}), 422, "request.invalid")


# -- once ------------------------------------------------------------------------------------------------------------


def test_the_same_key_gives_the_same_answer_and_does_nothing_again(
    city: City, machine: Callable[..., TestClient], own: str
) -> None:
    one = machine("insurance_office", "files.upload")
    sent, key = {"kind": "settlement-list", "cases": _lists(own, "SE")}, {"Idempotency-Key": "send-1"}
    first = one.post("/api/v1/cases", json=sent, headers=key)
    again = one.post("/api/v1/cases", json=sent, headers=key)
    assert first.json()["new"] == 3
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    other = {**sent, "cases": sent["cases"][:1]}
    refused(one.post("/api/v1/cases", json=other, headers=key), 409, "requests.repeat")
    refused(one.post("/api/v1/cases", json=sent, headers={"Idempotency-Key": "a b"}), 422, "request.invalid")
    neighbour = machine("insurance_office", "files.upload")
    assert neighbour.post("/api/v1/cases", json=sent, headers=key).json()["unchanged"] == 3, "a key is of one token"


def test_a_key_is_of_one_address_too(machine: Callable[..., TestClient]) -> None:
    one = machine("insurance_office", "cases.group", "files.upload")
    key = {"Idempotency-Key": "g-1"}
    assert one.post("/api/v1/group", json={"cases": [{"dx": ["I10.x00"]}]}, headers=key).status_code == 200
    sent = {"kind": "plain", "cases": [{"case_id": "x", "dx": ["I10.x00"]}]}
    refused(one.post("/api/v1/cases", json=sent, headers=key), 409, "requests.repeat")


def test_a_refused_request_frees_its_key(machine: Callable[..., TestClient], own: str) -> None:
    one = machine("insurance_office", "files.upload")
    key = {"Idempotency-Key": "send-2"}
    foreign = {"kind": "settlement-list", "cases": _lists(_other(own), "SF")}
    refused(one.post("/api/v1/cases", json=foreign, headers=key), 403, "cases.scope")
    mended = {"kind": "settlement-list", "cases": _lists(own, "SF")}
    assert one.post("/api/v1/cases", json=mended, headers=key).json()["new"] == 3


def test_a_request_under_way_is_not_begun_twice_and_one_that_died_is_taken_over(
    city: City, machine: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = machine("insurance_office", "cases.group")
    begun, go_on = threading.Event(), threading.Event()
    real = Scheme.group_one

    def slow(scheme: Scheme, case: Any) -> Any:
        begun.set()
        assert go_on.wait(20)
        return real(scheme, case)

    monkeypatch.setattr(Scheme, "group_one", slow)
    sent, key = {"cases": [{"dx": ["I10.x00"]}]}, {"Idempotency-Key": "slow"}
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(one.post("/api/v1/group", json=sent, headers=key)))
    thread.start()
    assert begun.wait(20)
    refused(one.post("/api/v1/group", json=sent, headers=key), 409, "requests.busy")
    go_on.set()
    thread.join()
    assert answers[0].status_code == 200
    engine = city.app.state.workbench.engine
    with engine.begin() as connection:
        died = now() - once_module._ABANDONED - timedelta(seconds=5)
        connection.execute(update(repeats).where(repeats.c.key == "slow").values(status=None, answer=None, at=died))
    taken_over = one.post("/api/v1/group", json=sent, headers=key)
    assert taken_over.status_code == 200
    assert "idempotency-replayed" not in taken_over.headers
    assert taken_over.json() == answers[0].json()


def test_answers_are_forgotten_after_a_time(city: City, machine: Callable[..., TestClient]) -> None:
    one = machine("insurance_office", "cases.group")
    sent = {"cases": [{"dx": ["I10.x00"]}]}
    one.post("/api/v1/group", json=sent, headers={"Idempotency-Key": "old"})
    engine = city.app.state.workbench.engine
    with engine.begin() as connection:
        connection.execute(update(repeats).where(repeats.c.key == "old").values(at=now() - timedelta(days=4)))
    one.post("/api/v1/group", json=sent, headers={"Idempotency-Key": "new"})
    with engine.connect() as connection:
        assert "old" not in connection.execute(select(repeats.c.key)).scalars().all()


# -- reading ---------------------------------------------------------------------------------------------------------


def test_findings_come_page_by_page_and_only_ones_own(city: City, machine: Callable[..., TestClient], own: str) -> None:
    one = machine("insurance_office", "findings.read")
    table = read_loaded(city.home, "findings")
    mine = pc.and_(pc.equal(table["status"], "open"), pc.equal(table["institution_code"], own))
    expected = pc.sum(mine).as_py()
    seen, offset = 0, 0
    while offset is not None:
        page = one.get("/api/v1/data/findings", params={"offset": offset, "limit": 100}).json()
        assert {row["institution_code"] for row in page["rows"]} <= {own}
        assert page["total"] == expected
        seen, offset = seen + len(page["rows"]), page["next"]
    assert seen == expected > 0
    refused(one.get("/api/v1/data/findings", params={"limit": 0}), 422, "request.invalid")
    refused(one.get("/api/v1/data/statements", params={"month": city.month}), 403, "sign_in.denied")


def test_statements_are_those_of_the_closed_month(city: City, machine: Callable[..., TestClient], own: str) -> None:
    one = machine("insurance_office", "statements.read")
    page = one.get("/api/v1/data/statements", params={"month": city.month}).json()
    table = statements(city.home, city.area, (city.month,))
    mine = table.filter(pc.equal(table["institution_code"], own)).to_pylist()
    assert sorted((row["fund"], row["cash_transfer_fen"]) for row in page["rows"]) == sorted(
        (row["fund"], row["cash_transfer_fen"]) for row in mine
    )
    assert page["simulated"] is True
    refused(one.get("/api/v1/data/statements", params={"month": "2001-01"}), 404, "settle.open")
    refused(one.get("/api/v1/data/statements", params={"month": "2025-13"}), 422, "request.invalid")


def test_measures_are_counted_over_all_and_shown_of_ones_own(
    city: City, machine: Callable[..., TestClient], client: Callable[[str], Client], own: str
) -> None:
    names = ("discharge.cases", "discharge.cmi", "discharge.fee_index.mean_form")
    asked = {"month": city.month, "measure": names}
    said = machine("insurance_office", "measures.read").get("/api/v1/data/measures", params=asked).json()
    whole = figures_in_home(city.home, Wish(months=(city.month,), measures=names, area=city.area))
    expected = {row["measure"]: row["value"] for row in whole.as_rows() if row["institution_code"] == own}
    assert {row["measure"]: row["value"] for row in said["rows"]} == expected
    assert {row["institution_code"] for row in said["rows"]} == {own}
    head = client("dept_head")
    dept = head.me["scope"]["departments"][0]["code"]
    rows = head.get("/api/v1/data/measures", params=asked).json()["rows"]
    assert {(row["institution_code"], row["dept"]) for row in rows} == {(own, dept)}
    refused(client("doctor").get("/api/v1/data/measures", params=asked), 403, "sign_in.denied")


def test_whoever_sees_no_money_gets_none_of_it(city: City, client: Callable[[str], Client]) -> None:
    asked = {"month": city.month, "measure": ["discharge.cases", "discharge.unit_weight_fee"]}
    room, office = client("records_room"), client("insurance_office")
    assert {row["measure"] for row in office.get("/api/v1/data/measures", params=asked).json()["rows"]} == {
        "discharge.cases",
        "discharge.unit_weight_fee",
    }
    assert {row["measure"] for row in room.get("/api/v1/data/measures", params=asked).json()["rows"]} == {
        "discharge.cases"
    }


def test_the_use_of_a_token_is_counted_by_token(city: City, machine: Callable[..., TestClient]) -> None:
    first = machine("insurance_office", "findings.read", per_minute=2)
    second = machine("insurance_office", "findings.read", per_minute=2)
    assert [first.get("/api/v1/data/findings").status_code for _ in range(3)] == [200, 200, 429]
    assert second.get("/api/v1/data/findings").status_code == 200
    with city.app.state.workbench.engine.connect() as connection:
        assert connection.execute(select(tokens.c.per_minute)).scalars().all().count(2) >= 2
