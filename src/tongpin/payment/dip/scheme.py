"""The catalogue as a grouping scheme 目录编成分组方案: the grouping room's compiler and kernel do the grouping.

Each stage is an MDC, asked in order: special rules, core with related procedures, core with the main procedure, core
without procedure, composite. Within a stage the order of the rules is the order of `Catalogue.ordered`. Codes are cut
to the longest beginning that the catalogue knows, and procedures without value are dropped, before the kernel sees
them: on dictionaries, not on cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.grouping.compiled.stage import RESULT_COLUMNS, group
from tongpin.grouping.tables.model import Leaf, Mdc, Options, SchemeTables, Step
from tongpin.grouping.tables.when import ALWAYS, LIST_KINDS, Atom, WhenError, parse_when
from tongpin.payment.dip.catalogue import (
    COMPOSITE,
    CONSERVATIVE,
    CORE,
    SPECIAL,
    TYPE_LABELS,
)
from tongpin.payment.dip.prefixes import CATEGORY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tongpin.grouping.compiled.compiler import CompiledScheme
    from tongpin.grouping.tables.when import Condition
    from tongpin.payment.dip.catalogue import Catalogue, Group
    from tongpin.payment.dip.prefixes import Prefixes

STAGES = {
    "special": "特殊规则",
    "core_related": "核心病种：主要与相关手术操作",
    "core_main": "核心病种：主要手术操作",
    "core_conservative": "核心病种：无手术操作",
    "composite": "综合病种",
}
"""The stages in the order in which they are asked; a case stands in the first that takes it (column `mdc`)."""

NOT_GROUPED = "none"
"""What stands in the place of a stage for a case that none takes."""

_TYPE_LIST = "类型."
_ALL_TYPES = tuple(TYPE_LABELS)


def stage_of(one: Group) -> str:
    """The stage at which a disease is asked."""
    if one.kind != CORE:
        return SPECIAL if one.kind == SPECIAL else COMPOSITE
    if one.related:
        return "core_related"
    return "core_main" if one.main_px else "core_conservative"


def tables_of(catalogue: Catalogue) -> SchemeTables:
    """The scheme tables of a catalogue, for `grouping.stage.group`, the interpreter and `grouping.explain`.

    MDC is the stage, ADRG and DRG the code of the disease. PolicyError `dip.special` for a special rule that cannot be
    read or leads to no disease of the catalogue.
    """
    prefixes = catalogue.prefixes
    lists = _Lists(prefixes)
    types = lists.types(catalogue)
    special = {name: codes for (kind, name), codes in catalogue.special_lists.items() if kind == "px"}
    lists.px |= special
    lists.dx |= {
        name: frozenset(part for code in codes for part in prefixes.members(code))
        for (kind, name), codes in catalogue.special_lists.items()
        if kind == "dx"
    }
    any_procedure = catalogue.facts["main_procedure"] == "any"
    steps: dict[str, list[Step]] = {stage: [] for stage in STAGES}
    steps[SPECIAL] = list(_special_steps(catalogue, lists))
    for row, one in enumerate(catalogue.ordered, start=1):
        if one.kind == SPECIAL:
            continue
        if one.kind == COMPOSITE:
            atoms = (lists.dx_main(one.dx), *types[one.type])
        elif one.main_px:
            atoms = (lists.dx_main(one.dx), *lists.procedures(one, any_procedure=any_procedure))
        else:
            atoms = (lists.dx_main(one.dx), Atom("px_count", op="==", number=0.0))
        steps[stage_of(one)].append(_step(one, (atoms,), row))
    return SchemeTables(
        scheme_id=catalogue.id,
        title=catalogue.facts["title"],
        source=catalogue.facts["source"],
        options=Options(ungrouped=(NOT_GROUPED, "", ""), rejected=(NOT_GROUPED, "", "")),
        fields=(),
        mdcs=tuple(
            Mdc(stage, label, ALWAYS, 0, tuple(steps[stage]), row)
            for row, (stage, label) in enumerate(STAGES.items(), start=1)
        ),
        dx_lists=lists.dx,
        px_lists=lists.px,
        mcc={},
        cc={},
        exclusion={},
        sites={},
        dx_names={},
        px_names={},
        dx_map={},
        px_map={},
        drg_names={one.code: one.name for one in catalogue.groups},
        digest=catalogue.digest,
    )


class _Lists:
    """The code lists that the rules name, made as they are asked for."""

    def __init__(self, prefixes: Prefixes) -> None:
        self.prefixes = prefixes
        self.dx: dict[str, frozenset[str]] = {}
        self.px: dict[str, frozenset[str]] = {}
        by_category: dict[str, set[str]] = {}
        for code in prefixes.known:
            by_category.setdefault(code[:CATEGORY], set()).add(code)
        self._by_category = by_category

    def dx_main(self, dx: str) -> Atom:
        """The principal diagnosis is of this disease."""
        if dx not in self.dx:
            near = self._by_category.get(dx[:CATEGORY], ())
            own = frozenset(code for code in near if code.startswith(dx))
            self.dx[dx] = self.prefixes.members(dx) if dx in self.prefixes.sections_used else own
        return Atom("dx_main", list_name=dx)

    def procedures(self, one: Group, *, any_procedure: bool) -> tuple[Atom, ...]:
        """All procedures of a disease; the main one in the first place unless the catalogue takes any place."""
        for code in one.procedures:
            self.px.setdefault(code, frozenset({code}))
        if any_procedure:
            return tuple(Atom("px_any", list_name=code) for code in one.procedures)
        return (
            Atom("px_main", list_name=one.main_px),
            *(Atom("px_other", list_name=code) for code in one.related),
        )

    def types(self, catalogue: Catalogue) -> dict[str, tuple[Atom, ...]]:
        """For each type: a procedure of it and none of a higher rank; without procedures the case is conservative."""
        found: dict[str, tuple[Atom, ...]] = {}
        higher: list[Atom] = []
        for kind in _ALL_TYPES:
            if kind == CONSERVATIVE:
                found[kind] = (Atom("px_count", op="==", number=0.0),)
                continue
            name = f"{_TYPE_LIST}{TYPE_LABELS[kind]}"
            self.px[name] = frozenset(code for code in catalogue.procedure_types if catalogue.type_of(code) == kind)
            found[kind] = (*higher, Atom("px_any", list_name=name))
            higher.append(Atom("px_any", negated=True, list_name=name))
        return found


def _step(one: Group, when: Condition, row: int) -> Step:
    return Step("adrg", one.code, one.code, one.name, when, (Leaf(one.code, one.name, ALWAYS, row),), row)


def _special_steps(catalogue: Catalogue, lists: _Lists) -> Iterable[Step]:
    for rule in sorted(catalogue.special_rules):
        where = f"special.csv seq={rule.seq}"
        one = catalogue.by_code.get(rule.group)
        if one is None:
            raise PolicyError(
                "dip.special", f"没有病种 {rule.group}", where=where, hint="先在 group.csv 中登记这个病种"
            )
        try:
            when = parse_when(rule.when)
        except WhenError as error:
            raise PolicyError(
                "dip.special", error.message, where=f"{where} 第 {error.column} 个字", hint=error.hint
            ) from None
        for clause in when:
            for atom in clause:
                known = lists.dx if atom.kind.startswith("dx_") else lists.px
                if atom.kind in LIST_KINDS and atom.list_name not in known:
                    hint = "在 special_list.csv 中写出它的编码"
                    raise PolicyError("dip.special", f"没有清单 {atom.list_name}", where=where, hint=hint)
        yield _step(one, when, rule.seq)


def group_dip(
    cases: pa.Table, catalogue: Catalogue, tables: SchemeTables | CompiledScheme | None = None, threads: int = 1
) -> pa.Table:
    """Group every case against a catalogue: the cases with `status, mdc, adrg, drg`; `mdc` is the stage.

    Reads what grouping reads; the order of rows is kept. `tables` are those of `tables_of`, as they are or
    compiled, if at hand. A case that no
    stage takes has the stage `none` and no disease.
    """
    tables = tables or tables_of(catalogue)
    read = [name for name in _reads(tables) if name in cases.column_names]
    grouped = group(prepared(cases.select(read), catalogue), tables, threads)
    result = cases
    for name in RESULT_COLUMNS:
        if name in result.column_names:
            result = result.drop_columns([name])
        result = result.append_column(name, grouped[name])
    return result


def _reads(tables: SchemeTables | CompiledScheme) -> tuple[str, ...]:
    return (*tables.number_fields, *tables.text_fields, "code_map", "dx", "px")


def prepared(cases: pa.Table, catalogue: Catalogue) -> pa.Table:
    """The cases with diagnoses cut to what the catalogue knows and without procedures of no value."""
    prefixes = catalogue.prefixes
    changed = cases
    for name, work in (("dx", _cut_lists), ("px", _valued_lists)):
        if name in cases.column_names:
            chunks = [work(encoded_lists(chunk), catalogue, prefixes) for chunk in cases[name].chunks]
            column = pa.chunked_array(chunks, CODES)
            changed = changed.set_column(changed.column_names.index(name), name, column)
    return changed


CODES = pa.list_(pa.dictionary(pa.int32(), pa.string()))


def encoded_lists(lists: Any) -> Any:
    """A chunk of code lists, of whatever strings, as the kernel's own layout."""
    if pa.types.is_null(lists.type):
        return pa.nulls(len(lists), CODES)
    if lists.type == CODES:
        return lists
    values = lists.flatten()
    values = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return _lists(lengths, pc.cast(values, pa.string()).dictionary_encode())


