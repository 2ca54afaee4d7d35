"""Hospital coefficients 机构系数: a base of the hospital's class plus steps for what it has above its peers (TV-A11).

The form is that of a published edition (Xiamen 2024): so much for every step above the mean, up to a cap that depends
on the class. Everything is counted in ten-thousandths: with binary fractions the worked example comes out wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tongpin.base.errors import PolicyError
from tongpin.base.money import SCALE, round_half_up

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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


class Figure(NamedTuple):
    """A figure of a hospital behind an element: its value, the mean of its peers (0 for a share that stands alone).

    Both in ten-thousandths; `peers` counts the hospitals of the mean.
    """

    value_e4: int
    mean_e4: int
    peers: int
    excess_e4: int


class Hospital(NamedTuple):
    """A hospital with its class, the figures of its cases and the coefficient that they give."""

    institution_code: str
    institution_name: str
    hospital_class: str
    cases: int
    figures: dict[str, Figure]
    coefficient: Coefficient


def hospital_coefficients(
    cases: pa.Table, institutions: Sequence[Mapping[str, Any]], policy: Policy, on: date
) -> list[Hospital]:
    """The coefficients of the hospitals from the cases of a span, with every figure (TV-A11).

    `cases`: `institution_code, rw_e4` (0 without a disease), `age`, `total_fee_fen, tcm_fee_fen`. `institutions`: the
    row in force of each, with `settlement_level, grade, function_type`. Elements are those of `dip.institution.step`;
    an edition that names a class by level and function (二级产科) has it for such hospitals, else the level's.
    """
    elements = [leaf["element"] for leaf in policy.leaves("dip.institution.step", on)]
    known = {row["institution_code"]: row for row in institutions}
    classes = {leaf["hospital_class"] for leaf in policy.leaves("dip.institution.base", on)}
    sums = _sums(cases, policy, on, elements)
    found = []
    for code, own in sums.items():
        row = known.get(code)
        if row is None:
            raise PolicyError(
                "policy.institution", f"机构 {code} 没有登记", where="institution", hint="在机构登记表中补上它"
            )
        level = row["settlement_level"]
        named = f"{level}{row.get('function_type') or ''}"
        hospital_class = named if named in classes else level
        figures = {one: _figure(one, code, row, sums, known, policy, on) for one in elements}
        excess = {name: figure.excess_e4 for name, figure in figures.items()}
        coefficient = institution_coefficient(policy, on, hospital_class, excess)
        name = row.get("institution_name") or code
        found.append(Hospital(code, name, hospital_class, own["cases"][1], figures, coefficient))
    return found


def _sums(cases: pa.Table, policy: Policy, on: date, elements: Sequence[str]) -> dict[str, dict[str, tuple[int, int]]]:
    """For each hospital and element the sum above and below the line of its figure."""
    age = pc.fill_null(pc.cast(cases["age"], pa.int64()), -1).to_numpy()
    ones = np.ones(cases.num_rows, np.int64)
    rw = cases["rw_e4"].to_numpy()
    parts: dict[str, tuple[Any, Any]] = {"cases": (ones, ones), "cmi": (rw, (rw > 0).astype(np.int64))}
    if "children" in elements:
        limit = policy.value("dip.institution.age_limit", on, element="children")
        parts["children"] = (((age >= 0) & (age <= limit)) * SCALE, ones)
    if "elderly" in elements:
        parts["elderly"] = ((age >= policy.value("dip.institution.age_limit", on, element="elderly")) * SCALE, ones)
    if "tcm" in elements:
        parts["tcm"] = (cases["tcm_fee_fen"].to_numpy() * SCALE, cases["total_fee_fen"].to_numpy())
    codes = cases["institution_code"].to_pylist()
    names = sorted(set(codes))
    place = np.array([names.index(code) for code in codes], np.int64)
    found: dict[str, dict[str, tuple[int, int]]] = {name: {} for name in names}
    for element, columns in parts.items():
        whole = [np.zeros(len(names), np.int64) for _ in columns]
        for sums, values in zip(whole, columns, strict=True):
            np.add.at(sums, place, values.astype(np.int64))
        for number, name in enumerate(names):
            found[name][element] = (int(whole[0][number]), int(whole[1][number]))
    return found


def _figure(
    element: str,
    code: str,
    row: Mapping[str, Any],
    sums: Mapping[str, Mapping[str, tuple[int, int]]],
    known: Mapping[str, Mapping[str, Any]],
    policy: Policy,
    on: date,
) -> Figure:
    value = _ratio(*sums[code][element])
    if element == "tcm":  # so much for every step of the share itself
        return Figure(value, 0, 0, value)
    same = [one for one in sums if known.get(one, {}).get("settlement_level") == row["settlement_level"]]
    if policy.value("dip.institution.peers", on, element=element) == "class_b":
        same = [one for one in same if "乙" in (known[one].get("grade") or "")] or same
    if policy.value("dip.institution.mean", on) == "simple":
        mean = round_half_up(sum(_ratio(*sums[one][element]) for one in same), len(same))
    else:
        mean = _ratio(*(sum(sums[one][element][part] for one in same) for part in (0, 1)))
    return Figure(value, mean, len(same), excess_over(value, mean) if mean else 0)


def _ratio(above: int, below: int) -> int:
    return round_half_up(above, below) if below else 0
