"""Case columns for the kernel 病例列: what Arrow holds, checked, as the arrays the kernel reads; in place where it can.

Nothing is trusted: every offset and every dictionary index is compared with the buffer it points into before the
kernel sees it (`group.damaged`), and a column of another kind is refused by name (`group.column`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import TongpinError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.grouping.compiled.compiler import CompiledScheme

CODE_LIST = pa.list_(pa.dictionary(pa.int32(), pa.string()))
_ENCODED_AT_ONCE = 1 << 20
"""Rows whose plain strings share a dictionary when they are encoded here."""


def refuse(name: str, kind: Any, wanted: str) -> TongpinError:
    """The error of a column that is of another kind."""
    return TongpinError("group.column", f"分组要求 {name} 列是{wanted}，现为 {kind}", hint="先转成病例表的列类型")


def damaged(name: str, what: str) -> TongpinError:
    """The error of a column whose buffers contradict each other."""
    return TongpinError(
        "group.damaged", f"{name} 列的内存布局有误：{what}", hint="重新读取或导出这份数据；自行拼装的 Arrow 数组先校验"
    )


def frozen(array: Any) -> Any:
    """The array as the kernel is compiled for: contiguous, aligned, not to be written (as all Arrow memory is)."""
    array = np.require(array, requirements=["C", "A"])
    if array.flags.writeable:
        array = array.view()
        array.flags.writeable = False
    return array


def chosen(cases: pa.Table, tables: CompiledScheme) -> pa.Table:
    """The columns that grouping by this scheme reads, of the expected kinds, their layout checked; the rest left out.

    A column that has no type is null throughout and is left out, too.
    """
    kinds: dict[str, Callable[[str, Any], Any]] = dict.fromkeys((*tables.number_fields, "code_map"), _number_column)
    kinds |= dict.fromkeys(tables.text_fields, _text_column)
    kinds |= {"dx": _code_column, "px": _code_column}
    fields = {field.name: field.type for field in cases.schema}
    names = [name for name in kinds if name in fields and not pa.types.is_null(fields[name])]
    found = {}
    for name in names:
        column = cases.column(name)
        try:
            column.validate()
        except pa.ArrowInvalid as error:
            raise damaged(name, str(error)) from None
        found[name] = kinds[name](name, column)
    return pa.table(found)


def _number_column(name: str, column: Any) -> Any:
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8())
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise refuse(name, column.type, "数字")
    return column


def _text_column(name: str, column: Any) -> Any:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not _is_text(kind):
        raise refuse(name, column.type, "文本")
    return column


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _code_column(name: str, column: Any) -> Any:
    """A column of code lists as `CODE_LIST`; one that is not yet is checked whole and encoded."""
    kind = column.type
    if pa.types.is_list(kind) and kind.value_type == CODE_LIST.value_type:
        return column
    values = getattr(kind, "value_type", None)
    if values is not None and pa.types.is_dictionary(values):
        values = values.value_type
    if pa.types.is_dictionary(kind) or values is None or not (_is_text(values) or pa.types.is_null(values)):
        raise refuse(name, kind, "编码清单")
    try:
        column.validate(full=True)
        pieces = [
            chunk.slice(start, _ENCODED_AT_ONCE)
            for chunk in column.chunks
            for start in range(0, len(chunk), _ENCODED_AT_ONCE)
        ]
        return pa.chunked_array([_encoded(piece) for piece in pieces], CODE_LIST)
    except pa.ArrowNotImplementedError:
        raise refuse(name, kind, "编码清单") from None
    except (pa.ArrowInvalid, IndexError) as error:
        raise damaged(name, str(error)) from None


def _encoded(lists: Any) -> Any:
    """Lists of any kind of strings as `CODE_LIST`."""
    lengths = pc.fill_null(pc.list_value_length(lists).cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = lists.flatten()  # like the lengths, without what lies under a null list or outside of a slice
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return pa.ListArray.from_arrays(pa.array(offsets), values.cast(pa.string()).dictionary_encode())


def mapped_cases(batch: pa.RecordBatch) -> Any:
    """1 for each case that asks for the code map (uint8); empty when none does."""
    wanted = numbers(batch, "code_map")
    if wanted is None:
        return np.zeros(0, np.uint8)
    mapped = (wanted == 1).view(np.uint8)
    return mapped if mapped.any() else mapped[:0]


def numbers(batch: pa.RecordBatch, name: str) -> Any:
    """The values of a number column; NaN where one is missing, None where the column is not there."""
    if name not in batch.schema.names:
        return None
    return batch.column(name).to_numpy(zero_copy_only=False)


def text_cells(batch: pa.RecordBatch, name: str, values: dict[str, int]) -> Any:
    """The cell of each row within its dimension: 0 for missing and for a text that no rule names."""
    if name not in batch.schema.names:
        return 0
    column = batch.column(name)
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    words = encoded.dictionary.to_pylist()
    cell = np.array([*(values.get(word, 0) for word in words), 0], np.int32)
    return cell[_indices(name, encoded, len(words))]


def _indices(name: str, encoded: Any, size: int) -> Any:
    """Dictionary indices as uint32, `size` for null; raises `TongpinError` for one past the dictionary."""
    indices = encoded.indices
    if indices.null_count:
        indices = pc.fill_null(indices.cast(pa.int64()), size)
    found = indices.to_numpy(zero_copy_only=False)
    if len(found) and (found.view(np.uint32) if found.dtype == np.int32 else found.astype(np.uint64)).max() > size:
        raise damaged(name, f"字典只有 {size} 项，编号却超出")
    return found.astype(np.int32, copy=False).view(np.uint32)


class Lookups:
    """The code numbers of the dictionaries that a table carries, each dictionary looked up once.

    It is for one table while that table lives: a dictionary is known by the place of its buffers.
    """

    def __init__(self, tables: CompiledScheme) -> None:
        self._tables = tables
        self._known: dict[Any, Any] = {}

    def of(self, name: str, dictionary: pa.Array, *, with_map: bool) -> Any:
        """Code numbers (2, dictionary + 1) int32: as they are, and through the code map (−1 for unknown); null last.

        The second row is filled only `with_map`, since few tables want it.
        """
        places = [buffer.address if buffer is not None else 0 for buffer in dictionary.buffers()]
        key = (name, with_map, *places, dictionary.offset, len(dictionary))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._look_up(name, dictionary, with_map=with_map)
        return found

    def _look_up(self, name: str, dictionary: pa.Array, *, with_map: bool) -> Any:
        try:
            dictionary.validate(full=True)
        except pa.ArrowInvalid as error:
            raise damaged(name, str(error)) from None
        plain, mapped = self._tables.lookup_keys[name]
        table = np.full((2, len(dictionary) + 1), -1, np.int32)
        table[0, -1] = 0
        table[0, :-1] = _found(dictionary, *plain, missing=0)
        if with_map:
            table[1, :-1] = _found(dictionary, *mapped, missing=-1)
        return frozen(table)


def _found(words: pa.Array, keys: pa.Array, values: Any, *, missing: int) -> Any:
    """For each word the value of its key."""
    if not len(keys):
        return missing
    places = pc.fill_null(pc.index_in(words, value_set=keys), len(keys)).to_numpy()
    return np.append(values, missing)[places]


def codes(batch: pa.RecordBatch, name: str, lookups: Lookups, *, with_map: bool) -> tuple[Any, Any, Any, Any]:
    """`lookup, start, stop, index` of a column of code lists as the kernel takes them; raises for a damaged layout."""
    count = batch.num_rows
    if name not in batch.schema.names:
        nothing = frozen(np.zeros(count, np.int32))
        return frozen(np.array([[0], [-1]], np.int32)), nothing, nothing, frozen(np.zeros(0, np.uint32))
    column = batch.column(name)
    offsets = column.offsets.to_numpy()
    first, last = int(offsets[0]), int(offsets[-1])
    values = column.values
    if first < 0 or last > len(values) or not (offsets[1:] >= offsets[:-1]).all():
        raise damaged(name, "清单的起止位置不是依次递增，或超出编码的个数")
    offsets = offsets - np.int32(first)
    values = values.slice(first, last - first)
    start, stop = offsets[:-1], offsets[1:]
    if column.null_count:
        stop = np.where(column.is_valid().to_numpy(zero_copy_only=False), stop, start)
    lookup = lookups.of(name, values.dictionary, with_map=with_map)
    return lookup, frozen(start), frozen(stop), frozen(_indices(name, values, lookup.shape[1] - 1))
