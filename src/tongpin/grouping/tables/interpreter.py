"""The interpreter 解释器: one case through the tables, first match wins; slow and obviously correct.

It is the reference that the kernel is compared with; `tongpin.grouping.explain` watches its walk to tell the path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tongpin.grouping.tables.model import Outcome, Status
from tongpin.grouping.tables.when import compare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.grouping.tables.model import Leaf, Mdc, SchemeTables, Step
    from tongpin.grouping.tables.when import Atom


@dataclass(frozen=True, slots=True)
class Case:
    """What grouping reads of a case; None = missing, codes principal first."""

    sex: int | None = None
    age: float | None = None
    age_days: float | None = None
    birth_weight: float | None = None
    dept: str | None = None
    los: float | None = None
    discharge_way: str | None = None
    icu_hours: float | None = None
    dx: tuple[str, ...] = ()
    px: tuple[str, ...] = ()
    code_map: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Values of the fields that a scheme declares, by name."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Case:
        """The case of one row of a case table (as `to_pylist` gives it); a column that is absent counts as missing."""
        plain = ("sex", "age", "age_days", "birth_weight", "dept", "los", "discharge_way", "icu_hours")
        dx, px = (tuple(row.get(name) or ()) for name in ("dx", "px"))
        own = {*plain, "dx", "px", "code_map"}
        extra = {name: value for name, value in row.items() if name not in own}
        return cls(
            **{name: row.get(name) for name in plain}, dx=dx, px=px, code_map=row.get("code_map") == 1, extra=extra
        )

    def value(self, name: str) -> Any:
        """What a condition on a number or text field compares; None = missing."""
        if name == "dx_count":
            return len(self.dx)
        if name == "px_count":
            return len(self.px)
        return getattr(self, name) if name in _OWN_FIELDS else self.extra.get(name)


_OWN_FIELDS = frozenset({"sex", "age", "age_days", "birth_weight", "dept", "los", "discharge_way", "icu_hours"})


def interpret(scheme: SchemeTables, case: Case) -> Outcome:
    """Group one case by the tables, rule after rule (order: code map, record check, MDCs, steps, leaves)."""
    options = scheme.options
    unmapped, _ = unmapped_code(scheme, case)
    if unmapped:
        return Outcome(Status.DX_NOT_MAPPED if unmapped == "dx" else Status.PX_NOT_MAPPED, *options.rejected)
    if refused_field(case, options.newborn_days):
        return Outcome(Status.CHECK_FAILED, *options.rejected)
    dx, px = used_codes(scheme, case)
    for procedures, gates in procedure_rounds(scheme, px):
        found = Walk(scheme, case, dx, procedures, gates=gates).run()
        if found is not None:
            return found
    return Outcome(Status.UNGROUPED, *options.ungrouped)


def unmapped_code(scheme: SchemeTables, case: Case) -> tuple[str, str]:
    """The field (`dx`, `px`) and the first code that the code map does not know; two empty texts when there is none."""
    if case.code_map:
        for name, codes, code_map in (("dx", case.dx or ("",), scheme.dx_map), ("px", case.px, scheme.px_map)):
            for code in codes:
                if code not in code_map:
                    return name, code
    return "", ""


def used_codes(scheme: SchemeTables, case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The diagnoses and procedures that grouping reads: translated once where the case asks for it.

    A case without diagnoses carries the empty code.
    """
    dx, px = case.dx or ("",), case.px
    if case.code_map:
        return tuple(scheme.dx_map[code] for code in dx), tuple(scheme.px_map[code] for code in px)
    return dx, px


def refused_field(case: Case, newborn_days: int) -> str:
    """The field at which the record check stops; empty when the record passes."""
    if case.sex not in {1, 2}:
        return "sex"
    if _is_missing(case.age):
        return "age"
    if case.age != 0:
        return ""
    if case.age_days is None or _is_missing(case.age_days):
        return "age_days"
    return "birth_weight" if case.age_days <= newborn_days and _is_missing(case.birth_weight) else ""


