"""Schemes 分组方案: the groups of a scheme, and the differences of two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tongpin.grouping.diff import KINDS, TOPICS
from tongpin.grouping.library import open_scheme
from tongpin.workbench.assess.rules import scheme_changes, words
from tongpin.workbench.listings.catalogue import Loaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.store.home import Home


def load_scheme_groups(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """A row for each group of a scheme in table order; a group that several rules give stands once."""
    tables = open_scheme(home, parameters["scheme"])
    rows: dict[str, dict[str, str]] = {}
    for mdc in tables.mdcs:
        for step in mdc.steps:
            for leaf in step.leaves:
                rows.setdefault(
                    leaf.drg,
                    {
                        "scheme": tables.scheme_id,
                        "mdc": mdc.code,
                        "mdc_name": mdc.name,
                        "adrg": step.adrg,
                        "adrg_name": step.name,
                        "drg": leaf.drg,
                        "drg_name": tables.drg_names.get(leaf.drg, leaf.name),
                        "leaf_when": words(tables, leaf.when),
                    },
                )
    names = ("scheme", "mdc", "mdc_name", "adrg", "adrg_name", "drg", "drg_name", "leaf_when")
    return Loaded(
        pa.Table.from_pylist(list(rows.values()), schema=pa.schema([(name, pa.string()) for name in names])),
        (f"{tables.title}；来源：{tables.source}；摘要 {tables.digest[:16]}",),
    )


def load_scheme_changes(home: Home, parameters: Mapping[str, str]) -> Loaded:
    """A row for each difference of two schemes."""
    rows = [
        {
            "topic": TOPICS[one.topic],
            "kind": KINDS[one.kind],
            "place": one.place,
            "code": one.code,
            "before": "；".join(one.before),
            "after": "；".join(one.after),
        }
        for one in scheme_changes(home, parameters["before"], parameters["after"])
    ]
    names = ("topic", "kind", "place", "code", "before", "after")
    return Loaded(pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names])))
