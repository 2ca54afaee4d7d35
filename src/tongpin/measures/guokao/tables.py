"""Editable tables 可改的表: weights, grades, targets and the calendar; a home may keep its own beside the shipped."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import TongpinError
from tongpin.measures.catalogue import catalogue_folder
from tongpin.measures.guokao.catalogue import FOLDER, FUTURE, SET_LABELS, load_set, setting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from tongpin.store.home import Home

GRADES, TARGETS, CALENDAR = "grades.csv", "targets.csv", "calendar.csv"
WHOLE_PERCENT = 100
SHIPPED, OWN, TRIED = "随包（假定）", "本目录", "试改（不保存）"


class Target(NamedTuple):
    """The interval in which a compared figure scores full, and the distance over which the score falls to zero."""

    low: float
    high: float
    fade: float


class Step(NamedTuple):
    """A step of the filing calendar with its day."""

    step: str
    label: str
    due: date
    reference: str
    is_assumed: bool


@dataclass(frozen=True)
class ScoreTables:
    """Weights by indicator number, the grade ladder and target intervals by part, with where they come from."""

    weights: Mapping[str, float]
    grades: tuple[tuple[str, float], ...]
    targets: Mapping[str, Target]
    source: str


def weights_file(set_name: str) -> str:
    """The name of the weights of a set."""
    return f"weights_{set_name}.csv"


def own_folder(home: Home) -> Path:
    """Where a home keeps tables of its own."""
    return home.root / FOLDER


def score_tables(set_name: str, home: Home | None = None) -> ScoreTables:
    """The tables that scores use; those of the home where it keeps them.

    Errors: `guokao.table` (columns, numbers, an unknown or unmonitored indicator, a sum of weights other than 1000,
    a ladder that does not rise to 100).
    """
    place, source = _place(home, weights_file(set_name))
    weights = {row["no"]: _number(row["weight"], place) for row in _rows(place, ("no", "weight"))}
    _check_weights(weights, set_name, place)
    return ScoreTables(
        {number: float(weight) for number, weight in weights.items()}, _ladder(home), _targets(home), source
    )


def reweighed(tables: ScoreTables, set_name: str, weights: Mapping[str, Decimal]) -> ScoreTables:
    """The same tables with weights that somebody tries; TongpinError `guokao.table` as of `score_tables`."""
    _check_weights(weights, set_name, Path("试用的权重"))
    return replace(tables, weights={number: float(one) for number, one in weights.items()}, source=TRIED)


def _check_weights(weights: Mapping[str, Decimal], set_name: str, place: Path | Traversable) -> None:
    scored = {one.number for one in load_set(set_name).values() if one.monitored} | load_set(FUTURE).keys()
    unknown = [number for number in weights if number not in scored]
    if unknown:
        raise _fault(
            place, f"{SET_LABELS[set_name]}没有国家监测的指标 {'、'.join(unknown)}", "只给监测指标（或展望指标）权重"
        )
    total = sum(weights.values(), Decimal(0))
    if total != setting("score.total") or min(weights.values(), default=Decimal(0)) < 0:
        raise _fault(place, f"权重之和为 {total}，应为 {setting('score.total')}，且不小于零", "改权重使其合计相符")


def _ladder(home: Home | None) -> tuple[tuple[str, float], ...]:
    place, _ = _place(home, GRADES)
    steps = [
        (row["grade"], float(_number(row["top_percent"], place))) for row in _rows(place, ("grade", "top_percent"))
    ]
    tops = [top for _, top in steps]
    if not steps or tops != sorted(set(tops)) or tops[-1] != WHOLE_PERCENT:
        raise _fault(place, "等级的百分位须逐级升高，最后一级为 100", "从最高等级写起")
    return tuple(steps)


def _targets(home: Home | None) -> dict[str, Target]:
    place, _ = _place(home, TARGETS)
    found = {}
    for row in _rows(place, ("no", "low", "high", "fade")):
        one = Target(*(float(_number(row[name], place)) for name in ("low", "high", "fade")))
        if one.low > one.high or one.fade <= 0:
            raise _fault(place, f"{row['no']} 的目标区间不对", "low 不大于 high，fade 大于零")
        found[row["no"]] = one
    return found


def calendar_of(year: int, home: Home | None = None) -> list[Step]:
    """The steps of filing the assessment of a year, which fall in the year after it (S909-01, S000-39)."""
    place, _ = _place(home, CALENDAR)
    steps = []
    for row in _rows(place, ("step", "label", "due", "reference", "assumed")):
        try:
            due = date.fromisoformat(f"{year + 1}-{row['due']}")
        except ValueError:
            raise _fault(place, f"日期“{row['due']}”不对", "写月-日，例如 02-28") from None
        steps.append(Step(row["step"], row["label"], due, row["reference"], row["assumed"] == "true"))
    return steps


def write_tables(home: Home, set_name: str) -> list[Path]:
    """Copies of the shipped tables in the home, to be edited; a table that is there already stays."""
    folder = own_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name in (weights_file(set_name), GRADES, TARGETS, CALENDAR):
        path = folder / name
        if not path.exists():
            path.write_text((catalogue_folder(FOLDER) / name).read_text(encoding="utf-8"), encoding="utf-8")
        made.append(path)
    return made


def _place(home: Home | None, name: str) -> tuple[Path | Traversable, str]:
    if home is not None and (own_folder(home) / name).exists():
        return own_folder(home) / name, OWN
    return catalogue_folder(FOLDER) / name, SHIPPED


def _rows(place: Path | Traversable, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        text = place.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _fault(place, "文件不是 UTF-8 编码", "用 UTF-8 另存该文件") from None
    reader = csv.DictReader(text.splitlines())
    if tuple(reader.fieldnames or ()) != columns:
        raise _fault(place, f"列应为 {'、'.join(columns)}", "第一行写列名")
    rows = list(reader)
    if any(None in row or None in row.values() for row in rows):
        raise _fault(place, "有一行的列数不对", "每行与第一行列数相同")
    keys = [row[columns[0]] for row in rows]
    if len(set(keys)) != len(keys):
        raise _fault(place, f"{columns[0]} 有重复", "每个只写一行")
    return rows


def _number(text: str, place: Path | Traversable) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise _fault(place, f"“{text}”不是数", "写十进制数") from None
    if not number.is_finite():
        raise _fault(place, f"“{text}”不是数", "写十进制数")
    return number


def _fault(place: Path | Traversable, message: str, hint: str) -> TongpinError:
    where = str(place) if isinstance(place, Path) else place.name
    return TongpinError("guokao.table", message, where=where, hint=hint)
