"""Rows of a case table without a copy: a column is taken only when a rule reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from tongpin.payment.policy.lookup import Coded

if TYPE_CHECKING:
    from tongpin.payment.policy.lookup import IntColumn


class CaseRows:
    """Some rows of a case table (all of them without `rows`), read column by column."""

    def __init__(self, table: pa.Table, rows: IntColumn | None = None) -> None:
        self._table = table
        self._rows = rows
        self.num_rows = table.num_rows if rows is None else len(rows)
        self.column_names: list[str] = table.column_names

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """A column of these rows."""
        column = self._table[name]
        return column if self._rows is None else column.take(pa.array(self._rows))

    def take(self, rows: IntColumn) -> CaseRows:
        """Some of these rows; all of them are the same rows."""
        if len(rows) == self.num_rows:
            return self
        return CaseRows(self._table, rows if self._rows is None else self._rows[rows])


class Among:
    """Some rows among all of a table: their columns become columns of all, null for the others."""

    def __init__(self, rows: IntColumn, size: int) -> None:
        self.size = size
        self._rows = rows
        held = np.zeros(size, dtype=bool)
        held[rows] = True
        self._valid = pa.py_buffer(np.packbits(held, bitorder="little"))

    def some(self, rows: IntColumn) -> Among:
        """Some of these rows among all."""
        return Among(self._rows[rows], self.size)

    def numbers(self, values: Any, missing: Any) -> Any:
        """A NumPy column of all rows."""
        if len(self._rows) == self.size:
            return values
        wide = np.full(self.size, missing, values.dtype)
        wide[self._rows] = values
        return wide

    def spread(self, values: Any, kind: pa.DataType) -> pa.Array:
        """A column of all rows; an empty text is null."""
        if isinstance(values, Coded):
            words = pa.array([value or None for value in values.values], pa.string())
            return words.take(self._wide(values.codes)).cast(kind)
        if isinstance(values, pa.Array):
            return values.take(self._wide(np.arange(len(self._rows)))).cast(kind)
        return self._wide(values).cast(kind)

    def _wide(self, values: Any) -> pa.Array:
        if len(self._rows) == self.size:
            return pa.array(values)
        if values.dtype == bool:
            return self._wide(values.astype(np.int8))
        wide = self.numbers(values, 0)
        return pa.Array.from_buffers(pa.from_numpy_dtype(wide.dtype), self.size, [self._valid, pa.py_buffer(wide)])
