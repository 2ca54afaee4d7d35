"""The pages of money in a real browser, the network cut: from a statement to its cases, documents, books, reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.workbench.conftest import PATIENCE, opened, sound

from tongpin.payment.month.closed import statements

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.needs("chromium")


def test_a_statement_leads_from_its_total_to_the_cases(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("director"), served, "/statements", "text=各机构各基金")
    page.get_by_text("按机构级别").wait_for(timeout=PATIENCE)
    own = page.evaluate("async () => (await (await fetch('/api/v1/me')).json()).scope.hospitals[0].code")
    rows = statements(served.city.home, served.city.area, [served.city.month]).to_pylist()
    cash = sum(row["cash_transfer_fen"] for row in rows if row["institution_code"] == own)
    assert f"{cash / 1_000_000:,.2f}" in page.locator("article", has_text="应拨付").inner_text()
    sound(page)
    opened(page, served, f"/statements/{own}/310", "text=金额与算法")
    page.get_by_role("link", name="DRG应付统筹", exact=True).click()
    page.get_by_text("背后的病例").wait_for(timeout=PATIENCE)
    assert page.locator("a[href^='/cases/']").count() > 0
    sound(page)


def test_a_document_goes_from_hand_to_hand_and_comes_back(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("bureau_handler"), served, "/statements", "text=各机构各基金")
    page.get_by_role("button", name="起草结算公文").click()
    page.get_by_role("dialog").get_by_role("button", name="起草结算公文").click()
    drafted = page.get_by_role("button", name="送审")
    page.get_by_role("dialog").get_by_role("alert").or_(drafted).first.wait_for(timeout=PATIENCE)
    assert "/documents/" in page.url, page.get_by_role("dialog").inner_text()
    number = page.url.split("?")[0].rsplit("/", 1)[1]
    page.get_by_role("button", name="送审").click()
    page.get_by_role("dialog").get_by_role("button", name="送审").click()
    page.get_by_text("等待：待审核").wait_for(timeout=PATIENCE)
    assert page.get_by_role("button", name="通过").count() == 0
    sound(page)
    checker = opened(page_as("bureau_checker", 1024, 800), served, "/documents", "text=公文审批")
    checker.get_by_role("link", name=f"第 {number} 号").click()
    checker.get_by_role("button", name="退回").click()
    dialog = checker.get_by_role("dialog")
    assert dialog.get_by_role("button", name="退回").is_disabled()
    dialog.get_by_role("textbox").fill("扣减要附说明")
    dialog.get_by_role("button", name="退回").click()
    checker.get_by_text("扣减要附说明").wait_for(timeout=PATIENCE)
    sound(checker)
    opened(page, served, f"/documents/{number}", "text=已退回")
    page.get_by_role("button", name="作废").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("另起")
    page.get_by_role("dialog").get_by_role("button", name="作废").click()
    page.get_by_text("已作废").first.wait_for(timeout=PATIENCE)
    sound(page)


def test_every_page_of_the_bureau_opens_soundly(page_as: Callable[..., Any], served: Any) -> None:
    page = page_as("bureau_finance")
    for path, awaited in (
        ("/fund", "收支与执行"),
        ("/fund?tab=execution", "逐月"),
        ("/clearing", "历次清算与撤销"),
        ("/prepay", "没有核定的计划"),
        ("/ledger", "各方合计"),
        ("/ledger?tab=cases", "哪两方不一致"),
        ("/ledger?tab=books", "平衡断言"),
        ("/documents?tab=duties", "不相容的职责"),
    ):
        opened(page, served, path, f"text={awaited}")
        sound(page), path


def test_hospitals_reconcile_their_own_and_see_no_books(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("hospital_finance", 1024, 800), served, "/ledger", "text=各方合计")
    assert page.get_by_role("button", name="账簿", exact=True).count() == 0
    assert page.get_by_role("button", name="记账").count() == 0
    sound(page)


def test_reviews_open_for_those_who_apply_and_those_who_judge(page_as: Callable[..., Any], served: Any) -> None:
    office = opened(page_as("insurance_office"), served, "/reviews", "text=可申报的清单")
    office.get_by_text("按 2").first.wait_for(timeout=PATIENCE)
    sound(office)
    expert = opened(page_as("outside_expert"), served, "/reviews", "text=现在没有派给您的申报")
    sound(expert)
