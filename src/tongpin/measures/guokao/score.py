"""Scores 评分模拟: a hospital's figures against imported peers; every figure simulated, none without peers.

The national weights and curves are not published: weights are an editable table, methods are chosen, and a comparison
indicator 监测比较 has no better side, so that it is scored only where a target interval was given.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.measures.guokao.catalogue import BETTER_HIGH, BETTER_LOW, COMPARED, FILED_PREFIX, setting
from tongpin.records.intake.load import read_loaded
from tongpin.records.layouts.catalogue import layouts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.measures.guokao.tables import ScoreTables, Target
    from tongpin.store.home import Home

PERCENTILE, EFFICACY, INTERVAL = "percentile", "efficacy", "interval"
METHODS: dict[str, str] = {PERCENTILE: "同级百分位", EFFICACY: "功效系数", INTERVAL: "目标区间"}
SIMULATED = "模拟"
FULL = 100.0

PEER_SCHEMA = pa.schema([("peer_code", pa.string()), ("sub", pa.string()), ("value", pa.float64())])
"""Figures of peers: one row per hospital and figure."""
SCORE_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("no", "sub", "name", "direction")),
        *((name, pa.float64()) for name in ("value", "weight", "score", "points", "low", "median", "high")),
        ("peers", pa.int64()),
        ("method", pa.string()),
        ("reason", pa.string()),
        ("label", pa.string()),
    ]
)
"""One row per weighted figure: `weight` in points of 1000 (parts of an indicator share it), `score` 0–100 or null with
`reason`, `points` = weight x score / 100, the peers' lowest, median and highest figure; `label` is always 模拟."""


class Standing(NamedTuple):
    """Points of the weights that could be scored, the place among peers, and a grade where peers suffice; all 模拟."""

    points: float
    scorable: float
    total: float
    place: int | None
    among: int
    grade: str
    notes: tuple[str, ...]


def peer_values(home: Home, year: int, manual: str) -> pa.Table:
    """Figures of peers under the same manual for a year (`PEER_SCHEMA`), loaded as layout `peer`.

    Item codes are those of filed values, `guokao.4`; rows of months and groups do not count, nor a peer whose manual is
    not written: it may be another.
    """
    rows = read_loaded(home, layouts()["peer"].table)
    mask = pc.and_(pc.equal(rows["year"], year), pc.equal(rows["manual"], manual))
    mask = pc.and_(mask, pc.and_(pc.is_null(rows["month"]), pc.is_null(rows["group_code"])))
    kept = rows.filter(pc.and_(pc.fill_null(mask, False), pc.starts_with(rows["item_code"], FILED_PREFIX)))
    subs = pc.replace_substring_regex(kept["item_code"], pattern=f"^{FILED_PREFIX.replace('.', '[.]')}", replacement="")
    columns = [kept["peer_code"], subs, kept["value"].cast(pa.float64())]
    return pa.table(columns, schema=PEER_SCHEMA)


def score(values: pa.Table, peers: pa.Table, tables: ScoreTables, method: str = PERCENTILE) -> pa.Table:
    """The scores of a hospital's figures (`VALUE_SCHEMA`) against peers (`PEER_SCHEMA`): `SCORE_SCHEMA`; pure.

    `percentile`: share of peers that are worse, ties half; `efficacy`: 60 + 40 x (x - min) / (max - min), mirrored
    where lower is better, clipped to 0–100; `interval`: only figures with a target. A compared figure is scored by its
    target or not at all, whatever the method. The order of peers does not matter. Source: S000-42, TV-F3; 模拟.
    """
    if method not in METHODS:
        raise TongpinError("guokao.method", f"没有评分办法 {method}", hint=f"可用：{'、'.join(METHODS)}")
    pools = _pools(peers)
    rows, parts = _weighted(values, tables)
    scored = [_scored(row, pools.get(row["sub"], ()), tables, parts[row["no"]], method) for row in rows]
    return pa.Table.from_pylist(scored, schema=SCORE_SCHEMA)


def _pools(peers: pa.Table) -> dict[str, list[float]]:
    """The peers' figures by part, sorted."""
    found: dict[str, list[float]] = defaultdict(list)
    for row in peers.to_pylist():
        if row["value"] is not None:
            found[row["sub"]].append(row["value"])
    return {sub: sorted(figures) for sub, figures in found.items()}


def _weighted(values: pa.Table, tables: ScoreTables) -> tuple[list[dict[str, Any]], Counter[str]]:
    """The figures that have a weight, and how many parts each indicator has."""
    rows = [row for row in values.to_pylist() if row["no"] in tables.weights]
    return rows, Counter(row["no"] for row in rows)


def _scored(
    row: Mapping[str, Any], peers: Sequence[float], tables: ScoreTables, parts: int, method: str
) -> dict[str, Any]:
    weight = tables.weights[row["no"]] / parts
    target = tables.targets.get(row["sub"])
    used = INTERVAL if row["direction"] == COMPARED or method == INTERVAL else method
    points, reason = _points(row, peers, target, used)
    return {
        **{name: row[name] for name in ("no", "sub", "name", "direction", "value")},
        "weight": weight,
        "score": points,
        "points": None if points is None else weight * points / FULL,
        "low": peers[0] if peers else None,
        "median": median(peers),
        "high": peers[-1] if peers else None,
        "peers": len(peers),
        "method": METHODS[used],
        "reason": reason or None,
        "label": SIMULATED,
    }


