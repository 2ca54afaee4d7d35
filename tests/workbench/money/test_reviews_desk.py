"""Special-case review on the workbench: applied for in time and within the quota, voted blind, decided, published."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tongpin.payment.month.run import settle_in_home
from tongpin.payment.review.account import applications, read_events
from tongpin.payment.review.candidates import candidates
from tongpin.workbench import today as clock
from tongpin.workbench.api import reviews as routes

if TYPE_CHECKING:
    from collections.abc import Callable

AREA = "demo-east"
PDF = ("病程.pdf", b"%PDF-1.7\n", "application/pdf")


@pytest.fixture
def desk(open_city: Any, account: Callable[[str, str], Any]) -> Any:
    """The dearest candidate of a closed month, and the insurance office of its hospital."""
    settle_in_home(open_city.home, open_city.month)
    found = candidates(open_city.home, open_city.month, clock.today(open_city.home), AREA)
    dearest = max(found.rows, key=lambda one: one.gain_fen)
    office = account("insurance_office", dearest.institution_code)
    listed = office.rows("review_candidates", parameters={"area": AREA, "month": open_city.month}, limit=1)
    return office, listed["rows"][0]


def apply(office: Any, row: dict[str, Any], **changed: Any) -> Any:
    form = {"area": AREA, "institution": row["institution_code"], "list_id": row["list_id"]}
    form |= {"criterion": "fee_standard", "reason": "病情危重，费用远超同组"}
    return office.post("/api/v1/reviews", data=form | changed, files=[("files", PDF)])


def with_panel(open_city: Any, person: Callable[[str], Any], name: str) -> None:
    """Three experts of the department, and the panel drawn."""
    one = applications(read_events(open_city.home))[name]
    dept = one.body["figures"]["dept"]
    lines = "".join(f"{code},{dept},X{place},\n" for place, code in enumerate(("outside_expert", "E2", "E3")))
    table = f"expert_code,specialty,institution_code,conflicts\n{lines}".encode()
    handler = person("bureau_handler")
    sent = handler.post("/api/v1/reviews/experts", files={"file": ("e.csv", table, "text/csv")})
    assert sent.status_code == 201, sent.text
    made = handler.post("/api/v1/reviews/panels", json={"area": AREA})
    assert made.json()["ids"] == [name]


def test_candidates_are_those_of_the_room_until_their_deadline(
    open_city: Any, person: Callable[[str], Any], desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, row = desk
    found = candidates(open_city.home, open_city.month, clock.today(open_city.home), AREA)
    own = [one for one in found.rows if one.institution_code == row["institution_code"]]
    listed = office.rows("review_candidates", parameters={"area": AREA, "month": open_city.month})
    assert listed["total"] == len(own)
    assert row["gain_fen"] == max(one.gain_fen for one in own)
    place = f"/reviews/candidates/{row['institution_code']}/{row['list_id']}?month={open_city.month}&area={AREA}"
    assert office.got(place)["may_apply"]
    assert not person("bureau_checker").got(place)["may_apply"]
    late = own[0].deadline.replace(year=own[0].deadline.year + 1)
    monkeypatch.setattr(routes, "today", lambda _: late)
    assert office.got(place)["why_not"] == "已过申报期限"
    answer = apply(office, row)
    assert (answer.status_code, answer.json()["code"]) == (422, "review.deadline")


def test_nobody_applies_for_another_hospital_and_no_false_file_is_taken(
    open_city: Any, person: Callable[[str], Any], desk: Any
) -> None:
    office, row = desk
    stranger = person("insurance_office")
    assert stranger.got("/me")["scope"]["hospitals"][0]["code"] != row["institution_code"]
    alien = apply(stranger, row)
    assert (alien.status_code, alien.json()["code"]) == (403, "store.scope")
    place = f"/reviews/candidates/{row['institution_code']}/{row['list_id']}?month={open_city.month}&area={AREA}"
    assert stranger.refused("GET", place) == (404, "review.missing")
    form = {"area": AREA, "institution": row["institution_code"], "list_id": row["list_id"]}
    form |= {"criterion": "fee_standard", "reason": "病情危重"}
    fake = office.post("/api/v1/reviews", data=form, files=[("files", ("a.pdf", b"MZ", "application/pdf"))])
    assert fake.json()["code"] == "review.evidence"
    assert not read_events(open_city.home)
    assert person("bureau_handler").post("/api/v1/reviews", data=form).status_code == 403


def test_a_blind_panel_votes_and_the_result_is_final(open_city: Any, person: Callable[[str], Any], desk: Any) -> None:
    office, row = desk
    made = apply(office, row)
    assert made.status_code == 201, made.text
    (name,) = made.json()["ids"]
    expert, handler = person("outside_expert"), person("bureau_handler")
    assert expert.refused("GET", f"/reviews/{name}") == (404, "review.unknown")
    with_panel(open_city, person, name)
    assert [seat["id"] for seat in expert.got("/reviews/mine")] == [name]
    shown = expert.got(f"/reviews/{name}")
    assert shown["blind"]
    text = json.dumps(shown, ensure_ascii=False)
    for secret in (row["institution_code"], row["institution_name"], row["list_id"], PDF[0]):
        assert secret not in text
    assert expert.get(f"/api/v1/reviews/{name}/evidence/1").content == PDF[1]
    assert expert.get(f"/api/v1/reviews/{name}/paper").content.startswith(b"%PDF-")
    vote = {"verdict": "agree", "opinion": "符合"}
    assert handler.refused("POST", f"/reviews/{name}/votes", vote) == (403, "sign_in.denied")
    assert handler.refused("POST", f"/reviews/{name}/decision", {"minutes": "会议"})[1] == "review.votes"
    assert expert.post(f"/api/v1/reviews/{name}/votes", json=vote).status_code == 201
    assert expert.refused("POST", f"/reviews/{name}/votes", vote)[1] == "review.seat"
    before = {one["expert"]: one for one in office.got(f"/reviews/{name}")["sheet"]["sections"][-1]["rows"]}
    assert before["outside_expert"]["verdict"] is None


def test_a_review_is_decided_by_all_its_votes_and_published(
    open_city: Any, person: Callable[[str], Any], desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tongpin.payment.review.panel import vote

    office, row = desk
    (name,) = apply(office, row).json()["ids"]
    with_panel(open_city, person, name)
    for code in applications(read_events(open_city.home))[name].panel:
        vote(open_city.home, name, code, "agree", "符合", clock.today(open_city.home))
    handler = person("bureau_handler")
    decided = handler.post(f"/api/v1/reviews/{name}/decision", json={"minutes": "一致同意"})
    assert decided.json()["state"] == "同意"
    assert handler.refused("POST", f"/reviews/{name}/decision", {"minutes": "再议"})[1] == "review.closed"
    shown = office.got(f"/reviews/{name}")["sheet"]
    fields = {one["id"]: one["value"] for one in shown["sections"][-1]["fields"]}
    assert fields["amount"] == applications(read_events(open_city.home))[name].body["pay"]["amount_fen"]
    quarter = f"{clock.today(open_city.home):%Y}Q3"
    assert office.refused("GET", f"/reviews/publications/{quarter}?area={AREA}") == (403, "sign_in.denied")
    assert handler.got(f"/reviews/publications/{quarter}?area={AREA}")["note"] == "草稿，未公示"
    assert handler.refused("POST", f"/reviews/publications/{quarter}", {"area": AREA})[1] == "review.quarter"
    over = clock.today(open_city.home).replace(month=10)
    monkeypatch.setattr(routes, "today", lambda _: over)
    assert handler.post(f"/api/v1/reviews/publications/{quarter}", json={"area": AREA}).status_code == 201
    assert office.got(f"/reviews/publications/{quarter}?area={AREA}")["sections"][0]["rows"][-1]["agree"] == 1


def test_a_hospital_withdraws_its_own_application(open_city: Any, person: Callable[[str], Any], desk: Any) -> None:
    office, row = desk
    (name,) = apply(office, row).json()["ids"]
    assert person("director").refused("POST", f"/reviews/{name}/withdrawal", {"reason": "误报"})[0] == 403
    assert person("insurance_office").refused("GET", f"/reviews/{name}") == (404, "review.unknown")
    assert person("insurance_office").rows("reviews", parameters={"area": AREA})["total"] == 0
    assert office.post(f"/api/v1/reviews/{name}/withdrawal", json={"reason": "误报"}).json()["state"] == "已撤回"
    assert office.refused("POST", f"/reviews/{name}/withdrawal", {"reason": "误报"}) == (409, "review.closed")
