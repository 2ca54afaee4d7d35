"""The page of a case: one file, no request, no script, whatever the codes are called."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tongpin.grouping.explain import explain, explain_page, why_not
from tongpin.grouping.explain.words import NOTICE
from tongpin.grouping.tables.interpreter import Case
from tongpin.grouping.tables.read import load_scheme

ADULT = {"sex": 1, "age": 50}


class Reader(HTMLParser):
    """The tags with their attributes, and the texts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"src", "href"} or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


def test_the_page_says_what_the_prose_says(scheme_folder: Path) -> None:
    scheme = load_scheme(scheme_folder)
    case = Case(**ADULT, dx=("J18.900", "J96.000", "A41.900"), los=9)
    page = explain_page(explain(scheme, case), [why_not(scheme, case, "ES35")], case_id="C-1")
    told = read(page)
    for text in (
        "入组说明 · C-1",
        "ES31",
        "分组成功",
        "住院天数",
        "9 天",
        "主要诊断 J18.900 在清单 ES3.dx",
        "计入的 MCC：A41.900",
        "不计：与主要诊断 J18.900 同在排除表 1",
        "为什么不是 ES35",
        "没有其他诊断 A41.900",
        NOTICE,
        scheme.digest[:16],
    ):
        assert text in told.text
    assert "script" not in told.tags
    assert told.links == []
    assert "url(" not in page
    assert "@import" not in page
    assert told.text.count(NOTICE) == 1


def test_a_case_without_a_group_says_why(scheme_folder: Path) -> None:
    scheme = load_scheme(scheme_folder)
    refused = read(explain_page(explain(scheme, Case(**ADULT, dx=("P07.300",))))).text
    assert "年龄与 MDC 不符" in refused
    assert "年龄 50 岁（要求 0 岁）" in refused
    assert NOTICE in refused
    unchecked = read(explain_page(explain(scheme, Case(age=50, dx=("J18.900",))))).text
    assert "性别缺失或不是 1、2" in unchecked
    assert "入组路径" not in unchecked
    entered = read(explain_page(explain(scheme, Case(**ADULT, dx=("S06.200", "S32.000"), px=("51.2300",))))).text
    assert "没有成立的规则" in entered
    assert "ZZ1 无手术" in entered


def test_every_rule_is_there_when_asked_for(scheme_folder: Path) -> None:
    told = explain(load_scheme(scheme_folder), Case(**ADULT, dx=("J18.900",)))
    assert "EC1 两次操作" not in read(explain_page(told)).text
    assert "EC1 两次操作" in read(explain_page(told, full=True)).text


def test_names_cannot_break_the_page(scheme_folder: Path) -> None:
    (scheme_folder / "icd10.csv").write_text("code,name\nJ18.900,<script>alert(1)</script>\n", encoding="utf-8")
    told = explain(load_scheme(scheme_folder), Case(**ADULT, dx=("J18.900",)))
    page = explain_page(told, case_id="<b>")
    assert "script" not in read(page).tags
    assert "<script>alert(1)</script>" in read(page).text


@pytest.mark.needs("chromium")
def test_a_browser_asks_for_nothing_and_needs_no_sideways_scrolling(
    scheme_folder: Path, tmp_path: Path, browser: Any
) -> None:
    scheme = load_scheme(scheme_folder)
    case = Case(**ADULT, dx=("J18.900", "J96.000", "A41.900"), px=("?",))
    page_path = tmp_path / "page.html"
    whys = [why_not(scheme, case, group) for group in ("ES35", "HC29")]
    page_path.write_text(explain_page(explain(scheme, case), whys), encoding="utf-8")
    asked: list[str] = []
    page = browser.new_page(viewport={"width": 800, "height": 900})
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_path.as_uri())
    rungs = page.locator(".ladder > li").count()
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert asked == [page_path.as_uri()]
    assert rungs == 3
    assert wide <= 800
