"""The plan 安排: the frontier of a hospital with its proposals, and the point that costs nothing in standing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tongpin.base.errors import TongpinError
from tongpin.measures.guokao.score import METHODS
from tongpin.twin.advice import Checked, Suggestion, checked
from tongpin.twin.portfolio.catalogue import load_portfolio
from tongpin.twin.portfolio.effect import what_if
from tongpin.twin.portfolio.frontier import RESULT, Problem, frontier, score_frontier
from tongpin.twin.portfolio.proposals import proposals_of
from tongpin.twin.portfolio.stays import CASE_COUNT, LIST_COUNT, PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tongpin.base.findings import Finding
    from tongpin.twin.portfolio.assessed import Assessed
    from tongpin.twin.portfolio.effect import Change, Figure, WhatIf
    from tongpin.twin.portfolio.frontier import Point
    from tongpin.twin.portfolio.proposals import Proposed
    from tongpin.twin.portfolio.run import HospitalPeriod

_ON_PAPER = (RESULT, "cmi", PAGE + "stay_days", "bed_use")


@dataclass(frozen=True)
class Plan:
    """A frontier and what stands on its paper.

    `today`: CMI, surplus (fen) and simulated score as they are; `points` from most surplus to highest CMI, then (from
    `by_score` on) to the highest score; `proposed` their moves; `chosen` the place of the point told in full; `figures`
    before and after it.
    """

    hospital: HospitalPeriod
    today: Point
    points: tuple[Point, ...]
    by_score: int
    proposed: tuple[Proposed, ...]
    chosen: int
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]

    @property
    def told(self) -> tuple[Figure, ...]:
        """The figures that a page has room for: surplus, CMI, bed days and their use, the indicators of the manual."""
        return tuple(one for one in self.figures if one.id in _ON_PAPER or one.id.startswith("guokao."))

    @property
    def refused(self) -> tuple[Finding, ...]:
        """What the filter of advice did not let through."""
        return tuple(dict.fromkeys(one for part in self.proposed for one in part.refused))


def tried(hospital: HospitalPeriod, changes: Sequence[Change]) -> WhatIf:
    """The figures of a hospital before and after some changes."""
    return what_if(
        hospital.stays,
        changes,
        days=hospital.period.days,
        beds=hospital.means.beds,
        assessed=hospital.assessed,
    )


def plan_of(hospital: HospitalPeriod, point: int | None = None) -> Plan:
    """The frontiers of a hospital; `point` (from 1) chooses one, else the richest that lowers neither CMI nor score.

    Errors: `portfolio.point` when there is no such point.
    """
    problem = Problem(hospital.stays, hospital.capacities, hospital.assessed)
    by_cmi = frontier(problem)
    today = problem.point(np.zeros(len(problem.choices), dtype=np.int64), 0.0)
    points = (*by_cmi, *(one for one in score_frontier(problem, by_cmi[0]) if not _is_told(one, by_cmi)))
    if point is not None and not 1 <= point <= len(points):
        raise TongpinError("portfolio.point", f"前沿有 {len(points)} 个点，没有第 {point} 点", where="--point")
    chosen = point - 1 if point is not None else _keeps_standing(points, today)
    taken = [one.change() for one in points[chosen].taken]
    notes = [
        f"每个点是 CMI（或国考模拟得分）不低于该点时结余最多的安排，从 {len(problem.choices)} 种安排中选（整数规划）",
        *_score_notes(hospital.assessed, today),
        *(["结余最多的一点就是现状；要提高 CMI 须让出结余，各点的安排见 xlsx"] * (not taken)),
        *(
            [f"{hospital.stays.unpaired_lists} 份清单找不到同一次住院的首页，钱不随病例动"]
            * bool(hospital.stays.unpaired_lists)
        ),
    ]
    return Plan(
        hospital=hospital,
        today=today,
        points=points,
        by_score=len(by_cmi),
        proposed=tuple(proposals_of(problem, one, hospital.period.group_labels) for one in points),
        chosen=chosen,
        figures=tried(hospital, taken).figures,
        notes=tuple(notes),
    )


def _is_told(one: Point, points: Sequence[Point]) -> bool:
    """Whether a point is one of others already."""
    return any(one.taken == other.taken for other in points)


def _keeps_standing(points: Sequence[Point], today: Point) -> int:
    """The richest point that lowers neither CMI nor the score; without one the richest that does not lower CMI."""
    richest = sorted(range(len(points)), key=lambda place: (-points[place].result_fen, place))
    keeping = [place for place in richest if points[place].cmi >= today.cmi]
    both = [place for place in keeping if _points_of(points[place]) >= _points_of(today)]
    return (both or keeping or [len(points) - 1])[0]


def _points_of(point: Point) -> float:
    return 0.0 if point.score is None else point.score.points


def _score_notes(assessed: Assessed, today: Point) -> list[str]:
    """What the score rests on, or why there is none."""
    if not assessed.set_name:
        return ["国考：本院的手册没有指标集，不列指标，不评分"]
    subs = [part.sub for _, part in assessed.moved_parts]
    unknown = [sub for sub in subs if today.figures.get(sub) is None]
    told = [f"国考指标中随病例变的 {len(subs)} 项：{'、'.join(subs)}"]
    if unknown:
        told[0] += f"；其中 {'、'.join(unknown)} 缺数（首页缺列、没有上年同期首页，或没有逐月填报的数）"
    if today.score is None:
        return [*told, "没有装载同级数据（peer），只列指标值，不评分"]
    return [
        *told,
        (
            f"模拟：国考得分用{METHODS[assessed.method]}，对照 {assessed.peers_year} 年同级，"
            f"可评 {today.score.scorable:,.2f} 分；其余指标按 {assessed.year} 年现值，不随病例变"
        ),
    ]


def placed(hospital: HospitalPeriod, stops: Mapping[str, int | None]) -> tuple[list[str], Checked]:
    """Where the cases of a trial could go: a line a group, and what the filter of advice says of it.

    A trial that takes more cases of a group than have somewhere to go is refused as advice; its figures stand.
    """
    rules = load_portfolio()
    lines: list[str] = []
    suggestions: list[Suggestion] = []
    for drg, wanted in stops.items():
        group = hospital.stays.group(drg)
        whole = group[CASE_COUNT] or group[LIST_COUNT]
        count = whole if wanted is None else wanted
        cells = [row for row in hospital.stays.cells.to_pylist() if row["drg"] == drg]
        takes = hospital.stays.receivers.get(drg, 0)
        ways = {one.id: sum(row[CASE_COUNT] for row in cells if row[one.id]) for one in rules.moves}
        ways |= {one.id: min(ways[one.id], takes) for one in rules.moves if one.receiver}
        elsewhere = [row for row in cells if not any(row[one.id] for one in rules.moves if not one.receiver)]
        at_home = sum(row[CASE_COUNT] for row in cells) - sum(row[CASE_COUNT] for row in elsewhere)
        together = at_home + min(takes, sum(row[CASE_COUNT] for row in elsewhere))
        held = hospital.stays.protected.get(drg, {})
        untouched = "、".join(f"{one.label} {held[one.id]} 例" for one in rules.limits if one.id in held)
        able = "、".join(f"{one.label}至多 {ways[one.id]} 例" for one in rules.moves if ways[one.id]) or "没有"
        name = f"{drg} {hospital.period.group_labels.get(drg, '')}".strip()
        lines.append(f"{name}：有去处的 {together} 例（{able}）；不得触碰：{untouched or '无'}")
        text = f"{name}：减少 {count} 例，其中有去处的 {min(count, together)} 例"
        move = next((one.id for one in rules.moves if ways[one.id]), "")
        suggestions.append(
            Suggestion(text, kind="move", subject=drg, move=move, unplaced_count=max(count - together, 0))
        )
    return lines, checked(suggestions)
