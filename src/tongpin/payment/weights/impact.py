"""Impact 影响测算: what a draft edition would have paid each hospital for the same cases (S003-06, S905-02)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.money import check_balance
from tongpin.payment.weights.repricing import item_pool, paid, same_cases

if TYPE_CHECKING:
    from tongpin.payment.policy.policy import Policy

IMPACT_SCHEMA = pa.schema(
    [
        ("institution_code", pa.string()),
        ("institution_name", pa.string()),
        ("case_count", pa.int64()),
        *((name, pa.int64()) for name in ("item_pool_fen", "old_fen", "new_fen", "difference_fen")),
        *((name, pa.float64()) for name in ("old_ratio", "new_ratio")),
        ("explained_by", pa.list_(pa.struct([("drg", pa.string()), ("difference_fen", pa.int64())]))),
    ]
)
"""A hospital: pool paid by item, by the old and by the draft edition (fen), 结付率 = paid / by item (null without
payments by item), and the groups of the draft that explain the difference, largest first."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What each hospital and each group would have got.

    `hospitals` as `IMPACT_SCHEMA`, the largest difference first; `groups`: `drg, case_count, old_fen, new_fen,
    difference_fen` by group of the draft.
    """

    hospitals: pa.Table
    groups: pa.Table

    def total(self, column: str) -> int:
        """The sum over hospitals of a column in fen or cases."""
        return int(pc.sum(self.hospitals[column]).as_py() or 0)


def compare_editions(
    before: pa.Table, after: pa.Table, old: Policy, new: Policy, institutions: pa.Table, *, explaining: int = 3
) -> Impact:
    """Each edition priced once over the same cases and added up by hospital; `explaining` groups are named each.

    Cases that neither edition settles count for nothing.

    `before`, `after`: the cases grouped by the scheme of either edition (the same table where the scheme is the same).
    Editions are used as they come: pin those whose values do not reach the cases (`repricing.pinned`). Pure.
    """
    same_cases(before, after)
    prices = paid(before, old, institutions), paid(after, new, institutions)
    old_fen, new_fen = prices[0].payable, prices[1].payable
    table = pa.table(
        {
            "institution_code": before["institution_code"],
            "institution_name": before["institution_name"],
            "drg": pc.cast(after["drg"], pa.string()),
            "item_pool_fen": pa.array(item_pool(*prices)),
            "old_fen": pa.array(old_fen),
            "new_fen": pa.array(new_fen),
        }
    )
    table = table.filter(pa.array(prices[0].inside | prices[1].inside))
    sums: list[tuple[Any, str]] = [
        ([], "count_all"),
        *((name, "sum") for name in ("item_pool_fen", "old_fen", "new_fen")),
    ]
    cells = table.group_by(["institution_code", "drg"]).aggregate([*sums, ("institution_name", "max")])
    groups = table.group_by("drg").aggregate(sums)
    rows = _hospital_rows(cells, explaining)
    hospitals = pa.Table.from_pylist(rows, schema=IMPACT_SCHEMA)
    for name, column in (("old_fen", old_fen), ("new_fen", new_fen)):
        whole = int(column.sum())
        check_balance("impact.sum", "各机构之和与全部病例", int(pc.sum(hospitals[name]).as_py() or 0), whole)
    by_group = {
        "drg": groups["drg"],
        "case_count": groups["count_all"],
        "old_fen": groups["old_fen_sum"],
        "new_fen": groups["new_fen_sum"],
        "difference_fen": pc.subtract(groups["new_fen_sum"], groups["old_fen_sum"]),
    }
    size = np.abs(by_group["difference_fen"].to_numpy())
    return Impact(hospitals, pa.table(by_group).take(pa.array(np.argsort(-size, kind="stable"))))


def _hospital_rows(cells: pa.Table, explaining: int) -> list[dict[str, object]]:
    """Hospitals with their sums and the groups that explain the difference."""
    found: dict[str, dict[str, object]] = {}
    groups: dict[str, list[tuple[str, int]]] = {}
    sums: dict[str, list[int]] = {}
    for row in cells.to_pylist():
        code = row["institution_code"]
        groups.setdefault(code, []).append((row["drg"], row["new_fen_sum"] - row["old_fen_sum"]))
        total = sums.setdefault(code, [0, 0, 0, 0])
        for place, name in enumerate(("count_all", "item_pool_fen_sum", "old_fen_sum", "new_fen_sum")):
            total[place] += row[name]
        found[code] = {"institution_code": code, "institution_name": row["institution_name_max"]}
    for code, row in found.items():
        count, item, old, new = sums[code]
        leading = sorted(groups[code], key=lambda pair: (-abs(pair[1]), pair[0]))[:explaining]
        row |= {
            "case_count": count,
            "item_pool_fen": item,
            "old_fen": old,
            "new_fen": new,
            "difference_fen": new - old,
            "old_ratio": old / item if item else None,
            "new_ratio": new / item if item else None,
            "explained_by": [{"drg": drg, "difference_fen": fen} for drg, fen in leading if fen],
        }
    return sorted(found.values(), key=lambda row: (-abs(int(str(row["difference_fen"]))), str(row["institution_code"])))
