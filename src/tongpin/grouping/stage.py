"""The grouping stage 分组环节: a case table in, the same table with `status, mdc, adrg, drg` out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError
from tongpin.grouping.compiler import CompiledScheme, compile_scheme
from tongpin.grouping.kernel import group_cases

if TYPE_CHECKING:
    from tongpin.grouping.model import SchemeTables

RESULT_COLUMNS = ("status", "mdc", "adrg", "drg")

_COMPILED: dict[str, CompiledScheme] = {}


def compiled(scheme: SchemeTables) -> CompiledScheme:
    """The compiled form of a scheme, kept by its digest for the life of the process."""
    if scheme.digest not in _COMPILED:
        _COMPILED[scheme.digest] = compile_scheme(scheme)
    return _COMPILED[scheme.digest]


def group(cases: pa.Table, scheme: SchemeTables) -> pa.Table:
    """Group every case of a table.

    Reads `sex, age, age_days, birth_weight, dept, los, discharge_way, dx, px, icu_hours, code_map` and the fields that
    the scheme declares (numbers typed, null or NaN = missing; code lists of strings or dictionary-encoded strings,
    principal first; a column that is absent counts as missing) and appends four dictionary-encoded text columns. Pure;
    the order of rows is kept.
    Raises `TongpinError` (`group.column`) for numbers given as text and codes not given as lists.
    """
    tables = compiled(scheme)
    outcome = _outcomes(cases, tables)
    for name, words in zip(RESULT_COLUMNS, (tables.statuses, tables.mdcs, tables.adrgs, tables.drgs), strict=True):
        # Many outcomes share a status or an MDC: each word stands in the dictionary once.
        distinct = {word: index for index, word in enumerate(dict.fromkeys(words))}
        indices = np.array([distinct[word] for word in words], np.int32)[outcome]
        column = pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(list(distinct), pa.string()))
        if name in cases.column_names:
            cases = cases.drop_columns([name])
        cases = cases.append_column(name, column)
    return cases


def _outcomes(cases: pa.Table, tables: CompiledScheme) -> Any:
    sex = _numbers(cases, "sex")
    mapped = _numbers(cases, "code_map") == 1
    dx_start, dx_codes, dx_bad = _codes(cases, "dx", tables.dx_ids, tables.dx_map_ids, mapped)
    px_start, px_codes, px_bad = _codes(cases, "px", tables.px_ids, tables.px_map_ids, mapped)
    counts = {"dx_count": np.diff(dx_start), "px_count": np.diff(px_start)}
    numbers = np.vstack(
        [counts[name] if name in counts else _numbers(cases, name) for name in tables.number_fields]
    ).astype(np.float64)
    text_cells = np.zeros((len(tables.text_fields), cases.num_rows), np.int64)
    for index, name in enumerate(tables.text_fields):
        text_cells[index] = tables.text_starts[index] + _text_cells(cases, name, tables.text_values[name])
    # A case without any diagnosis carries the empty code, which no code map knows.
    dx_bad |= mapped & (np.diff(dx_start) == 0)
    unmapped = np.where(dx_bad, 1, np.where(px_bad, 2, 0)).astype(np.int8)
    return group_cases(
        np.where(np.isin(sex, (1, 2)), sex, 0).astype(np.int8),
        numbers,
        text_cells,
        dx_start,
        dx_codes,
        px_start,
        px_codes,
        unmapped,
        tables.dx_class,
        tables.px_class,
        tables.dx_rows,
        tables.px_rows,
        tables.dx_member,
        tables.px_member,
        tables.mcc_table,
        tables.cc_table,
        tables.exclusion_table,
        tables.site_bit,
        tables.context_rows,
        tables.sex_start,
        tables.complication_start,
        tables.number_thresholds,
        tables.number_counts,
        tables.number_starts,
        tables.special_need,
        tables.special_forbid,
        tables.is_special,
        tables.rule_min_sites,
        np.full_like(tables.no_gates, np.iinfo(np.uint64).max),
        tables.no_gates,
        tables.rule_outcome,
        np.array([tables.ungrouped, tables.check_failed, tables.dx_not_mapped, tables.px_not_mapped], np.int32),
        tables.newborn_days,
        tables.retry_other_px,
    )


def _column(cases: pa.Table, name: str) -> pa.Array | None:
    """A column in one piece; None when it is absent or has no type, being null throughout."""
    if name not in cases.column_names or pa.types.is_null(cases.schema.field(name).type):
        return None
    return cases.column(name).combine_chunks()


def _refuse(name: str, kind: pa.DataType, wanted: str) -> TongpinError:
    return TongpinError("group.column", f"分组要求 {name} 列是{wanted}，现为 {kind}", hint="先转成病例表的列类型")


def _numbers(cases: pa.Table, name: str) -> Any:
    """A number column as float64, NaN for missing; integers past 2**53 are rounded, which moves no threshold."""
    column = _column(cases, name)
    if column is None:
        return np.full(cases.num_rows, np.nan)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise _refuse(name, column.type, "数字")
    return pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy(zero_copy_only=False)


def _text_cells(cases: pa.Table, name: str, values: dict[str, int]) -> Any:
    """The cell of each row within its dimension: 0 for missing and for a text that no rule names."""
    column = _column(cases, name)
    if column is None or not values:
        return np.zeros(cases.num_rows, np.int64)
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    cell = np.array([values.get(word, 0) for word in encoded.dictionary.to_pylist()] + [0], np.int64)
    indices = pc.fill_null(encoded.indices.cast(pa.int64()), len(cell) - 1).to_numpy(zero_copy_only=False)
    return cell[indices]


def _codes(
    cases: pa.Table,
    name: str,
    ids: dict[str, int],
    map_ids: dict[str, int],
    mapped: Any,
) -> tuple[Any, Any, Any]:
    """Offsets (cases + 1), flat code ids, and whether a case that wants code mapping has an unknown code."""
    column = _column(cases, name)
    count = cases.num_rows
    bad = np.zeros(count, np.bool_)
    if column is None:
        return np.zeros(count + 1, np.int64), np.zeros(0, np.int32), bad
    try:
        lengths = pc.fill_null(pc.list_value_length(column).cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    except pa.ArrowNotImplementedError:
        raise _refuse(name, column.type, "编码清单") from None
    start = np.concatenate([[0], np.cumsum(lengths)])
    flat = column.flatten()  # like the lengths, without what lies under a null list or outside of a slice
    if not pa.types.is_dictionary(flat.type):
        flat = flat.dictionary_encode()
    words = flat.dictionary.to_pylist()
    indices = pc.fill_null(flat.indices.cast(pa.int32()), len(words)).to_numpy(zero_copy_only=False)
    codes = np.array([ids.get(word, 0) for word in words] + [0], np.int32)[indices]
    if mapped.any():
        target = np.array([map_ids.get(word, -1) for word in words] + [-1], np.int32)[indices]
        owner = np.repeat(np.arange(count), lengths)
        wanted = mapped[owner]
        bad[owner[wanted & (target < 0)]] = True
        codes = np.where(wanted, np.maximum(target, 0), codes).astype(np.int32)
    return start, codes, bad
