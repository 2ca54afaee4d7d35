"""The traced walk 入组路径: the interpreter's walk, watched; every rule that was tried and every fact it rested on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tongpin.grouping.tables.interpreter import Walk, procedure_rounds, refused_field, unmapped_code, used_codes
from tongpin.grouping.tables.model import Leaf, Mdc, Outcome, Status

if TYPE_CHECKING:
    from tongpin.grouping.tables.interpreter import Case
    from tongpin.grouping.tables.model import SchemeTables, Step
    from tongpin.grouping.tables.when import Atom

FORMAT = 1
"""The version of the JSON shape of an explanation; raised when a key changes its meaning."""

CASE_FIELDS = ("sex", "age", "age_days", "birth_weight", "dept", "los", "discharge_way", "icu_hours")


@dataclass(frozen=True, slots=True)
class Fact:
    """What the case has for one condition: the `codes` that are in its list (or count), or the `value` compared.

    `held` is the truth of the condition as written, negation included.
    """

    atom: Atom
    held: bool
    codes: tuple[str, ...] | None
    value: Any = None

    def as_dict(self) -> dict[str, Any]:
        """The fact as plain data: the condition as written, and the codes or the value."""
        if self.codes is not None:
            return {"atom": str(self.atom), "codes": list(self.codes)}
        return {"atom": str(self.atom), "value": self.value}


@dataclass(frozen=True, slots=True)
class Tried:
    """One rule that was tried: an MDC, an ADRG rule, a gate (`ambiguous`) or a leaf (`drg`).

    `clauses` are the alternatives of its condition up to the first that holds. `sites` are the body sites of the
    diagnoses where the MDC counts them. `led` says whether the result came through this rule. The level
    `adrg_without_leaf` is the result of an ADRG none of whose leaves holds.
    """

    round: int
    level: str
    mdc: str
    code: str
    name: str
    row: int
    held: bool
    clauses: tuple[tuple[Fact, ...], ...]
    sites_needed: int = 0
    sites: tuple[tuple[str, str], ...] = ()
    led: bool = False

    @property
    def because(self) -> tuple[Fact, ...]:
        """The facts of the alternative that holds; none for a rule without condition or one that failed."""
        return next((clause for clause in self.clauses if all(fact.held for fact in clause)), ())

    @property
    def is_by_procedure(self) -> bool:
        """Whether it held for its procedures alone: many operated cases do, it says nothing of the diagnosis."""
        return {fact.atom.kind[:3] for fact in self.because if fact.atom.list_name} == {"px_"}

    @property
    def refused_by(self) -> str:
        """What keeps a diagnosis of its own out: the kind of condition, or `sites`; empty for any other miss."""
        if self.held:
            return ""
        if self.because:
            return "sites"
        for clause in self.clauses:
            lists = [fact for fact in clause if fact.atom.kind.startswith("dx_") and fact.atom.list_name]
            if lists and all(fact.held for fact in lists):
                return next(fact.atom.kind for fact in clause if not fact.held)
        return ""

    def as_dict(self) -> dict[str, Any]:
        """The rule as plain data: `because` when it held, else the conditions that `failed`, per alternative."""
        data: dict[str, Any] = {"level": self.level, "code": self.code, "name": self.name, "row": self.row}
        if self.round:
            data["round"] = self.round
        if self.held:
            data |= {"because": [fact.as_dict() for fact in self.because], "led": self.led}
        else:
            failed = [[fact.as_dict() for fact in clause if not fact.held] for clause in self.clauses]
            data |= {"mdc": self.mdc, "failed": [clause for clause in failed if clause]}
        if self.sites_needed and self.because:
            data["sites"] = {"needed": self.sites_needed, "of": dict(self.sites)}
        return data


@dataclass(frozen=True, slots=True)
class Round:
    """One walk: its procedures, whether gates were on, the truth of every condition asked and the sites counted."""

    px: tuple[str, ...]
    gates: bool
    truths: dict[str, bool]
    site_count: int | None

    def as_dict(self) -> dict[str, Any]:
        """The round as plain data; conditions are named without negation."""
        return {
            "px": list(self.px),
            "gates": self.gates,
            "true": [atom for atom, truth in self.truths.items() if truth],
            "false": [atom for atom, truth in self.truths.items() if not truth],
            "site_count": self.site_count,
        }


@dataclass(frozen=True, slots=True)
class Complication:
    """A secondary diagnosis and its part: `kind` is `mcc`, `cc` or empty.

    `state`: `counted` (the group rests on it), `listed` (it counts, but no rule of the path asked), `excluded` (the
    principal is in the same exclusion table) or `none`.
    """

    position: int
    code: str
    kind: str
    table: str
    state: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about how a case came to its outcome; `dx` and `px` are the codes used, after the code map."""

    tables: SchemeTables = field(repr=False)
    case: Case
    outcome: Outcome
    dx: tuple[str, ...]
    px: tuple[str, ...]
    unmapped: tuple[str, str]
    refused: str
    rounds: tuple[Round, ...]
    tried: tuple[Tried, ...]

    @property
    def name(self) -> str:
        """The name of the group; empty without one."""
        return self.tables.drg_names.get(self.outcome.drg, "")

    @property
    def path(self) -> list[Tried]:
        """The rules that held, in order, also those which led to nothing."""
        return [rule for rule in self.tried if rule.held]

    @property
    def misses(self) -> list[Tried]:
        """The rules that did not hold, in order."""
        return [rule for rule in self.tried if not rule.held]

    @property
    def near_misses(self) -> list[Tried]:
        """The rules that did not hold within the MDC of the result, in the walk that gave it.

        Without a result: those within the MDCs entered for a diagnosis, else the MDCs that refused one of their own.
        """
        if self.has_led:
            last = len(self.rounds) - 1
            return [r for r in self.misses if r.level != "mdc" and r.mdc == self.outcome.mdc and r.round == last]
        entered = {rule.code for rule in self.path if rule.level == "mdc" and not rule.is_by_procedure}
        if entered:
            return [rule for rule in self.misses if rule.level != "mdc" and rule.mdc in entered]
        return [rule for rule in self.misses if rule.level == "mdc" and rule.refused_by]

    @property
    def has_led(self) -> bool:
        """Whether a rule gave the result: the case is grouped or ambiguous."""
        return any(rule.led for rule in self.tried)

    @property
    def principal_table(self) -> str:
        """The exclusion table of the principal diagnosis; empty without one."""
        return self.tables.exclusion.get(self.dx[0], "")

    @property
    def complications(self) -> list[Complication]:
        """Every secondary diagnosis with its part, once per list that it is in."""
        used = {code for rule in self.path if rule.led for fact in rule.because for code in _complicating(fact)}
        found = []
        for position, code in enumerate(self.dx[1:], start=2):
            lists = [
                (kind, table[code])
                for kind, table in (("mcc", self.tables.mcc), ("cc", self.tables.cc))
                if code in table
            ]
            for kind, table in lists or [("", "")]:
                if not kind:
                    state = "none"
                elif self.principal_table == table and self.dx[0] in self.tables.exclusion:
                    state = "excluded"
                else:
                    state = "counted" if (kind, code) in used else "listed"
                found.append(Complication(position, code, kind, table, state))
        return found

    def as_dict(self, *, full: bool = False) -> dict[str, Any]:
        """The explanation as JSON data of the documented shape; `full` carries every rule that failed on the way."""
        from tongpin.grouping.explain.reasons import reason_from

        reason = reason_from(self)
        case, tables = self.case, self.tables
        fields = {name: getattr(case, name) for name in CASE_FIELDS}
        fields |= {one.name: case.extra.get(one.name) for one in tables.fields}
        return {
            "format": FORMAT,
            "scheme": tables.scheme_id,
            "scheme_digest": tables.digest,
            "status": str(self.outcome.status),
            "mdc": self.outcome.mdc,
            "adrg": self.outcome.adrg,
            "drg": self.outcome.drg,
            "name": self.name,
            "reason": {"code": reason.code, "label": reason.label, "detail": reason.detail},
            "input": {
                **fields,
                "code_map": int(case.code_map),
                "dx": _codes(case.dx, self.dx, tables.dx_names),
                "px": _codes(case.px, self.px, tables.px_names),
            },
            "refused_field": self.refused,
            "unmapped": dict(zip(("field", "code"), self.unmapped, strict=True)) if self.unmapped[0] else None,
            "path": [rule.as_dict() for rule in self.path],
            "misses": [rule.as_dict() for rule in (self.misses if full else self.near_misses)],
            "complications": [
                {
                    "position": one.position,
                    "code": one.code,
                    "name": tables.dx_names.get(one.code, ""),
                    "kind": one.kind,
                    "table": one.table,
                    "state": one.state,
                    "principal": self.dx[0] if one.state == "excluded" else "",
                }
                for one in self.complications
                if one.kind
            ],
            "rounds": [one.as_dict() for one in self.rounds],
        }


