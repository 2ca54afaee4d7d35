"""Why not 为什么不是: the nearest ways in which a case would have come into a named other group.

For understanding, never for choosing codes: each way was tried by grouping the changed case.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from tongpin.grouping.explain.changes import Change
from tongpin.grouping.explain.repairs import field_repairs, nearest, repairs, site_repairs
from tongpin.grouping.explain.targets import Goal, Target, dead_reason, goal_of, near_names, rows_of, targets_of
from tongpin.grouping.explain.trace import fact_of
from tongpin.grouping.explain.words import NOTICE, fact_text, group_text, lacks_text
from tongpin.grouping.tables.interpreter import Walk, interpret, refused_field, unmapped_code, used_codes
from tongpin.grouping.tables.model import Leaf, Mdc, Outcome, Status

if TYPE_CHECKING:
    from tongpin.grouping.tables.interpreter import Case
    from tongpin.grouping.tables.model import SchemeTables, Step
    from tongpin.grouping.tables.when import Atom

MOST_CHANGES = 3
MOST_WAYS = 5
MOST_TARGETS = 8
MOST_STATES = 24
"""So many part-changed cases of a level are followed further, the nearest first."""
EXAMPLES = 3
_ORDER = {"dx_main": 0, "px_main": 1, "mcc": 8, "cc": 8}
"""What is mended first: the leading codes, as complications depend on the principal."""
_OTHERS = 4
_CAUGHT_BY_MDC = 3
"""A case that meets the target but is caught before: three by another MDC, two by another step, one by another leaf."""
_UNMET = 4
"""A kind of condition that is not met weighs more than any of these."""


@dataclass(frozen=True, slots=True)
class Way:
    """Changes that together bring the case into the group; `outcome` is what the changed case was grouped into."""

    changes: tuple[Change, ...]
    outcome: Outcome

    @property
    def cost(self) -> tuple[int, int]:
        """Fewer changes first, then those nearer to the record."""
        return len(self.changes), sum(change.cost for change in self.changes)


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a case is not in a named group.

    `verdict`: `reached` (it is in it), `ways`, `unknown_group` (`near` names groups alike), `not_mapped`, `dead` (no
    case can come there) or `far` (no way of at most three changes was found). `reasons` are sentences that say why.
    """

    tables: SchemeTables = field(repr=False)
    group: str
    name: str
    verdict: str
    ways: tuple[Way, ...] = ()
    near: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The answer as plain data for JSON, with the notice on codes."""
        ways = [
            {
                "drg": way.outcome.drg,
                "name": self.tables.drg_names.get(way.outcome.drg, ""),
                "changes": [change.as_dict(self.tables) for change in way.changes],
            }
            for way in self.ways
        ]
        return {
            "group": self.group,
            "name": self.name,
            "verdict": self.verdict,
            "ways": ways,
            "near": list(self.near),
            "reasons": list(self.reasons),
            "notice": NOTICE,
        }

    def lines(self) -> list[str]:
        """The answer as lines for people, the notice on codes last."""
        lines = [f"为什么不是 {self.group} {self.name}".rstrip()]
        lines += [f"  {reason}" for reason in self.reasons]
        for number, way in enumerate(self.ways, start=1):
            told = "；并且".join(change.text(self.tables) for change in way.changes)
            lines.append(f"  {number}. 若{told}，则归入 {group_text(self.tables, way.outcome.drg)}")
        return [*lines, f"  {NOTICE}"]


def why_not(tables: SchemeTables, case: Case, group: str) -> WhyNot:
    """The nearest ways of a case into a DRG, an ADRG or an MDC, each proved by grouping the changed case.

    At most five ways of at most three changes, in a fixed order: fewer changes first, then those that only reorder what
    the case has. Once a number of changes suffices, larger ones are only told if they invent no code.
    """
    goal = goal_of(tables, group)
    if goal is None:
        near = tuple(near_names(tables, group))
        alike = f"；相近的有 {'、'.join(group_text(tables, code) for code in near)}" if near else ""
        return WhyNot(tables, group, "", "unknown_group", near=near, reasons=(f"方案里没有这个组{alike}",))
    field_name, code = unmapped_code(tables, case)
    if field_name:
        reason = f"编码 {code or '（空）'} 不在转码表里，整份病案没有进入分组"
        return WhyNot(tables, goal.code, goal.name, "not_mapped", reasons=(reason,))
    dx, px = used_codes(tables, case)
    # A place without a code stays a place, as in grouping.
    dx, px = (tuple(code or "" for code in codes) for codes in (dx if case.dx else (), px))
    case = replace(case, dx=dx, px=px, code_map=False)
    if goal.reached_by(interpret(tables, case)):
        return WhyNot(tables, goal.code, goal.name, "reached", reasons=("这一例已经在这个组里",))
    rows = rows_of(tables, goal)
    dead = [(dead_reason(tables, *row), row) for row in rows]
    if all(reason for reason, _ in dead):
        told = tuple(dict.fromkeys(f"到不了这个组：{row[0].code} {row[1].rule}：{reason}" for reason, row in dead))
        return WhyNot(tables, goal.code, goal.name, "dead", reasons=told or ("方案里没有一行给出这个组",))
    search = _Search(tables, goal)
    ways = search.run(case, targets_of([row for reason, row in dead if not reason]))
    if ways:
        return WhyNot(tables, goal.code, goal.name, "ways", tuple(ways), reasons=tuple(search.lacks(case)))
    reason = f"改动不超过 {MOST_CHANGES} 处，没有找到进入这个组的办法"
    return WhyNot(tables, goal.code, goal.name, "far", reasons=(*search.lacks(case), reason))


class _Fired(Walk):
    """The walk that keeps the rules which gave the result."""

    def __init__(self, tables: SchemeTables, case: Case) -> None:
        super().__init__(tables, case, case.dx or ("",), case.px, gates=True)
        self.fired: dict[type, Mdc | Step | Leaf] = {}

    def holds(self, rule: Mdc | Step | Leaf) -> bool:
        """Keeps the last rule of each level that held."""
        held = super().holds(rule)
        if held:
            if isinstance(rule, Mdc):
                self.fired.clear()
            elif not isinstance(rule, Leaf):
                self.fired.pop(Leaf, None)
            self.fired[type(rule)] = rule
        return held


@dataclass(frozen=True, slots=True)
class _State:
    """A part-changed case on its way to a target; `unmet` is how much the target still asks."""

    target: Target
    case: Case
    changes: tuple[Change, ...]
    unmet: int
    number: int

    @property
    def rank(self) -> tuple[int, int, int]:
        return self.unmet, sum(change.cost for change in self.changes), self.number


class _Search:
    """Level by level, one change more on each; deterministic."""

    def __init__(self, tables: SchemeTables, goal: Goal) -> None:
        self.tables = tables
        self.goal = goal
        self.ways: list[Way] = []
        self.targets: list[Target] = []
        self.count = 0

    def run(self, case: Case, targets: list[Target]) -> list[Way]:
        """The ways found, best first."""
        states = sorted((self._state(target, case, ()) for target in targets), key=lambda state: state.rank)
        states = states[:MOST_TARGETS]
        self.targets = [state.target for state in states]
        for depth in range(1, MOST_CHANGES + 1):
            following: list[_State] = []
            invents = not self.ways
            for state in states:
                following += self._followers(state, invents=invents)
            if depth == 1:
                following += self._reordered(states[0])
            for state in sorted(following, key=lambda one: one.rank):
                self._take(case, state)
            states = sorted((one for one in following if one.unmet), key=lambda one: one.rank)
            states = _distinct(states)[:MOST_STATES]
            if len(self.ways) >= MOST_WAYS or depth == MOST_CHANGES:
                break
        best = sorted(self.ways, key=lambda way: way.cost)[:MOST_WAYS]
        return [self._with_examples(case, way) for way in best]

    def lacks(self, case: Case) -> list[str]:
        """What the nearest row asks that the case does not have, or the rule that catches the case before."""
        if not self.targets:
            return []
        target = self.targets[0]
        walk = _Fired(self.tables, case)
        unmet = self._unmet(walk, target)
        if unmet or _lacks_sites(walk, target):
            facts = [fact_text(self.tables, fact_of(walk, atom), walk.dx, walk.px) for atom in unmet]
            facts += [f"创伤部位不足 {target.mdc.min_sites} 个"] * _lacks_sites(walk, target)
            return [f"最近的一条 {target.place}：{lacks_text(facts)}"]
        blocker = self._blocker(walk, target)
        return [f"{target.place} 的条件都成立，但前面的 {blocker[0]} 先成立"] if blocker else []

    def _take(self, case: Case, state: _State) -> None:
        """Keep a state as a way when it reaches the goal, and no part of it, nor a way known already, does."""
        outcome = interpret(self.tables, state.case)
        if not self.goal.reached_by(outcome):
            return
        shape = {change.shape for change in state.changes}
        if any({change.shape for change in way.changes} <= shape for way in self.ways):
            return
        for size in range(1, len(state.changes)):
            for part in combinations(state.changes, size):
                if self.goal.reached_by(interpret(self.tables, _applied(case, part))):
                    return
        self.ways.append(Way(state.changes, outcome))

    def _reordered(self, state: _State) -> list[_State]:
        """The case with each of its other codes in the lead that reaches the goal, by whatever rows.

        A rule that is asked of one procedure at a time is met by a reordering that mends no condition of any row.
        """
        case = state.case
        changes = [Change("principal", code) for code in dict.fromkeys(case.dx[1:]) if code != case.dx[0]]
        changes += [Change("main_procedure", code) for code in dict.fromkeys(case.px[1:]) if code != case.px[0]]
        applied = [(change, change.apply(case)) for change in changes]
        there = [(change, new) for change, new in applied if self.goal.reached_by(interpret(self.tables, new))]
        return [self._state(state.target, new, (change,)) for change, new in there]

    def _followers(self, state: _State, *, invents: bool) -> list[_State]:
        """The case with one change more, for every kind of change that brings it nearer: of codes alike the best."""
        best: dict[tuple[Any, ...], _State] = {}
        walk = _Fired(self.tables, state.case)
        for change in self._changes(walk, state.target):
            if change.is_invented and not invents:
                continue
            known = best.get(change.shape)
            if known is not None and (known.unmet == 0 or not change.is_invented):
                continue
            case = change.apply(state.case)
            if case == state.case:
                continue
            found = self._state(state.target, case, (*state.changes, change))
            if known is None or found.unmet < known.unmet:
                best[change.shape] = found
        return list(best.values())

    def _changes(self, walk: _Fired, target: Target) -> list[Change]:
        refused = refused_field(walk.case, self.tables.options.newborn_days)
        if refused:
            return list(field_repairs(walk, refused, target.atoms))
        unmet = self._unmet(walk, target)
        if unmet:
            wanted = [atom for atom in unmet if atom.kind == unmet[0].kind]
            return list(repairs(walk, target.atoms, wanted))
        if _lacks_sites(walk, target):
            return list(site_repairs(walk))
        blocker = self._blocker(walk, target)
        if blocker is None:
            return []
        name, atoms = blocker
        return [
            change
            for atom in atoms
            if atom not in target.atoms
            for change in repairs(walk, target.atoms, [replace(atom, negated=not atom.negated)], name)
        ]

    def _unmet(self, walk: Walk, target: Target) -> list[Atom]:
        unmet = [atom for atom in target.atoms if walk.truth(atom) == atom.negated]
        return sorted(unmet, key=lambda atom: _ORDER.get(atom.kind, _OTHERS))

    def _blocker(self, walk: _Fired, target: Target) -> tuple[str, list[Atom]] | None:
        """The rule that gives the result before the target is asked, and the conditions it holds by."""
        outcome = walk.run()
        if outcome is None or self.goal.reached_by(outcome):
            return None
        levels = [rule for rule in walk.fired.values() if rule not in (target.mdc, target.step, target.leaf)]
        atoms: list[Atom] = []
        for rule in levels:
            held = [clause for clause in rule.when if all(walk.truth(atom) != atom.negated for atom in clause)]
            atoms += [atom for clause in held[:1] for atom in clause]
        name = group_text(self.tables, outcome.drg)
        if outcome.status == Status.UNGROUPED:
            name = f"{next(rule.code for rule in walk.fired.values() if isinstance(rule, Mdc))}，就此无法入组"
        return name, list(dict.fromkeys(atoms))

    def _state(self, target: Target, case: Case, changes: tuple[Change, ...]) -> _State:
        """Where a changed case stands: the kinds of condition unmet, then how early another rule catches it."""
        self.count += 1
        walk = _Fired(self.tables, case)
        kinds = len({atom.kind for atom in self._unmet(walk, target)}) + _lacks_sites(walk, target)
        kinds += bool(refused_field(case, self.tables.options.newborn_days))
        unmet = kinds * _UNMET
        if not unmet and not self.goal.reached_by(interpret(self.tables, case)):
            walk.run()
            fired = walk.fired.values()
            unmet = _CAUGHT_BY_MDC - (target.mdc in fired) - (target.mdc in fired and target.step in fired)
        return _State(target, case, changes, unmet, self.count)

    def _with_examples(self, case: Case, way: Way) -> Way:
        """The way with a few more codes for each invented one, each tried in place of the first."""
        changes = list(way.changes)
        for index, change in enumerate(way.changes):
            if not change.is_invented:
                continue
            examples = [change.code]
            for code in self._alike(change):
                tried = [*changes[:index], replace(change, code=code), *changes[index + 1 :]]
                if code not in examples and self.goal.reached_by(interpret(self.tables, _applied(case, tuple(tried)))):
                    examples.append(code)
                if len(examples) == EXAMPLES:
                    break
            changes[index] = replace(change, examples=tuple(examples))
        return Way(tuple(changes), way.outcome)

    def _alike(self, change: Change) -> list[str]:
        """Codes that stand for the invented one by the lists that the change names, the likest first."""
        tables = self.tables
        if change.lists in {("MCC",), ("CC",)}:
            codes = set(tables.mcc if change.lists == ("MCC",) else tables.cc)
        else:
            named = tables.px_lists if change.kind in {"add_px", "lead_px"} else tables.dx_lists
            lists = [named[name] for name in change.lists if name in named]
            codes = set(lists[0]).intersection(*lists[1:]) if lists else set()
            codes = codes.difference(*(named[name] for name in change.without))
        return nearest(codes, (change.code,))[: 4 * EXAMPLES]


def _lacks_sites(walk: Walk, target: Target) -> bool:
    return target.mdc.min_sites > 0 and walk.site_count() < target.mdc.min_sites


def _applied(case: Case, changes: tuple[Change, ...]) -> Case:
    for change in changes:
        case = change.apply(case)
    return case


def _distinct(states: list[_State]) -> list[_State]:
    """States of the same case and target once: two orders of the same changes."""
    seen: set[tuple[int, str]] = set()
    kept = []
    for state in states:
        key = (id(state.target), str(state.case))
        if key not in seen:
            seen.add(key)
            kept.append(state)
    return kept
