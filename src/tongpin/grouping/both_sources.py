"""Both sources 两源同组: lists and front pages of the same stays in one code version, and grouped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.grouping.compiled.stage import group
from tongpin.records.intake.lake_tables import read_loaded
from tongpin.records.layouts.catalogue import layouts
from tongpin.records.views.crosswalk import map_of_pairs
from tongpin.records.views.same_source import compare

if TYPE_CHECKING:
    from tongpin.grouping.tables.model import SchemeTables
    from tongpin.records.views.edition import Edition
    from tongpin.records.views.same_source import SameSource
    from tongpin.store.home import Home


def code_map_of(home: Home, scheme: SchemeTables) -> tuple[pa.Table | None, str]:
    """The code map to use and its name: the one loaded, else the scheme's own, else none."""
    kept = read_loaded(home, layouts()["code-map"].table)
    if kept.num_rows:
        return kept, "已装载的编码对照表"
    if scheme.dx_map:
        return map_of_pairs(scheme.dx_map, scheme.px_map), f"方案 {scheme.scheme_id} 自带的对照表"
    return None, "没有对照表，编码按原样比较与分组"


def compare_grouped(
    lists: pa.Table, pages: pa.Table, edition: Edition, scheme: SchemeTables, code_map: pa.Table | None
) -> SameSource:
    """Lists against front pages as `records.views.same_source.compare`, both grouped by a scheme. Source: S001-70."""

    def grouped(cases: pa.Table) -> pa.Table:
        # What could be translated is; a scheme without a map would refuse every case that still asks for one.
        place = cases.column_names.index("code_map")
        return group(cases.set_column(place, "code_map", pa.array([0] * cases.num_rows, pa.int8())), scheme)

    return compare(lists, pages, edition, group=grouped, code_map=code_map)
