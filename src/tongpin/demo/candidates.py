"""Candidates 候选: for every way into a group of a scheme, what a case must bring; read off its conditions."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tongpin.demo.groups import BY_CHANCE, CC, MCC, NONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.grouping.tables.model import Leaf, Mdc, SchemeTables, Step
    from tongpin.grouping.tables.when import Atom, Clause

CLAUSES = 6
"""So many alternatives of a condition are tried."""

FLIPPED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass
class Path:
    """One way into a DRG: code sets to choose from, bounds of numbers, and what is demanded of complications."""

    drg: str
    letter: str
    principals: set[str] | None = None
    barred: set[str] = field(default_factory=set)
    others: list[frozenset[str]] = field(default_factory=list)
    main: set[str] | None = None
    procedures: list[frozenset[str]] = field(default_factory=list)
    barred_procedures: set[str] = field(default_factory=set)
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)
    severity: int = BY_CHANCE
    sites: int = 0
    possible: bool = True


def paths(scheme: SchemeTables) -> Iterator[Path]:
    """Every way into every DRG that can be steered by diagnoses, procedures, sex, age, weight and stay."""
    for mdc in scheme.mdcs:
        for step in mdc.steps:
            if step.is_gate:
                continue
            for place, leaf in enumerate(step.leaves):
                yield from _paths_to(scheme, mdc, step, leaf, step.leaves[:place])


def _paths_to(scheme: SchemeTables, mdc: Mdc, step: Step, leaf: Leaf, before: tuple[Leaf, ...]) -> Iterator[Path]:
    earlier = {atom.kind for one in before for clause in one.when for atom in clause if not atom.negated}
    for entry in mdc.when[:CLAUSES]:
        for way in step.when[:CLAUSES]:
            for last in leaf.when[:CLAUSES]:
                path = Path(leaf.drg, mdc.letter, sites=mdc.min_sites)
                _read(scheme, path, (*entry, *way, *last))
                if path.severity == BY_CHANCE and earlier & {"mcc", "cc"}:
                    path.severity = NONE
                if path.possible:
                    yield path


def _read(scheme: SchemeTables, path: Path, clause: Clause) -> None:
    """Every atom of a clause into the path."""
    positive = {atom.kind for atom in clause if atom.kind in {"mcc", "cc"} and not atom.negated}
    negative = {atom.kind for atom in clause if atom.kind in {"mcc", "cc"} and atom.negated}
    if positive:
        path.severity = MCC if "mcc" in positive else CC
    elif negative:
        path.severity = NONE
    for atom in clause:
        if atom.list_name:
            _codes(path, atom, scheme.listed(atom))
        elif atom.op:
            _bound(path, atom)
        elif atom.values and not atom.negated:
            # Department and way of discharge are drawn from other plans.
            path.possible = False


def _codes(path: Path, atom: Atom, codes: frozenset[str]) -> None:
    diagnosis, _, which = atom.kind.partition("_")
    if diagnosis == "dx":
        if atom.negated:
            path.barred |= codes
        elif which == "main":
            path.principals = set(codes) if path.principals is None else path.principals & codes
        else:
            path.others.append(codes)
    elif atom.negated:
        path.barred_procedures |= codes
    elif which == "main":
        path.main = set(codes) if path.main is None else path.main & codes
    else:
        path.procedures.append(codes)


def _bound(path: Path, atom: Atom) -> None:
    """A comparison as whole-number bounds; what is only known for some stays cannot be steered."""
    op, number = atom.op, atom.number
    if atom.negated:
        if op == "==":
            if atom.kind == "sex":
                op, number = "==", 3 - number
            else:
                return
        else:
            op = FLIPPED[op]
    low, high = {
        "<": (-math.inf, math.ceil(number) - 1),
        "<=": (-math.inf, math.floor(number)),
        ">": (math.floor(number) + 1, math.inf),
        ">=": (math.ceil(number), math.inf),
        "==": (number, number),
    }[op]
    if atom.kind == "icu_hours":
        path.possible &= low == -math.inf
        return
    before = path.bounds.get(atom.kind, (-math.inf, math.inf))
    path.bounds[atom.kind] = (max(before[0], low), min(before[1], high))
    path.possible &= path.bounds[atom.kind][0] <= path.bounds[atom.kind][1]
