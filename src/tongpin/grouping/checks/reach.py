"""Reach 能否到达: which leaf, rule or category no case can come to, proved where it can be and tried where not.

The scheme is the flat list of its paths in order. A path is reached by a case that meets it and none of the paths
before; `escape` looks for such a region, by exact reasoning on regions, and `witness` makes a case of it that the
interpreter has to put where it should go. Only what ends without a case and without a proof is called "tried".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from tongpin.grouping.checks.regions import SITES, Region, Space, Term
from tongpin.grouping.checks.witness import witness
from tongpin.grouping.tables.interpreter import Walk, procedure_rounds, refused_field, used_codes
from tongpin.grouping.tables.model import Leaf, Mdc, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tongpin.grouping.tables.interpreter import Case
    from tongpin.grouping.tables.model import SchemeTables

TRIES = 400
"""How many cases are tried for a path that is neither proved dead nor reached."""
FIRST_TRIES = 25
"""How many cases are made of a region in which nothing stands against the path."""
MOST_BLOCKERS = 12
"""Up to how many rows a proof is thinned out, so that a reader gets those that matter."""
PROOF_STEPS = 4000
"""How many regions a proof may look at before it gives up."""
PROOF_DEPTH = 400
"""How many paths in a row a proof may walk round before it gives up."""

LEAF_FILE = "drg.csv"
FILES = {Mdc: "mdc.csv", Step: "adrg.csv", Leaf: LEAF_FILE}


class Row(NamedTuple):
    """A row that a path ends at: a leaf, a gate, or what an option adds (`adrg`, `mdc`)."""

    file: str
    row: int
    code: str


class Path(NamedTuple):
    """One conjunction of the flat list, the row it belongs to, and the place of its MDC and step in the order."""

    terms: tuple[Term, ...]
    end: Row
    is_gate: bool
    place: tuple[int, int]


@dataclass(slots=True)
class Verdict:
    """What is known of a row: `case` reaches it, or `proved` says that none does, or `tries` cases did not.

    A proof rests on `blockers`, rows before it that take every case, or on conditions that exclude one another.
    """

    case: Case | None = None
    proved: bool = False
    blockers: list[Row] = field(default_factory=list)
    tries: int = 0


class _Proof:
    """One search for a region that escapes every path before; `blockers` are the paths that closed a way."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.blockers: set[Row] = set()
        self.steps = 0

    def escape(self, region: Region, paths: Sequence[Path], depth: int = 0) -> Region | None:
        """A region of cases that no path takes; None = proved to be none. Raises `_TooManyStepsError`."""
        space = self.space
        while True:
            self.steps += 1
            if self.steps > PROOF_STEPS or depth > PROOF_DEPTH:
                raise _TooManyStepsError
            remaining: list[Path] = []
            narrowed = False
            for path in paths:
                open_terms = _open_terms(space, region, path.terms)
                if open_terms is None:
                    continue
                if not open_terms:
                    self.blockers.add(path.end)
                    return None
                if len(open_terms) > 1:
                    remaining.append(path._replace(terms=tuple(open_terms)))
                    continue
                smaller = space.meet(region, [space.negation(open_terms[0])])
                self.blockers.add(path.end)
                if smaller is None:
                    return None
                region, narrowed = smaller, True
            paths = remaining
            if not paths:
                return region
            if not narrowed:
                break
        for term in paths[0].terms:
            smaller = space.meet(region, [space.negation(term)])
            found = None if smaller is None else self.escape(smaller, paths, depth + 1)
            if found is not None:
                return found
        self.blockers.add(paths[0].end)
        return None


class _TooManyStepsError(Exception):
    """A proof that would take too long: the path is tried with cases instead."""


def _open_terms(space: Space, region: Region, terms: tuple[Term, ...]) -> list[Term] | None:
    """The conditions of a path that depend on the case; None when one of them never holds in the region."""
    found = []
    for term in terms:
        held = space.verdict(region, term)
        if held is False:
            return None
        if held is None:
            found.append(term)
    return found


def uncovered(space: Space, region: Region, covers: Sequence[tuple[Term, ...]]) -> Region | None:
    """A part of the region that none of the conjunctions covers; None when they cover all, or it cannot be told."""
    nothing = Row("", 0, "")
    try:
        return _Proof(space).escape(region, [Path(terms, nothing, is_gate=False, place=(0, 0)) for terms in covers])
    except _TooManyStepsError:
        return None


def entry(space: Space, mdc: Mdc) -> list[tuple[Term, ...]]:
    """The conjunctions by which a case enters a category."""
    sites = (Term(SITES, mdc.min_sites),) * bool(mdc.min_sites)
    return [(*space.terms(clause), *sites) for clause in mdc.when]


def flat_paths(space: Space) -> list[Path]:
    """Every path of the scheme in order of evaluation."""
    return list(_paths(space))


def leaf_row(leaf: Leaf) -> Row:
    """Where a leaf stands."""
    return Row(LEAF_FILE, leaf.row, leaf.drg)


def gate_row(step: Step) -> Row:
    """Where an ambiguous gate stands."""
    return Row("adrg.csv", step.row, step.rule)