def _is_missing(value: float | None) -> bool:
    """None, or NaN: a table of floats has no other way to say so."""
    return value is None or value != value  # noqa: PLR0124 - what only NaN is


def procedure_rounds(scheme: SchemeTables, px: tuple[str, ...]) -> list[tuple[tuple[str, ...], bool]]:
    """The procedures of each walk and whether gates are on: all of them, then (`retry_other_px`) each other alone."""
    again = px[1:] if scheme.options.retry_other_px else ()
    return [(px, True), *(((other,), False) for other in again)]


class Walk:
    """One walk through the MDCs with a fixed list of procedures; a watcher overrides what it wants to see."""

    def __init__(
        self, scheme: SchemeTables, case: Case, dx: tuple[str, ...], px: tuple[str, ...], *, gates: bool
    ) -> None:
        """`dx` and `px` are the codes to be used (translated), `gates` whether ambiguous groups can be a result."""
        self.scheme = scheme
        self.case = case
        self.dx = dx
        self.px = px
        self.gates = gates

    def run(self) -> Outcome | None:
        """The outcome of the first MDC that gives one; None when none does."""
        for mdc in self.scheme.mdcs:
            if self.enters(mdc):
                outcome = self._steps(mdc)
                if outcome is not None:
                    return outcome
                if self.scheme.options.mdc_without_group == "stop":
                    return Outcome(Status.UNGROUPED, *self.scheme.options.ungrouped)
        return None

    def enters(self, mdc: Mdc) -> bool:
        """Whether the case meets the entry condition and has the body sites that the MDC wants."""
        return self.holds(mdc) and (mdc.min_sites == 0 or self.site_count() >= mdc.min_sites)

    def holds(self, rule: Mdc | Step | Leaf) -> bool:
        """Whether one alternative of the condition of an MDC, a step or a leaf holds."""
        return any(all(self.truth(atom) != atom.negated for atom in clause) for clause in rule.when)

    def _steps(self, mdc: Mdc) -> Outcome | None:
        for step in mdc.steps:
            if step.is_gate:
                if self.gates and self.holds(step):
                    suffix = self.scheme.options.ambiguous_suffix
                    return Outcome(Status.AMBIGUOUS, mdc.code, suffix, f"{mdc.letter}{suffix}")
            elif self.holds(step):
                outcome = self._leaves(mdc, step)
                if outcome is not None:
                    return outcome
        return None

    def _leaves(self, mdc: Mdc, step: Step) -> Outcome | None:
        for leaf in step.leaves:
            if self.holds(leaf):
                return Outcome(Status.GROUPED, mdc.code, step.adrg, leaf.drg)
        if self.scheme.options.adrg_without_leaf == "stop":
            return Outcome(Status.GROUPED, mdc.code, step.adrg, step.adrg)
        return None

    def truth(self, atom: Atom) -> bool:
        """Whether what the atom names is there, its negation left aside."""
        if atom.list_name:
            return bool(self.codes(atom))
        if atom.kind in {"mcc", "cc"}:
            return bool(self.complications(atom.kind))
        value = self.case.value(atom.kind)
        if atom.op:
            return value is not None and compare(value, atom.op, atom.number)
        return value in atom.values

    def codes(self, atom: Atom) -> list[str]:
        """The codes of the case, at the place that the atom names, which are in its list."""
        what, _, place = atom.kind.partition("_")
        codes = self.dx if what == "dx" else self.px
        candidates = {"main": codes[:1], "any": codes, "other": codes[1:]}[place]
        listed = self.scheme.listed(atom)
        return [code for code in candidates if code in listed]

    def complications(self, kind: str) -> list[str]:
        """The secondaries that count as `mcc` or `cc`: listed, and not in the exclusion table of the principal."""
        table = self.scheme.mcc if kind == "mcc" else self.scheme.cc
        principal = self.scheme.exclusion.get(self.dx[0])
        return [code for code in self.dx[1:] if code in table and (principal is None or table[code] != principal)]

    def site_count(self) -> int:
        """How many different body sites the diagnoses have."""
        return len({self.scheme.sites[code] for code in self.dx if code in self.scheme.sites})