def _complicating(fact: Fact) -> list[tuple[str, str]]:
    if fact.atom.kind not in {"mcc", "cc"} or fact.atom.negated:
        return []
    return [(fact.atom.kind, code) for code in fact.codes or ()]


def _codes(given: tuple[str, ...], used: tuple[str, ...], names: dict[str, str]) -> list[dict[str, str]]:
    """The codes as used, with names; `given` is told where the code map changed it."""
    return [
        {"code": code, "name": names.get(code, ""), **({"given": before} if before != code else {})}
        for before, code in zip(given, used, strict=False)
    ]


def explain(tables: SchemeTables, case: Case) -> Explanation:
    """How a case comes to its outcome: the interpreter's own walk, with every rule tried and every fact it rested on.

    Pure; the outcome is that of `interpreter.interpret` (S004-03).
    """
    options = tables.options
    unmapped = unmapped_code(tables, case)
    if unmapped[0]:
        status = Status.DX_NOT_MAPPED if unmapped[0] == "dx" else Status.PX_NOT_MAPPED
        dx, px = case.dx or ("",), case.px
        return Explanation(tables, case, Outcome(status, *options.rejected), dx, px, unmapped, "", (), ())
    dx, px = used_codes(tables, case)
    refused = refused_field(case, options.newborn_days)
    if refused:
        outcome = Outcome(Status.CHECK_FAILED, *options.rejected)
        return Explanation(tables, case, outcome, dx, px, unmapped, refused, (), ())
    tried: list[Tried] = []
    rounds: list[Round] = []
    found = None
    for number, (procedures, gates) in enumerate(procedure_rounds(tables, px)):
        walk = _WatchedWalk(tables, case, dx, procedures, gates=gates, number=number)
        found = walk.run()
        walk.mark(found)
        tried += walk.tried
        rounds.append(Round(procedures, gates, walk.truths, walk.sites_counted))
        if found is not None:
            break
    outcome = found or Outcome(Status.UNGROUPED, *options.ungrouped)
    return Explanation(tables, case, outcome, dx, px, unmapped, "", tuple(rounds), tuple(tried))


