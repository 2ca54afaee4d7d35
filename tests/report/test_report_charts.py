"""Charts and pages that ask nobody for anything."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import jinja2
import pytest

from tongpin.report import charts
from tongpin.report.html import inline_svg, render_page

if TYPE_CHECKING:
    from pathlib import Path


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_waterfall_carries_the_sum() -> None:
    spec = charts.waterfall([("甲", 3.0), ("乙", -1.0)], total_label="合计", value_title="万元", width=300)
    rows = spec["data"]["values"]
    assert [(row["from"], row["to"]) for row in rows] == [(0.0, 3.0), (3.0, 2.0), (0.0, 2.0)]
    shown = texts(charts.to_svg(spec))
    assert {"甲", "乙", "合计", "+3.00", "−1.00", "+2.00"} <= set(shown)


def test_a_funnel_has_limits_that_narrow() -> None:
    rows = [{"expected": 4.0, "ratio": 2.0, "label": "甲"}, {"expected": 100.0, "ratio": 0.9, "label": ""}]
    spec = charts.funnel(
        rows, x_title="期望", y_title="实际 ÷ 期望", limits={"95%": 1.96, "99.8%": 3.09}, width=300, height=200
    )
    curves = spec["layer"][0]["data"]["values"]
    upper = [row for row in curves if row["curve"] == "95%1"]
    assert upper[0]["ratio"] == pytest.approx(1 + 1.96 / 2)
    assert upper[-1]["ratio"] < upper[0]["ratio"]
    assert all(row["ratio"] >= 0 for row in curves)
    assert "甲" in texts(charts.to_svg(spec))


def test_density_lines_are_multiples_of_the_standard() -> None:
    rows = [{"x": 1_000, "y": 1_200, "count": 3, "kind": "正常"}, {"x": 9_000, "y": 30_000, "count": 1, "kind": "极高"}]
    spec = charts.density(
        rows,
        x_title="标准",
        y_title="费用",
        classes={"正常": "#888", "极高": "#a60"},
        slopes=[(3.0, "3 倍")],
        width=300,
        height=200,
    )
    assert all(row["y"] == pytest.approx(3 * row["x"]) for row in spec["layer"][1]["data"]["values"])
    assert "3 倍" in texts(charts.to_svg(spec))


def test_bubbles_keep_the_first_of_two_labels_that_touch() -> None:
    rows = [
        {"x": 1.0, "y": 5.0, "size": 9, "label": "甲"},
        {"x": 1.001, "y": 5.0, "size": 9, "label": "乙"},
        {"x": 9.0, "y": -5.0, "size": 1, "label": "丙"},
    ]
    thin = charts.thin_labels(rows, x="x", y="y")
    assert [row["label"] for row in thin] == ["甲", "", "丙"]
    spec = charts.bubble(thin, x_title="权重", y_title="元", size_title="例数", width=300, height=200, bounds=[2.0])
    assert {"甲", "丙"} <= set(texts(charts.to_svg(spec)))


def test_a_drawn_chart_has_no_address_but_the_namespaces() -> None:
    svg = charts.to_svg(charts.waterfall([("甲", 1.0)], total_label="合计", value_title="万元", width=200))
    assert set(re.findall(r"https?://[^\"' )]+", svg)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "<script" not in svg
    assert "Noto Sans CJK SC" in svg


def test_a_page_escapes_values_but_not_charts(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text(
        '{% extends "page.html" %}{% block body %}{{ name }}{{ chart }}{{ share|percent }}{% endblock %}',
        encoding="utf-8",
    )
    page = render_page(
        "one.html",
        {"title": "题", "name": "<b>甲</b>", "chart": inline_svg("<svg></svg>"), "share": 0.5},
        folder=tmp_path,
    )
    assert "&lt;b&gt;甲&lt;/b&gt;<svg></svg>50.00%" in page
    assert "<style>" in page
    assert "<link" not in page


def test_a_page_with_a_missing_value_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text("{{ nothing }}", encoding="utf-8")
    with pytest.raises(jinja2.UndefinedError):
        render_page("one.html", {}, folder=tmp_path)
