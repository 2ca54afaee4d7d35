"""The compiler 编译: a scheme becomes one flat, ordered list of rules and bitset tables for the kernel.

Every path MDC → step → leaf is a conjunction; a path with alternatives becomes several neighbouring rules with the
same result. Bit r of a row says that rule r does not object to this principal code, this first procedure or this
context value. The first rule to which nobody objects, and whose few set-valued conditions hold, is the answer.

- Codes that the same `main` lists hold are one class, with one row; some thousand codes make some hundred rows.
- The context is sex, complications, numbers and texts. Each splits its values into cells that no rule can tell
  apart (a number: missing, below, at and above each threshold); a case is in one cell of each.
- Conditions on sets of codes (`SPECIALS`) and on the number of body sites cannot be told from one value. The rows do
  not know them; the kernel checks them on the rules that survive, in order.
- Bits past the last rule are 0 in every row of `dx_rows`, so the kernel never meets a rule that is not there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tongpin.base.errors import SchemeError
from tongpin.grouping.model import Status
from tongpin.grouping.when import ALWAYS, compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from tongpin.grouping.model import SchemeTables
    from tongpin.grouping.when import Atom, Clause, Condition

WORD = 64
LEADING_NUMBERS = ("age", "age_days", "birth_weight")
"""The numbers that the record check reads; they stand first in every compiled scheme."""
SPECIALS = ("dx_any", "dx_other", "px_any", "px_other")
"""Conditions on sets of codes: per rule, the lists that must (need) and must not (forbid) be met, one mask a kind."""


class Rule(NamedTuple):
    """One conjunction of the flat list and the result it leads to."""

    atoms: Clause
    min_sites: int
    is_gate: bool
    outcome: int


@dataclass(slots=True)
class CompiledScheme:
    """A scheme as arrays; code id 0 is every code that the scheme does not know.

    Shapes: `dx_rows` and `px_rows` (classes, words), `context_rows` (cells, words), `*_class`, `*_table` and `site_bit`
    (codes,), `*_member` (codes, member words: the lists of `SPECIALS` that hold the code), `special_*` (rules, kinds,
    member words). `*_start` is the first cell of a context dimension. Outcomes are indices into `statuses, mdcs, adrgs,
    drgs`.
    """

    dx_ids: dict[str, int]
    px_ids: dict[str, int]
    dx_map_ids: dict[str, int]
    px_map_ids: dict[str, int]
    dx_class: npt.NDArray[np.int32]
    px_class: npt.NDArray[np.int32]
    dx_rows: npt.NDArray[np.uint64]
    px_rows: npt.NDArray[np.uint64]
    dx_member: npt.NDArray[np.uint64]
    px_member: npt.NDArray[np.uint64]
    mcc_table: npt.NDArray[np.int32]
    cc_table: npt.NDArray[np.int32]
    exclusion_table: npt.NDArray[np.int32]
    site_bit: npt.NDArray[np.uint64]
    context_rows: npt.NDArray[np.uint64]
    sex_start: int
    complication_start: int
    number_fields: list[str]
    number_thresholds: npt.NDArray[np.float64]
    number_counts: npt.NDArray[np.int64]
    number_starts: npt.NDArray[np.int64]
    text_fields: list[str]
    text_values: dict[str, dict[str, int]]
    text_starts: npt.NDArray[np.int64]
    special_need: npt.NDArray[np.uint64]
    special_forbid: npt.NDArray[np.uint64]
    is_special: npt.NDArray[np.bool_]
    rule_min_sites: npt.NDArray[np.int64]
    no_gates: npt.NDArray[np.uint64]
    rule_outcome: npt.NDArray[np.int32]
    statuses: list[str]
    mdcs: list[str]
    adrgs: list[str]
    drgs: list[str]
    ungrouped: int
    check_failed: int
    dx_not_mapped: int
    px_not_mapped: int
    newborn_days: int
    retry_other_px: bool


@dataclass(slots=True)
class _Outcomes:
    index: dict[tuple[str, str, str, str], int] = field(default_factory=dict)

    def of(self, status: str, mdc: str, adrg: str, drg: str) -> int:
        return self.index.setdefault((status, mdc, adrg, drg), len(self.index))


def compile_scheme(scheme: SchemeTables) -> CompiledScheme:
    """The arrays of a scheme; pure, a second or so for a city scheme of 90,000 list memberships.

    Raises `SchemeError` (`scheme.sites`) for more body sites than a word has bits.
    """
    outcomes = _Outcomes()
    options = scheme.options
    ungrouped = outcomes.of(Status.UNGROUPED, *options.ungrouped)
    check_failed = outcomes.of(Status.CHECK_FAILED, *options.rejected)
    dx_not_mapped = outcomes.of(Status.DX_NOT_MAPPED, *options.rejected)
    px_not_mapped = outcomes.of(Status.PX_NOT_MAPPED, *options.rejected)
    rules = list(_rules(scheme, outcomes))
    words = max(1, -(-len(rules) // WORD))

    dx = _Codes(scheme.dx_lists, [scheme.mcc, scheme.cc, scheme.exclusion, scheme.sites], scheme.dx_map)
    px = _Codes(scheme.px_lists, [], scheme.px_map)
    dx_class, dx_rows = dx.principal_rows(rules, "dx_main", words)
    px_class, px_rows = px.principal_rows(rules, "px_main", words)
    members = {
        "d": dx.set_lists(rules, ("dx_any", "dx_other")),
        "p": px.set_lists(rules, ("px_any", "px_other")),
    }
    member_words = max(1, *(-(-len(lists) // WORD) for lists in members.values()))
    need, forbid = _special_masks(rules, members, member_words)
    context = _Context(rules, words, scheme)
    tables = {
        name: index
        for index, name in enumerate(sorted({*scheme.mcc.values(), *scheme.cc.values(), *scheme.exclusion.values()}))
    }
    site_names = {name: index for index, name in enumerate(sorted(set(scheme.sites.values())))}
    if len(site_names) > WORD:
        raise SchemeError(
            "scheme.sites", f"部位有 {len(site_names)} 个，最多 {WORD} 个", where="site.csv", hint="合并部位"
        )
    site_bit = np.zeros(len(dx.ids) + 1, np.uint64)
    for code, site in scheme.sites.items():
        site_bit[dx.ids[code]] = np.uint64(1) << np.uint64(site_names[site])
    keys = list(outcomes.index)
    return CompiledScheme(
        dx_ids=dx.ids,
        px_ids=px.ids,
        dx_map_ids={code: dx.ids[target] for code, target in scheme.dx_map.items()},
        px_map_ids={code: px.ids[target] for code, target in scheme.px_map.items()},
        dx_class=dx_class,
        px_class=px_class,
        dx_rows=dx_rows,
        px_rows=px_rows,
        dx_member=dx.member_rows(members["d"], member_words),
        px_member=px.member_rows(members["p"], member_words),
        mcc_table=dx.table(scheme.mcc, tables),
        cc_table=dx.table(scheme.cc, tables),
        exclusion_table=dx.table(scheme.exclusion, tables),
        site_bit=site_bit,
        context_rows=context.matrix(),
        sex_start=context.sex_start,
        complication_start=context.complication_start,
        number_thresholds=context.number_thresholds(),
        number_fields=context.number_fields,
        number_counts=np.array([len(context.thresholds[name]) for name in context.number_fields], np.int64),
        number_starts=np.array([context.number_start[name] for name in context.number_fields], np.int64),
        text_fields=context.text_fields,
        text_values=context.text_values,
        text_starts=np.array([context.text_start[name] for name in context.text_fields], np.int64),
        special_need=need,
        special_forbid=forbid,
        is_special=np.array(
            [bool(need[i].any() or forbid[i].any() or r.min_sites) for i, r in enumerate(rules)], np.bool_
        ),
        rule_min_sites=np.array([rule.min_sites for rule in rules], np.int64),
        no_gates=_pack(np.array([not rule.is_gate for rule in rules], np.bool_), words),
        rule_outcome=np.array([rule.outcome for rule in rules], np.int32),
        statuses=[key[0] for key in keys],
        mdcs=[key[1] for key in keys],
        adrgs=[key[2] for key in keys],
        drgs=[key[3] for key in keys],
        ungrouped=ungrouped,
        check_failed=check_failed,
        dx_not_mapped=dx_not_mapped,
        px_not_mapped=px_not_mapped,
        newborn_days=options.newborn_days,
        retry_other_px=options.retry_other_px,
    )


def _rules(scheme: SchemeTables, outcomes: _Outcomes) -> Iterator[Rule]:
    """The flat list in evaluation order."""
    for mdc in scheme.mdcs:
        for step in mdc.steps:
            if step.is_gate:
                suffix = scheme.options.ambiguous_suffix
                gate = outcomes.of(Status.AMBIGUOUS, mdc.code, suffix, f"{mdc.letter}{suffix}")
                results = [(ALWAYS, gate)]
            else:
                results = [
                    (leaf.when, outcomes.of(Status.GROUPED, mdc.code, step.adrg, leaf.drg)) for leaf in step.leaves
                ]
                if scheme.options.adrg_without_leaf == "stop":
                    results.append((ALWAYS, outcomes.of(Status.GROUPED, mdc.code, step.adrg, step.adrg)))
            for leaf_when, outcome in results:
                for atoms in _conjunctions(mdc.when, step.when, leaf_when):
                    yield Rule(atoms, mdc.min_sites, step.is_gate, outcome)
        if scheme.options.mdc_without_group == "stop":
            nothing = outcomes.of(Status.UNGROUPED, *scheme.options.ungrouped)
            for atoms in _conjunctions(mdc.when):
                yield Rule(atoms, mdc.min_sites, is_gate=False, outcome=nothing)


def _conjunctions(*conditions: Condition) -> Iterator[Clause]:
    """The product of the alternatives; order among them is free, since they share one result."""
    product: list[Clause] = [()]
    for condition in conditions:
        product = [(*left, *right) for left in product for right in condition]
    return iter(product)


def _pack(flags: npt.NDArray[np.bool_], words: int) -> npt.NDArray[np.uint64]:
    """Booleans over rules (last axis) as little-endian 64-bit words."""
    padded = np.zeros((*flags.shape[:-1], words * WORD), np.bool_)
    padded[..., : flags.shape[-1]] = flags
    return np.ascontiguousarray(np.packbits(padded, axis=-1, bitorder="little")).view("<u8").astype(np.uint64)


class _Codes:
    """The codes of one kind, numbered from 1, with their lists."""

    def __init__(
        self,
        lists: dict[str, frozenset[str]],
        tables: list[dict[str, str]],
        code_map: dict[str, str],
    ) -> None:
        known = {code for codes in lists.values() for code in codes}
        for table in tables:
            known.update(table)
        known.update(code_map.values())
        self.lists = lists
        self.ids = {code: index for index, code in enumerate(sorted(known), start=1)}

    def principal_rows(
        self,
        rules: list[Rule],
        kind: str,
        words: int,
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint64]]:
        """Class of each code and one bit row per class: codes in the same `kind` lists share a class."""
        used = sorted({atom.list_name for rule in rules for atom in rule.atoms if atom.kind == kind})
        position = {name: index for index, name in enumerate(used)}
        membership = np.zeros((len(self.ids) + 1, len(used)), np.bool_)
        for name in used:
            membership[[self.ids[code] for code in self.lists[name]], position[name]] = True
        patterns, code_class = np.unique(membership, axis=0, return_inverse=True)
        flags = np.ones((len(patterns), len(rules)), np.bool_)
        for index, rule in enumerate(rules):
            for atom in rule.atoms:
                if atom.kind == kind:
                    flags[:, index] &= patterns[:, position[atom.list_name]] != atom.negated
        return code_class.reshape(-1).astype(np.int32), _pack(flags, words)

    @staticmethod
    def set_lists(rules: list[Rule], kinds: tuple[str, ...]) -> dict[str, int]:
        """The lists that `any` and `other` conditions use, numbered."""
        used = sorted({atom.list_name for rule in rules for atom in rule.atoms if atom.kind in kinds})
        return {name: index for index, name in enumerate(used)}

    def member_rows(self, lists: dict[str, int], words: int) -> npt.NDArray[np.uint64]:
        """Bit row per code over the numbered lists."""
        flags = np.zeros((len(self.ids) + 1, len(lists)), np.bool_)
        for name, index in lists.items():
            flags[[self.ids[code] for code in self.lists[name]], index] = True
        return _pack(flags, words)

    def table(self, entries: dict[str, str], numbers: dict[str, int]) -> npt.NDArray[np.int32]:
        """The number of the exclusion table of each code; −1 where it has none."""
        column = np.full(len(self.ids) + 1, -1, np.int32)
        for code, name in entries.items():
            column[self.ids[code]] = numbers[name]
        return column


def _special_masks(
    rules: list[Rule],
    members: dict[str, dict[str, int]],
    words: int,
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    shape = (len(rules), len(SPECIALS), words)
    need, forbid = np.zeros(shape, np.uint64), np.zeros(shape, np.uint64)
    for index, rule in enumerate(rules):
        for atom in rule.atoms:
            if atom.kind in SPECIALS:
                number = members[atom.kind[0]][atom.list_name]
                masks = forbid if atom.negated else need
                masks[index, SPECIALS.index(atom.kind), number // WORD] |= np.uint64(1) << np.uint64(number % WORD)
    return need, forbid


def _never(_atom: Atom) -> bool:
    return False


def _number_test(value: float) -> Callable[[Atom], bool]:
    return lambda atom: compare(value, atom.op, atom.number)


def _text_test(value: str) -> Callable[[Atom], bool]:
    return lambda atom: value in atom.values


def _complication_test(*, mcc: bool, cc: bool) -> Callable[[Atom], bool]:
    held = {"mcc": mcc, "cc": cc}
    return lambda atom: held[atom.kind]


class _Context:
    """Bit rows per context cell: sex, complications, number intervals, text values."""

    def __init__(self, rules: list[Rule], words: int, scheme: SchemeTables) -> None:
        """Only the fields that a rule asks about become dimensions, after those of the record check."""
        used = {atom.kind for rule in rules for atom in rule.atoms}
        others = [name for name in scheme.number_fields if name in used and name not in (*LEADING_NUMBERS, "sex")]
        self.number_fields = [*LEADING_NUMBERS, *others]
        self.text_fields = [name for name in scheme.text_fields if name in used]
        self.rules = rules
        self.words = words
        self.rows: list[npt.NDArray[np.uint64]] = []
        self.sex_start = self._cells("sex", [_number_test(sex) for sex in (0, 1, 2)])
        self.complication_start = len(self.rows)
        for mcc in (False, True):
            for cc in (False, True):
                self.rows.append(self._row(("mcc", "cc"), _complication_test(mcc=mcc, cc=cc)))
        self.thresholds: dict[str, list[float]] = {}
        self.number_start: dict[str, int] = {}
        for name in self.number_fields:
            self._number(name)
        self.text_values: dict[str, dict[str, int]] = {}
        self.text_start: dict[str, int] = {}
        for name in self.text_fields:
            self._text(name)

    def _number(self, name: str) -> None:
        """Cells: missing, then below, at and above each threshold in turn, each tested by one value within it."""
        marks = sorted({atom.number for atom in self._atoms(name)})
        self.thresholds[name] = marks
        values: list[float] = []
        below = -math.inf
        for mark in marks:
            values += [(below + mark) / 2, mark]
            below = mark
        tests = [_never, *(_number_test(value) for value in [*values, math.inf])]
        self.number_start[name] = self._cells(name, tests)

    def _text(self, name: str) -> None:
        """Cells: any other or missing text, then each text that a rule names."""
        named = sorted({value for atom in self._atoms(name) for value in atom.values})
        self.text_values[name] = {value: index for index, value in enumerate(named, start=1)}
        tests = [_never, *(_text_test(value) for value in named)]
        self.text_start[name] = self._cells(name, tests)

    def _atoms(self, kind: str) -> list[Atom]:
        return [atom for rule in self.rules for atom in rule.atoms if atom.kind == kind]

    def _cells(self, kind: str, tests: list[Callable[[Atom], bool]]) -> int:
        start = len(self.rows)
        self.rows.extend(self._row((kind,), test) for test in tests)
        return start

    def _row(self, kinds: tuple[str, ...], test: Callable[[Atom], bool]) -> npt.NDArray[np.uint64]:
        flags = np.array(
            [all(test(atom) != atom.negated for atom in rule.atoms if atom.kind in kinds) for rule in self.rules],
            np.bool_,
        )
        return _pack(flags, self.words)

    def matrix(self) -> npt.NDArray[np.uint64]:
        return np.stack(self.rows)

    def number_thresholds(self) -> npt.NDArray[np.float64]:
        """Thresholds as a rectangle: one row per number dimension, padded with infinity."""
        width = max(len(marks) for marks in self.thresholds.values())
        table = np.full((len(self.number_fields), width), np.inf)
        for index, name in enumerate(self.number_fields):
            table[index, : len(self.thresholds[name])] = self.thresholds[name]
        return table
