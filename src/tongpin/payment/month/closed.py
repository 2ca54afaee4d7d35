"""Closed months 已关账的月份: what the months of an area froze; whoever works on closed months reads them here.

A home may close months of several areas: the routes of the home say which of them pays a list (S908-02). Every row of
a month carries its run, `area/YYYY-MM`, in the lake.
"""

from __future__ import annotations

import json
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError, StoreError
from tongpin.payment.month.posting import LINE_SCHEMA
from tongpin.payment.month.statement import STATEMENT_SCHEMA
from tongpin.payment.policy.routes import own_routes
from tongpin.records.intake.load import DECISIONS, read_loaded
from tongpin.store import lake

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tongpin.store.home import Home

LINES, STATEMENTS, RUNS = "posted_lines", "statements", "settlement_runs"
RUN = "run"
"""The column of the lake that names the month that wrote a row: `area/YYYY-MM`."""

NOT_ASKED: Mapping[str, str] = MappingProxyType({})
"""A run that rests on no approval."""
_APPROVED = {
    "result_digest": "结果",
    "policy_digest": "付费办法",
    "scheme_digest": "分组方案",
    "weights_digest": "权重",
}

RUN_SCHEMA = pa.schema(
    [("month", pa.string()), ("area", pa.string()), ("digest", pa.string()), ("manifest", pa.string())],
)


def run_name(area: str, month: str) -> str:
    """The name of an area's month in the lake."""
    return f"{area}/{month}"


def every_run(home: Home) -> dict[str, dict[str, Any]]:
    """The manifest of every closed month of every area of a home, by run."""
    return {run: json.loads(text) for run, text in _manifests(home, lake.state(home, RUNS))}


