"""The frontier 前沿: moves of cases that bring most money at each standing, found as integer programmes (HiGHS).

A move takes whole cases of a cell: cases of one group that may go the same ways. Protected cases are in no cell, so no
solution can touch them; capacities, receivers and demand are constraints. Standing is CMI, and the 国考 score (模拟):
each point of a frontier is the most surplus at a CMI, or a score, of at least so much (epsilon constraint).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import optimize, sparse

from tongpin.base.errors import TongpinError
from tongpin.base.money import FEN_PER_YUAN, SCALE
from tongpin.twin.portfolio.assessed import Amounts, Assessed, Simulated, moved_values, simulated
from tongpin.twin.portfolio.catalogue import load_portfolio
from tongpin.twin.portfolio.effect import Change
from tongpin.twin.portfolio.ladder import Ladder, ladder
from tongpin.twin.portfolio.stays import CASE_COUNT, FACTS, LIST, PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from tongpin.twin.portfolio.capacity import Capacity
    from tongpin.twin.portfolio.stays import Stays

GROW = "grow"
RESULT, WEIGHT, WEIGHTED = LIST + "result_fen", PAGE + "weight_e4", PAGE + "weighted_count"
_GAP, _SCORE_GAP = 1e-6, 1e-4
_ROUNDS = 30
_EPSILON = 1e-9


class Choice(NamedTuple):
    """Something of which so many cases may be done: a move of a cell, or the growth of a group (`cell` −1)."""

    drg: str
    move: str
    cell: int
    sums: Mapping[str, int]
    whole: int
    most: int


class Taken(NamedTuple):
    """A choice and of how many cases it is taken."""

    choice: Choice
    cases: int

    def change(self) -> Change:
        """What it does."""
        grows = self.choice.move == GROW
        keeps = not grows and not _moves()[self.choice.move]
        label = f"{self.choice.drg} {self.choice.move} {self.cases}"
        return Change(label, self.choice.sums, self.cases, self.choice.whole, 1 if grows else -1, keeps_case=keeps)


@dataclass(frozen=True)
class Point:
    """A point of a frontier: what is taken, surplus (fen) and CMI after it, exact, and the CMI it had to reach.

    `sums` of the hospital after it; `figures`: the indicators that moves change, by part; `score`: what all indicators
    score then (模拟; None without peers), and the points that the point had to reach where it lies on that frontier.
    """

    taken: tuple[Taken, ...]
    result_fen: int
    cmi: Fraction
    least_cmi: float
    sums: Mapping[str, int] = field(default_factory=dict)
    figures: Mapping[str, Fraction | None] = field(default_factory=dict)
    score: Simulated | None = None
    least_score: float | None = None


def _moves() -> dict[str, bool]:
    """Whether a case of a move leaves the inpatients, by move."""
    return {one.id: one.leaves for one in load_portfolio().moves}


class Problem:
    """The choices of a hospital and period, with their limits, as a matrix."""

    def __init__(self, stays: Stays, capacities: Sequence[Capacity], assessed: Assessed | None = None) -> None:
        self.stays = stays
        self.assessed = assessed or Assessed()
        self.capacities = tuple(capacities)
        self.totals = stays.totals
        self.sizes = {row["drg"]: row[CASE_COUNT] for row in stays.groups.select(["drg", CASE_COUNT]).to_pylist()}
        self.choices = (*self._moves(), *self._growths())
        self.deltas = self._per_case()
        self._upper = np.array([one.most for one in self.choices], dtype=np.float64)
        self._rows, self._limits = self._constraints()

    def _moves(self) -> list[Choice]:
        least = load_portfolio().setting("minimum_cases")
        found: list[Choice] = []
        for place, row in enumerate(self.stays.cells.to_pylist()):
            if self.sizes.get(row["drg"], 0) < least:
                continue
            sums = {name: row[name] for name in FACTS}
            for one in load_portfolio().moves:
                most = row[CASE_COUNT]
                if one.receiver:
                    most = min(most, self.stays.receivers.get(row["drg"], 0))
                if row[one.id] and most:
                    found.append(Choice(row["drg"], one.id, place, sums, row[CASE_COUNT], most))
        return found

    def _growths(self) -> list[Choice]:
        rules = load_portfolio()
        least, share = rules.setting("minimum_cases"), rules.setting("growth_share_e4")
        of_patients = [one.id for one in rules.limits if one.others_below is None]
        found: list[Choice] = []
        for row in self.stays.groups.to_pylist():
            count = row[CASE_COUNT]
            heavy = count > 0 and row[WEIGHT] >= rules.growth.weight_from_e4 * count
            protected = self.stays.protected.get(row["drg"], {})
            most = (count - sum(protected.get(one, 0) for one in of_patients)) * share // SCALE
            if row["drg"] and count >= least and heavy and most:
                found.append(Choice(row["drg"], GROW, -1, {name: row[name] for name in FACTS}, count, most))
        return found

    def _per_case(self) -> dict[str, NDArray[np.float64]]:
        """What one case of each choice does to each fact."""
        leaves = _moves()
        deltas = {name: np.zeros(len(self.choices)) for name in FACTS}
        for place, one in enumerate(self.choices):
            if one.move != GROW and not leaves[one.move]:
                deltas[PAGE + "stay_days"][place] = 1 - one.sums[PAGE + "stay_days"] / one.whole
                continue
            sign = 1 if one.move == GROW else -1
            for name in FACTS:
                deltas[name][place] = sign * one.sums[name] / one.whole
        return deltas

    def _constraints(self) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
        """Cases of a cell go one way each; receivers take so many of a group; capacities hold."""
        rows: list[NDArray[np.float64]] = []
        limits: list[float] = []
        cells = np.array([one.cell for one in self.choices])
        for cell in sorted({one.cell for one in self.choices if one.cell >= 0}):
            rows.append((cells == cell).astype(np.float64))
            limits.append(next(one.whole for one in self.choices if one.cell == cell))
        received = {one.id for one in load_portfolio().moves if one.receiver}
        for drg in sorted({one.drg for one in self.choices if one.move in received}):
            rows.append(np.array([float(one.drg == drg and one.move in received) for one in self.choices]))
            limits.append(self.stays.receivers[drg])
        for capacity in self.capacities:
            rows.append(self.deltas[capacity.fact])
            limits.append(capacity.amount - capacity.used)
        return sparse.csr_matrix(np.array(rows).reshape(len(rows), len(self.choices))), np.array(
            limits, dtype=np.float64
        )

    def solve(
        self, objective: NDArray[np.float64], extra: Sequence[tuple[NDArray[np.float64], float]] = ()
    ) -> NDArray[np.int64]:
        """The whole numbers of cases that make `objective` largest; `extra`: rows that must reach at least a value."""
        if not self.choices:
            return np.zeros(0, dtype=np.int64)
        constraints = [optimize.LinearConstraint(self._rows, ub=self._limits)]
        constraints += [optimize.LinearConstraint(row.reshape(1, -1), lb=least) for row, least in extra]
        found = optimize.milp(
            -objective,
            integrality=np.ones(len(objective)),
            bounds=optimize.Bounds(0, self._upper),
            constraints=constraints,
            options={"mip_rel_gap": _GAP},
        )
        if found.x is None:
            raise TongpinError("portfolio.solver", f"求解没有结果：{found.message}", hint="保留输入并报告此错误")
        counts: NDArray[np.int64] = np.rint(found.x).astype(np.int64)
        return counts

    def relaxed(self, objective: NDArray[np.float64]) -> NDArray[np.float64]:
        """The fractions of cases that make `objective` largest: a bound of what whole cases can do."""
        if not self.choices:
            return np.zeros(0)
        found = optimize.milp(
            -objective,
            bounds=optimize.Bounds(0, self._upper),
            constraints=[optimize.LinearConstraint(self._rows, ub=self._limits)],
        )
        cases: NDArray[np.float64] = found.x
        return cases

    def scoring(
        self, steps: Ladder, objective: NDArray[np.float64], least: float | None
    ) -> tuple[NDArray[np.int64], float]:
        """The whole numbers of cases that make `objective` largest at a score of `least` points, and their points.

        Without `least` the points themselves are made largest. Each step of the ladder is a yes or no.
        """
        size, count = len(self.choices), len(steps.steps)
        gains = np.array([one.gain for one in steps.steps])
        rows, floors = [], []
        for place, one in enumerate(steps.steps):
            lowest = float(np.minimum(one.row, 0) @ self._upper)
            slack = max(one.least - lowest, 0.0)
            row = np.concatenate([one.row, np.zeros(count)])
            row[size + place] = -slack
            rows.append(row)
            floors.append(one.least - slack)
        padded = sparse.hstack([self._rows, sparse.csr_matrix((self._rows.shape[0], count))])
        constraints = [
            optimize.LinearConstraint(padded, ub=self._limits),
            optimize.LinearConstraint(np.array(rows), lb=floors),
        ]
        if least is not None:
            row = np.concatenate([np.zeros(size), gains])
            constraints.append(optimize.LinearConstraint(row.reshape(1, -1), lb=least - steps.base - _EPSILON))
        aim = np.concatenate([objective, np.zeros(count)]) if least is not None else np.append(np.zeros(size), gains)
        found = optimize.milp(
            -aim,
            integrality=np.ones(size + count),
            bounds=optimize.Bounds(0, np.concatenate([self._upper, np.ones(count)])),
            constraints=constraints,
            options={"mip_rel_gap": _SCORE_GAP, "node_limit": load_portfolio().setting("solver_nodes")},
        )
        if found.x is None:
            raise TongpinError("portfolio.solver", f"求解没有结果：{found.message}", hint="保留输入并报告此错误")
        counts: NDArray[np.int64] = np.rint(found.x[:size]).astype(np.int64)
        return counts, steps.base + float(gains @ np.rint(found.x[size:]))

    def point(self, counts: NDArray[np.int64], least_cmi: float, least_score: float | None = None) -> Point:
        """The exact figures of a solution."""
        taken = tuple(
            Taken(choice, int(count)) for choice, count in zip(self.choices, counts.tolist(), strict=True) if count
        )
        deltas = [one.change().delta() for one in taken]
        sums = {name: total + sum(delta.get(name, 0) for delta in deltas) for name, total in self.totals.items()}
        cmi = Fraction(sums[WEIGHT], SCALE * sums[WEIGHTED]) if sums[WEIGHTED] else Fraction(0)
        amounts = Amounts(sums, self.totals, self.assessed.filed, self.stays.unfilled)
        figures = moved_values(self.assessed, amounts)
        score = simulated(self.assessed, figures)
        return Point(taken, sums[RESULT], cmi, least_cmi, sums, figures, score, least_score)

    def reaches(self, least_cmi: float) -> tuple[NDArray[np.float64], float]:
        """The row that keeps CMI at least so much: Σ(weight − CMI × count) ≥ CMI × count₀ − weight₀."""
        row = self.deltas[WEIGHT] / SCALE - least_cmi * self.deltas[WEIGHTED]
        return row, least_cmi * self.totals[WEIGHTED] - self.totals[WEIGHT] / SCALE - _EPSILON * self.totals[WEIGHTED]


def frontier(problem: Problem) -> tuple[Point, ...]:
    """The points from the most surplus to the highest CMI, none of them worse in both than another. Source: S000-16.

    The surplus of a point is the most that moves within the limits bring at its CMI (relative gap 10⁻⁶); between the
    two ends CMI is stepped evenly, and the CMI of today is one of the steps where it lies between them.
    """
    if not problem.totals[WEIGHTED]:
        raise TongpinError(
            "portfolio.pages", "这一期没有有权重的病案首页，没有 CMI 可比", hint="装载该期首页，再运行一次"
        )
    net = _net(problem)
    richest = problem.point(problem.solve(net), 0.0)
    highest = _highest_cmi(problem)
    low, high = float(richest.cmi), highest
    today = problem.totals[WEIGHT] / SCALE / problem.totals[WEIGHTED]
    steps = set(np.linspace(low, high, load_portfolio().setting("frontier_points")).tolist()[1:])
    if low < today < high:
        steps.add(today)
    points = [problem.point(problem.solve(net, [problem.reaches(least)]), least) for least in sorted(steps)]
    return _undominated([richest, *points], lambda one: one.cmi)


def _net(problem: Problem) -> NDArray[np.float64]:
    """What one case of each choice brings, less what a move is not worth being made for; yuan."""
    return (problem.deltas[RESULT] - load_portfolio().setting("least_gain_fen")) / FEN_PER_YUAN


def score_frontier(problem: Problem, richest: Point) -> tuple[Point, ...]:
    """The points from the richest to the highest simulated score that moves reach; none without peers. S000-42.

    The steps of the score are those of `ladder`; each point is scored anew, exactly, so that one that rounding of
    sums took below its step is told with the score that it has.
    """
    steps = ladder(problem, problem.assessed)
    if not steps.steps or richest.score is None:
        return ()
    net = _net(problem)
    _, highest = problem.scoring(steps, net, None)
    reached = steps.reached(_counts(problem, richest))
    leasts = set(np.linspace(reached, highest, load_portfolio().setting("frontier_points")).tolist()[1:])
    today = steps.reached(np.zeros(len(problem.choices)))
    if reached < today < highest:
        leasts.add(today)
    points = [richest]
    for least in sorted(leasts):
        counts, _ = problem.scoring(steps, net, least)
        points.append(problem.point(counts, 0.0, least))
    return _undominated(points, lambda one: Fraction(one.score.points if one.score else 0))


def _counts(problem: Problem, point: Point) -> NDArray[np.float64]:
    """How many cases of each choice a point takes."""
    taken = {id(one.choice): one.cases for one in point.taken}
    return np.array([float(taken.get(id(choice), 0)) for choice in problem.choices])


def _highest_cmi(problem: Problem) -> float:
    """The highest CMI within the limits, by Dinkelbach's method: the best of weight − CMI × count, CMI renewed."""
    weight, count = problem.deltas[WEIGHT] / SCALE, problem.deltas[WEIGHTED]
    best = problem.totals[WEIGHT] / SCALE / problem.totals[WEIGHTED]
    for _ in range(_ROUNDS):
        counts = problem.solve(weight - best * count)
        left = problem.totals[WEIGHTED] + float(count @ counts)
        if left <= 0:
            break
        better = (problem.totals[WEIGHT] / SCALE + float(weight @ counts)) / left
        if better <= best + _EPSILON:
            break
        best = better
    return best


def _undominated(points: Sequence[Point], standing: Callable[[Point], Fraction]) -> tuple[Point, ...]:
    """The points to which no other is at least as good in surplus and standing; by standing, lowest first."""
    kept: list[Point] = []
    for one in sorted(points, key=lambda point: (standing(point), point.result_fen), reverse=True):
        if not kept or one.result_fen > kept[-1].result_fen:
            kept.append(one)
    return tuple(reversed(kept))
