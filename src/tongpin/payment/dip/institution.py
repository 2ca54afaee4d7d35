"""Hospital coefficients 机构系数: a base of the hospital's class plus steps for what it has above its peers (TV-A11).

The form is that of a published edition (Xiamen 2024): so much for every step above the mean, up to a cap that depends
on the class. Everything is counted in ten-thousandths: with binary fractions the worked example comes out wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tongpin.base.errors import PolicyError
from tongpin.base.money import round_half_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tongpin.payment.policy.policy import Policy

ELEMENTS = {
    "cmi": "CMI 高于同级均值",
    "children": "6 岁及以下占比高于同级均值",
    "elderly": "70 岁及以上占比高于同级均值",
    "tcm": "中医药服务占比",
}
"""What may add to the base."""


class Addition(NamedTuple):
    """What one element adds: how far above the mean, steps counted, the addition before and after its cap (all e4)."""

    element: str
    excess_e4: int
    addition_e4: int
    capped_e4: int


class Coefficient(NamedTuple):
    """A hospital coefficient in ten-thousandths with its parts."""

    base_e4: int
    additions: tuple[Addition, ...]
    total_e4: int


def institution_coefficient(policy: Policy, on: date, hospital_class: str, excess_e4: Mapping[str, int]) -> Coefficient:
    """The coefficient of a hospital of a class whose elements exceed the mean by so much (relative, e4).

    An element at or below the mean adds nothing. `policy.gap` for a class or an element the edition does not name;
    `dip.institution` for an unknown element.
    """
    base_e4 = policy.scaled("dip.institution.base", on, hospital_class=hospital_class)
    form = policy.value("dip.institution.steps", on)
    additions = []
    for element, excess in excess_e4.items():
        if element not in ELEMENTS:
            hint = f"可用：{'、'.join(ELEMENTS)}"
            raise PolicyError("dip.institution", f"没有加成项 {element}", where="dip.institution", hint=hint)
        place = {"element": element}
        step_e4 = policy.scaled("dip.institution.step", on, **place)
        add_e4 = policy.scaled("dip.institution.add", on, **place)
        first_e4 = policy.scaled("dip.institution.first", on, **place)
        cap_e4 = policy.scaled("dip.institution.cap", on, hospital_class=hospital_class, **place)
        added = 0
        if excess > 0:
            steps = excess // step_e4 * add_e4 if form == "floored" else round_half_up(excess * add_e4, step_e4)
            added = first_e4 + steps
        additions.append(Addition(element, excess, added, min(added, cap_e4)))
    return Coefficient(base_e4, tuple(additions), base_e4 + sum(one.capped_e4 for one in additions))


def excess_over(value: int, mean: int) -> int:
    """How far a figure is above the mean, relative, in ten-thousandths, rounded down; below the mean 0."""
    if mean <= 0:
        raise PolicyError("dip.institution", "同级均值不为正", where="mean", hint="补上同级均值")
    return max(0, (value - mean) * 10_000 // mean)
