"""Planting 埋入差错: the lists of a hospital-month as first sent, with this month's faults in them, and the truth."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.demo.calendar import Purpose, stream
from tongpin.demo.choice import always_built
from tongpin.demo.faults.registry import OTHER_GROUP, Kind, Material, kinds
from tongpin.records.case.schema import GROUPING_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tongpin.demo.calendar import Month
    from tongpin.demo.groups import Array
    from tongpin.demo.setting import Setting

TRIED_AT_ONCE = 4
"""Candidates grouped for each fault wanted, where a fault counts only with its effect on the group."""

GROUPED_BY = frozenset({*GROUPING_COLUMNS, "planned_drg"})


class Planted(NamedTuple):
    """One planted fault: its kind, the row of the list, the line it stands in (from 0), whether it gets corrected."""

    kind: str
    row: int
    line: int
    corrected: bool


class Sent(NamedTuple):
    """The lines of a hospital-month as first sent (clean ones and faulty ones), and the faults in them."""

    lines: list[bytes]
    faults: list[Planted]


@lru_cache(maxsize=4096)
def allocate(setting: Setting, month: Month, what: str, total: int) -> Array:
    """How many of `total` fall to each hospital: one to a hospital that is always built, the rest by size.

    The answer depends on the seed, the month and `what` alone, never on how much of the city is built.
    """
    counts = np.zeros(len(setting.hospitals), dtype=np.int64)
    if total == 0:
        return counts
    purpose = zlib.crc32(what.encode())
    kept = always_built(setting)
    counts[kept[purpose % len(kept)]] = 1
    size = np.array([row.cases for row in setting.hospitals], dtype=float)
    rng = stream(setting.seed, Purpose.ALLOCATION, month.index, purpose)
    return counts + rng.multinomial(total - 1, size / size.sum())


def wanted(setting: Setting, month: Month, hospital: int) -> Iterator[tuple[Kind, bool, int]]:
    """How many faults of each kind a hospital-month has, those that get corrected and those that do not."""
    lists = setting.month_total(month)
    for name, plan in setting.profile.faults.record_faults.value.items():
        total = round(plan.share * lists)
        corrected = round(total * plan.corrected) if kinds()[name].returned else 0
        for number, mended in ((corrected, True), (total - corrected, False)):
            what = f"{name} {'corrected' if mended else 'kept'}"
            yield kinds()[name], mended, int(allocate(setting, month, what, number)[hospital])


def plant(setting: Setting, month: Month, hospital: int, lists: pa.Table, lines: list[bytes]) -> Sent:
    """The lines of the lists with the faults of the month in them; every fault on a list of its own.

    `lines` are 4101 messages, one a list, in the order of `lists`; halves of split stays and interim
    bills stay as they are. A fault that is to move a list out of its group is only planted where the kernel says that
    it does.
    """
    rng = stream(setting.seed, Purpose.FAULTS, month.index, hospital)
    codes = setting.fault_codes
    material = Material(rng, codes.of_sex, codes.ungroupable, codes.tcm)
    plain = pc.and_(pc.is_null(lists["split"]), pc.is_null(lists["interim"]))
    lists = lists.select([name for name in lists.column_names if name in GROUPED_BY])
    free: list[int] = rng.permutation(np.flatnonzero(plain.to_numpy())).tolist()
    sent = list(lines)
    faults: list[Planted] = []
    for kind, corrected, count in wanted(setting, month, hospital):
        for row, line in _chosen(setting, kind, count, free, lists, lines, material):
            if kind.repeats:
                sent.append(line)
            else:
                sent[row] = line
            faults.append(Planted(kind.name, row, len(sent) - 1 if kind.repeats else row, corrected))
        if count:
            taken = {fault.row for fault in faults}
            free = [row for row in free if row not in taken]
    return Sent(sent, faults)


def _chosen(
    setting: Setting,
    kind: Kind,
    count: int,
    free: list[int],
    lists: pa.Table,
    lines: list[bytes],
    material: Material,
) -> list[tuple[int, bytes]]:
    """As many free rows as wanted that the kind fits, with their faulty lines."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while len(found) < count and at < len(free):
        step = (count - len(found)) * (TRIED_AT_ONCE if kind.regroups else 1)
        edits = [(row, kind.edit(orjson.loads(lines[row]), material)) for row in free[at : at + step]]
        at += step
        fits = [(row, line) for row, line in edits if line is not None]
        if kind.regroups and fits:
            does = regrouped(setting, kind, lists.take(pa.array([row for row, _ in fits])), [one for _, one in fits])
            fits = [one for one, moved in zip(fits, does, strict=True) if moved]
        found.extend(fits[: count - len(found)])
    return found


def regrouped(setting: Setting, kind: Kind, lists: pa.Table, lines: list[bytes]) -> list[bool]:
    """Whether each faulty line groups as its kind says: nowhere, refused, or elsewhere than planned."""
    from tongpin.grouping.compiled.stage import group

    messages = [orjson.loads(line) for line in lines]
    changed = {
        "dx": pa.array([_codes(one["diseinfo"], "diag_code", "maindiag_flag") for one in messages], _TEXTS),
        "px": pa.array([_codes(one["oprninfo"], "oprn_oprt_code", "oprn_oprt_type") for one in messages], _TEXTS),
    }
    table = lists.drop_columns(list(changed))
    for name, column in changed.items():
        table = table.append_column(name, column)
    result = group(table, setting.scheme)
    if kind.breaks == OTHER_GROUP:
        moved = pc.and_(pc.equal(result["status"], "grouped"), pc.not_equal(result["drg"], lists["planned_drg"]))
    else:
        moved = pc.equal(result["status"], kind.breaks)
    return moved.to_pylist()  # type: ignore[no-any-return]


_TEXTS = pa.list_(pa.string())


def _codes(nodes: list[dict[str, Any]], code: str, flag: str) -> list[str]:
    return [node[code] for node in sorted(nodes, key=lambda node: node[flag] != "1")]
