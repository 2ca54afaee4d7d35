"""List texts 清单文字: typed columns written as the texts that a settlement list has for them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import columns

ARROW = "→"
TRAILING_ZEROS = r"\.?0+$"
BEGINS_WITH_DIGIT = r"^(\d)"
DEPARTMENT_PREFIX = "A"
MINUTES_PER_HOUR, MINUTES_PER_DAY = 60, 1440


def text_of(values: Any, *, money: bool = False) -> Any:
    """A typed column as texts, null where a value is missing; with `money` fen as yuan."""
    kind = values.type
    if money:
        return columns.fen_text(values)
    if pa.types.is_boolean(kind):
        return pc.if_else(values, "1", "0")
    if pa.types.is_decimal(kind):
        return pc.replace_substring_regex(values.cast(pa.string()), pattern=TRAILING_ZEROS, replacement="")
    if pa.types.is_list(kind):
        return pc.binary_join(values.cast(pa.list_(pa.string())), ",")
    return values if pa.types.is_string(kind) else values.cast(pa.string())


def duration(minutes: Any) -> Any:
    """Minutes as 天/小时/分钟."""
    days = pc.divide(minutes, MINUTES_PER_DAY)
    rest = pc.subtract(minutes, pc.multiply(days, MINUTES_PER_DAY))
    hours = pc.divide(rest, MINUTES_PER_HOUR)
    parts = (days, hours, pc.subtract(rest, pc.multiply(hours, MINUTES_PER_HOUR)))
    return pc.binary_join_element_wise(*(part.cast(pa.string()) for part in parts), "/")


def department(codes: Any) -> Any:
    """Department codes with their national prefix letter."""
    return pc.replace_substring_regex(codes, pattern=BEGINS_WITH_DIGIT, replacement=rf"{DEPARTMENT_PREFIX}\1")


def departments(lists: Any) -> Any:
    """Lists of department codes, in the order of the transfers."""
    flat = department(pc.list_flatten(lists))
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    offsets = pc.cumulative_sum(pa.concat_arrays([pa.array([0], pa.int32()), lengths.cast(pa.int32())]))
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, flat), ARROW)
    return pc.if_else(pc.equal(lengths, 0), pa.scalar(None, pa.string()), joined)
