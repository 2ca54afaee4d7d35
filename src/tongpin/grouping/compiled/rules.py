"""The flat list of rules 规则表: every path MDC → step → leaf as one conjunction, in evaluation order.

A path with alternatives becomes several neighbouring rules with the same result; the first rule that holds wins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tongpin.grouping.tables.model import Status
from tongpin.grouping.tables.when import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.grouping.tables.when import Clause, Condition


class Rule(NamedTuple):
    """One conjunction of the flat list and the number of the outcome it leads to."""

    atoms: Clause
    min_sites: int
    is_gate: bool
    outcome: int


@dataclass(slots=True)
class Outcomes:
    """Every answer (status, MDC, ADRG, DRG) that a scheme can give, numbered as they appear."""

    index: dict[tuple[str, str, str, str], int] = field(default_factory=dict)

    def of(self, status: str, mdc: str, adrg: str, drg: str) -> int:
        """The number of an answer, a new one on first use."""
        return self.index.setdefault((status, mdc, adrg, drg), len(self.index))


def flat_rules(scheme: SchemeTables, outcomes: Outcomes) -> Iterator[Rule]:
    """The rules of a scheme in evaluation order; their answers are added to `outcomes`."""
    options = scheme.options
    for mdc in scheme.mdcs:
        for step in mdc.steps:
            if step.is_gate:
                suffix = options.ambiguous_suffix
                gate = outcomes.of(Status.AMBIGUOUS, mdc.code, suffix, f"{mdc.letter}{suffix}")
                results = [(ALWAYS, gate)]
            else:
                leaves = [(leaf.when, leaf.drg) for leaf in step.leaves]
                if options.adrg_without_leaf == "stop":
                    leaves.append((ALWAYS, step.adrg))
                results = [
                    (when, outcomes.of(Status.GROUPED, mdc.code, step.adrg, drg)) for when, drg in _reachable(leaves)
                ]
            for leaf_when, outcome in results:
                for atoms in _conjunctions(mdc.when, step.when, leaf_when):
                    yield Rule(atoms, mdc.min_sites, step.is_gate, outcome)
        if options.mdc_without_group == "stop":
            nothing = outcomes.of(Status.UNGROUPED, *options.ungrouped)
            for atoms in _conjunctions(mdc.when):
                yield Rule(atoms, mdc.min_sites, is_gate=False, outcome=nothing)


def _reachable(leaves: list[tuple[Condition, str]]) -> Iterator[tuple[Condition, str]]:
    """The leaves up to the first that always holds: what comes after it is dead."""
    for when, drg in leaves:
        yield when, drg
        if () in when:
            return


def _conjunctions(*conditions: Condition) -> Iterator[Clause]:
    """The product of the alternatives; order among them is free, since they share one result."""
    product: list[Clause] = [()]
    for condition in conditions:
        product = [(*left, *right) for left in product for right in condition]
    return iter(product)
