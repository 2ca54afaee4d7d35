"""Queries 查询: filter, sort, count, sum and page in DuckDB over what a loader gave; values are always parameters."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tongpin.base.errors import TongpinError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

    from tongpin.workbench.listings.catalogue import ListColumn, Listing

PACKED = "packed"
TABLE = f"{PACKED}.rows_of_list"
"""The table, in a database of DuckDB's own."""
_LONGEST = 200
_MOST_VALUES = 1_000


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Filter(_Asked):
    """A condition on a column."""

    column: str
    op: Literal["is", "in", "contains", "from", "to", "null", "not_null"]
    value: str | int | float | bool | list[str | int | float] | None = None


class Sort(_Asked):
    """An order by a column."""

    column: str
    descending: bool = False


class Asked(_Asked):
    """A page of a list: parameters, conditions, order, place."""

    parameters: dict[str, str] = {}
    filters: list[Filter] = Field(default=[], max_length=20)
    sort: list[Sort] = Field(default=[], max_length=4)
    offset: int = Field(default=0, ge=0, le=10_000_000)
    limit: int = Field(default=100, ge=1, le=10_000)


class Page(NamedTuple):
    """Rows in order with the values of `columns`, how many there are in all, the sums of what is added up."""

    rows: list[tuple[Any, ...]]
    total: int
    sums: dict[str, int]


def page(cursor: duckdb.DuckDBPyConnection, one: Listing, columns: Sequence[ListColumn], asked: Asked) -> Page:
    """A page of the table `TABLE`; only `columns` may be named. Errors: `table.column`, `table.filter`."""
    allowed = {column.id: column for column in columns}
    where, values = _where(one, allowed, asked.filters)
    added = [column.id for column in columns if column.sum]
    sums = "".join(f', sum("{name}")::BIGINT' for name in added)
    head = cursor.execute(f"SELECT count(*){sums} FROM {TABLE}{where}", values).fetchall()[0]  # noqa: S608
    named = ", ".join(f'"{column.id}"' for column in columns)
    order = _order(one, allowed, asked.sort)
    # First which rows, then what they say: the other columns are read at these places only.
    place = f"SELECT rowid FROM {TABLE}{where}{order} LIMIT {asked.limit} OFFSET {asked.offset}"  # noqa: S608
    text = f"SELECT {named} FROM {TABLE} WHERE rowid IN ({place}){order}"  # noqa: S608
    rows = cursor.execute(text, values).fetchall()
    return Page(rows, int(head[0]), {name: int(value or 0) for name, value in zip(added, head[1:], strict=True)})


def _where(one: Listing, allowed: dict[str, ListColumn], filters: Sequence[Filter]) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    for asked in filters:
        column = _named(one, allowed, asked.column)
        if not column.filter:
            raise TongpinError("table.filter", f"“{column.label}”不能筛选", where=column.id, hint="换一列")
        name = f'"{column.id}"'
        match asked.op:
            case "null":
                parts.append(f"{name} IS NULL")
            case "not_null":
                parts.append(f"{name} IS NOT NULL")
            case "in":
                listed = asked.value if isinstance(asked.value, list) else [asked.value]
                if not 0 < len(listed) <= _MOST_VALUES:
                    raise _wrong(column, f"选 1 到 {_MOST_VALUES} 个值")
                parts.append(f"{name} IN ({', '.join('?' for _ in listed)})")
                values += [_value(column, value) for value in listed]
            case "contains":
                if column.kind != "text" or not isinstance(asked.value, str) or len(asked.value) > _LONGEST:
                    raise _wrong(column, "包含只用于文字")
                parts.append(f"contains(lower({name}), lower(?))")
                values.append(asked.value)
            case _:
                sign = {"is": "=", "from": ">=", "to": "<="}[asked.op]
                parts.append(f"{name} {sign} ?")
                values.append(_value(column, asked.value))
    return (" WHERE " + " AND ".join(parts)) if parts else "", values


def _value(column: ListColumn, value: Any) -> Any:
    """A value in the type of its column, or a refusal."""
    try:
        match column.kind:
            case "text":
                if isinstance(value, str):
                    return value
            case "integer" | "money":
                if isinstance(value, (int, float, str)) and not isinstance(value, bool) and float(value).is_integer():
                    number = int(float(value))
                    if abs(number) < 2**63:
                        return number
            case "ratio" | "decimal":
                if isinstance(value, (int, float, str)) and not isinstance(value, bool):
                    return float(value)
            case "date":
                if isinstance(value, str):
                    return date.fromisoformat(value)
            case "flag":
                if isinstance(value, bool):
                    return value
    except (ValueError, OverflowError):
        pass
    raise _wrong(
        column, {"date": "日期写成 2025-06-30", "flag": "写 true 或 false", "text": "写文字"}.get(column.kind, "写数")
    )


def _order(one: Listing, allowed: dict[str, ListColumn], sorts: Sequence[Sort]) -> str:
    chosen = [(asked.column, asked.descending) for asked in sorts] or [
        (order.column, order.descending) for order in one.order if order.column in allowed
    ]
    parts = []
    for name, descending in chosen:
        column = _named(one, allowed, name)
        if not column.sort:
            raise TongpinError("table.sort", f"“{column.label}”不能排序", where=column.id, hint="换一列")
        parts.append(f'"{column.id}" {"DESC" if descending else "ASC"} NULLS LAST')
    return " ORDER BY " + ", ".join([*parts, "rowid"])


def _named(one: Listing, allowed: dict[str, ListColumn], name: str) -> ListColumn:
    if name not in allowed:
        one.column(name)
        raise TongpinError("table.column", f"这个岗位看不到列 {name}", where=name, hint="换一列")
    return allowed[name]


def _wrong(column: ListColumn, hint: str) -> TongpinError:
    return TongpinError("table.filter", f"“{column.label}”的筛选值不对", where=column.id, hint=hint)
