"""The case page over the API: codings, group path, price, versions, names; never a case of another hospital."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pytest

from tongpin.grouping.explain import explain, why_not
from tongpin.grouping.library import open_scheme
from tongpin.grouping.tables.interpreter import Case
from tongpin.payment.month.closed import posted
from tongpin.payment.month.run import line_case, posted_lines
from tongpin.records.intake.dossier import dossiers, persons_of
from tongpin.records.intake.lake_tables import CASES, RECEIPTS, read_loaded
from tongpin.store import journal
from tongpin.store.control import control_engine

if TYPE_CHECKING:
    from collections.abc import Callable


LIST = "settlement_list"
AMOUNTS = ("total_fee_fen", "standard_fen", "pool_payable_fen", "result_fen")


def lists_of(city: Any, institution: str, *, other: bool = False) -> list[str]:
    """The lists of an institution, or of all others, in their order."""
    cases = read_loaded(city.home, CASES, ["source", "institution_code", "case_id"])
    same = pc.equal(cases["institution_code"], institution)
    kept = pc.and_(pc.equal(cases["source"], LIST), pc.invert(same) if other else same)
    return sorted(cases.filter(kept)["case_id"].to_pylist())


def paid_list(city: Any, institution: str) -> str:
    """A list of an institution that the closed month paid by group."""
    lines = posted(city.home, city.area)
    mine = pc.and_(pc.equal(lines["institution_code"], institution), pc.equal(lines["pay_scope"], "DRG"))
    return str(min(lines.filter(mine)["case_id"].to_pylist()))


def corrected_list(city: Any, institution: str) -> str:
    """A list of an institution that was sent twice and accepted at the second time."""
    receipts = read_loaded(city.home, RECEIPTS)
    receipts = receipts.filter(pc.equal(receipts["institution_code"], institution))
    answers: dict[str, set[bool]] = {}
    for row in receipts.to_pylist():
        answers.setdefault(row["setl_id"], set()).add(row["accepted"])
    twice = [case_id for case_id, said in answers.items() if said == {True, False}]
    return next(one for one in sorted(twice) if len(dossiers(city.home, one)[0].versions) > 1)


@pytest.fixture
def desk(client: Callable[[str], Any]) -> Any:
    return client("insurance_office")


@pytest.fixture
def hospital(desk: Any) -> str:
    return str(desk.me["scope"]["hospitals"][0]["code"])


def read(client: Any, case_id: str, part: str = "", **query: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/cases/{case_id}{part}", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


class TestOneCase:
    def test_head_states_and_dates_are_those_of_the_dossier(self, city: Any, desk: Any, hospital: str) -> None:
        case_id = corrected_list(city, hospital)
        known = dossiers(city.home, case_id)[0]
        found = read(desk, case_id)
        assert found["record"]["institution_code"] == hospital
        states = [step["state"] for step in found["states"]]
        assert states[: len(known.states)] == [step.state for step in known.states]
        assert states[-1] == "已分组", "a list of the closed month is grouped"
        dates = {one["id"]: one["value"] for one in found["dates"]}
        assert len(dates) == 8
        assert dates["discharge_date"] == f"{known.case['discharge_time']:%Y-%m-%d}"

    def test_the_head_says_what_the_closed_month_paid(self, city: Any, client: Any, hospital: str) -> None:
        line = posted_lines(city.home, paid_list(city, hospital)).to_pylist()[-1]
        found = read(client("insurance_office"), line["case_id"])
        outcome = {one["id"]: one["value"] for one in found["outcome"]}
        assert outcome["drg"].split()[0] == (line["drg"] or "未入组")
        assert [outcome[name] for name in AMOUNTS] == [line[name] for name in AMOUNTS]
        assert found["simulated"], "the edition of the demonstration is assumed"
        coder = read(client("records_room"), line["case_id"])
        assert [one["id"] for one in coder["outcome"]] == ["drg", "weight"]

    def test_amounts_are_absent_without_the_right_to_money(self, city: Any, client: Any, hospital: str) -> None:
        case_id = lists_of(city, hospital)[0]
        seen = read(client("records_room"), case_id)
        shown = {section["id"] for section in seen["sections"]}
        assert not shown & {"费用", "付费方", "fees", "payers"}
        assert read(client("records_room"), case_id, "/price")["lines"] == []
        assert "费用" in {section["id"] for section in read(client("insurance_office"), case_id)["sections"]}

    def test_a_case_of_another_hospital_is_not_there(self, city: Any, desk: Any, hospital: str) -> None:
        foreign = lists_of(city, hospital, other=True)[0]
        for part in ("", "/coding", "/group", "/price", "/versions"):
            answer = desk.get(f"/api/v1/cases/{foreign}{part}")
            assert answer.status_code == 404, part
            assert answer.json()["code"] == "case.unknown"
            assert foreign[1:] not in answer.text.replace(foreign, "")

    @pytest.mark.parametrize("role", ["doctor", "dept_head", "outside_expert", "locum_coder"])
    def test_whoever_sees_a_part_reads_his_own_cases_in_every_part(self, city: Any, client: Any, role: str) -> None:
        own = client(role)
        seen = own.rows("cases", parameters={"area": city.area, "month": city.month}, limit=500)
        case_id = seen["rows"][0]["case_id"]
        for part in ("", "/coding", "/group", "/price", "/versions"):
            assert read(own, case_id, part), part
        kept = {row["case_id"] for row in seen["rows"]}
        line = next(one for one in posted(city.home, city.area)["case_id"].to_pylist() if one not in kept)
        assert own.get(f"/api/v1/cases/{line}").status_code == 404

    def test_an_unknown_case_is_refused(self, desk: Any) -> None:
        assert desk.get("/api/v1/cases/nobody").status_code == 404


class TestCoding:
    def test_list_and_front_page_stand_side_by_side(self, city: Any, desk: Any, hospital: str) -> None:
        case_id = corrected_list(city, hospital)
        known = dossiers(city.home, case_id)[0].case
        found = read(desk, case_id, "/coding")
        assert found["list_case_id"] == case_id
        assert found["page_case_id"] != case_id
        mine = [one["list_code"] for one in found["codes"] if one["kind"] == "dx" and one["list_code"]]
        assert sorted(mine) == sorted(known["dx"])
        assert mine[0] == known["dx"][0], "the principal diagnosis comes first"


class TestGroup:
    def test_the_path_is_that_of_the_scheme(self, city: Any, desk: Any, hospital: str) -> None:
        case_id = paid_list(city, hospital)
        line = posted_lines(city.home, case_id).to_pylist()[0]
        row = line_case(city.home, line).to_pylist()[0]
        told = explain(open_scheme(city.home, "demo-drg"), Case.of(row))
        found = read(desk, case_id, "/group")
        assert found["drg"] == told.outcome.drg == line["drg"]
        assert len([one for one in found["steps"] if one["level"] == 1]) >= len(
            [rule for rule in told.tried if rule.held]
        )

    def test_why_not_another_group(self, city: Any, desk: Any, hospital: str) -> None:
        case_id = paid_list(city, hospital)
        line = posted_lines(city.home, case_id).to_pylist()[0]
        row = line_case(city.home, line).to_pylist()[0]
        wanted = why_not(open_scheme(city.home, "demo-drg"), Case.of(row), "CB39D")
        found = read(desk, case_id, "/group", other="cb39d")["why_not"]
        assert found["group"] == "CB39D"
        assert found["verdict"] == wanted.verdict
        assert found["lines"] == [line.strip() for line in wanted.lines()[1:]]


class TestPrice:
    def test_the_last_step_is_the_posted_result(self, city: Any, desk: Any, hospital: str) -> None:
        case_id = paid_list(city, hospital)
        line = posted_lines(city.home, case_id).to_pylist()[0]
        (found,) = read(desk, case_id, "/price")["lines"]
        assert found["payable_fen"] == line["pool_payable_fen"]
        amounts = {step["label"]: step["amount_fen"] for step in found["steps"]}
        assert amounts["统筹应付"] == line["pool_payable_fen"]
        assert amounts["盈亏"] == line["result_fen"]
        assert any(step["simulated"] for step in found["steps"]), "the demonstration rests on assumed values"
        assert any(step["parameters"] for step in found["steps"])


class TestVersions:
    def test_two_versions_side_by_side_with_their_groups(self, city: Any, desk: Any, hospital: str) -> None:
        case_id = corrected_list(city, hospital)
        known = dossiers(city.home, case_id)[0].versions
        found = read(desk, case_id, "/versions")
        assert [one["upload_time"] for one in found["versions"]] == [one.upload_time.isoformat() for one in known]
        assert found["versions"][-1]["in_force"]
        pair = found["pair"]
        assert (pair["before"], pair["after"]) == (len(known) - 1, len(known))
        assert len(pair["differences"]) == len(known[-1].changes)
        scheme = open_scheme(city.home, "demo-drg")
        groups = [explain(scheme, Case.of(one.case)).outcome.drg for one in known[-2:]]
        assert [one["drg"] for one in found["versions"][-2:]] == groups

    def test_a_version_that_is_not_there_is_refused(self, city: Any, desk: Any, hospital: str) -> None:
        answer = desk.get(f"/api/v1/cases/{corrected_list(city, hospital)}/versions", params={"before": 1, "after": 9})
        assert answer.status_code == 422
        assert answer.json()["code"] == "case.version"


class TestNames:
    def test_names_are_masked_until_asked_for_and_the_journal_knows(self, city: Any, desk: Any, hospital: str) -> None:
        case_id = lists_of(city, hospital)[0]
        clear = persons_of(city.home, LIST, hospital, case_id)
        assert clear["psn_no"] not in desk.get(f"/api/v1/cases/{case_id}").text
        answer = desk.post(f"/api/v1/cases/{case_id}/names", json={"reason": "核对病案"})
        assert answer.status_code == 200
        assert {one["id"]: one["value"] for one in answer.json()["fields"]} == clear
        with control_engine(city.home).connect() as connection:
            last = journal.entries(connection, act="cases.names")[-1]
        assert last.subject == f"case/{hospital}/{case_id}"
        assert last.details["reason"] == "核对病案"
        assert clear["psn_no"] not in str(last.details)

    def test_a_role_without_the_permission_sees_none(self, city: Any, client: Any, hospital: str) -> None:
        case_id = lists_of(city, hospital)[0]
        answer = client("director").post(f"/api/v1/cases/{case_id}/names", json={"reason": "看看"})
        assert answer.status_code == 403
