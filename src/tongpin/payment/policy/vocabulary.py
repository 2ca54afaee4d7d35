"""The vocabulary 参数表: which parameters an edition may set, in what unit, by which dimensions, with which options.

The numbers stand in the edition; `parameters.csv` says only what the stages of this room know how to read, so that a
misspelt key is refused instead of ignored. `families.csv` names the families of choices that an edition has to make,
`dimensions.csv` what a value may vary by.
"""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Literal, NamedTuple, cast, get_args

Unit = Literal["ratio", "weight", "fen", "day", "count", "flag", "choice", "text", "month_day", "codes", "bands"]

UNIT_LABELS: dict[Unit, str] = {
    "ratio": "最多四位小数的数",
    "weight": "最多四位小数的数",
    "fen": "整数分",
    "day": "1 至 31 的整数",
    "count": "不小于 0 的整数",
    "flag": "true 或 false",
    "choice": "一个选项",
    "text": "文字",
    "month_day": "月-日（如 03-31）",
    "codes": "编码列表",
    "bands": "由低到高的分档：从哪个数起（含），取什么值",
}

Basis = Literal["discharge", "settlement", "accepted"]

BASIS_LABELS: dict[Basis, str] = {"discharge": "出院日期", "settlement": "结算日期", "accepted": "接收日期"}


class Known(NamedTuple):
    """A parameter the stages read: family, label, unit, dimensions it may vary by, options with their labels.

    `above_zero`: a value of zero is refused, because what it prices would be paid nothing in silence.
    """

    key: str
    family: int
    label: str
    unit: Unit
    by: tuple[str, ...]
    options: dict[str, str]
    above_zero: bool


class Family(NamedTuple):
    """A family of choices: the part of the work it belongs to, its name, what it is needed for.

    `fixed` says what the software does where a family has no parameter yet, so that it is no silent default.
    """

    number: int
    part: str
    label: str
    needed_for: str
    fixed: str


class Dimension(NamedTuple):
    """What a value may vary by: its name and the names of the values that have one."""

    label: str
    values: dict[str, str]


def _options(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(" | ") if pair)


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("tongpin.payment.policy") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _known() -> dict[str, Known]:
    found: dict[str, Known] = {}
    for row in _rows("parameters.csv"):
        key = row["key"]
        if row["unit"] not in get_args(Unit) or key in found:
            raise ValueError(f"parameters.csv: {key}")
        unit, by, options = cast("Unit", row["unit"]), tuple(row["by"].split()), _options(row["options"])
        found[key] = Known(key, int(row["family"]), row["label"], unit, by, options, row["above_zero"] == "1")
    return found


KNOWN: dict[str, Known] = _known()
"""Every parameter by key, in the order of the table."""

FAMILIES: dict[int, Family] = {
    int(row["family"]): Family(int(row["family"]), row["part"], row["label"], row["needed_for"], row["fixed"])
    for row in _rows("families.csv")
}
"""The families of choices by number."""

DIMENSIONS: dict[str, Dimension] = {
    row["dimension"]: Dimension(row["label"], _options(row["values"] or "")) for row in _rows("dimensions.csv")
}
"""What a value may vary by, with Chinese names."""
