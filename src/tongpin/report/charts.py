"""Charts 图: Vega-Lite specifications as plain dicts, and their inline SVG."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import vl_convert

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FONTS = "Noto Sans CJK SC, Microsoft YaHei, PingFang SC, sans-serif"
PAPER_FONT = "Noto Sans SC"
BLUE, OCHRE, GREY, INK, RULE = "#2C5F8A", "#B7791F", "#9AA5B1", "#27323F", "#E3E8EE"

_CONFIG: dict[str, Any] = {
    "aria": False,
    "background": "transparent",
    "font": FONTS,
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titleColor": "#5B6776",
        "labelColor": "#3D4852",
        "domainColor": "#B8C2CE",
        "tickColor": "#B8C2CE",
        "gridColor": RULE,
        "titlePadding": 8,
    },
    "legend": {"labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "titleColor": "#5B6776"},
}


def to_svg(spec: Mapping[str, Any]) -> str:
    """The chart as an SVG text to stand inside a page; nothing is requested while drawing or viewing."""
    full = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "config": _CONFIG, **spec}
    return str(vl_convert.vegalite_to_svg(json.dumps(full), allowed_base_urls=[]))


def to_png(spec: Mapping[str, Any], *, scale: float = 2.5) -> bytes:
    """The chart as a picture for paper, in the font that papers embed."""
    from pylopdf_fonts_zh_cn import sans_path

    vl_convert.register_font_directory(str(sans_path().parent))
    config = {**_CONFIG, "font": PAPER_FONT, "background": "white"}
    full = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "config": config, **spec}
    return bytes(vl_convert.vegalite_to_png(json.dumps(full), scale=scale, allowed_base_urls=[]))


def thin_labels(
    rows: Sequence[Mapping[str, Any]], *, x: str, y: str, apart: tuple[float, float] = (0.16, 0.045)
) -> list[dict[str, Any]]:
    """The rows, first come first; `label` stays where no earlier one is within `apart` (shares of log x and of y)."""
    logs = [math.log(row[x]) for row in rows]
    width = (max(logs) - min(logs)) or 1.0
    height = (max(row[y] for row in rows) - min(row[y] for row in rows)) or 1.0
    kept: list[tuple[float, float]] = []
    shown = []
    for row, log in zip(rows, logs, strict=True):
        near = any(abs(log - a) < apart[0] * width and abs(row[y] - b) < apart[1] * height for a, b in kept)
        if row["label"] and not near:
            kept.append((log, row[y]))
        shown.append({**row, "label": "" if near else row["label"]})
    return shown


def waterfall(
    steps: Sequence[tuple[str, float]], *, total_label: str, value_title: str, width: int, rounded: int = 2
) -> dict[str, Any]:
    """Bars that carry a sum from step to step, top down, and end in the total; positive blue, negative ochre."""
    rows: list[dict[str, Any]] = []
    running = 0.0
    for label, value in steps:
        kind = "正" if value >= 0 else "负"
        rows.append({"label": label, "from": running, "to": running + value, "value": value, "kind": kind})
        running += value
    rows.append({"label": total_label, "from": 0.0, "to": running, "value": running, "kind": "合计"})
    for row in rows:
        row["text"] = f"{row['value']:+,.{rounded}f}".replace("-", "\u2212")
        row["edge"] = max(row["from"], row["to"])
    edges = [row[key] for row in rows for key in ("from", "to")]
    room = (max(edges) - min(edges)) * 0.12 or 1.0
    scale = {"domain": [min(edges) - room * 0.2, max(edges) + room], "nice": False}
    y = {"field": "label", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220, "ticks": False}}
    colour = {
        "field": "kind",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": ["正", "负", "合计"], "range": [BLUE, OCHRE, "#55606E"]},
    }
    x_from = {"field": "from", "type": "quantitative", "title": value_title, "scale": scale}
    return {
        "width": width,
        "height": {"step": 21},
        "data": {"values": rows},
        "layer": [
            {
                "mark": {"type": "bar", "height": 13},
                "encoding": {"y": y, "x": x_from, "x2": {"field": "to"}, "color": colour},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 11, "color": INK},
                "encoding": {
                    "y": y,
                    "x": {"field": "edge", "type": "quantitative", "scale": scale},
                    "text": {"field": "text"},
                },
            },
            _line(0, axis="x"),
        ],
    }


def bubble(
    rows: Sequence[Mapping[str, Any]],
    *,
    x_title: str,
    y_title: str,
    size_title: str,
    width: int,
    height: int,
    bounds: Sequence[float] = (),
) -> dict[str, Any]:
    """Bubbles at `x`, `y` of area `size`, those with a `label` named; `bounds` are vertical lines."""
    shown = [dict(row, kind="正" if row["y"] >= 0 else "负") for row in rows]
    x = {
        "field": "x",
        "type": "quantitative",
        "title": x_title,
        "scale": {"type": "log", "nice": False, "padding": 18},
        "axis": {"values": [0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 12], "format": "~g", "grid": False},
    }
    y = {"field": "y", "type": "quantitative", "title": y_title, "axis": {"format": ",.0f"}}
    return {
        "width": width,
        "height": height,
        "data": {"values": shown},
        "layer": [
            *[_line(bound, axis="x", dashed=True) for bound in bounds],
            _line(0, axis="y"),
            {
                "mark": {"type": "circle", "opacity": 0.55, "stroke": "white", "strokeWidth": 0.6},
                "encoding": {
                    "x": x,
                    "y": y,
                    "size": {
                        "field": "size",
                        "type": "quantitative",
                        "title": size_title,
                        "scale": {"range": [12, 1_100]},
                        "legend": {"orient": "top", "symbolFillColor": GREY, "symbolStrokeWidth": 0, "tickCount": 3},
                    },
                    "color": {
                        "field": "kind",
                        "type": "nominal",
                        "legend": None,
                        "scale": {"domain": ["正", "负"], "range": [BLUE, OCHRE]},
                    },
                },
            },
            *_names([row for row in shown if row["label"]], x, y, {"dy": -11}),
        ],
    }


def density(
    rows: Sequence[Mapping[str, Any]],
    *,
    x_title: str,
    y_title: str,
    classes: Mapping[str, str],
    slopes: Sequence[tuple[float, str]],
    width: int,
    height: int,
) -> dict[str, Any]:
    """Cases counted in cells of a log–log plane (`x`, `y`, `count`, `kind`), with named lines y = slope · x."""
    low = min(float(row["x"]) for row in rows) / 1.12
    high = max(float(row["x"]) for row in rows)
    bottom = min(float(row["y"]) for row in rows) / 1.12
    top = max(float(row["y"]) for row in rows) * 1.12
    lines: list[dict[str, Any]] = []
    for slope, label in slopes:
        start, end = max(low, bottom / slope), min(high, top / slope)
        lines += [{"x": start, "y": start * slope, "label": ""}, {"x": end, "y": end * slope, "label": label}]
        lines[-2]["line"] = lines[-1]["line"] = label
    ticks = [value for power in range(2, 8) for value in (10**power, 3 * 10**power)]
    axis = {"values": ticks, "labelExpr": "datum.value >= 10000 ? datum.value/10000 + '万' : format(datum.value, ',')"}
    x = {"field": "x", "type": "quantitative", "title": x_title, "scale": {"type": "log", "domain": [low, high * 1.6]}}
    y = {"field": "y", "type": "quantitative", "title": y_title, "scale": {"type": "log", "domain": [bottom, top]}}
    x["axis"] = y["axis"] = axis
    return {
        "width": width,
        "height": height,
        "layer": [
            {
                "data": {"values": list(rows)},
                "mark": {"type": "circle", "opacity": 0.7},
                "encoding": {
                    "x": x,
                    "y": y,
                    "size": {
                        "field": "count",
                        "type": "quantitative",
                        "scale": {"type": "sqrt", "range": [3, 130]},
                        "legend": None,
                    },
                    "color": {
                        "field": "kind",
                        "type": "nominal",
                        "title": None,
                        "scale": {"domain": list(classes), "range": list(classes.values())},
                        "legend": {"orient": "top", "symbolSize": 60, "symbolType": "circle"},
                    },
                },
            },
            {
                "data": {"values": lines},
                "mark": {"type": "line", "color": "#55606E", "strokeWidth": 1, "strokeDash": [5, 3]},
                "encoding": {"x": x, "y": y, "detail": {"field": "line"}},
            },
            {
                "data": {"values": [line for line in lines if line["label"]]},
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11, "color": INK},
                "encoding": {"x": x, "y": y, "text": {"field": "label"}},
            },
        ],
    }


def funnel(
    rows: Sequence[Mapping[str, Any]],
    *,
    x_title: str,
    y_title: str,
    limits: Mapping[str, float],
    width: int,
    height: int,
) -> dict[str, Any]:
    """Ratios of counts to expected counts (`ratio`, `expected`) within Poisson limits 1 ± z/√expected (name → z)."""
    most = max(row["expected"] for row in rows)
    least = min(row["expected"] for row in rows)
    middle = math.sqrt(most * least)
    above = [row for row in rows if row["label"] and row["ratio"] >= 1]
    steps = [least * (most * 1.08 / least) ** (number / 60) for number in range(61)]
    curves = [
        {"expected": expected, "ratio": ratio, "curve": f"{name}{side}", "name": name}
        for name, z in limits.items()
        for side in (-1, 1)
        for expected in steps
        if (ratio := 1 + side * z / math.sqrt(expected)) >= 0
    ]
    x = {
        "field": "expected",
        "type": "quantitative",
        "title": x_title,
        "scale": {"type": "log", "nice": False, "padding": 12},
        "axis": {"grid": False, "values": [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], "format": ","},
    }
    y = {"field": "ratio", "type": "quantitative", "title": y_title, "axis": {"format": ".1f"}}
    y["scale"] = {"domainMin": 0, "nice": True}
    return {
        "width": width,
        "height": height,
        "layer": [
            {
                "data": {"values": curves},
                "mark": {"type": "line", "strokeWidth": 1.1, "color": "#7B8794", "clip": True},
                "encoding": {
                    "x": x,
                    "y": y,
                    "detail": {"field": "curve"},
                    "strokeDash": {
                        "field": "name",
                        "type": "nominal",
                        "title": None,
                        "scale": {"domain": list(limits), "range": [[4, 3], [1, 0]]},
                        "legend": {"orient": "top", "symbolType": "stroke", "symbolSize": 300},
                    },
                },
            },
            _line(1, axis="y"),
            {
                "data": {"values": list(rows)},
                "mark": {"type": "circle", "size": 44, "color": BLUE, "opacity": 0.75},
                "encoding": {"x": x, "y": y},
            },
            *_names([row for row in above if row["expected"] <= middle], x, y, {"align": "left", "dx": 7}),
            *_names([row for row in above if row["expected"] > middle], x, y, {"align": "right", "dx": -7}),
            *_names([row for row in rows if row["label"] and row not in above], x, y, {"dy": 14}),
        ],
    }


def flow(
    stages: Sequence[str],
    nodes: Sequence[Mapping[str, Any]],
    links: Sequence[Mapping[str, Any]],
    *,
    width: int,
    height: int,
) -> dict[str, Any]:
    """Stages from left to right, each a column of nodes that sum to the same, with bands between them (Sankey).

    `nodes`: `stage` (its place), `key`, `value`, `colour`, `lines` (the label, line by line), top first; `links`:
    `stage`, `source`, `target` (keys in this stage and the next), `value`, `colour`.
    """
    whole = max(sum(node["value"] for node in nodes if node["stage"] == place) for place in range(len(stages))) or 1
    most = max(sum(node["stage"] == place for node in nodes) for place in range(len(stages)))
    gap = whole * _FLOW_GAP
    tops: dict[tuple[int, str], float] = {}
    boxes = []
    for place in range(len(stages)):
        top = 0.0
        for node in (one for one in nodes if one["stage"] == place):
            tops[place, node["key"]] = top
            box = {"x": place, "x2": place + _FLOW_BOX, "y": top, "y2": top + node["value"], "colour": node["colour"]}
            boxes.append(box | {"lines": list(node["lines"]), "middle": top + node["value"] / 2})
            top += node["value"] + gap
    bottom = whole + gap * (most - 1)
    x = {"field": "x", "type": "quantitative", "axis": None, "scale": {"domain": [0, len(stages) - 1 + _FLOW_ROOM]}}
    y = {"field": "y", "type": "quantitative", "axis": None, "scale": {"domain": [0, bottom], "reverse": True}}
    colour = {"field": "colour", "type": "nominal", "scale": None, "legend": None}
    at = {"x": {**x, "field": "at"}, "y": {**y, "field": "middle"}, "text": {"field": "lines"}}
    text = {"type": "text", "align": "left", "baseline": "middle", "fontSize": 11.5, "lineHeight": 15, "color": INK}
    halo = text | {"stroke": "white", "strokeWidth": 4, "strokeOpacity": 0.85, "strokeJoin": "round"}
    labels = [box | {"at": box["x2"] + 0.02} for box in boxes if box["lines"]]
    heads = [{"x": place, "y": 0, "label": label} for place, label in enumerate(stages)]
    return {
        "width": width,
        "height": height,
        "padding": {"top": 26, "left": 4, "right": 4, "bottom": 6},
        "layer": [
            {
                "data": {"values": _bands(links, tops)},
                "mark": {"type": "area", "opacity": 0.32},
                "encoding": {"x": x, "y": y, "y2": {"field": "y2"}, "color": colour, "detail": {"field": "band"}},
            },
            {
                "data": {"values": boxes},
                "mark": {"type": "rect"},
                "encoding": {"x": x, "x2": {"field": "x2"}, "y": y, "y2": {"field": "y2"}, "color": colour},
            },
            *[{"data": {"values": labels}, "mark": mark, "encoding": at} for mark in (halo, text)],
            {
                "data": {"values": heads},
                "mark": {"type": "text", "align": "left", "dy": -14, "fontSize": 13, "fontWeight": 600, "color": INK},
                "encoding": {"x": x, "y": y, "text": {"field": "label"}},
            },
        ],
    }


_FLOW_GAP, _FLOW_BOX, _FLOW_ROOM, _FLOW_STEPS = 0.05, 0.05, 0.62, 24
"""Of a flow: space between nodes (of the whole), width of a node and room for the last labels (of a stage), points."""


def _bands(links: Sequence[Mapping[str, Any]], tops: Mapping[tuple[int, str], float]) -> list[dict[str, Any]]:
    """The bands as points from the right edge of a node to the left edge of the next, eased at both ends."""
    used: dict[tuple[int, str, str], float] = {}
    points = []
    for number, link in enumerate(links):
        place, value = link["stage"], link["value"]
        ends = []
        for side, stage, key in (("out", place, link["source"]), ("in", place + 1, link["target"])):
            start = used.get((stage, key, side), tops[stage, key])
            used[stage, key, side] = start + value
            ends.append(start)
        for step in range(_FLOW_STEPS + 1):
            share = step / _FLOW_STEPS
            eased = share * share * (3 - 2 * share)
            low = ends[0] + (ends[1] - ends[0]) * eased
            along = place + _FLOW_BOX + share * (1 - _FLOW_BOX)
            points.append({"x": along, "y": low, "y2": low + value, "band": number, "colour": link["colour"]})
    return points


def _names(
    rows: Sequence[Mapping[str, Any]], x: dict[str, Any], y: dict[str, Any], place: dict[str, Any]
) -> list[dict[str, Any]]:
    """The labels of points, each on a light halo so that it reads above other marks."""
    text = {"type": "text", "fontSize": 10, "color": INK, **place}
    halo = text | {"stroke": "white", "strokeWidth": 3, "strokeOpacity": 0.8, "strokeJoin": "round"}
    encoding = {"x": x, "y": y, "text": {"field": "label"}}
    return [{"data": {"values": list(rows)}, "mark": mark, "encoding": encoding} for mark in (halo, text)]


def _line(at: float, *, axis: str, dashed: bool = False) -> dict[str, Any]:
    mark: dict[str, Any] = {"type": "rule", "color": "#8592A0", "strokeWidth": 1}
    if dashed:
        mark |= {"strokeDash": [3, 3], "color": "#B8C2CE"}
    return {"data": {"values": [{"at": at}]}, "mark": mark, "encoding": {axis: {"field": "at", "type": "quantitative"}}}
