"""Cases, returns, upload, lists and appeals in a real browser, with the network cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pytest
from playwright.sync_api import expect
from tests.workbench.conftest import sound

from tongpin.payment.lists.board import board_in_home
from tongpin.payment.lists.returns import headline, returns_in_home
from tongpin.payment.month.closed import posted
from tongpin.payment.month.run import posted_lines
from tongpin.records.intake.dossier import persons_of
from tongpin.store import journal
from tongpin.store.control import control_engine
from tongpin.workbench.today import today

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.needs("chromium")
WAIT = 20_000
"""Milliseconds for the first words of a page: other tests share the machine."""
OFFICE = "insurance_office"


@pytest.fixture
def opened(page_as: Callable[..., Any], served: Any) -> Callable[..., Any]:
    """A page signed in as a role at a path."""

    def of(role: str, path: str, width: int = 1440) -> Any:
        page = page_as(role, width)
        page.goto(f"{served.url}{path}")
        return page

    return of


def paid_case(served: Any, client: Callable[[str], Any]) -> tuple[str, str]:
    """A list of the insurance office's own hospital that was paid by group: institution and id."""
    code = client(OFFICE).me["scope"]["hospitals"][0]["code"]
    lines = posted(served.city.home, served.city.area)
    mine = pc.and_(pc.equal(lines["institution_code"], code), pc.equal(lines["pay_scope"], "DRG"))
    return code, min(lines.filter(mine)["case_id"].to_pylist())


class TestCasePage:
    def test_price_group_and_names(self, opened: Any, served: Any, client: Any) -> None:
        code, case_id = paid_case(served, client)
        line = posted_lines(served.city.home, case_id).to_pylist()[0]
        page = opened(OFFICE, f"/cases/{case_id}?part=price")
        expect(page.get_by_role("heading", name=f"病例 {case_id}")).to_be_visible(timeout=WAIT)
        expect(page.get_by_text(f"统筹应付 {line['pool_payable_fen'] / 100:,.2f} 元").first).to_be_visible(timeout=WAIT)
        page.get_by_role("button", name="参数").first.click()
        expect(page.get_by_role("columnheader", name="出处")).to_be_visible()
        page.get_by_role("tab", name="入组路径").click()
        expect(page.get_by_role("heading", name=line["drg"])).to_be_visible()
        page.get_by_label("病组、ADRG 或 MDC 代码").fill("CB39D")
        page.get_by_role("button", name="问").last.click()
        expect(page.get_by_role("heading", name="CB39D")).to_be_visible()
        number = persons_of(served.city.home, "settlement_list", code, case_id)["psn_no"]
        assert number not in page.content()
        page.get_by_role("button", name="看姓名").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("textbox").fill("核对病案")
        dialog.get_by_role("button", name="看姓名").click()
        expect(page.get_by_text(number)).to_be_visible()
        expect(dialog).to_be_hidden()
        with control_engine(served.city.home).connect() as connection:
            assert journal.entries(connection, act="cases.names")[-1].subject == f"case/{code}/{case_id}"
        sound(page)

    def test_a_coder_sees_no_price(self, opened: Any, served: Any, client: Any) -> None:
        _, case_id = paid_case(served, client)
        page = opened("records_room", f"/cases/{case_id}")
        expect(page.get_by_role("tab", name="版本")).to_be_visible(timeout=WAIT)
        assert page.get_by_role("tab", name="价格").count() == 0
        assert page.get_by_role("heading", name="付费方").count() == 0
        page.get_by_role("tab", name="版本").click()
        expect(page.get_by_role("columnheader", name="申报时间")).to_be_visible()
        page.get_by_role("tab", name="清单与首页").click()
        expect(page.get_by_role("heading", name="两份编码")).to_be_visible()
        sound(page)


class TestReturnsPage:
    def test_a_cause_is_chosen_and_its_sheet_taken_out(self, opened: Any, served: Any) -> None:
        city = served.city
        returns = returns_in_home(city.home, city.area, city.month, today(city.home))
        page = opened("bureau_handler", "/findings", 1024)
        expect(page.get_by_text(headline(returns)).first).to_be_visible(timeout=WAIT)
        first = next(row for row in returns.to_pylist() if row["open"])
        page.get_by_role("button", name=first["message"]).first.click()
        with page.expect_download() as sheet:
            page.get_by_role("button", name="下载改正表").click()
        assert sheet.value.suggested_filename.startswith("改正表-")
        assert page.get_by_role("button", name="说明不改").count() == 0, "the agency does not answer for a hospital"
        sound(page)


class TestListsPage:
    def test_the_board_leads_to_the_lists(self, opened: Any, served: Any) -> None:
        city = served.city
        board = board_in_home(city.home, city.area, city.month, today(city.home)).hospitals.to_pylist()
        page = opened("bureau_handler", "/lists")
        row = page.get_by_role("row", name=board[0]["institution_name"])
        expect(row.get_by_role("link", name=f"{board[0]['should']:,}").first).to_be_visible(timeout=WAIT)
        returned = f"{board[0]['ever_returned']:,}"
        row.get_by_role("link", name=returned, exact=True).first.click()
        expect(page.get_by_text(f"共 {returned} 行")).to_be_visible()
        sound(page)

    def test_an_appeal_shows_its_evidence(self, opened: Any, served: Any, client: Any) -> None:
        code, case_id = paid_case(served, client)
        page = opened(OFFICE, f"/lists/{code}/{case_id}")
        expect(page.get_by_role("heading", name="同类结论")).to_be_visible(timeout=WAIT)
        with page.expect_download() as letter:
            page.get_by_role("button", name="申诉书 docx").click()
        assert letter.value.suggested_filename == f"申诉书-{case_id}.docx"
        sound(page)


class TestUploadPage:
    def test_it_says_whose_rows_it_takes(self, opened: Any, client: Any) -> None:
        code = client("records_room").me["scope"]["hospitals"][0]["code"]
        page = opened("records_room", "/upload")
        expect(page.get_by_text(f"只收机构代码为 {code} 的行")).to_be_visible(timeout=WAIT)
        options = page.get_by_label("种类").locator("option").all_inner_texts()
        assert "结算清单（4101）" in options
        assert "决定" not in options
        sound(page)

    def test_who_may_not_upload_has_no_such_page(self, opened: Any) -> None:
        page = opened("director", "/lists")
        expect(page.get_by_role("link", name="清单与申诉").first).to_be_visible(timeout=WAIT)
        assert page.get_by_role("link", name="上传", exact=True).count() == 0
