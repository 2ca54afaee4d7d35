"""Rows of a case table without a copy: a column is taken only when a rule reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

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
