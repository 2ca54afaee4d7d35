"""The data of the portfolio 病组组合的规则: classes, mission limits, moves, growth, capacities and settings."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.measures.catalogue import catalogue_folder


class GroupClass(Strict):
    """A class of groups: weight bounds (from inclusive, below exclusive), and how the group has been losing.

    `losing`: `none` not in the last period, `short` fewer periods in a row than the setting, `run` as many or more;
    left out: whatever the result. Source: S000-12..15.
    """

    id: StrictStr
    label: StrictStr
    rule: StrictStr
    weight_from_e4: StrictInt | None = None
    weight_below_e4: StrictInt | None = None
    losing: Literal["none", "short", "run"] | None = None
    reference: StrictStr
    assumed: StrictBool


class Limit(Strict):
    """Cases that no move touches: those with a value of a column, or groups that too few others treat. S920-01."""

    id: StrictStr
    label: StrictStr
    column: StrictStr | None = None
    values: tuple[StrictStr, ...] = ()
    below: StrictInt | None = None
    at_least: Annotated[StrictInt | None, Field(alias="from")] = None
    others_below: StrictInt | None = None
    unknown: Literal["protected", "free"] = "protected"
    reference: StrictStr
    assumed: StrictBool


class CaseTest(Strict):
    """What every case of a move must meet."""

    weight_below_e4: StrictInt | None = None
    stay_days_from: StrictInt | None = None
    stay_days_at_most: StrictInt | None = None
    surgery_level_from: StrictInt | None = None
    surgery_level_at_most: StrictInt | None = None
    without_surgery: StrictBool = False
    discharge_ways: tuple[StrictStr, ...] = ()
    care_types: tuple[StrictStr, ...] = ()


class Move(Strict):
    """A way out of the ward: where to, whether the case leaves the hospital's inpatients, who may go, what it does."""

    id: StrictStr
    label: StrictStr
    destination: StrictStr
    effect: StrictStr
    leaves: StrictBool
    hospital_levels: tuple[StrictStr, ...]
    receiver: StrictBool
    case: CaseTest
    reference: StrictStr
    assumed: StrictBool


class Growth(Strict):
    """Which groups may be advised to grow."""

    label: StrictStr
    weight_from_e4: StrictInt
    reference: StrictStr
    assumed: StrictBool


class CapacityRule(Strict):
    """A capacity: which fact of the cases uses it up, and where its amount comes from."""

    id: StrictStr
    label: StrictStr
    unit: StrictStr
    fact: StrictStr
    source: StrictStr
    item: StrictStr = ""


class FiledItem(Strict):
    """A filed item that follows the cases: facts of front pages (`page.…`) and lists (`list.…`), minus with `-`."""

    terms: tuple[StrictStr, ...]
    reason: StrictStr
    reference: StrictStr
    assumed: StrictBool


class Setting(Strict):
    """A parameter of the portfolio; `unit` in words, ratios in ten-thousandths."""

    id: StrictStr
    label: StrictStr
    unit: StrictStr
    value: StrictInt
    reference: StrictStr
    assumed: StrictBool


class PortfolioRules(Strict):
    """Everything of `catalogue/twin/portfolio.yaml`."""

    classes: tuple[GroupClass, ...]
    limits: tuple[Limit, ...]
    moves: tuple[Move, ...]
    growth: Growth
    capacities: tuple[CapacityRule, ...]
    guokao: dict[StrictStr, tuple[StrictStr, ...]]
    filed_items: dict[StrictStr, FiledItem]
    settings: tuple[Setting, ...]

    def setting(self, name: str) -> int:
        """The value of one parameter."""
        return next(one.value for one in self.settings if one.id == name)


@cache
def load_portfolio() -> PortfolioRules:
    """The rules of the portfolio; an unknown or missing key is refused (`catalogue.shape`)."""
    path = catalogue_folder("twin") / "portfolio.yaml"
    try:
        return PortfolioRules.model_validate(load_strict_yaml(path, "catalogue"))
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise TongpinError("catalogue.shape", message, where=f"{path.name} {place}", hint=hint) from error


def load_classes() -> tuple[GroupClass, ...]:
    """The classes from the top of the pyramid to its foot; together they leave no hole."""
    return load_portfolio().classes
