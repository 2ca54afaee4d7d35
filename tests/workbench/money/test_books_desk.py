"""Fund, ledger, reconciliation and clearing on the workbench: the rooms' own figures, each to whom it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from tongpin.payment.explain_amount import explain_clearing
from tongpin.payment.fund.run import state_in_home
from tongpin.payment.ledger.reconcile_run import reconcile_in_home
from tongpin.payment.month.run import settle_in_home
from tongpin.payment.year import run as year_run

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


def test_funds_stand_against_their_lines_and_only_the_bureau_sees_them(city: Any, who: Callable[[str], Any]) -> None:
    query = f"month={city.month}&area={city.area}"
    sheet = who("bureau_finance").got(f"/fund/state?{query}")
    found = state_in_home(city.home, city.month, city.area)
    months = {f"months_{one.fund}": float(one.months_payable) for one in found.funds if one.span == city.month}
    assert {one["id"]: one["value"] for one in sheet["figures"]} == months
    assert all("线" in one["note"] for one in sheet["figures"])
    assert who("director").refused("GET", f"/fund/state?{query}") == (403, "sign_in.denied")
    assert who("bureau_finance").refused("GET", f"/fund/state?month=2099-01&area={city.area}")[1] == "fund.missing"


def test_the_outlook_lies_within_its_intervals(city: Any, who: Callable[[str], Any]) -> None:
    for fund in who("bureau_finance").got(f"/fund/series?area={city.area}"):
        assert len(fund["ahead"]) == 12
        for month in fund["ahead"]:
            low, high = month["low_fen"], month["high_fen"]
            assert low["95"] < low["80"] < month["expected_fen"] < high["80"] < high["95"]


def test_five_records_are_compared_down_to_the_case(city: Any, who: Callable[[str], Any]) -> None:
    query = f"month={city.month}&area={city.area}"
    found = reconcile_in_home(city.home, city.month, city.area)
    sheet = who("bureau_finance").got(f"/ledger/reconcile?{query}")
    assert sheet["figures"][0]["value"] == found.cases.num_rows
    parameters = {"month": city.month, "area": city.area}
    cases = who("bureau_finance").rows("reconcile_cases", parameters=parameters)
    assert cases["total"] == found.cases.num_rows > 0
    own = who("hospital_finance").got("/me")["scope"]["hospitals"][0]["code"]
    rows = who("hospital_finance").rows("reconcile_cases", parameters=parameters)["rows"]
    assert {row["institution_code"] for row in rows} == {own}
    mine = found.cases.filter(pc.equal(found.cases["institution_code"], own))
    assert len(rows) == mine.num_rows
    assert who("doctor").refused("GET", f"/ledger/reconcile?{query}") == (403, "sign_in.denied")


def test_finance_posts_a_closed_month_once_and_the_books_balance(open_city: Any, person: Callable[[str], Any]) -> None:
    finance = person("bureau_finance")
    body = {"month": open_city.month, "area": "demo-east"}
    assert finance.refused("POST", "/ledger/postings", body)[0] in {404, 422}
    settle_in_home(open_city.home, open_city.month)
    posted = finance.post("/api/v1/ledger/postings", json=body).json()
    assert posted["debit_fen"] == posted["credit_fen"] > 0
    assert finance.post("/api/v1/ledger/postings", json=body).json()["was_posted"]
    listed = finance.rows("ledger_postings", parameters={"area": "demo-east", "year": open_city.month[:4]})
    assert (listed["total"], listed["sums"]["debit_fen"]) == (posted["sides"], posted["debit_fen"])
    books = finance.got(f"/ledger/books?year={open_city.month[:4]}&area=demo-east")
    balances = books["sections"][0]["rows"]
    assert sum(row["debit_fen"] - row["credit_fen"] for row in balances) == 0
    assert person("bureau_handler").refused("POST", "/ledger/postings", body) == (403, "sign_in.denied")
    office = person("insurance_office")
    assert office.refused("GET", "/ledger/books?year=2025&area=demo-east") == (403, "store.scope")


def test_a_year_is_cleared_only_by_its_approved_document(
    open_city: Any, person: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The city holds one month only: for this test its year has no more."""
    month, year = open_city.month, int(open_city.month[:4])
    settle_in_home(open_city.home, month)
    handler = person("bureau_handler")
    monkeypatch.setattr(year_run, "_months", lambda *_: [month])
    made = handler.post("/api/v1/documents/clearing", json={"year": year, "area": "demo-east"})
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    acts = f"/api/v1/documents/{number}/acts"
    assert handler.post(acts, json={"act": "submit"}).status_code == 200
    for role in ("bureau_checker", "bureau_reviewer"):
        assert person(role).post(acts, json={"act": "pass"}).status_code == 200
    assert handler.refused("POST", f"/documents/{number}/carry-out") == (409, "documents.state")
    assert handler.refused("GET", f"/clearing/{year}/summary?area=demo-east") == (404, "clear.open")
    assert person("bureau_approver").post(acts, json={"act": "pass"}).status_code == 200
    assert person("bureau_approver").refused("POST", f"/documents/{number}/carry-out") == (409, "documents.same_hand")
    assert handler.post(f"/api/v1/documents/{number}/carry-out").status_code == 200
    cleared = year_run.cleared(open_city.home, year, "demo-east").clearing
    balance = sum(cleared.places["balance_fen"].to_pylist())
    assert made.json()["amount_fen"] == balance
    rows = handler.rows("cleared_places", parameters={"area": "demo-east", "year": str(year)})
    assert rows["sums"]["balance_fen"] == balance
    director = person("director")
    own = director.got("/me")["scope"]["hospitals"][0]["code"]
    place = director.got(f"/clearing/{year}/{own}/310?area=demo-east")
    told = explain_clearing(open_city.home, year, own, "310", "demo-east")
    assert [row["amount_fen"] for row in place["sections"][1]["rows"]] == [one.amount_fen for one in told.told]
    alien = next(code for code in cleared.places["institution_code"].to_pylist() if code != own)
    assert director.refused("GET", f"/clearing/{year}/{alien}/310?area=demo-east") == (404, "explain.place")
    letter = director.get(f"/api/v1/clearing/{year}/letter?area=demo-east")
    assert letter.content.startswith(b"%PDF-")
    assert director.refused("GET", f"/clearing/{year}/letter?area=demo-east&institution={alien}")[0] == 404
