"""Findings 问题清单: what waits to be mended, as it was found when files were loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.findings import SEVERITY_LABELS
from tongpin.records.intake.lake_tables import FINDINGS, read_loaded
from tongpin.workbench.listings.catalogue import Loaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tongpin.store.home import Home

SOURCES = {"settlement_list": "结算清单", "front_page": "病案首页", "plain": "通用病例"}


def load_findings(home: Home, _: Mapping[str, str]) -> Loaded:
    """Every finding that is still open."""
    table = read_loaded(home, FINDINGS)
    table = table.filter(pc.equal(table["status"], "open"))
    order = {name: place for place, name in enumerate(SEVERITY_LABELS)}
    severities = table["severity"].to_pylist()
    columns = {
        name: table[name]
        for name in ("rule_id", "institution_code", "case_id", "path", "value", "message", "hint", "file", "record")
    }
    return Loaded(
        pa.table(
            columns
            | {
                "severity_order": pa.array([order.get(one, len(order)) for one in severities], pa.int64()),
                "severity_label": pa.array([SEVERITY_LABELS.get(one, one) for one in severities], pa.string()),
                "source_label": pa.array([SOURCES.get(one, one) for one in table["source"].to_pylist()], pa.string()),
                "spoils": pa.array(["、".join(one or ()) for one in table["spoils"].to_pylist()], pa.string()),
            }
        )
    )
