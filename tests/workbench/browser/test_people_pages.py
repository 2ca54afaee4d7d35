"""The pages of users, the journal and tokens in a real browser, the network cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.workbench.conftest import PATIENCE, opened, sound

from tongpin.store import journal

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.needs("chromium")


def test_a_user_is_made_and_given_a_role_and_what_excludes_it_is_said(page_as: Callable[..., Any], served: Any) -> None:
    """S003-17, S911-02."""
    page = opened(page_as("bureau_it"), served, "/users", "text=bureau_handler")
    sound(page)
    page.get_by_role("button", name="新建用户").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("登录名").fill("page-user")
    dialog.get_by_label("姓名或岗位名").fill("新来的人")
    dialog.get_by_role("button", name="新建", exact=True).click()
    secret = page.locator(".once code").inner_text(timeout=PATIENCE)
    assert len(secret) == 19
    page.get_by_role("button", name="已记下").click()
    page.get_by_text("没有生效的岗位，登录不了。").wait_for(timeout=PATIENCE)
    page.get_by_label("岗位", exact=True).select_option("bureau_handler")
    page.get_by_role("button", name="授予", exact=True).click()
    page.get_by_role("cell", name="经办", exact=True).wait_for(timeout=PATIENCE)
    page.get_by_label("岗位", exact=True).select_option("bureau_finance")
    page.get_by_text("不能兼任：业务经办与财务会计").wait_for(timeout=PATIENCE)
    assert page.get_by_role("button", name="授予", exact=True).is_disabled()
    sound(page)
    with served.city.app.state.workbench.engine.connect() as connection:
        found = [one.act for one in journal.entries(connection, subject="user/page-user")]
    assert found == ["users.create", "users.grant"]


def test_the_matrix_of_roles_says_what_nobody_joins(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("bureau_it", 1024, 800), served, "/users/roles", "text=不相容的职责")
    table = page.get_by_role("region", name="不相容的职责")
    row = table.get_by_role("row").filter(has=page.get_by_role("rowheader", name="收支审批"))
    assert "收支审批与业务办理分离" in row.inner_text()
    sound(page)


def test_the_journal_is_checked_by_a_button(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("bureau_auditor"), served, "/journal", "text=登录")
    page.get_by_role("button", name="校验").click()
    page.get_by_text("逐条相接").wait_for(timeout=PATIENCE)
    sound(page)


def test_a_token_is_shown_once_and_revoked(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("insurance_office"), served, "/tokens", "text=新建令牌")
    page.get_by_label("用途").fill("页面上做的")
    page.get_by_label("试分组").check()
    page.get_by_role("button", name="新建", exact=True).click()
    assert page.locator(".once code").inner_text(timeout=PATIENCE).startswith("tp_")
    row = page.get_by_role("row", name="页面上做的")
    assert "试分组" in row.inner_text()
    sound(page)
    row.get_by_role("button", name="作废").click()
    page.get_by_role("dialog").get_by_role("button", name="作废").click()
    row.get_by_text("已作废").wait_for(timeout=PATIENCE)


def test_the_pages_are_not_for_everybody(page_as: Callable[..., Any], served: Any) -> None:
    page = page_as("director")
    for label in ("用户与岗位", "日志", "接口令牌"):
        assert page.get_by_role("link", name=label, exact=True).count() == 0
