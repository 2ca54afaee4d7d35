"""Columns 列: text columns made into numbers, amounts, times and code lists, with a mask of what could not be read."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

WHOLE = r"^[+-]?\d{1,18}(\.\d*)?$"
AMOUNT = r"^[+-]?\d{1,14}(\.\d{0,2}0{0,8})?$"
ISO_TIME = r"^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?$"
LOOSE_TIMES = (
    re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?"),
    re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?Z?"),
)
TIME = pa.timestamp("s")
CENT = pa.scalar(Decimal("0.01"), pa.decimal128(3, 2))
LARGEST_FEN = 10**12
"""A single amount beyond 100 亿元 is a slip of the pen; below it no sum of a city leaves 64 bits."""
HUNDRED = pa.scalar(Decimal(100), pa.decimal128(3, 0))
EMPTY, DASH, NOTHING = pa.scalar("", pa.string()), pa.scalar("-", pa.string()), pa.scalar(None, pa.string())
"""Made once: a plain Python text costs Arrow more than a column of a small file."""


def clean(texts: Any, *, dash: bool = True) -> Any:
    """Texts trimmed; the empty text, and with `dash` the sign `-`, become null."""
    trimmed = pc.utf8_trim_whitespace(texts)
    missing = pc.equal(trimmed, EMPTY)
    if dash:
        missing = pc.or_(missing, pc.equal(trimmed, DASH))
    return pc.if_else(missing, NOTHING, trimmed)


def mask(values: Any) -> Any:
    """A Boolean Arrow array as a NumPy mask, null as false."""
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=bool)


def _readable(texts: Any, pattern: str) -> tuple[Any, Any]:
    """The texts that match a pattern (others null), and the mask of those present that do not."""
    matches = pc.match_substring_regex(texts, pattern)
    return pc.if_else(matches, texts, NOTHING), mask(pc.invert(matches))


def whole(texts: Any, kind: Any) -> tuple[Any, Any]:
    """Whole numbers, decimals cut off, of an Arrow integer type; and the mask of unreadable or too large ones."""
    good, bad = _readable(texts, WHOLE)
    digits = pc.replace_substring_regex(good, pattern=r"(^\+|\..*$)", replacement="")
    numbers = digits.cast(pa.int64())
    bits = kind.bit_width
    fits = pc.and_(
        pc.greater_equal(numbers, pa.scalar(-(2 ** (bits - 1)), pa.int64())),
        pc.less_equal(numbers, pa.scalar(2 ** (bits - 1) - 1, pa.int64())),
    )
    bad |= mask(pc.invert(fits))
    return pc.if_else(fits, numbers, pa.scalar(None, pa.int64())).cast(kind), bad


def fen(texts: Any) -> tuple[Any, Any]:
    """Yuan as text to fen (int64), exactly; and the mask of what is no amount with two decimals, or beyond reason."""
    good, bad = _readable(texts, AMOUNT)
    plain = pc.replace_substring_regex(good, pattern=r"(^\+|\.$)", replacement="")
    amounts = pc.multiply(plain.cast(pa.decimal128(16, 2)), HUNDRED).cast(pa.int64())
    return within_reason(amounts, bad)


def within_reason(amounts: Any, bad: Any) -> tuple[Any, Any]:
    """Amounts in fen without those beyond `LARGEST_FEN`, which join the mask of the bad ones."""
    beyond = pc.greater(pc.abs(amounts), LARGEST_FEN)
    return pc.if_else(beyond, pa.scalar(None, pa.int64()), amounts), bad | mask(beyond)


def fen_text(amounts: Any) -> Any:
    """Fen as yuan with two decimals, no separators; null stays null."""
    return pc.multiply(amounts.cast(pa.decimal128(19, 0)), CENT).cast(pa.string())


def _loose_time(text: str | None) -> datetime | None:
    """A date or time in one of the usual spellings, or None."""
    for form in LOOSE_TIMES:
        found = form.fullmatch(text) if text is not None else None
        if found is None:
            continue
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        try:
            return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  # local times have no zone
        except ValueError:
            return None
    return None


def times(texts: Any) -> tuple[Any, Any]:
    """Times (timestamp[s]) from ISO or other usual spellings; and the mask of what is no time."""
    texts = pc.replace_substring_regex(texts, pattern=r"(:\d{2})\.\d+$", replacement=r"\1")
    matches = pc.match_substring_regex(texts, ISO_TIME)
    try:
        good = pc.if_else(matches, texts, pa.scalar(None, pa.string())).cast(TIME)
    except pa.ArrowInvalid:
        # One impossible date (30 February) spoils the columnar cast: read this column value by value.
        good = pa.array([_loose_time(text) for text in texts.to_pylist()], TIME)
    rest = mask(pc.and_(pc.is_valid(texts), pc.is_null(good)))
    if not rest.any():
        return good, rest
    loose = [_loose_time(texts[int(row)].as_py()) for row in np.flatnonzero(rest)]
    good = pc.replace_with_mask(good, pa.array(rest), pa.array(loose, TIME))
    return good, mask(pc.and_(pc.is_valid(texts), pc.is_null(good)))


def code_lists(flat: Any, counts: Any) -> Any:
    """A list column of dictionary-encoded codes from flat codes and the number of codes of every row."""
    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    encoded = flat if pa.types.is_dictionary(flat.type) else flat.dictionary_encode()
    return pa.ListArray.from_arrays(pa.array(offsets), encoded)


def tidy_codes(lists: Any, *, dash: bool = True) -> tuple[Any, Any]:
    """Code lists trimmed and without empty codes; and the mask of rows whose first code was empty while others stood.

    `lists` is a column of lists of strings, plain or dictionary-encoded; null lists count as empty, with `dash` also
    the code `-`. Case never changes.
    """
    given = pc.list_flatten(lists)
    if not pa.types.is_dictionary(given.type):
        given = given.cast(pa.string()).dictionary_encode()
    # Every code is tidied once, not once a row.
    tidied = clean(given.dictionary.cast(pa.string()), dash=dash).dictionary_encode()
    number = np.append(np.asarray(pc.fill_null(tidied.indices, -1)), -1).astype(np.int32)
    numbers = number[np.asarray(pc.fill_null(given.indices.cast(pa.int32()), len(number) - 1))]
    counts = np.asarray(pc.fill_null(pc.list_value_length(lists), 0)).astype(np.int64)
    headless = np.zeros(len(lists), dtype=bool)
    kept = numbers >= 0
    if not kept.all():
        parents = np.repeat(np.arange(len(lists)), counts)
        first = np.ones(len(parents), dtype=bool)
        first[1:] = parents[1:] != parents[:-1]
        headless[parents[first & ~kept]] = True
        counts = np.bincount(parents[kept], minlength=len(lists))
        headless &= counts > 0
        numbers = numbers[kept]
    return code_lists(pa.DictionaryArray.from_arrays(pa.array(numbers), tidied.dictionary), counts), headless


DECIMAL = r"^[+-]?\d{1,9}(\.\d{0,2}0{0,8})?$"
DURATION = r"^(?P<days>\d{1,4})\s*/\s*(?P<hours>\d{1,5})\s*/\s*(?P<minutes>\d{1,5})$"
MINUTES_PER_HOUR = 60
HOURS_PER_DAY = 24
LONGEST_MINUTES = 9_999 * HOURS_PER_DAY * MINUTES_PER_HOUR
"""Beyond this a span is no stay, whatever the digits of a field allow."""


def decimals(texts: Any) -> tuple[Any, Any]:
    """Numbers with at most two decimals; and the mask of what is none."""
    good, bad = _readable(texts, DECIMAL)
    plain = pc.replace_substring_regex(good, pattern=r"(^\+|\.$)", replacement="")
    return plain.cast(pa.decimal128(12, 2)), bad


def durations(texts: Any) -> tuple[Any, Any]:
    """天/小时/分钟 as minutes (int32); and the mask of what is no such duration, or longer than any stay."""
    good, bad = _readable(texts, DURATION)
    parts = pc.extract_regex(good, pattern=DURATION)
    days, hours, minutes = (pc.struct_field(parts, name).cast(pa.int64()) for name in ("days", "hours", "minutes"))
    whole_hours = pc.add(pc.multiply(days, HOURS_PER_DAY), hours)
    total = pc.add(pc.multiply(whole_hours, MINUTES_PER_HOUR), minutes)
    beyond = pc.greater(total, LONGEST_MINUTES)
    return pc.if_else(beyond, pa.scalar(None, pa.int64()), total).cast(pa.int32()), bad | mask(beyond)


def typed(texts: Any, kind: Any, *, money: bool = False) -> tuple[Any, Any]:
    """Cleaned texts as a scalar column type; and the mask of those present that are no such value.

    `kind` is text, Boolean (1/0), an integer, date, time or decimal; with `money` yuan become fen.
    """
    if money:
        return fen(texts)
    if pa.types.is_integer(kind):
        return whole(texts, kind)
    if pa.types.is_decimal(kind):
        return decimals(texts)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        found, bad = times(texts)
        return found.cast(kind), bad
    if pa.types.is_boolean(kind):
        known = pc.is_in(texts, value_set=pa.array(["0", "1", "2"]))
        bad = mask(pc.and_(pc.is_valid(texts), pc.invert(known)))
        return pc.if_else(known, pc.equal(texts, "1"), pa.scalar(None, pa.bool_())), bad
    return texts, np.zeros(len(texts), dtype=bool)
