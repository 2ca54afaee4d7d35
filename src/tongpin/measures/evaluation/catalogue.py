"""The table of the evaluation 评价表: dimensions, weights, method and limits, shipped or of the home's own."""

from __future__ import annotations

from datetime import date  # noqa: TC003  # Pydantic reads it
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.measures.catalogue import Definition, catalogue_folder
from tongpin.measures.ranks import SIGNS
from tongpin.measures.table import known_measures

if TYPE_CHECKING:
    from pathlib import Path

    from tongpin.store.home import Home

FILE, FOLDER = "evaluation.yaml", "evaluation"
SHIPPED, OWN = "随包", "本目录"
PERCENTILE, DISTANCE = "percentile", "distance"
METHODS = {PERCENTILE: "百分位法", DISTANCE: "达标距离法"}
WHOLE = 100
"""What the weights of the dimensions, and those inside each, add up to."""
LIMITS = (
    *("hospital.minimum_cases", "class.smallest", "dimension.least_e4", "total.least_e4"),
    *("distance.full_e4", "distance.zero_e4", "draws"),
)
"""The limits that a table sets, each once."""
Column = Literal["settlement_level", "manual", "ownership", "function_type", "grade"]
Weight = Annotated[StrictInt, Field(ge=1, le=WHOLE)]


class Limit(Definition):
    """A limit of the evaluation, with the day on which its source was looked at."""

    checked_on: date


class Scored(Strict):
    """A measure that counts, with its weight in its dimension."""

    measure: StrictStr
    weight: Weight


class Dimension(Strict):
    """A dimension 维度: what is scored and with which weight, and what is shown beside it without a score.

    `missing`: the weight of a figure that is not there goes to the others, or the dimension is not scored.
    """

    id: StrictStr
    label: StrictStr
    weight: Weight
    missing: Literal["redistribute", "refuse"]
    scored: Annotated[tuple[Scored, ...], Field(min_length=1)]
    shown: tuple[StrictStr, ...] = ()
    reference: StrictStr


class Table(Strict):
    """A table of the evaluation; `classes` are columns of the register, from the finest division to the coarsest."""

    id: StrictStr
    label: StrictStr
    reference: StrictStr
    checked_on: date
    assumed: StrictBool
    method: Literal["percentile", "distance"]
    classes: Annotated[tuple[tuple[Column, ...], ...], Field(min_length=1)]
    settings: tuple[Limit, ...]
    dimensions: Annotated[tuple[Dimension, ...], Field(min_length=1)]

    def limit(self, name: str) -> int:
        """The value of a limit."""
        return next(one.value for one in self.settings if one.id == name)

    @property
    def measures(self) -> tuple[str, ...]:
        """The ids of everything scored or shown."""
        named = [name for one in self.dimensions for name in (*(part.measure for part in one.scored), *one.shown)]
        return tuple(dict.fromkeys(named))


def own_file(home: Home) -> Path:
    """Where a home keeps a table of its own."""
    return home.root / FOLDER / FILE


def evaluation_table(home: Home) -> tuple[Table, str]:
    """The table of a home, its own where it keeps one, and where it comes from.

    Errors: `evaluation.missing | encoding | yaml`, `evaluation.shape` (an unknown key, a limit missing or twice),
    `evaluation.weights` (a sum other than 100), `evaluation.twice`, `evaluation.measure` (unknown), and
    `evaluation.monitored` (a measure without a better side among the scored).
    """
    own = own_file(home)
    place = own if own.is_file() else catalogue_folder("measures") / FILE
    where = str(place) if place is own else FILE
    try:
        table = Table.model_validate(load_strict_yaml(place, "evaluation"))
    except ValidationError as error:
        key, message, hint = first_fault(error)
        raise TongpinError("evaluation.shape", f"{key}：{message}", where=where, hint=hint) from None
    _check(table, home, where)
    return table, OWN if place is own else SHIPPED


def write_table(home: Home) -> Path:
    """A copy of the shipped table in the home, to be edited; one that is there already stays."""
    path = own_file(home)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((catalogue_folder("measures") / FILE).read_text(encoding="utf-8"), encoding="utf-8")
    return path


def _check(table: Table, home: Home, where: str) -> None:
    if sorted(one.id for one in table.settings) != sorted(LIMITS):
        raise TongpinError(
            "evaluation.shape",
            f"settings 应恰有这些项各一次：{'、'.join(LIMITS)}",
            where=where,
            hint="参照随包的评价表",
        )
    sums = {
        "各维度": sum(one.weight for one in table.dimensions),
        **{f"维度“{one.label}”": sum(part.weight for part in one.scored) for one in table.dimensions},
    }
    for name, total in sums.items():
        if total != WHOLE:
            raise TongpinError(
                "evaluation.weights",
                f"{name}的权重之和为 {total}，应为 {WHOLE}",
                where=where,
                hint="改权重使其合计相符",
            )
    names = [part.measure for one in table.dimensions for part in one.scored]
    twice = sorted({name for name in names if names.count(name) > 1})
    labels = [one.label for one in table.dimensions]
    if twice or len(set(labels)) != len(labels):
        raise TongpinError(
            "evaluation.twice",
            f"重复计分或维度重名：{'、'.join(twice or labels)}",
            where=where,
            hint="每个指标只计一次",
        )
    known = known_measures(home)
    for name in table.measures:
        if name not in known:
            raise TongpinError(
                "evaluation.measure",
                f"没有指标 {name}，或它要的数没有导入",
                where=where,
                hint="指标看 tongpin measures list",
            )
    for name in names:
        if known[name].direction not in SIGNS:
            raise TongpinError(
                "evaluation.monitored",
                f"{known[name].label}（{name}）的方向是“{known[name].direction}”，不能计分",
                where=where,
                hint="监测比较、区间型的指标写在 shown 里，只展示",
            )
