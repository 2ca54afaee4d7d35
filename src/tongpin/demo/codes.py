"""Codes 编码: the diagnoses and procedures of the stays, so that each groups as planned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tongpin.demo.groups import BY_CHANCE, CC, MCC, NONE
from tongpin.demo.stays import PRINCIPAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tongpin.demo.groups import Array, Lists
    from tongpin.demo.persons import Persons
    from tongpin.demo.setting import Setting
    from tongpin.demo.stays import Stays


@dataclass(frozen=True)
class Codes:
    """Parallel to the stays: code lists ready for the case table, and what they imply.

    `procedure` is the alternative taken, a position in `groups.procedures.values`.
    """

    dx: pa.ListArray
    px: pa.ListArray
    severity: Array
    ventilation_minutes: Array
    procedure: Array


def draw_codes(setting: Setting, hospital: int, rng: np.random.Generator, stays: Stays, persons: Persons) -> Codes:
    """Principal and secondary diagnoses as the planned group demands them, and one of its procedures' alternatives."""
    groups = setting.groups
    at = groups.principals.pick(stays.group, stays.person[:, PRINCIPAL])
    principal = groups.principals.values[at]
    severity = _severity(setting, rng, stays.group)
    complication = np.full(len(stays), -1, dtype=np.int32)
    for wanted, codes, appeal in ((MCC, groups.mcc, groups.mcc_appeal), (CC, groups.cc, groups.cc_appeal)):
        rows = np.flatnonzero(severity == wanted)
        complication[rows] = _choose(rng, codes, appeal[at[rows]])
    chosen = np.column_stack(
        [principal, _required(groups.others, rng, stays.group), complication, _common(setting, hospital, rng, persons)],
    )
    chosen[:, 1:][chosen[:, 1:] == chosen[:, :1]] = -1
    procedure = groups.procedures.pick(stays.group, rng.random(len(stays)))
    px, minutes = _procedures(setting, rng, procedure)
    return Codes(_code_lists(chosen, groups.dx_codes), px, severity, minutes, procedure)


def _severity(setting: Setting, rng: np.random.Generator, group: Array) -> Array:
    chance = rng.random(len(group))
    stay = setting.profile.stay
    mcc, cc = stay.unsplit_mcc_share.value, stay.unsplit_cc_share.value
    severity = np.where(chance < mcc, MCC, np.where(chance < mcc + cc, CC, NONE))
    demanded = setting.groups.severity[group]
    return np.where(demanded == BY_CHANCE, severity, demanded)


def _choose(rng: np.random.Generator, codes: Array, appeal: Array) -> Array:
    """One code a row, drawn in proportion to exp(appeal); -1 where nothing has any."""
    if not len(appeal):
        return np.zeros(0, dtype=np.int32)
    keys = appeal + rng.gumbel(size=appeal.shape)
    best = keys.argmax(axis=1)
    return np.where(np.isneginf(keys.max(axis=1)), -1, codes[best]).astype(np.int32)


def _required(others: Lists, rng: np.random.Generator, group: Array) -> Array:
    """The secondary diagnosis that a group demands, -1 where it demands none."""
    demanded = np.diff(others.starts)[group] > 0
    codes = np.full(len(group), -1, dtype=np.int32)
    codes[demanded] = others.values[others.pick(group[demanded], rng.random(int(demanded.sum())))]
    return codes


def _common(setting: Setting, hospital: int, rng: np.random.Generator, persons: Persons) -> Array:
    """Frequent diagnoses without influence on the group, as many as age and grade suggest; -1 fills the row."""
    groups, plan = setting.groups, setting.profile.comorbidity
    ages = sorted(plan.age_factor.value)
    factor = np.array([plan.age_factor.value[age] for age in ages])[
        np.searchsorted(ages, persons.age, side="right") - 1
    ]
    mean = setting.profile.grades.other_diagnoses.value[setting.hospitals[hospital].grade]
    wanted = np.minimum(rng.poisson(mean * factor), plan.most.value)
    fits = (persons.age[:, None] >= groups.common_age) & (
        (groups.common_sex == 0) | (groups.common_sex == persons.sex[:, None])
    )
    keys = np.where(fits, np.log(groups.common_weight) + rng.gumbel(size=fits.shape), -np.inf)
    order = np.argsort(-keys, axis=1)[:, : plan.most.value]
    kept = (np.arange(order.shape[1]) < wanted[:, None]) & np.take_along_axis(fits, order, axis=1)
    return np.where(kept, groups.common[order], -1)


def _procedures(setting: Setting, rng: np.random.Generator, procedure: Array) -> tuple[pa.ListArray, Array]:
    groups = setting.groups
    picked = groups.procedures.values[procedure]
    starts = groups.procedure_codes.starts
    lengths = starts[picked + 1] - starts[picked]
    chosen = np.full((len(picked), int(lengths.max(initial=0))), -1, dtype=np.int32)
    for position in range(chosen.shape[1]):
        has = lengths > position
        chosen[has, position] = groups.procedure_codes.values[starts[picked[has]] + position]
    minutes = np.full(len(picked), -1, dtype=np.int64)
    for code, (least, most) in setting.profile.stay.ventilation_minutes.value.items():
        index = groups.px_codes.index(code) if code in groups.px_codes else None
        if index is not None:
            rows = (chosen == index).any(axis=1)
            minutes[rows] = rng.integers(least, most + 1, int(rows.sum()))
    return _code_lists(chosen, groups.px_codes), minutes


def _code_lists(chosen: Array, codes: Sequence[str]) -> pa.ListArray:
    """Rows of code indices (-1 = nothing) as lists over a dictionary of codes."""
    given = chosen >= 0
    offsets = np.concatenate([[0], np.cumsum(given.sum(axis=1))]).astype(np.int32)
    values = pa.DictionaryArray.from_arrays(
        pa.array(chosen[given].astype(np.int32), pa.int32()),
        pa.array(codes, pa.string()),
    )
    return pa.ListArray.from_arrays(pa.array(offsets), values)
