"""On demand 用到时才算: distinct counts, medians and shares of units, which sums of facts cannot give.

Each is one query over the cases of a slice; the catalogue (`on_demand.yaml`) says over what.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import duckdb
import narwhals as nw
from pydantic import Field

from tongpin.base.errors import TongpinError
from tongpin.base.money import FEN_PER_YUAN
from tongpin.base.strict_yaml import Strict
from tongpin.measures.catalogue import Direction, Population, Unit, catalogue_folder, read_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

GROUPED = "grouped"
OF_GROUPS = ("drg", "mdc")
"""Columns that only grouped cases count in."""


class OnDemand(Strict):
    """A figure that is no quotient of sums: over which column, how, and of which population."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]
    label: str
    form: str
    unit: Unit
    direction: Direction
    what: Literal["distinct", "missing", "median", "share_above"]
    column: str
    counted: str = ""
    excluded: tuple[str, ...] = ()
    population: Population
    reference: str
    assumed: bool = False

    weight_edition: None = None
    benchmark_period: None = None
    limits: None = None

    @property
    def period(self) -> str:
        """What months are: of discharge for front pages, of settlement for lists."""
        return "出院月" if self.population == "全部出院" else "结算月"


@cache
def load_on_demand() -> dict[str, OnDemand]:
    """The figures on demand, by id."""
    path = catalogue_folder("measures") / "on_demand.yaml"
    return {entry.id: entry for entry in read_catalogue(path, "counts", OnDemand)}


class Counted(NamedTuple):
    """A figure on demand and how many cases (of `share_above`: units) it was taken over."""

    value: float | None
    cases: int


def count_on_demand(
    cases: pa.Table, chosen: Iterable[OnDemand], by: Sequence[str], *, mdcs: Sequence[str] = ()
) -> dict[tuple[Any, ...], dict[str, Counted]]:
    """Every slice of the cases with its figures by id; a count is an integer, a median null without values.

    `mdcs` are the main categories of the scheme, for `missing`. Errors: `measures.needs` when the cases lack a column.
    """
    figures = list(chosen)
    missing = sorted({one.column for one in figures if one.column not in cases.column_names})
    if missing:
        spoiled = "、".join(one.id for one in figures if one.column in missing)
        raise TongpinError(
            "measures.needs",
            f"病例缺少列 {'、'.join(missing)}，无法计算 {spoiled}",
            where="、".join(missing),
            hint="先分组，或换一个人群",
        )
    with duckdb.connect() as connection:
        frame = nw.from_native(connection.from_arrow(cases)).lazy()
        slices = _grouped(frame, by, [nw.len().alias("n")])
        found: dict[tuple[Any, ...], dict[str, Counted]] = {key: {} for key in slices}
        for one in figures:
            counted = _counted(frame, one, by, mdcs)
            due = len(set(mdcs) - set(one.excluded))
            for key, figure in found.items():
                value, count = counted.get(key, (None if one.what in _AVERAGES else 0, 0))
                figure[one.id] = Counted(due - int(value or 0) if one.what == "missing" else value, int(count))
    return found


_AVERAGES = ("median", "share_above")


def _counted(
    frame: Any, one: OnDemand, by: Sequence[str], mdcs: Sequence[str]
) -> dict[tuple[Any, ...], tuple[float | None, int]]:
    column = nw.col(one.column)
    some = frame.filter(~column.is_null())
    if one.column in OF_GROUPS:
        some = some.filter((column != "") & (nw.col("status").cast(nw.String) == GROUPED))
    count = nw.len().alias("n")
    match one.what:
        case "distinct":
            parts = [column.n_unique().alias("value"), count]
        case "missing":
            some = some.filter(column.is_in(sorted(set(mdcs) - set(one.excluded))))
            parts = [column.n_unique().alias("value"), count]
        case "median":
            divisor = FEN_PER_YUAN if one.unit == "yuan" else 1
            parts = [(column.cast(nw.Float64).median() / divisor).alias("value"), count]
        case _:
            units = some.group_by(*by, one.counted).agg(column.sum().alias("total"))
            above = nw.when(nw.col("total") > 0).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
            some, parts = units.with_columns(above=above), [nw.col("above").mean().alias("value"), count]
    return {key: (row["value"], row["n"]) for key, row in _grouped(some, by, parts).items()}


def _grouped(frame: Any, by: Sequence[str], parts: Sequence[nw.Expr]) -> dict[tuple[Any, ...], dict[str, Any]]:
    grouped = frame.group_by(*by).agg(*parts) if by else frame.select(*parts)
    rows = grouped.collect(backend="pyarrow").to_native().to_pylist()
    return {tuple(row[name] for name in by): row for row in rows}
