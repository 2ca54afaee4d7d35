"""Charts of the pack 图: a group over time against its peers, and the hospitals of the level with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tongpin.report.charts import BLUE, GREY, OCHRE
from tongpin.twin.negotiation.evidence import LEAST_SHOWN

if TYPE_CHECKING:
    from tongpin.twin.negotiation.evidence import GroupEvidence

_YUAN = 100
_UPRIGHT = 8
"""So many names fit upright under an axis."""
OWN, PEERS, STANDARD = "本院次均费用", "同级次均费用", "本院次均标准"


def by_period(group: GroupEvidence) -> dict[str, Any]:
    """Mean fee of the hospital and of its peers and the mean standard, by month or quarter with enough cases."""
    rows = [
        {"period": one.period, "kind": kind, "yuan": value / _YUAN}
        for one in group.periods
        for kind, money, value in (
            (OWN, one.own, one.own.mean_fee_fen),
            (PEERS, one.peers, one.peers.mean_fee_fen),
            (STANDARD, one.own, one.own.mean_standard_fen),
        )
        if value is not None and money.cases >= LEAST_SHOWN
    ]
    turned = len(group.periods) > _UPRIGHT
    x = {"field": "period", "type": "ordinal", "title": None, "axis": {"labelAngle": -45 if turned else 0}}
    y = {
        "field": "yuan",
        "type": "quantitative",
        "title": "元",
        "axis": {"format": ",.0f"},
        "scale": {"zero": False, "padding": 12},
    }
    colour = {
        "field": "kind",
        "type": "nominal",
        "title": None,
        "legend": {"orient": "top"},
        "scale": {"domain": [OWN, PEERS, STANDARD], "range": [BLUE, GREY, OCHRE]},
    }
    return {
        "width": 520,
        "height": 170,
        "data": {"values": rows},
        "mark": {"type": "line", "point": True},
        "encoding": {"x": x, "y": y, "color": colour},
    }


def hospitals(group: GroupEvidence) -> dict[str, Any]:
    """The mean fee of each hospital of the level with its interval; the own one in colour, the standard a line."""
    rows = [
        {
            "name": peer.name,
            "yuan": peer.money.mean_fee_fen / _YUAN,
            "low": (peer.money.low_fen or peer.money.mean_fee_fen) / _YUAN,
            "high": (peer.money.high_fen or peer.money.mean_fee_fen) / _YUAN,
            "kind": "本院" if peer.is_own else "同级",
        }
        for peer in group.hospitals
        if peer.money.mean_fee_fen is not None
    ]
    y = {"field": "name", "type": "nominal", "sort": None, "title": None}
    scale = {"zero": False, "padding": 10}
    colour = {
        "field": "kind",
        "type": "nominal",
        "legend": None,
        "scale": {"domain": ["本院", "同级"], "range": [BLUE, GREY]},
    }
    standard = (group.own.mean_standard_fen or 0) / _YUAN
    title = "次均费用与 95% 区间（元）；虚线为本院次均标准"
    x = {"field": "low", "type": "quantitative", "title": title, "scale": scale}
    return {
        "width": 460,
        "height": {"step": 18},
        "layer": [
            {
                "data": {"values": rows},
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"y": y, "x": x, "x2": {"field": "high"}, "color": colour},
            },
            {
                "data": {"values": rows},
                "mark": {"type": "circle", "size": 60, "opacity": 1},
                "encoding": {"y": y, "x": {"field": "yuan", "type": "quantitative", "scale": scale}, "color": colour},
            },
            {
                "data": {"values": [{"at": standard}]},
                "mark": {"type": "rule", "color": OCHRE, "strokeDash": [4, 3]},
                "encoding": {"x": {"field": "at", "type": "quantitative", "scale": scale}},
            },
        ],
    }
