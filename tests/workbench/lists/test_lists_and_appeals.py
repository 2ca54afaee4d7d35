"""The board of lists, publication, appeals with their evidence and letter, decisions."""

from __future__ import annotations

import io
from typing import Any

import docx

from tongpin.payment.lists.board import board_in_home
from tongpin.payment.lists.feedback import appeals, publications
from tongpin.payment.month.run import posted_lines
from tongpin.store import journal
from tongpin.store.control import control_engine
from tongpin.workbench.today import today


def grouped_case(client: Any, city: Any, place: int = 0) -> tuple[str, str]:
    """Institution and id of a list that the closed month paid by group."""
    rows = client.rows(
        "cases",
        parameters={"area": city.area, "month": city.month},
        filters=[{"column": "scope_label", "op": "is", "value": "按病组"}],
        limit=place + 1,
    )["rows"]
    return rows[place]["institution_code"], rows[place]["case_id"]


class TestBoard:
    def test_the_board_is_that_of_the_room(self, city: Any, client: Any) -> None:
        found = client("bureau_handler").get("/api/v1/lists/board", params={"month": city.month}).json()
        board = board_in_home(city.home, city.area, city.month, today(city.home))
        for row, known in zip(found["rows"], board.hospitals.to_pylist(), strict=True):
            assert row["counts"] == {name: known[name] for name in row["counts"]}
        total = found["totals"]
        assert total["should"] == total["sent"] + total["unsent"]
        assert {one["label"] for one in found["clocks"]} >= {"上传", "退回后重传", "申诉"}

    def test_a_hospital_sees_its_own_row_only(self, city: Any, client: Any) -> None:
        desk = client("insurance_office")
        code = desk.me["scope"]["hospitals"][0]["code"]
        found = desk.get("/api/v1/lists/board", params={"month": city.month}).json()
        assert [row["institution_code"] for row in found["rows"]] == [code]
        rows = desk.rows("lists_standing", parameters={"area": city.area, "month": city.month}, limit=500)
        assert {row["institution_code"] for row in rows["rows"]} == {code}
        assert rows["total"] == found["totals"]["should"] + found["totals"]["withdrawn"]

    def test_whoever_has_no_business_with_lists_is_refused(self, city: Any, client: Any) -> None:
        assert client("hospital_finance").get("/api/v1/lists/board", params={"month": city.month}).status_code == 403


