"""Regions 病例的集合: which cases meet a conjunction of conditions, in a form that can be intersected and emptied.

A case has one value in each *dimension*: principal, first procedure, sex, complications, each number and text. Codes
are bits of an integer, numbers and texts fall into cells that no rule of the scheme tells apart. Conditions on sets
of codes (`any`, `other`) and on body sites are kept beside. "Empty" is proved; "not empty" is only likely, so that a
case built from the region has to confirm it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from tongpin.grouping.tables.when import compare
from tongpin.records.case.schema import CASE_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.grouping.tables.when import Atom, Clause

COMPLICATIONS = "complication"
SITES = "sites"
SET_KINDS = frozenset({"dx_any", "dx_other", "px_any", "px_other"})
COUNTS = ("dx_count", "px_count")
UNKNOWN = 1
"""Bit 0 of a code dimension: a code that no list knows (of a principal: also none at all)."""
NO_PROCEDURE = 2
"""Bit 1 of `px_main`: no procedure."""
_FIRST_CODE = 2


class Term(NamedTuple):
    """One condition in masks: a dimension and its cells, a set kind and its codes, or `sites` and a number."""

    kind: str
    mask: int
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Region:
    """Cases that meet a conjunction: allowed cells by dimension, codes wanted and barred, sites within bounds."""

    cells: Mapping[str, int]
    needs: tuple[tuple[str, int], ...] = ()
    barred: Mapping[str, int] = field(default_factory=dict)
    sites: tuple[int, int] = (0, 64)


class Space:
    """The dimensions of a scheme and its conditions in masks."""

    def __init__(self, scheme: SchemeTables) -> None:
        self.scheme = scheme
        dx = {code for codes in scheme.dx_lists.values() for code in codes}
        dx |= {*scheme.mcc, *scheme.cc, *scheme.exclusion, *scheme.sites}
        self.codes = {
            "dx": ["", "", *sorted(dx)],
            "px": ["", "", *sorted({code for codes in scheme.px_lists.values() for code in codes})],
        }
        self._bits = {kind: {code: 1 << at for at, code in enumerate(codes)} for kind, codes in self.codes.items()}
        self._lists: dict[tuple[str, str], int] = {}
        self._terms: dict[Atom, Term] = {}
        self.values = {name: [None, *self._texts(name)] for name in scheme.text_fields}
        self.numbers = {name: self._points(name) for name in scheme.number_fields}
        held = [bool(scheme.mcc), bool(scheme.cc)]
        both = sum(1 << (2 * mcc + cc) for mcc in (0, 1) for cc in (0, 1) if mcc <= held[0] and cc <= held[1])
        self.everything = {
            "dx_main": ((1 << len(self.codes["dx"])) - 1) & ~NO_PROCEDURE,
            "px_main": (1 << len(self.codes["px"])) - 1,
            COMPLICATIONS: both,
            **{name: (1 << len(values)) - 1 for name, values in (self.values | self.numbers).items()},
        }
        self.site_codes = self.mask("dx", scheme.sites)

    def mask(self, kind: str, codes: Iterable[str]) -> int:
        """The bits of codes of a kind (`dx`, `px`)."""
        bits = self._bits[kind]
        data = bytearray(len(self.codes[kind]) // 8 + 1)
        for code in codes:
            at = bits[code].bit_length() - 1
            data[at >> 3] |= 1 << (at & 7)
        return int.from_bytes(data, "little")

    def bit(self, kind: str, code: str) -> int:
        """The bit of a code; 0 for a code that the scheme does not know."""
        return self._bits[kind].get(code, 0)

    def members(self, kind: str, mask: int) -> list[str]:
        """The known codes of a mask, in order."""
        digits = bin(mask)[:1:-1]
        names = self.codes[kind]
        return [names[at] for at in range(_FIRST_CODE, len(digits)) if digits[at] == "1"]

    def atoms(self) -> list[Atom]:
        """Every condition of the scheme."""
        conditions = [mdc.when for mdc in self.scheme.mdcs]
        for mdc in self.scheme.mdcs:
            for step in mdc.steps:
                conditions += [step.when, *(leaf.when for leaf in step.leaves)]
        return [atom for condition in conditions for clause in condition for atom in clause]

    def _texts(self, name: str) -> list[str]:
        return sorted({value for atom in self.atoms() if atom.kind == name for value in atom.values})

    def _points(self, name: str) -> list[float | None]:
        """One value of each cell of a number; None = missing, which the record check does not let pass for age."""
        if name == "sex":
            return [1, 2]
        marks = self._marks(name)
        declared, whole = name not in CASE_SCHEMA.names and name not in COUNTS, _is_whole(name)
        points: list[float] = []
        for at, mark in enumerate(marks):
            below = marks[at - 1] if at else None
            points += [_between(below, mark, whole=whole), mark] if below is not None else [mark - 1, mark]
        points.append(marks[-1] + 1 if marks else 40)
        kept = [one for one in points if (declared or one >= 0) and (not whole or one == int(one))]
        unique: list[float | None] = list(dict.fromkeys(int(one) if one == int(one) else one for one in kept))
        return unique if name in {"age", *COUNTS} else [None, *unique]

    def _marks(self, name: str) -> list[float]:
        always = {0.0, 1.0} if name in COUNTS else set()  # none and one code are told apart in every scheme
        return sorted({atom.number for atom in self.atoms() if atom.kind == name} | always)

    def stands_for_itself(self, name: str, cell: int) -> bool:
        """Whether a cell of a number can be told by its one value: it is a threshold, or the number is whole."""
        return _is_whole(name) or self.numbers[name][cell] in self._marks(name)

    def term(self, atom: Atom) -> Term:
        """A condition in masks."""
        known = self._terms.get(atom)
        if known is None:
            known = self._terms[atom] = self._term(atom)
        return known

    def _term(self, atom: Atom) -> Term:
        if atom.list_name:
            kind = atom.kind[:2]
            key = (kind, atom.list_name)
            if key not in self._lists:
                self._lists[key] = self.mask(kind, self.scheme.listed(atom))
            listed = self._lists[key]
            if atom.kind in SET_KINDS:
                return Term(atom.kind, listed, not atom.negated)
            return Term(atom.kind, self.everything[atom.kind] & ~listed if atom.negated else listed)
        if atom.kind in {"mcc", "cc"}:
            bit = 2 if atom.kind == "mcc" else 1
            chosen = sum(1 << at for at in range(4) if bool(at & bit) != atom.negated)
            return Term(COMPLICATIONS, chosen & self.everything[COMPLICATIONS])
        if atom.op:
            tests = [one is not None and compare(one, atom.op, atom.number) for one in self.numbers[atom.kind]]
        else:
            tests = [one in atom.values for one in self.values[atom.kind]]
        return Term(atom.kind, sum(1 << at for at, held in enumerate(tests) if held != atom.negated))

    def terms(self, clause: Clause) -> tuple[Term, ...]:
        """A conjunction in masks."""
        return tuple(self.term(atom) for atom in clause)

    def negation(self, term: Term) -> Term:
        """The opposite of a condition."""
        if term.kind in SET_KINDS or term.kind == SITES:
            return term._replace(wanted=not term.wanted)
        return term._replace(mask=self.everything[term.kind] & ~term.mask)

    def whole(self) -> Region:
        """All cases that pass the record check."""
        return Region(self.everything)

    def meet(self, region: Region, terms: Iterable[Term]) -> Region | None:
        """The cases of a region that meet the conditions too; None = proved to be none."""
        cells = dict(region.cells)
        needs, barred, (low, high) = list(region.needs), dict(region.barred), region.sites
        for term in terms:
            if term.kind == SITES:
                low, high = (max(low, term.mask), high) if term.wanted else (low, min(high, term.mask - 1))
            elif term.kind not in SET_KINDS:
                cells[term.kind] &= term.mask
                if not cells[term.kind]:
                    return None
            elif term.wanted:
                needs.append((term.kind, term.mask))
            else:
                barred[term.kind] = barred.get(term.kind, 0) | term.mask
        found = replace(region, cells=cells, needs=tuple(dict.fromkeys(needs)), barred=barred, sites=(low, high))
        return found if self._settle(found, cells) else None

    def _settle(self, region: Region, cells: dict[str, int]) -> bool:
        """Draw the plain consequences of the set conditions; false when nothing is left."""
        for kind in ("dx", "px"):
            cells[f"{kind}_main"] &= ~region.barred.get(f"{kind}_any", 0)
        if any(kind[:2] == "px" for kind, _ in region.needs):
            cells["px_main"] &= ~NO_PROCEDURE
        if not cells["px_count"] & self.term_of("px_count", "==", 0):
            cells["px_main"] &= ~NO_PROCEDURE
        if cells["px_main"] == NO_PROCEDURE:
            cells["px_count"] &= self.term_of("px_count", "==", 0)
        elif not cells["px_main"] & NO_PROCEDURE:
            cells["px_count"] &= self.term_of("px_count", ">=", 1)
        if not cells["dx_count"] & ~self.term_of("dx_count", "==", 0):
            cells["dx_main"] &= UNKNOWN
        if not cells["dx_main"] & UNKNOWN:
            cells["dx_count"] &= self.term_of("dx_count", ">=", 1)
        low, high = region.sites
        most = len(set(self.scheme.sites.values()))
        certain = bool(most) and not cells["dx_main"] & ~self.site_codes
        if low > min(high, most) or (certain and high < 1):
            return False
        if not all(self._codes_for(region, kind, mask) for kind, mask in region.needs):
            return False
        return all(cells.values())

    def term_of(self, name: str, op: str, number: float) -> int:
        """The cells of a number that a comparison allows."""
        return sum(1 << at for at, one in enumerate(self.numbers[name]) if one is not None and compare(one, op, number))

    def _codes_for(self, region: Region, kind: str, mask: int) -> int:
        """The codes with which a wanted set condition can still be met."""
        free = mask & ~region.barred.get(f"{kind[:2]}_any", 0) & ~region.barred.get(f"{kind[:2]}_other", 0)
        return free | (region.cells[f"{kind[:2]}_main"] & mask) if kind.endswith("any") else free

    def verdict(self, region: Region, term: Term) -> bool | None:
        """Whether every case of the region meets the condition (true), none does (false), or it depends (None)."""
        if term.kind == SITES:
            low, high = region.sites
            if not region.cells["dx_main"] & ~self.site_codes:
                low = max(low, 1)
            held = True if low >= term.mask else False if high < term.mask else None
            return held if held is None else held == term.wanted
        if term.kind not in SET_KINDS:
            cells = region.cells[term.kind]
            common = cells & term.mask
            return True if common == cells else None if common else False
        met = self._set_verdict(region, term)
        return met if met is None else met == term.wanted

    def _set_verdict(self, region: Region, term: Term) -> bool | None:
        kind = term.kind[:2]
        main = region.cells[f"{kind}_main"]
        is_any = term.kind.endswith("any")
        if is_any and not main & ~term.mask:
            return True
        for need, mask in region.needs:
            if need[:2] == kind:
                possible = self._codes_for(region, need, mask)
                beside = is_any or need.endswith("other") or not main & mask
                if beside and not possible & ~term.mask:
                    return True
        if not self._codes_for(region, term.kind, term.mask) or (kind == "px" and main == NO_PROCEDURE):
            return False
        return None


def _is_whole(name: str) -> bool:
    return name in COUNTS or (name in CASE_SCHEMA.names and pa.types.is_integer(CASE_SCHEMA.field(name).type))


def _between(below: float, above: float, *, whole: bool) -> float:
    return below + 1 if whole and below + 1 < above else (below + above) / 2