def _points(
    row: Mapping[str, Any], peers: Sequence[float], target: Target | None, method: str
) -> tuple[float | None, str]:
    """The score of a figure, or why there is none."""
    value = row["value"]
    if value is None:
        return None, row["reason"] or "没有本院数"
    if method == INTERVAL:
        if target is None:
            compared = row["direction"] == COMPARED
            return None, "监测比较，没有给目标区间，不评高低" if compared else "没有给目标区间"
        return within(value, target), ""
    if row["direction"] not in {BETTER_HIGH, BETTER_LOW}:
        return None, f"{row['direction']}，不评高低"
    least = int(setting("score.minimum_peers"))
    if len(peers) < least:
        return None, f"同级数据 {len(peers)} 家，不足 {least} 家"
    lower = row["direction"] == BETTER_LOW
    if method == PERCENTILE:
        return percentile(value, peers, lower_is_better=lower), ""
    if peers[0] == peers[-1]:
        return None, "同级数值全都相同"
    return efficacy(value, peers[0], peers[-1], lower_is_better=lower), ""


def efficacy(value: float, low: float, high: float, *, lower_is_better: bool = False) -> float:
    """功效系数: 60 + 40 x (x - min) / (max - min), mirrored where lower is better, clipped to 0–100 (TV-F3)."""
    base, span = float(setting("score.efficacy_base")), float(setting("score.efficacy_span"))
    reach = (high - value) if lower_is_better else (value - low)
    return min(FULL, max(0.0, base + span * reach / (high - low)))


def percentile(value: float, peers: Sequence[float], *, lower_is_better: bool = False) -> float:
    """The share of peers (sorted) that are worse, in percent; an equal one counts half."""
    below, up_to = bisect_left(peers, value), bisect_right(peers, value)
    worse = len(peers) - up_to if lower_is_better else below
    return FULL * (worse + (up_to - below) / 2) / len(peers)


def within(value: float, target: Target) -> float:
    """Full within the interval, falling evenly to zero over the distance `fade` outside it."""
    beyond = max(target.low - value, value - target.high, 0.0)
    return max(0.0, FULL * (1 - beyond / target.fade))


def median(values: Sequence[float]) -> float | None:
    """The middle of sorted numbers; the mean of the two middle ones."""
    if not values:
        return None
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def standing(values: pa.Table, peers: pa.Table, tables: ScoreTables, method: str = PERCENTILE) -> Standing:
    """Points, place among the peers and grade of a hospital; a place only among peers with nearly all figures (模拟).

    Peers are scored by the same method against the same pool, on the indicators that the hospital itself was scored on;
    one that lacks more of their weight than `rank.minimum_share` allows is left out.
    Equal points share a place. Without enough peers or weight scored there is no grade.
    """
    own = score(values, peers, tables, method)
    points, scorable = _total(own.to_pylist())
    total = sum(tables.weights.values())
    notes = [f"可评权重 {scorable:,.2f} 分（满分 {total:,.0f}），其余缺数、缺同级或属监测比较"]
    subs = [row["sub"] for row in own.to_pylist() if row["score"] is not None]
    rates = _peer_rates(values, peers, tables, method, subs) if subs else []
    if not rates:
        notes.append("没有可比的同级医院，不排位次，不折等级")
        return Standing(points, scorable, total, None, 0, "", tuple(notes))
    rate = points / scorable
    place = 1 + sum(1 for one in rates if one > rate)
    among = len(rates) + 1
    enough = float(setting("grade.minimum_scorable"))
    if scorable < total * enough / FULL:
        notes.append(f"位次只及可评部分；可评权重不足 {enough:g}%，不折等级")
        return Standing(points, scorable, total, place, among, "", tuple(notes))
    least = int(setting("grade.minimum_peers"))
    if len(rates) < least:
        notes.append(f"可比的同级 {len(rates)} 家，不足 {least} 家，不折等级")
        return Standing(points, scorable, total, place, among, "", tuple(notes))
    top = place / among * FULL
    grade = next(name for name, bound in tables.grades if top <= bound)
    return Standing(points, scorable, total, place, among, grade, tuple(notes))


def _total(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    scored = [row for row in rows if row["score"] is not None]
    return sum(row["points"] for row in scored), sum(row["weight"] for row in scored)


def _peer_rates(
    values: pa.Table, peers: pa.Table, tables: ScoreTables, method: str, subs: Sequence[str]
) -> list[float]:
    """The share of points that every comparable peer reaches on the figures `subs`."""
    by_peer: dict[str, dict[str, float]] = defaultdict(dict)
    for row in peers.to_pylist():
        if row["value"] is not None:
            by_peer[row["peer_code"]][row["sub"]] = row["value"]
    pools = _pools(peers)
    rows, parts = _weighted(values, tables)
    kept = [row for row in rows if row["sub"] in subs]
    rates = []
    for figures in by_peer.values():
        made = ({**row, "value": figures.get(row["sub"]), "reason": None} for row in kept)
        theirs = [_scored(row, pools.get(row["sub"], ()), tables, parts[row["no"]], method) for row in made]
        points, had = _total(theirs)
        due = sum(row["weight"] for row in theirs)
        if had and had >= due * float(setting("rank.minimum_share")) / FULL:
            rates.append(points / had)
    return rates
