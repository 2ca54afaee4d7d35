"""Tables beside an edition 附表: registers, group means and figures of hospitals, versioned with it by its digest.

`registers.csv` (`register,code_kind,code,from,until`), `group_means.csv` (`drg,of,code,mean_fee_fen,from`; `of` is
city, level or hospital) and `hospital_figures.csv` (`institution_code,figure,value,from`).
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE
from tongpin.payment.pricing.dated import FOREVER, day_column
from tongpin.payment.pricing.schema import REGISTERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tongpin.payment.policy.lookup import DayColumn
    from tongpin.payment.policy.policy import Policy

REGISTER_FILE, MEANS_FILE, FIGURES_FILE = "registers.csv", "group_means.csv", "hospital_figures.csv"
CODE_KINDS: dict[str, str] = {
    "drg": "病组",
    "adrg": "ADRG",
    "dx": "主要诊断",
    "px": "任一手术操作",
    "dept": "出院科别",
    "institution_code": "机构",
    "care_type": "就医类别",
    "case_id": "结算号（逐例登记）",
}
"""By what a register may know its cases."""
MEAN_OF = ("city", "level", "hospital")
FIGURES = ("cmi_ratio", "heads_ratio")
"""CMI of a hospital over the mean of its level (A22); visits per head of last year over this year's (A21)."""


class Register(NamedTuple):
    """The codes of one kind in one register, each from a day to a day (inclusive)."""

    register: str
    code_kind: str
    codes: list[str]
    since: DayColumn
    until: DayColumn


class Dated(NamedTuple):
    """Numbers by key from a day: the keys as texts, the numbers as integers."""

    keys: list[str]
    values: list[int]
    since: DayColumn


def registers(policy: Policy) -> tuple[Register, ...]:
    """The registers beside the edition in the order of the file; none where there is no file (S914-01)."""
    return _registers(Path(policy.file).parent / REGISTER_FILE, policy.digest)


def group_means(policy: Policy) -> Dated:
    """Mean fees in fen by `of/code/drg`; PolicyError `policy.table` where there is no file."""
    return _means(Path(policy.file).parent / MEANS_FILE, policy.digest)


def hospital_figures(policy: Policy) -> Dated:
    """Figures of hospitals in ten-thousandths by `figure/institution_code`; `policy.table` where there is no file."""
    return _figures(Path(policy.file).parent / FIGURES_FILE, policy.digest)


@lru_cache(maxsize=32)
def _registers(path: Path, _digest: str) -> tuple[Register, ...]:
    if not path.exists():
        return ()
    parts: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in _rows(path, ("register", "code_kind", "code", "from", "until"), _register_row):
        parts.setdefault((row["register"], row["code_kind"]), []).append(row)
    return tuple(
        Register(
            register,
            kind,
            [row["code"] for row in rows],
            day_column([row["from"] for row in rows]),
            day_column([row["until"] for row in rows], FOREVER),
        )
        for (register, kind), rows in parts.items()
    )


def _register_row(row: dict[str, str]) -> dict[str, Any]:
    if row["register"] not in REGISTERS:
        raise ValueError(f"没有登记“{row['register']}”，可用：{'、'.join(REGISTERS)}")
    if row["code_kind"] not in CODE_KINDS:
        raise ValueError(f"没有代码种类“{row['code_kind']}”，可用：{'、'.join(CODE_KINDS)}")
    until = _day(row["until"]) if row["until"] else None
    return {**row, "from": _day(row["from"]), "until": until}


@lru_cache(maxsize=32)
def _means(path: Path, _digest: str) -> Dated:
    return _dated(_rows(path, ("drg", "of", "code", "mean_fee_fen", "from"), _mean_row))


def _mean_row(row: dict[str, str]) -> dict[str, Any]:
    if row["of"] not in MEAN_OF or (row["of"] == "city") != (row["code"] == ""):
        raise ValueError("of 写 city、level 或 hospital；city 的 code 留空，其余写级别或机构代码")
    value = int(row["mean_fee_fen"])
    if value <= 0:
        raise ValueError("组均费用须大于 0")
    return {"key": mean_key(row["of"], row["code"], row["drg"]), "value": value, "from": _day(row["from"])}


@lru_cache(maxsize=32)
def _figures(path: Path, _digest: str) -> Dated:
    return _dated(_rows(path, ("institution_code", "figure", "value", "from"), _figure_row))


def _figure_row(row: dict[str, str]) -> dict[str, Any]:
    if row["figure"] not in FIGURES:
        raise ValueError(f"没有“{row['figure']}”，可用：{'、'.join(FIGURES)}")
    scaled = Decimal(row["value"]) * SCALE
    if scaled != int(scaled) or scaled <= 0:
        raise ValueError(f"“{row['value']}”应为大于 0、最多四位小数的数")
    key = figure_key(row["figure"], row["institution_code"])
    return {"key": key, "value": int(scaled), "from": _day(row["from"])}


def mean_key(of: str, code: str, drg: str) -> str:
    """The key of a group mean; `code` is empty for the city."""
    return f"{of}/{code}/{drg}"


def figure_key(figure: str, institution_code: str) -> str:
    """The key of a hospital's figure."""
    return f"{figure}/{institution_code}"


def _dated(rows: list[dict[str, Any]]) -> Dated:
    return Dated([r["key"] for r in rows], [r["value"] for r in rows], day_column([r["from"] for r in rows]))


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _rows(path: Path, names: tuple[str, ...], read: Callable[[dict[str, str]], dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a table; `policy.table` names file, line and reason."""

    def refuse(line: int, message: str, hint: str) -> PolicyError:
        return PolicyError("policy.table", message, where=f"{path} 第 {line} 行", hint=hint)

    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise refuse(0, "附表不存在或不是 UTF-8 编码", f"补上 {path.name}，表头为 {','.join(names)}") from None
    table = csv.DictReader(text.splitlines())
    if tuple(table.fieldnames or ()) != names:
        raise refuse(1, "表头不对", f"表头应为 {','.join(names)}")
    found = []
    for line, row in enumerate(table, start=2):
        if None in row or None in row.values():
            raise refuse(line, "列数不对", f"每行 {len(names)} 列")
        try:
            found.append(read({name: value.strip() for name, value in row.items()}))
        except (ValueError, InvalidOperation) as error:
            raise refuse(line, str(error) or "数值不对", "改正这一行") from None
    return found
