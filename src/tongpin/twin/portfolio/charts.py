"""Charts of the portfolio 病组组合图: the pyramid of classes, their months, and the frontier of money and standing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.money import FEN_PER_YUAN, SCALE
from tongpin.report.charts import BLUE, GREY, INK, OCHRE
from tongpin.report.words import percent_text, wan_text
from tongpin.twin.portfolio.catalogue import load_classes

if TYPE_CHECKING:
    from tongpin.twin.portfolio.frontier import Point
    from tongpin.twin.portfolio.plan import Plan
    from tongpin.twin.portfolio.pyramid import Pyramid

_WAN = FEN_PER_YUAN * SCALE
_WIDE = 0.02
"""A frontier that spans less CMI than this needs a fourth decimal."""
_TONES = ("#1F4E79", "#2C5F8A", "#5B88AE", "#9AA5B1", "#C9A15A", "#B7791F")
"""From the top of the pyramid to its foot."""


def pyramid_chart(pyramid: Pyramid, *, width: int = 560) -> dict[str, Any]:
    """The classes from top to foot: share of cases to the left, share of weight to the right, the result beside."""
    labels = {one.id: one.label for one in load_classes()}
    order = list(labels.values())
    rows: list[dict[str, Any]] = []
    for row in pyramid.classes.to_pylist():
        for side, name, sign in (("例数占比", "case_share", -1), ("权重占比", "weight_share", 1)):
            share = row[name] or 0.0
            rows.append(
                {"label": labels[row["class"]], "side": side, "share": sign * share, "text": percent_text(share)}
            )
    results = [
        {"label": labels[row["class"]], "text": f"{wan_text(row['result_fen'])} 万元"}
        for row in pyramid.classes.to_pylist()
    ]
    reach = max([abs(row["share"]) for row in rows] + [0.1]) * 1.25
    y = {"field": "label", "type": "nominal", "sort": order, "title": None, "axis": {"ticks": False, "domain": False}}
    x = {
        "field": "share",
        "type": "quantitative",
        "title": "← 例数占比　　　　权重占比 →",
        "scale": {"domain": [-reach, reach], "nice": False},
        "axis": {"labelExpr": "format(abs(datum.value), '.0%')", "tickCount": 7},
    }
    tone = {"field": "side", "type": "nominal", "legend": None}
    colour = {**tone, "scale": {"domain": ["例数占比", "权重占比"], "range": [GREY, BLUE]}}
    bars = {
        "width": width,
        "height": {"step": 26},
        "data": {"values": rows},
        "layer": [
            {"mark": {"type": "bar", "height": 18}, "encoding": {"y": y, "x": x, "color": colour}},
            *(
                {
                    "transform": [{"filter": f"datum.side == '{side}'"}],
                    "mark": {"type": "text", "align": align, "dx": shift, "fontSize": 11, "color": INK},
                    "encoding": {"y": y, "x": x, "text": {"field": "text"}},
                }
                for side, align, shift in (("例数占比", "right", -5), ("权重占比", "left", 5))
            ),
        ],
    }
    beside = {
        "width": 90,
        "height": {"step": 26},
        "title": {"text": "结余", "fontSize": 11, "fontWeight": "normal", "color": "#5B6776", "anchor": "end"},
        "data": {"values": results},
        "mark": {"type": "text", "align": "right", "fontSize": 11, "color": INK, "x": 90},
        "encoding": {"y": {**y, "axis": None}, "text": {"field": "text"}},
    }
    return {"hconcat": [bars, beside], "spacing": 4}


def months_chart(pyramid: Pyramid, *, width: int = 600) -> dict[str, Any] | None:
    """The share of cases of each class month by month; nothing where there is but one month."""
    if len(pyramid.months) < 2:  # noqa: PLR2004 - one month is no course
        return None
    labels = {one.id: one.label for one in load_classes()}
    trends = pyramid.class_trends.to_pylist()
    whole: dict[str, int] = {}
    for row in trends:
        whole[row["month"]] = whole.get(row["month"], 0) + row["case_count"]
    rows = [
        {"month": row["month"], "label": labels[row["class"]], "share": row["case_count"] / whole[row["month"]]}
        for row in trends
    ]
    return {
        "width": width,
        "height": 150,
        "data": {"values": rows},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "month", "type": "ordinal", "title": None, "axis": {"labelAngle": 0}},
            "y": {"field": "share", "type": "quantitative", "title": "例数占比", "axis": {"format": ".0%"}},
            "color": {
                "field": "label",
                "type": "nominal",
                "title": None,
                "scale": {"domain": list(labels.values()), "range": list(_TONES)},
            },
        },
    }


def frontier_chart(plan: Plan, *, width: int = 560) -> dict[str, Any]:
    """Surplus (万元) against CMI; where there are peers, beside it against the simulated score.

    Each holds its own frontier as a line, the points of the other as faint dots, today's place, the chosen point.
    """
    wide = max(every := _cmis(plan)) - min(every) > _WIDE
    cmi = _Side("cmi", "CMI（全部出院）", ".3f" if wide else ".4f", along="CMI")
    if plan.today.score is None:
        return _frontier(plan, cmi, width)
    score = _Side("score", "国考模拟得分", ".1f", along="国考得分")
    return {"hconcat": [_frontier(plan, one, width // 2) for one in (cmi, score)], "spacing": 24}


class _Side(NamedTuple):
    """A measure of standing: its field, title and format, and the frontier that runs along it."""

    field: str
    title: str
    format: str
    along: str


def _cmis(plan: Plan) -> list[float]:
    return [float(one.cmi) for one in (plan.today, *plan.points)]


def _dot(point: Point) -> dict[str, Any]:
    score = None if point.score is None else point.score.points
    return {"cmi": float(point.cmi), "score": score, "wan": point.result_fen / _WAN}


def _frontier(plan: Plan, side: _Side, width: int) -> dict[str, Any]:
    rows = [
        _dot(one)
        | {
            "name": str(number),
            "chosen": number - 1 == plan.chosen,
            "along": side.along if number == 1 else "国考得分" if number > plan.by_score else "CMI",
        }
        for number, one in enumerate(plan.points, start=1)
    ]
    own = [row for row in rows if row["along"] == side.along]
    now = _dot(plan.today) | {"name": "现状"}
    x = {
        "field": side.field,
        "type": "quantitative",
        "title": side.title,
        "scale": {"zero": False, "nice": False, "padding": 24},
        "axis": {"format": side.format, "tickCount": 5},
    }
    y = {
        "field": "wan",
        "type": "quantitative",
        "title": "结余（万元，医保DRG）",
        "scale": {"zero": False, "nice": False, "padding": 24},
        "axis": {"format": ",.1f"},
    }
    diamond = {"type": "point", "shape": "diamond", "size": 110, "filled": True, "color": OCHRE, "opacity": 1}
    colour = {"condition": {"test": "datum.chosen", "value": "#1F4E79"}, "value": "#8FA9C2"}
    text = {"type": "text", "dy": -13, "fontSize": 11, "color": INK}
    mine, other = f"datum.along == '{side.along}'", f"datum.along != '{side.along}' && !datum.chosen"
    at = {"x": x, "y": y}
    line = sorted(own, key=lambda row: row[side.field] or 0)
    return {
        "width": width,
        "height": 200,
        "data": {"values": rows},
        "layer": [
            {"data": {"values": line}, "mark": {"type": "line", "color": BLUE}, "encoding": at},
            {
                "transform": [{"filter": other}],
                "mark": {"type": "circle", "size": 40, "opacity": 1, "color": "#D5DCE4"},
                "encoding": at,
            },
            {
                "transform": [{"filter": f"{mine} || datum.chosen"}],
                "mark": {"type": "circle", "size": 90, "opacity": 1},
                "encoding": {**at, "color": colour},
            },
            {
                "transform": [{"filter": f"{mine} || datum.chosen"}],
                "mark": text,
                "encoding": {**at, "text": {"field": "name"}},
            },
            {
                "data": {"values": [now]},
                "mark": diamond,
                "encoding": at,
            },
            {"data": {"values": [now]}, "mark": text | {"dy": 16}, "encoding": {**at, "text": {"field": "name"}}},
        ],
    }
