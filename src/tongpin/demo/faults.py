"""Planted faults 埋入的差错: what hospitals get wrong, put into the files on purpose and written down apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.demo.calendar import Purpose, stream
from tongpin.demo.choice import always_built
from tongpin.demo.stays import FIRST_STAY, SECOND_STAY

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.demo.calendar import Month
    from tongpin.demo.groups import Array
    from tongpin.demo.profile import FaultKind
    from tongpin.demo.setting import Setting

MISTYPED = "O"
"""The letter O typed in place of the last sign of a code: no diagnosis code ends in it."""

TRUNCATED_TO = 0.6
FEWEST_NIGHTS_TO_SWAP = 2


class RecordFault(NamedTuple):
    """One planted fault: the list, what is wrong with it, and the line (from 1) it stands in."""

    month: str
    institution_code: str
    setl_id: str
    kind: str
    file: str
    line: int


class SplitStay(NamedTuple):
    """One planted 分解住院: the two lists of one treatment."""

    month: str
    institution_code: str
    first_setl_id: str
    second_setl_id: str
    drg: str
    gap_days: int


class Planted(NamedTuple):
    """Lists as sent (with faults), results as settled, and which line carries which fault."""

    lists: pa.Table
    results: pa.Table
    faults: list[tuple[FaultKind, int]]


def allocate(setting: Setting, month: Month, purpose: int, total: int) -> Array:
    """How many of `total` fall to each hospital: one to a hospital that is always built, the rest by size.

    The answer depends on the seed, the month and the purpose alone, never on how much of the city is built.
    """
    counts = np.zeros(len(setting.hospitals), dtype=np.int64)
    if total == 0:
        return counts
    kept = always_built(setting)
    counts[kept[purpose % len(kept)]] = 1
    size = np.array([row.cases for row in setting.hospitals], dtype=float)
    rng = stream(setting.seed, Purpose.ALLOCATION, month.index, purpose)
    return counts + rng.multinomial(total - 1, size / size.sum())


def plant(setting: Setting, month: Month, hospital: int, lists: pa.Table) -> Planted:
    """The lists of a hospital-month with this month's faults in them; every fault on a list of its own."""
    rng = stream(setting.seed, Purpose.FAULTS, month.index, hospital)
    nights = pc.subtract(
        lists["discharge_time"].cast(pa.date32()).cast(pa.int32()),
        lists["admission_time"].cast(pa.date32()).cast(pa.int32()),
    ).to_numpy()
    fits: dict[FaultKind, Array] = {
        "discharge_before_admission": nights >= FEWEST_NIGHTS_TO_SWAP,
        "negative_fee": lists["consumable_fee_fen"].to_numpy() > 0,
    }
    free = rng.permutation(np.flatnonzero(pc.is_null(lists["split"]).to_numpy()))
    faults: list[tuple[FaultKind, int]] = []
    for purpose, (kind, total) in enumerate(setting.profile.faults.record_faults.value.items()):
        wanted = int(allocate(setting, month, purpose, total)[hospital])
        fit = free[fits[kind][free]] if kind in fits else free
        faults.extend((kind, int(row)) for row in fit[:wanted])
        free = free[~np.isin(free, fit[:wanted])]
    rows = {kind: [row for one, row in faults if one == kind] for kind, _ in faults}
    blank = _set(lists, "sex", rows.get("missing_sex", []), lambda column: pc.if_else(True, None, column))
    sent = _set(blank, "consumable_fee_fen", rows.get("negative_fee", []), pc.negate)
    sent = _swap_times(sent, rows.get("discharge_before_admission", []))
    sent = _mistype(sent, rows.get("unknown_diagnosis", []))
    again = rows.get("twice", [])
    sent = pa.concat_tables([sent, sent.take(pa.array(again, pa.int64()))])
    faults = [(kind, lists.num_rows + again.index(row) if kind == "twice" else row) for kind, row in faults]
    return Planted(sent, blank, faults)


def truncate_lines(path: Path, lines: list[int]) -> None:
    """Cut lines (from 0) of a JSON-lines file short, as a broken transfer does; the next line begins as usual."""
    content = path.read_bytes().split(b"\n")
    for line in lines:
        content[line] = content[line][: int(len(content[line]) * TRUNCATED_TO)]
    path.write_bytes(b"\n".join(content))


def split_stays(month: Month, lists: pa.Table) -> list[SplitStay]:
    """The truth about the 分解住院 among the lists of a hospital-month."""
    columns = ["split", "part", "case_id", "planned_drg", "institution_code", "admission_time", "discharge_time"]
    rows = lists.select(columns).filter(pc.is_valid(lists["split"])).to_pylist()
    first = {row["split"]: row for row in rows if row["part"] == FIRST_STAY}
    second = {row["split"]: row for row in rows if row["part"] == SECOND_STAY}
    return [
        SplitStay(
            str(month),
            first[pair]["institution_code"],
            first[pair]["case_id"],
            second[pair]["case_id"],
            first[pair]["planned_drg"],
            (second[pair]["admission_time"].date() - first[pair]["discharge_time"].date()).days,
        )
        for pair in sorted(first)
    ]


def _set(table: pa.Table, name: str, rows: list[int], change: Any) -> pa.Table:
    if not rows:
        return table
    column = table[name].combine_chunks()
    changed = pc.if_else(_mask(table.num_rows, rows), change(column), column)
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), changed)


def _mask(length: int, rows: list[int]) -> pa.Array:
    mask = np.zeros(length, dtype=bool)
    mask[rows] = True
    return pa.array(mask)


def _swap_times(table: pa.Table, rows: list[int]) -> pa.Table:
    admission, discharge = table["admission_time"], table["discharge_time"]
    swapped = _set(table, "admission_time", rows, lambda _: discharge.combine_chunks())
    return _set(swapped, "discharge_time", rows, lambda _: admission.combine_chunks())


def _mistype(table: pa.Table, rows: list[int]) -> pa.Table:
    """The principal diagnosis of the rows mistyped into a code that no dictionary knows."""
    if not rows:
        return table
    lists = table["dx"].combine_chunks()
    codes = lists.values.dictionary.to_pylist()
    values = lists.values.indices.to_numpy().copy()
    at = lists.offsets.to_numpy()[rows]
    wrong = [codes[value][:-1] + MISTYPED for value in values[at]]
    values[at] = len(codes) + np.arange(len(wrong))
    dictionary = pa.DictionaryArray.from_arrays(pa.array(values, pa.int32()), pa.array([*codes, *wrong]))
    changed = pa.ListArray.from_arrays(lists.offsets, dictionary)
    return table.set_column(table.schema.get_field_index("dx"), table.schema.field("dx"), changed)