def fact_of(walk: Walk, atom: Atom) -> Fact:
    """What the case of a walk has for a condition."""
    if atom.list_name or atom.kind in {"mcc", "cc"}:
        codes = walk.codes(atom) if atom.list_name else walk.complications(atom.kind)
        return Fact(atom, bool(codes) != atom.negated, tuple(codes))
    return Fact(atom, walk.truth(atom) != atom.negated, None, walk.case.value(atom.kind))


class _WatchedWalk(Walk):
    """The walk of the interpreter; it keeps every rule that it tries, with all facts of a clause, also after a miss."""

    def __init__(
        self,
        tables: SchemeTables,
        case: Case,
        dx: tuple[str, ...],
        px: tuple[str, ...],
        *,
        gates: bool,
        number: int,
    ) -> None:
        super().__init__(tables, case, dx, px, gates=gates)
        self.number = number
        self.tried: list[Tried] = []
        self.truths: dict[str, bool] = {}
        self.sites_counted: int | None = None
        self._facts: dict[Atom, Fact] = {}
        self._mdc: Mdc = tables.mdcs[0]

    def enters(self, mdc: Mdc) -> bool:
        """Keeps whether the MDC was entered, which its body sites may refuse."""
        entered = super().enters(mdc)
        if not entered and self.tried[-1].held:
            self.tried[-1] = replace(self.tried[-1], held=False)
        return entered

    def site_count(self) -> int:
        """Keeps the count."""
        self.sites_counted = super().site_count()
        return self.sites_counted

    def holds(self, rule: Mdc | Step | Leaf) -> bool:
        """Keeps the rule with its facts."""
        clauses: list[tuple[Fact, ...]] = []
        held = False
        for clause in rule.when:
            facts = tuple([self._fact(atom) for atom in clause])
            clauses.append(facts)
            held = all(fact.held for fact in facts)
            if held:
                break
        needed = 0
        sites: tuple[tuple[str, str], ...] = ()
        if isinstance(rule, Mdc):
            self._mdc = rule
            level, code, needed = "mdc", rule.code, rule.min_sites
            if needed:
                sites = tuple((code, self.scheme.sites[code]) for code in self.dx if code in self.scheme.sites)
        elif isinstance(rule, Leaf):
            level, code = "drg", rule.drg
        elif rule.is_gate:
            level, code = "ambiguous", f"{self._mdc.letter}{self.scheme.options.ambiguous_suffix}"
        else:
            level, code = "adrg", rule.rule
        self.tried.append(
            Tried(self.number, level, self._mdc.code, code, rule.name, rule.row, held, tuple(clauses), needed, sites)
        )
        return held

    def _fact(self, atom: Atom) -> Fact:
        known = self._facts.get(atom)
        if known is None:
            known = self._facts[atom] = fact_of(self, atom)
            self.truths[str(atom).removeprefix("!")] = known.held != atom.negated
        return known

    def mark(self, found: Outcome | None) -> None:
        """Mark the rules that led to the outcome of this walk: the last that held of each level, from the MDC down."""
        if found is None or found.status == Status.UNGROUPED:
            return
        at = {rule.level: index for index, rule in enumerate(self.tried) if rule.held}
        step = at["ambiguous"] if found.status == Status.AMBIGUOUS else at["adrg"]
        leading = [at["mdc"], step]
        if found.status == Status.GROUPED:
            last = self.tried[-1]
            if last.level == "drg" and last.held:
                leading.append(len(self.tried) - 1)
            else:
                rule = self.tried[step]
                kept = replace(rule, level="adrg_without_leaf", code=found.drg, clauses=(), led=True)
                self.tried.append(kept)
        for index in leading:
            self.tried[index] = replace(self.tried[index], led=True)
