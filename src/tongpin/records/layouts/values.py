"""Layout values 布局取值: the types that fields of own layouts can have, each read from text and written back to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tongpin.records.case import columns

if TYPE_CHECKING:
    from collections.abc import Callable

DECIMAL = pa.decimal128(18, 4)
RATIO = pa.decimal128(9, 6)
LARGEST_FUND_FEN = 10**15
"""An amount of a fund beyond 10 万亿元 is a slip of the pen."""
FUND_AMOUNT = r"^[+-]?\d{1,14}(\.\d{0,2}0{0,8})?$"
DECIMAL_TEXT = r"^[+-]?\d{1,14}(\.\d{0,4}0{0,8})?$"
RATIO_TEXT = r"^\d{1,3}(\.\d{0,6}0{0,8})?$"
PERCENT = r"^\d{1,3}(\.\d{0,4}0{0,8})?\s*[%％]$"
MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
SHORT_MONTH = r"^(\d{4})[-/.年]?(0[1-9]|1[0-2])月?$"
YEAR = r"^(19|20)\d{2}$"
YES = ("Y", "1", "TRUE", "是")
NO = ("N", "0", "FALSE", "否")

Read = tuple[Any, Any]
"""A typed array, null where nothing could be read, and the mask of the texts present that could not."""


class ValueType(NamedTuple):
    """A type of fields: Arrow type, name in documents, texts to values, values to texts, values as Parquet has them."""

    arrow: pa.DataType
    label: str
    read: Callable[[Any], Read]
    write: Callable[[Any], Any]
    stored: Callable[[Any], Any] = lambda values: values


def _matched(texts: Any, pattern: str, kind: pa.DataType) -> Read:
    """Texts that match a pattern, as numbers of an Arrow type."""
    good = pc.match_substring_regex(texts, pattern)
    kept = pc.if_else(good, texts, pa.scalar(None, pa.string()))
    plain = pc.replace_substring_regex(kept, pattern=r"(^\+|\.$)", replacement="")
    if pa.types.is_decimal(kind):
        # Zeros beyond the scale of the type say nothing, but a cast would refuse them.
        plain = pc.replace_substring_regex(plain, pattern=rf"(\.\d{{{kind.scale}}})0+$", replacement=r"\1")
    return plain.cast(kind), columns.mask(pc.invert(good))


def _text(texts: Any) -> Read:
    return texts, columns.mask(pa.nulls(len(texts), pa.bool_()))


def _month(texts: Any) -> Read:
    dashed = pc.replace_substring_regex(texts, pattern=SHORT_MONTH, replacement=r"\1-\2")
    good = pc.match_substring_regex(dashed, MONTH)
    return pc.if_else(good, dashed, pa.scalar(None, pa.string())), columns.mask(pc.invert(good))


def _date(texts: Any) -> Read:
    found, bad = columns.times(texts)
    return found.cast(pa.date32()), bad


def _flag(texts: Any) -> Read:
    upper = pc.utf8_upper(texts)
    yes = pc.is_in(upper, value_set=pa.array(YES))
    known = pc.or_(yes, pc.is_in(upper, value_set=pa.array(NO)))
    made = pc.if_else(pc.and_(known, pc.is_valid(texts)), yes, pa.scalar(None, pa.bool_()))
    return made, columns.mask(pc.and_(pc.is_valid(texts), pc.invert(known)))


def _fund_amount(texts: Any) -> Read:
    yuan, bad = _matched(texts, FUND_AMOUNT, pa.decimal128(16, 2))
    amounts = pc.multiply(yuan, columns.HUNDRED).cast(pa.int64())
    beyond = pc.greater(pc.abs(amounts), LARGEST_FUND_FEN)
    return pc.if_else(beyond, pa.scalar(None, pa.int64()), amounts), bad | columns.mask(beyond)


def _ratio(texts: Any) -> Read:
    """A ratio from 0 to 1, also written in percent."""
    percent = pc.match_substring_regex(texts, PERCENT)
    bare = pc.replace_substring_regex(texts, pattern=r"\s*[%％]$", replacement="")
    numbers, bad = _matched(bare, RATIO_TEXT, RATIO)
    divided = pc.divide(numbers.cast(pa.decimal128(15, 6)), pa.scalar(100, pa.int64())).cast(RATIO, safe=False)
    numbers = pc.if_else(percent, divided, numbers)
    beyond = pc.greater(numbers, pa.scalar(1, pa.int64()))
    return pc.if_else(beyond, pa.scalar(None, RATIO), numbers), bad | columns.mask(beyond)


def _as_text(values: Any) -> Any:
    return values.cast(pa.string())


def _yuan(values: Any) -> Any:
    return pc.multiply(values.cast(pa.decimal128(19, 0)), columns.CENT)


TYPES: dict[str, ValueType] = {
    "text": ValueType(pa.string(), "文字", _text, _as_text),
    "choice": ValueType(pa.string(), "选项", _text, _as_text),
    "person": ValueType(pa.string(), "个人标识，只存带密钥的摘要", _text, _as_text),
    "month": ValueType(pa.string(), "年月，如 2025-06", _month, _as_text),
    "year": ValueType(pa.int16(), "年份", lambda texts: _matched(texts, YEAR, pa.int16()), _as_text),
    "date": ValueType(pa.date32(), "日期", _date, _as_text),
    "time": ValueType(pa.timestamp("s"), "日期时间", columns.times, _as_text),
    "flag": ValueType(pa.bool_(), "Y 或 N", _flag, lambda values: pc.if_else(values, "Y", "N")),
    "whole": ValueType(pa.int32(), "整数", lambda texts: columns.whole(texts, pa.int32()), _as_text),
    "decimal": ValueType(DECIMAL, "小数，至多四位", lambda texts: _matched(texts, DECIMAL_TEXT, DECIMAL), _as_text),
    "ratio": ValueType(RATIO, "0 到 1 的比例，或百分数", _ratio, _as_text),
    "yuan": ValueType(pa.int64(), "元，至多两位小数", columns.fen, columns.fen_text, _yuan),
    "fund_yuan": ValueType(pa.int64(), "元，至多两位小数（基金）", _fund_amount, columns.fen_text, _yuan),
}
"""The words of `fields/own_layouts.csv` for types."""
