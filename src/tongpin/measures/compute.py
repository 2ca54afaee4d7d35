"""Compute 计算: exact integer sums by slice, and the ratio formed at the edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from tongpin.base.errors import TongpinError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from tongpin.measures.catalogue import Measure

_SCALES = {"_fen": 100, "_e4": 10_000, "_e6": 1_000_000}


def roll_up(facts: pa.Table, by: Sequence[str]) -> pa.Table:
    """The sums of every int64 fact by the columns `by` (none: one row), sorted by them.

    Sums are additive: rolling up a roll-up gives the same figures, so the finest grain is computed once.
    """
    frame = nw.from_native(facts, eager_only=True)
    names = [name for name, kind in frame.schema.items() if name not in by and kind == nw.Int64]
    if not by:
        return frame.select(nw.col(*names).sum()).to_native()
    return frame.group_by(*by).agg(nw.col(*names).sum()).sort(*by).to_native()


def compute(table: pa.Table, measures: Iterable[Measure], by: Sequence[str] = ()) -> pa.Table:
    """Measures by slice: `by`, the sums of the facts used, one column per measure id, `<id>.flag` where one is defined.

    `table` holds facts of cases or of finer slices. A measure without a denominator stays an exact int64 in its unit;
    a quotient is float64, null where its denominator is zero or a `null_when` limit holds. Errors: `measures.needs`
    when the table lacks a fact. Source: S000-01..04.
    """
    chosen = list(measures)
    used = list(dict.fromkeys(name for measure in chosen for name in measure.facts))
    missing = [name for name in used if name not in table.column_names]
    if missing:
        spoiled = [measure.id for measure in chosen if set(measure.facts) & set(missing)]
        needs = sorted({name for measure in chosen if measure.id in spoiled for name in measure.needs})
        raise TongpinError(
            "measures.needs",
            f"缺少可加事实 {'、'.join(missing)}，无法计算 {'、'.join(spoiled)}",
            where="、".join(missing),
            hint=f"输入表须有列 {'、'.join(needs)}，需要时并给出基期",
        )
    sums = roll_up(table.select([*by, *used]), by)
    for measure in chosen:
        sums = sums.append_column(measure.id, _figure(sums, measure))
        if measure.flag_when:
            sums = sums.append_column(f"{measure.id}.flag", _flag(sums, measure))
    return sums


def _figure(sums: pa.Table, measure: Measure) -> pa.Array:
    numerator, numerator_scale = _add_up(sums, measure.numerator)
    hidden = np.zeros(sums.num_rows, dtype=np.bool_)
    for limit in measure.null_when:
        hidden |= _column(sums, limit.column) < limit.below
    if not measure.denominator:
        return pa.array(numerator, pa.int64(), mask=hidden)
    denominator, denominator_scale = _add_up(sums, measure.denominator)
    hidden |= denominator == 0
    quotient = numerator / np.where(denominator == 0, 1, denominator) * denominator_scale / numerator_scale
    return pa.array(quotient, pa.float64(), mask=hidden)


def _flag(sums: pa.Table, measure: Measure) -> pa.Array:
    columns = [(_column(sums, limit.column), limit) for limit in measure.flag_when]
    notes = [
        "；".join(limit.note for column, limit in columns if column[row] < limit.below) for row in range(sums.num_rows)
    ]
    return pa.array(notes, pa.string())


def _add_up(sums: pa.Table, terms: Sequence[str]) -> tuple[NDArray[np.int64], int]:
    total = np.zeros(sums.num_rows, dtype=np.int64)
    scales = set()
    for term in terms:
        name = term.removeprefix("-")
        total += _column(sums, name) * (-1 if term.startswith("-") else 1)
        scales.add(scale_of(name))
    if len(scales) != 1:
        raise TongpinError("measures.unit", f"{'、'.join(terms)} 单位不同，不能相加", hint="同一侧的各项单位须一致")
    return total, scales.pop()


def scale_of(name: str) -> int:
    """What a fact is carried in: fen of a yuan, ten-thousandths, millionths, or 1."""
    return next((scale for ending, scale in _SCALES.items() if name.endswith(ending)), 1)


def _column(sums: pa.Table, name: str) -> Any:
    return np.asarray(sums[name].to_numpy(), dtype=np.int64)
