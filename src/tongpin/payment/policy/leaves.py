"""Leaves 取值: one value of a parameter, checked against its unit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.payment.policy.vocabulary import UNIT_LABELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.payment.policy.vocabulary import Known, Unit

DECIMALS = 4
LAST_DAY = 31


class Band(NamedTuple):
    """One step of a banded value: from `start` (inclusive) upwards `value` holds, until the next band."""

    start: Decimal
    value: Decimal | str


def refuse(where: str, message: str, hint: str) -> PolicyError:
    """`policy.invalid` at a place of an edition's file."""
    return PolicyError("policy.invalid", message, where=where, hint=hint)


def checked_leaf(where: str, known: Known, leaf: Any) -> Any:
    """The leaf as the stages read it; PolicyError (`policy.invalid`) when it does not fit its unit.

    `Decimal` for ratios and weights, `int` for fen, days and counts, `bool` for flags, `str` for choices and texts,
    tuples for code lists and bands.
    """
    read = _READERS[known.unit](where, known, leaf)
    if known.above_zero and read == 0:
        raise refuse(where, f"{known.label}不能为 0", "写大于 0 的数；不用这一项时把它整项删去")
    return read


def _wrong(where: str, known: Known, leaf: Any) -> PolicyError:
    return refuse(where, f"“{leaf}”不合单位 {known.unit}", f"应为{UNIT_LABELS[known.unit]}")


def _is_whole(leaf: Any) -> bool:
    return isinstance(leaf, int) and not isinstance(leaf, bool)


def _number(where: str, known: Known, leaf: Any) -> Decimal:
    if not _is_whole(leaf) and not isinstance(leaf, Decimal):
        raise _wrong(where, known, leaf)
    number = Decimal(leaf)
    if number != round(number, DECIMALS) or number < 0:
        raise _wrong(where, known, leaf)
    return number


def _whole(where: str, known: Known, leaf: Any) -> int:
    if not _is_whole(leaf) or leaf < 0 or (known.unit == "day" and not 1 <= leaf <= LAST_DAY):
        raise _wrong(where, known, leaf)
    return int(leaf)


def _flag(where: str, known: Known, leaf: Any) -> bool:
    if not isinstance(leaf, bool):
        raise _wrong(where, known, leaf)
    return leaf


def _codes(where: str, known: Known, leaf: Any) -> tuple[str, ...]:
    if not isinstance(leaf, list) or not all(isinstance(code, str) for code in leaf):
        raise _wrong(where, known, leaf)
    if known.options and (unknown := [code for code in leaf if code not in known.options]):
        raise refuse(where, f"没有选项“{unknown[0]}”", f"可用的选项：{'、'.join(known.options)}")
    if len(set(leaf)) != len(leaf):
        raise refuse(where, "编码重复", "每个编码只写一次")
    return tuple(leaf)


def _text(where: str, known: Known, leaf: Any) -> str:
    text = str(leaf) if _is_whole(leaf) and known.unit == "text" else leaf
    if not isinstance(text, str) or not text:
        raise _wrong(where, known, leaf)
    if known.unit == "choice" and text not in known.options:
        raise refuse(where, f"没有选项“{text}”", f"可用的选项：{'、'.join(known.options)}")
    return text


def _month_day(where: str, known: Known, leaf: Any) -> str:
    """`MM-DD`, the same day in every year: 02-29 is refused."""
    text = _text(where, known, leaf)
    try:
        same = date.fromisoformat(f"2001-{text}").strftime("%m-%d") == text
    except ValueError:
        same = False
    if not same:
        raise _wrong(where, known, leaf)
    return text


def _bands(where: str, known: Known, leaf: Any) -> tuple[Band, ...]:
    if not isinstance(leaf, list) or not leaf:
        raise _wrong(where, known, leaf)
    bands: list[Band] = []
    for index, item in enumerate(leaf):
        place = f"{where}[{index}]"
        if not isinstance(item, dict) or set(item) != {"from", "value"}:
            raise refuse(place, "每一档写 from 与 value 两项", "例如 {from: 0.85, value: 1}")
        start = _number(f"{place}.from", known, item["from"])
        if bands and start <= bands[-1].start:
            raise refuse(place, f"{start} 不大于上一档的 {bands[-1].start}", "各档由低到高排，起点不重复")
        if known.options:
            value: Decimal | str = str(item["value"])
            if value not in known.options:
                raise refuse(f"{place}.value", f"没有选项“{value}”", f"可用的选项：{'、'.join(known.options)}")
        else:
            value = _number(f"{place}.value", known, item["value"])
        bands.append(Band(start, value))
    return tuple(bands)


_READERS: dict[Unit, Callable[[str, Known, Any], Any]] = {
    "ratio": _number,
    "weight": _number,
    "fen": _whole,
    "day": _whole,
    "count": _whole,
    "flag": _flag,
    "choice": _text,
    "text": _text,
    "month_day": _month_day,
    "codes": _codes,
    "bands": _bands,
}
