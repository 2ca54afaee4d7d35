"""The pages of 国考, publication, policies, schemes, catalogue and evaluation in a real browser, the network cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.workbench.conftest import PATIENCE, opened, sound

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.needs("chromium")


def test_the_sheet_assigns_an_indicator(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("performance_office"), served, "/guokao", "text=国考填报")
    page.get_by_role("button", name="出院患者手术占比").first.wait_for(timeout=PATIENCE)
    sound(page)
    page.get_by_label("选中指标 1", exact=True).check()
    page.get_by_label("责任科室", exact=True).fill("医务科")
    page.get_by_role("button", name="分派").click()
    page.get_by_role("dialog").get_by_role("button", name="分派").click()
    page.get_by_role("cell", name="医务科", exact=True).first.wait_for(timeout=PATIENCE)
    page.get_by_role("button", name="出院患者手术占比").first.click()
    page.get_by_text("责任科室：医务科").wait_for(timeout=PATIENCE)
    sound(page)


def test_the_simulation_is_marked_and_has_no_single_place(page_as: Callable[..., Any], served: Any) -> None:
    page = page_as("performance_office", 1024, 800)
    own = page.evaluate("async () => (await (await fetch('/api/v1/me')).json()).scope.hospitals[0].code")
    opened(page, served, f"/guokao/{own}?tab=score", "text=模拟得分")
    assert page.locator(".mark", has_text="模拟").count() >= 1
    assert "第 1 名" not in page.content()
    sound(page)


def test_the_bureau_sees_every_sheet_and_the_rules(page_as: Callable[..., Any], served: Any) -> None:
    page = page_as("bureau_handler")
    month = served.city.month
    for path, awaited in (
        ("/guokao", "text=参加"),
        ("/publication", f"a[href='/publication/{month}']"),
        (f"/publication/{month}", "role=tab[name='总表']"),
        ("/policies", "text=demo-east/2025"),
        ("/policies/demo-east/2025", "text=范围与判断的先后"),
        ("/policies/compare?before=demo-east/2025&after=qingyang/2025", "text=改动"),
        ("/schemes", "text=demo-drg"),
        ("/schemes/demo-drg/groups/BR25D", "text=MDCB"),
        ("/catalogue", "text=规则是数据"),
        ("/catalogue?tab=roles", "text=看金额"),
        ("/evaluation", "text=同类名次"),
    ):
        sound(opened(page, served, path, awaited))


def test_a_case_is_tried_on_the_page(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("insurance_office"), served, "/schemes/demo-drg", "text=用编码试一例")
    page.get_by_label("诊断（主要诊断在前）").fill("I63.900")
    page.get_by_label("性别").select_option("1")
    page.get_by_label("年龄").fill("60")
    page.get_by_role("button", name="分组", exact=True).click()
    page.get_by_text("分组成功：BR25D").first.wait_for(timeout=PATIENCE)
    sound(page)


def test_a_doctor_finds_the_catalogue_but_no_filing(page_as: Callable[..., Any], served: Any) -> None:
    page = opened(page_as("doctor"), served, "/catalogue", "text=规则是数据")
    menu = page.locator("nav").first.inner_text()
    assert "目录与出处" in menu
    assert "国考填报与模拟" not in menu
    assert "付费办法" not in menu
