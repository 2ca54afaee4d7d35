"""Bit rows 位行: for each class of codes and each cell of the context, which rules do not object to it.

- Codes that the same `main` lists hold are one class, with one row; some thousand codes make some hundred rows.
- The context is complications, texts and numbers. Each splits its values into cells that no rule can tell apart (a
  number: missing, below, at and above each threshold); a case is in one cell of each. Only what a rule asks about
  becomes a dimension.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tongpin.grouping.tables.when import compare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from tongpin.grouping.compiled.rules import Rule
    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.grouping.tables.when import Atom

WORD = 64
LEADING_NUMBERS = ("sex", "age", "age_days", "birth_weight")
"""The numbers that the record check reads; they stand first in every compiled scheme."""


def pack(flags: npt.NDArray[np.bool_], words: int) -> npt.NDArray[np.uint64]:
    """Booleans over rules (first axis) as 64-bit words (last axis), lowest rule in the lowest bit."""
    octets = np.zeros((words * 8, *flags.shape[1:]), np.uint8)
    packed = np.packbits(flags, axis=0, bitorder="little")
    octets[: len(packed)] = packed
    return np.ascontiguousarray(np.moveaxis(octets, 0, -1)).view("<u8").astype(np.uint64)


class Codes:
    """The codes of one kind (diagnoses or procedures), numbered from 1; 0 is every code the scheme does not know."""

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

    def classes(self, rules: list[Rule], kind: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """The class of each code (codes in the same lists of `kind` share one; unknown codes are of class 0).

        The second result (rules, classes) tells which rules do not object to the class.
        """
        used = sorted({atom.list_name for rule in rules for atom in rule.atoms if atom.kind == kind})
        held: list[list[int]] = [[] for _ in range(len(self.ids) + 1)]
        for number, name in enumerate(used):
            for code in self.lists[name]:
                held[self.ids[code]].append(number)
        patterns: dict[tuple[int, ...], int] = {(): 0}
        code_class = np.array([patterns.setdefault(tuple(pattern), len(patterns)) for pattern in held], np.int32)
        within = {name: np.zeros(len(patterns), np.bool_) for name in used}
        for pattern, index in patterns.items():
            for number in pattern:
                within[used[number]][index] = True
        flags = np.ones((len(rules), len(patterns)), np.bool_)
        for index, rule in enumerate(rules):
            for atom in rule.atoms:
                if atom.kind == kind:
                    flags[index] &= within[atom.list_name] != atom.negated
        return code_class, flags

    def member_rows(self, lists: dict[str, int]) -> npt.NDArray[np.uint64]:
        """Bit row per code (codes, words) over the numbered lists."""
        words = max(1, -(-len(lists) // WORD))
        rows = np.zeros((len(self.ids) + 1, words), np.uint64)
        for name, number in lists.items():
            codes = [self.ids[code] for code in self.lists[name]]
            rows[codes, number // WORD] |= np.uint64(1) << np.uint64(number % WORD)
        return rows

    def table(self, entries: dict[str, str], numbers: dict[str, int], none: int) -> npt.NDArray[np.int32]:
        """The number of the exclusion table of each code; `none` where it has none."""
        column = np.full(len(self.ids) + 1, none, np.int32)
        for code, name in entries.items():
            column[self.ids[code]] = numbers[name]
        return column


class Context:
    """The context dimensions that the rules ask about (complications first, texts, numbers) and their bit rows."""

    def __init__(self, rules: list[Rule], scheme: SchemeTables) -> None:
        self.rules = rules
        self.uses: dict[str, list[tuple[int, Atom]]] = {}
        for index, rule in enumerate(rules):
            for atom in rule.atoms:
                self.uses.setdefault("complications" if atom.kind in {"mcc", "cc"} else atom.kind, []).append(
                    (index, atom)
                )
        self.flags: list[npt.NDArray[np.bool_]] = []
        self.starts: list[int] = []
        held = [{"mcc": mcc, "cc": cc} for mcc in (False, True) for cc in (False, True)]
        self._dimension("complications", [_complication_test(one) for one in held])
        self.text_fields = [name for name in scheme.text_fields if name in self.uses]
        self.text_values = {name: self._text(name) for name in self.text_fields}
        asked = [name for name in scheme.number_fields if name in self.uses]
        self.number_fields = [*LEADING_NUMBERS, *(name for name in asked if name not in LEADING_NUMBERS)]
        self.number_rows = [self.number_fields.index(name) for name in asked]
        self.thresholds = [self._number(name) for name in asked]

    def _number(self, name: str) -> list[float]:
        """Cells: missing, then below, at and above each threshold in turn, each tested by one value within it."""
        marks = sorted({atom.number for _, atom in self.uses[name]})
        values: list[float] = []
        below = -math.inf
        for mark in marks:
            values += [(below + mark) / 2, mark]
            below = mark
        self._dimension(name, [_never, *(_number_test(value) for value in [*values, math.inf])])
        return marks

    def _text(self, name: str) -> dict[str, int]:
        """Cells: any other or missing text, then each text that a rule names."""
        named = sorted({value for _, atom in self.uses[name] for value in atom.values})
        self._dimension(name, [_never, *(_text_test(value) for value in named)])
        return {value: index for index, value in enumerate(named, start=1)}

    def _dimension(self, name: str, tests: Sequence[Callable[[Atom], bool]]) -> None:
        """Append the cells of a dimension: one row of flags (rules,) for each test."""
        self.starts.append(len(self.flags))
        rows = np.ones((len(tests), len(self.rules)), np.bool_)
        answers: dict[Atom, npt.NDArray[np.bool_]] = {}
        for index, atom in self.uses.get(name, ()):
            if atom not in answers:
                answers[atom] = np.array([test(atom) for test in tests], np.bool_) != atom.negated
            rows[:, index] &= answers[atom]
        self.flags.extend(rows)

    def rows(self, words: int) -> npt.NDArray[np.uint64]:
        """Bit row per cell (cells, words)."""
        return pack(np.stack(self.flags, axis=1), words)

    def asks(self, rows: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Per dimension (dimensions, words) the rules that some cell of it does not suit: nobody else need be asked."""
        ends = [*self.starts[1:], len(rows)]
        return np.stack([~np.bitwise_and.reduce(rows[a:b]) for a, b in zip(self.starts, ends, strict=True)])


def _never(_atom: Atom) -> bool:
    return False


def _number_test(value: float) -> Callable[[Atom], bool]:
    return lambda atom: compare(value, atom.op, atom.number)


def _text_test(value: str) -> Callable[[Atom], bool]:
    return lambda atom: value in atom.values


def _complication_test(held: dict[str, bool]) -> Callable[[Atom], bool]:
    return lambda atom: held[atom.kind]
