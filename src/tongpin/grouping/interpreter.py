"""The interpreter 解释器: one case through the tables, first match wins; slow and obviously correct.

It is the reference that the kernel is compared with, and it tells the path it took.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tongpin.grouping.model import Outcome, Status
from tongpin.grouping.when import compare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.grouping.model import Mdc, SchemeTables, Step
    from tongpin.grouping.when import Atom, Condition


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


@dataclass(slots=True)
class Explanation:
    """The path of a case: the steps entered, the codes that met each list, the complications that counted."""

    outcome: Outcome | None = None
    path: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The explanation as plain data for JSON."""
        if self.outcome is None:
            raise ValueError("an explanation is read after the case was interpreted")
        return {
            "status": self.outcome.status,
            "mdc": self.outcome.mdc,
            "adrg": self.outcome.adrg,
            "drg": self.outcome.drg,
            "path": self.path,
        }


def interpret(scheme: SchemeTables, case: Case, explanation: Explanation | None = None) -> Outcome:
    """Group one case by the tables, rule after rule (order: code map, record check, MDCs, steps, leaves)."""
    outcome = _outcome(scheme, case, explanation)
    if explanation is not None:
        explanation.outcome = outcome
    return outcome


def explain(scheme: SchemeTables, case: Case) -> dict[str, Any]:
    """The group of a case and the path that led to it, as plain data."""
    explanation = Explanation()
    interpret(scheme, case, explanation)
    return explanation.as_dict()


def _outcome(scheme: SchemeTables, case: Case, explanation: Explanation | None) -> Outcome:
    options = scheme.options
    dx, px = case.dx or ("",), case.px
    if case.code_map:
        if any(code not in scheme.dx_map for code in dx):
            return Outcome(Status.DX_NOT_MAPPED, *options.rejected)
        if any(code not in scheme.px_map for code in px):
            return Outcome(Status.PX_NOT_MAPPED, *options.rejected)
        dx = tuple(scheme.dx_map[code] for code in dx)
        px = tuple(scheme.px_map[code] for code in px)
    if not _record_is_complete(case, options.newborn_days):
        return Outcome(Status.CHECK_FAILED, *options.rejected)
    found = _Pass(scheme, case, dx, px, explanation, gates=True).run()
    if found is None and options.retry_other_px:
        for other in px[1:]:
            found = _Pass(scheme, case, dx, (other,), explanation, gates=False).run()
            if found is not None:
                break
    return found or Outcome(Status.UNGROUPED, *options.ungrouped)


def _record_is_complete(case: Case, newborn_days: int) -> bool:
    if case.sex not in {1, 2} or case.age is None:
        return False
    if case.age != 0:
        return True
    if case.age_days is None:
        return False
    return case.age_days > newborn_days or case.birth_weight is not None


class _Pass:
    """One walk through the MDCs with a fixed list of procedures."""

    def __init__(
        self,
        scheme: SchemeTables,
        case: Case,
        dx: tuple[str, ...],
        px: tuple[str, ...],
        explanation: Explanation | None,
        *,
        gates: bool,
    ) -> None:
        self.scheme = scheme
        self.case = case
        self.dx = dx
        self.px = px
        self.gates = gates
        self.path = explanation.path if explanation is not None else None

    def run(self) -> Outcome | None:
        for mdc in self.scheme.mdcs:
            if self._enters(mdc):
                self._note("mdc", mdc.code, mdc.name, mdc.when)
                outcome = self._steps(mdc)
                if outcome is not None:
                    return outcome
                if self.scheme.options.mdc_without_group == "stop":
                    return Outcome(Status.UNGROUPED, *self.scheme.options.ungrouped)
        return None

    def _enters(self, mdc: Mdc) -> bool:
        if not self._holds(mdc.when):
            return False
        if mdc.min_sites == 0:
            return True
        sites = {self.scheme.sites[code] for code in self.dx if code in self.scheme.sites}
        return len(sites) >= mdc.min_sites

    def _steps(self, mdc: Mdc) -> Outcome | None:
        for step in mdc.steps:
            if step.is_gate:
                if self.gates and self._holds(step.when):
                    suffix = self.scheme.options.ambiguous_suffix
                    self._note("ambiguous", f"{mdc.letter}{suffix}", step.name, step.when)
                    return Outcome(Status.AMBIGUOUS, mdc.code, suffix, f"{mdc.letter}{suffix}")
            elif self._holds(step.when):
                self._note("adrg", step.rule, step.name, step.when)
                outcome = self._leaves(mdc, step)
                if outcome is not None:
                    return outcome
        return None

    def _leaves(self, mdc: Mdc, step: Step) -> Outcome | None:
        for leaf in step.leaves:
            if self._holds(leaf.when):
                self._note("drg", leaf.drg, leaf.name, leaf.when)
                return Outcome(Status.GROUPED, mdc.code, step.adrg, leaf.drg)
        if self.scheme.options.adrg_without_leaf == "stop":
            self._note("adrg_without_leaf", step.adrg, step.name, ())
            return Outcome(Status.GROUPED, mdc.code, step.adrg, step.adrg)
        return None

    def _holds(self, condition: Condition) -> bool:
        return any(all(self._atom(atom) for atom in clause) for clause in condition)

    def _atom(self, atom: Atom) -> bool:
        return self._value(atom) != atom.negated

    def _value(self, atom: Atom) -> bool:
        if atom.list_name:
            return bool(self._codes(atom))
        if atom.kind in {"mcc", "cc"}:
            return bool(self._complications(atom.kind))
        value = self.case.value(atom.kind)
        if atom.op:
            return value is not None and compare(value, atom.op, atom.number)
        return value in atom.values

    def _codes(self, atom: Atom) -> list[str]:
        what, _, place = atom.kind.partition("_")
        codes = self.dx if what == "dx" else self.px
        candidates = {"main": codes[:1], "any": codes, "other": codes[1:]}[place]
        listed = self.scheme.listed(atom)
        return [code for code in candidates if code in listed]

    def _complications(self, kind: str) -> list[str]:
        table = self.scheme.mcc if kind == "mcc" else self.scheme.cc
        principal = self.scheme.exclusion.get(self.dx[0])
        return [code for code in self.dx[1:] if code in table and (principal is None or table[code] != principal)]

    def _note(self, level: str, code: str, name: str, when: Condition) -> None:
        if self.path is None:
            return
        met: list[dict[str, Any]] = []
        for clause in when:
            if all(self._atom(atom) for atom in clause):
                met = [self._evidence(atom) for atom in clause]
                break
        self.path.append({"level": level, "code": code, "name": name, "because": met})

    def _evidence(self, atom: Atom) -> dict[str, Any]:
        if atom.list_name:
            return {"atom": str(atom), "codes": self._codes(atom)}
        if atom.kind in {"mcc", "cc"}:
            return {"atom": str(atom), "codes": self._complications(atom.kind)}
        return {"atom": str(atom), "value": self.case.value(atom.kind)}
