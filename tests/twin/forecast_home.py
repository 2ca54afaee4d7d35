"""A small home for tests of forecasts and negotiations: two generated hospitals, six closed months, older pages."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tongpin.bench.city_home import city_home, city_setting
from tongpin.payment.month.run import settle_in_home
from tongpin.records.intake.lake_tables import schema_of
from tongpin.records.layouts.catalogue import layouts
from tongpin.store import lake
from tongpin.store.home import Home

if TYPE_CHECKING:
    from pathlib import Path

HOSPITALS = (24, 22)
OWN, PEER = "H99010000025", "H99010000023"
FIRST, LAST = "2024-06", "2025-06"
CLOSED = tuple(f"2025-{month:02d}" for month in range(1, 7))


def make_home(root: Path) -> Home:
    """The home, its months of 2025 closed up to June."""
    months = [month for month in city_setting().months if FIRST <= str(month) <= LAST]
    home = city_home(root / "home", months, HOSPITALS, pages=True)
    for month in CLOSED:
        settle_in_home(home, month)
    return home


@cache
def _columns(layout: str) -> pa.Schema:
    return schema_of(layouts()[layout].table)


def keep(home: Home, layout: str, rows: list[dict[str, Any]]) -> None:
    """Rows of an own layout, as a load would keep them."""
    schema = _columns(layout)
    table = pa.Table.from_pylist([{**dict.fromkeys(schema.names), **row} for row in rows], schema=schema)
    lake.upsert(home, layouts()[layout].table, table, layouts()[layout].key)


def peers(values: dict[str, list[float]], year: int = 2024) -> list[dict[str, Any]]:
    """Figures of peers by part, one hospital after another."""
    return [
        {
            "peer_code": f"P{number}",
            "year": year,
            "manual": "综合二级",
            "item_code": f"guokao.{sub}",
            "value": Decimal(str(value)),
        }
        for sub, of in values.items()
        for number, value in enumerate(of)
    ]