@lru_cache(maxsize=64)
def _manifests(home: Home, _: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
    """The manifests as texts, in one state of the lake: what works on closed months asks for them again and again."""
    rows = lake.read(home, RUNS, RUN_SCHEMA.names)
    closed = () if rows is None else rows.to_pylist()
    return tuple((run_name(row["area"], row["month"]), row["manifest"]) for row in closed)


def areas_of(home: Home) -> tuple[str, ...]:
    """The areas with closed months, sorted."""
    return tuple(sorted({manifest["area"] for manifest in every_run(home).values()}))


def area_of(home: Home, area: str | None) -> str | None:
    """The area that is meant: the named one, else the only one with closed months, none where none is closed.

    PolicyError `settle.area` when several areas have closed months and none is named, or the named one has none.
    """
    areas = areas_of(home)
    if area is None:
        if len(areas) > 1:
            raise PolicyError(
                "settle.area", f"这个工作目录已按 {'、'.join(areas)} 几个统筹区关账", hint="用 --area 指明统筹区"
            )
        return areas[0] if areas else None
    if areas and area not in areas:
        raise PolicyError(
            "settle.area",
            f"统筹区 {area} 在这个工作目录没有关账的月份；已关账的统筹区：{'、'.join(areas)}",
            hint=f"改 --area，或先运行 tongpin settle --area {area}",
        )
    return area


def closed_months(home: Home, area: str | None = None) -> dict[str, dict[str, Any]]:
    """The manifest of every closed month (`YYYY-MM`) of an area, or of the only one; none where it closed none."""
    area = area_of(home, None) if area is None else area
    return {manifest["month"]: manifest for manifest in every_run(home).values() if manifest["area"] == area}


def closed_manifest(home: Home, month: str, area: str | None = None) -> dict[str, Any]:
    """The manifest of a closed month; StoreError `settle.open` when it is not closed, else as `area_of`."""
    closed = closed_months(home, area_of(home, area))
    if month not in closed:
        raise StoreError(
            "settle.open", f"{month} 还没有月结", where=str(home.root), hint=f"先运行 tongpin settle --month {month}"
        )
    return closed[month]


def check_approved(manifest: Mapping[str, Any], approved: Mapping[str, str]) -> None:
    """Nothing, or PolicyError `approval.stale` when a run is not the one that was approved.

    `approved`: what the approval names of the manifest, such as its digests (S003-17).
    """
    changed = [name for name, value in approved.items() if manifest.get(name) != value]
    if changed:
        told = "、".join(_APPROVED.get(name, name) for name in changed)
        raise PolicyError(
            "approval.stale",
            f"审批之后{told}变了，与批准的不是同一个结果",
            where="、".join(changed),
            hint="没有关账、没有写入；重新试算，另起一份公文送审",
        )


def posted(
    home: Home, area: str | None, months: Iterable[str] | None = None, columns: Sequence[str] | None = None
) -> pa.Table:
    """The lines (`LINE_SCHEMA`, or some of its columns) of closed months of an area; of all of them unless named.

    What a killed run may have left is not in force and not given.
    """
    return _of_runs(home, LINES, _runs(home, area, months), LINE_SCHEMA, columns)


def statements(home: Home, area: str | None, months: Iterable[str] | None = None) -> pa.Table:
    """The statement rows (`STATEMENT_SCHEMA`) of closed months of an area; of all of them unless named."""
    return _of_runs(home, STATEMENTS, _runs(home, area, months), STATEMENT_SCHEMA, None)


def posted_anywhere(home: Home, case_ids: Sequence[str] | None = None) -> pa.Table:
    """Every line in force of every area (`LINE_SCHEMA`), or those of some cases, with its `run`."""
    schema = LINE_SCHEMA.append(pa.field(RUN, pa.string()))
    runs = sorted(every_run(home))
    if case_ids is None:
        return _of_runs(home, LINES, runs, schema, None)
    table = lake.read(home, LINES, schema.names, where=("case_id", pa.array(case_ids, pa.string())))
    if table is None:
        return schema.empty_table()
    return table.filter(pc.is_in(table[RUN], value_set=pa.array(runs, pa.string()))).cast(schema)


def decisions(home: Home, area: str | None) -> pa.Table:
    """The loaded decisions that concern an area: its own, and those that name no area.

    PolicyError `settle.decision_area` when an amount names no area though the routes of the home know several: it
    would be taken from each of them.
    """
    loaded = read_loaded(home, DECISIONS)
    if "area" not in loaded.column_names:
        return loaded
    nowhere = pc.is_null(loaded["area"])
    if len(areas_routed(home)) > 1:
        amounts = pc.and_(nowhere, pc.and_(pc.is_valid(loaded["amount_fen"]), pc.is_valid(loaded["month"])))
        open_ones = loaded.filter(amounts)
        if open_ones.num_rows:
            first = open_ones.slice(0, 1).to_pylist()[0]
            raise PolicyError(
                "settle.decision_area",
                f"{open_ones.num_rows} 行决定没有写统筹区，例如机构 {first['institution_code']} {first['month']}",
                where="decision.area",
                hint="这个工作目录有几个统筹区：在决定表的 area 列写明扣的是哪一个",
            )
    return loaded.filter(pc.or_(nowhere, pc.fill_null(pc.equal(loaded["area"], area or ""), False)))


def areas_routed(home: Home) -> tuple[str, ...]:
    """The areas that the routes of the home name, sorted; none where it has no routes of its own."""
    return tuple(sorted({one.edition.split("/")[0] for one in own_routes(home)}))


def _runs(home: Home, area: str | None, months: Iterable[str] | None) -> list[str]:
    closed = closed_months(home, area)
    wanted = closed if months is None else [month for month in months if month in closed]
    return sorted(run_name(closed[month]["area"], month) for month in wanted)


def _of_runs(home: Home, name: str, runs: Sequence[str], schema: pa.Schema, columns: Sequence[str] | None) -> pa.Table:
    fields = schema if columns is None else pa.schema([schema.field(one) for one in columns])
    table = lake.read(home, name, fields.names, where=(RUN, pa.array(runs, pa.string()))) if runs else None
    return fields.empty_table() if table is None else table.cast(fields)
