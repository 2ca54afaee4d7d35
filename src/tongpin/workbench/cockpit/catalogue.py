"""The cockpit's own data 驾驶舱目录: cards, sections, drills, core indicators, loop, mismatches, alert rules."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError

from tongpin.base.errors import TongpinError
from tongpin.base.strict_yaml import Strict, first_fault, load_strict_yaml
from tongpin.measures.catalogue import load_measures
from tongpin.measures.distinct import load_on_demand
from tongpin.workbench.sign_in.roles import Reach, permissions

Model = TypeVar("Model", bound=Strict)
CASES, DISCHARGES, STATEMENTS = "cases", "discharges", "statements"
PATHS = {CASES: "/cases", DISCHARGES: "/cockpit/discharges", STATEMENTS: "/statements"}
"""Where a list that a figure leads to stands."""
NEEDS = {CASES: "cases.read", DISCHARGES: "cases.read", STATEMENTS: "statements.read"}
"""The permission without which nobody is led there."""


class Cards(Strict):
    """The measures that a reach sees first, in order."""

    reach: Reach
    measures: tuple[str, ...]


class Core(Strict):
    """The indicators that a user may choose from, and those of who chose none yet (S001-27)."""

    reference: str
    assumed: bool
    measures: tuple[str, ...]
    first: tuple[str, ...]


class Section(Strict):
    """A section of the page: which reaches see it, with which permission, and whether it shows money."""

    id: str
    label: str
    reaches: tuple[Reach, ...]
    permission: str = "cockpit.read"
    needs_money: bool = False
    reference: str


class Drill(Strict):
    """The list behind a measure, with filters as the address of a list has them."""

    measure: str
    list: Literal["cases", "discharges", "statements"]
    filters: tuple[str, ...] = ()
    sort: str = ""


class Stage(Strict):
    """A stage of the loop and the page it leads to (S004-06)."""

    id: Literal["upload", "quality", "settlement", "audit", "assessment"]
    label: str
    path: str
    permission: str


class Mismatch(Strict):
    """A way in which settlement and filing do not match, and what to do (S000-27)."""

    id: Literal["open_lists", "without_page", "without_list", "filed_early", "filed_late"]
    label: str
    next: str


class CockpitData(Strict):
    """The file `cockpit.yaml`."""

    without_money: tuple[str, ...]
    compare: tuple[Literal["yoy", "mom"], ...]
    cards: tuple[Cards, ...]
    core: Core
    sections: tuple[Section, ...]
    drills: tuple[Drill, ...]
    loop: tuple[Stage, ...]
    mismatches: tuple[Mismatch, ...]


class AlertRule(Strict):
    """An alert rule: what each desk has to do; with `measure` a limit in ten-thousandths by level of the subject."""

    id: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    label: str
    reference: str
    hospital: str
    bureau: str
    assumed: bool
    measure: str = ""
    above_e4: dict[Literal["hospital", "department"], int] = Field(default_factory=dict)
    minimum_cases: int = 0


class _Alerts(Strict):
    rules: tuple[AlertRule, ...]


@cache
def cockpit_data() -> CockpitData:
    """The cockpit's file; `cockpit.catalogue` for a measure or a permission that does not exist."""
    data = _read("cockpit.yaml", CockpitData)
    named = {name for one in data.cards for name in one.measures}
    named |= {*data.without_money, *data.core.measures, *(one.measure for one in data.drills)}
    unknown = sorted(named - load_measures().keys() - load_on_demand().keys())
    unknown += sorted(set(data.core.first) - set(data.core.measures))
    needed = {one.permission for one in data.sections} | {one.permission for one in data.loop}
    unknown += sorted(needed - permissions().keys())
    if unknown:
        raise TongpinError("cockpit.catalogue", f"没有指标或权限 {unknown[0]}", where="cockpit.yaml", hint="改目录")
    return data


@cache
def alert_rules() -> dict[str, AlertRule]:
    """The alert rules by id."""
    rules = {one.id: one for one in _read("alerts.yaml", _Alerts).rules}
    if unknown := sorted({one.measure for one in rules.values()} - {"", *load_measures()}):
        raise TongpinError("cockpit.catalogue", f"没有指标 {unknown[0]}", where="alerts.yaml", hint="改目录")
    return rules


def _read(name: str, model: type[Model]) -> Model:
    path = files("tongpin") / "catalogue" / "workbench" / name
    try:
        return model.model_validate(load_strict_yaml(path, "cockpit"))
    except ValidationError as error:
        place, message, hint = first_fault(error)
        raise TongpinError("cockpit.catalogue", message, where=f"{name}：{place}", hint=hint) from None