def _paths(space: Space) -> Iterator[Path]:
    options = space.scheme.options
    for at, mdc in enumerate(space.scheme.mdcs):
        entered = entry(space, mdc)
        for place, step in (((at, number), step) for number, step in enumerate(mdc.steps)):
            taken = [(*first, *space.terms(clause)) for first in entered for clause in step.when]
            for leaf in step.leaves:
                for before in taken:
                    for clause in leaf.when:
                        yield Path((*before, *space.terms(clause)), leaf_row(leaf), is_gate=False, place=place)
            if step.is_gate:
                yield from (Path(terms, gate_row(step), is_gate=True, place=place) for terms in taken)
            elif options.adrg_without_leaf == "stop":
                end = Row("adrg.csv", step.row, step.rule)
                yield from (Path(terms, end, is_gate=False, place=place) for terms in taken)
        if options.mdc_without_group == "stop":
            end = Row("mdc.csv", mdc.row, mdc.code)
            yield from (Path(terms, end, is_gate=False, place=(at, len(mdc.steps))) for terms in entered)


def reach(scheme: SchemeTables, space: Space, seed: int = 0) -> dict[Row, Verdict]:
    """What can be said of every leaf and every gate of the scheme (a gate that is `never` has no path and is absent).

    Deterministic for a seed. A `case` was put at the row by the interpreter; `proved` rests on the conditions alone.
    """
    paths = flat_paths(space)
    random = Random(seed)  # noqa: S311  # draws of made-up cases
    verdicts: dict[Row, Verdict] = {}
    ends = {path.end for path in paths if path.is_gate} | {
        leaf_row(leaf) for mdc in scheme.mdcs for step in mdc.steps for leaf in step.leaves
    }
    first: dict[Row, int] = {}
    own: dict[Row, list[Path]] = {}
    for at, path in enumerate(paths):
        first.setdefault(path.end, at)
        own.setdefault(path.end, []).append(path)
    for end in sorted(ends):
        before = paths[: first.get(end, 0)]
        verdicts[end] = _judge(scheme, space, end, own.get(end, []), before, random)
    return verdicts


def _judge(
    scheme: SchemeTables, space: Space, end: Row, own: list[Path], before: list[Path], random: Random
) -> Verdict:
    # A second pass over the other procedures skips the gates, so that they stop nothing for good.
    if scheme.options.retry_other_px:
        before = [path for path in before if not path.is_gate]
    verdict = Verdict(proved=True)
    for path in own:
        region = space.meet(space.whole(), path.terms)
        if region is None:
            continue
        proof = _Proof(space)
        try:
            free = proof.escape(region, before)
        except _TooManyStepsError:
            free = region
        if free is None:
            needed = _needed(space, region, before, proof.blockers)
            verdict.blockers += [row for row in needed if row not in verdict.blockers]
            continue
        verdict.proved = False
        found, tries = _try(scheme, space, end, [free] * FIRST_TRIES + [region] * TRIES, random)
        verdict.tries += tries
        if found is not None:
            return Verdict(case=found, tries=verdict.tries)
    return verdict


def _needed(space: Space, region: Region, before: list[Path], blockers: set[Row]) -> list[Row]:
    """The rows without which the region would not be closed, the later ones preferred: they say most to a reader."""
    rows = list(dict.fromkeys(path.end for path in before if path.end in blockers))
    if len(rows) > MOST_BLOCKERS:
        for at in range(len(rows) - 1, -1, -1):
            if _closed(space, region, before, set(rows[at:])):
                rows = rows[at:]
                break
    for row in rows[:MOST_BLOCKERS]:
        fewer = [one for one in rows if one != row]
        if _closed(space, region, before, set(fewer)):
            rows = fewer
    return rows


def _closed(space: Space, region: Region, before: list[Path], rows: set[Row]) -> bool:
    try:
        return _Proof(space).escape(region, [path for path in before if path.end in rows]) is None
    except _TooManyStepsError:
        return False


def _try(
    scheme: SchemeTables, space: Space, end: Row, regions: list[Region], random: Random
) -> tuple[Case | None, int]:
    for tried, region in enumerate(regions, start=1):
        case = witness(space, region, random)
        if end_of(scheme, case) == (end.file, end.row):
            return case, tried
    return None, len(regions)


class _Watcher(Walk):
    """A walk that remembers the last row whose condition held."""

    last: tuple[str, int] = ("", 0)

    def holds(self, rule: Mdc | Step | Leaf) -> bool:
        held = super().holds(rule)
        if held:
            self.last = (FILES[type(rule)], rule.row)
        return held


def end_of(scheme: SchemeTables, case: Case) -> tuple[str, int]:
    """The file and row at which the interpreter ends with a case; an empty file for a case that gets no result."""
    if not refused_field(case, scheme.options.newborn_days):
        dx, px = used_codes(scheme, case)
        for procedures, gates in procedure_rounds(scheme, px):
            walk = _Watcher(scheme, case, dx, procedures, gates=gates)
            if walk.run() is not None:
                return walk.last
    return "", 0
