"""Targets 目标: the rows of the tables that give a named group, and what each asks of a case."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from typing import TYPE_CHECKING

from tongpin.grouping.tables.when import ALWAYS, NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.grouping.tables.model import Leaf, Mdc, Outcome, SchemeTables, Step
    from tongpin.grouping.tables.when import Atom, Condition

NEAR_NAMES = 5


@dataclass(frozen=True, slots=True)
class Target:
    """One way of the tables to a group: the rows down to where it is decided, and the conditions of one alternative."""

    mdc: Mdc
    step: Step
    leaf: Leaf | None
    atoms: tuple[Atom, ...]

    @property
    def place(self) -> str:
        """The rows as a reader finds them."""
        return " → ".join([self.mdc.code, self.step.rule, *([self.leaf.drg] if self.leaf else [])])


@dataclass(frozen=True, slots=True)
class Goal:
    """A named group: `kind` is `drg`, `adrg` or `mdc`; an ambiguous group is a `drg`."""

    kind: str
    code: str
    name: str

    def reached_by(self, outcome: Outcome) -> bool:
        """Whether an outcome is this group, or lies in it."""
        given = {"drg": outcome.drg, "adrg": outcome.adrg, "mdc": outcome.mdc}
        return outcome.status in {"grouped", "ambiguous"} and given[self.kind] == self.code


def goal_of(tables: SchemeTables, group: str) -> Goal | None:
    """The group of a code, of whatever level; None when the scheme has none of that code."""
    wanted = group.strip().upper()
    for code in tables.drg_codes:
        if code.upper() == wanted:
            return Goal("drg", code, tables.drg_names.get(code, ""))
    suffix = tables.options.ambiguous_suffix
    for mdc in tables.mdcs:
        if wanted in {mdc.code.upper(), mdc.letter.upper()}:
            return Goal("mdc", mdc.code, mdc.name)
        for step in mdc.steps:
            if step.is_gate and f"{mdc.letter}{suffix}".upper() == wanted:
                return Goal("drg", f"{mdc.letter}{suffix}", step.name)
            if not step.is_gate and wanted == step.adrg.upper():
                return Goal("adrg", step.adrg, step.name)
    return None


def near_names(tables: SchemeTables, group: str) -> list[str]:
    """Groups that the writer of an unknown code may have meant: codes alike, then names that hold the text."""
    codes = [*tables.drg_codes, *dict.fromkeys(step.adrg for mdc in tables.mdcs for step in mdc.steps)]
    codes += [mdc.code for mdc in tables.mdcs]
    wanted = group.strip()
    alike = get_close_matches(wanted.upper(), codes, NEAR_NAMES, 0.5)
    named = [code for code, name in tables.drg_names.items() if wanted and wanted in name]
    return list(dict.fromkeys([*alike, *named]))[:NEAR_NAMES]


def rows_of(tables: SchemeTables, goal: Goal) -> list[tuple[Mdc, Step, Leaf | None]]:
    """The rows of the tables that give the goal; no leaf where the ADRG itself decides."""
    stops = tables.options.adrg_without_leaf == "stop"
    suffix = tables.options.ambiguous_suffix
    rows: list[tuple[Mdc, Step, Leaf | None]] = []
    for mdc in tables.mdcs:
        for step in mdc.steps:
            inside = goal.code == {"mdc": mdc.code, "adrg": step.adrg, "drg": f"{mdc.letter}{suffix}"}[goal.kind]
            if step.is_gate:
                if inside and goal.kind != "adrg":
                    rows.append((mdc, step, None))
            elif goal.kind == "drg":
                rows += [(mdc, step, leaf) for leaf in step.leaves if leaf.drg == goal.code]
            elif inside and stops:
                rows.append((mdc, step, None))
            elif inside:
                rows += [(mdc, step, leaf) for leaf in step.leaves]
    return rows


def targets_of(rows: list[tuple[Mdc, Step, Leaf | None]]) -> list[Target]:
    """One target per row and alternative; one that asks all that another of its step asks, and more, is left out."""
    targets: list[Target] = []
    for mdc, step, leaf in rows:
        conditions = [mdc.when, step.when, *([leaf.when] if leaf else [])]
        targets += [Target(mdc, step, leaf, tuple(dict.fromkeys(atoms))) for atoms in _clauses(conditions)]
    kept: list[Target] = []
    for target in sorted(targets, key=lambda one: len(one.atoms)):
        same = (one for one in kept if one.step is target.step)
        if not any(set(one.atoms) <= set(target.atoms) for one in same):
            kept.append(target)
    return kept


def _clauses(conditions: list[Condition]) -> Iterator[list[Atom]]:
    for clauses in product(*conditions):
        yield [atom for clause in clauses for atom in clause]


def dead_reason(tables: SchemeTables, mdc: Mdc, step: Step, leaf: Leaf | None) -> str:
    """Why no case can ever come by a row, as far as the row and its neighbours tell; empty when nothing tells it."""
    for condition in (mdc.when, step.when, *([leaf.when] if leaf else [])):
        if condition == NEVER:
            return "条件写着 never，永远不成立"
        if all(any(a.list_name and not a.negated and not tables.listed(a) for a in clause) for clause in condition):
            return "条件要求一个空清单，永远不成立"
    for earlier in step.leaves if leaf else ():
        if earlier is leaf:
            break
        if earlier.when == ALWAYS:
            return f"同一 ADRG 里排在前面的 {earlier.drg}（drg 表第 {earlier.row} 行）总是成立"
    for before in mdc.steps:
        if before is step:
            break
        # A second try with another procedure passes the gates.
        gate_stops = before.is_gate and not tables.options.retry_other_px
        stops = gate_stops or (not before.is_gate and tables.options.adrg_without_leaf == "stop")
        if before.when == ALWAYS and (stops or any(one.when == ALWAYS for one in before.leaves)):
            return f"同一 MDC 里排在前面的 {before.rule}（adrg 表第 {before.row} 行）总是成立"
    return ""