def _lists(lengths: Any, values: Any) -> Any:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _cut_lists(lists: Any, _catalogue: Catalogue, prefixes: Prefixes) -> Any:
    values = lists.values
    words = pa.array(
        [None if word is None else prefixes.cut(word) for word in values.dictionary.to_pylist()], pa.string()
    )
    if not lists.null_count:
        return pa.ListArray.from_arrays(lists.offsets, pa.DictionaryArray.from_arrays(values.indices, words))
    flat = lists.flatten()
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return _lists(lengths, pa.DictionaryArray.from_arrays(flat.indices, words))


def _valued_lists(lists: Any, catalogue: Catalogue, _prefixes: Prefixes) -> Any:
    words = lists.values.dictionary.to_pylist()
    worthless = np.array([word is None or word in catalogue.zero_value for word in words], np.bool_)
    if not worthless.any():
        return lists
    values = lists.flatten()
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    indices = pc.fill_null(values.indices, 0).to_numpy(zero_copy_only=False)
    kept = ~worthless[indices]
    counts = np.concatenate([[0], np.cumsum(kept)])
    ends = np.cumsum(lengths)
    return _lists(counts[ends] - counts[ends - lengths], values.filter(pa.array(kept)))


def flat_lists(lists: Any) -> tuple[list[str], Any, Any, Any]:
    """The words of a column of code lists, where each list starts and stops, and the word of every entry."""
    chunks = [encoded_lists(chunk) for chunk in lists.chunks] or [pa.array([], CODES)]
    column = pa.table({"codes": pa.chunked_array(chunks, CODES)}).unify_dictionaries()["codes"].combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    stop = np.cumsum(lengths)
    flat = column.flatten()
    return (
        flat.dictionary.to_pylist(),
        stop - lengths,
        stop,
        flat.indices.to_numpy(zero_copy_only=False).astype(np.int64),
    )