class TestAppeals:
    """In the order of the life of an appeal."""

    def test_before_the_publication_nobody_appeals(self, own: Any, sign_in: Any) -> None:
        desk = sign_in("insurance_office")
        institution, case_id = grouped_case(desk, own)
        answer = desk.post(f"/api/v1/lists/{institution}/{case_id}/appeal", json={"reason": "主要诊断有依据"})
        assert (answer.status_code, answer.json()["code"]) == (422, "lists.appeal.unpublished")

    def test_the_agency_publishes_a_month(self, own: Any, sign_in: Any) -> None:
        assert (
            sign_in("insurance_office").post("/api/v1/lists/publications", json={"month": own.month}).status_code == 403
        )
        answer = sign_in("bureau_handler").post("/api/v1/lists/publications", json={"month": own.month})
        assert answer.status_code == 201, answer.text
        known = publications(own.home, own.area)[own.month]
        assert answer.json()["until"] == str(known.until)
        assert known.on == today(own.home)
        again = sign_in("bureau_handler").post("/api/v1/lists/publications", json={"month": own.month})
        assert again.json()["code"] == "lists.published"

    def test_evidence_and_letter_hold_what_the_home_knows(self, own: Any, sign_in: Any) -> None:
        desk = sign_in("insurance_office")
        institution, case_id = grouped_case(desk, own)
        found = desk.get(f"/api/v1/lists/{institution}/{case_id}/evidence").json()
        line = posted_lines(own.home, case_id).to_pylist()[0]
        assert found["window_open"]
        assert found["may_file"]
        assert not found["may_decide"]
        assert found["group"][0].startswith(f"分组成功：{line['drg']}")
        steps = {one["label"]: one["text"] for one in found["steps"]}
        assert f"{line['pool_payable_fen'] / 100:,.2f}" in steps["统筹应付"]
        assert found["clauses"]
        assert found["alike"] == f"{line['drg']} 还没有决定过的申诉"
        letter = desk.get(f"/api/v1/lists/{institution}/{case_id}/letter", params={"reason": "病程记录支持主要诊断"})
        words = text_of(letter.content)
        assert case_id in words
        assert "病程记录支持主要诊断" in words
        assert steps["支付标准"] in words
        assert found["clauses"][0]["words"] in words
        assert "模拟" in words, "what rests on assumed values says so"

    def test_filed_reviewed_decided_and_told_to_both(self, own: Any, sign_in: Any) -> None:
        desk, handler, bureau = (sign_in(role) for role in ("insurance_office", "bureau_handler", "bureau_checker"))
        institution, case_id = grouped_case(desk, own)
        address = f"/api/v1/lists/{institution}/{case_id}"
        early = bureau.post(f"{address}/decision", json={"result": "成立", "reason": "证据充分"})
        assert early.json()["code"] == "lists.appeal.unknown"
        filed = desk.post(f"{address}/appeal", json={"reason": "主要诊断有依据", "texts": ["病程记录第 3 页"]})
        assert filed.status_code == 201, filed.text
        (known,) = appeals(own.home, own.area)
        assert known.evidence[0] == "病程记录第 3 页"
        assert known.evidence[1].startswith(f"附件 申诉书-{case_id}.docx")
        assert desk.post(f"{address}/appeal", json={"reason": "再来一次"}).json()["code"] == "lists.appeal.twice"
        assert desk.post(f"{address}/decision", json={"result": "成立", "reason": "自己定"}).status_code == 403
        decision = {"result": "成立", "reason": "证据充分", "document": "示〔1〕"}
        assert desk.rows("appeals", parameters={"area": own.area})["rows"][0]["result"] == "待复核"
        assert bureau.post(f"{address}/decision", json=decision).json()["code"] == "lists.appeal.unreviewed"
        proposal = {"opinion": "成立", "reason": "病程支持"}
        assert bureau.post(f"{address}/review", json=proposal).status_code == 403, "the checker decides"
        assert handler.get(f"{address}/evidence").json()["may_review"]
        reviewed = handler.post(f"{address}/review", json=proposal)
        assert reviewed.status_code == 200, reviewed.text
        assert (reviewed.json()["stage"], reviewed.json()["reviews"][0]["by"]) == ("待终审", "bureau_handler")
        seen = desk.get(f"{address}/evidence").json()
        assert (seen["appeal"]["reviews"][0]["opinion"], seen["appeal"]["reviews"][0]["by"]) == ("成立", None)
        assert handler.post(f"{address}/decision", json=decision).status_code == 403, "the handler reviews"
        assert bureau.get(f"{address}/evidence").json()["may_decide"]
        decided = bureau.post(f"{address}/decision", json=decision)
        assert decided.status_code == 200, decided.text
        assert handler.post(f"{address}/review", json=proposal).json()["code"] == "lists.appeal.decided"
        (known,) = appeals(own.home, own.area)
        assert (known.result, known.document, known.decided_by) == ("成立", "示〔1〕", "bureau_checker")
        rows = desk.rows("appeals", parameters={"area": own.area})["rows"]
        assert [(row["setl_id"], row["result"]) for row in rows] == [(case_id, "成立")]
        with control_engine(own.home).connect() as connection:
            acts = [one.act for one in journal.entries(connection, subject=f"appeal/{institution}/{case_id}")]
        assert [one for one in acts if one.startswith("appeals.")] == [
            *("appeals.file", "appeals.review", "appeals.decide")
        ]

    def test_who_holds_both_roles_decides_no_appeal_that_they_reviewed(
        self, own: Any, sign_in: Any, both_hands: Any
    ) -> None:
        desk = sign_in("insurance_office")
        institution, case_id = grouped_case(desk, own, 1)
        address = f"/api/v1/lists/{institution}/{case_id}"
        assert desk.post(f"{address}/appeal", json={"reason": "主要诊断有依据"}).status_code == 201
        both_hands("bureau_handler").post(f"{address}/review", json={"opinion": "成立", "reason": "病程支持"})
        checker = both_hands("bureau_checker")
        assert not checker.get(f"{address}/evidence").json()["may_decide"]
        answer = checker.post(f"{address}/decision", json={"result": "成立", "reason": "证据充分"})
        assert (answer.status_code, answer.json()["code"]) == (409, "lists.appeal.same_hand")

    def test_another_hospital_is_neither_read_nor_appealed_for(self, own: Any, sign_in: Any) -> None:
        desk, bureau = sign_in("insurance_office"), sign_in("bureau_handler")
        mine = desk.me["scope"]["hospitals"][0]["code"]
        rows = bureau.rows(
            "cases",
            parameters={"area": own.area, "month": own.month},
            filters=[{"column": "scope_label", "op": "is", "value": "按病组"}],
            limit=500,
        )["rows"]
        foreign = next(row for row in rows if row["institution_code"] != mine)
        address = f"/api/v1/lists/{foreign['institution_code']}/{foreign['case_id']}"
        assert desk.get(f"{address}/evidence").status_code == 422
        assert desk.get(f"{address}/letter").status_code == 422
        answer = desk.post(f"{address}/appeal", json={"reason": "替别家申诉"})
        assert (answer.status_code, answer.json()["code"]) == (403, "appeals.scope")

    def test_other_hospitals_decisions_are_counted_and_not_named(self, own: Any, sign_in: Any) -> None:
        """Of an upheld appeal of the first hospital another one learns how many there were, nothing else."""
        desk, bureau = sign_in("insurance_office"), sign_in("bureau_handler")
        _, case_id = grouped_case(desk, own)
        drg = posted_lines(own.home, case_id).to_pylist()[0]["drg"]
        found = desk.get(f"/api/v1/lists/{desk.me['scope']['hospitals'][0]['code']}/{case_id}/evidence").json()
        assert found["alike"] == f"{drg} 已决定的申诉 1 件，其中成立 1 件"
        assert [one["setl_id"] for one in found["own_alike"]] == [case_id]
        assert bureau.get(f"/api/v1/lists/{found['institution_code']}/{case_id}/evidence").json()["appeal"]["result"]

    def test_who_sees_no_money_sees_no_evidence(self, own: Any, sign_in: Any) -> None:
        institution, case_id = grouped_case(sign_in("insurance_office"), own)
        answer = sign_in("records_room").get(f"/api/v1/lists/{institution}/{case_id}/evidence")
        assert (answer.status_code, answer.json()["code"]) == (403, "lists.money")


def text_of(content: bytes) -> str:
    """All words of a paper."""
    paper = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in paper.tables for row in table.rows for cell in row.cells]
    heads = [paragraph.text for paragraph in paper.sections[0].header.paragraphs]
    return "\n".join([*(paragraph.text for paragraph in paper.paragraphs), *cells, *heads])
