"""The vocabulary 参数表: which parameters an edition may set, in what unit, by which dimensions, with which options.

The numbers stand in the edition; `parameters.csv` says only what the stages of this room know how to read, so that a
misspelt key is refused instead of ignored. `family` counts the families of choices that an edition has to make.
"""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Literal, NamedTuple, cast, get_args

Unit = Literal["ratio", "weight", "fen", "day", "count", "flag", "choice", "text", "codes", "bands"]

UNIT_LABELS: dict[Unit, str] = {
    "ratio": "最多四位小数的数",
    "weight": "最多四位小数的数",
    "fen": "整数分",
    "day": "1 至 31 的整数",
    "count": "不小于 0 的整数",
    "flag": "true 或 false",
    "choice": "一个选项",
    "text": "文字",
    "codes": "编码列表",
    "bands": "由低到高的分档：从哪个数起（含），取什么值",
}

Basis = Literal["discharge", "settlement", "accepted"]


class Known(NamedTuple):
    """A parameter the stages read: family, label, unit, dimensions it may vary by, options with their labels."""

    key: str
    family: int
    label: str
    unit: Unit
    by: tuple[str, ...]
    options: dict[str, str]


def _known() -> dict[str, Known]:
    text = (files("tongpin.payment.policy") / "parameters.csv").read_text(encoding="utf-8")
    found: dict[str, Known] = {}
    for row in csv.DictReader(text.splitlines()):
        if row["unit"] not in get_args(Unit) or row["key"] in found:
            raise ValueError(f"parameters.csv: {row['key']}")
        options = dict(pair.split("=", 1) for pair in row["options"].split(" | ") if pair)
        unit = cast("Unit", row["unit"])
        found[row["key"]] = Known(row["key"], int(row["family"]), row["label"], unit, tuple(row["by"].split()), options)
    return found


KNOWN: dict[str, Known] = _known()
"""Every parameter by key, in the order of the table."""
