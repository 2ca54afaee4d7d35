"""The cockpit in a real browser with the network cut: each desk sees its figures, follows them, and answers alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pytest
from tests.workbench.conftest import sound

from tongpin.measures.populations import paid_by_group, settled_cases
from tongpin.report.words import count_text

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.needs("chromium")
PATIENCE = 90_000


def opened(page: Any, served: Any, path: str = "/cockpit") -> Any:
    """The page once nothing is being computed."""
    page.goto(f"{served.url}{path}")
    page.wait_for_function(
        "() => document.querySelector('main h2, main table')"
        " && !/正在(计算|读取)/.test(document.querySelector('main').innerText)",
        timeout=PATIENCE,
    )
    return page


def test_a_director_sees_both_desks_and_follows_a_figure(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("director"), served)
    city = served.city
    hospital = page.evaluate("async () => (await (await fetch('/api/v1/me')).json()).scope.hospitals[0].code")
    lines = paid_by_group(settled_cases(city.home, [city.month], city.area))
    count = count_text(lines.filter(pc.equal(lines["institution_code"], hospital)).num_rows)
    card = page.locator("article.figure", has_text="医保DRG 结算病例").first
    assert f"{count}\u00a0例" in card.locator(".value").inner_text()
    card.get_by_role("button", name="医保DRG 结算病例的定义").click()
    page.get_by_text("按结算月", exact=False).first.wait_for()
    page.keyboard.press("Escape")
    for heading in ("医保结算", "绩效考核", "四组镜像指标", "双指标预警", "红线", "支付与费用", "出院到拨付", "闭环"):
        assert page.get_by_role("heading", name=heading, exact=True).count() >= 1, heading
    assert page.locator("figure.chart svg").count() >= 6
    assert page.locator("canvas").count() == 0
    sound(page)
    card.locator(".value a").click()
    page.wait_for_url("**/cases?*")
    page.get_by_text(f"共 {count} 行").wait_for(timeout=PATIENCE)
    assert page.outside == []


def test_the_cockpit_of_the_bureau_fits_a_narrow_screen(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("bureau_handler", 1024, 768), served)
    assert page.get_by_role("heading", name="预警：医保干预").count() == 1
    chart = page.locator("figure.chart", has_text="药占比（红线").first
    chart.get_by_role("button", name="看数据").click()
    assert chart.get_by_role("columnheader", name="病例组合期望").count() == 1
    sound(page)


def test_an_alert_is_answered_once(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("bureau_checker"), served, "/cockpit/alerts")
    button = page.locator("main tbody").get_by_role("button", name="回复")
    button.first.wait_for(timeout=PATIENCE)
    waiting = button.count()
    button.first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("已约谈，下月复看")
    dialog.get_by_role("button", name="回复").click()
    page.get_by_role("cell", name="已约谈，下月复看").first.wait_for(timeout=PATIENCE)
    assert page.locator("main tbody").get_by_role("button", name="回复").count() == waiting - 1
    sound(page)


def test_a_department_chooses_its_indicators(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("dept_head"), served)
    page.get_by_role("button", name="选指标").click()
    dialog = page.get_by_role("dialog")
    box = dialog.get_by_label("手术占比", exact=False).first
    was = box.is_checked()
    box.set_checked(not was)
    dialog.get_by_role("button", name="保存").click()
    dialog.wait_for(state="hidden", timeout=PATIENCE)
    section = page.get_by_role("region", name="核心指标（自选）")
    assert section.locator("article.figure", has_text="手术占比").count() == (0 if was else 1)
    sound(page)


def test_a_doctor_sees_no_money(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("doctor", 1024, 768), served)
    text = page.locator("main").inner_text()
    assert "按岗位不显示" in text
    assert "万元" not in text
    assert "超标准" not in text
    sound(page)
