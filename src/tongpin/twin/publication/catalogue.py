"""The publication as data 公布目录: which figures stand in which section, and the limits of a directed edition."""

from __future__ import annotations

from datetime import date  # noqa: TC003  # Pydantic reads it
from functools import cache
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr, ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.measures.catalogue import Definition, catalogue_folder
from tongpin.measures.distinct import load_on_demand
from tongpin.measures.ranks import SIGNS
from tongpin.twin.catalogue import measure

FILE = "publication.yaml"
StatementField = Literal[
    "cases",
    "drg_cases",
    "item_pool_fen",
    "pool_payable_fen",
    "pay_ratio",
    "month_pool_payable_fen",
    "month_result_fen",
]
"""What of the publication of a closed month may stand in a section (`payment/fund/publication.py`)."""


class Limit(Definition):
    """A limit of the publication, with the day on which its source was looked at."""

    checked_on: date


class Section(Strict):
    """A section: figures of the statements, then measures, in this order."""

    id: StrictStr
    label: StrictStr
    statement: tuple[StatementField, ...] = ()
    measures: tuple[StrictStr, ...] = ()
    reference: StrictStr


class Plan(Strict):
    """The plan of a publication.

    `charts` are rates whose events are drawn as funnels; `watched` measures name the hospitals that are surely worse
    than their level: only such as case mix does not explain.
    """

    id: StrictStr
    label: StrictStr
    reference: StrictStr
    checked_on: date
    assumed: StrictBool
    settings: tuple[Limit, ...]
    sections: Annotated[tuple[Section, ...], Field(min_length=1)]
    charts: tuple[StrictStr, ...] = ()
    watched: tuple[StrictStr, ...] = ()

    def limit(self, name: str) -> int:
        """The value of a limit."""
        return next(one.value for one in self.settings if one.id == name)

    @property
    def measures(self) -> tuple[str, ...]:
        """The ids of every measure of the publication, each once."""
        return tuple(dict.fromkeys(name for one in self.sections for name in one.measures))


@cache
def load_plan() -> Plan:
    """The shipped plan.

    Errors: `publication.shape` (an unknown key, a chart that no section shows or that is no rate to be lowered),
    `twin.measure` (a measure that the catalogue does not know).
    """
    try:
        plan = Plan.model_validate(load_strict_yaml(catalogue_folder("twin") / FILE, "publication"))
    except ValidationError as error:
        key, message, hint = first_fault(error)
        raise TongpinError("publication.shape", f"{key}：{message}", where=FILE, hint=hint) from None
    check_plan(plan)
    return plan


def check_plan(plan: Plan) -> None:
    """Refuse a plan whose measures or charts do not stand; errors as `load_plan`."""
    for name in plan.measures:
        if name not in load_on_demand():
            measure(name)
    for name in plan.watched:
        if name not in plan.measures or measure(name).direction not in SIGNS:
            raise TongpinError(
                "publication.shape",
                f"watched 里的 {name} 不在任何一节，或没有好坏方向",
                where=FILE,
                hint="监测比较、区间型的指标不评好坏",
            )
    for name in plan.charts:
        if name not in plan.measures or measure(name).unit != "ratio" or measure(name).direction != "降低":
            raise TongpinError(
                "publication.shape",
                f"漏斗图 {name} 不是某一节里要降低的比率",
                where=FILE,
                hint="只画例数上的比率，例如高倍率病例占比",
            )
