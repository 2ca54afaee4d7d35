"""The pages of measures, benchmarks, causes, portfolio, forecast, negotiation and reports in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.workbench.conftest import sound

from tongpin.measures.table import Wish, figures_in_home
from tongpin.report.words import wan_text
from tongpin.twin.causes.run import Wanted, causes_in_home

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.workbench.conftest import Served

pytestmark = pytest.mark.needs("chromium")
LONG = 60_000


@pytest.fixture
def director(page_as: Callable[..., Any]) -> Any:
    """A director's page."""
    return page_as("director")


def test_measures_show_the_figures_and_their_definition(served: Served, director: Any) -> None:
    director.goto(f"{served.url}/measures?by=dept&m=discharge.cmi")
    director.get_by_role("region", name="指标表").wait_for(timeout=LONG)
    own = director.evaluate("fetch('/api/v1/me').then(r => r.json()).then(me => me.scope.hospitals[0].code)")
    wish = Wish((served.city.month,), ("institution_code", "dept"), ("discharge.cmi",), hospital=own)
    largest = max(figures_in_home(served.city.home, wish).figures, key=lambda one: one.count)
    row = director.get_by_role("row").filter(has_text=largest.names["dept"]).first
    assert f"{largest.value:.4f}" in row.inner_text()
    director.get_by_role("button", name="CMI（病例组合指数）的定义").click()
    director.get_by_text("Σ 权重 ÷ 有权重的例数").wait_for()
    director.keyboard.press("Escape")
    director.get_by_role("button", name="视图").click()
    director.get_by_label("视图的名字").fill("科室 CMI")
    director.get_by_role("button", name="保存", exact=True).click()
    director.get_by_role("button", name="删除视图 科室 CMI").wait_for()
    director.get_by_role("button", name="删除视图 科室 CMI").click()
    director.get_by_text("还没有保存的视图").wait_for()
    with director.expect_download() as taken:
        director.get_by_role("button", name="导出").click()
    assert taken.value.suggested_filename.endswith(".xlsx")
    sound(director)


def test_benchmarks_stand_inside_and_beside_peers(served: Served, director: Any) -> None:
    director.goto(f"{served.url}/benchmarks?tab=inside")
    director.get_by_role("region", name="指标表").wait_for(timeout=LONG)
    sound(director)
    director.get_by_role("button", name="同级机构").click()
    director.get_by_text("名次（区间允许的）").wait_for(timeout=LONG)
    assert "本机构" in director.inner_text("main")
    sound(director)


def test_causes_show_the_waterfall_and_lead_to_cases(served: Served, director: Any) -> None:
    director.goto(f"{served.url}/causes")
    director.get_by_role("button", name="看数据").wait_for(timeout=LONG)
    director.get_by_role("button", name="看数据").click()
    own = director.evaluate("fetch('/api/v1/me').then(r => r.json()).then(me => me.scope.hospitals[0].code)")
    total = causes_in_home(served.city.home, Wanted(served.city.month, hospital=own)).total
    assert wan_text(total["result_fen"]) in director.inner_text("main")
    sound(director)
    director.get_by_role("button", name="双问题").click()
    director.get_by_text("低分项").first.wait_for(timeout=LONG)
    sound(director)


def test_a_slider_moves_both_desks(served: Served, director: Any) -> None:
    director.goto(f"{served.url}/portfolio")
    director.get_by_text("引导下沉病组").first.wait_for(timeout=LONG)
    assert "淘汰" not in director.inner_text("main")
    sound(director)
    director.get_by_role("button", name="试算", exact=True).click()
    slider = director.get_by_role("slider").first
    slider.wait_for(timeout=LONG)
    slider.focus()
    director.keyboard.press("ArrowLeft")
    director.get_by_text("减 1 例").first.wait_for()
    director.get_by_role("heading", name="医保结算").wait_for(timeout=5_000)
    director.get_by_role("heading", name="绩效考核与运行").wait_for()
    sound(director)
    director.get_by_role("button", name="前沿与安排").click()
    director.get_by_role("region", name="前沿的各点").wait_for(timeout=LONG)
    sound(director)


def test_the_year_end_says_why_it_is_not_forecast_and_what_intervals_held(served: Served, director: Any) -> None:
    director.goto(f"{served.url}/forecast")
    director.get_by_role("region", name="年末结算预测").wait_for(timeout=LONG)
    assert "至少要 6 个" in director.inner_text("main")
    director.get_by_text("区间实际盖住多少").click()
    director.get_by_text("清算额（分档以后）").first.wait_for()
    sound(director)


def test_a_pack_is_made_of_chosen_groups(served: Served, director: Any) -> None:
    director.goto(f"{served.url}/negotiation")
    director.get_by_role("checkbox").first.check(timeout=LONG)
    director.get_by_role("button", name="出材料").click()
    director.get_by_role("heading", name="费用、标准与结余").wait_for(timeout=LONG)
    sound(director)


def test_a_report_is_taken(served: Served, director: Any) -> None:
    director.goto(f"{served.url}/reports")
    director.get_by_role("heading", name="联合报告").wait_for(timeout=LONG)
    assert director.get_by_role("heading", name="绩效评价").count() == 0
    with director.expect_download(timeout=LONG) as taken:
        director.get_by_role("button", name="下载网页").first.click()
    assert taken.value.suggested_filename.endswith(".html")
    sound(director)


def test_pages_are_for_those_who_may_read_them(served: Served, page_as: Callable[..., Any]) -> None:
    head = page_as("dept_head")
    menu = head.inner_text("nav")
    assert "指标" in menu
    assert "盈亏原因" in menu
    assert "病组组合" not in menu
    head.goto(f"{served.url}/portfolio")
    head.get_by_text("您的岗位不含“病组组合”").wait_for(timeout=LONG)
