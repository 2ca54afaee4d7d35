"""Conditions in the making 条件的合并: alternatives of conjunctions of atom texts, joined and negated exactly.

A condition is a tuple of clauses, a clause a tuple of atoms as `when` writes them (`px_main:HC2.px`, `!mcc`).
"""

from __future__ import annotations

Clause = tuple[str, ...]
Terms = tuple[Clause, ...]

TRUE: Terms = ((),)
FALSE: Terms = ()
MOST_CLAUSES = 256
"""More alternatives than this are refused: no published rule comes near, a table row of that length helps nobody."""


class TooManyAlternativesError(ValueError):
    """A condition that falls apart into more alternatives than a table row should hold; `count` of them."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} alternatives")
        self.count = count


def atom(text: str) -> Terms:
    """The condition of one atom."""
    return ((text,),)


def either(*conditions: Terms) -> Terms:
    """At least one of the conditions."""
    return _tidy([clause for condition in conditions for clause in condition])


def both(*conditions: Terms) -> Terms:
    """All of the conditions; raises `TooManyAlternativesError`."""
    product = TRUE
    for condition in conditions:
        product = _tidy([tuple(dict.fromkeys((*left, *right))) for left in product for right in condition])
    return product


def negated(condition: Terms) -> Terms:
    """None of the alternatives (a comparison on a missing value is false, so its negation holds)."""
    return both(*(tuple((_flip(one),) for one in clause) for clause in condition))


def when(condition: Terms) -> str:
    """The condition as a cell of a scheme table."""
    if condition == TRUE:
        return "always"
    return " | ".join(" & ".join(clause) for clause in condition) or "never"


_OPPOSITES = {"px_count==0": "px_count>=1", "px_count>=1": "px_count==0"}
"""A count is never missing, so its opposite reads better than its negation."""


def _flip(one: str) -> str:
    return _OPPOSITES.get(one) or (one.removeprefix("!") if one.startswith("!") else f"!{one}")


def _tidy(clauses: list[Clause]) -> Terms:
    """The clauses that can hold, without those that another one covers."""
    possible = [clause for clause in dict.fromkeys(clauses) if not any(_flip(one) in clause for one in clause)]
    kept: list[tuple[Clause, frozenset[str]]] = []
    for clause in possible:
        atoms = frozenset(clause)
        if any(other <= atoms for _, other in kept):
            continue
        kept = [(old, other) for old, other in kept if not atoms <= other]
        kept.append((clause, atoms))
        if len(kept) > MOST_CLAUSES:
            raise TooManyAlternativesError(len(kept))
    return tuple(clause for clause, _ in kept)
