"""The compiler 编译: a scheme becomes one flat, ordered list of rules and bitset tables for the kernel.

Bit r of a row says that rule r does not object to this principal code, this first procedure or this context value.
The first rule to which nobody objects, and whose few conditions on sets of codes hold, is the answer.

- Most words of a principal's row are empty; only the others are kept (`dx_word`, `dx_bits`).
- Conditions on sets of codes and on the number of body sites cannot be told from one value. The rows do not know them;
  the kernel checks them on the rules that survive, in order. They are kept as a short list a rule (`condition_*`).
- Bits past the last rule are 0 in `dx_bits`, so the kernel never meets a rule that is not there.

Sizes grow with rules x classes / 8 bytes, so that some ten thousand rules of diagnosis and procedures (DIP) compile in
seconds as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tongpin.base.errors import SchemeError
from tongpin.grouping.compiled.bit_rows import WORD, Codes, Context, pack
from tongpin.grouping.compiled.rules import Outcomes, Rule, flat_rules
from tongpin.grouping.tables.model import Status

if TYPE_CHECKING:
    import numpy.typing as npt

    from tongpin.grouping.tables.model import SchemeTables

COMPILED_FORMAT = 1
"""Raised whenever a field of `CompiledScheme` changes its meaning: a compiled scheme kept on disk is then made anew."""
SET_KINDS = ("dx_any", "dx_other", "px_any", "px_other")
"""Conditions on sets of codes; `condition_kind` is the place here, plus 4 when negated."""
NO_TABLE = -1
NO_EXCLUSION = -2
"""A principal that excludes nothing has a table that no complication has."""


class Packed(NamedTuple):
    """A compiled scheme as the kernel takes it: all arrays of a type in one, `places` tells where each starts."""

    ints: npt.NDArray[np.int32]
    words: npt.NDArray[np.uint64]
    reals: npt.NDArray[np.float64]
    places: npt.NDArray[np.int64]


@dataclass
class CompiledScheme:
    """A scheme as arrays; code number 0 is every code that the scheme does not know. Never changed once made.

    Shapes: `*_class`, `exclusion_table` and `site_bit` (codes,), `complication_tables` (codes, 2: the MCC and the CC
    table), `*_member` (codes, member words: the lists of set conditions that hold the code), `px_rows` (classes + 1,
    rule words; the last for no procedure at all), `context_rows` (cells, rule words), `special`, `no_gates` (rule
    words,). `dx_word_start` (classes + 1,) bounds the words that a principal of the class leaves in `dx_word` and
    `dx_bits`; `ask_start` (rule words + 1,) bounds the dimensions that the rules of a word ask about in
    `ask_dimension` and `ask_bits`; `condition_start` (rules + 1,) the set conditions of a rule. Dimensions are
    complications, texts, numbers; `cell_start` (dimensions,) is the first context row of each, `number_row` its row
    among `number_fields`, `threshold_start` bounds its `thresholds`. Outcomes are indices into `statuses, mdcs, adrgs,
    drgs`. A code's number is its place in `dx_ids` or `px_ids` plus 1.
    """

    dx_ids: dict[str, int]
    px_ids: dict[str, int]
    dx_map_ids: dict[str, int]
    px_map_ids: dict[str, int]
    dx_class: npt.NDArray[np.int32]
    px_class: npt.NDArray[np.int32]
    dx_word_start: npt.NDArray[np.int32]
    dx_word: npt.NDArray[np.int32]
    dx_bits: npt.NDArray[np.uint64]
    px_rows: npt.NDArray[np.uint64]
    dx_member: npt.NDArray[np.uint64]
    px_member: npt.NDArray[np.uint64]
    complication_tables: npt.NDArray[np.int32]
    exclusion_table: npt.NDArray[np.int32]
    site_bit: npt.NDArray[np.uint64]
    context_rows: npt.NDArray[np.uint64]
    ask_start: npt.NDArray[np.int32]
    ask_dimension: npt.NDArray[np.int32]
    ask_bits: npt.NDArray[np.uint64]
    cell_start: npt.NDArray[np.int32]
    number_fields: list[str]
    number_row: npt.NDArray[np.int32]
    threshold_start: npt.NDArray[np.int32]
    thresholds: npt.NDArray[np.float64]
    text_fields: list[str]
    text_values: dict[str, dict[str, int]]
    condition_start: npt.NDArray[np.int32]
    condition_kind: npt.NDArray[np.int32]
    condition_list: npt.NDArray[np.int32]
    min_sites: npt.NDArray[np.int32]
    special: npt.NDArray[np.uint64]
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

    @property
    def rule_words(self) -> int:
        """Words of a row over rules."""
        return len(self.no_gates)

    @property
    def dx_member_words(self) -> int:
        """Words of a row over the diagnosis lists of set conditions."""
        return int(self.dx_member.shape[1])

    @property
    def px_member_words(self) -> int:
        """Words of a row over the procedure lists of set conditions."""
        return int(self.px_member.shape[1])

    @property
    def no_px_class(self) -> int:
        """The class of a case without procedures, the last."""
        return len(self.px_rows) - 1

    @cached_property
    def lookup_keys(self) -> dict[str, tuple[tuple[Any, Any], tuple[Any, Any]]]:
        """For `dx` and `px` the codes as an Arrow array with their numbers: those known, and those of the code map."""
        import pyarrow as pa

        def keys(ids: dict[str, int]) -> tuple[Any, Any]:
            return pa.array(list(ids), pa.string()), np.array(list(ids.values()), np.int32)

        return {
            "dx": (keys(self.dx_ids), keys(self.dx_map_ids)),
            "px": (keys(self.px_ids), keys(self.px_map_ids)),
        }

    @cached_property
    def packed(self) -> Packed:
        """The arrays for the kernel, made once; two threads that make it at once make the same."""
        from tongpin.grouping.compiled.kernel import INTS, REALS, SETTINGS, WORDS

        settings = np.array([getattr(self, name) for name in SETTINGS], np.int32)
        ints = [settings, *(getattr(self, name) for name in INTS[1:])]
        words = [getattr(self, name) for name in WORDS]
        places = [np.concatenate([[0], np.cumsum([part.size for part in parts])[:-1]]) for parts in (ints, words)]
        return Packed(
            _joined(ints, np.int32),
            _joined(words, np.uint64),
            _joined([getattr(self, name) for name in REALS], np.float64),
            np.concatenate(places).astype(np.int64),
        )


def _joined(parts: list[Any], kind: Any) -> Any:
    """All parts, row after row, in one array; one element more at least, since nothing empty is handed over."""
    return np.concatenate([*(part.reshape(-1).astype(kind, casting="safe") for part in parts), np.zeros(1, kind)])


def compile_scheme(scheme: SchemeTables) -> CompiledScheme:
    """The arrays of a scheme; pure, half a second or so for a city scheme of 90,000 list memberships.

    Raises `SchemeError` (`scheme.sites`) for more body sites than a word has bits.
    """
    outcomes = Outcomes()
    options = scheme.options
    ungrouped = outcomes.of(Status.UNGROUPED, *options.ungrouped)
    check_failed = outcomes.of(Status.CHECK_FAILED, *options.rejected)
    dx_not_mapped = outcomes.of(Status.DX_NOT_MAPPED, *options.rejected)
    px_not_mapped = outcomes.of(Status.PX_NOT_MAPPED, *options.rejected)
    rules = list(flat_rules(scheme, outcomes))
    words = max(1, -(-len(rules) // WORD))

    dx = Codes(scheme.dx_lists, [scheme.mcc, scheme.cc, scheme.exclusion, scheme.sites], scheme.dx_map)
    px = Codes(scheme.px_lists, [], scheme.px_map)
    dx_class, dx_flags = dx.classes(rules, "dx_main")
    dx_rows = pack(dx_flags, words)
    row, word = np.nonzero(dx_rows)
    px_class, px_flags = px.classes(rules, "px_main")
    members = {"d": _set_lists(rules, "dx_"), "p": _set_lists(rules, "px_")}
    start, kind, number = _set_conditions(rules, members)
    min_sites = np.array([rule.min_sites for rule in rules], np.int32)
    context = Context(rules, scheme)
    context_rows = context.rows(words)
    ask_bits = context.asks(context_rows) & pack(np.ones(len(rules), np.bool_), words)
    asked_word, asked_dimension = np.nonzero(ask_bits.T)
    tables = {
        name: index
        for index, name in enumerate(sorted({*scheme.mcc.values(), *scheme.cc.values(), *scheme.exclusion.values()}))
    }
    keys = list(outcomes.index)
    return CompiledScheme(
        dx_ids=dx.ids,
        px_ids=px.ids,
        dx_map_ids={code: dx.ids[target] for code, target in scheme.dx_map.items()},
        px_map_ids={code: px.ids[target] for code, target in scheme.px_map.items()},
        dx_class=dx_class,
        px_class=px_class,
        dx_word_start=np.searchsorted(row, np.arange(len(dx_rows) + 1)).astype(np.int32),
        dx_word=word.astype(np.int32),
        dx_bits=dx_rows[row, word],
        px_rows=pack(np.column_stack([px_flags, _without_px(rules)]), words),
        dx_member=dx.member_rows(members["d"]),
        px_member=px.member_rows(members["p"]),
        complication_tables=np.column_stack([dx.table(one, tables, NO_TABLE) for one in (scheme.mcc, scheme.cc)]),
        exclusion_table=dx.table(scheme.exclusion, tables, NO_EXCLUSION),
        site_bit=_site_bits(scheme, dx),
        context_rows=context_rows,
        ask_start=np.searchsorted(asked_word, np.arange(words + 1)).astype(np.int32),
        ask_dimension=asked_dimension.astype(np.int32),
        ask_bits=ask_bits[asked_dimension, asked_word],
        cell_start=np.array(context.starts, np.int32),
        number_fields=context.number_fields,
        number_row=np.array(context.number_rows, np.int32),
        threshold_start=_starts(context.thresholds),
        thresholds=np.array([mark for marks in context.thresholds for mark in marks], np.float64),
        text_fields=context.text_fields,
        text_values=context.text_values,
        condition_start=start,
        condition_kind=kind,
        condition_list=number,
        min_sites=min_sites,
        special=pack((np.diff(start) > 0) | (min_sites > 0), words),
        no_gates=pack(np.array([not rule.is_gate for rule in rules], np.bool_), words),
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


def _starts(parts: list[Any]) -> npt.NDArray[np.int32]:
    """Where each part begins when they stand one after another, and where the last ends."""
    return np.cumsum([0, *(len(part) for part in parts)]).astype(np.int32)


def _set_lists(rules: list[Rule], prefix: str) -> dict[str, int]:
    """The lists that `any` and `other` conditions use, numbered."""
    kinds = [kind for kind in SET_KINDS if kind.startswith(prefix)]
    used = sorted({atom.list_name for rule in rules for atom in rule.atoms if atom.kind in kinds})
    return {name: index for index, name in enumerate(used)}


def _set_conditions(
    rules: list[Rule], members: dict[str, dict[str, int]]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Where the set conditions of each rule begin, and the kind and the list number of every one."""
    conditions = [[atom for atom in rule.atoms if atom.kind in SET_KINDS] for rule in rules]
    flat = [atom for atoms in conditions for atom in atoms]
    kinds = [SET_KINDS.index(atom.kind) + len(SET_KINDS) * atom.negated for atom in flat]
    numbers = [members[atom.kind[0]][atom.list_name] for atom in flat]
    return _starts(conditions), np.array(kinds, np.int32), np.array(numbers, np.int32)


def _without_px(rules: list[Rule]) -> npt.NDArray[np.bool_]:
    """The rules that do not object to a case without procedures: those that need none."""
    return np.array(
        [all(atom.negated or not (atom.list_name and atom.kind.startswith("px_")) for atom in r.atoms) for r in rules],
        np.bool_,
    )


def _site_bits(scheme: SchemeTables, dx: Codes) -> npt.NDArray[np.uint64]:
    names = {name: index for index, name in enumerate(sorted(set(scheme.sites.values())))}
    if len(names) > WORD:
        raise SchemeError("scheme.sites", f"部位有 {len(names)} 个，最多 {WORD} 个", where="site.csv", hint="合并部位")
    bits = np.zeros(len(dx.ids) + 1, np.uint64)
    for code, site in scheme.sites.items():
        bits[dx.ids[code]] = np.uint64(1) << np.uint64(names[site])
    return bits
