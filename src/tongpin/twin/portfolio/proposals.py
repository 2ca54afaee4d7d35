"""Proposals 建议: the moves of a point of the frontier told one by one, and why each stops where it stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.base.money import round_half_up
from tongpin.report.words import count_text, yuan_text
from tongpin.twin.advice import Suggestion, checked
from tongpin.twin.portfolio.catalogue import load_portfolio
from tongpin.twin.portfolio.frontier import GROW, RESULT
from tongpin.twin.portfolio.stays import LIST, PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tongpin.base.findings import Finding
    from tongpin.twin.portfolio.frontier import Point, Problem


class Proposal(NamedTuple):
    """A move of a group: `moved_count` cases of the `able_count` that may go so, of `case_count`; what it does in sums.

    `stops` says which limit keeps it from more, `protected` the cases that are not touched.
    """

    drg: str
    label: str
    move: str
    move_label: str
    destination: str
    moved_count: int
    able_count: int
    case_count: int
    result_fen: int
    weight_e4: int
    stay_days: int
    stops: str
    protected: str

    @property
    def text(self) -> str:
        """The proposal as a sentence."""
        name = f"{self.drg} {self.label}".strip()
        if self.move == GROW:
            return f"{name}：在能力之内多收 {self.moved_count} 例（本期 {self.case_count} 例）"
        return f"{name}：{self.moved_count} 例{self.move_label}（{self.destination}；本期 {self.case_count} 例）"


class Proposed(NamedTuple):
    """The proposals that may be made, largest first, and the findings of those that may not."""

    proposals: tuple[Proposal, ...]
    refused: tuple[Finding, ...]


def proposals_of(problem: Problem, point: Point, labels: Mapping[str, str]) -> Proposed:
    """The moves of a point by group and way, each through the filter of advice. Source: S000-16, S920-01."""
    counts = np.zeros(len(problem.choices), dtype=np.int64)
    places = {id(choice): place for place, choice in enumerate(problem.choices)}
    for one in point.taken:
        counts[places[id(one.choice)]] = one.cases
    told: list[tuple[Proposal, Suggestion]] = []
    for key in dict.fromkeys((one.choice.drg, one.choice.move) for one in point.taken):
        proposal = _proposal(problem, point, counts, key, labels)
        told.append((proposal, _suggestion(problem, counts, proposal)))
    result = checked(suggestion for _, suggestion in told)
    allowed = {id(one) for one in result.allowed}
    kept = [proposal for proposal, suggestion in told if id(suggestion) in allowed]
    kept.sort(key=lambda one: (-one.moved_count, one.drg, one.move))
    return Proposed(tuple(kept), result.refused)


def _proposal(
    problem: Problem, point: Point, counts: NDArray[np.int64], key: tuple[str, str], labels: Mapping[str, str]
) -> Proposal:
    drg, move = key
    deltas = [one.change().delta() for one in point.taken if (one.choice.drg, one.choice.move) == key]
    result, weight, days = (
        sum(delta.get(name, 0) for delta in deltas) for name in (RESULT, LIST + "weight_e4", PAGE + "stay_days")
    )
    mine = [place for place, one in enumerate(problem.choices) if (one.drg, one.move) == key]
    able = sum(problem.choices[place].whole if move != GROW else problem.choices[place].most for place in mine)
    words = next((one for one in load_portfolio().moves if one.id == move), None)
    return Proposal(
        drg=drg,
        label=labels.get(drg, ""),
        move=move,
        move_label=words.label if words else load_portfolio().growth.label,
        destination=words.destination if words else "本院",
        moved_count=int(counts[mine].sum()),
        able_count=able,
        case_count=problem.sizes[drg],
        result_fen=result,
        weight_e4=weight,
        stay_days=days,
        stops=_stops(problem, point, counts, mine),
        protected=_protected(problem, drg),
    )


def _suggestion(problem: Problem, counts: NDArray[np.int64], proposal: Proposal) -> Suggestion:
    """The proposal as the filter sees it: cases beyond those that no limit protects would touch a protected one."""
    if proposal.move == GROW:
        return Suggestion(proposal.text, kind="growth", subject=proposal.drg, amount_fen=proposal.result_fen)
    protected = problem.stays.protected.get(proposal.drg, {})
    moved = sum(
        int(counts[place]) for place, one in enumerate(problem.choices) if one.drg == proposal.drg and one.move != GROW
    )
    beyond = moved - (proposal.case_count - sum(protected.values()))
    touched = {next(iter(protected)): beyond} if beyond > 0 and protected else {}
    return Suggestion(
        proposal.text,
        kind="move",
        subject=proposal.drg,
        move=proposal.move,
        unplaced_count=max(proposal.moved_count - proposal.able_count, 0),
        protected=touched,
        amount_fen=proposal.result_fen,
    )


def _protected(problem: Problem, drg: str) -> str:
    held = problem.stays.protected.get(drg, {})
    words = [f"{one.label} {held[one.id]} 例" for one in load_portfolio().limits if one.id in held]
    return "、".join(words)


def _stops(problem: Problem, point: Point, counts: NDArray[np.int64], mine: list[int]) -> str:
    """The limit that stops one case more, the first that holds: cases, receivers, demand, capacity, CMI, money."""
    drg, move = problem.choices[mine[0]].drg, problem.choices[mine[0]].move
    if move == GROW:
        if counts[mine[0]] >= problem.choices[mine[0]].most:
            share = load_portfolio().setting("growth_share_e4") / 100
            return f"需求上限：非急诊的 {share:g}%"
        room = mine
    else:
        room = [place for place in mine if _left(problem, counts, place) > 0]
        if not room:
            return "符合条件的已全部安排"
        receiver = next(one.receiver for one in load_portfolio().moves if one.id == move)
        received = sum(
            int(counts[place]) for place, one in enumerate(problem.choices) if (one.drg, one.move) == (drg, move)
        )
        if receiver and received >= problem.stays.receivers[drg]:
            return f"接收机构至多再收 {problem.stays.receivers[drg]} 例"
    return _not_one_more(problem, point, counts, room)


def _left(problem: Problem, counts: NDArray[np.int64], place: int) -> int:
    """How many cases of the cell of a choice are still there."""
    one = problem.choices[place]
    used = sum(int(counts[other]) for other, two in enumerate(problem.choices) if two.cell == one.cell)
    return one.whole - used


def _not_one_more(problem: Problem, point: Point, counts: NDArray[np.int64], room: list[int]) -> str:
    money = problem.deltas[RESULT]
    best = max(room, key=lambda place: money[place])
    for capacity in problem.capacities:
        use = problem.deltas[capacity.fact]
        if use[best] > 0 and capacity.used + float(use @ counts) + use[best] > capacity.amount:
            return f"{capacity.label}已满（{count_text(capacity.amount)}）"
    if point.least_cmi:
        row, least = problem.reaches(point.least_cmi)
        if float(row @ counts) + row[best] < least:
            return f"再多一例，CMI 低于 {point.least_cmi:.4f}"
    if point.least_score is not None and _scores_less(problem, point, counts, best):
        return "再多一例，国考模拟得分低于该点"
    change = round_half_up(int(money[best]), 1)
    if change < load_portfolio().setting("least_gain_fen"):
        return f"再多一例结余 {yuan_text(change)} 元"
    return "与别的安排合在一起已是最多"


def _scores_less(problem: Problem, point: Point, counts: NDArray[np.int64], place: int) -> bool:
    """Whether one case more of a choice takes the score below that of the point."""
    more = counts.copy()
    more[place] += 1
    found = problem.point(more, 0.0).score
    return found is not None and point.score is not None and found.points < point.score.points
