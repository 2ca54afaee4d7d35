"""The engine 聚合: facts and their sums by slice in one pass, in DuckDB or wherever the table lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import narwhals as nw
import pyarrow as pa

from tongpin.measures.facts import case_facts

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def sum_facts(cases: Any, by: Sequence[str], *, only: Collection[str] | None = None, **against: Any) -> pa.Table:
    """The sums of every fact of the cases by the columns `by` (int64), sorted by them.

    An Arrow table is summed by DuckDB, a DuckDB relation or a Spark frame where it lives; the figures are the same.
    `against`: `benchmark`, `regional`, `risk`, `light` as `case_facts` takes them, Arrow tables with an Arrow table.
    `only` names the facts that are wanted; all of them unless named.
    """
    if not isinstance(cases, pa.Table):
        return _summed(case_facts(cases, by, only=only, **against), by)
    with duckdb.connect() as connection:
        others = {name: connection.from_arrow(table) for name, table in against.items() if table is not None}
        return _summed(case_facts(connection.from_arrow(cases), by, only=only, **others), by)


def _summed(facts: Any, by: Sequence[str]) -> pa.Table:
    frame = nw.from_native(facts).lazy()
    names = [name for name in frame.collect_schema().names() if name not in by]
    sums = [nw.col(name).sum().cast(nw.Int64) for name in names]
    summed = frame.group_by(*by).agg(*sums).sort(*by) if by else frame.select(*sums)
    found = summed.collect(backend="pyarrow").to_native()
    return pa.table({name: found[name] for name in (*by, *names)})
