"""The grouping rate 入组率 in both published forms, of any stream of grouped cases (S004-03).

The limits and the forms are those of the catalogue; they are read without the rest of it, which would take longer
than a small file takes to group.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RATES = ("settlement.grouping_rate.scope", "settlement.grouping_rate.quality")
"""Both published forms of the grouping rate (S004-03)."""
REJECTED = ("check_failed", "dx_not_mapped", "px_not_mapped")
WITHOUT_GROUP = ("ungrouped", "ambiguous")
"""The statuses that the second form counts beside the grouped ones, as the measure does."""
GROUPED = "grouped"


def grouping_sums(grouped: pa.Table) -> dict[str, int]:
    """The additive facts that both rates rest on, as the catalogue of measures defines them."""
    limits = {one["id"]: one["value"] for one in _catalogue("definitions.yaml", "definitions")}
    in_group = pc.equal(grouped["status"].cast(pa.string()), GROUPED)
    excluded: Any = pa.scalar(False)
    if "los" in grouped.column_names:
        too_long = pc.greater(grouped["los"], limits["grouping.excluded_stay_days"])
        excluded = pc.or_(excluded, pc.fill_null(too_long, False))
    if "total_fee_fen" in grouped.column_names:
        too_cheap = pc.less(grouped["total_fee_fen"], limits["grouping.excluded_fee_fen"])
        excluded = pc.or_(excluded, pc.fill_null(too_cheap, False))
    in_scope = pc.and_(in_group, pc.invert(excluded))
    return {
        "case_count": grouped.num_rows,
        "grouped_count": _count(in_group, grouped.num_rows),
        "grouped_in_scope_count": _count(in_scope, grouped.num_rows),
        "excluded_count": _count(excluded, grouped.num_rows),
    }


def _count(mask: Any, rows: int) -> int:
    if isinstance(mask, pa.Scalar):
        return rows if mask.as_py() else 0
    return int(pc.sum(mask, min_count=0).as_py())


@cache
def _catalogue(file: str, key: str) -> list[dict[str, Any]]:
    """Entries of a file of the catalogue of measures, read without the whole catalogue, which would take longer."""
    import yaml

    path = resources.files("tongpin") / "catalogue" / "measures" / file
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries: list[dict[str, Any]] = yaml.load(path.read_text(encoding="utf-8"), loader)[key]  # noqa: S506  # both are safe
    return entries


def grouping_rates(by_status: Mapping[str, int], facts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Both published forms from cases by status and the sums of `grouping_sums`; a value is 0–1, None without cases."""
    every = dict(facts) | {
        "failed_check_count": sum(by_status.get(one, 0) for one in REJECTED),
        "ungrouped_count": sum(by_status.get(one, 0) for one in WITHOUT_GROUP),
    }
    return [_rate(one, every) for one in _catalogue("settlement.yaml", "measures") if one["id"] in RATES]


def _rate(measure: Mapping[str, Any], facts: Mapping[str, int]) -> dict[str, Any]:
    above, below = _added(facts, measure["numerator"]), _added(facts, measure["denominator"])
    told = {name: measure[name] for name in ("id", "label", "form")}
    return told | {"numerator": above, "denominator": below, "value": above / below if below else None}


def _added(facts: Mapping[str, int], terms: Sequence[str]) -> int:
    return sum(-facts.get(term[1:], 0) if term.startswith("-") else facts.get(term, 0) for term in terms)
