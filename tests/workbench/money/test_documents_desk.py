"""Money documents on the workbench: drafted from a draft run, passed by four hands, carried out, stamped, released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.documents.document import open_document
from tongpin.payment.month.closed import closed_months
from tongpin.payment.month.run import settle_in_home
from tongpin.payment.prepay.adopted import adopted_plans
from tongpin.records.intake.load import load_files
from tongpin.store.control import control_engine, reading
from tongpin.store.journal import entries, verify
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HANDS = ("bureau_checker", "bureau_reviewer", "bureau_approver")
API = "/api/v1/documents"


def act(client: Any, number: int, name: str, **body: Any) -> Any:
    return client.post(f"{API}/{number}/acts", json={"act": name, **body})


def approve(person: Callable[[str], Any], number: int) -> None:
    """The way of a document from its draft to its approval."""
    assert act(person("bureau_handler"), number, "submit").status_code == 200
    for role in HANDS:
        answer = act(person(role), number, "pass")
        assert answer.status_code == 200, answer.text


def draft(person: Callable[[str], Any], month: str) -> int:
    answer = person("bureau_handler").post(f"{API}/settlement", json={"month": month, "area": "demo-east"})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def test_a_month_is_closed_only_after_four_hands_and_with_the_approved_digest(
    open_city: Any, person: Callable[[str], Any]
) -> None:
    month = open_city.month
    run = settle_in_home(open_city.home, month, draft=True)
    number = draft(person, month)
    handler = person("bureau_handler")
    shown = handler.get(f"{API}/{number}").json()
    assert shown["line"]["amount_fen"] == sum(run.settlement.statement["cash_transfer_fen"].to_pylist())
    assert handler.post(f"{API}/{number}/carry-out").json()["code"] == "documents.state"
    assert month not in closed_months(open_city.home, "demo-east")
    approve(person, number)
    assert month not in closed_months(open_city.home, "demo-east")
    answer = handler.post(f"{API}/{number}/carry-out")
    assert answer.status_code == 200, answer.text
    assert answer.json()["waits"] == "待用印"
    assert closed_months(open_city.home, "demo-east")[month]["result_digest"] == run.settlement.digest
    with reading(control_engine(open_city.home)) as connection:
        payload = open_document(connection, number).payload
        acts = [one.act for one in entries(connection, subject=f"document/{number}")]
    assert payload["approved"]["result_digest"] == run.settlement.digest
    assert acts == ["documents.draft", "documents.submit", *["documents.pass"] * 3, "documents.carry_out"]
    assert verify(control_engine(open_city.home)).is_whole


def test_nobody_acts_twice_and_the_approver_executes_nothing(open_city: Any, person: Callable[[str], Any]) -> None:
    number = draft(person, open_city.month)
    handler = person("bureau_handler")
    assert act(handler, number, "submit").status_code == 200
    refused = act(handler, number, "pass")
    assert (refused.status_code, refused.json()["code"]) == (403, "documents.duty")
    assert act(person("bureau_checker"), number, "pass").status_code == 200
    assert act(person("bureau_checker"), number, "pass").json()["code"] == "documents.duty"
    approver = person("bureau_approver")
    assert approver.post(f"{API}/{number}/carry-out").json()["code"] == "documents.state"
    assert approver.post(f"{API}/settlement", json={"month": "2025-06", "area": "demo-east"}).status_code == 403
    assert act(handler, number, "withdraw", text="重报").status_code == 200
    assert act(handler, number, "cancel", text="不用了").status_code == 200


def test_a_result_that_changed_after_its_approval_is_not_closed(
    open_city: Any, person: Callable[[str], Any], tmp_path: Path
) -> None:
    month = open_city.month
    number = draft(person, month)
    approve(person, number)
    row = settle_in_home(open_city.home, month, draft=True).settlement.statement.to_pylist()[0]
    file = tmp_path / "decision.csv"
    file.write_text(
        "institution_code,kind,fund,month,amount,document,decided_date\n"
        f"{row['institution_code']},audit_deduction,{row['fund']},{month},100.00,稽核1号,{month}-20\n",
        encoding="utf-8",
    )
    load_files(open_city.home, [file], None)
    handler = person("bureau_handler")
    refused = handler.post(f"{API}/{number}/carry-out")
    assert (refused.status_code, refused.json()["code"]) == (409, "approval.stale")
    assert month not in closed_months(open_city.home, "demo-east")
    line = handler.get(f"{API}/{number}").json()["line"]
    assert line["waits"] == "待执行"


def test_the_keeper_of_seals_registers_the_stamp_before_finance_releases(
    open_city: Any, person: Callable[[str], Any]
) -> None:
    month = open_city.month
    number = draft(person, month)
    approve(person, number)
    assert person("bureau_handler").post(f"{API}/{number}/carry-out").status_code == 200
    finance, seals = person("bureau_finance"), person("bureau_seals")
    early = finance.post(f"{API}/{number}/release", json={})
    assert (early.status_code, early.json()["code"]) == (409, "documents.state")
    stamped = {"seal": "结算专用章", "stamp_number": f"{month}-1"}
    assert finance.post(f"{API}/{number}/stamp", json=stamped).status_code == 403
    answer = seals.post(f"{API}/{number}/stamp", json=stamped)
    assert answer.json()["waits"] == "待放行拨付"
    assert seals.post(f"{API}/{number}/release", json={}).status_code == 403
    assert [one["id"] for one in finance.get(f"{API}/waiting").json()] == [number]
    assert finance.post(f"{API}/{number}/release", json={"text": "已送银行"}).json()["waits"] == "已放行"
    acts = finance.get(f"{API}/{number}").json()["acts"]
    assert [one["label"] for one in acts[-3:]] == ["执行", "用印", "放行拨付"]
    assert acts[-2]["text"] == f"结算专用章，编号 {month}-1"


def test_a_stamp_number_is_used_once_and_papers_are_journalled(city: Any, who: Callable[[str], Any]) -> None:
    """On a city that was closed before: its documents approve the transfer only."""
    numbers = []
    for _ in range(2):
        number = draft(who, city.month)
        approve(who, number)
        answer = who("bureau_handler").post(f"{API}/{number}/carry-out")
        assert answer.status_code == 200, answer.text
        numbers.append(number)
        stamped = {"seal": "结算专用章", "stamp_number": "用印 7"}
        answer = who("bureau_seals").post(f"{API}/{number}/stamp", json=stamped)
        if number == numbers[0]:
            assert answer.status_code == 200
            again = who("bureau_handler").refused(
                "POST", "/documents/settlement", {"month": city.month, "area": "demo-east"}
            )
            assert again == (409, "documents.exists")
            assert who("bureau_finance").post(f"{API}/{number}/release", json={}).status_code == 200
    assert (answer.status_code, answer.json()["code"]) == (409, "seals.exists")
    assert who("bureau_seals").got(f"/documents/{numbers[1]}")["line"]["waits"] == "待用印"
    late = who("bureau_handler").post(
        f"{API}/{numbers[0]}/attachments", files={"file": ("说明.pdf", b"%PDF-1.7\n", "application/pdf")}
    )
    assert (late.status_code, late.json()["code"]) == (409, "documents.state")
    paper = who("bureau_checker").get(f"{API}/{numbers[0]}/paper")
    assert paper.content.startswith(b"%PDF-")
    with reading(control_engine(city.home)) as connection:
        last = entries(connection, subject=f"document/{numbers[0]}")[-1]
    assert (last.act, last.actor) == ("paper", "bureau_checker")
    director = who("director")
    assert director.refused("GET", f"/documents/{numbers[0]}") == (404, "documents.unknown")
    assert director.rows("documents")["total"] == 0
    assert who("doctor").refused("GET", f"/documents/{numbers[0]}") == (403, "sign_in.denied")


def test_a_prepayment_plan_is_adopted_and_paid_only_by_its_released_document(
    open_city: Any, person: Callable[[str], Any]
) -> None:
    handler, finance = person("bureau_handler"), person("bureau_finance")
    home = open_city.home
    settle_in_home(home, open_city.month)
    hospital = person("director").got("/me")["scope"]["hospitals"][0]["code"]
    spent = "".join(f"{hospital},310,{year},90000000.00,,,\n" for year in (2022, 2023, 2024))
    head = "institution_code,fund,period,spent,excluded,reason,document\n"
    body = {"year": 2025, "area": "demo-east", "edition": "prepay-s001/2025"}
    assert handler.refused("POST", "/documents/prepayment", body)[1] == "prepay.nothing"
    assert handler.refused("POST", "/documents/prepayment", body | {"history": "a,b\n"})[1] == "prepay.file"
    answer = handler.post(f"{API}/prepayment", json=body | {"history": head + spent})
    assert answer.status_code == 201, answer.text
    number = answer.json()["id"]
    file = ("依据.pdf", b"%PDF-1.7\n", "application/pdf")
    attached = handler.post(f"{API}/{number}/attachments", files={"file": file})
    assert attached.status_code == 201, attached.text
    assert handler.get(f"{API}/{number}/attachments/{attached.json()['id']}").content == file[1]
    approve(person, number)
    assert not adopted_plans(home, "demo-east")
    pay = {"year": 2025, "area": "demo-east"}
    assert finance.refused("POST", "/prepay/payments", pay) == (409, "prepay.state")
    assert handler.post(f"{API}/{number}/carry-out").status_code == 200
    plan = adopted_plans(home, "demo-east")[2025]
    assert plan.document == f"公文第 {number} 号"
    assert sum(row.paid_fen for row in plan.rows) == answer.json()["amount_fen"]
    stamped = {"seal": "预付专用章", "stamp_number": "预 1"}
    assert person("bureau_seals").post(f"{API}/{number}/stamp", json=stamped).status_code == 200
    assert finance.refused("POST", "/prepay/payments", pay) == (409, "prepay.state")
    assert finance.post(f"{API}/{number}/release", json={}).status_code == 200
    paid = finance.post("/api/v1/prepay/payments", json=pay).json()
    due = plan.entries(today(home))
    assert paid == {"entries": len(due), "amount_fen": sum(one.amount_fen for one in due)}
    assert due
    assert finance.post("/api/v1/prepay/payments", json=pay).json()["entries"] == 0
    assert handler.refused("POST", "/prepay/payments", pay) == (403, "sign_in.denied")
    shown = person("director").got("/prepay/summary?year=2025&area=demo-east")
    figures = {one["id"]: one["value"] for one in shown["figures"]}
    assert figures["paid"] == paid["amount_fen"]
    held = {row["institution_name"] for row in shown["sections"][0]["rows"]}
    assert held == {row.institution_name for row in plan.rows if row.institution_code == hospital}
    assert (
        person("director").rows("prepay_accounts", parameters={"area": "demo-east"})["sums"]["paid_fen"]
        == figures["paid"]
    )


def test_the_duty_matrix_is_shown_with_what_excludes_what(who: Callable[[str], Any]) -> None:
    shown = who("bureau_auditor").get(f"{API}/duties").json()
    assert [one["step"] for one in shown["matrices"][0]["rows"]] == ["经办", "审核", "复审", "审批"]
    pairs = {(one["first"], one["second"]) for one in shown["incompatible"]["rows"]}
    assert {("收支审批", "业务经办"), ("票据印鉴保管", "财务会计")} <= pairs
