"""Alternatives 条件展开: and, or, not in any nesting become the model's alternatives of conjunctions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

from tongpin.grouping.tables.when import ALWAYS, NEVER, Atom

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tongpin.grouping.tables.when import Clause, Condition

MOST_ALTERNATIVES = 64
"""A condition that spreads into more alternatives than this is refused."""


class TooManyAlternatives(ValueError):  # noqa: N818 - says what happened
    """A condition that spreads into more than `MOST_ALTERNATIVES`."""


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; without parts: always."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds; without parts: never."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Opposite:
    """The part does not hold."""

    part: Expression


Expression = AllOf | AnyOf | Opposite | Atom

TRUE = AllOf(())
FALSE = AnyOf(())


def condition_of(expression: Expression) -> Condition:
    """The expression as alternatives, without those that cannot hold or that another one covers.

    Raises `TooManyAlternatives`.
    """
    return _spread(expression, negated=False)


def _spread(expression: Expression, *, negated: bool) -> Condition:
    if isinstance(expression, Atom):
        return ((replace(expression, negated=expression.negated != negated),),)
    if isinstance(expression, Opposite):
        return _spread(expression.part, negated=not negated)
    parts = [_spread(part, negated=negated) for part in expression.parts]
    if isinstance(expression, AnyOf) != negated:
        return _tidy([clause for part in parts for clause in part])
    condition: Condition = ALWAYS
    for part in parts:
        condition = _tidy([left + right for left, right in product(condition, part)])
    return condition


def _tidy(clauses: list[Clause]) -> Condition:
    """Alternatives in order: each atom once, none that contradicts itself or demands more than another."""
    possible = [tuple(dict.fromkeys(clause)) for clause in clauses]
    possible = list(dict.fromkeys(clause for clause in possible if not _contradicts(clause)))
    sets = [frozenset(clause) for clause in possible]
    kept = tuple(
        clause
        for at, clause in enumerate(possible)
        if not any(other < sets[at] or (other == sets[at] and before < at) for before, other in enumerate(sets))
    )
    if len(kept) > MOST_ALTERNATIVES:
        raise TooManyAlternatives(f"{len(kept)}")
    return kept


def _contradicts(clause: Clause) -> bool:
    return any(not atom.negated and replace(atom, negated=True) in clause for atom in clause)


def some_always_holds(conditions: Iterable[Condition]) -> bool:
    """Whether one of the conditions holds for every case that has the numbers they compare.

    Decided on the atoms alone, a comparison being the opposite of its complement; too wide a spread counts as yes.
    """
    every = AnyOf(tuple(AnyOf(tuple(AllOf(tuple(map(_plain, clause))) for clause in one)) for one in conditions))
    try:
        return condition_of(Opposite(every)) == NEVER
    except TooManyAlternatives:
        return True


def _plain(atom: Atom) -> Atom:
    complement = {">=": "<", ">": "<="}.get(atom.op)
    return replace(atom, op=complement, negated=not atom.negated) if complement else atom


def when_text(condition: Condition) -> str:
    """A condition as it is written in a table."""
    if condition == NEVER:
        return "never"
    if () in condition:
        return "always"
    return " | ".join(" & ".join(map(str, clause)) for clause in condition)
